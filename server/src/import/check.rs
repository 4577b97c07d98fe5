//! What only several rows, or several files, can tell together.
//!
//! A reference may lead to a row of this import or to what the organisation already has. One that leads to
//! a row which is wrong in another cell is not reported: correcting that row mends it.

use std::collections::BTreeMap;

use sync_core::roster::role::Role;

use super::cell::Column;
use super::error::{Code, Errors};
use super::file::{Row, Table};
use super::terms::TermRow;
use super::value::{ExternalId, Line};
use super::{Tables, goals, guardians, people, services, students, team, terms};

/// What the organisation already has, by the district's external ids.
///
/// The answers must not change while one import is checked.
pub trait Known {
    /// Returns whether there is such a school.
    fn has_school(&self, external_id: &str) -> bool;
    /// Returns whether there is such a student.
    fn has_student(&self, external_id: &str) -> bool;
    /// Returns what such a person is employed as; none where there is no such person.
    fn person_role(&self, external_id: &str) -> Option<Role>;
}

/// What an organisation has on its first day.
#[derive(Debug, Clone, Copy, Default)]
pub struct NothingKnown;

impl Known for NothingKnown {
    fn has_school(&self, _external_id: &str) -> bool {
        false
    }

    fn has_student(&self, _external_id: &str) -> bool {
        false
    }

    fn person_role(&self, _external_id: &str) -> Option<Role> {
        None
    }
}

/// Compares the tables with each other and with what is known.
pub(super) fn check(tables: &Tables, known: &dyn Known, errors: &mut Errors) {
    let mut references = References::new(tables, known, errors);
    for row in &tables.terms.rows {
        references.school(&tables.terms, row.line, &terms::SCHOOL, row.school.as_ref());
    }
    for row in &tables.people.rows {
        references.school(&tables.people, row.line, &people::SCHOOL, row.school.as_ref());
    }
    for row in &tables.students.rows {
        references.school(&tables.students, row.line, &students::SCHOOL, row.school.as_ref());
    }
    for row in &tables.team.rows {
        references.student(&tables.team, row.line, &team::STUDENT, &row.student);
        references.person(&tables.team, row.line, &team::PERSON, &row.person);
        if let Some(supervisor) = &row.supervisor {
            references.supervisor(&tables.team, row.line, &team::SUPERVISOR, supervisor);
        }
    }
    for row in &tables.services.rows {
        references.student(&tables.services, row.line, &services::STUDENT, &row.student);
    }
    for row in &tables.goals.rows {
        references.student(&tables.goals, row.line, &goals::STUDENT, &row.student);
        for person in &row.assigned {
            references.person(&tables.goals, row.line, &goals::ASSIGNED, person);
        }
    }
    for row in &tables.guardians.rows {
        references.student(&tables.guardians, row.line, &guardians::STUDENT, &row.student);
    }
    duplicate_grants(tables, errors);
    overlapping_terms(&tables.terms, errors);
}

/// Looks up what rows refer to.
struct References<'a> {
    tables: &'a Tables,
    known: &'a dyn Known,
    /// The roles that this import gives; they win over what is known.
    roles: BTreeMap<&'a ExternalId, Role>,
    errors: &'a mut Errors,
}

/// What is to be learned of a person's role.
enum PersonRole {
    Is(Role),
    /// The person's row is there, or may be, but could not be read.
    Unread,
    /// There is no such person.
    Nobody,
}

impl<'a> References<'a> {
    fn new(tables: &'a Tables, known: &'a dyn Known, errors: &'a mut Errors) -> Self {
        let roles = tables.people.rows.iter().map(|row| (&row.external_id, row.role)).collect();
        Self { tables, known, roles, errors }
    }

    fn school<R: Row>(&mut self, table: &Table<R>, line: Line, column: &Column, id: Option<&ExternalId>) {
        let schools = &self.tables.schools;
        if let Some(id) = id
            && schools.complete
            && !schools.ids.contains_key(id)
            && !self.known.has_school(id.as_str())
        {
            self.errors.push(table.error(line, column, Code::UnknownSchool).with(id.as_str()));
        }
    }

    fn student<R: Row>(&mut self, table: &Table<R>, line: Line, column: &Column, id: &ExternalId) {
        let students = &self.tables.students;
        if students.complete && !students.ids.contains_key(id) && !self.known.has_student(id.as_str()) {
            self.errors.push(table.error(line, column, Code::UnknownStudent).with(id.as_str()));
        }
    }

