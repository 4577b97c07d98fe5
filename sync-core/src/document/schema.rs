//! The only place that names what stands in documents: containers, fields, types, limits.
//!
//! The gate checks by these tables what arrives, the tablet what is typed, and the fold what it reads. A value that does not fit is kept
//! and shown, and counts as none.

use crate::document::name::DocumentKind;
use crate::document::slot::{ACT, AT, ContentHash, Fields, OFFSET, Slot, SlotKey, Value};
use crate::ids::{ActId, PersonId};
use crate::measure::value::ValueError;
use crate::time::{MOMENT_MAX, day_from_text};

/// The schema version that this build writes and founds: the number of founding steps.
pub const SCHEMA: u32 = 1;

/// Segments that one session may have.
pub const SEGMENTS_MAX: usize = 8;
/// Values that one edit may say it replaces.
pub const REPLACES_MAX: usize = 64;
/// Characters of a goal's statement.
pub const STATEMENT_CHARS_MAX: usize = 2_000;
/// Characters of a goal's statement in plain words.
pub const PLAIN_STATEMENT_CHARS_MAX: usize = 600;
/// Characters of a note.
pub const NOTE_CHARS_MAX: usize = 1_000;
/// Characters of a reason.
pub const REASON_CHARS_MAX: usize = 500;
/// Characters of a criterion.
pub const CRITERION_CHARS_MAX: usize = 300;
/// Minutes of one segment, and of one service line's session.
pub const MINUTES_MAX: i64 = 480;
/// Sessions that a service line may promise in one period.
pub const SESSIONS_MAX: i64 = 50;
/// The largest count, opportunities or items of one observation.
pub const FIGURE_MAX: i64 = 100_000;
/// Seconds of one observation.
pub const SECONDS_MAX: i64 = 86_400;
/// The largest target or baseline, in thousandths.
pub const TARGET_MAX: i64 = 1_000_000_000;
/// Taps that one slot may carry, up or down.
pub const TAPS_MAX: i64 = 10_000;
/// How far a tablet's clock may be off, in milliseconds, for the offset to be written: ten years.
pub const OFFSET_MAX: i64 = 315_576_000_000;

/// Delivery modes of a segment or a service line.
pub const MODES: &[&str] = &["push-in", "pull-out", "consult"];
/// Where a segment takes place.
pub const PLACES: &[&str] = &[
    "general-class",
    "resource-room",
    "quiet-space",
    "hallway",
    "playground",
    "cafeteria",
    "gym",
    "bus",
    "remote",
    "other",
];
/// Classroom routines into which a push-in segment falls.
pub const ROUTINES: &[&str] = &[
    "whole-group",
    "small-group",
    "center",
    "circle",
    "transition",
    "hallway",
    "recess",
    "lunch",
    "arrival",
    "dismissal",
    "specials",
];
/// Why a session did not take place.
pub const REASONS: &[&str] = &[
    "student_absent",
    "student_refused",
    "student_unavailable_school",
    "student_unavailable_other",
    "provider_absent",
    "provider_meeting",
    "no_substitute",
    "school_closed_planned",
    "school_closed_emergency",
    "schedule_conflict",
    "not_logged",
];
/// Kinds of data that a goal is measured by: frequency count, skill probe, percentage of trials.
pub const MEASURES: &[&str] = &["count", "probe", "percent"];
/// Which way a goal's figure should go.
pub const DIRECTIONS: &[&str] = &["increase", "decrease"];
/// Disciplines of goals and service lines.
pub const DISCIPLINES: &[&str] = &["slp", "ot", "pt", "psy", "set"];
/// Periods in which a service line promises its sessions.
pub const PERIODS: &[&str] = &["day", "week", "cycle", "month", "quarter", "term", "year"];
/// Kinds of learner plan.
pub const PLAN_KINDS: &[&str] = &["iep", "504", "mtss", "el", "sel"];
/// Roles in which a record can be made.
pub const AUTHOR_ROLES: &[&str] = &["slp", "ot", "pt", "psy", "set", "cm", "para", "asst"];

/// The path of the field by which a record is removed (`true`) and reinstated (`false`).
pub const VOID: &str = "void";

