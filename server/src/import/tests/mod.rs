//! The import as a whole: what is read, what is refused and where, and what never happens.

mod malformed;
mod never;
mod reading;

use std::collections::BTreeMap;

use sync_core::roster::role::Role;

use super::{Code, ImportError, Known, NothingKnown, Roster, read};

const SCHOOLS: &str = "external_id,name\noak,Oak Elementary\nelm,Elm Middle\n";
const TERMS: &str = "\
external_id,school,name,first_day,last_day
fall,,Fall,2026-08-24,2026-12-18
spring,,Spring,2027-01-04,2027-05-28
";
const PEOPLE: &str = "\
external_id,name,email,school,role
p1,Ana Silva,ana@oak.example,oak,slp
p2,Ben Okafor,,oak,para
p3,Cara Lind,cara@oak.example,,coord
p4,Dov Katz,,elm,set
";
const STUDENTS: &str = "\
external_id,display_name,grade,school,home_language
s1,Maya R.,3,oak,es
s2,Leo T.,,,
";
const TEAM: &str = "\
student,person,role,from,to,supervisor,reason
s1,p1,slp,2026-08-24,,,caseload
s1,p2,para,2026-08-24,2027-05-28,p1,
s2,p4,cm,2026-09-01,2026-09-01,,
";
const SERVICES: &str = "\
external_id,student,discipline,mode,place,sessions,period,minutes,from,to
v1,s1,slp,push-in,general-class,2,week,30,2026-08-24,2027-05-28
v2,s2,set,pull-out,,0,month,480,2026-08-24,
";
const GOALS: &str = "\
external_id,student,discipline,statement,plain_statement,kind,direction,target,baseline,baseline_date,target_date,criterion,assigned
g1,s1,slp,Says /r/ in sentences,Says the r sound,percent,increase,80,42.5,2026-08-20,2027-05-28,4 of 5 sessions,p1;p2
g2,s2,set,Leaves the seat less,,count,decrease,2,,,,,
";
const GUARDIANS: &str = "\
external_id,student,name,language,restricted
u1,s1,Luz Rivera,es,
u2,s1,Joe Rivera,,true
";

/// An import without a fault.
fn district() -> BTreeMap<String, Vec<u8>> {
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
    .into_iter()
    .map(|(name, text)| (name.to_owned(), text.as_bytes().to_vec()))
    .collect()
}

/// The import without a fault, with one file put in another's place or beside the others.
fn district_with(file: &str, bytes: impl Into<Vec<u8>>) -> BTreeMap<String, Vec<u8>> {
    let mut files = district();
    files.insert(file.to_owned(), bytes.into());
    files
}

/// An import of one file alone.
fn alone(file: &str, bytes: impl Into<Vec<u8>>) -> BTreeMap<String, Vec<u8>> {
    BTreeMap::from([(file.to_owned(), bytes.into())])
}

/// What a new organisation makes of an import.
fn read_new(files: &BTreeMap<String, Vec<u8>>) -> Result<Roster, Vec<ImportError>> {
    read(files, &NothingKnown)
}

/// The errors without their messages.
fn places(errors: &[ImportError]) -> Vec<(&str, u64, u64, Code)> {
    errors.iter().map(|error| (error.file.as_str(), error.line, error.column, error.code)).collect()
}

/// An organisation that has one of each: `oak`, `s1`, the clinician `p1` and the paraprofessional `p2`.
struct Has;

impl Known for Has {
    fn has_school(&self, external_id: &str) -> bool {
        external_id == "oak"
    }

    fn has_student(&self, external_id: &str) -> bool {
        external_id == "s1"
    }

    fn person_role(&self, external_id: &str) -> Option<Role> {
        match external_id {
            "p1" => Some(Role::Slp),
            "p2" => Some(Role::Para),
            _ => None,
        }
    }
}
