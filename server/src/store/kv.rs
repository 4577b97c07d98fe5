//! The ordered key-value view through which decisions read the index.
//!
//! The index is a plain map of byte strings. Whoever decides (the gate, the exchange) sees only this
//! trait, so that the same decision runs over sled, over a map in memory, or over rows of a database.

/// A key and its value.
pub type Pair = (Vec<u8>, Vec<u8>);

/// A reading view of an ordered map of byte strings.
pub trait KvRead {
    /// Returns the value under `key`, if there is one.
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, KvError>;

    /// Returns all pairs with start <= key < end in key order, at most `limit`.
    fn range(&self, start: &[u8], end: &[u8], limit: usize) -> Result<Vec<Pair>, KvError>;

    /// Returns the last pair with start <= key < end.
    fn last(&self, start: &[u8], end: &[u8]) -> Result<Option<Pair>, KvError>;
}

/// One change of the map; a later write of the same list wins over an earlier one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Write {
    /// Sets the value under a key.
    Put(Vec<u8>, Vec<u8>),
    /// Removes a key; one that is not there is no fault.
    Delete(Vec<u8>),
}

impl Write {
    /// Returns the key that this write is about.
    pub fn key(&self) -> &[u8] {
        match self {
            Write::Put(key, _) | Write::Delete(key) => key,
        }
    }
}

/// The index could not answer. Never means "not there".
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KvError {
    /// The index failed or holds a value that does not match its checksum; it is rebuilt at the next start.
    #[error("the index cannot be trusted: {what}")]
    Doubtful {
        /// What was seen; never holds a value.
        what: String,
    },
    /// An earlier sync failed, so nothing that memory shows is certain any more.
    #[error("the store stopped after a failed sync")]
    Poisoned,
}
