//! The committer: many ask, one writes, one sync answers all.
//!
//! A sync costs the same for one frame as for a thousand. So one thread owns the store, takes whatever
//! waits, lets each piece of work decide against the index as it stands with everything before it, appends
//! what was decided, syncs once, and only then answers. While it syncs, the next group gathers by itself:
//! nobody ever waits for a timer, and a lone writer is committed at once.
//!
//! Even work that appends nothing is answered after the group's sync: it may have seen a frame of this group,
//! and an answer about that is a receipt.

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::thread::{self, JoinHandle};

use tokio::sync::oneshot;

use super::contract::{AppendError, Appended, Store, StoreReader, SyncError};
use super::frame::{Frame, LogId};
use super::log::codec::encoded_bytes;
use super::log::is_disk_full;
use crate::crash::crash_point;
use sync_core::kv::{KvRead, Write};
use sync_core::seeded::{Bug, seeded};

/// How much work may wait; more is turned away at once.
pub const QUEUE_WORK_MAX: usize = 4096;
/// How many pieces of work one sync may answer.
pub const GROUP_WORK_MAX: usize = 1024;
/// How large a group may grow, in bytes, unless a single frame is larger.
pub const GROUP_BYTES_MAX: usize = 8 * 1024 * 1024;

/// What a piece of work sees when its turn comes.
pub struct Turn<'a> {
    store: &'a dyn Store,
}

impl Turn<'_> {
    /// Returns the index with everything before this turn, synced or not.
    pub fn index(&self) -> &dyn KvRead {
        self.store.index()
    }

    /// Returns the id that the log goes by in this turn.
    pub fn log_id(&self) -> LogId {
        self.store.reader().log_id()
    }

    /// Returns the number that the first record appended in this turn will get.
    pub fn next_seq(&self) -> u64 {
        self.store.next_seq()
    }
}

/// What a piece of work decided.
pub enum Decision<R> {
    /// Append this, and answer when it is durable.
    Append {
        /// The records.
        frame: Frame,
        /// What follows from them for the index.
        writes: Vec<Write>,
        /// The answer.
        reply: R,
    },
    /// Append nothing, and answer when all that was seen is durable.
    Nothing(R),
}

/// An answer that may leave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Committed<R> {
    /// What the work answered.
    pub reply: R,
    /// The numbers of its records; `None` if it appended nothing.
    pub appended: Option<Appended>,
}

/// Why there is no answer. In every case but `Poisoned` and `Abandoned` nothing of the work stands.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CommitError {
    /// Too much work waits already: try again later.
    #[error("too much work waits")]
    Busy,
    /// The committer was closed.
    #[error("the committer is closed")]
    Closed,
    /// The disk is full, or nearly so; the work was not begun, or its group was taken back.
    #[error("the disk is full")]
    DiskFull,
    /// The group could not be written and was taken back.
    #[error("the group could not be written: {what}")]
    NotWritten {
        /// What the disk said.
        what: String,
    },
    /// The store did not take the frame.
    #[error("the frame was not taken: {what}")]
    NotTaken {
        /// Why.
        what: String,
    },
    /// The work panicked, or its thread ended.
    #[error("the work was abandoned")]
    Abandoned,
    /// A sync failed: the process must end and open the store anew.
    #[error("the store stopped after a failed sync")]
    Poisoned,
}

/// An answer to come; await it or [`wait`](Ticket::wait) for it.
pub struct Ticket<R>(oneshot::Receiver<Result<Committed<R>, CommitError>>);

impl<R> Ticket<R> {
    /// Blocks until the answer is durable. Not to be called on an async worker.
    pub fn wait(self) -> Result<Committed<R>, CommitError> {
        self.0.blocking_recv().unwrap_or(Err(CommitError::Abandoned))
    }
}

impl<R> Future for Ticket<R> {
    type Output = Result<Committed<R>, CommitError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.0).poll(context).map(|answer| answer.unwrap_or(Err(CommitError::Abandoned)))
    }
}

