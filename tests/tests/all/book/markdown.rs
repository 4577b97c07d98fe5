//! As much Markdown as checks of the book need: where links stand, which headings they can point at, and what stands in sections, tables and
//! code.

use std::collections::{BTreeMap, BTreeSet};

/// A link as it stands on a page.
#[derive(Debug, PartialEq, Eq)]
pub struct Link {
    /// The line that it stands on, from 1.
    pub line: usize,
    /// What it points at, as written.
    pub target: String,
}

/// Returns the links of a page in order: `[text](target)`, images, and definitions like `[name]: target`. What stands in code is no link.
pub fn links(text: &str) -> Vec<Link> {
    let mut links = Vec::new();
    for (line, prose) in prose(text) {
        let mut link = |target: &str| {
            // A title may follow: (target "title").
            let target = target.split_whitespace().next().unwrap_or_default();
            links.push(Link { line, target: target.trim_matches(['<', '>']).to_owned() });
        };
        let definition = prose.trim_start().strip_prefix('[').and_then(|rest| rest.split_once("]:"));
        if let Some((_, target)) = definition {
            link(target);
            continue;
        }
        let mut rest = prose.as_str();
        while let Some((_, after)) = rest.split_once("](") {
            let Some((target, after)) = after.split_once(')') else { break };
            link(target);
            rest = after;
        }
    }
    links
}

/// Returns what a link may name after `#`: each heading in lower case, blanks as hyphens, other signs dropped, and `-1`, `-2` behind one
/// that stood before.
pub fn anchors(text: &str) -> BTreeSet<String> {
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    let mut anchors = BTreeSet::new();
    // Headings keep their code spans, so they are read from the page itself and only fenced code is left out.
    let fenced = fenced_lines(text);
    for (index, line) in text.lines().enumerate() {
        let level = line.chars().take_while(|sign| *sign == '#').count();
        let Some(title) = line.get(level..).and_then(|rest| rest.strip_prefix(' ')) else { continue };
        if level == 0 || level > 6 || fenced.contains(&index) {
            continue;
        }
        let slug: String = title
            .trim()
            .chars()
            .filter_map(|sign| match sign {
                sign if sign.is_alphanumeric() || sign == '_' || sign == '-' => {
                    Some(sign.to_ascii_lowercase())
                }
                sign if sign.is_whitespace() => Some('-'),
                _ => None,
            })
            .collect();
        let before = seen.entry(slug.clone()).or_insert(0);
        anchors.insert(if *before == 0 { slug } else { format!("{slug}-{before}") });
        *before += 1;
    }
    anchors
}

/// Returns the texts of the code spans on a line, in order.
pub fn code_spans(line: &str) -> Vec<String> {
    line.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

/// Returns the cells of a line of a table; nothing of any other line.
pub fn cells(line: &str) -> Vec<String> {
    let row = line.trim().strip_prefix('|').and_then(|row| row.strip_suffix('|'));
    row.map(|row| row.split('|').map(|cell| cell.trim().to_owned()).collect()).unwrap_or_default()
}

/// Returns what stands under a heading of the second level, up to the next one.
pub fn section<'a>(text: &'a str, title: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(&format!("\n## {title}\n"))?;
    Some(rest.split("\n## ").next().unwrap_or_default())
}

/// Returns what stands between empty lines, with the number of its first line, fenced code left out.
pub fn blocks(text: &str) -> Vec<(usize, String)> {
    let fenced = fenced_lines(text);
    let mut blocks: Vec<(usize, String)> = Vec::new();
    let mut open = false;
    for (index, line) in text.lines().enumerate() {
        if line.trim().is_empty() || fenced.contains(&index) {
            open = false;
        } else if let Some((_, block)) = blocks.last_mut().filter(|_| open) {
            block.push('\n');
            block.push_str(line);
        } else {
            blocks.push((index + 1, line.to_owned()));
            open = true;
        }
    }
    blocks
}

/// Returns each line outside fenced code with its number from 1, code spans left out.
fn prose(text: &str) -> Vec<(usize, String)> {
    let fenced = fenced_lines(text);
    text.lines()
        .enumerate()
        .filter(|(index, _)| !fenced.contains(index))
        .map(|(index, line)| (index + 1, line.split('`').step_by(2).collect::<Vec<_>>().join("``")))
        .collect()
}

/// Returns the indices of the lines in fenced code, fences included.
fn fenced_lines(text: &str) -> BTreeSet<usize> {
    let mut fenced = BTreeSet::new();
    let mut inside = false;
    for (index, line) in text.lines().enumerate() {
        let fence = line.trim_start().starts_with("```");
        if inside || fence {
            fenced.insert(index);
        }
        inside ^= fence;
    }
    fenced
}

#[test]
fn links_are_found_outside_code_only() {
    let text = "[a](a.md) ![b](b.png \"title\")\n`[no](no.md)` and [c `x`](<c.md>)\n```text\n[no](no.md)\n```\n[d]: d.md\n";
    let found: Vec<_> = links(text).into_iter().map(|link| (link.line, link.target)).collect();
    let expected = [(1, "a.md"), (1, "b.png"), (2, "c.md"), (6, "d.md")];
    assert_eq!(found, expected.map(|(line, target)| (line, target.to_owned())));
}

#[test]
fn anchors_are_those_that_readers_are_given() {
    let text = "# One, two `three`\n## Same\n## Same\n#no heading\n```text\n# no heading either\n```\n";
    let expected = ["one-two-three", "same", "same-1"];
    assert_eq!(anchors(text), BTreeSet::from(expected.map(str::to_owned)));
}
