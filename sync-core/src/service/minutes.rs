//! The account: for every service line and week what was promised, delivered, made up for and is owed.
//!
//! ```text
//! balance = delivered + make-up - mandated
//! owed    = planned minutes of each miss that counts as owed, less what its own make-up gave
//! ```
//!
//! - Overlapping sessions of one line count once, as the union of their time. Under two lines (co-treatment) they
//!   count in both.
//! - Sessions that nobody has certified yet count; `uncertified` says how many of the minutes are theirs alone.
//! - A make-up never takes away what another miss is owed, however long it was, and more delivered in one week
//!   never cancels what is owed in another.
//! - What looks odd is counted and flagged, never dropped.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;

use super::calendar::{Calendar, Weeks, monday_of, week_of};
use super::cover::Cover;
use super::delivered::{Delivered, Segment};
use super::line::{LineVersion, Lines, Mode};
use super::make_up::{Counted, Role, attribute};
use super::missed::{Liability, Missed};
use super::overlap::overlapping;
use super::promise::{PartialPeriod, Promises};

/// One student's records, in any order, ids unique. Records of weeks outside the account belong to it, too: a
/// make-up may lie in another term than its miss.
#[derive(Debug, Clone, Copy)]
pub struct Records<'a, Id> {
    /// The versions of the service lines.
    pub lines: &'a [LineVersion<Id>],
    /// The sessions that took place.
    pub delivered: &'a [Delivered<Id>],
    /// The sessions that did not.
    pub missed: &'a [Missed<Id>],
    /// The school's days and periods.
    pub calendar: &'a Calendar,
    /// What a partial period promises.
    pub partial: PartialPeriod,
}

/// Something that a person should look at. It never changes a figure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Flag<Id> {
    /// The session overlaps another one of its line: perhaps logged twice.
    Overlap(Id),
    /// The session was in another mode than the line promises, for a part at least.
    ModeMismatch(Id),
    /// The session was meant to make up for a miss that it cannot make up for, and counts in its own week.
    ExtraService(Id),
    /// The session or miss lies on a day on which no version of its line is in force.
    NotInForce(Id),
    /// The miss lowers the balance and is not owed.
    NotOwed(Id),
    /// Nobody has said yet what happened with this miss.
    LiabilityUnknown(Id),
}

impl<Id> Flag<Id> {
    /// Returns the flag's word in output.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Overlap(_) => "overlap",
            Self::ModeMismatch(_) => "mode_mismatch",
            Self::ExtraService(_) => "extra_service",
            Self::NotInForce(_) => "not_in_force",
            Self::NotOwed(_) => "not_owed",
            Self::LiabilityUnknown(_) => "liability_unknown",
        }
    }

    /// Returns the session or miss that it is about.
    pub fn record(&self) -> &Id {
        let (Self::Overlap(id)
        | Self::ModeMismatch(id)
        | Self::ExtraService(id)
        | Self::NotInForce(id)
        | Self::NotOwed(id)
        | Self::LiabilityUnknown(id)) = self;
        id
    }
}

/// Minutes by mode.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ModeMinutes {
    /// In the classroom.
    pub push_in: u32,
    /// Out of it.
    pub pull_out: u32,
    /// With the adults.
    pub consult: u32,
}

/// One line's week.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WeekMinutes<Id> {
    /// Minutes promised, see [`promise`](super::promise). None: unknown, for want of the school's periods.
    pub mandated: Option<u32>,
    /// Minutes delivered in this week, make-ups for other sessions not among them.
    pub delivered: u32,
    /// How many of the minutes delivered only uncertified sessions vouch for.
    pub uncertified: u32,
    /// Minutes delivered at any time that make up for misses of this week.
    pub make_up: u32,
    /// How many of the make-up minutes only uncertified sessions vouch for.
    pub make_up_uncertified: u32,
    /// Minutes still owed for misses of this week.
    pub owed: u32,
    /// Delivered and made up for, less mandated. None where mandated is unknown.
    pub balance: Option<i64>,
    /// `delivered` and `make_up` by mode.
    pub by_mode: ModeMinutes,
    /// What to look at.
    pub flags: BTreeSet<Flag<Id>>,
}

