//! Interleavings that must come out right, each under its own name. Most of them broke an earlier draft of the protocol.
//!
//! A case is a short story in a small school: people act on their tablets, exchange, and decide. The reference of the simulation listens
//! to each of them, and at its end everything is checked that must hold at rest: the index against the log, the order of changes, the
//! rehearsal of each, the copies, the holds, and that nothing was lost.

mod bytes;
mod copies;
mod family;
mod fates;
mod gate;
mod lines;
mod lives;
mod offers;
mod policy;
mod quota;
mod reading;
mod restored;
mod sizes;

use std::collections::BTreeSet;

use sync_core::document::name::{DocumentKind, DocumentName};
use sync_core::document::schema::RecordKind;
use sync_core::document::slot::{Slot, SlotKey, Value};
use sync_core::exchange::client::state::{ActRow, ActState};
use sync_core::exchange::message::{HoldReason, HoldState};
use sync_core::exchange::server::review::Review;
use sync_core::gate::policy::builds_on;
use sync_core::ids::{ActId, DocumentId, HoldId};
use sync_core::record::{Source, fold};
use sync_core::roster::role::Role;
use tests::model::rights::Deed;
use tests::world::World;
use tests::world::clock::zone;
use tests::world::deeds::{self, Maker, edit_of};
use tests::world::people::{STUDENTS, document, person};

/// The devices of every story, in the order of their tablets.
const DEVICES: [&str; 7] = ["slp", "slp 2", "ot", "cm", "psy", "para", "para 2"];

pub fn plan() -> DocumentName {
    document(DocumentKind::Plan, STUDENTS[0], None)
}

pub fn log() -> DocumentName {
    document(DocumentKind::Log, STUDENTS[0], None)
}

pub fn tally() -> DocumentName {
    document(DocumentKind::Tally, STUDENTS[0], None)
}

pub fn own() -> DocumentName {
    document(DocumentKind::Own, STUDENTS[0], Some(person("para")))
}

/// Something that somebody made.
#[derive(Debug, Clone)]
pub struct Made {
    pub act: ActId,
    pub name: DocumentName,
    pub keys: Vec<SlotKey>,
}

impl Made {
    pub fn key(&self) -> String {
        self.keys[0].to_string()
    }
}

pub struct Story {
    pub world: World,
}

impl Story {
    /// Opens the school: everybody is on the first student's team and has synced once.
    pub fn school() -> Self {
        let mut world = World::found(1, &DEVICES);
        for (name, role) in
            [("slp", Role::Slp), ("ot", Role::Ot), ("cm", Role::Cm), ("psy", Role::Psy), ("para", Role::Para)]
        {
            world.grant(name, 0, role, -30, None).unwrap();
        }
        let mut story = Self { world };
        for device in DEVICES {
            story.sync(device);
        }
        story
    }

    /// Raises the horizon to the end of the log: whoever was away is below it.
    pub fn below_the_horizon(&mut self) {
        assert!(self.world.server.raise_horizon(self.world.clock.now(), 0));
    }

    pub fn at(&self, device: &str) -> usize {
        DEVICES.iter().position(|known| *known == device).unwrap()
    }

