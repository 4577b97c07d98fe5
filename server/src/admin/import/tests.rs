//! Imports of a small district: what they make, what they leave alone, and what they refuse.

use std::collections::BTreeMap;

use jiff::civil::{Date, date};
use sync_core::document::collect::slots_of_change;
use sync_core::document::name::{DocumentKind, DocumentName};
use sync_core::document::schema::{RecordKind, check_record};
use sync_core::document::slot::{Fields, Slot, SlotKey, Value};
use sync_core::exchange::server::apply::{apply as apply_entry, containers};
use sync_core::exchange::server::desk::{Conditions, Desk, Secret, ServerRun};
use sync_core::exchange::server::entry::{LogEntry, Organisation};
use sync_core::exchange::server::index::Index;
use sync_core::ids::{GuardianId, LogId, OrgId, PersonId, StudentId};
use sync_core::kv::{Memory, Overlay};
use sync_core::record::{GoalView, Record, Source, fold};
use sync_core::roster::role::Role;
use sync_core::roster::{Grant, GrantState};
use sync_core::time::Zone;

use super::{ApplyError, IMPORT_BYTES_MAX, KnownHere, Report, apply, apply_within};
use crate::import::{Code, read};

const ORG: OrgId = OrgId([1; 16]);
const MONDAY: Date = date(2026, 10, 5);

const SCHOOLS: &str = "external_id,name\noak,Oak Elementary\n";
const TERMS: &str = "external_id,school,name,first_day,last_day\n\
    fall,,Fall,2026-08-24,2026-12-18\nspring,,Spring,2027-01-04,2027-05-28\n";
const PEOPLE: &str = "external_id,name,email,school,role\n\
    p1,Ana Sample,ana@oak.example,oak,slp\np2,Ben Sample,,oak,para\np3,Cai Sample,,oak,ot\n";
const STUDENTS: &str =
    "external_id,display_name,grade,school,home_language\ns1,Maya Sample,3,oak,es\ns2,Leo Sample,,,\n";
const TEAM: &str = "student,person,role,from,to,supervisor,reason\n\
    s1,p1,slp,2026-08-24,,,caseload\ns1,p1,cm,2026-08-24,,,caseload\ns1,p2,para,2026-08-24,2027-05-28,p1,\n";
const SERVICES: &str = "external_id,student,discipline,mode,place,sessions,period,minutes,from,to\n\
    v1,s1,slp,push-in,general-class,2,week,30,2026-08-24,2027-05-28\n";
const GOALS: &str = "external_id,student,discipline,statement,plain_statement,kind,direction,target,baseline,assigned\n\
    g1,s1,slp,Says /r/ in sentences,Says the r sound,percent,increase,80,42.5,p1;p2\n";
const GUARDIANS: &str = "external_id,student,name,language,restricted\nu1,s1,Luz Sample,es,\n";

type Files = BTreeMap<String, Vec<u8>>;

fn district() -> Files {
    [
        ("schools.csv", SCHOOLS),
        ("terms.csv", TERMS),
        ("people.csv", PEOPLE),
        ("students.csv", STUDENTS),
        ("team.csv", TEAM),
        ("services.csv", SERVICES),
        ("goals.csv", GOALS),
        ("guardians.csv", GUARDIANS),
    ]
    .map(|(name, text)| (name.to_owned(), text.as_bytes().to_vec()))
    .into()
}

/// The district with `from` replaced by `to` in one file.
fn district_but(file: &str, from: &str, to: &str) -> Files {
    let mut files = district();
    let text = String::from_utf8(files.remove(file).unwrap()).unwrap();
    assert!(text.contains(from), "{file} has no {from}");
    files.insert(file.to_owned(), text.replace(from, to).into_bytes());
    files
}

/// An organisation without a disk: its index, and its log.
struct Office {
    index: Memory,
    log: Vec<LogEntry>,
    today: Date,
}

fn zone() -> Zone {
    Zone::named("America/Chicago").unwrap()
}

fn conditions(today: Date) -> Conditions {
    Conditions {
        now: zone().start_of(today).plus_ms(8 * 3_600_000),
        log: LogId([3; 16]),
        secret: Secret([4; 32]),
        run: ServerRun([5; 16]),
        verbatim: true,
    }
}

impl Office {
    fn new() -> Self {
        let mut office = Self { index: Memory::default(), log: Vec::new(), today: MONDAY };
        let organisation = Organisation { id: ORG, name: "Lakeview".into(), zone: zone() };
        let decided = Desk::found(&Memory::default(), organisation, conditions(MONDAY)).unwrap().decide();
        office.index.apply(decided.writes);
        office.log.extend(decided.entries);
        office
    }

    fn with_district() -> Self {
        let mut office = Self::new();
        office.import(&district()).unwrap();
        office
    }

