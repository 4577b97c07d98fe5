//! The committer: many ask, one writes, one sync answers all.
//!
//! A sync costs the same for one frame as for a thousand. So one thread owns the store, takes whatever
//! waits, lets each piece of work decide against the index as it stands with everything before it, appends
//! what was decided, syncs once, and only then answers. While it syncs, the next group gathers by itself:
//! nobody ever waits for a timer, and a lone writer is committed at once.
//!
//! Even work that appends nothing is answered after the group's sync: it may have seen a frame of this group,
//! and an answer about that is a receipt.

mod work;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

use tokio::sync::oneshot;

use work::{Answer, Deciding, Work, not_synced, not_taken};
pub use work::{CommitError, Committed, Decision, Ticket, Turn, Urgency};

use super::contract::{Appended, Store, StoreReader};
use super::frame::{Frame, LogId};
use super::log::codec::encoded_bytes;
use crate::crash::crash_point;
use sync_core::kv::Write;
use sync_core::seeded::{Bug, seeded};

/// How much work may wait; more is turned away at once.
pub const QUEUE_WORK_MAX: usize = 4096;
/// How many pieces of work one sync may answer.
pub const GROUP_WORK_MAX: usize = 1024;
/// How often in one group the processor is left to those who may be about to ask.
const YIELDS_MAX: usize = 16;
/// How large a group may grow, in bytes, unless a single frame is larger.
pub const GROUP_BYTES_MAX: usize = 8 * 1024 * 1024;

/// Owns the store's writing thread. Shared by reference; dropping it commits what waits and ends the thread.
pub struct Committer {
    queue: Mutex<Option<SyncSender<Work>>>,
    writer: Mutex<Option<JoinHandle<Box<dyn Store>>>>,
    reader: Arc<dyn StoreReader>,
}

impl Committer {
    /// Starts the writing thread.
    pub fn start(store: Box<dyn Store>) -> std::io::Result<Self> {
        let reader = store.reader();
        let (queue, work) = sync_channel(QUEUE_WORK_MAX);
        let writer = thread::Builder::new().name("writer".into()).spawn(move || write_all(store, &work))?;
        Ok(Committer { queue: Mutex::new(Some(queue)), writer: Mutex::new(Some(writer)), reader })
    }

    /// Returns the readers' side of the store.
    pub fn reader(&self) -> &Arc<dyn StoreReader> {
        &self.reader
    }

    /// Queues work; it decides when its turn comes, after all that was queued before.
    ///
    /// The work runs on the writing thread: it should only read the index and decide.
    pub fn submit<R: Send + 'static>(
        &self,
        urgency: Urgency,
        work: impl FnOnce(&Turn<'_>) -> Decision<R> + Send + 'static,
    ) -> Result<Ticket<R>, CommitError> {
        self.queue(urgency, None, work, |_, _| ())
    }

    /// Queues work, as [`submit`](Self::submit) does. When what it appended is durable, `durable` is called with the answer on the writing
    /// thread, in the log's order, before the answer leaves, and whether or not somebody still waits for it.
    pub fn submit_then<R: Send + 'static>(
        &self,
        urgency: Urgency,
        work: impl FnOnce(&Turn<'_>) -> Decision<R> + Send + 'static,
        durable: impl FnOnce(&mut R, Appended) + Send + 'static,
    ) -> Result<Ticket<R>, CommitError> {
        self.queue(urgency, None, work, durable)
    }

    /// Queues work with whose turn the log goes on under another id: what was decided before is durable under the old one by then. It
    /// cannot wait.
    pub fn begin<R: Send + 'static>(
        &self,
        log_id: LogId,
        work: impl FnOnce(&Turn<'_>) -> Decision<R> + Send + 'static,
    ) -> Result<Ticket<R>, CommitError> {
        self.queue(Urgency::CannotWait, Some(log_id), work, |_, _| ())
    }

    fn queue<R: Send + 'static>(
        &self,
        urgency: Urgency,
        begins: Option<LogId>,
        work: impl FnOnce(&Turn<'_>) -> Decision<R> + Send + 'static,
        durable: impl FnOnce(&mut R, Appended) + Send + 'static,
    ) -> Result<Ticket<R>, CommitError> {
        let (sender, receiver) = oneshot::channel();
        let decide: Deciding = Box::new(move |turn| {
            let turn = match turn {
                Ok(turn) => turn,
                Err(error) => {
                    let _ = sender.send(Err(error));
                    return None;
                }
            };
            let (frame, mut reply) = match work(turn) {
                Decision::Append { frame, writes, reply } => (Some((frame, writes)), reply),
                Decision::Nothing(reply) => (None, reply),
            };
            let answer: Answer = Box::new(move |outcome| {
                if let Ok(Some(appended)) = outcome {
                    durable(&mut reply, appended);
                }
                // Nobody may be waiting any more: what was committed stands all the same.
                let _ = sender.send(outcome.map(|appended| Committed { reply, appended }));
            });
            Some((frame, answer))
        });
        let work = Work { urgency, begins, decide };
        let queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        match queue.as_ref().ok_or(CommitError::Closed)?.try_send(work) {
            Ok(()) => Ok(Ticket(receiver)),
            Err(TrySendError::Full(_)) => Err(CommitError::Busy),
            Err(TrySendError::Disconnected(_)) => Err(CommitError::Closed),
        }
    }

