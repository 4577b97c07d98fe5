//! The tablet dies while what it may read changes: between the reply that says so and the last byte that is purged or fetched.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use client_sdk::store::Store;
use sync_core::exchange::server::reply::INLINE_CHANGES_MAX;
use tests::process::{Cut, Said, Tablet, World};

use super::{look_into, rounds_at_a_place};

/// Where it dies when something has ended: with the cursor, before the first and the second document goes, and before what was removed is
/// written over.
const PURGING: [&str; 4] = ["after_take:1", "before_purge:1", "before_purge:2", "before_scrub:1"];
/// Where it dies when something has begun: with the cursor, before it asks for the snapshot, and when it has all of its bytes.
const FETCHING: [&str; 3] = ["after_take:1", "before_fetch:1", "before_install:1"];

/// By how much later each answer breaks off, until one does within a snapshot.
const STEP_BYTES: u64 = 512;

/// In the note of every session that has a receipt.
const RECEIPTED: &str = "zucchini";
/// In the notes that came after the end of his place: they are his, and wait for review.
const LATE: &str = "marrow";

/// A specialist on whose tablet the student's places end and begin, and the colleagues who see what became of his work.
struct Changing {
    world: World,
    dov: Tablet,
    carla: Tablet,
    stored: BTreeSet<String>,
    late: BTreeSet<String>,
}

fn sessions(tablet: &Tablet) -> BTreeSet<String> {
    let record = tablet.record("s1");
    let sessions = record["sessions"].as_array().unwrap();
    let ids: BTreeSet<String> = sessions.iter().map(|one| one["id"].as_str().unwrap().to_owned()).collect();
    assert_eq!(ids.len(), sessions.len(), "something is there twice: {record}");
    ids
}

/// Logs a session of its own minute, and returns its id.
fn log(tablet: &Tablet, nth: usize, note: &str) -> String {
    let (hour, minute) = (8 + nth / 60 % 8, nth % 60);
    let logged = tablet.ok(&format!(
        "log --student s1 --mode push-in --place hallway --start 2026-10-12T{hour:02}:{minute:02}:00-05:00 --minutes 1 \
         --note '{note} {nth}'"
    ));
    logged["session"].as_str().unwrap().to_owned()
}

fn dies(said: &Said, at: &str) {
    assert_eq!(said.code, None, "{at} was not reached: {said:?}");
}

impl Changing {
    /// A student of whom so much is known that whoever begins to read it fetches a snapshot.
    fn new() -> Self {
        let world = World::new();
        let (ana, dov, carla) = (world.tablet("slp1"), world.tablet("ot1"), world.tablet("cm1"));
        let mut changing = Self { world, dov, carla, stored: BTreeSet::new(), late: BTreeSet::new() };
        for nth in 0..=INLINE_CHANGES_MAX {
            changing.stored.insert(log(&ana, usize::try_from(nth).unwrap(), RECEIPTED));
            ana.ok("sync");
        }
        changing.dov.ok("sync");
        changing
    }

    fn works(&self, note: &str) -> String {
        log(&self.dov, self.stored.len() + self.late.len(), note)
    }

    /// Lets him work, and then ends his place; the last thing that he has done comes too late.
    fn ends(&mut self) {
        let stored = self.works(RECEIPTED);
        let synced = self.dov.run("sync");
        assert_eq!(synced.json["stored"], 1, "{synced:?}");
        self.stored.insert(stored);
        let late = self.works(LATE);
        self.late.insert(late);
        let copy = self.copied();
        for word in ["Maribel", RECEIPTED] {
            assert_ne!(copy.files_with(word), Vec::<PathBuf>::new(), "the search finds what is there");
        }
        self.ends_again();
    }

    fn ends_again(&self) {
        let grants = self.world.admin("grant list --student s1 --person ot1");
        let mut grants = grants["grants"].as_array().unwrap().iter();
        let current = grants.find(|grant| grant["state"] == "current").unwrap();
        let grant = current["id"].as_str().unwrap();
        self.world.admin(&format!("grant end {grant} --on 2026-10-14 --reason 'moved'"));
    }

    fn begins(&self) {
        self.world
            .admin("grant add --student s1 --person ot1 --role ot --from 2026-10-12 --reason 'back again'");
    }

    /// Returns a copy of his tablet as it lies on the medium, made by another program: to look into the files themselves would take the
    /// locks from whoever has them open in this one.
    fn copied(&self) -> Tablet {
        let copy = self.world.folder("copied");
        fs::remove_dir_all(&copy).unwrap();
        let copying = Command::new("cp").arg("-r").arg(self.dov.store()).arg(&copy).status();
        assert!(copying.unwrap().success());
        Tablet::new("ot1", &copy, self.dov.network.clone(), self.world.clock)
    }

