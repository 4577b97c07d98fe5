//! The engine against a server that loses, repeats, delays and refuses.

use std::collections::BTreeSet;
use std::time::Duration;

use client_sdk::engine::{ROOM_FIRST_BYTES, SNAPSHOT_BYTES_MAX, Until};
use client_sdk::store::Store;
use client_sdk::transport::{Route, SnapshotHead};
use client_sdk::trouble::Trouble;
use serde_json::json;
use sync_core::document::name::DocumentKind;
use sync_core::exchange::client::state::{Phase, Tablet};
use sync_core::exchange::codec;
use sync_core::exchange::message::{Cursor, EndReason, Entry, Request};
use sync_core::ids::DocumentId;

use crate::server::{Fault, Server, as_founded, run};
use crate::store::anywhere;
use crate::world::{LEO, MAYA, World, name};

fn unsent(store: &Store) -> usize {
    store.read(|state| Ok::<_, Trouble>(Tablet(state).unsent()?)).unwrap()
}

fn acts(store: &Store) -> usize {
    store.read(|state| Ok::<_, Trouble>(Tablet(state).acts()?.len())).unwrap()
}

#[test]
fn a_days_work_takes_one_round_trip_and_stays_in_the_record() {
    let (world, server) = (World::new(), Server::default());
    world.log();
    let store = world.store();
    let before = world.record();
    let (ended, report) = run(&store, &server, Until::Once);
    ended.unwrap();
    assert_eq!((report.stored, report.round_trips), (4, 1));
    assert_eq!((unsent(&store), acts(&store)), (0, 0), "the copies have everything");
    assert_eq!(world.record(), before, "nothing that was shown changed");
    let (ended, report) = run(&store, &server, Until::Once);
    ended.unwrap();
    assert_eq!((report.stored, report.round_trips), (0, 1));
    let status = world.done(&["status"]);
    assert_eq!((status["waiting"].clone(), status["ended"].clone()), (json!(0), json!(false)));
    assert!(status["last_sync"].as_str().unwrap().starts_with("2026-11-20T10:00:0"));
}

#[test]
fn a_line_that_breaks_is_asked_for_less_until_something_comes_through() {
    let (world, server) = (World::new(), Server::default());
    for _ in 0..4 {
        world.log();
    }
    let store = world.store();
    // A server that is not there says nothing about the line.
    server.faults.borrow_mut().extend([Fault::Lost, Fault::ReplyLost, Fault::ReplyLost]);
    for _ in 0..3 {
        run(&store, &server, Until::Once).0.unwrap_err();
    }
    run(&store, &server, Until::Once).0.unwrap();
    let rooms = server.rooms.borrow();
    assert_eq!(rooms[..4], [None, None, Some(ROOM_FIRST_BYTES), Some(ROOM_FIRST_BYTES / 2)]);
    assert!(rooms[4..].iter().all(|room| room.is_some_and(|room| room > ROOM_FIRST_BYTES / 2)), "{rooms:?}");
    assert_eq!(unsent(&store), 0, "all of it, in as many exchanges as it took");
}

#[test]
fn lost_requests_and_replies_change_nothing_and_lose_nothing() {
    let (world, server) = (World::new(), Server::default());
    world.log();
    let before = world.record();
    let store = world.store();
    server.faults.borrow_mut().extend([Fault::Lost, Fault::ReplyLost, Fault::ReplyLost, Fault::Lost]);
    for _ in 0..4 {
        let (ended, _) = run(&store, &server, Until::Once);
        assert_eq!(ended.unwrap_err().exit_code(), 3);
        assert_eq!(unsent(&store), 4);
        assert_eq!(world.record(), before);
    }
    let (ended, report) = run(&store, &server, Until::Once);
    ended.unwrap();
    assert_eq!(report.stored, 4);
    assert_eq!(world.record(), before);
    assert_eq!(server.fates.borrow().len(), 4, "each act has one fate");
}