    /// Queues a frame that needs no decision.
    pub fn append(&self, frame: Frame, writes: Vec<Write>) -> Result<Ticket<()>, CommitError> {
        self.submit(Urgency::Waits, move |_| Decision::Append { frame, writes, reply: () })
    }

    /// Commits what waits, ends the thread, and hands the store back; `None` if the thread panicked or
    /// was ended before.
    pub fn close(&self) -> Option<Box<dyn Store>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner).take();
        let writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner).take()?;
        writer.join().ok()
    }
}

impl Drop for Committer {
    fn drop(&mut self) {
        self.close();
    }
}

/// What one sync will answer.
struct Group {
    answers: Vec<(Answer, Option<Appended>)>,
    bytes: usize,
    /// Whether there was room for new work when it was looked last: as the group was begun, and again before anything is refused.
    has_room: bool,
}

/// The writing thread: until the queue is closed and empty.
fn write_all(mut store: Box<dyn Store>, queue: &Receiver<Work>) -> Box<dyn Store> {
    let mut several = false;
    while let Ok(first) = queue.recv() {
        let mut yields = if several { YIELDS_MAX } else { 0 };
        let mut group = Group { answers: Vec::new(), bytes: 0, has_room: store.reader().has_room() };
        let mut next = Some(first);
        while let Some(work) = next {
            take(&mut *store, work, &mut group);
            next = (group.answers.len() < GROUP_WORK_MAX).then(|| waiting(queue, &mut yields)).flatten();
        }
        several = group.answers.len() > 1;
        commit(&mut *store, &mut group);
    }
    store
}

/// Returns work that waits, or comes when the processor is left to others once; so often that is still done.
fn waiting(queue: &Receiver<Work>, yields: &mut usize) -> Option<Work> {
    queue.try_recv().ok().or_else(|| {
        *yields = yields.checked_sub(1)?;
        thread::yield_now();
        queue.try_recv().ok()
    })
}

/// Lets one piece of work decide, and appends what it decided.
fn take(store: &mut dyn Store, work: Work, group: &mut Group) {
    if let Some(log_id) = work.begins {
        let begun = commit(store, group).map_or_else(|| store.begin_log_id(log_id).map_err(not_synced), Err);
        if let Err(error) = begun {
            (work.decide)(Err(error));
            return;
        }
    }
    // What was refused was answered at once: by the time that the next comes, somebody may have made room.
    if work.urgency == Urgency::Waits && !group.has_room {
        group.has_room = store.reader().has_room();
    }
    let refused = work.urgency == Urgency::Waits && !group.has_room;
    // A panic drops the asker's channel, which answers `Abandoned`; the store was only read.
    let decided = catch_unwind(AssertUnwindSafe(|| {
        let turn = Turn { store };
        (work.decide)(if refused { Err(CommitError::DiskFull) } else { Ok(&turn) })
    }));
    let Ok(Some((frame, answer))) = decided else { return };
    let Some((frame, writes)) = frame else {
        group.answers.push((answer, None));
        return;
    };
    let bytes = encoded_bytes(&frame);
    if group.bytes > 0 && group.bytes + bytes > GROUP_BYTES_MAX {
        // What was decided on a group that was then taken back falls with it.
        if let Some(error) = commit(store, group) {
            answer(Err(error));
            return;
        }
    }
    crash_point("before_append");
    match store.append(&frame, writes) {
        Ok(appended) => {
            crash_point("after_append");
            group.bytes += bytes;
            group.answers.push((answer, Some(appended)));
        }
        Err(error) => answer(Err(not_taken(&error))),
    }
}

/// Syncs the group, answers all of it, and returns what went wrong.
fn commit(store: &mut dyn Store, group: &mut Group) -> Option<CommitError> {
    if seeded(Bug::ReceiptBeforeSync) {
        for (answer, appended) in std::mem::take(&mut group.answers) {
            answer(Ok(appended));
        }
    }
    let synced = store.sync();
    crash_point("after_sync");
    let failed = synced.err().map(not_synced);
    group.bytes = 0;
    for (answer, appended) in std::mem::take(&mut group.answers) {
        answer(failed.clone().map_or(Ok(appended), Err));
    }
    failed
}

#[cfg(test)]
mod tests;
