//! What begins and ends with the school day, in the organisation's zone.

use std::collections::{BTreeMap, BTreeSet};

use jiff::ToSpan;
use jiff::civil::Date;

use crate::exchange::message::HoldState;
use crate::exchange::server::desk::{Desk, DeskError};
use crate::exchange::server::entry::LogEntry;
use crate::exchange::server::index::key;
use crate::ids::{GrantId, PersonId, StudentId};
use crate::kv::KvError;
use crate::time::{DAY_MS, day_from_text};

/// Days that a hold waits for a record that nobody here knows.
pub const UNKNOWN_DAYS_MAX: i64 = 30;

/// What the author reads of it then.
pub const UNKNOWN_REASON: &str = "what this refers to never arrived";

impl Desk<'_> {
    /// Brings the log up to today: for every day since the last, in its order, the grants that begin or end with it, each once; a grant
    /// that lay wholly in an outage begins and ends. The writer does this before it judges anything.
    ///
    /// # Errors
    /// [`DeskError::Index`].
    pub fn advance(&mut self) -> Result<(), DeskError> {
        if self.is_of_today {
            return Ok(());
        }
        let today = self.today();
        let last = self.index().day()?;
        // What follows asks for nothing that would begin the day again.
        self.is_of_today = true;
        if last.is_some_and(|last| last >= today) {
            return Ok(());
        }
        for (day, grants) in self.due_between(last, today)? {
            let mut places: BTreeSet<(PersonId, StudentId)> = BTreeSet::new();
            for grant in grants {
                places.extend(self.index().grant(grant)?.map(|grant| (grant.person, grant.student)));
            }
            for (person, student) in places {
                self.reconcile(person, student, day)?;
            }
        }
        self.emit(LogEntry::Day(today))?;
        self.found_ahead(last, today)?;
        self.give_up_on_unknown()
    }

    /// Declines what builds on a record that has not come in [`UNKNOWN_DAYS_MAX`] days: it is returned to its author. What stood before a
    /// restore goes on waiting: who lost it was not its author.
    fn give_up_on_unknown(&mut self) -> Result<(), DeskError> {
        let oldest = self.conditions().now.0 - UNKNOWN_DAYS_MAX * DAY_MS;
        for hold in self.index().all_waiting()? {
            // Another one before it may have taken it along.
            let waits = self.index().hold(hold.id)?.is_some_and(|now| now.state == HoldState::Waiting);
            if waits
                && hold.receipt.is_none()
                && hold.received.0 <= oldest
                && self.builds_on_unknown(&hold)?
            {
                let state = HoldState::Declined { by: None, reason: UNKNOWN_REASON.to_owned() };
                self.set_hold_state(&hold, state.clone())?;
                self.take_along(hold.document(), &hold.slots, &state)?;
            }
        }
        Ok(())
    }

    fn due_between(
        &self,
        last: Option<Date>,
        today: Date,
    ) -> Result<BTreeMap<Date, Vec<GrantId>>, DeskError> {
        // Days in this form sort as texts, years with four digits assumed, which the import's limits see to.
        let after = last
            .and_then(|last| last.checked_add(1.day()).ok())
            .map(|day| day.to_string())
            .unwrap_or_default();
        let until = today.checked_add(1.day()).unwrap_or(today).to_string();
        let index = self.index();
        let rows =
            index.0.range(&key::due(&[after.as_bytes()]), &key::due(&[until.as_bytes()]), usize::MAX)?;
        let mut due: BTreeMap<Date, Vec<GrantId>> = BTreeMap::new();
        for (row, _) in rows {
            let damaged = || KvError::Damaged("due");
            let day = row
                .get(1..11)
                .and_then(|day| std::str::from_utf8(day).ok())
                .and_then(day_from_text)
                .ok_or_else(damaged)?;
            let grant = row.get(11..).and_then(|id| id.try_into().ok()).map(GrantId).ok_or_else(damaged)?;
            due.entry(day).or_default().push(grant);
        }
        Ok(due)
    }

    /// Founds the documents of a year or term that came into view with this day.
    fn found_ahead(&mut self, last: Option<Date>, today: Date) -> Result<(), DeskError> {
        let calendar = self.index().calendar()?;
        let view = |day| (calendar.year_of(day), calendar.term_of(day), calendar.next_term_of(day));
        if last.is_some_and(|last| view(last) == view(today)) {
            return Ok(());
        }
        for student in self.index().students()? {
            self.found_documents(student.id)?;
        }
        Ok(())
    }
}