/// What became of one missed session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MissedMinutes {
    /// What the line promised for a session. Zero where none was in force.
    pub planned: u32,
    /// What its make-up gave.
    pub made_up: u32,
    /// What is owed still.
    pub owed: u32,
}

/// The account of some weeks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account<Id> {
    /// By line and the week's Monday: every week in which the line is in force or has records.
    pub weeks: BTreeMap<(Id, Date), WeekMinutes<Id>>,
    /// Every standing miss, of whichever week.
    pub missed: BTreeMap<Id, MissedMinutes>,
}

/// Returns the account of the weeks.
#[must_use]
pub fn account<Id: Ord + Clone>(records: &Records<'_, Id>, weeks: Weeks) -> Account<Id> {
    let lines = Lines::new(records.lines);
    let promises = Promises { lines: &lines, calendar: records.calendar, partial: records.partial };
    let misses: BTreeMap<&Id, &Missed<Id>> =
        records.missed.iter().filter(|miss| !miss.void).map(|miss| (&miss.id, miss)).collect();
    let mut ledger = Ledger { promises, weeks: BTreeMap::new(), made_up: BTreeMap::new() };

    let mut by_line: BTreeMap<&Id, Vec<Counted<'_, Id>>> = BTreeMap::new();
    for counted in attribute(records.delivered, &misses) {
        by_line.entry(counted.line).or_default().push(counted);
    }
    for sessions in by_line.into_values() {
        ledger.enter_line(sessions);
    }
    let missed = misses.values().map(|miss| (miss.id.clone(), ledger.enter_miss(miss))).collect();
    for line in lines.ids() {
        for monday in weeks.mondays().filter(|monday| in_force_in_week(&lines, line, *monday)) {
            ledger.week(line, monday);
        }
    }
    Account { weeks: ledger.close(weeks), missed }
}

/// The account while it is being written.
struct Ledger<'a, Id> {
    promises: Promises<'a, Id>,
    weeks: BTreeMap<(Id, Date), WeekMinutes<Id>>,
    /// Minutes made up for, by miss.
    made_up: BTreeMap<Id, u32>,
}

