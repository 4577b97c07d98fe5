//! The writer's turn: a closure on a desk, and an answer when what it decided is durable.

use std::sync::Arc;

use sync_core::exchange::server::desk::{Desk, DeskError};
use sync_core::exchange::server::entry::LogEntry;
use sync_core::ids::LogId;
use sync_core::kv::KvError;

use super::cards::{Touched, touched};
use super::log::frame_of;
use super::noted::to_note;
use super::tail::{Written, written};
use super::{Engine, Standing};
use crate::store::{CommitError, Decision, Ticket, Turn, Urgency};

/// What a closure on a desk comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ruling<R> {
    /// What is on the desk goes to the log, and this is the answer.
    Stands(R),
    /// The desk is thrown away: nothing changes, and this is the answer.
    Void(R),
}

/// Why there is no answer. Unless it says so, nothing of the work stands.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EngineError {
    /// Too much work waits already: try again later.
    #[error("too much work waits")]
    Busy,
    /// The engine is closing.
    #[error("the engine is closing")]
    Closing,
    /// The disk is too full for new work; nothing of it was begun, or all of it was taken back.
    #[error("the disk is full")]
    DiskFull,
    /// The disk refused, or stopped: where it stopped it is unknown what stands, and the process ends.
    #[error("the store failed: {0}")]
    Storage(String),
    /// The index could not be read.
    #[error(transparent)]
    Index(#[from] KvError),
    /// The desk could not decide.
    #[error(transparent)]
    Desk(DeskError),
    /// It was done and is durable, but could not be noted beside the keys, where a restore would look for it.
    #[error("it could not be noted beside the keys: {0}")]
    NotNoted(String),
    /// The work panicked.
    #[error("the work was abandoned")]
    Abandoned,
}

impl EngineError {
    /// Returns whether it may be about the one record that was read, so that another can be read all the same.
    pub(super) fn is_of_one_record(&self) -> bool {
        match self {
            Self::Index(KvError::Unreadable(_) | KvError::Damaged(_)) | Self::Desk(_) | Self::Abandoned => {
                true
            }
            Self::Index(KvError::Poisoned)
            | Self::Busy
            | Self::Closing
            | Self::DiskFull
            | Self::Storage(_)
            | Self::NotNoted(_) => false,
        }
    }
}

impl From<DeskError> for EngineError {
    fn from(error: DeskError) -> Self {
        match error {
            DeskError::Index(error) => Self::Index(error),
            DeskError::NotFounded | DeskError::Issue(_) => Self::Desk(error),
        }
    }
}

impl From<CommitError> for EngineError {
    fn from(error: CommitError) -> Self {
        match error {
            CommitError::Busy => Self::Busy,
            CommitError::Closed => Self::Closing,
            CommitError::DiskFull => Self::DiskFull,
            CommitError::Abandoned => Self::Abandoned,
            CommitError::NotWritten { .. } | CommitError::NotTaken { .. } | CommitError::Poisoned => {
                Self::Storage(error.to_string())
            }
        }
    }
}

