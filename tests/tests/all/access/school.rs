//! A small school in which each cell of the matrix can be acted out.

use std::cell::Cell;
use std::collections::BTreeMap;

use ed25519_dalek::SigningKey;
use jiff::civil::{Date, date};
use sync_core::document::name::{DocumentKind, DocumentName};
use sync_core::document::slot::{Fields, Slot, SlotKey, Value};
use sync_core::envelope::{Body, Content, ENVELOPE_VERSION, Envelope, Evidence};
use sync_core::exchange::message::Outcome;
use sync_core::exchange::server::check::check;
use sync_core::exchange::server::desk::{Conditions, Desk, Secret, ServerRun};
use sync_core::exchange::server::entry::{LogEntry, Organisation, Origin};
use sync_core::exchange::server::index::Index;
use sync_core::gate::issue::{Tip, issue};
use sync_core::ids::{DeviceId, GrantId, LogId, OrgId, PersonId, StudentId, TabletId, derive};
use sync_core::key::DeviceKey;
use sync_core::kv::Memory;
use sync_core::roster::role::Role as Place;
use sync_core::roster::{Device, DeviceState, Grant, Student};
use sync_core::sensitive::Sensitive;
use sync_core::time::{Moment, Zone};
use tests::matrix::{Document, Grant as State, Role};

const ORG: OrgId = OrgId([1; 16]);
const STUDENT: StudentId = StudentId([2; 16]);
const THEN: Date = date(2026, 10, 1);
const TODAY: Date = date(2026, 10, 20);

/// The members, by what they are here for.
fn member(name: &str) -> PersonId {
    PersonId::imported(ORG, name)
}

/// An action of the table, taken apart.
pub struct Subject<'a>(Vec<&'a str>);

impl<'a> Subject<'a> {
    pub fn parse(action: &'a str) -> Self {
        Self(action.split('.').collect())
    }

    pub fn words(&self) -> &[&'a str] {
        &self.0
    }

    fn has(&self, word: &str) -> bool {
        self.0.contains(&word)
    }
}

/// The school on the day on which an act arrives.
pub struct School {
    index: Memory,
    next: u64,
    role: Role,
    drawn: Cell<u128>,
    /// Records that stand: by document, kind, and whose or of which discipline they are.
    records: BTreeMap<(Document, String), SlotKey>,
}

fn conditions(day: Date) -> Conditions {
    Conditions {
        now: zone().start_of(day).plus_ms(9 * 3_600_000),
        log: LogId([3; 16]),
        secret: Secret([4; 32]),
        run: ServerRun([5; 16]),
        verbatim: true,
    }
}

fn zone() -> Zone {
    Zone::named("America/Chicago").unwrap()
}

fn place(role: Role) -> Option<Place> {
    Place::ALL.into_iter().find(|place| place.code() == role.to_string())
}

fn key(person: &str) -> SigningKey {
    SigningKey::from_bytes(&{
        let half = derive("key", &[person.as_bytes()]);
        let mut whole = [0; 32];
        whole[..16].copy_from_slice(&half);
        whole
    })
}

fn name(document: Document) -> DocumentName {
    let (kind, period, member) = match document {
        Document::Plan => (DocumentKind::Plan, "2026-27", None),
        Document::Log => (DocumentKind::Log, "2026-27", None),
        Document::Own => (DocumentKind::Own, "2026-27", Some(member("author"))),
        Document::OwnOfAnother => (DocumentKind::Own, "2026-27", Some(member("another para"))),
        Document::Tally => (DocumentKind::Tally, "2026-27", None),
    };
    DocumentName { org: ORG, kind, subject: STUDENT, period: period.into(), member }
}

impl School {
    /// Opens the school with an author of this role whose grant is in this state.
    pub fn with(role: Role, state: State) -> Self {
        let mut school =
            Self { index: Memory::default(), next: 1, role, drawn: Cell::new(0), records: BTreeMap::new() };
        school.found(state);
        for &document in Document::ALL {
            school.fill(document);
        }
        let mut desk = Desk::new(&school.index, school.next, conditions(TODAY)).unwrap();
        desk.advance().unwrap();
        school.settle(desk.decide());
        school
    }

