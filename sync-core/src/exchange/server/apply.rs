//! From an entry of the log to the writes of the index: the one function that both the writer and a rebuild use.

use std::collections::BTreeMap;

use jiff::ToSpan;
use serde::Serialize;

use crate::document::change::{ActorTip, Outline, outline};
use crate::document::collect::slots_of_change;
use crate::document::container::Containers;
use crate::document::founding::founding;
use crate::document::name::{DocumentKind, DocumentName};
use crate::document::schema::{self, RecordKind};
use crate::document::slot::{ContentHash, Slot, SlotKey};
use crate::exchange::message::{EndReason, HoldReason, HoldState};
use crate::exchange::server::entry::{Hold, LogEntry, Origin, Standing};
use crate::exchange::server::index::changes::add_place;
use crate::exchange::server::index::{
    ActorState, ChangeState, CodeState, DocumentState, Head, Index, Reading, RefusalState, Restored, key,
    pieces,
};
use crate::exchange::server::look_up::look_up;
use crate::exchange::server::row;
use crate::gate::policy::{self, Known};
use crate::ids::{DocumentId, PersonId, first_16};
use crate::kv::{KvError, Overlay};
use crate::roster::{Device, DeviceState, Grant};

/// Returns where the founded maps of a document with so many steps are.
pub fn containers(name: &DocumentName, steps: u32) -> Containers {
    containers_in(name.id(), name.kind, steps)
}

/// Returns the same where the document's id is at hand, which a name has to be hashed for.
pub(crate) fn containers_in(document: DocumentId, kind: DocumentKind, steps: u32) -> Containers {
    let all = schema::steps(kind);
    let steps = (steps as usize).min(all.len());
    Containers::of(document, &all[..steps])
}

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

/// Forgets what a document says and how it came about; its readers and holds stay.
fn forget_document(sheet: &mut Overlay<'_>, document: DocumentId) -> Result<(), KvError> {
    for table in [key::TABLE_CHANGE, key::TABLE_ACTOR, key::TABLE_SLOT, key::TABLE_CHANGES] {
        let prefix = key::of(table, &[&document.0]);
        for (rest, _) in Index(sheet).scan(prefix.clone())? {
            sheet.delete([prefix.as_slice(), &rest].concat());
        }
    }
    Ok(())
}

