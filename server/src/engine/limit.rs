//! How often somebody may try something, and how much of it.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use sync_core::time::Moment;

/// Callers that one limiter remembers. Beyond it, the time of all starts anew: an attacker with so many addresses is not held by a limit
/// per address anyway, and the memory stays bounded.
pub const CALLERS_MAX: usize = 100_000;

/// Counts what each caller spends in fixed spans of time: tries, requests, bytes.
#[derive(Debug)]
pub struct Limiter<K> {
    spend_max: u64,
    span_ms: i64,
    spent: Mutex<BTreeMap<K, (Moment, u64)>>,
}

/// A try that was counted before it was known how it ends.
#[derive(Debug)]
pub struct Taken {
    /// The span that it was counted in.
    began: Moment,
}

impl<K: Ord> Limiter<K> {
    /// Lets each caller spend so much in so many milliseconds.
    pub fn new(spend_max: u64, span_ms: i64) -> Self {
        Self { spend_max, span_ms, spent: Mutex::default() }
    }

    /// Returns in how many seconds the caller may come again, if all is spent.
    pub fn wait_s(&self, caller: &K, now: Moment) -> Option<u64> {
        let spent = self.spent.lock().unwrap_or_else(PoisonError::into_inner);
        let (began, amount) = spent.get(caller)?;
        let over = self.is_over(*began, now) || *amount < self.spend_max;
        let left_ms = began.0.saturating_add(self.span_ms).saturating_sub(now.0);
        (!over).then(|| u64::try_from(left_ms).unwrap_or_default().div_ceil(1_000).max(1))
    }

    /// Returns whether the caller may try now.
    pub fn allows(&self, caller: &K, now: Moment) -> bool {
        self.wait_s(caller, now).is_none()
    }

    /// Counts a try.
    pub fn count(&self, caller: K, now: Moment) {
        self.spend(caller, 1, now);
    }

    /// Counts what was spent. What goes beyond is not refused here: the next one is.
    pub fn spend(&self, caller: K, amount: u64, now: Moment) {
        let mut spent = self.spent.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = self.entry(&mut spent, caller, now);
        entry.1 = entry.1.saturating_add(amount);
    }

    /// Counts a try that takes a while, at its beginning: of many at once no more begin than may be made one after the other. None where
    /// all is spent.
    pub fn take(&self, caller: K, now: Moment) -> Option<Taken> {
        let mut spent = self.spent.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = self.entry(&mut spent, caller, now);
        if entry.1 >= self.spend_max {
            return None;
        }
        entry.1 += 1;
        Some(Taken { began: entry.0 })
    }

    /// Counts a try no more that was none, if its span is not over.
    pub fn give_back(&self, caller: &K, taken: Taken) {
        let mut spent = self.spent.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, amount)) = spent.get_mut(caller).filter(|(began, _)| *began == taken.began) {
            *amount = amount.saturating_sub(1);
        }
    }

    fn entry<'a>(
        &self,
        spent: &'a mut BTreeMap<K, (Moment, u64)>,
        caller: K,
        now: Moment,
    ) -> &'a mut (Moment, u64) {
        if spent.len() >= CALLERS_MAX && !spent.contains_key(&caller) {
            spent.retain(|_, (began, _)| !self.is_over(*began, now));
            if spent.len() >= CALLERS_MAX {
                spent.clear();
            }
        }
        let entry = spent.entry(caller).or_insert((now, 0));
        if self.is_over(entry.0, now) {
            *entry = (now, 0);
        }
        entry
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
    fn who_has_spent_all_is_told_how_long_the_span_still_is() {
        let limiter = Limiter::new(1_000, 60_000);
        limiter.spend(1, 999, Moment(0));
        assert_eq!(limiter.wait_s(&1, Moment(1)), None);
        limiter.spend(1, 5_000, Moment(1));
        for (now, wait_s) in
            [(1, Some(60)), (30_000, Some(30)), (59_999, Some(1)), (60_000, None), (-1, None)]
        {
            assert_eq!(limiter.wait_s(&1, Moment(now)), wait_s, "{now}");
        }
    }

    #[test]
    fn a_try_counts_from_its_beginning_and_is_given_back_in_its_span() {
        let limiter = Limiter::new(2, 1_000);
        let first = limiter.take(1, Moment(0)).unwrap();
        let second = limiter.take(1, Moment(1)).unwrap();
        assert!(limiter.take(1, Moment(2)).is_none() && limiter.take(2, Moment(2)).is_some());
        limiter.give_back(&1, first);
        assert!(limiter.take(1, Moment(3)).is_some() && limiter.take(1, Moment(3)).is_none());
        limiter.count(1, Moment(1_000));
        limiter.give_back(&1, second);
        assert!(limiter.take(1, Moment(1_001)).is_some(), "the next span");
        assert!(limiter.take(1, Moment(1_001)).is_none(), "to which it never belonged");
    }

    #[test]
    fn memory_is_bounded() {
        let limiter = Limiter::new(1, 1_000);
        for caller in 0..=CALLERS_MAX {
            limiter.count(caller, Moment(0));
        }
        assert!(limiter.spent.lock().unwrap().len() <= CALLERS_MAX);
    }
}
