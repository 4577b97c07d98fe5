//! The outbox: acts are kept when they are made, and travel with the next exchange.

use std::collections::{BTreeMap, BTreeSet};

use ed25519_dalek::SigningKey;

use crate::document::change::{ChangeHash, Encoded, Position, encode};
use crate::document::collect::slots_of_change;
use crate::document::container::Containers;
use crate::document::name::DocumentName;
use crate::document::schema;
use crate::document::slot::{ContentHash, Slot};
use crate::envelope::{Body, Content, ENVELOPE_VERSION, Envelope, Evidence};
use crate::exchange::client::state::{
    ActRow, ActState, CopyState, KeptRow, KeptState, Phase, Profile, Tablet, key, put,
};
use crate::exchange::client::withdrawal::to_ask;
use crate::exchange::codec;
use crate::exchange::message::{
    Cursor, ENVELOPES_MAX, Kept, Listing, OFFERS_MAX, Offer, Receipt, Request, SEALED_MAX, Sealed,
    WITHDRAWALS_MAX, digest,
};
use crate::gate::refusal::Refusal;
use crate::gate::shape::{SLOTS_MAX, Writer, shape_slots};
use crate::ids::{ActId, DocumentId, LogId};
use crate::kv::{KvError, KvRead, Overlay, Write};
use crate::time::{DAY_MS, Moment};

/// Bytes of slots that go into one envelope, about; more acts of a document go into a second one, on top of the first.
pub const ENVELOPE_SLOT_BYTES_MAX: usize = 96 * 1024;
/// Bytes of slots that go into one request, about; what is left goes with the next.
pub const REQUEST_SLOT_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Why an act is not kept, or there is nothing to send.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OutboxError {
    /// The store could not be read.
    #[error(transparent)]
    Store(#[from] KvError),
    /// The tablet is not paired yet.
    #[error("this tablet is not paired yet")]
    NotPaired,
    /// An act is none that any server takes, such as one with a text that is too long: nothing was kept.
    #[error("this cannot be kept: {0}")]
    Misshapen(#[from] Refusal),
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
    /// How many records of each document the server will have been offered when it has replied; none where that is all.
    pub offered: BTreeMap<DocumentId, Option<u64>>,
    /// Where the tablet stood in the log when it asked.
    pub(crate) stood: Standing,
}

/// Where a tablet stands in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Standing {
    cursor: Option<Cursor>,
    /// The life that it has heard of, where that is another one than the cursor's.
    heard: Option<LogId>,
    mark: Option<Cursor>,
}

impl Standing {
    pub(crate) fn of(tablet: &Tablet<'_>) -> Result<Self, KvError> {
        let cursor = tablet.cursor()?;
        let heard = tablet.ancestry()?.map(|ancestry| ancestry.log);
        let heard = heard.filter(|heard| cursor.is_none_or(|cursor| cursor.log != *heard));
        Ok(Self { cursor, heard, mark: tablet.mark()? })
    }
}

impl Outgoing {
    fn of(stood: Standing, request: Request) -> Self {
        let (acts, changes, offered) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        Self { request, acts, changes, offered, stood }
    }

    /// Leaves out everything that the server would have to write down: a full one takes nothing, and can still be asked what is new.
    pub fn bring_nothing(&mut self) {
        if self.request.brings_back() {
            // As if it had not heard: what it has to give back comes before its copies are replaced.
            self.request.heard = None;
        }
        self.request.envelopes.clear();
        self.request.withdrawals.clear();
        self.request.sealed.clear();
        self.request.offers.clear();
        self.acts.clear();
        self.changes.clear();
        self.offered.clear();
    }
}

/// What seals an act when it is kept, so that it can be sent again, or handed in without its person.
#[derive(Clone, Copy)]
pub struct Safe<'a> {
    /// The device's key.
    pub key: &'a SigningKey,
    /// The app's name and version.
    pub app: &'a str,
    /// Seals bytes to the server's key; called once for each act. Its randomness comes from outside.
    pub seal: &'a dyn Fn(&[u8]) -> Vec<u8>,
}

