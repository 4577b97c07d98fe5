//! Who is on which team, with which tablets, and by which rules: what a district changes while everybody works.

use sync_core::exchange::server::entry::LogEntry;
use sync_core::ids::{PersonId, StudentId};
use sync_core::roster::DeviceState;
use sync_core::roster::role::Role;
use sync_core::roster::version::PolicyVersion;

use super::people::{self, STUDENTS};
use super::tablet::Tablet;
use super::{World, model};
use crate::model::Wrong;
use crate::model::rights::{Place, Rules};

impl World {
    /// Gives a person a place, or changes the one that began that day.
    ///
    /// # Errors
    /// What the model finds wrong with what follows from it.
    pub fn grant(
        &mut self,
        name: &'static str,
        student: usize,
        role: Role,
        from: i64,
        to: Option<i64>,
    ) -> Result<(), Wrong> {
        self.grant_to(name, STUDENTS[student], role, from, to)
    }

    /// As [`World::grant`], on whichever student's team.
    ///
    /// # Errors
    /// As there.
    pub fn grant_to(
        &mut self,
        name: &'static str,
        student: StudentId,
        role: Role,
        from: i64,
        to: Option<i64>,
    ) -> Result<(), Wrong> {
        let person = people::person(name);
        let grant = people::grant(person, student, role, from, to);
        self.granted.push((name, student, role, from, to));
        self.note("grant", format!("{name} {role} of student {student} from {from} to {to:?}"));
        let id = grant.id.0.to_vec();
        self.server.decide(self.clock.now(), |desk| desk.set_grant(grant).expect("granted"));
        let place = place_of(role);
        let grant = model::Grant { person, student, place, from, to };
        self.model.grants.insert(id, grant);
        self.observe(u64::MAX)
    }

    /// Puts a version of the policy in force.
    ///
    /// # Errors
    /// What the model finds wrong with what follows from it.
    pub fn set_policy(&mut self, version: PolicyVersion) -> Result<(), Wrong> {
        self.note("policy", version);
        self.server.decide(self.clock.now(), |desk| desk.set_policy(version, None).map(drop).expect("set"));
        self.model.rules = match version {
            PolicyVersion::V1 => Rules::First,
            PolicyVersion::V2 => Rules::Second,
        };
        self.observe(u64::MAX)
    }

    /// Lets a student move in.
    pub fn move_in(&mut self, student: StudentId) {
        let student = people::student_of(student);
        self.server.decide(self.clock.now(), |desk| desk.emit(LogEntry::Student(student)).expect("emitted"));
    }

    /// Pairs one more device, and returns its tablet.
    pub fn pair(&mut self, name: &str) -> usize {
        self.server.decide(self.clock.now(), |desk| people::pair(desk, name));
        let whose = name.split(' ').next().unwrap_or(name);
        let mut tablet = Tablet::paired(people::person(whose), name);
        tablet.certificate = Some(people::device(name));
        self.model.devices.insert(tablet.device, true);
        self.tablets.push(tablet);
        self.tablets.len() - 1
    }

    /// Revokes a device, or reports it lost.
    pub fn revoke(&mut self, tablet: usize, lost: bool) {
        let device = self.tablets[tablet].device;
        let state = if lost { DeviceState::Lost } else { DeviceState::Revoked };
        self.note("revoked", format!("tablet {tablet} {state:?}"));
        self.server.decide(self.clock.now(), |desk| {
            desk.emit(LogEntry::DeviceState { device, state }).expect("emitted");
        });
        self.model.devices.insert(device, false);
    }

    /// Returns whether a tablet's device is in use.
    pub fn is_active(&self, tablet: usize) -> bool {
        self.model.devices.get(&self.tablets[tablet].device).copied().unwrap_or_default()
    }

    /// Returns the first tablet of a person.
    pub fn tablet_of(&self, name: &str) -> usize {
        let person: PersonId = people::person(name);
        self.tablets.iter().position(|tablet| tablet.person == person).expect("a person with a tablet")
    }
}

fn place_of(role: Role) -> Place {
    match role {
        Role::Slp => Place::Slp,
        Role::Ot => Place::Ot,
        Role::Cm => Place::CaseManager,
        Role::Psy => Place::Psychologist,
        Role::Para => Place::Para,
        Role::Asst => Place::Assistant,
        Role::Coord => Place::Coordinator,
        Role::Set | Role::Pt | Role::Admin => Place::Teacher,
    }
}
