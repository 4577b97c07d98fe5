//! The write-ahead log, read without SQLite: the newest committed version of each page that stands in it.
//!
//! Behind the log's header stand frames, each a header and a page (sqlite.org/fileformat2.html, 4). Every frame carries a sum over all
//! before it and itself, and the salts of the log that it belongs to: behind the last frame of this log those of an earlier one may stand.
//! SQLite ends at the first frame of which either is wrong. Here the search goes on, each frame held against the sum that the one before it
//! states, and one wrong bit is put right by its sum.
//!
//! > Only what a sum vouches for says how many pages there are.
//!
//! Of a frame whose sum is wrong for good the page is taken all the same, as the newest version of what it says it is: each row in it has
//! a checksum of its own, and an older version of the page would bring back what has been removed since.

use std::collections::BTreeMap;

const LOG_HEADER_BYTES: usize = 32;
const FRAME_HEADER_BYTES: usize = 24;
/// The part of a frame's header that its sum goes over.
const SUMMED_BYTES: usize = 8;
/// The lowest bit of a log's first number says in which order of bytes its sums read the words.
const BIG_ENDIAN: u32 = 0x377f_0683;
const LITTLE_ENDIAN: u32 = 0x377f_0682;

/// Two numbers: the salts of a log, or the sums up to somewhere in it.
type Pair = (u32, u32);

/// A frame that is there as a whole.
struct Frame<'a> {
    /// The number of the page, and of how many pages the file consists behind the transaction that the frame ends; 0 where it ends none.
    summed: [u8; SUMMED_BYTES],
    salts: Pair,
    sums: Pair,
    page: &'a [u8],
}

/// Returns the newest committed version of each page in a write-ahead log, and how many pages there were with the last commit.
pub(super) fn committed(log: &[u8], page_bytes: usize) -> (BTreeMap<u32, &[u8]>, Option<u32>) {
    let frames = frames(log, page_bytes);
    let salts = salts(log, &frames);
    let read = order(log);
    let (mut committed, mut open) = (BTreeMap::new(), Vec::new());
    let (mut size, mut before, mut follows) = (None, pair_at(log, 24).unwrap_or_default(), true);
    for frame in &frames {
        let vouched = vouched(frame, before, read);
        // Salts have no sum. A frame that goes on exactly where this log stood belongs to it, whatever they have become.
        let is_ours = Some(frame.salts) == salts || (follows && vouched.is_some());
        (before, follows) = (frame.sums, is_ours);
        if !is_ours {
            continue;
        }
        let (number, pages) = numbers(&vouched.unwrap_or(frame.summed));
        if number > 0 {
            open.push((number, frame.page));
        }
        if pages == 0 {
            continue;
        }
        let highest = open.iter().map(|(number, _)| *number).max().unwrap_or_default();
        size = match vouched {
            Some(_) => Some(pages),
            // There were as many as before, or more.
            None => size.map(|size: u32| size.max(highest)),
        };
        committed.extend(open.drain(..));
    }
    (committed, size)
}

/// Returns the frames that are there as a whole: of one that is cut short nothing is known to have been committed.
fn frames(log: &[u8], page_bytes: usize) -> Vec<Frame<'_>> {
    let bytes = log.get(LOG_HEADER_BYTES..).unwrap_or_default();
    let whole = bytes.chunks_exact(FRAME_HEADER_BYTES + page_bytes);
    let frames = whole.filter_map(|frame| {
        let (header, page) = frame.split_first_chunk::<FRAME_HEADER_BYTES>()?;
        let summed = *header.first_chunk()?;
        Some(Frame { summed, salts: pair_at(header, 8)?, sums: pair_at(header, 16)?, page })
    });
    frames.collect()
}

/// Returns the salts of the log: those of its header, if some frame has them, too; else those that two frames behind each other agree on.
fn salts(log: &[u8], frames: &[Frame<'_>]) -> Option<Pair> {
    let stated = pair_at(log, 16).filter(|stated| frames.iter().any(|frame| frame.salts == *stated));
    let agree = || frames.iter().zip(frames.get(1..)?).find(|(one, next)| one.salts == next.salts);
    stated.or_else(|| agree().map(|(one, _)| one.salts))
}

/// Returns how sums read the words of a log.
fn order(log: &[u8]) -> fn([u8; 4]) -> u32 {
    match pair_at(log, 0) {
        Some((BIG_ENDIAN, _)) => u32::from_be_bytes,
        Some((LITTLE_ENDIAN, _)) => u32::from_le_bytes,
        // It was written on a machine of this kind.
        Some(_) | None => u32::from_ne_bytes,
    }
}

/// Returns the summed part of a frame's header as its sum vouches for it: as it is, or with one bit put right.
fn vouched(frame: &Frame<'_>, before: Pair, read: fn([u8; 4]) -> u32) -> Option<[u8; SUMMED_BYTES]> {
    let fits = |summed: &[u8; SUMMED_BYTES]| {
        let sums = sums(sums(before, summed, read), frame.page, read);
        (sums == frame.sums).then_some(*summed)
    };
    let bent = (0..SUMMED_BYTES * 8).map(|bit| {
        let mut summed = frame.summed;
        if let Some(byte) = summed.get_mut(bit / 8) {
            *byte ^= 1 << (bit % 8);
        }
        summed
    });
    std::iter::once(frame.summed).chain(bent).find_map(|summed| fits(&summed))
}

/// Carries the sums of a log on over some more of it.
fn sums(before: Pair, bytes: &[u8], read: fn([u8; 4]) -> u32) -> Pair {
    let (words, _) = bytes.as_chunks::<4>();
    let (pairs, _) = words.as_chunks::<2>();
    pairs.iter().fold(before, |(first, second), [one, two]| {
        let first = first.wrapping_add(read(*one)).wrapping_add(second);
        (first, second.wrapping_add(read(*two)).wrapping_add(first))
    })
}

fn numbers(summed: &[u8; SUMMED_BYTES]) -> Pair {
    pair_at(summed, 0).unwrap_or_default()
}

fn pair_at(bytes: &[u8], at: usize) -> Option<Pair> {
    let number = |at: usize| bytes.get(at..at + 4)?.try_into().ok().map(u32::from_be_bytes);
    Some((number(at)?, number(at + 4)?))
}
