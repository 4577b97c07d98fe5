//! The first look at a change: one pass over its bytes, without allocating, before any decoder runs.
//!
//! Columns of a change are run-length encoded, so a few bytes can claim a million operations, and automerge believes them. It also inflates
//! before it looks at the checksum, which it then does not compare. Here every claim is held against a limit or against the bytes that are
//! really there:
//!
//! ```text
//! magic 4 | checksum 4 | type 1 | length | deps | actor | seq | start op | time | message | other actors | columns | their data | extra
//! ```

use sha2::{Digest, Sha256};

use crate::document::change::{ChangeHash, MAGIC, OP_MAX};
use crate::document::cursor::Cursor;
use crate::gate::refusal::Refusal;
use crate::seeded::{Bug, seeded};

/// Bytes of one change.
pub const CHANGE_BYTES_MAX: usize = 256 * 1024;
/// Rows of one column: operations of one change.
pub const ROWS_MAX: u64 = 20_000;
/// Bytes of one key: a twin's slot key has 86, and a name is shorter. Rows times key bytes bound what a decoder unfolds.
pub const KEY_BYTES_MAX: usize = 96;
/// Actors that one change may name beside its own. Ours name the founder and nobody else.
pub const OTHER_ACTORS_MAX: u64 = 64;
/// Columns of one change. Automerge knows 14.
pub const COLUMNS_MAX: u64 = 32;

const ACTOR_BYTES: u64 = 16;

/// Column specifications that are looked at more closely: the id in the upper bits, the type in the lowest three.
const OBJECT_COUNTER: u32 = 0x02;
const ELEMENT_COUNTER: u32 = 0x13;
/// The bit of a specification that says that the column is deflated.
const DEFLATED: u32 = 0x08;

/// Bytes that decode in bounded time and memory. Only [`preparse`] makes one.
#[derive(Debug, Clone, Copy)]
pub struct Preparsed<'a> {
    bytes: &'a [u8],
    hash: ChangeHash,
}

impl<'a> Preparsed<'a> {
    /// Returns the whole chunk.
    pub fn bytes(self) -> &'a [u8] {
        self.bytes
    }

    /// Returns the change's hash.
    pub fn hash(self) -> ChangeHash {
        self.hash
    }
}

/// Checks that bytes are one plain change whose checksum holds and whose columns claim no more than they may.
///
/// # Errors
/// [`Refusal`], the first that is found. Takes time in proportion to the bytes, and allocates nothing.
pub fn preparse(bytes: &[u8]) -> Result<Preparsed<'_>, Refusal> {
    if bytes.len() > CHANGE_BYTES_MAX {
        return Err(Refusal::TooLarge);
    }
    let hash = header(bytes)?;
    let mut rest = Cursor(bytes.get(9..).ok_or(Refusal::NotAChange)?);
    length(&mut rest)?;
    let deps = rest.number()?;
    rest.take(deps.checked_mul(32).ok_or(Refusal::Undecodable)?)?;
    actor(&mut rest)?;
    let (_seq, _start_op, _time) = (rest.number()?, rest.number()?, rest.signed()?);
    let message = rest.number()?;
    rest.take(message)?;
    let others = rest.number()?;
    if others > OTHER_ACTORS_MAX {
        return Err(Refusal::Undecodable);
    }
    for _ in 0..others {
        actor(&mut rest)?;
    }
    columns(rest, others + 1)?;
    Ok(Preparsed { bytes, hash })
}

/// Checks magic, type and checksum, and returns the hash.
fn header(bytes: &[u8]) -> Result<ChangeHash, Refusal> {
    let (magic, rest) = bytes.split_first_chunk::<4>().ok_or(Refusal::NotAChange)?;
    let (checksum, hashed) = rest.split_first_chunk::<4>().ok_or(Refusal::NotAChange)?;
    match (*magic == MAGIC, hashed.first()) {
        (true, Some(1)) => {}
        (true, Some(2)) => return Err(Refusal::Compressed),
        _ => return Err(Refusal::NotAChange),
    }
    // The length must be true before the checksum can be: it is part of what is hashed.
    length(&mut Cursor(hashed.get(1..).unwrap_or_default()))?;
    let hash = ChangeHash(Sha256::digest(hashed).into());
    if hash.0.starts_with(checksum) { Ok(hash) } else { Err(Refusal::WrongChecksum) }
}

