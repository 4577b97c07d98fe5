//! The page itself: read off what is published, and computed from nothing else.

use std::collections::BTreeMap;

use jiff::ToSpan;
use jiff::civil::Date;

use super::going::{Course, Going, going, middle_of_last};
use super::index::Published;
use super::publish::published_fields;
use super::value::{Aim, Field, GoalPart, Missed, Promise, Shown, Start, Value, Visit};
use crate::document::schema::DISCIPLINES;
use crate::document::slot::SlotKey;
use crate::exchange::server::index::Index;
use crate::ids::StudentId;
use crate::kv::KvError;
use crate::measure::number::divide_rounded;
use crate::record::Figures;
use crate::sensitive::Sensitive;
use crate::time::monday_of;

/// Days that a goal's chart and table show: the latest ones.
pub const POINTS_MAX: usize = 12;

/// What stands in a place of the page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stand<T> {
    /// A value, and the day of its correction if another one was shown before.
    Value(T, Option<Date>),
    /// It is being updated.
    BeingUpdated,
    /// There is nothing.
    Nothing,
}

impl<T> Stand<T> {
    /// Returns the value.
    pub fn value(&self) -> Option<&T> {
        match self {
            Self::Value(value, _) => Some(value),
            Self::BeingUpdated | Self::Nothing => None,
        }
    }

    /// Returns the day of its correction.
    pub fn corrected(&self) -> Option<Date> {
        match self {
            Self::Value(_, corrected) => *corrected,
            Self::BeingUpdated | Self::Nothing => None,
        }
    }
}

/// All that was seen of a goal on one school day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DayPoint {
    /// The day.
    pub day: Date,
    /// What it comes to, in thousandths: of a percent, or of what was seen in a minute.
    pub figure: i64,
    /// For answers, how many were right of how many; none for what is counted by the minute.
    pub of: Option<(i64, i64)>,
    /// The day of the latest correction of one of them.
    pub corrected: Option<Date>,
}

/// A goal, as a family sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GoalOnPage {
    /// Which goal.
    pub id: SlotKey,
    /// What the child is learning.
    pub statement: Stand<Sensitive<String>>,
    /// Whose goal it is, and how it is measured.
    pub aim: Stand<Aim>,
    /// The figure to reach, in thousandths.
    pub target: Stand<i64>,
    /// The day by which.
    pub by: Stand<Date>,
    /// Where the child started.
    pub start: Stand<Start>,
    /// The latest days with data, in their order.
    pub points: Vec<DayPoint>,
    /// The middle of the latest days, in thousandths: what "lately" means.
    pub lately: Option<i64>,
    /// How it is going.
    pub going: Going,
}

/// A visit, as a family sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VisitOnPage {
    /// The visit.
    pub visit: Visit,
    /// The day of its correction.
    pub corrected: Option<Date>,
}

/// A visit that did not take place, as a family sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MissedOnPage {
    /// What is known of it.
    pub missed: Missed,
    /// The day of its correction.
    pub corrected: Option<Date>,
}

/// What one discipline did in a week.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ServiceOnPage {
    /// The discipline; none for who helps.
    pub discipline: Option<String>,
    /// What the plan promises in this week.
    pub promised: Vec<Promise>,
    /// The visits, by day.
    pub visits: Vec<VisitOnPage>,
    /// Those that did not take place, by day.
    pub missed: Vec<MissedOnPage>,
}

/// A week.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Week {
    /// Its Monday.
    pub monday: Date,
    /// The disciplines, in the order of the book; who helps comes last.
    pub services: Vec<ServiceOnPage>,
}

/// A family's page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FamilyPage {
    /// The child's name.
    pub child: Sensitive<String>,
    /// The school day that it is for.
    pub today: Date,
    /// The goals, by discipline.
    pub goals: Vec<GoalOnPage>,
    /// This week.
    pub this_week: Week,
    /// The week before.
    pub last_week: Week,
}

