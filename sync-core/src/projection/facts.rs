//! The facts that a tablet needs offline and only the server knows: the organisation's terms, a person's own places, and who else is on
//! the team of each student.
//!
//! A fact is a named value for one person. It is said again only when its bytes differ from what was said last, and it is taken back
//! when the place that gave it ends. Facts are projected for people who have a device; a device's pairing says them for the first time.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::exchange::codec;
use crate::exchange::server::apply::hash_of;
use crate::exchange::server::desk::{Desk, DeskError};
use crate::exchange::server::entry::LogEntry;
use crate::exchange::server::index::Index;
use crate::ids::{GrantId, PersonId, StudentId};
use crate::kv::KvError;
use crate::projection::card::CARD;
use crate::roster::calendar::Calendar;
use crate::roster::reading::{Roles, needs_card};
use crate::roster::role::Role;
use crate::roster::{DeviceState, Grant, GrantState, Student};
use crate::sensitive::Sensitive;
use crate::time::Zone;

/// The key of the [`OrganisationFact`].
pub const ORGANISATION: &str = "organisation";
/// The key of the [`GrantsFact`].
pub const GRANTS: &str = "grants";
/// What the keys of all [`StudentFact`]s begin with; the student's id follows.
pub const STUDENT: &str = "student/";

/// Returns the key of a student's fact.
pub fn student_key(student: StudentId) -> String {
    format!("{STUDENT}{student}")
}

/// The organisation, as a tablet needs it to date its work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrganisationFact {
    /// Its name.
    pub name: String,
    /// The zone of its school days.
    pub zone: Zone,
    /// Its terms.
    pub calendar: Calendar,
}

/// One of the reader's own places.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnGrant {
    /// Which grant.
    pub id: GrantId,
    /// On whose team.
    pub student: StudentId,
    /// As what.
    pub role: Role,
    /// The first day, included.
    pub from: Date,
    /// The last day, included; open where none.
    pub to: Option<Date>,
    /// Who signs for the reader's work, if somebody must.
    pub supervisor: Option<PersonId>,
}

/// The reader's places, present and coming; those that are over are left out.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct GrantsFact {
    /// In the order of their students.
    pub grants: Vec<OwnGrant>,
}

/// Somebody on a student's team today.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TeamMember {
    /// Who.
    pub person: PersonId,
    /// What the district's roster calls this person.
    pub external_id: String,
    /// The name that colleagues see.
    pub name: Sensitive<String>,
    /// As what; several places are a union.
    pub roles: Roles,
}

/// Somebody who is not on a student's team today.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Colleague {
    /// Who.
    pub person: PersonId,
    /// The name that colleagues see.
    pub name: Sensitive<String>,
}

/// A student on whose team the reader stands today.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StudentFact {
    /// Who.
    pub id: StudentId,
    /// What the district's roster calls this student.
    pub external_id: String,
    /// The name that the team sees.
    pub display_name: Sensitive<String>,
    /// The grade, as CEDS codes it.
    pub grade: String,
    /// The name of the student's school.
    pub school: Option<String>,
    /// Everybody on the team today, the reader included.
    pub team: Vec<TeamMember>,
    /// Whoever has a place on the team that is over or still to come: what they wrote stands in the record or waits for review, and has
    /// to be seen with their names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub not_today: Vec<Colleague>,
}

/// Returns all facts that a person is to have on a day, encoded, by their keys.
///
/// # Errors
/// [`KvError`] where the index cannot be read.
pub fn facts_of(
    index: &Index<'_>,
    person: PersonId,
    today: Date,
) -> Result<BTreeMap<String, Vec<u8>>, KvError> {
    let mut facts = BTreeMap::new();
    if let Some(organisation) = index.organisation()? {
        let fact = OrganisationFact {
            name: organisation.name,
            zone: organisation.zone,
            calendar: index.calendar()?,
        };
        facts.insert(ORGANISATION.to_owned(), codec::to_bytes(&fact));
    }
    let mut places = index.places(person)?;
    places.retain(|grant| grant.state(today) != GrantState::Ended);
    let current = places.iter().filter(|grant| stands(grant, today)).map(|grant| grant.student);
    for student in current.collect::<BTreeSet<StudentId>>() {
        if let Some(student) = index.student(student)? {
            let key = student_key(student.id);
            facts.insert(key, codec::to_bytes(&student_fact(index, student, today)?));
        }
    }
    let own = |grant: Grant| OwnGrant {
        id: grant.id,
        student: grant.student,
        role: grant.role,
        from: grant.from,
        to: grant.to,
        supervisor: grant.supervisor,
    };
    let grants = GrantsFact { grants: places.into_iter().map(own).collect() };
    facts.insert(GRANTS.to_owned(), codec::to_bytes(&grants));
    Ok(facts)
}

fn stands(grant: &Grant, today: Date) -> bool {
    grant.state(today) == GrantState::Current && grant.role.is_on_teams()
}

