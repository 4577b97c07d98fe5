//! Whether what arrives, or is typed, is what the tables say.

use super::RecordKind;
use super::fields::{COMMON, Field, Type, figures_of, number_up_to};
use super::limits::MINUTES_MAX;
use crate::document::slot::{ContentHash, Fields, Slot, SlotKey, Value};
use crate::ids::{ActId, PersonId};
use crate::measure::value::ValueError;
use crate::time::{MOMENT_MAX, day_from_text};

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
/// The value of an edit is not checked here: what it must be depends on the target ([`editable_leaf`](super::editable_leaf)).
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
