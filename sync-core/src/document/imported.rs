//! The records that imports make: whose they are, and how each gets its key.
//!
//! An import writes as the organisation itself. The key of what it makes follows from the organisation and from what the district's
//! roster calls it, so that importing twice makes one record, and a tablet finds a goal by the district's own name without asking.

use ulid::Ulid;

use crate::document::schema::RecordKind;
use crate::document::slot::SlotKey;
use crate::ids::{OrgId, PersonId, derive};

impl SlotKey {
    /// Returns the key of the record that the organisation's roster calls `external_id`: a goal or a service line.
    pub fn imported(org: OrgId, kind: RecordKind, external_id: &str) -> Self {
        Self::of_organisation(org, kind.container(), &[external_id.as_bytes()])
    }

    /// Returns the key of the organisation's own record that gives this goal to this person.
    pub fn imported_assignment(org: OrgId, goal: &SlotKey, person: PersonId) -> Self {
        let goal = goal.to_string();
        Self::of_organisation(org, RecordKind::Assignment.container(), &[goal.as_bytes(), &person.0])
    }

    /// Returns the key of the organisation's edit that gives this value to this field after `replaced`, its own value before.
    ///
    /// A value that was left and is come back to has another value before it, so it is another edit.
    pub fn imported_edit(
        org: OrgId,
        target: &SlotKey,
        field: &str,
        replaced: &SlotKey,
        value: &[u8],
    ) -> Self {
        let (target, replaced) = (target.to_string(), replaced.to_string());
        let parts = [target.as_bytes(), field.as_bytes(), replaced.as_bytes(), value];
        Self::of_organisation(org, RecordKind::Edit.container(), &parts)
    }

    fn of_organisation(org: OrgId, container: &str, parts: &[&[u8]]) -> Self {
        let whole: Vec<&[u8]> =
            [org.0.as_slice(), container.as_bytes()].into_iter().chain(parts.iter().copied()).collect();
        Self::new(PersonId::organisation(org), Ulid::from_bytes(derive("imported record", &whole)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ORG: OrgId = OrgId([1; 16]);

    #[test]
    fn the_organisation_owns_what_is_imported_and_every_name_is_a_record_of_its_own() {
        let goal = SlotKey::imported(ORG, RecordKind::Goal, "g1");
        assert_eq!(goal, SlotKey::imported(ORG, RecordKind::Goal, "g1"));
        assert_eq!(goal.member, PersonId::organisation(ORG));
        for other in [
            SlotKey::imported(ORG, RecordKind::Goal, "g2"),
            SlotKey::imported(ORG, RecordKind::Service, "g1"),
            SlotKey::imported(OrgId([2; 16]), RecordKind::Goal, "g1"),
        ] {
            assert_ne!(goal, other);
        }
    }

    #[test]
    fn a_value_that_is_come_back_to_is_another_edit() {
        let goal = SlotKey::imported(ORG, RecordKind::Goal, "g1");
        let there = SlotKey::imported_edit(ORG, &goal, "target", &goal, b"90");
        let back = SlotKey::imported_edit(ORG, &goal, "target", &there, b"80");
        let again = SlotKey::imported_edit(ORG, &goal, "target", &back, b"90");
        assert!(there != back && there != again);
    }
}
