//! Whether a change may be stored as it is, or its slots are issued.
//!
//! A change is stored *verbatim* if it is what a well-behaved automerge would have written on what this document has. Everything that
//! automerge relies on without checking is checked here, against the index alone:
//!
//! > A change stands only on changes that stand, counts on from the largest counter among them, and follows its actor's previous change.

use std::collections::BTreeSet;

pub use crate::document::change::ActorTip;
use crate::document::change::{ChangeHash, OP_MAX};
use crate::gate::shape::Wrapping;
use crate::kv::KvError;

/// Heads that a document may have after a change. Each honest change names them all, so this bounds its size.
pub const HEADS_MAX: usize = 16;

/// Why slots are issued instead of being stored in the change that they came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Oddity {
    /// The change's actor is not the device that signed it.
    ForeignActor,
    /// It carries a message, which nobody would see.
    Message,
    /// It carries an author footer or other extra bytes, on which automerge can panic.
    ExtraBytes,
    /// Its time is before 1970 or beyond 2^53 ms, after which honest edits can panic.
    Time,
    /// Its deps are not sorted, or one stands twice.
    DepsOutOfOrder,
    /// It names more deps than a document may have heads.
    ManyDeps,
    /// It is encoded otherwise than automerge would, which makes the saved document impossible to open.
    NotCanonical,
    /// Its number is not its actor's next: a gap, or a second change with the same number.
    NotNext,
    /// It does not name its actor's previous change.
    PreviousNotNamed,
    /// It builds on a change that this document does not have.
    UnknownDep,
    /// Its first operation does not count on from its deps.
    StartOp,
    /// It writes into a container whose founding is not among its ancestors.
    ContainerFromNowhere,
    /// The document would have more than [`HEADS_MAX`] heads.
    ManyHeads,
    /// Not every slot of it is new and allowed.
    NotWhole,
    /// The server is set to issue everything.
    SwitchedOff,
}

impl Oddity {
    /// Returns the code in logs and the book.
    pub fn code(self) -> &'static str {
        match self {
            Self::ForeignActor => "foreign_actor",
            Self::Message => "message",
            Self::ExtraBytes => "extra_bytes",
            Self::Time => "time",
            Self::DepsOutOfOrder => "deps_out_of_order",
            Self::ManyDeps => "many_deps",
            Self::NotCanonical => "not_canonical",
            Self::NotNext => "not_next",
            Self::PreviousNotNamed => "previous_not_named",
            Self::UnknownDep => "unknown_dep",
            Self::StartOp => "start_op",
            Self::ContainerFromNowhere => "container_from_nowhere",
            Self::ManyHeads => "many_heads",
            Self::NotWhole => "not_whole",
            Self::SwitchedOff => "switched_off",
        }
    }
}

/// What the index keeps of each change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ChangeMeta {
    /// The largest counter of an operation in it.
    pub max_op: u64,
    /// The highest founding step among its ancestors and itself.
    pub step: u32,
}

/// What the index knows of one document's history.
///
/// All three answers are of one state: the document as the changes before this one have left it.
pub trait History {
    /// Returns the heads.
    fn heads(&self) -> Result<Vec<ChangeHash>, KvError>;

    /// Returns what is kept of a change; none if the document does not have it.
    fn change(&self, hash: &ChangeHash) -> Result<Option<ChangeMeta>, KvError>;

    /// Returns an actor's last change; none if it has written nothing here.
    fn actor(&self, actor: &[u8; 16]) -> Result<Option<ActorTip>, KvError>;
}

/// Checks that a change fits onto the history, and returns what the index is to keep of it.
///
/// # Errors
/// Outside, that the index could not be read; inside, why the slots must be issued.
pub fn fits(wrapping: &Wrapping, history: &impl History) -> Result<Result<ChangeMeta, Oddity>, KvError> {
    if let Some(odd) = wrapping.odd {
        return Ok(Err(odd));
    }
    let change = &wrapping.outline;
    let tip = history.actor(&change.actor)?;
    if change.seq != tip.map_or(0, |tip| tip.seq).saturating_add(1) {
        return Ok(Err(Oddity::NotNext));
    }
    if tip.is_some_and(|tip| !change.deps.contains(&tip.hash)) {
        return Ok(Err(Oddity::PreviousNotNamed));
    }
    let mut below = ChangeMeta { max_op: 0, step: 0 };
    for dep in &change.deps {
        let Some(meta) = history.change(dep)? else { return Ok(Err(Oddity::UnknownDep)) };
        below.max_op = below.max_op.max(meta.max_op);
        below.step = below.step.max(meta.step);
    }
    if Some(change.start_op) != below.max_op.checked_add(1) || change.max_op > OP_MAX {
        return Ok(Err(Oddity::StartOp));
    }
    if wrapping.step > below.step {
        return Ok(Err(Oddity::ContainerFromNowhere));
    }
    let deps: BTreeSet<&ChangeHash> = change.deps.iter().collect();
    let left = history.heads()?.iter().filter(|head| !deps.contains(head)).count();
    if left + 1 > HEADS_MAX {
        return Ok(Err(Oddity::ManyHeads));
    }
    Ok(Ok(ChangeMeta { max_op: change.max_op, step: below.step }))
}
