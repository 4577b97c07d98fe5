//! The program that a chapter tells part by part is the one that a test runs.

use std::fs;
use std::path::Path;

use super::{read_pages, top};

const CHAPTER: &str = "docs/src/sdk.md";
const PROGRAM: &str = "client-sdk/examples/morning.rs";

/// Returns what stands in a page's blocks of Rust, each behind an empty line.
fn told(page: &str) -> String {
    let blocks = page.split("\n```rust").skip(1).filter_map(|rest| {
        let (_, rest) = rest.split_once('\n')?;
        Some(rest.split("\n```").next().unwrap_or_default())
    });
    blocks.map(|block| format!("{block}\n")).collect::<Vec<_>>().join("\n")
}

#[test]
fn the_chapter_on_the_sdk_tells_the_whole_program() {
    let pages = read_pages().expect("the book is here");
    let program = fs::read_to_string(top().join(PROGRAM)).expect("the program is here");
    assert_eq!(told(&pages[Path::new(CHAPTER)]), program, "{CHAPTER} and {PROGRAM} differ");
}

#[test]
fn blocks_of_rust_are_put_together_and_no_others() {
    let page =
        "# A\n\n```rust,ignore\nfn a() {}\n```\n\nText.\n\n```text\nno\n```\n\n```rust\nfn b() {}\n```\n";
    assert_eq!(told(page), "fn a() {}\n\nfn b() {}\n");
}
