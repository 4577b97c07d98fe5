//! What the log asks of the disk: each is an operation that counts, that may be the one to fail, and in which the power may be cut.

use std::io;
use std::path::Path;
use std::sync::Arc;

use super::inode::Inode;
use super::state::{NameChange, State};
use super::{ENOSPC, FaultOn, SimulatedDisk};
use crate::store::disk::{Disk, DiskFile, Space};

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

impl SimulatedDisk {
    fn handle(&self, state: &State, inode: u64) -> Arc<dyn DiskFile> {
        Arc::new(SimulatedFile { disk: self.clone(), inode, epoch: state.epoch })
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
