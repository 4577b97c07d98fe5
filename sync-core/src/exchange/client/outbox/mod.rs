//! The outbox: acts are kept when they are made, and travel with the next exchange.
//!
//! | Module | What it is |
//! | --- | --- |
//! | `keep` | an act is kept, beside itself signed and sealed |
//! | `letter` | acts of a document become envelopes, within limits |
//! | `lost` | what a restored server has lost is sent again, sealed as it was, or offered out of copies |

mod keep;
mod letter;
mod lost;

use std::collections::BTreeMap;

use ed25519_dalek::SigningKey;

pub use keep::{Safe, keep};
pub use letter::{ENVELOPE_SLOT_BYTES_MAX, REQUEST_SLOT_BYTES_MAX};
use letter::{Letter, Room, batches};
use lost::{As, offer, only_sealed, sealed, send_again};

use crate::document::change::ChangeHash;
use crate::document::slot::ContentHash;
use crate::envelope::Evidence;
use crate::exchange::client::state::{ActRow, ActState, KeptState, Tablet};
use crate::exchange::client::withdrawal::to_ask;
use crate::exchange::message::{Cursor, Listing, Request, WITHDRAWALS_MAX, digest};
use crate::gate::refusal::Refusal;
use crate::ids::{ActId, DocumentId, LogId};
use crate::kv::{KvError, KvRead};
use crate::time::{DAY_MS, Moment};

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

fn evidence(cursor: Option<Cursor>, app: &str) -> Evidence {
    Evidence { seen: cursor.map(|cursor| (cursor.log, cursor.seq)), app: app.to_owned() }
}

#[cfg(test)]
mod tests {
    use ulid::Ulid;

    use super::*;
    use crate::document::name::{DocumentKind, DocumentName};
    use crate::document::slot::{ACT, Fields, Slot, SlotKey};
    use crate::exchange::client::copy::found;
    use crate::exchange::client::state::{Profile, key, put};
    use crate::exchange::client::view::paired;
    use crate::gate::shape::TEXT_BYTES_MAX;
    use crate::ids::{DeviceId, OrgId, PersonId, StudentId};
    use crate::kv::{Memory, Overlay, Write};

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
