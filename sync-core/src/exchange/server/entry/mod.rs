//! What stands in an organisation's log: every change of state, in the order in which it came to be.
//!
//! | Module | What it is |
//! | --- | --- |
//! | `hold` | an act that waits for review, or was decided |
//! | `origin` | how a change came to be in a document, and a life of the log |
//! | `kind` | what the log itself knows of an entry |

mod hold;
mod kind;
mod origin;

use std::collections::BTreeMap;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

pub use hold::Hold;
pub use origin::{Origin, RestoredBy};

use crate::document::name::DocumentName;
use crate::document::slot::{ContentHash, SlotKey};
use crate::envelope::Envelope;
use crate::exchange::message::{EndReason, HoldState};
use crate::exchange::register::Life;
use crate::ids::{DeviceId, DocumentId, HoldId, LogId, OrgId, PersonId, RosterRowId};
use crate::projection::family::FamilyEntry;
use crate::roster::calendar::Calendar;
use crate::roster::reading::Roles;
use crate::roster::version::PolicyVersion;
use crate::roster::{Device, DeviceState, Grant, Guardian, Person, School, Student};
use crate::sensitive::Sensitive;
use crate::time::{Moment, Zone};

/// The organisation itself: the first entry of every log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Organisation {
    /// Which organisation.
    pub id: OrgId,
    /// Its name.
    pub name: String,
    /// The zone of its school days.
    pub zone: Zone,
}

/// What the roster said last of one field of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct RosterSaid {
    /// The value, as a hash.
    pub value: ContentHash,
    /// The organisation's own edit that said it; none where it is said by a fact, or by the record as it was made.
    pub edit: Option<SlotKey>,
}

/// One entry of the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum LogEntry {
    /// The organisation is founded.
    Organisation(Organisation),
    /// The terms are these now.
    Calendar(Calendar),
    /// A school is new or changed.
    School(School),
    /// A person is new or changed.
    Person(Person),
    /// A student is new or changed.
    Student(Student),
    /// A guardian is new or changed.
    Guardian(Guardian),
    /// A grant is new or changed.
    Grant(Grant),
    /// The school day is this one now; the grants that begin or end with it follow.
    Day(Date),
    /// A one-time pairing code was given out.
    Code {
        /// Its keyed hash.
        hash: ContentHash,
        /// For whom.
        person: PersonId,
        /// Until when it can be used.
        expires: Moment,
    },
    /// A device was paired with a code, which is used up.
    Device {
        /// The device.
        device: Device,
        /// The keyed hash of the code.
        code: ContentHash,
    },
    /// A device was revoked or reported lost.
    DeviceState {
        /// Which device.
        device: DeviceId,
        /// What it is from here on.
        state: DeviceState,
    },
    /// A document was founded, or a schema step was added.
    Founded {
        /// The document.
        name: DocumentName,
        /// Which step.
        step: u32,
    },
    /// A change stands in a document.
    Changed {
        /// Of which document.
        document: DocumentId,
        /// The change.
        #[serde(with = "serde_bytes")]
        change: Vec<u8>,
        /// How it came to be.
        origin: Origin,
    },
    /// An act is held.
    Held {
        /// The hold.
        hold: Box<Hold>,
        /// The persons who are told.
        to: Vec<PersonId>,
    },
    /// A hold changed its state.
    HoldState {
        /// Which hold.
        hold: HoldId,
        /// What it is now.
        state: HoldState,
        /// The persons who are told.
        to: Vec<PersonId>,
    },
    /// An envelope was refused; what arrived is kept as evidence.
    Refused {
        /// The document that it was for.
        document: DocumentId,
        /// Who sent it.
        device: DeviceId,
        /// The envelope.
        envelope: Envelope,
        /// Why, as a stable code.
        code: String,
    },
    /// A person reads a document from here on, in these roles.
    Begin {
        /// Who.
        person: PersonId,
        /// Which document.
        document: DocumentId,
        /// As what.
        roles: Roles,
    },
    /// A person still reads a document, in other roles: the right to review may have changed.
    Review {
        /// Who.
        person: PersonId,
        /// Which document.
        document: DocumentId,
        /// As what.
        roles: Roles,
    },
    /// A person reads a document no more.
    End {
        /// Who.
        person: PersonId,
        /// Which document.
        document: DocumentId,
        /// Why.
        why: EndReason,
    },
    /// Something that the server owns changed for a person.
    Fact {
        /// For whom.
        person: PersonId,
        /// What it is about.
        key: String,
        /// The value; none where it is gone.
        value: Option<Sensitive<serde_bytes::ByteBuf>>,
    },
    /// Documents were delivered: the audit of who was sent what.
    Delivered {
        /// To whom.
        person: PersonId,
        /// On which device; none for a page or an export.
        device: Option<DeviceId>,
        /// Which documents.
        documents: Vec<DocumentId>,
        /// When.
        time: Moment,
    },
    /// What the district's roster says of one row now. An import compares with this, so that it changes what the roster changed and
    /// leaves alone what people have changed since.
    Imported {
        /// Which row.
        row: RosterRowId,
        /// All that it says, by field.
        said: BTreeMap<String, RosterSaid>,
    },
    /// Something happened around a family's page.
    Family(FamilyEntry),
    /// The log begins a new life: a backup was restored, or the folder was set back. Nothing goes down until it is confirmed.
    Restored {
        /// The life that begins.
        log: LogId,
        /// Every life, as the register beside the keys has them.
        lives: Vec<Life>,
        /// Why.
        by: RestoredBy,
    },
    /// An administrator has confirmed grants, revoked devices and destructions of a restored server, and the devices that it did not know.
    Confirmed {
        /// Who; none for an administrator's token of the machine itself.
        by: Option<PersonId>,
    },
    /// A device that was paired in what a restore has lost has shown its certificate.
    Certified {
        /// The device.
        device: Device,
    },
    /// A document begins a new life. What it says in that life follows.
    Replaced {
        /// Which document.
        document: DocumentId,
        /// Which life of it.
        incarnation: u32,
        /// The records that it has no more, with what they said.
        without: Vec<(SlotKey, ContentHash)>,
    },
    /// A document was destroyed: it does not come back.
    Gone {
        /// Which document.
        document: DocumentId,
    },
    /// Another version of the policy is in force from here on; what begins and ends with it follows.
    Policy {
        /// Which version.
        version: PolicyVersion,
        /// Who set it; none where it was set on the machine itself.
        by: Option<PersonId>,
        /// When.
        time: Moment,
    },
    /// Somebody decided something by hand that no other entry names.
    Audit {
        /// Who; none for an administrator's token of the machine itself.
        person: Option<PersonId>,
        /// What was done, as a stable word.
        action: String,
        /// To what, by its id.
        subject: String,
        /// When.
        time: Moment,
    },
    /// The horizon lies here from now on: whoever has not looked through the log up to it is told documents whole.
    Horizon {
        /// The last place below it.
        at: u64,
    },
}
