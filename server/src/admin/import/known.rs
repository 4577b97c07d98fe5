//! What the organisation has already, for the check of an import's references.

use sync_core::exchange::server::index::Index;
use sync_core::ids::{OrgId, PersonId, SchoolId, StudentId};
use sync_core::roster::role::Role;

use crate::import::Known;

/// Looks references up in the index.
///
/// A row of the index that cannot be read counts as none: the import is then refused for an unknown reference, and changes nothing.
#[derive(Clone, Copy)]
pub struct KnownHere<'a> {
    org: OrgId,
    index: Index<'a>,
}

impl<'a> KnownHere<'a> {
    /// Looks in this index of that organisation.
    pub fn new(org: OrgId, index: Index<'a>) -> Self {
        Self { org, index }
    }
}

impl Known for KnownHere<'_> {
    fn has_school(&self, external_id: &str) -> bool {
        matches!(self.index.school(SchoolId::imported(self.org, external_id)), Ok(Some(_)))
    }

    fn has_student(&self, external_id: &str) -> bool {
        matches!(self.index.student(StudentId::imported(self.org, external_id)), Ok(Some(_)))
    }

    fn person_role(&self, external_id: &str) -> Option<Role> {
        Some(self.index.person(PersonId::imported(self.org, external_id)).ok().flatten()?.role)
    }
}
