//! The server without a disk and without a socket: an index, and the frames of a log.

use std::collections::BTreeMap;

use sync_core::document::copy::snapshot;
use sync_core::document::founding::founding_of;
use sync_core::exchange::codec;
use sync_core::exchange::message::{Reply, Request};
use sync_core::exchange::server::answer::{
    AnswerTo, CheckedRequest, Taken, Unanswered, answer, audit, check_request,
};
use sync_core::exchange::server::apply::apply;
use sync_core::exchange::server::desk::{Conditions, Decided, Desk, Secret, ServerRun};
use sync_core::exchange::server::entry::LogEntry;
use sync_core::exchange::server::index::Index;
use sync_core::exchange::server::reply::LogRead;
use sync_core::ids::{DeviceId, DocumentId, LogId, PersonId};
use sync_core::kv::{KvError, Memory, Overlay};
use sync_core::roster::DeviceState;
use sync_core::time::Moment;

/// The log: what was committed, in order, and its running hash behind each entry.
#[derive(Debug, Clone, Default)]
pub struct Log {
    entries: Vec<LogEntry>,
    running: Vec<[u8; 8]>,
}

impl Log {
    /// Returns every entry with its place.
    pub fn iter(&self) -> impl Iterator<Item = (u64, &LogEntry)> {
        (1..).zip(&self.entries)
    }

    fn push(&mut self, entry: LogEntry) {
        // Any function of all that came before does; this one is FNV-1a.
        let before = self.running.last().map_or(0xcbf2_9ce4_8422_2325, |hash| u64::from_be_bytes(*hash));
        let hash = codec::to_bytes(&entry)
            .iter()
            .fold(before, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3));
        self.running.push(hash.to_be_bytes());
        self.entries.push(entry);
    }

    fn at(seq: u64) -> Option<usize> {
        usize::try_from(seq).ok()?.checked_sub(1)
    }
}

impl LogRead for Log {
    fn entry(&self, seq: u64) -> Result<LogEntry, KvError> {
        Self::at(seq).and_then(|at| self.entries.get(at)).cloned().ok_or(KvError::Damaged("no such entry"))
    }

    fn end(&self) -> u64 {
        self.entries.len() as u64
    }

    fn running(&self, seq: u64) -> Result<Option<[u8; 8]>, KvError> {
        Ok(if seq == 0 { Some([0; 8]) } else { Self::at(seq).and_then(|at| self.running.get(at)).copied() })
    }
}

/// A snapshot as the server hands it out.
#[derive(Debug, Clone)]
pub struct Snapshot {
    /// Which life of the document.
    pub incarnation: u32,
    /// The place in the log up to which it is complete.
    pub seq: u64,
    /// The saved document.
    pub bytes: Vec<u8>,
}

/// A server.
#[derive(Debug, Clone)]
pub struct Server {
    /// The index.
    pub index: Memory,
    /// What is durable.
    pub log: Log,
    /// Whether changes may be stored as they came.
    pub verbatim: bool,
    run: ServerRun,
    snapshots: BTreeMap<DocumentId, Snapshot>,
}

/// What became of one request of a batch, and the places in the log of what was decided about it.
#[derive(Debug, Clone)]
pub struct Decision {
    /// What was decided.
    pub taken: Taken,
    /// The first place that is its own.
    pub first: u64,
}

impl Server {
    /// Founds a server on the first desk of its log.
    pub fn found(now: Moment, fill: impl FnOnce(&mut Desk<'_>)) -> Self {
        let mut server = Self {
            index: Memory::default(),
            log: Log::default(),
            verbatim: true,
            run: ServerRun([1; 16]),
            snapshots: BTreeMap::new(),
        };
        let empty = Memory::default();
        let organisation = super::people::organisation();
        let mut desk = Desk::found(&empty, organisation, server.conditions(now)).expect("founded");
        fill(&mut desk);
        server.commit(desk.decide());
        server
    }

    /// Returns the settings of this start at a time.
    pub fn conditions(&self, now: Moment) -> Conditions {
        Conditions {
            now,
            log: LogId([3; 16]),
            secret: Secret([4; 32]),
            run: self.run,
            verbatim: self.verbatim,
        }
    }

    /// Returns the index.
    pub fn index(&self) -> Index<'_> {
        Index(&self.index)
    }

