//! A server in a few lines: it gives every act a fate, the same one however often it is asked, and tells its log from a cursor on.
//!
//! It decides nothing. What it says of an act is what the test says; what it loses, breaks or delays, too.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use client_sdk::chance::Chance;
use client_sdk::clock::{Clock, ClockSetting};
use client_sdk::deeds::LocalPolicy;
use client_sdk::engine::{Engine, Report, Until};
use client_sdk::store::Store;
use client_sdk::transport::{
    Decisions, Exchanged, Failure, Paired, PairingRequest, Refusal, Route, SnapshotHead, SnapshotSink,
    SnapshotWanted, Traffic, Transport,
};
use client_sdk::trouble::Trouble;
use sync_core::document::change::outline;
use sync_core::document::copy::snapshot;
use sync_core::document::founding::founding;
use sync_core::document::slot::{ContentHash, Slot};
use sync_core::envelope::{Body, Content};
use sync_core::exchange::codec;
use sync_core::exchange::message::{ChangeBytes, Cursor, Entry, Fate, Outcome, Receipt, Reply, Request};
use sync_core::ids::{ActId, DocumentId, LogId};

use crate::world::{Counting, LOG, NOW, cursor, reply};

/// What goes wrong with one call.
pub enum Fault {
    /// The request never arrives.
    Lost,
    /// The reply never arrives.
    ReplyLost,
    /// The server asks to come again after so long.
    Later(u64),
    /// A guest network's page answers.
    Portal,
    /// The server refuses with this code.
    Refused(&'static str, Option<u64>),
    /// The server has no room for new work.
    Full,
    /// Nothing: there is more behind this reply.
    More,
}

#[derive(Default)]
pub struct Server {
    pub faults: RefCell<VecDeque<Fault>>,
    /// Entries and their places.
    pub log: RefCell<Vec<(u64, Entry)>>,
    pub fates: RefCell<BTreeMap<(DocumentId, ActId), Fate>>,
    /// The acts that came sealed. What is in them this server cannot tell anybody.
    pub sealed: RefCell<Vec<(DocumentId, ActId)>>,
    pub bodies: RefCell<Vec<(Route, Vec<u8>)>>,
    /// How much each was said to have room for.
    pub rooms: RefCell<Vec<Option<u32>>>,
    pub pauses: RefCell<Vec<Duration>>,
    pub snapshot: RefCell<Option<(SnapshotHead, Vec<u8>)>>,
    /// The document that the server cannot read.
    pub unreadable: Cell<Option<DocumentId>>,
    /// Bytes after which each transfer of a snapshot breaks off; none: never.
    pub breaks_after: Cell<Option<usize>>,
    /// Whether the place up to which a snapshot is complete moves on from one transfer to the next.
    pub log_moves_on: Cell<bool>,
    /// Whether the first transfer of a snapshot is of a life of the log that is over by the second.
    pub begins_in_another_life: Cell<bool>,
    pub asked: RefCell<Vec<Option<u64>>>,
}

fn acts_of(body: &Body) -> Vec<(ActId, Vec<Slot>)> {
    let slots = match &body.content {
        Content::Slots(slots) => slots.clone(),
        Content::Change(bytes) => {
            let containers =
                sync_core::document::container::Containers::of(body.document, kinds_of(body.document));
            sync_core::document::collect::slots_of_change(&containers, bytes).unwrap()
        }
    };
    let mut acts: BTreeMap<ActId, Vec<Slot>> = BTreeMap::new();
    for slot in slots {
        acts.entry(slot.act().unwrap()).or_default().push(slot);
    }
    acts.into_iter().collect()
}

/// The containers of whichever document of the world it is.
fn kinds_of(document: DocumentId) -> &'static [&'static [&'static str]] {
    use crate::world::{LEO, MAYA, name};
    use sync_core::document::name::DocumentKind;
    for kind in DocumentKind::ALL {
        if [MAYA, LEO].iter().any(|student| name(kind, *student).id() == document) {
            return sync_core::document::schema::steps(kind);
        }
    }
    panic!("a document that nobody has")
}

/// A document's snapshot with nothing in it, in its second life.
pub fn as_founded(document: DocumentId) -> (SnapshotHead, Vec<u8>) {
    let chain = founding(document, kinds_of(document));
    let bytes = snapshot(chain.iter().map(|founding| founding.bytes.as_slice())).unwrap();
    let length = bytes.len() as u64;
    (SnapshotHead { etag: "\"one\"".into(), seq: 9, incarnation: 2, length, mark: None }, bytes)
}

impl Server {
    /// Says something to the tablet.
    pub fn say(&self, entry: Entry) {
        let seq = self.end() + 1;
        self.log.borrow_mut().push((seq, entry));
    }

