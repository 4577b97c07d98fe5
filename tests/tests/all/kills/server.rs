//! The server dies.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::thread;
use std::time::Duration;

use sync_core::exchange::server::reply::INLINE_CHANGES_MAX;
use tests::process::{Doomed, Installation, Said, Server, Tablet, World};

use super::told::{School, is_rich, same};
use super::{dice, everything, log, rounds, rounds_at_a_place, sessions};

/// Until when after the first byte a server is killed in the rounds of random moments, in microseconds.
const MOMENT_US_MAX: u64 = 60_000;

/// A world in which somebody logs, somebody reads, and the server keeps dying.
struct Dying {
    world: World,
    ana: Tablet,
    carla: Tablet,
    logged: BTreeSet<String>,
    port: u16,
    /// All else that has happened in the school, where a test looks at that, too.
    school: Option<School>,
}

impl Dying {
    fn new() -> Self {
        let world = World::new();
        let (ana, carla) = (world.tablet("slp1"), world.tablet("cm1"));
        let port = world.with_server(Server::port);
        Self { world, ana, carla, logged: BTreeSet::new(), port, school: None }
    }

    /// Opens a school to which everything has happened before its server begins to die.
    fn in_a_school_that_has_lived() -> Self {
        let mut dying = Self::new();
        dying.school = Some(School::lived(&dying.world));
        dying
    }

    /// Logs and sends until the server has died of it; returns what the one exchange was told that had no answer, if one was.
    fn works_until_it_died(&mut self, server: &mut Doomed, at: &str, round: usize) -> Option<Said> {
        // A place that is passed once in each exchange is reached in the last of these, if not before.
        let mut tries = 0;
        while !server.has_died() {
            assert!(
                tries <= 2 * round,
                "{at} was not reached; are the programs built with the feature `testing`?"
            );
            tries += 1;
            self.log();
            let synced = self.ana.run("sync");
            if synced.code == Some(3) {
                return Some(synced);
            }
            assert_eq!(synced.code, Some(0), "{at}: {synced:?}");
        }
        None
    }

    fn log(&mut self) {
        for _ in 0..2 {
            let session = log(&self.ana, self.logged.len());
            self.logged.insert(session);
        }
    }

    fn installation(&self) -> &Installation {
        &self.world.installation
    }

    /// Starts the server again and checks that nothing that anybody was told has become untrue.
    fn recover(&mut self, told_waiting: u64, what: &str) {
        let server = self.installation().serve_on(self.port);
        self.world.set_server(server);
        let verified = self.installation().verify();
        assert_eq!(verified.code, Some(0), "{what}: {verified:?}");
        // What was receipted before is there for others already; the rest is still on its way.
        self.carla.ok("sync");
        let there = sessions(&self.carla);
        assert!(there.is_subset(&self.logged), "{what}");
        assert!(
            there.len() as u64 >= self.logged.len() as u64 - told_waiting,
            "{what}: a receipted act is gone"
        );
        let synced = self.ana.ok("sync --until-done");
        assert_eq!((&synced["waiting"], &synced["held"]), (&0.into(), &0.into()), "{what}: {synced}");
        self.carla.ok("sync");
        assert_eq!(sessions(&self.carla), self.logged, "{what}");
        assert_eq!(sessions(&self.ana), self.logged, "{what}");
    }

    fn waiting(&self) -> u64 {
        self.ana.ok("status")["waiting"].as_u64().unwrap()
    }

    /// Stops the server, takes away what `take` does, and starts it again.
    fn without(&self, take: impl FnOnce(&Path)) {
        self.world.take_server().stop();
        let verified = self.installation().verify();
        assert_eq!(verified.code, Some(0), "at rest: {verified:?}");
        take(&self.installation().data());
        self.world.set_server(self.installation().serve_on(self.port));
    }

    /// Takes everything derived away and compares what everybody is told.
    fn end(self) {
        for tablet in [&self.ana, &self.carla] {
            // What was decided elsewhere is let go of with the exchange behind the one in which it was looked at.
            tablet.ok("holds");
            tablet.ok("sync");
        }
        let told = self.school.as_ref().map(|school| school.told(&self.world));
        let before = everything(&self.world, &[&self.ana, &self.carla]);
        self.without(|data| fs::remove_dir_all(data.join("index")).unwrap());
        for tablet in [&self.ana, &self.carla] {
            assert_eq!(tablet.ok("sync")["stored"], 0);
        }
        assert_eq!(everything(&self.world, &[&self.ana, &self.carla]), before);
        if let (Some(school), Some(told)) = (&self.school, told) {
            is_rich(&told);
            same(&told, &school.told(&self.world), "without its index");
            self.without(|data| fs::remove_dir_all(data.join("snapshots")).unwrap());
            same(&told, &school.told(&self.world), "without its snapshots");
            self.without(|_| {
                let rebuilt = self.installation().carryover("rebuild --data", &[]);
                assert_eq!(rebuilt.code, Some(0), "{rebuilt:?}");
            });
            same(&told, &school.told(&self.world), "rebuilt");
        }
        // Somebody who begins from nothing is told the same.
        let another = self.world.tablet("cm1");
        assert_eq!(another.record("s1"), self.carla.record("s1"));
    }
}

