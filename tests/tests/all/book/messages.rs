//! The page of messages has a line for each code and each line of the log that there is, and for no other; the protocol has one for each
//! reason of a hold.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::markdown::{cells, code_spans, section};
use super::read_pages;
use super::sources::{log_lines, sources, texts_behind, without_tests};

const PAGE: &str = "docs/src/operations/messages.md";

/// Returns the rows of the table in a section: the code that each begins with, and the second cell.
fn rows(page: &str, title: &str) -> BTreeMap<String, String> {
    let table = section(page, title).unwrap_or_else(|| panic!("no section {title}"));
    let mut rows = BTreeMap::new();
    for row in table.lines().map(cells).filter(|row| row.len() > 1) {
        for code in code_spans(&row[0]) {
            assert!(
                rows.insert(code.clone(), row[1].clone()).is_none(),
                "{title}: {code} stands there twice"
            );
        }
    }
    rows
}

fn page() -> String {
    page_at(PAGE)
}

fn page_at(path: &str) -> String {
    read_pages().expect("the book is here").remove(Path::new(path)).expect("the page is here")
}

fn compare(title: &str, code: impl IntoIterator<Item = String>) {
    let (page, code) = (page(), code.into_iter().collect::<BTreeSet<_>>());
    let book: BTreeSet<String> = rows(&page, title).into_keys().collect();
    let missing: Vec<_> = code.difference(&book).collect();
    let gone: Vec<_> = book.difference(&code).collect();
    assert!(missing.is_empty() && gone.is_empty(), "{title}: missing {missing:?}, not in the code {gone:?}");
    assert!(!code.is_empty(), "{title}: nothing was found in the code");
}

#[test]
fn every_refusal_of_the_server_has_its_line_with_its_status() {
    let code = server::http::Code::ALL.iter();
    let code: BTreeMap<String, String> =
        code.map(|code| (code.as_str().to_owned(), code.status().as_u16().to_string())).collect();
    compare("What the server refuses", code.keys().cloned());
    assert_eq!(rows(&page(), "What the server refuses"), code);
}

#[test]
fn every_code_of_the_tablet_has_its_line() {
    compare("What a tablet says", client_sdk::code::Code::ALL.iter().map(|code| code.as_str().to_owned()));
}

#[test]
fn every_code_of_the_servers_commands_has_its_line_with_its_status() {
    const TITLE: &str = "What the commands of the server say";
    let exits = [("Failed,", 1), ("Usage,", 2), ("Unreachable,", 3), ("NotAllowed,", 7)];
    let mut markers: Vec<(String, u8)> = exits.map(|(exit, status)| (format!("Exit::{exit}"), status)).into();
    markers.push(("usage(".to_owned(), 2));
    let sources = without_tests(sources(&["server/src/commands"]).expect("the sources are here"));
    let mut codes = BTreeMap::new();
    for (marker, status) in &markers {
        for code in sources.values().flat_map(|source| texts_behind(source, marker)) {
            let before = codes.insert(code.clone(), status.to_string());
            assert!(before.is_none_or(|before| before == status.to_string()), "{code} has two statuses");
        }
    }
    compare(TITLE, codes.keys().cloned());
    assert_eq!(rows(&page(), TITLE), codes);
}

#[test]
fn every_code_of_a_refused_act_has_its_line() {
    let sources = sources(&["sync-core/src"]).expect("the sources are here");
    let of = |file: &str| &sources[&Path::new("sync-core/src").join(file)];
    let mut codes = texts_behind(of("gate/refusal.rs"), "=>");
    codes.extend(texts_behind(of("envelope.rs"), "=>"));
    codes.extend(texts_behind(of("exchange/server/check.rs"), ": &str ="));
    compare("Why an act was refused", codes);
}

#[test]
fn every_reason_of_a_hold_has_its_line() {
    let sources = sources(&["sync-core/src/exchange"]).expect("the sources are here");
    let messages = &sources[Path::new("sync-core/src/exchange/message/hold.rs")];
    let (_, behind) = messages.split_once("impl HoldReason {").expect("the reasons have names");
    let names = texts_behind(behind.split("\n}\n").next().unwrap_or_default(), "=>");
    let book: BTreeSet<String> =
        rows(&page_at("docs/src/protocol/abstract.md"), "Holds").into_keys().collect();
    assert_eq!(book, names);
}

#[test]
fn every_warning_in_the_servers_log_has_its_line() {
    let sources = without_tests(sources(&["server/src"]).expect("the sources are here"));
    let lines: BTreeSet<String> = ["warn", "error"]
        .iter()
        .flat_map(|level| sources.values().flat_map(move |source| log_lines(source, level)))
        .collect();
    let page = page();
    let book: BTreeSet<String> = rows(&page, "What stands in the server's log").into_keys().collect();
    let silent: Vec<_> =
        lines.iter().filter(|line| !book.iter().any(|start| line.starts_with(start))).collect();
    let gone: Vec<_> =
        book.iter().filter(|start| !lines.iter().any(|line| line.starts_with(*start))).collect();
    assert!(silent.is_empty() && gone.is_empty(), "missing {silent:#?}, not in the code {gone:#?}");
}
