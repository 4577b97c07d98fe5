//! What the `@` lines of the table declare, and how the patterns of its other lines are read against that.

use std::collections::BTreeMap;

use super::{Document, Grant, Key, MatrixError, Role, lines};

/// The actions of each document and the named groups of words.
#[derive(Default)]
pub(super) struct Grid<'a> {
    actions: BTreeMap<Document, Vec<&'a str>>,
    groups: BTreeMap<&'a str, Vec<&'a str>>,
}

impl<'a> Grid<'a> {
    /// Collects the `@` lines of a table, wherever they stand in it.
    pub(super) fn read(text: &'a str) -> Result<Self, MatrixError> {
        let mut grid = Self::default();
        for (line, row) in lines(text).filter(|(_, row)| row.starts_with('@')) {
            let fault = MatrixError::Directive { line };
            let Some((subject, words)) = row.split_once('=') else { return Err(fault) };
            let words: Vec<&str> = words.split_whitespace().collect();
            match subject.split_whitespace().collect::<Vec<_>>()[..] {
                _ if words.is_empty() => return Err(fault),
                ["@actions", documents] => grid.declare_actions(line, documents, &words)?,
                ["@group", name] if !grid.groups.contains_key(name) => {
                    grid.groups.insert(name, words);
                }
                _ => return Err(fault),
            }
        }
        Ok(grid)
    }

    fn declare_actions(
        &mut self,
        line: usize,
        documents: &str,
        words: &[&'a str],
    ) -> Result<(), MatrixError> {
        for document in self.expand(line, documents, Document::ALL, Document::from_word)? {
            let actions = self.actions.entry(document).or_default();
            for word in words {
                if actions.contains(word) {
                    return Err(MatrixError::Directive { line });
                }
                actions.push(word);
            }
        }
        Ok(())
    }

    /// Every cell that some line has to set.
    pub(super) fn keys(&self) -> impl Iterator<Item = Key> {
        let actions = self
            .actions
            .iter()
            .flat_map(|(document, actions)| actions.iter().map(|action| (*document, (*action).to_owned())));
        actions.flat_map(|(document, action)| {
            Role::ALL.iter().flat_map(move |role| {
                let action = action.clone();
                Grant::ALL.iter().map(move |grant| (*role, document, action.clone(), *grant))
            })
        })
    }

    /// Reads a pattern of a column with a closed vocabulary.
    pub(super) fn expand<T: Copy>(
        &self,
        line: usize,
        pattern: &str,
        all: &[T],
        from_word: impl Fn(&str) -> Option<T>,
    ) -> Result<Vec<T>, MatrixError> {
        if pattern == "*" {
            return Ok(all.to_vec());
        }
        self.words(pattern)
            .into_iter()
            .map(|word| {
                from_word(word).ok_or_else(|| MatrixError::UnknownWord { line, word: word.to_owned() })
            })
            .collect()
    }

    /// Reads a pattern of actions for one document; each word of it has to fit an action there.
    pub(super) fn actions(
        &self,
        line: usize,
        document: Document,
        pattern: &str,
    ) -> Result<Vec<&'a str>, MatrixError> {
        let declared = self.actions.get(&document).map(Vec::as_slice).unwrap_or_default();
        let mut matched = Vec::new();
        for word in self.words(pattern) {
            let before = matched.len();
            matched.extend(declared.iter().copied().filter(|action| fits(action, word)));
            if matched.len() == before {
                return Err(MatrixError::NoAction { line, word: word.to_owned(), document });
            }
        }
        Ok(matched)
    }

    /// Splits a comma list and puts the words of a group where its name stands.
    fn words<'w>(&'w self, pattern: &'w str) -> Vec<&'w str> {
        pattern
            .split(',')
            .map(str::trim)
            .flat_map(|word| self.groups.get(word).cloned().unwrap_or_else(|| vec![word]))
            .collect()
    }
}

/// Tells whether an action is the word, or begins with it where the word ends in `*` after a dot.
fn fits(action: &str, word: &str) -> bool {
    match word.strip_suffix('*') {
        Some("") => true,
        Some(prefix) if prefix.ends_with('.') => action.starts_with(prefix),
        Some(_) | None => action == word,
    }
}
