//! A file system in memory that loses what a real one may lose.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sync_core::random::{Random, SECTOR_BYTES};

use super::{Disk, DiskFile, Space};

/// How large the disk is unless a test says otherwise.
const CAPACITY_BYTES: u64 = 1 << 40;
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

#[derive(Default)]
struct State {
    names: BTreeMap<PathBuf, u64>,
    durable_names: BTreeMap<PathBuf, u64>,
    /// What happened to names since their folder was synced, in order: a journal keeps a prefix of it.
    unsynced_names: Vec<NameChange>,
    folders: BTreeSet<PathBuf>,
    inodes: BTreeMap<u64, Inode>,
    epoch: u64,
    operations: u64,
    fault: Option<Fault>,
    /// How many bytes its files may have together; `None` for [`CAPACITY_BYTES`].
    capacity: Option<u64>,
    /// After how many more operations the power is cut, and the seed of what is kept.
    cut_after: Option<(u64, u64)>,
    /// Whether the power is off: until the next boot nothing can be done.
    off: bool,
}

#[derive(Clone)]
enum NameChange {
    Put(PathBuf, u64),
    Rename(PathBuf, PathBuf),
    Remove(PathBuf),
}

impl NameChange {
    fn folder(&self) -> Option<&Path> {
        match self {
            NameChange::Put(path, _) | NameChange::Rename(path, _) | NameChange::Remove(path) => {
                path.parent()
            }
        }
    }