    fn settle(&mut self, decided: sync_core::exchange::server::desk::Decided) {
        self.next += decided.entries.len() as u64;
        self.index.apply(decided.writes);
    }

    fn found(&mut self, state: State) {
        let organisation = Organisation { id: ORG, name: "Lakeview".into(), zone: zone() };
        let empty = Memory::default();
        let mut desk = Desk::found(&empty, organisation, conditions(THEN)).unwrap();
        let student = Student {
            id: STUDENT,
            external_id: "S1".into(),
            display_name: Sensitive::new("M. R.".into()),
            grade: "03".into(),
            school: None,
            home_language: "en".into(),
        };
        desk.emit(LogEntry::Student(student)).unwrap();
        for person in ["author", "colleague", "another para"] {
            let key = key(person).verifying_key().to_bytes();
            let device = Device {
                id: DeviceId::of_key(&key),
                key,
                person: member(person),
                tablet: TabletId([6; 16]),
                state: DeviceState::Active,
            };
            let code = sync_core::document::slot::ContentHash(derive("code", &[person.as_bytes()]));
            desk.emit(LogEntry::Device { device, code }).unwrap();
        }
        let grant = |person: &str, role, from, to| Grant {
            id: GrantId(derive("grant", &[person.as_bytes()])),
            student: STUDENT,
            person: member(person),
            role,
            from,
            to,
            supervisor: None,
            reason: Sensitive::new("caseload".into()),
        };
        desk.set_grant(grant("colleague", Place::Psy, THEN, None)).unwrap();
        desk.set_grant(grant("another para", Place::Para, THEN, None)).unwrap();
        if let Some(role) = place(self.role) {
            let dates = match state {
                State::Current => Some((THEN, None)),
                State::Coming => Some((date(2026, 10, 25), None)),
                State::Ended => Some((THEN, Some(date(2026, 10, 19)))),
                State::None => None,
            };
            if let Some((from, to)) = dates {
                desk.set_grant(grant("author", role, from, to)).unwrap();
            }
        }
        let decided = desk.decide();
        self.settle(decided);
    }

    /// Lets records stand, the author's and others', as if they had been admitted.
    fn fill(&mut self, document: Document) {
        let name = name(document);
        if Index(&self.index).document(name.id()).unwrap().is_none() {
            return;
        }
        let disciplines =
            [("own-discipline", self.own_discipline()), ("other-discipline", self.other_discipline())];
        let mut slots = Vec::new();
        let mut add = |kind: &str, whose: &str, slot: Slot| {
            self.records.insert((document, format!("{kind} {whose}")), slot.key);
            slots.push(slot);
        };
        match document {
            Document::Plan => {
                for (whose, discipline) in disciplines {
                    let goal = record(&self.drawn, "goals", "colleague", goal(discipline));
                    let assigned = Fields::from([
                        ("goal".into(), goal.key.to_string().into()),
                        ("person".into(), member("author").to_string().into()),
                    ]);
                    add("assignment", whose, record(&self.drawn, "assignments", "colleague", assigned));
                    add("goal", whose, goal);
                }
                add("service", "", record(&self.drawn, "services", "colleague", service()));
                add("plan_version", "", record(&self.drawn, "plan_versions", "colleague", plan_version()));
            }
            Document::Log | Document::Own | Document::OwnOfAnother => {
                for (whose, person) in [("own", "author"), ("others", "colleague")] {
                    add("session", whose, record(&self.drawn, "sessions", person, session("slp")));
                    add("missed", whose, record(&self.drawn, "missed", person, missed("slp")));
                    add(
                        "observation",
                        whose,
                        record(&self.drawn, "observations", person, observation("slp", "primary")),
                    );
                }
            }
            Document::Tally => {
                for (whose, person) in [("own", "author"), ("others", "colleague")] {
                    let tally = record(&self.drawn, "tallies", person, tally("slp"));
                    add("tap", whose, record(&self.drawn, "taps", person, tap(&tally.key)));
                    add("tally", whose, tally);
                }
            }
        }
        let mut desk = Desk::new(&self.index, self.next, conditions(THEN)).unwrap();
        let state = desk.index().document(name.id()).unwrap().unwrap();
        let places = sync_core::exchange::server::apply::containers(&name, state.steps);
        let tip = Tip { heads: state.head_hashes(), max_op: state.max_op, actor: None };
        for change in issue(&places, &tip, [9; 16], Moment(0), &slots).unwrap() {
            let origin = Origin::Issued { envelopes: Vec::new(), admitted: Vec::new(), policy: 1 };
            desk.emit(LogEntry::Changed { document: name.id(), change: change.bytes, origin }).unwrap();
        }
        let decided = desk.decide();
        self.settle(decided);
    }

