//! Mutated changes by the hundred thousand: whatever the gate lets through does no harm.
//!
//! The seeds are fixed, so a failure names the one change to look at. The byte tests are split so that they can run side by side.

use std::collections::BTreeMap;
use std::ops::Range;

use crate::gate::trial::form::mutate_form;
use crate::gate::trial::mutate::{Dice, mutate_bytes, mutate_operations};
use crate::gate::trial::{Outcome, Trial};
use crate::gate::verbatim::Oddity;

const BYTES_PER_TEST: u64 = 50_000;
const OPERATIONS: u64 = 20_000;
const FORMS: u64 = 20_000;

/// Checks a mutated sample for each seed, and returns how often each outcome came.
fn run(
    seeds: Range<u64>,
    mutate: impl Fn(&[u8], &mut Dice<'_>) -> Option<Vec<u8>>,
) -> BTreeMap<Outcome, u32> {
    let trial = Trial::new().unwrap();
    let mut outcomes = BTreeMap::new();
    for seed in seeds {
        let mut dice = Dice::seeded(seed);
        let (device, sample) = &trial.samples[dice.below(trial.samples.len())];
        let bytes = mutate(&sample.bytes, &mut dice).unwrap();
        let outcome = trial.check(*device, &bytes).unwrap_or_else(|harm| panic!("seed {seed}: {harm:?}"));
        *outcomes.entry(outcome).or_default() += 1;
    }
    outcomes
}

/// A run in which everything is refused would prove nothing.
fn reached_documents(outcomes: &BTreeMap<Outcome, u32>, each: u32) {
    let verbatim = outcomes.get(&Outcome::Verbatim).copied().unwrap_or(0);
    let issued: u32 = outcomes
        .iter()
        .filter(|(outcome, _)| matches!(outcome, Outcome::Issued(_)))
        .map(|(_, count)| count)
        .sum();
    assert!(verbatim > each && issued > each, "{outcomes:?}");
}

fn bytes(part: u64) {
    let seeds = part * BYTES_PER_TEST..(part + 1) * BYTES_PER_TEST;
    reached_documents(&run(seeds, |chunk, dice| Some(mutate_bytes(chunk, dice))), 1_000);
}

#[test]
fn mutated_bytes_do_no_harm_1() {
    bytes(0);
}

#[test]
fn mutated_bytes_do_no_harm_2() {
    bytes(1);
}

#[test]
fn mutated_bytes_do_no_harm_3() {
    bytes(2);
}

#[test]
fn mutated_bytes_do_no_harm_4() {
    bytes(3);
}

#[test]
fn mutated_operations_do_no_harm() {
    reached_documents(&run(0..OPERATIONS, mutate_operations), 1_000);
}

#[test]
fn other_forms_do_no_harm() {
    let outcomes = run(0..FORMS, mutate_form);
    reached_documents(&outcomes, 2_000);
    // In another form, and else nothing: such a change is issued.
    assert!(outcomes[&Outcome::Issued(Oddity::NotCanonical)] > 2_000, "{outcomes:?}");
}
