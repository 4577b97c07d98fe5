//! Room on the disk: what is kept free, and what is kept for what cannot wait.
//!
//! A disk that fills up must never cost what was acknowledged, nor the right to end a right. So near a full disk:
//!
//! - *new work* is refused, and waits where it was made, while the disk has less free than [`FREE_BYTES_MAX`] or, if that is less, the
//!   [`PART_OF_DISK`]th part of it, or while the reserve is not whole;
//! - *what cannot wait* is written all the same: revoked devices, ends of grants, and the audit without which nothing may be read;
//! - where even that meets a full disk, because others filled it, the *reserve* is given up: a file `reserve` beside the log's segments,
//!   for which room was set aside, of [`RESERVE_BYTES_MAX`] or the [`PART_OF_DISK`]th part of the disk. It is made again as soon as there is
//!   room for it besides what is to be free.
//!
//! The reserve is also given up on opening where there is less room than opening needs: the tail is written anew, and the index
//! is opened or built. A file system that copies on write or compresses may promise room that it does not keep; there the free part
//! of the disk is all the reserve there is.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sync_core::seeded::{Bug, seeded};

use super::disk::Disk;

/// New work is taken only while so much is free, in bytes; on smaller disks the [`PART_OF_DISK`]th part.
pub const FREE_BYTES_MAX: u64 = 1024 * 1024 * 1024;
/// Room that is set aside for what cannot wait, in bytes; on smaller disks the [`PART_OF_DISK`]th part.
pub const RESERVE_BYTES_MAX: u64 = 128 * 1024 * 1024;
/// Which part of the disk either of them is at most.
pub const PART_OF_DISK: u64 = 20;
/// Room that opening needs besides a new tail, for the notes and the index, in bytes.
const OPENING_BYTES: u64 = 32 * 1024 * 1024;

const RESERVE: &str = "reserve";

/// The room where a log lies.
pub(crate) struct Room {
    disk: Arc<dyn Disk>,
    dir: PathBuf,
    /// Whether the reserve stands, as far as this process knows.
    reserved: bool,
}

impl Room {
    /// Looks at the room where a log lies, of which a tail of so many bytes is about to be written anew.
    pub fn open(disk: Arc<dyn Disk>, dir: &Path, tail_bytes: u64) -> io::Result<Self> {
        let reserved = disk.list(dir)?.iter().any(|name| name == RESERVE);
        let mut room = Self { disk, dir: dir.to_owned(), reserved };
        // Where the system does not say, writing will.
        let space = room.disk.space(dir).ok();
        if space.is_some_and(|space| space.free < tail_bytes.saturating_add(OPENING_BYTES)) {
            room.give_up_reserve();
        }
        Ok(room)
    }

    /// Makes the reserve's room free; returns whether there was any.
    pub fn give_up_reserve(&mut self) -> bool {
        if seeded(Bug::ReserveNeverGivenUp) {
            return false;
        }
        std::mem::take(&mut self.reserved) && self.disk.remove(&self.reserve()).is_ok()
    }

    /// Returns whether new work may be taken; makes the reserve again where there is room.
    pub fn is_plenty(&mut self) -> bool {
        // Where the system does not say, writing will.
        let Ok(space) = self.disk.space(&self.dir) else { return true };
        let (free_bytes, reserve_bytes) = bounds(space.total);
        if !self.reserved && space.free >= free_bytes + reserve_bytes {
            self.reserved = self.disk.allocate(&self.reserve(), reserve_bytes).is_ok();
            return self.reserved;
        }
        self.reserved && space.free >= free_bytes
    }

    fn reserve(&self) -> PathBuf {
        self.dir.join(RESERVE)
    }
}

/// Returns what must be free and what is set aside on a disk of so many bytes.
fn bounds(total: u64) -> (u64, u64) {
    let part = total / PART_OF_DISK;
    (part.min(FREE_BYTES_MAX), part.min(RESERVE_BYTES_MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::disk::SimulatedDisk;

    const MIB: u64 = 1024 * 1024;

    fn room(disk: &SimulatedDisk) -> Room {
        disk.create_dir(Path::new("log")).unwrap();
        Room::open(Arc::new(disk.clone()), Path::new("log"), 0).unwrap()
    }

    #[test]
    fn a_part_of_a_small_disk_and_no_more_than_the_limit_of_a_large_one() {
        assert_eq!(bounds(200 * MIB), (10 * MIB, 10 * MIB));
        assert_eq!(bounds(1 << 50), (FREE_BYTES_MAX, RESERVE_BYTES_MAX));
    }

    #[test]
    fn the_reserve_is_set_aside_given_up_and_set_aside_again() {
        let disk = SimulatedDisk::new();
        disk.set_capacity(200 * MIB);
        let mut room = room(&disk);
        assert!(room.is_plenty());
        assert_eq!(disk.used(), 10 * MIB);
        // Exactly what must be free is enough, and one byte less is not.
        let filling = Path::new("log/filling");
        disk.allocate(filling, 180 * MIB).unwrap();
        assert!(room.is_plenty());
        disk.allocate(filling, 180 * MIB + 1).unwrap_err();
        disk.remove(filling).unwrap();
        disk.allocate(filling, 180 * MIB + 1).unwrap();
        assert!(!room.is_plenty());
        assert!(room.give_up_reserve());
        assert!(!room.give_up_reserve(), "it is given up once");
        assert_eq!(disk.used(), 180 * MIB + 1);
        assert!(!room.is_plenty(), "not while it cannot be set aside again");
        disk.remove(filling).unwrap();
        assert!(room.is_plenty());
        assert_eq!(disk.used(), 10 * MIB);
    }

    #[test]
    fn opening_gives_the_reserve_up_where_it_needs_the_room() {
        let disk = SimulatedDisk::new();
        disk.set_capacity(2000 * MIB);
        assert!(room(&disk).is_plenty());
        disk.allocate(Path::new("log/filling"), 1880 * MIB).unwrap();
        let again = Room::open(Arc::new(disk.clone()), Path::new("log"), 0).unwrap();
        assert!(!again.reserved);
        assert_eq!(disk.used(), 1880 * MIB);
    }
}
