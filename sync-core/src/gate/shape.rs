//! The shape stage: bytes, or plain slots, become a list of new slots within limits.
//!
//! What passes is [`Shaped`]: every slot whole, under a key of the member that speaks, in a container of this document. How a change was
//! wrapped is noted beside it in [`Wrapping`] and decides nothing about its content.

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};

use automerge::Change;

use crate::document::change::{Outline, expand, outline_of};
use crate::document::collect::{Collected, DEPTH_MAX, collect};
use crate::document::container::Containers;
use crate::document::plain::{NotPlain, Plain, read_plain};
use crate::document::schema::RecordKind;
use crate::document::slot::{Fields, Slot, Value};
use crate::gate::preparse::{CHANGE_BYTES_MAX, KEY_BYTES_MAX, Preparsed, ROWS_MAX, preparse};
use crate::gate::refusal::Refusal;
use crate::gate::verbatim::Oddity;
use crate::ids::{DeviceId, PersonId};
use crate::time::MOMENT_MAX;

/// Slots of one change.
pub const SLOTS_MAX: usize = 2_000;
/// Fields of one map.
pub const FIELDS_MAX: usize = 64;
/// Bytes of a field's name. The longest are keys of twins, in the list of what an edit replaces.
pub const NAME_BYTES_MAX: usize = KEY_BYTES_MAX;
/// Bytes of one text.
pub const TEXT_BYTES_MAX: usize = 16 * 1024;
/// Weight of one slot: the bytes of its names and texts, and [`FIELD_WEIGHT`] for each field.
pub const SLOT_WEIGHT_MAX: usize = 64 * 1024;
/// What a field weighs beside its name and text.
pub const FIELD_WEIGHT: usize = 8;
/// Heads that a change may be written on, its actor's previous change included.
pub const DEPS_MAX: usize = 17;

/// Who makes slots.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Writer {
    /// A member, in records of their own.
    Member(PersonId),
    /// The server, which issues anybody's, and its own notes beside them.
    Server,
}

/// A list of new slots, each well-formed. Only this module makes one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shaped {
    slots: Vec<Slot>,
    wrapping: Option<Wrapping>,
}

impl Shaped {
    /// Returns the slots in the order in which they were made.
    pub fn slots(&self) -> &[Slot] {
        &self.slots
    }

    /// Returns how the slots were wrapped; none if they came as plain slots.
    pub fn wrapping(&self) -> Option<&Wrapping> {
        self.wrapping.as_ref()
    }

    /// Gives up the slots and their wrapping.
    pub fn into_parts(self) -> (Vec<Slot>, Option<Wrapping>) {
        (self.slots, self.wrapping)
    }
}

/// How a change wraps its slots.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Wrapping {
    /// The change as it came.
    pub bytes: Vec<u8>,
    /// Where it claims to stand. A time beyond what can be written is the nearest that can.
    pub outline: Outline,
    /// The highest founding step whose container it uses.
    pub step: u32,
    /// The first thing about the bytes alone that no well-behaved writer does.
    pub odd: Option<Oddity>,
}

impl Wrapping {
    /// `form` is what is odd about how the bytes are written.
    fn of(bytes: &[u8], outline: Outline, step: u32, device: DeviceId, form: Option<Oddity>) -> Self {
        let odd = [
            (outline.actor != device.0, Oddity::ForeignActor),
            (!(0..=MOMENT_MAX).contains(&outline.time.0), Oddity::Time),
            (outline.deps.len() > DEPS_MAX, Oddity::ManyDeps),
        ];
        let odd = odd.into_iter().find_map(|(found, oddity)| found.then_some(oddity)).or(form);
        let outline = Outline { time: outline.time.plus_ms(0), ..outline };
        Self { bytes: bytes.to_vec(), outline, step, odd }
    }
}

/// Shapes a change that a device of `member` signed.
///
/// # Errors
/// [`Refusal`]: the bytes are not a list of new slots of this member in this document.
pub fn shape_change(
    bytes: &[u8],
    containers: &Containers,
    member: PersonId,
    device: DeviceId,
) -> Result<Shaped, Refusal> {
    let (outline, collected, form) = read_change(bytes, containers)?;
    check_slots(&collected.slots, containers, Writer::Member(member))?;
    let wrapping = Wrapping::of(bytes, outline, collected.step, device, form);
    Ok(Shaped { slots: collected.slots, wrapping: Some(wrapping) })
}

