//! A wrapper that keeps names and other people's words out of logs.

use std::fmt;

/// A value that says something about a person: it has no `Display`, and its `Debug` shows none of it.
///
/// It keeps a value from being printed by accident; it does not encrypt or erase it.
#[derive(Clone, PartialEq, Eq)]
pub struct Sensitive<T>(T);

impl<T> Sensitive<T> {
    /// Wraps a value.
    pub fn new(value: T) -> Self {
        Self(value)
    }

    /// Returns the value. Each call says, in the line above it, why the value is needed bare there.
    pub fn expose(&self) -> &T {
        &self.0
    }
}

impl<T> fmt::Debug for Sensitive<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[sensitive]")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_nothing_of_the_value() {
        let name = Sensitive::new("Maya Rivera".to_owned());
        assert_eq!(format!("{name:?}"), "[sensitive]");
        assert_eq!(name.expose(), "Maya Rivera");
    }
}
