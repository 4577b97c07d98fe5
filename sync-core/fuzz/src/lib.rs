//! What both targets share: the document on trial, and what counts as a finding.

use std::sync::LazyLock;

use sync_core::gate::trial::Trial;
use sync_core::ids::DeviceId;

/// The document on trial.
pub static TRIAL: LazyLock<Trial> = LazyLock::new(|| {
    // libFuzzer's own hook ends the process at every panic, those that the gate catches inside automerge included. Without it, only a panic
    // that escapes is a finding.
    std::panic::set_hook(Box::new(|_| {}));
    Trial::new().expect("the honest changes do no harm")
});

/// Lets the bytes through the gate; harm is a finding.
pub fn judge(device: DeviceId, bytes: &[u8]) {
    if let Err(harm) = TRIAL.check(device, bytes) {
        eprintln!("the gate let harm through: {harm:?}");
        std::process::abort();
    }
}
