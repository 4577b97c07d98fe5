//! Puts the record together, step by step, from documents whose slots stand once each.

use std::collections::{BTreeMap, BTreeSet};

use super::entry::{Entry, RecordRef};
use super::flag::Flag;
use super::gather::Document;
use super::signature::{SignatureKind, SignatureView, covers};
use super::statement::{Edit, Signature, registers};
use super::{
    AssignmentView, Conflict, GoalView, MissedView, NewerRecord, ObservationView, PlanVersionView, Record,
    ServiceView, SessionView, TallyView, odd,
};
use crate::document::schema::{Fault, RecordKind, check_record};
use crate::document::slot::{ContentHash, Slot, SlotKey, Value};
use crate::ids::{DocumentId, PersonId, StudentId};
use crate::time::{Moment, Zone};

/// Returns the record that stands in the documents.
pub(super) fn assemble<'a>(student: StudentId, zone: &Zone, documents: Vec<Document<'a>>) -> Record<'a> {
    let mut assembly = Assembly::default();
    let has_plan = documents.iter().any(|document| document.kind_of(RecordKind::Goal.container()).is_some());
    for document in documents {
        assembly.enter(document);
    }
    assembly.link_observations();
    assembly.sign();
    assembly.mark_touched();
    let mut record = assembly.view(student, zone);
    odd::flag(&mut record, has_plan);
    record
}

#[derive(Default)]
struct Assembly<'a> {
    entries: BTreeMap<RecordRef, Entry<'a>>,
    signed: BTreeMap<RecordRef, Vec<Signed>>,
    /// Edits without a reason, to be flagged where they changed what was signed.
    unreasoned: Vec<(RecordRef, SlotKey, Option<Moment>)>,
    newer: Vec<NewerRecord>,
    /// What slots of a newer version name.
    touched: BTreeSet<SlotKey>,
    flags: BTreeSet<Flag>,
}

/// A signature before it is known whether it holds.
struct Signed {
    id: SlotKey,
    kind: SignatureKind,
    covers: ContentHash,
    at: Option<Moment>,
}

impl<'a> Assembly<'a> {
    /// Enters one document: its records, and what is said of them there.
    fn enter(&mut self, document: Document<'a>) {
        let mut records = Vec::new();
        let mut edits: BTreeMap<SlotKey, Vec<Edit<'_>>> = BTreeMap::new();
        let mut signatures: BTreeMap<SlotKey, Vec<Signature<'_>>> = BTreeMap::new();
        let mut late: BTreeSet<SlotKey> = BTreeSet::new();
        for ((container, key), slot) in &document.slots {
            let unreadable = Flag::Unreadable { document: document.id, statement: *key };
            match document.kind_of(container) {
                None => self.keep_newer(document.id, slot),
                Some(RecordKind::Issued) => {
                    if slot.leaf("late") == Some(&Value::Flag(true)) {
                        late.insert(*key);
                    }
                }
                Some(RecordKind::Edit) => match Edit::read(slot) {
                    Some(edit) => {
                        // What else it says may limit what it means.
                        if let Err(Fault::UnknownField(_)) = check_record(RecordKind::Edit, slot) {
                            self.touched.insert(edit.target);
                        }
                        edits.entry(edit.target).or_default().push(edit);
                    }
                    None => drop(self.flags.insert(unreadable)),
                },
                Some(RecordKind::Signature) => match Signature::read(slot) {
                    Some(signature) => signatures.entry(signature.target).or_default().push(signature),
                    None => drop(self.flags.insert(unreadable)),
                },
                Some(kind) => records.push((RecordRef { kind, key: *key, document: document.id }, slot)),
            }
        }
        let known: BTreeSet<SlotKey> = records.iter().map(|(id, _)| id.key).collect();
        let of_edits = edits.values().flatten().map(|edit| (edit.slot.key, edit.target));
        let of_signatures = signatures.values().flatten().map(|one| (one.slot.key, one.target));
        for (statement, target) in of_edits.chain(of_signatures).filter(|(_, target)| !known.contains(target))
        {
            self.flags.insert(Flag::TargetMissing { document: document.id, statement, target });
        }
        for (id, slot) in records {
            let edits = edits.get(&id.key).map(Vec::as_slice).unwrap_or_default();
            let registers = registers(slot, id, edits, |key| late.contains(key), &mut self.flags);
            let mut entry = Entry::new(document.name, id, slot.clone(), registers);
            entry.late = late.contains(&id.key);
            self.entries.insert(id, entry);
            let bare = edits.iter().filter(|edit| !edit.has_reason);
            self.unreasoned.extend(bare.map(|edit| (id, edit.slot.key, edit.slot.corrected_at())));
            for one in signatures.get(&id.key).into_iter().flatten() {
                if one.kind.is_for(one.slot.key.member, id.key.member) {
                    let at = one.slot.corrected_at();
                    let signed = Signed { id: one.slot.key, kind: one.kind, covers: one.covers, at };
                    self.signed.entry(id).or_default().push(signed);
                } else {
                    let statement = one.slot.key;
                    self.flags.insert(Flag::Unreadable { document: document.id, statement });
                }
            }
        }
    }

    fn keep_newer(&mut self, document: DocumentId, slot: &Slot) {
        self.newer.push(NewerRecord { document, container: slot.container.clone(), key: slot.key });
        let named =
            slot.fields.values().filter_map(Value::as_text).filter_map(|text| text.parse::<SlotKey>().ok());
        self.touched.extend(named);
    }

