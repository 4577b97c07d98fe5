//! The log against a model, under crashes and failing disks: what was synced is there, and nothing else is made up.

use super::*;

/// One thing that happens to a store in the model test.
#[derive(Debug, Clone)]
enum Event {
    Append(Vec<usize>),
    Sync,
    Kill,
    PowerCut,
    Crash(u64),
    Fail(u64, bool, bool),
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        6 => proptest::collection::vec(0usize..900, 1..4).prop_map(Event::Append),
        4 => Just(Event::Sync),
        1 => Just(Event::Kill),
        1 => Just(Event::PowerCut),
        2 => any::<u64>().prop_map(Event::Crash),
        1 => (1u64..6, any::<bool>(), any::<bool>()).prop_map(|(nth, full, write)| Event::Fail(nth, full, write)),
    ]
}

/// What must be there, and the frames that may be.
#[derive(Default)]
struct Model {
    durable: Vec<Vec<Vec<u8>>>,
    group: Vec<Vec<Vec<u8>>>,
    /// A group whose sync failed: it may stand or not.
    unknown: Vec<Vec<Vec<u8>>>,
    next: u8,
}

impl Model {
    /// Checks that the log holds what must be there, and beyond it whole frames of what may be.
    fn settle(&mut self, found: Vec<Vec<u8>>) {
        self.group.clear();
        let mut expected = self.durable.concat();
        for frame in self.unknown.drain(..) {
            if expected.len() < found.len() {
                expected.extend(frame.clone());
                self.durable.push(frame);
            }
        }
        assert_eq!(found, expected);
    }
}

/// Opens whatever the disk holds; a fault that was armed may hit the first try.
fn reopen(disk: &SimulatedDisk) -> EmbeddedStore {
    match open(disk, 2000) {
        Err(OpenError::Io(_)) => {
            disk.disarm();
            open(disk, 2000).unwrap()
        }
        outcome => outcome.unwrap(),
    }
}

fn run(events: &[Event]) {
    let disk = SimulatedDisk::new();
    create(&disk);
    let mut store = open(&disk, 2000).unwrap();
    let mut model = Model::default();
    for event in events {
        match event {
            Event::Append(sizes) => {
                model.next += 1;
                let payloads: Vec<_> = sizes.iter().map(|size| vec![model.next; *size]).collect();
                store.append(&frame(&payloads), vec![]).unwrap();
                model.group.push(payloads);
                continue;
            }
            Event::Sync => match store.sync() {
                Ok(_) => {
                    model.durable.append(&mut model.group);
                    continue;
                }
                Err(crate::store::SyncError::NotWritten(_)) => {
                    model.group.clear();
                    assert_eq!(store.next_seq(), model.durable.concat().len() as u64 + 1);
                    continue;
                }
                Err(crate::store::SyncError::Poisoned) => {
                    model.unknown = std::mem::take(&mut model.group);
                    drop(store);
                }
            },
            Event::Kill => drop(store),
            Event::PowerCut => {
                disk.power_cut();
                drop(store);
            }
            Event::Crash(seed) => {
                // The machine stops inside a sync: the group is written, and its sync never returns.
                disk.arm(Fault { on: FaultOn::Sync, nth: 1, error: FaultError::Io });
                if store.sync().is_err() {
                    model.unknown = std::mem::take(&mut model.group);
                }
                disk.crash(*seed);
                drop(store);
            }
            Event::Fail(nth, full, write) => {
                let error = if *full { FaultError::DiskFull } else { FaultError::Io };
                let on = if *write { FaultOn::Write } else { FaultOn::Any };
                disk.arm(Fault { on, nth: *nth, error });
                continue;
            }
        }
        store = reopen(&disk);
        disk.disarm();
        model.settle(payloads(&store));
        assert!(verify_log(&disk, &dir(), false).unwrap().is_sound());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    /// Whatever fails and whenever it stops: what was synced is there, and only whole frames are.
    #[test]
    fn synced_frames_survive_everything(events in proptest::collection::vec(event(), 1..40)) {
        run(&events);
    }
}

/// Appends, rolls, stops and recovers with the n-th operation failing, for every n there is.
#[test]
fn no_single_failing_operation_loses_a_synced_frame() {
    for error in [FaultError::DiskFull, FaultError::Io] {
        for power in [false, true] {
            for nth in 1.. {
                let disk = SimulatedDisk::new();
                disk.arm(Fault { on: FaultOn::Any, nth, error });
                let synced = life(&disk);
                let happened = !disk.disarm();
                if power {
                    disk.power_cut();
                }
                if synced.is_empty() && open(&disk, 300).is_err() {
                    create(&disk);
                }
                let store = open(&disk, 300).unwrap_or_else(|error| panic!("operation {nth}: {error}"));
                let found = payloads(&store);
                assert_eq!(found[..synced.len()], synced, "operation {nth}, {error:?}, power cut {power}");
                assert!(found.len() <= synced.len() + 2, "operation {nth}");
                assert!(verify_log(&disk, &dir(), false).unwrap().is_sound(), "operation {nth}");
                if !happened {
                    assert!(nth > 60, "the life of a log has more operations than {nth}");
                    break;
                }
            }
        }
    }
}

/// Two runs of a process with rolls in between; returns what was acknowledged.
fn life(disk: &SimulatedDisk) -> Vec<Vec<u8>> {
    let mut synced = Vec::new();
    let _ = EmbeddedStore::create_on(Arc::new(disk.clone()), &dir(), [1; 16]);
    for run in 0..2u8 {
        let Ok(mut store) = open(disk, 300) else { continue };
        for number in 0..4u8 {
            let group = [vec![run * 4 + number; 50], vec![number; 20]];
            if store.append(&frame(&group), vec![]).is_err() {
                break;
            }
            if store.sync().is_ok() {
                synced = payloads_or(&store, synced, &group);
            }
        }
    }
    synced
}

/// What is acknowledged after a sync: all that the log then holds.
fn payloads_or(store: &EmbeddedStore, mut synced: Vec<Vec<u8>>, group: &[Vec<u8>]) -> Vec<Vec<u8>> {
    match store.reader().read_range(1, u64::MAX, usize::MAX) {
        Ok(all) => all.into_iter().map(|stored| stored.record.payload).collect(),
        // The failing operation was this read: the frames before and this one are acknowledged all the same.
        Err(_) => {
            synced.extend_from_slice(group);
            synced
        }
    }
}
