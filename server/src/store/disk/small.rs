//! A disk that a test makes small, on any machine and with nobody's leave.
//!
//! With the feature `testing`, `CARRYOVER_SMALL_DISK=67108864:/folder` makes of the folder a disk of 64 MiB, on which each file takes up its
//! length: that much is said to be free, and what is written beyond it meets its end, a part of it written. The index writes its files by
//! itself; they take up room like any, and do not meet the end. Without the feature nothing of this is in the program.

#[cfg(feature = "testing")]
pub(crate) use asked::{fitting, room_for, space};

/// Returns nothing: only tests can ask for a small disk.
#[cfg(not(feature = "testing"))]
#[inline(always)]
pub(crate) fn space(_: &std::path::Path) -> Option<super::Space> {
    None
}

/// Returns all of them: only tests can ask for a small disk.
#[cfg(not(feature = "testing"))]
#[inline(always)]
pub(crate) fn fitting<'a>(
    _: &std::path::Path,
    bytes: &'a [u8],
    _: u64,
    _: impl FnOnce() -> std::io::Result<u64>,
) -> std::io::Result<&'a [u8]> {
    Ok(bytes)
}

/// Returns all of it: only tests can ask for a small disk.
#[cfg(not(feature = "testing"))]
#[inline(always)]
pub(crate) fn room_for(_: &std::path::Path, bytes: u64) -> u64 {
    bytes
}

#[cfg(feature = "testing")]
mod asked {
    use std::fs;
    use std::io;
    use std::path::{Path, PathBuf};
    use std::sync::OnceLock;

    use super::super::Space;

    /// The disk that a test asked for: its size, and the folder that it is.
    fn asked() -> Option<&'static (u64, PathBuf)> {
        static ASKED: OnceLock<Option<(u64, PathBuf)>> = OnceLock::new();
        let asked = ASKED.get_or_init(|| {
            let asked = std::env::var("CARRYOVER_SMALL_DISK").ok()?;
            let (bytes, folder) = asked.split_once(':')?;
            Some((bytes.parse().ok()?, PathBuf::from(folder)))
        });
        asked.as_ref()
    }

    /// Returns how much room there is where a file or folder lies, if that is on the small disk.
    pub(crate) fn space(path: &Path) -> Option<Space> {
        let (total, folder) = asked().filter(|(_, folder)| path.starts_with(folder))?;
        Some(Space { total: *total, free: total.saturating_sub(taken_up(folder)) })
    }

    /// Returns by how many of so many bytes a file can grow.
    pub(crate) fn room_for(path: &Path, bytes: u64) -> u64 {
        space(path).map_or(bytes, |space| bytes.min(space.free))
    }

    /// Returns how much of some bytes can be written into a file of a size at a place.
    pub(crate) fn fitting<'a>(
        path: &Path,
        bytes: &'a [u8],
        offset: u64,
        size: impl FnOnce() -> io::Result<u64>,
    ) -> io::Result<&'a [u8]> {
        let grows = (offset + bytes.len() as u64).saturating_sub(size()?);
        let too_many = usize::try_from(grows - room_for(path, grows)).unwrap_or(usize::MAX);
        Ok(bytes.split_at(bytes.len().saturating_sub(too_many)).0)
    }

    /// What goes while it is counted takes up nothing.
    fn taken_up(folder: &Path) -> u64 {
        let entries = fs::read_dir(folder).into_iter().flatten().flatten();
        entries
            .map(|entry| match entry.metadata() {
                Ok(found) if found.is_dir() => taken_up(&entry.path()),
                Ok(found) => found.len(),
                Err(_) => 0,
            })
            .sum()
    }
}
