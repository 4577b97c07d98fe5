//! Which documents a place on the team gives to read whole.

use std::collections::BTreeSet;

use crate::document::name::{DocumentKind, DocumentName};
use crate::ids::PersonId;
use crate::roster::role::Role;
use crate::roster::version::PolicyVersion;

/// The roles in which one person stands on one student's team on one day; several grants are a union.
pub type Roles = BTreeSet<Role>;

/// Returns whether `person`, standing on the subject's team with `roles` today, reads this document whole by this version of the policy.
pub fn may_read(policy: PolicyVersion, name: &DocumentName, person: PersonId, roles: &Roles) -> bool {
    may_read_kind(policy, name.kind, name.member, person, roles)
}

/// Returns whether there is any version of the policy by which the person reads this document in these roles.
pub fn might_read(name: &DocumentName, person: PersonId, roles: &Roles) -> bool {
    PolicyVersion::ALL.into_iter().any(|policy| may_read(policy, name, person, roles))
}

/// As [`may_read`], of a document of this kind; `member` is whose it is where it is an `own` one.
pub fn may_read_kind(
    policy: PolicyVersion,
    kind: DocumentKind,
    member: Option<PersonId>,
    person: PersonId,
    roles: &Roles,
) -> bool {
    let clinician = roles.iter().any(|role| role.is_clinician());
    match kind {
        DocumentKind::Plan => {
            clinician || (roles.contains(&Role::Asst) && policy.gives_assistants_the_plan())
        }
        DocumentKind::Log => clinician,
        DocumentKind::Own => {
            clinician || (member == Some(person) && roles.iter().any(|role| role.is_supervised()))
        }
        DocumentKind::Tally => roles
            .iter()
            .any(|role| role.is_on_teams() && (*role != Role::Para || policy.gives_paras_tallies())),
    }
}

/// Returns whether this person gets a student card instead of the documents: whoever does not read both `plan` and `log`,
/// which by every version of the policy are the clinicians.
pub fn needs_card(roles: &Roles) -> bool {
    !roles.is_empty() && !roles.iter().any(|role| role.is_clinician())
}
