//! One student's record, as the program prints it.

use jiff::civil::Date;
use serde_json::{Value as Json, json};
use sync_core::document::name::{DocumentKind, DocumentName};
use sync_core::exchange::client::state::{ActState, Phase};
use sync_core::exchange::message::HoldState;
use sync_core::ids::StudentId;
use sync_core::kv::KvError;
use sync_core::projection::card::CardSession;
use sync_core::record::minutes::{Minutes, Terms, minutes};
use sync_core::record::{Figures, MissedView, ObservationView, Record, SessionView};
use sync_core::service::calendar::{Calendar, Weeks, week_of};
use sync_core::service::promise::PartialPeriod;
use sync_core::time::Moment;

use super::{Sight, caseload, conflicts, flags, holds, key};
use crate::deeds::Desk;
use crate::trouble::Trouble;

/// Returns the record of a student; `day` lies in the week of which minutes are told.
///
/// # Errors
/// The store's.
pub fn record(desk: &Desk<'_>, student: StudentId, sight: Sight, day: Date) -> Result<Json, Trouble> {
    let waiting = waiting_for_review(desk, student)?;
    if sight == Sight::Left {
        return Ok(json!({
            "student": student, "sessions": [], "missed": [], "observations": [], "goals": [], "conflicts": [], "flags": [],
            "waiting_for_review": waiting, "minutes": Json::Null,
        }));
    }
    let unread = unread(desk, student, day)?;
    desk.with_record(student, |record| {
        let terms = Terms {
            periods: &desk.roster.calendar,
            school: &Calendar::default(),
            partial: PartialPeriod::None,
            unread: &unread,
        };
        let minutes = minutes(record, &terms, Weeks::of(day));
        let card = desk.roster.cards.get(&student);
        let own = record.sessions.iter().map(|one| session(record, one));
        let of_card = card.map(|card| card.sessions.as_slice()).unwrap_or_default();
        let is_new = |one: &&CardSession| record.sessions.iter().all(|own| own.head.key() != one.id);
        let of_card = of_card.iter().filter(is_new).map(|one| session_of_card(record, one));
        Ok(json!({
            "student": student,
            "sessions": own.chain(of_card).collect::<Vec<_>>(),
            "missed": record.missed.iter().map(|one| missed(one, minutes.as_ref())).collect::<Vec<_>>(),
            "observations": record.observations.iter().map(observation).collect::<Vec<_>>(),
            "goals": caseload::goals(record, card),
            "conflicts": conflicts::of_record(record),
            "flags": flags::of_record(record),
            "waiting_for_review": waiting,
            "minutes": minutes.as_ref().map(minute_rows),
        }))
    })
}

fn session(record: &Record<'_>, session: &SessionView) -> Json {
    let at = |moment: Moment| record.zone.rfc3339(moment);
    let segments: Vec<Json> = session
        .segments
        .iter()
        .map(|segment| {
            json!({
                "mode": segment.mode, "place": segment.place, "routine": segment.routine,
                "start": segment.start.map(at), "minutes": segment.minutes,
            })
        })
        .collect();
    json!({
        "id": session.head.key().to_string(),
        "author": session.head.author,
        "service": key(session.service),
        "mode": session.mode(),
        "place": session.place(),
        "start": session.start().map(at),
        "minutes": session.minutes(),
        "segments": segments,
        "group": session.group.as_ref().map(|group| json!({"id": group.id, "size": group.size})),
        "make_up_for": key(session.make_up_for),
        // It goes to somebody who reads the record.
        "note": session.note.as_ref().map(|note| note.expose()),
        "state": session.state.word(),
        "late": session.head.late,
    })
}

/// A colleague's session, of which the card says no more than this.
fn session_of_card(record: &Record<'_>, session: &CardSession) -> Json {
    json!({
        "id": session.id.to_string(),
        "author": session.author,
        "service": Json::Null,
        "mode": session.mode,
        "place": Json::Null,
        "start": record.zone.rfc3339(session.start),
        "minutes": session.minutes,
        "segments": [],
        "group": Json::Null,
        "make_up_for": Json::Null,
        "note": Json::Null,
        "state": "complete",
        "late": false,
    })
}