    fn own_discipline(&self) -> &'static str {
        place(self.role).and_then(Place::discipline).unwrap_or("slp")
    }

    fn other_discipline(&self) -> &'static str {
        if self.own_discipline() == "ot" { "slp" } else { "ot" }
    }

    /// Takes one action as the author, and returns its fate. The school stays as it is.
    pub fn act(&self, document: Document, action: &str) -> Outcome {
        let slot = self.slot(document, &Subject::parse(action));
        let key = key("author");
        let body = Body {
            version: ENVELOPE_VERSION,
            org: ORG,
            document: name(document).id(),
            device: DeviceId::of_key(&key.verifying_key().to_bytes()),
            content: Content::Slots(vec![slot]),
            evidence: Evidence { seen: None, app: "matrix".into() },
        };
        let checked = check(&Index(&self.index), &DeviceKey::of, Envelope::sign(&body, &key)).unwrap();
        let mut desk = Desk::new(&self.index, self.next, conditions(TODAY)).unwrap();
        let fates = desk.receive(body.device, checked).unwrap();
        assert_eq!(fates.len(), 1, "{action}");
        fates.into_iter().next().unwrap().outcome
    }

    fn slot(&self, document: Document, action: &Subject<'_>) -> Slot {
        let role = place(self.role).filter(|role| role.is_on_teams()).unwrap_or(Place::Slp).code();
        let words = action.words();
        let whose = words
            .iter()
            .find(|word| word.starts_with("own") || word.starts_with("other"))
            .copied()
            .unwrap_or("");
        let target = |kind: &str| {
            let nowhere = SlotKey::new(member("colleague"), ulid::Ulid::from(77_u128));
            self.records.get(&(document, format!("{kind} {whose}"))).copied().unwrap_or(nowhere)
        };
        let new = |container: &str, fields| record(&self.drawn, container, "author", fields);
        let discipline =
            if whose == "other-discipline" { self.other_discipline() } else { self.own_discipline() };
        match (words[0], words.get(1).copied().unwrap_or("")) {
            ("goal", "create") => new("goals", goal(discipline)),
            ("service", "create") => new("services", service()),
            ("plan_version", "create") => new("plan_versions", plan_version()),
            ("assignment", "create") => {
                let person = member("another para").to_string();
                let goal = target("goal").to_string();
                new(
                    "assignments",
                    Fields::from([("goal".into(), goal.into()), ("person".into(), person.into())]),
                )
            }
            ("session", "create") => new("sessions", session(role)),
            ("missed", "create") => new("missed", missed(role)),
            ("observation", "create") => new(
                "observations",
                observation(role, if action.has("reliability") { "reliability" } else { "primary" }),
            ),
            ("tally", "open") => new("tallies", tally(role)),
            ("tap", "add") => new("taps", tap(&target("tally"))),
            ("certify" | "cosign", _) => {
                let covers = "0".repeat(32);
                new(
                    "signatures",
                    Fields::from([
                        ("target".into(), target("session").to_string().into()),
                        ("kind".into(), words[0].into()),
                        ("covers".into(), covers.into()),
                    ]),
                )
            }
            (kind, verb) => {
                let (field, value): (&str, Value) = match (verb, kind) {
                    ("void", _) => ("void", true.into()),
                    ("reinstate", _) => ("void", false.into()),
                    ("edit", "goal") => ("statement", "asks for help".into()),
                    ("edit", "service") => ("minutes", 20.into()),
                    ("edit", "plan_version") => ("to", "2027-06-01".into()),
                    ("edit", "session" | "missed" | "observation") => ("note", "rephrased".into()),
                    _ => panic!("the school does not know how to {verb} a {kind}"),
                };
                let mut fields = edit(&target(kind), field, value);
                if action.has("with-reason") {
                    fields.insert("reason".into(), "entered twice".into());
                }
                new("edits", fields)
            }
        }
    }
}

