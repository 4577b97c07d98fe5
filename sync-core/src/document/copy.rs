//! Whole documents: opening a snapshot, and making one that is known to open.
//!
//! Opening and saving cost milliseconds and grow with the document, so nothing on the way of a single change does either.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

use automerge::transaction::{CommitOptions, Transactable};
use automerge::{Automerge, AutomergeError, Change, ObjId, ObjType, ReadDoc, ScalarValueRef, ValueRef};

use crate::document::change::{ActorTip, ChangeHash, Unreadable, read};
use crate::document::collect::DEPTH_MAX;
use crate::document::container::{ContainerAt, Containers, founder};
use crate::document::slot::{Fields, Slot, Value};
use crate::ids::DocumentId;

/// Why a document could not be opened or saved. A copy is fetched again; on the server the change at fault is looked for and set aside.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    /// A change's bytes are damaged.
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
    /// Automerge gave up half-way; whatever it held is dropped.
    #[error("automerge panicked")]
    Panicked,
    /// Automerge refuses the bytes.
    #[error("automerge refuses the document")]
    Refused(#[source] AutomergeError),
    /// Changes that others build on are not there.
    #[error("changes are missing")]
    Incomplete,
    /// What was saved opens as another document.
    #[error("the saved document opens as another one")]
    Differs,
    /// There is something in the document that no admitted change could have made.
    #[error("the document holds something else than slots")]
    NotSlots,
}

/// What a document says, and all that is needed to write on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opened {
    /// Its slots by container and key.
    pub slots: Vec<Slot>,
    /// Its heads, sorted.
    pub heads: Vec<ChangeHash>,
    /// The largest counter of an operation; 0 in an empty document.
    pub max_op: u64,
    /// Its founded maps, those of newer versions included.
    pub containers: Containers,
    tips: BTreeMap<[u8; 16], ActorTip>,
}

impl Opened {
    /// Returns an actor's last change.
    pub fn tip_of(&self, actor: &[u8; 16]) -> Option<ActorTip> {
        self.tips.get(actor).copied()
    }

    /// Returns the number of an actor's last change; 0 if it wrote none.
    pub fn seq_of(&self, actor: &[u8; 16]) -> u64 {
        self.tip_of(actor).map_or(0, |tip| tip.seq)
    }

    /// Returns how many changes it has beside its founding: each actor's are numbered without a gap.
    pub fn changes(&self) -> u64 {
        let all: u64 = self.tips.values().map(|tip| tip.seq).sum();
        all.saturating_sub(u64::from(self.containers.steps()))
    }

    /// Returns every actor with its last change.
    pub fn tips(&self) -> impl Iterator<Item = ([u8; 16], ActorTip)> {
        self.tips.iter().map(|(actor, tip)| (*actor, *tip))
    }
}

/// Opens a copy of `document` that [`snapshot`] made.
///
/// # Errors
/// [`CopyError`]: the bytes are damaged, or no document of ours.
pub fn slots_of_document(document: DocumentId, saved: &[u8]) -> Result<Opened, CopyError> {
    guarded(|| view(&load(saved)?, founder(document)))
}

/// Saves a document from all its changes, in an order in which each comes after those it builds on.
///
/// What is returned has been opened again, has the same heads and as many changes, and takes one more edit: whoever gets it will write on it.
///
/// # Errors
/// [`CopyError`], see there.
pub fn snapshot<'a>(changes: impl Iterator<Item = &'a [u8]>) -> Result<Vec<u8>, CopyError> {
    guarded(|| {
        let document = build(changes)?;
        let saved = document.save();
        let mut loaded = load(&saved)?;
        same(&document, &loaded)?;
        edit(&mut loaded)?;
        Ok(saved)
    })
}

/// Runs what may panic inside automerge. Everything that it touches is made inside, so nothing half done survives.
pub(crate) fn guarded<T>(work: impl FnOnce() -> Result<T, CopyError>) -> Result<T, CopyError> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or(Err(CopyError::Panicked))
}

