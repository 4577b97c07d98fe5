//! The log in memory: every entry that was committed, of which the changes below the horizon are told to nobody.

use sync_core::exchange::codec;
use sync_core::exchange::server::entry::LogEntry;
use sync_core::exchange::server::reply::LogRead;
use sync_core::kv::KvError;

/// The log: what was committed, in order, and its running hash behind each entry.
#[derive(Debug, Clone, Default)]
pub struct Log {
    /// Changes at this place and before it are not told one by one: stricter than the real log, this one does not even have them.
    horizon: u64,
    entries: Vec<LogEntry>,
    running: Vec<[u8; 8]>,
}

impl Log {
    /// Returns every entry with its place.
    pub fn iter(&self) -> impl Iterator<Item = (u64, &LogEntry)> {
        (1..).zip(&self.entries)
    }

    pub(super) fn push(&mut self, entry: LogEntry) {
        // Any function of all that came before does; this one is FNV-1a.
        let before = self.running.last().map_or(0xcbf2_9ce4_8422_2325, |hash| u64::from_be_bytes(*hash));
        let hash = codec::to_bytes(&entry)
            .iter()
            .fold(before, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3));
        if let LogEntry::Horizon { at } = entry {
            self.horizon = at;
        }
        self.running.push(hash.to_be_bytes());
        self.entries.push(entry);
    }

    fn at(seq: u64) -> Option<usize> {
        usize::try_from(seq).ok()?.checked_sub(1)
    }
}

impl LogRead for Log {
    fn entry(&self, seq: u64) -> Result<LogEntry, KvError> {
        let entry = Self::at(seq).and_then(|at| self.entries.get(at));
        let told = entry.filter(|entry| seq > self.horizon || !is_change(entry));
        told.cloned().ok_or(KvError::Damaged("no such entry"))
    }

    fn end(&self) -> u64 {
        self.entries.len() as u64
    }

    fn running(&self, seq: u64) -> Result<Option<[u8; 8]>, KvError> {
        Ok(if seq == 0 { Some([0; 8]) } else { Self::at(seq).and_then(|at| self.running.get(at)).copied() })
    }
}

fn is_change(entry: &LogEntry) -> bool {
    matches!(entry, LogEntry::Changed { .. } | LogEntry::Replaced { .. })
}