/// Keeps an act. When the writes are done, it is safe on this tablet.
///
/// What no server takes is not kept, so that whoever typed it hears of it there and then, and not after the next exchange.
///
/// An act that is kept already, such as that of a live session finished twice, is kept once. With `safe`, it is kept a second time beside
/// itself, signed and sealed; without, where the server gave no key to seal to, it cannot be sent again once it is let go.
///
/// # Errors
/// [`OutboxError`]; nothing was kept then.
pub fn keep(
    store: &dyn KvRead,
    name: &DocumentName,
    act: ActId,
    slots: Vec<Slot>,
    safe: Option<&Safe<'_>>,
) -> Result<Vec<Write>, OutboxError> {
    let tablet = Tablet(store);
    if tablet.act_number(name.id(), act)?.is_some() {
        return Ok(Vec::new());
    }
    let profile = tablet.profile()?.ok_or(OutboxError::NotPaired)?;
    let places = Containers::of(name.id(), schema::steps(name.kind));
    let (slots, _) = shape_slots(slots, &places, Writer::Member(profile.person))?.into_parts();
    let number = tablet.next_act()?;
    let mut sheet = Overlay::new(store);
    if let Some(safe) = safe {
        let sealed = safe.seal_act(&profile, tablet.cursor()?, name, slots.clone());
        let document = name.id();
        let kept = KeptRow { document, act, number, state: KeptState::Unsent, receipt: None };
        put(&mut sheet, key::kept(&[&document.0, &act.0]), &kept);
        sheet.put(key::sealed(&[&document.0, &act.0]), sealed);
    }
    let row = ActRow { number, act, name: name.clone(), slots, state: ActState::Unsent, receipt: None };
    put(&mut sheet, key::act(Some(number)), &row);
    put(&mut sheet, key::act_number(name.id(), act), &number);
    put(&mut sheet, key::meta("next act"), &(number + 1));
    Ok(sheet.into_writes())
}

impl Safe<'_> {
    fn seal_act(
        &self,
        profile: &Profile,
        cursor: Option<Cursor>,
        name: &DocumentName,
        slots: Vec<Slot>,
    ) -> Vec<u8> {
        let body = Body {
            version: ENVELOPE_VERSION,
            org: profile.org,
            document: name.id(),
            device: profile.device,
            content: Content::Slots(slots),
            evidence: evidence(cursor, self.app),
        };
        let kept = Kept { name: name.clone(), envelope: Envelope::sign(&body, self.key) };
        (self.seal)(&codec::to_bytes(&kept))
    }
}

fn evidence(cursor: Option<Cursor>, app: &str) -> Evidence {
    Evidence { seen: cursor.map(|cursor| (cursor.log, cursor.seq)), app: app.to_owned() }
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
    let mut outgoing = greeting(&tablet, clock)?;
    let mut room = Room { left: room.min(REQUEST_SLOT_BYTES_MAX), empty: true };
    // What a restored server has lost goes first, and by itself: only behind it come the copies that it gives instead.
    send_again(&tablet, &mut outgoing, &mut room)?;
    if outgoing.request.sealed.is_empty() {
        // By themselves: the server may have to refuse them until some are decided, and nothing of one's own with them.
        offer(&tablet, &mut outgoing, &mut room)?;
    }
    if outgoing.request.brings_back() {
        return Ok(outgoing);
    }
    outgoing.request.sealed = only_sealed(&tablet, &mut room)?;
    outgoing.request.withdrawals = to_ask(&tablet)?.into_iter().take(WITHDRAWALS_MAX).collect();
    outgoing.request.listing = listing(&tablet, clock)?;
    let evidence = evidence(tablet.cursor()?, app);
    for (document, rows) in unsent_by_document(&tablet)? {
        let mut letter = Letter {
            document,
            copy: tablet.copy(document)?,
            evidence: &evidence,
            key,
            outgoing: &mut outgoing,
        };
        for batch in batches(rows, expect_held, &mut room) {
            letter.add(batch);
        }
    }
    Ok(outgoing)
}