/// Tells the asker how it went.
type Answer = Box<dyn FnOnce(Result<Option<Appended>, CommitError>) + Send>;
/// Work whose answer's type is forgotten: it gets its turn, or is told why it gets none.
type Deciding = Box<dyn FnOnce(Result<&Turn<'_>, CommitError>) -> Option<Decided> + Send>;
/// What is to be appended, and who waits for it.
type Decided = (Option<(Frame, Vec<Write>)>, Answer);

struct Work {
    urgency: Urgency,
    /// The id under which the log goes on with this turn, where it is another one.
    begins: Option<LogId>,
    decide: Deciding,
}

/// Whether work may wait until there is room for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Urgency {
    /// Near a full disk it is refused with [`CommitError::DiskFull`].
    Waits,
    /// What takes rights away, and the audit of what is read: it may use the [reserve](super::room).
    CannotWait,
}

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
    while let Ok(first) = queue.recv() {
        let mut group = Group { answers: Vec::new(), bytes: 0, has_room: store.reader().has_room() };
        let mut next = Some(first);
        while let Some(work) = next {
            take(&mut *store, work, &mut group);
            next = (group.answers.len() < GROUP_WORK_MAX).then(|| queue.try_recv().ok()).flatten();
        }
        commit(&mut *store, &mut group);
    }
    store
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

fn not_synced(error: SyncError) -> CommitError {
    match error {
        SyncError::NotWritten(error) if is_disk_full(&error) => CommitError::DiskFull,
        SyncError::NotWritten(error) => CommitError::NotWritten { what: error.to_string() },
        SyncError::Poisoned => CommitError::Poisoned,
    }
}

