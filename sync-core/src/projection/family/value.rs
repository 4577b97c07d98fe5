//! The places on a family's page, and what can stand in each.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::document::slot::SlotKey;
use crate::record::Figures;
use crate::sensitive::Sensitive;

/// A part of a goal: each is settled or in conflict by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum GoalPart {
    /// What the child is learning, in plain words where there are some.
    Statement,
    /// Whose goal it is, how it is measured and which way it should go.
    Aim,
    /// The figure to reach.
    Target,
    /// The day by which.
    By,
    /// Where the child started.
    Start,
}

impl GoalPart {
    /// All parts.
    pub const ALL: [Self; 5] = [Self::Statement, Self::Aim, Self::Target, Self::By, Self::Start];

    fn word(self) -> &'static str {
        match self {
            Self::Statement => "statement",
            Self::Aim => "aim",
            Self::Target => "target",
            Self::By => "by",
            Self::Start => "start",
        }
    }
}

/// A place on a family's page. It names what it may show: what has no place here is shown to no family.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Field {
    /// A part of a goal.
    Goal(SlotKey, GoalPart),
    /// A service that the plan promises.
    Service(SlotKey),
    /// A visit, with what was seen in it.
    Visit(SlotKey),
    /// A visit that did not take place.
    Missed(SlotKey),
}

impl Field {
    /// Returns the place's name in the index. No name is the beginning of another.
    pub(super) fn name(&self) -> String {
        match self {
            Self::Goal(key, part) => format!("goal/{key}/{}\0", part.word()),
            Self::Service(key) => format!("service/{key}\0"),
            Self::Visit(key) => format!("visit/{key}\0"),
            Self::Missed(key) => format!("missed/{key}\0"),
        }
    }

    /// Returns whether the place says "being updated" until there is something settled. What a plan has is known to the family; a visit
    /// that nobody has certified is not there yet.
    pub(super) fn is_announced(&self) -> bool {
        match self {
            Self::Goal(..) | Self::Service(_) => true,
            Self::Visit(_) | Self::Missed(_) => false,
        }
    }
}

/// Whose goal it is, and how it is measured.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Aim {
    /// The discipline.
    pub discipline: String,
    /// The kind of measure.
    pub kind: String,
    /// Which way the figure should go.
    pub direction: String,
}

/// Where the child started.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Start {
    /// The figure, in thousandths.
    pub figure: i64,
    /// The school day.
    pub day: Option<Date>,
}

/// A service that the plan promises.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Promise {
    /// The discipline that serves.
    pub discipline: String,
    /// Visits in each period.
    pub sessions: u16,
    /// The period.
    pub period: String,
    /// Minutes of each visit.
    pub minutes: u16,
    /// The first day in force.
    pub from: Date,
    /// The last day in force, included; none while it goes on.
    pub to: Option<Date>,
}

/// A visit that took place. There is no place in it for a note, a name, or anything of another child.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Visit {
    /// The school day.
    pub day: Date,
    /// The service that it was for.
    pub service: Option<SlotKey>,
    /// The discipline of who came; none for who helps.
    pub discipline: Option<String>,
    /// How the help was given.
    pub mode: Option<String>,
    /// How long it took.
    pub minutes: u32,
    /// What was seen: by observation, its goal and its figures.
    pub seen: BTreeMap<SlotKey, (SlotKey, Figures)>,
}

impl Visit {
    /// Returns whether both say the same of who came, when, for what and how long.
    pub(super) fn is_the_same_visit(&self, other: &Self) -> bool {
        let Self { day, service, discipline, mode, minutes, seen: _ } = self;
        (day, service, discipline, mode, minutes)
            == (&other.day, &other.service, &other.discipline, &other.mode, &other.minutes)
    }

    /// Returns the goals of which something was seen.
    pub(super) fn goals(&self) -> BTreeSet<SlotKey> {
        self.seen.values().map(|(goal, _)| *goal).collect()
    }

    /// Returns what was seen of a goal, by observation.
    pub(super) fn seen_of(&self, goal: SlotKey) -> impl Iterator<Item = (&SlotKey, &Figures)> {
        self.seen
            .iter()
            .filter(move |(_, (of, _))| *of == goal)
            .map(|(observation, (_, figures))| (observation, figures))
    }
}

/// A visit that did not take place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Missed {
    /// The school day.
    pub day: Date,
    /// The service that promised it.
    pub service: SlotKey,
    /// The discipline of that service.
    pub discipline: Option<String>,
    /// Why.
    pub reason: String,
}

/// What stands in a place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Value {
    /// See [`GoalPart::Statement`].
    Statement(Sensitive<String>),
    /// See [`Aim`].
    Aim(Aim),
    /// See [`GoalPart::Target`]: in thousandths.
    Target(i64),
    /// See [`GoalPart::By`].
    By(Date),
    /// See [`Start`].
    Start(Start),
    /// See [`Promise`].
    Promise(Promise),
    /// See [`Visit`].
    Visit(Visit),
    /// See [`Missed`].
    Missed(Missed),
}

impl Value {
    pub(super) fn statement(&self) -> Option<&Sensitive<String>> {
        if let Self::Statement(statement) = self { Some(statement) } else { None }
    }

    pub(super) fn aim(&self) -> Option<&Aim> {
        if let Self::Aim(aim) = self { Some(aim) } else { None }
    }

    pub(super) fn target(&self) -> Option<&i64> {
        if let Self::Target(target) = self { Some(target) } else { None }
    }

    pub(super) fn by(&self) -> Option<&Date> {
        if let Self::By(by) = self { Some(by) } else { None }
    }

    pub(super) fn start(&self) -> Option<&Start> {
        if let Self::Start(start) = self { Some(start) } else { None }
    }
}

/// What a family is shown in a place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Shown {
    /// This.
    Value(Value),
    /// That it is being updated: there was never anything settled.
    BeingUpdated,
    /// Nothing: it was removed.
    Withdrawn,
}
