//! The book keeps its word: every link in it leads somewhere, every chapter can be reached from its table of contents, every test that it
//! names is there, its page of messages has them all, and its programs are those that run.
//!
//! The check reads Markdown as mdBook and code hosts do, as far as links and headings go, and needs neither of them. It works on a map
//! from path to text, so that the tests below can hand it books with known faults.

mod limits;
mod markdown;
mod messages;
mod named_files;
mod named_tests;
mod programs;
mod sources;
mod transcripts;
mod words;

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};

use markdown::{anchors, links};
pub(crate) use transcripts::is_shown;

/// Where the chapters lie, seen from the top of the repository.
const CHAPTERS: &str = "docs/src";
/// The book's table of contents.
const SUMMARY: &str = "docs/src/SUMMARY.md";
/// Where mdBook puts the rendered book: not a source.
const RENDERED: &str = "docs/book";

/// The pages to check, by path from the top of the repository.
type Pages = BTreeMap<PathBuf, String>;

/// Returns one line for each link that leads nowhere, with the page and line that it stands on.
///
/// `exists` answers for files that are no pages, by path from the top. A chapter's links must stay inside the book: one that leaves it
/// works in the repository and is dead in the rendered book.
fn broken_links(pages: &Pages, exists: impl Fn(&Path) -> bool) -> Vec<String> {
    let mut faults = Vec::new();
    for (page, text) in pages {
        for link in links(text) {
            let mut fault =
                |why: &str| faults.push(format!("{}:{}: {}: {why}", page.display(), link.line, link.target));
            if link.target.contains("://") || link.target.starts_with("mailto:") {
                continue;
            }
            let (file, anchor) = link.target.split_once('#').unwrap_or((&link.target, ""));
            let Some(target) = resolve(page, file) else {
                fault("leads out of the repository");
                continue;
            };
            if page.starts_with(CHAPTERS) && !target.starts_with(CHAPTERS) {
                fault("leads out of the book");
            } else if let Some(there) = pages.get(&target) {
                if !anchor.is_empty() && !anchors(there).contains(anchor) {
                    fault("no such heading");
                }
            } else if !exists(&target) {
                fault("no such file");
            }
        }
    }
    faults
}

/// Returns the chapters that the table of contents names not at all, or more than once.
fn misfiled_chapters(pages: &Pages) -> Vec<String> {
    let summary = Path::new(SUMMARY);
    let mut times: BTreeMap<PathBuf, usize> = pages
        .keys()
        .filter(|page| page.starts_with(CHAPTERS) && *page != summary)
        .map(|page| (page.clone(), 0))
        .collect();
    for link in pages.get(summary).map(|text| links(text)).unwrap_or_default() {
        if let Some(count) = resolve(summary, &link.target).and_then(|chapter| times.get_mut(&chapter)) {
            *count += 1;
        }
    }
    times
        .iter()
        .filter(|(_, times)| **times != 1)
        .map(|(page, times)| format!("{}: {times} times in {SUMMARY}", page.display()))
        .collect()
}

/// Returns where a link on `page` leads, by path from the top; none if above the top. An empty link is the page itself.
fn resolve(page: &Path, link: &str) -> Option<PathBuf> {
    if link.is_empty() {
        return Some(page.to_path_buf());
    }
    let mut path = page.parent().map(Path::to_path_buf).unwrap_or_default();
    for part in Path::new(link).components() {
        match part {
            Component::Normal(name) => path.push(name),
            Component::CurDir => {}
            Component::ParentDir => {
                if !path.pop() {
                    return None;
                }
            }
            Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    Some(path)
}

/// The top of the repository.
///
/// Asked for when the test runs, not when it was built: several checkouts may share one build folder, and then the path that was built
/// in can be another's.
fn top() -> PathBuf {
    let here = env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
    Path::new(&here).join("..")
}

/// Reads the README and every page under `docs`.
fn read_pages() -> io::Result<Pages> {
    let mut pages = Pages::from([(PathBuf::from("README.md"), fs::read_to_string(top().join("README.md"))?)]);
    let mut folders = vec![PathBuf::from("docs")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(top().join(&folder))? {
            let entry = entry?;
            let path = folder.join(entry.file_name());
            if entry.file_type()?.is_dir() {
                if path != Path::new(RENDERED) {
                    folders.push(path);
                }
            } else if path.extension().is_some_and(|extension| extension == "md") {
                pages.insert(path, fs::read_to_string(entry.path())?);
            }
        }
    }
    Ok(pages)
}

#[test]
fn every_link_leads_somewhere() {
    let pages = read_pages().expect("the book is here");
    let faults = broken_links(&pages, |path| top().join(path).exists());
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

#[test]
fn every_chapter_stands_in_the_summary_once() {
    let pages = read_pages().expect("the book is here");
    assert!(pages.contains_key(Path::new(SUMMARY)), "no table of contents");
    let faults = misfiled_chapters(&pages);
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

/// A small book: its pages by path and text.
fn book(pages: &[(&str, &str)]) -> Pages {
    pages.iter().map(|(path, text)| (PathBuf::from(path), (*text).to_owned())).collect()
}

#[test]
fn a_dead_link_is_found_with_its_line() {
    let pages = book(&[
        ("README.md", "# Top\n\n[the book](docs/src/a.md), [code](server/src/lib.rs), [gone](docs/gone.md)"),
        (
            "docs/src/a.md",
            "# A\n\n[here](#a) [there](b.md#second-part)\n[nowhere](b.md#third-part)\n[below](sub/c.md)",
        ),
        ("docs/src/b.md", "# B\n\n## Second part\n"),
        (
            "docs/src/sub/c.md",
            "# C\n\n[up](../a.md) [out](../../../README.md) [far](../../../../x.md) [web](https://example.org/#x)",
        ),
    ]);
    assert_eq!(
        broken_links(&pages, |path| path == Path::new("server/src/lib.rs")),
        [
            "README.md:3: docs/gone.md: no such file",
            "docs/src/a.md:4: b.md#third-part: no such heading",
            "docs/src/sub/c.md:3: ../../../README.md: leads out of the book",
            "docs/src/sub/c.md:3: ../../../../x.md: leads out of the repository",
        ]
    );
}

#[test]
fn a_chapter_missing_from_the_summary_or_in_it_twice_is_found() {
    let pages = book(&[
        (SUMMARY, "- [A](a.md)\n- [B](b.md)\n  - [B again](./b.md)\n"),
        ("docs/src/a.md", "# A"),
        ("docs/src/b.md", "# B"),
        ("docs/src/sub/c.md", "# C"),
        ("docs/notes.md", "no chapter"),
    ]);
    assert_eq!(
        misfiled_chapters(&pages),
        [
            "docs/src/b.md: 2 times in docs/src/SUMMARY.md",
            "docs/src/sub/c.md: 0 times in docs/src/SUMMARY.md"
        ]
    );
}
