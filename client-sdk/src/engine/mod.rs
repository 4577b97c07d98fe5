//! The engine: drives the pure client over a transport.
//!
//! ```text
//! gather   taps become acts; a live session of a student who is lost becomes a draft
//! compose  a request of what has no receipt, signed with a new counter      durable before it is sent
//! send     one at a time for each folder
//! take     the reply, whole, in one transaction
//! fetch    snapshots, in parallel, going on where they broke off
//! purge    what may be read no more, when everything in it has a receipt
//! ```
//!
//! and again while there is more. A program that dies anywhere in this asks the same question again, and the server's answer to a
//! question asked twice is the same.
//!
//! Whether there is a network is never asked: the only proof of one is our server's reply.

mod backoff;
mod exchange;
mod fetch;
mod pair;
mod purge;
mod review;
mod room;

use std::cell::RefCell;
use std::time::Duration;

pub use backoff::{BACKOFF_FIRST_MS, BACKOFF_MS_MAX, Backoff};
pub use exchange::APP;
pub use fetch::{FETCHES_MAX, SNAPSHOT_BYTES_MAX};
pub use pair::pair;
pub use review::decide;
pub use room::{ROOM_BYTES_MAX, ROOM_BYTES_MIN, ROOM_FIRST_BYTES};
use sync_core::exchange::client::state::Tablet;

use self::fetch::Fetched;
use crate::chance::Chance;
use crate::clock::Clock;
use crate::deeds::LocalPolicy;
use crate::local::{Contact, Local};
use crate::store::{Store, Writes, damage_of};
use crate::transport::{Failure, Transport};
use crate::trouble::Trouble;

/// Exchanges of one run: more than the largest backlog takes, so that a server that always has more cannot keep a tablet busy for ever.
pub const ROUNDS_MAX: usize = 1_000;
/// Milliseconds between two looks while watching.
pub const WATCH_PAUSE_MS: u64 = 3_000;
/// Tries to get the folder's turn to exchange.
const TURN_TRIES: usize = 100;
/// Milliseconds between them.
const TURN_PAUSE_MS: u64 = 100;

/// What came of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Report {
    /// Own acts that stand now.
    pub stored: usize,
    /// Own acts that wait for review now.
    pub held: usize,
    /// Own acts that were refused.
    pub refused: usize,
    /// Exchanges.
    pub round_trips: usize,
    /// Documents that left this tablet.
    pub purged: usize,
}

/// How far a first sync is, for whoever looks on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Documents that were fetched in this run.
    pub fetched: usize,
    /// Documents that are still to be fetched.
    pub left: usize,
}

/// When a run is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Until {
    /// When it is through once, or cannot go on.
    Once,
    /// When nothing waits any more: it tries again and again.
    Done,
    /// Never.
    Stopped,
}

/// The engine of one folder.
pub struct Engine<'a, T> {
    /// Where everything is kept.
    pub store: &'a Store,
    /// The way to the server.
    pub transport: &'a T,
    /// The time.
    pub clock: &'a Clock,
    /// Jitter and ids.
    pub chance: &'a RefCell<dyn Chance>,
    /// Whether the tablet tells beforehand what it expects to be held.
    pub policy: LocalPolicy,
    /// Who looks on.
    pub watcher: &'a dyn Fn(Progress),
}

impl<T: Transport> Engine<'_, T> {
    /// Runs, and adds what comes of it to `report`, which so says what was done however the run ends.
    ///
    /// # Errors
    /// [`Trouble`]: everything that was not sent is safe on the tablet.
    pub async fn run(&self, until: Until, report: &RefCell<Report>) -> Result<(), Trouble> {
        let mut backoff = Backoff::default();
        loop {
            let through = self.through(report).await;
            self.remember(&through)?;
            let pause = match (through, until) {
                (result, Until::Once) => return result,
                (Ok(()), Until::Done) if !self.waits()? => return Ok(()),
                (Ok(()), Until::Done | Until::Stopped) => {
                    backoff = Backoff::default();
                    Duration::from_millis(WATCH_PAUSE_MS)
                }
                (Err(Trouble::Server(failure)), Until::Done | Until::Stopped) if failure.is_passing() => {
                    let after = if let Failure::Later { after, .. } = failure { after } else { None };
                    backoff.next(&mut *self.chance.borrow_mut(), after)?
                }
                (Err(Trouble::Syncing), Until::Done | Until::Stopped) => {
                    Duration::from_millis(WATCH_PAUSE_MS)
                }
                (Err(Trouble::Restored), Until::Done | Until::Stopped) => {
                    backoff.next(&mut *self.chance.borrow_mut(), None)?
                }
                (Err(trouble), Until::Done | Until::Stopped) => return Err(trouble),
            };
            self.transport.pause(pause).await;
        }
    }

    /// Exchanges until both sides have said everything.
    async fn through(&self, report: &RefCell<Report>) -> Result<(), Trouble> {
        let mut tries = 0;
        let _turn = loop {
            if let Some(turn) = self.store.turn()? {
                break turn;
            }
            tries += 1;
            if tries >= TURN_TRIES {
                return Err(Trouble::Syncing);
            }
            self.transport.pause(Duration::from_millis(TURN_PAUSE_MS)).await;
        };
        let mut put_off = None;
        for nth in 1..=ROUNDS_MAX {
            let round = match self.round(report).await {
                Ok(round) => round,
                Err(trouble) => {
                    // What earlier pieces began is fetched all the same; what has stopped this one is what the person is told.
                    drop(self.fetch(put_off.as_deref()).await);
                    return Err(trouble);
                }
            };
            // What comes next may begin a document once more: it is fetched once, behind the last piece.
            let fetched = if round.again && nth < ROUNDS_MAX {
                put_off = round.token.clone().or(put_off);
                Ok(Fetched::default())
            } else {
                put_off = None;
                self.fetch(round.token.as_deref()).await
            };
            // What may not be read any more goes, whatever could not be fetched.
            let purged = self.purge()?;
            report.borrow_mut().purged += purged;
            let fetched = fetched?;
            if !(round.again || fetched.again) {
                return match (round.refused, fetched.failed) {
                    (Some(failure), _) => Err(failure.into()),
                    (None, _) if round.waits => Err(Trouble::Restored),
                    (None, Some(trouble)) => Err(trouble),
                    (None, None) => Ok(()),
                };
            }
        }
        Ok(())
    }

    fn waits(&self) -> Result<bool, Trouble> {
        self.store.read(|state| {
            let tablet = Tablet(state);
            Ok(tablet.unsent()? > 0
                || !tablet.withdrawals()?.is_empty()
                || !tablet.to_fetch()?.is_empty()
                || !crate::session::Journal(state).tapped()?.is_empty())
        })
    }

    fn remember(&self, through: &Result<(), Trouble>) -> Result<(), Trouble> {
        let now = self.clock.now();
        self.store.update(|state| {
            let before = Local(state).contact()?;
            let contact = match through {
                Ok(()) => Contact { synced: Some(now), failed: None, ..before },
                Err(trouble) => Contact { failed: Some(trouble.code().to_owned()), ..before },
            };
            let mut writes = Writes::new();
            writes.set_contact(&contact);
            if through.is_ok()
                && let Some(damage) = damage_of(state)?
                && Tablet(state).to_fetch()?.is_empty()
            {
                writes.settle_damage(&damage);
            }
            Ok((writes, ()))
        })
    }
}
