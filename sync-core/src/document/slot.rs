//! A slot: the one thing that anyone can say in a document.
//!
//! A slot is made once, whole, under a key that names its owner, and never touched again. A change of mind is another slot (an edit).

use std::borrow::Borrow;
use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::de::{self, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest, Sha256};
use ulid::Ulid;

use crate::ids::{ActId, InvalidId, OrgId, PersonId, derive, first_16};
use crate::time::Moment;

/// The field that names a slot's act.
pub const ACT: &str = "act";
/// The field with the claimed time of a slot, in milliseconds since 1970 UTC by the tablet's clock.
pub const AT: &str = "at";
/// The field with what the tablet believed its clock to lag behind the server's, in milliseconds.
pub const OFFSET: &str = "offset";

/// The named values of a slot, or of a map in it.
pub type Fields = BTreeMap<String, Value>;

/// A value in a slot: a scalar, or a small map of them.
///
/// Lists, counters, marks and shared text do not exist in our documents.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Value {
    /// True or false.
    Flag(bool),
    /// A whole number; figures with decimals are stored in thousandths.
    Int(i64),
    /// Text, which may be a note about a child: it is not printed by `Debug`.
    Text(String),
    /// Named values.
    Map(Fields),
}

impl Value {
    /// Returns the text, if it is one.
    pub fn as_text(&self) -> Option<&str> {
        if let Self::Text(text) = self { Some(text) } else { None }
    }

    /// Returns the whole number, if it is one.
    pub fn as_int(&self) -> Option<i64> {
        if let Self::Int(int) = self { Some(*int) } else { None }
    }

    /// Returns the flag, if it is one.
    pub fn as_flag(&self) -> Option<bool> {
        if let Self::Flag(flag) = self { Some(*flag) } else { None }
    }

    /// Returns the map, if it is one.
    pub fn as_map(&self) -> Option<&Fields> {
        if let Self::Map(map) = self { Some(map) } else { None }
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(flag) => write!(f, "{flag}"),
            Self::Int(int) => write!(f, "{int}"),
            Self::Text(text) => write!(f, "[text of {} bytes]", text.len()),
            Self::Map(map) => f.debug_map().entries(map).finish(),
        }
    }
}

impl From<bool> for Value {
    fn from(flag: bool) -> Self {
        Self::Flag(flag)
    }
}

impl From<i64> for Value {
    fn from(int: i64) -> Self {
        Self::Int(int)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<Fields> for Value {
    fn from(map: Fields) -> Self {
        Self::Map(map)
    }
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Flag(flag) => s.serialize_bool(*flag),
            Self::Int(int) => s.serialize_i64(*int),
            Self::Text(text) => s.serialize_str(text),
            Self::Map(map) => map.serialize(s),
        }
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        struct Any;
        impl<'de> Visitor<'de> for Any {
            type Value = Value;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a flag, a whole number, a text or a map of them")
            }

            fn visit_bool<E>(self, flag: bool) -> Result<Value, E> {
                Ok(Value::Flag(flag))
            }

            fn visit_i64<E>(self, int: i64) -> Result<Value, E> {
                Ok(Value::Int(int))
            }

            fn visit_u64<E: de::Error>(self, int: u64) -> Result<Value, E> {
                i64::try_from(int).map(Value::Int).map_err(|_| E::custom("number out of range"))
            }

            fn visit_str<E>(self, text: &str) -> Result<Value, E> {
                Ok(Value::Text(text.to_owned()))
            }

            fn visit_string<E>(self, text: String) -> Result<Value, E> {
                Ok(Value::Text(text))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
                let mut map = Fields::new();
                while let Some((key, value)) = access.next_entry()? {
                    if map.insert(key, value).is_some() {
                        return Err(de::Error::custom("a key twice"));
                    }
                }
                Ok(Value::Map(map))
            }
        }
        d.deserialize_any(Any)
    }
}

/// A slot's key, `<member>/<ulid>`: the member owns the record.
///
/// A twin (the same key, other content) that was admitted stands under `<member>/<ulid>.<content hash>`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SlotKey {
    /// The member whose record it is.
    pub member: PersonId,
    /// What tells this member's records apart.
    pub record: Ulid,
    /// For an admitted twin, the hash of its content.
    pub twin: Option<ContentHash>,
}