    /// After one more sync nothing that was readable is left, and nothing that anybody logged is gone.
    fn has_ended(&self, at: &str) {
        let synced = self.dov.run("sync");
        assert!(matches!(synced.code, Some(0 | 4)), "{at}: {synced:?}");
        let left = look_into(&self.dov, |tablet| (tablet.copies().unwrap(), tablet.to_purge().unwrap()));
        assert!(left.0.is_empty() && left.1.is_empty(), "{at}: {left:?}");
        let copy = self.copied();
        for word in ["Maribel", "Quintero", RECEIPTED] {
            assert_eq!(copy.files_with(word), Vec::<PathBuf>::new(), "{at}: {word}");
        }
        let status = self.dov.ok("status");
        assert_eq!((&status["waiting"], &status["held"]), (&0.into(), &self.late.len().into()), "{at}");
        self.carla.ok("sync");
        assert_eq!(sessions(&self.carla), self.stored, "{at}");
        let holds = self.carla.ok("holds");
        assert_eq!(holds["holds"].as_array().unwrap().len(), self.late.len(), "{at}: {holds}");
    }

    /// Returns how much of snapshots the tablet has that have not come whole, in bytes.
    fn half_fetched(&self) -> i64 {
        let store = rusqlite::Connection::open(self.dov.store().join("tablet.db")).unwrap();
        let bytes = "SELECT coalesce(sum(length(value)), 0) FROM partial WHERE key >= x'62' AND key < x'63'";
        store.query_row(bytes, [], |row| row.get(0)).unwrap()
    }

    /// Lets the tablet die when a part of a snapshot has come.
    fn dies_half_fetched(&self) {
        dies(&self.dov.run_crashing("after_take:1", "sync"), "after_take");
        for bytes in (1..).map(|nth| nth * STEP_BYTES) {
            // What breaks off is asked for again, from where it broke off: there it dies.
            self.dov.network.cut([Cut::answer(bytes); 2]);
            let said = self.dov.run_crashing("before_fetch:2", "sync");
            self.dov.network.mend();
            if said.code.is_none() && self.half_fetched() > 0 {
                return;
            }
            assert!(matches!(said.code, None | Some(3)), "it came whole before it broke off: {said:?}");
        }
    }

    /// After one more sync all that is there for others is there for him.
    fn has_begun(&self, at: &str) {
        let synced = self.dov.run("sync");
        assert!(matches!(synced.code, Some(0 | 4)), "{at}: {synced:?}");
        assert_eq!(sessions(&self.dov), self.stored, "{at}");
        assert_eq!(self.dov.ok("status")["held"], self.late.len(), "{at}");
    }
}

#[test]
fn the_tablet_dies_before_it_has_purged_what_ended() {
    let mut changing = Changing::new();
    for _ in 0..rounds_at_a_place() {
        for at in PURGING {
            // Somebody has the app open all the while: nothing is tidied up by closing it.
            let open = Store::open(changing.dov.store()).unwrap();
            changing.ends();
            dies(&changing.dov.run_crashing(at, "sync"), at);
            changing.has_ended(at);
            drop(open);
            changing.begins();
            changing.has_begun(at);
        }
    }
}

#[test]
fn the_tablet_dies_before_it_has_fetched_what_began() {
    let mut changing = Changing::new();
    for _ in 0..rounds_at_a_place() {
        for at in FETCHING {
            changing.ends();
            changing.has_ended(at);
            changing.begins();
            dies(&changing.dov.run_crashing(at, "sync"), at);
            changing.has_begun(at);
        }
    }
}

#[test]
fn what_was_half_fetched_goes_on_where_it_broke_off_or_leaves_nothing() {
    let mut changing = Changing::new();
    for round in 0..rounds_at_a_place() {
        let at = format!("round {round}");
        changing.ends();
        changing.has_ended(&at);
        changing.begins();
        changing.dies_half_fetched();
        if round % 2 == 0 {
            changing.ends_again();
            changing.has_ended(&at);
            assert_eq!(changing.half_fetched(), 0, "{at}");
            changing.begins();
        }
        changing.has_begun(&at);
        assert_eq!(changing.half_fetched(), 0, "{at}");
    }
}

#[test]
fn what_began_again_before_it_was_purged_stays() {
    let mut changing = Changing::new();
    let at = "before_purge:1";
    for _ in 0..rounds_at_a_place() {
        changing.ends();
        dies(&changing.dov.run_crashing(at, "sync"), at);
        changing.begins();
        let synced = changing.dov.run_crashing(at, "sync");
        assert!(matches!(synced.code, Some(0 | 4)), "it comes to no purge any more: {synced:?}");
        changing.has_begun(at);
    }
}
