//! Logging what was done, and what was not.

use clap::ArgMatches;
use jiff::civil::Date;
use serde_json::json;
use sync_core::document::deed::{Deed, NewGroup, NewObservation, NewSegment};
use sync_core::document::schema::RecordKind;
use sync_core::document::slot::SlotKey;
use sync_core::document::word::{Observer, SessionState};
use sync_core::measure::value::{Count, Percent, Probe, Value, ValueError};
use sync_core::sensitive::Sensitive;
use sync_core::time::{Moment, moment_from_rfc3339};

use super::args::{LogArgs, MissedArgs};
use super::{Answer, Tools};
use crate::deeds::Desk;
use crate::roster::{AHEAD_DAYS_MAX, Roster};
use crate::trouble::Trouble;

pub(super) fn session(
    tools: &Tools,
    args: &LogArgs,
    matches: Option<&ArgMatches>,
) -> Result<Answer, Trouble> {
    let segments = segments(args)?;
    let groups = matches.map(|matches| groups(args, matches)).transpose()?.unwrap_or_default();
    let start = segments.iter().map(|segment| segment.start).min().unwrap_or_default();
    let keys = tools.on_desk(|desk, _, _, chance| {
        not_ahead(desk, desk.roster.day_of(start))?;
        let student = desk.roster.student(&args.student);
        let observations = groups
            .iter()
            .map(|group| group.observation(&desk.roster, start))
            .collect::<Result<Vec<NewObservation>, Trouble>>()?;
        let record = |kind: RecordKind, text: &Option<String>| {
            text.as_ref().map(|text| desk.roster.record(kind, text))
        };
        let deed = Deed::LogSession {
            service: record(RecordKind::Service, &args.service),
            segments: segments.clone(),
            group: args.group.clone().zip(args.size).map(|(id, size)| NewGroup { id, size }),
            make_up_for: record(RecordKind::Missed, &args.make_up_for),
            note: args.note.clone().map(Sensitive::new),
            state: SessionState::Complete,
            observations,
        };
        desk.make(student, &deed, chance)
    })?;
    let (session, observations) = keys.split_first().ok_or_else(nothing_made)?;
    let observations: Vec<String> = observations.iter().map(ToString::to_string).collect();
    let json = json!({"session": session.to_string(), "observations": observations});
    Ok(Answer::done(json, format!("Saved on this tablet: session {session}.")))
}

pub(super) fn missed(tools: &Tools, args: &MissedArgs) -> Result<Answer, Trouble> {
    let keys = tools.on_desk(|desk, _, _, chance| {
        not_ahead(desk, args.date)?;
        let student = desk.roster.student(&args.student);
        let deed = Deed::LogMissed {
            service: desk.roster.record(RecordKind::Service, &args.service),
            date: args.date,
            reason: args.reason,
            note: args.note.clone().map(Sensitive::new),
        };
        desk.make(student, &deed, chance)
    })?;
    let missed = keys.first().ok_or_else(nothing_made)?.to_string();
    Ok(Answer::done(json!({ "missed": missed }), format!("Saved on this tablet: missed session {missed}.")))
}

/// A day in another year is a slip of the finger, and would stand in a document that is not there yet.
fn not_ahead(desk: &Desk<'_>, day: Date) -> Result<(), Trouble> {
    if desk.roster.is_ahead(day, desk.now) {
        let help = "check the date; if it is right, check this tablet's clock and sync";
        return Err(Trouble::value(format!("{day} is more than {AHEAD_DAYS_MAX} days ahead"), help));
    }
    Ok(())
}

fn segments(args: &LogArgs) -> Result<Vec<NewSegment>, Trouble> {
    if let (Some(mode), Some(place), Some(start), Some(minutes)) =
        (args.mode, args.place, args.start, args.minutes)
    {
        return Ok(vec![NewSegment { mode, place, routine: args.routine, start, minutes }]);
    }
    args.segments.iter().map(|text| segment(text, args)).collect()
}

