//! How often somebody may try something.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use sync_core::time::Moment;

/// Callers that one limiter remembers. Beyond it, the time of all starts anew: an attacker with so many addresses is not held by a limit
/// per address anyway, and the memory stays bounded.
pub const CALLERS_MAX: usize = 100_000;

/// Counts tries per caller in fixed spans of time.
#[derive(Debug)]
pub struct Limiter<K> {
    tries_max: u32,
    span_ms: i64,
    tries: Mutex<BTreeMap<K, (Moment, u32)>>,
}

impl<K: Ord> Limiter<K> {
    /// Allows so many tries in so many milliseconds.
    pub fn new(tries_max: u32, span_ms: i64) -> Self {
        Self { tries_max, span_ms, tries: Mutex::default() }
    }

    /// Returns whether the caller may try now.
    pub fn allows(&self, caller: &K, now: Moment) -> bool {
        let tries = self.tries.lock().unwrap_or_else(PoisonError::into_inner);
        tries.get(caller).is_none_or(|(began, count)| self.is_over(*began, now) || *count < self.tries_max)
    }

    /// Counts a try.
    pub fn count(&self, caller: K, now: Moment) {
        let mut tries = self.tries.lock().unwrap_or_else(PoisonError::into_inner);
        if tries.len() >= CALLERS_MAX && !tries.contains_key(&caller) {
            tries.retain(|_, (began, _)| !self.is_over(*began, now));
            if tries.len() >= CALLERS_MAX {
                tries.clear();
            }
        }
        let entry = tries.entry(caller).or_insert((now, 0));
        if self.is_over(entry.0, now) {
            *entry = (now, 0);
        }
        entry.1 = entry.1.saturating_add(1);
    }

    /// A clock that was set back ends a span, too: nobody is locked out for the difference.
    fn is_over(&self, began: Moment, now: Moment) -> bool {
        !(0..self.span_ms).contains(&(now.0 - began.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tries_are_counted_per_caller_and_span() {
        let limiter = Limiter::new(2, 1_000);
        for now in [0, 999] {
            assert!(limiter.allows(&1, Moment(now)));
            limiter.count(1, Moment(now));
        }
        assert!(!limiter.allows(&1, Moment(999)));
        assert!(limiter.allows(&2, Moment(999)), "somebody else");
        assert!(limiter.allows(&1, Moment(1_000)), "the next span");
        limiter.count(1, Moment(1_000));
        assert!(limiter.allows(&1, Moment(1_001)), "which counts from its own first try");
    }

    #[test]
    fn memory_is_bounded() {
        let limiter = Limiter::new(1, 1_000);
        for caller in 0..=CALLERS_MAX {
            limiter.count(caller, Moment(0));
        }
        assert!(limiter.tries.lock().unwrap().len() <= CALLERS_MAX);
    }
}
