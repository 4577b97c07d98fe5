//! Changes that say the same in other bytes: columns spelled as automerge reads them, but would never write them.

use crate::document::cursor::{Cursor, Malformed};
use crate::gate::trial::mutate::{Dice, data_of, leb, seal, signed_leb};

const KEY: u64 = 0x15;
const INSERT: u64 = 0x34;
const VALUE: u64 = 0x57;
/// The columns of a change that are there only where something is inserted, replaced or marked, and one that nobody knows.
const STRANGE: [u64; 8] = [0x11, 0x13, 0x71, 0x73, 0x94, 0xa5, 0x1f2, 0x1f7];

/// Writes a change of ours anew, here and there in another form; now and then also with a row too many or too few in a column.
///
/// Returns none if the chunk is not a change of ours.
pub fn mutate_form(chunk: &[u8], dice: &mut Dice<'_>) -> Option<Vec<u8>> {
    let (front, mut columns) = take_apart(data_of(chunk)).ok()?;
    for (spec, column) in &mut columns {
        // Most columns stay as they are, so that what is odd stands alone.
        if dice.below(4) == 0 {
            *column = respell(*spec, column, dice).ok()?;
        }
    }
    let (one, other) = (dice.below(columns.len()), dice.below(columns.len()));
    match dice.below(24) {
        0 => columns.swap(one, other),
        1 => drop(columns.remove(one)),
        2 => columns.insert(other, columns[one].clone()),
        3 | 4 => {
            let spec = STRANGE[dice.below(STRANGE.len())];
            let at = columns.iter().filter(|(known, _)| *known < spec).count();
            let data = [vec![], vec![0x7f, 0], vec![0, 1], vec![1]][dice.below(4)].clone();
            columns.insert(at, (spec, data));
        }
        _ => {}
    }
    let mut data = [front, number(columns.len() as u64, dice)].concat();
    for (spec, column) in &columns {
        data.extend([number(*spec, dice), number(column.len() as u64, dice)].concat());
    }
    data.extend(columns.iter().flat_map(|(_, column)| column));
    Some(seal(&data))
}

/// The specification of a column, and its data.
type Column = (u64, Vec<u8>);

/// Returns the bytes before the list of columns, and the columns.
fn take_apart(data: &[u8]) -> Result<(Vec<u8>, Vec<Column>), Malformed> {
    let mut rest = Cursor(data);
    let deps = rest.number()?;
    rest.take(deps * 32)?;
    skip_bytes(&mut rest)?;
    let (_seq, _start_op, _time) = (rest.number()?, rest.number()?, rest.signed()?);
    skip_bytes(&mut rest)?;
    for _ in 0..rest.number()? {
        skip_bytes(&mut rest)?;
    }
    let front = data[..data.len() - rest.0.len()].to_vec();
    let count = rest.number()?;
    let list: Vec<(u64, u64)> =
        (0..count).map(|_| Ok((rest.number()?, rest.number()?))).collect::<Result<_, Malformed>>()?;
    let column = |(spec, length)| Ok((spec, rest.take(length)?.to_vec()));
    Ok((front, list.into_iter().map(column).collect::<Result<_, Malformed>>()?))
}

fn skip_bytes(rest: &mut Cursor<'_>) -> Result<(), Malformed> {
    let length = rest.number()?;
    rest.take(length).map(drop)
}

fn respell(spec: u64, column: &[u8], dice: &mut Dice<'_>) -> Result<Vec<u8>, Malformed> {
    match spec {
        VALUE => Ok(column.to_vec()),
        INSERT => {
            let rows = Cursor(column).number()?;
            let first = dice.below(usize::try_from(rows).unwrap_or(0)) as u64;
            Ok(match dice.below(4) {
                0 => [number(first, dice), vec![0], number(rows - first, dice)].concat(),
                1 => [number(rows, dice), vec![0]].concat(),
                2 => leb(rows + 1),
                _ => number(rows, dice),
            })
        }
        _ => {
            let mut rows = rows(spec, column)?;
            match dice.below(12) {
                0 => drop(rows.pop()),
                1 => rows.extend(rows.last().cloned()),
                2 => {
                    let (one, other) = (dice.below(rows.len()), dice.below(rows.len()));
                    rows.swap(one, other);
                }
                _ => {}
            }
            Ok(spell(&rows, dice))
        }
    }
}

/// Returns the bytes of each row's value.
fn rows(spec: u64, column: &[u8]) -> Result<Vec<Vec<u8>>, Malformed> {
    let mut rest = Cursor(column);
    let mut rows = Vec::new();
    let value = |rest: &mut Cursor<'_>| {
        let before = rest.0;
        let number = rest.number()?;
        if spec == KEY {
            rest.take(number)?;
        }
        Ok(before[..before.len() - rest.0.len()].to_vec())
    };
    while !rest.is_empty() {
        let count = rest.signed()?;
        if count > 0 {
            let value = value(&mut rest)?;
            rows.extend((0..count).map(|_| value.clone()));
        } else {
            for _ in count..0 {
                rows.push(value(&mut rest)?);
            }
        }
    }
    Ok(rows)
}

/// Writes rows in runs, sometimes in others than the fewest.
fn spell(mut rows: &[Vec<u8>], dice: &mut Dice<'_>) -> Vec<u8> {
    let mut out = Vec::new();
    while let Some(first) = rows.first() {
        let equal = rows.iter().take_while(|row| *row == first).count();
        // Up to the next two that are equal.
        let different = rows.windows(2).take_while(|pair| pair[0] != pair[1]).count();
        let different = if different + 1 == rows.len() { rows.len() } else { different };
        let (listed, length) = match dice.below(12) {
            0 => (false, 1 + dice.below(equal)),
            1 => (true, 1 + dice.below(rows.len())),
            2 => {
                out.extend([0, 0]);
                continue;
            }
            _ if equal > 1 => (false, equal),
            _ => (true, different),
        };
        let (run, rest) = rows.split_at(length);
        let count = i64::try_from(length).unwrap_or(1);
        out.extend(if listed { signed_leb(-count) } else { signed_leb(count) });
        run.iter().take(if listed { length } else { 1 }).for_each(|value| out.extend(value));
        rows = rest;
    }
    out
}

/// Returns a number, now and then in a byte more than it needs.
fn number(value: u64, dice: &mut Dice<'_>) -> Vec<u8> {
    let mut bytes = leb(value);
    if dice.below(64) == 0 {
        if let Some(last) = bytes.last_mut() {
            *last |= 0x80;
        }
        bytes.push(0);
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::trial::Trial;

    #[test]
    fn a_change_is_put_together_as_it_was_taken_apart() {
        for (_, change) in &Trial::new().unwrap().samples {
            let (front, columns) = take_apart(data_of(&change.bytes)).unwrap();
            let mut data = [front, leb(columns.len() as u64)].concat();
            for (spec, column) in &columns {
                data.extend([leb(*spec), leb(column.len() as u64)].concat());
            }
            data.extend(columns.iter().flat_map(|(_, column)| column));
            assert_eq!(seal(&data), change.bytes);
        }
    }
}