#[test]
fn until_done_waits_as_long_as_the_server_asks() {
    let (world, server) = (World::new(), Server::default());
    server.faults.borrow_mut().extend([Fault::Later(30), Fault::Portal, Fault::Lost]);
    let store = world.store();
    let (ended, report) = run(&store, &server, Until::Done);
    ended.unwrap();
    assert_eq!(report.stored, 3);
    let pauses = server.pauses.borrow();
    assert_eq!(pauses.len(), 3);
    assert!(pauses[0] >= Duration::from_secs(30), "{pauses:?}");
    assert!(pauses[1..].iter().all(|pause| *pause < Duration::from_secs(3)), "{pauses:?}");
}

#[test]
fn a_server_without_room_is_read_and_the_work_waits() {
    let (world, server) = (World::new(), Server::default());
    world.log();
    let store = world.store();
    server.say(Entry::Fact { key: "news".into(), value: Some(serde_bytes::ByteBuf::from(vec![7])) });
    server.faults.borrow_mut().push_back(Fault::Full);
    let (ended, report) = run(&store, &server, Until::Once);
    let trouble = ended.unwrap_err();
    assert_eq!((trouble.code(), trouble.exit_code()), ("storage_full", 3));
    assert_eq!((report.stored, unsent(&store)), (0, 4));
    let news = store.read(|state| Ok::<_, Trouble>(Tablet(state).fact("news")?)).unwrap();
    assert_eq!(news, Some(vec![7]), "what others did is read all the same");
    assert_eq!(run(&store, &server, Until::Once).1.stored, 4);
}

#[test]
fn a_guest_networks_page_is_no_reply() {
    let (world, server) = (World::new(), Server::default());
    server.faults.borrow_mut().push_back(Fault::Portal);
    let store = world.store();
    let (ended, _) = run(&store, &server, Until::Once);
    let trouble = ended.unwrap_err();
    assert_eq!((trouble.code(), trouble.exit_code()), ("not_our_server", 3));
    assert_eq!(unsent(&store), 3);
}

#[test]
fn a_counter_that_was_used_before_is_passed_over() {
    let (world, server) = (World::new(), Server::default());
    server.faults.borrow_mut().push_back(Fault::Refused("stale_assertion", Some(500)));
    let store = world.store();
    run(&store, &server, Until::Once).0.unwrap();
    let counter = store.read(|state| Ok::<_, Trouble>(client_sdk::local::Local(state).counter()?)).unwrap();
    assert_eq!(counter, 501);
}

#[test]
fn taps_travel_as_one_record_for_each_tally() {
    let (world, server) = (World::new(), Server::default());
    let goal = world.count_goal.to_string();
    let tally = world.done(&["tally", "open", "--student", "maya", "--goal", &goal])["tally"]
        .as_str()
        .unwrap()
        .to_owned();
    for _ in 0..5 {
        world.done(&["tally", "add", &tally]);
    }
    let store = world.store();
    let (ended, report) = run(&store, &server, Until::Once);
    ended.unwrap();
    assert_eq!(report.stored, 5, "goals, service, tally, and one for all taps");
    assert_eq!(world.done(&["tally", "show", &tally])["total"], 5);
    world.done(&["tally", "undo", &tally, "2"]);
    assert_eq!(world.done(&["tally", "show", &tally])["total"], 3);
    run(&store, &server, Until::Once).0.unwrap();
    assert_eq!(world.done(&["tally", "show", &tally])["total"], 3);
}

fn end(student: sync_core::ids::StudentId) -> Vec<Entry> {
    let kinds = [DocumentKind::Plan, DocumentKind::Log, DocumentKind::Tally];
    kinds.map(|kind| Entry::End { document: name(kind, student).id(), why: EndReason::GrantEnded }).to_vec()
}

