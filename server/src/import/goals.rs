//! `goals.csv`: the measurable goals of the students' plans.

use std::collections::BTreeSet;

use jiff::civil::Date;

use sync_core::document::word::{Direction, Discipline};
use sync_core::measure::thousandths::Thousandths;
use sync_core::measure::value::Measure;
use sync_core::sensitive::Sensitive;

use super::cell::{Cells, Column, Reported};
use super::error::Code;
use super::file::{FIELD_CHARS_MAX, Row};
use super::schools::EXTERNAL_ID;
use super::value::{self, ExternalId, Fault, Line, date, sensitive_text, word};

/// A goal is assigned to at most this many people.
pub const ASSIGNED_MAX: usize = 20;

/// A goal's plain statement, the one for families, has at most this many characters.
const PLAIN_STATEMENT_CHARS_MAX: usize = 600;
/// A criterion has at most this many characters.
const CRITERION_CHARS_MAX: usize = 300;
/// All of the trials were correct.
const PERCENT_MAX: Thousandths = Thousandths::whole(100);
/// More than anybody counts in a session: what is larger is a slip.
const FIGURE_MAX: Thousandths = Thousandths::whole(1_000_000);

pub(super) const STUDENT: Column = Column::filled("student");
const DISCIPLINE: Column = Column::filled("discipline");
const STATEMENT: Column = Column::filled("statement").up_to(FIELD_CHARS_MAX);
const PLAIN_STATEMENT: Column = Column::may_be_empty("plain_statement").up_to(PLAIN_STATEMENT_CHARS_MAX);
const KIND: Column = Column::filled("kind");
const DIRECTION: Column = Column::filled("direction");
const TARGET: Column = Column::filled("target");
const BASELINE: Column = Column::may_be_empty("baseline");
const BASELINE_DATE: Column = Column::may_be_empty("baseline_date");
const TARGET_DATE: Column = Column::may_be_empty("target_date");
const CRITERION: Column = Column::may_be_empty("criterion").up_to(CRITERION_CHARS_MAX);
pub(super) const ASSIGNED: Column = Column::may_be_empty("assigned");

/// One row of `goals.csv`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GoalRow {
    /// The district's id of the goal.
    pub external_id: ExternalId,
    /// The student.
    pub student: ExternalId,
    /// The profession that the goal belongs to.
    pub discipline: Discipline,
    /// The goal in the plan's words.
    pub statement: Sensitive<String>,
    /// The goal in a family's words.
    pub plain_statement: Option<Sensitive<String>>,
    /// How progress is measured, and so the unit of target and baseline.
    pub kind: Measure,
    /// Which way the figure is to move.
    pub direction: Direction,
    /// The figure to reach.
    pub target: Thousandths,
    /// The figure at the start, if it was taken: always on the other side of the target.
    pub baseline: Option<Thousandths>,
    /// When the baseline was taken.
    pub baseline_date: Option<Date>,
    /// When the target is due: always later than the baseline's date.
    pub target_date: Option<Date>,
    /// The rule that says "mastered", in words.
    pub criterion: Option<Sensitive<String>>,
    /// The people who work on it.
    pub assigned: BTreeSet<ExternalId>,
    /// Where the row begins.
    pub line: Line,
}

impl Row for GoalRow {
    const FILE: &'static str = "goals.csv";
    const COLUMNS: &'static [Column] = &[
        EXTERNAL_ID,
        STUDENT,
        DISCIPLINE,
        STATEMENT,
        PLAIN_STATEMENT,
        KIND,
        DIRECTION,
        TARGET,
        BASELINE,
        BASELINE_DATE,
        TARGET_DATE,
        CRITERION,
        ASSIGNED,
    ];
    const ID: Option<Column> = Some(EXTERNAL_ID);

    fn read(cells: &mut Cells<'_>) -> Result<Self, Reported> {
        let external_id = cells.required(&EXTERNAL_ID, ExternalId::parse);
        let student = cells.required(&STUDENT, ExternalId::parse);
        let discipline = cells.required(&DISCIPLINE, word);
        let statement = cells.required(&STATEMENT, sensitive_text);
        let plain_statement = cells.optional(&PLAIN_STATEMENT, sensitive_text);
        let kind = cells.required(&KIND, word);
        let direction = cells.required(&DIRECTION, word);
        // Without a kind, the widest range of them all still finds the slips.
        let figure = |text: &str| figure(text, kind.unwrap_or(Measure::Count));
        let target = cells.required(&TARGET, figure);
        let baseline = cells.optional(&BASELINE, figure);
        let baseline_date = cells.optional(&BASELINE_DATE, date);
        let target_date = cells.optional(&TARGET_DATE, date);
        let criterion = cells.optional(&CRITERION, sensitive_text);
        let assigned = cells.optional(&ASSIGNED, |text| ExternalId::parse_list(text, ASSIGNED_MAX));

        let (target_date, baseline_date) = (target_date?, baseline_date?);
        let due = match (baseline_date, target_date) {
            (Some(taken), Some(due)) if due <= taken => {
                Err(cells.refuse(&TARGET_DATE, Fault::with(Code::TargetDateNotLater, taken)))
            }
            _ => Ok(()),
        };
        let (direction, target, baseline) = (direction?, target?, baseline?);
        if !lies_beyond(target, baseline, direction) {
            return Err(cells.refuse(&TARGET, Fault::new(Code::TargetNotBeyondBaseline)));
        }
        due?;
        Ok(Self {
            external_id: external_id?,
            student: student?,
            discipline: discipline?,
            statement: statement?,
            plain_statement: plain_statement?,
            kind: kind?,
            direction,
            target,
            baseline,
            baseline_date,
            target_date,
            criterion: criterion?,
            assigned: assigned?.unwrap_or_default(),
            line: cells.line,
        })
    }
}

/// Reads a target or baseline: never negative, and a percentage at most 100.
fn figure(text: &str, kind: Measure) -> Result<Thousandths, Fault> {
    let max = match kind {
        Measure::Percent => PERCENT_MAX,
        Measure::Count | Measure::Probe => FIGURE_MAX,
    };
    let figure = value::figure(text)?;
    if !(Thousandths::whole(0)..=max).contains(&figure) {
        return Err(Fault::with(Code::NumberOutOfRange, format_args!("0 to {}", max.0 / 1000)));
    }
    Ok(figure)
}

/// Returns whether the target is further in the goal's direction than the baseline, if there is one.
fn lies_beyond(target: Thousandths, baseline: Option<Thousandths>, direction: Direction) -> bool {
    baseline.is_none_or(|baseline| match direction {
        Direction::Increase => target > baseline,
        Direction::Decrease => target < baseline,
    })
}