    fn link_observations(&mut self) {
        let of_session = |entry: &Entry<'a>| {
            let id = entry.id();
            let session = RecordRef { kind: RecordKind::Session, key: entry.key("session")?, ..id };
            Some((session, id))
        };
        let links: Vec<_> = self.of_kind(RecordKind::Observation).filter_map(of_session).collect();
        for (session, observation) in links {
            if let Some(session) = self.entries.get_mut(&session) {
                session.observations.push(observation);
            }
        }
    }

    /// Finds out which signatures hold, and what was changed without a reason after one.
    fn sign(&mut self) {
        let mut first_signed = BTreeMap::new();
        for (id, signed) in std::mem::take(&mut self.signed) {
            let Some(entry) = self.entries.get(&id) else { continue };
            let now = covers(entry, entry.observations.iter().filter_map(|id| self.entries.get(id)));
            let view = |Signed { id, kind, covers, at }| SignatureView {
                id,
                kind,
                covers,
                fresh: covers == now,
                at,
            };
            let views: Vec<SignatureView> = signed.into_iter().map(view).collect();
            first_signed.insert(id, views.iter().filter_map(|signature| signature.at).min());
            if let Some(entry) = self.entries.get_mut(&id) {
                entry.signatures = views;
            }
        }
        // A signature does not say which edits it saw, so their times must do; it is a hint for people and no more.
        for (record, edit, at) in std::mem::take(&mut self.unreasoned) {
            if first_signed.get(&record).is_some_and(|signed| *signed < at) {
                self.flags.insert(Flag::NoReason { record, edit });
            }
        }
    }

    fn mark_touched(&mut self) {
        if !self.touched.is_empty() {
            for entry in self.entries.values_mut() {
                entry.newer |= self.touched.contains(&entry.id.key);
            }
        }
    }

    fn of_kind(&self, kind: RecordKind) -> impl Iterator<Item = &Entry<'a>> {
        // Entries are sorted by kind first, so this is one stretch of them; there are few kinds to pass over.
        let lowest = SlotKey::new(PersonId([0; 16]), ulid::Ulid::nil());
        let from = RecordRef { kind, key: lowest, document: DocumentId([0; 16]) };
        self.entries.range(from..).map(|(_, entry)| entry).take_while(move |entry| entry.id.kind == kind)
    }

    fn view(self, student: StudentId, zone: &Zone) -> Record<'a> {
        let assignments: Vec<_> = self.of_kind(RecordKind::Assignment).map(AssignmentView::of).collect();
        let mut sessions: Vec<_> = self.of_kind(RecordKind::Session).map(SessionView::of).collect();
        sessions.sort_by_key(|session| (session.start(), session.head.id));
        let mut missed: Vec<_> = self.of_kind(RecordKind::Missed).map(MissedView::of).collect();
        missed.sort_by_key(|missed| (missed.date, missed.head.id));
        let observation = |entry: &Entry<'a>| {
            let session = entry.key("session");
            let named = session.map(|key| RecordRef { kind: RecordKind::Session, key, ..entry.id });
            ObservationView::of(entry, named.and_then(|session| self.entries.get(&session)))
        };
        let mut observations: Vec<_> = self.of_kind(RecordKind::Observation).map(observation).collect();
        observations.sort_by_key(|observation| (observation.start, observation.head.id));
        let conflicts = self.entries.values().flat_map(|entry| {
            entry.conflicts().map(|(field, register)| Conflict::new(entry, field, register))
        });
        Record {
            student,
            zone: zone.clone(),
            plan_versions: self.of_kind(RecordKind::PlanVersion).map(PlanVersionView::of).collect(),
            services: self.of_kind(RecordKind::Service).map(ServiceView::of).collect(),
            goals: self.goals(&assignments),
            assignments,
            sessions,
            missed,
            observations,
            tallies: self.tallies(),
            conflicts: conflicts.collect(),
            flags: self.flags,
            newer: self.newer,
            entries: self.entries,
        }
    }

    fn goals(&self, assignments: &[AssignmentView]) -> Vec<GoalView> {
        let mut assigned: BTreeMap<SlotKey, BTreeSet<PersonId>> = BTreeMap::new();
        for assignment in assignments.iter().filter(|assignment| !assignment.head.void) {
            if let (Some(goal), Some(person)) = (assignment.goal, assignment.person) {
                assigned.entry(goal).or_default().insert(person);
            }
        }
        let goal =
            |entry: &Entry<'a>| GoalView::of(entry, assigned.get(&entry.id.key).cloned().unwrap_or_default());
        self.of_kind(RecordKind::Goal).map(goal).collect()
    }

    fn tallies(&self) -> Vec<TallyView> {
        let mut taps: BTreeMap<RecordRef, Vec<&Entry<'a>>> = BTreeMap::new();
        for tap in self.of_kind(RecordKind::Tap) {
            if let Some(key) = tap.key("tally") {
                taps.entry(RecordRef { kind: RecordKind::Tally, key, ..tap.id }).or_default().push(tap);
            }
        }
        let tally =
            |entry: &Entry<'a>| TallyView::of(entry, taps.get(&entry.id).into_iter().flatten().copied());
        let mut tallies: Vec<TallyView> = self.of_kind(RecordKind::Tally).map(tally).collect();
        tallies.sort_by_key(|tally| (tally.start, tally.head.id));
        tallies
    }
}
