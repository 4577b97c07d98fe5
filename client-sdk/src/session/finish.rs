//! Finishing: the journal becomes one act for each student, and is gone in the same transaction.

use std::collections::BTreeMap;

use sync_core::document::deed::{Deed, NewGroup, NewObservation, NewSegment, OBSERVATIONS_MAX};
use sync_core::document::schema::{MINUTES_MAX, SECONDS_MAX};
use sync_core::document::slot::SlotKey;
use sync_core::document::word::{Observer, Place, SessionState};
use sync_core::ids::StudentId;
use sync_core::measure::value::{Count, Percent, Value, ValueError};
use sync_core::sensitive::Sensitive;
use sync_core::service::line::Mode;
use sync_core::service::missed::Reason;
use sync_core::time::Moment;
use ulid::Ulid;

use super::count::{Counted, Tally, counts};
use super::journal::{Journal, close, release};
use super::live::{Live, Student};
use crate::deeds::Desk;
use crate::store::Writes;
use crate::trouble::Trouble;

const MINUTE_MS: i64 = 60_000;
const SECOND_MS: i64 = 1_000;

/// What is said at the end.
#[derive(Debug, Clone, Default)]
pub struct Finishing {
    /// Students who took no part, and why.
    pub away: BTreeMap<StudentId, Reason>,
    /// What is to be said of the session: it stands in every student's record, and names nobody else.
    pub note: Option<Sensitive<String>>,
}

/// What finishing made for one student.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finished {
    /// Who.
    pub student: StudentId,
    /// The session, or the missed one; none for who took no part in a session that no service line had promised.
    pub record: Option<SlotKey>,
    /// Why the student took no part, if so.
    pub missed: Option<Reason>,
    /// The observations made in it.
    pub observations: Vec<SlotKey>,
}

/// Finishes a live session: the acts are on the desk, and the journal is removed with them.
///
/// # Errors
/// [`Trouble`]; the session is open then, as it was.
pub fn finish(
    desk: &mut Desk<'_>,
    writes: &mut Writes,
    journal: Journal<'_>,
    live: &Live,
    finishing: &Finishing,
) -> Result<Vec<Finished>, Trouble> {
    if let Some(stranger) = finishing.away.keys().find(|id| live.present().all(|student| student.id != **id))
    {
        return Err(Trouble::value(
            format!("student {stranger} is not in this session"),
            "name students whom the session was started with",
        ));
    }
    let tallies = counts(&journal.events(live.id)?);
    let mut finished = Vec::new();
    for student in live.present() {
        finished.push(match finishing.away.get(&student.id) {
            Some(reason) => miss(desk, live, student, *reason)?,
            None => log(desk, live, &tallies, student, finishing, SessionState::Complete)?,
        });
    }
    close(writes, live);
    Ok(finished)
}

/// Turns a live session into a draft for a student of whom the person may read no more; the others go on.
///
/// # Errors
/// [`Trouble`].
pub fn draft_of(
    desk: &mut Desk<'_>,
    writes: &mut Writes,
    journal: Journal<'_>,
    live: &mut Live,
    student: StudentId,
) -> Result<(), Trouble> {
    let Some(leaving) = live.present().find(|present| present.id == student).cloned() else { return Ok(()) };
    let tallies = counts(&journal.events(live.id)?);
    log(desk, live, &tallies, &leaving, &Finishing::default(), SessionState::Draft)?;
    if live.present().count() == 1 {
        close(writes, live);
        return Ok(());
    }
    release(writes, live, student);
    Ok(())
}