/// Returns the slots that a change makes, whosever they are and however large.
///
/// # Errors
/// [`Refusal`]: the bytes make no slots, or something else, too.
pub fn slots_in(bytes: &[u8], containers: &Containers) -> Result<Vec<Slot>, Refusal> {
    let (_, collected, _) = read_change(bytes, containers)?;
    Ok(collected.slots)
}

/// Shapes slots that came as they are: work that the sender expects to be held, or what the server itself is about to issue.
///
/// # Errors
/// [`Refusal`]: a slot is not one that `writer` can make in this document.
pub fn shape_slots(slots: Vec<Slot>, containers: &Containers, writer: Writer) -> Result<Shaped, Refusal> {
    if slots.is_empty() {
        return Err(Refusal::Empty);
    }
    check_slots(&slots, containers, writer)?;
    let mut keys = BTreeSet::new();
    if !slots.iter().all(|slot| keys.insert((slot.container.as_str(), slot.key))) {
        return Err(Refusal::KeyTwice);
    }
    Ok(Shaped { slots, wrapping: None })
}

/// Reads a change: where it stands, what it makes, and what is odd about its form where that is not ours.
fn read_change(
    bytes: &[u8],
    containers: &Containers,
) -> Result<(Outline, Collected, Option<Oddity>), Refusal> {
    if bytes.len() > CHANGE_BYTES_MAX {
        return Err(Refusal::TooLarge);
    }
    match read_plain(containers, bytes) {
        Ok(Plain { outline, .. }) if outline.max_op - outline.start_op >= ROWS_MAX => {
            Err(Refusal::TooManyRows)
        }
        Ok(Plain { outline, collected }) => Ok((outline, collected, None)),
        Err(NotPlain) => {
            let (outline, collected, form) = decode(preparse(bytes)?, containers)?;
            Ok((outline, collected, Some(form)))
        }
    }
}

/// Reads a change in any other form than ours, with automerge's decoder; what it says is judged, and issued. Also returns what is odd about
/// the form: automerge would write the change as other bytes when it saves, and then the document would not open.
fn decode(
    preparsed: Preparsed<'_>,
    containers: &Containers,
) -> Result<(Outline, Collected, Oddity), Refusal> {
    // The pre-parser bounds what the decoder does, and does not promise that it never panics.
    let change = catch_unwind(AssertUnwindSafe(|| Change::try_from(preparsed.bytes())));
    let change = change.map_err(|_| Refusal::Undecodable)?.map_err(|_| Refusal::Undecodable)?;
    let outline = outline_of(&change).map_err(|_| Refusal::Undecodable)?;
    let collected = collect(containers, &expand(&change).map_err(|_| Refusal::Undecodable)?)?;
    let odd = [
        (change.message().is_some(), Oddity::Message),
        (!change.extra_bytes().is_empty(), Oddity::ExtraBytes),
        (!outline.deps.is_sorted_by(|one, next| one < next), Oddity::DepsOutOfOrder),
    ];
    let odd = odd.into_iter().find_map(|(found, oddity)| found.then_some(oddity));
    // The hash over the bytes as they came, not as automerge would write their length.
    let outline = Outline { hash: preparsed.hash(), ..outline };
    Ok((outline, collected, odd.unwrap_or(Oddity::NotCanonical)))
}

fn check_slots(slots: &[Slot], containers: &Containers, writer: Writer) -> Result<(), Refusal> {
    if slots.len() > SLOTS_MAX {
        return Err(Refusal::TooManySlots);
    }
    let mut total = 0;
    let mut keys = BTreeSet::new();
    for slot in slots {
        containers.get(&slot.container).ok_or(Refusal::UnknownContainer)?;
        if let Writer::Member(member) = writer {
            // One key is one record, whichever container it stands in; only the server's notes share the key of what they speak of.
            if !keys.insert(slot.key) {
                return Err(Refusal::KeyTwice);
            }
            if slot.key.member != member {
                return Err(Refusal::OtherMember);
            }
            if slot.key.twin.is_some() || slot.container == RecordKind::Issued.container() {
                return Err(Refusal::ServerOnly);
            }
        }
        total += weigh(slot)?;
        // A change cannot hold more; so neither can a list of slots that may become one.
        if total > CHANGE_BYTES_MAX {
            return Err(Refusal::TooLarge);
        }
    }
    Ok(())
}