    /// Lets somebody make an act of these records.
    pub fn make(
        &mut self,
        device: &str,
        name: &DocumentName,
        deed: Deed,
        build: impl FnOnce(&mut Maker<'_>),
    ) -> Made {
        let draft = self.draft(device, name, deed, build);
        let made = Made {
            act: draft.act.id,
            name: name.clone(),
            keys: draft.slots.iter().map(|slot| slot.key).collect(),
        };
        let at = self.at(device);
        self.world.keep(at, draft);
        made
    }

    /// Puts an act together without keeping it.
    pub fn draft(
        &mut self,
        device: &str,
        name: &DocumentName,
        deed: Deed,
        build: impl FnOnce(&mut Maker<'_>),
    ) -> deeds::Draft {
        let (at, now) = (self.at(device), self.world.clock.now());
        let mut make = Maker::begin(&mut self.world.random, &self.world.tablets[at], name.clone(), now);
        build(&mut make);
        let mut draft = make.draft(deed);
        let own: BTreeSet<SlotKey> = draft.slots.iter().map(|slot| slot.key).collect();
        let bases = draft.slots.iter().flat_map(builds_on).filter(|base| !own.contains(base));
        draft.act.bases = bases.map(|base| base.to_string()).collect();
        draft.act.edit = draft.slots.first().and_then(edit_of);
        if let Deed::Goal(discipline) = draft.act.deed {
            draft.act.discipline = Some(discipline);
        }
        draft
    }

    pub fn session(&mut self, device: &str) -> Made {
        let name = if device.starts_with("para") { own() } else { log() };
        let role = device.split(' ').next().unwrap().to_owned();
        let note = deeds::canary(name.id());
        self.make(device, &name, Deed::Log, |make| {
            make.record(RecordKind::Session, deeds::session(&role, 30, note));
        })
    }

    pub fn goal(&mut self, device: &str, discipline: &'static str, target: i64) -> Made {
        let note = deeds::canary(plan().id());
        self.make(device, &plan(), Deed::Goal(discipline), |make| {
            make.record(RecordKind::Goal, deeds::goal(discipline, target, note));
        })
    }

    /// Lets somebody edit a leaf, seeing these values.
    pub fn edit(
        &mut self,
        device: &str,
        of: &Made,
        field: &str,
        value: impl Into<Value>,
        seen: &[&Made],
    ) -> Made {
        let replaces = seen.iter().map(|made| made.key()).collect();
        let (target, name) = (of.key(), of.name.clone());
        let reason = Some(deeds::canary(name.id()));
        self.make(device, &name, Deed::Edit { target: target.clone() }, |make| {
            make.record(RecordKind::Edit, deeds::edit(&target, field, value.into(), &replaces, reason));
        })
    }

    /// As [`Self::edit`], to a value that cannot be.
    pub fn edit_badly(
        &mut self,
        device: &str,
        of: &Made,
        field: &str,
        value: impl Into<Value>,
        seen: &[&Made],
    ) -> Made {
        let made = self.edit(device, of, field, value, seen);
        self.world.model.is_bad(made.act);
        made
    }

    /// Lets somebody open a tally.
    pub fn open_tally(&mut self, device: &str) -> Made {
        let role = device.split(' ').next().unwrap().to_owned();
        let goal = SlotKey::new(person(&role), ulid::Ulid::from(7_u128)).to_string();
        self.make(device, &tally(), Deed::Tap, |make| {
            let fields = [("role", role.into()), ("goal", goal.into()), ("start", 1_760_000_000_000.into())];
            make.record(RecordKind::Tally, deeds::fields(fields));
        })
    }

    /// Lets somebody tap on a tally.
    pub fn tap(&mut self, device: &str, on: &Made, n: i64) -> Made {
        let on = on.key();
        self.make(device, &tally(), Deed::Tap, |make| {
            make.record(RecordKind::Tap, deeds::fields([("tally", on.into()), ("n", n.into())]));
        })
    }

    pub fn sync(&mut self, device: &str) {
        let at = self.at(device);
        self.world.exchange(at).unwrap();
    }

    pub fn row(&self, device: &str, made: &Made) -> Option<ActRow> {
        self.world.tablets[self.at(device)].acts().into_iter().find(|row| row.act == made.act)
    }

    pub fn state(&self, device: &str, made: &Made) -> Option<ActState> {
        self.row(device, made).map(|row| row.state)
    }

    /// Returns the hold of an act, with its reason and state.
    pub fn hold(&self, made: &Made) -> Option<(HoldId, HoldReason, HoldState)> {
        let holds = self.world.server.index().holds().unwrap();
        let hold =
            holds.into_iter().find(|hold| hold.act == made.act && hold.document() == made.name.id())?;
        Some((hold.id, hold.reason, hold.state))
    }

    pub fn id(&self, made: &Made) -> HoldId {
        self.hold(made).unwrap().0
    }

    pub fn stands(&self, made: &Made) -> bool {
        let index = self.world.server.index();
        made.keys.iter().all(|key| index.slot(made.name.id(), key).unwrap().is_some())
    }

    /// Lets somebody decide; what comes of it is committed if it was decided.
    pub fn decide(&mut self, by: &str, admit: bool, made: &[&Made]) -> Review {
        let ids: Vec<HoldId> = made.iter().map(|made| self.id(made)).collect();
        let mut desk = self.world.server.desk(self.world.clock.now());
        desk.advance().unwrap();
        let review =
            if admit { desk.admit(person(by), &ids) } else { desk.decline(person(by), &ids, "not so") };
        let (review, decided) = (review.unwrap(), desk.decide());
        if matches!(review, Review::Decided(_)) {
            self.world.server.commit(decided);
            self.world.observe(u64::MAX).unwrap();
        }
        review
    }

    pub fn admit(&mut self, by: &str, made: &[&Made]) {
        let review = self.decide(by, true, made);
        assert!(matches!(review, Review::Decided(_)), "{review:?}");
    }

    /// Returns the whole numbers that stand in a field of a record on the server.
    pub fn values(&self, of: &Made, field: &str) -> BTreeSet<i64> {
        let slots = self.slots(&of.name);
        let record = fold(STUDENTS[0], &zone(), [Source { name: &of.name, slots: &slots }]);
        let entry = record.stands_in(of.name.id(), of.keys[0]).unwrap();
        entry.standing(field).iter().filter_map(|said| said.value.as_ref().and_then(Value::as_int)).collect()
    }

    pub fn slots(&self, name: &DocumentName) -> Vec<Slot> {
        let id: DocumentId = name.id();
        let changes = self.world.server.changes(id).into_iter().skip(1);
        changes.flat_map(|(_, change)| self.world.slots_of(id, &change)).collect()
    }

    /// Ends a story: everybody comes to rest, and all that must hold then does.
    pub fn ends(mut self) {
        let rested = self.world.come_to_rest();
        if let Err(wrong) = rested.and_then(|()| self.world.check_all(0)) {
            panic!("{wrong}\n{}", self.world.trace.join("\n"));
        }
    }
}

/// Returns the reason of a hold that waits.
pub fn waits(story: &Story, made: &Made) -> Option<HoldReason> {
    story.hold(made).filter(|(_, _, state)| *state == HoldState::Waiting).map(|(_, reason, _)| reason)
}