impl<Id: Ord + Clone> Ledger<'_, Id> {
    fn week(&mut self, line: &Id, monday: Date) -> &mut WeekMinutes<Id> {
        self.weeks.entry((line.clone(), monday)).or_insert_with(WeekMinutes::empty)
    }

    /// Enters the sessions of one line, each with the minutes that none before it had.
    fn enter_line(&mut self, mut sessions: Vec<Counted<'_, Id>>) {
        // Certified work first, so that an uncertified copy of it adds no uncertified minutes.
        sessions.sort_by_key(|counted| {
            (counted.role, !counted.session.certified, counted.session.date, counted.session.id.clone())
        });
        let overlapping = overlapping(&sessions);
        let mut cover = Cover::default();
        for counted in &sessions {
            let mut segments = counted.session.segments.clone();
            segments.sort_by_key(|segment| (segment.start_ms, *segment));
            for segment in segments {
                let (start, end) = segment.span();
                self.credit(counted, segment, cover.claim(start, end));
            }
            self.flag_session(counted, overlapping.contains(&counted.session.id));
        }
    }

    fn credit(&mut self, counted: &Counted<'_, Id>, segment: Segment, minutes: u32) {
        if let Some(miss) = counted.miss {
            add(self.made_up.entry(miss.id.clone()).or_default(), minutes);
        }
        let certified = counted.session.certified;
        let week = self.week(counted.line, counted.monday());
        let (total, uncertified) = match counted.role {
            Role::Own | Role::Extra => (&mut week.delivered, &mut week.uncertified),
            Role::MakeUp => (&mut week.make_up, &mut week.make_up_uncertified),
        };
        add(total, minutes);
        if !certified {
            add(uncertified, minutes);
        }
        add(week.by_mode.of(segment.mode), minutes);
    }

    fn flag_session(&mut self, counted: &Counted<'_, Id>, overlaps: bool) {
        let id = &counted.session.id;
        let promised = self.promises.lines.in_force(counted.line, counted.day()).map(|version| version.mode);
        let flags = &mut self.week(counted.line, counted.monday()).flags;
        if overlaps {
            flags.insert(Flag::Overlap(id.clone()));
        }
        match promised {
            Some(mode) if counted.session.segments.iter().any(|segment| segment.mode != mode) => {
                flags.insert(Flag::ModeMismatch(id.clone()));
            }
            Some(_) => {}
            None => {
                flags.insert(Flag::NotInForce(id.clone()));
            }
        }
        match counted.role {
            Role::Extra => {
                flags.insert(Flag::ExtraService(id.clone()));
            }
            Role::Own | Role::MakeUp => {}
        }
    }

    fn enter_miss(&mut self, miss: &Missed<Id>) -> MissedMinutes {
        let version = self.promises.deciding_version(&miss.line, miss.date);
        let planned = version.map_or(0, |version| u32::from(version.minutes));
        let made_up = self.made_up.get(&miss.id).copied().unwrap_or(0);
        let liability = miss.reason.liability();
        let owed = if liability.counts_as_owed() { planned.saturating_sub(made_up) } else { 0 };

        let week = self.week(&miss.line, monday_of(miss.date));
        add(&mut week.owed, owed);
        if version.is_none() {
            week.flags.insert(Flag::NotInForce(miss.id.clone()));
        }
        match liability {
            Liability::None | Liability::NotScheduled => {
                week.flags.insert(Flag::NotOwed(miss.id.clone()));
            }
            Liability::Unknown => {
                week.flags.insert(Flag::LiabilityUnknown(miss.id.clone()));
            }
            Liability::Owed | Liability::Policy => {}
        }
        MissedMinutes { planned, made_up, owed }
    }

    /// Strikes the balance of the weeks asked for.
    fn close(mut self, weeks: Weeks) -> BTreeMap<(Id, Date), WeekMinutes<Id>> {
        self.weeks.retain(|(_, monday), _| weeks.contains(*monday));
        for ((line, monday), week) in &mut self.weeks {
            week.mandated = self.promises.mandated(line, *monday);
            week.balance = week
                .mandated
                .map(|mandated| i64::from(week.delivered) + i64::from(week.make_up) - i64::from(mandated));
        }
        self.weeks
    }
}

impl<Id> WeekMinutes<Id> {
    fn empty() -> Self {
        Self {
            mandated: None,
            delivered: 0,
            uncertified: 0,
            make_up: 0,
            make_up_uncertified: 0,
            owed: 0,
            balance: None,
            by_mode: ModeMinutes::default(),
            flags: BTreeSet::new(),
        }
    }
}

impl ModeMinutes {
    fn of(&mut self, mode: Mode) -> &mut u32 {
        match mode {
            Mode::PushIn => &mut self.push_in,
            Mode::PullOut => &mut self.pull_out,
            Mode::Consult => &mut self.consult,
        }
    }
}

fn in_force_in_week<Id: Ord>(lines: &Lines<'_, Id>, line: &Id, monday: Date) -> bool {
    week_of(monday).iter().any(|day| lines.in_force(line, day).is_some())
}

/// Minutes of any record that can be are far from the end of the range; at it a sum stops.
fn add(total: &mut u32, minutes: u32) {
    *total = total.saturating_add(minutes);
}

#[cfg(test)]
mod oracles;
#[cfg(test)]
mod properties;
