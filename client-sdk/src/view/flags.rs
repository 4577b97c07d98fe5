//! What a person should look at: flags of records and of minutes. None of them refuses anything or changes a figure.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};
use sync_core::document::schema::VOID;
use sync_core::document::slot::SlotKey;
use sync_core::ids::PersonId;
use sync_core::record::{Flag, Record, RecordRef, Shown};
use sync_core::service::minutes::WeekMinutes;
use sync_core::time::Moment;

use crate::deeds::Desk;
use crate::trouble::Trouble;

/// Returns the flags of everybody on the caseload about which a person is to decide.
///
/// # Errors
/// The store's.
pub fn to_decide(desk: &Desk<'_>) -> Result<Vec<Json>, Trouble> {
    let mut all = Vec::new();
    for student in desk.tablet().students()? {
        all.extend(desk.with_record(student, |record| Ok(views(record, Flag::asks)))?);
    }
    Ok(all)
}

/// Returns all flags of one student.
pub(super) fn of_record(record: &Record<'_>) -> Vec<Json> {
    views(record, |_| true)
}

/// Returns the flags of a service line's week.
pub(super) fn of_week(figures: &WeekMinutes<RecordRef>) -> Vec<Json> {
    let flags = figures.flags.iter();
    flags.map(|flag| json!({"what": flag.word(), "record": flag.record().key.to_string()})).collect()
}

fn views(record: &Record<'_>, wanted: impl Fn(&Flag) -> bool) -> Vec<Json> {
    let sessions = record.sessions.iter().map(|one| (one.head.key(), one.start()));
    let observations = record.observations.iter().map(|one| (one.head.key(), one.start));
    let began: BTreeMap<SlotKey, Option<Moment>> = sessions.chain(observations).collect();
    record.flags.iter().filter(|flag| wanted(flag)).map(|flag| view(record, &began, flag)).collect()
}

fn view(record: &Record<'_>, began: &BTreeMap<SlotKey, Option<Moment>>, flag: &Flag) -> Json {
    let (about, other) = flag.about();
    let field = if let Flag::Unfit { field, .. } = flag { Some(field) } else { None };
    // When it took place; where the record does not say that, when it was made.
    let at = began.get(&about).copied().flatten();
    let at = at.or_else(|| record.find(about)?.made().corrected_at());
    json!({
        "what": flag.word(),
        "student": record.student,
        "kind": record.find(about).map(|entry| entry.id().kind.word()),
        "record": about.to_string(),
        "by": by(record, about, other),
        "at": at.map(|at| record.zone.rfc3339(at)),
        "other": other.map(|other| other.to_string()),
        "field": field,
        "asks": flag.asks(),
        "said": if let Flag::VoidBesideAmendment(id) = flag { said(record, id) } else { Vec::new() },
    })
}

/// Returns whose records a flag is about, each person once.
fn by(record: &Record<'_>, about: SlotKey, other: Option<SlotKey>) -> Vec<PersonId> {
    let mut authors: Vec<PersonId> =
        std::iter::once(about).chain(other).filter_map(|key| Some(record.find(key)?.author())).collect();
    authors.dedup();
    authors
}

/// Returns what was said of a record since it was made, who said it and when, the removal first.
fn said(record: &Record<'_>, id: &RecordRef) -> Vec<Json> {
    let Some(entry) = record.entry(id) else { return Vec::new() };
    let fields = entry.edited().filter(|field| *field != VOID);
    let of_field = |field: &str| {
        let standing = entry.standing(field).into_owned();
        let field = field.to_owned();
        standing.into_iter().filter(|said| said.id != id.key).map(move |said| {
            json!({
                "field": field,
                "value": said.value.as_ref().map(|value| Shown { kind: Some(id.kind), path: &field, value, zone: &record.zone }),
                "by": said.by(),
                "at": said.at.map(|at| record.zone.rfc3339(at)),
            })
        })
    };
    std::iter::once(VOID).chain(fields).flat_map(of_field).collect()
}
