//! The days on which something went differently, counted back from the last.
//!
//! | School days before the last | What happened |
//! | --- | --- |
//! | 4 | an assistant raises a target, an occupational therapist rephrases a speech goal: both wait for review |
//! | 3 | an aide's last day with a student; the tablet with that day's session stays in a drawer |
//! | 2 | twice, two people change the same value of a goal on one morning: two conflicts |
//! | 0 | the tablet comes out of the drawer: the session is late, and waits for review |

use jiff::civil::Date;
use sync_core::document::slot::Value;
use sync_core::roster::role::Role;

use super::Size;
use super::calendar::SchoolDays;
use super::caseload::Line;
use super::district::Pupil;

/// The aide whose place ends, and the student.
const LEAVING: (&str, Pupil) = ("para-3", Pupil(2));
/// School days before the last on which that aide works with the student for the last time.
const LEAVES: usize = 3;
/// As of the proposals.
const PROPOSALS: usize = 4;
/// As of the conflicts.
const CONFLICTS: usize = 2;
/// Edits that differ, in pairs.
#[cfg(test)]
pub(super) const CONFLICTS_MADE: usize = 2;
/// Acts that wait for review.
#[cfg(test)]
pub(super) const HOLDS_MADE: usize = 3;

/// Somebody changes a goal.
#[derive(Debug, Clone)]
pub(super) struct GoalEdit {
    pub(super) who: &'static str,
    pub(super) role: Role,
    pub(super) pupil: Pupil,
    /// The goal, as the roster calls it.
    pub(super) goal: String,
    pub(super) field: &'static str,
    pub(super) value: Value,
}

/// Returns the last day of a line, where it has one.
pub(super) fn last_day_of(line: &Line, days: &SchoolDays) -> Option<Date> {
    is_leaving(line).then(|| days.before_last(LEAVES))
}

/// Returns whether this is the line whose place ends.
pub(super) fn is_leaving(line: &Line) -> bool {
    (line.who, line.pupil) == LEAVING
}

/// Returns whether a member's tablet lies in a drawer.
pub(super) fn is_away(who: &str, before_last: usize) -> bool {
    who == LEAVING.0 && (1..=LEAVES).contains(&before_last)
}

/// Returns the edits of a day.
pub(super) fn edits(size: Size, before_last: usize) -> Vec<GoalEdit> {
    let speech = |who, role, pupil: Pupil, field, value| GoalEdit {
        who,
        role,
        pupil,
        goal: format!("g-slp-{:02}", pupil.0),
        field,
        value,
    };
    let elm = Pupil::first_of_elm(size);
    match before_last {
        PROPOSALS => vec![
            speech("asst-1", Role::Asst, Pupil(1), "target", Value::Int(85_000)),
            speech(
                "ot-1",
                Role::Ot,
                Pupil(3),
                "statement",
                "Retells a story with pictures to point at".into(),
            ),
        ],
        CONFLICTS => vec![
            speech("slp-1", Role::Slp, Pupil(2), "target", Value::Int(85_000)),
            speech("cm-1", Role::Cm, Pupil(2), "target", Value::Int(75_000)),
            speech("slp-2", Role::Slp, elm, "statement", "Retells a story in order, in class".into()),
            speech("set-3", Role::Cm, elm, "statement", "Retells what was read, in order".into()),
        ],
        _ => Vec::new(),
    }
}