/// Returns the page of a student as it is published; none where there is no such student.
///
/// # Errors
/// [`KvError`] where the index cannot be read.
pub fn family_page(
    index: &Index<'_>,
    student: StudentId,
    today: Date,
) -> Result<Option<FamilyPage>, KvError> {
    let Some(student) = index.student(student)? else { return Ok(None) };
    let published = published_fields(index.published(student.id)?);
    let calendar = index.calendar()?;
    let year = calendar.year_of(today);
    let goals = goals(&published, today, |day| calendar.year_of(day) == year);
    let this_monday = monday_of(today);
    let last_monday = this_monday.checked_sub(7.days()).unwrap_or(this_monday);
    Ok(Some(FamilyPage {
        child: student.display_name,
        today,
        goals,
        this_week: week(&published, this_monday),
        last_week: week(&published, last_monday),
    }))
}

type All = BTreeMap<Field, Published>;

fn goals(published: &All, today: Date, in_year: impl Fn(Date) -> bool) -> Vec<GoalOnPage> {
    let mut keys: Vec<SlotKey> = Vec::new();
    for (field, one) in published {
        if let (Field::Goal(key, GoalPart::Statement), Shown::Value(_) | Shown::BeingUpdated) =
            (field, &one.shown)
        {
            keys.push(*key);
        }
    }
    let mut goals: Vec<GoalOnPage> =
        keys.into_iter().map(|key| goal(published, key, today, &in_year)).collect();
    goals.sort_by_key(|goal| {
        let discipline = goal.aim.value().map(|aim| aim.discipline.as_str());
        (place_of(discipline), goal.id)
    });
    goals
}

fn goal(published: &All, id: SlotKey, today: Date, in_year: impl Fn(Date) -> bool) -> GoalOnPage {
    let part = |part| published.get(&Field::Goal(id, part));
    let statement = stand(part(GoalPart::Statement), Value::statement);
    let aim = stand(part(GoalPart::Aim), Value::aim);
    let target = stand(part(GoalPart::Target), Value::target);
    let by = stand(part(GoalPart::By), Value::by);
    let start = stand(part(GoalPart::Start), Value::start);
    let kind = aim.value().map(|aim| aim.kind.clone());
    let mut points = kind.map(|kind| points(published, id, &kind, in_year)).unwrap_or_default();
    let increase = aim.value().is_none_or(|aim| aim.direction != "decrease");
    let course = Course {
        increase,
        target: target.value().copied(),
        by: by.value().copied(),
        start: start.value().copied(),
        points: &points,
    };
    let (lately, going) = (middle_of_last(&points), going(&course, today));
    points.drain(..points.len().saturating_sub(POINTS_MAX));
    GoalOnPage { id, statement, aim, target, by, start, points, lately, going }
}

fn stand<T: Clone>(published: Option<&Published>, read: fn(&Value) -> Option<&T>) -> Stand<T> {
    match published.map(|published| (&published.shown, published.corrected)) {
        Some((Shown::Value(value), corrected)) => {
            read(value).map_or(Stand::Nothing, |value| Stand::Value(value.clone(), corrected))
        }
        Some((Shown::BeingUpdated, _)) => Stand::BeingUpdated,
        Some((Shown::Withdrawn, _)) | None => Stand::Nothing,
    }
}

/// Returns the days with data of a goal: each day's figures together, so that a short try weighs less than a long one.
fn points(published: &All, goal: SlotKey, kind: &str, in_year: impl Fn(Date) -> bool) -> Vec<DayPoint> {
    let mut days: BTreeMap<Date, (Sum, Option<Date>)> = BTreeMap::new();
    for (visit, one) in visits(published).filter(|(visit, _)| in_year(visit.day)) {
        for (of, figures) in visit.seen.values() {
            if *of == goal
                && let Some(sum) = Sum::of(*figures, kind)
            {
                let day = days.entry(visit.day).or_default();
                day.0.add(sum);
                day.1 = day.1.max(one.figures_corrected.get(&goal).copied());
            }
        }
    }
    let point = |(day, (sum, corrected)): (Date, (Sum, Option<Date>))| {
        let figure = sum.figure()?;
        Some(DayPoint { day, figure, of: sum.answers.then_some((sum.part, sum.whole)), corrected })
    };
    days.into_iter().filter_map(point).collect()
}

