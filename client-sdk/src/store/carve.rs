//! Carving: takes what can still be read out of a store's file that SQLite does not open any more, or not whole.
//!
//! Rows lie in the leaves and the inner pages of b-trees, each page with a list of its cells (sqlite.org/fileformat2.html, 1.6 and 2). Every
//! page is looked at by itself, in its newest committed version, be it in the file or in the [write-ahead log](super::wal); nothing that
//! leads to it has to be whole. Whatever looks like a row counts only if the checksum that [`state`](super::state) put in front of its value fits the
//! table, the key and the value: so nothing is ever found that was not written.

use std::collections::{BTreeMap, BTreeSet};

use super::ledger::LEDGER;
use super::state::{Table, opened};
use super::wal::committed;

/// The size of a page where the file does not say: SQLite's own choice.
const PAGE_BYTES: usize = 4096;
/// The file's header, in front of the first page's.
const FILE_HEADER_BYTES: usize = 100;
/// Types of pages that hold rows of tables without rowid.
const INNER: u8 = 0x02;
const LEAF: u8 = 0x0a;

/// Rows by the name of their table and their key.
pub(super) type Rows = BTreeMap<(&'static str, Vec<u8>), Vec<u8>>;

/// Returns every row that can be read out of a store's file and its write-ahead log.
pub(super) fn rows(file: &[u8], wal: &[u8]) -> Rows {
    let page_bytes = page_bytes(file);
    let mut pages: BTreeMap<u32, &[u8]> = (1..).zip(file.chunks(page_bytes)).collect();
    let (committed, size) = committed(wal, page_bytes);
    pages.extend(committed);
    // What lies behind the end is what the file had before it was packed.
    pages.retain(|number, _| size.is_none_or(|size| *number <= size));
    let mut rows = Rows::new();
    for (number, page) in &pages {
        let header = if *number == 1 { FILE_HEADER_BYTES } else { 0 };
        for cell in cells(page, header) {
            let payload = payload(page, cell, page_bytes, &pages);
            let Some((key, stored)) = payload.as_deref().and_then(record) else { continue };
            for table in Table::ALL.map(Table::name).into_iter().chain([LEDGER]) {
                if let Ok(value) = opened(table, key, stored.to_vec()) {
                    rows.insert((table, key.to_vec()), value);
                }
            }
        }
    }
    rows
}

fn page_bytes(file: &[u8]) -> usize {
    let stated = file.get(16..18).and_then(|bytes| bytes.try_into().ok()).map(u16::from_be_bytes);
    let stated = usize::from(stated.unwrap_or_default());
    if stated >= 512 && stated.is_power_of_two() { stated } else { PAGE_BYTES }
}

/// Returns where a page's cells begin, and of which type it is.
fn cells(page: &[u8], header: usize) -> BTreeSet<(usize, u8)> {
    let Some(kind) = page.get(header).copied().filter(|kind| [INNER, LEAF].contains(kind)) else {
        return BTreeSet::new();
    };
    let list = header + if kind == INNER { 12 } else { 8 };
    let count = u16_at(page, header + 3).unwrap_or_default();
    let places = (0..usize::from(count)).map_while(|nth| u16_at(page, list + 2 * nth));
    places.map(|place| (usize::from(place), kind)).collect()
}

/// Returns a cell's payload, wherever it goes on.
fn payload(
    page: &[u8],
    (cell, kind): (usize, u8),
    page_bytes: usize,
    pages: &BTreeMap<u32, &[u8]>,
) -> Option<Vec<u8>> {
    let start = cell + if kind == INNER { 4 } else { 0 };
    let (length, size) = varint(page.get(start..)?)?;
    let (length, body) = (usize::try_from(length).ok()?, start + size);
    let most = (page_bytes.checked_sub(12)? * 64 / 255).checked_sub(23)?;
    if length <= most {
        return page.get(body..body.checked_add(length)?).map(<[u8]>::to_vec);
    }
    let least = (page_bytes.checked_sub(12)? * 32 / 255).checked_sub(23)?;
    let share = least + (length.checked_sub(least)?) % (page_bytes - 4);
    let here = if share <= most { share } else { least };
    let mut whole = page.get(body..body + here)?.to_vec();
    let mut next = u32_at(page, body + here)?;
    // As many pages as there are is as long as a chain can be.
    for _ in 0..pages.len() {
        let rest = length - whole.len();
        if rest == 0 {
            return Some(whole);
        }
        let page = pages.get(&next)?;
        whole.extend(page.get(4..4 + rest.min(page_bytes - 4))?);
        next = u32_at(page, 0)?;
    }
    (whole.len() == length).then_some(whole)
}

/// Reads a record of two blobs: a key and what is stored under it.
fn record(payload: &[u8]) -> Option<(&[u8], &[u8])> {
    let (header, first) = varint(payload)?;
    let types = payload.get(first..usize::try_from(header).ok()?)?;
    let (key, second) = varint(types)?;
    let (stored, third) = varint(types.get(second..)?)?;
    let rest = payload.get(usize::try_from(header).ok()?..)?;
    let (key, stored_bytes) = rest.split_at_checked(blob_bytes(key)?)?;
    (second + third == types.len() && blob_bytes(stored)? == stored_bytes.len())
        .then_some((key, stored_bytes))
}

/// Returns the length of a blob from its serial type.
fn blob_bytes(serial: u64) -> Option<usize> {
    let length = serial.checked_sub(12).filter(|twice| twice % 2 == 0)?;
    usize::try_from(length / 2).ok()
}

/// Reads a number of one to nine bytes; returns it and how many there were.
fn varint(bytes: &[u8]) -> Option<(u64, usize)> {
    let mut number = 0u64;
    for at in 0..8 {
        let byte = *bytes.get(at)?;
        number = number << 7 | u64::from(byte & 0x7f);
        if byte < 0x80 {
            return Some((number, at + 1));
        }
    }
    Some((number << 8 | u64::from(*bytes.get(8)?), 9))
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..at + 2)?.try_into().ok().map(u16::from_be_bytes)
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..at + 4)?.try_into().ok().map(u32::from_be_bytes)
}