fn not_taken(error: &AppendError) -> CommitError {
    match error {
        AppendError::Poisoned => CommitError::Poisoned,
        AppendError::Empty
        | AppendError::PayloadTooLarge { .. }
        | AppendError::FrameTooLarge { .. }
        | AppendError::GroupFull
        | AppendError::IndexEntryTooLarge { .. }
        | AppendError::IndexBehind { .. }
        | AppendError::Index(_) => CommitError::NotTaken { what: error.to_string() },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::frame::Record;
    use crate::store::memory::{MemoryDisk, MemoryStore};

    fn frame(bytes: usize) -> Frame {
        Record { kind: 1, document: [0; 16], key_id: 0, payload: vec![0; bytes] }.into()
    }

    fn committer() -> (MemoryDisk, Committer) {
        let disk = MemoryDisk::new([1; 16]);
        let committer = Committer::start(Box::new(MemoryStore::open(&disk))).unwrap();
        (disk, committer)
    }

    /// Holds the writing thread until told, so that what is queued meanwhile is one group.
    fn hold(committer: &Committer) -> (std::sync::mpsc::Sender<()>, Ticket<()>) {
        let (go, wait) = std::sync::mpsc::channel();
        let ticket = committer.submit(Urgency::Waits, move |_| {
            let _ = wait.recv();
            Decision::Nothing(())
        });
        (go, ticket.unwrap())
    }

    #[test]
    fn each_turn_sees_all_before_it_and_answers_are_durable() {
        let (_, committer) = committer();
        let (go, held) = hold(&committer);
        let tickets: Vec<_> = (0..100u64)
            .map(|number| {
                let work = move |turn: &Turn<'_>| {
                    let seen = turn.index().get(b"count").unwrap().map_or(0, |count| count[0]);
                    let writes = vec![Write::Put(b"count".to_vec(), vec![seen + 1])];
                    Decision::Append { frame: frame(3), writes, reply: (number, seen, turn.next_seq()) }
                };
                committer.submit(Urgency::Waits, work).unwrap()
            })
            .collect();
        go.send(()).unwrap();
        held.wait().unwrap();
        for (number, ticket) in tickets.into_iter().enumerate() {
            let done = ticket.wait().unwrap();
            let seq = number as u64 + 1;
            assert_eq!(done.reply, (number as u64, number as u8, seq));
            assert_eq!(done.appended, Some(Appended { first: seq, last: seq }));
            assert!(committer.reader().end().seq >= seq);
        }
    }

    #[test]
    fn a_failed_write_fails_the_whole_group_and_nothing_after_it() {
        let (disk, committer) = committer();
        let (go, held) = hold(&committer);
        let first = committer.append(frame(1), vec![]).unwrap();
        let second = committer.append(frame(1), vec![]).unwrap();
        disk.fail_next_write();
        go.send(()).unwrap();
        assert_eq!(held.wait(), Err(CommitError::DiskFull));
        assert_eq!((first.wait(), second.wait()), (Err(CommitError::DiskFull), Err(CommitError::DiskFull)));
        let third = committer.append(frame(1), vec![]).unwrap().wait().unwrap();
        assert_eq!(third.appended, Some(Appended { first: 1, last: 1 }));
    }

    #[test]
    fn near_a_full_disk_only_what_cannot_wait_is_decided() {
        let (disk, committer) = committer();
        disk.set_almost_full(true);
        let refused: Ticket<()> =
            committer.submit(Urgency::Waits, |_| panic!("it is not even looked at")).unwrap();
        assert_eq!(refused.wait(), Err(CommitError::DiskFull));
        let revoked = committer.submit(Urgency::CannotWait, |_| Decision::Append {
            frame: frame(1),
            writes: vec![],
            reply: (),
        });
        assert_eq!(revoked.unwrap().wait().unwrap().appended, Some(Appended { first: 1, last: 1 }));
        disk.set_almost_full(false);
        assert!(committer.append(frame(1), vec![]).unwrap().wait().is_ok());
    }

    #[test]
    fn what_comes_after_room_was_made_is_not_refused_with_what_came_before() {
        let (disk, committer) = committer();
        disk.set_almost_full(true);
        let (go, wait) = std::sync::mpsc::channel::<()>();
        // One group: it begins without room, refuses, and goes on when there is room.
        let first = committer.submit(Urgency::CannotWait, move |_| {
            let _ = wait.recv();
            Decision::Nothing(())
        });
        let refused: Ticket<()> = committer.submit(Urgency::Waits, |_| Decision::Nothing(())).unwrap();
        let freed = disk.clone();
        let made = committer.submit(Urgency::CannotWait, move |_| {
            freed.set_almost_full(false);
            Decision::Nothing(())
        });
        let taken = committer.append(frame(1), vec![]).unwrap();
        go.send(()).unwrap();
        assert!(first.unwrap().wait().is_ok() && made.unwrap().wait().is_ok());
        assert_eq!(refused.wait(), Err(CommitError::DiskFull));
        assert_eq!(taken.wait().unwrap().appended, Some(Appended { first: 1, last: 1 }));
    }

    #[test]
    fn a_failed_sync_poisons_all_that_comes() {
        let (disk, committer) = committer();
        disk.fail_next_sync();
        for _ in 0..2 {
            let outcome = committer.append(frame(1), vec![]).unwrap().wait();
            assert_eq!(outcome, Err(CommitError::Poisoned));
        }
        assert_eq!(committer.reader().end().seq, 0);
    }

    #[test]
    fn work_that_panics_is_abandoned_alone() {
        let (_, committer) = committer();
        let (go, held) = hold(&committer);
        let bad: Ticket<()> = committer.submit(Urgency::Waits, |_| panic!("on purpose")).unwrap();
        let good = committer.append(frame(1), vec![]).unwrap();
        let large = committer.append(Frame::default(), vec![]).unwrap();
        go.send(()).unwrap();
        held.wait().unwrap();
        assert_eq!(bad.wait(), Err(CommitError::Abandoned));
        assert!(good.wait().is_ok());
        assert!(matches!(large.wait(), Err(CommitError::NotTaken { .. })));
    }

    #[test]
    fn a_full_queue_turns_work_away() {
        let (_, committer) = committer();
        let (go, held) = hold(&committer);
        let mut tickets = Vec::new();
        let outcome = loop {
            match committer.append(frame(1), vec![]) {
                Ok(ticket) => tickets.push(ticket),
                Err(error) => break error,
            }
        };
        // The work that holds the thread may or may not have left the queue yet.
        assert!(outcome == CommitError::Busy && tickets.len() + 1 >= QUEUE_WORK_MAX);
        go.send(()).unwrap();
        held.wait().unwrap();
        assert!(tickets.into_iter().all(|ticket| ticket.wait().is_ok()));
    }

    #[test]
    fn a_group_larger_than_the_limit_is_synced_in_parts() {
        let (_, committer) = committer();
        let (go, held) = hold(&committer);
        let tickets: Vec<_> =
            (0..5).map(|_| committer.append(frame(GROUP_BYTES_MAX / 3), vec![]).unwrap()).collect();
        go.send(()).unwrap();
        held.wait().unwrap();
        assert!(tickets.into_iter().all(|ticket| ticket.wait().is_ok()));
    }

    #[test]
    fn a_new_id_begins_with_its_turn_and_what_came_before_stands_under_the_old_one() {
        let (disk, committer) = committer();
        let (go, held) = hold(&committer);
        let of = |turn: &Turn<'_>| Decision::Append { frame: frame(1), writes: vec![], reply: turn.log_id() };
        let before = committer.submit(Urgency::Waits, of).unwrap();
        let first = committer.begin([2; 16], of).unwrap();
        let after = committer.submit(Urgency::Waits, of).unwrap();
        go.send(()).unwrap();
        held.wait().unwrap();
        assert_eq!(before.wait().unwrap().reply, [1; 16]);
        let first = first.wait().unwrap();
        assert_eq!((first.reply, first.appended), ([2; 16], Some(Appended { first: 2, last: 2 })));
        assert_eq!(after.wait().unwrap().reply, [2; 16]);
        disk.fail_next_sync();
        let poisoned = committer.append(frame(1), vec![]).unwrap().wait();
        assert_eq!(poisoned, Err(CommitError::Poisoned));
        assert_eq!(committer.begin([3; 16], of).unwrap().wait(), Err(CommitError::Poisoned));
        assert_eq!(committer.reader().log_id(), [2; 16]);
    }

    #[test]
    fn what_follows_from_durable_work_happens_though_nobody_waits_and_not_when_it_failed() {
        let (disk, committer) = committer();
        let (tell, told) = std::sync::mpsc::channel();
        let of = move |name: &'static str| {
            let tell = tell.clone();
            let work = move |_: &Turn<'_>| Decision::Append { frame: frame(1), writes: vec![], reply: name };
            (work, move |reply: &mut &'static str, at| tell.send((*reply, at)).unwrap())
        };
        disk.fail_next_write();
        let (work, durable) = of("failed");
        assert_eq!(
            committer.submit_then(Urgency::Waits, work, durable).unwrap().wait(),
            Err(CommitError::DiskFull)
        );
        let (work, durable) = of("done");
        drop(committer.submit_then(Urgency::Waits, work, durable).unwrap());
        committer.close().unwrap();
        assert_eq!(told.try_iter().collect::<Vec<_>>(), [("done", Appended { first: 1, last: 1 })]);
    }

    #[test]
    fn closing_commits_what_waits_and_refuses_the_rest() {
        let (_, committer) = committer();
        let ticket = committer.append(frame(1), vec![]).unwrap();
        let store = committer.close().unwrap();
        assert!(ticket.wait().is_ok());
        assert_eq!(store.next_seq(), 2);
        assert!(matches!(committer.append(frame(1), vec![]), Err(CommitError::Closed)));
    }

    #[tokio::test]
    async fn an_answer_can_be_awaited() {
        let (_, committer) = committer();
        let done = committer.submit(Urgency::Waits, |_| Decision::Nothing("seen")).unwrap().await.unwrap();
        assert_eq!(done, Committed { reply: "seen", appended: None });
    }
}