/// Returns the weight of a slot, which bounds the bytes and operations that it becomes.
pub(crate) fn weigh(slot: &Slot) -> Result<usize, Refusal> {
    let weight = weigh_map(&slot.fields, DEPTH_MAX)?.saturating_add(NAME_BYTES_MAX);
    if weight > SLOT_WEIGHT_MAX { Err(Refusal::SlotTooLarge) } else { Ok(weight) }
}

fn weigh_map(fields: &Fields, depth: usize) -> Result<usize, Refusal> {
    let depth = depth.checked_sub(1).ok_or(Refusal::TooDeep)?;
    if fields.len() > FIELDS_MAX {
        return Err(Refusal::TooManyFields);
    }
    let mut weight: usize = 0;
    for (name, value) in fields {
        match name.len() {
            0 => return Err(Refusal::NamelessField),
            1..=NAME_BYTES_MAX => {}
            _ => return Err(Refusal::KeyTooLong),
        }
        let inner = match value {
            Value::Flag(_) | Value::Int(_) => 0,
            Value::Text(text) if text.len() > TEXT_BYTES_MAX => return Err(Refusal::TextTooLong),
            Value::Text(text) => text.len(),
            Value::Map(map) => weigh_map(map, depth)?,
        };
        weight = weight.saturating_add(name.len() + FIELD_WEIGHT).saturating_add(inner);
    }
    Ok(weight)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use ulid::Ulid;

    use super::*;
    use crate::document::arbitrary::{MEMBER, slots_in};
    use crate::document::change::{Encoded, Position, encode};
    use crate::document::founding::{containers_of, founding_of};
    use crate::document::name::DocumentKind;
    use crate::document::slot::SlotKey;
    use crate::ids::DocumentId;
    use crate::time::Moment;

    const DOCUMENT: DocumentId = DocumentId([7; 16]);
    const DEVICE: DeviceId = DeviceId([9; 16]);

    fn containers() -> Containers {
        containers_of(DocumentKind::Log, DOCUMENT)
    }

    fn written(slots: &[Slot]) -> Encoded {
        let founding = founding_of(DocumentKind::Log, DOCUMENT).pop().unwrap();
        let position = Position::next(DEVICE.0, None, &[founding.hash], founding.max_op, Moment(5));
        encode(&containers(), &position, slots).unwrap()
    }

    fn slot(record: u128, fields: Fields) -> Slot {
        let key = SlotKey::new(MEMBER, Ulid::from(record));
        Slot { container: "edits".into(), key, fields }
    }

    proptest! {
        #[test]
        fn what_was_encoded_is_what_is_shaped(slots in slots_in(&["edits", "missed", "sessions"])) {
            let change = written(&slots);
            let shaped = shape_change(&change.bytes, &containers(), MEMBER, DEVICE).unwrap();
            prop_assert_eq!(shaped.slots(), slots.as_slice());
            let wrapping = shaped.wrapping().unwrap();
            prop_assert_eq!((wrapping.odd, wrapping.step), (None, 1));
            prop_assert_eq!(&wrapping.outline, &change.outline());
            let (again, wrapping) = shape_slots(slots.clone(), &containers(), Writer::Member(MEMBER)).unwrap().into_parts();
            prop_assert_eq!((again, wrapping), (slots, None));
        }
    }

    /// Judges slots both as a change and as plain slots: the two ways must never differ.
    fn judged(slots: &[Slot]) -> Result<(), Refusal> {
        let plain = shape_slots(slots.to_vec(), &containers(), Writer::Member(MEMBER)).map(drop);
        let change = written(slots);
        if change.bytes.len() <= CHANGE_BYTES_MAX {
            let as_change = shape_change(&change.bytes, &containers(), MEMBER, DEVICE).map(drop);
            assert_eq!(as_change, plain);
        }
        plain
    }

    fn one(fields: impl IntoIterator<Item = (String, Value)>) -> Result<(), Refusal> {
        judged(&[slot(1, fields.into_iter().collect())])
    }

    fn text(length: usize) -> Value {
        "x".repeat(length).into()
    }

    #[test]
    fn sizes_have_limits() {
        assert_eq!(one([("t".into(), text(TEXT_BYTES_MAX))]), Ok(()));
        assert_eq!(one([("t".into(), text(TEXT_BYTES_MAX + 1))]), Err(Refusal::TextTooLong));
        assert_eq!(one([("n".repeat(NAME_BYTES_MAX), true.into())]), Ok(()));
        assert_eq!(one([("n".repeat(NAME_BYTES_MAX + 1), true.into())]), Err(Refusal::KeyTooLong));
        assert_eq!(one([(String::new(), true.into())]), Err(Refusal::NamelessField));
        let fields = |count: usize| (0..count).map(|n| (format!("f{n}"), Value::Int(1)));
        assert_eq!(one(fields(FIELDS_MAX)), Ok(()));
        assert_eq!(one(fields(FIELDS_MAX + 1)), Err(Refusal::TooManyFields));
        let inside = Value::Map(fields(FIELDS_MAX + 1).collect());
        assert_eq!(one([("m".into(), inside)]), Err(Refusal::TooManyFields));
        let texts = |count: usize| (0..count).map(|n| (format!("t{n}"), text(TEXT_BYTES_MAX)));
        assert_eq!(one(texts(3)), Ok(()));
        assert_eq!(one(texts(4)), Err(Refusal::SlotTooLarge));
    }

    #[test]
    fn lists_have_limits() {
        let many = |count: u128| (0..count).map(|n| slot(n, Fields::new())).collect::<Vec<_>>();
        assert_eq!(judged(&many(SLOTS_MAX as u128)), Ok(()));
        assert_eq!(judged(&many(SLOTS_MAX as u128 + 1)), Err(Refusal::TooManySlots));
        let heavy = |count: u128| -> Vec<Slot> {
            let texts = || (0..3).map(|n| (format!("t{n}"), text(TEXT_BYTES_MAX)));
            (0..count).map(|n| slot(n, texts().collect())).collect()
        };
        assert_eq!(judged(&heavy(5)), Ok(()));
        assert_eq!(judged(&heavy(6)), Err(Refusal::TooLarge));
    }

    #[test]
    fn depth_has_a_limit() {
        let nested = |levels: usize| {
            (1..levels).fold(Fields::new(), |fields, _| Fields::from([("m".into(), fields.into())]))
        };
        assert_eq!(one(nested(DEPTH_MAX)), Ok(()));
        assert_eq!(one(nested(DEPTH_MAX + 1)), Err(Refusal::TooDeep));
    }

    #[test]
    fn plain_slots_are_held_to_the_same_rules() {
        let shape = |slot: Slot, writer| shape_slots(vec![slot], &containers(), writer).map(drop);
        let good = slot(1, Fields::new());
        let other = Slot { key: SlotKey::new(PersonId([2; 16]), Ulid::from(1)), ..good.clone() };
        let twin = Slot { key: SlotKey { twin: Some(good.content_hash()), ..good.key }, ..good.clone() };
        let issued = Slot { container: "issued".into(), ..good.clone() };
        let nowhere = Slot { container: "later".into(), ..good.clone() };
        for (slot, refusal) in [
            (other, Some(Refusal::OtherMember)),
            (twin, Some(Refusal::ServerOnly)),
            (issued, Some(Refusal::ServerOnly)),
            (good.clone(), None),
        ] {
            assert_eq!(shape(slot.clone(), Writer::Member(MEMBER)).err(), refusal);
            assert_eq!(shape(slot, Writer::Server), Ok(()));
        }
        assert_eq!(shape(nowhere, Writer::Server), Err(Refusal::UnknownContainer));
        let twice = shape_slots(vec![good.clone(), good], &containers(), Writer::Server);
        assert_eq!(twice.map(drop), Err(Refusal::KeyTwice));
        assert_eq!(shape_slots(Vec::new(), &containers(), Writer::Server).map(drop), Err(Refusal::Empty));
    }
}
