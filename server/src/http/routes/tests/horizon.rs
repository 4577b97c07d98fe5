//! Tablets that were away for long: the horizon was raised meanwhile.

use std::collections::BTreeMap;

use sync_core::document::slot::Slot;
use sync_core::exchange::client::reply::take;
use sync_core::exchange::message::{ChangeBytes, Entry, HoldView};

use super::damage::see_all;
use super::set_aside::poison;
use super::*;
use crate::engine::{Horizon, decode_snapshot, encode_snapshot};
use crate::store::disk::SimulatedDisk;

fn horizon(school: &School) -> u64 {
    school.engine.index().horizon().unwrap()
}

fn end(school: &School) -> u64 {
    school.engine.reader().end().seq
}

/// All that a person reads on a tablet: the slots of each document, the facts, the holds.
type Read = (BTreeMap<String, Vec<Slot>>, Vec<(String, Vec<u8>)>, Vec<HoldView>);

fn read(tablet: &Tablet) -> Read {
    let stored = tablet.stored();
    let copies = stored.copies().unwrap().into_iter();
    let slots = copies.map(|copy| (copy.name.id().to_string(), stored.slots(copy.name.id()).unwrap()));
    (slots.collect(), stored.facts("").unwrap(), stored.holds().unwrap())
}

/// Lets somebody log, each session in an exchange of its own.
async fn works(school: &School, tablet: &mut Tablet, log: &DocumentName, sessions: usize) -> Vec<SlotKey> {
    let mut made = Vec::new();
    for _ in 0..sessions {
        made.push(tablet.log(log, "slp"));
        assert_eq!(tablet.sync(school).await.stored, 1);
    }
    made
}

/// Asks once, for about this many bytes, and takes the reply; returns its entries and whether there is more.
async fn ask(school: &School, tablet: &mut Tablet, room: usize) -> (Vec<Entry>, bool) {
    let outgoing = tablet.compose();
    let path = format!("/v1/exchange?room={room}");
    let response = tablet.post(school, &path, codec::encode(&outgoing.request)).await;
    tablet.token = header(response.headers(), "x-carryover-token").to_owned();
    let told = reply(response).await;
    let (writes, brought) = take(&tablet.store, &outgoing, &told, Moment(1_795_183_200_000)).unwrap();
    tablet.store.apply(writes);
    (told.entries, brought.more)
}

fn changes_of(entries: &[Entry], document: &DocumentName) -> usize {
    entries
        .iter()
        .filter(|entry| matches!(entry, Entry::Change { document: of, change: ChangeBytes::Bytes(_), .. } if *of == document.id()))
        .count()
}

fn begins_of(entries: &[Entry], document: &DocumentName) -> usize {
    let is_fetched = |entry: &&Entry| matches!(entry, Entry::Begin { name, fetch: Some(_), .. } if name.id() == document.id());
    entries.iter().filter(is_fetched).count()
}

/// A tablet that has been away, one of the same person that has not, and a colleague's.
struct Away {
    school: School,
    log: DocumentName,
    away: Tablet,
    here: Tablet,
    ana: Tablet,
    made: Vec<SlotKey>,
}

async fn away(disk: &SimulatedDisk) -> Away {
    let school = School::on_disk(disk).await;
    let log = school.document(DocumentKind::Log, None);
    let mut away = school.tablet("ben", 1).await;
    let (mut here, mut ana) = (school.tablet("ben", 2).await, school.tablet("ana", 1).await);
    for tablet in [&mut away, &mut here, &mut ana] {
        tablet.sync(&school).await;
    }
    let made = works(&school, &mut ana, &log, 3).await;
    // What waits for review, what is another's plan, and who else is on the team.
    here.log(&log, "slp");
    assert_eq!(here.sync(&school).await.held, 1);
    assigned(&mut ana, &school.document(DocumentKind::Plan, None), "pia");
    ana.sync(&school).await;
    school.grant("tom", Role::Set, None).await;
    here.sync(&school).await;
    Away { school, log, away, here, ana, made }
}

