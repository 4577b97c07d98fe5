//! The fields of every kind of record, and what a value of each must be.

use super::RecordKind;
use super::limits::{
    CRITERION_CHARS_MAX, FIGURE_MAX, MINUTES_MAX, NOTE_CHARS_MAX, OFFSET_MAX, PLAIN_STATEMENT_CHARS_MAX,
    REASON_CHARS_MAX, REPLACES_MAX, SECONDS_MAX, SEGMENTS_MAX, SESSIONS_MAX, STATEMENT_CHARS_MAX, TAPS_MAX,
    TARGET_MAX,
};
use super::words::{
    AUTHOR_ROLES, DIRECTIONS, DISCIPLINES, MEASURES, MODES, PERIODS, PLACES, PLAN_KINDS, REASONS, ROUTINES,
};
use crate::document::slot::{ACT, AT, OFFSET};

/// The path of the field by which a record is removed (`true`) and reinstated (`false`).
pub const VOID: &str = "void";

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

impl RecordKind {
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
}

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

pub(super) fn number_up_to(text: &str, most: usize) -> Option<usize> {
    let number: usize = text.parse().ok()?;
    (number.to_string() == text && (1..=most).contains(&number)).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

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
