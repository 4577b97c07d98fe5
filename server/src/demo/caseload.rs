//! Who works with whom, on what, and when in the week.

use std::collections::BTreeMap;

use sync_core::document::word::{Place, Routine};
use sync_core::measure::value::Measure;
use sync_core::roster::role::Role;
use sync_core::service::line::Mode;

use super::Size;
use super::calendar::DAYS_PER_WEEK;
use super::district::Pupil;

/// One member's work with one student.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) who: &'static str,
    pub(super) role: Role,
    pub(super) pupil: Pupil,
    /// Who signs, for who works under supervision.
    pub(super) supervisor: Option<&'static str>,
    /// Sessions in a week.
    pub(super) weekly: usize,
    pub(super) minutes: i64,
    /// Whose goals it is about.
    goals_of: Role,
}

/// What a goal says, and by which figure it is measured.
#[derive(Debug, Clone, Copy)]
pub(super) struct Aim {
    pub(super) statement: &'static str,
    pub(super) plain: &'static str,
    pub(super) measure: Measure,
    pub(super) target: i64,
    pub(super) baseline: i64,
}

const SPEECH: Aim = Aim {
    statement: "Retells a story with its main events in order",
    plain: "Tells a story so that others can follow",
    measure: Measure::Percent,
    target: 80,
    baseline: 40,
};
const LEARNING: Aim = Aim {
    statement: "Reads words of grade-level passages correctly in one minute",
    plain: "Reads aloud more smoothly",
    measure: Measure::Probe,
    target: 90,
    baseline: 45,
};
const MOTOR: Aim = Aim {
    statement: "Asks for a turn or for help with words or signs in group work (times a minute)",
    plain: "Asks when help is needed",
    measure: Measure::Count,
    target: 2,
    baseline: 0,
};

impl Line {
    /// Returns the service line that the work is given under; none for who helps with somebody else's.
    pub(super) fn service(&self) -> Option<String> {
        self.supervisor.is_none().then(|| format!("v-{}-{:02}", self.role, self.pupil.0))
    }

    /// Returns the goal that is worked on.
    pub(super) fn goal(&self) -> String {
        format!("g-{}-{:02}", self.goals_of, self.pupil.0)
    }

    /// Returns what that goal says.
    pub(super) fn aim(&self) -> Aim {
        match self.goals_of {
            Role::Slp => SPEECH,
            Role::Ot | Role::Pt => MOTOR,
            Role::Psy | Role::Set | Role::Cm | Role::Para | Role::Asst | Role::Coord | Role::Admin => {
                LEARNING
            }
        }
    }

    /// Returns whether the student stays in the class: teachers and aides come to it, therapists to every other one.
    pub(super) fn mode(&self) -> Mode {
        let in_class = matches!(self.role, Role::Set | Role::Para) || self.pupil.0 % 2 == 1;
        if in_class { Mode::PushIn } else { Mode::PullOut }
    }

    /// Returns where that is.
    pub(super) fn place(&self) -> Place {
        match self.mode() {
            Mode::PushIn => Place::GeneralClass,
            Mode::PullOut | Mode::Consult => Place::ResourceRoom,
        }
    }

    /// Returns during which part of the class's day.
    pub(super) fn routine(&self) -> Option<Routine> {
        (self.mode() == Mode::PushIn).then_some(Routine::SmallGroup)
    }

    /// Returns how many students one session is for.
    pub(super) fn group_size(&self) -> usize {
        match self.role {
            Role::Slp | Role::Ot => 2,
            Role::Set => 4,
            Role::Pt | Role::Psy | Role::Cm | Role::Para | Role::Asst | Role::Coord | Role::Admin => 1,
        }
    }
}

/// Returns all lines of a district of this size.
pub(super) fn caseload(size: Size) -> Vec<Line> {
    let mut lines = Vec::new();
    for pupil in Pupil::all(size) {
        let oak = pupil.school(size) == "oak";
        let speech = if oak { "slp-1" } else { "slp-2" };
        let teacher = match (oak, pupil.0 % 2) {
            (true, 1) => "set-1",
            (true, _) => "set-2",
            (false, _) => "set-3",
        };
        let mut add = |who, role, supervisor, weekly, minutes, goals_of| {
            lines.push(Line { who, role, pupil, supervisor, weekly, minutes, goals_of });
        };
        add(speech, Role::Slp, None, 2, 30, Role::Slp);
        add(teacher, Role::Set, None, 2, 45, Role::Set);
        if pupil.0 % 3 == 0 {
            add("ot-1", Role::Ot, None, 1, 30, Role::Ot);
        }
        if pupil.0 % 8 == 0 {
            add("pt-1", Role::Pt, None, 1, 30, Role::Pt);
        }
        if pupil.0 % 3 == 1 {
            let aide = if oak { "para-1" } else { "para-2" };
            add(aide, Role::Para, Some(teacher), 1, 20, Role::Set);
        }
        if pupil.0 % 10 == 2 {
            add("para-3", Role::Para, Some(teacher), 1, 20, Role::Set);
        }
        if oak && pupil.0 % 4 == 1 {
            add("asst-1", Role::Asst, Some("slp-1"), 1, 20, Role::Slp);
        }
    }
    lines
}

