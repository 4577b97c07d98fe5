//! Bytes to slots in one pass: the one form in which our changes are written.
//!
//! Automerge has one way to write the operations of a change, and writes that one again whenever it saves. Bytes in exactly this form, of a
//! change that makes nothing but new slots, are read here without automerge and without being written again. Whatever is in any other form
//! is [`NotPlain`], and nothing more is said about it: those who want to know what it is decode it.
//!
//! ```text
//! magic 4 | checksum 4 | type 1 | length | deps | actor | seq | start op | time | no message | the founder | columns | their data
//! ```
//!
//! Each operation of ours is a row of seven columns, each of them written in the fewest runs (see [`Runs`]):
//!
//! | column | of each row |
//! | --- | --- |
//! | object's actor | 0, the writer, or 1, the founder |
//! | object's counter | of the operation that made the map: of this change, or of the founding |
//! | key | a name, or a slot's key |
//! | insert | always false: the column is the number of rows |
//! | action | 0, make a map, or 1, put a value |
//! | value's type and length, value | nothing, a flag, a whole number or a text |
//! | predecessors | always none |

use sha2::{Digest, Sha256};

use crate::document::change::{ChangeHash, MAGIC, OP_MAX, Outline, PLAIN_CHANGE};
use crate::document::collect::{Collected, Gathered, NotSlots, Object};
use crate::document::container::Containers;
use crate::document::cursor::{Cursor, Malformed};
use crate::document::slot::{Fields, Value};
use crate::time::Moment;

/// Bytes of an actor of ours.
const ACTOR_BYTES: u64 = 16;

/// The columns of a change of ours, by their specifications in their order.
const COLUMNS: [u64; 8] = [0x01, 0x02, 0x15, 0x34, 0x42, 0x56, VALUE, 0x70];
/// The column that is left out where no value takes any bytes.
const VALUE: u64 = 0x57;

/// Actors are numbered: whoever writes the change, then the others that it names.
const WRITER: u64 = 0;
const FOUNDER: u64 = 1;

const MAKE_MAP: u64 = 0;
const PUT: u64 = 1;
const FALSE: u64 = 1;
const TRUE: u64 = 2;
const INT: u64 = 4;
const TEXT: u64 = 6;

/// A change of ours, read.
pub(crate) struct Plain {
    /// Where it stands. Its deps are sorted, and each is there once.
    pub(crate) outline: Outline,
    /// What it makes.
    pub(crate) collected: Collected,
}

/// Bytes that are no change of ours in the one form in which it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NotPlain;

impl From<Malformed> for NotPlain {
    fn from(_: Malformed) -> Self {
        Self
    }
}

impl From<NotSlots> for NotPlain {
    fn from(_: NotSlots) -> Self {
        Self
    }
}

/// Reads a change that makes nothing but new slots in these containers, if it is in the one form in which automerge would write it.
///
/// > What is read here, automerge reads as the same slots, and writes again as the same bytes.
///
/// Every row takes at least one byte, since no key stands twice in a map; so time and memory are in proportion to the bytes.
///
/// # Errors
/// [`NotPlain`]: anything else, a wrong checksum included.
pub(crate) fn read_plain(containers: &Containers, bytes: &[u8]) -> Result<Plain, NotPlain> {
    let mut rest = Cursor(bytes);
    let (magic, checksum) = (rest.array()?, rest.array::<4>()?);
    let hashed = rest.0;
    expect(*magic == MAGIC && rest.byte()? == PLAIN_CHANGE.1)?;
    let length = rest.shortest_number()?;
    expect(u64::try_from(rest.0.len()) == Ok(length))?;
    let deps = deps(&mut rest)?;
    let actor = actor(&mut rest)?;
    let (seq, start_op) = (rest.shortest_number()?, rest.shortest_number()?);
    let time = Moment(rest.shortest_signed()?);
    let message = rest.shortest_number()?;
    let others = rest.shortest_number()?;
    // Every slot stands in a container that the founder made, and nobody else is named.
    expect(message == 0 && others == 1)?;
    expect(self::actor(&mut rest)? == containers.founder && actor != containers.founder)?;
    let columns = Columns::read(rest)?;
    let max_op = start_op.checked_add(columns.rows - 1).ok_or(NotPlain)?;
    expect(start_op > 0 && max_op <= OP_MAX)?;
    let collected = rows(columns, containers, start_op)?;
    let hash = ChangeHash(Sha256::digest(hashed).into());
    expect(hash.0.starts_with(checksum))?;
    Ok(Plain { outline: Outline { hash, actor, seq, start_op, max_op, deps, time }, collected })
}

