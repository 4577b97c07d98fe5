//! Any bytes as the data of a change, and honest changes with bytes turned over or written in another form.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sync_core::gate::trial::form::mutate_form;
use sync_core::gate::trial::mutate::{Dice, mutate_bytes, seal};
use sync_core_fuzz::{TRIAL, judge};

fuzz_target!(|data: &[u8]| {
    let Some((mode, data)) = data.split_first() else { return };
    let (device, sample) = &TRIAL.samples[usize::from(mode / 3) % TRIAL.samples.len()];
    let mut dice = Dice::from_bytes(data);
    let bytes = match mode % 3 {
        0 => seal(data),
        1 => mutate_bytes(&sample.bytes, &mut dice),
        _ => mutate_form(&sample.bytes, &mut dice).unwrap_or_default(),
    };
    judge(*device, &bytes);
});