/// A kind of record, each with a container of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RecordKind {
    /// A version of the learner plan.
    PlanVersion,
    /// A promised service.
    Service,
    /// A goal and how it is measured.
    Goal,
    /// A goal given to a person to work on.
    Assignment,
    /// A delivered session.
    Session,
    /// A session that did not take place.
    Missed,
    /// A measurement of a goal.
    Observation,
    /// A shared tally of a goal, opened for several people's taps.
    Tally,
    /// One member's taps on a tally since that device's last ones.
    Tap,
    /// A change of mind about one leaf of another record.
    Edit,
    /// A certification or co-signature.
    Signature,
    /// How a slot came in that the server issued after review.
    Issued,
}

impl RecordKind {
    /// All kinds.
    pub const ALL: [Self; 12] = [
        Self::PlanVersion,
        Self::Service,
        Self::Goal,
        Self::Assignment,
        Self::Session,
        Self::Missed,
        Self::Observation,
        Self::Tally,
        Self::Tap,
        Self::Edit,
        Self::Signature,
        Self::Issued,
    ];

    /// Returns the founded map in which records of this kind stand.
    pub fn container(self) -> &'static str {
        match self {
            Self::PlanVersion => "plan_versions",
            Self::Service => "services",
            Self::Goal => "goals",
            Self::Assignment => "assignments",
            Self::Session => "sessions",
            Self::Missed => "missed",
            Self::Observation => "observations",
            Self::Tally => "tallies",
            Self::Tap => "taps",
            Self::Edit => "edits",
            Self::Signature => "signatures",
            Self::Issued => "issued",
        }
    }

    /// Returns the kind of record that stands in `container`; none for a container of a newer version.
    pub fn of_container(container: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.container() == container)
    }

    /// Returns the fields of a record of this kind, without the three that every slot has.
    pub fn fields(self) -> &'static [Field] {
        match self {
            Self::PlanVersion => PLAN_VERSION,
            Self::Service => SERVICE,
            Self::Goal => GOAL,
            Self::Assignment => ASSIGNMENT,
            Self::Session => SESSION,
            Self::Missed => MISSED,
            Self::Observation => OBSERVATION,
            Self::Tally => TALLY,
            Self::Tap => TAP,
            Self::Edit => EDIT,
            Self::Signature => SIGNATURE,
            Self::Issued => ISSUED,
        }
    }

    /// Returns whether edits may name records of this kind: never an edit, a signature or the server's own notes.
    pub fn can_be_edited(self) -> bool {
        !matches!(self, Self::Edit | Self::Signature | Self::Issued)
    }
}

/// Returns the containers of a kind of document, a list for each founding step.
pub fn steps(kind: DocumentKind) -> &'static [&'static [&'static str]] {
    match kind {
        DocumentKind::Plan => &[&["assignments", "edits", "goals", "issued", "plan_versions", "services"]],
        DocumentKind::Log | DocumentKind::Own => {
            &[&["edits", "issued", "missed", "observations", "sessions", "signatures"]]
        }
        DocumentKind::Tally => &[&["edits", "issued", "tallies", "taps"]],
    }
}

