//! How a goal is going, in one of a few words that a page can say kindly.
//!
//! The middle of the last three days with data is compared with where the child should be by then, on the straight line from the start to
//! the target. It goes by no single day: one bad morning changes no word.

use jiff::civil::Date;

use super::page::DayPoint;
use super::value::Start;

/// Days with data that it takes to say anything.
pub const DAYS_MIN: usize = 3;
/// Days after the last data on which it can still be said how a goal is going: ten school days.
pub const RECENT_DAYS_MAX: i32 = 14;
/// How far below the line is still on it, as a part of the whole way: a tenth.
const TOLERANCE_PARTS: i64 = 10;

/// How a goal is going.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Going {
    /// There is too little to say.
    Early,
    /// There was enough once, and nothing lately.
    Quiet,
    /// The target is reached.
    Reached,
    /// As far as it should be by now to reach the target on its day.
    OnTrack,
    /// Further than at the start.
    Moving,
    /// About where it started.
    Steady,
    /// Behind where it started.
    Harder,
}

/// What the word is found from.
#[derive(Debug, Clone, Copy)]
pub(super) struct Course<'a> {
    /// Whether the figure should go up.
    pub(super) increase: bool,
    /// The figure to reach, in thousandths.
    pub(super) target: Option<i64>,
    /// The day by which.
    pub(super) by: Option<Date>,
    /// Where it started.
    pub(super) start: Option<Start>,
    /// The days with data, in their order.
    pub(super) points: &'a [DayPoint],
}

/// Returns how a goal is going on a day.
pub(super) fn going(course: &Course<'_>, today: Date) -> Going {
    let points = course.points;
    let (Some(target), Some(first), Some(last), Some(recent)) =
        (course.target, points.first(), points.last(), middle_of_last(points))
    else {
        return Going::Early;
    };
    if points.len() < DAYS_MIN {
        return Going::Early;
    }
    if days_between(last.day, today) > i64::from(RECENT_DAYS_MAX) {
        return Going::Quiet;
    }
    // With the sign turned for figures that should go down, more is better from here on.
    let sign = if course.increase { 1 } else { -1 };
    if (recent - target) * sign >= 0 {
        return Going::Reached;
    }
    let start = course.start.map_or(first.figure, |start| start.figure);
    let (way, gone) = ((target - start) * sign, (recent - start) * sign);
    let tolerance = way.max(0) / TOLERANCE_PARTS;
    match due(course, way, last.day) {
        Some(due) if gone >= due - tolerance => Going::OnTrack,
        Some(_) | None if gone > tolerance => Going::Moving,
        Some(_) | None if gone >= -tolerance => Going::Steady,
        Some(_) | None => Going::Harder,
    }
}

/// Returns how much of the way should be behind on a day; none where start or target has no day.
fn due(course: &Course<'_>, way: i64, day: Date) -> Option<i64> {
    let (begun, by) = (course.start?.day?, course.by?);
    let whole = days_between(begun, by);
    if whole <= 0 || way <= 0 {
        return None;
    }
    let behind = days_between(begun, day).clamp(0, whole);
    i64::try_from(i128::from(way) * i128::from(behind) / i128::from(whole)).ok()
}

/// Returns the middle figure of the latest days.
pub(super) fn middle_of_last(points: &[DayPoint]) -> Option<i64> {
    let mut last: Vec<i64> = points.iter().rev().take(DAYS_MIN).map(|point| point.figure).collect();
    last.sort_unstable();
    last.get(last.len() / 2).copied()
}

fn days_between(from: Date, to: Date) -> i64 {
    from.until(to).map_or(0, |span| i64::from(span.get_days()))
}
