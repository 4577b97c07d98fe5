//! Names and notes of people never reach a log line, a URL or an error: they travel as [`Sensitive`].

use std::fmt;

use serde::{Deserialize, Serialize};

/// A value that prints as `[sensitive]` and is had only through [`expose`](Sensitive::expose).
///
/// It is stored and sent as what it holds. Whoever exposes it says in a comment where it goes.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Sensitive<T>(T);

impl<T> Sensitive<T> {
    /// Wraps a value that says something about a person.
    pub fn new(value: T) -> Self {
        Self(value)
    }

    /// Returns the value itself; every call says why.
    pub fn expose(&self) -> &T {
        &self.0
    }

    /// Returns the value itself and gives up the wrapper.
    pub fn into_inner(self) -> T {
        self.0
    }
}

impl<T> From<T> for Sensitive<T> {
    fn from(value: T) -> Self {
        Self(value)
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
    fn nothing_of_it_is_printed() {
        assert_eq!(
            format!("{:?} {:#?}", Sensitive::new("Maya"), Some(Sensitive::new(7))),
            "[sensitive] Some(\n    [sensitive],\n)"
        );
    }
}
