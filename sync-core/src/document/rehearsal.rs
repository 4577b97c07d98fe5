//! The rehearsal: does a document survive this change?
//!
//! The gate's rules are meant to let nothing through that automerge could not digest. The rehearsal does not trust them: it does all that
//! will ever be done with the document, on a clone, and says whether it went well. It costs milliseconds, so on each change it runs in tests.
//! Where the server loads a document anyway, for a [snapshot](crate::document::copy::snapshot), the whole of it is rehearsed, and a change
//! that fails there is set aside.

use automerge::{Automerge, ReadDoc};

use crate::document::change::read;
use crate::document::copy::{CopyError, apply, build, edit, guarded, load, same};

/// Applies `change` to a document of the changes `before`, saves and loads it, forks it at the change alone, and edits both once more.
///
/// # Errors
/// [`CopyError`]: the change, or something before it, must not stay in the document.
pub fn rehearse<'a>(before: impl Iterator<Item = &'a [u8]>, change: &[u8]) -> Result<(), CopyError> {
    guarded(|| {
        let mut document = build(before)?;
        rehearse_on(&mut document, change).map(drop)
    })
}

/// As [`rehearse`], on a document that is at hand; returns the document as it was loaded again.
///
/// On an error `document` must be dropped: a panic leaves it half changed.
pub(crate) fn rehearse_on(document: &mut Automerge, change: &[u8]) -> Result<Automerge, CopyError> {
    let change = read(change)?;
    let hash = change.hash();
    apply(document, vec![change])?;
    if document.get_change_by_hash(&hash).is_none() {
        return Err(CopyError::Incomplete);
    }
    let loaded = load(&document.save())?;
    same(document, &loaded)?;
    edit(&mut loaded.clone())?;
    edit(&mut document.fork_at(&[hash]).map_err(CopyError::Refused)?)?;
    Ok(loaded)
}

#[cfg(test)]
mod tests {
    use automerge::legacy::{Key, ObjectId, Op, OpId, OpType, SortedVec};
    use automerge::{ActorId, Change, ExpandedChange, ScalarValue};

    use super::*;
    use crate::document::copy::snapshot;
    use crate::document::founding::{containers_of, founding_of};
    use crate::document::name::DocumentKind;
    use crate::ids::DocumentId;

    const DOCUMENT: DocumentId = DocumentId([7; 16]);

    fn forged(seq: u64, start_op: u64, time: i64, pred: Vec<OpId>) -> Vec<u8> {
        let founding = founding_of(DocumentKind::Log, DOCUMENT);
        let containers = containers_of(DocumentKind::Log, DOCUMENT);
        let at = containers.get("edits").unwrap();
        let op = Op {
            action: OpType::Put(ScalarValue::Int(1)),
            obj: ObjectId::Id(OpId(at.counter, ActorId::from(containers.founder))),
            key: Key::Map("x".into()),
            pred: SortedVec::from(pred),
            insert: false,
        };
        let change = ExpandedChange {
            operations: vec![op],
            actor_id: ActorId::from([9; 16]),
            hash: None,
            seq,
            start_op: start_op.try_into().unwrap(),
            time,
            message: None,
            deps: vec![founding[0].hash.into()],
            extra_bytes: Vec::new(),
            author: None,
        };
        Change::from(change).raw_bytes().to_vec()
    }

    fn rehearsed(change: &[u8]) -> Result<(), CopyError> {
        let founding = founding_of(DocumentKind::Log, DOCUMENT);
        rehearse(founding.iter().map(|change| change.bytes.as_slice()), change)
    }

    #[test]
    fn a_good_change_passes() {
        rehearsed(&forged(1, 7, 0, vec![])).unwrap();
    }

    fn harmful() -> [(&'static str, Vec<u8>); 4] {
        let nobody = OpId(3, ActorId::from([5; 16]));
        [
            ("a gap in the actor's numbers", forged(5, 7, 0, vec![])),
            ("the last counter that there is", forged(1, u64::from(u32::MAX), 0, vec![])),
            ("a time before all times", forged(1, 7, i64::MIN, vec![])),
            ("a predecessor that nobody made", forged(1, 7, 0, vec![nobody])),
        ]
    }

    #[test]
    fn what_harms_a_document_does_not() {
        for (what, change) in harmful() {
            assert!(rehearsed(&change).is_err(), "{what}");
        }
    }

    /// However it came into the log: whoever fetched such a copy could not write on it.
    #[test]
    fn no_snapshot_is_made_of_a_document_that_takes_no_more_edits() {
        let founding = founding_of(DocumentKind::Log, DOCUMENT);
        for (what, change) in harmful() {
            let all = founding.iter().map(|change| change.bytes.as_slice()).chain([change.as_slice()]);
            assert!(snapshot(all).is_err(), "{what}");
        }
    }
}
