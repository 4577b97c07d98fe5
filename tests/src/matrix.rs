//! Reads `access/matrix.txt`, the reviewed table of who may write what.
//!
//! The table is transcribed by hand from what was agreed and never from the code, so a difference between the two is a finding: one
//! of them misread a sentence, and the `why` of the cell says which sentence it was. The head of the file explains its grammar.
//!
//! A table of thousands of cells is only worth reviewing if no line can quietly lose to another. Therefore the reader knows no
//! precedence:
//!
//! > Every cell of the grid role × document × action × grant is set by exactly one line.
//!
//! ```
//! let cells = tests::matrix::load();
//! let forged = cells.iter().find(|cell| {
//!     cell.role == tests::matrix::Role::Para && cell.document == tests::matrix::Document::Plan
//! });
//! assert_eq!(forged.map(|cell| cell.outcome), Some(tests::matrix::Outcome::RefuseNoSuchDocument));
//! ```

mod grid;
mod words;

use std::collections::BTreeMap;

use grid::Grid;
pub use words::{Document, Grant, Outcome, Role};

/// What stands in the outcome column of cells that cannot arise.
const ABSENT: &str = "absent";

/// One cell of the table: what becomes of an action, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cell {
    /// The author's role in the one grant that the cell is about.
    pub role: Role,
    /// The document that the act is made in.
    pub document: Document,
    /// The action, a word of the table such as `session.void.others.with-reason`.
    pub action: String,
    /// Where that grant stands on the day of arrival.
    pub grant: Grant,
    /// What the act must end in.
    pub outcome: Outcome,
    /// The sources of the cell with the words relied on.
    pub why: String,
    /// The line of the table that sets the cell, for messages of failing tests.
    pub line: usize,
}

/// Why a table cannot be read; lines count from one.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum MatrixError {
    /// An `@` line that is neither `@actions` nor `@group`, says nothing, or says again what was said.
    #[error("line {line}: not a new @actions or @group")]
    Directive {
        /// The line in error.
        line: usize,
    },
    /// A line with more or fewer columns than six.
    #[error("line {line}: {found} columns instead of 6")]
    Columns {
        /// The line in error.
        line: usize,
        /// How many columns it has.
        found: usize,
    },
    /// A word that its column does not have.
    #[error("line {line}: {word:?} is no word of its column")]
    UnknownWord {
        /// The line in error.
        line: usize,
        /// The word.
        word: String,
    },
    /// A pattern for which one of the documents on the line has no action.
    #[error("line {line}: {document} has no action {word:?}")]
    NoAction {
        /// The line in error.
        line: usize,
        /// The pattern.
        word: String,
        /// The document without such an action.
        document: Document,
    },
    /// A line whose `why` names no source.
    #[error("line {line}: neither design:N nor domain:N in why")]
    Unsourced {
        /// The line in error.
        line: usize,
    },
    /// A cell that two lines set to the same outcome.
    #[error("lines {first} and {line}: both set {cell}")]
    Duplicate {
        /// The earlier line.
        first: usize,
        /// The later line.
        line: usize,
        /// The cell in words.
        cell: String,
    },
    /// A cell that two lines set to different outcomes.
    #[error("lines {first} and {line}: disagree on {cell}")]
    Contradiction {
        /// The earlier line.
        first: usize,
        /// The later line.
        line: usize,
        /// The cell in words.
        cell: String,
    },
    /// A cell of the grid that no line sets.
    #[error("no line sets {cell}")]
    Missing {
        /// The cell in words.
        cell: String,
    },
}

/// Returns every cell of the reviewed table that can arise, ordered by role, document, action and grant.
///
/// # Panics
///
/// Where the table breaks its own grammar: without an oracle no test that asks for one can pass.
#[expect(clippy::panic, reason = "called by tests alone, which end here when their oracle is unreadable")]
#[must_use]
pub fn load() -> Vec<Cell> {
    match parse(include_str!("../access/matrix.txt")) {
        Ok(cells) => cells,
        Err(error) => panic!("tests/access/matrix.txt: {error}"),
    }
}

