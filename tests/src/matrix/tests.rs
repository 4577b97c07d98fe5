//! The reader finds every way in which a table can be wrong, and the reviewed table has none of them.

use std::collections::BTreeSet;

use super::*;

/// A table of one document with two actions, to which the lines are added.
fn small(rows: &str) -> Result<Vec<Cell>, MatrixError> {
    parse(&format!("@actions tally = tally.open tap.add\n@group team = slp para\n{rows}"))
}

/// The rows that leave only `slp` and `para` with a current grant to be set.
const ELSE_ABSENT: &str = "* | tally | * | coming,ended,none | absent | domain:7.1\n\
    ot,pt,psy,set,cm,asst,coord,admin,none | tally | * | current | absent | domain:7.1\n";

fn small_with_rest(rows: &str) -> Result<Vec<Cell>, MatrixError> {
    small(&format!("{ELSE_ABSENT}{rows}"))
}

#[test]
fn lists_groups_prefixes_and_wildcards_expand_to_cells() {
    let cells = small_with_rest(
        "team | tally | tap.* | current | allow | design:3 \"anyone\"\n\
         slp | tally | tally.open | current | hold:proposal | domain:7.2\n\
         para | tally | tally.open | current | hold:not-allowed | domain:7.2\n",
    )
    .unwrap();
    let seen: Vec<_> =
        cells.iter().map(|cell| (cell.role.word(), cell.action.as_str(), cell.outcome.word())).collect();
    assert_eq!(
        seen,
        [
            ("slp", "tally.open", "hold:proposal"),
            ("slp", "tap.add", "allow"),
            ("para", "tally.open", "hold:not-allowed"),
            ("para", "tap.add", "allow"),
        ],
    );
    assert_eq!(cells[1].line, 5);
    assert_eq!(cells[1].why, "design:3 \"anyone\"");
}

#[test]
fn a_cell_set_twice_alike_is_a_duplicate() {
    let rows = "team | tally | * | current | allow | design:3\n\
        slp | tally | tap.add | current | allow | design:3\n";
    let cell = "slp | tally | tap.add | current".to_owned();
    assert_eq!(small_with_rest(rows), Err(MatrixError::Duplicate { first: 5, line: 6, cell }));
}

#[test]
fn a_word_said_twice_on_one_line_is_a_duplicate() {
    let row = "slp,team | tally | tap.add | current | allow | design:3\n";
    let cell = "slp | tally | tap.add | current".to_owned();
    assert_eq!(small_with_rest(row), Err(MatrixError::Duplicate { first: 5, line: 5, cell }));
}

#[test]
fn a_cell_set_twice_otherwise_is_a_contradiction_whichever_line_is_wider() {
    let rows = "para | tally | tap.add | current | hold:not-allowed | design:3\n\
        team | tally | * | current | allow | design:3\n";
    let cell = "para | tally | tap.add | current".to_owned();
    assert_eq!(small_with_rest(rows), Err(MatrixError::Contradiction { first: 5, line: 6, cell }));
}

#[test]
fn a_cell_that_is_absent_and_set_is_a_contradiction() {
    let rows = "ot | tally | tap.add | current | allow | design:3\n";
    let cell = "ot | tally | tap.add | current".to_owned();
    assert_eq!(small_with_rest(rows), Err(MatrixError::Contradiction { first: 4, line: 5, cell }));
}

#[test]
fn a_cell_that_no_line_sets_is_missing() {
    let rows = "slp | tally | * | current | allow | design:3\n\
        para | tally | tap.add | current | allow | design:3\n";
    let cell = "para | tally | tally.open | current".to_owned();
    assert_eq!(small_with_rest(rows), Err(MatrixError::Missing { cell }));
}

#[test]
fn an_unknown_word_is_found_in_every_column() {
    for (row, word) in [
        ("nurse | tally | * | current | allow | design:3", "nurse"),
        ("slp | diary | * | current | allow | design:3", "diary"),
        ("slp | tally | * | someday | allow | design:3", "someday"),
        ("slp | tally | * | current | perhaps | design:3", "perhaps"),
        ("slp, | tally | * | current | allow | design:3", ""),
    ] {
        assert_eq!(small(row), Err(MatrixError::UnknownWord { line: 3, word: word.to_owned() }));
    }
}

