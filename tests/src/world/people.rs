//! A small school: two students and the people around them.

use ed25519_dalek::SigningKey;
use sync_core::document::name::{DocumentKind, DocumentName};
use sync_core::document::slot::ContentHash;
use sync_core::exchange::server::desk::Desk;
use sync_core::exchange::server::entry::{LogEntry, Organisation};
use sync_core::ids::{DeviceId, GrantId, OrgId, PersonId, StudentId, TabletId, derive};
use sync_core::roster::role::Role;
use sync_core::roster::{Device, DeviceState, Grant, Person, Student};
use sync_core::sensitive::Sensitive;

use super::clock::{date_of, zone};

/// The organisation.
pub const ORG: OrgId = OrgId([1; 16]);
/// The students.
pub const STUDENTS: [StudentId; 2] = [StudentId([21; 16]), StudentId([22; 16])];
/// A student who moves in later.
pub const NEWCOMER: StudentId = StudentId([23; 16]);
/// The school year, which is the term as well: the school has given no terms.
pub const YEAR: &str = "2026-27";

/// Who works here, and as what.
pub const STAFF: [(&str, Role); 8] = [
    ("slp", Role::Slp),
    ("ot", Role::Ot),
    ("cm", Role::Cm),
    ("psy", Role::Psy),
    ("set", Role::Set),
    ("para", Role::Para),
    ("asst", Role::Asst),
    ("coord", Role::Coord),
];

/// Returns the person with a name of [`STAFF`].
pub fn person(name: &str) -> PersonId {
    PersonId::imported(ORG, name)
}

/// Returns the key of a device by its name.
pub fn key_of(name: &str) -> SigningKey {
    let mut seed = [0; 32];
    seed[..16].copy_from_slice(&derive("key", &[name.as_bytes()]));
    SigningKey::from_bytes(&seed)
}

/// Returns the organisation's first entry.
pub fn organisation() -> Organisation {
    Organisation { id: ORG, name: "Lakeview".into(), zone: zone() }
}

/// Returns the name of a student's document of this year.
pub fn document(kind: DocumentKind, subject: StudentId, member: Option<PersonId>) -> DocumentName {
    DocumentName { org: ORG, kind, subject, period: YEAR.into(), member }
}

/// Returns a grant by days; what it is called follows from who, whose, as what and since when.
pub fn grant(person: PersonId, student: StudentId, role: Role, from: i64, to: Option<i64>) -> Grant {
    let parts: [&[u8]; 4] = [&person.0, &student.0, role.code().as_bytes(), &from.to_be_bytes()];
    Grant {
        id: GrantId(derive("grant", &parts)),
        student,
        person,
        role,
        from: date_of(from),
        to: to.map(date_of),
        supervisor: None,
        reason: Sensitive::new("caseload".into()),
    }
}

/// Puts people, students and the devices of these names on a desk. A device is its person's: `slp` and `slp 2` are both the SLP's.
pub fn move_in(desk: &mut Desk<'_>, devices: &[&str]) {
    for (name, role) in STAFF {
        let person = Person {
            id: person(name),
            external_id: name.into(),
            name: Sensitive::new(name.into()),
            email: Sensitive::default(),
            school: None,
            role,
        };
        desk.emit(LogEntry::Person(person)).expect("emitted");
    }
    for student in STUDENTS {
        desk.emit(LogEntry::Student(student_of(student))).expect("emitted");
    }
    devices.iter().for_each(|name| pair(desk, name));
}

/// Returns a student as the roster has her.
pub fn student_of(id: StudentId) -> Student {
    Student {
        id,
        external_id: id.to_string(),
        display_name: Sensitive::new("M. R.".into()),
        grade: "03".into(),
        school: None,
        home_language: "en".into(),
    }
}

/// Returns the device of a name.
pub fn device(name: &str) -> Device {
    let key = key_of(name).verifying_key().to_bytes();
    let whose = name.split(' ').next().unwrap_or(name);
    Device {
        id: DeviceId::of_key(&key),
        key,
        person: person(whose),
        tablet: TabletId(derive("tablet", &[name.as_bytes()])),
        state: DeviceState::Active,
    }
}

/// Pairs the device of a name.
pub fn pair(desk: &mut Desk<'_>, name: &str) {
    let code = ContentHash(derive("code", &[name.as_bytes()]));
    desk.emit(LogEntry::Device { device: device(name), code }).expect("emitted");
}
