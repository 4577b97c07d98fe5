//! What waits for review.

use serde::{Deserialize, Serialize};

use crate::document::name::DocumentName;
use crate::document::slot::Slot;
use crate::ids::{ActId, HoldId, PersonId};
use crate::time::Moment;

/// Why an act waits for review.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HoldReason {
    /// The author had a place on the team once, and has none today.
    AccessEnded,
    /// The device was revoked.
    DeviceRevoked,
    /// The device was reported lost.
    DeviceLost,
    /// The role may propose this; somebody with the right decides.
    Proposal,
    /// The role may not do this.
    NotAllowed,
    /// The plan's school year is over.
    ClosedYear,
    /// No rule speaks of it.
    NoPolicy,
    /// A value cannot be as it is.
    NeedsCorrection,
    /// The same key stands with other content: two copies of one device.
    Twin,
    /// It builds on something that is itself held, or not known here.
    OnTop,
    /// It was found on a colleague's tablet after a restore.
    Recovered,
    /// The document could not be opened with it: it stood, and was set aside.
    SetAside,
}

impl HoldReason {
    /// Returns the reason's stable name.
    pub fn name(&self) -> &'static str {
        match self {
            Self::AccessEnded => "access_ended",
            Self::DeviceRevoked => "device_revoked",
            Self::DeviceLost => "device_lost",
            Self::Proposal => "proposal",
            Self::NotAllowed => "not_allowed",
            Self::ClosedYear => "closed_year",
            Self::NoPolicy => "no_policy",
            Self::NeedsCorrection => "needs_correction",
            Self::Twin => "twin",
            Self::OnTop => "on_top",
            Self::Recovered => "recovered",
            Self::SetAside => "set_aside",
        }
    }
}

/// Where a hold stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HoldState {
    /// Nobody has decided yet.
    Waiting,
    /// Its slots were issued.
    Admitted {
        /// Who admitted it; none where it came in because what it builds on did.
        by: Option<PersonId>,
    },
    /// It will not be in the record; the author has it, and why.
    Declined {
        /// Who declined it; none where it went along with what it builds on.
        by: Option<PersonId>,
        /// The reviewer's reason.
        reason: String,
    },
    /// Its author took it back.
    Withdrawn,
}

impl HoldState {
    /// Returns the state's stable name.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Admitted { .. } => "admitted",
            Self::Declined { .. } => "declined",
            Self::Withdrawn => "withdrawn",
        }
    }
}

/// A hold as its author or a reviewer sees it. It never carries a present value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HoldView {
    /// Which hold.
    #[serde(rename = "h")]
    pub id: HoldId,
    /// The document that it is for, by its full name.
    #[serde(rename = "n")]
    pub name: DocumentName,
    /// Whose act.
    #[serde(rename = "p")]
    pub author: PersonId,
    /// The act.
    #[serde(rename = "a")]
    pub act: ActId,
    /// What it would make.
    #[serde(rename = "s")]
    pub slots: Vec<Slot>,
    /// Why it waits.
    #[serde(rename = "r")]
    pub reason: HoldReason,
    /// In a few words, which value needs correction.
    #[serde(rename = "f")]
    pub fault: Option<String>,
    /// Whether it came after the author's place had ended, for ever.
    #[serde(rename = "l")]
    pub late: bool,
    /// When it arrived, by the server's clock.
    #[serde(rename = "t")]
    pub received: Moment,
    /// Where it stands.
    #[serde(rename = "q")]
    pub state: HoldState,
}
