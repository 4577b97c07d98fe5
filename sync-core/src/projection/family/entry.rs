//! The log's entries about guardians and what families are shown: kinds 40 to 49.

use std::collections::BTreeMap;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::value::{Field, Shown};
use crate::document::slot::{ContentHash, SlotKey};
use crate::ids::{GuardianId, StudentId};
use crate::sensitive::Sensitive;
use crate::time::Moment;

/// Something that happened around a family's page. Who a guardian is stands in an entry of the roster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum FamilyEntry {
    /// A one-time invitation was given out.
    Invited {
        /// Its keyed hash.
        hash: ContentHash,
        /// For whom.
        guardian: GuardianId,
        /// Until when it can be redeemed.
        expires: Moment,
    },
    /// A guardian's open invitations are no good any more: too many wrong ones were tried.
    InvitationsBurnt {
        /// Whose.
        guardian: GuardianId,
    },
    /// An invitation was redeemed, and a passphrase set. Earlier invitations and sessions end with it.
    Enrolled {
        /// By whom.
        guardian: GuardianId,
        /// The passphrase's hash, in the PHC string format.
        passphrase: Sensitive<String>,
    },
    /// A guardian signed in.
    SignedIn {
        /// Who.
        guardian: GuardianId,
        /// The keyed hash of the session's token.
        session: ContentHash,
        /// When.
        time: Moment,
        /// When the session ends by itself.
        expires: Moment,
    },
    /// A guardian signed out.
    SignedOut {
        /// Who.
        guardian: GuardianId,
        /// The keyed hash of the session's token.
        session: ContentHash,
    },
    /// What somebody at school decided by hand about a guardian's access, beside what the roster says.
    Access {
        /// Whose.
        guardian: GuardianId,
        /// A court order keeps the record from this guardian.
        restricted: bool,
        /// The access has ended for good.
        ended: bool,
    },
    /// What a student's family is shown in one place, from here on.
    Published {
        /// Of which student.
        student: StudentId,
        /// In which place.
        field: Field,
        /// What.
        shown: Box<Shown>,
        /// The hash of what stood in the record, signatures' cover included.
        basis: ContentHash,
        /// The place in the log up to which the record was read.
        seq: u64,
        /// The school day.
        day: Date,
        /// The day of the correction, where somebody had been shown another value before; of a visit, another day, length or kind of help.
        corrected: Option<Date>,
        /// Of a visit: the goals of which somebody had been shown other figures before, with the day of the correction.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        figures_corrected: BTreeMap<SlotKey, Date>,
    },
    /// A guardian was shown the page: the audit of who saw what.
    Viewed {
        /// Who.
        guardian: GuardianId,
        /// Whose page.
        student: StudentId,
        /// When.
        time: Moment,
    },
}

impl FamilyEntry {
    /// Returns the number by which the log tells this kind apart. It never changes.
    pub fn kind(&self) -> u16 {
        match self {
            Self::Invited { .. } => 40,
            Self::InvitationsBurnt { .. } => 41,
            Self::Enrolled { .. } => 42,
            Self::SignedIn { .. } => 43,
            Self::SignedOut { .. } => 44,
            Self::Access { .. } => 45,
            Self::Published { .. } => 46,
            Self::Viewed { .. } => 47,
        }
    }
}
