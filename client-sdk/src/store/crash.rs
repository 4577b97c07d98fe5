//! Places at which a test can make the program die, as an empty battery would: at once and without a word; and a medium that is full.
//!
//! With the feature `testing`, `CARRYOVER_CRASH_AT=before_commit:3` aborts the process when it comes to the place `before_commit` for the
//! third time, and with `CARRYOVER_FULL_MEDIUM=1` the store's file does not grow any more. Without the feature nothing of this is in the
//! program.

/// Aborts the process, if a test asked for it here.
#[cfg(feature = "testing")]
pub fn crash_point(name: &str) {
    use std::sync::atomic::{AtomicU64, Ordering};

    static PASSED: AtomicU64 = AtomicU64::new(0);
    let Ok(asked) = std::env::var("CARRYOVER_CRASH_AT") else { return };
    let (place, nth) = asked.split_once(':').unwrap_or((&asked, "1"));
    if place == name && (PASSED.fetch_add(1, Ordering::SeqCst) + 1).to_string() == nth {
        std::process::abort();
    }
}

/// Does nothing: only tests can ask for a crash.
#[cfg(not(feature = "testing"))]
#[inline(always)]
pub fn crash_point(_: &str) {}

/// Lets the store's file have no more pages than it has, if a test asked for it: SQLite then says what it says on a full medium.
#[cfg(feature = "testing")]
pub(super) fn keep_its_size(connection: &rusqlite::Connection) -> rusqlite::Result<()> {
    let asked = std::env::var_os("CARRYOVER_FULL_MEDIUM").is_some();
    // SQLite takes the number of pages there are for any smaller one.
    if asked { connection.pragma_update(None, "max_page_count", 1) } else { Ok(()) }
}

/// Does nothing: only tests can ask for a full medium.
#[cfg(not(feature = "testing"))]
#[inline(always)]
pub(super) fn keep_its_size(_: &rusqlite::Connection) -> rusqlite::Result<()> {
    Ok(())
}
