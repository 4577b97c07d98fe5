//! A school on a folder of its own: the engine as it is served, over a real disk.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use server::clock::{Clock, ClockSetting};
use server::engine::{Answered, Engine, Founding, Ruling, Settings};
use sync_core::document::name::{DocumentKind, DocumentName};
use sync_core::document::slot::ContentHash;
use sync_core::exchange::message::{Reply, Request};
use sync_core::exchange::server::entry::{LogEntry, Origin};
use sync_core::ids::{DeviceId, GrantId, PersonId, StudentId, TabletId, derive};
use sync_core::roster::role::Role;
use sync_core::roster::version::PolicyVersion;
use sync_core::roster::{Device, DeviceState, Grant, Person, Student};
use sync_core::time::{Moment, Zone};
use tempfile::TempDir;

use crate::measure::Failed;
use crate::records::FIRST_DAY_MS;
use crate::tablet::{Tablet, signing_key};

/// The school year of every record here; with no terms given, it is the term, too.
pub const YEAR: &str = "2026-27";

/// When a school is founded: in the evening of the first day.
pub const EVENING: Moment = Moment(FIRST_DAY_MS + 10 * 3_600_000);

/// A served school.
pub struct School {
    pub engine: Arc<Engine>,
    folder: Arc<TempDir>,
    tablets: u64,
}

/// Returns the id of the student with this number.
pub fn student(number: u64) -> StudentId {
    StudentId(derive("student", &[&number.to_be_bytes()]))
}

impl School {
    /// Founds a school with so many students; it is in the evening of the first day.
    pub async fn found(students: u64) -> Result<Self, Failed> {
        let folder = Arc::new(tempfile::tempdir()?);
        let clock = Clock::start(ClockSetting::At(EVENING));
        let (data, keys) = (folder.path().join("data"), folder.path().join("keys"));
        let settings = Settings { data, keys, clock, verbatim: true, policy: None };
        let zone = Zone::named("America/Chicago")?;
        Engine::found(&settings, Founding { name: "Lakeview".to_owned(), zone })?;
        let engine = Engine::open(&settings)?;
        engine
            .decide(move |desk| {
                for number in 0..students {
                    desk.emit(LogEntry::Student(Student {
                        id: student(number),
                        external_id: format!("S{number}"),
                        display_name: format!("Student {number}").into(),
                        grade: "03".to_owned(),
                        school: None,
                        home_language: "en".to_owned(),
                    }))?;
                }
                Ok(Ruling::Stands(()))
            })
            .await?;
        Ok(Self { engine, folder, tablets: 0 })
    }

    /// Hires somebody onto the teams of these students, and gives that person a paired tablet.
    pub async fn hire(&mut self, role: Role, students: impl Iterator<Item = u64>) -> Result<Tablet, Failed> {
        self.tablets += 1;
        let number = self.tablets.to_be_bytes();
        let person = PersonId(derive("person", &[&number]));
        let key = signing_key(&number);
        let public = key.verifying_key().to_bytes();
        let device = Device {
            id: DeviceId::of_key(&public),
            key: public,
            person,
            tablet: TabletId(derive("tablet", &[&number])),
            state: DeviceState::Active,
        };
        let (paired, students): (Device, Vec<u64>) = (device.clone(), students.collect());
        let from = "2026-08-20".parse()?;
        self.engine
            .decide(move |desk| {
                desk.emit(LogEntry::Person(Person {
                    id: person,
                    external_id: person.to_string(),
                    name: "A. Colleague".to_owned().into(),
                    email: String::new().into(),
                    school: None,
                    role,
                }))?;
                for student_number in students {
                    let student = student(student_number);
                    let id = GrantId(derive("grant", &[&number, &student.0]));
                    let reason = "caseload".to_owned().into();
                    desk.set_grant(Grant {
                        id,
                        student,
                        person,
                        role,
                        from,
                        to: None,
                        supervisor: None,
                        reason,
                    })?;
                }
                let code = ContentHash(derive("code", &[&number]));
                desk.emit(LogEntry::Device { device: paired, code })?;
                Ok(Ruling::Stands(()))
            })
            .await?;
        Ok(Tablet::new(self.engine.organisation(), device, key, role, self.tablets))
    }

    /// Returns the name of a student's log.
    pub fn log_of(&self, number: u64) -> DocumentName {
        DocumentName {
            org: self.engine.organisation(),
            kind: DocumentKind::Log,
            subject: student(number),
            period: YEAR.to_owned(),
            member: None,
        }
    }

    /// Puts changes into a document that the organisation itself says.
    pub async fn write(&self, name: &DocumentName, changes: Vec<Vec<u8>>) -> Result<(), Failed> {
        let document = name.id();
        self.engine
            .decide(move |desk| {
                for change in changes {
                    let origin = Origin::Issued {
                        envelopes: Vec::new(),
                        admitted: Vec::new(),
                        policy: PolicyVersion::default().number(),
                    };
                    desk.emit(LogEntry::Changed { document, change, origin })?;
                }
                Ok(Ruling::Stands(()))
            })
            .await?;
        Ok(())
    }

    /// Closes the school, and returns its folder, which is removed with the value.
    pub fn close(self) -> Arc<TempDir> {
        Arc::clone(&self.folder)
    }

    /// Exchanges as a device, without a network between.
    pub async fn exchange(&self, device: &Device, request: Request) -> Result<Reply, Failed> {
        match self.engine.exchange(device.clone(), request, None).await? {
            Answered::Reply(reply) => Ok(*reply),
            Answered::Not(unanswered) => Err(unanswered.into()),
        }
    }

    /// Returns the bytes of the log on disk.
    pub fn log_bytes(&self) -> Result<u64, Failed> {
        bytes_in(&self.data().join("log"))
    }

    /// Returns the bytes of the index on disk.
    pub fn index_bytes(&self) -> Result<u64, Failed> {
        bytes_in(&self.data().join("index"))
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }
}

impl Drop for School {
    fn drop(&mut self) {
        // The store is closed before its folder is removed.
        self.engine.close();
    }
}

fn bytes_in(folder: &Path) -> Result<u64, Failed> {
    let mut bytes = 0;
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let about = entry.metadata()?;
        bytes += if about.is_dir() { bytes_in(&entry.path())? } else { about.len() };
    }
    Ok(bytes)
}
