//! The founding of a document: the changes that make its containers, the same bytes wherever they are made.
//!
//! Server and tablet found a document without asking each other, and founding it twice is founding it once: each step's change depends on
//! nothing but the document's id, the step, and the step before.

use automerge::ObjType;
use automerge::legacy::{Key, ObjectId, OpType};

use crate::document::change::{Encoded, Position, Unreadable, encode_root_maps, expand, read};
use crate::document::container::{ContainerAt, Containers, founder};
use crate::document::name::DocumentKind;
use crate::document::schema::steps;
use crate::ids::DocumentId;
use crate::time::Moment;

/// Returns the founding changes of a document, one for each step.
///
/// Every step must name at least one container, and none twice.
pub fn founding(document: DocumentId, steps: &[&[&str]]) -> Vec<Encoded> {
    let mut chain: Vec<Encoded> = Vec::with_capacity(steps.len());
    for (seq, names) in (1u64..).zip(steps) {
        let before = chain.last();
        let position = Position {
            actor: founder(document),
            seq,
            start_op: before.map_or(1, |change| change.max_op + 1),
            time: Moment(0),
            deps: before.map(|change| change.hash).into_iter().collect(),
        };
        // Only a step without names could fail; the schema has none, and a step after it would have nothing to stand on.
        let Ok(change) = encode_root_maps(&position, names) else { break };
        chain.push(change);
    }
    chain
}

/// Returns the founding changes of a document of this kind, up to the schema version of this build.
pub fn founding_of(kind: DocumentKind, document: DocumentId) -> Vec<Encoded> {
    founding(document, steps(kind))
}

/// Returns where the containers of a document of this kind are, up to the schema version of this build.
pub fn containers_of(kind: DocumentKind, document: DocumentId) -> Containers {
    Containers::of(document, steps(kind))
}

/// Adds to `containers` what a founding change makes, such as that of a step which this build does not know yet.
///
/// Returns whether it was a founding change of this document; any other change adds nothing.
///
/// # Errors
/// [`Unreadable`] if the bytes are damaged.
pub fn learn(containers: &mut Containers, change: &[u8]) -> Result<bool, Unreadable> {
    let change = read(change)?;
    if change.actor_id().to_bytes() != containers.founder {
        return Ok(false);
    }
    let step = u32::try_from(change.seq()).map_err(|_| Unreadable)?;
    for (counter, op) in (change.start_op().get()..).zip(&expand(&change)?.operations) {
        if let (ObjectId::Root, Key::Map(name), OpType::Make(ObjType::Map)) = (&op.obj, &op.key, &op.action) {
            containers.add(name.to_string().into(), ContainerAt { counter, step });
        }
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use automerge::{Automerge, Change, ReadDoc};

    use super::*;

    const DOCUMENT: DocumentId = DocumentId([7; 16]);
    const STEPS: &[&[&str]] = &[&["edits", "goals"], &["later"]];

    fn apply(doc: &mut Automerge, chain: &[Encoded]) {
        doc.apply_changes(chain.iter().map(|c| Change::try_from(c.bytes.as_slice()).unwrap())).unwrap();
    }

    #[test]
    fn founding_bytes_never_change() {
        // Every copy of a document ever founded begins with these bytes. If this fails, nothing merges any more.
        let hashes: Vec<String> = founding(DOCUMENT, STEPS).iter().map(|c| c.hash.to_string()).collect();
        insta::assert_debug_snapshot!(hashes, @r#"
        [
            "8d34f498193dc598dfbc8bd68318a4beedf03757f7e4c22323afb78a942b72e8",
            "bbbed2fdb68ee5c2a090b268ce9df9d9594d4ef4d77b205e43439fd9e7019922",
        ]
        "#);
        let kinds: Vec<String> = DocumentKind::ALL
            .into_iter()
            .flat_map(|kind| founding_of(kind, DOCUMENT))
            .map(|change| change.hash.to_string())
            .collect();
        insta::assert_debug_snapshot!(kinds, @r#"
        [
            "ebf78a5536153de1f5bb7576db82bed51ee0f221be7bfc7b0a7af50aea20986d",
            "bbd97b786c47a45867694f20842a974e541ba7a9822e3c94bd119c163bf73f6f",
            "bbd97b786c47a45867694f20842a974e541ba7a9822e3c94bd119c163bf73f6f",
            "25ea6c541c5afd9fc570b71ca4e03749b9778efe0a0cb63380e41b4bdc775ade",
        ]
        "#);
    }

    #[test]
    fn founded_twice() {
        let mut here = Automerge::new();
        apply(&mut here, &founding(DOCUMENT, STEPS));
        let mut there = Automerge::new();
        apply(&mut there, &founding(DOCUMENT, &STEPS[..1]));
        apply(&mut there, &founding(DOCUMENT, STEPS));
        here.merge(&mut there).unwrap();
        assert_eq!(here.get_changes(&[]).len(), 2);
        assert_eq!(here.get_heads(), [founding(DOCUMENT, STEPS)[1].hash.into()]);
        for name in ["edits", "goals", "later"] {
            assert_eq!(here.get_all(automerge::ROOT, name).unwrap().len(), 1);
        }
    }

    #[test]
    fn the_table_says_where_automerge_has_the_maps() {
        let mut doc = Automerge::new();
        apply(&mut doc, &founding(DOCUMENT, STEPS));
        let table = Containers::of(DOCUMENT, STEPS);
        for (name, at) in table.iter() {
            let (_, id) = doc.get(automerge::ROOT, name).unwrap().unwrap();
            let automerge::ObjId::Id(counter, actor, _) = id else { panic!("{name} is the root") };
            assert_eq!((counter, actor.to_bytes()), (at.counter, table.founder.as_slice()));
        }
        assert_eq!((table.steps(), table.get("later").unwrap().step), (2, 2));
    }

    #[test]
    fn a_newer_versions_step_is_learned_from_its_bytes() {
        let mut table = Containers::of(DOCUMENT, &STEPS[..1]);
        assert_eq!(learn(&mut table, &founding(DOCUMENT, STEPS)[1].bytes), Ok(true));
        assert_eq!(table, Containers::of(DOCUMENT, STEPS));
        let other = founding(DocumentId([8; 16]), STEPS);
        assert_eq!(learn(&mut table, &other[0].bytes), Ok(false));
        assert_eq!(learn(&mut table, b"no change"), Err(Unreadable));
        assert_eq!(table, Containers::of(DOCUMENT, STEPS));
    }
}
