//! What only copies still have: records that a restore has lost, found on a colleague's tablet.
//!
//! They were somebody's acts once, and stood; who brings them is not their author, and nothing proves them. So each act of theirs is held as
//! *recovered*, for a coordinator to admit, and closes by itself where the author's own arrives.

use std::collections::{BTreeMap, BTreeSet};

use crate::document::name::DocumentKind;
use crate::document::schema;
use crate::document::slot::{ContentHash, Slot, SlotKey};
use crate::envelope::Evidence;
use crate::exchange::message::{HoldReason, HoldState, Offer};
use crate::exchange::server::apply::containers_in;
use crate::exchange::server::desk::{Desk, DeskError};
use crate::exchange::server::entry::{Hold, LogEntry};
use crate::exchange::server::index::Index;
use crate::exchange::server::receipt::content_of;
use crate::exchange::server::renew::{is_note, late_among};
use crate::gate::shape::{SLOTS_MAX, Writer, shape_slots};
use crate::ids::{ActId, DeviceId, DocumentId, HoldId, OrgId, PersonId, derive};

/// What the author reads of a recovered act whose own has come.
pub const OWN_CAME: &str = "the author's own work has arrived";
/// What stands for the app of a recovered act.
const APP: &str = "recovered";

/// An offer whose records are well-formed.
#[derive(Debug, Clone)]
pub(crate) struct CheckedOffer {
    offer: Offer,
    slots: Vec<Slot>,
}

/// Checks an offer, record by record; none where it is not of one of this organisation's documents.
pub(crate) fn check_offer(org: OrgId, offer: Offer) -> Option<CheckedOffer> {
    // Only a member's own document names its member.
    if offer.name.org != org || offer.name.member.is_some() != (offer.name.kind == DocumentKind::Own) {
        return None;
    }
    let steps = schema::steps(offer.name.kind).len() as u32;
    let places = containers_in(offer.name.id(), offer.name.kind, steps);
    // Each by itself: they come out of many changes, and together may be more than one could hold.
    let mut keys = BTreeSet::new();
    let shaped = |slot: &&Slot| shape_slots(vec![(*slot).clone()], &places, Writer::Server).is_ok();
    let first = |slot: &&Slot| keys.insert((slot.container.clone(), slot.key));
    let slots = offer.slots.iter().take(SLOTS_MAX).filter(shaped).filter(first).cloned().collect();
    Some(CheckedOffer { slots, offer })
}

fn recovered_id(document: DocumentId, act: ActId, slots: &[Slot]) -> HoldId {
    let content = content_of(slots.iter().map(Slot::content_hash));
    HoldId(derive("recovered", &[&document.0, &act.0, &content.0]))
}

impl Desk<'_> {
    /// Holds what an offer has and nobody here knows, act by act.
    pub(crate) fn receive_offer(&mut self, device: DeviceId, checked: CheckedOffer) -> Result<(), DeskError> {
        let CheckedOffer { offer, slots } = checked;
        let document = offer.name.id();
        // A copy of an earlier life may have what was taken out for good.
        if self.index().is_gone(document)? || offer.incarnation != self.index().incarnation(document)? {
            return Ok(());
        }
        let late = late_among(&slots);
        let mut acts: BTreeMap<(PersonId, ActId), Vec<Slot>> = BTreeMap::new();
        for slot in slots.iter().filter(|slot| !is_note(slot)) {
            if !is_known(&self.index(), document, slot)? {
                let act = slot.act().unwrap_or_else(|| ActId::from(slot.key.record));
                acts.entry((slot.key.member, act)).or_default().push(slot.clone());
            }
        }
        if acts.is_empty() {
            return Ok(());
        }
        // A copy proves no name: in a period that nobody knows the document waits with what is held for it, until that is admitted.
        if self.index().calendar()?.has(&offer.name.period, self.today()) {
            self.found_again(&offer.name)?;
        }
        for ((author, act), slots) in acts {
            let late = slots.iter().any(|slot| late.contains(&slot.key));
            // A twin was one beside what stood under its key; whether it is one here is seen when it is admitted.
            let slots: Vec<Slot> = slots
                .into_iter()
                .map(|slot| Slot { key: SlotKey { twin: None, ..slot.key }, ..slot })
                .collect();
            let hold = Hold {
                id: recovered_id(document, act, &slots),
                name: offer.name.clone(),
                author,
                device,
                act,
                slots: slots.clone(),
                reason: HoldReason::Recovered,
                only_on_top: false,
                receipt: None,
                fault: None,
                late,
                envelope: ContentHash([0; 16]),
                evidence: Evidence { seen: None, app: APP.to_owned() },
                received: self.conditions().now,
                seq: 0,
                policy: self.policy().number(),
                state: HoldState::Waiting,
            };
            let to = self.told_of(&hold)?;
            self.emit(LogEntry::Held { hold: Box::new(hold), to })?;
            self.make_known(document, &slots, &HoldState::Waiting)?;
        }
        Ok(())
    }

    /// Closes what was recovered of these records, now that their author's own have come: admitted where all of it stands, returned where
    /// some of it waits under the author's own hold.
    pub(crate) fn close_recovered(&mut self, document: DocumentId, slots: &[Slot]) -> Result<(), DeskError> {
        if self.index().restored()?.is_none() {
            return Ok(());
        }
        let mut found: BTreeMap<HoldId, Hold> = BTreeMap::new();
        for slot in slots {
            let holds = self.index().held(document, &slot.key)?.into_iter();
            let open = |hold: &Hold| hold.reason == HoldReason::Recovered && hold.state == HoldState::Waiting;
            found.extend(holds.filter(open).map(|hold| (hold.id, hold)));
        }
        for hold in found.into_values() {
            let (mut stand, mut known) = (true, true);
            for slot in &hold.slots {
                let stands = stands_so(&self.index(), document, slot)?;
                stand &= stands;
                known &= stands || is_held_by_author(&self.index(), document, slot)?;
            }
            if stand {
                self.set_hold_state(&hold, HoldState::Admitted { by: None })?;
            } else if known {
                let state = HoldState::Declined { by: None, reason: OWN_CAME.to_owned() };
                self.set_hold_state(&hold, state)?;
            }
        }
        Ok(())
    }
}

fn stands_so(index: &Index<'_>, document: DocumentId, slot: &Slot) -> Result<bool, DeskError> {
    let bare = Slot { key: SlotKey { twin: None, ..slot.key }, ..slot.clone() };
    let content = bare.content_hash();
    let twin = SlotKey { twin: Some(content), ..bare.key };
    Ok(index.slot(document, &bare.key)?.is_some_and(|standing| standing.hash == content)
        || index.slot(document, &twin)?.is_some())
}

fn is_held_by_author(index: &Index<'_>, document: DocumentId, slot: &Slot) -> Result<bool, DeskError> {
    let content = slot.content_hash();
    let mut holds = index.held(document, &slot.key)?.into_iter();
    Ok(holds.any(|hold| hold.reason != HoldReason::Recovered && hold.has(&slot.key, content)))
}

/// Returns whether exactly this stands, is or was held, or was taken out.
fn is_known(index: &Index<'_>, document: DocumentId, slot: &Slot) -> Result<bool, DeskError> {
    let bare = Slot { key: SlotKey { twin: None, ..slot.key }, ..slot.clone() };
    let content = bare.content_hash();
    if stands_so(index, document, slot)? || index.is_taken_out(document, &bare.key, &content)? {
        return Ok(true);
    }
    Ok(index.held(document, &bare.key)?.iter().any(|hold| hold.has(&bare.key, content)))
}
