//! Service lines, goals and assignments: slots of the organisation in the student's plan of the present school year.
//!
//! A line is made once, whole. What a later import says anew of a field is an edit that replaces the organisation's own last value of it
//! and nobody else's. In a new school year the lines are made again in the new year's plan.

use std::collections::BTreeMap;

use sync_core::document::name::{DocumentKind, DocumentName};
use sync_core::document::schema::{RecordKind, VOID};
use sync_core::document::slot::{ACT, AT, Fields, OFFSET, Slot, SlotKey, Value};
use sync_core::exchange::server::desk::DeskError;
use sync_core::exchange::server::entry::RosterSaid;
use sync_core::ids::{ActId, PersonId, StudentId};
use sync_core::sensitive::Sensitive;

use super::heard::{Heard, hash_of_cell};
use super::{Import, Outcome};
use crate::import::{Code, ExternalId, GoalRow, ImportError, Line, Roster, ServiceRow};

/// The field under which the log remembers in which school year's plan a line was made.
const YEAR: &str = "year";
/// What the fields begin with that remember who was assigned; the person's id follows.
const ASSIGNED: &str = "assigned/";

/// One line of a plan, out of a row of either file.
struct PlanLine<'r> {
    kind: RecordKind,
    file: &'static str,
    line: Line,
    key: SlotKey,
    student: &'r ExternalId,
    /// What can never change: it decides whose the line is, and what its figures mean.
    fixed: Vec<(&'static str, Value)>,
    /// What can; an empty cell says nothing.
    leaves: Vec<(&'static str, Option<Value>)>,
    assigned: Vec<PersonId>,
    when_fixed: Code,
}

/// The slots to issue, by student: each plan gets one change.
type Slots = BTreeMap<StudentId, Vec<Slot>>;

impl Import<'_, '_> {
    /// Applies what the students' plans promise.
    pub(super) fn plans(&mut self, roster: &Roster) -> Result<(), DeskError> {
        let mut slots = Slots::new();
        for row in &roster.services {
            let line = self.service(row);
            self.line(&line, &mut slots)?;
        }
        for row in &roster.goals {
            let line = self.goal(row);
            self.line(&line, &mut slots)?;
        }
        for (student, slots) in slots {
            let plan = self.plan_of(student)?;
            if self.desk.index().document(plan.id())?.is_none() {
                self.desk.found_documents(student)?;
            }
            self.desk.issue_as_organisation(&plan, &slots)?;
        }
        Ok(())
    }

    fn service<'r>(&self, row: &'r ServiceRow) -> PlanLine<'r> {
        PlanLine {
            kind: RecordKind::Service,
            file: "services.csv",
            line: row.line,
            key: SlotKey::imported(self.org, RecordKind::Service.container(), row.external_id.as_str()),
            student: &row.student,
            fixed: vec![("discipline", row.discipline.code().into())],
            leaves: vec![
                ("mode", Some(row.mode.code().into())),
                ("place", row.place.map(|place| place.code().into())),
                ("sessions", Some(i64::from(row.sessions).into())),
                ("period", Some(row.period.code().into())),
                ("minutes", Some(i64::from(row.minutes).into())),
                ("from", Some(row.from.to_string().into())),
                ("to", row.to.map(|day| day.to_string().into())),
            ],
            assigned: Vec::new(),
            when_fixed: Code::ServiceFixed,
        }
    }

    fn goal<'r>(&self, row: &'r GoalRow) -> PlanLine<'r> {
        // Statements and criteria are exposed to stand in the plan, which is where they belong.
        let text = |text: Option<&Sensitive<String>>| text.map(|t| t.expose().as_str().into());
        let assigned = row.assigned.iter().map(|id| PersonId::imported(self.org, id.as_str()));
        PlanLine {
            kind: RecordKind::Goal,
            file: "goals.csv",
            line: row.line,
            key: SlotKey::imported(self.org, RecordKind::Goal.container(), row.external_id.as_str()),
            student: &row.student,
            fixed: vec![("discipline", row.discipline.code().into()), ("kind", row.kind.code().into())],
            leaves: vec![
                ("direction", Some(row.direction.code().into())),
                ("statement", text(Some(&row.statement))),
                ("plain_statement", text(row.plain_statement.as_ref())),
                ("target", Some(row.target.0.into())),
                ("target_date", row.target_date.map(|day| day.to_string().into())),
                ("baseline", row.baseline.map(|figure| figure.0.into())),
                ("baseline_date", row.baseline_date.map(|day| day.to_string().into())),
                ("criterion", text(row.criterion.as_ref())),
            ],
            assigned: assigned.collect(),
            when_fixed: Code::GoalFixed,
        }
    }

    fn plan_of(&self, student: StudentId) -> Result<DocumentName, DeskError> {
        let period = self.desk.index().calendar()?.year_of(self.desk.today());
        Ok(DocumentName { org: self.org, kind: DocumentKind::Plan, subject: student, period, member: None })
    }

    fn line(&mut self, line: &PlanLine<'_>, slots: &mut Slots) -> Result<(), DeskError> {
        let student = StudentId::imported(self.org, line.student.as_str());
        let year = self.plan_of(student)?.period;
        let subject = line.key.to_string();
        let mut heard =
            self.hear(line.file, line.line, subject.as_bytes(), &[("student", line.student.to_string())])?;
        let mut fixed_moved = heard.has("student");
        for (field, value) in &line.fixed {
            fixed_moved |= heard.say(field, &cell_of(value));
        }
        if !heard.before.is_empty() && fixed_moved {
            self.errors.push(ImportError::of_row(line.file, line.line, line.when_fixed));
            return Ok(());
        }
        if heard.say(YEAR, &year) {
            heard.forget_last_year();
            self.made(line, &mut heard, slots.entry(student).or_default());
            return self.done(heard, Outcome::Created);
        }
        let before = slots.get(&student).map_or(0, Vec::len);
        let plan = slots.entry(student).or_default();
        self.edited(line, &mut heard, plan);
        self.assigned(line, &mut heard, plan);
        let outcome = if plan.len() == before { Outcome::Unchanged } else { Outcome::Changed };
        self.done(heard, outcome)
    }

    /// Makes the whole line.
    fn made(&self, line: &PlanLine<'_>, heard: &mut Heard, plan: &mut Vec<Slot>) {
        let said = line.leaves.iter().filter_map(|(field, value)| Some((*field, value.clone()?)));
        let mut fields = Fields::new();
        for (field, value) in line.fixed.iter().cloned().chain(said) {
            heard.say(field, &cell_of(&value));
            fields.insert(field.to_owned(), value);
        }
        plan.push(self.slot(line.kind, line.key, fields));
        self.assigned(line, heard, plan);
    }

    /// Edits what is new.
    fn edited(&self, line: &PlanLine<'_>, heard: &mut Heard, plan: &mut Vec<Slot>) {
        for (field, value) in &line.leaves {
            if let Some(value) = value
                && heard.say(field, &cell_of(value))
            {
                plan.push(self.edit(line.key, heard, field, field, value));
            }
        }
    }

    /// Gives the goal to whom the row names, and takes it back from those whom the row named before and does not name now. A row that
    /// names nobody says nothing.
    fn assigned(&self, line: &PlanLine<'_>, heard: &mut Heard, plan: &mut Vec<Slot>) {
        if line.assigned.is_empty() {
            return;
        }
        let given = |heard: &Heard, field: &str| {
            heard.said.get(field).map(|said: &RosterSaid| said.value == hash_of_cell(GIVEN))
        };
        for person in &line.assigned {
            let field = format!("{ASSIGNED}{person}");
            let assignment = SlotKey::imported_assignment(self.org, &line.key, *person);
            match given(heard, &field) {
                Some(true) => {}
                Some(false) => {
                    heard.say(&field, GIVEN);
                    plan.push(self.edit(assignment, heard, &field, VOID, &Value::Flag(false)));
                }
                None => {
                    heard.say(&field, GIVEN);
                    let goal = Value::from(line.key.to_string());
                    let fields =
                        Fields::from([("goal".into(), goal), ("person".into(), person.to_string().into())]);
                    plan.push(self.slot(RecordKind::Assignment, assignment, fields));
                }
            }
        }
        let named: Vec<String> = line.assigned.iter().map(|person| format!("{ASSIGNED}{person}")).collect();
        let fields: Vec<String> = heard.said.keys().filter(|f| f.starts_with(ASSIGNED)).cloned().collect();
        for field in fields.into_iter().filter(|field| !named.contains(field)) {
            let person = field.strip_prefix(ASSIGNED).and_then(|id| id.parse::<PersonId>().ok());
            if let (Some(person), Some(true)) = (person, given(heard, &field)) {
                heard.say(&field, TAKEN_BACK);
                let assignment = SlotKey::imported_assignment(self.org, &line.key, person);
                plan.push(self.edit(assignment, heard, &field, VOID, &Value::Flag(true)));
            }
        }
    }

    /// Makes an edit that replaces the organisation's own last value, and remembers it as that.
    fn edit(&self, target: SlotKey, heard: &mut Heard, said: &str, field: &str, value: &Value) -> Slot {
        let replaced = heard.before.get(said).and_then(|before| before.edit).unwrap_or(target);
        let key = SlotKey::imported_edit(self.org, &target, field, &replaced, cell_of(value).as_bytes());
        if let Some(said) = heard.said.get_mut(said) {
            said.edit = Some(key);
        }
        let replaces = Fields::from([(replaced.to_string(), Value::Flag(true))]);
        let fields = Fields::from([
            ("target".into(), target.to_string().into()),
            ("field".into(), field.into()),
            ("value".into(), value.clone()),
            ("replaces".into(), replaces.into()),
        ]);
        self.slot(RecordKind::Edit, key, fields)
    }

    /// Makes a slot; each is an act of its own.
    fn slot(&self, kind: RecordKind, key: SlotKey, mut fields: Fields) -> Slot {
        fields.insert(ACT.to_owned(), ActId::from(key.record).to_string().into());
        fields.insert(AT.to_owned(), self.desk.conditions().now.0.into());
        fields.insert(OFFSET.to_owned(), 0.into());
        Slot { container: kind.container().to_owned(), key, fields }
    }
}

impl Heard {
    /// The new year's plan has nothing yet of what last year's had: only what can never change is kept.
    fn forget_last_year(&mut self) {
        let kept = ["student", "discipline", "kind", YEAR];
        self.before.retain(|field, _| kept.contains(&field.as_str()));
        self.said.retain(|field, _| kept.contains(&field.as_str()));
    }
}

/// What the log remembers of somebody to whom a goal is given.
const GIVEN: &str = "given";
/// What the log remembers of somebody from whom it was taken back.
const TAKEN_BACK: &str = "taken back";

/// Returns a value as a text that no other value has.
fn cell_of(value: &Value) -> String {
    match value {
        Value::Flag(flag) => flag.to_string(),
        Value::Int(int) => int.to_string(),
        Value::Text(text) => text.clone(),
        // Plans' leaves are scalars.
        Value::Map(_) => String::new(),
    }
}
