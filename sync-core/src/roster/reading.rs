//! Which documents a place on the team gives to read whole.

use std::collections::BTreeSet;

use crate::document::name::{DocumentKind, DocumentName};
use crate::ids::PersonId;
use crate::roster::role::Role;

/// The roles in which one person stands on one student's team on one day; several grants are a union.
pub type Roles = BTreeSet<Role>;

/// Returns whether `person`, standing on the subject's team with `roles` today, reads this document whole.
pub fn may_read(name: &DocumentName, person: PersonId, roles: &Roles) -> bool {
    may_read_kind(name.kind, name.member, person, roles)
}

/// Returns the same of a document of this kind; `member` is whose it is where it is an `own` one.
pub fn may_read_kind(kind: DocumentKind, member: Option<PersonId>, person: PersonId, roles: &Roles) -> bool {
    let clinician = roles.iter().any(|role| role.is_clinician());
    match kind {
        DocumentKind::Plan => clinician || roles.contains(&Role::Asst),
        DocumentKind::Log => clinician,
        DocumentKind::Own => {
            clinician || (member == Some(person) && roles.iter().any(|role| role.is_supervised()))
        }
        DocumentKind::Tally => roles.iter().any(|role| role.is_on_teams()),
    }
}

/// Returns whether this person gets a student card instead of the documents: whoever does not read both `plan` and `log`.
pub fn needs_card(roles: &Roles) -> bool {
    !roles.is_empty() && !roles.iter().any(|role| role.is_clinician())
}
