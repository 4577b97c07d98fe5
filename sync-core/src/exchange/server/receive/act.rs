//! An envelope's acts, sorted by what stands of each already, or is held.

use crate::document::slot::{ContentHash, Slot, SlotKey, by_act};
use crate::exchange::message::HoldReason;
use crate::exchange::server::apply::Contents;
use crate::exchange::server::desk::{Desk, DeskError};
use crate::exchange::server::entry::Hold;
use crate::exchange::server::index::DocumentState;
use crate::exchange::server::receipt::content_of;
use crate::ids::{ActId, DocumentId};
use crate::seeded::{Bug, seeded};

/// One act of an envelope, sorted by what stands of it.
pub(super) struct Act<'s> {
    pub(super) id: ActId,
    /// All that it says.
    pub(super) content: ContentHash,
    /// What neither stands nor is held.
    pub(super) new: Vec<&'s Slot>,
    /// Whether all of its slots are new.
    pub(super) whole: bool,
    /// The last place in the log at which something of it stands.
    pub(super) standing: u64,
    /// A hold that has something of it.
    pub(super) held: Option<Hold>,
    pub(super) twin: bool,
}

impl Desk<'_> {
    pub(super) fn sort_into_acts<'s>(
        &self,
        document: DocumentId,
        state: &DocumentState,
        slots: &'s [Slot],
        contents: &Contents,
    ) -> Result<Vec<Act<'s>>, DeskError> {
        let index = self.index();
        let standing = |slot: &SlotKey| match state.may_have(slot) {
            true => index.slot(document, slot),
            false => Ok(None),
        };
        let mut acts = Vec::new();
        for (id, group) in by_act(slots) {
            let hashes: Vec<ContentHash> = group
                .iter()
                .map(|slot| contents.get(&slot.key).copied().unwrap_or_else(|| slot.content_hash()))
                .collect();
            let content = content_of(hashes.iter().copied());
            let mut act =
                Act { id, content, new: Vec::new(), whole: true, standing: 0, held: None, twin: false };
            for (slot, content) in group.into_iter().zip(hashes) {
                if let Some(known) = standing(&slot.key)?.filter(|_| !seeded(Bug::StoodBefore)) {
                    if known.hash == content {
                        act.standing = act.standing.max(known.seq);
                        act.whole = false;
                        continue;
                    }
                    // An admitted twin stands beside the record whose key it had.
                    let twin = SlotKey { twin: Some(content), ..slot.key };
                    if let Some(known) = standing(&twin)? {
                        act.standing = act.standing.max(known.seq);
                        act.whole = false;
                        continue;
                    }
                    act.twin = true;
                }
                // What was recovered from a colleague's copy makes room for the author's own.
                let same = |hold: &Hold| hold.reason != HoldReason::Recovered && hold.has(&slot.key, content);
                if let Some(hold) = index.held(document, &slot.key)?.into_iter().find(same) {
                    act.held = Some(hold);
                    act.whole = false;
                    continue;
                }
                act.new.push(slot);
            }
            acts.push(act);
        }
        Ok(acts)
    }
}
