//! Time in the simulation: one true time, which only the server's clock shows.

use jiff::civil::{Date, date};
use sync_core::time::{DAY_MS, Moment, Zone};

/// The day on which every run begins. The clocks of the zone do not change in the weeks behind it.
pub const FIRST_DAY: Date = date(2026, 10, 5);

/// Returns the zone of the school.
pub fn zone() -> Zone {
    Zone::named("America/Chicago").expect("the zone is in the database")
}

/// The true time.
#[derive(Debug, Clone)]
pub struct Clock {
    start: Moment,
    /// Milliseconds since midnight of [`FIRST_DAY`].
    elapsed: i64,
}

impl Default for Clock {
    fn default() -> Self {
        Self { start: zone().start_of(FIRST_DAY), elapsed: 9 * 3_600_000 }
    }
}

impl Clock {
    /// Returns the time.
    pub fn now(&self) -> Moment {
        self.start.plus_ms(self.elapsed)
    }

    /// Returns the number of the day, 0 on [`FIRST_DAY`].
    pub fn day(&self) -> i64 {
        self.elapsed.div_euclid(DAY_MS)
    }

    /// Lets time pass.
    pub fn pass_ms(&mut self, ms: i64) {
        self.elapsed += ms;
    }

    /// Lets time pass until one second after midnight.
    pub fn pass_midnight(&mut self) {
        self.elapsed = (self.day() + 1) * DAY_MS + 1_000;
    }
}

/// Returns the date of a day by its number.
pub fn date_of(day: i64) -> Date {
    zone().day_of(zone().start_of(FIRST_DAY).plus_ms(day * DAY_MS + 12 * 3_600_000))
}