fn segment(text: &str, args: &LogArgs) -> Result<NewSegment, Trouble> {
    let help = "give a segment as MODE,PLACE,START,MINUTES, such as push-in,general-class,2026-11-20T09:30:00-06:00,20";
    let no = || Trouble::value(format!("{text} is no segment"), help);
    let parts: Vec<&str> = text.split(',').map(str::trim).collect();
    let [mode, place, start, minutes] = parts.as_slice() else { return Err(no()) };
    Ok(NewSegment {
        mode: mode.parse().map_err(|_| no())?,
        place: place.parse().map_err(|_| no())?,
        routine: args.routine,
        start: moment_from_rfc3339(start).ok_or_else(no)?,
        minutes: minutes.parse().map_err(|_| no())?,
    })
}

/// A goal with the figures that came behind it.
#[derive(Debug)]
struct Group {
    goal: String,
    figures: Vec<(&'static str, i64)>,
}

/// Puts the figures to the goals that they came behind, by their places on the command line.
fn groups(args: &LogArgs, matches: &ArgMatches) -> Result<Vec<Group>, Trouble> {
    let at = |name: &str| matches.indices_of(name).into_iter().flatten().collect::<Vec<usize>>();
    let goals: Vec<(usize, &String)> = at("goals").into_iter().zip(&args.goals).collect();
    let mut groups: Vec<Group> =
        goals.iter().map(|(_, goal)| Group { goal: (*goal).clone(), figures: Vec::new() }).collect();
    let given = [
        ("count", &args.count),
        ("seconds", &args.seconds),
        ("attempted", &args.attempted),
        ("errors", &args.errors),
        ("correct", &args.correct),
        ("of", &args.of),
    ];
    for (name, figures) in given {
        for (place, figure) in at(name).into_iter().zip(figures) {
            let behind = goals.iter().filter(|(goal, _)| *goal < place).count();
            let group = behind.checked_sub(1).and_then(|last| groups.get_mut(last));
            let group = group.ok_or_else(|| {
                Trouble::value(
                    format!("--{name} stands before any --goal"),
                    "give the figures behind their --goal",
                )
            })?;
            if group.figures.iter().any(|(given, _)| *given == name) {
                return Err(Trouble::value(
                    format!("--{name} was given twice for one goal"),
                    "give each figure once",
                ));
            }
            group.figures.push((name, *figure));
        }
    }
    Ok(groups)
}

impl Group {
    fn observation(&self, roster: &Roster, start: Moment) -> Result<NewObservation, Trouble> {
        let goal: SlotKey = roster.record(RecordKind::Goal, &self.goal);
        Ok(NewObservation { goal, value: self.value()?, observer: Observer::Primary, start, note: None })
    }

    fn value(&self) -> Result<Value, Trouble> {
        let figure =
            |name: &str| self.figures.iter().find(|(given, _)| *given == name).map(|(_, figure)| *figure);
        let mut names: Vec<&str> = self.figures.iter().map(|(name, _)| *name).collect();
        names.sort_unstable();
        let get = |name: &str| figure(name).unwrap_or_default();
        let value: Result<Value, ValueError> = match names.as_slice() {
            ["count", "seconds"] => Count::new(get("count"), get("seconds")).map(Value::from),
            ["attempted", "errors", "seconds"] => {
                Probe::new(get("attempted"), get("errors"), get("seconds")).map(Value::from)
            }
            ["correct", "of"] => Percent::new(get("correct"), get("of")).map(Value::from),
            _ => {
                return Err(Trouble::value(
                    "these figures make no observation",
                    "give --count and --seconds, or --attempted, --errors and --seconds, or --correct and --of",
                ));
            }
        };
        value.map_err(|error| Trouble::value(error.to_string(), "correct the figure; nothing was saved"))
    }
}

/// A deed that was made has at least one record.
pub(super) fn nothing_made() -> Trouble {
    Trouble::Internal("nothing was made".into())
}
