//! A paired tablet with one student on its caseload, made through the library itself, and the program run on its folder.

use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use client_sdk::chance::{Chance, NoChance};
use client_sdk::deeds::{Desk, LocalPolicy};
use client_sdk::local::Home;
use client_sdk::store::{Store, Writes};
use client_sdk::trouble::Trouble;
use ed25519_dalek::SigningKey;
use jiff::civil::date;
use serde_json::Value as Json;
use sync_core::document::deed::Deed;
use sync_core::document::name::{DocumentKind, DocumentName};
use sync_core::document::schema::RecordKind;
use sync_core::document::slot::SlotKey;
use sync_core::document::word::{Direction, Discipline};
use sync_core::exchange::client::outbox::compose;
use sync_core::exchange::client::reply::take;
use sync_core::exchange::client::state::Profile;
use sync_core::exchange::client::view::paired;
use sync_core::exchange::codec;
use sync_core::exchange::message::{Cursor, Entry, Reply};
use sync_core::ids::{DeviceId, GrantId, LogId, OrgId, PersonId, StudentId, TabletId};
use sync_core::measure::value::Measure;
use sync_core::projection::facts::{
    GRANTS, GrantsFact, ORGANISATION, OrganisationFact, OwnGrant, StudentFact, TeamMember, student_key,
};
use sync_core::roster::calendar::Calendar;
use sync_core::roster::reading::Roles;
use sync_core::roster::role::Role;
use sync_core::roster::version::PolicyVersion;
use sync_core::sealing::{OpeningKey, SealingKey};
use sync_core::service::line::{Mode, Period};
use sync_core::time::{Moment, Zone, moment_from_rfc3339};

pub const ORG: OrgId = OrgId([1; 16]);
pub const ME: PersonId = PersonId([2; 16]);
pub const MANAGER: PersonId = PersonId([3; 16]);
pub const MAYA: StudentId = StudentId([4; 16]);
pub const LEO: StudentId = StudentId([5; 16]);
pub const LOG: LogId = LogId([6; 16]);
/// A Friday.
pub const NOW: &str = "2026-11-20T10:00:00-06:00";

/// Random bytes that are the same in every run.
pub struct Counting(pub u64);

impl Chance for Counting {
    fn fill(&mut self, bytes: &mut [u8]) -> Result<(), NoChance> {
        for byte in bytes {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            *byte = (self.0 >> 56) as u8;
        }
        Ok(())
    }
}

pub fn now() -> Moment {
    moment_from_rfc3339(NOW).unwrap()
}

pub fn key() -> SigningKey {
    SigningKey::from_bytes(&[9; 32])
}

pub fn device() -> DeviceId {
    DeviceId::of_key(key().verifying_key().as_bytes())
}

pub fn name(kind: DocumentKind, student: StudentId) -> DocumentName {
    let member = (kind == DocumentKind::Own).then_some(ME);
    DocumentName { org: ORG, kind, subject: student, period: "2026-27".into(), member }
}

pub struct World {
    pub folder: tempfile::TempDir,
    pub count_goal: SlotKey,
    pub percent_goal: SlotKey,
    pub service: SlotKey,
}

fn fact(key: &str, value: &impl serde::Serialize) -> Entry {
    Entry::Fact { key: key.into(), value: Some(codec::to_bytes(value).into()) }
}

pub fn grants(role: Role) -> Entry {
    let own = |student: StudentId| OwnGrant {
        id: GrantId(student.0),
        student,
        role,
        from: date(2026, 8, 17),
        to: None,
        supervisor: None,
    };
    fact(GRANTS, &GrantsFact { grants: vec![own(MAYA), own(LEO)] })
}

/// What a server says to somebody who begins in this role: facts, and documents that are founded here.
pub fn first_words(role: Role) -> Vec<Entry> {
    let zone = Zone::named("America/Chicago").unwrap();
    let organisation = OrganisationFact { name: "Demo".into(), zone, calendar: Calendar::default() };
    let mut entries = vec![fact(ORGANISATION, &organisation), grants(role)];
    for (student, external_id) in [(MAYA, "maya"), (LEO, "leo")] {
        let member = |person, name: &str, role| TeamMember {
            person,
            external_id: name.to_lowercase(),
            name: name.to_owned().into(),
            roles: Roles::from([role]),
        };
        let fact_of = StudentFact {
            id: student,
            external_id: external_id.into(),
            display_name: "M.".to_owned().into(),
            grade: "03".into(),
            school: None,
            team: vec![member(ME, "Ada", role), member(MANAGER, "Grace", Role::Cm)],
            not_today: Vec::new(),
        };
        entries.push(fact(&student_key(student), &fact_of));
        let kinds: &[DocumentKind] = if role.is_clinician() {
            &[DocumentKind::Plan, DocumentKind::Log, DocumentKind::Tally]
        } else {
            &[DocumentKind::Own, DocumentKind::Tally]
        };
        entries.extend(kinds.iter().map(|kind| Entry::Begin {
            name: name(*kind, student),
            incarnation: 1,
            fetch: None,
            holds: Vec::new(),
        }));
    }
    entries
}

pub fn cursor(seq: u64) -> Cursor {
    Cursor { log: LOG, seq, running: [0; 8], keyed: [0; 16] }
}

pub fn reply(entries: Vec<Entry>, seq: u64) -> Reply {
    Reply {
        fates: Vec::new(),
        entries,
        cursor: Some(cursor(seq)),
        schema: 1,
        policy: PolicyVersion::default().number(),
        backed_up: 0,
        life: None,
        mark: None,
        afresh: false,
        listing_wanted: false,
        more: false,
        clock: now(),
    }
}

