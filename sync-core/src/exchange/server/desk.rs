//! A desk: one sheet of work over the index, on which a request is decided whole.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use jiff::civil::Date;
use sha2::Sha256;

use crate::exchange::server::apply::apply;
use crate::exchange::server::entry::{LogEntry, Organisation};
use crate::exchange::server::index::Index;
use crate::ids::{LogId, derive};
use crate::kv::{KvError, KvRead, Overlay, Write};
use crate::roster::version::PolicyVersion;
use crate::time::Moment;

/// What one start of the server issues changes as: drawn at random at every start, so that a server that came back from an old copy never
/// writes under an actor that tablets know already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ServerRun(pub [u8; 16]);

/// The secret that makes receipts and cursors this server's own. It is never printed, sent or stored with the data.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Secret(pub [u8; 32]);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[secret]")
    }
}

impl Secret {
    /// Returns a hash of `purpose` and `parts` that only the holder of the secret can make.
    pub fn keyed(&self, purpose: &str, parts: &[&[u8]]) -> [u8; 16] {
        derive(purpose, &[&self.mac(purpose, parts)])
    }

    fn mac(&self, purpose: &str, parts: &[&[u8]]) -> Vec<u8> {
        // HMAC fills a short key up with zeros itself; filled up here, the key has the type's length.
        let mut key = [0; 64];
        key[..32].copy_from_slice(&self.0);
        let mut mac = <Hmac<Sha256> as KeyInit>::new(&key.into());
        for part in std::iter::once(purpose.as_bytes()).chain(parts.iter().copied()) {
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part);
        }
        mac.finalize().into_bytes().to_vec()
    }
}

/// Settings of the engine that the decisions go by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Conditions {
    /// The server's clock.
    pub now: Moment,
    /// Which life of the log this is.
    pub log: LogId,
    /// The secret of keyed hashes: what only this server can have said.
    pub secret: Secret,
    /// What this start of the server issues as.
    pub run: ServerRun,
    /// Whether a change that fits may be stored as it came; off, all slots are issued, and nothing else changes.
    pub verbatim: bool,
}

/// One sheet of work over the index.
pub struct Desk<'a> {
    sheet: Overlay<'a>,
    entries: Vec<LogEntry>,
    next: u64,
    organisation: Organisation,
    policy: PolicyVersion,
    conditions: Conditions,
    /// Whether the log has been brought up to today on this sheet.
    pub(super) is_of_today: bool,
}

/// What was decided on a desk: one frame of the log, and the index's writes that follow from it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Decided {
    /// The entries, which stand or fall together.
    pub entries: Vec<LogEntry>,
    /// The writes, to be done when the entries stand in the log.
    pub writes: Vec<Write>,
}

/// Why nothing could be decided.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DeskError {
    /// The index could not be read, or does not fit the log.
    #[error(transparent)]
    Index(#[from] KvError),
    /// There is no organisation yet.
    #[error("no organisation is founded here")]
    NotFounded,
    /// Slots that were let through could not be written as a change.
    #[error("the slots could not be issued: {0}")]
    Issue(#[from] crate::document::change::EncodeError),
}

impl<'a> Desk<'a> {
    /// Lays a sheet over the index. `next` is the sequence number that the log will give to the next entry.
    ///
    /// # Errors
    /// [`DeskError::NotFounded`] where the log does not begin with an organisation.
    pub fn new(index: &'a dyn KvRead, next: u64, conditions: Conditions) -> Result<Self, DeskError> {
        let organisation = Index(index).organisation()?.ok_or(DeskError::NotFounded)?;
        let policy = Index(index).policy()?;
        Ok(Self {
            sheet: Overlay::new(index),
            entries: Vec::new(),
            next,
            organisation,
            policy,
            conditions,
            is_of_today: false,
        })
    }

    /// Founds an organisation: the first desk of a log, already with its entry on it.
    ///
    /// # Errors
    /// [`DeskError::Index`] where the index cannot be read.
    pub fn found(
        index: &'a dyn KvRead,
        organisation: Organisation,
        conditions: Conditions,
    ) -> Result<Self, DeskError> {
        let mut desk = Self {
            sheet: Overlay::new(index),
            entries: Vec::new(),
            next: 1,
            organisation: organisation.clone(),
            policy: PolicyVersion::default(),
            conditions,
            is_of_today: false,
        };
        desk.emit(LogEntry::Organisation(organisation))?;
        desk.advance()?;
        Ok(desk)
    }

    /// Puts an entry on the sheet and returns its place in the log.
    ///
    /// # Errors
    /// [`DeskError::Index`].
    pub fn emit(&mut self, entry: LogEntry) -> Result<u64, DeskError> {
        let seq = self.next;
        apply(&mut self.sheet, seq, &entry)?;
        if let LogEntry::Policy { version, .. } = &entry {
            self.policy = *version;
        }
        self.entries.push(entry);
        self.next += 1;
        Ok(seq)
    }

    /// Puts an entry on the sheet whose meaning for the index `write` knows without decoding it again.
    pub(crate) fn emit_with(
        &mut self,
        entry: LogEntry,
        write: impl FnOnce(&mut Overlay<'a>, u64) -> Result<(), KvError>,
    ) -> Result<u64, DeskError> {
        let seq = self.next;
        write(&mut self.sheet, seq)?;
        self.entries.push(entry);
        self.next += 1;
        Ok(seq)
    }

    /// Returns the index as this sheet has left it.
    pub fn index(&self) -> Index<'_> {
        Index(&self.sheet)
    }

    /// Returns the organisation.
    pub fn organisation(&self) -> &Organisation {
        &self.organisation
    }

    /// Returns the version of the policy that is in force on this sheet.
    pub fn policy(&self) -> PolicyVersion {
        self.policy
    }

    /// Returns what the decisions go by.
    pub fn conditions(&self) -> Conditions {
        self.conditions
    }

    /// Returns the school day.
    pub fn today(&self) -> Date {
        self.organisation.zone.day_of(self.conditions.now)
    }

    /// Returns the place in the log that the next entry will have.
    pub fn next(&self) -> u64 {
        self.next
    }

    /// Returns the entries so far.
    pub fn entries(&self) -> &[LogEntry] {
        &self.entries
    }

    /// Clears the desk: what was decided goes to the log.
    pub fn decide(self) -> Decided {
        Decided { entries: self.entries, writes: self.sheet.into_writes() }
    }
}