#[test]
fn what_ends_is_handed_in_then_purged_to_the_last_byte() {
    let (world, server) = (World::new(), Server::default());
    let store = world.store();
    run(&store, &server, Until::Once).0.unwrap();
    let note = "a note that must not stay behind";
    let log = [
        "log",
        "--student",
        "maya",
        "--mode",
        "push-in",
        "--place",
        "gym",
        "--start",
        "2026-11-20T09:00:00-06:00",
        "--minutes",
        "5",
        "--note",
        note,
    ];
    world.done(&log);
    world.done(&["start", "--student", "maya", "leo", "--mode", "push-in", "--place", "gym"]);
    let goal = world.count_goal.to_string();
    world.done(&["tap", "--goal", &goal]);
    end(MAYA).into_iter().for_each(|entry| server.say(entry));
    assert!(anywhere(world.folder.path(), note.as_bytes()));
    let (ended, report) = run(&store, &server, Until::Once);
    ended.unwrap();
    assert_eq!((report.stored, report.purged), (2, 3), "the session and the draft of the open one");
    assert!(!anywhere(world.folder.path(), note.as_bytes()));
    assert_eq!(unsent(&store), 0);
    let (exit, json) = world.run(&["record", "--student", "leo"]);
    assert_eq!(exit, 0, "{json}");
    let left: BTreeSet<_> = store.read(|state| Ok::<_, Trouble>(Tablet(state).students()?)).unwrap();
    assert_eq!(left, BTreeSet::from([LEO]));
    assert_eq!(world.done(&["live"])["counts"].as_array().unwrap().len(), 1, "the others' session goes on");
}

#[test]
fn a_revoked_device_hands_in_and_is_emptied() {
    let (world, server) = (World::new(), Server::default());
    world.log();
    let store = world.store();
    server.faults.borrow_mut().push_back(Fault::Refused("device_revoked", None));
    let (ended, report) = run(&store, &server, Until::Once);
    assert_eq!(ended.unwrap_err().exit_code(), 6);
    assert_eq!(report.stored, 4);
    assert!(report.purged > 0);
    let routes: Vec<Route> = server.bodies.borrow().iter().map(|(route, _)| *route).collect();
    assert_eq!(routes, [Route::Exchange, Route::HandIn]);
    assert_eq!(store.read(|state| Ok::<_, Trouble>(Tablet(state).copies()?.len())).unwrap(), 0);
    assert_eq!(world.done(&["status"])["ended"], true);
    let (exit, json) = world.run(&[
        "log",
        "--student",
        "maya",
        "--mode",
        "push-in",
        "--place",
        "gym",
        "--start",
        "2026-11-20T09:00:00-06:00",
        "--minutes",
        "5",
    ]);
    assert_eq!(exit, 6, "{json}");
}

#[test]
fn a_revoked_device_that_cannot_hand_in_keeps_everything() {
    let (world, server) = (World::new(), Server::default());
    let store = world.store();
    server.faults.borrow_mut().extend([Fault::Refused("device_revoked", None), Fault::Lost]);
    let (ended, _) = run(&store, &server, Until::Once);
    assert_eq!(ended.unwrap_err().exit_code(), 3);
    assert_eq!(unsent(&store), 3);
    assert!(store.read(|state| Ok::<_, Trouble>(Tablet(state).copies()?.len())).unwrap() > 0);
}

/// A whole document that the tablet is to fetch.
fn wanted(server: &Server) -> DocumentId {
    let plan = name(DocumentKind::Plan, LEO);
    server.snapshot.replace(Some(as_founded(plan.id())));
    server.say(Entry::Replace { document: plan.id(), incarnation: 2, fetch: 5 });
    plan.id()
}

fn phase(store: &Store, document: DocumentId) -> Phase {
    store.read(|state| Ok::<_, Trouble>(Tablet(state).copy(document)?.unwrap().phase)).unwrap()
}

#[test]
fn a_snapshot_that_breaks_off_all_the_time_comes_in_the_end() {
    let (world, server) = (World::new(), Server::default());
    let store = world.store();
    let document = wanted(&server);
    server.breaks_after.set(Some(50));
    run(&store, &server, Until::Once).0.unwrap();
    assert_eq!(phase(&store, document), Phase::Whole);
    let asked = server.asked.borrow();
    assert!(asked.len() > 2, "{asked:?}");
    let expected: Vec<Option<u64>> = (0..asked.len()).map(|n| (n > 0).then_some(50 * n as u64)).collect();
    assert_eq!(*asked, expected, "each asks for what is missing, and for no more");
}

