//! Frames as bytes.
//!
//! ```text
//! frame    magic u32 | body length u32 | first sequence u64 | records u32 | unsynced before u32
//!          | running hash [8] | CRC32C of the body u32 | CRC32C of the 36 bytes so far u32 | body
//! body     record*
//! record   kind u16 | document [16] | key id u32 | payload length u32 | payload
//! ```
//!
//! All numbers are little endian. A record's sequence number is its frame's first one plus its place, so
//! a gap cannot be written. The header has a checksum of its own: whoever finds a wrong body still knows
//! how long the frame was meant to be, and can tell a frame cut short from one that was changed.
//!
//! *Unsynced before* counts the records that were written in the same group before this frame. So each
//! frame testifies that everything before its group had been synced when it was written; recovery needs
//! this to tell a torn group from damage.

use sha2::{Digest, Sha256};

use crate::store::frame::{Frame, Record, RunningHash, StoredRecord};

/// Begins every frame; lets a search find the next one behind damage.
pub(crate) const FRAME_MAGIC: [u8; 4] = *b"CYf1";
/// Bytes of a frame before its body.
pub(crate) const FRAME_HEADER_BYTES: usize = 40;
/// Bytes of a record before its payload.
pub(crate) const RECORD_HEADER_BYTES: usize = 26;

/// A frame's header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FrameHead {
    pub body_bytes: u32,
    pub first_seq: u64,
    pub records: u32,
    pub unsynced_before: u32,
    pub hash: RunningHash,
    pub body_crc: u32,
}

impl FrameHead {
    /// Reads a header; `None` if magic, checksum or counts are not those of a frame.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let (covered, crc) = bytes.get(..FRAME_HEADER_BYTES)?.split_at_checked(36)?;
        if !covered.starts_with(&FRAME_MAGIC) || crc32c::crc32c(covered) != u32_at(crc, 0)? {
            return None;
        }
        let head = FrameHead {
            body_bytes: u32_at(covered, 4)?,
            first_seq: u64_at(covered, 8)?,
            records: u32_at(covered, 16)?,
            unsynced_before: u32_at(covered, 20)?,
            hash: array_at(covered, 24)?,
            body_crc: u32_at(covered, 32)?,
        };
        (head.records > 0 && head.first_seq > u64::from(head.unsynced_before)).then_some(head)
    }

    fn encode(&self, out: &mut Vec<u8>) {
        let start = out.len();
        out.extend_from_slice(&FRAME_MAGIC);
        out.extend_from_slice(&self.body_bytes.to_le_bytes());
        out.extend_from_slice(&self.first_seq.to_le_bytes());
        out.extend_from_slice(&self.records.to_le_bytes());
        out.extend_from_slice(&self.unsynced_before.to_le_bytes());
        out.extend_from_slice(&self.hash);
        out.extend_from_slice(&self.body_crc.to_le_bytes());
        let crc = crc32c::crc32c(out.get(start..).unwrap_or_default());
        out.extend_from_slice(&crc.to_le_bytes());
    }

    /// The whole frame's length in bytes.
    pub fn frame_bytes(&self) -> u64 {
        FRAME_HEADER_BYTES as u64 + u64::from(self.body_bytes)
    }

    /// The sequence number of the last record.
    pub fn last_seq(&self) -> u64 {
        self.first_seq.saturating_add(u64::from(self.records) - 1)
    }

    /// Everything up to here had been synced before this frame was written.
    pub fn synced_before(&self) -> u64 {
        self.first_seq - 1 - u64::from(self.unsynced_before)
    }

    /// True if `body` is what was written.
    pub fn covers(&self, body: &[u8]) -> bool {
        body.len() as u64 == u64::from(self.body_bytes) && crc32c::crc32c(body) == self.body_crc
    }

    /// The running hash after this frame, worked out from the one before it.
    pub fn hash_after(&self, before: &RunningHash, body: &[u8]) -> RunningHash {
        let mut hasher = Sha256::new();
        hasher.update(before);
        hasher.update(self.body_bytes.to_le_bytes());
        hasher.update(self.first_seq.to_le_bytes());
        hasher.update(self.records.to_le_bytes());
        hasher.update(body);
        array_at(&hasher.finalize(), 0).unwrap_or_default()
    }
}

/// Returns the encoded size of a frame, header included.
pub(crate) fn encoded_bytes(frame: &Frame) -> usize {
    let sizes = frame.records.iter().map(|record| RECORD_HEADER_BYTES + record.payload.len());
    sizes.fold(FRAME_HEADER_BYTES, usize::saturating_add)
}

