//! Fields on which standing values differ.

use serde_json::{Value as Json, json};
use sync_core::document::schema::RecordKind;
use sync_core::ids::ConflictId;
use sync_core::record::{Conflict, Record, Shown};

use crate::deeds::Desk;
use crate::trouble::Trouble;

/// Returns the conflicts of everybody on the caseload.
///
/// # Errors
/// The store's.
pub fn conflicts(desk: &Desk<'_>) -> Result<Vec<Json>, Trouble> {
    let mut all = Vec::new();
    for student in desk.tablet().students()? {
        all.extend(desk.with_record(student, |record| Ok(of_record(record)))?);
    }
    Ok(all)
}

/// Finds a conflict.
///
/// # Errors
/// [`Trouble::NotAllowed`] where there is none such, or the store's.
pub fn find(desk: &Desk<'_>, id: ConflictId) -> Result<Conflict, Trouble> {
    for student in desk.tablet().students()? {
        if let Some(found) = desk.with_record(student, |record| Ok(record.conflict(id).cloned()))? {
            return Ok(found);
        }
    }
    Err(Trouble::unknown("conflict"))
}

/// Returns the conflicts of one student.
pub(super) fn of_record(record: &Record<'_>) -> Vec<Json> {
    record.conflicts.iter().map(|conflict| view(record, conflict)).collect()
}

fn view(record: &Record<'_>, conflict: &Conflict) -> Json {
    let kind = conflict.record.kind;
    let values: Vec<Json> = (1..)
        .zip(&conflict.values)
        .map(|(n, alternative): (usize, _)| {
            let said = alternative.said.first();
            json!({
                "n": n,
                "value": alternative.value.as_ref().map(|value| Shown { kind: Some(kind), path: &conflict.field, value, zone: &record.zone }),
                "by": said.map(|said| said.by()),
                "at": said.and_then(|said| said.at).map(|at| record.zone.rfc3339(at)),
            })
        })
        .collect();
    let about = if kind == RecordKind::Goal { "goal" } else { "record" };
    json!({
        "id": conflict.id,
        "student": record.student,
        about: conflict.record.key.to_string(),
        "field": conflict.field,
        "what": format!("{} of a {}", conflict.field, kind.word()),
        "values": values,
    })
}