fn dies_at(place: &str) {
    let mut dying = Dying::new();
    for round in 1..=rounds_at_a_place() {
        let at = format!("{place}:{round}");
        dying.world.take_server().kill();
        let mut server = dying.installation().serve_until(dying.port, &at);
        dying.works_until_it_died(&mut server, &at, round);
        server.wait_for_death();
        let waiting = dying.waiting();
        dying.recover(waiting, &at);
    }
    dying.end();
}

#[test]
fn the_server_dies_before_it_appends() {
    dies_at("before_append");
}

#[test]
fn the_server_dies_after_it_appended() {
    dies_at("after_append");
}

#[test]
fn the_server_dies_after_it_synced() {
    dies_at("after_sync");
}

#[test]
fn the_server_dies_before_it_replies() {
    dies_at("before_reply");
}

#[test]
fn a_failed_sync_ends_the_server_and_the_next_one_has_what_was_receipted() {
    const SAID: &str = "the store stopped after a failed write to the disk";
    let mut dying = Dying::new();
    let mut told = 0;
    for round in 1..=rounds_at_a_place() {
        let at = format!("log_sync:{round}");
        dying.world.take_server().stop();
        let mut server = dying.installation().serve_failing(dying.port, &at);
        let heard = dying.works_until_it_died(&mut server, &at, round);
        told += usize::from(heard.is_some_and(|heard| heard.json["error"]["code"] == "storage_failed"));
        assert_eq!(server.wait_for_end(), Some(1), "{at}: it ends by itself, and not content");
        let said = dying.installation().said();
        assert_eq!(said.matches(SAID).count(), round, "{at}: {said}");
        assert!(!said.contains("panicked"), "{at}: {said}");
        let waiting = dying.waiting();
        dying.recover(waiting, &at);
    }
    assert!(told > 0, "who waits for a receipt is told why there is none");
    dying.end();
}

#[test]
fn the_server_dies_within_a_snapshot() {
    let mut dying = Dying::new();
    // Few changes are sent one by one, without a snapshot.
    for _ in 0..INLINE_CHANGES_MAX {
        dying.log();
        dying.ana.ok("sync");
    }
    for round in 1..=rounds_at_a_place() {
        dying.log();
        dying.ana.ok("sync");
        let newcomer = dying.world.unpaired("cm1");
        let code = dying.world.admin("device code cm1")["code"].as_str().unwrap().to_owned();
        newcomer.ok(&format!("pair --server {} --code {code}", newcomer.network.url()));
        dying.world.take_server().kill();
        // A snapshot that was kept would be served as it is.
        fs::remove_dir_all(dying.installation().data().join("snapshots")).unwrap();
        let at = "mid_snapshot:1";
        let server = dying.installation().serve_until(dying.port, at);
        let died = newcomer.run("sync");
        assert_eq!(died.code, Some(3), "{at} was not reached in round {round}: {died:?}");
        server.wait_for_death();
        dying.recover(0, at);
        newcomer.ok("sync --until-done");
        assert_eq!(sessions(&newcomer), dying.logged);
    }
    dying.end();
}

#[test]
fn the_server_dies_while_it_raises_the_horizon() {
    let mut dying = Dying::in_a_school_that_has_lived();
    for place in ["mid_snapshot:1", "before_horizon:1", "after_horizon:1"] {
        dying.log();
        dying.ana.ok("sync");
        dying.world.take_server().kill();
        dying.installation().raise_horizon_until(dying.port, place).wait_for_death();
        // The other tablet's cursor lies below it now, or below where it would be.
        dying.recover(0, place);
    }
    let said = dying.installation().said();
    assert_eq!(said.matches("the horizon of the log was raised").count(), 1, "{said}");
    dying.end();
}

/// A long batch of rows goes into the index one by one. Whatever part of it was written, the next start goes on from there: to build the index
/// again takes the longer, the more a log has.
#[test]
fn the_server_dies_while_a_long_batch_goes_into_the_index() {
    const SESSIONS: usize = 140;
    let mut dying = Dying::new();
    for round in 0..rounds_at_a_place().div_ceil(3) {
        for place in ["mid_index_batch:1", "after_index_batch:1"] {
            dying.world.take_server().kill();
            let server = dying.installation().serve_until(dying.port, place);
            for _ in 0..SESSIONS / 2 {
                dying.log();
            }
            dying.ana.run("sync");
            server.wait_for_death();
            let waiting = dying.waiting();
            dying.recover(waiting, &format!("{place}, round {round}"));
        }
    }
    let put_aside = dying.installation().data().join("index.set-aside-1");
    assert!(!put_aside.exists(), "the index was built again: {}", dying.installation().said());
    dying.end();
}

#[test]
fn the_server_dies_at_any_moment() {
    let mut dying = Dying::in_a_school_that_has_lived();
    let mut dice = dice(27);
    for round in 0..rounds() {
        dying.log();
        let moment = Duration::from_micros(dice.number() % MOMENT_US_MAX);
        let server = dying.world.take_server();
        let seen = dying.ana.network.connections();
        let syncing = thread::scope(|scope| {
            let syncing = scope.spawn(|| dying.ana.run("sync"));
            tests::process::eventually("the tablet's connection", || {
                (dying.ana.network.connections() > seen).then_some(())
            });
            thread::sleep(moment);
            server.kill();
            syncing.join().unwrap()
        });
        assert!(matches!(syncing.code, Some(0 | 3)), "{syncing:?}");
        let waiting = dying.waiting();
        dying.recover(waiting, &format!("round {round}, {moment:?} after the connection"));
    }
    dying.end();
}