    fn on_desk<R>(&mut self, work: impl FnOnce(&mut Desk<'_>) -> R) -> R {
        let mut desk = Desk::new(&self.index, self.log.len() as u64 + 1, conditions(self.today)).unwrap();
        desk.advance().unwrap();
        let result = work(&mut desk);
        let decided = desk.decide();
        self.index.apply(decided.writes);
        self.log.extend(decided.entries);
        result
    }

    fn import(&mut self, files: &Files) -> Result<Report, ApplyError> {
        self.import_within(files, IMPORT_BYTES_MAX)
    }

    fn import_within(&mut self, files: &Files, bytes_max: usize) -> Result<Report, ApplyError> {
        let roster = read(files, &KnownHere::new(ORG, Index(&self.index))).unwrap();
        let mut desk = Desk::new(&self.index, self.log.len() as u64 + 1, conditions(self.today)).unwrap();
        desk.advance().unwrap();
        let report = apply_within(&mut desk, &roster, bytes_max)?;
        let decided = desk.decide();
        self.index.apply(decided.writes);
        self.log.extend(decided.entries);
        Ok(report)
    }

    /// Imports what must be refused, and returns the codes.
    fn refused(&mut self, files: &Files) -> Vec<Code> {
        match self.import(files) {
            Err(ApplyError::Rows(errors)) => errors.iter().map(|error| error.code).collect(),
            other => panic!("not refused: {other:?}"),
        }
    }

    fn index(&self) -> Index<'_> {
        Index(&self.index)
    }

    fn plan(&self) -> DocumentName {
        let period = self.index().calendar().unwrap().year_of(self.today);
        DocumentName { org: ORG, kind: DocumentKind::Plan, subject: student(), period, member: None }
    }

    fn slots(&self, name: &DocumentName) -> Vec<Slot> {
        let state = self.index().document(name.id()).unwrap().unwrap();
        let places = containers(name, state.steps);
        let changes = self.log.iter().filter_map(|entry| {
            let LogEntry::Changed { document, change, .. } = entry else { return None };
            (*document == name.id()).then_some(change)
        });
        changes.flat_map(|change| slots_of_change(&places, change).unwrap()).collect()
    }

