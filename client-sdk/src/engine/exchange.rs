//! One exchange: gather, compose, send, take.

use std::cell::RefCell;
use std::collections::BTreeSet;

use ed25519_dalek::SigningKey;
use serde_bytes::ByteBuf;
use sync_core::document::deed::expect::Expectation;
use sync_core::exchange::assertion::Assertion;
use sync_core::exchange::client::outbox::{
    Outgoing, REQUEST_SLOT_BYTES_MAX, compose_hand_in, compose_within,
};
use sync_core::exchange::client::reply::{Brought, take};
use sync_core::exchange::client::state::{ActRow, Tablet};
use sync_core::exchange::codec::{self, DecodeError};
use sync_core::exchange::message::{Entry, Reply};
use sync_core::ids::StudentId;
use sync_core::kv::KvError;

use super::room::{after_break, after_success};
use super::{Engine, Report};
use crate::deeds::{Desk, LocalPolicy, expected_of};
use crate::local::{Contact, Local};
use crate::roster::Roster;
use crate::session::{Journal, draft_of, gather};
use crate::store::{State, Writes, crash_point};
use crate::transport::{Exchanged, Failure, Refusal, Route, Transport};
use crate::trouble::Trouble;

/// What is sent as the name of the app.
pub const APP: &str = concat!("carryover-tablet/", env!("CARGO_PKG_VERSION"));

/// What the server says of a device whose access has ended.
const REVOKED: &str = "device_revoked";
/// What it says of a counter that it has seen.
const STALE: &str = "stale_assertion";
/// What it says when its disk has no room for new work.
const FULL: &str = "storage_full";
/// What it says of a device that it does not know, as of any signature that is not valid there.
const UNKNOWN: &str = "assertion_invalid";

/// What an exchange leaves to be done.
pub(super) struct Round {
    /// A token for snapshots.
    pub(super) token: Option<String>,
    /// Whether there is more to say on either side.
    pub(super) again: bool,
    /// Why the server took nothing, though it let itself be read.
    pub(super) refused: Option<Failure>,
    /// Whether the server was restored and waits for its administrator.
    pub(super) waits: bool,
}

/// What a request brings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Brings {
    /// All that has no receipt.
    Work,
    /// Nothing: it only asks what is new.
    Nothing,
}

/// Whom the person is losing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Leaving {
    /// The students whose documents are to be purged.
    Ending,
    /// All of them: the device's access has ended.
    Everybody,
}

/// A request that is ready to be sent.
struct Ready {
    outgoing: Outgoing,
    body: Vec<u8>,
    /// None where the certificate in the request is proof enough.
    assertion: Option<String>,
}

/// What a refusal has taught about how to ask.
#[derive(Default)]
struct Knows {
    /// The last counter that the server has seen: the folder is an older copy of itself, and goes on above it.
    counter: Option<u64>,
    /// The server does not know this device: it was restored from a copy of before the pairing, and is shown the certificate.
    forgotten: bool,
}

impl Knows {
    /// Returns whether asking once more, with what this refusal says, may help.
    fn learns_from(&mut self, refusal: &Refusal) -> bool {
        match (refusal.code.as_str(), refusal.last_counter) {
            (STALE, Some(last)) if self.counter.is_none() => {
                self.counter = Some(last);
                true
            }
            (UNKNOWN, _) if !self.forgotten => {
                self.forgotten = true;
                true
            }
            _ => false,
        }
    }
}

fn certificate(state: &State<'_>) -> Result<Option<ByteBuf>, Trouble> {
    Ok(Local(state).home()?.map(|home| ByteBuf::from(home.certificate)))
}

