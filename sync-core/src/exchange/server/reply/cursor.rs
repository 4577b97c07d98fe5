//! Cursors: given out with this server's keyed hash, and judged when a tablet brings one.

use super::LogRead;
use crate::exchange::message::Cursor;
use crate::exchange::server::desk::Secret;
use crate::ids::LogId;
use crate::kv::KvError;
use crate::seeded::{Bug, seeded};

/// What a cursor is worth here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Worth {
    /// It is of this log: go on behind this place.
    After(u64),
    /// It is of another life of the log, or was not given out here: begin anew.
    Foreign,
    /// This server gave it out in this life of its log, and does not have what it stands for: the folder was set back, and nobody said so.
    RolledBack,
}

/// Makes the cursor that stands for a place in this log.
///
/// # Errors
/// [`KvError`] where the log cannot be read.
pub fn cursor_at(log: &dyn LogRead, id: LogId, secret: &Secret, seq: u64) -> Result<Cursor, KvError> {
    let running = log.running(seq)?.unwrap_or_default();
    Ok(Cursor { log: id, seq, running, keyed: keyed(secret, id, seq, &running) })
}

/// Judges a cursor that a tablet brings.
///
/// # Errors
/// [`KvError`] where the log cannot be read.
pub fn worth(log: &dyn LogRead, id: LogId, secret: &Secret, cursor: &Cursor) -> Result<Worth, KvError> {
    if !is_ours(secret, cursor) || cursor.log != id {
        return Ok(Worth::Foreign);
    }
    let here = cursor.seq <= log.end() && log.running(cursor.seq)? == Some(cursor.running);
    Ok(if here { Worth::After(cursor.seq) } else { Worth::RolledBack })
}

/// Returns whether a cursor was given out by this server, in whatever life of its log.
pub(crate) fn is_ours(secret: &Secret, cursor: &Cursor) -> bool {
    cursor.keyed == keyed(secret, cursor.log, cursor.seq, &cursor.running) || seeded(Bug::CursorUnsigned)
}

fn keyed(secret: &Secret, id: LogId, seq: u64, running: &[u8; 8]) -> [u8; 16] {
    secret.keyed("cursor", &[&id.0, &seq.to_be_bytes(), running])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exchange::server::entry::LogEntry;

    /// A log of three entries that nobody reads.
    struct Three;

    impl LogRead for Three {
        fn entry(&self, _: u64) -> Result<LogEntry, KvError> {
            Err(KvError::Damaged("no such entry"))
        }

        fn end(&self) -> u64 {
            3
        }

        fn running(&self, seq: u64) -> Result<Option<[u8; 8]>, KvError> {
            Ok((seq <= 3).then(|| seq.to_be_bytes()))
        }
    }

    #[test]
    fn a_cursor_is_believed_with_its_keyed_hash_alone() {
        let (id, secret) = (LogId([1; 16]), Secret([2; 32]));
        let cursor = cursor_at(&Three, id, &secret, 2).unwrap();
        assert_eq!(worth(&Three, id, &secret, &cursor).unwrap(), Worth::After(2));
        for forged in
            [Cursor { keyed: [0; 16], ..cursor }, Cursor { seq: 1, running: 1u64.to_be_bytes(), ..cursor }]
        {
            assert_eq!(worth(&Three, id, &secret, &forged).unwrap(), Worth::Foreign);
        }
    }
}
