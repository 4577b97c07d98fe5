//! One seed's story: what happens, step by step, until everybody may rest.

use std::sync::OnceLock;

use sync_core::document::name::DocumentKind;
use sync_core::document::schema::RecordKind;
use sync_core::exchange::message::Request;
use sync_core::exchange::server::review::Review;
use sync_core::ids::HoldId;
use sync_core::roster::role::Role;
use sync_core::roster::version::PolicyVersion;

use super::deeds::{self, Maker};
use super::network::Weather;
use super::people::{ORG, STAFF, STUDENTS, document, person};
use super::{World, hostile};
use crate::model::Wrong;
use crate::model::rights::Deed;
use sync_core::random::Random;

/// Steps of one seed, each of which is something that somebody does.
pub const STEPS: usize = 110;
/// Rounds of undisturbed exchanges after which every tablet must be at rest.
pub const ROUNDS_MAX: usize = 3;

/// Entries of the log that are left above the horizon: so few that whoever misses a day or two falls below it.
const KEPT: u64 = 30;

const DEVICES: [&str; 8] = ["slp", "slp 2", "ot", "cm", "psy", "set", "para", "asst"];

/// Sessions that stand in the first student's log before anything happens: so many that whoever begins to read it fetches a snapshot.
const HISTORY: usize = 18;

/// Returns the school on the morning of the first day: everybody has synced once.
fn morning() -> &'static World {
    static MORNING: OnceLock<World> = OnceLock::new();
    MORNING.get_or_init(|| {
        let mut world = World::found(0, &DEVICES);
        let team = |name: &str| STAFF.iter().find(|(staff, _)| *staff == name).map(|(_, role)| *role);
        for (name, students) in
            [("slp", 2), ("cm", 2), ("para", 2), ("asst", 2), ("ot", 1), ("set", 1), ("psy", 1)]
        {
            for student in 0..students {
                let role = team(name).expect("a member of staff");
                world.grant(name, student, role, -30, None).expect("granted");
            }
        }
        let slp = world.tablet_of("slp");
        world.exchange(slp).expect("a first sync");
        for _ in 0..HISTORY {
            let now = world.clock.now();
            let name = document(DocumentKind::Log, STUDENTS[0], None);
            let note = deeds::canary(name.id());
            let mut make = Maker::begin(&mut world.random, &world.tablets[slp], name, now);
            make.record(RecordKind::Session, deeds::session("slp", 30, note));
            let draft = make.draft(Deed::Log);
            world.keep(slp, draft);
            world.exchange(slp).expect("a day's work");
        }
        for tablet in 0..world.tablets.len() {
            world.exchange(tablet).expect("a first sync");
            world.fetch(tablet, false).expect("fetched");
        }
        world.back_up().expect("backed up");
        world.trace.clear();
        world.counts.clear();
        world
    })
}

impl World {
    /// Lets a seed play itself out, everybody come to rest, and checks what must hold then.
    ///
    /// # Errors
    /// What is wrong, and all that happened before it.
    pub fn run(seed: u64) -> Result<Self, Box<(Wrong, Self)>> {
        let mut world = Self { random: Random::of(seed), ..morning().clone() };
        world.weather = if seed.is_multiple_of(10) { Weather::FAIR } else { Weather::FOUL };
        world.server.verbatim = !seed.is_multiple_of(7);
        match world.play(seed) {
            Ok(()) => Ok(world),
            Err(wrong) => Err(Box::new((wrong, world))),
        }
    }

    fn play(&mut self, seed: u64) -> Result<(), Wrong> {
        for _ in 0..STEPS {
            self.deliver()?;
            self.step()?;
        }
        self.come_to_rest()?;
        self.check_all(seed)
    }

