//! From an entry of the log to the writes of the index: the one function that both the writer and a rebuild use.
//!
//! | Module | What it is |
//! | --- | --- |
//! | `founded` | a document is founded, or begins a new life |
//! | `changed` | a change stands in it |
//! | `held` | an act is held, and decided |

mod changed;
mod founded;
mod held;

use jiff::ToSpan;
use serde::Serialize;

pub(crate) use changed::{Contents, Meaning, apply_changed, contents_of, known_standing};
pub use founded::containers;
pub(crate) use founded::containers_in;
use founded::{apply_founded, apply_replaced, forget_document};
use held::{apply_held, apply_hold_state};

use crate::document::change::outline;
use crate::document::collect::slots_of_change;
use crate::document::slot::ContentHash;
use crate::exchange::message::EndReason;
use crate::exchange::server::entry::{LogEntry, Origin};
use crate::exchange::server::index::{CodeState, Index, Reading, RefusalState, Restored, key, pieces};
use crate::exchange::server::row;
use crate::ids::{DocumentId, PersonId, first_16};
use crate::kv::{KvError, Overlay};
use crate::roster::{Device, DeviceState, Grant};

/// Writes into the index what an entry means. `seq` is the entry's place in the log.
///
/// # Errors
/// [`KvError::Damaged`] also where a stored change does not decode: the log itself is damaged then.
pub fn apply(sheet: &mut Overlay<'_>, seq: u64, entry: &LogEntry) -> Result<(), KvError> {
    match entry {
        LogEntry::Organisation(organisation) => put(sheet, key::organisation(), organisation),
        LogEntry::Calendar(calendar) => put_pieces(sheet, &key::calendar(), calendar),
        LogEntry::School(school) => put(sheet, key::school(&school.id.0), school),
        LogEntry::Person(person) => put(sheet, key::person(&person.id.0), person),
        LogEntry::Student(student) => put(sheet, key::student(&student.id.0), student),
        LogEntry::Guardian(guardian) => {
            put(sheet, key::guardian(&guardian.id.0), guardian);
            if guardian.restricted {
                crate::projection::family::close(sheet, guardian.id)?;
            }
        }
        LogEntry::Grant(grant) => apply_grant(sheet, grant),
        LogEntry::Day(day) => put(sheet, key::day(), day),
        LogEntry::Code { hash, person, expires } => {
            put(sheet, key::code(hash), &CodeState { person: *person, expires: *expires, used: false });
        }
        LogEntry::Device { device, code } => {
            put(sheet, key::device(&device.id.0), device);
            if let Some(state) = Index(sheet).code(code)? {
                put(sheet, key::code(code), &CodeState { used: true, ..state });
            }
        }
        LogEntry::DeviceState { device, state } => {
            match state {
                DeviceState::Active => sheet.delete(key::banned(&device.0)),
                DeviceState::Revoked | DeviceState::Lost => put(sheet, key::banned(&device.0), state),
                DeviceState::Unconfirmed => {}
            }
            if let Some(known) = Index(sheet).device(*device)? {
                let changed = crate::roster::Device { state: *state, ..known };
                put(sheet, key::device(&device.0), &changed);
            }
        }
        LogEntry::Founded { name, step } => apply_founded(sheet, seq, name, *step)?,
        LogEntry::Changed { document, change, origin } => {
            count_again(sheet, origin)?;
            let state = Index(sheet).document(*document)?.ok_or(KvError::Damaged("document"))?;
            let outline = outline(change).map_err(|_| KvError::Damaged("change"))?;
            let containers = containers_in(*document, state.name.kind, state.steps);
            let slots = slots_of_change(&containers, change).map_err(|_| KvError::Damaged("change"))?;
            let mut step = 0;
            for dep in &outline.deps {
                let known = match state.head(dep) {
                    Some(head) => Some(head.step),
                    None => Index(sheet).change(*document, dep)?.map(|dep| dep.step),
                };
                step = step.max(known.unwrap_or_default());
            }
            let (change, contents) = (&outline, &Contents::new());
            let meaning = Meaning { change, step, slots: &slots, contents };
            apply_changed(sheet, seq, *document, &state, &meaning)?;
        }
        LogEntry::Held { hold, to } => apply_held(sheet, seq, hold, to)?,
        LogEntry::HoldState { hold, state, to } => {
            if let Some(known) = Index(sheet).hold(*hold)? {
                apply_hold_state(sheet, known, state)?;
            }
            to.iter().for_each(|person| mail(sheet, *person, seq));
        }
        LogEntry::Refused { document, device, envelope, code } => {
            let refusal = RefusalState { document: *document, device: *device, code: code.clone() };
            put(sheet, key::refusal(Some(seq)), &refusal);
            let mut quota = Index(sheet).quota(*device)?;
            quota.refused_bytes += envelope.body.len() as u64;
            put(sheet, key::quota(*device), &quota);
        }
        LogEntry::Begin { person, document, roles } => {
            let reading = Reading { begun: seq, roles: roles.clone(), ended: None };
            put(sheet, key::reading(&[&person.0, &document.0]), &reading);
            sheet.put(key::readers(&[&document.0, &person.0]), Vec::new());
            mail(sheet, *person, seq);
        }
        LogEntry::Review { person, document, roles } => {
            if let Some(reading) = Index(sheet).reading(*person, *document)? {
                put(
                    sheet,
                    key::reading(&[&person.0, &document.0]),
                    &Reading { roles: roles.clone(), ..reading },
                );
            }
            mail(sheet, *person, seq);
        }
        LogEntry::End { person, document, why } => end_reading(sheet, seq, *person, *document, *why)?,
        LogEntry::Fact { person, key: name, value } => {
            match value {
                // Only the hash is kept: the value itself stands in the log.
                Some(value) => put(sheet, key::fact(*person, name), &hash_of(value.expose())),
                None => sheet.delete(key::fact(*person, name)),
            }
            mail(sheet, *person, seq);
        }
        LogEntry::Restored { log, lives, by } => {
            lives.iter().for_each(|life| put(sheet, key::life(&life.log.0), life));
            let restored = Restored { log: *log, by: *by, seq, waiting: true, resent: 0, recovered: 0 };
            put(sheet, key::restored(), &restored);
        }
        LogEntry::Confirmed { .. } => {
            count_restored(sheet, |restored| restored.waiting = false)?;
            for device in Index(sheet).unconfirmed()? {
                put(sheet, key::device(&device.id.0), &Device { state: DeviceState::Active, ..device });
            }
        }
        LogEntry::Certified { device } => put(sheet, key::device(&device.id.0), device),
        LogEntry::Replaced { document, incarnation, without } => {
            apply_replaced(sheet, seq, *document, *incarnation, without)?;
        }
        LogEntry::Gone { document } => {
            sheet.put(key::gone(&document.0), Vec::new());
            for (person, _) in Index(sheet).readers(*document)? {
                end_reading(sheet, seq, person, *document, EndReason::NotYours)?;
            }
            forget_document(sheet, *document)?;
        }
        LogEntry::Imported { row, said } => put_pieces(sheet, &key::roster(&row.0), said),
        LogEntry::Family(entry) => crate::projection::family::apply(sheet, seq, entry)?,
        LogEntry::Policy { version, .. } => put(sheet, key::policy(), version),
        LogEntry::Delivered { .. } | LogEntry::Audit { .. } => {}
        LogEntry::Horizon { at } => put(sheet, key::horizon(), at),
    }
    Ok(())
}