/// What a value must be.
#[derive(Debug, Clone, Copy)]
pub enum Type {
    /// Text of at most so many characters.
    Text(usize),
    /// One of these words.
    Choice(&'static [&'static str]),
    /// A whole number in this range, both ends included.
    Int(i64, i64),
    /// True or false.
    Flag,
    /// A school day, `YYYY-MM-DD`.
    Day,
    /// An instant in milliseconds since 1970 UTC.
    Moment,
    /// A member.
    Person,
    /// A record's key.
    Key,
    /// An act's id.
    Act,
    /// Any short id of another system or of a group, at most so many characters.
    Id(usize),
    /// The hash of what a signature covers.
    Hash,
    /// A map with these fields.
    Map(&'static [Field]),
    /// A map from "1", "2", ... up to so many, each with these fields.
    Numbered(usize, &'static [Field]),
    /// A map from records' keys to `true`, at least one and at most so many.
    Keys(usize),
    /// Any scalar: the field of the target decides.
    Scalar,
}

/// A field of a record.
#[derive(Debug, Clone, Copy)]
pub struct Field {
    /// Its name.
    pub name: &'static str,
    /// What its value must be.
    pub ty: Type,
    /// Whether a record without it is incomplete.
    pub required: bool,
    /// Whether an edit may name it; what policy goes by never can be edited.
    pub editable: bool,
}

const fn need(name: &'static str, ty: Type) -> Field {
    Field { name, ty, required: true, editable: true }
}

const fn may(name: &'static str, ty: Type) -> Field {
    Field { name, ty, required: false, editable: true }
}

const fn fixed(field: Field) -> Field {
    Field { editable: false, ..field }
}

/// What every slot carries.
pub const COMMON: &[Field] = &[
    fixed(need(ACT, Type::Act)),
    fixed(need(AT, Type::Moment)),
    fixed(need(OFFSET, Type::Int(-OFFSET_MAX, OFFSET_MAX))),
];

const PLAN_VERSION: &[Field] =
    &[fixed(need("kind", Type::Choice(PLAN_KINDS))), need("from", Type::Day), may("to", Type::Day)];

const SERVICE: &[Field] = &[
    fixed(need("discipline", Type::Choice(DISCIPLINES))),
    need("mode", Type::Choice(MODES)),
    may("place", Type::Choice(PLACES)),
    need("sessions", Type::Int(0, SESSIONS_MAX)),
    need("period", Type::Choice(PERIODS)),
    need("minutes", Type::Int(1, MINUTES_MAX)),
    need("from", Type::Day),
    may("to", Type::Day),
];

const GOAL: &[Field] = &[
    fixed(need("discipline", Type::Choice(DISCIPLINES))),
    fixed(need("kind", Type::Choice(MEASURES))),
    need("direction", Type::Choice(DIRECTIONS)),
    need("statement", Type::Text(STATEMENT_CHARS_MAX)),
    may("plain_statement", Type::Text(PLAIN_STATEMENT_CHARS_MAX)),
    need("target", Type::Int(0, TARGET_MAX)),
    may("target_date", Type::Day),
    may("baseline", Type::Int(0, TARGET_MAX)),
    may("baseline_date", Type::Day),
    may("criterion", Type::Text(CRITERION_CHARS_MAX)),
];

const ASSIGNMENT: &[Field] = &[fixed(need("goal", Type::Key)), fixed(need("person", Type::Person))];

const SEGMENT: &[Field] = &[
    need("mode", Type::Choice(MODES)),
    need("place", Type::Choice(PLACES)),
    may("routine", Type::Choice(ROUTINES)),
    need("start", Type::Moment),
    need("minutes", Type::Int(1, MINUTES_MAX)),
];

const GROUP: &[Field] = &[fixed(need("id", Type::Id(26))), need("size", Type::Int(2, 60))];

const SESSION: &[Field] = &[
    fixed(need("role", Type::Choice(AUTHOR_ROLES))),
    may("service", Type::Key),
    need("segments", Type::Numbered(SEGMENTS_MAX, SEGMENT)),
    may("group", Type::Map(GROUP)),
    may("make_up_for", Type::Key),
    may("note", Type::Text(NOTE_CHARS_MAX)),
    need("state", Type::Choice(&["draft", "complete"])),
];

const MISSED: &[Field] = &[
    fixed(need("role", Type::Choice(AUTHOR_ROLES))),
    need("service", Type::Key),
    need("date", Type::Day),
    need("reason", Type::Choice(REASONS)),
    may("note", Type::Text(NOTE_CHARS_MAX)),
];

const FIGURES: &[Field] = &[
    may("count", Type::Int(0, FIGURE_MAX)),
    may("seconds", Type::Int(1, SECONDS_MAX)),
    may("attempted", Type::Int(0, FIGURE_MAX)),
    may("errors", Type::Int(0, FIGURE_MAX)),
    may("correct", Type::Int(0, FIGURE_MAX)),
    may("of", Type::Int(0, FIGURE_MAX)),
];

const OBSERVATION: &[Field] = &[
    fixed(need("role", Type::Choice(AUTHOR_ROLES))),
    fixed(need("goal", Type::Key)),
    fixed(may("session", Type::Key)),
    fixed(need("kind", Type::Choice(MEASURES))),
    fixed(need("observer", Type::Choice(&["primary", "reliability"]))),
    need("start", Type::Moment),
    need("value", Type::Map(FIGURES)),
    may("note", Type::Text(NOTE_CHARS_MAX)),
];

const TALLY: &[Field] = &[
    fixed(need("role", Type::Choice(AUTHOR_ROLES))),
    fixed(need("goal", Type::Key)),
    fixed(need("start", Type::Moment)),
];

const TAP: &[Field] = &[fixed(need("tally", Type::Key)), fixed(need("n", Type::Int(-TAPS_MAX, TAPS_MAX)))];

const EDIT: &[Field] = &[
    fixed(need("target", Type::Key)),
    fixed(need("field", Type::Text(64))),
    fixed(need("value", Type::Scalar)),
    fixed(need("replaces", Type::Keys(REPLACES_MAX))),
    fixed(may("reason", Type::Text(REASON_CHARS_MAX))),
];

const SIGNATURE: &[Field] = &[
    fixed(need("target", Type::Key)),
    fixed(need("kind", Type::Choice(&["certify", "cosign"]))),
    fixed(need("covers", Type::Hash)),
];

const ISSUED: &[Field] = &[
    fixed(need("device", Type::Id(26))),
    fixed(need("envelope", Type::Hash)),
    fixed(need("why", Type::Id(32))),
    fixed(may("reviewer", Type::Person)),
    fixed(need("time", Type::Moment)),
    fixed(need("late", Type::Flag)),
];

/// Which figures an observation of each kind has: the count and its seconds, the probe's three, the trials' two.
pub fn figures_of(measure: &str) -> &'static [&'static str] {
    match measure {
        "count" => &["count", "seconds"],
        "probe" => &["attempted", "errors", "seconds"],
        "percent" => &["correct", "of"],
        _ => &[],
    }
}

