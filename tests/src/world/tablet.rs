//! A tablet without a screen: a store, a key, and what is on its way.

use ed25519_dalek::SigningKey;
use sync_core::document::name::DocumentName;
use sync_core::document::slot::Slot;
use sync_core::exchange::client::copy::{CopyError, Fetched, fetched};
use sync_core::exchange::client::outbox::{Outgoing, Safe, compose, keep};
use sync_core::exchange::client::purge::{due, purge, seen};
use sync_core::exchange::client::reply::{Brought, NotTaken, take};
use sync_core::exchange::client::state::{ActRow, Profile, Tablet as Store};
use sync_core::exchange::client::view::paired;
use sync_core::exchange::client::withdrawal::withdraw;
use sync_core::exchange::codec;
use sync_core::exchange::message::Reply;
use sync_core::ids::{ActId, DeviceId, DocumentId, HoldId, PersonId, StudentId};
use sync_core::kv::Memory;
use sync_core::roster::Device;
use sync_core::time::Moment;

use super::people::{ORG, key_of};
use super::server::{Snapshot, seal};

/// One person's profile on one tablet. A folder that was copied elsewhere is a second one with the same key.
#[derive(Debug, Clone)]
pub struct Tablet {
    /// All that is stored.
    pub memory: Memory,
    /// Whose it is.
    pub person: PersonId,
    /// Its device.
    pub device: DeviceId,
    /// How far its clock is ahead of the true time.
    pub clock_ms: i64,
    /// The requests whose replies may still come, by number; the last is the one that is waited for.
    pub asked: Vec<(u64, Outgoing)>,
    /// Whether it waits for a reply.
    pub waits: bool,
    /// The word of the server that it was paired, shown where that is not known; a real one is signed.
    pub certificate: Option<Device>,
    key: SigningKey,
}

/// Replies to earlier requests that are still looked at when they come.
const ASKED_MAX: usize = 3;

impl Tablet {
    /// Pairs a tablet with a person; `name` tells several devices of one person apart.
    pub fn paired(person: PersonId, name: &str) -> Self {
        let key = key_of(name);
        let device = DeviceId::of_key(key.verifying_key().as_bytes());
        let mut memory = Memory::default();
        memory.apply(paired(&Profile { org: ORG, person, device }));
        Self { memory, person, device, clock_ms: 0, asked: Vec::new(), waits: false, certificate: None, key }
    }

    /// Returns the key that it signs with.
    pub fn key(&self) -> &SigningKey {
        &self.key
    }

    /// Reads its store.
    pub fn store(&self) -> Store<'_> {
        Store(&self.memory)
    }

    /// Returns its own acts that it keeps.
    pub fn acts(&self) -> Vec<ActRow> {
        self.store().acts().expect("the store reads")
    }

    /// Keeps an act.
    pub fn keep(&mut self, name: &DocumentName, act: ActId, slots: Vec<Slot>) {
        let safe = Safe { key: &self.key, app: "simulated", seal: &seal };
        let writes = keep(&self.memory, name, act, slots, Some(&safe)).expect("kept");
        self.memory.apply(writes);
    }

    /// Notes that a hold is taken back.
    pub fn withdraw(&mut self, hold: HoldId) {
        self.memory.apply(withdraw(hold));
    }

    /// Composes a request and remembers it under a number.
    pub fn ask(&mut self, number: u64, now: Moment, expect_held: &dyn Fn(&ActRow) -> bool) -> Outgoing {
        let clock = now.plus_ms(self.clock_ms);
        let mut outgoing =
            compose(&self.memory, &self.key, "simulated", clock, expect_held).expect("composed");
        let certificate = self.certificate.as_ref().map(|device| codec::to_bytes(device).into());
        outgoing.request.certificate = certificate;
        self.asked.push((number, outgoing.clone()));
        if self.asked.len() > ASKED_MAX {
            self.asked.remove(0);
        }
        self.waits = true;
        outgoing
    }

    /// Takes the reply to a request; with `kill` it dies before the writes are done.
    ///
    /// Returns none where nobody here asked for it any more.
    pub fn answered(
        &mut self,
        number: u64,
        reply: &Reply,
        now: Moment,
        kill: bool,
    ) -> Option<Result<Brought, NotTaken>> {
        let at = self.asked.iter().position(|(asked, _)| *asked == number)?;
        if self.asked.last().is_some_and(|(last, _)| *last == number) {
            self.waits = false;
        }
        let taken = take(&self.memory, &self.asked[at].1, reply, now.plus_ms(self.clock_ms));
        if kill {
            self.kill();
            return None;
        }
        Some(taken.map(|(writes, brought)| {
            self.memory.apply(writes);
            brought
        }))
    }

    /// Takes a snapshot.
    pub fn fetched(&mut self, document: DocumentId, got: &Snapshot) -> Result<(), CopyError> {
        let got = Fetched { incarnation: got.incarnation, seq: got.seq, mark: got.mark, bytes: &got.bytes };
        let writes = fetched(&self.memory, self.device, document, &got)?;
        self.memory.apply(writes);
        Ok(())
    }

    /// Purges what is due.
    pub fn purge(&mut self) -> usize {
        let documents = due(&self.memory).expect("the store reads");
        for document in &documents {
            let writes = purge(&self.memory, *document).expect("purged");
            self.memory.apply(writes);
        }
        documents.len()
    }

    /// Shows the person what became of her holds.
    pub fn look_at_decided(&mut self) {
        for hold in self.store().holds().expect("the store reads") {
            let writes = seen(&self.memory, hold.id).expect("the store reads");
            self.memory.apply(writes);
        }
    }

    /// Dies: what was on its way is forgotten, what was written stays.
    pub fn kill(&mut self) {
        self.asked.clear();
        self.waits = false;
    }

    /// Returns all slots of a document that it shows.
    pub fn shown(&self, student: StudentId, document: DocumentId) -> Vec<Slot> {
        let shown = self.store().shown(student).expect("the store reads");
        shown
            .into_iter()
            .find(|shown| shown.name.id() == document)
            .map(|shown| shown.slots)
            .unwrap_or_default()
    }

    /// Returns whether nothing more is to be done: no act without a fate, nothing to fetch or to purge.
    pub fn is_at_rest(&self) -> bool {
        let store = self.store();
        store.unsent().expect("reads") == 0
            && store.to_fetch().expect("reads").is_empty()
            && store.to_purge().expect("reads").is_empty()
            && store.withdrawals().expect("reads").is_empty()
            && !store.is_giving_back().expect("reads")
    }
}
