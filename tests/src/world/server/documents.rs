//! The server's documents as a whole: what is handed out of them, what the horizon rests on, and what is set aside.

use sync_core::document::copy::{slots_of_document, snapshot};
use sync_core::document::founding::founding_of;
use sync_core::exchange::message::Cursor;
use sync_core::exchange::server::entry::LogEntry;
use sync_core::exchange::server::horizon::{due, holds_all, passed_over};
use sync_core::exchange::server::renew::{changes_of, culprits};
use sync_core::exchange::server::reply::{LogRead, cursor_at};
use sync_core::exchange::server::restore::waits_for_confirmation;
use sync_core::ids::{DeviceId, DocumentId};
use sync_core::roster::DeviceState;
use sync_core::time::Moment;

use super::{SECRET, Server};

/// A snapshot as the server hands it out.
#[derive(Debug, Clone)]
pub struct Snapshot {
    /// Which life of the document.
    pub incarnation: u32,
    /// The place in the log up to which it is complete.
    pub seq: u64,
    /// What the server shows for that place.
    pub mark: Option<Cursor>,
    /// The saved document.
    pub bytes: Vec<u8>,
}

impl Server {
    /// Hands out a snapshot, if this person may read the document now: a cached one where it is new enough, if so wished.
    pub fn fetch(
        &mut self,
        now: Moment,
        device: DeviceId,
        document: DocumentId,
        at_least: u64,
        cached: bool,
    ) -> Option<Snapshot> {
        self.decide(now, |_| ());
        let device = self.index().device(device).expect("the index reads")?;
        let reading = self.index().reading(device.person, document).expect("the index reads")?;
        let waits = waits_for_confirmation(&self.index(), &device).expect("the index reads");
        if device.state != DeviceState::Active || waits || reading.ended.is_some() {
            return None;
        }
        let stale = self.snapshots.get(&document).filter(|old| cached || old.seq >= at_least).cloned();
        if let Some(snapshot) = stale.filter(|_| cached) {
            return Some(snapshot);
        }
        let fresh = self.snapshot(document);
        self.snapshots.insert(document, fresh.clone());
        Some(fresh)
    }

    /// Makes a snapshot out of the log.
    pub fn snapshot(&self, document: DocumentId) -> Snapshot {
        let incarnation = self.index().document(document).expect("reads").expect("a document").incarnation;
        let bytes = snapshot(self.changes(document).iter().map(|(_, change)| change.as_slice()))
            .expect("what stands can be saved");
        let seq = self.log.end();
        let mark = cursor_at(&self.log, self.id, &SECRET, seq).expect("reads");
        Snapshot { incarnation, seq, mark: self.marks.then_some(mark), bytes }
    }

    /// Raises the horizon, if it is due, after a look at each snapshot that it rests on; returns whether it was.
    ///
    /// # Panics
    /// Where a snapshot does not hold all that lies below.
    pub fn raise_horizon(&mut self, now: Moment, kept: u64) -> bool {
        let Some(at) = due(&self.index(), self.log.end(), kept).expect("reads") else { return false };
        for state in passed_over(&self.index(), at).expect("reads") {
            let document = state.name.id();
            let snapshot = self.snapshot(document);
            let opened = slots_of_document(document, &snapshot.bytes).expect("a snapshot opens");
            assert!(holds_all(&self.index(), &state, &opened, snapshot.seq).expect("reads"), "{document}");
        }
        self.decide(now, |desk| desk.raise_horizon(at).expect("raised"))
    }

    /// Returns the founding and all changes of a document with their places, in the order of the log.
    pub fn changes(&self, document: DocumentId) -> Vec<(u64, Vec<u8>)> {
        let state = self.index().document(document).expect("reads").expect("a document");
        let founding = founding_of(state.name.kind, document).into_iter().map(|change| (0, change.bytes));
        let later = self.log.iter().filter_map(|(seq, entry)| match entry {
            LogEntry::Changed { document: of, change, .. } if *of == document && seq > state.renewed => {
                Some((seq, change.clone()))
            }
            _ => None,
        });
        founding.chain(later).collect()
    }

    /// Sets aside the changes with which a document cannot be opened.
    pub fn set_aside_in(&mut self, document: DocumentId, now: Moment) -> usize {
        let changes = changes_of(&self.index(), &self.log, document).expect("reads");
        let kind = self.index().document(document).expect("reads").expect("a document").name.kind;
        let bad = culprits(document, kind, &changes);
        if !bad.is_empty() {
            let mut desk = self.desk(now);
            desk.set_aside(&self.log, document, &bad).expect("set aside");
            let decided = desk.decide();
            self.commit(decided);
        }
        bad.len()
    }
}
