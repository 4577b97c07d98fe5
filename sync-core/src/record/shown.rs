//! Values as people read them: figures to reach with a point, instants with their offset.
//!
//! Records keep whole numbers: figures to reach in thousandths, instants in milliseconds. A tablet and the server show them alike.

use serde::ser::SerializeMap as _;
use serde::{Serialize, Serializer};

use crate::document::schema::{RecordKind, in_thousandths};
use crate::document::slot::{ACT, AT, Fields, OFFSET, Value};
use crate::measure::thousandths::Thousandths;
use crate::time::{Moment, Zone};

/// A field's value, to be shown to somebody who may read the record.
#[derive(Debug, Clone, Copy)]
pub struct Shown<'a> {
    /// The record's kind, where the reader can know it.
    pub kind: Option<RecordKind>,
    /// The field, by its path.
    pub path: &'a str,
    /// The value that it has.
    pub value: &'a Value,
    /// The zone in which instants are told.
    pub zone: &'a Zone,
}

impl Serialize for Shown<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.value {
            Value::Int(int) if self.kind.is_some_and(|kind| in_thousandths(kind, self.path)) => {
                Thousandths(*int).serialize(serializer)
            }
            Value::Int(int) if is_moment(self.path) => {
                serializer.serialize_str(&self.zone.rfc3339(Moment(*int)))
            }
            Value::Int(int) => serializer.serialize_i64(*int),
            Value::Flag(flag) => serializer.serialize_bool(*flag),
            Value::Text(text) => serializer.serialize_str(text),
            Value::Map(fields) => {
                let mut map = serializer.serialize_map(Some(fields.len()))?;
                for (name, value) in fields {
                    let path = format!("{}.{name}", self.path);
                    map.serialize_entry(name, &Shown { path: &path, value, ..*self })?;
                }
                map.end()
            }
        }
    }
}

/// A whole record, less what every slot carries, to be shown to somebody who may read it.
#[derive(Debug, Clone, Copy)]
pub struct ShownRecord<'a> {
    /// Its kind, where the reader can know it.
    pub kind: Option<RecordKind>,
    /// Its fields.
    pub fields: &'a Fields,
    /// The zone in which instants are told.
    pub zone: &'a Zone,
}

impl Serialize for ShownRecord<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { kind, fields, zone } = *self;
        let own = fields.iter().filter(|(name, _)| ![ACT, AT, OFFSET].contains(&name.as_str()));
        serializer.collect_map(own.map(|(path, value)| (path, Shown { kind, path, value, zone })))
    }
}

fn is_moment(path: &str) -> bool {
    path == "start" || (path.starts_with("segments.") && path.ends_with(".start"))
}

#[cfg(test)]
mod tests {
    use ciborium::value::Value as Plain;

    use super::*;

    fn shown(kind: RecordKind, path: &str, value: impl Into<Value>) -> Plain {
        let zone = Zone::named("America/Chicago").unwrap();
        Plain::serialized(&Shown { kind: Some(kind), path, value: &value.into(), zone: &zone }).unwrap()
    }

    #[test]
    fn figures_and_instants_are_shown_as_people_write_them() {
        assert_eq!(shown(RecordKind::Goal, "target", 80_000), Plain::Integer(80.into()));
        assert_eq!(shown(RecordKind::Goal, "baseline", 12_500), Plain::Float(12.5));
        assert_eq!(shown(RecordKind::Session, "segments.1.minutes", 30), Plain::Integer(30.into()));
        let start = Plain::Text("2026-10-12T08:30:00-05:00".into());
        assert_eq!(shown(RecordKind::Session, "segments.1.start", 1_791_811_800_000), start);
        assert_eq!(shown(RecordKind::Tally, "start", 1_791_811_800_000), start);
    }

    #[test]
    fn a_record_is_shown_whole_and_without_what_every_slot_carries() {
        let zone = Zone::named("America/Chicago").unwrap();
        let segment = Fields::from([("start".to_owned(), Value::Int(1_791_811_800_000))]);
        let segments = Fields::from([("1".to_owned(), Value::Map(segment))]);
        let fields = Fields::from([
            (AT.to_owned(), Value::Int(1)),
            ("segments".to_owned(), Value::Map(segments)),
            ("state".to_owned(), "complete".into()),
        ]);
        let kind = Some(RecordKind::Session);
        let shown = Plain::serialized(&ShownRecord { kind, fields: &fields, zone: &zone }).unwrap();
        let text = |text: &str| Plain::Text(text.into());
        let segment = Plain::Map(vec![(text("start"), text("2026-10-12T08:30:00-05:00"))]);
        let segments = Plain::Map(vec![(text("1"), segment)]);
        assert_eq!(shown, Plain::Map(vec![(text("segments"), segments), (text("state"), text("complete"))]));
    }
}