impl Engine {
    /// Runs `work` on a desk in the writer's turn, and returns its answer when what it decided is durable.
    ///
    /// The desk has been brought up to the present day before; afterwards the facts of everybody concerned are projected into the same
    /// frame. `work` runs on the writing thread: it decides, and does nothing slow.
    pub async fn decide<R: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Desk<'_>) -> Result<Ruling<R>, DeskError> + Send + 'static,
    ) -> Result<R, EngineError> {
        self.decide_as(Urgency::Waits, work).await
    }

    /// As [`decide`](Self::decide), and near a full disk, too: for what takes rights away, and the audit without which nothing is read.
    pub async fn decide_from_reserve<R: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Desk<'_>) -> Result<Ruling<R>, DeskError> + Send + 'static,
    ) -> Result<R, EngineError> {
        self.decide_as(Urgency::CannotWait, work).await
    }

    async fn decide_as<R: Send + 'static>(
        &self,
        urgency: Urgency,
        work: impl FnOnce(&mut Desk<'_>) -> Result<Ruling<R>, DeskError> + Send + 'static,
    ) -> Result<R, EngineError> {
        let standing = self.standing;
        let (unnoted, tail) = (Arc::clone(&self.unnoted), Arc::clone(&self.tail));
        let (cards, publisher) = (Arc::clone(&self.cards), Arc::clone(&self.publisher));
        let ticket = self.committer.submit_then(
            urgency,
            move |turn| in_turn(turn, &standing, work),
            // Who asked may have gone away meanwhile: what is durable is noted all the same.
            move |decided, appended| {
                if let Ok((_, what)) = decided {
                    tail.hear(appended, std::mem::take(&mut what.written));
                    unnoted.add(&what.to_note);
                    // What was destroyed leaves no trace behind which a record has moved on.
                    publisher.forget(what.touched.students_placed());
                    cards.mark(std::mem::take(&mut what.touched));
                }
            },
        );
        let (reply, what) = self.committed(ticket).await?;
        if !what.to_note.is_empty() {
            self.note_rest().await?;
        }
        Ok(reply)
    }

    /// Waits until what was queued is durable, and returns what was answered.
    pub(super) async fn committed<R>(
        &self,
        ticket: Result<Ticket<Result<R, DeskError>>, CommitError>,
    ) -> Result<R, EngineError> {
        let committed = match ticket {
            Ok(ticket) => ticket.await,
            Err(error) => Err(error),
        };
        if committed.is_err() {
            self.look_at_store();
        }
        let decided =
            committed.map_err(EngineError::from).and_then(|done| done.reply.map_err(EngineError::from));
        if let Err(error) = &decided {
            tracing::error!(%error, "nothing was committed");
        }
        decided
    }

    /// Brings the log up to the present day: grants begin and end at midnight, whether or not anybody asks for anything.
    pub async fn advance(&self) -> Result<(), EngineError> {
        self.look_at_store();
        if self.has_begun_today()? {
            return Ok(());
        }
        // Every desk is brought up to its day before any work. Grants end with it, which cannot wait.
        self.decide_from_reserve(|_| Ok(Ruling::Stands(()))).await
    }

    /// Lets the process end where the store must be opened anew.
    fn look_at_store(&self) {
        if self.reader().failure().is_some() {
            self.failed.send_replace(true);
        }
    }

    fn has_begun_today(&self) -> Result<bool, KvError> {
        let index = self.index();
        let Some(organisation) = index.organisation()? else { return Ok(true) };
        let today = organisation.zone.day_of(self.now());
        Ok(index.day()?.is_some_and(|day| day >= today))
    }
}

/// What is to be done about what was decided, once it is durable.
#[derive(Default)]
struct Afterwards {
    /// Whose cards may differ.
    touched: Touched,
    /// What is to be noted beside the keys.
    to_note: Vec<LogEntry>,
    /// What is kept in memory.
    written: Written,
}

fn in_turn<R>(
    turn: &Turn<'_>,
    standing: &Standing,
    work: impl FnOnce(&mut Desk<'_>) -> Result<Ruling<R>, DeskError>,
) -> Decision<Result<(R, Afterwards), DeskError>> {
    let conditions = standing.conditions(LogId(turn.log_id()));
    let decided = Desk::new(turn.index(), turn.next_seq(), conditions).and_then(|mut desk| {
        desk.advance()?;
        match work(&mut desk)? {
            Ruling::Stands(reply) => {
                desk.refresh_facts()?;
                let touched = touched(&desk.index(), desk.entries())?;
                let to_note = to_note(desk.entries());
                Ok((Some(desk.decide()), reply, Afterwards { touched, to_note, written: Written::new() }))
            }
            Ruling::Void(reply) => Ok((None, reply, Afterwards::default())),
        }
    });
    match decided {
        Ok((Some(decided), reply, afterwards)) if !decided.entries.is_empty() => Decision::Append {
            frame: frame_of(&decided.entries),
            writes: decided.writes,
            reply: Ok((reply, Afterwards { written: written(decided.entries), ..afterwards })),
        },
        Ok((_, reply, afterwards)) => Decision::Nothing(Ok((reply, afterwards))),
        Err(error) => Decision::Nothing(Err(error)),
    }
}