/// Walks the list of columns and their data side by side.
fn columns(mut list: Cursor<'_>, actors: u64) -> Result<(), Refusal> {
    let count = list.number()?;
    if count > COLUMNS_MAX {
        return Err(Refusal::Undecodable);
    }
    let mut data = list;
    for _ in 0..count {
        let (_spec, _length) = (data.number()?, data.number()?);
    }
    // Bytes that the values of the last metadata column claim, to be found in the column behind it.
    let mut claimed = 0;
    for _ in 0..count {
        let spec = u32::try_from(list.number()?).map_err(|_| Refusal::Undecodable)?;
        if spec & DEFLATED != 0 {
            return Err(Refusal::Compressed);
        }
        let length = list.number()?;
        let column = Cursor(data.take(length)?);
        match spec & 7 {
            // A group counts the predecessors of each row.
            0 => runs(column, Cursor::number, |_, count| {
                if count == 0 || seeded(Bug::Predecessor) { Ok(()) } else { Err(Refusal::Predecessor) }
            })?,
            1 => runs(column, Cursor::number, |_, actor| below(actor, actors))?,
            2 if spec == OBJECT_COUNTER => runs(column, Cursor::number, |_, op| below(op, OP_MAX))?,
            2 => runs(column, Cursor::number, |_, _| Ok(()))?,
            3 if spec == ELEMENT_COUNTER => runs(column, Cursor::signed, |_, _| Err(Refusal::Predecessor))?,
            3 => runs(column, Cursor::signed, |_, _| Ok(()))?,
            4 => flags(column)?,
            5 => runs(column, key, |_, _| Ok(()))?,
            6 => {
                runs(column, Cursor::number, |rows, meta| {
                    let bytes = rows.checked_mul(meta >> 4).and_then(|bytes| bytes.checked_add(claimed));
                    claimed = bytes.ok_or(Refusal::Undecodable)?;
                    Ok(())
                })?;
            }
            _ => claimed = claimed.checked_sub(length).ok_or(Refusal::Undecodable)?,
        }
    }
    if claimed == 0 { Ok(()) } else { Err(Refusal::Undecodable) }
}

fn below(value: u64, limit: u64) -> Result<(), Refusal> {
    if value < limit { Ok(()) } else { Err(Refusal::Undecodable) }
}

/// Reads the chunk's length, which must be that of all that follows.
fn length(rest: &mut Cursor<'_>) -> Result<(), Refusal> {
    let length = rest.number().map_err(|_| Refusal::NotAChange)?;
    if u64::try_from(rest.0.len()) == Ok(length) { Ok(()) } else { Err(Refusal::NotAChange) }
}

fn actor(rest: &mut Cursor<'_>) -> Result<(), Refusal> {
    if rest.number()? != ACTOR_BYTES {
        return Err(Refusal::Undecodable);
    }
    Ok(rest.take(ACTOR_BYTES).map(drop)?)
}

fn key(rest: &mut Cursor<'_>) -> Result<(), Refusal> {
    let length = rest.number()?;
    if usize::try_from(length).is_ok_and(|length| length > KEY_BYTES_MAX) {
        return Err(Refusal::KeyTooLong);
    }
    Ok(rest.take(length).map(drop)?)
}

/// Walks a run-length encoded column: a positive count repeats the value behind it, a negative one is followed by so many values, zero by a
/// count of nulls. `each` is given how many rows have a value.
fn runs<'a, T, E>(
    mut column: Cursor<'a>,
    read: impl Fn(&mut Cursor<'a>) -> Result<T, E>,
    mut each: impl FnMut(u64, T) -> Result<(), Refusal>,
) -> Result<(), Refusal>
where
    Refusal: From<E>,
{
    let mut rows = 0;
    while !column.is_empty() {
        let count = column.signed()?;
        let length = if count == 0 { column.number()? } else { count.unsigned_abs() };
        rows = more_rows(rows, length)?;
        match count {
            0 => {}
            1.. => each(length, read(&mut column)?)?,
            _ => {
                for _ in 0..length {
                    each(1, read(&mut column)?)?;
                }
            }
        }
    }
    Ok(())
}

/// Walks a column of flags: counts of falses and trues by turns.
fn flags(mut column: Cursor<'_>) -> Result<(), Refusal> {
    let mut rows = 0;
    while !column.is_empty() {
        rows = more_rows(rows, column.number()?)?;
    }
    Ok(())
}

