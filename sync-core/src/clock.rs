//! What a program's clock is set to: the system's time, an instant from which it runs on, or a shift.
//!
//! A script can so live through a school year in a minute. Nothing here reads a clock: the program says what the system's is.

use std::str::FromStr;

use crate::time::{Moment, moment_from_rfc3339};

/// How far a clock may be shifted: 100 years in milliseconds.
pub const SHIFT_MS_MAX: i64 = 100 * 366 * 86_400_000;

/// What the program's clock is set to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ClockSetting {
    /// The system's time.
    #[default]
    System,
    /// This instant when the program starts.
    At(Moment),
    /// The system's time, so many milliseconds later, or earlier.
    Shifted(i64),
}

/// A text that sets no clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "a clock is set by an instant such as 2026-11-20T08:00:00-06:00, or by a shift such as +3d, -90m, +2h or +30s"
)]
pub struct NotASetting;

impl FromStr for ClockSetting {
    type Err = NotASetting;

    fn from_str(text: &str) -> Result<Self, NotASetting> {
        let sign = match text.as_bytes().first() {
            Some(b'+') => 1,
            Some(b'-') => -1,
            Some(_) | None => return moment_from_rfc3339(text).map(Self::At).ok_or(NotASetting),
        };
        let unit_at = text.len().saturating_sub(1);
        let (digits, unit) = text.get(1..unit_at).zip(text.get(unit_at..)).ok_or(NotASetting)?;
        if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(NotASetting);
        }
        let unit_ms = match unit {
            "d" => 86_400_000,
            "h" => 3_600_000,
            "m" => 60_000,
            "s" => 1_000,
            _ => return Err(NotASetting),
        };
        let span: i64 = digits.parse().map_err(|_| NotASetting)?;
        let shift = span.checked_mul(unit_ms).filter(|shift| *shift <= SHIFT_MS_MAX).ok_or(NotASetting)?;
        Ok(Self::Shifted(sign * shift))
    }
}

impl ClockSetting {
    /// Returns by how many milliseconds a program's clock runs ahead of the system's, which says `system` as the program starts.
    pub fn shift_ms(self, system: Moment) -> i64 {
        match self {
            Self::System => 0,
            Self::At(start) => start.0.saturating_sub(system.0),
            Self::Shifted(shift_ms) => shift_ms,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_is_set_to_an_instant_or_shifted() {
        let start: ClockSetting = "2026-11-20T08:00:00-06:00".parse().unwrap();
        assert_eq!(start, ClockSetting::At(Moment(1_795_183_200_000)));
        assert_eq!(start.shift_ms(Moment(1_795_183_200_700)), -700);
        assert_eq!(ClockSetting::System.shift_ms(Moment(5)), 0);
        for (text, ms) in
            [("+3d", 259_200_000), ("-90m", -5_400_000), ("+2h", 7_200_000), ("+0s", 0), ("-1s", -1_000)]
        {
            assert_eq!(text.parse(), Ok(ClockSetting::Shifted(ms)), "{text}");
            assert_eq!(ClockSetting::Shifted(ms).shift_ms(Moment(5)), ms);
        }
    }

    #[test]
    fn anything_else_sets_no_clock() {
        for text in [
            "",
            "+",
            "3d",
            "+3",
            "+d",
            "+3w",
            "+-3d",
            "2026-11-20",
            "+36601d",
            "+99999999999999999999d",
            "+3é",
        ] {
            assert_eq!(text.parse::<ClockSetting>(), Err(NotASetting), "{text}");
        }
        assert!("+36600d".parse::<ClockSetting>().is_ok());
    }
}
