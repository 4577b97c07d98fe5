//! Randomness: drawn ids, keys and jitter. The pure parts are given what is drawn here; tests give what they like.

use sync_core::time::Moment;
use ulid::Ulid;

/// A source of random bytes.
pub trait Chance {
    /// Fills `bytes`.
    ///
    /// # Errors
    /// [`NoChance`] where the system has no randomness to give: nothing can be made then.
    fn fill(&mut self, bytes: &mut [u8]) -> Result<(), NoChance>;
}

/// The system gave no random bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the system gave no random bytes")]
pub struct NoChance;

/// The system's own randomness.
#[derive(Debug, Clone, Copy, Default)]
pub struct System;

impl Chance for System {
    fn fill(&mut self, bytes: &mut [u8]) -> Result<(), NoChance> {
        getrandom::fill(bytes).map_err(|_| NoChance)
    }
}

/// Draws an id that sorts by `now`.
///
/// # Errors
/// [`NoChance`].
pub fn draw_id(chance: &mut dyn Chance, now: Moment) -> Result<Ulid, NoChance> {
    let mut random = [0; 16];
    chance.fill(&mut random)?;
    Ok(Ulid::from_parts(u64::try_from(now.0).unwrap_or_default(), u128::from_be_bytes(random)))
}

/// Draws a number below `bound`; 0 where that is 0.
///
/// # Errors
/// [`NoChance`].
pub fn draw_below(chance: &mut dyn Chance, bound: u64) -> Result<u64, NoChance> {
    let mut random = [0; 8];
    chance.fill(&mut random)?;
    // A bound of some minutes in 64 bits: the bias is below one in 10^14.
    Ok(u64::from_be_bytes(random).checked_rem(bound).unwrap_or_default())
}