/// Composes a request that hands in what is sealed, without the device's key and without its person: what has no receipt, and what a
/// restored server has lost.
///
/// # Errors
/// [`OutboxError`].
pub fn compose_hand_in(store: &dyn KvRead, clock: Moment) -> Result<Outgoing, OutboxError> {
    let tablet = Tablet(store);
    let mut outgoing = greeting(&tablet, clock)?;
    let mut room = Room { left: REQUEST_SLOT_BYTES_MAX, empty: true };
    send_again(&tablet, &mut outgoing, &mut room)?;
    if !outgoing.request.brings_back() {
        let unsent = tablet.kept()?.into_iter().filter(|kept| kept.receipt.is_none());
        let lost = tablet.lost()?.into_iter().filter(|kept| kept.state == KeptState::Judged);
        outgoing.request.sealed = sealed(&tablet, unsent.chain(lost), As::New, &mut room)?;
    }
    Ok(outgoing)
}

/// Begins a request: who asks, and from where in the log.
fn greeting(tablet: &Tablet<'_>, clock: Moment) -> Result<Outgoing, OutboxError> {
    let profile = tablet.profile()?.ok_or(OutboxError::NotPaired)?;
    let stood = Standing::of(tablet)?;
    let Standing { cursor, heard, mark } = stood;
    let trail = if cursor.is_none() || tablet.trail_wanted()? {
        Some(tablet.trail()?.map(|trail| trail.places).unwrap_or_default())
    } else {
        None
    };
    let request = Request::bare(profile.org, profile.device, cursor, clock);
    let policy = tablet.policy()?.number();
    Ok(Outgoing::of(stood, Request { policy, heard, mark, trail, ..request }))
}

/// Which receipts go with sealed acts.
#[derive(Clone, Copy, PartialEq, Eq)]
enum As {
    /// They prove that the acts were stored.
    Proven,
    /// The acts are to be judged.
    New,
}

