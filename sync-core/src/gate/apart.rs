//! The acts of one envelope, each shaped by itself: a misshapen one is no reason to refuse those that travel with it.

use std::collections::BTreeMap;

use crate::document::container::Containers;
use crate::document::slot::{ContentHash, Slot, SlotKey, by_act};
use crate::gate::refusal::Refusal;
use crate::gate::shape::{Shaped, Writer, shape_slots};
use crate::ids::{ActId, PersonId};

/// What an envelope brings, act by act.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Apart {
    /// The acts that are well-formed; none where no act is.
    pub shaped: Option<Shaped>,
    /// The others, in the order in which they begin.
    pub misshapen: Vec<Misshapen>,
}

/// An act that is no list of new slots of its author.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Misshapen {
    /// Which act.
    pub act: ActId,
    /// What each of its slots says.
    pub contents: Vec<ContentHash>,
    /// What is wrong with it.
    pub refusal: Refusal,
}

impl From<Shaped> for Apart {
    fn from(shaped: Shaped) -> Self {
        Self { shaped: Some(shaped), misshapen: Vec::new() }
    }
}

/// Shapes each act of a member's slots by itself. A key that stands twice is the fault of every act that it stands in: nothing depends on
/// their order.
///
/// # Errors
/// [`Refusal`]: no act is misshapen, and together they are still no list of new slots; or those that are left are not.
pub fn shape_apart(slots: Vec<Slot>, containers: &Containers, member: PersonId) -> Result<Apart, Refusal> {
    let mut times: BTreeMap<SlotKey, usize> = BTreeMap::new();
    for slot in &slots {
        *times.entry(slot.key).or_default() += 1;
    }
    let (mut whole, mut misshapen) = (Vec::new(), Vec::new());
    for (act, slots) in by_act(slots) {
        let twice = slots.iter().any(|slot| times.get(&slot.key).is_some_and(|times| *times > 1));
        let contents = slots.iter().map(Slot::content_hash).collect();
        let shaped = if twice {
            Err(Refusal::KeyTwice)
        } else {
            shape_slots(slots, containers, Writer::Member(member))
        };
        match shaped {
            Ok(shaped) => whole.extend(shaped.into_parts().0),
            Err(refusal) => misshapen.push(Misshapen { act, contents, refusal }),
        }
    }
    let shaped = match (whole.is_empty(), misshapen.is_empty()) {
        (true, false) => None,
        (true, true) | (false, _) => Some(shape_slots(whole, containers, Writer::Member(member))?),
    };
    Ok(Apart { shaped, misshapen })
}

#[cfg(test)]
mod tests {
    use ulid::Ulid;

    use super::*;
    use crate::document::arbitrary::MEMBER;
    use crate::document::founding::containers_of;
    use crate::document::name::DocumentKind;
    use crate::document::slot::{ACT, Fields};
    use crate::gate::shape::{SLOTS_MAX, TEXT_BYTES_MAX};
    use crate::ids::DocumentId;

    fn slot(record: u128, act: u128, text: &str) -> Slot {
        let act = (ACT.to_owned(), Ulid::from(act).to_string().into());
        let fields = Fields::from([act, ("note".to_owned(), text.into())]);
        Slot { container: "sessions".to_owned(), key: SlotKey::new(MEMBER, Ulid::from(record)), fields }
    }

    fn apart(slots: Vec<Slot>) -> Result<(usize, Vec<(u128, Refusal)>), Refusal> {
        let containers = containers_of(DocumentKind::Log, DocumentId([7; 16]));
        let Apart { shaped, misshapen } = shape_apart(slots, &containers, MEMBER)?;
        let refused = misshapen.iter().map(|one| (u128::from_be_bytes(one.act.0), one.refusal)).collect();
        Ok((shaped.map_or(0, |shaped| shaped.slots().len()), refused))
    }

    #[test]
    fn an_act_is_refused_by_itself() {
        let long = "a".repeat(TEXT_BYTES_MAX + 1);
        let slots = vec![slot(1, 1, "a"), slot(2, 2, &long), slot(3, 2, "its other half"), slot(4, 3, "a")];
        assert_eq!(apart(slots), Ok((2, vec![(2, Refusal::TextTooLong)])));
        assert_eq!(apart(vec![slot(1, 1, &long)]), Ok((0, vec![(1, Refusal::TextTooLong)])));
    }

    #[test]
    fn a_key_twice_is_the_fault_of_both() {
        let slots = vec![slot(1, 1, "a"), slot(1, 2, "b"), slot(2, 3, "c")];
        let both = vec![(1, Refusal::KeyTwice), (2, Refusal::KeyTwice)];
        assert_eq!(apart(slots.clone()), Ok((1, both.clone())));
        let reversed: Vec<Slot> = slots.into_iter().rev().collect();
        assert_eq!(apart(reversed), Ok((1, both.into_iter().rev().collect())));
    }

    #[test]
    fn a_slot_without_an_act_is_one_of_its_own() {
        let mut bare = slot(9, 1, &"a".repeat(TEXT_BYTES_MAX + 1));
        bare.fields.remove(ACT);
        assert_eq!(apart(vec![slot(1, 1, "a"), bare]), Ok((1, vec![(9, Refusal::TextTooLong)])));
    }

    #[test]
    fn what_is_too_much_together_is_nobodys_fault() {
        let many = (0..=SLOTS_MAX as u128).map(|record| slot(record, record, "a")).collect();
        assert_eq!(apart(many), Err(Refusal::TooManySlots));
        assert_eq!(apart(Vec::new()), Err(Refusal::Empty));
    }
}
