//! A whole district in one thread: tablets, clocks, a network and a server, all of them a function of one seed.
//!
//! ```text
//! deeds, hostile --> tablets --> network --> server --> log --> model
//!                       ^           |          |
//!                       +-----------+----------+        everything the server decides is shown to the model
//! ```
//!
//! The parts are the real ones: the pure client and the pure server, with a memory for a store. Only disks, sockets, clocks and people are
//! made up. [`World::run`] lets a seed play itself out, lets everybody come to rest, and checks what must hold then.

#![expect(clippy::expect_used, reason = "whatever goes wrong here is a failed test")]
#![expect(clippy::wildcard_enum_match_arm, reason = "most kinds of entries say nothing about a record")]

pub mod chance;
pub mod checks;
pub mod clock;
pub mod deeds;
pub mod hostile;
pub mod network;
pub mod past;
pub mod people;
pub mod roster;
pub mod server;
pub mod tablet;

use std::collections::BTreeMap;

use sync_core::document::slot::Slot;
use sync_core::exchange::codec;
use sync_core::exchange::message::{Fate, HoldReason, HoldState, Outcome, Reply, Request};
use sync_core::exchange::server::answer::{AnswerTo, CheckedRequest, Unanswered};
use sync_core::exchange::server::apply::containers;
use sync_core::exchange::server::entry::{LogEntry, Origin};
use sync_core::exchange::server::reply::LogRead;
use sync_core::ids::{DeviceId, DocumentId, StudentId};
use sync_core::roster::role::Role;

use crate::model::rights::Place;
use crate::model::{self, Model, Verdict, Wrong};
use clock::Clock;
use network::{Mishap, Network, Way, Weather};
use past::Past;
use people::STUDENTS;
use server::Server;
use sync_core::random::Random;
use tablet::Tablet;

/// A request that the server has looked at and not yet decided.
#[derive(Debug, Clone)]
struct Pending {
    /// Who waits for the reply; nobody waits for what an attacker or a carrier sent.
    tablet: Option<(usize, u64)>,
    device: DeviceId,
    checked: CheckedRequest,
    to: AnswerTo,
}

/// Everything there is.
#[derive(Debug, Clone)]
pub struct World {
    /// Chance.
    pub random: Random,
    /// The true time.
    pub clock: Clock,
    /// The server.
    pub server: Server,
    /// The tablets.
    pub tablets: Vec<Tablet>,
    /// The reference.
    pub model: Model,
    /// What the network does to messages.
    pub weather: Weather,
    /// How often each thing happened.
    pub counts: BTreeMap<&'static str, usize>,
    /// What happened, line by line.
    pub trace: Vec<String>,
    network: Network,
    inbox: Vec<Pending>,
    backup: Option<Past>,
    image: Option<Past>,
    set_back_unnoticed: bool,
    granted: Vec<(&'static str, StudentId, Role, i64, Option<i64>)>,
    granted_in_copy: usize,
    asked: u64,
    shown: u64,
}

/// Entries of one request's answer that are looked through for a page; more pages than this do not come.
const PAGES_MAX: usize = 20;

impl World {
    /// Founds a school with these devices, each paired and none of them synced yet.
    pub fn found(seed: u64, devices: &[&str]) -> Self {
        let clock = Clock::default();
        let server = Server::found(clock.now(), |desk| people::move_in(desk, devices));
        let mut world = Self {
            random: Random::of(seed),
            clock,
            server,
            tablets: Vec::new(),
            model: Model::default(),
            weather: Weather::FAIR,
            counts: BTreeMap::new(),
            trace: Vec::new(),
            network: Network::default(),
            inbox: Vec::new(),
            backup: None,
            image: None,
            set_back_unnoticed: false,
            granted: Vec::new(),
            granted_in_copy: usize::MAX,
            asked: 0,
            shown: 0,
        };
        for name in devices {
            let whose = name.split(' ').next().unwrap_or(name);
            let tablet = Tablet::paired(people::person(whose), name);
            world.model.devices.insert(tablet.device, true);
            world.tablets.push(tablet);
        }
        let coordinator = model::Grant {
            person: people::person("coord"),
            student: STUDENTS[0],
            place: Place::Coordinator,
            from: i64::MAX,
            to: None,
        };
        world.model.grants.insert(b"coord".to_vec(), coordinator);
        world
    }

    /// Notes that something happened.
    pub fn note(&mut self, what: &'static str, detail: impl std::fmt::Display) {
        *self.counts.entry(what).or_default() += 1;
        self.trace.push(format!("day {} {what}: {detail}", self.clock.day()));
    }

