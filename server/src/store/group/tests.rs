//! Groups of work on a store in memory, whose disk can be made to fail.

use super::*;
use crate::store::frame::Record;
use crate::store::memory::{MemoryDisk, MemoryStore};

fn frame(bytes: usize) -> Frame {
    Record { kind: 1, document: [0; 16], key_id: 0, payload: vec![0; bytes] }.into()
}

fn committer() -> (MemoryDisk, Committer) {
    let disk = MemoryDisk::new([1; 16]);
    let committer = Committer::start(Box::new(MemoryStore::open(&disk))).unwrap();
    (disk, committer)
}

/// Holds the writing thread until told, so that what is queued meanwhile is one group.
fn hold(committer: &Committer) -> (std::sync::mpsc::Sender<()>, Ticket<()>) {
    let (go, wait) = std::sync::mpsc::channel();
    let ticket = committer.submit(Urgency::Waits, move |_| {
        let _ = wait.recv();
        Decision::Nothing(())
    });
    (go, ticket.unwrap())
}

#[test]
fn each_turn_sees_all_before_it_and_answers_are_durable() {
    let (_, committer) = committer();
    let (go, held) = hold(&committer);
    let tickets: Vec<_> = (0..100u64)
        .map(|number| {
            let work = move |turn: &Turn<'_>| {
                let seen = turn.index().get(b"count").unwrap().map_or(0, |count| count[0]);
                let writes = vec![Write::Put(b"count".to_vec(), vec![seen + 1])];
                Decision::Append { frame: frame(3), writes, reply: (number, seen, turn.next_seq()) }
            };
            committer.submit(Urgency::Waits, work).unwrap()
        })
        .collect();
    go.send(()).unwrap();
    held.wait().unwrap();
    for (number, ticket) in tickets.into_iter().enumerate() {
        let done = ticket.wait().unwrap();
        let seq = number as u64 + 1;
        assert_eq!(done.reply, (number as u64, number as u8, seq));
        assert_eq!(done.appended, Some(Appended { first: seq, last: seq }));
        assert!(committer.reader().end().seq >= seq);
    }
}

#[test]
fn a_failed_write_fails_the_whole_group_and_nothing_after_it() {
    let (disk, committer) = committer();
    let (go, held) = hold(&committer);
    let first = committer.append(frame(1), vec![]).unwrap();
    let second = committer.append(frame(1), vec![]).unwrap();
    disk.fail_next_write();
    go.send(()).unwrap();
    assert_eq!(held.wait(), Err(CommitError::DiskFull));
    assert_eq!((first.wait(), second.wait()), (Err(CommitError::DiskFull), Err(CommitError::DiskFull)));
    let third = committer.append(frame(1), vec![]).unwrap().wait().unwrap();
    assert_eq!(third.appended, Some(Appended { first: 1, last: 1 }));
}

#[test]
fn near_a_full_disk_only_what_cannot_wait_is_decided() {
    let (disk, committer) = committer();
    disk.set_almost_full(true);
    let refused: Ticket<()> =
        committer.submit(Urgency::Waits, |_| panic!("it is not even looked at")).unwrap();
    assert_eq!(refused.wait(), Err(CommitError::DiskFull));
    let revoked = committer.submit(Urgency::CannotWait, |_| Decision::Append {
        frame: frame(1),
        writes: vec![],
        reply: (),
    });
    assert_eq!(revoked.unwrap().wait().unwrap().appended, Some(Appended { first: 1, last: 1 }));
    disk.set_almost_full(false);
    assert!(committer.append(frame(1), vec![]).unwrap().wait().is_ok());
}

#[test]
fn what_comes_after_room_was_made_is_not_refused_with_what_came_before() {
    let (disk, committer) = committer();
    disk.set_almost_full(true);
    let (go, wait) = std::sync::mpsc::channel::<()>();
    // One group: it begins without room, refuses, and goes on when there is room.
    let first = committer.submit(Urgency::CannotWait, move |_| {
        let _ = wait.recv();
        Decision::Nothing(())
    });
    let refused: Ticket<()> = committer.submit(Urgency::Waits, |_| Decision::Nothing(())).unwrap();
    let freed = disk.clone();
    let made = committer.submit(Urgency::CannotWait, move |_| {
        freed.set_almost_full(false);
        Decision::Nothing(())
    });
    let taken = committer.append(frame(1), vec![]).unwrap();
    go.send(()).unwrap();
    assert!(first.unwrap().wait().is_ok() && made.unwrap().wait().is_ok());
    assert_eq!(refused.wait(), Err(CommitError::DiskFull));
    assert_eq!(taken.wait().unwrap().appended, Some(Appended { first: 1, last: 1 }));
}

#[test]
fn a_failed_sync_poisons_all_that_comes() {
    let (disk, committer) = committer();
    disk.fail_next_sync();
    for _ in 0..2 {
        let outcome = committer.append(frame(1), vec![]).unwrap().wait();
        assert_eq!(outcome, Err(CommitError::Poisoned));
    }
    assert_eq!(committer.reader().end().seq, 0);
}

