//! What a restored server has lost: sent again as it was sealed, with its receipt, or offered out of the copies of others.

use super::Outgoing;
use super::letter::{ENVELOPE_SLOT_BYTES_MAX, Room};
use crate::document::collect::slots_of_change;
use crate::document::container::Containers;
use crate::document::schema;
use crate::document::slot::Slot;
use crate::exchange::client::state::{CopyState, KeptRow, KeptState, Phase, Tablet};
use crate::exchange::codec;
use crate::exchange::message::{OFFERS_MAX, Offer, Receipt, SEALED_MAX, Sealed};
use crate::gate::shape::SLOTS_MAX;
use crate::kv::KvError;

/// Which receipts go with sealed acts.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum As {
    /// They prove that the acts were stored.
    Proven,
    /// The acts are to be judged.
    New,
}

/// Returns sealed acts for a request, as far as they fit.
pub(super) fn sealed(
    tablet: &Tablet<'_>,
    kept: impl Iterator<Item = KeptRow>,
    as_what: As,
    room: &mut Room,
) -> Result<Vec<Sealed>, KvError> {
    let mut all = Vec::new();
    for kept in kept.take(SEALED_MAX) {
        let sealed = tablet.sealed(kept.document, kept.act)?;
        if !room.take(sealed.len()) {
            break;
        }
        let receipt = kept.receipt.filter(|_| as_what == As::Proven);
        all.push(Sealed { document: kept.document, act: kept.act, sealed, receipt });
    }
    Ok(all)
}

pub(super) fn send_again(
    tablet: &Tablet<'_>,
    outgoing: &mut Outgoing,
    room: &mut Room,
) -> Result<(), KvError> {
    let lost = tablet.lost()?.into_iter().filter(|kept| kept.state == KeptState::Stored);
    outgoing.request.sealed = sealed(tablet, lost, As::Proven, room)?;
    Ok(())
}

/// What was held or refused behind the place up to which a restored server has its log is judged again, and what damage has left in no other
/// form; what the tablet still shows as an act of its own goes with the others that have no receipt.
pub(super) fn only_sealed(tablet: &Tablet<'_>, room: &mut Room) -> Result<Vec<Sealed>, KvError> {
    let mut only = tablet.only_sealed()?;
    for kept in tablet.lost()?.into_iter().filter(|kept| kept.state == KeptState::Judged) {
        if tablet.act_number(kept.document, kept.act)?.is_none() {
            only.push(kept);
        }
    }
    sealed(tablet, only.into_iter(), As::New, room)
}

/// Offers what copies have of a life of the log that is over, as far as it fits.
pub(super) fn offer(tablet: &Tablet<'_>, outgoing: &mut Outgoing, room: &mut Room) -> Result<(), KvError> {
    for (document, done) in tablet.offers()? {
        let Some(copy) = tablet.copy(document)? else {
            outgoing.offered.insert(document, None);
            continue;
        };
        let from = usize::try_from(done).unwrap_or(usize::MAX);
        let (mut slots, mut whole, mut bytes) = (Vec::new(), true, 0);
        for slot in records_behind_the_end(tablet, &copy)?.into_iter().skip(from) {
            let weight = codec::to_bytes(&slot).len();
            let full = bytes + weight > ENVELOPE_SLOT_BYTES_MAX || slots.len() == SLOTS_MAX;
            if (full && !slots.is_empty()) || !room.take(weight) {
                whole = false;
                break;
            }
            bytes += weight;
            slots.push(slot);
        }
        let told = done + slots.len() as u64;
        outgoing.offered.insert(document, (!whole).then_some(told));
        if !slots.is_empty() {
            let offer = Offer { name: copy.name, incarnation: copy.incarnation, slots };
            outgoing.request.offers.push(offer);
        }
        if !whole && room.left == 0 || outgoing.request.offers.len() == OFFERS_MAX {
            break;
        }
    }
    Ok(())
}

/// Returns what a copy has from behind the place up to which a restored server has the log that the copy is of.
fn records_behind_the_end(tablet: &Tablet<'_>, copy: &CopyState) -> Result<Vec<Slot>, KvError> {
    let (Some(ancestry), Some(cursor)) = (tablet.ancestry()?, tablet.cursor()?) else {
        return Ok(Vec::new());
    };
    let document = copy.name.id();
    let has = |seq| ancestry.has(&Receipt { log: cursor.log, seq, keyed: [0; 16] });
    // What is being fetched shows an earlier life, or nothing: only what came meanwhile is of this one.
    let whole = copy.phase == Phase::Whole;
    if whole && copy.snapshot > 0 && !has(copy.snapshot) {
        return tablet.slots(document);
    }
    let places = Containers::of(document, schema::steps(copy.name.kind));
    let mut slots = Vec::new();
    for (seq, change) in tablet.changes_of(document, whole)? {
        if seq > 0 && !has(seq) {
            slots.extend(slots_of_change(&places, &change).map_err(|_| KvError::Damaged("change"))?);
        }
    }
    Ok(slots)
}