    /// Returns a server that has and says the same.
    pub fn fork(&self) -> Self {
        Self { log: self.log.clone(), fates: self.fates.clone(), ..Self::default() }
    }

    fn end(&self) -> u64 {
        self.log.borrow().last().map_or(1, |(seq, _)| *seq)
    }

    fn answer(&self, route: Route, request: &Request) -> Reply {
        let mut fates = Vec::new();
        for envelope in &request.envelopes {
            let body: Body = codec::from_bytes(&envelope.body).unwrap();
            for (act, _) in acts_of(&body) {
                let key = (body.document, act);
                let known = self.fates.borrow().get(&key).cloned();
                let fate = known.unwrap_or_else(|| {
                    if let Content::Change(bytes) = &body.content {
                        let known = |entry: &Entry| matches!(entry, Entry::Change { change: ChangeBytes::Bytes(known), .. } if known == bytes);
                        if !self.log.borrow().iter().any(|(_, entry)| known(entry)) {
                            let change = ChangeBytes::Bytes(bytes.clone());
                            self.say(Entry::Change { document: body.document, seq: self.end() + 1, change });
                        }
                    } else {
                        self.say(Entry::Fact { key: "noise".into(), value: None });
                    }
                    let receipt = Receipt { log: LOG, seq: self.end(), keyed: [0; 16] };
                    Fate { document: body.document, act: Some(act), envelope: envelope.hash(), outcome: Outcome::Stored, receipt }
                });
                self.fates.borrow_mut().insert(key, fate.clone());
                fates.push(fate);
            }
        }
        for sealed in &request.sealed {
            let key = (sealed.document, sealed.act);
            let known = self.fates.borrow().get(&key).cloned();
            let fate = known.unwrap_or_else(|| {
                self.say(Entry::Fact { key: "noise".into(), value: None });
                Fate {
                    document: sealed.document,
                    act: Some(sealed.act),
                    envelope: ContentHash([0; 16]),
                    outcome: Outcome::Stored,
                    receipt: Receipt { log: LOG, seq: self.end(), keyed: [0; 16] },
                }
            });
            self.sealed.borrow_mut().push(key);
            self.fates.borrow_mut().insert(key, fate.clone());
            fates.push(fate);
        }
        if route == Route::HandIn {
            return Reply { fates, cursor: None, ..reply(Vec::new(), 0) };
        }
        let from = request.cursor.map_or(0, |cursor| cursor.seq);
        let news = self
            .log
            .borrow()
            .iter()
            .filter(|(seq, _)| *seq > from)
            .map(|(_, entry)| own_by_hash(entry, request))
            .collect();
        Reply { fates, cursor: Some(cursor(self.end())), ..reply(news, 0) }
    }
}

/// A change that the request itself brought is told by its hash.
fn own_by_hash(entry: &Entry, request: &Request) -> Entry {
    let Entry::Change { document, seq, change: ChangeBytes::Bytes(bytes) } = entry else {
        return entry.clone();
    };
    let brought = request.envelopes.iter().any(|envelope| {
        let body: Body = codec::from_bytes(&envelope.body).unwrap();
        matches!(&body.content, Content::Change(brought) if brought == bytes)
    });
    if !brought {
        return entry.clone();
    }
    let hash = outline(bytes).unwrap().hash;
    Entry::Change { document: *document, seq: *seq, change: ChangeBytes::Yours(hash) }
}

impl Transport for Server {
    async fn pair(&self, _: &PairingRequest) -> Result<Paired, Failure> {
        Err(Failure::Unreachable)
    }

