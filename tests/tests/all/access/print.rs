//! The chapter on access prints the rights from the code; it is compared here, so that the book cannot say something else.
//!
//! With `UPDATE_BOOK=1` in the environment the chapter is written anew.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use sync_core::document::name::DocumentKind;
use sync_core::ids::PersonId;
use sync_core::roster::reading::{Roles, may_read_kind};
use sync_core::roster::role::Role as CoreRole;
use sync_core::roster::version::PolicyVersion;
use tests::matrix::{Document, Grant, Role, load};

use super::in_words;
use super::school::School;

const BEGIN: &str = "<!-- the table below is printed from the code -->\n";
const END: &str = "<!-- end of the table -->";
const BEGIN_VERSIONS: &str = "<!-- what differs between the versions is printed from the code -->\n";
const END_VERSIONS: &str = "<!-- end of what differs -->";
/// The roles that can have a document, in the order of the book.
const COLUMNS: [Role; 8] =
    [Role::Slp, Role::Ot, Role::Pt, Role::Psy, Role::Set, Role::Cm, Role::Para, Role::Asst];

fn cell(fate: &str) -> &'static str {
    match fate {
        "allow" => "yes",
        "hold:proposal" => "proposes",
        "refuse:no-such-document" => "",
        _ => "held",
    }
}

fn printed() -> String {
    let mut rows: Vec<(Document, String)> = Vec::new();
    for cell in load().into_iter().filter(|cell| cell.grant == Grant::Current) {
        let row = (cell.document, cell.action);
        if !rows.contains(&row) {
            rows.push(row);
        }
    }
    let mut by_role: BTreeMap<Role, School> = BTreeMap::new();
    for role in COLUMNS {
        by_role.insert(role, School::with(role, Grant::Current));
    }
    let mut text = String::new();
    for &document in Document::ALL {
        let names: Vec<String> = COLUMNS.iter().map(ToString::to_string).collect();
        write!(
            text,
            "\n### `{document}`\n\n| | {} |\n|---{}|\n",
            names.join(" | "),
            "|---".repeat(COLUMNS.len())
        )
        .unwrap();
        for (_, action) in rows.iter().filter(|(of, _)| *of == document) {
            let cells = COLUMNS.iter().map(|role| match (document, role) {
                // Only restricted members have an `own` document.
                (Document::Own, Role::Para | Role::Asst) => {
                    cell(&in_words(&by_role[role].act(document, action)))
                }
                (Document::Own, _) => "",
                _ => cell(&in_words(&by_role[role].act(document, action))),
            });
            writeln!(text, "| {} | {} |", action.replace('.', " "), cells.collect::<Vec<_>>().join(" | "))
                .unwrap();
        }
    }
    text.push('\n');
    text
}

/// Prints which roles read what by each version of the policy, where that differs.
fn versions() -> String {
    let names = PolicyVersion::ALL.map(|version| format!(" | version {version}")).concat();
    let mut text = format!("| Document{names} |\n|---{}|\n", "|---".repeat(PolicyVersion::ALL.len()));
    let me = PersonId([1; 16]);
    for kind in [DocumentKind::Plan, DocumentKind::Log, DocumentKind::Own, DocumentKind::Tally] {
        let readers = PolicyVersion::ALL.map(|policy| {
            let reads = |role: &CoreRole| may_read_kind(policy, kind, Some(me), me, &Roles::from([*role]));
            let roles = CoreRole::ALL.iter().filter(|role| reads(role));
            roles.map(|role| role.code()).collect::<Vec<_>>().join(" ")
        });
        if readers.iter().any(|of| *of != readers[0]) {
            writeln!(text, "| `{kind}` | {} |", readers.join(" | ")).unwrap();
        }
    }
    text
}

#[test]
fn the_book_prints_the_rights_that_the_code_has() {
    is_printed(BEGIN, END, &printed());
    is_printed(BEGIN_VERSIONS, END_VERSIONS, &versions());
}

fn is_printed(begin: &str, end: &str, printed: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/src/access.md");
    let chapter = std::fs::read_to_string(&path).unwrap();
    let (before, rest) = chapter.split_once(begin).expect("the chapter has a place for the table");
    let (table, after) = rest.split_once(end).expect("the chapter has an end of the table");
    if std::env::var_os("UPDATE_BOOK").is_some() {
        std::fs::write(&path, format!("{before}{begin}{printed}{end}{after}")).unwrap();
        return;
    }
    assert_eq!(
        table, printed,
        "docs/src/access.md is behind the code: run the tests once with UPDATE_BOOK=1"
    );
}
