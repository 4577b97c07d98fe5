//! People and students as administrators and scripts list them.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::civil::Date;
use serde::Serialize;
use sync_core::document::change::slots_of_change;
use sync_core::document::name::{DocumentKind, DocumentName};
use sync_core::document::slot::Slot;
use sync_core::exchange::server::apply::containers;
use sync_core::exchange::server::index::DocumentState;
use sync_core::ids::{PersonId, SchoolId, StudentId};
use sync_core::kv::KvError;
use sync_core::measure::thousandths::Thousandths;
use sync_core::record::{GoalView, Record, ServiceView, Source, fold};
use sync_core::roster::role::Role;
use sync_core::roster::{GrantState, Student};
use utoipa::ToSchema;

use super::{Engine, EngineError};

/// A person, as listed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct PersonRow {
    /// Who.
    #[schema(value_type = String)]
    pub id: PersonId,
    /// What the district's roster calls this person.
    pub external_id: String,
    /// The name. Rows go to an administrator, who keeps the roster.
    pub name: String,
    /// What the person is in the organisation.
    #[schema(value_type = String)]
    pub role: Role,
    /// The external id of the person's school; none for all.
    pub school: Option<String>,
}

/// A place on a team, as listed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct TeamRow {
    /// Who.
    #[schema(value_type = String)]
    pub person: PersonId,
    /// As what.
    #[schema(value_type = String)]
    pub role: Role,
}

/// A goal, as listed.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct GoalRow {
    /// Its id, which is its record's key.
    pub id: String,
    /// What the student is to learn.
    pub statement: Option<String>,
    /// The kind of measure.
    pub kind: Option<&'static str>,
    /// The figure to reach.
    #[schema(value_type = Option<f64>)]
    pub target: Option<Thousandths>,
    /// Whose goal it is.
    pub discipline: Option<&'static str>,
}

/// A service line, as listed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ServiceRow {
    /// Its id, which is its record's key.
    pub id: String,
    /// Minutes of each session.
    pub minutes: Option<u16>,
    /// Sessions in each period.
    pub sessions: Option<u16>,
    /// The period.
    pub period: Option<&'static str>,
    /// In class, out of it, or with the adults.
    pub mode: Option<&'static str>,
    /// The discipline that serves.
    pub discipline: Option<&'static str>,
}

/// A student, as listed.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct StudentRow {
    /// Who.
    #[schema(value_type = String)]
    pub id: StudentId,
    /// What the district's roster calls this student.
    pub external_id: String,
    /// The name.
    pub display_name: String,
    /// Who stands on the team today.
    pub team: Vec<TeamRow>,
    /// The goals that stand.
    pub goals: Vec<GoalRow>,
    /// The service lines that stand.
    pub services: Vec<ServiceRow>,
}

impl Engine {
    /// Lists all people.
    pub fn people(&self) -> Result<Vec<PersonRow>, KvError> {
        let index = self.index();
        let schools: BTreeMap<SchoolId, String> =
            index.schools()?.into_iter().map(|school| (school.id, school.external_id)).collect();
        let row = |person: sync_core::roster::Person| PersonRow {
            id: person.id,
            external_id: person.external_id,
            name: person.name.into_inner(),
            role: person.role,
            school: person.school.and_then(|school| schools.get(&school).cloned()),
        };
        Ok(index.people()?.into_iter().map(row).collect())
    }

    /// Lists all students with their teams, goals and service lines.
    pub async fn students(self: &Arc<Self>) -> Result<Vec<StudentRow>, EngineError> {
        let engine = Arc::clone(self);
        self.aside(move || {
            let students = engine.index().students()?.into_iter();
            Ok(students.map(|student| engine.student_row(student)).collect::<Result<_, KvError>>()?)
        })
        .await
    }

    fn student_row(&self, student: Student) -> Result<StudentRow, KvError> {
        let index = self.index();
        let organisation = index.organisation()?.ok_or(KvError::Damaged("organisation"))?;
        let today = organisation.zone.day_of(self.now());
        let mut plans: Vec<(DocumentName, Vec<Slot>)> = Vec::new();
        for state in index.documents(student.id)? {
            if state.name.kind == DocumentKind::Plan {
                plans.push((state.name.clone(), self.slots_in(&state)?));
            }
        }
        let sources = plans.iter().map(|(name, slots)| Source { name, slots });
        let record = fold(student.id, &organisation.zone, sources);
        Ok(StudentRow {
            id: student.id,
            external_id: student.external_id,
            display_name: student.display_name.into_inner(),
            team: self.team_rows(student.id, today)?,
            goals: standing_goals(&record),
            services: record.services.iter().filter(|line| line.head.counts()).map(service_row).collect(),
        })
    }

    fn team_rows(&self, student: StudentId, today: Date) -> Result<Vec<TeamRow>, KvError> {
        let team = self.index().team(student)?.into_iter();
        let current = team.filter(|grant| grant.state(today) == GrantState::Current);
        Ok(current.map(|grant| TeamRow { person: grant.person, role: grant.role }).collect())
    }

    /// Returns the slots that stand in a document.
    pub fn slots_in(&self, state: &DocumentState) -> Result<Vec<Slot>, KvError> {
        let places = containers(&state.name, state.steps);
        let mut slots = Vec::new();
        for change in self.written_in(state, self.reader().end().seq)? {
            slots.extend(slots_of_change(&places, &change).map_err(|_| KvError::Damaged("change"))?);
        }
        Ok(slots)
    }
}

fn standing_goals(record: &Record<'_>) -> Vec<GoalRow> {
    record.goals.iter().filter(|goal| goal.head.counts()).map(goal_row).collect()
}

fn goal_row(goal: &GoalView) -> GoalRow {
    GoalRow {
        id: goal.head.key().to_string(),
        statement: goal.statement.clone().map(sync_core::sensitive::Sensitive::into_inner),
        kind: goal.kind,
        target: goal.target.map(Thousandths),
        discipline: goal.discipline,
    }
}

fn service_row(line: &ServiceView) -> ServiceRow {
    ServiceRow {
        id: line.head.key().to_string(),
        minutes: line.minutes,
        sessions: line.sessions,
        period: line.period,
        mode: line.mode,
        discipline: line.discipline,
    }
}