/// Returns whether the leaf at `path` is a figure that is stored in thousandths, so that equal figures are equal numbers: people write and
/// read it as a decimal.
pub fn in_thousandths(kind: RecordKind, path: &str) -> bool {
    kind == RecordKind::Goal && matches!(path, "target" | "baseline")
}

/// What is wrong with a value; its author, or a reviewer in his own name, can correct it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// The field is not of the type that it must be.
    #[error("{0} is not of the right type")]
    WrongType(String),
    /// The value is outside what is possible.
    #[error("{0} is out of range")]
    OutOfRange(String),
    /// The text is longer than it may be.
    #[error("{0} is too long")]
    TooLong(String),
    /// The word is none of those that the field knows.
    #[error("{0} is not one of the words it can be")]
    UnknownWord(String),
    /// A field that the record needs is not there.
    #[error("{0} is missing")]
    Missing(String),
    /// The record has no such field, or not one that can be edited.
    #[error("{0} is no field that can be given here")]
    UnknownField(String),
    /// Two values of the record cannot both be true, such as 5 correct of 4.
    #[error("{0} does not go with the other values")]
    Disagrees(String),
}

impl Fault {
    /// Returns the path of the field that must change, such as `segments.1.minutes`.
    pub fn field(&self) -> &str {
        match self {
            Self::WrongType(field)
            | Self::OutOfRange(field)
            | Self::TooLong(field)
            | Self::UnknownWord(field)
            | Self::Missing(field)
            | Self::UnknownField(field)
            | Self::Disagrees(field) => field,
        }
    }
}

impl From<ValueError> for Fault {
    /// Says of figures that cannot be what [`check_record`] would say of an observation that has them.
    fn from(error: ValueError) -> Self {
        match error {
            ValueError::Negative(figure) => Self::OutOfRange(format!("value.{figure}")),
            ValueError::Seconds => Self::OutOfRange("value.seconds".into()),
            ValueError::ErrorsAboveAttempted => Self::Disagrees("value.errors".into()),
            ValueError::CorrectAboveOf => Self::Disagrees("value.correct".into()),
        }
    }
}

/// Returns the type of the leaf at `path` of a record, if an edit may name it. [`VOID`] can be edited everywhere.
pub fn editable_leaf(kind: RecordKind, path: &str) -> Option<Type> {
    if !kind.can_be_edited() {
        return None;
    }
    if path == VOID {
        return Some(Type::Flag);
    }
    let mut fields = kind.fields();
    let mut steps = path.split('.').peekable();
    while let Some(step) = steps.next() {
        let field: &Field = fields.iter().find(|field| field.name == step && field.editable)?;
        if let Type::Map(inner) = field.ty {
            fields = inner;
        } else if let Type::Numbered(most, inner) = field.ty {
            number_up_to(steps.next()?, most)?;
            fields = inner;
        } else {
            return steps.peek().is_none().then_some(field.ty);
        }
    }
    None
}

