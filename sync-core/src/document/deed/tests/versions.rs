//! What differs between the versions of the policy, and what does not.

use super::super::expect::{Cause, Expectation, Found, expect};
use super::super::home::Home;
use super::places::{EVERYONE, home_by, kind_for, look_up, place, table};
use super::*;
use crate::document::name::DocumentKind;
use crate::gate::policy::{Place as TeamPlace, lacks};
use crate::roster::reading::Roles;
use crate::roster::version::PolicyVersion;

use PolicyVersion::{V1, V2};
use Role::{Asst, Para, Psy};

/// Whether the second version takes documents of this kind from a role.
fn is_taken(role: Role, kind: DocumentKind) -> bool {
    matches!((role, kind), (Para, DocumentKind::Tally) | (Asst, DocumentKind::Plan))
}

#[test]
fn the_second_version_holds_what_is_done_in_a_document_that_it_takes_and_nothing_else() {
    for (deed, _) in table() {
        for role in EVERYONE {
            let (roles, kind) = (Roles::from([*role]), kind_for(&deed, *role));
            let act = made_by(&deed, *role).unwrap();
            let found = |key: &SlotKey| look_up(key).map(|known| Found { known, stands: true });
            let by = |policy| expect(&TeamPlace { policy, ..place(kind, &roles) }, &act, &found);
            if is_taken(*role, kind) {
                assert_eq!(by(V2), Expectation::Held(Cause::AccessEnded), "{role} {deed:?}");
            } else {
                assert_eq!(by(V2), by(V1), "{role} {deed:?}");
            }
        }
    }
}

/// A register that cannot tell which of two versions is newer keeps the later number: by it nobody may read more.
#[test]
fn each_version_only_takes_from_what_the_one_before_it_gave() {
    for pair in PolicyVersion::ALL.windows(2) {
        assert!(pair[0] < pair[1]);
        for (role, kind) in EVERYONE.iter().flat_map(|role| DocumentKind::ALL.map(|kind| (*role, kind))) {
            let roles = Roles::from([role]);
            let reads = |policy| TeamPlace { policy, ..place(kind, &roles) }.reads();
            assert!(reads(pair[0]) || !reads(pair[1]), "{role} {kind}");
        }
    }
}

/// Who goes on reading would have to be told of it if the right to review were another one: an entry for each would have to follow.
#[test]
fn the_right_to_review_differs_only_where_the_document_is_taken() {
    for (deed, _) in table() {
        for role in EVERYONE {
            let (roles, kind) = (Roles::from([*role]), kind_for(&deed, *role));
            for slot in made_by(&deed, *role).unwrap().slots {
                let by = |policy| lacks(&TeamPlace { policy, ..place(kind, &roles) }, &slot, &look_up);
                if is_taken(*role, kind) {
                    assert!(by(V2).is_some(), "{role} {deed:?}");
                } else {
                    assert_eq!(by(V2), by(V1), "{role} {deed:?}");
                }
            }
        }
    }
}

#[test]
fn what_is_taken_is_no_home_and_two_places_are_a_union() {
    let tally = Deed::OpenTally { goal: key(COLLEAGUE, "goal"), start: at("2026-11-20T09:30:00-06:00") };
    let goal = goal(Discipline::Slp);
    for (deed, role) in [(&tally, Para), (&goal, Asst)] {
        assert!(matches!(home_by(V1, deed, &[role]), Home::Document(_)), "{role}");
        assert_eq!(home_by(V2, deed, &[role]), Home::Nowhere, "{role}");
        assert_eq!(home_by(V2, deed, &[role, Psy]), home_by(V1, deed, &[role, Psy]), "{role}");
    }
    assert_eq!(home_by(V2, &tally, &[Para, Asst]), home_by(V1, &tally, &[Asst]));
}
