//! Timed billing units of 15 minutes, by the rule that more than seven minutes over make another unit.
//!
//! Payers call it the 8-minute rule. It goes by a day's minutes of one service, added up before they are
//! divided: 8 + 8 minutes are one unit, not two.

/// Minutes of one unit.
const UNIT_MINUTES: u32 = 15;
/// What may be left over without making another unit, in minutes.
const LEFT_OVER_MINUTES_MAX: u32 = 7;

/// Returns the units of a day's minutes of one service; 68 minutes are 5 (the example of the Texas manual for
/// school health services). A cap on the units of a day is a payer's policy and not applied here.
#[must_use]
pub fn units_of_day(minutes: u32) -> u32 {
    minutes / UNIT_MINUTES + u32::from(minutes % UNIT_MINUTES > LEFT_OVER_MINUTES_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_example_is_five_units() {
        assert_eq!(units_of_day(68), 5);
    }

    #[test]
    fn every_minute_of_the_published_table() {
        let table = [(0..=7, 0), (8..=22, 1), (23..=37, 2), (38..=52, 3), (53..=67, 4), (68..=82, 5)];
        for (minutes, units) in table {
            for minute in minutes {
                assert_eq!(units_of_day(minute), units, "{minute} minutes");
            }
        }
    }

    #[test]
    fn the_most_minutes_do_not_overflow() {
        assert_eq!(units_of_day(u32::MAX), u32::MAX / 15);
    }
}
