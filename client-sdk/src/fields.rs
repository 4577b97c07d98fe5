//! Values as people write and read them: `minutes=25`, `target=80`, a start with its offset.
//!
//! Records keep whole numbers: figures to reach in thousandths, instants in milliseconds. What is typed becomes one here; how it is shown
//! is the record's own, see [`Shown`](sync_core::record::Shown).

use sync_core::document::schema::{RecordKind, Type, editable_leaf, in_thousandths};
use sync_core::document::slot::{Fields, Slot, Value};
use sync_core::measure::thousandths::Thousandths;
use sync_core::time::{day_from_text, moment_from_rfc3339};

use crate::trouble::Trouble;

/// The fields of a segment, which a session of one segment has as if they were its own.
const OF_SEGMENT: [&str; 5] = ["mode", "place", "routine", "start", "minutes"];
/// The figures of an observation.
const OF_VALUE: [&str; 6] = ["count", "seconds", "attempted", "errors", "correct", "of"];

/// Returns the path of a field that was named in short.
///
/// # Errors
/// [`Trouble::Value`] where a session has several segments and the name could mean any of them.
pub fn path_of(kind: RecordKind, slot: &Slot, name: &str) -> Result<String, Trouble> {
    if kind == RecordKind::Session && OF_SEGMENT.contains(&name) {
        let segments = slot.leaf("segments").and_then(Value::as_map).map_or(0, Fields::len);
        return if segments > 1 {
            let help = format!("name one of its segments: segments.1.{name} to segments.{segments}.{name}");
            Err(Trouble::value(format!("the session has {segments} segments"), help))
        } else {
            Ok(format!("segments.1.{name}"))
        };
    }
    if kind == RecordKind::Observation && OF_VALUE.contains(&name) {
        return Ok(format!("value.{name}"));
    }
    Ok(name.to_owned())
}

/// Reads a value for a field.
///
/// # Errors
/// [`Trouble::Value`] where there is no such field, or the text is no value for it.
pub fn read(kind: RecordKind, path: &str, text: &str) -> Result<Value, Trouble> {
    let Some(ty) = editable_leaf(kind, path) else {
        return Err(Trouble::value(format!("{path} cannot be changed here"), "check the name of the field"));
    };
    let no = |what: &str| Trouble::value(format!("{path} is not {what}"), format!("give {path} as {what}"));
    if in_thousandths(kind, path) {
        return Thousandths::parse(text)
            .filter(|figure| *figure >= Thousandths::whole(0))
            .map(|figure| Value::Int(figure.0))
            .ok_or_else(|| no("a number of 0 or more, with at most three decimals"));
    }
    match ty {
        Type::Int(_, _) => text.parse().map(Value::Int).map_err(|_| no("a whole number")),
        Type::Flag => text.parse().map(Value::Flag).map_err(|_| no("true or false")),
        Type::Moment => {
            let moment = moment_from_rfc3339(text);
            moment
                .map(|at| Value::Int(at.0))
                .ok_or_else(|| no("an instant such as 2026-11-20T09:30:00-06:00"))
        }
        Type::Day => match day_from_text(text) {
            Some(_) => Ok(text.into()),
            None => Err(no("a day such as 2026-11-20")),
        },
        Type::Text(_)
        | Type::Choice(_)
        | Type::Person
        | Type::Key
        | Type::Act
        | Type::Id(_)
        | Type::Hash
        | Type::Scalar
        | Type::Map(_)
        | Type::Numbered(_, _)
        | Type::Keys(_) => Ok(text.into()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_value_is_read_by_the_type_of_its_field() {
        assert_eq!(read(RecordKind::Goal, "target", "80").unwrap(), Value::Int(80_000));
        assert_eq!(read(RecordKind::Goal, "target", "12.5").unwrap(), Value::Int(12_500));
        for wrong in ["-1", "80%", "1.2345"] {
            assert!(read(RecordKind::Goal, "target", wrong).is_err(), "{wrong}");
        }
        assert_eq!(json!([Thousandths(80_000), Thousandths(12_500)]).to_string(), "[80,12.5]");
        assert_eq!(read(RecordKind::Session, "segments.1.minutes", "25").unwrap(), Value::Int(25));
        assert_eq!(read(RecordKind::Session, "void", "true").unwrap(), Value::Flag(true));
        for (path, text) in
            [("segments.1.minutes", "x"), ("segments.1.start", "today"), ("role", "slp"), ("mood", "1")]
        {
            assert_eq!(read(RecordKind::Session, path, text).unwrap_err().exit_code(), 2, "{path}");
        }
    }
}
