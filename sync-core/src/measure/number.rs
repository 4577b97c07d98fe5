//! Number rules: exact ratios inside, rounded only to be shown.
//!
//! > A ratio is kept and compared as the two integers that it was counted as. Rounding is the last step.
//!
//! Percent is shown as a whole number and a rate with one decimal, both rounded half away from zero: one of
//! eight is 13%, two of three are 67%. Figures here are never negative, so half away from zero is half up.
//! Where there was no opportunity there is no ratio, so that nothing can be shown as 0% that was never tried.
//!
//! Floating point stays out: two machines that add the same numbers in another order may differ in the last
//! digit, and an integer never does.

use std::cmp::Ordering;
use std::fmt;

/// One session's share is added up in units of 10^-18 by [`mean_of_sessions`].
const MEAN_SCALE: u128 = 1_000_000_000_000_000_000;

/// Returns `numerator / denominator` rounded half away from zero, or none where the denominator is zero.
#[must_use]
pub fn divide_rounded(numerator: u128, denominator: u128) -> Option<u128> {
    let whole = numerator.checked_div(denominator)?;
    let rest = numerator % denominator;
    // The same as 2 * rest >= denominator, without its overflow.
    Some(if rest >= denominator - rest { whole + 1 } else { whole })
}

/// A part of a whole that is not zero, as counted: 4 of 8 is not rewritten to 1 of 2, because pooling needs it.
///
/// Two ratios are equal where their values are: 4 of 8 equals 1 of 2.
#[derive(Debug, Clone, Copy)]
pub struct Ratio {
    part: u64,
    whole: u64,
}

impl Ratio {
    /// Returns `part` of `whole`, or none where the whole is zero: no opportunity is not 0%.
    #[must_use]
    pub fn new(part: u64, whole: u64) -> Option<Self> {
        (whole > 0).then_some(Self { part, whole })
    }

    /// Returns the ratio as a whole percent, 100 x part / whole.
    #[must_use]
    pub fn percent(self) -> u64 {
        self.times(100)
    }

    /// Returns the rate per minute of a part counted in `whole` seconds, part x 60 / seconds.
    #[must_use]
    pub fn per_minute(self) -> Tenths {
        Tenths(self.times(600))
    }

    fn times(self, factor: u128) -> u64 {
        rounded(u128::from(self.part) * factor, u128::from(self.whole))
    }
}

impl PartialEq for Ratio {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Ratio {}

impl PartialOrd for Ratio {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Ratio {
    fn cmp(&self, other: &Self) -> Ordering {
        let left = u128::from(self.part) * u128::from(other.whole);
        let right = u128::from(other.part) * u128::from(self.whole);
        left.cmp(&right)
    }
}

/// Returns all parts of all wholes: the share of every opportunity there was. None where there was no session.
///
/// Sums stop at `u64::MAX`, which no order of the sessions changes.
#[must_use]
pub fn pooled(sessions: impl IntoIterator<Item = Ratio>) -> Option<Ratio> {
    sessions.into_iter().reduce(|sum, next| Ratio {
        part: sum.part.saturating_add(next.part),
        whole: sum.whole.saturating_add(next.whole),
    })
}

/// Returns the mean of the sessions' ratios, each session weighing the same. None where there was no session.
///
/// Differs from [`pooled`] wherever sessions had different denominators, so a report shows both.
#[must_use]
pub fn mean_of_sessions(sessions: impl IntoIterator<Item = Ratio>) -> Option<Mean> {
    let (mut sum, mut sessions_counted) = (0_u128, 0_u64);
    for ratio in sessions {
        // Rounded up: a mean that is exactly a half stays one and is shown rounded up, as the rule has it. The
        // exact sum of thousands of fractions would outgrow any integer; this one is too high by less than
        // 10^-18 a session.
        let share = (u128::from(ratio.part) * MEAN_SCALE).div_ceil(u128::from(ratio.whole));
        sum = sum.saturating_add(share);
        sessions_counted += 1;
    }
    (sessions_counted > 0).then_some(Mean { sum, sessions: sessions_counted })
}

/// A mean of sessions' ratios, see [`mean_of_sessions`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mean {
    sum: u128,
    sessions: u64,
}

impl Mean {
    /// Returns how many sessions the mean is of.
    #[must_use]
    pub fn sessions(self) -> u64 {
        self.sessions
    }

    /// Returns the mean as a whole percent.
    #[must_use]
    pub fn percent(self) -> u64 {
        self.times(100)
    }

    /// Returns the mean rate per minute of ratios that are counts in seconds.
    #[must_use]
    pub fn per_minute(self) -> Tenths {
        Tenths(self.times(600))
    }

    fn times(self, factor: u128) -> u64 {
        rounded(self.sum.saturating_mul(factor), MEAN_SCALE * u128::from(self.sessions))
    }
}

/// A number with one decimal, in tenths: 123 is shown as 12.3.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Tenths(pub u64);

impl fmt::Display for Tenths {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.0 / 10, self.0 % 10)
    }
}

/// A duration in seconds, shown as minutes and seconds: 75 is 1:15, an hour is 60:00.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Seconds(pub u64);

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{:02}", self.0 / 60, self.0 % 60)
    }
}

