//! Purging: what may be read no more leaves this tablet, when everything of the person's own in it has a receipt.

use std::collections::BTreeSet;

use sync_core::exchange::client::purge::{due, everything, purge};
use sync_core::exchange::client::state::Tablet;
use sync_core::ids::StudentId;

use super::Engine;
use crate::local::Local;
use crate::session::Journal;
use crate::store::{State, StoreError, Writes, crash_point};
use crate::transport::Transport;
use crate::trouble::Trouble;

impl<T: Transport> Engine<'_, T> {
    /// Purges what is due, and returns how many documents that were.
    pub(super) fn purge(&self) -> Result<usize, Trouble> {
        let documents = self.store.read(|state| -> Result<Vec<_>, Trouble> {
            let busy = in_use(state)?;
            let copies = Tablet(state).copies()?;
            let is_busy =
                |id| copies.iter().any(|copy| copy.name.id() == id && busy.contains(&copy.name.subject));
            Ok(due(state)?.into_iter().filter(|id| !is_busy(*id)).collect())
        })?;
        let mut purged = 0;
        for document in &documents {
            crash_point("before_purge");
            super::fetch::forget(self.store, *document)?;
            purged += self.store.update(|state| {
                let subject = Tablet(state).copy(*document)?.map(|copy| copy.name.subject);
                // Another program may have begun something with the student since it was looked.
                let busy = in_use(state)?;
                if subject.is_some_and(|student| busy.contains(&student)) {
                    return Ok((Writes::new(), 0));
                }
                let mut writes = Writes::from(purge(state, *document)?);
                let others = Tablet(state).copies()?;
                let last = |student| {
                    !others.iter().any(|copy| copy.name.subject == student && copy.name.id() != *document)
                };
                if let Some(student) = subject.filter(|student| last(*student)) {
                    writes.set_left(student, true);
                }
                writes.set_scrub(true);
                Ok::<_, Trouble>((writes, 1))
            })?;
        }
        self.scrub()?;
        Ok(purged)
    }

    /// Purges everything that is not the person's own held or refused work, and returns how many documents that were. Nothing goes while
    /// anything has no receipt: another program may have begun it a moment ago.
    pub(super) fn purge_everything(&self) -> Result<usize, Trouble> {
        let count = self.store.update(|state| {
            let journal = Journal(state);
            let is_busy = !journal.open()?.is_empty() || !journal.tapped()?.is_empty();
            if is_busy || Tablet(state).unsent()? > 0 {
                return Ok((Writes::new(), 0));
            }
            let copies = Tablet(state).copies()?;
            let mut writes = Writes::from(everything(state)?);
            for (key, _) in state.scan_in(crate::store::Table::Partial, &[])? {
                writes.delete(crate::store::Table::Partial, key);
            }
            for copy in &copies {
                writes.set_left(copy.name.subject, true);
            }
            writes.set_scrub(true);
            Ok::<_, Trouble>((writes, copies.len()))
        })?;
        self.scrub()?;
        Ok(count)
    }

    /// Leaves nothing behind of what was removed. While another program reads it is put off until the next run.
    fn scrub(&self) -> Result<(), Trouble> {
        if !self.store.read(|state| Ok::<_, Trouble>(Local(state).scrub_is_due()?))? {
            return Ok(());
        }
        crash_point("before_scrub");
        let mut writes = Writes::new();
        writes.set_scrub(false);
        match self.store.scrub() {
            Ok(()) => Ok(self.store.apply(writes)?),
            Err(StoreError::Busy) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

/// Students with something open that must become acts first.
fn in_use(state: &State<'_>) -> Result<BTreeSet<StudentId>, Trouble> {
    let journal = Journal(state);
    let mut busy: BTreeSet<StudentId> = journal.tapped()?.into_iter().map(|tapped| tapped.student).collect();
    for live in journal.open()? {
        busy.extend(live.present().map(|student| student.id));
    }
    Ok(busy)
}