#[test]
fn a_snapshot_goes_on_where_it_broke_off_though_the_log_has_moved_on() {
    let (world, server) = (World::new(), Server::default());
    let store = world.store();
    let document = wanted(&server);
    server.breaks_after.set(Some(50));
    // The same bytes are complete up to a later place with each piece.
    server.log_moves_on.set(true);
    run(&store, &server, Until::Once).0.unwrap();
    assert_eq!(phase(&store, document), Phase::Whole);
    let asked = server.asked.borrow();
    let expected: Vec<Option<u64>> = (0..asked.len()).map(|n| (n > 0).then_some(50 * n as u64)).collect();
    assert_eq!(*asked, expected, "each asks for what is missing, and for no more");
}

#[test]
fn what_is_shown_for_a_snapshots_place_is_shown_again_with_the_next_exchange() {
    let (world, server) = (World::new(), Server::default());
    let store = world.store();
    let document = wanted(&server);
    run(&store, &server, Until::Once).0.unwrap();
    assert_eq!(phase(&store, document), Phase::Whole);
    let cursor = store.read(|state| Ok::<_, Trouble>(Tablet(state).cursor()?.unwrap())).unwrap();
    let mark = Cursor { seq: cursor.seq + 9, ..cursor };
    server.say(Entry::Replace { document, incarnation: 2, fetch: 5 });
    let (head, bytes) = as_founded(document);
    let head = SnapshotHead { etag: "\"two\"".into(), seq: mark.seq, mark: Some(mark), ..head };
    server.snapshot.replace(Some((head, bytes)));
    for _ in 0..2 {
        run(&store, &server, Until::Once).0.unwrap();
    }
    let request: Request = codec::decode(&server.bodies.borrow().last().unwrap().1).unwrap();
    assert_eq!(request.mark, Some(mark));
}

/// A server that was set back keeps the same bytes, complete up to a place of its new life.
#[test]
fn a_snapshot_that_began_to_come_in_another_life_of_the_log_is_begun_anew() {
    let (world, server) = (World::new(), Server::default());
    let store = world.store();
    let document = wanted(&server);
    server.breaks_after.set(Some(50));
    server.begins_in_another_life.set(true);
    run(&store, &server, Until::Once).0.unwrap();
    assert_eq!(server.asked.borrow()[..3], [None, None, Some(50)]);
    let copy = store.read(|state| Ok::<_, Trouble>(Tablet(state).copy(document)?.unwrap())).unwrap();
    assert_eq!((copy.phase, copy.last), (Phase::Whole, 9), "what comes behind place 9 is taken");
}

#[test]
fn what_one_piece_of_a_reply_began_is_fetched_though_the_next_does_not_come() {
    let (world, server) = (World::new(), Server::default());
    let store = world.store();
    let document = wanted(&server);
    server.faults.borrow_mut().extend([Fault::More, Fault::Refused("storage_damaged", None)]);
    run(&store, &server, Until::Once).0.unwrap_err();
    assert_eq!(phase(&store, document), Phase::Whole);
}

#[test]
fn a_snapshot_of_which_nothing_comes_is_asked_for_again_next_time() {
    let (world, server) = (World::new(), Server::default());
    let store = world.store();
    let document = wanted(&server);
    server.breaks_after.set(Some(0));
    assert_eq!(run(&store, &server, Until::Once).0.unwrap_err().exit_code(), 3);
    assert_eq!(phase(&store, document), Phase::Fetching { at_least: 5 });
    server.breaks_after.set(None);
    run(&store, &server, Until::Once).0.unwrap();
    assert_eq!(phase(&store, document), Phase::Whole);
}

#[test]
fn a_snapshot_larger_than_a_tablet_takes_is_said_and_nothing_of_it_kept() {
    let (world, server) = (World::new(), Server::default());
    world.log();
    let store = world.store();
    let document = wanted(&server);
    let fits = server.snapshot.borrow().clone().unwrap();
    let large = SnapshotHead { length: SNAPSHOT_BYTES_MAX + 1, ..fits.0.clone() };
    server.snapshot.replace(Some((large, fits.1.clone())));
    let (ended, report) = run(&store, &server, Until::Once);
    let trouble = ended.unwrap_err();
    assert_eq!((trouble.exit_code(), trouble.code()), (1, "unusable_reply"));
    assert!(trouble.to_string().contains("larger than a tablet takes"), "{trouble}");
    assert_eq!((report.stored, unsent(&store)), (4, 0), "what was logged is at school all the same");
    assert_eq!(server.asked.borrow().len(), 1, "and it is not asked for again at once");
    assert_eq!(phase(&store, document), Phase::Fetching { at_least: 5 });
    server.snapshot.replace(Some(fits));
    run(&store, &server, Until::Once).0.unwrap();
    assert_eq!(phase(&store, document), Phase::Whole);
}