    fn apply(self, names: &mut BTreeMap<PathBuf, u64>) {
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

#[derive(Default)]
struct Inode {
    current: Vec<u8>,
    durable: Vec<u8>,
    /// The first byte that a sync still has to save.
    dirty_from: Option<usize>,
    /// Room that was set aside for it, and is taken from others.
    allocated: u64,
}

impl Inode {
    fn touch(&mut self, offset: usize) {
        self.dirty_from = Some(self.dirty_from.map_or(offset, |from| from.min(offset)));
    }

    fn save(&mut self) {
        if let Some(from) = self.dirty_from.take() {
            self.durable.resize(from, 0);
            self.durable.extend_from_slice(self.current.get(from..).unwrap_or_default());
        }
    }

    fn crash(&mut self, random: &mut Random) {
        let unsynced = self.current != self.durable;
        if unsynced {
            let kept = match random.below(4) {
                0 => self.durable.clone(),
                1 => self.current.clone(),
                2 => {
                    let grown = self.current.len().saturating_sub(self.durable.len());
                    let keep = self.durable.len() + random.below(grown + 1);
                    self.current.get(..keep.min(self.current.len())).unwrap_or_default().to_vec()
                }
                _ => self.sectors(random),
            };
            self.durable = kept;
        }
        self.current = self.durable.clone();
        self.dirty_from = None;
    }

    /// Keeps the new length, and of each sector either the new or the old bytes; what was never written is zero.
    fn sectors(&self, random: &mut Random) -> Vec<u8> {
        let mut kept = self.durable.clone();
        kept.resize(self.current.len(), 0);
        for (old, new) in kept.chunks_mut(SECTOR_BYTES).zip(self.current.chunks(SECTOR_BYTES)) {
            if random.below(2) == 0 {
                old.copy_from_slice(new);
            }
        }
        kept
    }
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

    fn handle(&self, state: &State, inode: u64) -> Arc<dyn DiskFile> {
        Arc::new(SimulatedFile { disk: self.clone(), inode, epoch: state.epoch })
    }
}

impl State {
    fn reboot(&mut self) {
        self.names = self.durable_names.clone();
        self.epoch += 1;
        self.fault = None;
    }

    fn crash(&mut self, seed: u64) {
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

    fn step(&mut self, kind: FaultOn) -> io::Result<()> {
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

    fn used(&self) -> u64 {
        let named = self.names.values().filter_map(|inode| self.inodes.get(inode));
        named.map(|inode| inode.allocated.max(inode.current.len() as u64)).sum()
    }

    fn space(&self) -> Space {
        let total = self.capacity.unwrap_or(CAPACITY_BYTES);
        Space { total, free: total.saturating_sub(self.used()) }
    }

    fn name(&mut self, change: NameChange) {
        self.unsynced_names.push(change.clone());
        change.apply(&mut self.names);
    }
}

impl Disk for SimulatedDisk {
    fn create_dir(&self, dir: &Path) -> io::Result<()> {
        let mut state = self.state();
        state.step(FaultOn::Any)?;
        state.folders.insert(dir.to_owned());
        Ok(())
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        let mut state = self.state();
        state.step(FaultOn::Any)?;
        if !state.folders.contains(dir) {
            return Err(io::ErrorKind::NotFound.into());
        }
        let inside = state.names.keys().filter(|path| path.parent() == Some(dir));
        Ok(inside.filter_map(|path| Some(path.file_name()?.to_string_lossy().into_owned())).collect())
    }

    fn create(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        let mut state = self.state();
        state.step(FaultOn::Any)?;
        let inode = state.inodes.len() as u64;
        state.inodes.insert(inode, Inode::default());
        state.name(NameChange::Put(path.to_owned(), inode));
        Ok(self.handle(&state, inode))
    }

    fn open(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        let mut state = self.state();
        state.step(FaultOn::Any)?;
        let inode = state.names.get(path).copied().ok_or(io::ErrorKind::NotFound)?;
        Ok(self.handle(&state, inode))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut state = self.state();
        state.step(FaultOn::Any)?;
        if !state.names.contains_key(from) {
            return Err(io::ErrorKind::NotFound.into());
        }
        state.name(NameChange::Rename(from.to_owned(), to.to_owned()));
        Ok(())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let mut state = self.state();
        state.step(FaultOn::Any)?;
        if !state.names.contains_key(path) {
            return Err(io::ErrorKind::NotFound.into());
        }
        state.name(NameChange::Remove(path.to_owned()));
        Ok(())
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        let mut state = self.state();
        state.step(FaultOn::Sync)?;
        let (synced, rest) = state.unsynced_names.drain(..).partition(|change| change.folder() == Some(dir));
        state.unsynced_names = rest;
        let synced: Vec<NameChange> = synced;
        for change in synced {
            change.apply(&mut state.durable_names);
        }
        Ok(())
    }

    fn space(&self, _: &Path) -> io::Result<Space> {
        let mut state = self.state();
        state.step(FaultOn::Any)?;
        Ok(state.space())
    }

    fn allocate(&self, path: &Path, bytes: u64) -> io::Result<()> {
        let mut state = self.state();
        state.step(FaultOn::Any)?;
        if state.space().free < bytes {
            return Err(disk_full());
        }
        let inode = state.inodes.len() as u64;
        state.inodes.insert(inode, Inode { allocated: bytes, ..Inode::default() });
        state.name(NameChange::Put(path.to_owned(), inode));
        Ok(())
    }
}

fn disk_full() -> io::Error {
    io::Error::from_raw_os_error(ENOSPC)
}

struct SimulatedFile {
    disk: SimulatedDisk,
    inode: u64,
    epoch: u64,
}

impl SimulatedFile {
    fn with<T>(
        &self,
        kind: FaultOn,
        act: impl FnOnce(&mut Inode, io::Result<()>) -> io::Result<T>,
    ) -> io::Result<T> {
        let mut state = self.disk.state();
        if state.epoch != self.epoch {
            return Err(io::Error::other("a file of a process that is no more"));
        }
        let step = state.step(kind);
        let inode = state.inodes.get_mut(&self.inode).ok_or(io::ErrorKind::NotFound)?;
        act(inode, step)
    }
}

impl DiskFile for SimulatedFile {
    fn size(&self) -> io::Result<u64> {
        self.with(FaultOn::Any, |inode, step| step.map(|()| inode.allocated.max(inode.current.len() as u64)))
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        self.with(FaultOn::Any, |inode, step| {
            step?;
            let rest = inode.current.get(offset as usize..).unwrap_or_default();
            let bytes = rest.len().min(buffer.len());
            for (to, from) in buffer.iter_mut().zip(rest) {
                *to = *from;
            }
            Ok(bytes)
        })
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        let free = self.disk.state().space().free;
        self.with(FaultOn::Write, |inode, step| {
            let offset = offset as usize;
            let grows = (offset + bytes.len()).saturating_sub(inode.current.len());
            let step = step.and_then(|()| if grows as u64 > free { Err(disk_full()) } else { Ok(()) });
            let stands = if step.is_ok() { bytes.len() } else { bytes.len() / 2 };
            if inode.current.len() < offset + stands {
                inode.current.resize(offset + stands, 0);
            }
            for (to, from) in inode.current.iter_mut().skip(offset).zip(bytes.iter().take(stands)) {
                *to = *from;
            }
            inode.touch(offset);
            step
        })
    }

    fn sync(&self) -> io::Result<()> {
        self.with(FaultOn::Sync, |inode, step| {
            match &step {
                Ok(()) => inode.save(),
                Err(_) => {
                    inode.dirty_from = None;
                }
            }
            step
        })
    }

    fn truncate(&self, len: u64) -> io::Result<()> {
        self.with(FaultOn::Write, |inode, step| {
            step?;
            inode.current.truncate(len as usize);
            inode.touch(len as usize);
            Ok(())
        })
    }
}