fn missed(missed: &MissedView, minutes: Option<&Minutes>) -> Json {
    json!({
        "id": missed.head.key().to_string(),
        "author": missed.head.author,
        "service": key(missed.service),
        "date": missed.date.map(|date| date.to_string()),
        "reason": missed.reason.map(|reason| reason.code()),
        "owed": minutes.and_then(|minutes| minutes.owed.get(&missed.head.id)),
        "state": if missed.head.void { "void" } else { "complete" },
        "late": missed.head.late,
    })
}

fn observation(observation: &ObservationView) -> Json {
    let value = observation.figures.map(|figures| match figures {
        Figures::Count { count, seconds } => json!({"count": count, "seconds": seconds}),
        Figures::Probe { attempted, errors, seconds } => {
            json!({"attempted": attempted, "errors": errors, "seconds": seconds})
        }
        Figures::Percent { correct, of } => json!({"correct": correct, "of": of}),
    });
    json!({
        "id": observation.head.key().to_string(),
        "goal": key(observation.goal),
        "author": observation.head.author,
        "session": key(observation.session),
        "kind": observation.kind,
        "value": value,
        "state": if observation.head.void { "void" } else { "complete" },
        "late": observation.head.late,
    })
}

fn minute_rows(minutes: &Minutes) -> Vec<Json> {
    let rows = minutes.rows.iter().map(|row| {
        json!({
            "service": row.service.to_string(),
            "week": row.week.to_string(),
            "mandated": row.figures.mandated,
            "delivered": row.figures.delivered,
            "uncertified": row.figures.uncertified,
            "owed": row.figures.owed,
            "balance": row.figures.balance,
            "flags": flags::of_week(&row.figures),
        })
    });
    rows.collect()
}

/// Returns the student's documents that this tablet does not have whole, as far as a figure may need them.
fn unread(desk: &Desk<'_>, student: StudentId, day: Date) -> Result<Vec<DocumentName>, KvError> {
    let copies = desk.tablet().copies()?;
    let fetching =
        copies.into_iter().filter(|copy| copy.name.subject == student && copy.phase != Phase::Whole);
    let mut unread: Vec<DocumentName> = fetching.map(|copy| copy.name).collect();
    let roles = desk.roster.roles_on(student, desk.roster.today(desk.now));
    for kind in [DocumentKind::Plan, DocumentKind::Log] {
        if desk.roster.reads(kind, &roles) {
            continue;
        }
        for day in week_of(day).iter() {
            let period = match kind {
                DocumentKind::Plan => desk.roster.calendar.year_of(day),
                DocumentKind::Log | DocumentKind::Own | DocumentKind::Tally => {
                    desk.roster.calendar.term_of(day)
                }
            };
            unread.push(DocumentName {
                org: desk.roster.profile.org,
                kind,
                subject: student,
                period,
                member: None,
            });
        }
    }
    Ok(unread)
}

/// Returns what of this student waits for review, and the person's own that was refused.
fn waiting_for_review(desk: &Desk<'_>, student: StudentId) -> Result<Vec<Json>, Trouble> {
    let of_student = desk.tablet().holds()?.into_iter().filter(|hold| hold.name.subject == student);
    let open = of_student.filter(|hold| hold.state == HoldState::Waiting);
    let mut waiting: Vec<Json> = open.map(|hold| holds::view(desk, &hold)).collect::<Result<_, _>>()?;
    for act in desk.tablet().acts()?.into_iter().filter(|act| act.name.subject == student) {
        waiting.extend(holds::without_view(desk, &act)?);
        if let ActState::Refused(code) = &act.state {
            waiting.push(json!({
                "id": Json::Null,
                "student": student,
                "record": act.slots.first().map(|slot| slot.key.to_string()),
                "author": desk.roster.profile.person,
                "mine": true,
                "reason": code,
                "state": "refused",
            }));
        }
    }
    Ok(waiting)
}