fn student_fact(index: &Index<'_>, student: Student, today: Date) -> Result<StudentFact, KvError> {
    let mut roles: BTreeMap<PersonId, Roles> = BTreeMap::new();
    for grant in index.team(student.id)?.iter().filter(|grant| grant.role.is_on_teams()) {
        let today_as = roles.entry(grant.person).or_default();
        if stands(grant, today) {
            today_as.insert(grant.role);
        }
    }
    let (mut team, mut not_today) = (Vec::new(), Vec::new());
    for (id, roles) in roles {
        let Some(person) = index.person(id)? else { continue };
        if roles.is_empty() {
            not_today.push(Colleague { person: id, name: person.name });
        } else {
            team.push(TeamMember { person: id, external_id: person.external_id, name: person.name, roles });
        }
    }
    let school = student.school.map(|school| index.school(school)).transpose()?.flatten();
    Ok(StudentFact {
        id: student.id,
        external_id: student.external_id,
        display_name: student.display_name,
        grade: student.grade,
        school: school.map(|school| school.name),
        team,
        not_today,
    })
}

/// Whose facts may differ after some entries.
enum Concerned {
    Everybody,
    These(BTreeSet<PersonId>),
}

impl Desk<'_> {
    /// Says again what differs for a person from what was said last, and takes back what is no more.
    ///
    /// # Errors
    /// [`DeskError::Index`].
    pub fn project_facts(&mut self, person: PersonId) -> Result<(), DeskError> {
        let facts = facts_of(&self.index(), person, self.today())?;
        for key in self.index().facts(person)? {
            if !facts.contains_key(&key) && !self.keeps_card(person, &key)? {
                self.emit(LogEntry::Fact { person, key, value: None })?;
            }
        }
        for (key, value) in facts {
            if self.index().fact(person, &key)? != Some(hash_of(&value)) {
                self.emit(LogEntry::Fact { person, key, value: Some(Sensitive::new(value.into())) })?;
            }
        }
        Ok(())
    }

    /// Returns whether a fact is a card that the person's place still asks for: cards are projected by themselves, with the record.
    fn keeps_card(&self, person: PersonId, key: &str) -> Result<bool, DeskError> {
        match key.strip_prefix(CARD).and_then(|student| student.parse().ok()) {
            Some(student) => Ok(needs_card(&self.roles_on(person, student, self.today())?)),
            None => Ok(false),
        }
    }

    /// Projects the facts of everybody whom the entries on this desk concern. The writer does this last, so that a fact and its cause
    /// are one frame.
    ///
    /// # Errors
    /// [`DeskError::Index`].
    pub fn refresh_facts(&mut self) -> Result<(), DeskError> {
        let concerned = self.concerned()?;
        if matches!(&concerned, Concerned::These(people) if people.is_empty()) {
            return Ok(());
        }
        let devices = self.index().devices()?.into_iter();
        let equipped: BTreeSet<PersonId> = devices
            .filter(|device| device.state == DeviceState::Active)
            .map(|device| device.person)
            .collect();
        for person in equipped {
            match &concerned {
                Concerned::These(people) if !people.contains(&person) => {}
                Concerned::These(_) | Concerned::Everybody => self.project_facts(person)?,
            }
        }
        Ok(())
    }

    fn concerned(&self) -> Result<Concerned, DeskError> {
        let index = self.index();
        let (mut people, mut students) = (BTreeSet::new(), BTreeSet::new());
        for entry in self.entries() {
            match entry {
                LogEntry::Organisation(_) | LogEntry::Calendar(_) | LogEntry::School(_) => {
                    return Ok(Concerned::Everybody);
                }
                LogEntry::Person(person) => {
                    people.insert(person.id);
                    students.extend(index.places(person.id)?.into_iter().map(|grant| grant.student));
                }
                LogEntry::Student(student) => drop(students.insert(student.id)),
                LogEntry::Grant(grant) => {
                    people.insert(grant.person);
                    students.insert(grant.student);
                }
                LogEntry::Device { device, .. } => drop(people.insert(device.person)),
                LogEntry::Begin { person, document, .. }
                | LogEntry::Review { person, document, .. }
                | LogEntry::End { person, document, .. } => {
                    people.insert(*person);
                    students.extend(index.document(*document)?.map(|state| state.name.subject));
                }
                LogEntry::Certified { device } => drop(people.insert(device.person)),
                LogEntry::Gone { document } => {
                    students.extend(index.document(*document)?.map(|state| state.name.subject));
                }
                LogEntry::Confirmed { .. } => return Ok(Concerned::Everybody),
                LogEntry::Guardian(_)
                | LogEntry::Day(_)
                | LogEntry::Restored { .. }
                | LogEntry::Replaced { .. }
                | LogEntry::Code { .. }
                | LogEntry::DeviceState { .. }
                | LogEntry::Founded { .. }
                | LogEntry::Changed { .. }
                | LogEntry::Held { .. }
                | LogEntry::HoldState { .. }
                | LogEntry::Refused { .. }
                | LogEntry::Fact { .. }
                | LogEntry::Delivered { .. }
                | LogEntry::Imported { .. }
                | LogEntry::Family(_)
                // Whoever reads something else by it is named by the entries that follow.
                | LogEntry::Policy { .. }
                | LogEntry::Audit { .. }
                | LogEntry::Horizon { .. } => {}
            }
        }
        for student in students {
            people.extend(index.team(student)?.into_iter().map(|grant| grant.person));
        }
        Ok(Concerned::These(people))
    }
}