    /// Lays a sheet over the index.
    pub fn desk(&self, now: Moment) -> Desk<'_> {
        Desk::new(&self.index, self.log.end() + 1, self.conditions(now)).expect("a founded server")
    }

    /// Makes a decision durable, and only then true.
    pub fn commit(&mut self, decided: Decided) {
        decided.entries.into_iter().for_each(|entry| self.log.push(entry));
        self.index.apply(decided.writes);
    }

    /// Decides something on a desk of its own, behind what is due, and commits it.
    pub fn decide<T>(&mut self, now: Moment, work: impl FnOnce(&mut Desk<'_>) -> T) -> T {
        let mut desk = self.desk(now);
        desk.advance().expect("advanced");
        let done = work(&mut desk);
        let decided = desk.decide();
        self.commit(decided);
        done
    }

    /// Looks at a request as far as that needs no turn.
    pub fn check(&self, request: Request) -> Result<CheckedRequest, Unanswered> {
        let device = self.index().device(request.device).expect("the index reads");
        let device = device.ok_or(Unanswered::OtherDevice)?;
        check_request(&self.index(), &device, request).expect("the index reads")
    }

    /// Decides a batch of requests as one frame; `None` stands for a crash before the commit, of which nothing remains.
    pub fn take(&mut self, now: Moment, batch: Vec<CheckedRequest>, crash: bool) -> Option<Vec<Decision>> {
        let mut desk = self.desk(now);
        let mut decisions = Vec::new();
        desk.advance().expect("advanced");
        for request in batch {
            let first = desk.next();
            let taken = desk.take(request).expect("taken");
            decisions.push(Decision { taken, first });
        }
        if crash {
            return None;
        }
        let decided = desk.decide();
        self.commit(decided);
        Some(decisions)
    }

    /// Answers a request that was decided.
    pub fn answer(&mut self, now: Moment, device: DeviceId, to: &AnswerTo, taken: Taken) -> Reply {
        let device = self.index().device(device).expect("the index reads").expect("a known device");
        let conditions = self.conditions(now);
        let (reply, delivered) =
            answer(&self.index(), &self.log, &conditions, &device, to, taken).expect("answered");
        if let Some(entry) = audit(&conditions, &device, &delivered) {
            self.decide(now, |desk| desk.emit(entry).expect("noted"));
        }
        reply
    }

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
        if device.state != DeviceState::Active || reading.ended.is_some() {
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
        Snapshot { incarnation, seq: self.log.end(), bytes }
    }

    /// Returns the founding and all changes of a document with their places, in the order of the log.
    pub fn changes(&self, document: DocumentId) -> Vec<(u64, Vec<u8>)> {
        let state = self.index().document(document).expect("reads").expect("a document");
        let founding = founding_of(state.name.kind, document).into_iter().map(|change| (0, change.bytes));
        let later = self.log.iter().filter_map(|(seq, entry)| match entry {
            LogEntry::Changed { document: of, change, .. } if *of == document => Some((seq, change.clone())),
            _ => None,
        });
        founding.chain(later).collect()
    }

    /// Starts anew, under another actor. What was not committed is gone.
    pub fn restart(&mut self, run: [u8; 16]) {
        self.run = ServerRun(run);
    }

    /// Builds the index again from the log alone.
    pub fn rebuilt(&self) -> Memory {
        let mut index = Memory::default();
        for (seq, entry) in self.log.iter() {
            let mut sheet = Overlay::new(&index);
            apply(&mut sheet, seq, entry).expect("the log applies");
            let writes = sheet.into_writes();
            index.apply(writes);
        }
        index
    }

    /// Returns whether a person reads a document, by the entries of the log.
    pub fn reads(&self, person: PersonId, document: DocumentId) -> bool {
        let reading = self.index().reading(person, document).expect("the index reads");
        reading.is_some_and(|reading| reading.ended.is_none())
    }
}