fn expect(holds: bool) -> Result<(), NotPlain> {
    if holds { Ok(()) } else { Err(NotPlain) }
}

fn deps(rest: &mut Cursor<'_>) -> Result<Vec<ChangeHash>, NotPlain> {
    let count = rest.shortest_number()?;
    let (hashes, _) = rest.take(count.checked_mul(32).ok_or(NotPlain)?)?.as_chunks::<32>();
    let deps: Vec<ChangeHash> = hashes.iter().copied().map(ChangeHash).collect();
    expect(deps.is_sorted_by(|one, next| one < next))?;
    Ok(deps)
}

fn actor(rest: &mut Cursor<'_>) -> Result<[u8; 16], NotPlain> {
    expect(rest.shortest_number()? == ACTOR_BYTES)?;
    Ok(*rest.array()?)
}

/// The data of the columns.
struct Columns<'a> {
    object_actor: Runs<'a>,
    object_counter: Runs<'a>,
    key: Runs<'a>,
    action: Runs<'a>,
    value_meta: Runs<'a>,
    value: Cursor<'a>,
    /// How many rows there are.
    rows: u64,
}

impl<'a> Columns<'a> {
    /// Reads the list of columns, and finds their data behind it.
    fn read(mut list: Cursor<'a>) -> Result<Self, NotPlain> {
        let count = list.shortest_number()?;
        let has_value = match count {
            8 => true,
            7 => false,
            _ => return Err(NotPlain),
        };
        let mut lengths = [0; 8];
        for (length, spec) in lengths.iter_mut().zip(COLUMNS) {
            if spec == VALUE && !has_value {
                continue;
            }
            expect(list.shortest_number()? == spec)?;
            *length = list.shortest_number()?;
            expect(*length > 0)?;
        }
        let mut data = list;
        let mut columns = [Cursor(&[]); 8];
        for (column, length) in columns.iter_mut().zip(lengths) {
            *column = Cursor(data.take(length)?);
        }
        // Behind the columns there would be extra bytes.
        expect(data.is_empty())?;
        let [object_actor, object_counter, key, mut insert, action, value_meta, value, predecessors] =
            columns;
        let rows = insert.shortest_number()?;
        expect(rows > 0 && insert.is_empty())?;
        always_none(predecessors, rows)?;
        let [object_actor, object_counter, key, action, value_meta] =
            [object_actor, object_counter, key, action, value_meta].map(Runs::of);
        Ok(Self { object_actor, object_counter, key, action, value_meta, value, rows })
    }

    fn is_done(&self) -> bool {
        let runs = [&self.object_actor, &self.object_counter, &self.key, &self.action, &self.value_meta];
        runs.iter().all(|runs| runs.is_done()) && self.value.is_empty()
    }

    /// Reads the value of the next row; an empty map where the row makes one.
    fn value(&mut self) -> Result<Value, NotPlain> {
        let action = self.action.number()?;
        let meta = self.value_meta.number()?;
        let (length, kind) = (meta >> 4, meta & 0xf);
        match (action, kind) {
            (MAKE_MAP, 0) if length == 0 => Ok(Value::Map(Fields::new())),
            (PUT, FALSE | TRUE) if length == 0 => Ok(Value::Flag(kind == TRUE)),
            (PUT, INT) => {
                let mut bytes = Cursor(self.value.take(length)?);
                let int = bytes.shortest_signed()?;
                expect(bytes.is_empty())?;
                Ok(Value::Int(int))
            }
            (PUT, TEXT) => Ok(Value::Text(text(self.value.take(length)?)?.to_owned())),
            _ => Err(NotPlain),
        }
    }
}

