//! Overlays that are read as if applied, and an index whose rows are read wherever they are just now.

use proptest::collection::btree_map;
use proptest::prelude::*;
use sync_core::kv::{KvRead, Pair};

use super::super::MapIndex;
use super::*;

fn keys() -> impl Strategy<Value = Vec<u8>> {
    proptest::collection::vec(0u8..3, 0..3)
}

proptest! {
    /// Reading through an overlay is reading the map with the overlay applied.
    #[test]
    fn an_overlay_reads_as_if_applied(
        below in btree_map(keys(), proptest::collection::vec(any::<u8>(), 0..2), 0..12),
        over in btree_map(keys(), proptest::option::of(proptest::collection::vec(any::<u8>(), 0..2)), 0..12),
        start in keys(), end in keys(), limit in 0usize..8,
    ) {
        let (base, whole) = (MapIndex::default(), MapIndex::default());
        let below: Overlay = below.into_iter().map(|(key, value)| (key, Some(value))).collect();
        for map in [&base, &whole] {
            map.apply(&below, [0; 16], 1, [0; 8]).unwrap();
        }
        whole.apply(&over, [0; 16], 2, [0; 8]).unwrap();
        prop_assert_eq!(merge_range(&over, &base, &start, &end, limit), whole.range(&start, &end, limit));
        prop_assert_eq!(merge_last(&over, &base, &start, &end), whole.last(&start, &end));
    }
}

/// What is done to an index.
#[derive(Debug, Clone)]
enum Step {
    Publish(Overlay),
    Get(Vec<u8>),
    Range(Vec<u8>, Option<Vec<u8>>, usize),
    Settle,
}

fn step() -> impl Strategy<Value = Step> {
    let overlay = btree_map(keys(), proptest::option::of(proptest::collection::vec(any::<u8>(), 0..2)), 1..4);
    prop_oneof![
        3 => overlay.prop_map(Step::Publish),
        4 => keys().prop_map(Step::Get),
        4 => (keys(), proptest::option::of(keys()), 1usize..4).prop_map(|(s, e, l)| Step::Range(s, e, l)),
        1 => Just(Step::Settle),
    ]
}

proptest! {
    /// Whatever was asked before, and wherever a row is just now, what was published last is read.
    #[test]
    fn what_was_published_is_read_at_once_and_ever_after(steps in proptest::collection::vec(step(), 1..60)) {
        let index = Index::start(Box::<MapIndex>::default(), Arc::default()).unwrap();
        let model = MapIndex::default();
        for (seq, step) in (1..).zip(steps) {
            match step {
                Step::Publish(writes) => {
                    model.apply(&writes, [0; 16], seq, [0; 8]).unwrap();
                    index.publish(writes, [0; 16], End { seq, hash: [0; 8] });
                }
                Step::Get(key) => prop_assert_eq!(index.get(&key), model.get(&key)),
                Step::Range(start, end, limit) => {
                    // Half of them are all that lies under a prefix.
                    let end = end.unwrap_or_else(|| sync_core::kv::prefix_end(&start));
                    prop_assert_eq!(index.range(&start, &end, limit), model.range(&start, &end, limit));
                    prop_assert_eq!(index.last(&start, &end), model.last(&start, &end));
                }
                Step::Settle => index.settle().unwrap(),
            }
        }
    }
}

/// A backend that applies only while its gate is open.
struct Gated(MapIndex, Arc<Mutex<()>>);

impl KvRead for Gated {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, KvError> {
        self.0.get(key)
    }
    fn range(&self, start: &[u8], end: &[u8], limit: usize) -> Result<Vec<Pair>, KvError> {
        self.0.range(start, end, limit)
    }
    fn last(&self, start: &[u8], end: &[u8]) -> Result<Option<Pair>, KvError> {
        self.0.last(start, end)
    }
}

impl IndexBackend for Gated {
    fn mark(&self) -> super::super::IndexMark {
        self.0.mark()
    }
    fn apply(&self, writes: &Overlay, log_id: LogId, seq: u64, hash: [u8; 8]) -> Result<(), KvError> {
        let _open = self.1.lock().unwrap();
        self.0.apply(writes, log_id, seq, hash)
    }
    fn close(&self) {}
}

#[test]
fn a_slow_backend_is_not_waited_for_until_too_much_waits() {
    let gate = Arc::new(Mutex::new(()));
    let index =
        Index::start(Box::new(Gated(MapIndex::default(), Arc::clone(&gate))), Arc::default()).unwrap();
    let index = Arc::new(index);
    let publish = |seq: u64| {
        let writes = Overlay::from([(seq.to_be_bytes().to_vec(), Some(vec![1; 1024 * 1024]))]);
        index.publish(writes, [0; 16], End { seq, hash: [0; 8] });
    };
    let shut = gate.lock().unwrap();
    publish(1);
    while !index.inner.layers().busy {
        thread::yield_now();
    }
    let fitting = WAITING_BYTES_MAX as u64 / (1024 * 1024 + 8) + 1;
    (2..2 + fitting).for_each(publish);
    assert!(index.inner.layers().waiting_bytes > WAITING_BYTES_MAX);
    assert_eq!(index.kept_seq(), 0);
    assert!(index.get(&2u64.to_be_bytes()).unwrap().is_some(), "what waits is read all the same");
    thread::scope(|scope| {
        let late = scope.spawn(|| publish(2 + fitting));
        thread::sleep(std::time::Duration::from_millis(50));
        assert!(!late.is_finished());
        drop(shut);
    });
    index.settle().unwrap();
    assert_eq!(index.kept_seq(), 2 + fitting);
}
