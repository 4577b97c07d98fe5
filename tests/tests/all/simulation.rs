//! Many seeds of the simulated district. `SEED=n` plays one of them, `SEEDS=n` so many instead of the usual.

#![expect(
    clippy::print_stdout,
    reason = "a story is printed for whoever asks for it, the counts for whoever looks"
)]

use std::collections::BTreeMap;

use tests::world::World;

/// Seeds that run each time, all shares together.
const SEEDS: u64 = 2_000;
/// The tests that they are divided among, so that they run side by side.
const SHARES: u64 = 8;

fn play(seed: u64) -> World {
    World::run(seed).unwrap_or_else(|story| {
        let (wrong, world) = *story;
        panic!("seed {seed}: {wrong}\nplay it again with SEED={seed}\n{}", world.trace.join("\n"))
    })
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().and_then(|text| text.parse().ok())
}

/// Plays one share of the seeds, and counts what happened.
fn share(number_of: u64) -> BTreeMap<&'static str, usize> {
    if let Some(seed) = number("SEED") {
        println!("{}", play(seed).trace.join("\n"));
        return BTreeMap::new();
    }
    let seeds = number("SEEDS").unwrap_or(SEEDS) / SHARES;
    let mut counts: BTreeMap<&'static str, usize> = BTreeMap::new();
    for seed in number_of * seeds..(number_of + 1) * seeds {
        for (what, count) in play(seed).counts {
            *counts.entry(what).or_default() += count;
        }
    }
    counts
}

/// What must happen in every share, and how often at least: a fault that never comes is never survived.
const AT_LEAST: [(&str, usize); 42] = [
    ("a clock is off", 76),
    ("a folder was copied", 83),
    ("a reply to an older question", 145),
    ("access_ended", 41),
    ("act", 1238),
    ("admission builds on another", 4),
    ("admission needs correction", 16),
    ("admitted", 37),
    ("attack", 120),
    ("batch", 367),
    ("carried", 30),
    ("crash before the commit", 60),
    ("cut", 83),
    ("declined", 32),
    ("device_lost", 7),
    ("device_revoked", 8),
    ("doubled", 217),
    ("fate", 1697),
    ("grant", 415),
    ("held", 337),
    ("issued", 292),
    ("killed", 83),
    ("killed before it kept", 22),
    ("killed while it took a reply", 38),
    ("late", 363),
    ("lost", 312),
    ("midnight", 85),
    ("needs_correction", 54),
    ("nobody asked any more", 32),
    ("not a reviewer", 102),
    ("not_allowed", 53),
    ("on_top", 15),
    ("proposal", 133),
    ("refused", 34),
    ("reply", 1323),
    ("request", 1627),
    ("restart", 86),
    ("revoked", 11),
    ("snapshot", 29),
    ("unreadable", 85),
    ("verbatim", 552),
    ("withdrawal", 7),
];

fn share_is_covered(number_of: u64) {
    let counts = share(number_of);
    println!("{counts:#?}");
    if number("SEED").is_none() && number("SEEDS").is_none() {
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
