//! The program's clock: the one place that asks the system for the time. Everything else is told by it.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

pub use sync_core::clock::{ClockSetting, NotASetting};
use sync_core::time::Moment;

/// A running clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Clock {
    shift_ms: i64,
}

impl Clock {
    /// Starts a clock.
    pub fn start(setting: ClockSetting) -> Self {
        Self { shift_ms: setting.shift_ms(system()) }
    }

    /// Returns the time.
    pub fn now(&self) -> Moment {
        system().plus_ms(self.shift_ms)
    }
}

#[expect(clippy::disallowed_methods, reason = "this is the clock that everything else is told the time by")]
fn system() -> Moment {
    // A system clock before 1970 is as good as one at 1970.
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
    Moment(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_runs_on_from_where_it_is_set() {
        let clock = Clock::start("2026-11-20T08:00:00-06:00".parse().unwrap());
        assert!((0..60_000).contains(&(clock.now().0 - 1_795_183_200_000)));
        let ahead = Clock::start("+3d".parse().unwrap()).now().0 - Clock::start(ClockSetting::System).now().0;
        assert!((259_199_000..=259_201_000).contains(&ahead));
    }
}