#[expect(clippy::disallowed_methods, reason = "always inside `guarded`, and only for bytes that we saved")]
pub(crate) fn load(saved: &[u8]) -> Result<Automerge, CopyError> {
    Automerge::load(saved).map_err(CopyError::Refused)
}

pub(crate) fn build<'a>(changes: impl Iterator<Item = &'a [u8]>) -> Result<Automerge, CopyError> {
    let changes: Vec<Change> = changes.map(read).collect::<Result<_, _>>()?;
    let mut document = Automerge::new();
    apply(&mut document, changes)?;
    Ok(document)
}

/// Applies changes. Automerge keeps those that lack an ancestor aside without a word, and would save them so: that is an error here.
pub(crate) fn apply(document: &mut Automerge, changes: Vec<Change>) -> Result<(), CopyError> {
    document.apply_changes(changes).map_err(CopyError::Refused)?;
    if document.get_missing_deps(&[]).is_empty() { Ok(()) } else { Err(CopyError::Incomplete) }
}

pub(crate) fn same(one: &Automerge, other: &Automerge) -> Result<(), CopyError> {
    let count = |document: &Automerge| document.get_changes_meta(&[]).len();
    let same = one.get_heads() == other.get_heads() && count(one) == count(other);
    if same { Ok(()) } else { Err(CopyError::Differs) }
}

/// Makes one more edit, as an honest writer will, and saves and loads the document with it.
pub(crate) fn edit(document: &mut Automerge) -> Result<(), CopyError> {
    let mut tx = document.transaction();
    let made =
        tx.put_object(automerge::ROOT, "rehearsal", automerge::ObjType::Map).map_err(CopyError::Refused)?;
    tx.put(&made, "again", 1).map_err(CopyError::Refused)?;
    tx.commit_with(CommitOptions::default().with_time(0));
    same(document, &load(&document.save())?)
}

/// Reads all that a document says.
pub(crate) fn view(document: &Automerge, founder: [u8; 16]) -> Result<Opened, CopyError> {
    let mut steps = Vec::new();
    let mut tips: BTreeMap<[u8; 16], ActorTip> = BTreeMap::new();
    let mut max_op = 0;
    for meta in document.get_changes_meta(&[]) {
        let actor: [u8; 16] = meta.actor.to_bytes().try_into().map_err(|_| CopyError::NotSlots)?;
        if actor == founder {
            steps.push((meta.seq, meta.start_op..=meta.max_op));
        }
        max_op = max_op.max(meta.max_op);
        let tip = ActorTip { seq: meta.seq, hash: meta.hash.into() };
        let last = tips.entry(actor).or_insert(tip);
        if last.seq < tip.seq {
            *last = tip;
        }
    }
    let mut containers = Containers::none(founder);
    let mut slots = Vec::new();
    for item in document.map_range(automerge::ROOT, ..) {
        let (container, id) = (item.key.as_ref(), item.id());
        let ObjId::Id(counter, _, _) = id else { return Err(CopyError::NotSlots) };
        let (seq, _) = steps.iter().find(|(_, ops)| ops.contains(&counter)).ok_or(CopyError::NotSlots)?;
        let step = u32::try_from(*seq).map_err(|_| CopyError::NotSlots)?;
        containers.add(container.to_owned().into(), ContainerAt { counter, step });
        for (key, value) in map(document, &id, DEPTH_MAX + 1)? {
            let Value::Map(fields) = value else { return Err(CopyError::NotSlots) };
            let key = key.parse().map_err(|_| CopyError::NotSlots)?;
            slots.push(Slot { container: container.to_owned(), key, fields });
        }
    }
    let heads = document.get_heads().into_iter().map(Into::into).collect();
    Ok(Opened { slots, heads, max_op, containers, tips })
}

