//! Schools, terms, people, students, guardians and grants: what the server keeps as facts.
//!
//! The row is the truth of every field that it says something new of, an empty cell included.

use std::collections::BTreeMap;

use sync_core::exchange::server::desk::DeskError;
use sync_core::exchange::server::entry::LogEntry;
use sync_core::ids::{GuardianId, PersonId, SchoolId, StudentId};
use sync_core::roster::calendar::{Calendar, Term};
use sync_core::roster::{Grant, Guardian, Person, School, Student};
use sync_core::sensitive::Sensitive;

use super::heard::Heard;
use super::{Import, Outcome};
use crate::import::{ExternalId, GuardianRow, PersonRow, Roster, SchoolRow, StudentRow, TeamRow, TermRow};

impl Import<'_, '_> {
    /// Applies all that is no part of a plan. Whoever is referred to comes before whoever refers.
    pub(super) fn facts(&mut self, roster: &Roster) -> Result<(), DeskError> {
        roster.schools.iter().try_for_each(|row| self.school(row))?;
        let moved = self.terms(&roster.terms)?;
        roster.people.iter().try_for_each(|row| self.person(row))?;
        roster.students.iter().try_for_each(|row| self.student(row))?;
        if moved {
            // Other terms have other documents.
            for student in self.desk.index().students()? {
                self.desk.found_documents(student.id)?;
            }
        }
        roster.team.iter().try_for_each(|row| self.grant(row))?;
        roster.guardians.iter().try_for_each(|row| self.guardian(row))
    }

    fn school(&mut self, row: &SchoolRow) -> Result<(), DeskError> {
        let id = SchoolId::imported(self.org, row.external_id.as_str());
        let heard = self.hear("schools.csv", row.line, &id.0, &[("name", row.name.clone())])?;
        let known = self.desk.index().school(id)?;
        let blank = School { id, external_id: row.external_id.to_string(), name: String::new() };
        let mut school = known.clone().unwrap_or(blank);
        if heard.has("name") {
            school.name.clone_from(&row.name);
        }
        self.put(heard, known, school, LogEntry::School)
    }

    /// Puts the terms into the organisation's calendar; returns whether that is another one now.
    fn terms(&mut self, rows: &[TermRow]) -> Result<bool, DeskError> {
        let calendar = self.desk.index().calendar()?;
        let mut terms: BTreeMap<String, Term> =
            calendar.terms().iter().map(|term| (term.id.clone(), term.clone())).collect();
        for row in rows {
            let id = row.external_id.as_str();
            let cells = [
                ("name", row.name.clone()),
                ("first_day", row.first_day.to_string()),
                ("last_day", row.last_day.to_string()),
            ];
            let heard = self.hear("terms.csv", row.line, id.as_bytes(), &cells)?;
            if heard.is_silent() {
                // Two schools' terms may begin on one day, and the calendar has one of them.
                self.done(heard, Outcome::Unchanged)?;
                continue;
            }
            let known = terms.get(id);
            let blank =
                Term { first: row.first_day, id: id.to_owned(), name: String::new(), last: row.last_day };
            let mut term = known.cloned().unwrap_or(blank);
            if heard.has("name") {
                term.name.clone_from(&row.name);
            }
            if heard.has("first_day") {
                term.first = row.first_day;
            }
            if heard.has("last_day") {
                term.last = row.last_day;
            }
            let outcome = outcome(known, &term);
            terms.insert(id.to_owned(), term);
            self.done(heard, outcome)?;
        }
        let next = Calendar::new(terms.into_values().collect());
        let moved = next != calendar;
        if moved {
            self.desk.emit(LogEntry::Calendar(next))?;
        }
        Ok(moved)
    }

    fn person(&mut self, row: &PersonRow) -> Result<(), DeskError> {
        let id = PersonId::imported(self.org, row.external_id.as_str());
        let (name, email) = (row.name.clone(), row.email.clone().unwrap_or_default());
        let role = row.role;
        let cells = [
            ("name", name.expose().clone()),   // to be hashed
            ("email", email.expose().clone()), // to be hashed
            ("school", written(row.school.as_ref())),
            ("role", role.to_string()),
        ];
        let heard = self.hear("people.csv", row.line, &id.0, &cells)?;
        let known = self.desk.index().person(id)?;
        let mut person = known.clone().unwrap_or_else(|| Person {
            id,
            external_id: row.external_id.to_string(),
            name: Sensitive::default(),
            email: Sensitive::default(),
            school: None,
            role,
        });
        if heard.has("name") {
            person.name = name;
        }
        if heard.has("email") {
            person.email = email;
        }
        if heard.has("school") {
            person.school = self.school_of(row.school.as_ref());
        }
        if heard.has("role") {
            person.role = role;
        }
        self.put(heard, known, person, LogEntry::Person)
    }

