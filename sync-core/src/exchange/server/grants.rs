//! Grants and what follows from them: which documents exist, and who reads them.

use std::collections::BTreeSet;

use jiff::civil::Date;

use crate::document::name::{DocumentKind, DocumentName};
use crate::document::schema;
use crate::exchange::message::EndReason;
use crate::exchange::server::desk::{Desk, DeskError};
use crate::exchange::server::entry::LogEntry;
use crate::ids::{PersonId, StudentId};
use crate::roster::reading::{Roles, may_read};
use crate::roster::{Grant, GrantState};

impl Desk<'_> {
    /// Returns as what a person stands on a student's team on a day.
    ///
    /// # Errors
    /// [`DeskError::Index`].
    pub fn roles_on(&self, person: PersonId, student: StudentId, day: Date) -> Result<Roles, DeskError> {
        let grants = self.index().grants_of(student, person)?;
        let current = grants.iter().filter(|grant| grant.state(day) == GrantState::Current);
        Ok(current.map(|grant| grant.role).filter(|role| role.is_on_teams()).collect())
    }

    /// Makes a grant, or changes one, founds what it needs, and begins and ends what follows from it at once.
    ///
    /// # Errors
    /// [`DeskError::Index`].
    pub fn set_grant(&mut self, grant: Grant) -> Result<(), DeskError> {
        let (person, student) = (grant.person, grant.student);
        if self.index().grant(grant.id)?.as_ref() != Some(&grant) {
            self.emit(LogEntry::Grant(grant))?;
        }
        self.found_documents(student)?;
        self.reconcile(person, student, self.today())
    }

    /// Founds, ahead of need, every document that a student's team may write in: this year's plan, this term's and the next term's rest.
    ///
    /// # Errors
    /// [`DeskError::Index`].
    pub fn found_documents(&mut self, student: StudentId) -> Result<(), DeskError> {
        let today = self.today();
        let calendar = self.index().calendar()?;
        let years = BTreeSet::from([calendar.year_of(today)]);
        let terms = BTreeSet::from([calendar.term_of(today), calendar.next_term_of(today)]);
        self.found_documents_of(student, &years, &terms)
    }

    /// Founds a student's documents of these years and terms, where they are missing; the team reads them from then on.
    ///
    /// # Errors
    /// [`DeskError::Index`].
    pub fn found_documents_of(
        &mut self,
        student: StudentId,
        years: &BTreeSet<String>,
        terms: &BTreeSet<String>,
    ) -> Result<(), DeskError> {
        let today = self.today();
        let team = self.index().team(student)?;
        let restricted: BTreeSet<PersonId> = team
            .iter()
            .filter(|grant| grant.role.is_supervised() && grant.state(today) != GrantState::Ended)
            .map(|grant| grant.person)
            .collect();
        let org = self.organisation().id;
        let name = |kind, period: &String, member| DocumentName {
            org,
            kind,
            subject: student,
            period: period.clone(),
            member,
        };
        let mut names: Vec<DocumentName> =
            years.iter().map(|year| name(DocumentKind::Plan, year, None)).collect();
        for term in terms {
            names.push(name(DocumentKind::Log, term, None));
            names.push(name(DocumentKind::Tally, term, None));
            names.extend(restricted.iter().map(|member| name(DocumentKind::Own, term, Some(*member))));
        }
        let mut new = false;
        for name in names {
            if self.index().document(name.id())?.is_none() {
                for (step, _) in (1..).zip(schema::steps(name.kind)) {
                    self.emit(LogEntry::Founded { name: name.clone(), step })?;
                }
                new = true;
            }
        }
        if new {
            let people: BTreeSet<PersonId> = team.iter().map(|grant| grant.person).collect();
            for person in people {
                self.reconcile(person, student, today)?;
            }
        }
        Ok(())
    }

    /// Begins and ends what this person reads of this student, so that it is what the grants of `day` and the policy in force say.
    ///
    /// # Errors
    /// [`DeskError::Index`].
    pub fn reconcile(&mut self, person: PersonId, student: StudentId, day: Date) -> Result<(), DeskError> {
        let roles = self.roles_on(person, student, day)?;
        for document in self.index().documents(student)? {
            let id = document.name.id();
            let reading = self.index().reading(person, id)?.filter(|reading| reading.ended.is_none());
            let reads =
                may_read(self.policy(), &document.name, person, &roles) && !self.index().is_gone(id)?;
            match reading {
                None if reads => {
                    self.emit(LogEntry::Begin { person, document: id, roles: roles.clone() })?;
                }
                Some(reading) if !reads => {
                    let why = if roles.is_empty() {
                        EndReason::GrantEnded
                    } else if reading.roles == roles {
                        // The place is what it was when the document was given: it is the policy that differs.
                        EndReason::PolicyChanged
                    } else {
                        EndReason::PlaceChanged
                    };
                    self.emit(LogEntry::End { person, document: id, why })?;
                }
                Some(reading) if reading.roles != roles => {
                    self.emit(LogEntry::Review { person, document: id, roles: roles.clone() })?;
                }
                Some(_) | None => {}
            }
        }
        Ok(())
    }
}