/// Returns the hash by which the index remembers a fact's value.
pub fn hash_of(bytes: &[u8]) -> ContentHash {
    use sha2::Digest;
    ContentHash(first_16(&sha2::Sha256::digest(bytes)))
}

fn put<T: Serialize>(sheet: &mut Overlay<'_>, key: Vec<u8>, value: &T) {
    sheet.put(key, row::encode(value));
}

fn put_pieces<T: Serialize>(sheet: &mut Overlay<'_>, prefix: &[u8], value: &T) {
    pieces(prefix, value).into_iter().for_each(|(key, piece)| sheet.put(key, piece));
}

fn mail(sheet: &mut Overlay<'_>, person: PersonId, seq: u64) {
    sheet.put(key::mail(person, Some(seq)), Vec::new());
}

fn end_reading(
    sheet: &mut Overlay<'_>,
    seq: u64,
    person: PersonId,
    document: DocumentId,
    why: EndReason,
) -> Result<(), KvError> {
    if let Some(reading) = Index(sheet).reading(person, document)? {
        let ended = Reading { ended: Some((seq, why)), roles: Default::default(), ..reading };
        put(sheet, key::reading(&[&person.0, &document.0]), &ended);
    }
    sheet.delete(key::readers(&[&document.0, &person.0]));
    mail(sheet, person, seq);
    Ok(())
}

/// Counts what stands again after a restore.
fn count_again(sheet: &mut Overlay<'_>, origin: &Origin) -> Result<(), KvError> {
    match origin {
        Origin::Again { .. } => count_restored(sheet, |restored| restored.resent += 1),
        Origin::Verbatim { .. } | Origin::Issued { .. } | Origin::Renewed => Ok(()),
    }
}

fn count_restored(sheet: &mut Overlay<'_>, change: impl FnOnce(&mut Restored)) -> Result<(), KvError> {
    if let Some(mut restored) = Index(sheet).restored()? {
        change(&mut restored);
        put(sheet, key::restored(), &restored);
    }
    Ok(())
}

fn apply_grant(sheet: &mut Overlay<'_>, grant: &Grant) {
    put(sheet, key::grant(&grant.id.0), grant);
    sheet.put(key::team(&[&grant.student.0, &grant.person.0, &grant.id.0]), Vec::new());
    sheet.put(key::places(&[&grant.person.0, &grant.student.0, &grant.id.0]), Vec::new());
    let after = grant.to.and_then(|last| last.checked_add(1.day()).ok());
    for day in [Some(grant.from), after].into_iter().flatten() {
        sheet.put(key::due(&[day.to_string().as_bytes(), &grant.id.0]), Vec::new());
    }
}
