//! Where the few marks of a goal's chart stand.
//!
//! A dozen dots, the goal and the start: a template draws that as SVG within the page, without a script, a font or a picture to fetch.

use sync_core::projection::family::DayPoint;

/// The chart's width, in its own units: about the pixels of a small phone.
pub const WIDTH: i64 = 264;
/// Its height.
pub const HEIGHT: i64 = 140;
/// Room for what is written on the left and on the right.
const LEFT: i64 = 46;
const RIGHT: i64 = 12;
/// Room above and below.
const TOP: i64 = 14;
const BOTTOM: i64 = 26;
/// How far apart two labels on the left must be to be read.
const LABEL_APART: i64 = 13;

/// A mark.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dot {
    /// From the left.
    pub x: i64,
    /// From the top.
    pub y: i64,
}

/// A level line with what is written beside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Level {
    /// The line's height, from the top.
    pub y: i64,
    /// The height of its words.
    pub label_y: i64,
}

/// A chart, laid out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chart {
    /// The days' dots, in their order.
    pub dots: Vec<Dot>,
    /// The line through them, as SVG writes points.
    pub path: String,
    /// The goal.
    pub goal: Option<Level>,
    /// The start.
    pub start: Option<Level>,
    /// Where lines begin and end.
    pub from_x: i64,
    /// See `from_x`.
    pub to_x: i64,
    /// The height of the days' words.
    pub days_y: i64,
}

impl Chart {
    /// Lays a chart out; `whole` is the greatest figure that can be, where there is one. None where there are no days.
    pub fn of(
        points: &[DayPoint],
        goal: Option<i64>,
        start: Option<i64>,
        whole: Option<i64>,
    ) -> Option<Self> {
        let (first, last) = (points.first()?, points.last()?);
        let shown = points.iter().map(|point| point.figure).chain(goal).chain(start);
        // A little air above what has no upper end.
        let greatest = whole.unwrap_or_else(|| shown.max().unwrap_or_default() * 11 / 10).max(1);
        let days = i64::from(first.day.until(last.day).map_or(0, |span| span.get_days()));
        let x_of = |point: &DayPoint| {
            let day = i64::from(first.day.until(point.day).map_or(0, |span| span.get_days()));
            let room = WIDTH - LEFT - RIGHT - 12;
            LEFT + 6 + if days > 0 { room * day / days } else { room / 2 }
        };
        let y_of = |figure: i64| {
            let room = HEIGHT - TOP - BOTTOM;
            TOP + room - room * figure.clamp(0, greatest) / greatest
        };
        let dots: Vec<Dot> =
            points.iter().map(|point| Dot { x: x_of(point), y: y_of(point.figure) }).collect();
        let path = dots.iter().map(|dot| format!("{},{}", dot.x, dot.y)).collect::<Vec<_>>().join(" ");
        let level = |figure| Level { y: y_of(figure), label_y: y_of(figure) + 4 };
        let (goal, mut start) = (goal.map(level), start.map(level));
        if let (Some(goal), Some(start)) = (&goal, &mut start)
            && (goal.label_y - start.label_y).abs() < LABEL_APART
        {
            let below = start.y >= goal.y;
            start.label_y = goal.label_y + if below { LABEL_APART } else { -LABEL_APART };
        }
        Some(Self { dots, path, goal, start, from_x: LEFT, to_x: WIDTH - RIGHT, days_y: HEIGHT - 6 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(day: &str, figure: i64) -> DayPoint {
        DayPoint { day: day.parse().unwrap(), figure, of: None, corrected: None }
    }

    #[test]
    fn later_is_further_right_and_more_is_higher() {
        let points = [point("2026-10-01", 40_000), point("2026-10-08", 60_000), point("2026-10-15", 90_000)];
        let chart = Chart::of(&points, Some(80_000), Some(40_000), Some(100_000)).unwrap();
        assert!(chart.dots.windows(2).all(|pair| pair[0].x < pair[1].x && pair[0].y > pair[1].y));
        let (goal, start) = (chart.goal.unwrap(), chart.start.unwrap());
        assert!(goal.y < start.y && chart.dots[2].y < goal.y);
        assert_eq!(chart.dots[0].y, start.y, "it began where it started");
    }

    #[test]
    fn nothing_leaves_the_frame_and_labels_do_not_lie_on_each_other() {
        let points = [point("2026-10-01", 0), point("2026-10-01", 2_000_000)];
        let chart = Chart::of(&points, Some(1_000), Some(0), None).unwrap();
        for dot in &chart.dots {
            assert!((LEFT..=WIDTH - RIGHT).contains(&dot.x) && (TOP..=HEIGHT - BOTTOM).contains(&dot.y));
        }
        let (goal, start) = (chart.goal.unwrap(), chart.start.unwrap());
        assert!((goal.label_y - start.label_y).abs() >= LABEL_APART);
        assert_eq!(Chart::of(&[], Some(1), None, None), None);
        // All at zero divides by nothing.
        assert!(Chart::of(&[point("2026-10-01", 0)], Some(0), None, None).is_some());
    }
}