#[test]
fn a_snapshot_that_changes_on_the_way_is_begun_anew() {
    let (world, server) = (World::new(), Server::default());
    let store = world.store();
    let document = wanted(&server);
    // A first piece comes, of bytes that are no more.
    let mut old = server.snapshot.borrow().clone().unwrap();
    old.0.etag = "\"old\"".into();
    let new = server.snapshot.replace(Some(old));
    server.breaks_after.set(Some(0));
    drop(run(&store, &server, Until::Once));
    server.snapshot.replace(new);
    server.breaks_after.set(None);
    run(&store, &server, Until::Once).0.unwrap();
    assert_eq!(phase(&store, document), Phase::Whole);
}

#[test]
fn a_document_that_the_server_cannot_read_keeps_no_other_from_coming_and_none_from_going() {
    let (world, server) = (World::new(), Server::default());
    let store = world.store();
    run(&store, &server, Until::Once).0.unwrap();
    let kinds = [DocumentKind::Plan, DocumentKind::Log, DocumentKind::Tally];
    let mut documents = kinds.map(|kind| name(kind, LEO).id());
    documents.sort();
    for document in documents {
        server.say(Entry::Replace { document, incarnation: 2, fetch: 5 });
    }
    // The first that is asked for.
    let [unreadable, others @ ..] = documents;
    server.unreadable.set(Some(unreadable));
    end(MAYA).into_iter().for_each(|entry| server.say(entry));
    let (ended, report) = run(&store, &server, Until::Once);
    let trouble = ended.unwrap_err();
    assert_eq!((trouble.code(), report.purged), ("storage_damaged", 3), "{trouble}");
    assert_eq!(phase(&store, unreadable), Phase::Fetching { at_least: 5 });
    for document in others {
        assert_eq!(phase(&store, document), Phase::Whole);
    }
}

#[test]
fn every_body_is_a_request_with_what_has_no_receipt() {
    let (world, server) = (World::new(), Server::default());
    let store = world.store();
    run(&store, &server, Until::Once).0.unwrap();
    run(&store, &server, Until::Once).0.unwrap();
    let requests: Vec<Request> =
        server.bodies.borrow().iter().map(|(_, body)| codec::decode(body).unwrap()).collect();
    assert_eq!(requests.len(), 2);
    assert_eq!((requests[0].envelopes.len(), requests[1].envelopes.len()), (1, 0));
}

#[test]
fn what_a_revoked_device_was_counting_is_handed_in_as_a_draft_before_anything_goes() {
    let (world, server) = (World::new(), Server::default());
    let store = world.store();
    run(&store, &server, Until::Once).0.unwrap();
    world.done(&["start", "--student", "maya", "--mode", "push-in", "--place", "gym"]);
    let goal = world.count_goal.to_string();
    for _ in 0..3 {
        world.done(&["tap", "--goal", &goal]);
    }
    let before = server.fates.borrow().len();
    server.faults.borrow_mut().push_back(Fault::Refused("device_revoked", None));
    let (ended, report) = run(&store, &server, Until::Once);
    assert_eq!(ended.unwrap_err().exit_code(), 6);
    assert_eq!((report.stored, server.fates.borrow().len() - before), (1, 1), "the session with its taps");
    assert!(report.purged > 0);
    let left = store.read(|state| Ok::<_, Trouble>(client_sdk::session::Journal(state).open()?.len()));
    assert_eq!((left.unwrap(), unsent(&store)), (0, 0));
    assert_eq!(store.read(|state| Ok::<_, Trouble>(Tablet(state).copies()?.len())).unwrap(), 0);
}