/// Returns sealed acts for a request, as far as they fit.
fn sealed(
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

fn send_again(tablet: &Tablet<'_>, outgoing: &mut Outgoing, room: &mut Room) -> Result<(), KvError> {
    let lost = tablet.lost()?.into_iter().filter(|kept| kept.state == KeptState::Stored);
    outgoing.request.sealed = sealed(tablet, lost, As::Proven, room)?;
    Ok(())
}

/// What was held or refused behind the place up to which a restored server has its log is judged again, and what damage has left in no other
/// form; what the tablet still shows as an act of its own goes with the others that have no receipt.
fn only_sealed(tablet: &Tablet<'_>, room: &mut Room) -> Result<Vec<Sealed>, KvError> {
    let mut only = tablet.only_sealed()?;
    for kept in tablet.lost()?.into_iter().filter(|kept| kept.state == KeptState::Judged) {
        if tablet.act_number(kept.document, kept.act)?.is_none() {
            only.push(kept);
        }
    }
    sealed(tablet, only.into_iter(), As::New, room)
}

/// Offers what copies have of a life of the log that is over, as far as it fits.
fn offer(tablet: &Tablet<'_>, outgoing: &mut Outgoing, room: &mut Room) -> Result<(), KvError> {
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

/// The listing itself where the server asked for it, or has lost what the copies are of; its digest once a day.
fn listing(tablet: &Tablet<'_>, clock: Moment) -> Result<Option<Listing>, KvError> {
    if tablet.listing_wanted()? || tablet.is_catching_up()? {
        return Ok(Some(Listing::Full(tablet.listing()?)));
    }
    let listed = tablet.listing()?;
    let certain = listed.iter().all(|listed| listed.changes.is_some());
    let due = tablet.cursor()?.is_some() && tablet.listed_on()? != Some(day_of(clock));
    Ok((certain && due).then(|| Listing::Digest(digest(listed))))
}

/// Returns a day by its number: whichever, as long as it is another one tomorrow.
pub(crate) fn day_of(clock: Moment) -> i64 {
    clock.0.div_euclid(DAY_MS)
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
struct Letter<'a> {
    document: DocumentId,
    copy: Option<CopyState>,
    evidence: &'a Evidence,
    key: &'a SigningKey,
    outgoing: &'a mut Outgoing,
}

impl Letter<'_> {
    fn add(&mut self, batch: Batch) {
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

#[cfg(test)]
mod tests {
    use ulid::Ulid;

    use super::*;
    use crate::document::name::DocumentKind;
    use crate::document::slot::{ACT, Fields, SlotKey};
    use crate::exchange::client::copy::found;
    use crate::exchange::client::view::paired;
    use crate::gate::shape::TEXT_BYTES_MAX;
    use crate::ids::{DeviceId, OrgId, PersonId, StudentId};
    use crate::kv::Memory;

    const PERSON: PersonId = PersonId([1; 16]);

    fn tablet() -> Memory {
        let mut store = Memory::default();
        let profile = Profile { org: OrgId([2; 16]), person: PERSON, device: DeviceId([3; 16]) };
        store.apply(paired(&profile));
        store
    }

    fn log() -> DocumentName {
        let (org, subject) = (OrgId([2; 16]), StudentId([4; 16]));
        DocumentName { org, kind: DocumentKind::Log, subject, period: "2026-27".into(), member: None }
    }

    fn slot(record: u128, note: String) -> Slot {
        let act = (ACT.to_owned(), Ulid::from(record).to_string().into());
        let key = SlotKey::new(PERSON, Ulid::from(record));
        Slot { container: "sessions".into(), key, fields: Fields::from([act, ("note".into(), note.into())]) }
    }

    fn kept(store: &Memory, slot: Slot) -> Result<Vec<Write>, OutboxError> {
        keep(store, &log(), slot.act_or_own(), vec![slot], None)
    }

    #[test]
    fn what_no_server_takes_is_not_kept() {
        let store = tablet();
        let long = slot(1, "a".repeat(TEXT_BYTES_MAX + 1));
        assert_eq!(kept(&store, long), Err(OutboxError::Misshapen(Refusal::TextTooLong)));
        let elsewhere = Slot { container: "goals".into(), ..slot(2, "a".into()) };
        assert_eq!(kept(&store, elsewhere), Err(OutboxError::Misshapen(Refusal::UnknownContainer)));
        assert!(kept(&store, slot(3, "a".repeat(TEXT_BYTES_MAX))).is_ok());
        assert_eq!(kept(&Memory::default(), slot(4, "a".into())), Err(OutboxError::NotPaired));
    }

    #[test]
    fn an_act_that_an_earlier_app_kept_blocks_no_other() {
        let mut store = tablet();
        store.apply(kept(&store, slot(1, "a".into())).unwrap());
        let misshapen = Slot { container: "nowhere".into(), ..slot(2, "a".into()) };
        let act = misshapen.act_or_own();
        let row = ActRow {
            number: 9,
            act,
            name: log(),
            slots: vec![misshapen],
            state: ActState::Unsent,
            receipt: None,
        };
        let mut sheet = Overlay::new(&store);
        put(&mut sheet, key::act(Some(9)), &row);
        put(&mut sheet, key::act_number(log().id(), act), &9_u64);
        found(&mut sheet, &log(), 0).unwrap();
        let writes = sheet.into_writes();
        store.apply(writes);
        let key = SigningKey::from_bytes(&[5; 32]);
        let outgoing = compose(&store, &key, "test", Moment(0), &|_| false).unwrap();
        let sent: Vec<usize> = outgoing.acts.values().map(Vec::len).collect();
        assert_eq!(sent, [2], "both travel, as plain slots, and the server says of each what becomes of it");
        assert!(outgoing.changes.is_empty());
    }
}