fn more_rows(rows: u64, more: u64) -> Result<u64, Refusal> {
    rows.checked_add(more).filter(|rows| *rows <= ROWS_MAX).ok_or(Refusal::TooManyRows)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::gate::trial::Trial;
    use crate::gate::trial::mutate::{data_of, leb, seal, signed_leb};

    /// A run of `count` times the value with these bytes.
    fn run(count: i64, value: &[u8]) -> Vec<u8> {
        [signed_leb(count), value.to_vec()].concat()
    }

    /// The data of a change with these columns, written by one actor that names another.
    fn data(columns: &[(u32, Vec<u8>)]) -> Vec<u8> {
        let mut data = vec![0, 16];
        data.extend([9; 16]);
        data.extend([1, 1, 0, 0, 1, 16]);
        data.extend([8; 16]);
        data.extend(leb(columns.len() as u64));
        for (spec, column) in columns {
            data.extend([leb(u64::from(*spec)), leb(column.len() as u64)].concat());
        }
        data.extend(columns.iter().flat_map(|(_, column)| column.clone()));
        data
    }

    fn judged(columns: &[(u32, Vec<u8>)]) -> Result<(), Refusal> {
        preparse(&seal(&data(columns))).map(|_| ())
    }

    const KEY: u32 = 0x15;
    const INSERT: u32 = 0x34;
    const ACTION: u32 = 0x42;
    const VALUE_META: u32 = 0x56;
    const VALUE: u32 = 0x57;
    const PRED: u32 = 0x70;

    #[test]
    fn run_length_bomb() {
        let most = i64::try_from(ROWS_MAX).unwrap();
        for spec in [0x01, 0x02, ACTION, VALUE_META, PRED] {
            assert_eq!(judged(&[(spec, run(most, &[0]))]), Ok(()), "{spec:#x}");
            for rows in [most + 1, 1_000_000, 1 << 40, i64::MAX] {
                assert_eq!(judged(&[(spec, run(rows, &[0]))]), Err(Refusal::TooManyRows), "{spec:#x} {rows}");
            }
            // Nulls, and two runs that pass the limit together.
            let nulls = [vec![0], leb(1 << 40)].concat();
            assert_eq!(judged(&[(spec, nulls)]), Err(Refusal::TooManyRows), "{spec:#x}");
            let two = [run(most, &[0]), run(1, &[0])].concat();
            assert_eq!(judged(&[(spec, two)]), Err(Refusal::TooManyRows), "{spec:#x}");
            // The most negative count has no positive twin.
            assert_eq!(judged(&[(spec, run(i64::MIN, &[0]))]), Err(Refusal::TooManyRows), "{spec:#x}");
        }
        assert_eq!(judged(&[(INSERT, leb(ROWS_MAX))]), Ok(()));
        assert_eq!(judged(&[(INSERT, leb(ROWS_MAX + 1))]), Err(Refusal::TooManyRows));
        assert_eq!(judged(&[(INSERT, [leb(u64::MAX), leb(u64::MAX)].concat())]), Err(Refusal::TooManyRows));
        // A column of an id that nobody knows is held to the same.
        assert_eq!(judged(&[(0x1f2, run(1 << 40, &[0]))]), Err(Refusal::TooManyRows));
    }

    #[test]
    fn long_key() {
        let key = |length: usize| [leb(length as u64), vec![b'x'; length]].concat();
        assert_eq!(judged(&[(KEY, run(20_000, &key(KEY_BYTES_MAX)))]), Ok(()));
        assert_eq!(judged(&[(KEY, run(1, &key(KEY_BYTES_MAX + 1)))]), Err(Refusal::KeyTooLong));
        assert_eq!(judged(&[(KEY, run(20_000, &key(60_000)))]), Err(Refusal::KeyTooLong));
        assert_eq!(judged(&[(KEY, run(1, &leb(u64::MAX)))]), Err(Refusal::KeyTooLong));
        assert_eq!(judged(&[(KEY, run(1, &leb(5)))]), Err(Refusal::Undecodable), "not so many bytes left");
    }

    #[test]
    fn values_that_are_not_there() {
        let text = |rows, length: u64| (VALUE_META, run(rows, &leb(length << 4 | 6)));
        assert_eq!(judged(&[text(2, 3), (VALUE, vec![b'x'; 6])]), Ok(()));
        for (meta, bytes) in [(text(2, 3), 5), (text(2, 3), 7), (text(20_000, 1 << 59), 6)] {
            assert_eq!(judged(&[meta, (VALUE, vec![b'x'; bytes])]), Err(Refusal::Undecodable));
        }
        assert_eq!(judged(&[text(2, 3)]), Err(Refusal::Undecodable));
        assert_eq!(judged(&[(VALUE, vec![1])]), Err(Refusal::Undecodable));
    }

    #[test]
    fn ids_that_no_change_has() {
        assert_eq!(judged(&[(0x01, run(1, &[1]))]), Ok(()));
        assert_eq!(judged(&[(0x01, run(1, &[2]))]), Err(Refusal::Undecodable), "there are two actors");
        assert_eq!(judged(&[(0x02, run(1, &leb(OP_MAX)))]), Err(Refusal::Undecodable));
        assert_eq!(judged(&[(PRED, run(1, &[1]))]), Err(Refusal::Predecessor));
        assert_eq!(judged(&[(0x13, run(1, &[1]))]), Err(Refusal::Predecessor), "an element of a list");
    }

    #[test]
    fn only_plain_whole_changes() {
        let trial = Trial::new().unwrap();
        let whole = &trial.samples[0].1.bytes;
        let preparsed = preparse(whole).unwrap();
        assert_eq!((preparsed.bytes(), preparsed.hash()), (whole.as_slice(), trial.samples[0].1.hash));
        let with = |at: usize, byte| {
            let mut bytes = whole.clone();
            bytes[at] = byte;
            preparse(&bytes).map(|_| ())
        };
        assert_eq!(with(0, 0), Err(Refusal::NotAChange));
        assert_eq!(with(4, !whole[4]), Err(Refusal::WrongChecksum));
        for (kind, refusal) in [
            (0, Refusal::NotAChange),
            (2, Refusal::Compressed),
            (3, Refusal::NotAChange),
            (9, Refusal::NotAChange),
        ] {
            assert_eq!(with(8, kind), Err(refusal), "chunk type {kind}");
        }
        assert_eq!(judged(&[(ACTION | DEFLATED, vec![1, 2, 3])]), Err(Refusal::Compressed));
        assert!(preparse(&[whole.as_slice(), &[0]].concat()).is_err());
        for end in 0..whole.len() {
            assert!(preparse(&whole[..end]).is_err(), "first {end}");
        }
        let data = data_of(whole);
        for end in 0..40 {
            assert_eq!(
                preparse(&seal(&data[..end])).map(|_| ()),
                Err(Refusal::Undecodable),
                "first {end} sealed"
            );
        }
    }

    #[test]
    fn counts_have_limits() {
        let columns = |count: u64| {
            (0..count).map(|id| (u32::try_from(id << 4 | 2).unwrap(), vec![])).collect::<Vec<_>>()
        };
        assert_eq!(judged(&columns(COLUMNS_MAX)), Ok(()));
        assert_eq!(judged(&columns(COLUMNS_MAX + 1)), Err(Refusal::Undecodable));
        let others = |count: u64| {
            let mut data = vec![0, 16];
            data.extend([9; 16]);
            data.extend([1, 1, 0, 0]);
            data.extend(leb(count));
            (0..count).for_each(|_| data.extend([16; 17]));
            data.push(0);
            preparse(&seal(&data)).map(|_| ())
        };
        assert_eq!(others(OTHER_ACTORS_MAX), Ok(()));
        assert_eq!(others(OTHER_ACTORS_MAX + 1), Err(Refusal::Undecodable));
        let mut message = vec![0, 16];
        message.extend([9; 16]);
        message.extend([1, 1, 0]);
        let sized = |length: usize| {
            let mut data = [message.clone(), leb(length as u64), vec![b'x'; length], vec![0, 0]].concat();
            data.truncate(CHANGE_BYTES_MAX);
            preparse(&seal(&data)).map(|_| ())
        };
        assert_eq!(sized(CHANGE_BYTES_MAX - 50), Ok(()));
        assert_eq!(sized(CHANGE_BYTES_MAX), Err(Refusal::TooLarge));
        for count in [u64::MAX, 1 << 60, 1_000] {
            assert_eq!(preparse(&seal(&leb(count))).map(|_| ()), Err(Refusal::Undecodable), "{count} deps");
        }
    }

    proptest! {
        #[test]
        fn anything_at_all_is_answered(bytes in proptest::collection::vec(any::<u8>(), 0..200), sealed: bool) {
            let bytes = if sealed { seal(&bytes) } else { bytes };
            if preparse(&bytes).is_ok() {
                // Whatever passes decodes or not, but it comes back.
                let _ = std::panic::catch_unwind(|| automerge::Change::try_from(bytes.as_slice()).map(|c| c.decode()));
            }
        }
    }
}