#[tokio::test]
async fn a_tablet_below_the_horizon_is_told_documents_whole_and_lacks_nothing() {
    let disk = SimulatedDisk::new();
    let Away { school, log, mut away, mut here, mut ana, made } = away(&disk).await;
    let at = end(&school);
    assert_eq!(school.engine.raise_horizon(at).await, Ok(Horizon::Near));
    assert_eq!(school.engine.raise_horizon(0).await, Ok(Horizon::Raised(at)));
    assert_eq!(horizon(&school), at);
    let later = works(&school, &mut ana, &log, 1).await;

    let (entries, _) = ask(&school, &mut here, usize::MAX).await;
    assert_eq!((changes_of(&entries, &log), begins_of(&entries, &log)), (1, 0), "above it nothing is new");

    let unsent = away.log(&log, "ot");
    let (entries, more) = ask(&school, &mut away, usize::MAX).await;
    assert!(!more && away.stored().unsent().unwrap() == 0, "what was made meanwhile is sent as ever");
    assert_eq!((changes_of(&entries, &log), begins_of(&entries, &log)), (0, 1));
    let shown = away.stored().acts().unwrap();
    assert!(shown.iter().any(|act| act.slots[0].key == unsent), "and shown until the snapshot is there");
    see_all(&school, &mut away).await.unwrap();
    assert!(made.iter().chain(&later).chain([&unsent]).all(|key| away.has(log.id(), key)));
    see_all(&school, &mut here).await.unwrap();
    assert_eq!(read(&away), read(&here));
    assert_eq!(read(&away).2.len(), 1, "the own hold");
    let fact = away.stored().fact(&student_key(maya())).unwrap().unwrap();
    assert_eq!(codec::from_bytes::<StudentFact>(&fact).unwrap().team.len(), 4);

    // From here on it goes change by change.
    works(&school, &mut ana, &log, 1).await;
    let (entries, _) = ask(&school, &mut away, usize::MAX).await;
    assert_eq!((changes_of(&entries, &log), begins_of(&entries, &log)), (1, 0));
    // Whoever begins from nothing has the same.
    let mut begins = away.emptied();
    see_all(&school, &mut begins).await.unwrap();
    assert_eq!(read(&begins), read(&away));
}

#[tokio::test]
async fn below_the_horizon_a_line_that_carries_little_is_told_in_pieces() {
    let disk = SimulatedDisk::new();
    let Away { school, mut away, mut here, .. } = away(&disk).await;
    school.engine.raise_horizon(0).await.unwrap();
    let mut asked = 1;
    while ask(&school, &mut away, 1).await.1 {
        asked += 1;
        assert!(asked < 50, "it comes to an end");
    }
    assert!(asked > 2, "not all at once");
    see_all(&school, &mut away).await.unwrap();
    see_all(&school, &mut here).await.unwrap();
    assert_eq!(read(&away), read(&here));
}

#[tokio::test]
async fn a_document_that_does_not_open_keeps_the_horizon_down_and_what_is_at_fault_is_set_aside() {
    let school = School::new().await;
    let log = school.document(DocumentKind::Log, None);
    let mut ana = school.tablet("ana", 1).await;
    ana.sync(&school).await;
    works(&school, &mut ana, &log, 2).await;
    let bad = poison(&school, &ana).await;
    assert_eq!(school.engine.raise_horizon(0).await, Ok(Horizon::Stays { documents: 1 }));
    assert_eq!(horizon(&school), 0);
    let holds = school.engine.index().waiting(log.id()).unwrap();
    assert_eq!(holds.iter().map(|hold| hold.slots[0].key).collect::<Vec<_>>(), [bad], "its author's hold");
    let at = end(&school);
    assert_eq!(school.engine.raise_horizon(0).await, Ok(Horizon::Raised(at)), "without it it opens");
}

