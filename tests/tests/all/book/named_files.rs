//! Every file of this tree that the book names is there.

use std::path::Path;

use super::markdown::{blocks, code_spans};
use super::{Pages, book, read_pages, top};

/// The folders in which a path of the tree begins.
const FOLDERS: [&str; 5] = ["client-sdk/", "docs/", "server/", "sync-core/", "tests/"];

/// What makes a path one of many.
const STANDS_FOR: [&str; 5] = [" ", "*", "<", "{", "NNNN"];

/// Returns one line for each path in a code span at which there is nothing, with the page and the line on which its block begins. A path
/// with something in it that stands for something else names no single file.
fn missing_files(pages: &Pages, exists: impl Fn(&Path) -> bool) -> Vec<String> {
    let is_path = |span: &String| {
        FOLDERS.iter().any(|folder| span.starts_with(folder))
            && !STANDS_FOR.iter().any(|sign| span.contains(sign))
    };
    let mut missing = Vec::new();
    for (page, text) in pages {
        for (line, block) in blocks(text) {
            let paths = block.lines().flat_map(code_spans).filter(is_path);
            let gone = paths.filter(|path| !exists(Path::new(path)));
            missing.extend(gone.map(|path| format!("{}:{line}: {path}: no such file", page.display())));
        }
    }
    missing
}

#[test]
fn every_file_that_the_book_names_is_there() {
    let pages = read_pages().expect("the book is here");
    let missing = missing_files(&pages, |path| top().join(path).exists());
    assert!(missing.is_empty(), "\n{}", missing.join("\n"));
}

#[test]
fn a_file_that_is_not_there_is_found() {
    let pages = book(&[(
        "docs/src/a.md",
        "# A\n\nSee `server/src/lib.rs`,\n`tests/gone.rs`, `x/y.rs` and `server/<a>/b`.\n",
    )]);
    let missing = missing_files(&pages, |path| path == Path::new("server/src/lib.rs"));
    assert_eq!(missing, ["docs/src/a.md:3: tests/gone.rs: no such file"]);
}