/// Reads a table and returns its cells, the absent ones left out.
///
/// # Errors
///
/// The first line that is not of the grammar, or the first cell that is not set exactly once.
pub fn parse(text: &str) -> Result<Vec<Cell>, MatrixError> {
    let grid = Grid::read(text)?;
    let mut settings = BTreeMap::new();
    for (line, row) in lines(text).filter(|(_, row)| !row.starts_with('@')) {
        let row = Row::read(line, row)?;
        for key in row.keys(&grid)? {
            set(&mut settings, key, &row)?;
        }
    }
    if let Some(key) = grid.keys().find(|key| !settings.contains_key(key)) {
        return Err(MatrixError::Missing { cell: in_words(&key) });
    }
    Ok(settings.into_iter().filter_map(|(key, setting)| setting.into_cell(key)).collect())
}

/// What tells one cell from another.
type Key = (Role, Document, String, Grant);

/// What a line says of each of its cells; no outcome means that the cell cannot arise.
struct Setting {
    line: usize,
    outcome: Option<Outcome>,
    why: String,
}

impl Setting {
    fn into_cell(self, (role, document, action, grant): Key) -> Option<Cell> {
        let Self { line, outcome, why } = self;
        outcome.map(|outcome| Cell { role, document, action, grant, outcome, why, line })
    }
}

/// One line of the table, not yet expanded.
struct Row<'a> {
    line: usize,
    roles: &'a str,
    documents: &'a str,
    actions: &'a str,
    grants: &'a str,
    outcome: Option<Outcome>,
    why: &'a str,
}

impl<'a> Row<'a> {
    fn read(line: usize, text: &'a str) -> Result<Self, MatrixError> {
        let columns: Vec<&str> = text.split('|').map(str::trim).collect();
        let [roles, documents, actions, grants, outcome, why] = columns[..] else {
            return Err(MatrixError::Columns { line, found: columns.len() });
        };
        let outcome = match (outcome, Outcome::from_word(outcome)) {
            (ABSENT, _) => None,
            (_, Some(outcome)) => Some(outcome),
            (unknown, None) => return Err(MatrixError::UnknownWord { line, word: unknown.to_owned() }),
        };
        if !(names_source(why, "design:") || names_source(why, "domain:")) {
            return Err(MatrixError::Unsourced { line });
        }
        Ok(Self { line, roles, documents, actions, grants, outcome, why })
    }

    /// Expands the wildcards, groups and prefixes of the line; a cell named twice on one line comes twice.
    fn keys(&self, grid: &Grid<'_>) -> Result<Vec<Key>, MatrixError> {
        let roles = grid.expand(self.line, self.roles, Role::ALL, Role::from_word)?;
        let documents = grid.expand(self.line, self.documents, Document::ALL, Document::from_word)?;
        let grants = grid.expand(self.line, self.grants, Grant::ALL, Grant::from_word)?;
        let mut keys = Vec::new();
        for document in documents {
            for action in grid.actions(self.line, document, self.actions)? {
                for role in &roles {
                    keys.extend(grants.iter().map(|grant| (*role, document, action.to_owned(), *grant)));
                }
            }
        }
        Ok(keys)
    }
}

fn names_source(why: &str, source: &str) -> bool {
    why.split(source).skip(1).any(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
}

fn set(settings: &mut BTreeMap<Key, Setting>, key: Key, row: &Row<'_>) -> Result<(), MatrixError> {
    let Some(earlier) = settings.get(&key) else {
        let setting = Setting { line: row.line, outcome: row.outcome, why: row.why.to_owned() };
        settings.insert(key, setting);
        return Ok(());
    };
    let (first, line, cell) = (earlier.line, row.line, in_words(&key));
    if earlier.outcome == row.outcome {
        Err(MatrixError::Duplicate { first, line, cell })
    } else {
        Err(MatrixError::Contradiction { first, line, cell })
    }
}

fn in_words((role, document, action, grant): &Key) -> String {
    format!("{role} | {document} | {action} | {grant}")
}

/// The lines that say something, numbered from one.
fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let numbered = text.lines().enumerate().map(|(index, line)| (index + 1, line.trim()));
    numbered.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'))
}

#[cfg(test)]
mod tests;