/// A session in a member's week: with whom, on which weekday from Monday, and when.
#[derive(Debug, Clone)]
pub(super) struct Appointment<'a> {
    pub(super) lines: Vec<&'a Line>,
    pub(super) weekday: usize,
    /// Minutes after the first session of the day begins.
    pub(super) after_minutes: i64,
}

/// Returns a member's week out of the timetable of all: groups of the line's size, spread over the days, and nobody in two places at once.
pub(super) fn week<'a>(lines: &'a [Line], who: &str) -> Vec<Appointment<'a>> {
    let mut timetable = Timetable::default();
    let mut members: Vec<&str> = Vec::new();
    for line in lines {
        if members.contains(&line.who) {
            continue;
        }
        members.push(line.who);
        let week = timetable.enter(lines, line.who);
        if line.who == who {
            return week;
        }
    }
    Vec::new()
}

/// When which student is with whom.
#[derive(Debug, Default)]
struct Timetable {
    /// By student and weekday: the minutes from the first that are taken to the first after them.
    taken: BTreeMap<(Pupil, usize), Vec<(i64, i64)>>,
}

impl Timetable {
    /// Finds a place for each of a member's sessions, behind those of the members before.
    fn enter<'a>(&mut self, lines: &'a [Line], who: &str) -> Vec<Appointment<'a>> {
        let own: Vec<&Line> = lines.iter().filter(|line| line.who == who).collect();
        let Some(first) = own.first() else { return Vec::new() };
        let mut ends = [0_i64; DAYS_PER_WEEK];
        let mut week = Vec::new();
        for (group, chunk) in own.chunks(first.group_size()).enumerate() {
            for session in 0..first.weekly {
                let weekday = (group + 2 * session) % DAYS_PER_WEEK;
                let Some(end) = ends.get_mut(weekday) else { continue };
                let after_minutes = self.free(chunk, weekday, *end, first.minutes);
                *end = after_minutes + first.minutes;
                for line in chunk {
                    self.taken.entry((line.pupil, weekday)).or_default().push((after_minutes, *end));
                }
                week.push(Appointment { lines: chunk.to_vec(), weekday, after_minutes });
            }
        }
        week
    }

    /// Returns the first minute from `start` on at which all of a group have so long.
    fn free(&self, group: &[&Line], weekday: usize, start: i64, minutes: i64) -> i64 {
        let taken: Vec<(i64, i64)> = group
            .iter()
            .filter_map(|line| self.taken.get(&(line.pupil, weekday)))
            .flatten()
            .copied()
            .collect();
        let mut start = start;
        while let Some((_, end)) = taken.iter().find(|(from, end)| *from < start + minutes && start < *end) {
            start = *end;
        }
        start
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// Minutes from the first session of a day until the buses leave.
    const SCHOOL_DAY_MINUTES: i64 = 6 * 60;

    #[test]
    fn nobody_is_in_two_places_at_once_and_the_day_is_long_enough() {
        let lines = caseload(super::super::DISTRICT);
        let members: BTreeSet<&str> = lines.iter().map(|line| line.who).collect();
        let mut spans = Vec::new();
        for who in members {
            for appointment in week(&lines, who) {
                for line in &appointment.lines {
                    let (start, end) = (appointment.after_minutes, appointment.after_minutes + line.minutes);
                    assert!(end <= SCHOOL_DAY_MINUTES, "{who} until {end}");
                    spans.push((line.pupil, appointment.weekday, start, end, who));
                }
            }
        }
        spans.sort_unstable();
        for (one, other) in spans.iter().zip(&spans[1..]) {
            let same = (one.0, one.1) == (other.0, other.1);
            assert!(!same || one.3 <= other.2, "{one:?} and {other:?}");
        }
        let sessions: usize = lines.iter().map(|line| line.weekly).sum();
        assert_eq!(spans.len(), sessions, "every session has its place");
    }
}
