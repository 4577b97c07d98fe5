//! The whole matrix of rights, cell by cell, through the server's own decisions.
//!
//! `access/matrix.txt` was transcribed from the texts by somebody who had not read the policy. Here each of its cells is acted out: a
//! device of that role signs an envelope with that one act, and the fate is compared with the cell.

mod print;
mod school;

use school::{School, Subject};
use sync_core::exchange::message::{HoldReason, Outcome};
use tests::matrix::{Cell, Document, Grant, Outcome as Expected, Role, load};

/// Says of a fate what the table would say of it.
fn in_words(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Stored => "allow".into(),
        Outcome::Held { reason: HoldReason::Proposal, .. } => "hold:proposal".into(),
        Outcome::Held { reason: HoldReason::NotAllowed, .. } => "hold:not-allowed".into(),
        Outcome::Held { reason: HoldReason::AccessEnded, .. } => "hold:access-ended".into(),
        Outcome::Held { reason: HoldReason::NoPolicy, .. } => "hold:no-policy".into(),
        Outcome::Held { reason, .. } => format!("hold:{}", reason.name()),
        Outcome::Refused { code } if code == "no_such_document" => "refuse:no-such-document".into(),
        Outcome::Refused { code } => format!("refuse:{code}"),
    }
}

fn check(role: Role) {
    let cells: Vec<Cell> = load().into_iter().filter(|cell| cell.role == role).collect();
    assert!(!cells.is_empty());
    let mut wrong = Vec::new();
    for &grant in Grant::ALL {
        let of_grant: Vec<&Cell> = cells.iter().filter(|cell| cell.grant == grant).collect();
        if of_grant.is_empty() {
            continue;
        }
        let school = School::with(role, grant);
        for cell in of_grant {
            let got = in_words(&school.act(cell.document, &cell.action));
            if got != cell.outcome.to_string() {
                wrong.push(format!(
                    "line {}: {} | {} | {} | {}: the table says {}, the server {got} ({})",
                    cell.line, cell.role, cell.document, cell.action, cell.grant, cell.outcome, cell.why
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{} cells differ:\n{}", wrong.len(), wrong.join("\n"));
}

macro_rules! a_test_for_each_role {
    ($($name:ident: $role:ident),* $(,)?) => {
        $(#[test]
        fn $name() {
            check(Role::$role);
        })*

        #[test]
        fn no_role_of_the_table_is_left_out() {
            let tested = [$(Role::$role),*];
            assert!(Role::ALL.iter().all(|role| tested.contains(role)));
        }
    };
}

a_test_for_each_role! {
    speech_language_pathologist: Slp,
    occupational_therapist: Ot,
    physical_therapist: Pt,
    school_psychologist: Psy,
    special_education_teacher: Set,
    case_manager: Cm,
    paraprofessional: Para,
    assistant: Asst,
    coordinator: Coord,
    administrator: Admin,
    nobody_on_the_team: None,
}

#[test]
fn a_wrong_cell_would_be_noticed() {
    // The school must be able to give each of the table's outcomes, or a cell could be right for want of a difference.
    let school = School::with(Role::Slp, Grant::Current);
    let say = |document, action| in_words(&school.act(document, action));
    assert_eq!(say(Document::Plan, "goal.edit.own-discipline"), Expected::Allow.to_string());
    assert_eq!(say(Document::Plan, "goal.edit.other-discipline"), "hold:proposal");
    assert_eq!(say(Document::Log, "session.edit.others"), "hold:not-allowed");
    assert_eq!(Subject::parse("goal.edit.own-discipline").words(), ["goal", "edit", "own-discipline"]);
}