    fn step(&mut self) -> Result<(), Wrong> {
        // Few people do most: what crosses is what is looked for.
        let among = if self.random.chance(60) { 4 } else { self.tablets.len() };
        let tablet = self.random.below(among);
        self.clock.pass_ms(self.random.below(600_000) as i64);
        match self.random.below(108) {
            0..28 => {
                let now = self.clock.now();
                if let Some(draft) = deeds::deed(&mut self.random, &self.tablets[tablet], now) {
                    // A kill before the write is done: the tap was never confirmed, so nothing was made.
                    if self.random.chance(2) {
                        self.note("killed before it kept", tablet);
                    } else {
                        self.keep(tablet, draft);
                    }
                }
            }
            28..52 => {
                let gives_up = self.tablets[tablet].waits && self.random.chance(40);
                if !self.tablets[tablet].waits || gives_up {
                    self.ask(tablet);
                }
            }
            52..72 => {
                let crash = self.weather != Weather::FAIR && self.random.chance(8);
                self.commit(crash)?;
                if crash {
                    let run = self.random.id();
                    self.server.restart(run);
                }
            }
            72..75 => {
                let cached = self.random.chance(40);
                self.fetch(tablet, cached)?;
            }
            75..77 => {
                if self.tablets[tablet].purge() > 0 {
                    self.note("purged", tablet);
                }
            }
            77..78 => self.tablets[tablet].look_at_decided(),
            78..86 => self.review()?,
            86..87 => self.take_back(tablet),
            87..91 => self.move_people()?,
            91..92 => {
                // Nobody is there over midnight, or over several.
                let nights = 1 + self.random.below(3);
                (0..nights).for_each(|_| self.clock.pass_midnight());
                self.note("midnight", nights);
                if self.server.raise_horizon(self.clock.now(), KEPT) {
                    self.note("the horizon was raised", "");
                }
            }
            92..93 => {
                self.tablets[tablet].kill();
                self.note("killed", tablet);
            }
            93..94 => self.copy_folder(tablet),
            94..95 => {
                let run = self.random.id();
                self.server.restart(run);
                self.note("restart", "");
            }
            95..98 => self.attack(tablet)?,
            98..99 => self.carry(tablet)?,
            99..100 => self.back_up()?,
            100..101 => self.take_image()?,
            101..102 => self.restore()?,
            102..103 => self.set_back()?,
            103..106 => self.confirm()?,
            106..107 => {
                let version = PolicyVersion::ALL[self.random.below(PolicyVersion::ALL.len())];
                self.set_policy(version)?;
            }
            _ => {
                let lost = self.random.chance(50);
                if self.random.chance(20) && tablet > 0 {
                    self.revoke(tablet, lost);
                } else {
                    let ms = self.random.below(7_200_000) as i64 - 3_600_000;
                    self.tablets[tablet].clock_ms = ms;
                    self.note("a clock is off", ms);
                }
            }
        }
        Ok(())
    }

    /// Lets somebody decide about some of the holds that wait.
    fn review(&mut self) -> Result<(), Wrong> {
        let waiting: Vec<HoldId> = self.model.waiting().map(|(id, _)| id).collect();
        let count = 1 + self.random.below(3);
        let mut ids: Vec<HoldId> = Vec::new();
        for _ in 0..count {
            ids.extend(self.random.pick(&waiting));
        }
        ids.dedup();
        // Most holds are the case manager's to decide; the others are there to be turned away.
        let name = if self.random.chance(60) { "cm" } else { STAFF[self.random.below(STAFF.len())].0 };
        let admits = self.random.chance(65);
        if ids.is_empty() {
            return Ok(());
        }
        let reviewer = person(name);
        let mut desk = self.server.desk(self.clock.now());
        desk.advance().map_err(|error| error.to_string())?;
        let review = if admits { desk.admit(reviewer, &ids) } else { desk.decline(reviewer, &ids, "no") };
        let review = review.map_err(|error| error.to_string())?;
        let decided = desk.decide();
        match review {
            Review::Decided(_) => {
                self.server.commit(decided);
                self.note(if admits { "admitted" } else { "declined" }, format!("{name} {}", ids.len()));
            }
            Review::Unknown(_) => self.note("not a reviewer", name),
            Review::BuildsOn { .. } => self.note("admission builds on another", name),
            Review::NeedsCorrection { .. } => self.note("admission needs correction", name),
            Review::Gone(_) => self.note("admission to what was destroyed", name),
            Review::Invalid => return Err("a decision was found to be none".into()),
        }
        self.observe(u64::MAX)
    }