/// What was counted, of what.
#[derive(Debug, Clone, Copy, Default)]
struct Sum {
    part: i64,
    /// Opportunities, or seconds.
    whole: i64,
    answers: bool,
}

impl Sum {
    /// Returns the figures of an observation where they are of the goal's kind.
    fn of(figures: Figures, kind: &str) -> Option<Self> {
        match figures {
            Figures::Count { count, seconds } if kind == "count" => {
                Some(Self { part: count, whole: seconds, answers: false })
            }
            Figures::Probe { attempted, errors, seconds } if kind == "probe" => {
                Some(Self { part: attempted - errors, whole: seconds, answers: false })
            }
            Figures::Percent { correct, of } if kind == "percent" => {
                Some(Self { part: correct, whole: of, answers: true })
            }
            Figures::Count { .. } | Figures::Probe { .. } | Figures::Percent { .. } => None,
        }
    }

    fn add(&mut self, other: Self) {
        self.part += other.part;
        self.whole += other.whole;
        self.answers = other.answers;
    }

    /// Returns what it comes to, in thousandths; none where there was no opportunity.
    fn figure(&self) -> Option<i64> {
        let factor = if self.answers { 100 * 1_000 } else { 60 * 1_000 };
        let (part, whole) = (u128::try_from(self.part).ok()?, u128::try_from(self.whole).ok()?);
        i64::try_from(divide_rounded(part * factor, whole)?).ok()
    }
}

fn visits(published: &All) -> impl Iterator<Item = (&Visit, &Published)> {
    published.values().filter_map(|one| match &one.shown {
        Shown::Value(Value::Visit(visit)) => Some((visit, one)),
        Shown::Value(_) | Shown::BeingUpdated | Shown::Withdrawn => None,
    })
}

fn week(published: &All, monday: Date) -> Week {
    let in_week = |day: Date| monday_of(day) == monday;
    let sunday = monday.checked_add(6.days()).unwrap_or(monday);
    let mut services: BTreeMap<(usize, Option<String>), ServiceOnPage> = BTreeMap::new();
    let mut of = |discipline: &Option<String>, put: &dyn Fn(&mut ServiceOnPage)| {
        let key = (place_of(discipline.as_deref()), discipline.clone());
        let service = services.entry(key).or_default();
        service.discipline.clone_from(discipline);
        put(service);
    };
    for one in published.values() {
        let corrected = one.corrected;
        match &one.shown {
            Shown::Value(Value::Promise(promise))
                if promise.from <= sunday && promise.to.is_none_or(|to| monday <= to) =>
            {
                of(&Some(promise.discipline.clone()), &|service| service.promised.push(promise.clone()));
            }
            Shown::Value(Value::Visit(visit)) if in_week(visit.day) => {
                of(&visit.discipline, &|service| {
                    service.visits.push(VisitOnPage { visit: visit.clone(), corrected });
                });
            }
            Shown::Value(Value::Missed(missed)) if in_week(missed.day) => {
                of(&missed.discipline, &|service| {
                    service.missed.push(MissedOnPage { missed: missed.clone(), corrected });
                });
            }
            Shown::Value(_) | Shown::BeingUpdated | Shown::Withdrawn => {}
        }
    }
    let mut services: Vec<ServiceOnPage> = services.into_values().collect();
    for service in &mut services {
        service.visits.sort_by_key(|one| one.visit.day);
        service.missed.sort_by_key(|one| one.missed.day);
    }
    Week { monday, services }
}

/// Returns where a discipline comes in the book's order; what has none comes last.
fn place_of(discipline: Option<&str>) -> usize {
    let at = discipline.and_then(|name| DISCIPLINES.iter().position(|known| *known == name));
    at.unwrap_or(DISCIPLINES.len())
}
