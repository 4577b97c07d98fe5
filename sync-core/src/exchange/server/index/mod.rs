//! The index: what the server must know at once, all of it derivable from the log.
//!
//! One ordered space of keys, a table for each first byte. Reading goes through [`Index`]; writing only through
//! [`apply`](super::apply), which a rebuild uses as well.

pub(crate) mod changes;
mod documents;
mod holds;
pub(crate) mod key;
mod roster;
mod state;

pub use self::state::{
    ActorState, ChangeState, CodeState, DocumentState, Head, Quota, Reading, RefusalState, Restored, Standing,
};

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::exchange::codec;
use crate::exchange::server::row::decode;
use crate::kv::{self, KvError, KvRead, Pair};

/// Bytes of one row's value: what every keeper of an index takes without writing it to a file of its own.
pub const ROW_BYTES_MAX: usize = 3_072;

/// Takes a value apart into rows of at most [`ROW_BYTES_MAX`] bytes. The length comes first, so that rows left over from a longer value
/// do not matter.
pub(crate) fn pieces<T: Serialize>(prefix: &[u8], value: &T) -> Vec<Pair> {
    let value = codec::to_bytes(value);
    let whole = [(value.len() as u32).to_be_bytes().as_slice(), &value].concat();
    let rows = (0u16..).zip(whole.chunks(ROW_BYTES_MAX));
    rows.map(|(number, piece)| ([prefix, &number.to_be_bytes()].concat(), piece.to_vec())).collect()
}

/// Reads the index.
#[derive(Clone, Copy)]
pub struct Index<'a>(pub &'a dyn KvRead);

impl Index<'_> {
    pub(crate) fn read<T: DeserializeOwned>(&self, key: &[u8]) -> Result<Option<T>, KvError> {
        self.0.get(key)?.map(|bytes| decode(&bytes)).transpose()
    }

    /// Reads a value that may be larger than one row: see [`pieces`].
    pub(crate) fn read_pieces<T: DeserializeOwned>(&self, prefix: Vec<u8>) -> Result<Option<T>, KvError> {
        let whole: Vec<u8> = self.scan(prefix)?.into_iter().flat_map(|(_, piece)| piece).collect();
        let Some((length, rest)) = whole.split_first_chunk::<4>() else { return Ok(None) };
        let length = u32::from_be_bytes(*length) as usize;
        let value = rest.get(..length).ok_or(KvError::Damaged("pieces"))?;
        // These travel and stand in the log, too, and are encoded in the one way for all of that.
        codec::from_bytes(value).map(Some).map_err(|_| KvError::Damaged("pieces"))
    }

    /// Returns all keys of a table part, without the prefix, with their values.
    pub(crate) fn scan(&self, prefix: Vec<u8>) -> Result<Vec<Pair>, KvError> {
        kv::scan(self.0, &prefix)
    }

    fn values<T: DeserializeOwned>(&self, prefix: Vec<u8>) -> Result<Vec<T>, KvError> {
        self.scan(prefix)?.iter().map(|(_, value)| decode(value)).collect()
    }
}

fn id_at(bytes: &[u8], at: usize) -> Result<[u8; 16], KvError> {
    bytes.get(at..at + 16).and_then(|part| part.try_into().ok()).ok_or(KvError::Damaged("key"))
}

fn seq_at_end(key: &[u8]) -> Result<u64, KvError> {
    key.last_chunk::<8>().map(|seq| u64::from_be_bytes(*seq)).ok_or(KvError::Damaged("key"))
}
