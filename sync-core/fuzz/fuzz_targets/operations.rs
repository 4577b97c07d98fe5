//! Honest changes with operations that automerge would never write.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sync_core::gate::trial::mutate::{Dice, mutate_operations};
use sync_core_fuzz::{TRIAL, judge};

fuzz_target!(|data: &[u8]| {
    let mut dice = Dice::from_bytes(data);
    let (device, sample) = &TRIAL.samples[dice.below(TRIAL.samples.len())];
    if let Some(bytes) = mutate_operations(&sample.bytes, &mut dice) {
        judge(*device, &bytes);
    }
});
