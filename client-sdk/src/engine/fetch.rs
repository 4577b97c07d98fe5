//! Fetching snapshots: several at once, each going on where it broke off.
//!
//! What has come of a snapshot is kept in the store piece by piece. The tag tells whether what comes next is of the same bytes; if it is
//! not, the pieces are thrown away and it begins anew.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;

use sync_core::document::name::DocumentName;
use sync_core::exchange::client::copy::{CopyError, Fetched as Snapshot, fetched};
use sync_core::exchange::client::state::Tablet;
use sync_core::exchange::codec;
use sync_core::ids::DocumentId;
use sync_core::kv::KvError;

use super::{Engine, Progress};
use crate::store::{State, Store, StoreError, Table, Writes, crash_point};
use crate::transport::{Failure, SinkError, SnapshotHead, SnapshotSink, SnapshotWanted, Transport};
use crate::trouble::Trouble;

/// Snapshots that are fetched at once.
pub const FETCHES_MAX: usize = 4;
/// Bytes of one snapshot.
pub const SNAPSHOT_BYTES_MAX: u64 = 256 * 1024 * 1024;
/// Bytes that are kept at a time.
const PIECE_BYTES: usize = 64 * 1024;
/// Times that a snapshot is asked for without a byte of it coming.
const FRUITLESS_MAX: usize = 2;

/// What fetching leaves to be done.
#[derive(Default)]
pub(super) struct Fetched {
    /// Whether another exchange is needed to go on: for a new token, or a newer place.
    pub(super) again: bool,
    /// Why a document could not be had, where that says nothing of the others.
    pub(super) failed: Option<Trouble>,
}

/// What the server says where it is about the one document that was asked for.
const OF_ONE_DOCUMENT: [&str; 2] = ["storage_damaged", "internal"];

/// What came of one document.
enum One {
    Whole,
    /// It is not to be had now: the next exchange says why.
    Later,
}

fn is_of_one_document(trouble: &Trouble) -> bool {
    match trouble {
        Trouble::Server(Failure::Sink(SinkError::Misfit | SinkError::TooLarge)) => true,
        Trouble::Server(failure) => failure.code().is_some_and(|code| OF_ONE_DOCUMENT.contains(&code)),
        Trouble::NotPaired
        | Trouble::PairedAlready
        | Trouble::Value { .. }
        | Trouble::NotAllowed { .. }
        | Trouble::AccessEnded
        | Trouble::DeviceEnded
        | Trouble::Restored
        | Trouble::Syncing
        | Trouble::Reply(_)
        | Trouble::Store(_)
        | Trouble::Chance(_)
        | Trouble::Internal(_) => false,
    }
}

