//! Who is in the demo district, and the CSV files that say so.
//!
//! Every name is made of a given name and a thing, so that nobody takes a child of the demo for a real one.

use std::collections::BTreeMap;

use jiff::ToSpan as _;
use jiff::civil::Date;
use sync_core::roster::role::Role;

use super::Size;
use super::calendar::{SchoolDays, terms};
use super::caseload::{Line, caseload};
use super::story;

/// Somebody who works in the district.
#[derive(Debug, Clone, Copy)]
pub(super) struct Member {
    pub(super) id: &'static str,
    pub(super) name: &'static str,
    pub(super) school: &'static str,
    pub(super) role: Role,
}

const fn member(id: &'static str, name: &'static str, school: &'static str, role: Role) -> Member {
    Member { id, name, school, role }
}

/// The staff.
pub(super) const STAFF: [Member; 15] = [
    member("slp-1", "Ada Demo-Lantern", "oak", Role::Slp),
    member("slp-2", "Bo Demo-Teapot", "elm", Role::Slp),
    member("ot-1", "Cleo Demo-Button", "", Role::Ot),
    member("pt-1", "Dale Demo-Kite", "", Role::Pt),
    member("psy-1", "Edie Demo-Compass", "", Role::Psy),
    member("set-1", "Finn Demo-Ladder", "oak", Role::Set),
    member("set-2", "Gail Demo-Basket", "oak", Role::Set),
    member("set-3", "Hugo Demo-Pencil", "elm", Role::Set),
    member("cm-1", "Iris Demo-Window", "oak", Role::Cm),
    member("para-1", "Jules Demo-Mitten", "oak", Role::Para),
    member("para-2", "Kit Demo-Drum", "elm", Role::Para),
    member("para-3", "Lou Demo-Saddle", "oak", Role::Para),
    member("asst-1", "Max Demo-Thimble", "oak", Role::Asst),
    member("coord-1", "Nia Demo-Harbor", "", Role::Coord),
    member("admin-1", "Oz Demo-Key", "", Role::Admin),
];

/// How long goals still have, in weeks.
const GOAL_WEEKS_AHEAD: i64 = 8;

const GIVEN: [&str; 20] = [
    "Alix", "Bea", "Cy", "Dot", "Ed", "Fay", "Gus", "Hal", "Ida", "Jo", "Kai", "Lia", "Moe", "Ned", "Ora",
    "Pip", "Quin", "Roz", "Sol", "Tess",
];
const THINGS: [&str; 2] = ["Sample-Finch", "Sample-Otter"];
const GRADES: [&str; 6] = ["1", "2", "3", "4", "5", "6"];
const LANGUAGES: [&str; 4] = ["en", "es", "en", "ar"];

/// A student, counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Pupil(pub(super) usize);

impl Pupil {
    /// Returns all students of a district of this size.
    pub(super) fn all(size: Size) -> impl Iterator<Item = Self> {
        (1..=size.students.max(5)).map(Self)
    }

    /// Returns the first student of the second school.
    pub(super) fn first_of_elm(size: Size) -> Self {
        Self(size.students.max(5) * 3 / 5 + 1)
    }

    /// Returns the school: three in five go to the first.
    pub(super) fn school(self, size: Size) -> &'static str {
        if self < Self::first_of_elm(size) { "oak" } else { "elm" }
    }

    /// Returns what the roster calls the student.
    pub(super) fn id(self) -> String {
        format!("s{:02}", self.0)
    }

    fn name(self) -> String {
        let pick = |from: &[&'static str], at: usize| from.get(at % from.len()).copied().unwrap_or_default();
        format!("{} {}", pick(&GIVEN, self.0 - 1), pick(&THINGS, (self.0 - 1) / GIVEN.len()))
    }
}

/// Returns the files of the import.
pub(super) fn files(size: Size, days: &SchoolDays, today: Date) -> BTreeMap<String, Vec<u8>> {
    let lines = caseload(size);
    let files = [
        ("schools.csv", "external_id,name\noak,Oakdemo Elementary\nelm,Elmdemo Middle\n".to_owned()),
        ("terms.csv", terms(days.first(), today)),
        ("people.csv", people()),
        ("students.csv", students(size)),
        ("team.csv", team(size, days, &lines)),
        ("services.csv", services(days, &lines)),
        ("goals.csv", goals(days, &lines)),
        ("guardians.csv", guardians(size)),
    ];
    files.map(|(name, text)| (name.to_owned(), text.into_bytes())).into()
}