#[tokio::test]
async fn a_kept_snapshot_that_lacks_a_change_keeps_the_horizon_down_until_it_is_built_again() {
    let school = School::new().await;
    let log = school.document(DocumentKind::Log, None);
    let (mut ana, mut ben) = (school.tablet("ana", 1).await, school.tablet("ben", 1).await);
    ana.sync(&school).await;
    works(&school, &mut ana, &log, 2).await;
    let path = format!("/v1/documents/{}/snapshot", log.id());
    assert_eq!(school.get(&path, &ana.token).await.status(), StatusCode::OK);
    let file = school.engine.data().join("snapshots").join(log.id().to_string());
    let mut kept = decode_snapshot(&std::fs::read(&file).unwrap()).unwrap();
    let made = works(&school, &mut ana, &log, 1).await;
    // Its bytes are as they were written, and it says of itself what is not so.
    kept.seq = end(&school);
    std::fs::write(&file, encode_snapshot(&kept)).unwrap();
    assert_eq!(school.engine.raise_horizon(0).await, Ok(Horizon::Stays { documents: 1 }));
    assert_eq!(horizon(&school), 0);
    assert!(matches!(school.engine.raise_horizon(0).await, Ok(Horizon::Raised(_))));
    see_all(&school, &mut ben).await.unwrap();
    assert!(ben.has(log.id(), &made[0]));
}

#[tokio::test]
async fn the_horizon_outlives_the_server_its_index_and_the_snapshots_that_it_rests_on() {
    let mut school = School::new().await;
    let log = school.document(DocumentKind::Log, None);
    let (mut ana, mut ben) = (school.tablet("ana", 1).await, school.tablet("ben", 1).await);
    ana.sync(&school).await;
    ben.sync(&school).await;
    let made = works(&school, &mut ana, &log, 3).await;
    school.engine.raise_horizon(0).await.unwrap();
    let at = horizon(&school);
    assert!(at > 0);
    type Between<'a> = &'a dyn Fn(&std::path::Path);
    let rounds: [(&str, Between<'_>); 4] = [
        ("as it was", &|_| {}),
        ("without its index", &|data| std::fs::remove_dir_all(data.join("index")).unwrap()),
        ("rebuilt", &|data| assert!(rebuild(data).unwrap() > 0)),
        ("without snapshots", &|data| std::fs::remove_dir_all(data.join("snapshots")).unwrap()),
    ];
    for (what, between) in rounds {
        school = school.restart(between);
        assert_eq!(horizon(&school), at, "{what}");
        let mut back = ben.clone();
        let (entries, _) = ask(&school, &mut back, usize::MAX).await;
        assert_eq!((changes_of(&entries, &log), begins_of(&entries, &log)), (0, 1), "{what}");
        see_all(&school, &mut back).await.unwrap();
        assert!(made.iter().all(|key| back.has(log.id(), key)), "{what}");
        ben.take_counter_of(&back);
    }
}

#[tokio::test]
async fn a_power_cut_between_the_snapshots_and_the_entry_leaves_the_horizon_where_it_was() {
    let disk = SimulatedDisk::new();
    let Away { school, log, mut away, mut here, made, .. } = away(&disk).await;
    disk.cut_power_after(0, 1);
    assert!(school.engine.raise_horizon(0).await.is_err());
    let file = school.engine.data().join("snapshots").join(log.id().to_string());
    assert!(file.exists(), "the snapshots were there");
    assert!(disk.boot());
    let school = school.restart_on_disk(&disk);
    assert_eq!(horizon(&school), 0);
    let (entries, _) = ask(&school, &mut away, usize::MAX).await;
    assert_eq!((changes_of(&entries, &log), begins_of(&entries, &log)), (made.len(), 0), "as before");
    see_all(&school, &mut away).await.unwrap();
    see_all(&school, &mut here).await.unwrap();
    assert_eq!(read(&away), read(&here));
    let at = end(&school);
    assert_eq!(school.engine.raise_horizon(0).await, Ok(Horizon::Raised(at)));
}
