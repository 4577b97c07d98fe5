//! Live sessions: start, tap, trial, undo, live, finish.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value as Json, json};
use sync_core::document::deed::{Deed, NewSegment};
use sync_core::document::schema::RecordKind;
use sync_core::document::slot::{SlotKey, Value};
use sync_core::document::word::SessionState;
use sync_core::ids::{LiveId, StudentId};
use sync_core::sensitive::Sensitive;
use sync_core::service::missed::Reason;

use super::args::{FinishArgs, LeaveArgs, StartArgs, TapArgs, TrialArgs, TrialWord};
use super::{Answer, Tools};
use crate::chance::Chance;
use crate::deeds::{Desk, LocalPolicy};
use crate::local::Local;
use crate::session::{
    self, Counted, Event, Finishing, Journal, Live, STUDENTS_MAX, Start, Student, Trial, begin, can_undo,
    counts, note,
};
use crate::store::Writes;
use crate::trouble::Trouble;

pub(super) fn start(tools: &Tools, args: &StartArgs) -> Result<Answer, Trouble> {
    let id = tools.on_desk(|desk, local, writes, chance| {
        let ids: Vec<StudentId> = args.students.iter().map(|text| desk.roster.student(text)).collect();
        if ids.len() > STUDENTS_MAX {
            let help = format!("begin a session of at most {STUDENTS_MAX}, and another one of the rest");
            return Err(Trouble::value(format!("{} students are too many for one session", ids.len()), help));
        }
        if ids.iter().collect::<BTreeSet<_>>().len() != ids.len() {
            return Err(Trouble::value("the same student twice", "name each student once"));
        }
        let mut students = Vec::new();
        for id in ids {
            students.push(Student {
                id,
                service: service_of(desk, args, id)?,
                roles: roles_of(tools, desk, id),
            });
        }
        let unused = |text: &&String| {
            let key = desk.roster.record(RecordKind::Service, text);
            students.iter().all(|student| student.service != Some(key))
        };
        if args.services.iter().any(|text| unused(&text)) {
            return Err(Trouble::unknown("service"));
        }
        let mut seed = [0; 16];
        chance.fill(&mut seed)?;
        let start = Start {
            seed,
            students,
            mode: args.mode.code().into(),
            place: args.place.code().into(),
            routine: args.routine.map(|routine| routine.code().into()),
            at: desk.now,
        };
        let mut draft = Desk::over(local.0, desk.now, tools.policy)?;
        for student in &start.students {
            may_log(&mut draft, args, student, chance)?;
        }
        Ok(begin(writes, start))
    })?;
    Ok(Answer::done(
        json!({ "live": id }),
        format!("Session {id} is open. Every tap is saved on this tablet."),
    ))
}

/// Whoever may not log for a student cannot begin to: the same check, before anything is written down.
fn may_log(
    draft: &mut Desk<'_>,
    args: &StartArgs,
    student: &Student,
    chance: &mut dyn Chance,
) -> Result<(), Trouble> {
    let segment = NewSegment {
        mode: args.mode,
        place: args.place,
        routine: args.routine,
        start: draft.now,
        minutes: 1,
    };
    let deed = Deed::LogSession {
        service: student.service,
        segments: vec![segment],
        group: None,
        make_up_for: None,
        note: None,
        state: SessionState::Complete,
        observations: Vec::new(),
    };
    draft.make(student.id, &deed, chance).map(drop)
}

fn roles_of(tools: &Tools, desk: &Desk<'_>, student: StudentId) -> sync_core::roster::reading::Roles {
    let today = desk.roster.roles_on(student, desk.roster.today(desk.now));
    // Where the tablet does not check, the server's answer is to be seen: as somebody who was on the team once.
    if today.is_empty() && tools.policy == LocalPolicy::Skipped { desk.former_roles(student) } else { today }
}

