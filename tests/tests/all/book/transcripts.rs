//! What the book shows of a terminal is what a terminal shows.
//!
//! A block of `console` has commands, each behind `$ ` and going on behind `> `, and below each what it prints, standard error included. All
//! blocks of a page are one session of a shell, in an empty folder. Where an id, a time or a number varies, the book has `…`: any text on a
//! line, or alone on a line, any lines.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use jiff::Timestamp;
use tests::process::{TODAY, program};

use super::read_pages;

/// What stands for a text that varies.
const ANY: &str = "…";
/// The port that servers of the book listen at.
const PORT: &str = "8642";
/// How long one page may take, in seconds.
const SESSION_S_MAX: &str = "180";
/// What tells the output of one command from that of the next: no program prints it.
const BETWEEN: char = '\u{1e}';

/// A command of a page, and what the page says that it prints.
#[derive(Debug, PartialEq, Eq)]
struct Step {
    line: usize,
    command: String,
    prints: Vec<String>,
}

fn steps(page: &str) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    let mut inside = false;
    for (index, line) in page.lines().enumerate() {
        if line.starts_with("```") {
            inside = line == "```console";
        } else if let Some(command) = line.strip_prefix("$ ").filter(|_| inside) {
            steps.push(Step { line: index + 1, command: command.to_owned(), prints: Vec::new() });
        } else if let Some(step) = steps.last_mut().filter(|_| inside) {
            match line.strip_prefix("> ") {
                Some(more) if step.prints.is_empty() => step.command.extend(["\n", more]),
                Some(_) | None => step.prints.push(line.to_owned()),
            }
        }
    }
    steps
}

/// Returns whether what was printed is what the page shows.
pub(crate) fn is_shown(shown: &[String], printed: &[&str]) -> bool {
    match shown.split_first() {
        None => printed.is_empty(),
        Some((any, rest)) if any == ANY => {
            (0..=printed.len()).any(|skipped| is_shown(rest, &printed[skipped..]))
        }
        Some((line, rest)) => {
            printed.split_first().is_some_and(|(first, after)| fits(line, first) && is_shown(rest, after))
        }
    }
}

fn fits(shown: &str, printed: &str) -> bool {
    let mut parts = shown.split(ANY);
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = printed.strip_prefix(first) else { return false };
    let mut parts = parts.peekable();
    if parts.peek().is_none() {
        return rest.is_empty();
    }
    while let Some(part) = parts.next() {
        let after = match parts.peek() {
            None => rest.ends_with(part).then_some(""),
            Some(_) => rest.split_once(part).map(|(_, after)| after),
        };
        let Some(after) = after else { return false };
        rest = after;
    }
    true
}

/// Returns the machine's time, which all programs of a session share, shifted.
#[expect(clippy::disallowed_methods, reason = "the programs read the machine's clock, too")]
fn system_now() -> Timestamp {
    Timestamp::now()
}

/// Puts the programs into a folder under their names, with clocks that show a school day, whatever the machine's says.
fn programs(folder: &Path) {
    let shift = TODAY.parse::<Timestamp>().unwrap().as_second() - system_now().as_second();
    let sign = if shift < 0 { '-' } else { '+' };
    for name in ["carryover", "carryover-tablet"] {
        let clock = format!("--clock={sign}{}s", shift.abs());
        let script = format!("#!/bin/sh\nexec '{}' '{clock}' \"$@\"\n", program(name).display());
        fs::write(folder.join(name), script).unwrap();
        fs::set_permissions(folder.join(name), fs::Permissions::from_mode(0o755)).unwrap();
    }
}

/// Acts out a page, and returns what differs.
fn differences(page: &str) -> Vec<String> {
    let (home, bin) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    programs(bin.path());
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port().to_string();
    let page = page.replace(PORT, &port);
    let steps = steps(&page);
    let said: Vec<String> =
        steps.iter().map(|step| format!("{}\nprintf '{BETWEEN}'\n", step.command)).collect();
    let path = format!("{}:{}", bin.path().display(), std::env::var("PATH").unwrap());
    // Whatever is left running ends with the session.
    let script = format!("exec 2>&1\ntrap 'kill $! 2>/dev/null' EXIT\n{}", said.concat());
    let mut shell = Command::new("timeout");
    shell.args([SESSION_S_MAX, "sh", "-c", &script]).current_dir(home.path()).env("PATH", path);
    let printed = String::from_utf8(shell.output().unwrap().stdout).unwrap();
    let mut outputs = printed.split(BETWEEN);
    steps
        .iter()
        .filter_map(|step| {
            let output = outputs.next().unwrap_or_default();
            let lines: Vec<&str> = output.lines().collect();
            let differs = !is_shown(&step.prints, &lines);
            differs.then(|| format!("line {}: {}\nprints:\n{output}", step.line, step.command))
        })
        .collect()
}

fn plays(name: &str) {
    let pages = read_pages().expect("the book is here");
    let page = &pages[Path::new("docs/src/operations").join(name).as_path()];
    assert!(!steps(page).is_empty(), "{name} shows nothing");
    let differences = differences(page);
    assert!(differences.is_empty(), "{name}\n{}", differences.join("\n"));
}

#[test]
fn installing_goes_as_the_book_shows() {
    plays("install.md");
}

#[test]
fn a_loss_and_its_way_back_go_as_the_book_shows() {
    plays("backup.md");
}

#[test]
fn no_page_shows_a_terminal_that_no_test_plays() {
    let pages = read_pages().expect("the book is here");
    let with: Vec<_> =
        pages.iter().filter(|(_, text)| !steps(text).is_empty()).map(|(path, _)| path.clone()).collect();
    assert_eq!(with, ["backup.md", "install.md"].map(|name| Path::new("docs/src/operations").join(name)));
}

#[test]
fn what_varies_may_vary_and_nothing_else() {
    let shown = |text: &str| text.lines().map(str::to_owned).collect::<Vec<_>>();
    assert!(is_shown(&shown("a …, b\n…\nend"), &["a 17, b", "x", "y", "end"]));
    assert!(is_shown(&shown("a\n…"), &["a"]));
    for printed in [&["a 17, c", "end"][..], &["a 17, b"], &["a 17, b", "end", "more"], &[]] {
        assert!(!is_shown(&shown("a …, b\n…\nend"), printed), "{printed:?}");
    }
    assert!(!fits("…-…", "one") && fits("…-…", "one-two") && !fits("one", "one two"));
}

#[test]
fn a_command_that_prints_something_else_is_found() {
    let page =
        "```console\n$ echo one\none\n$ cat <<END\n> two\n> END\nthree\n```\n\n```text\n$ not this\n```\n";
    let found = differences(page);
    assert_eq!(found, ["line 4: cat <<END\ntwo\nEND\nprints:\ntwo\n"]);
}