impl<T: Transport> Engine<'_, T> {
    /// Fetches every snapshot that is wanted. One that cannot be had keeps no other from coming.
    pub(super) async fn fetch(&self, token: Option<&str>) -> Result<Fetched, Trouble> {
        let wanted = self.store.read(|state| Ok::<_, Trouble>(Tablet(state).to_fetch()?))?;
        let Some(token) = token.filter(|_| !wanted.is_empty()) else {
            return Ok(Fetched::default());
        };
        let queue = RefCell::new(VecDeque::from(wanted));
        let (done, later) = (Cell::new(0), Cell::new(0));
        let (failed, failed_alone) = (RefCell::new(None), RefCell::new(None));
        let worker = async || {
            loop {
                // Whoever failed ends the others, too, after what each is at.
                let next = if failed.borrow().is_none() { queue.borrow_mut().pop_front() } else { None };
                let Some((name, at_least)) = next else { return };
                match self.fetch_one(token, &name, at_least).await {
                    Ok(One::Whole) => done.set(done.get() + 1),
                    Ok(One::Later) => later.set(later.get() + 1),
                    Err(trouble) if is_of_one_document(&trouble) => {
                        failed_alone.borrow_mut().get_or_insert(trouble);
                    }
                    Err(trouble) => drop(failed.borrow_mut().get_or_insert(trouble)),
                }
                (self.watcher)(Progress { fetched: done.get(), left: queue.borrow().len() });
            }
        };
        // As many as FETCHES_MAX says.
        tokio::join!(worker(), worker(), worker(), worker());
        match failed.into_inner() {
            Some(trouble) => Err(trouble),
            // Where nothing came at all, asking at once again would bring nothing, either.
            None => {
                let again = later.get() > 0 && done.get() > 0;
                Ok(Fetched { again, failed: failed_alone.into_inner() })
            }
        }
    }

    async fn fetch_one(&self, token: &str, name: &DocumentName, at_least: u64) -> Result<One, Trouble> {
        let document = name.id();
        let mut fruitless = 0;
        loop {
            let mut pieces = Pieces::open(self.store, document, at_least)?;
            let before = pieces.kept;
            if !pieces.is_whole() {
                let have =
                    pieces.head.as_ref().filter(|_| before > 0).map(|head| (before, head.etag.clone()));
                let have = have.as_ref().map(|(bytes, etag)| (*bytes, etag.as_str()));
                let asked = SnapshotWanted { document, at_least, token, have };
                crash_point("before_fetch");
                let came = self.transport.snapshot(asked, &mut pieces).await;
                pieces.flush().map_err(Failure::from)?;
                match came {
                    Ok(()) => {}
                    Err(Failure::Unreachable | Failure::BrokeOff) if pieces.kept != before => continue,
                    Err(Failure::Sink(SinkError::Misfit)) if fruitless < FRUITLESS_MAX => {
                        forget(self.store, document)?;
                        fruitless += 1;
                        continue;
                    }
                    Err(Failure::Refused(refusal)) => match refusal.code.as_str() {
                        "range_not_satisfiable" | "precondition_failed" if fruitless < FRUITLESS_MAX => {
                            forget(self.store, document)?;
                            fruitless += 1;
                            continue;
                        }
                        // No longer this person's, or the token has run out: the next exchange says which.
                        "not_found" | "token_expired" | "token_invalid" | "unauthorized" => {
                            return Ok(One::Later);
                        }
                        _ => return Err(Failure::Refused(refusal).into()),
                    },
                    Err(failure) => return Err(failure.into()),
                }
                if !pieces.is_whole() {
                    if pieces.kept == before {
                        fruitless += 1;
                    }
                    if fruitless > FRUITLESS_MAX {
                        return Err(Failure::Unreachable.into());
                    }
                    continue;
                }
            }
            crash_point("before_install");
            return self.install(document, &pieces);
        }
    }

    /// Takes a whole snapshot as the copy. One that turns out not to be what was wanted is forgotten.
    fn install(&self, document: DocumentId, pieces: &Pieces<'_>) -> Result<One, Trouble> {
        let Some(head) = &pieces.head else { return Ok(One::Later) };
        self.store.update(|state| {
            let profile = Tablet(state).profile()?.ok_or(Trouble::NotPaired)?;
            let bytes: Vec<u8> = rows(state, document)?.into_iter().flat_map(|(_, bytes)| bytes).collect();
            let SnapshotHead { incarnation, seq, mark, .. } = *head;
            let got = Snapshot { incarnation, seq, mark, bytes: &bytes };
            let taken = fetched(state, profile.device, document, &got);
            let (mut writes, one) = match taken {
                Ok(core) => (Writes::from(core), One::Whole),
                Err(CopyError::Store(error)) => return Err(error.into()),
                Err(CopyError::Unreadable | CopyError::TooOld | CopyError::NotWanted) => {
                    (Writes::new(), One::Later)
                }
            };
            remove(state, &mut writes, document)?;
            Ok((writes, one))
        })
    }
}

/// The pieces of one snapshot that have come.
struct Pieces<'a> {
    store: &'a Store,
    document: DocumentId,
    head: Option<SnapshotHead>,
    /// Bytes in the store.
    kept: u64,
    buffer: Vec<u8>,
}

fn head_key(document: DocumentId) -> Vec<u8> {
    [b"h", document.0.as_slice()].concat()
}

fn piece_key(document: DocumentId, at: Option<u64>) -> Vec<u8> {
    let mut key = [b"b", document.0.as_slice()].concat();
    key.extend(at.map(u64::to_be_bytes).into_iter().flatten());
    key
}

