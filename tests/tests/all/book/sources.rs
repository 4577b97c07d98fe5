//! What the book can be held against: names and texts that stand in the sources.
//!
//! The sources are read as text, which needs no build of them and reaches what a type does not show, such as a line of the log.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::{Pages, top};

/// Returns the Rust sources below these folders, by path from the top.
pub fn sources(folders: &[&str]) -> io::Result<Pages> {
    let mut found = Pages::new();
    let mut left: Vec<PathBuf> = folders.iter().map(PathBuf::from).collect();
    while let Some(folder) = left.pop() {
        for entry in fs::read_dir(top().join(&folder))? {
            let entry = entry?;
            let path = folder.join(entry.file_name());
            if entry.file_type()?.is_dir() {
                left.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.insert(path, fs::read_to_string(entry.path())?);
            }
        }
    }
    Ok(found)
}

/// Returns what of the sources runs in a program: no test's file, and no module of tests at a file's end.
pub fn without_tests(sources: Pages) -> Pages {
    let is_test = |path: &Path| path.iter().any(|part| part == "tests" || part == "tests.rs");
    let before = |text: &str| text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default().to_owned();
    sources
        .iter()
        .filter(|(path, _)| !is_test(path))
        .map(|(path, text)| (path.clone(), before(text)))
        .collect()
}

/// Returns the names of the tests in a source: functions behind `#[test]` or `#[tokio::test]`.
pub fn test_names(source: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let mut awaited = false;
    for line in source.lines().map(str::trim) {
        awaited |= line.starts_with("#[test]") || line.starts_with("#[tokio::test");
        let function = line.strip_prefix("async ").unwrap_or(line).strip_prefix("fn ");
        if let Some((name, _)) = function.and_then(|rest| rest.split_once('(')) {
            if awaited {
                names.insert(name.to_owned());
            }
            awaited = false;
        }
    }
    names
}

/// Returns the texts in quotes that come next behind a marker, with nothing but blanks between, as often as it stands there.
pub fn texts_behind(source: &str, marker: &str) -> BTreeSet<String> {
    let quoted = |rest: &str| {
        let text = rest.trim_start().strip_prefix('"')?;
        Some(text.split_once('"')?.0.to_owned())
    };
    source.split(marker).skip(1).filter_map(quoted).collect()
}

/// Returns the lines that a source writes to the log with `tracing::<level>!`: the last text in quotes of each call, put on one line.
pub fn log_lines(source: &str, level: &str) -> BTreeSet<String> {
    let last_text = |call: &str| {
        let (call, _) = call.split_once(");")?;
        let text = call.rsplit('"').nth(1)?;
        let on_one_line: Vec<&str> = text.split("\\\n").map(str::trim_start).collect();
        Some(on_one_line.concat())
    };
    source.split(&format!("tracing::{level}!(")).skip(1).filter_map(last_text).collect()
}

#[test]
fn names_of_tests_are_found_and_no_others() {
    let source = "fn helper() {}\n#[test]\nfn one() {}\n  #[tokio::test(flavor = \"x\")]\n  #[ignore]\n  async fn two() {}\nfn none() {}\n";
    assert_eq!(test_names(source), BTreeSet::from(["one", "two"].map(str::to_owned)));
}

#[test]
fn texts_are_found_behind_their_marker_alone() {
    let source =
        "f(Exit::Usage, \"one\", \"no\");\n(\n    Exit::Usage,\n    \"two\",\n)\nExit::Usage, code, \"no\"";
    assert_eq!(texts_behind(source, "Exit::Usage,"), BTreeSet::from(["one", "two"].map(str::to_owned)));
}

#[test]
fn lines_of_the_log_are_put_on_one_line() {
    let source = "tracing::warn!(%error, field = \"x\", \"could not\");\ntracing::error!(\n  \"a long \\\n     line\"\n);";
    assert_eq!(log_lines(source, "warn"), BTreeSet::from(["could not".to_owned()]));
    assert_eq!(log_lines(source, "error"), BTreeSet::from(["a long line".to_owned()]));
}
