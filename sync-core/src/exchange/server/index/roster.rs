//! Reading the roster: the organisation, its people and students, who is on whose team, and the devices.

use std::collections::BTreeMap;

use super::state::CodeState;
use super::{Index, id_at, key};
use crate::document::slot::ContentHash;
use crate::exchange::server::entry::{Organisation, RosterSaid};
use crate::exchange::server::row::decode;
use crate::ids::{DeviceId, GrantId, GuardianId, PersonId, RosterRowId, SchoolId, StudentId};
use crate::kv::{KvError, Pair};
use crate::roster::calendar::Calendar;
use crate::roster::version::PolicyVersion;
use crate::roster::{Device, DeviceState, Grant, Guardian, Person, School, Student};

impl Index<'_> {
    /// Returns the organisation; none before its first entry.
    pub fn organisation(&self) -> Result<Option<Organisation>, KvError> {
        self.read(&key::organisation())
    }

    /// Returns the terms.
    pub fn calendar(&self) -> Result<Calendar, KvError> {
        Ok(self.read_pieces(key::calendar())?.unwrap_or_default())
    }

    /// Returns the devices that are known by their certificates alone.
    pub fn unconfirmed(&self) -> Result<Vec<Device>, KvError> {
        Ok(self.devices()?.into_iter().filter(|device| device.state == DeviceState::Unconfirmed).collect())
    }

    /// Returns what the register says of a device, known here or not; none where it may speak.
    pub fn banned(&self, device: DeviceId) -> Result<Option<DeviceState>, KvError> {
        self.read(&key::banned(&device.0))
    }

    /// Returns the version of the policy that is in force: the first where none was ever set.
    pub fn policy(&self) -> Result<PolicyVersion, KvError> {
        Ok(self.read(&key::policy())?.unwrap_or_default())
    }

    /// Returns the school day up to which grants have begun and ended.
    pub fn day(&self) -> Result<Option<jiff::civil::Date>, KvError> {
        self.read(&key::day())
    }

    /// Returns a school.
    pub fn school(&self, id: SchoolId) -> Result<Option<School>, KvError> {
        self.read(&key::school(&id.0))
    }

    /// Returns all schools.
    pub fn schools(&self) -> Result<Vec<School>, KvError> {
        self.values(key::school(&[]))
    }

    /// Returns a person.
    pub fn person(&self, id: PersonId) -> Result<Option<Person>, KvError> {
        self.read(&key::person(&id.0))
    }

    /// Returns all people.
    pub fn people(&self) -> Result<Vec<Person>, KvError> {
        self.values(key::person(&[]))
    }

    /// Returns a student.
    pub fn student(&self, id: StudentId) -> Result<Option<Student>, KvError> {
        self.read(&key::student(&id.0))
    }

    /// Returns all students.
    pub fn students(&self) -> Result<Vec<Student>, KvError> {
        self.values(key::student(&[]))
    }

    /// Returns a guardian.
    pub fn guardian(&self, id: GuardianId) -> Result<Option<Guardian>, KvError> {
        self.read(&key::guardian(&id.0))
    }

    /// Returns all guardians.
    pub fn guardians(&self) -> Result<Vec<Guardian>, KvError> {
        self.values(key::guardian(&[]))
    }

    /// Returns what the roster said last of a row, by field; nothing before the row was first imported.
    pub fn roster_said(&self, row: RosterRowId) -> Result<BTreeMap<String, RosterSaid>, KvError> {
        Ok(self.read_pieces(key::roster(&row.0))?.unwrap_or_default())
    }

    /// Returns a grant.
    pub fn grant(&self, id: GrantId) -> Result<Option<Grant>, KvError> {
        self.read(&key::grant(&id.0))
    }

    /// Returns all grants on a student's team, past and coming ones too.
    pub fn team(&self, student: StudentId) -> Result<Vec<Grant>, KvError> {
        self.grants(key::team(&[&student.0]), 16)
    }

    /// Returns a person's grants on a student's team, past and coming ones too.
    pub fn grants_of(&self, student: StudentId, person: PersonId) -> Result<Vec<Grant>, KvError> {
        self.grants(key::team(&[&student.0, &person.0]), 0)
    }

    /// Returns all places of a person, past and coming ones too.
    pub fn places(&self, person: PersonId) -> Result<Vec<Grant>, KvError> {
        self.grants(key::places(&[&person.0]), 16)
    }

    /// Returns all grants of the organisation.
    pub fn all_grants(&self) -> Result<Vec<Grant>, KvError> {
        self.values(key::grant(&[]))
    }

    fn grants(&self, prefix: Vec<u8>, skip: usize) -> Result<Vec<Grant>, KvError> {
        let rows = self.scan(prefix)?;
        let ids = rows.iter().map(|(rest, _)| id_at(rest, skip).map(GrantId));
        ids.filter_map(|id| id.and_then(|id| self.grant(id)).transpose()).collect()
    }

    /// Returns a device.
    pub fn device(&self, id: DeviceId) -> Result<Option<Device>, KvError> {
        self.read(&key::device(&id.0))
    }

    /// Returns all devices.
    pub fn devices(&self) -> Result<Vec<Device>, KvError> {
        self.values(key::device(&[]))
    }

    /// Returns the pairing codes whose keyed hash begins with `locator`.
    pub fn codes_behind(&self, locator: [u8; 8]) -> Result<Vec<(ContentHash, CodeState)>, KvError> {
        let rows = self.scan(key::of(b'K', &[&locator]))?;
        let code = |(rest, value): &Pair| {
            let hash: [u8; 16] =
                [locator.as_slice(), rest].concat().try_into().map_err(|_| KvError::Damaged("code"))?;
            Ok((ContentHash(hash), decode(value)?))
        };
        rows.iter().map(code).collect()
    }

    /// Returns a pairing code by its keyed hash.
    pub fn code(&self, hash: &ContentHash) -> Result<Option<CodeState>, KvError> {
        self.read(&key::code(hash))
    }
}