    fn with_record<R>(&self, look: impl FnOnce(&Record<'_>) -> R) -> R {
        let plan = self.plan();
        let slots = self.slots(&plan);
        look(&fold(student(), &zone(), [Source { name: &plan, slots: &slots }]))
    }

    fn goal(&self) -> GoalView {
        self.with_record(|record| record.goals[0].clone())
    }

    /// Somebody edits the goal, seeing the district's first value.
    fn edit_goal(&mut self, field: &str, value: impl Into<Value>) -> SlotKey {
        let key = SlotKey::new(person("p1"), ulid::Ulid::from(self.log.len() as u128 + 1));
        let replaces = Fields::from([(goal().to_string(), true.into())]);
        let fields = Fields::from([
            ("act".into(), key.record.to_string().into()),
            ("at".into(), conditions(self.today).now.0.into()),
            ("offset".into(), 0.into()),
            ("target".into(), goal().to_string().into()),
            ("field".into(), field.into()),
            ("value".into(), value.into()),
            ("replaces".into(), replaces.into()),
        ]);
        let slot = Slot { container: "edits".into(), key, fields };
        let plan = self.plan();
        // However it came in: what counts here is that it stands and is hers.
        self.on_desk(|desk| desk.issue_as_organisation(&plan, &[slot])).unwrap();
        key
    }
}

fn student() -> StudentId {
    StudentId::imported(ORG, "s1")
}

fn person(external_id: &str) -> PersonId {
    PersonId::imported(ORG, external_id)
}

fn goal() -> SlotKey {
    SlotKey::imported(ORG, RecordKind::Goal.container(), "g1")
}

fn para_grant(office: &Office) -> Grant {
    let id = Grant::id_of(ORG, student(), person("p2"), Role::Para, date(2026, 8, 24));
    office.index().grant(id).unwrap().unwrap()
}

#[test]
fn a_district_is_imported_whole() {
    let mut office = Office::new();
    let report = office.import(&district()).unwrap();
    assert_eq!((report.created, report.changed, report.unchanged), (14, 0, 0));
    assert_eq!(office.index().people().unwrap().len(), 3);
    assert_eq!(office.index().team(student()).unwrap().len(), 3);
    assert_eq!(office.index().calendar().unwrap().terms().len(), 2);
    let guardian = office.index().guardian(GuardianId::imported(ORG, "u1")).unwrap().unwrap();
    assert!(!guardian.restricted && guardian.student == student());
    let view = office.goal();
    assert_eq!((view.target, view.baseline, view.kind), (Some(80_000), Some(42_500), Some("percent")));
    assert_eq!(view.assigned, [person("p1"), person("p2")].into());
    assert_eq!(view.head.author, PersonId::organisation(ORG));
    assert_eq!(office.with_record(|record| record.services[0].minutes), Some(30));
    assert!(office.index().reading(person("p1"), office.plan().id()).unwrap().is_some(), "the team reads it");
}

#[test]
fn importing_again_changes_nothing() {
    let mut office = Office::with_district();
    let before = office.log.len();
    let report = office.import(&district()).unwrap();
    assert_eq!((report.created, report.changed, report.unchanged), (0, 0, 14));
    assert_eq!((office.log.len(), report.rows.len()), (before, 0));
    office.today = date(2026, 10, 9);
    assert_eq!(office.import(&district()).unwrap().unchanged, 14, "on another day neither");
}

#[test]
fn an_index_built_again_remembers_the_same() {
    let mut office = Office::with_district();
    office.import(&district_but("goals.csv", ",80,", ",90,")).unwrap();
    let mut again = Memory::default();
    for (seq, entry) in (1..).zip(&office.log) {
        let mut sheet = Overlay::new(&again);
        apply_entry(&mut sheet, seq, entry).unwrap();
        let writes = sheet.into_writes();
        again.apply(writes);
    }
    assert!(again.iter().eq(office.index.iter()));
}

#[test]
fn what_is_thrown_away_leaves_nothing() {
    let office = Office::new();
    let roster = read(&district(), &KnownHere::new(ORG, office.index())).unwrap();
    let mut desk = Desk::new(&office.index, office.log.len() as u64 + 1, conditions(MONDAY)).unwrap();
    assert_eq!(apply(&mut desk, &roster).unwrap().created, 14, "a dry run says what would be");
    drop(desk);
    assert!(office.index().people().unwrap().is_empty());
}

#[test]
fn a_new_value_replaces_the_districts_own() {
    let mut office = Office::with_district();
    for (target, outcome) in [(",90,", 1), (",85,", 1), (",90,", 1), (",90,", 0)] {
        let report = office.import(&district_but("goals.csv", ",80,", target)).unwrap();
        assert_eq!(report.changed, outcome, "{target}");
    }
    let view = office.goal();
    assert_eq!(view.target, Some(90_000));
    assert!(office.with_record(|record| record.conflicts.is_empty()));
}

#[test]
fn a_report_names_columns_and_never_values() {
    let mut office = Office::with_district();
    let files = district_but("students.csv", "Maya Sample,3", "Mia Sample,4");
    let report = office.import(&files).unwrap();
    let row = &report.rows[0];
    assert_eq!((row.file, row.line, row.fields.join(",")), ("students.csv", 2, "display_name,grade".into()));
    assert!(!serde_json::to_string(&report).unwrap().contains("Mia"));
}

#[test]
fn a_persons_value_stands_beside_the_districts_new_one() {
    let mut office = Office::with_district();
    office.edit_goal("target", 70_000);
    office.import(&district_but("goals.csv", ",80,", ",90,")).unwrap();
    let conflicts = office.with_record(|record| record.conflicts.clone());
    assert_eq!(conflicts.len(), 1);
    let mut values: Vec<_> = conflicts[0].values.iter().map(|value| value.said[0].value.clone()).collect();
    values.sort();
    assert_eq!(values, [Some(Value::Int(70_000)), Some(Value::Int(90_000))]);
    office.import(&district_but("goals.csv", ",80,", ",95,")).unwrap();
    let conflicts = office.with_record(|record| record.conflicts.clone());
    assert_eq!(conflicts[0].values.len(), 2, "the district replaces its own value only");
}

#[test]
fn what_people_changed_since_is_left_alone() {
    let mut office = Office::with_district();
    office.edit_goal("target", 70_000);
    let ended = Grant { to: Some(date(2026, 10, 2)), ..para_grant(&office) };
    let guardian = office.index().guardian(GuardianId::imported(ORG, "u1")).unwrap().unwrap();
    office.on_desk(|desk| {
        desk.set_grant(ended).unwrap();
        let restricted = sync_core::roster::Guardian { restricted: true, ..guardian };
        desk.emit(LogEntry::Guardian(restricted)).unwrap();
    });
    // The row says something new of itself, but not of what was decided by hand.
    let mut files = district_but("team.csv", "p1,\n", "p1,aide\n");
    files.extend([("guardians.csv".to_owned(), GUARDIANS.replace(",es,", ",en,").into_bytes())]);
    assert_eq!(office.import(&files).unwrap().changed, 2);
    assert_eq!(para_grant(&office).state(MONDAY), GrantState::Ended);
    assert!(office.index().guardian(GuardianId::imported(ORG, "u1")).unwrap().unwrap().restricted);
    assert_eq!(office.goal().target, Some(70_000));
}

#[test]
fn a_grant_ends_by_its_last_day() {
    let mut office = Office::with_district();
    let reads = |office: &Office| {
        let documents = office.index().documents(student()).unwrap();
        let mut ids = documents.iter().map(|document| document.name.id());
        ids.any(|id| {
            let reading = office.index().reading(person("p2"), id).unwrap();
            reading.is_some_and(|reading| reading.ended.is_none())
        })
    };
    assert!(reads(&office));
    office.import(&district_but("team.csv", "2027-05-28", "2026-10-02")).unwrap();
    assert!(!reads(&office), "in force at once");
    let without_row = TEAM.replace("s1,p2,para,2026-08-24,2027-05-28,p1,\n", "");
    office.import(&[("team.csv".to_owned(), without_row.into_bytes())].into()).unwrap();
    assert_eq!(office.index().team(student()).unwrap().len(), 3, "a missing row changes nothing");
}

#[test]
fn assignments_follow_the_row_that_names_somebody() {
    let mut office = Office::with_district();
    for (assigned, expected) in
        [("p2;p3", vec!["p2", "p3"]), ("", vec!["p2", "p3"]), ("p1;p3", vec!["p1", "p3"]), ("p2", vec!["p2"])]
    {
        office.import(&district_but("goals.csv", "p1;p2", assigned)).unwrap();
        let expected = expected.into_iter().map(person).collect();
        assert_eq!(office.goal().assigned, expected, "{assigned}");
    }
    assert!(office.with_record(|record| record.conflicts.is_empty()));
}

#[test]
fn an_empty_cell_of_a_plan_says_nothing() {
    let mut office = Office::with_district();
    let report = office.import(&district_but("goals.csv", "Says the r sound", "")).unwrap();
    assert_eq!(report.unchanged, 14);
    assert!(office.goal().plain_statement.is_some());
}

#[test]
fn nothing_stands_of_an_import_with_one_bad_row() {
    let mut office = Office::with_district();
    let before = office.log.len();
    for (from, to) in [(",slp,", ",ot,"), (",percent,", ",count,"), ("g1,s1,", "g1,s2,")] {
        let mut files = district_but("goals.csv", from, to);
        files.insert("schools.csv".into(), SCHOOLS.replace("Oak", "Elm").into_bytes());
        assert_eq!(office.refused(&files), [Code::GoalFixed], "{to}");
    }
    assert_eq!(office.refused(&district_but("services.csv", "slp", "ot")), [Code::ServiceFixed]);
    assert_eq!(office.log.len(), before);
}

#[test]
fn an_import_above_the_limit_is_refused_whole() {
    let mut office = Office::new();
    let before = office.log.len();
    match office.import_within(&district(), 2_000) {
        Err(ApplyError::Rows(errors)) => assert_eq!(errors[0].code, Code::ImportTooLarge),
        other => panic!("not refused: {other:?}"),
    }
    assert_eq!(office.log.len(), before);
}

#[test]
fn a_new_school_year_has_its_lines_again() {
    let mut office = Office::with_district();
    office.today = date(2027, 8, 16);
    office.import(&district()).unwrap();
    assert_eq!(office.plan().period, "2027-28");
    let view = office.goal();
    assert_eq!((view.head.key(), view.target), (goal(), Some(80_000)));
    assert_eq!(view.assigned.len(), 2);
    assert_eq!(office.import(&district()).unwrap().unchanged, 14);
}

#[test]
fn the_largest_rows_fit_the_schema() {
    let mut office = Office::new();
    let mut files = district_but("goals.csv", "Says /r/ in sentences", &"é".repeat(2_000));
    files.insert("services.csv".into(), SERVICES.replace(",2,week,30,", ",50,year,480,").into_bytes());
    office.import(&files).unwrap();
    for slot in office.slots(&office.plan()) {
        let kind = RecordKind::of_container(&slot.container).unwrap();
        assert_eq!(check_record(kind, &slot), Ok(()), "{kind:?}");
    }
}

#[test]
fn terms_that_begin_on_one_day_are_one_tile() {
    let mut office = Office::new();
    let terms = "external_id,school,name,first_day,last_day\n\
        fall-oak,oak,Fall,2026-08-24,2026-12-18\nfall-elm,elm,Fall,2026-08-24,2026-12-20\n";
    let files: Files = [("schools.csv", "external_id,name\noak,Oak\nelm,Elm\n"), ("terms.csv", terms)]
        .map(|(name, text)| (name.to_owned(), text.as_bytes().to_vec()))
        .into();
    office.import(&files).unwrap();
    assert_eq!(office.import(&files).unwrap().unchanged, 4);
    assert_eq!(office.index().calendar().unwrap().terms().len(), 1);
}
