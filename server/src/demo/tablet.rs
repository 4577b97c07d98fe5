//! One member's tablet: the pure client over a store in memory, with a key of its own.
//!
//! It is a tablet in all that the server can see. Its key is drawn when the demo is founded and thrown away with it.

use ed25519_dalek::SigningKey;
use sync_core::document::deed::Deed;
use sync_core::document::deed::act::{Author, Stamp, act};
use sync_core::document::name::{DocumentKind, DocumentName};
use sync_core::document::slot::{ContentHash, SlotKey};
use sync_core::exchange::client::outbox::{Outgoing, compose, keep};
use sync_core::exchange::client::reply::take;
use sync_core::exchange::client::state::{Profile, Tablet};
use sync_core::exchange::client::view::paired;
use sync_core::exchange::message::Reply;
use sync_core::exchange::server::entry::LogEntry;
use sync_core::ids::{ActId, DeviceId, PersonId, TabletId, derive};
use sync_core::kv::Memory;
use sync_core::record::{Source, State, fold};
use sync_core::roster::role::Role;
use sync_core::roster::{Device, DeviceState};
use sync_core::time::{Moment, Zone};
use ulid::Ulid;

use super::DemoError;
use super::chance::Chance;
use super::district::Member;
use crate::auth::keys::system_random;
use crate::engine::Past;

/// What the demo's tablets call their app.
const APP: &str = "carryover-demo";

/// A member's tablet.
pub(super) struct DemoTablet {
    pub(super) who: Member,
    pub(super) profile: Profile,
    key: SigningKey,
    store: Memory,
    pub(super) chance: Chance,
}

impl DemoTablet {
    /// Pairs a new tablet for a member.
    pub(super) fn pair(past: &mut Past, now: Moment, who: Member) -> Result<Self, DemoError> {
        let (mut seed, mut code) = ([0; 32], [0; 16]);
        system_random(&mut seed)?;
        system_random(&mut code)?;
        let key = SigningKey::from_bytes(&seed);
        let public = key.verifying_key().to_bytes();
        let person = PersonId::imported(past.organisation(), who.id);
        let device = Device {
            id: DeviceId::of_key(&public),
            key: public,
            person,
            tablet: TabletId(derive("demo tablet", &[who.id.as_bytes()])),
            state: DeviceState::Active,
        };
        let profile = Profile { org: past.organisation(), person, device: device.id };
        past.decide(now, |desk| {
            let hash = ContentHash(code);
            desk.emit(LogEntry::Code { hash, person, expires: now })?;
            desk.emit(LogEntry::Device { device, code: hash })?;
            Ok::<_, DemoError>(())
        })?;
        let mut store = Memory::default();
        store.apply(paired(&profile));
        Ok(Self { who, profile, key, store, chance: Chance::named(who.id) })
    }

    /// Does something in a document, and keeps it for the next exchange.
    pub(super) fn does(
        &mut self,
        name: &DocumentName,
        role: Role,
        deed: &Deed,
        at: Moment,
    ) -> Result<(), DemoError> {
        let time = u64::try_from(at.0).unwrap_or_default();
        let id = ActId::from(Ulid::from_parts(time, self.chance.id()));
        let author = Author { member: self.profile.person, role };
        let chance = &mut self.chance;
        let mut ids = std::iter::from_fn(|| Some(Ulid::from_parts(time, chance.id())));
        let stamp = Stamp { at, offset_ms: 0 };
        let made = act(deed, name.id(), &author, stamp, &mut ids, id)?;
        let writes = keep(&self.store, name, made.id, made.slots, None)?;
        self.store.apply(writes);
        Ok(())
    }

    /// Composes a request with all that waits.
    pub(super) fn compose(&self, now: Moment) -> Result<Outgoing, DemoError> {
        // It asks for no policy of its own: what is to be held is held by the server.
        Ok(compose(&self.store, &self.key, APP, now, &|_| false)?)
    }

    /// Takes a reply; returns whether there is more.
    pub(super) fn take(&mut self, sent: &Outgoing, reply: &Reply, now: Moment) -> Result<bool, DemoError> {
        let (writes, brought) = take(&self.store, sent, reply, now)?;
        self.store.apply(writes);
        Ok(brought.more)
    }

    /// Certifies every finished session of the member's that the tablet's copies show.
    pub(super) fn certifies(&mut self, zone: &Zone, at: Moment) -> Result<(), DemoError> {
        let mut found: Vec<(DocumentName, SlotKey, ContentHash)> = Vec::new();
        let stored = Tablet(&self.store);
        for copy in stored.copies()?.into_iter().filter(|copy| copy.name.kind == DocumentKind::Log) {
            let slots = stored.slots(copy.name.id())?;
            let record = fold(copy.name.subject, zone, [Source { name: &copy.name, slots: &slots }]);
            for session in &record.sessions {
                let mine = session.head.author == self.profile.person && session.state == State::Complete;
                if let (true, Some(covers)) = (mine, record.covers(&session.head.id)) {
                    found.push((copy.name.clone(), session.head.key(), covers));
                }
            }
        }
        for (name, target, covers) in found {
            self.does(&name, self.who.role, &Deed::Certify { target, covers }, at)?;
        }
        Ok(())
    }
}
