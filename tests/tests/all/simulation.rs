//! Many seeds of the simulated district. `SEED=n` plays one of them, `SEEDS=n` so many instead of the usual, `FROM=n` those from there on.

#![expect(
    clippy::print_stdout,
    reason = "a story is printed for whoever asks for it, the counts for whoever looks"
)]

use std::collections::BTreeMap;

use tests::model::Wrong;
use tests::world::World;

/// Seeds that run each time, all shares together.
const SEEDS: u64 = 5_000;
/// The tests that they are divided among, so that they run side by side.
const SHARES: u64 = 8;

fn play(seed: u64) -> World {
    World::run(seed).unwrap_or_else(|story| panic!("{}", told(seed, *story)))
}

fn told(seed: u64, (wrong, world): (Wrong, World)) -> String {
    format!("seed {seed}: {wrong}\nplay it again with SEED={seed}\n{}", world.trace.join("\n"))
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().and_then(|text| text.parse().ok())
}

/// Plays one share of the seeds, and counts what happened. All are played, so that one run says of each fault that it finds.
fn share(number_of: u64) -> BTreeMap<&'static str, usize> {
    if let Some(seed) = number("SEED") {
        println!("{}", play(seed).trace.join("\n"));
        return BTreeMap::new();
    }
    let (from, seeds) = (number("FROM").unwrap_or_default(), number("SEEDS").unwrap_or(SEEDS) / SHARES);
    let mut counts: BTreeMap<&'static str, usize> = BTreeMap::new();
    let mut first: Option<String> = None;
    let mut wrong: Vec<String> = Vec::new();
    for seed in from + number_of * seeds..from + (number_of + 1) * seeds {
        match World::run(seed) {
            Ok(world) => {
                for (what, count) in world.counts {
                    *counts.entry(what).or_default() += count;
                }
            }
            Err(story) => {
                wrong.push(format!("seed {seed}: {}", story.0));
                first.get_or_insert_with(|| told(seed, *story));
            }
        }
    }
    if let Some(first) = first {
        panic!("{first}\n{}", wrong.join("\n"));
    }
    counts
}

/// What must happen in every share, and how often at least: a fault that never comes is never survived.
const AT_LEAST: [(&str, usize); 54] = [
    ("a clock is off", 397),
    ("a folder was copied", 469),
    ("a reply to an older question", 526),
    ("access_ended", 261),
    ("act", 6578),
    ("admission builds on another", 10),
    ("admission needs correction", 44),
    ("admitted", 106),
    ("attack", 611),
    ("backup", 438),
    ("batch", 1785),
    ("carried", 147),
    ("confirmed", 433),
    ("crash before the commit", 291),
    ("cut", 439),
    ("declined", 114),
    ("device_lost", 67),
    ("device_revoked", 71),
    ("doubled", 1112),
    ("fate", 9428),
    ("found out", 22),
    ("grant", 3342),
    ("held", 2292),
    ("issued", 1691),
    ("killed", 484),
    ("killed before it kept", 112),
    ("killed while it took a reply", 153),
    ("late", 1850),
    ("lost", 1569),
    ("midnight", 482),
    ("more", 800),
    ("needs_correction", 357),
    ("nobody asked any more", 126),
    ("not a reviewer", 313),
    ("not_allowed", 304),
    ("on_top", 99),
    ("policy", 455),
    ("proposal", 683),
    ("recovered", 213),
    ("refused", 135),
    ("released", 186),
    ("reply", 6449),
    ("request", 8605),
    ("restart", 457),
    ("restored", 464),
    ("revoked", 71),
    ("set back", 81),
    ("snapshot", 2133),
    ("stored again", 403),
    ("the horizon was raised", 350),
    ("unreadable", 476),
    ("verbatim", 2844),
    ("waits to be confirmed", 144),
    ("withdrawal", 24),
];

fn share_is_covered(number_of: u64) {
    let counts = share(number_of);
    println!("{counts:#?}");
    if ["SEED", "SEEDS", "FROM"].iter().all(|name| number(name).is_none()) {
        for (what, least) in AT_LEAST {
            let count = counts.get(what).copied().unwrap_or_default();
            assert!(count >= least, "{what} happened {count} times, and should at least {least}");
        }
    }
}

#[test]
fn seeds_0() {
    share_is_covered(0);
}

#[test]
fn seeds_1() {
    share_is_covered(1);
}

#[test]
fn seeds_2() {
    share_is_covered(2);
}

#[test]
fn seeds_3() {
    share_is_covered(3);
}

#[test]
fn seeds_4() {
    share_is_covered(4);
}

#[test]
fn seeds_5() {
    share_is_covered(5);
}

#[test]
fn seeds_6() {
    share_is_covered(6);
}

#[test]
fn seeds_7() {
    share_is_covered(7);
}

#[test]
fn the_same_seed_is_the_same_story() {
    for seed in [1, 10, 77] {
        assert_eq!(play(seed).hash(), play(seed).hash(), "seed {seed}");
    }
    assert_ne!(play(1).hash(), play(2).hash());
}
