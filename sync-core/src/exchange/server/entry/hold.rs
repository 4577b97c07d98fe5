//! Holds, as they stand in the log.

use serde::{Deserialize, Serialize};

use crate::document::name::DocumentName;
use crate::document::slot::{ContentHash, Slot, SlotKey};
use crate::envelope::Evidence;
use crate::exchange::message::{HoldReason, HoldState, HoldView, Receipt};
use crate::ids::{ActId, DeviceId, DocumentId, HoldId, PersonId};
use crate::time::Moment;

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