/// Finds the one of the named services that is this student's. Whoever does not read the plan names it unchecked.
fn service_of(desk: &Desk<'_>, args: &StartArgs, student: StudentId) -> Result<Option<SlotKey>, Trouble> {
    let named: Vec<SlotKey> =
        args.services.iter().map(|text| desk.roster.record(RecordKind::Service, text)).collect();
    let own = desk.with_record(student, |record| {
        let is_named = |key: &SlotKey| named.contains(key);
        Ok(record.services.iter().map(|service| service.head.key()).find(is_named))
    })?;
    let reads = desk.roster.reads(
        sync_core::document::name::DocumentKind::Plan,
        &desk.roster.roles_on(student, desk.roster.today(desk.now)),
    );
    let only = named.first().copied().filter(|_| !reads && named.len() == 1);
    Ok(own.or(only))
}

pub(super) fn tap(tools: &Tools, args: &TapArgs) -> Result<Answer, Trouble> {
    count(tools, args.live.live, &args.goal, "count", |student, goal| Event::Tap { student, goal, n: args.n })
}

pub(super) fn trial(tools: &Tools, args: &TrialArgs) -> Result<Answer, Trouble> {
    let trial = match args.result {
        TrialWord::Correct => Trial::Correct,
        TrialWord::Incorrect => Trial::Incorrect,
        TrialWord::NoResponse => Trial::NoResponse,
    };
    count(tools, args.live.live, &args.goal, "percent", |student, goal| Event::Trial { student, goal, trial })
}

fn count(
    tools: &Tools,
    id: Option<LiveId>,
    goal: &str,
    kind: &str,
    event: impl FnOnce(StudentId, SlotKey) -> Event,
) -> Result<Answer, Trouble> {
    tools.on_desk(|desk, local, writes, _| {
        let mut live = Journal(local.0).meant(id)?;
        let goal = desk.roster.record(RecordKind::Goal, goal);
        let student = student_of(desk, &live, goal, kind)?;
        let event = event(student, goal);
        note(writes, &mut live, &event)?;
        let mut events = Journal(local.0).events(live.id)?;
        events.push(event);
        Ok(answer(&live, &events))
    })
}

/// Returns whose goal it is. A goal that this member cannot read is counted where only one student can be meant.
fn student_of(desk: &Desk<'_>, live: &Live, goal: SlotKey, kind: &str) -> Result<StudentId, Trouble> {
    let known = desk.standing(goal)?.filter(|found| found.slot.container == RecordKind::Goal.container());
    let present: Vec<StudentId> = live.present().map(|student| student.id).collect();
    let Some(known) = known else {
        let on_card = |student: &StudentId| {
            let card = desk.roster.cards.get(student)?;
            card.goals.iter().find(|known| known.id == goal).map(|known| (*student, known.kind.clone()))
        };
        if let Some((student, measured)) = present.iter().find_map(on_card) {
            return fits(&measured, kind).map(|()| student);
        }
        return match present.as_slice() {
            [only] => Ok(*only),
            _ => Err(Trouble::unknown("goal")),
        };
    };
    if !present.contains(&known.name.subject) {
        return Err(Trouble::value(
            "this goal is of nobody in this session",
            "name a goal of a student who is in it",
        ));
    }
    let measured = known.slot.leaf("kind").and_then(Value::as_text);
    measured.map_or(Ok(()), |measured| fits(measured, kind)).map(|()| known.name.subject)
}

/// Refuses to count what a goal is not measured by.
fn fits(measured: &str, kind: &str) -> Result<(), Trouble> {
    if measured == kind {
        return Ok(());
    }
    let help = match measured {
        "count" => "count it with `tap`",
        "percent" => "count its tries with `trial`",
        _ => "log it with `log` after the session",
    };
    Err(Trouble::value(format!("this goal is measured by {measured}"), help))
}

pub(super) fn undo(tools: &Tools, id: Option<LiveId>) -> Result<Answer, Trouble> {
    tools.on_desk(|_, local, writes, _| {
        let mut live = Journal(local.0).meant(id)?;
        let mut events = Journal(local.0).events(live.id)?;
        if !can_undo(&events) {
            return Err(Trouble::value("there is nothing to take back", "tap first"));
        }
        note(writes, &mut live, &Event::Undo)?;
        events.push(Event::Undo);
        Ok(answer(&live, &events))
    })
}

