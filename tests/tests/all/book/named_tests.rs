//! Every test that the book names is in the tree.
//!
//! A page names tests in code spans: in a sentence that begins with one of [`MARKS`], up to its full stop, or in a column of a table that
//! has the mark as its heading.

use std::collections::BTreeSet;

use super::markdown::{blocks, cells, code_spans};
use super::sources::{sources, test_names};
use super::{Pages, book, read_pages};

/// What stands before names of tests.
const MARKS: [&str; 2] = ["Shown by", "Turns red"];
/// Where tests can be.
const TREE: [&str; 4] = ["client-sdk", "server", "sync-core", "tests"];

/// Returns the names of tests on a page, each with the line that its block begins on.
fn named(page: &str) -> Vec<(usize, String)> {
    let mut named = Vec::new();
    for (line, block) in blocks(page) {
        let mut rows = block.lines().enumerate();
        let heading: Vec<String> = cells(rows.next().map_or("", |(_, row)| row));
        let columns: Vec<usize> =
            (0..heading.len()).filter(|column| MARKS.contains(&heading[*column].as_str())).collect();
        for (index, row) in rows {
            let row = cells(row);
            let marked = columns.iter().filter_map(|column| row.get(*column));
            named.extend(marked.flat_map(|cell| code_spans(cell)).map(|name| (line + index, name)));
        }
        let text = block.split_whitespace().collect::<Vec<_>>().join(" ");
        for sentence in MARKS.iter().flat_map(|mark| text.split(mark).skip(1)).filter(|_| heading.is_empty())
        {
            let sentence = sentence.split(". ").next().unwrap_or_default();
            named.extend(code_spans(sentence).into_iter().map(|name| (line, name)));
        }
    }
    named
}

/// Returns one line for each name that is no test's, with the page and line that it stands on.
fn unknown_tests(pages: &Pages, known: &BTreeSet<String>) -> Vec<String> {
    let on_page = |(page, text): (&std::path::PathBuf, &String)| {
        let unknown = named(text).into_iter().filter(|(_, name)| !known.contains(name));
        unknown.map(|(line, name)| format!("{}:{line}: {name}: no such test", page.display())).collect()
    };
    pages.iter().flat_map(|page| -> Vec<String> { on_page(page) }).collect()
}

#[test]
fn every_test_that_the_book_names_is_there() {
    let pages = read_pages().expect("the book is here");
    let known: BTreeSet<String> =
        sources(&TREE).expect("the tree is here").values().flat_map(|source| test_names(source)).collect();
    assert!(known.contains("every_test_that_the_book_names_is_there"), "{} tests found", known.len());
    let faults = unknown_tests(&pages, &known);
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
    let count: usize = pages.values().map(|page| named(page).len()).sum();
    assert!(count > 0, "the book names tests");
}

#[test]
fn a_test_that_is_not_there_is_found_with_its_line() {
    let table = "| Who | Shown by |\n| --- | --- |\n| `x` | `one`, `gone` |\n";
    let prose = "Text. Shown by `one` and\n`lost`. Not `this`.\n\n```text\nShown by `that`.\n```\n\nTurns red: `two`.\n";
    let pages = book(&[("docs/src/a.md", table), ("docs/src/b.md", prose)]);
    let known = BTreeSet::from(["one".to_owned()]);
    assert_eq!(
        unknown_tests(&pages, &known),
        [
            "docs/src/a.md:3: gone: no such test",
            "docs/src/b.md:1: lost: no such test",
            "docs/src/b.md:8: two: no such test",
        ]
    );
}