impl<T: Transport> Engine<'_, T> {
    /// Exchanges once. A device whose access has ended hands in, and everything that it may not keep is removed.
    pub(super) async fn round(&self, report: &RefCell<Report>) -> Result<Round, Trouble> {
        let ended = self.store.read(|state| Ok::<_, Trouble>(Local(state).ended()?.is_some()))?;
        if ended {
            return self.hand_in(report).await;
        }
        self.gather(Leaving::Ending)?;
        match self.send(Route::Exchange, Brings::Work).await {
            Ok((ready, exchanged)) => self.take(&ready, exchanged, report),
            Err(Trouble::Server(failure)) if failure.code() == Some(FULL) => {
                // Own work waits for room there; what others did can be read all the same.
                let (ready, exchanged) = self.send(Route::Exchange, Brings::Nothing).await?;
                Ok(Round { refused: Some(failure), ..self.take(&ready, exchanged, report)? })
            }
            Err(Trouble::Server(Failure::Refused(refusal))) if refusal.code == REVOKED => {
                self.hand_in(report).await
            }
            Err(trouble) => Err(trouble),
        }
    }

    /// Hands in what is sealed, by the certificate alone, and then what an older version of this app has kept without sealing it.
    async fn hand_in(&self, report: &RefCell<Report>) -> Result<Round, Trouble> {
        // What is open is the first to become work that can be handed in: nothing goes before it has a receipt.
        self.gather(Leaving::Everybody)?;
        let sealed = |state: &State<'_>| -> Result<_, Trouble> {
            let tablet = Tablet(state);
            // Whoever hears that the server was restored may have more to hand in than before.
            Ok((tablet.to_hand_in()?, tablet.is_giving_back()?, tablet.ancestry()?.map(|known| known.log)))
        };
        let unsent = |state: &State<'_>| -> Result<usize, Trouble> { Ok(Tablet(state).unsent()?) };
        let keeps = |state: &State<'_>| -> Result<bool, Trouble> { Ok(!Tablet(state).kept()?.is_empty()) };
        let mut left = self.store.read(sealed)?;
        if left.0 == 0 && self.store.read(keeps)? {
            // All has a receipt. Only by asking it learns that the server was restored to before that; a server that is away is asked next time.
            match self.hand_in_sealed(report).await {
                Ok(()) => left = self.store.read(sealed)?,
                Err(Trouble::Server(_)) => {}
                Err(trouble) => return Err(trouble),
            }
        }
        while left.0 > 0 {
            self.hand_in_sealed(report).await?;
            let before = std::mem::replace(&mut left, self.store.read(sealed)?);
            if left.0 >= before.0 && (left.1, left.2) == (before.1, before.2) {
                break;
            }
        }
        while self.store.read(unsent)? > 0 {
            let before = self.store.read(unsent)?;
            let (ready, exchanged) = self.send(Route::HandIn, Brings::Work).await?;
            self.take(&ready, exchanged, report)?;
            if self.store.read(unsent)? >= before {
                break;
            }
        }
        let now = self.clock.now();
        self.store.update(|_| {
            let mut writes = Writes::new();
            writes.set_ended(now);
            Ok::<_, Trouble>((writes, ()))
        })?;
        report.borrow_mut().purged += self.purge_everything()?;
        Err(Trouble::DeviceEnded)
    }

    async fn hand_in_sealed(&self, report: &RefCell<Report>) -> Result<(), Trouble> {
        let ready = self.sealed()?;
        let exchanged = self.transport.exchange(Route::HandIn, None, &ready.body, None).await?;
        self.take(&ready, exchanged, report).map(drop)
    }

    /// Makes acts of taps, and drafts of the live sessions of students whom the person is losing.
    fn gather(&self, leaving_now: Leaving) -> Result<(), Trouble> {
        self.store.update(|state| {
            let (journal, mut writes) = (Journal(state), Writes::new());
            let leaving: BTreeSet<StudentId> = {
                let ending: BTreeSet<_> = Tablet(state).to_purge()?.into_iter().map(|(id, _)| id).collect();
                let (ends, stays): (Vec<_>, Vec<_>) =
                    Tablet(state).copies()?.into_iter().partition(|copy| ending.contains(&copy.name.id()));
                // A policy may take one document and leave another: the lesson goes on.
                let stays: BTreeSet<_> = stays.into_iter().map(|copy| copy.name.subject).collect();
                ends.into_iter().map(|copy| copy.name.subject).filter(|id| !stays.contains(id)).collect()
            };
            let ended = leaving_now == Leaving::Everybody;
            if journal.tapped()?.is_empty() && leaving.is_empty() && !ended {
                return Ok((writes, ()));
            }
            let mut desk = Desk::of_engine(state, self.clock.now())?
                .sealing(&Local(state), &mut *self.chance.borrow_mut())?;
            gather(&mut desk, &mut writes, journal)?;
            for mut live in journal.open()? {
                let students: Vec<_> = live.present().map(|student| student.id).collect();
                for student in students.into_iter().filter(|student| ended || leaving.contains(student)) {
                    draft_of(&mut desk, &mut writes, journal, &mut live, student)?;
                }
            }
            writes.core(desk.clear());
            Ok((writes, ()))
        })
    }

    async fn send(&self, route: Route, brings: Brings) -> Result<(Ready, Exchanged), Trouble> {
        let room = self.store.read(|state| Ok::<_, Trouble>(Local(state).contact()?.room))?;
        let mut knows = Knows::default();
        loop {
            let ready = self.ready(brings, &knows, room)?;
            crash_point("before_send");
            let answer = self.transport.exchange(route, ready.assertion.as_deref(), &ready.body, room).await;
            crash_point("after_send");
            if matches!(answer, Err(Failure::BrokeOff)) {
                self.remember_room(Some(after_break(room)))?;
            }
            match answer {
                Ok(exchanged) => return Ok((ready, exchanged)),
                Err(Failure::Refused(refusal)) if knows.learns_from(&refusal) => {}
                Err(failure) => return Err(failure.into()),
            }
        }
    }

    fn remember_room(&self, room: Option<u32>) -> Result<(), Trouble> {
        self.store.update(|state| {
            let mut writes = Writes::new();
            writes.set_contact(&Contact { room, ..Local(state).contact()? });
            Ok((writes, ()))
        })
    }

    /// Composes what is handed in without the device's key.
    fn sealed(&self) -> Result<Ready, Trouble> {
        self.store.read(|state| {
            let mut outgoing = compose_hand_in(state, self.clock.now())?;
            outgoing.request.certificate = certificate(state)?;
            let body = codec::encode(&outgoing.request);
            Ok(Ready { outgoing, body, assertion: None })
        })
    }

    /// Composes and signs a request. Its counter is on the medium before it is sent, so it is never used for two.
    fn ready(&self, brings: Brings, knows: &Knows, room: Option<u32>) -> Result<Ready, Trouble> {
        let now = self.clock.now();
        self.store.update(|state| {
            let profile = Tablet(state).profile()?.ok_or(Trouble::NotPaired)?;
            let key = Local(state).key()?.ok_or(Trouble::NotPaired)?;
            let key = SigningKey::from_bytes(&key);
            let failed: RefCell<Option<KvError>> = RefCell::new(None);
            let roster = Roster::read(state)?;
            let expect_held = |row: &ActRow| {
                if self.policy == LocalPolicy::Skipped {
                    return false;
                }
                match expected_of(&Tablet(state), &roster, now, row) {
                    Ok(Expectation::Allowed) => false,
                    Ok(Expectation::Held(_)) => true,
                    Err(error) => {
                        failed.replace(Some(error));
                        false
                    }
                }
            };
            let room = room.and_then(|room| usize::try_from(room).ok()).unwrap_or(REQUEST_SLOT_BYTES_MAX);
            let mut outgoing = compose_within(state, &key, APP, now, &expect_held, room)?;
            match brings {
                Brings::Work => {}
                Brings::Nothing => outgoing.bring_nothing(),
            }
            if let Some(error) = failed.into_inner() {
                return Err(error.into());
            }
            if knows.forgotten {
                outgoing.request.certificate = certificate(state)?;
            }
            let counter = Local(state).counter()?.max(knows.counter.unwrap_or(0)) + 1;
            let body = codec::encode(&outgoing.request);
            let assertion = Assertion::of(profile.org.0, profile.device.0, counter, &body).signed_by(&key);
            let mut writes = Writes::new();
            writes.set_counter(counter);
            Ok((writes, Ready { outgoing, body, assertion: Some(assertion) }))
        })
    }

    fn take(&self, ready: &Ready, exchanged: Exchanged, report: &RefCell<Report>) -> Result<Round, Trouble> {
        report.borrow_mut().round_trips += 1;
        let reply: Reply = codec::decode(&exchanged.body).map_err(|error| match error {
            DecodeError::Version(_) | DecodeError::TooLarge | DecodeError::Malformed => Failure::NotOurs,
        })?;
        crash_point("before_take");
        let received = self.clock.now();
        let (brought, again) = self.store.update(|state| {
            let unsent = Tablet(state).unsent()?;
            let (core, brought) = take(state, &ready.outgoing, &reply, received)?;
            let mut writes = Writes::from(core);
            let contact = Local(state).contact()?;
            if contact.room.is_some() {
                writes.set_contact(&Contact { room: after_success(contact.room), ..contact });
            }
            for name in begun(&reply) {
                if Local(state).has_left(name)? {
                    writes.set_left(name, false);
                }
            }
            Ok::<_, Trouble>((
                writes,
                (
                    brought,
                    goes_on(&brought, ready, unsent) || ends(&reply) && !Journal(state).open()?.is_empty(),
                ),
            ))
        })?;
        crash_point("after_take");
        let mut report = report.borrow_mut();
        report.stored += brought.stored;
        report.held += brought.held;
        report.refused += brought.refused;
        Ok(Round { token: exchanged.token, again, refused: None, waits: brought.restored })
    }
}

/// Says whether another exchange has something to say: the server has more, or something did not fit into this one.
fn goes_on(brought: &Brought, ready: &Ready, unsent: usize) -> bool {
    let decided = brought.stored + brought.held + brought.refused;
    let brought_some = !ready.outgoing.request.envelopes.is_empty() && decided > 0;
    brought.more || (brought_some && decided < unsent)
}

/// Says whether something ended: an open session in it becomes a draft, which is still to be handed in.
fn ends(reply: &Reply) -> bool {
    reply.entries.iter().any(|entry| matches!(entry, Entry::End { .. }))
}

fn begun(reply: &Reply) -> Vec<sync_core::ids::StudentId> {
    let subject = |entry: &Entry| {
        if let Entry::Begin { name, .. } = entry { Some(name.subject) } else { None }
    };
    reply.entries.iter().filter_map(subject).collect()
}