fn number_up_to(text: &str, most: usize) -> Option<usize> {
    let number: usize = text.parse().ok()?;
    (number.to_string() == text && (1..=most).contains(&number)).then_some(number)
}

/// Checks one value against a type; `path` is what the fault is called by.
///
/// # Errors
/// The first [`Fault`] in the order of the schema.
pub fn check_value(path: &str, ty: Type, value: &Value) -> Result<(), Fault> {
    let named = || path.to_owned();
    let text = || value.as_text().ok_or_else(|| Fault::WrongType(named()));
    let when = |fits: bool, fault: fn(String) -> Fault| if fits { Ok(()) } else { Err(fault(named())) };
    match ty {
        Type::Text(most) => when(text()?.chars().count() <= most, Fault::TooLong),
        Type::Choice(words) => when(words.contains(&text()?), Fault::UnknownWord),
        Type::Int(low, high) => {
            let int = value.as_int().ok_or_else(|| Fault::WrongType(named()))?;
            when((low..=high).contains(&int), Fault::OutOfRange)
        }
        Type::Flag => when(value.as_flag().is_some(), Fault::WrongType),
        Type::Day => when(day_from_text(text()?).is_some(), Fault::OutOfRange),
        Type::Moment => check_value(path, Type::Int(0, MOMENT_MAX), value),
        Type::Person => when(text()?.parse::<PersonId>().is_ok(), Fault::WrongType),
        Type::Key => when(text()?.parse::<SlotKey>().is_ok(), Fault::WrongType),
        Type::Act => when(text()?.parse::<ActId>().is_ok(), Fault::WrongType),
        Type::Hash => when(text()?.parse::<ContentHash>().is_ok(), Fault::WrongType),
        Type::Id(most) => {
            let fits = |text: &str| {
                !text.is_empty() && text.len() <= most && text.bytes().all(|b| b.is_ascii_graphic())
            };
            when(fits(text()?), Fault::WrongType)
        }
        Type::Scalar => when(value.as_map().is_none(), Fault::WrongType),
        Type::Map(fields) => {
            check_fields(path, fields, value.as_map().ok_or_else(|| Fault::WrongType(named()))?)
        }
        Type::Numbered(most, fields) => {
            let map = value.as_map().ok_or_else(|| Fault::WrongType(named()))?;
            when((1..=most).contains(&map.len()), Fault::OutOfRange)?;
            for (number, inner) in map {
                let path = format!("{path}.{number}");
                number_up_to(number, most).ok_or_else(|| Fault::UnknownField(path.clone()))?;
                check_value(&path, Type::Map(fields), inner)?;
            }
            Ok(())
        }
        Type::Keys(most) => {
            let map = value.as_map().ok_or_else(|| Fault::WrongType(named()))?;
            when((1..=most).contains(&map.len()), Fault::OutOfRange)?;
            let fits =
                map.iter().all(|(key, yes)| key.parse::<SlotKey>().is_ok() && *yes == Value::Flag(true));
            when(fits, Fault::WrongType)
        }
    }
}

fn check_fields(path: &str, fields: &[Field], map: &Fields) -> Result<(), Fault> {
    let named = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
    for field in fields {
        match map.get(field.name) {
            Some(value) => check_value(&named(field.name), field.ty, value)?,
            None if field.required => return Err(Fault::Missing(named(field.name))),
            None => {}
        }
    }
    let common: &[Field] = if path.is_empty() { COMMON } else { &[] };
    match map.keys().find(|name| !fields.iter().chain(common).any(|field| field.name == name.as_str())) {
        Some(name) => Err(Fault::UnknownField(named(name))),
        None => Ok(()),
    }
}

