//! A tablet as the SDK drives it: the pure client over a store in memory.

use ed25519_dalek::SigningKey;
use sync_core::document::change::{ActorTip, Position, encode};
use sync_core::document::founding::{containers_of, founding_of};
use sync_core::document::name::DocumentName;
use sync_core::envelope::{Body, Content, ENVELOPE_VERSION, Envelope, Evidence};
use sync_core::exchange::assertion::{Assertion, SCHEME};
use sync_core::exchange::client::copy::{Fetched, fetched};
use sync_core::exchange::client::outbox::{Outgoing, compose, keep};
use sync_core::exchange::client::reply::take;
use sync_core::exchange::client::state::{Profile, Tablet as Stored};
use sync_core::exchange::client::view::paired;
use sync_core::exchange::codec;
use sync_core::exchange::message::{Cursor, Reply, Request};
use sync_core::ids::{LogId, OrgId, derive};
use sync_core::kv::Memory;
use sync_core::roster::Device;
use sync_core::roster::role::Role;
use sync_core::time::Moment;

use crate::measure::Failed;
use crate::records::{Act, Author, FIRST_DAY_MS};
use crate::school::School;
use crate::wire::{Ready, pack};

/// The app's name in every envelope.
const APP: &str = "carryover-tablet 0.1.0";
/// The tablet's clock: it stands, so that every run is the same.
const CLOCK: Moment = Moment(FIRST_DAY_MS + 10 * 3_600_000);

/// A person's profile on a tablet.
pub struct Tablet {
    pub device: Device,
    pub author: Author,
    org: OrgId,
    key: SigningKey,
    store: Memory,
}

/// What an exchange cost.
#[derive(Debug, Clone, Copy, Default)]
pub struct Cost {
    /// Round trips, fetched snapshots included.
    pub trips: u32,
    /// Bytes of the bodies that went up, packed where that makes them smaller.
    pub up_bytes: usize,
    /// Bytes of the bodies that came down, likewise.
    pub down_bytes: usize,
    /// Bytes of the plain changes among them.
    pub change_bytes: usize,
}

/// Returns a key that follows from a name.
pub fn signing_key(name: &[u8]) -> SigningKey {
    let mut seed = [0; 32];
    seed[..16].copy_from_slice(&derive("key", &[name]));
    SigningKey::from_bytes(&seed)
}

/// Returns the bytes of a body on the wire.
pub fn packed(body: &[u8]) -> Result<usize, Failed> {
    Ok(pack(body)?.len().min(body.len()))
}

impl Tablet {
    /// Returns a paired tablet that has not heard anything yet.
    pub fn new(org: OrgId, device: Device, key: SigningKey, role: Role, seed: u64) -> Self {
        let profile = Profile { org, person: device.person, device: device.id };
        let mut store = Memory::default();
        store.apply(paired(&profile));
        let author = Author::new(device.person, role.code(), seed);
        Self { device, author, org, key, store }
    }

    /// Keeps an act in the outbox.
    pub fn keep(&mut self, name: &DocumentName, (act, slots): Act) -> Result<(), Failed> {
        let writes = keep(&self.store, name, act, slots, None)?;
        self.store.apply(writes);
        Ok(())
    }

    /// Exchanges until there is nothing more to send or to fetch, and says what it cost.
    pub async fn sync(&mut self, school: &School) -> Result<Cost, Failed> {
        let mut cost = Cost::default();
        loop {
            let outgoing = compose(&self.store, &self.key, APP, CLOCK, &|_| false)?;
            let reply = school.exchange(&self.device, outgoing.request.clone()).await?;
            cost.add(&outgoing, &reply)?;
            let (writes, brought) = take(&self.store, &outgoing, &reply, CLOCK)?;
            self.store.apply(writes);
            for (name, at_least) in Stored(&self.store).to_fetch()? {
                cost.trips += 1;
                cost.down_bytes += self.fetch(school, &name, at_least).await?;
            }
            if !brought.more && Stored(&self.store).unsent()? == 0 {
                return Ok(cost);
            }
        }
    }

