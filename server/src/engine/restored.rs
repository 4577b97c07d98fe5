//! What is known of the last restore, and its confirmation.

use sync_core::exchange::server::entry::RestoredBy;
use sync_core::exchange::server::restore::waits_for_confirmation;
use sync_core::ids::PersonId;
use sync_core::kv::KvError;
use sync_core::roster::Device;

use super::{Engine, EngineError, Ruling};

/// What `restored status` says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RestoredStatus {
    /// Whether an administrator has yet to confirm the restore: nothing goes down, and nothing new is taken.
    pub waiting: bool,
    /// Acts that stand again by their receipts.
    pub resent: u64,
    /// Holds of what only copies still had.
    pub recovered: u64,
    /// Why the log began its present life; none where it was founded with it.
    pub by: Option<RestoredBy>,
    /// Devices that are known by their certificates alone.
    pub unconfirmed: Vec<Device>,
    /// Documents of students whom nobody has named.
    pub parked: usize,
}

impl Engine {
    /// Returns whether the server has yet to be confirmed, as far as this device goes: then nothing may be sent to it.
    pub fn waits_for_confirmation(&self, device: &Device) -> Result<bool, KvError> {
        waits_for_confirmation(&self.index(), device)
    }

    /// Returns whether an administrator has yet to confirm the restore: one look, for whoever asks often.
    pub fn waits(&self) -> Result<bool, KvError> {
        Ok(self.index().restored()?.is_some_and(|restored| restored.waiting))
    }

    /// Returns what is known of the last restore.
    pub fn restored(&self) -> Result<RestoredStatus, KvError> {
        let index = self.index();
        let restored = index.restored()?;
        Ok(RestoredStatus {
            waiting: self.waits()?,
            resent: restored.map_or(0, |restored| restored.resent),
            recovered: restored.map_or(0, |restored| restored.recovered),
            by: restored.map(|restored| restored.by),
            unconfirmed: index.unconfirmed()?,
            parked: index.parked()?.len(),
        })
    }

    /// Confirms what a restored server has of grants, revoked devices and destructions: from here on it sends and takes as before.
    pub async fn confirm_restored(&self, by: Option<PersonId>) -> Result<(), EngineError> {
        self.decide(move |desk| {
            desk.confirm_restored(by)?;
            Ok(Ruling::Stands(()))
        })
        .await
    }
}