fn record(drawn: &Cell<u128>, container: &str, person: &str, mut fields: Fields) -> Slot {
    drawn.set(drawn.get() + 1);
    let record = ulid::Ulid::from(1_000 + drawn.get());
    fields.insert("act".into(), record.to_string().into());
    fields.insert("at".into(), 1_760_000_000_000.into());
    fields.insert("offset".into(), 0.into());
    Slot { container: container.into(), key: SlotKey::new(member(person), record), fields }
}

fn fields<const N: usize>(pairs: [(&str, Value); N]) -> Fields {
    pairs.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

fn goal(discipline: &str) -> Fields {
    fields([
        ("discipline", discipline.into()),
        ("kind", "percent".into()),
        ("direction", "increase".into()),
        ("statement", "answers questions".into()),
        ("target", 80_000.into()),
    ])
}

fn service() -> Fields {
    fields([
        ("discipline", "slp".into()),
        ("mode", "push-in".into()),
        ("sessions", 2.into()),
        ("period", "week".into()),
        ("minutes", 30.into()),
        ("from", "2026-08-20".into()),
    ])
}

fn plan_version() -> Fields {
    fields([("kind", "iep".into()), ("from", "2026-08-20".into())])
}

fn session(role: &str) -> Fields {
    let segment = fields([
        ("mode", "push-in".into()),
        ("place", "general-class".into()),
        ("start", 1_760_000_000_000.into()),
        ("minutes", 30.into()),
    ]);
    fields([
        ("role", role.into()),
        ("segments", fields([("1", segment.into())]).into()),
        ("state", "complete".into()),
    ])
}

fn missed(role: &str) -> Fields {
    fields([
        ("role", role.into()),
        ("service", any_record().into()),
        ("date", "2026-10-12".into()),
        ("reason", "student_absent".into()),
    ])
}

fn observation(role: &str, observer: &str) -> Fields {
    fields([
        ("role", role.into()),
        ("goal", any_record().into()),
        ("kind", "percent".into()),
        ("observer", observer.into()),
        ("start", 1_760_000_000_000.into()),
        ("value", fields([("correct", 4.into()), ("of", 5.into())]).into()),
    ])
}

fn tally(role: &str) -> Fields {
    fields([("role", role.into()), ("goal", any_record().into()), ("start", 1_760_000_000_000.into())])
}

fn tap(tally: &SlotKey) -> Fields {
    fields([("tally", tally.to_string().into()), ("n", 1.into())])
}

fn edit(target: &SlotKey, field: &str, value: Value) -> Fields {
    let replaces = Fields::from([(target.to_string(), true.into())]);
    fields([
        ("target", target.to_string().into()),
        ("field", field.into()),
        ("value", value),
        ("replaces", replaces.into()),
    ])
}

/// A record of another document, which no right depends on.
fn any_record() -> String {
    SlotKey::new(member("colleague"), ulid::Ulid::from(5_u128)).to_string()
}