    fn take_back(&mut self, tablet: usize) {
        let person = self.tablets[tablet].person;
        let mut holds = self.tablets[tablet].store().holds().unwrap_or_default();
        holds.retain(|hold| hold.author == person);
        if let Some(hold) = self.random.pick(&holds).map(|hold| hold.id) {
            self.tablets[tablet].withdraw(hold);
            self.note("withdrawal", hold);
        }
    }

    /// Lets somebody's place begin, end, or be another.
    fn move_people(&mut self) -> Result<(), Wrong> {
        let (name, role) = STAFF[self.random.below(STAFF.len() - 1)];
        let student = self.random.below(2);
        let today = self.clock.day();
        let as_another = [Role::Cm, Role::Slp, Role::Para][self.random.below(3)];
        match self.random.below(6) {
            0 => self.grant(name, student, role, -30, Some(today - 1)),
            1 => self.grant(name, student, role, -30, None),
            2 => self.grant(name, student, role, today + 1, Some(today + 1)),
            3 => self.grant(name, student, role, today, Some(today)),
            4 => self.grant(name, student, as_another, today, Some(today + 1)),
            // Ended and given again between two exchanges.
            _ => {
                self.grant(name, student, role, -30, Some(today - 1))?;
                self.grant(name, student, role, -30, None)
            }
        }
    }

    /// Copies a tablet's folder: both lives go on with the same key.
    fn copy_folder(&mut self, tablet: usize) {
        if self.tablets.len() < 11 {
            let mut copy = self.tablets[tablet].clone();
            copy.kill();
            self.tablets.push(copy);
            self.note("a folder was copied", tablet);
        }
    }

    fn attack(&mut self, tablet: usize) -> Result<(), Wrong> {
        let now = self.clock.now();
        let Some(attack) = hostile::attack(&mut self.random, &self.tablets[tablet], now) else {
            return Ok(());
        };
        self.note("attack", attack.what);
        self.model.made_by_attack(attack.draft.map(|draft| draft.act));
        let request = self.bare_request(tablet, vec![attack.envelope]);
        self.request(None, request)
    }

    /// Lets another tablet carry what one has to send.
    fn carry(&mut self, tablet: usize) -> Result<(), Wrong> {
        let now = self.clock.now();
        let mut author = self.tablets[tablet].clone();
        let outgoing = author.ask(0, now, &|_| false);
        let carrier = self.random.below(self.tablets.len());
        if outgoing.request.envelopes.is_empty() || carrier == tablet {
            return Ok(());
        }
        self.note("carried", format!("{tablet} by {carrier}"));
        let request = self.bare_request(carrier, outgoing.request.envelopes);
        self.request(None, request)
    }

    /// Returns a request of a tablet with these envelopes and nothing else.
    pub fn bare_request(&self, tablet: usize, envelopes: Vec<sync_core::envelope::Envelope>) -> Request {
        let store = self.tablets[tablet].store();
        let cursor = store.cursor().unwrap_or_default();
        let now = self.clock.now();
        Request { envelopes, ..Request::bare(ORG, self.tablets[tablet].device, cursor, now) }
    }

    /// Lets the storm pass, and everybody exchange until nobody has anything more to do.
    ///
    /// # Errors
    /// A tablet that does not come to rest.
    pub fn come_to_rest(&mut self) -> Result<(), Wrong> {
        self.calm();
        if self.server.waits() || self.is_set_back() {
            // What was lost comes back, or is found to be, before anybody confirms it.
            for tablet in 0..self.tablets.len() {
                self.exchange(tablet)?;
            }
            self.confirm()?;
        }
        for _ in 0..ROUNDS_MAX {
            for tablet in 0..self.tablets.len() {
                self.exchange(tablet)?;
                self.fetch(tablet, false)?;
                self.tablets[tablet].purge();
            }
        }
        Ok(())
    }
}