fn log(
    desk: &mut Desk<'_>,
    live: &Live,
    tallies: &[Tally],
    student: &Student,
    finishing: &Finishing,
    state: SessionState,
) -> Result<Finished, Trouble> {
    let start = &live.start;
    let until = live.left.get(&student.id).copied().unwrap_or(desk.now);
    let elapsed_ms = until.0.saturating_sub(start.at.0).max(0);
    let tallies: Vec<&Tally> = tallies.iter().filter(|tally| tally.student == student.id).collect();
    let there = live.start.students.iter().filter(|other| !finishing.away.contains_key(&other.id)).count();
    let group = (there > 1).then(|| NewGroup {
        id: start.id("live group", &[]).to_string(),
        size: i64::try_from(there).unwrap_or(i64::MAX),
    });
    let segment = NewSegment {
        mode: start.mode().unwrap_or(Mode::PushIn),
        place: start.place().unwrap_or(Place::Other),
        routine: start.routine(),
        start: start.at,
        // Half a minute and more is a minute, and no session is shorter than one.
        minutes: ((elapsed_ms + MINUTE_MS / 2) / MINUTE_MS).clamp(1, MINUTES_MAX),
    };
    let seconds = (elapsed_ms / SECOND_MS).clamp(1, SECONDS_MAX);
    let observations: Vec<NewObservation> = tallies
        .iter()
        .map(|tally| observation(tally, seconds, start.at))
        .collect::<Result<_, _>>()
        .map_err(|error| Trouble::value(error.to_string(), "undo some of what was counted"))?;
    // What does not fit into one act is logged beside it, naming the session.
    let (within, beside) = observations.split_at(observations.len().min(OBSERVATIONS_MAX));
    let session = start.id("live session", &[&student.id.0]);
    let mut ids = std::iter::once(session).chain(tallies.iter().map(|tally| observation_id(live, tally)));
    let deed = Deed::LogSession {
        service: student.service,
        segments: vec![segment],
        group,
        make_up_for: None,
        note: finishing.note.clone(),
        state,
        observations: within.to_vec(),
    };
    let mut keys = desk.make_as(student.id, &deed, &mut ids, start.act(student.id), &student.roles)?;
    let record = keys.remove(0);
    for (observation, tally) in beside.iter().zip(tallies.iter().skip(within.len())) {
        let id = observation_id(live, tally);
        let deed = Deed::Observe { session: Some(record), observation: observation.clone() };
        let act = sync_core::ids::ActId::from(start.id("live act beside", &[&id.to_bytes()]));
        keys.extend(desk.make_as(student.id, &deed, &mut std::iter::once(id), act, &student.roles)?);
    }
    Ok(Finished { student: student.id, record: Some(record), missed: None, observations: keys })
}

fn miss(desk: &mut Desk<'_>, live: &Live, student: &Student, reason: Reason) -> Result<Finished, Trouble> {
    let start = &live.start;
    let mut missed =
        Finished { student: student.id, record: None, missed: Some(reason), observations: Vec::new() };
    if let Some(service) = student.service {
        let date = desk.roster.day_of(start.at);
        let deed = Deed::LogMissed { service, date, reason, note: None };
        let mut ids = std::iter::once(start.id("live missed", &[&student.id.0]));
        let keys = desk.make_as(student.id, &deed, &mut ids, start.act(student.id), &student.roles)?;
        missed.record = keys.into_iter().next();
    }
    Ok(missed)
}

fn observation_id(live: &Live, tally: &Tally) -> Ulid {
    let purpose = match tally.counted {
        Counted::Times(_) => "live observation of times",
        Counted::Tries { .. } => "live observation of tries",
    };
    live.start.id(purpose, &[&tally.student.0, tally.goal.to_string().as_bytes()])
}

fn observation(tally: &Tally, seconds: i64, start: Moment) -> Result<NewObservation, ValueError> {
    let figure = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
    let value: Value = match tally.counted {
        Counted::Times(times) => Count::new(figure(times), seconds)?.into(),
        Counted::Tries { correct, of } => Percent::new(figure(correct), figure(of))?.into(),
    };
    Ok(NewObservation { goal: tally.goal, value, observer: Observer::Primary, start, note: None })
}
