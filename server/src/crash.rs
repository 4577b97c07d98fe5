//! Places at which a test can make the process die, as a power cut would: at once and without a word.
//!
//! With the feature `testing`, `CARRYOVER_CRASH_AT=after_sync:3` aborts the process when it comes to the place `after_sync` for the third
//! time. Without the feature nothing of this is in the program.

/// Aborts the process, if a test asked for it here.
#[cfg(feature = "testing")]
pub fn crash_point(name: &str) {
    use std::collections::BTreeMap;
    use std::sync::{Mutex, OnceLock, PoisonError};

    static ASKED: OnceLock<Option<(String, u64)>> = OnceLock::new();
    static PASSED: Mutex<BTreeMap<String, u64>> = Mutex::new(BTreeMap::new());

    let asked = ASKED.get_or_init(|| {
        let asked = std::env::var("CARRYOVER_CRASH_AT").ok()?;
        let (name, nth) = asked.split_once(':')?;
        Some((name.to_owned(), nth.parse().ok()?))
    });
    let Some((_, nth)) = asked.as_ref().filter(|(asked, _)| asked == name) else { return };
    let mut passed = PASSED.lock().unwrap_or_else(PoisonError::into_inner);
    let count = passed.entry(name.to_owned()).or_default();
    *count += 1;
    if count == nth {
        std::process::abort();
    }
}

/// Does nothing: only tests can ask for a crash.
#[cfg(not(feature = "testing"))]
#[inline(always)]
pub fn crash_point(_: &str) {}
