//! The outbox: acts are kept when they are made, and travel with the next exchange.

use std::collections::{BTreeMap, BTreeSet};

use ed25519_dalek::SigningKey;

use crate::document::change::{ActorTip, ChangeHash, EncodeError, Position, encode};
use crate::document::container::Containers;
use crate::document::name::DocumentName;
use crate::document::schema::{self, SCHEMA};
use crate::document::slot::{ContentHash, Slot};
use crate::envelope::{Body, Content, ENVELOPE_VERSION, Envelope, Evidence};
use crate::exchange::client::state::{ActRow, ActState, CopyState, Phase, Tablet, key, put};
use crate::exchange::message::{ENVELOPES_MAX, Request, WITHDRAWALS_MAX};
use crate::gate::policy::POLICY;
use crate::gate::shape::SLOTS_MAX;
use crate::ids::{ActId, DocumentId, HoldId};
use crate::kv::{KvError, KvRead, Overlay, Write};
use crate::time::Moment;

/// Bytes of slots that go into one envelope, about; more acts of a document go into a second one, on top of the first.
pub const ENVELOPE_SLOT_BYTES_MAX: usize = 96 * 1024;
/// Bytes of slots that go into one request, about; what is left goes with the next.
pub const REQUEST_SLOT_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Why there is nothing to send.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OutboxError {
    /// The store could not be read.
    #[error(transparent)]
    Store(#[from] KvError),
    /// The tablet is not paired yet.
    #[error("this tablet is not paired yet")]
    NotPaired,
    /// An act cannot be written as a change; it stays where it is.
    #[error("an act cannot be written as a change: {0}")]
    Unwritable(#[from] EncodeError),
}

/// A request, with what is needed to understand the reply to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outgoing {
    /// What is sent.
    pub request: Request,
    /// Which acts each envelope brings.
    pub acts: BTreeMap<ContentHash, Vec<(DocumentId, ActId)>>,
    /// The changes that it brings: the reply names them by their hashes.
    pub changes: BTreeMap<ChangeHash, Vec<u8>>,
}

/// Keeps an act. When the writes are done, it is safe on this tablet.
///
/// An act that is kept already, such as that of a live session finished twice, is kept once.
///
/// # Errors
/// [`KvError`] where the store cannot be read.
pub fn keep(
    store: &dyn KvRead,
    name: &DocumentName,
    act: ActId,
    slots: Vec<Slot>,
) -> Result<Vec<Write>, KvError> {
    let tablet = Tablet(store);
    if tablet.act_number(name.id(), act)?.is_some() {
        return Ok(Vec::new());
    }
    let number = tablet.next_act()?;
    let mut sheet = Overlay::new(store);
    let row = ActRow { number, act, name: name.clone(), slots, state: ActState::Unsent, receipt: None };
    put(&mut sheet, key::act(Some(number)), &row);
    put(&mut sheet, key::act_number(name.id(), act), &number);
    put(&mut sheet, key::meta("next act"), &(number + 1));
    Ok(sheet.into_writes())
}

/// Notes that the person takes back a hold; the next exchange says so.
pub fn withdraw(hold: HoldId) -> Vec<Write> {
    vec![Write::Put(key::withdrawal(&hold.0), Vec::new())]
}

/// Composes the next request: every act without a receipt, as far as it fits. Asked again on the same store, it is the same request but
/// for its clock.
///
/// `expect_held` says of which acts the tablet itself expects that they will be held: those travel as plain slots.
///
/// # Errors
/// [`OutboxError`].
pub fn compose(
    store: &dyn KvRead,
    key: &SigningKey,
    app: &str,
    clock: Moment,
    expect_held: &dyn Fn(&ActRow) -> bool,
) -> Result<Outgoing, OutboxError> {
    compose_within(store, key, app, clock, expect_held, REQUEST_SLOT_BYTES_MAX)
}

/// Composes a request as [`compose`] does, of about `room` bytes of slots at the most: for a line that carries no more. One act goes in any
/// case.
///
/// # Errors
/// [`OutboxError`].
pub fn compose_within(
    store: &dyn KvRead,
    key: &SigningKey,
    app: &str,
    clock: Moment,
    expect_held: &dyn Fn(&ActRow) -> bool,
    room: usize,
) -> Result<Outgoing, OutboxError> {
    let tablet = Tablet(store);
    let profile = tablet.profile()?.ok_or(OutboxError::NotPaired)?;
    let cursor = tablet.cursor()?;
    let evidence = Evidence { seen: cursor.map(|cursor| (cursor.log, cursor.seq)), app: app.to_owned() };
    let mut outgoing = Outgoing {
        request: Request {
            org: profile.org,
            device: profile.device,
            cursor,
            schema: SCHEMA,
            policy: POLICY,
            envelopes: Vec::new(),
            receipts: Vec::new(),
            certificate: None,
            withdrawals: tablet.withdrawals()?.into_iter().take(WITHDRAWALS_MAX).collect(),
            listing: None,
            clock,
        },
        acts: BTreeMap::new(),
        changes: BTreeMap::new(),
    };
    let mut room = Room { left: room.min(REQUEST_SLOT_BYTES_MAX), empty: true };
    for (document, rows) in unsent_by_document(&tablet)? {
        let mut letter = Letter {
            document,
            copy: tablet.copy(document)?,
            evidence: &evidence,
            key,
            outgoing: &mut outgoing,
        };
        for batch in batches(rows, expect_held, &mut room) {
            letter.add(batch)?;
        }
    }
    Ok(outgoing)
}

fn unsent_by_document(tablet: &Tablet<'_>) -> Result<BTreeMap<DocumentId, Vec<ActRow>>, KvError> {
    let mut by_document: BTreeMap<DocumentId, Vec<ActRow>> = BTreeMap::new();
    for act in tablet.acts()?.into_iter().filter(|act| act.state == ActState::Unsent) {
        by_document.entry(act.name.id()).or_default().push(act);
    }
    Ok(by_document)
}

/// Acts that go into one envelope, and whether as plain slots.
struct Batch {
    plain: bool,
    acts: Vec<ActRow>,
}

/// What still goes into a request.
struct Room {
    left: usize,
    empty: bool,
}

impl Room {
    /// Takes so many bytes, if they go in.
    fn take(&mut self, bytes: usize) -> bool {
        let fits = self.empty || bytes <= self.left;
        if fits {
            self.left = self.left.saturating_sub(bytes);
            self.empty = false;
        }
        fits
    }
}

/// Cuts a document's acts into envelopes: a run of the same kind each, in the order in which they were made, within limits.
fn batches(rows: Vec<ActRow>, expect_held: &dyn Fn(&ActRow) -> bool, room: &mut Room) -> Vec<Batch> {
    let mut batches: Vec<Batch> = Vec::new();
    let (mut size, mut slots) = (0, 0);
    for act in rows {
        let weight: usize = act.slots.iter().map(|slot| crate::exchange::codec::to_bytes(slot).len()).sum();
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
struct Letter<'a> {
    document: DocumentId,
    copy: Option<CopyState>,
    evidence: &'a Evidence,
    key: &'a SigningKey,
    outgoing: &'a mut Outgoing,
}

impl Letter<'_> {
    fn add(&mut self, batch: Batch) -> Result<(), OutboxError> {
        if self.outgoing.request.envelopes.len() >= ENVELOPES_MAX {
            return Ok(());
        }
        let slots: Vec<Slot> = batch.acts.iter().flat_map(|act| act.slots.iter().cloned()).collect();
        // Without a whole copy there are no heads to write on: the slots travel plain, and the server issues them.
        let whole = self.copy.as_mut().filter(|copy| copy.phase == Phase::Whole);
        let content = match whole {
            Some(copy) if !batch.plain => {
                let claimed = slots.iter().filter_map(Slot::claimed_at).max().unwrap_or_default();
                let places = Containers::of(self.document, schema::steps(copy.name.kind));
                let device = self.outgoing.request.device;
                let position = Position::next(device.0, copy.own_tip(), &copy.heads, copy.max_op, claimed);
                let change = encode(&places, &position, &slots)?;
                let tip = ActorTip { seq: position.seq, hash: change.hash };
                (copy.heads, copy.max_op, copy.own) =
                    (vec![change.hash], change.max_op, Some((tip.seq, tip.hash)));
                self.outgoing.changes.insert(change.hash, change.bytes.clone());
                Content::Change(change.bytes)
            }
            Some(_) | None => Content::Slots(slots),
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
        Ok(())
    }
}
