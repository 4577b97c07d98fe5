//! First syncs over lines that break, with the real programs: what was fetched stays fetched, and a part of it is not fetched again.
//!
//! Nobody waits here for a line to be slow: a connection breaks off after as many bytes as it would have carried.

use std::fs;
use std::iter::repeat_n;

use client_sdk::store::{Store, Writes};
use client_sdk::trouble::Trouble;
use sync_core::document::name::{DocumentKind, DocumentName};
use sync_core::document::schema::RecordKind;
use sync_core::document::slot::{ACT, AT, OFFSET, Slot, SlotKey};
use sync_core::exchange::client::outbox::keep;
use sync_core::exchange::client::state::Tablet as Kept;
use sync_core::exchange::server::reply::INLINE_CHANGES_MAX;
use sync_core::ids::{ActId, PersonId};
use sync_core::kv::{Overlay, Write};
use sync_core::random::Random;
use tests::process::{Cut, Tablet, World};
use tests::world::deeds;
use ulid::Ulid;

use crate::stories::caseload::{STUDENTS, crowded};

/// Deliveries of a year: of a document with fewer changes a newcomer gets these, and no snapshot.
const DELIVERIES: usize = INLINE_CHANGES_MAX as usize + 2;
/// Sessions of each student in each of them: two in a week.
const SESSIONS: usize = 4;
/// What two seconds carry at 16 KB/s.
const TWO_SECONDS_BYTES: u64 = 32 * 1024;
/// Letters of a session's note, which do not compress well.
const NOTE_LETTERS: usize = 700;
/// How often a first sync may be begun until it is through.
const RUNS_MAX: usize = 100;

/// The size of the huge document's snapshot, at least.
const HUGE_BYTES: u64 = 20 * 1024 * 1024;
/// Sessions in it, in each delivery and in each act.
const HUGE_SESSIONS: usize = 560;
const HUGE_SESSIONS_OF_ACT: usize = 20;
/// The largest note that there may be, of letters that take four bytes.
const HUGE_NOTE_LETTERS: usize = 1_000;
/// After how many bytes each connection breaks off while it is fetched.
const PART_BYTES: u64 = 1024 * 1024;

/// Somebody who keeps many acts at once, as so many runs of the tablet's program would.
struct Busy<'a> {
    tablet: &'a Tablet,
    person: PersonId,
    logs: Vec<DocumentName>,
    random: Random,
    nth: i64,
}

impl<'a> Busy<'a> {
    /// Finds this year's log of each student.
    fn new(tablet: &'a Tablet) -> Self {
        let store = Store::open(tablet.store()).unwrap();
        let (profile, copies) = store
            .read(|state| Ok::<_, Trouble>((Kept(state).profile()?.unwrap(), Kept(state).copies()?)))
            .unwrap();
        let mut logs: Vec<DocumentName> = copies.into_iter().map(|copy| copy.name).collect();
        logs.retain(|name| name.kind == DocumentKind::Log);
        let year = logs.iter().map(|name| name.period.clone()).min().unwrap();
        logs.retain(|name| name.period == year);
        Self { tablet, person: profile.person, logs, random: Random::of(7), nth: 0 }
    }

    fn letters(&mut self, count: usize, first: u32, many: usize) -> String {
        let letter = |_| char::from_u32(first + self.random.below(many) as u32).unwrap();
        (0..count).map(letter).collect()
    }

    fn session(&mut self, act: ActId, note: String) -> Slot {
        self.nth += 1;
        let mut fields = deeds::session("slp", 30, note);
        fields.insert(ACT.into(), act.to_string().into());
        fields.insert(AT.into(), (1_787_576_400_000 + self.nth).into());
        fields.insert(OFFSET.into(), 0.into());
        let key = SlotKey::new(self.person, Ulid::from_bytes(self.random.id()));
        Slot { container: RecordKind::Session.container().into(), key, fields }
    }

    /// Keeps acts and delivers them.
    fn deliver(&self, acts: Vec<(DocumentName, ActId, Vec<Slot>)>) {
        let store = Store::open(self.tablet.store()).unwrap();
        let kept = store.update(|state| {
            let mut sheet = Overlay::new(state);
            for (name, act, slots) in acts {
                for write in keep(&sheet, &name, act, slots, None).unwrap() {
                    match write {
                        Write::Put(key, value) => sheet.put(key, value),
                        Write::Delete(key) => sheet.delete(key),
                    }
                }
            }
            Ok::<_, Trouble>((Writes::from(sheet.into_writes()), ()))
        });
        kept.unwrap();
        drop(store);
        let synced = self.tablet.ok("sync --until-done");
        assert_eq!((&synced["held"], &synced["waiting"]), (&0.into(), &0.into()), "{synced}");
    }

    /// Returns sessions of every student but those to be left out.
    fn of_each(&mut self, but: &[DocumentName]) -> Vec<(DocumentName, ActId, Vec<Slot>)> {
        let mut acts = Vec::new();
        for name in self.logs.clone().into_iter().filter(|name| !but.contains(name)) {
            for _ in 0..SESSIONS {
                let act = ActId(self.random.id());
                let note = self.letters(NOTE_LETTERS, 0x30, 64);
                acts.push((name.clone(), act, vec![self.session(act, note)]));
            }
        }
        acts
    }

