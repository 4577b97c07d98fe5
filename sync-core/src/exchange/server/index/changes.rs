//! Where in the log a document's changes stand: many places in one row, so that a change costs a part of a row and not one of its own.
//!
//! A row's key ends with its first place; its value has how far behind that the others stand. Every row of a document but its last is full.

use super::{Index, key, seq_at_end};
use crate::exchange::server::row::{decode, encode};
use crate::ids::DocumentId;
use crate::kv::{KvError, KvRead as _, Overlay, Pair};

/// Places in one row.
const PLACES_MAX: usize = 64;

impl Index<'_> {
    /// Returns the places in the log of a document's changes after `after` and up to `until`, at most `limit`.
    pub fn changes(
        &self,
        document: DocumentId,
        after: u64,
        until: u64,
        limit: usize,
    ) -> Result<Vec<u64>, KvError> {
        let from = after.saturating_add(1);
        let start = key::changes(document, Some(from));
        let end = key::changes(document, Some(until.saturating_add(1)));
        // Where the first of them stands may have begun before it. Of the rows behind, each is full unless it is the last of all.
        let before = self.0.last(&key::changes(document, None), &start)?;
        let behind = self.0.range(&start, &end, limit.div_ceil(PLACES_MAX))?;
        let mut places = Vec::new();
        for row in before.into_iter().chain(behind) {
            places.extend(places_of(&row)?.into_iter().filter(|place| (from..=until).contains(place)));
        }
        places.truncate(limit);
        Ok(places)
    }
}

/// Adds the place of a document's newest change to its last row, which begins at `row`; 0 where there is none. Returns where the row begins
/// in which it stands now.
pub(crate) fn add_place(
    sheet: &mut Overlay<'_>,
    document: DocumentId,
    row: u64,
    place: u64,
) -> Result<u64, KvError> {
    if row != 0 {
        let key = key::changes(document, Some(row));
        let mut distances: Vec<u64> = decode(&sheet.get(&key)?.ok_or(KvError::Damaged("places"))?)?;
        if distances.len() + 1 < PLACES_MAX {
            distances.push(place.checked_sub(row).ok_or(KvError::Damaged("places"))?);
            sheet.put(key, encode(&distances));
            return Ok(row);
        }
    }
    sheet.put(key::changes(document, Some(place)), encode::<Vec<u64>>(&Vec::new()));
    Ok(place)
}

fn places_of((key, value): &Pair) -> Result<Vec<u64>, KvError> {
    let first = seq_at_end(key)?;
    let distances: Vec<u64> = decode(value)?;
    let behind = distances.into_iter().map(|distance| first.checked_add(distance));
    std::iter::once(Some(first)).chain(behind).collect::<Option<_>>().ok_or(KvError::Damaged("places"))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;
    use crate::kv::Memory;

    const ONE: DocumentId = DocumentId([1; 16]);
    const OTHER: DocumentId = DocumentId([2; 16]);

    /// Writes places of both documents by turns, a batch of each at a time.
    fn written(batches: &[(bool, Vec<u64>)]) -> (Memory, [BTreeSet<u64>; 2]) {
        let (mut index, mut model, mut rows, mut place) =
            (Memory::default(), [const { BTreeSet::new() }; 2], [0; 2], 0);
        for (other, steps) in batches {
            let (which, document) = if *other { (1, OTHER) } else { (0, ONE) };
            let mut sheet = Overlay::new(&index);
            for step in steps {
                place += step;
                rows[which] = add_place(&mut sheet, document, rows[which], place).unwrap();
                model[which].insert(place);
            }
            let writes = sheet.into_writes();
            index.apply(writes);
        }
        (index, model)
    }

    proptest! {
        #[test]
        fn places_are_read_as_they_were_added(
            batches in prop::collection::vec((any::<bool>(), prop::collection::vec(1u64..1_000, 0..90)), 0..12),
            after in 0u64..200_000,
            span in prop_oneof![0u64..50, 0u64..200_000, Just(u64::MAX / 2)],
            limit in prop_oneof![0usize..200, Just(usize::MAX)],
        ) {
            let (index, model) = written(&batches);
            for (document, places) in [ONE, OTHER].into_iter().zip(model) {
                let until = after + span;
                let expected: Vec<u64> =
                    places.range(after + 1..=until.max(after + 1)).copied().filter(|place| *place <= until).take(limit).collect();
                prop_assert_eq!(Index(&index).changes(document, after, until, limit).unwrap(), expected);
            }
        }
    }

    #[test]
    fn a_row_has_so_many_places_and_no_more() {
        let (index, _) = written(&[(false, vec![1; 3 * PLACES_MAX])]);
        assert_eq!(index.iter().count(), 3);
        let places = Index(&index).changes(ONE, 0, u64::MAX, usize::MAX).unwrap();
        assert_eq!(places, (1..=3 * PLACES_MAX as u64).collect::<Vec<u64>>());
    }

    #[test]
    fn a_row_that_is_gone_or_does_not_decode_is_damage() {
        let index = Memory::default();
        let mut sheet = Overlay::new(&index);
        assert_eq!(add_place(&mut sheet, ONE, 5, 6), Err(KvError::Damaged("places")));
        sheet.put(key::changes(ONE, Some(5)), encode(&vec![u64::MAX]));
        assert_eq!(Index(&sheet).changes(ONE, 0, 9, 9), Err(KvError::Damaged("places")));
    }
}
