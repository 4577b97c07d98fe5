//! The few things that the log asks of a file system, so that a test can break each of them.
//!
//! The log knows files that it writes once from the front, folders that it syncs, and renames. Behind
//! [`Disk`] stands the real file system ([`RealDisk`]) or one in memory that keeps what was synced apart
//! from what was only written (`SimulatedDisk`, for tests).

use std::io;
use std::path::Path;
use std::sync::Arc;

mod real;
#[cfg(any(test, feature = "testing"))]
mod simulated;
pub(crate) mod small;

pub use real::RealDisk;
#[cfg(any(test, feature = "testing"))]
pub use simulated::{Fault, FaultError, FaultOn, SimulatedDisk};

/// A file system.
///
/// Promises: what [`DiskFile::sync`] returned for survives a power cut; a name survives one only after
/// [`sync_dir`](Disk::sync_dir) of its folder; a rename replaces in one step.
pub trait Disk: Send + Sync {
    /// Makes a folder and those above it; one that exists is fine.
    fn create_dir(&self, dir: &Path) -> io::Result<()>;
    /// Returns the names in a folder, in order.
    fn list(&self, dir: &Path) -> io::Result<Vec<String>>;
    /// Makes an empty file to read and write, in place of any of that name.
    fn create(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>>;
    /// Opens a file to read.
    fn open(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>>;
    /// Gives a file another name, in place of any that had it.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Removes a file.
    fn remove(&self, path: &Path) -> io::Result<()>;
    /// Makes the names in a folder durable.
    fn sync_dir(&self, dir: &Path) -> io::Result<()>;
    /// Returns how much room there is where a folder lies.
    fn space(&self, dir: &Path) -> io::Result<Space>;
    /// Makes a file that takes up so much room, in place of any of that name; where there is not enough, none is made.
    fn allocate(&self, path: &Path, bytes: u64) -> io::Result<()>;
}

/// The room of a file system, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Space {
    /// How large it is.
    pub total: u64,
    /// What this process may still write.
    pub free: u64,
}

/// An open file, read and written at named places.
pub trait DiskFile: Send + Sync {
    /// Returns its size in bytes.
    fn size(&self) -> io::Result<u64>;
    /// Reads into `buffer` from `offset` and returns how many bytes came: fewer only at the file's end.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize>;
    /// Writes all of `bytes` at `offset`; when it fails, any part of them may stand.
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()>;
    /// Makes content and length durable.
    fn sync(&self) -> io::Result<()>;
    /// Cuts the file to `len` bytes.
    fn truncate(&self, len: u64) -> io::Result<()>;
}