    /// Returns so many sessions with the longest notes that there may be.
    fn huge(&mut self, name: &DocumentName) -> Vec<(DocumentName, ActId, Vec<Slot>)> {
        let act = |_| {
            let act = ActId(self.random.id());
            let mut session = |_| {
                let note = self.letters(HUGE_NOTE_LETTERS, 0x2_0000, 0xa6d0);
                self.session(act, note)
            };
            (name.clone(), act, (0..HUGE_SESSIONS_OF_ACT).map(&mut session).collect())
        };
        (0..HUGE_SESSIONS / HUGE_SESSIONS_OF_ACT).map(act).collect()
    }
}

/// Gives somebody a tablet that is paired, and has not synced.
fn newcomer(world: &World, person: &str) -> Tablet {
    let tablet = world.unpaired(person);
    let code = world.admin(&format!("device code {person}"))["code"].as_str().unwrap().to_owned();
    tablet.ok(&format!("pair --server {} --code {code}", tablet.network.url()));
    tablet
}

#[test]
fn cut_every_two_seconds() {
    let world = crowded();
    let ana = world.tablet("slp1");
    let mut busy = Busy::new(&ana);
    assert_eq!(busy.logs.len(), STUDENTS);
    for _ in 0..DELIVERIES {
        let acts = busy.of_each(&[]);
        busy.deliver(acts);
    }
    let on_a_good_line = newcomer(&world, "cm1").ok("sync")["bytes_down"].as_u64().unwrap();

    let carla = newcomer(&world, "cm1");
    carla.network.cut(repeat_n(Cut::answer(TWO_SECONDS_BYTES), 10_000));
    let (before, mut bytes) = (carla.network.connections(), 0);
    let through = (0..RUNS_MAX).any(|_| {
        let synced = carla.run("sync");
        assert!(matches!(synced.code, Some(0 | 3)), "{synced:?}");
        bytes += synced.json["bytes_down"].as_u64().unwrap();
        synced.code == Some(0)
    });
    let connections = carla.network.connections() - before;
    println!("{on_a_good_line} bytes on a good line, {bytes} in {connections} connections on a bad one");
    assert!(through, "{bytes} bytes, and not through");
    assert!(connections > on_a_good_line / TWO_SECONDS_BYTES, "{connections} connections were enough");
    assert!(bytes < on_a_good_line * 3 / 2, "{bytes} bytes of what are {on_a_good_line}: parts came again");
    for nth in 1..=STUDENTS {
        let record = carla.record(&format!("s{nth}"));
        assert_eq!(record["sessions"].as_array().unwrap().len(), DELIVERIES * SESSIONS, "s{nth}");
        assert_eq!(record, ana.record(&format!("s{nth}")));
    }
}

#[test]
fn one_huge_document() {
    let world = World::new();
    let ana = world.tablet("slp1");
    let mut busy = Busy::new(&ana);
    let maribel = world.student("s1")["id"].as_str().unwrap().to_owned();
    let huge = busy.logs.iter().find(|name| name.subject.to_string() == maribel).unwrap().clone();
    for _ in 0..DELIVERIES {
        let mut acts = busy.of_each(std::slice::from_ref(&huge));
        acts.extend(busy.huge(&huge));
        busy.deliver(acts);
    }

    // Each connection breaks off, and after some of them there is no line any more: half of the large one has come at most.
    let carla = newcomer(&world, "cm1");
    let parts = usize::try_from(HUGE_BYTES / PART_BYTES / 2).unwrap();
    carla.network.cut(repeat_n(Cut::answer(PART_BYTES), parts).chain(repeat_n(Cut::answer(0), 100)));
    let first = carla.exits(3, "sync");
    let small = ["s2", "s3", "s4", "s5"];
    for student in small {
        let record = carla.record(student);
        assert_eq!(record["sessions"].as_array().unwrap().len(), DELIVERIES * SESSIONS, "{student}");
        assert_eq!(record, ana.record(student), "what is small does not wait for what is large");
    }
    let sessions_of_s1 = || carla.record("s1")["sessions"].as_array().unwrap().len();
    assert_eq!(sessions_of_s1(), 0, "half a document is none");

    carla.network.mend();
    carla.network.cut(repeat_n(Cut::answer(PART_BYTES), 1_000));
    let before = carla.network.connections();
    let second = carla.ok("sync");
    let connections = carla.network.connections() - before;
    let snapshots = fs::read_dir(world.installation.data().join("snapshots")).unwrap();
    let size = snapshots.map(|file| file.unwrap().metadata().unwrap().len()).max().unwrap();
    let bytes = [&first, &second].map(|synced| synced["bytes_down"].as_u64().unwrap());
    println!("{size} bytes: {bytes:?}, the last in {connections} connections");
    assert!(size >= HUGE_BYTES, "{size} bytes are not large");
    assert!(bytes[0] > HUGE_BYTES / 4 && connections >= HUGE_BYTES / PART_BYTES / 2, "{bytes:?}");
    assert!(bytes[0] + bytes[1] < size * 9 / 8, "{bytes:?} of {size}: what had come came again");
    assert_eq!(sessions_of_s1(), DELIVERIES * HUGE_SESSIONS);
}