impl SlotKey {
    /// Returns the key of a member's record.
    pub fn new(member: PersonId, record: Ulid) -> Self {
        Self { member, record, twin: None }
    }

    /// Returns the key of the record that the organisation's roster calls `external_id`, in the named container.
    pub fn imported(org: OrgId, container: &str, external_id: &str) -> Self {
        let parts: [&[u8]; 3] = [&org.0, container.as_bytes(), external_id.as_bytes()];
        Self::new(PersonId::organisation(org), Ulid::from_bytes(derive("imported", &parts)))
    }
}

impl fmt::Display for SlotKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.member, self.record)?;
        match self.twin {
            Some(hash) => write!(f, ".{hash}"),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for SlotKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for SlotKey {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        let (member, rest) = text.split_once('/').ok_or(InvalidId)?;
        let (record, twin) = match rest.split_once('.') {
            Some((record, twin)) => (record, Some(twin.parse()?)),
            None => (rest, None),
        };
        // ActId reads a ULID in its one written form.
        let record = Ulid::from_bytes(record.parse::<ActId>()?.0);
        Ok(Self { member: member.parse()?, record, twin })
    }
}

impl Serialize for SlotKey {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        if s.is_human_readable() {
            return s.collect_str(self);
        }
        let mut bytes = Vec::with_capacity(48);
        bytes.extend(self.member.0);
        bytes.extend(self.record.to_bytes());
        bytes.extend(self.twin.iter().flat_map(|hash| hash.0));
        serde_bytes::serialize(&bytes, s)
    }
}

impl<'de> Deserialize<'de> for SlotKey {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        if d.is_human_readable() {
            return String::deserialize(d)?.parse().map_err(de::Error::custom);
        }
        let bytes: Vec<u8> = serde_bytes::deserialize(d)?;
        let (member, rest) = bytes.split_first_chunk::<16>().ok_or_else(|| de::Error::custom(InvalidId))?;
        let (record, rest) = rest.split_first_chunk::<16>().ok_or_else(|| de::Error::custom(InvalidId))?;
        let twin = match rest.len() {
            0 => None,
            _ => Some(ContentHash(rest.try_into().map_err(|_| de::Error::custom(InvalidId))?)),
        };
        Ok(Self { member: PersonId(*member), record: Ulid::from_bytes(*record), twin })
    }
}

/// The first 16 bytes of the SHA-256 of what a slot says; 32 hexadecimal digits in writing.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ContentHash(#[serde(with = "serde_bytes")] pub [u8; 16]);

impl fmt::Display for ContentHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for ContentHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for ContentHash {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        let digits = text.as_bytes();
        if digits.len() != 32 || digits.iter().any(|d| !matches!(d, b'0'..=b'9' | b'a'..=b'f')) {
            return Err(InvalidId);
        }
        let mut bytes = [0; 16];
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks(2)) {
            let pair = std::str::from_utf8(pair).map_err(|_| InvalidId)?;
            *byte = u8::from_str_radix(pair, 16).map_err(|_| InvalidId)?;
        }
        Ok(Self(bytes))
    }
}

/// A record as its author made it: in which container, under which key, with which values.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Slot {
    /// The founded map that it stands in, such as `observations`.
    pub container: String,
    /// Its key there, which names its owner.
    pub key: SlotKey,
    /// Its values, with `act`, `at` and `offset` among them.
    pub fields: Fields,
}

impl Slot {
    /// Returns the act that the slot says it belongs to.
    pub fn act(&self) -> Option<ActId> {
        self.fields.get(ACT)?.as_text()?.parse().ok()
    }

    /// Returns the act that the slot counts as: one without a readable act is an act of its own.
    pub fn act_or_own(&self) -> ActId {
        self.act().unwrap_or_else(|| ActId::from(self.key.record))
    }

    /// Returns when the author's tablet said it was.
    pub fn claimed_at(&self) -> Option<Moment> {
        self.fields.get(AT)?.as_int().map(Moment)
    }

    /// Returns the claimed time corrected by the clock's offset: for showing, never for judging.
    pub fn corrected_at(&self) -> Option<Moment> {
        let offset = self.fields.get(OFFSET).and_then(Value::as_int).unwrap_or(0);
        self.claimed_at().map(|at| at.plus_ms(offset))
    }