#[test]
fn an_action_has_to_fit_every_document_of_its_line() {
    for (documents, word) in [("tally", "tap.subtract"), ("tally", "tap*"), ("tally,log", "tap.add")] {
        let document = if documents == "tally" { Document::Tally } else { Document::Log };
        assert_eq!(
            small(&format!("slp | {documents} | {word} | current | allow | design:3")),
            Err(MatrixError::NoAction { line: 3, word: word.to_owned(), document }),
        );
    }
}

#[test]
fn a_line_needs_six_columns_and_a_source() {
    let five = "slp | tally | * | current | allow";
    let seven = "slp | tally | * | current | allow | design:3 | more";
    assert_eq!(small(five), Err(MatrixError::Columns { line: 3, found: 5 }));
    assert_eq!(small(seven), Err(MatrixError::Columns { line: 3, found: 7 }));
    for why in ["", "because", "design: somewhere"] {
        let row = format!("slp | tally | * | current | allow | {why}");
        assert_eq!(small(&row), Err(MatrixError::Unsourced { line: 3 }));
    }
}

#[test]
fn a_directive_is_known_says_something_and_is_not_repeated() {
    for directive in
        ["@actions tally = tap.add", "@group team = ot", "@group", "@group lone =", "@roles all = slp"]
    {
        assert_eq!(small(directive), Err(MatrixError::Directive { line: 3 }), "{directive}");
    }
}

/// Pinned, so that a changed line shows how many cells it moves. Each of the 666 cells of people with a current grant in a document of
/// theirs turns into `hold:access-ended` when the grant ends.
#[test]
fn the_reviewed_table_is_whole() {
    let cells = load();
    let count = |outcome: Outcome| cells.iter().filter(|cell| cell.outcome == outcome).count();
    let counts: Vec<_> = Outcome::ALL.iter().map(|outcome| (outcome.word(), count(*outcome))).collect();
    assert_eq!(
        counts,
        [
            ("allow", 221),
            ("hold:proposal", 55),
            ("hold:not-allowed", 362),
            ("hold:access-ended", 666),
            ("hold:no-policy", 28),
            ("refuse:no-such-document", 2802),
        ],
    );
}

/// Losing a grant never opens anything: whatever a line says, only a current grant allows.
#[test]
fn only_a_current_grant_allows_or_proposes() {
    for cell in load() {
        let without_grant = match cell.grant {
            Grant::Current => continue,
            Grant::Ended => [Outcome::HoldAccessEnded, Outcome::RefuseNoSuchDocument],
            Grant::Coming | Grant::None => [Outcome::RefuseNoSuchDocument; 2],
        };
        assert!(without_grant.contains(&cell.outcome), "line {}", cell.line);
    }
}

/// Whether a document exists for somebody is no matter of what is tried in it.
#[test]
fn a_document_is_refused_for_every_action_or_for_none() {
    let (mut refused, mut had) = (BTreeSet::new(), BTreeSet::new());
    for cell in load() {
        let set = if cell.outcome == Outcome::RefuseNoSuchDocument { &mut refused } else { &mut had };
        set.insert((cell.role, cell.document, cell.grant));
    }
    assert!(refused.is_disjoint(&had));
    assert!(!refused.is_empty() && !had.is_empty());
}

/// Each judgement call that a line rests on is explained, and each explained one is rested on.
#[test]
fn judgement_calls_are_explained_and_used() {
    let text = include_str!("../../access/matrix.txt");
    let explained: BTreeSet<&str> = text
        .lines()
        .filter_map(|line| line.strip_prefix("# call:"))
        .filter_map(|rest| rest.split_whitespace().next())
        .collect();
    let cells = load();
    let used: BTreeSet<&str> = cells
        .iter()
        .flat_map(|cell| cell.why.split("call:").skip(1))
        .map(|rest| rest.split(|c: char| !c.is_ascii_digit()).next().unwrap_or_default())
        .collect();
    assert_eq!(explained, used);
    assert!(!used.is_empty());
}
