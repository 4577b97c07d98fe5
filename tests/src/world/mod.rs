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
mod decide;
pub mod deeds;
mod exchange;
pub mod hostile;
pub mod network;
mod observe;
pub mod past;
pub mod people;
pub mod roster;
pub mod server;
pub mod tablet;

use std::collections::BTreeMap;

use sync_core::document::slot::Slot;
use sync_core::exchange::server::apply::containers;
use sync_core::ids::{DocumentId, StudentId};
use sync_core::roster::role::Role;

use crate::model::rights::Place;
use crate::model::{self, Model};
use clock::Clock;
use decide::Pending;
use network::{Network, Weather};
use past::Past;
use people::STUDENTS;
use server::Server;
use sync_core::random::Random;
use tablet::Tablet;

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

    /// Returns the slots of a stored change.
    pub fn slots_of(&self, document: DocumentId, change: &[u8]) -> Vec<Slot> {
        let state = self.server.index().document(document).expect("reads").expect("a document");
        let places = containers(&state.name, state.steps);
        sync_core::document::change::slots_of_change(&places, change).expect("a stored change")
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
