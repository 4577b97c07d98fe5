//! How much each thing may be. What exceeds a limit is a [`Fault`](super::Fault), which its author can correct.

/// Segments that one session may have.
pub const SEGMENTS_MAX: usize = 8;
/// Values that one edit may say it replaces.
pub const REPLACES_MAX: usize = 64;
/// Characters of a goal's statement.
pub const STATEMENT_CHARS_MAX: usize = 2_000;
/// Characters of a goal's statement in plain words.
pub const PLAIN_STATEMENT_CHARS_MAX: usize = 600;
/// Characters of a note.
pub const NOTE_CHARS_MAX: usize = 1_000;
/// Characters of a reason.
pub const REASON_CHARS_MAX: usize = 500;
/// Characters of a criterion.
pub const CRITERION_CHARS_MAX: usize = 300;
/// Minutes of one segment, and of one service line's session.
pub const MINUTES_MAX: i64 = 480;
/// Sessions that a service line may promise in one period.
pub const SESSIONS_MAX: i64 = 50;
/// The largest count, opportunities or items of one observation.
pub const FIGURE_MAX: i64 = 100_000;
/// Seconds of one observation.
pub const SECONDS_MAX: i64 = 86_400;
/// The largest target or baseline, in thousandths.
pub const TARGET_MAX: i64 = 1_000_000_000;
/// Taps that one slot may carry, up or down.
pub const TAPS_MAX: i64 = 10_000;
/// How far a tablet's clock may be off, in milliseconds, for the offset to be written: ten years.
pub const OFFSET_MAX: i64 = 315_576_000_000;