    /// Returns the value of one leaf by its dotted path, such as `segments.1.minutes`.
    pub fn leaf(&self, path: &str) -> Option<&Value> {
        let mut steps = path.split('.');
        let first = self.fields.get(steps.next()?)?;
        steps.try_fold(first, |value, step| value.as_map()?.get(step))
    }

    /// Returns the hash of what the slot says: container, key and fields, but not `act`, `at` and `offset`.
    ///
    /// Two tablets that finish the same live session may differ in those three and still say the same.
    pub fn content_hash(&self) -> ContentHash {
        let mut hash = Sha256::new();
        feed_text(&mut hash, &self.container);
        feed_text(&mut hash, &self.key.to_string());
        for (name, value) in
            self.fields.iter().filter(|(name, _)| ![ACT, AT, OFFSET].contains(&name.as_str()))
        {
            feed_text(&mut hash, name);
            feed(&mut hash, value);
        }
        ContentHash(first_16(&hash.finalize()))
    }
}

fn feed_text(hash: &mut Sha256, text: &str) {
    hash.update((text.len() as u64).to_be_bytes());
    hash.update(text);
}

/// Feeds a value so that no two values feed the same bytes.
pub(crate) fn feed(hash: &mut Sha256, value: &Value) {
    match value {
        Value::Flag(flag) => hash.update([0, u8::from(*flag)]),
        Value::Int(int) => {
            hash.update([1]);
            hash.update(int.to_be_bytes());
        }
        Value::Text(text) => {
            hash.update([2]);
            feed_text(hash, text);
        }
        Value::Map(map) => {
            hash.update([3]);
            hash.update((map.len() as u64).to_be_bytes());
            for (name, value) in map {
                feed_text(hash, name);
                feed(hash, value);
            }
        }
    }
}

/// Sorts slots by their acts, each act where its first slot was. A slot without a readable act is one of its own: the gate holds it for that
/// field.
pub fn by_act<S: Borrow<Slot>>(slots: impl IntoIterator<Item = S>) -> Vec<(ActId, Vec<S>)> {
    let mut acts: Vec<(ActId, Vec<S>)> = Vec::new();
    let mut places: BTreeMap<ActId, usize> = BTreeMap::new();
    for slot in slots {
        let act = slot.borrow().act_or_own();
        match places.get(&act).and_then(|place| acts.get_mut(*place)) {
            Some((_, group)) => group.push(slot),
            None => {
                places.insert(act, acts.len());
                acts.push((act, vec![slot]));
            }
        }
    }
    acts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slot() -> Slot {
        let key = SlotKey::new(PersonId(derive("p", &[])), Ulid::from_bytes(derive("r", &[])));
        let value = Fields::from([("correct".into(), 4.into()), ("of".into(), 5.into())]);
        Slot { container: "observations".into(), key, fields: Fields::from([("value".into(), value.into())]) }
    }

    #[test]
    fn keys_read_back_in_both_forms() {
        let mut key = slot().key;
        for twin in [None, Some(slot().content_hash())] {
            key.twin = twin;
            assert_eq!(key.to_string().parse(), Ok(key));
            let mut bytes = Vec::new();
            ciborium::into_writer(&key, &mut bytes).unwrap();
            assert_eq!(ciborium::from_reader::<SlotKey, _>(bytes.as_slice()).unwrap(), key);
        }
        for bad in ["", "/", "a/b", &key.to_string().to_lowercase(), &format!("{key}.")] {
            assert!(bad.parse::<SlotKey>().is_err(), "{bad}");
        }
    }

    #[test]
    fn equal_content_is_equal_whenever_it_was_said() {
        let (one, mut other) = (slot(), slot());
        other.fields.insert(AT.into(), 5.into());
        other.fields.insert(OFFSET.into(), 7.into());
        assert_eq!(one.content_hash(), other.content_hash());
        other.fields.insert("note".into(), "x".into());
        assert_ne!(one.content_hash(), other.content_hash());
    }

    #[test]
    fn leaves_are_reached_by_their_path() {
        assert_eq!(slot().leaf("value.of"), Some(&Value::Int(5)));
        assert_eq!(slot().leaf("value.of.x"), None);
        assert_eq!(slot().leaf(""), None);
    }

    #[test]
    fn text_is_never_printed() {
        let mut slot = slot();
        slot.fields.insert("note".into(), "Maya cried".into());
        assert!(!format!("{slot:?}").contains("Maya"));
    }
}
