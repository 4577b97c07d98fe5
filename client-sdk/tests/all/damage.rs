//! A store with damage in it: it has lost nothing, or says what.
//!
//! A round damages one file of a tablet's folder as it was closed, or as a kill leaves it, by a flipped bit, 512 zeroed bytes or a cut tail, and opens it
//! again. Then
//!
//! - every row is as it was, or the store says of which kind how many are gone, and makes the rest hold together;
//! - what is left is shown, and an exchange brings back all that the server has, and brings it all that is left and has no receipt.
//!
//! `DAMAGE_ROUNDS` sets how many rounds there are, `DAMAGE_SEED` with which seed they begin, as a failure prints it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use client_sdk::engine::Until;
use client_sdk::session::Journal;
use client_sdk::store::{Damage, Kind, SET_ASIDE_MAX, State, Store, StoreError, Table};
use client_sdk::trouble::Trouble;
use client_sdk::view::status::status;
use sync_core::document::slot::SlotKey;
use sync_core::exchange::client::doubt::doubt;
use sync_core::exchange::client::state::{ActState, Tablet};
use sync_core::ids::{ActId, DocumentId};
use sync_core::kv::Write;
use sync_core::random::{Random, bent};

use crate::server::{Server, run};
use crate::world::{MAYA, World, first_words};

/// Rounds of both tests together, each time.
const ROUNDS: u64 = 500;
const SHARES: u64 = 2;

/// The files of a store, and what a kill leaves beside them.
const FILES: [&str; 4] = ["tablet.db", "tablet.db-wal", "tablet.db-shm", "tablet.commits"];