    fn student(&mut self, row: &StudentRow) -> Result<(), DeskError> {
        let id = StudentId::imported(self.org, row.external_id.as_str());
        let name = row.display_name.clone();
        let (grade, language) =
            (row.grade.clone().unwrap_or_default(), row.home_language.clone().unwrap_or_default());
        let cells = [
            ("display_name", name.expose().clone()), // to be hashed
            ("grade", grade.clone()),
            ("school", written(row.school.as_ref())),
            ("home_language", language.clone()),
        ];
        let heard = self.hear("students.csv", row.line, &id.0, &cells)?;
        let known = self.desk.index().student(id)?;
        let new = known.is_none();
        let mut student = known.clone().unwrap_or_else(|| Student {
            id,
            external_id: row.external_id.to_string(),
            display_name: Sensitive::default(),
            grade: String::new(),
            school: None,
            home_language: String::new(),
        });
        if heard.has("display_name") {
            student.display_name = name;
        }
        if heard.has("grade") {
            student.grade = grade;
        }
        if heard.has("school") {
            student.school = self.school_of(row.school.as_ref());
        }
        if heard.has("home_language") {
            student.home_language = language;
        }
        self.put(heard, known, student, LogEntry::Student)?;
        if new {
            self.desk.found_documents(id)?;
        }
        Ok(())
    }

    fn guardian(&mut self, row: &GuardianRow) -> Result<(), DeskError> {
        let id = GuardianId::imported(self.org, row.external_id.as_str());
        let name = row.name.clone();
        let language = row.language.clone().unwrap_or_default();
        let student = StudentId::imported(self.org, row.student.as_str());
        let cells = [
            ("student", row.student.to_string()),
            ("name", name.expose().clone()), // to be hashed
            ("language", language.clone()),
            ("restricted", row.restricted.to_string()),
        ];
        let heard = self.hear("guardians.csv", row.line, &id.0, &cells)?;
        let known = self.desk.index().guardian(id)?;
        let mut guardian = known.clone().unwrap_or_else(|| Guardian {
            id,
            external_id: row.external_id.to_string(),
            student,
            name: Sensitive::default(),
            language: String::new(),
            restricted: row.restricted,
        });
        if heard.has("student") {
            guardian.student = student;
        }
        if heard.has("name") {
            guardian.name = name;
        }
        if heard.has("language") {
            guardian.language = language;
        }
        if heard.has("restricted") {
            guardian.restricted = row.restricted;
        }
        self.put(heard, known, guardian, LogEntry::Guardian)
    }

    /// A place that a row gives. The row's `to` is applied where it is new: an end that was set by hand stays until then.
    fn grant(&mut self, row: &TeamRow) -> Result<(), DeskError> {
        let person = PersonId::imported(self.org, row.person.as_str());
        let student = StudentId::imported(self.org, row.student.as_str());
        let role = row.role;
        let id = Grant::id_of(self.org, student, person, role, row.from);
        let reason = row.reason.clone().unwrap_or_default();
        let cells = [
            ("to", row.to.map(|day| day.to_string()).unwrap_or_default()),
            ("supervisor", written(row.supervisor.as_ref())),
            ("reason", reason.expose().clone()), // to be hashed
        ];
        let heard = self.hear("team.csv", row.line, &id.0, &cells)?;
        let known = self.desk.index().grant(id)?;
        let mut grant = known.clone().unwrap_or_else(|| Grant {
            id,
            student,
            person,
            role,
            from: row.from,
            to: None,
            supervisor: None,
            reason: Sensitive::default(),
        });
        if heard.has("to") {
            grant.to = row.to;
        }
        if heard.has("supervisor") {
            let supervisor = row.supervisor.as_ref();
            grant.supervisor = supervisor.map(|id| PersonId::imported(self.org, id.as_str()));
        }
        if heard.has("reason") {
            grant.reason = reason;
        }
        let outcome = outcome(known.as_ref(), &grant);
        if outcome != Outcome::Unchanged {
            self.desk.set_grant(grant)?;
        }
        self.done(heard, outcome)
    }

    fn put<T: PartialEq>(
        &mut self,
        heard: Heard,
        known: Option<T>,
        next: T,
        entry: fn(T) -> LogEntry,
    ) -> Result<(), DeskError> {
        let outcome = outcome(known.as_ref(), &next);
        if outcome != Outcome::Unchanged {
            self.desk.emit(entry(next))?;
        }
        self.done(heard, outcome)
    }

    fn school_of(&self, external_id: Option<&ExternalId>) -> Option<SchoolId> {
        external_id.map(|id| SchoolId::imported(self.org, id.as_str()))
    }
}

fn outcome<T: PartialEq>(known: Option<&T>, next: &T) -> Outcome {
    match known {
        None => Outcome::Created,
        Some(known) if known == next => Outcome::Unchanged,
        Some(_) => Outcome::Changed,
    }
}

fn written(external_id: Option<&ExternalId>) -> String {
    external_id.map(ToString::to_string).unwrap_or_default()
}
