//! Figures that people write with a point, kept as whole thousandths.

use serde::{Serialize, Serializer};

/// One of a person's units.
const ONE: i64 = 1_000;
/// Digits before the point that anybody may write.
const WHOLE_DIGITS_MAX: usize = 9;
/// Digits behind it.
const DECIMALS_MAX: usize = 3;

/// A decimal number in thousandths: 12.5 is 12,500. Exact, so that two machines agree on it.
///
/// As JSON it is a number as people write it: a whole one without a point.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Thousandths(pub i64);

impl Thousandths {
    /// Returns a whole number.
    #[must_use]
    pub const fn whole(number: i32) -> Self {
        Self(number as i64 * ONE)
    }

    /// Reads a number as it is written: with a point and at most three digits behind it, or with a minus before it.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let digits = |part: &str, most: usize| {
            !part.is_empty() && part.len() <= most && part.bytes().all(|byte| byte.is_ascii_digit())
        };
        let (sign, size) = text.strip_prefix('-').map_or((1, text), |size| (-1, size));
        let (whole, decimals) = size.split_once('.').unwrap_or((size, "0"));
        if !digits(whole, WHOLE_DIGITS_MAX) || !digits(decimals, DECIMALS_MAX) {
            return None;
        }
        // At most twelve digits, so this neither fails nor overflows.
        let thousandths: i64 = format!("{whole}{decimals:0<DECIMALS_MAX$}").parse().ok()?;
        Some(Self(sign * thousandths))
    }
}

impl Serialize for Thousandths {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.0 % ONE == 0 {
            serializer.serialize_i64(self.0 / ONE)
        } else {
            // Figures have at most 10^12 thousandths: exact as a double to far more than three decimals.
            serializer.serialize_f64(self.0 as f64 / ONE as f64)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_kept_in_thousandths() {
        for (text, kept) in
            [("80", 80_000), ("0", 0), ("12.5", 12_500), ("0.125", 125), ("-3", -3_000), ("007", 7_000)]
        {
            assert_eq!(Thousandths::parse(text), Some(Thousandths(kept)), "{text}");
        }
        let wrong =
            ["", "-", "1.", ".5", "1.2345", "1,5", "80%", "+1", "1e3", "--1", "1000000000", "٣", "1.-5"];
        for text in wrong {
            assert_eq!(Thousandths::parse(text), None, "{text}");
        }
    }
}
