//! What people do on their tablets: sessions, goals, edits, voids, taps; allowed and forbidden, right and wrong.

use std::collections::{BTreeMap, BTreeSet};

use sync_core::document::name::{DocumentKind, DocumentName};
use sync_core::document::schema::RecordKind;
use sync_core::document::slot::{ACT, AT, Fields, OFFSET, Slot, SlotKey, Value};
use sync_core::exchange::codec;
use sync_core::ids::{ActId, DocumentId, PersonId};
use sync_core::time::Moment;

use super::people::{self, STUDENTS};
use super::tablet::Tablet;
use crate::model::register::values;
use crate::model::rights::{Deed, Kind, Place};
use crate::model::{Act, Edit, Said};
use sync_core::random::Random;

/// An act as it is made: what the tablet keeps, and what the model is told.
#[derive(Debug, Clone)]
pub struct Draft {
    /// The document.
    pub name: DocumentName,
    /// What it makes.
    pub slots: Vec<Slot>,
    /// What the model remembers.
    pub act: Act,
}

/// Returns a slot as the model sees it.
pub fn said(slot: &Slot) -> Said {
    let told = |name: &str| ![ACT, AT, OFFSET].contains(&name);
    let content: BTreeMap<&String, &Value> = slot.fields.iter().filter(|(name, _)| told(name)).collect();
    Said { container: slot.container.clone(), key: slot.key.to_string(), content: codec::to_bytes(&content) }
}

/// Returns the words that stand in every text of a document, and nowhere else.
pub fn canary(document: DocumentId) -> String {
    format!("canary {document}")
}

/// Returns a map of these.
pub fn fields<const N: usize>(pairs: [(&str, Value); N]) -> Fields {
    pairs.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// Puts an act together as it is made: slot by slot.
pub struct Maker<'a> {
    random: &'a mut Random,
    author: PersonId,
    device: sync_core::ids::DeviceId,
    name: DocumentName,
    act: ActId,
    at: Moment,
    slots: Vec<Slot>,
}

impl<'a> Maker<'a> {
    /// Begins an act.
    pub fn begin(random: &'a mut Random, tablet: &Tablet, name: DocumentName, now: Moment) -> Self {
        let act = ActId(random.id());
        let at = now.plus_ms(tablet.clock_ms);
        Self { random, author: tablet.person, device: tablet.device, name, act, at, slots: Vec::new() }
    }

    /// Adds a record of these values, and returns its key.
    pub fn record(&mut self, kind: RecordKind, mut values: Fields) -> SlotKey {
        let record = ulid::Ulid::from_bytes(self.random.id());
        values.insert(ACT.into(), self.act.to_string().into());
        values.insert(AT.into(), self.at.0.into());
        values.insert(OFFSET.into(), 0.into());
        let key = SlotKey::new(self.author, record);
        self.slots.push(Slot { container: kind.container().into(), key, fields: values });
        key
    }

    /// Ends the act.
    pub fn draft(self, deed: Deed) -> Draft {
        let document = self.name.id();
        let act = Act {
            id: self.act,
            author: self.author,
            device: self.device,
            document,
            deed,
            claims: None,
            bad: false,
            slots: self.slots.iter().map(said).collect(),
            bases: Vec::new(),
            edit: None,
            discipline: None,
            kept: true,
        };
        Draft { name: self.name, slots: self.slots, act }
    }
}

/// Returns the word and the place of a member of staff.
pub fn role_of(person: PersonId) -> (&'static str, Place) {
    let words = [
        ("slp", Place::Slp),
        ("ot", Place::Ot),
        ("cm", Place::CaseManager),
        ("psy", Place::Psychologist),
        ("set", Place::Teacher),
        ("para", Place::Para),
        ("asst", Place::Assistant),
    ];
    words.into_iter().find(|(word, _)| people::person(word) == person).unwrap_or(("slp", Place::Slp))
}

/// Returns the values of a session.
pub fn session(role: &str, minutes: i64, note: String) -> Fields {
    let segment = fields([
        ("mode", "push-in".into()),
        ("place", "general-class".into()),
        ("start", 1_760_000_000_000.into()),
        ("minutes", minutes.into()),
    ]);
    fields([
        ("role", role.into()),
        ("segments", fields([("1", segment.into())]).into()),
        ("note", note.into()),
        ("state", "complete".into()),
    ])
}

/// Returns the values of an observation in a session.
pub fn observation(role: &str, session: Option<&SlotKey>, goal: &str, correct: i64, note: String) -> Fields {
    let mut made = fields([
        ("role", role.into()),
        ("goal", goal.into()),
        ("kind", "percent".into()),
        ("observer", "primary".into()),
        ("start", 1_760_000_000_000.into()),
        ("value", fields([("correct", correct.into()), ("of", 5.into())]).into()),
        ("note", note.into()),
    ]);
    made.extend(session.map(|session| ("session".to_owned(), session.to_string().into())));
    made
}