pub(super) fn show(tools: &Tools, id: Option<LiveId>) -> Result<Answer, Trouble> {
    tools.look(|_, local| {
        let live = Journal(local.0).meant(id)?;
        Ok(answer(&live, &Journal(local.0).events(live.id)?))
    })
}

pub(super) fn leave(tools: &Tools, args: &LeaveArgs) -> Result<Answer, Trouble> {
    tools.on_desk(|desk, local, writes, _| {
        let mut live = Journal(local.0).meant(args.live.live)?;
        let student = desk.roster.student(&args.student);
        session::leave(writes, &mut live, student, desk.now)?;
        Ok(answer(&live, &Journal(local.0).events(live.id)?))
    })
}

/// Returns who took no part, and why. Nobody is both absent and unwilling.
fn away(desk: &Desk<'_>, args: &FinishArgs) -> Result<BTreeMap<StudentId, Reason>, Trouble> {
    let named = |students: &[String], reason: Reason| {
        let of = |text: &String| (desk.roster.student(text), reason);
        students.iter().map(of).collect::<BTreeMap<_, _>>()
    };
    let mut away = named(&args.absent, Reason::StudentAbsent);
    for (student, reason) in named(&args.refused, Reason::StudentRefused) {
        if away.insert(student, reason).is_some() {
            return Err(Trouble::value(
                "a student is named as absent and as unwilling",
                "name each student once",
            ));
        }
    }
    Ok(away)
}

pub(super) fn finish(tools: &Tools, args: &FinishArgs) -> Result<Answer, Trouble> {
    let finished = tools.store.update(|state| {
        // What was begun is finished, whatever has ended since: the server judges it.
        let mut desk = Desk::of_engine(state, tools.clock.now())?
            .sealing(&Local(state), &mut *tools.chance.borrow_mut())?;
        let live = Journal(state).meant(args.live.live)?;
        let finishing = Finishing { away: away(&desk, args)?, note: args.note.clone().map(Sensitive::new) };
        let mut writes = Writes::new();
        let finished = session::finish(&mut desk, &mut writes, Journal(state), &live, &finishing)?;
        writes.core(desk.clear());
        Ok::<_, Trouble>((writes, finished))
    })?;
    let (mut sessions, mut missed, mut unpromised) = (Vec::new(), Vec::new(), 0);
    for one in &finished {
        let record = one.record.map(|record| record.to_string());
        match (record, one.missed) {
            (Some(session), None) => {
                let observations: Vec<String> = one.observations.iter().map(ToString::to_string).collect();
                sessions
                    .push(json!({"student": one.student, "session": session, "observations": observations}));
            }
            (Some(record), Some(reason)) => {
                missed.push(json!({"student": one.student, "missed": record, "reason": reason.code()}));
            }
            (None, _) => unpromised += 1,
        }
    }
    let mut words = format!("Saved on this tablet: {} session(s), {} missed.", sessions.len(), missed.len());
    if unpromised > 0 {
        words.push_str(&format!(
            "\nNothing is recorded for {unpromised} who took no part: the session was under no service line of theirs."
        ));
    }
    let mut json = json!({ "sessions": sessions });
    if !missed.is_empty() {
        json["missed"] = Json::Array(missed);
    }
    Ok(Answer::done(json, words))
}

fn answer(live: &Live, events: &[Event]) -> Answer {
    let (mut rows, mut words) = (Vec::new(), Vec::new());
    for tally in counts(events) {
        let mut row =
            json!({"student": tally.student, "goal": tally.goal.to_string(), "n": tally.counted.n()});
        if let Counted::Tries { correct, of } = tally.counted {
            row["correct"] = json!(correct);
            row["of"] = json!(of);
        }
        words.push(format!("{}: {}", tally.goal, tally.counted.n()));
        rows.push(row);
    }
    let words = if words.is_empty() { "Nothing counted yet.".into() } else { words.join("\n") };
    Answer::done(json!({"live": live.id, "counts": rows}), words)
}