type Rows = BTreeMap<(&'static str, Vec<u8>), Vec<u8>>;

/// A tablet's folder, closed and killed, all that is in it, and the server that it exchanges with.
struct Rested {
    folders: [tempfile::TempDir; 2],
    rows: Rows,
    server: Server,
    /// What it shows after its next exchange.
    shown: Shown,
}

/// What a tablet shows of a student, and of what is going on.
#[derive(Debug, PartialEq)]
struct Shown {
    records: BTreeSet<SlotKey>,
    /// Of which act each record is that has no receipt.
    unsent: BTreeMap<SlotKey, (DocumentId, ActId)>,
    events: usize,
}

fn read<T>(store: &Store, read: impl FnOnce(&State<'_>) -> Result<T, Trouble>) -> T {
    store.read(read).unwrap()
}

fn shown(state: &State<'_>) -> Result<Shown, Trouble> {
    let tablet = Tablet(state);
    let documents = tablet.shown(MAYA)?;
    let mut unsent = BTreeMap::new();
    for act in tablet.acts()?.into_iter().filter(|act| act.state == ActState::Unsent) {
        unsent.extend(act.slots.iter().map(|slot| (slot.key, (act.name.id(), act.act))));
    }
    let journal = Journal(state);
    let mut events = 0;
    for live in journal.open()? {
        events += journal.events(live.id)?.len();
    }
    Ok(Shown {
        records: documents.into_iter().flat_map(|shown| shown.slots).map(|slot| slot.key).collect(),
        unsent,
        events,
    })
}

fn rows(store: &Store) -> Rows {
    let mut rows = Rows::new();
    for table in Table::ALL {
        let all = store.read(|state| Ok::<_, StoreError>(state.scan_in(table, b"")?)).unwrap();
        rows.extend(all.into_iter().map(|(key, value)| ((table.name(), key), value)));
    }
    rows
}

fn copy(from: &Path, to: &Path) {
    for name in FILES {
        if from.join(name).exists() {
            fs::copy(from.join(name), to.join(name)).unwrap();
        }
    }
}

impl Rested {
    fn new() -> Self {
        let (world, server) = (World::sealing(), Server::default());
        let store = world.store();
        first_words(sync_core::roster::role::Role::Slp).into_iter().for_each(|entry| server.say(entry));
        for _ in 0..6 {
            world.log();
        }
        run(&store, &server, Until::Once).0.unwrap();
        // Some of it has no receipt, and a live session is open.
        for _ in 0..4 {
            world.log();
        }
        world.done(&["start", "--student", "maya", "--mode", "push-in", "--place", "general-class"]);
        for _ in 0..5 {
            world.done(&["tap", "--goal", &world.count_goal.to_string()]);
        }
        let rows = rows(&store);
        let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
        copy(world.folder.path(), folders[1].path());
        drop(store);
        copy(world.folder.path(), folders[0].path());
        assert!(
            folders[1].path().join("tablet.db-wal").exists()
                && !folders[0].path().join("tablet.db-wal").exists()
        );
        let unsent = read(&world.store(), shown).unsent;
        assert!(unsent.len() > 4);
        run(&world.store(), &server.fork(), Until::Once).0.unwrap();
        let shown = Shown { unsent, ..read(&world.store(), shown) };
        assert_eq!(shown.events, 5);
        Self { folders, rows, server, shown }
    }

    /// Holds what a damaged store still has against what it had and against what it says.
    fn compare(&self, now: &Rows, damage: &Damage) -> Result<(), String> {
        let mut missing: BTreeMap<Kind, u64> = BTreeMap::new();
        for ((table, key), value) in &self.rows {
            let kind = kind_of(table, key);
            match now.get(&(*table, key.clone())) {
                Some(now) if now == value => {}
                // A copy is marked to be fetched again, the word of a sealed copy made anew, and numbers go on behind all that there are.
                Some(_) if *table == "kv" && (matches!(key[0], b'C' | b'k') || key == b"mnext act") => {}
                // Where the end was cut off, counters stand where they stood, and that is said.
                Some(_) if kind == Kind::Notes && damage.lost.is_none() => {}
                Some(_) => return Err(format!("a row of {} changed", kind.words())),
                None => *missing.entry(kind).or_default() += 1,
            }
        }
        let made_anew = |(table, key): &(&str, Vec<u8>)| match *table {
            "kv" => matches!(key[0], b'k' | b'a') || key == b"mnext act",
            table => table == "local" && key == b"damage",
        };
        // Where the end was cut off, what was removed behind it is there again.
        let is_new = |key: &&(&str, Vec<u8>)| !self.rows.contains_key(*key) && !made_anew(key);
        if damage.lost.is_some() && now.keys().any(|key| is_new(&key)) {
            return Err("a row that was never written".into());
        }
        let Some(lost) = &damage.lost else { return Ok(()) };
        let said: BTreeMap<Kind, u64> = lost.iter().copied().collect();
        for kind in Kind::ALL {
            let of = |counts: &BTreeMap<Kind, u64>| counts.get(&kind).copied().unwrap_or(0);
            let (mut said, gone) = (of(&said), of(&missing));
            if kind == Kind::Own {
                said += damage.only_sealed;
            }
            let is_right = match kind {
                Kind::Own | Kind::Live | Kind::Said | Kind::Partial => said == gone,
                // What leads to nothing any more goes, too.
                Kind::Copies => said <= gone && (gone == 0 || said > 0),
                // They are made anew, or forgotten so that they are told anew.
                Kind::Sealed | Kind::Notes => gone == 0 || said > 0 || kind == Kind::Notes,
            };
            if !is_right {
                return Err(format!("{}: said {said}, gone {gone}", kind.words()));
            }
        }
        Ok(())
    }

    /// Lets a damaged tablet exchange: what is not there then was said to be gone, or is at school.
    fn exchange(&self, store: &Store, damage: &Damage) -> Result<(), String> {
        let says =
            |kind: Kind| damage.lost.as_ref().is_none_or(|lost| lost.iter().any(|(lost, _)| *lost == kind));
        let (server, had) = (self.server.fork(), read(store, shown));
        read(store, status);
        match run(store, &server, Until::Once).0 {
            Ok(()) => {}
            Err(Trouble::NotPaired) if says(Kind::Notes) => return Ok(()),
            Err(error) => return Err(format!("it does not exchange any more: {error}")),
        }
        let now = read(store, shown);
        if !now.unsent.is_empty() || read(store, |state| Ok(Tablet(state).unsent()?)) > 0 {
            return Err("something was not sent".into());
        }
        if had.events != self.shown.events && !says(Kind::Live) {
            return Err("taps are gone, and not a word".into());
        }
        // It has what it was sent, though it issues nothing of what came plain or sealed.
        let at_school = server.fates.borrow();
        for record in self.shown.records.difference(&now.records) {
            match self.shown.unsent.get(record) {
                None => return Err(format!("{record} did not come back from the server")),
                Some(act) if at_school.contains_key(act) => {}
                Some(_) if says(Kind::Own) => {}
                Some(_) => return Err(format!("{record} is gone, and not a word")),
            }
        }
        match (now.records.difference(&self.shown.records).next(), store.damage().unwrap()) {
            (Some(record), _) => Err(format!("{record} was never made")),
            (None, Some(left)) if left.lost.is_some() && !says(Kind::Own) && !says(Kind::Live) => {
                Err(format!("everything is there again, and it still says: {}", left.words()))
            }
            (None, _) => Ok(()),
        }
    }
}

fn kind_of(table: &str, key: &[u8]) -> Kind {
    Kind::of(Table::ALL.into_iter().find(|known| known.name() == table).unwrap(), key)
}

/// Bends a file's bytes, and says how. What leaves them as they are, such as zeroes over zeroes, is no damage, and drawn anew.
fn bent_anywhere(sound: &[u8], random: &mut Random) -> (Vec<u8>, String) {
    loop {
        let at = random.below(sound.len());
        let (new, what) = bent(sound, at, random);
        if new != sound {
            return (new, what);
        }
    }
}

fn round(rested: &Rested, seed: u64, damaged: &mut u64) -> Result<(), String> {
    let mut random = Random::of(seed);
    let which = random.below(2);
    let folder = tempfile::tempdir().unwrap();
    copy(rested.folders[which].path(), folder.path());
    let files: Vec<_> = FILES.into_iter().filter(|name| folder.path().join(name).exists()).collect();
    // Most of the damage goes where most of the bytes are.
    let name = if random.below(4) == 0 {
        files[random.below(files.len())]
    } else {
        files[random.below(files.len().min(2))]
    };
    let path = folder.path().join(name);
    let sound = fs::read(&path).unwrap();
    let (new, what) = bent_anywhere(&sound, &mut random);
    *damaged += u64::from(new != sound);
    fs::write(&path, &new).unwrap();
    look(rested, folder.path(), name, &new)
        .map_err(|error| format!("{}, {name}: {what}: {error}", ["closed", "killed"][which]))
}

fn look(rested: &Rested, folder: &Path, damaged: &str, bytes: &[u8]) -> Result<(), String> {
    let store = Store::open(folder).map_err(|error| format!("not opened: {error}"))?;
    let (damage, now) = (store.damage().unwrap(), rows(&store));
    let Some(damage) = damage else {
        return if now == rested.rows { Ok(()) } else { Err("other rows, and not a word".into()) };
    };
    if damaged == "tablet.db-wal" && fs::read(damage.kept.join(damaged)).unwrap_or_default() != bytes {
        return Err("the damaged file was not kept".into());
    }
    rested.compare(&now, &damage)?;
    drop(store);
    let again = Store::open(folder).unwrap();
    if again.was_mended() || again.damage().unwrap().as_ref() != Some(&damage) || rows(&again) != now {
        return Err("it was not mended for good".into());
    }
    rested.exchange(&again, &damage)
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().and_then(|text| text.parse().ok())
}

fn share(number_of: u64) {
    let rested = Rested::new();
    let rounds = number("DAMAGE_ROUNDS").unwrap_or(ROUNDS).div_ceil(SHARES);
    let first = number("DAMAGE_SEED").unwrap_or(0) + number_of * rounds;
    let mut damaged = 0;
    let silent: Vec<String> = (first..first + rounds)
        .filter_map(|seed| {
            let error = round(&rested, seed, &mut damaged).err()?;
            Some(format!("DAMAGE_SEED={seed} DAMAGE_ROUNDS=1: {error}"))
        })
        .collect();
    assert_eq!(damaged, rounds, "a round in which no byte changed says nothing");
    assert!(silent.is_empty(), "{} of {rounds} rounds:\n{}", silent.len(), silent.join("\n"));
}

#[test]
fn damaged_stores_have_lost_nothing_or_say_what_first_share() {
    share(0);
}

#[test]
fn damaged_stores_have_lost_nothing_or_say_what_second_share() {
    share(1);
}

/// Removes rows behind SQLite's back, as damage would, and opens the store again.
fn without(world: &World, condition: &str) -> (Store, Damage) {
    let raw = rusqlite::Connection::open(world.folder.path().join("tablet.db")).unwrap();
    assert!(raw.execute(&format!("DELETE FROM {condition}"), []).unwrap() > 0);
    drop(raw);
    let store = world.store();
    let damage = store.damage().unwrap().unwrap();
    (store, damage)
}

#[test]
fn what_the_server_has_comes_back_and_what_was_not_sent_is_sent() {
    let (world, server) = (World::sealing(), Server::default());
    first_words(sync_core::roster::role::Role::Slp).into_iter().for_each(|entry| server.say(entry));
    run(&world.store(), &server, Until::Once).0.unwrap();
    world.log();
    let facts = read(&world.store(), |state| Ok(Tablet(state).facts("")?));
    let acts = read(&world.store(), |state| Ok(Tablet(state).unsent()?));
    assert!(acts > 0);
    let (store, damage) = without(&world, "kv WHERE substr(key, 1, 1) = CAST('f' AS BLOB)");
    assert_eq!(damage.lost, Some(vec![(Kind::Said, facts.len() as u64)]));
    assert_eq!(read(&store, |state| Ok(Tablet(state).unsent()?)), acts);
    let status = world.done(&["status"]);
    assert!(status["damage"].as_str().unwrap().contains("names, teams and holds"), "{status}");
    let (ended, report) = run(&store, &server, Until::Once);
    ended.unwrap();
    assert_eq!(report.stored, acts);
    assert_eq!(read(&store, |state| Ok(Tablet(state).facts("")?)), facts);
    assert_eq!(store.damage().unwrap(), None, "all of it is there again");
    assert_eq!(world.done(&["status"])["damage"], serde_json::Value::Null);
}

#[test]
fn an_act_of_which_only_the_sealed_copy_is_left_is_sent_as_it_was_sealed() {
    let (world, server) = (World::sealing(), Server::default());
    first_words(sync_core::roster::role::Role::Slp).into_iter().for_each(|entry| server.say(entry));
    run(&world.store(), &server, Until::Once).0.unwrap();
    world.log();
    let acts = read(&world.store(), |state| Ok(Tablet(state).acts()?));
    let unsent: Vec<_> = acts.iter().filter(|act| act.state == ActState::Unsent).collect();
    let (store, damage) = without(&world, "kv WHERE substr(key, 1, 1) = CAST('A' AS BLOB)");
    assert_eq!(damage.only_sealed, unsent.len() as u64);
    drop(store);
    // Even the word of them may be gone.
    let (store, _) = without(&world, "kv WHERE substr(key, 1, 1) = CAST('k' AS BLOB)");
    assert_eq!(world.done(&["status"])["waiting"], unsent.len());
    let (ended, report) = run(&store, &server, Until::Once);
    ended.unwrap();
    assert_eq!(report.stored, unsent.len());
    let expected: BTreeSet<_> = unsent.iter().map(|act| (act.name.id(), act.act)).collect();
    assert_eq!(server.sealed.borrow().iter().copied().collect::<BTreeSet<_>>(), expected);
    assert_eq!(world.done(&["status"])["waiting"], 0);
}

#[test]
fn work_goes_on_behind_all_that_is_left_whatever_became_of_the_numbers() {
    let world = World::sealing();
    world.log();
    let before = read(&world.store(), |state| Ok(Tablet(state).acts()?));
    let (store, _) = without(&world, "kv WHERE key IN (CAST('mnext act' AS BLOB))");
    drop(store);
    world.log();
    let now = read(&world.store(), |state| Ok(Tablet(state).acts()?));
    assert_eq!(now[..before.len()], before, "no act takes another's place");
    assert!(now.len() > before.len());
}

#[test]
fn content_without_its_copy_goes_and_a_sound_store_stays_as_it_is_but_for_the_cursor() {
    let (world, server) = (World::sealing(), Server::default());
    first_words(sync_core::roster::role::Role::Slp).into_iter().for_each(|entry| server.say(entry));
    world.log();
    run(&world.store(), &server, Until::Once).0.unwrap();
    let changed = |write: &Write| !matches!(write.key()[0], b'C' | b'a') && write.key() != b"mnext act";
    let writes = read(&world.store(), |state| Ok(doubt(state)?));
    let others: Vec<&[u8]> = writes.iter().filter(|write| changed(write)).map(Write::key).collect();
    assert_eq!(others, [b"mcursor".as_slice()]);
    let (store, _) = without(&world, "kv WHERE substr(key, 1, 1) = CAST('C' AS BLOB)");
    let left = rows(&store);
    assert!(!left.keys().any(|(table, key)| *table == "kv" && matches!(key[0], b'c' | b's' | b'w')));
}

#[test]
fn a_device_that_lost_its_key_is_paired_again_and_by_nobody_else() {
    let world = World::sealing();
    world.log();
    let (store, damage) = without(&world, "local WHERE key = CAST('key' AS BLOB)");
    assert_eq!(damage.lost, Some(vec![(Kind::Notes, 1)]));
    assert_eq!(read(&store, |state| Ok(Tablet(state).owner()?)), Some(crate::world::ME));
    drop(store);
    let (exit, said) = world.run(&["pair", "--server", "http://127.0.0.1:1", "--code", "X"]);
    assert_eq!(
        (exit, &said["error"]["code"]),
        (3, &serde_json::json!("unreachable")),
        "it may be tried: {said}"
    );
}

#[test]
fn damage_is_said_at_once_and_until_somebody_has_heard_it() {
    let world = World::sealing();
    world.log();
    let raw = rusqlite::Connection::open(world.folder.path().join("tablet.db")).unwrap();
    raw.execute_batch("DELETE FROM kv WHERE substr(key, 1, 1) IN (CAST('A' AS BLOB), CAST('K' AS BLOB))")
        .unwrap();
    drop(raw);
    let words = ["record", "--student", "maya"];
    let output = crate::world::command(world.folder.path(), crate::world::NOW, &words).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("your own work"), "{said}");
    let status = world.done(&["status"]);
    assert!(status["damage"].as_str().unwrap().contains("your own work"), "{status}");
    assert_eq!(world.done(&["status", "--forget-damage"])["damage"], serde_json::Value::Null);
    let left: Vec<_> =
        fs::read_dir(world.folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(!left.iter().any(|name| name.to_string_lossy().starts_with("damaged-")), "{left:?}");
}

#[test]
fn the_newest_damaged_stores_are_kept() {
    let world = World::sealing();
    for _ in 0..SET_ASIDE_MAX + 2 {
        world.log();
        without(&world, "kv WHERE substr(key, 1, 1) = CAST('A' AS BLOB)");
    }
    let names = fs::read_dir(world.folder.path()).unwrap().map(|entry| entry.unwrap().file_name());
    let mut kept: Vec<_> = names.filter(|name| name.to_string_lossy().starts_with("damaged-")).collect();
    kept.sort();
    assert_eq!(kept, ["damaged-3", "damaged-4"]);
}

/// The bytes in front of a log's first frame, in front of a frame's page, and of a page.
const LOG_HEADER: usize = 32;
const FRAME_HEADER: usize = 24;
const PAGE: usize = 4096;

/// A store as a kill leaves it behind two transactions, with all of its rows in its log, and what was in it after each.
fn killed_after_two() -> (tempfile::TempDir, [Rows; 2]) {
    let (alive, killed) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let store = Store::open(alive.path()).unwrap();
    let both = [0..40_u8, 20..60].map(|numbers| {
        let mut writes = client_sdk::store::Writes::new();
        for number in numbers.clone() {
            let value = [[number, numbers.start].as_slice(), &[number; 300]].concat();
            writes.put(Table::Journal, vec![number], value);
        }
        store.apply(writes).unwrap();
        rows(&store)
    });
    copy(alive.path(), killed.path());
    (killed, both)
}

/// Bends a store's log, and opens the store.
fn with_log(folder: &Path, bend: impl FnOnce(&mut Vec<u8>, usize)) -> Store {
    let path = folder.join("tablet.db-wal");
    let mut log = fs::read(&path).unwrap();
    let last = log.len() - FRAME_HEADER - PAGE;
    assert_eq!((last - LOG_HEADER) % (FRAME_HEADER + PAGE), 0);
    bend(&mut log, last);
    fs::write(&path, log).unwrap();
    Store::open(folder).unwrap()
}

fn has_lost_nothing(store: &Store, all: &Rows) {
    assert!(store.was_mended());
    let now = rows(store);
    let gone: Vec<_> = all.keys().filter(|key| now.get(*key) != all.get(*key)).collect();
    assert!(gone.is_empty(), "{} of {} rows are gone: {gone:?}", gone.len(), all.len());
    assert_eq!((now.len(), store.damage().unwrap()), (all.len(), None));
}

fn journal(rows: &Rows) -> Rows {
    let of_journal = rows.iter().filter(|((table, _), _)| *table == Table::Journal.name());
    of_journal.map(|(key, value)| (key.clone(), value.clone())).collect()
}

#[test]
fn a_log_that_is_cut_in_its_last_frame_gives_what_was_there_before_its_last_transaction() {
    for bytes in [1, PAGE / 2, PAGE - 1, PAGE + FRAME_HEADER - 1] {
        let (folder, [first, _]) = killed_after_two();
        let store = with_log(folder.path(), |log, _| log.truncate(log.len() - bytes));
        assert!(journal(&rows(&store)) == journal(&first), "{bytes} bytes");
        let damage = store.damage().unwrap().unwrap();
        assert_eq!(damage.lost, None, "that something is gone is known, and not what");
    }
}

#[test]
fn a_bit_of_the_first_frames_salt_takes_nothing_of_the_log() {
    for at in 8..16 {
        let (folder, [_, all]) = killed_after_two();
        let store = with_log(folder.path(), |log, _| log[LOG_HEADER + at] ^= 4);
        has_lost_nothing(&store, &all);
    }
}

#[test]
fn the_salt_of_the_logs_own_header_takes_nothing_of_the_log() {
    let (folder, [_, all]) = killed_after_two();
    let store = with_log(folder.path(), |log, _| log[16..24].fill(0));
    has_lost_nothing(&store, &all);
}

#[test]
fn the_size_that_the_last_frame_states_is_believed_only_with_its_sum() {
    // Too few pages would drop the rest, and none would take back the transaction.
    for bend in [|size: &mut [u8]| size[3] ^= 1 << size[3].ilog2(), |size: &mut [u8]| size.fill(0xff)] {
        let (folder, [_, all]) = killed_after_two();
        let store = with_log(folder.path(), |log, last| bend(&mut log[last + 4..last + 8]));
        has_lost_nothing(&store, &all);
    }
}

#[test]
fn a_bit_of_a_frames_page_number_puts_no_page_in_anothers_place() {
    for frame in 0..4 {
        let (folder, [_, all]) = killed_after_two();
        let store = with_log(folder.path(), |log, last| log[last - frame * (FRAME_HEADER + PAGE) + 3] ^= 1);
        has_lost_nothing(&store, &all);
    }
}

#[test]
fn where_damaged_files_are_kept_is_said_as_long_as_they_are() {
    let world = World::sealing();
    world.log();
    let (store, damage) = without(&world, "kv WHERE substr(key, 1, 1) = CAST('A' AS BLOB)");
    let said = format!("are kept in {}", damage.kept.display());
    assert!(damage.words().contains(&said), "{}", damage.words());
    store.scrub().unwrap();
    assert!(!damage.words().contains("are kept in"), "{}", damage.words());
    let status = world.done(&["status"])["damage"].as_str().unwrap().to_owned();
    assert!(!status.contains("are kept in"), "{status}");
}
