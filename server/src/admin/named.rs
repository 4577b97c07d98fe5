//! Who is meant: an id, or what the district's roster calls somebody.

use sync_core::exchange::server::index::Index;
use sync_core::ids::{GuardianId, OrgId, PersonId, StudentId};
use sync_core::kv::KvError;
use sync_core::roster::{Guardian, Person, Student};

/// Returns the person with this id, or this external id.
pub fn person_named(index: &Index<'_>, org: OrgId, named: &str) -> Result<Option<Person>, KvError> {
    if let Ok(id) = named.parse()
        && let Some(person) = index.person(id)?
    {
        return Ok(Some(person));
    }
    index.person(PersonId::imported(org, named))
}

/// Returns the student with this id, or this external id.
pub fn student_named(index: &Index<'_>, org: OrgId, named: &str) -> Result<Option<Student>, KvError> {
    if let Ok(id) = named.parse()
        && let Some(student) = index.student(id)?
    {
        return Ok(Some(student));
    }
    index.student(StudentId::imported(org, named))
}

/// Returns the guardian with this id, or this external id.
pub fn guardian_named(index: &Index<'_>, org: OrgId, named: &str) -> Result<Option<Guardian>, KvError> {
    if let Ok(id) = named.parse()
        && let Some(guardian) = index.guardian(id)?
    {
        return Ok(Some(guardian));
    }
    index.guardian(GuardianId::imported(org, named))
}
