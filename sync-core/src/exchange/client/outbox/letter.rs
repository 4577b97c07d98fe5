//! Acts of a document become envelopes: as one change on top of the copy, or as plain slots, within limits.

use std::collections::BTreeSet;

use ed25519_dalek::SigningKey;

use super::Outgoing;
use crate::document::change::{Encoded, Position, encode};
use crate::document::container::Containers;
use crate::document::schema;
use crate::document::slot::Slot;
use crate::envelope::{Body, Content, ENVELOPE_VERSION, Envelope, Evidence};
use crate::exchange::client::state::{ActRow, CopyState, Phase};
use crate::exchange::codec;
use crate::exchange::message::ENVELOPES_MAX;
use crate::gate::shape::SLOTS_MAX;
use crate::ids::{ActId, DocumentId};

/// Bytes of slots that go into one envelope, about; more acts of a document go into a second one, on top of the first.
pub const ENVELOPE_SLOT_BYTES_MAX: usize = 96 * 1024;
/// Bytes of slots that go into one request, about; what is left goes with the next.
pub const REQUEST_SLOT_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Acts that go into one envelope, and whether as plain slots.
pub(super) struct Batch {
    plain: bool,
    acts: Vec<ActRow>,
}

/// What still goes into a request.
pub(super) struct Room {
    pub(super) left: usize,
    pub(super) empty: bool,
}

impl Room {
    /// Takes so many bytes, if they go in.
    pub(super) fn take(&mut self, bytes: usize) -> bool {
        let fits = self.empty || bytes <= self.left;
        if fits {
            self.left = self.left.saturating_sub(bytes);
            self.empty = false;
        }
        fits
    }
}

/// Cuts a document's acts into envelopes: a run of the same kind each, in the order in which they were made, within limits.
pub(super) fn batches(
    rows: Vec<ActRow>,
    expect_held: &dyn Fn(&ActRow) -> bool,
    room: &mut Room,
) -> Vec<Batch> {
    let mut batches: Vec<Batch> = Vec::new();
    let (mut size, mut slots) = (0, 0);
    for act in rows {
        let weight: usize = act.slots.iter().map(|slot| codec::to_bytes(slot).len()).sum();
        if !room.take(weight) {
            break;
        }
        let plain = expect_held(&act);
        let fits = size + weight <= ENVELOPE_SLOT_BYTES_MAX && slots + act.slots.len() <= SLOTS_MAX;
        match batches.last_mut() {
            Some(batch) if batch.plain == plain && fits => {
                (size, slots) = (size + weight, slots + act.slots.len());
                batch.acts.push(act);
            }
            Some(_) | None => {
                (size, slots) = (weight, act.slots.len());
                batches.push(Batch { plain, acts: vec![act] });
            }
        }
    }
    batches
}

/// One document's envelopes in the making; each change goes on top of the one before.
pub(super) struct Letter<'a> {
    pub(super) document: DocumentId,
    pub(super) copy: Option<CopyState>,
    pub(super) evidence: &'a Evidence,
    pub(super) key: &'a SigningKey,
    pub(super) outgoing: &'a mut Outgoing,
}

impl Letter<'_> {
    pub(super) fn add(&mut self, batch: Batch) {
        if self.outgoing.request.envelopes.len() >= ENVELOPES_MAX {
            return;
        }
        let slots: Vec<Slot> = batch.acts.iter().flat_map(|act| act.slots.iter().cloned()).collect();
        let content = match self.change_of(&batch, &slots) {
            Some(change) => {
                self.outgoing.changes.insert(change.hash, change.bytes.clone());
                Content::Change(change.bytes)
            }
            None => Content::Slots(slots),
        };
        let request = &mut self.outgoing.request;
        let body = Body {
            version: ENVELOPE_VERSION,
            org: request.org,
            document: self.document,
            device: request.device,
            content,
            evidence: self.evidence.clone(),
        };
        let envelope = Envelope::sign(&body, self.key);
        let acts: BTreeSet<ActId> = batch.acts.iter().map(|act| act.act).collect();
        self.outgoing
            .acts
            .insert(envelope.hash(), acts.into_iter().map(|act| (self.document, act)).collect());
        request.envelopes.push(envelope);
    }

    /// Returns the change that makes the slots, on top of the one before; none where they travel plain, and the server issues them: they
    /// are expected to be held, there is no whole copy to write on, or they cannot be written, and the server says of each act why.
    fn change_of(&mut self, batch: &Batch, slots: &[Slot]) -> Option<Encoded> {
        let copy = self.copy.as_mut().filter(|copy| copy.phase == Phase::Whole && !batch.plain)?;
        let claimed = slots.iter().filter_map(Slot::claimed_at).max().unwrap_or_default();
        let places = Containers::of(self.document, schema::steps(copy.name.kind));
        let device = self.outgoing.request.device;
        let position = Position::next(device.0, copy.own_tip(), &copy.heads, copy.max_op, claimed);
        let change = encode(&places, &position, slots).ok()?;
        (copy.heads, copy.max_op, copy.own) =
            (vec![change.hash], change.max_op, Some((position.seq, change.hash)));
        Some(change)
    }
}
