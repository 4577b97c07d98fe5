//! Dice that always fall the same way: the demo is the same district wherever it is founded.

use sync_core::ids::derive;

/// What the demo is drawn from.
const SEED: &[u8] = b"carryover demo 1";

/// A row of drawn numbers, of its own for each name.
#[derive(Debug, Clone)]
pub(crate) struct Chance {
    name: String,
    drawn: u64,
}

impl Chance {
    /// Begins a row.
    pub(crate) fn named(name: &str) -> Self {
        Self { name: name.to_owned(), drawn: 0 }
    }

    fn bits(&mut self) -> u128 {
        self.drawn += 1;
        u128::from_be_bytes(derive("demo", &[SEED, self.name.as_bytes(), &self.drawn.to_be_bytes()]))
    }

    /// Draws a number from 0 to `below`, which itself is left out; 0 where there is nothing to draw from.
    pub(crate) fn below(&mut self, below: u32) -> i64 {
        i64::try_from(self.bits() % u128::from(below.max(1))).unwrap_or_default()
    }

    /// Draws whether something happens that happens so often in a hundred times.
    pub(crate) fn percent(&mut self, percent: u32) -> bool {
        self.below(100) < i64::from(percent)
    }

    /// Draws one of several.
    pub(crate) fn one_of<'a, T>(&mut self, all: &'a [T]) -> Option<&'a T> {
        let count = u32::try_from(all.len()).unwrap_or(u32::MAX);
        all.get(usize::try_from(self.below(count)).unwrap_or_default())
    }

    /// Draws what a record's id has beside its time.
    pub(crate) fn id(&mut self) -> u128 {
        self.bits()
    }
}
