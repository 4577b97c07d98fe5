//! The server without a disk and without a socket: an index, and the frames of a log.

use std::collections::BTreeMap;

use sync_core::document::copy::{slots_of_document, snapshot};
use sync_core::document::founding::founding_of;
use sync_core::exchange::codec;
use sync_core::exchange::message::{Cursor, Reply, Request};
use sync_core::exchange::register::Register;
use sync_core::exchange::server::answer::{
    AnswerTo, CheckedRequest, Taken, Unanswered, answer, audit, check_request,
};
use sync_core::exchange::server::apply::apply;
use sync_core::exchange::server::desk::{Conditions, Decided, Desk, Secret, ServerRun};
use sync_core::exchange::server::entry::{LogEntry, RestoredBy};
use sync_core::exchange::server::horizon::{due, holds_all, passed_over};
use sync_core::exchange::server::index::Index;
use sync_core::exchange::server::renew::{changes_of, culprits};
use sync_core::exchange::server::reply::{LogRead, cursor_at};
use sync_core::exchange::server::restore::waits_for_confirmation;
use sync_core::ids::{DeviceId, DocumentId, LogId, PersonId};
use sync_core::key::DeviceKey;
use sync_core::kv::{KvError, Memory, Overlay};
use sync_core::roster::{Device, DeviceState};
use sync_core::time::Moment;

/// What makes cursors and receipts this server's own.
const SECRET: Secret = Secret([4; 32]);

/// The first life of every log.
const FIRST_LOG: LogId = LogId([3; 16]);

/// The log: what was committed, in order, and its running hash behind each entry.
#[derive(Debug, Clone, Default)]
pub struct Log {
    /// Changes at this place and before it are not told one by one: stricter than the real log, this one does not even have them.
    horizon: u64,
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
        if let LogEntry::Horizon { at } = entry {
            self.horizon = at;
        }
        self.running.push(hash.to_be_bytes());
        self.entries.push(entry);
    }

    fn at(seq: u64) -> Option<usize> {
        usize::try_from(seq).ok()?.checked_sub(1)
    }
}

impl LogRead for Log {
    fn entry(&self, seq: u64) -> Result<LogEntry, KvError> {
        let entry = Self::at(seq).and_then(|at| self.entries.get(at));
        let told = entry.filter(|entry| seq > self.horizon || !is_change(entry));
        told.cloned().ok_or(KvError::Damaged("no such entry"))
    }

    fn end(&self) -> u64 {
        self.entries.len() as u64
    }

    fn running(&self, seq: u64) -> Result<Option<[u8; 8]>, KvError> {
        Ok(if seq == 0 { Some([0; 8]) } else { Self::at(seq).and_then(|at| self.running.get(at)).copied() })
    }
}

fn is_change(entry: &LogEntry) -> bool {
    matches!(entry, LogEntry::Changed { .. } | LogEntry::Replaced { .. })
}

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

/// A server.
#[derive(Debug, Clone)]
pub struct Server {
    /// The index.
    pub index: Memory,
    /// What is durable.
    pub log: Log,
    /// Whether changes may be stored as they came.
    pub verbatim: bool,
    /// Whether snapshots come with a mark: those of an older server do not.
    pub marks: bool,
    /// What lies beside the keys: no copy of the folder has it.
    pub register: Register,
    /// Up to where a copy of the log exists.
    pub backed_up: u64,
    run: ServerRun,
    id: LogId,
    snapshots: BTreeMap<DocumentId, Snapshot>,
}

/// A copy of the server's folder.
#[derive(Debug, Clone)]
pub struct Backup {
    index: Memory,
    log: Log,
    id: LogId,
}

impl Backup {
    /// Returns the last place in the log that the copy has.
    pub fn end(&self) -> u64 {
        self.log.end()
    }
}

/// What the server puts in front of bytes that are sealed to it. A real one encrypts; here it is enough that nobody else can open it.
const SEAL: &[u8] = b"sealed to the server\0";

