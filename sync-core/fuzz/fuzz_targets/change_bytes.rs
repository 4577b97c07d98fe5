//! Any bytes as the data of a change, and honest changes with bytes turned over.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sync_core::gate::trial::mutate::{Dice, mutate_bytes, seal};
use sync_core_fuzz::{TRIAL, judge};

fuzz_target!(|data: &[u8]| {
    let Some((mode, data)) = data.split_first() else { return };
    let (device, sample) = &TRIAL.samples[usize::from(mode / 2) % TRIAL.samples.len()];
    let bytes =
        if mode % 2 == 0 { seal(data) } else { mutate_bytes(&sample.bytes, &mut Dice::from_bytes(data)) };
    judge(*device, &bytes);
});
