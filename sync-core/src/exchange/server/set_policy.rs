//! Setting the policy: another version is in force from one place in the log on, for everybody at once.

use std::collections::BTreeSet;

use crate::exchange::server::desk::{Desk, DeskError};
use crate::exchange::server::entry::LogEntry;
use crate::ids::{PersonId, StudentId};
use crate::roster::GrantState;
use crate::roster::version::PolicyVersion;
use crate::seeded::{Bug, seeded};

impl Desk<'_> {
    /// Puts a version of the policy in force, and begins and ends, person by person and document by document, what is read by it and was not
    /// before, or the other way round. Returns whether it was another one.
    ///
    /// Nothing that was judged is judged again: what waits goes on waiting, and what stands stands. `by` is who sets it; none on the machine
    /// itself.
    ///
    /// # Errors
    /// [`DeskError::Index`]; the desk is to be thrown away then.
    pub fn set_policy(&mut self, version: PolicyVersion, by: Option<PersonId>) -> Result<bool, DeskError> {
        if self.policy() == version {
            return Ok(false);
        }
        let time = self.conditions().now;
        self.emit(LogEntry::Policy { version, by, time })?;
        if seeded(Bug::PolicyWithoutEnds) {
            return Ok(true);
        }
        let today = self.today();
        let current = self.index().all_grants()?.into_iter();
        let current = current.filter(|grant| grant.state(today) == GrantState::Current);
        // Who has no place today reads nothing by any policy. The order is the same wherever the same log is decided on.
        let places: BTreeSet<(PersonId, StudentId)> =
            current.map(|grant| (grant.person, grant.student)).collect();
        for (person, student) in places {
            self.reconcile(person, student, today)?;
        }
        Ok(true)
    }
}
