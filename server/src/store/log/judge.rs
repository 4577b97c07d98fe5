//! Torn or damaged: what a broken place at the end of the log means.
//!
//! # What an honest stop can leave
//!
//! A group of frames is one write at the end of the tail, followed by one sync; the next group is written
//! only when that sync returned.
//!
//! - A *killed process* leaves a prefix of its last write: a file that ends inside a frame.
//! - A *power cut* leaves any part of the last, unsynced group: the file may be shorter, or it may have its new
//!   length while some sectors of 512 bytes never came, which then read as zeros (or, in the sector that
//!   the group began in, as the synced bytes followed by zeros), with later sectors there.
//!
//! Neither touches what was synced, and neither flips a bit.
//!
//! # The rule
//!
//! At the first broken place, where the record numbered *n* should begin:
//!
//! 1. If the note of [what was synced](super::mark) is at *n* or beyond, it is damage.
//! 2. If a whole frame behind the place testifies that *n* was synced before it was written, it is damage. A
//!    whole frame of the same group does not: that group was never acknowledged.
//! 3. If the file ends inside the frame, it is torn.
//! 4. If a sector of the frame (of all the rest, when its header cannot be read) is zero from end to end, as
//!    far as it belongs to it, it is torn.
//! 5. Otherwise all bytes are there and some are wrong: damage.
//!
//! Torn is cut, damage is reported and nothing is touched. Rule 1 decides every case but a power cut, since
//! only that can leave the note behind; so a record that happens to hold zeros is no way around it.
//!
//! The search of rule 2 starts behind the broken frame when its header is right, so that bytes of a frame
//! inside a payload count for nothing. When the header is unreadable as well they could be believed, and
//! the server would stop and ask, which loses nothing.

use std::io;

use super::cursor::{Broken, Cursor};

/// The unit in which a disk loses unsynced bytes.
const SECTOR_BYTES: u64 = 512;

/// What a broken place is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Never durable, never acknowledged: to be cut.
    Torn,
    /// Once durable: to be reported.
    Damaged,
}

/// Judges the broken place that the cursor stands at, where the record `next_seq` should begin.
pub(crate) fn judge(
    cursor: &mut Cursor<'_>,
    broken: Broken,
    next_seq: u64,
    synced_seq: u64,
) -> io::Result<Verdict> {
    let place = cursor.offset();
    if synced_seq >= next_seq {
        return Ok(Verdict::Damaged);
    }
    let (search_from, extent) = match broken {
        Broken::HeaderCut | Broken::Header => (place + 1, cursor.end()),
        Broken::BodyCut(_) => (cursor.end(), cursor.end()),
        Broken::Body(head) => (place + head.frame_bytes(), place + head.frame_bytes()),
    };
    let mut from = search_from;
    while let Some((at, head)) = cursor.find_whole(from)? {
        if head.synced_before() >= next_seq {
            return Ok(Verdict::Damaged);
        }
        from = at + head.frame_bytes();
    }
    let torn = match broken {
        Broken::HeaderCut | Broken::BodyCut(_) => true,
        Broken::Header | Broken::Body(_) => has_zero_sector(cursor, place, extent)?,
    };
    cursor.seek(place);
    Ok(if torn { Verdict::Torn } else { Verdict::Damaged })
}

fn has_zero_sector(cursor: &mut Cursor<'_>, from: u64, to: u64) -> io::Result<bool> {
    let mut at = from;
    while at < to {
        let next = (at / SECTOR_BYTES + 1).saturating_mul(SECTOR_BYTES).min(to);
        if cursor.bytes(at, (next - at) as usize)?.iter().all(|byte| *byte == 0) {
            return Ok(true);
        }
        at = next;
    }
    Ok(false)
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::Arc;

    use super::super::codec::{FrameHead, prepare, write_frame};
    use super::*;
    use crate::store::disk::{Disk, DiskFile, SimulatedDisk};
    use crate::store::frame::{Frame, GENESIS_HASH, Record};

    /// The bytes of a frame of one record.
    fn frame(seq: u64, unsynced_before: u32, payload: u8) -> (FrameHead, Vec<u8>) {
        let record = Record { kind: 1, document: [1; 16], key_id: 0, payload: vec![payload; 1200] };
        let (head, body) = prepare(&Frame::from(record), seq, unsynced_before, &GENESIS_HASH);
        let mut bytes = Vec::new();
        write_frame(&head, &body, &mut bytes);
        (head, bytes)
    }

    fn file(bytes: Vec<u8>) -> Arc<dyn DiskFile> {
        let disk = SimulatedDisk::new();
        disk.put(Path::new("segment"), bytes);
        disk.open(Path::new("segment")).unwrap()
    }

    #[test]
    fn the_rules_in_their_order() {
        use Verdict::{Damaged, Torn};
        let (head, whole) = frame(5, 0, 3);
        let zeroed: Vec<u8> = whole
            .iter()
            .enumerate()
            .map(|(at, byte)| if (512..1024).contains(&at) { 0 } else { *byte })
            .collect();
        let flipped: Vec<u8> =
            whole.iter().enumerate().map(|(at, byte)| byte ^ u8::from(at == 600)).collect();
        let (same_group, later_group) = (frame(6, 1, 4).1, frame(6, 0, 4).1);
        let cases: [(&str, Vec<u8>, Broken, u64, Verdict); 7] = [
            ("cut, but noted as synced", whole[..900].to_vec(), Broken::BodyCut(head), 5, Damaged),
            ("cut", whole[..900].to_vec(), Broken::BodyCut(head), 4, Torn),
            ("cut in the header", whole[..30].to_vec(), Broken::HeaderCut, 4, Torn),
            ("a sector lost", zeroed.clone(), Broken::Body(head), 4, Torn),
            (
                "a sector lost, the group goes on",
                [zeroed.clone(), same_group].concat(),
                Broken::Body(head),
                4,
                Torn,
            ),
            (
                "a sector lost, a later group follows",
                [zeroed, later_group].concat(),
                Broken::Body(head),
                4,
                Damaged,
            ),
            ("a bit flipped", flipped, Broken::Body(head), 4, Damaged),
        ];
        for (case, bytes, broken, synced_seq, verdict) in cases {
            let (end, file) = (bytes.len() as u64, file(bytes));
            let mut cursor = Cursor::new(&*file, 0, end);
            assert_eq!(judge(&mut cursor, broken, 5, synced_seq).unwrap(), verdict, "{case}");
        }
    }
}
