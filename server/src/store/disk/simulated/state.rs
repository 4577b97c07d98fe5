//! What the disk has: names and files, how much of them is durable, and what is about to go wrong.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};

use sync_core::random::Random;

use super::inode::Inode;
use super::{EIO, ENOSPC, Fault, FaultError, FaultOn};
use crate::store::disk::Space;

/// How large the disk is unless a test says otherwise.
const CAPACITY_BYTES: u64 = 1 << 40;

#[derive(Default)]
pub(super) struct State {
    pub(super) names: BTreeMap<PathBuf, u64>,
    pub(super) durable_names: BTreeMap<PathBuf, u64>,
    /// What happened to names since their folder was synced, in order: a journal keeps a prefix of it.
    pub(super) unsynced_names: Vec<NameChange>,
    pub(super) folders: BTreeSet<PathBuf>,
    pub(super) inodes: BTreeMap<u64, Inode>,
    pub(super) epoch: u64,
    pub(super) operations: u64,
    pub(super) fault: Option<Fault>,
    /// How many bytes its files may have together; `None` for [`CAPACITY_BYTES`].
    pub(super) capacity: Option<u64>,
    /// After how many more operations the power is cut, and the seed of what is kept.
    pub(super) cut_after: Option<(u64, u64)>,
    /// Whether the power is off: until the next boot nothing can be done.
    pub(super) off: bool,
}

impl State {
    pub(super) fn reboot(&mut self) {
        self.names = self.durable_names.clone();
        self.epoch += 1;
        self.fault = None;
    }

    pub(super) fn crash(&mut self, seed: u64) {
        let mut random = Random::of(seed);
        let kept = random.below(self.unsynced_names.len() + 1);
        let changes: Vec<_> = self.unsynced_names.drain(..).take(kept).collect();
        for change in changes {
            change.apply(&mut self.durable_names);
        }
        for inode in self.inodes.values_mut() {
            inode.crash(&mut random);
        }
        self.reboot();
    }

    pub(super) fn step(&mut self, kind: FaultOn) -> io::Result<()> {
        self.operations += 1;
        if let Some((left, seed)) = self.cut_after {
            self.cut_after = left.checked_sub(1).map(|left| (left, seed));
            if left == 0 {
                self.crash(seed);
                self.off = true;
            }
        }
        if self.off {
            return Err(io::Error::other("the power is off"));
        }
        let Some(fault) = self.fault.as_mut() else { return Ok(()) };
        if fault.on != FaultOn::Any && fault.on != kind {
            return Ok(());
        }
        fault.nth = fault.nth.saturating_sub(1);
        if fault.nth > 0 {
            return Ok(());
        }
        let error = fault.error;
        self.fault = None;
        Err(io::Error::from_raw_os_error(match error {
            FaultError::DiskFull => ENOSPC,
            FaultError::Io => EIO,
        }))
    }

    pub(super) fn used(&self) -> u64 {
        let named = self.names.values().filter_map(|inode| self.inodes.get(inode));
        named.map(|inode| inode.allocated.max(inode.current.len() as u64)).sum()
    }

    pub(super) fn space(&self) -> Space {
        let total = self.capacity.unwrap_or(CAPACITY_BYTES);
        Space { total, free: total.saturating_sub(self.used()) }
    }

    pub(super) fn name(&mut self, change: NameChange) {
        self.unsynced_names.push(change.clone());
        change.apply(&mut self.names);
    }
}

#[derive(Clone)]
pub(super) enum NameChange {
    Put(PathBuf, u64),
    Rename(PathBuf, PathBuf),
    Remove(PathBuf),
}

impl NameChange {
    pub(super) fn folder(&self) -> Option<&Path> {
        match self {
            NameChange::Put(path, _) | NameChange::Rename(path, _) | NameChange::Remove(path) => {
                path.parent()
            }
        }
    }

    pub(super) fn apply(self, names: &mut BTreeMap<PathBuf, u64>) {
        match self {
            NameChange::Put(path, inode) => {
                names.insert(path, inode);
            }
            NameChange::Rename(from, to) => {
                if let Some(inode) = names.remove(&from) {
                    names.insert(to, inode);
                }
            }
            NameChange::Remove(path) => {
                names.remove(&path);
            }
        }
    }
}
