//! The ledger: how many rows there are of each kind, and a digest of them all.
//!
//! A row's checksum finds what changed, and nothing that is gone. So the rows are counted in the transaction that writes them; and how many
//! transactions there were stands a second time in a small file, written after each commit: a store that has fewer has lost its end.
//!
//! ```text
//! tablet.commits    how many transactions were committed u64 | CRC32C of that u32
//! ```
//!
//! The file is not synced. It is therefore never ahead of the store, and what it says is forgotten at worst.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::Path;

use rusqlite::{Connection, OptionalExtension as _, params};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use sync_core::exchange::client::doubt::Part;

use super::state::{Table, opened, sealed};
use super::{STORE_VERSION, StoreError};

/// The table of the ledger's one row; nothing outside reads it.
pub(super) const LEDGER: &str = "ledger";
/// That row's key.
const KEY: &[u8] = b"ledger";
const COMMITS_FILE: &str = "tablet.commits";
const COMMITS_BYTES: usize = 12;

/// What a row is about, for whoever has to be told that some are gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// What was done on the tablet.
    Own,
    /// The second copies of it that the server alone can open.
    Sealed,
    /// Live sessions.
    Live,
    /// Copies of the school's documents.
    Copies,
    /// What the school says of people, places and holds.
    Said,
    /// Whose tablet it is, its key, the server's address, counters.
    Notes,
    /// Documents on their way.
    Partial,
}

impl Kind {
    /// All kinds.
    pub const ALL: [Self; 7] =
        [Self::Own, Self::Sealed, Self::Live, Self::Copies, Self::Said, Self::Notes, Self::Partial];

    /// Returns the kind of a row.
    pub fn of(table: Table, key: &[u8]) -> Self {
        match (table, Part::of(key)) {
            (Table::Kv, Part::Own) => Self::Own,
            (Table::Kv, Part::Sealed) => Self::Sealed,
            (Table::Kv, Part::Copies) => Self::Copies,
            (Table::Kv, Part::Said) => Self::Said,
            (Table::Kv, Part::Notes) | (Table::Local, _) => Self::Notes,
            (Table::Journal, _) => Self::Live,
            (Table::Partial, _) => Self::Partial,
        }
    }

    /// Returns whether nothing else has what a row of this kind says: the server has the others' content, too, or an exchange makes them anew.
    pub fn is_only_here(self) -> bool {
        match self {
            Self::Own | Self::Live => true,
            Self::Sealed | Self::Copies | Self::Said | Self::Notes | Self::Partial => false,
        }
    }

    /// Returns the kind in plain words.
    pub fn words(self) -> &'static str {
        match self {
            Self::Own => "your own work",
            Self::Sealed => "sealed copies of your own work",
            Self::Live => "live sessions",
            Self::Copies => "copies of the school's records",
            Self::Said => "names, teams and holds",
            Self::Notes => "this tablet's own notes",
            Self::Partial => "downloads",
        }
    }
}

/// How many rows of a kind, and the wrapping sum of their digests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Count {
    pub rows: u64,
    digest: u64,
}

/// What stands in a store.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Ledger {
    /// How many transactions were committed.
    pub commits: u64,
    counts: [Count; Kind::ALL.len()],
}

impl Ledger {
    /// Returns the ledger of an empty store that goes on behind so many transactions.
    pub fn after(commits: u64) -> Self {
        Self { commits: commits + 1, ..Self::default() }
    }

    /// Returns what there is of a kind.
    pub fn of(&self, kind: Kind) -> Count {
        self.counts.get(kind as usize).copied().unwrap_or_default()
    }

    /// Returns whether the same rows are there.
    pub fn has_rows_of(&self, other: &Self) -> bool {
        self.counts == other.counts
    }

    /// Takes a stored row in.
    pub fn add(&mut self, table: Table, key: &[u8], stored: &[u8]) {
        if let Some(count) = self.counts.get_mut(Kind::of(table, key) as usize) {
            count.rows = count.rows.wrapping_add(1);
            count.digest = count.digest.wrapping_add(digest(table, key, stored));
        }
    }

    /// Takes a stored row out.
    pub fn remove(&mut self, table: Table, key: &[u8], stored: &[u8]) {
        if let Some(count) = self.counts.get_mut(Kind::of(table, key) as usize) {
            count.rows = count.rows.wrapping_sub(1);
            count.digest = count.digest.wrapping_sub(digest(table, key, stored));
        }
    }

    /// Reads the ledger of a store.
    pub fn read(connection: &Connection) -> Result<Self, StoreError> {
        let mut statement = connection.prepare_cached("SELECT value FROM ledger WHERE key = ?1")?;
        let stored: Option<Vec<u8>> = statement.query_row(params![KEY], |row| row.get(0)).optional()?;
        stored
            .and_then(|stored| Self::decode(&opened(LEDGER, KEY, stored).ok()?))
            .ok_or_else(|| StoreError::Damaged("the ledger of its rows".into()))
    }

    /// Returns the ledger that a salvaged row is, if it is one.
    pub fn of_row(key: &[u8], value: &[u8]) -> Option<Self> {
        if key == KEY { Self::decode(value) } else { None }
    }