fn text(bytes: &[u8]) -> Result<&str, NotPlain> {
    std::str::from_utf8(bytes).map_err(|_| NotPlain)
}

/// Checks that a column of counts says nothing but zero, in one run.
fn always_none(mut column: Cursor<'_>, rows: u64) -> Result<(), NotPlain> {
    let count = column.shortest_signed()?;
    let one_run = if rows == 1 { count == -1 } else { u64::try_from(count) == Ok(rows) };
    expect(one_run && column.byte()? == 0 && column.is_empty())
}

/// Turns rows into slots.
fn rows(mut columns: Columns<'_>, containers: &Containers, start_op: u64) -> Result<Collected, NotPlain> {
    let mut gathered = Gathered::default();
    for _ in 0..columns.rows {
        let (actor, counter) = (columns.object_actor.number()?, columns.object_counter.number()?);
        let object = match actor {
            WRITER => Object::Own(counter.checked_sub(start_op).ok_or(NotPlain)?),
            FOUNDER => Object::Founded(counter),
            _ => return Err(NotPlain),
        };
        let name = columns.key.text()?;
        gathered.add(containers, object, name, columns.value()?)?;
    }
    expect(columns.is_done())?;
    Ok(gathered.finish())
}

/// A run-length encoded column without gaps, in the fewest runs.
///
/// A positive count, two or more, repeats the value behind it. A negative one is followed by so many values, no two neighbours of which are
/// equal; another such list cannot follow at once, it would have been part of the first. And no run begins with the value that the one
/// before it ended with.
struct Runs<'a> {
    rest: Cursor<'a>,
    /// How many rows of this run are still to come.
    left: u64,
    /// Whether each row of this run has a value of its own.
    listed: bool,
    /// The bytes of the last value, which are equal where the values are: each is written in one way.
    last: Option<&'a [u8]>,
    number: u64,
}

impl<'a> Runs<'a> {
    fn of(column: Cursor<'a>) -> Self {
        Self { rest: column, left: 0, listed: false, last: None, number: 0 }
    }

    fn is_done(&self) -> bool {
        self.left == 0 && self.rest.is_empty()
    }

    /// Returns the next row of a column of numbers.
    fn number(&mut self) -> Result<u64, NotPlain> {
        if self.begins_value()? {
            let before = self.rest.0;
            self.number = self.rest.shortest_number()?;
            self.end_value(before)?;
        }
        Ok(self.number)
    }

    /// Returns the next row of a column of texts.
    fn text(&mut self) -> Result<&'a str, NotPlain> {
        if self.begins_value()? {
            let length = self.rest.shortest_number()?;
            let before = self.rest.0;
            self.rest.take(length)?;
            self.end_value(before)?;
        }
        text(self.last.unwrap_or_default())
    }

    /// Moves on to the next row, and returns whether a value stands here for it.
    fn begins_value(&mut self) -> Result<bool, NotPlain> {
        let begins_run = self.left == 0;
        if begins_run {
            let count = self.rest.shortest_signed()?;
            let listed = count < 0;
            expect(count >= 2 || (listed && !self.listed))?;
            (self.left, self.listed) = (count.unsigned_abs(), listed);
        }
        self.left -= 1;
        Ok(begins_run || self.listed)
    }

    fn end_value(&mut self, before: &'a [u8]) -> Result<(), NotPlain> {
        let value = before.get(..before.len() - self.rest.0.len());
        expect(value != self.last)?;
        self.last = value;
        Ok(())
    }
}
