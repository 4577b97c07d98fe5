//! Mending: what becomes of a store with damage in it.
//!
//! 1. The damaged files are put aside, as they are ([`SET_ASIDE_MAX`] times at most).
//! 2. Every row that can still be read is [carved](super::carve) out of them into a new store. Where rows are gone, what is left is made to
//!    hold together ([`doubt`]), and the next exchange brings back all that the server has.
//! 3. The new store takes the place of the old one, and says from then on what is gone ([`Damage`]).
//!
//! ```text
//! tablet.db.new      a new store in the making
//! tablet.db.mended   a whole one: from here on the old one counts no more
//! damaged-N/         what was put aside
//! ```
//!
//! Nobody else may have the store open while it is mended: programs hold a lock on it together, and who mends holds it alone.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use sync_core::exchange::client::doubt::{doubt, sealed_alone};
use sync_core::exchange::codec;
use sync_core::kv::{Memory, Write};

use super::carve::{self, Rows};
use super::damage::{Damage, NOTE};
use super::first_version;
use super::ledger::{Commits, Kind, LEDGER, Ledger};
use super::open::{self, BUSY_WAIT_MS_MAX, FILE};
use super::state::{Table, sealed, write};
use super::{StoreError, crash_point};

/// How many damaged stores are kept for whoever wants to know what happened.
pub const SET_ASIDE_MAX: usize = 2;

const SET_ASIDE: &str = "damaged-";
const UNFINISHED: &str = "tablet.db.new";
const MENDED: &str = "tablet.db.mended";
/// The lock that every open store shares.
const LOCK_FILE: &str = "store.lock";
const LOCK_PAUSE: Duration = Duration::from_millis(20);
/// SQLite's files beside the store.
const WAL: &str = "tablet.db-wal";
const SHARED_MEMORY: &str = "tablet.db-shm";

/// Holds a store open together with other programs.
#[derive(Debug)]
pub(super) struct Shared(File);

impl Shared {
    /// Waits until nobody mends.
    pub fn take(folder: &Path) -> Result<Self, StoreError> {
        let path = folder.join(LOCK_FILE);
        let file = File::options().create(true).truncate(false).write(true).open(&path)?;
        open::keep_private(&path, 0o600)?;
        file.lock_shared()?;
        Ok(Self(file))
    }

    /// Waits until nobody else has the store open, for as long as a writer waits for another.
    fn alone(&self) -> Result<(), StoreError> {
        self.0.unlock()?;
        let mut waited = Duration::ZERO;
        while waited < Duration::from_millis(BUSY_WAIT_MS_MAX) {
            match self.0.try_lock() {
                Ok(()) => return Ok(()),
                Err(TryLockError::WouldBlock) => thread::sleep(LOCK_PAUSE),
                Err(TryLockError::Error(error)) => return Err(error.into()),
            }
            waited += LOCK_PAUSE;
        }
        Err(StoreError::Busy)
    }
}

/// Returns whether a mended store has not taken its place yet: the program was killed meanwhile.
pub(super) fn is_under_way(folder: &Path) -> bool {
    folder.join(MENDED).exists()
}

/// Mends a store that `what` is wrong with, unless another program has done so meanwhile.
pub(super) fn mend(folder: &Path, shared: &Shared, what: String) -> Result<(), StoreError> {
    shared.alone()?;
    let mended = match open::open_sound(folder) {
        Ok(_) => Ok(()),
        Err(StoreError::Damaged(_)) if is_under_way(folder) => put_in_place(folder).map_err(StoreError::from),
        Err(StoreError::Damaged(_)) => mend_alone(folder, what),
        Err(error) => Err(error),
    };
    shared.0.unlock().and_then(|()| shared.0.lock_shared())?;
    mended
}

fn mend_alone(folder: &Path, what: String) -> Result<(), StoreError> {
    let kept = set_aside(folder)?;
    let read = |name: &str| match fs::read(kept.join(name)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        read => read,
    };
    let mut rows = carve::rows(&read(FILE)?, &read(WAL)?);
    if !rows.keys().any(|(table, _)| *table == LEDGER) {
        // It may be a store of the first version, in which no row says of which table it is.
        rows.extend(first_version::rows(&folder.join(FILE)));
    }
    let mut expected = None;
    let mut found = Ledger::default();
    for ((table, key), value) in &rows {
        match Table::ALL.into_iter().find(|known| known.name() == *table) {
            Some(table) => found.add(table, key, &sealed(table.name(), key, value)),
            None => expected = expected.or(Ledger::of_row(key, value)),
        }
    }
    let noted = Commits::open(folder)?.read();
    let expected = expected.filter(|expected| expected.commits >= noted);
    // Then the damaged files say nothing that the mended store does not.
    let whole = expected.as_ref().is_some_and(|expected| expected.has_rows_of(&found));
    let commits = noted.max(expected.as_ref().map_or(0, |expected| expected.commits));
    let lost = lost(expected.as_ref(), &found);
    let damage = (!whole).then(|| Damage { what, kept: kept.clone(), lost, only_sealed: 0 });
    let unfinished = folder.join(UNFINISHED);
    forget_unfinished(folder)?;
    fill(&unfinished, rows, damage, commits)?;
    File::open(&unfinished).and_then(|file| file.sync_all())?;
    fs::rename(&unfinished, folder.join(MENDED)).and_then(|()| sync(folder))?;
    crash_point("mended");
    put_in_place(folder)?;
    if whole { fs::remove_dir_all(kept).map_err(StoreError::from) } else { Ok(()) }
}

