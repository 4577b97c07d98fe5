//! A file system in memory that loses what a real one may lose.
//!
//! `state` and `inode` have what is there and how much of it would be kept, `operations` what the log asks for. Here is what a test does.

mod inode;
mod operations;
mod state;

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use inode::Inode;
use state::State;

/// ENOSPC and EIO, as Linux numbers them.
const ENOSPC: i32 = 28;
const EIO: i32 = 5;

/// A file system in memory. Clones are the same disk.
///
/// It keeps what was synced apart from what was only written, and the same for names. A process that
/// is killed loses nothing (open the store again on the same disk); [`power_cut`](Self::power_cut) keeps what
/// was synced and nothing else; [`crash`](Self::crash) keeps, by a seed, any part that a machine may keep:
/// none, all, a prefix, or single sectors with zeros between them. After either, files opened before it
/// fail, as those of a dead process must.
#[derive(Clone, Default)]
pub struct SimulatedDisk(Arc<Mutex<State>>);

/// An operation to fail.
#[derive(Debug, Clone, Copy)]
pub struct Fault {
    /// Which operations count.
    pub on: FaultOn,
    /// Which of them fails, the next one being 1.
    pub nth: u64,
    /// How it fails.
    pub error: FaultError,
}

/// The operations that a [`Fault`] counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FaultOn {
    /// Each.
    Any,
    /// Writing into a file.
    Write,
    /// Syncing a file or folder.
    Sync,
}

/// What a failing operation says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FaultError {
    /// No space left on the device; half of a write stands.
    DiskFull,
    /// Input/output error. After a failed sync the unsynced bytes count as clean: no later sync saves them.
    Io,
}

impl SimulatedDisk {
    /// Makes an empty disk.
    pub fn new() -> Self {
        Self::default()
    }

    /// Lets one operation to come fail.
    pub fn arm(&self, fault: Fault) {
        self.state().fault = Some(fault);
    }

    /// Takes an armed fault back; true if it had not happened yet.
    pub fn disarm(&self) -> bool {
        self.state().fault.take().is_some()
    }

    /// Sets how many bytes the disk has in all. What stands already stays, even if it is more.
    pub fn set_capacity(&self, bytes: u64) {
        self.state().capacity = Some(bytes);
    }

    /// Returns how many bytes are taken.
    pub fn used(&self) -> u64 {
        self.state().used()
    }

    /// Returns how many operations there were.
    pub fn operations(&self) -> u64 {
        self.state().operations
    }

    /// Cuts the power: what was synced stays, and nothing else.
    pub fn power_cut(&self) {
        let mut state = self.state();
        state.unsynced_names.clear();
        for inode in state.inodes.values_mut() {
            inode.current = inode.durable.clone();
            inode.dirty_from = None;
        }
        state.reboot();
    }

    /// Cuts the power and keeps, by `seed`, any part of what was not synced.
    pub fn crash(&self, seed: u64) {
        self.state().crash(seed);
    }

    /// Cuts the power, as [`crash`](Self::crash) does, after so many more operations; from then on nothing can be done.
    pub fn cut_power_after(&self, operations: u64, seed: u64) {
        self.state().cut_after = Some((operations, seed));
    }

    /// Gives power again, if it was off; returns whether it was.
    pub fn boot(&self) -> bool {
        self.state().cut_after = None;
        let was_off = std::mem::take(&mut self.state().off);
        if was_off {
            // Of the operation that it was cut in, what is kept was decided then.
            self.power_cut();
        }
        was_off
    }

    /// Returns a file's bytes as a process sees them.
    pub fn bytes(&self, path: &Path) -> Option<Vec<u8>> {
        let state = self.state();
        let inode = state.names.get(path)?;
        state.inodes.get(inode).map(|inode| inode.current.clone())
    }

    /// Puts a file in place, durable at once: a fault of the disk itself, or another's hand.
    pub fn put(&self, path: &Path, bytes: Vec<u8>) {
        let mut state = self.state();
        let inode = state.inodes.len() as u64;
        let content = Inode { current: bytes.clone(), durable: bytes, dirty_from: None, allocated: 0 };
        state.inodes.insert(inode, content);
        state.names.insert(path.to_owned(), inode);
        state.durable_names.insert(path.to_owned(), inode);
    }

    /// Makes a file vanish, durably.
    pub fn lose(&self, path: &Path) {
        let mut state = self.state();
        state.names.remove(path);
        state.durable_names.remove(path);
    }

    /// Returns a second disk with the same durable and present content.
    pub fn copy(&self) -> Self {
        let state = self.state();
        let copy = State {
            names: state.names.clone(),
            durable_names: state.durable_names.clone(),
            unsynced_names: state.unsynced_names.clone(),
            folders: state.folders.clone(),
            inodes: state
                .inodes
                .iter()
                .map(|(id, inode)| {
                    let (current, durable) = (inode.current.clone(), inode.durable.clone());
                    let (dirty_from, allocated) = (inode.dirty_from, inode.allocated);
                    (*id, Inode { current, durable, dirty_from, allocated })
                })
                .collect(),
            epoch: 0,
            operations: 0,
            fault: None,
            capacity: state.capacity,
            cut_after: None,
            off: state.off,
        };
        SimulatedDisk(Arc::new(Mutex::new(copy)))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