    /// Writes the ledger into its transaction.
    pub fn write(&self, connection: &Connection) -> Result<(), StoreError> {
        let stored = sealed(LEDGER, KEY, &self.encode());
        let sql =
            "INSERT INTO ledger (key, value) VALUES (?1, ?2) ON CONFLICT (key) DO UPDATE SET value = ?2";
        connection.prepare_cached(sql)?.execute(params![KEY, stored])?;
        Ok(())
    }

    /// Counts what really is there, and holds every row against its checksum.
    pub fn count(connection: &Connection) -> Result<Self, StoreError> {
        let mut ledger = Self::default();
        for table in Table::ALL {
            let mut statement = connection.prepare(&format!("SELECT key, value FROM {}", table.name()))?;
            let mut rows = statement.query([])?;
            while let Some(row) = rows.next()? {
                let (key, stored): (Vec<u8>, Vec<u8>) = (row.get(0)?, row.get(1)?);
                ledger.add(table, &key, &stored);
                opened(table.name(), &key, stored).map_err(|_| {
                    StoreError::Damaged(format!("a row of {}", Kind::of(table, &key).words()))
                })?;
            }
        }
        Ok(ledger)
    }

    fn encode(&self) -> Vec<u8> {
        let counts = self.counts.iter().flat_map(|count| [count.rows, count.digest]);
        let version = u64::try_from(STORE_VERSION).unwrap_or_default();
        [version, self.commits].into_iter().chain(counts).flat_map(u64::to_le_bytes).collect()
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let (numbers, rest) = bytes.as_chunks::<8>();
        let mut numbers = numbers.iter().map(|number| u64::from_le_bytes(*number));
        // One of another version counts otherwise.
        numbers.next().filter(|version| i64::try_from(*version) == Ok(STORE_VERSION))?;
        let commits = numbers.next()?;
        let mut counts = [Count::default(); Kind::ALL.len()];
        for count in &mut counts {
            *count = Count { rows: numbers.next()?, digest: numbers.next()? };
        }
        (rest.is_empty() && numbers.next().is_none()).then_some(Self { commits, counts })
    }
}

fn digest(table: Table, key: &[u8], stored: &[u8]) -> u64 {
    let mut hasher = Sha256::new();
    hasher.update(table.name());
    hasher.update((key.len() as u64).to_le_bytes());
    hasher.update(key);
    hasher.update(stored);
    hasher.finalize().first_chunk::<8>().map_or(0, |first| u64::from_le_bytes(*first))
}

/// The file that says how many transactions were committed.
#[derive(Debug)]
pub(super) struct Commits(File);

impl Commits {
    /// Opens the file, and makes it where there is none.
    pub fn open(folder: &Path) -> io::Result<Self> {
        let path = folder.join(COMMITS_FILE);
        let file = File::options().create(true).truncate(false).read(true).write(true).open(&path)?;
        super::open::keep_private(&path, 0o600)?;
        Ok(Self(file))
    }

    /// Returns what it says; 0 where it cannot be read, which says nothing.
    pub fn read(&self) -> u64 {
        let mut bytes = Vec::new();
        let mut file = &self.0;
        let read = file.seek(SeekFrom::Start(0)).and_then(|_| file.read_to_end(&mut bytes));
        let Some((number, sum)) = bytes.split_first_chunk::<8>().filter(|_| read.is_ok()) else { return 0 };
        if sum == crc32c::crc32c(number).to_le_bytes() { u64::from_le_bytes(*number) } else { 0 }
    }

    /// Notes a commit. A note that cannot be written only lets less be found out: it never fails a commit.
    pub fn note(&self, commits: u64) {
        let number = commits.to_le_bytes();
        let mut bytes = [0; COMMITS_BYTES];
        let (first, second) = bytes.split_at_mut(number.len());
        first.copy_from_slice(&number);
        second.copy_from_slice(&crc32c::crc32c(&number).to_le_bytes());
        let mut file = &self.0;
        let _ = file.seek(SeekFrom::Start(0)).and_then(|_| file.write_all(&bytes));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_go_in_and_out_and_a_ledger_reads_back() {
        let mut ledger = Ledger { commits: 7, ..Ledger::default() };
        ledger.add(Table::Kv, b"A1", b"one");
        let one = ledger.clone();
        ledger.add(Table::Kv, b"s2", b"two");
        assert_eq!((ledger.of(Kind::Own).rows, ledger.of(Kind::Copies).rows), (1, 1));
        assert_eq!(Ledger::decode(&ledger.encode()), Some(ledger.clone()));
        ledger.remove(Table::Kv, b"s2", b"two");
        assert_eq!(ledger, one);
        assert_eq!(Ledger::decode(&[0; 9]), None);
    }

    #[test]
    fn the_commits_read_back_and_no_flipped_bit_passes() {
        let folder = tempfile::tempdir().unwrap();
        let commits = Commits::open(folder.path()).unwrap();
        assert_eq!(commits.read(), 0);
        commits.note(300);
        assert_eq!(commits.read(), 300);
        let path = folder.path().join(COMMITS_FILE);
        let bytes = std::fs::read(&path).unwrap();
        for bit in 0..bytes.len() * 8 {
            let mut bad = bytes.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            std::fs::write(&path, bad).unwrap();
            assert_eq!(Commits::open(folder.path()).unwrap().read(), 0, "bit {bit}");
        }
    }
}