/// The document is as it was founded, in another life; the entries that follow say anew what it says.
fn apply_replaced(
    sheet: &mut Overlay<'_>,
    seq: u64,
    document: DocumentId,
    incarnation: u32,
    without: &[(SlotKey, ContentHash)],
) -> Result<(), KvError> {
    put(sheet, key::incarnation(&document.0), &incarnation);
    for (slot, content) in without {
        sheet.put(key::taken_out(document, slot, content), Vec::new());
    }
    let Some(state) = Index(sheet).document(document)? else { return Ok(()) };
    forget_document(sheet, document)?;
    sheet.delete(key::document(&document.0));
    for step in 1..=state.steps {
        apply_founded(sheet, seq, &state.name, step)?;
    }
    if let Some(state) = Index(sheet).document(document)? {
        // Whoever follows the document is told here that it is another one now.
        let row = add_place(sheet, document, state.row, seq)?;
        put(sheet, key::document(&document.0), &DocumentState { renewed: seq, row, ..state });
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

fn apply_founded(sheet: &mut Overlay<'_>, seq: u64, name: &DocumentName, step: u32) -> Result<(), KvError> {
    let id = name.id();
    let chain = founding(id, schema::steps(name.kind));
    let made =
        (step as usize).checked_sub(1).and_then(|at| chain.get(at)).ok_or(KvError::Damaged("founding"))?;
    let known = Index(sheet).document(id)?;
    let mut heads = known.as_ref().map(|state| state.heads.clone()).unwrap_or_default();
    // A schema step depends on the founding chain alone: it stands beside what was written since.
    let before = step.checked_sub(2).and_then(|at| chain.get(at as usize)).map(|before| before.hash);
    heads.retain(|head| Some(head.hash) != before);
    heads.push(Head { hash: made.hash, max_op: made.max_op, step });
    heads.sort();
    let state = DocumentState {
        name: name.clone(),
        steps: step,
        incarnation: Index(sheet).incarnation(id)?,
        heads,
        max_op: known.as_ref().map_or(0, |state| state.max_op).max(made.max_op),
        last: seq,
        changes: known.as_ref().map_or(0, |state| state.changes),
        renewed: known.as_ref().map_or(0, |state| state.renewed),
        row: known.map_or(0, |state| state.row),
    };
    put(sheet, key::document(&id.0), &state);
    sheet.put(key::documents(&[&name.subject.0, &id.0]), Vec::new());
    put(sheet, key::change(id, &made.hash), &ChangeState { max_op: made.max_op, step, seq });
    let founder = crate::document::container::founder(id);
    put(sheet, key::actor(id, &founder), &ActorState { seq: u64::from(step), hash: made.hash });
    Ok(())
}

/// What slots say, by their keys; each key stands once among them.
pub(crate) type Contents = BTreeMap<SlotKey, ContentHash>;

/// Returns what slots say.
pub(crate) fn contents_of(slots: &[Slot]) -> Contents {
    slots.iter().map(|slot| (slot.key, slot.content_hash())).collect()
}

/// A change, and all that the index keeps of it.
pub(crate) struct Meaning<'a> {
    pub(crate) change: &'a Outline,
    /// The highest founding step among it and its ancestors.
    pub(crate) step: u32,
    pub(crate) slots: &'a [Slot],
    /// What the slots say, where it is known already.
    pub(crate) contents: &'a Contents,
}

/// Writes into the index what a change means.
pub(crate) fn apply_changed(
    sheet: &mut Overlay<'_>,
    seq: u64,
    id: DocumentId,
    state: &DocumentState,
    meaning: &Meaning<'_>,
) -> Result<(), KvError> {
    let Meaning { change, step, slots, contents } = *meaning;
    let mut heads: Vec<Head> =
        state.heads.iter().filter(|head| !change.deps.contains(&head.hash)).copied().collect();
    heads.push(Head { hash: change.hash, max_op: change.max_op, step });
    heads.sort();
    let next = DocumentState {
        heads,
        max_op: state.max_op.max(change.max_op),
        last: seq,
        changes: state.changes + 1,
        row: add_place(sheet, id, state.row, seq)?,
        ..state.clone()
    };
    put(sheet, key::document(&id.0), &next);
    put(sheet, key::change(id, &change.hash), &ChangeState { max_op: change.max_op, step, seq });
    put(sheet, key::actor(id, &change.actor), &ActorState { seq: change.seq, hash: change.hash });
    for slot in slots.iter().filter(|slot| slot.container != RecordKind::Issued.container()) {
        // A goal may come in the very change that assigns it, before or behind the assignment.
        let beside = |key: &SlotKey| {
            slots.iter().find(|slot| slot.key == *key).and_then(|slot| policy::known_of(slot, &|_| None))
        };
        let find = |key: &SlotKey| match beside(key) {
            Some(known) => Ok(Some(known)),
            None => known_standing(&Index(sheet), id, key),
        };
        let known = look_up(find, |find| policy::known_of(slot, find))?;
        let standing = Standing {
            seq,
            hash: contents.get(&slot.key).copied().unwrap_or_else(|| slot.content_hash()),
            container: slot.container.clone(),
            discipline: known.as_ref().and_then(|known| known.discipline.clone()),
            edits: known.and_then(|known| known.edits),
        };
        put(sheet, key::slot(id, &slot.key), &standing);
    }
    Ok(())
}

/// Returns what the index knows of a record that stands.
pub(crate) fn known_standing(
    index: &Index<'_>,
    document: DocumentId,
    key: &SlotKey,
) -> Result<Option<Known>, KvError> {
    let Some(standing) = index.slot(document, key)? else { return Ok(None) };
    let kind = RecordKind::of_container(&standing.container);
    Ok(kind.map(|kind| Known {
        kind,
        owner: key.member,
        discipline: standing.discipline,
        edits: standing.edits,
    }))
}

fn apply_held(sheet: &mut Overlay<'_>, seq: u64, hold: &Hold, to: &[PersonId]) -> Result<(), KvError> {
    let document = hold.document();
    let known = Index(sheet).hold(hold.id)?;
    put_pieces(sheet, &key::hold(&hold.id.0), &Hold { seq, ..hold.clone() });
    sheet.put(key::authored(&[&hold.author.0, &hold.id.0]), Vec::new());
    for slot in &hold.slots {
        sheet.put(key::held(document, &slot.key, Some(hold.id)), Vec::new());
    }
    if hold.state == HoldState::Waiting {
        sheet.put(key::waiting(&[&document.0, &hold.id.0]), Vec::new());
        for base in hold.slots.iter().flat_map(policy::builds_on) {
            sheet.put(key::on_top(document, &base, Some(hold.id)), Vec::new());
        }
        if hold.reason == HoldReason::Recovered {
            count_restored(sheet, |restored| restored.recovered += 1)?;
        }
        // A hold that is judged again, and goes on waiting for another reason, counts once.
        if known.is_none_or(|known| known.state != HoldState::Waiting) {
            count_waiting(sheet, hold, |waiting| waiting.saturating_add(1))?;
        }
    }
    to.iter().for_each(|person| mail(sheet, *person, seq));
    Ok(())
}

/// Counts a hold against its device: what was recovered apart, for whoever brings that did not make it.
fn count_waiting(
    sheet: &mut Overlay<'_>,
    hold: &Hold,
    count: impl FnOnce(u64) -> u64,
) -> Result<(), KvError> {
    let mut quota = Index(sheet).quota(hold.device)?;
    let of = if hold.reason == HoldReason::Recovered { &mut quota.recovered } else { &mut quota.waiting };
    *of = count(*of);
    put(sheet, key::quota(hold.device), &quota);
    Ok(())
}

fn apply_hold_state(sheet: &mut Overlay<'_>, hold: Hold, state: &HoldState) -> Result<(), KvError> {
    let document = hold.document();
    if hold.receipt.is_some() && matches!(state, HoldState::Admitted { .. }) {
        count_restored(sheet, |restored| restored.resent += 1)?;
    }
    if hold.state == HoldState::Waiting && *state != HoldState::Waiting {
        sheet.delete(key::waiting(&[&document.0, &hold.id.0]));
        for base in hold.slots.iter().flat_map(policy::builds_on) {
            sheet.delete(key::on_top(document, &base, Some(hold.id)));
        }
        count_waiting(sheet, &hold, |waiting| waiting.saturating_sub(1))?;
    }
    put_pieces(sheet, &key::hold(&hold.id.0), &Hold { state: state.clone(), ..hold });
    Ok(())
}

impl From<ActorState> for ActorTip {
    fn from(state: ActorState) -> Self {
        Self { seq: state.seq, hash: state.hash }
    }
}
