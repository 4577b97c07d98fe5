//! What stands in an organisation's log: every change of state, in the order in which it came to be.

use std::collections::BTreeMap;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::document::name::DocumentName;
use crate::document::slot::{ContentHash, Slot, SlotKey};
use crate::envelope::{Envelope, Evidence};
use crate::exchange::message::{EndReason, HoldReason, HoldState, HoldView, Receipt};
use crate::exchange::register::Life;
use crate::ids::{ActId, DeviceId, DocumentId, HoldId, LogId, OrgId, PersonId, RosterRowId};
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

/// An act that waits for review, or was decided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold {
    /// Which hold: derived from the act, so a resend finds the same one.
    pub id: HoldId,
    /// The document that it is for.
    pub name: DocumentName,
    /// Whose act.
    pub author: PersonId,
    /// The device that signed it.
    pub device: DeviceId,
    /// The act.
    pub act: ActId,
    /// What it would make: the slots that did not stand already.
    pub slots: Vec<Slot>,
    /// Why it waits; the first of the reasons in their order of weight.
    pub reason: HoldReason,
    /// Whether it waits for nothing but what it builds on.
    pub only_on_top: bool,
    /// The receipt by which it stood in a life of the log that is lost; it stands in for policy once what it builds on is here.
    #[serde(default)]
    pub receipt: Option<Receipt>,
    /// In a few words, which value needs correction.
    pub fault: Option<String>,
    /// Whether it came after the author's place had ended, for ever.
    pub late: bool,
    /// The envelope that brought it.
    pub envelope: ContentHash,
    /// What bounds how early it can have been made.
    pub evidence: Evidence,
    /// When it arrived.
    pub received: Moment,
    /// Where in the log it was last judged; the index fills it in.
    pub seq: u64,
    /// The policy that it was judged by.
    pub policy: u32,
    /// Where it stands.
    pub state: HoldState,
}

impl Hold {
    /// Returns the hold's document.
    pub fn document(&self) -> DocumentId {
        self.name.id()
    }

    /// Returns whether the hold has a record under this key that says this.
    pub fn has(&self, key: &SlotKey, content: ContentHash) -> bool {
        self.slots.iter().any(|held| held.key == *key && held.content_hash() == content)
    }

    /// Returns the hold as its author or a reviewer sees it.
    pub fn view(&self) -> HoldView {
        HoldView {
            id: self.id,
            name: self.name.clone(),
            author: self.author,
            act: self.act,
            slots: self.slots.clone(),
            reason: self.reason.clone(),
            fault: self.fault.clone(),
            late: self.late,
            received: self.received,
            state: self.state.clone(),
        }
    }
}

/// How a change came to be in a document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Origin {
    /// As its device wrote it.
    Verbatim {
        /// What the device signed, without the change, which stands beside it.
        envelope: ContentHash,
        /// The device's signature over the envelope.
        #[serde(with = "serde_bytes")]
        signature: [u8; 64],
        /// What the device had seen.
        evidence: Evidence,
        /// The policy by which it was let through.
        policy: u32,
    },
    /// Made by the server, out of slots that were allowed or admitted.
    Issued {
        /// The envelopes that brought them; none for the organisation's own imports.
        envelopes: Vec<Envelope>,
        /// The holds that are admitted by it.
        admitted: Vec<HoldId>,
        /// The policy by which they were let through.
        policy: u32,
    },
    /// Made by the server, out of what a receipt proves to have stood in a life of the log that is lost.
    Again {
        /// The envelope that was sealed when it was made.
        envelope: Envelope,
        /// The receipt.
        receipt: Receipt,
    },
    /// Made by the server, out of what stood in an earlier life of the document.
    Renewed,
}

/// Why a log began a new life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RestoredBy {
    /// Somebody restored a backup.
    Backup,
    /// The folder was set back and nobody said so: a tablet had seen more.
    RollBack,
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

impl LogEntry {
    /// Returns the document that the entry is about, for the log's own bookkeeping and its keys per student.
    pub fn document(&self) -> Option<DocumentId> {
        match self {
            Self::Founded { name, .. } => Some(name.id()),
            Self::Held { hold, .. } => Some(hold.document()),
            Self::Changed { document, .. }
            | Self::Refused { document, .. }
            | Self::Begin { document, .. }
            | Self::Review { document, .. }
            | Self::End { document, .. }
            | Self::Replaced { document, .. }
            | Self::Gone { document } => Some(*document),
            Self::Organisation(_)
            | Self::Calendar(_)
            | Self::School(_)
            | Self::Person(_)
            | Self::Student(_)
            | Self::Guardian(_)
            | Self::Grant(_)
            | Self::Day(_)
            | Self::Code { .. }
            | Self::Device { .. }
            | Self::DeviceState { .. }
            | Self::HoldState { .. }
            | Self::Fact { .. }
            | Self::Delivered { .. }
            | Self::Imported { .. }
            | Self::Family(_)
            | Self::Restored { .. }
            | Self::Confirmed { .. }
            | Self::Certified { .. }
            | Self::Policy { .. }
            | Self::Audit { .. }
            | Self::Horizon { .. } => None,
        }
    }

    /// Returns the number by which the log tells kinds of entries apart without decoding them. It never changes.
    pub fn kind(&self) -> u16 {
        match self {
            Self::Organisation(_) => 1,
            Self::Calendar(_) => 2,
            Self::School(_) => 3,
            Self::Person(_) => 4,
            Self::Student(_) => 5,
            Self::Guardian(_) => 6,
            Self::Grant(_) => 7,
            Self::Day(_) => 8,
            Self::Code { .. } => 9,
            Self::Device { .. } => 10,
            Self::DeviceState { .. } => 11,
            Self::Founded { .. } => 12,
            Self::Changed { .. } => 13,
            Self::Held { .. } => 14,
            Self::HoldState { .. } => 15,
            Self::Refused { .. } => 16,
            Self::Begin { .. } => 17,
            Self::Review { .. } => 18,
            Self::End { .. } => 19,
            Self::Fact { .. } => 20,
            Self::Delivered { .. } => 21,
            Self::Audit { .. } => 22,
            Self::Imported { .. } => 23,
            Self::Family(entry) => entry.kind(),
            Self::Restored { .. } => 24,
            Self::Confirmed { .. } => 25,
            Self::Certified { .. } => 26,
            Self::Replaced { .. } => 27,
            Self::Gone { .. } => 28,
            Self::Policy { .. } => 29,
            Self::Horizon { .. } => 30,
        }
    }
}

/// What the index keeps of a slot that stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// Where in the log it came to stand.
    pub seq: u64,
    /// What it says.
    pub hash: ContentHash,
    /// In which container.
    pub container: String,
    /// For a goal, or an assignment of one, the discipline.
    pub discipline: Option<String>,
    /// For an edit, which leaf of which record it is about.
    pub edits: Option<(SlotKey, String)>,
}