    async fn exchange(
        &self,
        route: Route,
        _: Option<&str>,
        body: &[u8],
        room: Option<u32>,
    ) -> Result<Exchanged, Failure> {
        self.bodies.borrow_mut().push((route, body.to_vec()));
        self.rooms.borrow_mut().push(room);
        let fault = self.faults.borrow_mut().pop_front();
        let refused = |code: &str, last_counter| {
            Failure::Refused(Refusal {
                code: code.into(),
                message: "no".into(),
                help: "ask".into(),
                last_counter,
            })
        };
        match fault {
            Some(Fault::Lost) => return Err(Failure::Unreachable),
            Some(Fault::Later(seconds)) => {
                return Err(Failure::Later { after: Some(Duration::from_secs(seconds)), refusal: None });
            }
            Some(Fault::Portal) => {
                return Ok(Exchanged { body: b"<html>Welcome to our guest network".to_vec(), token: None });
            }
            Some(Fault::Refused(code, last)) => return Err(refused(code, last)),
            Some(Fault::Full) => {
                let Failure::Refused(refusal) = refused("storage_full", None) else { unreachable!() };
                return Err(Failure::Later { after: Some(Duration::from_secs(60)), refusal: Some(refusal) });
            }
            Some(Fault::ReplyLost | Fault::More) | None => {}
        }
        let more = matches!(fault, Some(Fault::More));
        let reply = Reply { more, ..self.answer(route, &codec::decode(body).unwrap()) };
        if matches!(fault, Some(Fault::ReplyLost)) {
            return Err(Failure::BrokeOff);
        }
        Ok(Exchanged { body: codec::encode(&reply), token: Some("token".into()) })
    }

    async fn snapshot(&self, wanted: SnapshotWanted<'_>, sink: &mut dyn SnapshotSink) -> Result<(), Failure> {
        self.asked.borrow_mut().push(wanted.have.map(|(have, _)| have));
        if self.unreadable.get() == Some(wanted.document) {
            let refusal = Refusal {
                code: "storage_damaged".into(),
                message: "no".into(),
                help: "ask".into(),
                last_counter: None,
            };
            return Err(Failure::Later { after: None, refusal: Some(refusal) });
        }
        let snapshot = self.snapshot.borrow().clone().unwrap_or_else(|| as_founded(wanted.document));
        let (mut head, bytes) = snapshot;
        if self.log_moves_on.get() {
            head.seq += self.asked.borrow().len() as u64;
        }
        if self.begins_in_another_life.get() {
            let (log, seq) = if self.asked.borrow().len() == 1 { (LogId([0xee; 16]), 900) } else { (LOG, 9) };
            (head.seq, head.mark) = (seq, Some(Cursor { log, seq, ..cursor(seq) }));
        }
        let from = wanted.have.filter(|(_, etag)| *etag == head.etag).map_or(0, |(have, _)| have);
        sink.begin(&head, from)?;
        let rest = &bytes[usize::try_from(from).unwrap()..];
        let sent = self.breaks_after.get().unwrap_or(rest.len()).min(rest.len());
        for piece in rest[..sent].chunks(7) {
            sink.bytes(piece)?;
        }
        if sent < rest.len() { Err(Failure::Unreachable) } else { Ok(()) }
    }

    async fn decide(&self, _: &[u8], _: bool, _: &str) -> Result<Decisions, Failure> {
        Ok(Decisions { holds: Vec::new() })
    }

    fn traffic(&self) -> Traffic {
        Traffic::default()
    }

    async fn pause(&self, time: Duration) {
        self.pauses.borrow_mut().push(time);
    }
}

/// Runs the engine against the server.
pub fn run(store: &Store, server: &Server, until: Until) -> (Result<(), Trouble>, Report) {
    let setting: ClockSetting = NOW.parse().unwrap();
    let (clock, chance): (_, Box<RefCell<dyn Chance>>) =
        (Clock::start(setting), Box::new(RefCell::new(Counting(7))));
    let engine = Engine {
        store,
        transport: server,
        clock: &clock,
        chance: &*chance,
        // What the tablet itself expects to be held travels as slots, and this server issues none.
        policy: LocalPolicy::Skipped,
        watcher: &|_| {},
    };
    let report = RefCell::new(Report::default());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let ended = runtime.block_on(engine.run(until, &report));
    (ended, report.into_inner())
}
