//! How long to wait before trying again: exponential, with full jitter, so that a school's tablets do not all come at once.

use std::time::Duration;

use crate::chance::{Chance, NoChance, draw_below};

/// The longest first wait, in milliseconds.
pub const BACKOFF_FIRST_MS: u64 = 500;
/// The longest wait of all, in milliseconds.
pub const BACKOFF_MS_MAX: u64 = 60_000;

/// Doubles with every try.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Backoff {
    tries: u32,
}

impl Backoff {
    /// Returns how long to wait now. What the server asked for is waited in any case, and the jitter comes on top.
    ///
    /// # Errors
    /// [`NoChance`].
    pub fn next(&mut self, chance: &mut dyn Chance, asked: Option<Duration>) -> Result<Duration, NoChance> {
        let doubled = BACKOFF_FIRST_MS.checked_shl(self.tries).unwrap_or(BACKOFF_MS_MAX).min(BACKOFF_MS_MAX);
        // Beyond this it has long reached the maximum.
        self.tries = (self.tries + 1).min(16);
        let jitter = Duration::from_millis(draw_below(chance, doubled)?);
        Ok(asked.unwrap_or_default() + jitter)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Always draws the largest.
    struct Most;

    impl Chance for Most {
        fn fill(&mut self, bytes: &mut [u8]) -> Result<(), NoChance> {
            // The remainder of 2^64 - 1 by a bound is drawn; of the bounds here it is some way up.
            bytes.fill(0xff);
            Ok(())
        }
    }

    #[test]
    fn waits_grow_to_their_bound_and_never_below_what_was_asked() {
        let mut backoff = Backoff::default();
        for tries in 0..40 {
            let bound = (BACKOFF_FIRST_MS << tries.min(20)).min(BACKOFF_MS_MAX);
            let wait = backoff.next(&mut Most, None).unwrap();
            assert!(wait < Duration::from_millis(bound), "try {tries}: {wait:?}");
        }
        let asked = Duration::from_secs(90);
        assert!(backoff.next(&mut Most, Some(asked)).unwrap() >= asked);
    }
}