fn rows(state: &State<'_>, document: DocumentId) -> Result<Vec<sync_core::kv::Pair>, KvError> {
    state.scan_in(Table::Partial, &piece_key(document, None))
}

fn remove(state: &State<'_>, writes: &mut Writes, document: DocumentId) -> Result<(), KvError> {
    writes.delete(Table::Partial, head_key(document));
    for (key, _) in rows(state, document)? {
        writes.delete(Table::Partial, key);
    }
    Ok(())
}

/// Throws away what has come of a snapshot.
pub(super) fn forget(store: &Store, document: DocumentId) -> Result<(), StoreError> {
    store.update(|state| {
        let mut writes = Writes::new();
        remove(state, &mut writes, document)?;
        Ok((writes, ()))
    })
}

impl<'a> Pieces<'a> {
    /// Finds what has come before. What is too old, of another life of the log, or damaged is thrown away.
    fn open(store: &'a Store, document: DocumentId, at_least: u64) -> Result<Self, StoreError> {
        let found = store.read(|state| -> Result<_, StoreError> {
            let head = state.get_in(Table::Partial, &head_key(document));
            let kept =
                rows(state, document).map(|rows| rows.iter().map(|(_, bytes)| bytes.len() as u64).sum());
            let life = Tablet(state).cursor()?.map(|cursor| cursor.log);
            Ok((head.and_then(|head| kept.map(|kept: u64| (head, kept))).ok(), life))
        })?;
        let (found, life) = found;
        let head = found.as_ref().and_then(|(head, _)| head.as_ref());
        let head: Option<SnapshotHead> = head.and_then(|bytes| codec::from_bytes(bytes).ok());
        let is_of_life =
            |head: &SnapshotHead| head.life().is_none_or(|of| life.is_none_or(|life| life == of));
        let head = head.filter(|head| head.seq >= at_least && is_of_life(head));
        let mut pieces = Self { store, document, head: None, kept: 0, buffer: Vec::new() };
        match (head, found) {
            (Some(head), Some((_, kept))) => (pieces.head, pieces.kept) = (Some(head), kept),
            (None, Some((None, 0))) => {}
            (None, _) | (Some(_), None) => forget(store, document)?,
        }
        Ok(pieces)
    }

    fn is_whole(&self) -> bool {
        self.head.as_ref().is_some_and(|head| self.kept == head.length)
    }

    /// Keeps what is in the buffer.
    fn flush(&mut self) -> Result<(), SinkError> {
        if self.buffer.is_empty() {
            return Ok(());
        }
        let piece = std::mem::take(&mut self.buffer);
        let length = piece.len() as u64;
        let mut writes = Writes::new();
        writes.put(Table::Partial, piece_key(self.document, Some(self.kept)), piece);
        self.store.apply(writes)?;
        self.kept += length;
        Ok(())
    }
}

impl SnapshotSink for Pieces<'_> {
    fn begin(&mut self, head: &SnapshotHead, from: u64) -> Result<(), SinkError> {
        let same = self.head.as_ref().is_some_and(|known| known.is_of_same_bytes(head));
        let goes_on = from == self.kept && (from == 0 || same);
        if head.length > SNAPSHOT_BYTES_MAX {
            return Err(SinkError::TooLarge);
        }
        if from > 0 && !goes_on {
            return Err(SinkError::Misfit);
        }
        // What was said of its first bytes is true of the whole.
        if from > 0 {
            return Ok(());
        }
        if !goes_on {
            forget(self.store, self.document)?;
            self.kept = 0;
        }
        let mut writes = Writes::new();
        writes.put(Table::Partial, head_key(self.document), codec::to_bytes(head));
        self.store.apply(writes)?;
        self.head = Some(head.clone());
        Ok(())
    }

    fn bytes(&mut self, bytes: &[u8]) -> Result<(), SinkError> {
        let length = self.head.as_ref().map_or(0, |head| head.length);
        if self.kept + (self.buffer.len() + bytes.len()) as u64 > length {
            return Err(SinkError::Misfit);
        }
        self.buffer.extend_from_slice(bytes);
        if self.buffer.len() >= PIECE_BYTES { self.flush() } else { Ok(()) }
    }
}