/// Seals bytes to the server.
pub fn seal(plain: &[u8]) -> Vec<u8> {
    SEAL.iter().copied().chain(plain.iter().map(|byte| !byte)).collect()
}

/// Opens what was sealed to the server.
pub fn unseal(sealed: &[u8]) -> Option<Vec<u8>> {
    Some(sealed.strip_prefix(SEAL)?.iter().map(|byte| !byte).collect())
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
            marks: true,
            register: Register::founded(FIRST_LOG),
            backed_up: 0,
            run: ServerRun([1; 16]),
            id: FIRST_LOG,
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
        Conditions { now, log: self.id, secret: SECRET, run: self.run, verbatim: self.verbatim }
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
        for entry in decided.entries {
            self.register.note(&entry);
            self.log.push(entry);
        }
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
    pub fn check(&mut self, request: Request) -> Result<CheckedRequest, Unanswered> {
        let known = self.index().device(request.device).expect("the index reads");
        let shown = request.certificate.as_ref().and_then(|bytes| codec::from_bytes::<Device>(bytes).ok());
        let device = match (known, shown) {
            (Some(known), _) => known,
            (None, Some(shown)) => self.decide(request.clock, |desk| desk.certify(shown).expect("certified")),
            (None, None) => return Err(Unanswered::OtherDevice),
        };
        let conditions = self.conditions(request.clock);
        check_request(&self.index(), &self.log, &conditions, &DeviceKey::of, &unseal, &device, request)
            .expect("the index reads")
    }

    /// Copies the folder.
    pub fn back_up(&mut self) -> Backup {
        self.backed_up = self.log.end();
        Backup { index: self.index.clone(), log: self.log.clone(), id: self.id }
    }

    /// Puts a copy in the place of the folder, as somebody does who says so.
    pub fn restore(&mut self, backup: &Backup, id: [u8; 16], now: Moment) {
        let end = backup.end();
        self.set_back(backup, id);
        self.register.begin(LogId(id), backup.id, end);
        self.backed_up = end;
        self.begin_life(LogId(id), RestoredBy::Backup, now);
    }

    /// Puts a copy in the place of the folder, and nobody says so. `run` is what the server issues as from then on.
    pub fn set_back(&mut self, backup: &Backup, run: [u8; 16]) {
        let (index, log) = (backup.index.clone(), backup.log.clone());
        (self.index, self.log, self.id, self.run) = (index, log, backup.id, ServerRun(run));
        self.snapshots.clear();
    }

    /// Opens a folder that may have been set back: what lies beside the keys is applied, and a life of the log that is over is found out.
    /// Returns whether it was.
    pub fn open(&mut self, id: [u8; 16], now: Moment) -> bool {
        if self.register.lives.last().is_some_and(|life| life.log != self.id) {
            self.find_out(id, now);
            return true;
        }
        let mut desk = self.desk(now);
        desk.apply_register(&self.register, &self.log).expect("the register applies");
        let decided = desk.decide();
        self.commit(decided);
        false
    }

    /// Returns whether an administrator has yet to confirm a restore.
    pub fn waits(&self) -> bool {
        self.index().restored().expect("reads").is_some_and(|restored| restored.waiting)
    }

    /// Returns whether a cursor stands for a place in the present log.
    pub fn knows(&self, cursor: &Cursor) -> bool {
        cursor.log == self.id && self.log.running(cursor.seq).expect("reads") == Some(cursor.running)
    }

    /// Finds out that the folder was set back.
    pub fn find_out(&mut self, id: [u8; 16], now: Moment) {
        self.register.begin(LogId(id), self.id, 0);
        self.backed_up = 0;
        self.begin_life(LogId(id), RestoredBy::RollBack, now);
    }

    fn begin_life(&mut self, id: LogId, by: RestoredBy, now: Moment) {
        self.id = id;
        let mut desk = self.desk(now);
        desk.begin_life(&self.register, by, &self.log).expect("a life begins");
        let decided = desk.decide();
        self.commit(decided);
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
