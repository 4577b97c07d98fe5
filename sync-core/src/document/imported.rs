//! The records that imports make beside those that the roster names: assignments, and edits of its own values.
//!
//! An import writes as the organisation itself. The key of what it makes follows from the organisation and from what the district's
//! roster calls it, so that importing twice makes one record, and a tablet finds a goal by the district's own name without asking.

use ulid::Ulid;

use crate::document::schema::RecordKind;
use crate::document::slot::SlotKey;
use crate::ids::{OrgId, PersonId, derive};

impl SlotKey {
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
    fn a_value_that_is_come_back_to_is_another_edit() {
        let goal = SlotKey::imported(ORG, RecordKind::Goal.container(), "g1");
        let there = SlotKey::imported_edit(ORG, &goal, "target", &goal, b"90");
        let back = SlotKey::imported_edit(ORG, &goal, "target", &there, b"80");
        let again = SlotKey::imported_edit(ORG, &goal, "target", &back, b"90");
        assert!(there != back && there != again);
    }
}
