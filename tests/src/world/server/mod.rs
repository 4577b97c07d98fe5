//! The server without a disk and without a socket: an index, and the frames of a log.

mod documents;
mod lives;
mod log;

use std::collections::BTreeMap;

use sync_core::exchange::codec;
use sync_core::exchange::message::{Reply, Request};
use sync_core::exchange::register::Register;
use sync_core::exchange::server::answer::{
    AnswerTo, CheckedRequest, Taken, Unanswered, answer, audit, check_request,
};
use sync_core::exchange::server::apply::apply;
use sync_core::exchange::server::desk::{Conditions, Decided, Desk, Secret, ServerRun};
use sync_core::exchange::server::index::Index;
use sync_core::exchange::server::reply::LogRead;
use sync_core::ids::{DeviceId, DocumentId, LogId, PersonId};
use sync_core::key::DeviceKey;
use sync_core::kv::{Memory, Overlay};
use sync_core::roster::Device;
use sync_core::time::Moment;

pub use documents::Snapshot;
pub use lives::Backup;
pub use log::Log;

/// What makes cursors and receipts this server's own.
const SECRET: Secret = Secret([4; 32]);

/// The first life of every log.
const FIRST_LOG: LogId = LogId([3; 16]);

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