    async fn fetch(&mut self, school: &School, name: &DocumentName, at_least: u64) -> Result<usize, Failed> {
        let (person, device, id) = (self.device.person, self.device.id, name.id());
        let snapshot = school.engine.snapshot(person, device, id, at_least, |_| true).await?;
        let mark = Some(school.engine.mark_at(snapshot.seq)?);
        let got =
            Fetched { incarnation: snapshot.incarnation, seq: snapshot.seq, mark, bytes: &snapshot.bytes };
        let writes = fetched(&self.store, device, id, &got)?;
        self.store.apply(writes);
        packed(&snapshot.bytes)
    }

    /// Returns requests of one observation each, every one on top of the one before, as a tablet would send them that syncs after each.
    pub fn one_by_one(&mut self, name: &DocumentName, count: usize) -> Result<Vec<Request>, Failed> {
        let places = containers_of(name.kind, name.id());
        let founding = founding_of(name.kind, name.id()).pop().ok_or("a document without founding")?;
        let (mut heads, mut max_op, mut tip) = (vec![founding.hash], founding.max_op, None);
        let mut requests = Vec::with_capacity(count);
        let mut observations: Vec<_> = (0..count).map(|_| self.author.observation(0).1).collect();
        // Each is logged after the one before, and so its id is the higher one.
        observations.sort_by_key(|slots| slots.first().map(|slot| slot.key));
        for slots in observations {
            let position = Position::next(self.device.id.0, tip, &heads, max_op, CLOCK);
            let change = encode(&places, &position, &slots)?;
            (heads, max_op) = (vec![change.hash], change.max_op);
            tip = Some(ActorTip { seq: position.seq, hash: change.hash });
            requests.push(self.request(name, Content::Change(change.bytes)));
        }
        Ok(requests)
    }

    fn request(&self, name: &DocumentName, content: Content) -> Request {
        self.request_of(None, vec![self.envelope(name, content, None)])
    }

    /// Signs what is said in a document.
    pub fn envelope(&self, name: &DocumentName, content: Content, seen: Option<(LogId, u64)>) -> Envelope {
        let evidence = Evidence { seen, app: APP.to_owned() };
        let (org, device) = (self.org, self.device.id);
        let body = Body { version: ENVELOPE_VERSION, org, document: name.id(), device, content, evidence };
        Envelope::sign(&body, &self.key)
    }

    /// Makes a request ready for the wire. `packed` as a tablet packs it; else as it is, and so is the answer.
    pub fn ready(&self, request: &Request, counter: u64, packed: bool) -> Result<Ready, Failed> {
        let body = codec::encode(request);
        let assertion = Assertion::of(self.org.0, self.device.id.0, counter, &body).signed_by(&self.key);
        let body = if packed { pack(&body)? } else { body };
        Ok(Ready { authorization: format!("{SCHEME} {assertion}"), body: body.into(), packed })
    }

    /// Returns the cursor of a tablet that has seen everything so far, without keeping any of it.
    pub async fn cursor(&self, school: &School) -> Result<Cursor, Failed> {
        let mut cursor = None;
        loop {
            let reply = school.exchange(&self.device, self.request_of(cursor, Vec::new())).await?;
            cursor = reply.cursor.or(cursor);
            if !reply.more {
                return cursor.ok_or_else(|| "a tablet got no cursor".into());
            }
        }
    }

    /// Makes a request from a cursor on.
    pub fn request_of(&self, cursor: Option<Cursor>, envelopes: Vec<Envelope>) -> Request {
        let (org, device) = (self.org, self.device.id);
        Request { envelopes, ..Request::bare(org, device, cursor, CLOCK) }
    }
}

impl Cost {
    /// Returns the bytes of both ways.
    pub fn wire_bytes(&self) -> usize {
        self.up_bytes + self.down_bytes
    }

    fn add(&mut self, outgoing: &Outgoing, reply: &Reply) -> Result<(), Failed> {
        use sync_core::exchange::message::{ChangeBytes, Entry};
        self.trips += 1;
        self.up_bytes += packed(&codec::encode(&outgoing.request))?;
        self.down_bytes += packed(&codec::encode(reply))?;
        self.change_bytes += outgoing.changes.values().map(Vec::len).sum::<usize>();
        for entry in &reply.entries {
            if let Entry::Change { change: ChangeBytes::Bytes(bytes), .. } = entry {
                self.change_bytes += bytes.len();
            }
        }
        Ok(())
    }
}