    fn person<R: Row>(&mut self, table: &Table<R>, line: Line, column: &Column, id: &ExternalId) {
        match self.role_of(id) {
            PersonRole::Is(_) | PersonRole::Unread => {}
            PersonRole::Nobody => {
                self.errors.push(table.error(line, column, Code::UnknownPerson).with(id.as_str()));
            }
        }
    }

    fn supervisor<R: Row>(&mut self, table: &Table<R>, line: Line, column: &Column, id: &ExternalId) {
        match self.role_of(id) {
            PersonRole::Is(role) if !role.is_clinician() => {
                let clinicians = Role::ALL.into_iter().filter(|role| role.is_clinician());
                let clinicians = clinicians.map(|role| role.code()).collect::<Vec<_>>().join(", ");
                let error = table.error(line, column, Code::SupervisorNotClinician);
                self.errors.push(error.with(clinicians));
            }
            PersonRole::Is(_) | PersonRole::Unread => {}
            PersonRole::Nobody => {
                self.errors.push(table.error(line, column, Code::UnknownPerson).with(id.as_str()));
            }
        }
    }

    fn role_of(&self, id: &ExternalId) -> PersonRole {
        let people = &self.tables.people;
        if let Some(role) = self.roles.get(id) {
            return PersonRole::Is(*role);
        }
        if people.ids.contains_key(id) {
            return PersonRole::Unread;
        }
        match self.known.person_role(id.as_str()) {
            Some(role) => PersonRole::Is(role),
            None if people.complete => PersonRole::Nobody,
            None => PersonRole::Unread,
        }
    }
}

/// Reports grants that are there twice. Grants that merely overlap are fine: a person's are a union.
fn duplicate_grants(tables: &Tables, errors: &mut Errors) {
    let mut first_lines = BTreeMap::new();
    for row in &tables.team.rows {
        let grant = (&row.student, &row.person, row.role, row.from);
        let first = *first_lines.entry(grant).or_insert(row.line);
        if first != row.line {
            let error = tables.team.error(row.line, &team::FROM, Code::DuplicateGrant);
            errors.push(error.with(first.to_string()));
        }
    }
}

/// Reports terms of one school that share a day. A term of all schools is a term of each.
fn overlapping_terms(table: &Table<TermRow>, errors: &mut Errors) {
    let mut by_school: BTreeMap<Option<&ExternalId>, Vec<&TermRow>> = BTreeMap::new();
    for row in &table.rows {
        by_school.entry(row.school.as_ref()).or_default().push(row);
    }
    let everywhere = Calendar::new(by_school.remove(&None).unwrap_or_default());
    let mut report = |term: &TermRow, other: &TermRow| {
        let error = table.error(term.line, &terms::FIRST_DAY, Code::TermsOverlap);
        errors.push(error.with(other.external_id.as_str()));
    };
    everywhere.overlaps().for_each(|(term, other)| report(term, other));
    for own in by_school.into_values() {
        for term in &own {
            if let Some(other) = everywhere.overlapping(term) {
                report(term, other);
            }
        }
        Calendar::new(own).overlaps().for_each(|(term, other)| report(term, other));
    }
}

/// Terms in the order of their first days.
struct Calendar<'a> {
    terms: Vec<&'a TermRow>,
    /// For each place of `terms`, which of them up to there ends last: the one to overlap with, if any is.
    ends_last: Vec<&'a TermRow>,
}

impl<'a> Calendar<'a> {
    fn new(mut terms: Vec<&'a TermRow>) -> Self {
        terms.sort_by_key(|term| (term.first_day, term.line));
        let ends_last = terms.iter().scan(None::<&TermRow>, |last, term| {
            let longest = last.filter(|last| last.last_day >= term.last_day).unwrap_or(term);
            *last = Some(longest);
            Some(longest)
        });
        Self { ends_last: ends_last.collect(), terms }
    }

    /// Returns a term that shares a day with `term`.
    fn overlapping(&self, term: &TermRow) -> Option<&'a TermRow> {
        let begun = self.terms.partition_point(|other| other.first_day <= term.last_day);
        let candidate = self.ends_last.get(begun.checked_sub(1)?)?;
        (candidate.last_day >= term.first_day).then_some(candidate)
    }

    /// Returns each term that shares a day with an earlier one, and that earlier one.
    fn overlaps(&self) -> impl Iterator<Item = (&'a TermRow, &'a TermRow)> {
        let pairs = self.terms.iter().skip(1).zip(&self.ends_last);
        pairs
            .filter(|(term, earlier)| earlier.last_day >= term.first_day)
            .map(|(term, earlier)| (*term, *earlier))
    }
}
