//! Issuing: the server makes slots anew, on what the document has now, under an actor of its own.
//!
//! What slots mean does not depend on the heads that they were made on, so nothing is lost or settled by it. No document is loaded: the
//! index has the heads, the largest counter and the actor's last change.

use crate::document::change::{ActorTip, ChangeHash, EncodeError, Encoded, Position, encode};
use crate::document::container::Containers;
use crate::document::slot::Slot;
use crate::gate::shape::{SLOT_WEIGHT_MAX, SLOTS_MAX, weigh};
use crate::time::Moment;

/// Where a document stands now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tip {
    /// Its heads.
    pub heads: Vec<ChangeHash>,
    /// The largest counter of an operation in it.
    pub max_op: u64,
    /// The server actor's last change in it.
    pub actor: Option<ActorTip>,
}

/// Makes the changes that issue these slots, in their order, each on the one before: one change, or more where one would exceed limits.
///
/// The last one is the document's only head afterwards.
///
/// # Errors
/// [`EncodeError`], as for encoding.
pub fn issue(
    containers: &Containers,
    tip: &Tip,
    server_actor: [u8; 16],
    time: Moment,
    slots: &[Slot],
) -> Result<Vec<Encoded>, EncodeError> {
    let mut tip = tip.clone();
    let mut issued = Vec::new();
    let mut rest = slots;
    while !rest.is_empty() || issued.is_empty() {
        let (now, later) = rest.split_at(fitting(rest));
        let position = Position::next(server_actor, tip.actor, &tip.heads, tip.max_op, time);
        let change = encode(containers, &position, now)?;
        tip = Tip {
            heads: vec![change.hash],
            max_op: change.max_op,
            actor: Some(ActorTip { seq: position.seq, hash: change.hash }),
        };
        issued.push(change);
        rest = later;
    }
    Ok(issued)
}

/// Returns how many of the first slots go into one change: as many as weigh no more than one slot may, and at least one.
fn fitting(slots: &[Slot]) -> usize {
    let mut total = 0;
    let fits = |slot: &&Slot| {
        total += weigh(slot).unwrap_or(SLOT_WEIGHT_MAX);
        total <= SLOT_WEIGHT_MAX
    };
    slots.iter().take(SLOTS_MAX).take_while(fits).count().max(1).min(slots.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::founding::{containers_of, founding_of};
    use crate::document::name::DocumentKind;
    use crate::document::slot::{Fields, SlotKey, Value};
    use crate::gate::preparse::{CHANGE_BYTES_MAX, preparse};
    use crate::gate::shape::{TEXT_BYTES_MAX, Writer, shape_slots};
    use crate::ids::{DocumentId, PersonId};

    const DOCUMENT: DocumentId = DocumentId([7; 16]);

    fn slot(n: u32, fields: Fields) -> Slot {
        let key = SlotKey::new(PersonId([1; 16]), ulid::Ulid::from(u128::from(n)));
        Slot { container: "observations".into(), key, fields }
    }

    fn issued(slots: &[Slot]) -> Vec<Encoded> {
        let containers = containers_of(DocumentKind::Log, DOCUMENT);
        let founding = founding_of(DocumentKind::Log, DOCUMENT).pop().unwrap();
        let tip = Tip { heads: vec![founding.hash], max_op: founding.max_op, actor: None };
        issue(&containers, &tip, [3; 16], Moment(5), slots).unwrap()
    }

    #[test]
    fn what_exceeds_one_change_becomes_a_chain() {
        let note = |n| slot(n, Fields::from([("note".into(), "x".repeat(TEXT_BYTES_MAX).into())]));
        let slots: Vec<Slot> = (0..8).map(note).collect();
        let chain = issued(&slots);
        assert_eq!(chain.len(), 3);
        let containers = containers_of(DocumentKind::Log, DOCUMENT);
        let read = |change: &Encoded| {
            preparse(&change.bytes).unwrap();
            crate::document::change::slots_of_change(&containers, &change.bytes).unwrap()
        };
        assert_eq!(chain.iter().flat_map(read).collect::<Vec<_>>(), slots);
        for pair in chain.windows(2) {
            let next = crate::document::change::outline(&pair[1].bytes).unwrap();
            assert_eq!((next.start_op, next.deps), (pair[0].max_op + 1, vec![pair[0].hash]));
        }
        assert_eq!(issued(&slots[..1]).len(), 1);
    }

    #[test]
    fn the_heaviest_slot_fits_one_change() {
        // As many operations as the weight allows, and each of them as long as it can be when encoded.
        let numbers =
            || (0..64u8).map(|n| (char::from(n + 32).to_string(), Value::Int(i64::MIN + i64::from(n))));
        let maps = |n: u8| (0..n).map(|n| (char::from(n + 32).to_string(), Value::Map(numbers().collect())));
        let outer = |n: u8| (0..n).map(|_| Value::Map(maps(62).collect()));
        let fields: Fields = ["a", "b"].into_iter().map(str::to_owned).zip(outer(2)).collect();
        let heavy = slot(1, Fields::from([("a".into(), fields["a"].clone())]));
        assert!(weigh(&heavy).is_ok_and(|weight| weight > SLOT_WEIGHT_MAX / 2));
        let both = slot(1, fields);
        let containers = containers_of(DocumentKind::Log, DOCUMENT);
        assert!(shape_slots(vec![heavy.clone()], &containers, Writer::Server).is_ok());
        assert!(shape_slots(vec![both], &containers, Writer::Server).is_err());
        let change = issued(&[heavy]).pop().unwrap();
        assert!(change.bytes.len() <= CHANGE_BYTES_MAX, "{}", change.bytes.len());
        preparse(&change.bytes).unwrap();
    }
}
