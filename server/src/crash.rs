//! Places at which a test can make the process die, as a power cut would, or a disk fail.
//!
//! With the feature `testing`, `CARRYOVER_CRASH_AT=after_sync:3` aborts the process, at once and without a word, when it comes to the place
//! `after_sync` for the third time; and `CARRYOVER_FAIL_AT=log_sync:3` lets what is tried at the place `log_sync` fail that time, once, as
//! a disk does that says so. A place that stands for the middle of something, `mid_append` say, lets a part of it happen first. Without the
//! feature nothing of this is in the program.

#[cfg(feature = "testing")]
use std::sync::OnceLock;

#[cfg(feature = "testing")]
use self::asked::Asked;

/// Aborts the process, if a test asked for it here.
#[cfg(feature = "testing")]
pub fn crash_point(name: &str) {
    crash_within(name, || ());
}

/// Does a part of what comes next and aborts, if a test asked for it here.
#[cfg(feature = "testing")]
pub fn crash_within(name: &str, part: impl FnOnce()) {
    static ASKED: OnceLock<Asked> = OnceLock::new();
    if ASKED.get_or_init(|| Asked::by("CARRYOVER_CRASH_AT")).is_now(name) {
        part();
        std::process::abort();
    }
}

/// Returns whether what is tried here is to fail, since a test asked for it.
#[cfg(feature = "testing")]
pub fn fails_at(name: &str) -> bool {
    static ASKED: OnceLock<Asked> = OnceLock::new();
    ASKED.get_or_init(|| Asked::by("CARRYOVER_FAIL_AT")).is_now(name)
}

/// Does nothing: only tests can ask for a crash.
#[cfg(not(feature = "testing"))]
#[inline(always)]
pub fn crash_point(_: &str) {}

/// Does nothing: only tests can ask for a crash.
#[cfg(not(feature = "testing"))]
#[inline(always)]
pub fn crash_within(_: &str, _: impl FnOnce()) {}

/// Returns false: only tests can ask for a failure.
#[cfg(not(feature = "testing"))]
#[inline(always)]
pub fn fails_at(_: &str) -> bool {
    false
}

#[cfg(feature = "testing")]
mod asked {
    use std::sync::atomic::{AtomicU64, Ordering};

    /// The place that a test named, and how often it was come to.
    pub(super) struct Asked {
        place: Option<(String, u64)>,
        passed: AtomicU64,
    }

    impl Asked {
        /// Reads what a variable of the environment asks for.
        pub(super) fn by(variable: &str) -> Self {
            let place = std::env::var(variable).ok().and_then(|asked| {
                let (name, nth) = asked.split_once(':')?;
                Some((name.to_owned(), nth.parse().ok()?))
            });
            Self { place, passed: AtomicU64::new(0) }
        }

        /// Counts that a place is come to; returns whether this is the time that was asked for.
        pub(super) fn is_now(&self, name: &str) -> bool {
            let Some((_, nth)) = self.place.as_ref().filter(|(asked, _)| asked == name) else { return false };
            self.passed.fetch_add(1, Ordering::SeqCst) + 1 == *nth
        }
    }
}