/// Checks a whole record as it was made: types, lengths, ranges, and what its values say of one another.
///
/// The value of an edit is not checked here: what it must be depends on the target ([`editable_leaf`]).
///
/// # Errors
/// The first [`Fault`] in the order of the schema.
pub fn check_record(kind: RecordKind, slot: &Slot) -> Result<(), Fault> {
    for field in COMMON {
        let value = slot.fields.get(field.name).ok_or_else(|| Fault::Missing(field.name.to_owned()))?;
        check_value(field.name, field.ty, value)?;
    }
    check_fields("", kind.fields(), &slot.fields)?;
    match kind {
        RecordKind::Observation => check_figures(slot),
        RecordKind::Session => check_segments(slot),
        RecordKind::Tap if slot.leaf("n") == Some(&Value::Int(0)) => Err(Fault::OutOfRange("n".into())),
        RecordKind::Goal if slot.leaf("target").is_some() && slot.leaf("target") == slot.leaf("baseline") => {
            Err(Fault::Disagrees("target".into()))
        }
        RecordKind::Service | RecordKind::PlanVersion => match (slot.leaf("from"), slot.leaf("to")) {
            // Days in this form sort as texts.
            (Some(from), Some(to)) if to < from => Err(Fault::Disagrees("to".into())),
            _ => Ok(()),
        },
        RecordKind::Goal
        | RecordKind::Assignment
        | RecordKind::Missed
        | RecordKind::Tally
        | RecordKind::Tap
        | RecordKind::Edit
        | RecordKind::Signature
        | RecordKind::Issued => Ok(()),
    }
}

fn check_figures(slot: &Slot) -> Result<(), Fault> {
    let measure = slot.leaf("kind").and_then(Value::as_text).unwrap_or_default();
    let wanted = figures_of(measure);
    let empty = Fields::new();
    let given = slot.leaf("value").and_then(Value::as_map).unwrap_or(&empty);
    if let Some(name) = wanted.iter().find(|name| !given.contains_key(**name)) {
        return Err(Fault::Missing(format!("value.{name}")));
    }
    if let Some(name) = given.keys().find(|name| !wanted.contains(&name.as_str())) {
        return Err(Fault::Disagrees(format!("value.{name}")));
    }
    for (part, whole) in [("errors", "attempted"), ("correct", "of")] {
        if let (Some(part_value), Some(whole)) = (given.get(part), given.get(whole))
            && part_value > whole
        {
            return Err(Fault::Disagrees(format!("value.{part}")));
        }
    }
    Ok(())
}

fn check_segments(slot: &Slot) -> Result<(), Fault> {
    let empty = Fields::new();
    let segments = slot.leaf("segments").and_then(Value::as_map).unwrap_or(&empty);
    let minutes = |segment: &Value| {
        segment.as_map().and_then(|s| s.get("minutes")).and_then(Value::as_int).unwrap_or(0)
    };
    let total: i64 = segments.values().map(minutes).sum();
    if total > MINUTES_MAX { Err(Fault::Disagrees("segments".into())) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_container_of_every_step_has_a_kind_of_record_and_every_kind_a_document() {
        let founded: std::collections::BTreeSet<&str> =
            DocumentKind::ALL.into_iter().flat_map(|kind| steps(kind).concat()).collect();
        let known = RecordKind::ALL.into_iter().map(RecordKind::container).collect();
        assert_eq!(founded, known);
        assert!(DocumentKind::ALL.into_iter().all(|kind| steps(kind).len() == SCHEMA as usize));
    }

    #[test]
    fn leaves_that_policy_goes_by_cannot_be_edited() {
        for (kind, path) in [
            (RecordKind::Goal, "discipline"),
            (RecordKind::Goal, "kind"),
            (RecordKind::Observation, "goal"),
            (RecordKind::Session, "segments"),
            (RecordKind::Session, "segments.0.minutes"),
            (RecordKind::Session, "segments.01.minutes"),
            (RecordKind::Session, "segments.9.minutes"),
            (RecordKind::Session, "segments.1.minutes.x"),
            (RecordKind::Session, "act"),
            (RecordKind::Edit, "void"),
            (RecordKind::Signature, "void"),
            (RecordKind::Issued, "late"),
            (RecordKind::Goal, ""),
        ] {
            assert!(editable_leaf(kind, path).is_none(), "{kind:?} {path}");
        }
        for (kind, path) in [
            (RecordKind::Goal, "statement"),
            (RecordKind::Goal, "void"),
            (RecordKind::Session, "segments.8.minutes"),
            (RecordKind::Session, "group.size"),
            (RecordKind::Observation, "value.count"),
        ] {
            assert!(editable_leaf(kind, path).is_some(), "{kind:?} {path}");
        }
    }
}