#[test]
fn work_that_panics_is_abandoned_alone() {
    let (_, committer) = committer();
    let (go, held) = hold(&committer);
    let bad: Ticket<()> = committer.submit(Urgency::Waits, |_| panic!("on purpose")).unwrap();
    let good = committer.append(frame(1), vec![]).unwrap();
    let large = committer.append(Frame::default(), vec![]).unwrap();
    go.send(()).unwrap();
    held.wait().unwrap();
    assert_eq!(bad.wait(), Err(CommitError::Abandoned));
    assert!(good.wait().is_ok());
    assert!(matches!(large.wait(), Err(CommitError::NotTaken { .. })));
}

#[test]
fn a_full_queue_turns_work_away() {
    let (_, committer) = committer();
    let (go, held) = hold(&committer);
    let mut tickets = Vec::new();
    let outcome = loop {
        match committer.append(frame(1), vec![]) {
            Ok(ticket) => tickets.push(ticket),
            Err(error) => break error,
        }
    };
    // The work that holds the thread may or may not have left the queue yet.
    assert!(outcome == CommitError::Busy && tickets.len() + 1 >= QUEUE_WORK_MAX);
    go.send(()).unwrap();
    held.wait().unwrap();
    assert!(tickets.into_iter().all(|ticket| ticket.wait().is_ok()));
}

#[test]
fn a_group_larger_than_the_limit_is_synced_in_parts() {
    let (_, committer) = committer();
    let (go, held) = hold(&committer);
    let tickets: Vec<_> =
        (0..5).map(|_| committer.append(frame(GROUP_BYTES_MAX / 3), vec![]).unwrap()).collect();
    go.send(()).unwrap();
    held.wait().unwrap();
    assert!(tickets.into_iter().all(|ticket| ticket.wait().is_ok()));
}

#[test]
fn a_new_id_begins_with_its_turn_and_what_came_before_stands_under_the_old_one() {
    let (disk, committer) = committer();
    let (go, held) = hold(&committer);
    let of = |turn: &Turn<'_>| Decision::Append { frame: frame(1), writes: vec![], reply: turn.log_id() };
    let before = committer.submit(Urgency::Waits, of).unwrap();
    let first = committer.begin([2; 16], of).unwrap();
    let after = committer.submit(Urgency::Waits, of).unwrap();
    go.send(()).unwrap();
    held.wait().unwrap();
    assert_eq!(before.wait().unwrap().reply, [1; 16]);
    let first = first.wait().unwrap();
    assert_eq!((first.reply, first.appended), ([2; 16], Some(Appended { first: 2, last: 2 })));
    assert_eq!(after.wait().unwrap().reply, [2; 16]);
    disk.fail_next_sync();
    let poisoned = committer.append(frame(1), vec![]).unwrap().wait();
    assert_eq!(poisoned, Err(CommitError::Poisoned));
    assert_eq!(committer.begin([3; 16], of).unwrap().wait(), Err(CommitError::Poisoned));
    assert_eq!(committer.reader().log_id(), [2; 16]);
}

#[test]
fn what_follows_from_durable_work_happens_though_nobody_waits_and_not_when_it_failed() {
    let (disk, committer) = committer();
    let (tell, told) = std::sync::mpsc::channel();
    let of = move |name: &'static str| {
        let tell = tell.clone();
        let work = move |_: &Turn<'_>| Decision::Append { frame: frame(1), writes: vec![], reply: name };
        (work, move |reply: &mut &'static str, at| tell.send((*reply, at)).unwrap())
    };
    disk.fail_next_write();
    let (work, durable) = of("failed");
    assert_eq!(
        committer.submit_then(Urgency::Waits, work, durable).unwrap().wait(),
        Err(CommitError::DiskFull)
    );
    let (work, durable) = of("done");
    drop(committer.submit_then(Urgency::Waits, work, durable).unwrap());
    committer.close().unwrap();
    assert_eq!(told.try_iter().collect::<Vec<_>>(), [("done", Appended { first: 1, last: 1 })]);
}

#[test]
fn closing_commits_what_waits_and_refuses_the_rest() {
    let (_, committer) = committer();
    let ticket = committer.append(frame(1), vec![]).unwrap();
    let store = committer.close().unwrap();
    assert!(ticket.wait().is_ok());
    assert_eq!(store.next_seq(), 2);
    assert!(matches!(committer.append(frame(1), vec![]), Err(CommitError::Closed)));
}

#[test]
fn the_processor_is_left_to_askers_only_while_nothing_waits_and_only_so_often() {
    let (sender, queue) = sync_channel(2);
    let work = || Work { urgency: Urgency::Waits, begins: None, decide: Box::new(|_| None) };
    let mut yields = 2;
    sender.send(work()).unwrap();
    assert!(waiting(&queue, &mut yields).is_some());
    assert_eq!(yields, 2, "what waits is taken at once");
    for left in [1, 0, 0] {
        assert!(waiting(&queue, &mut yields).is_none());
        assert_eq!(yields, left);
    }
    sender.send(work()).unwrap();
    assert!(waiting(&queue, &mut yields).is_some(), "what waits is taken when no yield is left, too");
}

#[tokio::test]
async fn an_answer_can_be_awaited() {
    let (_, committer) = committer();
    let done = committer.submit(Urgency::Waits, |_| Decision::Nothing("seen")).unwrap().await.unwrap();
    assert_eq!(done, Committed { reply: "seen", appended: None });
}