/// Returns how many rows of each kind are gone; none where the count of what there was is gone, too, or is no count of these rows.
fn lost(expected: Option<&Ledger>, found: &Ledger) -> Option<Vec<(Kind, u64)>> {
    let lost = Kind::ALL.map(|kind| {
        let gone = expected?.of(kind).rows.checked_sub(found.of(kind).rows)?;
        Some((kind, gone))
    });
    let lost: Option<Vec<_>> = lost.into_iter().collect();
    lost.map(|lost| lost.into_iter().filter(|(_, gone)| *gone > 0).collect())
        .filter(|lost: &Vec<_>| !lost.is_empty())
}

/// Copies the damaged files, and forgets the oldest copies.
fn set_aside(folder: &Path) -> io::Result<PathBuf> {
    let mut numbers = set_aside_before(folder)?;
    let next = numbers.last().map_or(1, |last| last + 1);
    let kept = folder.join(format!("{SET_ASIDE}{next}"));
    fs::create_dir_all(&kept)?;
    if let Err(error) = copy_aside(folder, &kept) {
        // On a full medium half a copy only takes room.
        fs::remove_dir_all(&kept)?;
        return Err(error);
    }
    let surplus = (numbers.len() + 1).saturating_sub(SET_ASIDE_MAX);
    for number in numbers.drain(..surplus) {
        fs::remove_dir_all(folder.join(format!("{SET_ASIDE}{number}")))?;
    }
    Ok(kept)
}

fn copy_aside(folder: &Path, kept: &Path) -> io::Result<()> {
    open::keep_private(kept, 0o700)?;
    for name in [FILE, WAL] {
        match fs::copy(folder.join(name), kept.join(name)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            Ok(_) | Err(_) => {}
        }
    }
    Ok(())
}

fn set_aside_before(folder: &Path) -> io::Result<Vec<u64>> {
    let mut numbers = Vec::new();
    for entry in fs::read_dir(folder)? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        numbers.extend(name.strip_prefix(SET_ASIDE).and_then(|number| number.parse::<u64>().ok()));
    }
    numbers.sort_unstable();
    Ok(numbers)
}

/// Removes every store that was put aside, and what a killed mending left behind: what a person may not read any more may not be in them
/// either. Whoever has the store open may do so: nobody mends it meanwhile.
pub(super) fn forget_set_aside(folder: &Path) -> io::Result<()> {
    forget_unfinished(folder)?;
    for number in set_aside_before(folder)? {
        fs::remove_dir_all(folder.join(format!("{SET_ASIDE}{number}")))?;
    }
    Ok(())
}

/// Removes a new store in the making, with the journal that SQLite keeps of it: another one would take that for its own.
fn forget_unfinished(folder: &Path) -> io::Result<()> {
    forget(&folder.join(UNFINISHED))?;
    forget(&folder.join(format!("{UNFINISHED}-journal")))
}

/// Writes the rows into a new store.
fn fill(file: &Path, rows: Rows, damage: Option<Damage>, commits: u64) -> Result<(), StoreError> {
    let connection = open::create(file)?;
    let transaction = connection.unchecked_transaction()?;
    let mut ledger = Ledger::after(commits);
    let (mut kv, mut writes) = (Memory::default(), Vec::new());
    for ((table, key), value) in rows.into_iter().filter(|((table, _), _)| *table != LEDGER) {
        match Table::ALL.into_iter().find(|known| known.name() == table) {
            Some(Table::Kv) => kv.apply([Write::Put(key, value)]),
            Some(table) => writes.push((table, Write::Put(key, value))),
            None => {}
        }
    }
    if let Some(damage) = damage {
        let note = damage.with_only_sealed(sealed_alone(&kv)?);
        let again = doubt(&kv)?;
        kv.apply(again);
        writes.push((Table::Local, Write::Put(NOTE.to_vec(), codec::to_bytes(&note))));
    }
    writes.extend(kv.iter().map(|(key, value)| (Table::Kv, Write::Put(key.clone(), value.clone()))));
    for (table, row) in &writes {
        write(&transaction, *table, row, &mut ledger)?;
    }
    ledger.write(&transaction)?;
    transaction.commit()?;
    connection.close().map_err(|(_, error)| error)?;
    Ok(())
}

/// Lets a mended store take the place of the old one. A log of the old one must not be taken for one of the new, so it goes first.
fn put_in_place(folder: &Path) -> io::Result<()> {
    for name in [WAL, SHARED_MEMORY] {
        forget(&folder.join(name))?;
    }
    sync(folder)?;
    crash_point("old_log_gone");
    fs::rename(folder.join(MENDED), folder.join(FILE))?;
    sync(folder)
}

fn forget(file: &Path) -> io::Result<()> {
    match fs::remove_file(file) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}

fn sync(folder: &Path) -> io::Result<()> {
    File::open(folder).and_then(|folder| folder.sync_all())
}