/// Returns the values of a goal.
pub fn goal(discipline: &str, target: i64, statement: String) -> Fields {
    fields([
        ("discipline", discipline.into()),
        ("kind", "percent".into()),
        ("direction", "increase".into()),
        ("statement", statement.into()),
        ("target", target.into()),
    ])
}

/// Returns the values of an edit.
pub fn edit(
    target: &str,
    field: &str,
    value: Value,
    replaces: &BTreeSet<String>,
    reason: Option<String>,
) -> Fields {
    let replaces: Fields = replaces.iter().map(|id| (id.clone(), true.into())).collect();
    let mut made = fields([
        ("target", target.into()),
        ("field", field.into()),
        ("value", value),
        ("replaces", replaces.into()),
    ]);
    made.extend(reason.map(|reason| ("reason".to_owned(), reason.into())));
    made
}

/// Returns what a slot says, if it is an edit.
pub fn edit_of(slot: &Slot) -> Option<Edit> {
    if slot.container != RecordKind::Edit.container() {
        return None;
    }
    Some(Edit {
        target: slot.leaf("target")?.as_text()?.to_owned(),
        field: slot.leaf("field")?.as_text()?.to_owned(),
        value: codec::to_bytes(slot.leaf("value")?).iter().map(|byte| format!("{byte:02x}")).collect(),
        replaces: slot.leaf("replaces")?.as_map()?.keys().cloned().collect(),
    })
}

/// Returns the ids of the values of a field that a tablet shows.
pub fn shown_values(slots: &[Slot], target: &str, field: &str) -> BTreeSet<String> {
    let edits = slots.iter().filter_map(|slot| Some((slot.key.to_string(), edit_of(slot)?)));
    let edits = edits.filter(|(_, edit)| edit.target == target && edit.field == field).collect();
    values(target, &edits).into_keys().collect()
}

const DISCIPLINES: [&str; 3] = ["slp", "ot", "set"];

/// Lets the person of a tablet do something; none where there is nothing to do it to.
pub fn deed(random: &mut Random, tablet: &Tablet, now: Moment) -> Option<Draft> {
    let (role, place) = role_of(tablet.person);
    let student = *random.pick(&STUDENTS)?;
    let restricted = matches!(place, Place::Para | Place::Assistant);
    let log = if restricted {
        people::document(DocumentKind::Own, student, Some(tablet.person))
    } else {
        people::document(DocumentKind::Log, student, None)
    };
    let plan = people::document(DocumentKind::Plan, student, None);
    let tally = people::document(DocumentKind::Tally, student, None);
    // Somebody who never had a document cannot write in it: there is no button.
    let has = |name: &DocumentName| {
        let id = name.id();
        tablet.store().copy(id).ok().flatten().is_some()
    };
    let choice = random.below(100);
    let name = match choice {
        0..40 => log,
        40..75 => plan,
        75..85 => tally,
        _ => {
            let copies = tablet.store().copies().ok()?;
            random.pick(&copies)?.name.clone()
        }
    };
    if !has(&name) {
        return None;
    }
    let note = canary(name.id());
    let slots = tablet.shown(name.subject, name.id());
    let of = |container: &'static str| -> Vec<&Slot> {
        slots.iter().filter(|slot| slot.container == container).collect()
    };
    let goals = of("goals");
    let mut draft = match choice {
        0..25 => {
            let bad = random.chance(8);
            let minutes = if bad { 100_000 } else { 10 + random.below(40) as i64 };
            let correct = random.below(5) as i64;
            let mut make = Maker::begin(random, tablet, name, now);
            let key = make.record(RecordKind::Session, session(role, minutes, note.clone()));
            let goal = SlotKey::new(tablet.person, ulid::Ulid::from(7_u128)).to_string();
            make.record(RecordKind::Observation, observation(role, Some(&key), &goal, correct, note));
            let mut draft = make.draft(Deed::Log);
            draft.act.bad = bad;
            draft
        }
        25..40 => {
            let sessions = of("sessions");
            let on = random.pick(&sessions)?.key;
            let correct = if random.chance(10) { 9 } else { 3 };
            let mut make = Maker::begin(random, tablet, name, now);
            let goal = SlotKey::new(tablet.person, ulid::Ulid::from(7_u128)).to_string();
            make.record(RecordKind::Observation, observation(role, Some(&on), &goal, correct, note));
            let mut draft = make.draft(Deed::Log);
            draft.act.bad = correct == 9;
            draft.act.bases = vec![on.to_string()];
            draft
        }
        40..46 => {
            let discipline = DISCIPLINES[random.below(3)];
            let target = 1_000 * (50 + random.below(50) as i64);
            let mut make = Maker::begin(random, tablet, name, now);
            make.record(RecordKind::Goal, goal(discipline, target, note));
            let mut draft = make.draft(Deed::Goal(discipline));
            draft.act.discipline = Some(discipline);
            draft
        }
        46..66 => {
            let target = random.pick(&goals)?.key.to_string();
            let bad = random.chance(6);
            let value = if bad { -5 } else { 1_000 * (50 + random.below(10) as i64) };
            let replaces = shown_values(&slots, &target, "target");
            let mut make = Maker::begin(random, tablet, name, now);
            make.record(RecordKind::Edit, edit(&target, "target", value.into(), &replaces, Some(note)));
            let mut draft = make.draft(Deed::Edit { target });
            draft.act.bad = bad;
            draft
        }
        66..70 => {
            let goal = random.pick(&goals)?.key.to_string();
            let person = people::person("para").to_string();
            let mut make = Maker::begin(random, tablet, name, now);
            let named = fields([("goal", goal.as_str().into()), ("person", person.into())]);
            make.record(RecordKind::Assignment, named);
            let mut draft = make.draft(Deed::Assign { goal: goal.clone() });
            draft.act.bases = vec![goal];
            draft
        }
        70..75 => {
            let mut make = Maker::begin(random, tablet, name, now);
            let service = fields([
                ("discipline", "slp".into()),
                ("mode", "push-in".into()),
                ("sessions", 2.into()),
                ("period", "week".into()),
                ("minutes", 30.into()),
                ("from", "2026-08-20".into()),
            ]);
            make.record(RecordKind::Service, service);
            make.draft(Deed::Plan)
        }
        75..85 => {
            let tallies = of("tallies");
            let on = random.pick(&tallies).filter(|_| !tallies.is_empty()).map(|slot| slot.key);
            let taps = 1 + random.below(5) as i64;
            let mut make = Maker::begin(random, tablet, name, now);
            let mut bases = Vec::new();
            let opened = on.is_none();
            let on = on.unwrap_or_else(|| {
                let goal = SlotKey::new(tablet.person, ulid::Ulid::from(7_u128)).to_string();
                let tally = fields([
                    ("role", role.into()),
                    ("goal", goal.into()),
                    ("start", 1_760_000_000_000.into()),
                ]);
                make.record(RecordKind::Tally, tally)
            });
            make.record(RecordKind::Tap, fields([("tally", on.to_string().into()), ("n", taps.into())]));
            if !opened {
                bases.push(on.to_string());
            }
            let mut draft = make.draft(Deed::Tap);
            draft.act.bases = bases;
            // Taps themselves say no role; only opening does.
            draft.act.claims = opened.then_some(place);
            return Some(draft);
        }
        _ => return statement(random, tablet, name, now, &slots),
    };
    if matches!(draft.act.deed, Deed::Log) {
        draft.act.claims = Some(place);
    }
    if let Some(edit) = draft.slots.first().and_then(edit_of) {
        draft.act.bases = edit.replaces.iter().cloned().chain([edit.target.clone()]).collect();
        draft.act.edit = Some(edit);
    }
    Some(draft)
}

