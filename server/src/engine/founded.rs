//! A folder in which an organisation was founded a moment ago, for tests.

use sync_core::time::Zone;

use super::{Engine, Founding, Settings};
use crate::clock::{Clock, ClockSetting};

/// Founds an organisation in a folder of its own, which goes when it is dropped.
pub(crate) fn founded() -> (tempfile::TempDir, Settings) {
    let folder = tempfile::tempdir().unwrap();
    let settings = Settings {
        data: folder.path().join("data"),
        keys: folder.path().join("data.keys"),
        clock: Clock::start(ClockSetting::default()),
        verbatim: true,
        policy: None,
    };
    let zone = Zone::named("America/Chicago").unwrap();
    Engine::found(&settings, Founding { name: "Oak".into(), zone }).unwrap();
    (folder, settings)
}