fn map(document: &Automerge, id: &ObjId, depth: usize) -> Result<Fields, CopyError> {
    let depth = depth.checked_sub(1).ok_or(CopyError::NotSlots)?;
    let mut fields = Fields::new();
    for item in document.map_range(id, ..) {
        if item.conflict {
            return Err(CopyError::NotSlots);
        }
        let value = match &item.value {
            ValueRef::Object(ObjType::Map) => Value::Map(map(document, &item.id(), depth)?),
            ValueRef::Scalar(ScalarValueRef::Str(text)) => Value::Text(text.as_ref().to_owned()),
            ValueRef::Scalar(ScalarValueRef::Int(int)) => Value::Int(*int),
            ValueRef::Scalar(ScalarValueRef::Boolean(flag)) => Value::Flag(*flag),
            ValueRef::Object(_) | ValueRef::Scalar(_) => return Err(CopyError::NotSlots),
        };
        fields.insert(item.key.as_ref().to_owned(), value);
    }
    Ok(fields)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::change::{Encoded, Position, encode};
    use crate::document::founding::{containers_of, founding_of};
    use crate::document::name::DocumentKind;
    use crate::document::slot::SlotKey;
    use crate::ids::PersonId;
    use crate::time::Moment;

    const DOCUMENT: DocumentId = DocumentId([7; 16]);
    const ACTOR: [u8; 16] = [9; 16];

    fn slot(n: u8) -> Slot {
        let inner = Fields::from([("count".into(), 3.into()), ("yes".into(), true.into())]);
        let key = SlotKey::new(PersonId([1; 16]), ulid::Ulid::from_bytes([n; 16]));
        let fields = Fields::from([("note".into(), "x".into()), ("value".into(), inner.into())]);
        Slot { container: "observations".into(), key, fields }
    }

    /// The founding and two changes of one actor with a slot each.
    fn chain() -> Vec<Encoded> {
        let containers = containers_of(DocumentKind::Log, DOCUMENT);
        let mut chain = founding_of(DocumentKind::Log, DOCUMENT);
        let mut tip = None;
        for n in 1..=2 {
            let last = chain.last().unwrap();
            let position = Position::next(ACTOR, tip, &[last.hash], last.max_op, Moment(5));
            let change = encode(&containers, &position, &[slot(n)]).unwrap();
            tip = Some(ActorTip { seq: position.seq, hash: change.hash });
            chain.push(change);
        }
        chain
    }

    fn bytes(chain: &[Encoded]) -> impl Iterator<Item = &[u8]> {
        chain.iter().map(|change| change.bytes.as_slice())
    }

    #[test]
    fn a_snapshot_opens_as_what_its_changes_said() {
        let chain = chain();
        let saved = snapshot(bytes(&chain)).unwrap();
        let containers = containers_of(DocumentKind::Log, DOCUMENT);
        let opened = slots_of_document(DOCUMENT, &saved).unwrap();
        assert_eq!(opened.slots, [slot(1), slot(2)]);
        assert_eq!(opened.heads, [chain[2].hash]);
        assert_eq!((opened.max_op, opened.seq_of(&ACTOR), opened.seq_of(&[0; 16])), (chain[2].max_op, 2, 0));
        assert_eq!(opened.tip_of(&ACTOR), Some(ActorTip { seq: 2, hash: chain[2].hash }));
        assert_eq!(opened.containers, containers);
        assert_eq!((opened.tips().count(), opened.changes()), (2, 2));
    }

    #[test]
    fn a_gap_is_never_saved() {
        let chain = chain();
        let gap = [chain[0].clone(), chain[2].clone()];
        assert!(matches!(snapshot(bytes(&gap)), Err(CopyError::Incomplete)));
        assert!(matches!(snapshot([b"nothing".as_slice()].into_iter()), Err(CopyError::Unreadable(_))));
    }

    #[test]
    fn damaged_snapshots_do_not_open() {
        let saved = snapshot(bytes(&chain())).unwrap();
        for at in 0..saved.len() {
            let mut damaged = saved.clone();
            damaged[at] ^= 0x11;
            assert!(slots_of_document(DOCUMENT, &damaged).is_err(), "byte {at}");
            // Nothing at all opens as the empty document, which has no slots and no heads.
            assert!(at == 0 || slots_of_document(DOCUMENT, &saved[..at]).is_err(), "first {at}");
        }
        assert!(slots_of_document(DocumentId([8; 16]), &saved).is_err(), "founded by somebody else");
    }
}