/// Says something about a record that is there: an edit of a session's note, a void, a certification.
fn statement(
    random: &mut Random,
    tablet: &Tablet,
    name: DocumentName,
    now: Moment,
    slots: &[Slot],
) -> Option<Draft> {
    let note = canary(name.id());
    let records: Vec<&Slot> = slots
        .iter()
        .filter(|slot| RecordKind::of_container(&slot.container).is_some_and(RecordKind::can_be_edited))
        .collect();
    let record = random.pick(&records)?;
    let target = record.key.to_string();
    let mut draft = match random.below(4) {
        0 if record.container == "sessions" => {
            let mut make = Maker::begin(random, tablet, name, now);
            let signature = fields([
                ("target", target.as_str().into()),
                ("kind", "certify".into()),
                ("covers", "0".repeat(32).into()),
            ]);
            make.record(RecordKind::Signature, signature);
            let mut draft = make.draft(Deed::Certify { target: target.clone() });
            draft.act.bases = vec![target];
            return Some(draft);
        }
        0 | 1 if matches!(record.container.as_str(), "sessions" | "observations") => {
            let replaces = shown_values(slots, &target, "note");
            let mut make = Maker::begin(random, tablet, name, now);
            make.record(RecordKind::Edit, edit(&target, "note", note.as_str().into(), &replaces, None));
            make.draft(Deed::Edit { target })
        }
        _ => {
            let (reasoned, out) = (random.chance(50), random.chance(75));
            let replaces = shown_values(slots, &target, "void");
            let reason = reasoned.then_some(note);
            let mut make = Maker::begin(random, tablet, name, now);
            make.record(RecordKind::Edit, edit(&target, "void", out.into(), &replaces, reason));
            make.draft(if out {
                Deed::Void { target, reasoned }
            } else {
                Deed::Reinstate { target, reasoned }
            })
        }
    };
    if let Some(edit) = draft.slots.first().and_then(edit_of) {
        draft.act.bases = edit.replaces.iter().cloned().chain([edit.target.clone()]).collect();
        draft.act.edit = Some(edit);
    }
    Some(draft)
}

/// Returns the kind of a document in the model's words.
pub fn kind_of(kind: DocumentKind) -> Kind {
    match kind {
        DocumentKind::Plan => Kind::Plan,
        DocumentKind::Log => Kind::Log,
        DocumentKind::Own => Kind::Own,
        DocumentKind::Tally => Kind::Tally,
    }
}