/// Adds a line to a file.
macro_rules! row {
    ($csv:expr, $($arguments:tt)*) => {{
        $csv.push_str(&format!($($arguments)*));
        $csv.push('\n');
    }};
}

fn people() -> String {
    let mut csv = String::from("external_id,name,email,school,role\n");
    for Member { id, name, school, role } in STAFF {
        row!(csv, "{id},{name},{id}@demo.example,{school},{role}");
    }
    csv
}

fn students(size: Size) -> String {
    let mut csv = String::from("external_id,display_name,grade,school,home_language\n");
    for pupil in Pupil::all(size) {
        let grade = GRADES.get(pupil.0 % GRADES.len()).copied().unwrap_or_default();
        let language = LANGUAGES.get(pupil.0 % LANGUAGES.len()).copied().unwrap_or_default();
        row!(csv, "{},{},{grade},{},{language}", pupil.id(), pupil.name(), pupil.school(size));
    }
    csv
}

fn team(size: Size, days: &SchoolDays, lines: &[Line]) -> String {
    let from = days.first();
    let mut csv = String::from("student,person,role,from,to,supervisor,reason\n");
    for line in lines {
        let to = story::last_day_of(line, days).map(|day| day.to_string()).unwrap_or_default();
        let supervisor = line.supervisor.unwrap_or_default();
        row!(csv, "{},{},{},{from},{to},{supervisor},caseload", line.pupil.id(), line.who, line.role);
    }
    for pupil in Pupil::all(size) {
        let manager = if pupil.school(size) == "oak" { "cm-1" } else { "set-3" };
        row!(csv, "{},{manager},cm,{from},,,case manager", pupil.id());
        if pupil.0 % 5 == 0 {
            row!(csv, "{},psy-1,psy,{from},,,evaluation", pupil.id());
        }
    }
    csv
}

fn services(days: &SchoolDays, lines: &[Line]) -> String {
    let mut csv = String::from("external_id,student,discipline,mode,place,sessions,period,minutes,from,to\n");
    for line in lines {
        if let (Some(service), Some(discipline)) = (line.service(), line.role.discipline()) {
            let (mode, place) = (line.mode(), line.place());
            row!(
                csv,
                "{service},{},{discipline},{mode},{place},{},week,{},{},",
                line.pupil.id(),
                line.weekly,
                line.minutes,
                days.first()
            );
        }
    }
    csv
}

fn goals(days: &SchoolDays, lines: &[Line]) -> String {
    let mut csv = String::from(
        "external_id,student,discipline,statement,plain_statement,kind,direction,target,baseline,baseline_date,target_date,assigned\n",
    );
    for line in lines.iter().filter(|line| line.supervisor.is_none()) {
        let Some(discipline) = line.role.discipline() else { continue };
        let (goal, aim) = (line.goal(), line.aim());
        let assigned: Vec<&str> =
            lines.iter().filter(|other| other.goal() == goal).map(|other| other.who).collect();
        row!(
            csv,
            "{goal},{},{discipline},{},{},{},increase,{},{},{},{},{}",
            line.pupil.id(),
            aim.statement,
            aim.plain,
            aim.measure,
            aim.target,
            aim.baseline,
            days.first(),
            reached_by(days),
            assigned.join(";")
        );
    }
    csv
}

/// Returns the day by which goals are to be reached: some weeks from now.
fn reached_by(days: &SchoolDays) -> Date {
    let last = days.before_last(0);
    last.checked_add(GOAL_WEEKS_AHEAD.weeks()).unwrap_or(last)
}

fn guardians(size: Size) -> String {
    let mut csv = String::from("external_id,student,name,language,restricted\n");
    for pupil in Pupil::all(size) {
        let language = LANGUAGES.get(pupil.0 % LANGUAGES.len()).copied().unwrap_or_default();
        row!(csv, "u{:02},{},Guardian of {},{language},", pupil.0, pupil.id(), pupil.name());
    }
    csv
}
