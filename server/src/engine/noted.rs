//! What a restored copy must not forget, on its way from the log into the register beside the keys.

use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sync_core::exchange::server::entry::LogEntry;

use super::log::entry_of;
use super::open::OpenEngineError;
use super::{Engine, EngineError};
use crate::register::{RegisterError, RegisterFile};
use crate::store::StoreReader;

/// Payload bytes of the log that are looked through at once.
const LOOK_BYTES: usize = 8 * 1024 * 1024;

/// Notes beside the keys what of some durable entries a restored copy must not forget.
pub(super) fn note_unforgettable(keys: &Path, entries: &[LogEntry]) -> Result<(), RegisterError> {
    let rest = to_note(entries);
    if rest.is_empty() {
        return Ok(());
    }
    let changed = RegisterFile::beside(keys).change(|register| {
        for entry in &rest {
            register.note(entry);
        }
    });
    changed.map(drop)
}

/// Returns what stands in the log behind a place that a restored copy must not forget.
pub(super) fn unforgettable(reader: &dyn StoreReader, after: u64) -> Result<Vec<LogEntry>, OpenEngineError> {
    let (mut found, mut from, end) = (Vec::new(), after + 1, reader.end().seq);
    while from <= end {
        let records = reader.read_range(from, end, LOOK_BYTES)?;
        let Some(last) = records.last() else { break };
        from = last.seq + 1;
        for record in &records {
            let seq = record.seq;
            if UNFORGETTABLE.contains(&record.record.kind) {
                found.push(entry_of(record).map_err(|source| OpenEngineError::Entry { seq, source })?);
            }
        }
    }
    Ok(found)
}

/// The kinds of entries that the register notes; see [`LogEntry::kind`].
const UNFORGETTABLE: [u16; 5] = [11, 27, 28, 29, 45];

/// Returns what of some entries a restored copy must not forget.
pub(super) fn to_note(entries: &[LogEntry]) -> Vec<LogEntry> {
    entries.iter().filter(|entry| UNFORGETTABLE.contains(&entry.kind())).cloned().collect()
}

/// Returns whether two folders lie on the same disk.
fn is_one_disk(one: &Path, other: &Path) -> bool {
    let disk = |folder: &Path| folder.metadata().map(|found| found.dev()).ok();
    disk(one).is_some_and(|one| disk(other) == Some(one))
}

/// What is durable in the log, and still to be noted beside the keys.
#[derive(Default)]
pub(super) struct Unnoted {
    entries: Mutex<Vec<LogEntry>>,
    /// Held while some are written, so that nobody counts the same ones twice.
    turn: tokio::sync::Mutex<()>,
}

impl Unnoted {
    /// Adds what a restored copy must not forget.
    pub(super) fn add(&self, entries: &[LogEntry]) {
        if !entries.is_empty() {
            self.entries().extend_from_slice(entries);
        }
    }

    fn entries(&self) -> MutexGuard<'_, Vec<LogEntry>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Engine {
    /// Notes beside the keys what is durable and was not noted yet; it returns when that is durable there, too.
    pub async fn note_rest(&self) -> Result<(), EngineError> {
        let _turn = self.unnoted.turn.lock().await;
        let rest = self.unnoted.entries().clone();
        if rest.is_empty() {
            return Ok(());
        }
        let file = RegisterFile::beside(&self.keys_folder);
        let on_one_disk = is_one_disk(&self.data, &self.keys_folder);
        let reader = Arc::clone(self.reader());
        let count = rest.len();
        let changed = self.aside(move || {
            let note = || {
                let noted = file.change(|register| {
                    for entry in &rest {
                        register.note(entry);
                    }
                });
                noted.map(drop)
            };
            let noted = match note() {
                // What was set aside for the end of a right is for all that is written of it.
                Err(error) if error.is_disk_full() && on_one_disk && reader.make_way() => note(),
                noted => noted,
            };
            noted.map_err(|error| EngineError::NotNoted(error.to_string()))
        });
        if let Err(error) = changed.await {
            tracing::error!(%error, "a restore would not know of what was done; the server goes on trying");
            return Err(error);
        }
        self.unnoted.entries().drain(..count);
        Ok(())
    }
}