/// Works out the header and the body of a frame whose size was checked.
pub(crate) fn prepare(
    frame: &Frame,
    first_seq: u64,
    unsynced_before: u32,
    before: &RunningHash,
) -> (FrameHead, Vec<u8>) {
    let mut body = Vec::with_capacity(encoded_bytes(frame) - FRAME_HEADER_BYTES);
    for record in &frame.records {
        body.extend_from_slice(&record.kind.to_le_bytes());
        body.extend_from_slice(&record.document);
        body.extend_from_slice(&record.key_id.to_le_bytes());
        body.extend_from_slice(&(record.payload.len() as u32).to_le_bytes());
        body.extend_from_slice(&record.payload);
    }
    let mut head = FrameHead {
        body_bytes: body.len() as u32,
        first_seq,
        records: frame.records.len() as u32,
        unsynced_before,
        hash: RunningHash::default(),
        body_crc: crc32c::crc32c(&body),
    };
    head.hash = head.hash_after(before, &body);
    (head, body)
}

/// Appends a frame to `out`.
pub(crate) fn write_frame(head: &FrameHead, body: &[u8], out: &mut Vec<u8>) {
    head.encode(out);
    out.extend_from_slice(body);
}

/// Reads a body's records; stops early where a length leads out of it.
pub(crate) fn records(head: &FrameHead, body: &[u8]) -> Vec<StoredRecord> {
    let mut found = Vec::new();
    let mut at = 0;
    for place in 0..head.records {
        let Some((record, next)) = record_at(body, at) else { break };
        let seq = head.first_seq.saturating_add(u64::from(place));
        found.push(StoredRecord { seq, last_of_frame: place + 1 == head.records, record });
        at = next;
    }
    found
}

fn record_at(body: &[u8], at: usize) -> Option<(Record, usize)> {
    let payload_at = at.checked_add(RECORD_HEADER_BYTES)?;
    let payload_bytes = u32_at(body, at + 22)? as usize;
    let next = payload_at.checked_add(payload_bytes)?;
    let record = Record {
        kind: u16::from_le_bytes(array_at(body, at)?),
        document: array_at(body, at + 2)?,
        key_id: u32_at(body, at + 18)?,
        payload: body.get(payload_at..next)?.to_vec(),
    };
    Some((record, next))
}

/// Reads a fixed number of bytes; `None` beyond the end.
pub(crate) fn array_at<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..at.checked_add(N)?)?.try_into().ok()
}

/// Reads a little-endian number; `None` beyond the end.
pub(crate) fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    array_at(bytes, at).map(u32::from_le_bytes)
}

/// Reads a little-endian number; `None` beyond the end.
pub(crate) fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    array_at(bytes, at).map(u64::from_le_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::frame::GENESIS_HASH;

    fn frame() -> Frame {
        let record =
            |kind, payload: &[u8]| Record { kind, document: [7; 16], key_id: 9, payload: payload.to_vec() };
        Frame { records: vec![record(1, b"one"), record(2, b"")] }
    }

    #[test]
    fn a_frame_reads_back_as_it_was() {
        let (head, body) = prepare(&frame(), 5, 2, &GENESIS_HASH);
        let mut bytes = Vec::new();
        write_frame(&head, &body, &mut bytes);
        assert_eq!(bytes.len(), encoded_bytes(&frame()));
        let read = FrameHead::decode(&bytes).unwrap();
        assert_eq!((read, read.last_seq(), read.synced_before()), (head, 6, 2));
        let stored = records(&read, &bytes[FRAME_HEADER_BYTES..]);
        assert_eq!(
            stored.iter().map(|s| (s.seq, s.last_of_frame)).collect::<Vec<_>>(),
            [(5, false), (6, true)]
        );
        assert_eq!(stored.into_iter().map(|s| s.record).collect::<Vec<_>>(), frame().records);
    }

    /// Files written by any released version must open: this is the first one's frame, byte for byte.
    #[test]
    fn the_format_stands() {
        let (head, body) = prepare(&frame(), 1, 0, &GENESIS_HASH);
        let mut bytes = Vec::new();
        write_frame(&head, &body, &mut bytes);
        let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, include_str!("first_frame.hex").trim());
    }

    #[test]
    fn no_flipped_bit_passes() {
        let (head, body) = prepare(&frame(), 1, 0, &GENESIS_HASH);
        let mut bytes = Vec::new();
        write_frame(&head, &body, &mut bytes);
        for bit in 0..bytes.len() * 8 {
            let mut bad = bytes.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            let whole = FrameHead::decode(&bad).is_some_and(|head| head.covers(&bad[FRAME_HEADER_BYTES..]));
            assert!(!whole, "bit {bit}");
        }
    }

    #[test]
    fn the_running_hash_does_not_depend_on_the_grouping() {
        let alone = prepare(&frame(), 5, 0, &GENESIS_HASH).0;
        let grouped = prepare(&frame(), 5, 3, &GENESIS_HASH).0;
        assert_eq!(alone.hash, grouped.hash);
        assert_ne!(alone.hash, prepare(&frame(), 6, 0, &GENESIS_HASH).0.hash);
    }
}