/// Rounds where the denominator is known not to be zero; what no screen could hold stops at `u64::MAX`.
fn rounded(numerator: u128, denominator: u128) -> u64 {
    divide_rounded(numerator, denominator).and_then(|n| u64::try_from(n).ok()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn ratio(part: u64, whole: u64) -> Ratio {
        Ratio::new(part, whole).unwrap()
    }

    #[test]
    fn percent_is_rounded_half_away_from_zero() {
        let shown = [(1, 8, 13), (2, 3, 67), (1, 3, 33), (0, 5, 0), (5, 5, 100), (1, 200, 1), (1, 201, 0)];
        for (part, whole, percent) in shown {
            assert_eq!(ratio(part, whole).percent(), percent, "{part}/{whole}");
        }
    }

    #[test]
    fn no_opportunity_is_none_and_never_zero() {
        assert_eq!(Ratio::new(0, 0), None);
        assert_eq!(pooled([]), None);
        assert_eq!(mean_of_sessions([]), None);
        assert_eq!(divide_rounded(1, 0), None);
    }

    #[test]
    fn a_rate_has_one_decimal() {
        assert_eq!(ratio(12, 600).per_minute().to_string(), "1.2");
        assert_eq!(ratio(1, 3600).per_minute().to_string(), "0.0");
        assert_eq!(ratio(1, 1200).per_minute().to_string(), "0.1", "0.05 is half a tenth");
        assert_eq!(ratio(57, 60).per_minute().to_string(), "57.0");
    }

    #[test]
    fn seconds_are_minutes_and_two_digits() {
        let shown = [(0, "0:00"), (9, "0:09"), (75, "1:15"), (3600, "60:00")];
        for (seconds, text) in shown {
            assert_eq!(Seconds(seconds).to_string(), text);
        }
    }

    #[test]
    fn ratios_are_compared_unrounded() {
        assert_eq!(ratio(667, 1000).percent(), ratio(2, 3).percent());
        assert!(ratio(667, 1000) > ratio(2, 3));
        assert_eq!(ratio(4, 8), ratio(1, 2));
        assert!(ratio(u64::MAX - 1, u64::MAX) < ratio(u64::MAX, u64::MAX));
    }

    #[test]
    fn pooled_and_mean_of_sessions_differ_with_the_denominators() {
        let sessions = [ratio(1, 2), ratio(9, 10)];
        assert_eq!(pooled(sessions).unwrap().percent(), 83);
        let mean = mean_of_sessions(sessions).unwrap();
        assert_eq!((mean.percent(), mean.sessions()), (70, 2));
    }

    #[test]
    fn a_mean_that_is_exactly_a_half_is_rounded_up_though_its_terms_repeat() {
        // (1/3 + 1/6 + 1/8 x 2 + 0) / 6 = 0.125, and 1/3 has no end in decimals.
        let sessions = [ratio(1, 3), ratio(1, 6), ratio(1, 8), ratio(1, 8), ratio(0, 1), ratio(0, 1)];
        assert_eq!(mean_of_sessions(sessions).unwrap().percent(), 13);
        assert_eq!(mean_of_sessions([ratio(1, 7); 7]).unwrap().percent(), ratio(1, 7).percent());
    }

    #[test]
    fn the_largest_figures_neither_panic_nor_pass_one() {
        let most = ratio(u64::MAX, u64::MAX);
        assert_eq!(pooled([most, most]).unwrap().percent(), 100);
        assert_eq!(mean_of_sessions([most, most]).unwrap().percent(), 100);
        assert_eq!(mean_of_sessions(vec![ratio(u64::MAX, 1); 30]).unwrap().sessions(), 30);
        assert_eq!(ratio(u64::MAX, 1).percent(), u64::MAX);
    }

    proptest! {
        #[test]
        fn rounding_is_off_by_half_at_most(n in 0_u128..1 << 100, d in 1_u128..1 << 20) {
            let rounded = divide_rounded(n, d).unwrap();
            prop_assert!((rounded * d).abs_diff(n) * 2 <= d);
        }

        #[test]
        fn order_of_sessions_never_matters(
            figures in prop::collection::vec((0_u64..50, 1_u64..50), 1..20),
        ) {
            let forth: Vec<Ratio> = figures.iter().map(|&(p, w)| ratio(p, w)).collect();
            let back: Vec<Ratio> = forth.iter().rev().copied().collect();
            prop_assert_eq!(pooled(forth.clone()), pooled(back.clone()));
            prop_assert_eq!(mean_of_sessions(forth), mean_of_sessions(back));
        }

        #[test]
        fn pooled_lies_between_the_lowest_and_the_highest_session(
            figures in prop::collection::vec((0_u64..50, 1_u64..50), 1..20),
        ) {
            let sessions: Vec<Ratio> = figures.iter().map(|&(p, w)| ratio(p, w)).collect();
            let all = pooled(sessions.clone()).unwrap();
            prop_assert!(sessions.iter().min().unwrap() <= &all && &all <= sessions.iter().max().unwrap());
        }
    }
}