/// Pairs a folder without a server.
pub fn pair(store: &Store) {
    let mut writes = Writes::from(paired(&Profile { org: ORG, person: ME, device: device() }));
    writes.set_key(&key().to_bytes(), TabletId([7; 16]));
    writes.set_home(&home(None));
    store.apply(writes).unwrap();
}

fn home(sealing: Option<SealingKey>) -> Home {
    Home {
        server: "http://127.0.0.1:1".into(),
        organisation: "Demo".into(),
        zone: "America/Chicago".into(),
        person_external_id: "ada".into(),
        certificate: Vec::new(),
        sealing,
    }
}

/// Takes a reply as if the server had just said it.
pub fn hear(store: &Store, reply: &Reply) {
    store
        .update(|state| {
            let outgoing = compose(state, &key(), "test", now(), &|_| false).unwrap();
            let (writes, _) = take(state, &outgoing, reply, now()).unwrap();
            Ok::<_, Trouble>((writes.into(), ()))
        })
        .unwrap();
}

impl World {
    /// A therapist with two students.
    pub fn new() -> Self {
        Self::of(Role::Slp)
    }

    pub fn of(role: Role) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        pair(&store);
        hear(&store, &reply(first_words(role), 1));
        let (mut goals, mut service) = (Vec::new(), None);
        if role.is_clinician() {
            for measure in [Measure::Count, Measure::Percent] {
                goals.push(make(&store, MAYA, &a_goal(measure)));
            }
            service = Some(make(&store, MAYA, &a_service()));
        }
        let absent = SlotKey::imported(ORG, RecordKind::Goal.container(), "g1");
        Self {
            folder,
            count_goal: goals.first().copied().unwrap_or(absent),
            percent_goal: goals.get(1).copied().unwrap_or(absent),
            service: service.unwrap_or(absent),
        }
    }

    /// Paired with a server that acts are sealed to.
    pub fn sealing() -> Self {
        let (world, mut writes) = (Self::new(), Writes::new());
        writes.set_home(&home(Some(OpeningKey::of_secret(&[8; 32]).sealing())));
        world.store().apply(writes).unwrap();
        world
    }

    pub fn store(&self) -> Store {
        Store::open(self.folder.path()).unwrap()
    }

    pub fn run(&self, words: &[&str]) -> (u8, Json) {
        run_in(self.folder.path(), NOW, words)
    }

    pub fn run_at(&self, clock: &str, words: &[&str]) -> (u8, Json) {
        run_in(self.folder.path(), clock, words)
    }

    /// Runs what must be done.
    pub fn done(&self, words: &[&str]) -> Json {
        let (exit, json) = self.run(words);
        assert_eq!(exit, 0, "{words:?}: {json}");
        json
    }

    pub fn log(&self) -> String {
        let goal = self.percent_goal.to_string();
        let json = self.done(&[
            "log",
            "--student",
            "maya",
            "--mode",
            "push-in",
            "--place",
            "general-class",
            "--start",
            "2026-11-20T09:00:00-06:00",
            "--minutes",
            "20",
            "--goal",
            &goal,
            "--correct",
            "4",
            "--of",
            "5",
        ]);
        json["session"].as_str().unwrap().to_owned()
    }

    pub fn record(&self) -> Json {
        self.done(&["record", "--student", "maya"])
    }
}

/// Makes a deed that the server's own policy is not asked about.
pub fn make(store: &Store, student: StudentId, deed: &Deed) -> SlotKey {
    let chance = RefCell::new(Counting(u64::from(student.0[0]) + store_size(store)));
    store
        .update(|state| {
            let mut desk = Desk::over(state, now(), LocalPolicy::Skipped)?;
            let keys = desk.make(student, deed, &mut *chance.borrow_mut())?;
            Ok::<_, Trouble>((desk.clear().into(), keys[0]))
        })
        .unwrap()
}

/// A number that differs from deed to deed.
fn store_size(store: &Store) -> u64 {
    store
        .read(|state| Ok::<_, Trouble>(sync_core::exchange::client::state::Tablet(state).next_act()?))
        .unwrap()
        * 7_919
}

pub fn a_goal(measure: Measure) -> Deed {
    Deed::AddGoal {
        discipline: Discipline::Slp,
        measure,
        direction: Direction::Increase,
        statement: "asks for help".to_owned().into(),
        plain_statement: None,
        target_thousandths: 80_000,
        target_date: None,
        baseline_thousandths: None,
        baseline_date: None,
        criterion: None,
    }
}

fn a_service() -> Deed {
    Deed::AddService {
        discipline: Discipline::Slp,
        mode: Mode::PushIn,
        place: None,
        sessions: 2,
        period: Period::Week,
        minutes: 30,
        from: date(2026, 8, 17),
        to: None,
    }
}

pub fn program() -> PathBuf {
    PathBuf::from(env!("CARGO_BIN_EXE_carryover-tablet"))
}

pub fn command(folder: &Path, clock: &str, words: &[&str]) -> Command {
    let mut command = Command::new(program());
    command.arg("--store").arg(folder).args(["--json", "--clock", clock]).args(words);
    command
}

pub fn run_in(folder: &Path, clock: &str, words: &[&str]) -> (u8, Json) {
    read(&command(folder, clock, words).output().unwrap())
}

pub fn read(output: &Output) -> (u8, Json) {
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    let json = serde_json::from_str(&text)
        .unwrap_or_else(|error| panic!("{error}: {text:?} {}", String::from_utf8_lossy(&output.stderr)));
    (output.status.code().and_then(|code| u8::try_from(code).ok()).unwrap(), json)
}