    /// Returns the codes with which the server refuses what a request brings; the model is not asked.
    pub fn server_says(&mut self, request: Request) -> Vec<String> {
        let checked = self.server.check(request).expect("taken");
        let decisions = self.server.take(self.clock.now(), vec![checked], false).expect("no crash");
        let fates = decisions.into_iter().flat_map(|decision| decision.taken.fates);
        let code = |fate: Fate| match fate.outcome {
            Outcome::Refused { code } => Some(code),
            _ => None,
        };
        fates.filter_map(code).collect()
    }

    /// Shows the model what was committed, up to a place in the log.
    ///
    /// # Errors
    /// What the model cannot justify.
    pub fn observe(&mut self, until: u64) -> Result<(), Wrong> {
        let day = self.clock.day();
        let until = until.min(self.server.log.end());
        while self.shown < until {
            self.shown += 1;
            let seq = self.shown;
            let entry = self.server.log.entry(seq).expect("committed");
            match entry {
                LogEntry::Founded { name, .. } => {
                    let kind = deeds::kind_of(name.kind);
                    let document = model::Document { kind, student: name.subject, member: name.member };
                    self.model.documents.insert(name.id(), document);
                }
                LogEntry::Changed { document, change, origin } => {
                    let way = match origin {
                        Origin::Issued { admitted, .. } if !admitted.is_empty() => {
                            model::Way::Admitted(admitted[0])
                        }
                        Origin::Issued { .. } => {
                            *self.counts.entry("issued").or_default() += 1;
                            model::Way::Straight
                        }
                        Origin::Again { .. } => {
                            *self.counts.entry("stored again").or_default() += 1;
                            model::Way::Again
                        }
                        Origin::Renewed => model::Way::Renewed,
                        Origin::Verbatim { .. } => {
                            *self.counts.entry("verbatim").or_default() += 1;
                            model::Way::Straight
                        }
                    };
                    let slots = self.slots_of(document, &change);
                    let said: Vec<_> = records(&slots).map(deeds::said).collect();
                    self.model.came_to_stand(seq, day, document, &said, &way)?;
                }
                LogEntry::Held { hold, .. } => {
                    *self.counts.entry("held").or_default() += 1;
                    *self.counts.entry(hold.reason.name()).or_default() += 1;
                    let said = hold.slots.iter().map(deeds::said).collect();
                    let hold = model::Hold {
                        document: hold.document(),
                        author: hold.author,
                        slots: said,
                        recovered: hold.reason == HoldReason::Recovered,
                        verdict: verdict_of(&hold.state),
                        id: hold.id,
                    };
                    self.model.was_held(hold)?;
                }
                LogEntry::HoldState { hold, state, .. } => {
                    if matches!(state, HoldState::Admitted { by: None }) {
                        *self.counts.entry("released").or_default() += 1;
                    }
                    self.model.was_decided(hold, verdict_of(&state), day)?;
                }
                LogEntry::Replaced { document, without, .. } => {
                    *self.counts.entry("renewed").or_default() += 1;
                    let without = without.iter().map(|(key, _)| key.to_string()).collect();
                    self.model.begins_anew(document, &without);
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Returns the slots of a stored change.
    pub fn slots_of(&self, document: DocumentId, change: &[u8]) -> Vec<Slot> {
        let state = self.server.index().document(document).expect("reads").expect("a document");
        let places = containers(&state.name, state.steps);
        sync_core::document::change::slots_of_change(&places, change).expect("a stored change")
    }

    /// Lets the person of a tablet make this act: it is safe there, and the model knows of it.
    pub fn keep(&mut self, tablet: usize, draft: deeds::Draft) {
        self.note("act", format!("tablet {tablet} {} {:?}", draft.act.id, draft.act.deed));
        self.tablets[tablet].keep(&draft.name, draft.act.id, draft.slots);
        self.model.made(draft.act);
    }

    /// Lets a tablet send a request on its way.
    pub fn ask(&mut self, tablet: usize) {
        self.asked += 1;
        let number = self.asked;
        // Some acts travel as plain slots: those that the tablet expects to be held, or thinks it does.
        let outgoing =
            self.tablets[tablet].ask(number, self.clock.now(), &|act| act.act.0[15].is_multiple_of(8));
        let acts = outgoing.acts.values().map(Vec::len).sum::<usize>();
        self.note("request", format!("tablet {tablet} number {number}, {acts} acts"));
        self.send((Way::Up, tablet, number), codec::encode(&outgoing.request));
    }

    fn send(&mut self, address: (Way, usize, u64), bytes: Vec<u8>) {
        for mishap in self.network.send(&mut self.random, self.weather, address, bytes) {
            let what = match mishap {
                Mishap::Lost => "lost",
                Mishap::Doubled => "doubled",
                Mishap::Cut => "cut",
                Mishap::Late => "late",
            };
            self.note(what, format!("{:?} of tablet {} number {}", address.0, address.1, address.2));
        }
    }

    /// Lets one message arrive, if one is there.
    ///
    /// # Errors
    /// What must not be.
    pub fn deliver(&mut self) -> Result<(), Wrong> {
        let Some(message) = self.network.arrival(&mut self.random) else { return Ok(()) };
        match message.way {
            Way::Up => match codec::decode::<Request>(&message.bytes) {
                Ok(request) => self.request(Some((message.tablet, message.number)), request),
                Err(_) => {
                    self.note("unreadable", "request");
                    Ok(())
                }
            },
            Way::Down => match codec::decode::<Reply>(&message.bytes) {
                Ok(reply) => self.reply(message.tablet, message.number, &reply),
                Err(_) => {
                    self.note("unreadable", "reply");
                    self.tablets[message.tablet].waits = false;
                    Ok(())
                }
            },
        }
    }

    /// Lets the server look at a request; it is decided with the next batch.
    ///
    /// # Errors
    /// What the model finds wrong with a life of the log that begins because the tablet has seen more of it.
    pub fn request(&mut self, tablet: Option<(usize, u64)>, request: Request) -> Result<(), Wrong> {
        let to = AnswerTo::of(&request, self.server.backed_up);
        let device = request.device;
        match self.server.check(request.clone()) {
            Ok(checked) => self.inbox.push(Pending { tablet, device, checked, to }),
            Err(Unanswered::RolledBack) => {
                self.find_out()?;
                return self.request(tablet, request);
            }
            Err(Unanswered::Waiting) => self.note("waits to be confirmed", device),
            Err(unanswered) => self.note("unanswered", unanswered.code()),
        }
        Ok(())
    }

    /// Lets the server decide all requests that it has looked at, as one frame, and answer them.
    ///
    /// # Errors
    /// What the model cannot justify, and every byte for somebody who may not read it.
    pub fn commit(&mut self, crash: bool) -> Result<(), Wrong> {
        let batch = std::mem::take(&mut self.inbox);
        if batch.is_empty() {
            return Ok(());
        }
        let now = self.clock.now();
        let requests = batch.iter().map(|pending| pending.checked.clone()).collect();
        let Some(decisions) = self.server.take(now, requests, crash) else {
            self.note("crash before the commit", batch.len());
            return Ok(());
        };
        if batch.len() > 1 {
            self.note("batch", batch.len());
        }
        let firsts: Vec<u64> = decisions.iter().map(|decision| decision.first).collect();
        let end = self.server.log.end();
        self.observe(firsts[0] - 1)?;
        for (at, decision) in decisions.iter().enumerate() {
            self.observe(firsts.get(at + 1).map_or(end, |next| next - 1))?;
            for fate in &decision.taken.fates {
                self.fate(decision.first, fate)?;
            }
        }
        for (pending, decision) in batch.into_iter().zip(decisions) {
            let reply = self.server.answer(now, pending.device, &pending.to, decision.taken);
            self.observe(u64::MAX)?;
            let device = self.server.index().device(pending.device).expect("reads").expect("known");
            self.is_for(device.person, &reply)?;
            self.nothing_goes_down_unconfirmed(&reply)?;
            if let Some((tablet, number)) = pending.tablet {
                self.note("reply", format!("{} fates, {} entries", reply.fates.len(), reply.entries.len()));
                self.send((Way::Down, tablet, number), codec::encode(&reply));
            }
        }
        Ok(())
    }

    fn fate(&mut self, first: u64, fate: &Fate) -> Result<(), Wrong> {
        let told = match &fate.outcome {
            Outcome::Stored => model::Fate::Stored,
            Outcome::Held { reason, state, .. } => {
                model::Fate::Held { reason: reason.name().to_owned(), waiting: *state == HoldState::Waiting }
            }
            Outcome::Refused { code } => {
                self.note("refused", code);
                model::Fate::Refused
            }
        };
        let Some(act) = fate.act else { return Ok(()) };
        self.note("fate", format!("{act} {told:?}"));
        self.model.was_told(self.clock.day(), first, fate.document, act, &told)
    }

    /// Lets a reply arrive at a tablet.
    ///
    /// # Errors
    /// What is wrong with the copies afterwards.
    pub fn reply(&mut self, tablet: usize, number: u64, reply: &Reply) -> Result<(), Wrong> {
        let kill = self.weather != Weather::FAIR && self.random.chance(4);
        let now = self.clock.now();
        match self.tablets[tablet].answered(number, reply, now, kill) {
            None if kill => self.note("killed while it took a reply", tablet),
            None => self.note("nobody asked any more", tablet),
            Some(Ok(brought)) => {
                if brought.more {
                    self.note("more", tablet);
                }
                if self.random.chance(10) {
                    self.copies_are_the_servers(tablet)?;
                }
            }
            Some(Err(error)) => {
                if matches!(error, sync_core::exchange::client::reply::NotTaken::OtherCursor) {
                    self.note("a reply to an older question", tablet);
                } else {
                    return Err(format!("tablet {tablet} could not take a reply: {error}"));
                }
            }
        }
        Ok(())
    }

    /// Lets a tablet and the server exchange until there is no more, with nothing going wrong.
    ///
    /// # Errors
    /// As the steps of it.
    pub fn exchange(&mut self, tablet: usize) -> Result<(), Wrong> {
        for _ in 0..PAGES_MAX {
            self.asked += 1;
            let number = self.asked;
            let now = self.clock.now();
            let outgoing = self.tablets[tablet].ask(number, now, &|act| act.act.0[15].is_multiple_of(8));
            let bytes = codec::encode(&outgoing.request);
            let request: Request = codec::decode(&bytes).map_err(|error| error.to_string())?;
            let before = self.inbox.len();
            self.request(None, request)?;
            if self.inbox.len() == before {
                return Ok(());
            }
            let reply = self.commit_for_last()?;
            let brought = self.tablets[tablet]
                .answered(number, &reply, now, false)
                .ok_or("the tablet forgot its question")?
                .map_err(|error| format!("tablet {tablet} could not take a reply: {error}"))?;
            if !brought.more {
                return Ok(());
            }
        }
        Err(format!("tablet {tablet} was told more and more"))
    }

    /// Lets the server answer a request at once.
    ///
    /// # Errors
    /// That it is not taken, or what must not be.
    pub fn ask_server(&mut self, request: Request) -> Result<Reply, Wrong> {
        let before = self.inbox.len();
        self.request(None, request)?;
        if self.inbox.len() == before { Err("not taken".into()) } else { self.commit_for_last() }
    }

    /// Decides what is there and returns the reply to the last request, before the network gets it.
    fn commit_for_last(&mut self) -> Result<Reply, Wrong> {
        let last = self.inbox.pop().ok_or("nothing was asked")?;
        self.commit(false)?;
        let now = self.clock.now();
        let decisions = self.server.take(now, vec![last.checked], false).ok_or("no crash was asked for")?;
        let decision = decisions.into_iter().next().ok_or("one request, one decision")?;
        self.observe(u64::MAX)?;
        for fate in &decision.taken.fates {
            self.fate(decision.first, fate)?;
        }
        let reply = self.server.answer(now, last.device, &last.to, decision.taken);
        self.observe(u64::MAX)?;
        let device = self.server.index().device(last.device).expect("reads").expect("known");
        self.is_for(device.person, &reply)?;
        self.nothing_goes_down_unconfirmed(&reply)?;
        Ok(reply)
    }

    /// Lets a tablet fetch what it wants, as far as it gets it.
    ///
    /// # Errors
    /// A snapshot for somebody who may not read it, or one that the tablet cannot use.
    pub fn fetch(&mut self, tablet: usize, cached: bool) -> Result<(), Wrong> {
        use sync_core::exchange::client::copy::CopyError;
        let wanted = self.tablets[tablet].store().to_fetch().expect("reads");
        for (name, at_least) in wanted {
            let (device, person) = (self.tablets[tablet].device, self.tablets[tablet].person);
            let document = name.id();
            let got = self.server.fetch(self.clock.now(), device, document, at_least, cached);
            self.observe(u64::MAX)?;
            let Some(got) = got else {
                self.note("no snapshot", tablet);
                continue;
            };
            if !self.model.reads(person, document, self.clock.day()) {
                return Err(format!("{document} was handed to tablet {tablet}"));
            }
            match self.tablets[tablet].fetched(document, &got) {
                Ok(()) => self.note("snapshot", format!("{document} up to {}", got.seq)),
                Err(CopyError::TooOld) if got.seq < at_least => self.note("old snapshot", document),
                Err(error) => return Err(format!("tablet {tablet} could not use a snapshot: {error}")),
            }
        }
        Ok(())
    }

    /// Returns a hash of everything that happened.
    pub fn hash(&self) -> u64 {
        let bytes = self.trace.iter().flat_map(|line| line.bytes());
        bytes
            .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
    }

    /// Forgets everything that is under way.
    pub fn calm(&mut self) {
        self.weather = Weather::FAIR;
        self.network.clear();
        self.inbox.clear();
        self.tablets.iter_mut().for_each(Tablet::kill);
    }
}

/// Returns the records among slots: all but the notes that only the server makes.
pub fn records(slots: &[Slot]) -> impl Iterator<Item = &Slot> {
    slots.iter().filter(|slot| slot.container != "issued")
}

fn verdict_of(state: &HoldState) -> Verdict {
    match state {
        HoldState::Waiting => Verdict::Waiting,
        HoldState::Admitted { by } => Verdict::Admitted(*by),
        HoldState::Declined { by, .. } => Verdict::Closed(*by),
        HoldState::Withdrawn => Verdict::Closed(None),
    }
}
