//! Times and medians.
//!
//! Work on one thread is measured by the time that the processor spent on it, so that whatever else the machine does in the meantime
//! counts for nothing. What waits for a disk is measured by the clock.

use std::error::Error;
use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};

/// Why a figure could not be measured.
pub type Failed = Box<dyn Error + Send + Sync>;

/// Runs of a figure unless its family says otherwise; the median counts.
pub const RUNS: usize = 5;

/// Returns the time now: the one place in the benchmark that reads a clock.
#[expect(clippy::disallowed_methods, reason = "a benchmark measures time")]
pub fn now() -> Instant {
    Instant::now()
}

/// Returns the processor's time that work on this thread took, and what it returned.
pub fn timed<R>(work: impl FnOnce() -> Result<R, Failed>) -> Result<(Duration, R), Failed> {
    let start = spent(ClockId::ThreadCPUTime);
    let answer = work()?;
    Ok((spent(ClockId::ThreadCPUTime).saturating_sub(start), answer))
}

fn spent(clock: ClockId) -> Duration {
    Duration::try_from(clock_gettime(clock)).unwrap_or_default()
}

/// Returns the middle one; 0 for none.
pub fn median(values: &[f64]) -> f64 {
    quantile(values, 0.5)
}

/// Returns the value that `share` of the others do not exceed; 0 for none.
pub fn quantile(values: &[f64], share: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let last = sorted.len().saturating_sub(1);
    let at = (last as f64 * share).round() as usize;
    sorted.get(at).copied().unwrap_or_default()
}

/// Returns a duration in microseconds.
pub fn micros(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e6
}
