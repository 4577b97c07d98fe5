//! Reads everything that is stored and says what is wrong, where, and whom it concerns.
//!
//! It changes nothing. Beside a running server it looks at the log alone, and what stands behind the
//! [note of what was synced](super::log) may be half written; when no server runs, the index's values are
//! checked, too. It goes on behind damage as soon as it finds a whole frame, so that one report names all of it.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};

use super::contract::End;
use super::disk::{Disk, DiskFile, RealDisk};
use super::embedded::log_path;
use super::frame::{GENESIS_HASH, LogId, StoredRecord};
use super::index::sled_index::{SledIndex, index_path};
use super::lock::{FolderLock, LockError};
use super::log::codec::{self, FRAME_HEADER_BYTES};
use super::log::cursor::{Broken, Cursor, Found};
use super::log::judge::{Verdict, judge};
use super::log::mark::{self, MarkRead};
use super::log::open::{joins, read_head};
use super::log::segment::{self, SEGMENT_HEADER_BYTES};

/// How often an unreadable note is read again beside a server, which may be writing it just then.
const NOTE_TRIES: usize = 5;

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Report {
    /// Everything that is not as it was written.
    pub faults: Vec<Fault>,
    /// An unfinished write at the log's end, never acknowledged; the next start cuts it. No fault.
    pub torn_tail: Option<(PathBuf, u64)>,
    /// True if a server holds the folder: then the index was not looked at.
    pub running: bool,
    /// The ids that the log went by, the present one last.
    pub log_ids: Vec<LogId>,
    /// How many segments were read.
    pub segments: u32,
    /// How many whole frames.
    pub frames: u64,
    /// How many records in them.
    pub records: u64,
    /// The last whole record's number.
    pub end_seq: u64,
    /// How many rows the index holds; `None` if it was not looked at or will be built again anyway.
    pub index_rows: Option<u64>,
}

impl Report {
    /// True if everything checks out.
    pub fn is_sound(&self) -> bool {
        self.faults.is_empty()
    }
}

/// Something that is not as it was written.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Fault {
    /// The file.
    pub file: PathBuf,
    /// Where in it, in bytes from its start; none where that cannot be told, as of a file with one checksum over all of it.
    pub offset: Option<u64>,
    /// What is wrong.
    pub what: String,
    /// The first and last record that it concerns, as far as that can be told.
    pub seqs: Option<(u64, u64)>,
    /// The documents named in what can still be read of it; the damage may be in these names, too.
    pub documents: Vec<[u8; 16]>,
    /// Kind and document of each record that can still be read of it, in their order.
    pub entries: Vec<(u16, [u8; 16])>,
    /// What it concerns, in words; nothing where nobody can tell.
    pub concerns: Vec<String>,
}

impl Fault {
    /// Returns the file, and the place in it if that is known, in words.
    pub fn place(&self) -> String {
        let file = self.file.display();
        self.offset.map_or_else(|| file.to_string(), |offset| format!("{file} at byte {offset}"))
    }
}

/// Checks a data folder; `seen` gets every whole record of the log.
pub fn verify(data: &Path, seen: &mut dyn FnMut(StoredRecord)) -> io::Result<Report> {
    let lock = match FolderLock::take(data) {
        Ok(lock) => Some(lock),
        Err(LockError::InUse { .. }) => None,
        Err(LockError::Io(error)) => return Err(error),
    };
    let mut report = look_through(&RealDisk, &log_path(data), lock.is_none(), seen)?;
    if lock.is_some() {
        match SledIndex::check(data) {
            None => {}
            Some(Ok(mark)) => report.index_rows = Some(mark.rows),
            Some(Err(what)) => {
                report.faults.push(Fault { file: index_path(data), what, ..Fault::default() });
            }
        }
    }
    Ok(report)
}

/// Checks a log's folder.
pub(crate) fn verify_log(disk: &dyn Disk, dir: &Path, running: bool) -> io::Result<Report> {
    look_through(disk, dir, running, &mut |_| {})
}

fn look_through(
    disk: &dyn Disk,
    dir: &Path,
    running: bool,
    seen: &mut dyn FnMut(StoredRecord),
) -> io::Result<Report> {
    let mut report = Report { running, ..Report::default() };
    let note = read_note(disk, dir, running)?;
    if note == MarkRead::Unreadable {
        report.fault(mark::mark_path(dir), None, "the note of what was synced does not match its checksum");
    }
    let names = disk.list(dir)?;
    let last = names.iter().filter_map(|name| segment::segment_number(name)).max().unwrap_or(0);
    if last == 0 {
        report.fault(dir.to_owned(), None, "there is no log");
        return Ok(report);
    }
    let noted = match note {
        MarkRead::Stands(mark) => mark.end,
        MarkRead::Missing | MarkRead::Unreadable => End { seq: 0, hash: GENESIS_HASH },
    };
    let mut walk = Walk { report, end: End { seq: 0, hash: GENESIS_HASH }, joined: true, noted, seen };
    for number in 1..=last {
        let path = segment::segment_path(dir, number);
        match disk.open(&path) {
            Ok(file) => walk.segment(&path, &*file, number, number == last)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                walk.report.fault(path, None, "the segment is missing");
                walk.joined = false;
            }
            Err(error) => return Err(error),
        }
    }
    Ok(walk.finish(&segment::segment_path(dir, last)))
}

pub(crate) fn read_note(disk: &dyn Disk, dir: &Path, running: bool) -> io::Result<MarkRead> {
    let mut note = mark::read(disk, dir)?;
    for _ in 1..NOTE_TRIES {
        if note != MarkRead::Unreadable || !running {
            break;
        }
        note = mark::read(disk, dir)?;
    }
    Ok(note)
}

impl Report {
    fn fault(&mut self, file: PathBuf, offset: Option<u64>, what: &str) {
        self.faults.push(Fault { file, offset, what: what.to_owned(), ..Fault::default() });
    }
}

/// The log as far as it was walked.
struct Walk<'s> {
    report: Report,
    /// Where the whole frames so far end.
    end: End,
    /// False behind damage: then the next frame says where it goes on.
    joined: bool,
    noted: End,
    seen: &'s mut dyn FnMut(StoredRecord),
}

impl Walk<'_> {
    fn segment(&mut self, path: &Path, file: &dyn DiskFile, number: u32, is_tail: bool) -> io::Result<()> {
        self.report.segments += 1;
        match read_head(file)? {
            Ok(head) => {
                if self.joined
                    && let Err(what) = joins(&head, number, self.end)
                {
                    self.report.fault(path.to_owned(), Some(0), what);
                }
                if self.report.log_ids.last() != Some(&head.log_id) {
                    self.report.log_ids.push(head.log_id);
                }
                self.close_gap(head.first_seq);
                self.end = End { seq: head.first_seq.saturating_sub(1), hash: head.hash_before };
                self.joined = true;
            }
            Err(what) => {
                self.report.fault(path.to_owned(), Some(0), what);
                self.joined = false;
            }
        }
        let mut cursor = Cursor::new(file, SEGMENT_HEADER_BYTES as u64, file.size()?);
        loop {
            let offset = cursor.offset();
            let broken = match cursor.next_frame()? {
                Found::End => return Ok(()),
                Found::Whole(head, body) => {
                    if self.joined && head.first_seq != self.end.seq + 1 {
                        let what = "a frame does not go on where the one before it ended";
                        self.report.fault(path.to_owned(), Some(offset), what);
                    } else if self.joined && head.hash_after(&self.end.hash, body) != head.hash {
                        let what = "a frame's running hash is not that of the log";
                        self.report.fault(path.to_owned(), Some(offset), what);
                    }
                    self.close_gap(head.first_seq);
                    self.report.frames += 1;
                    self.report.records += u64::from(head.records);
                    codec::records(&head, body).into_iter().for_each(&mut *self.seen);
                    self.end = End { seq: head.last_seq(), hash: head.hash };
                    self.joined = true;
                    if self.noted.seq == self.end.seq && self.noted.hash != self.end.hash {
                        let what = "the log holds something else than what is known to be durable";
                        self.report.fault(path.to_owned(), Some(offset), what);
                    }
                    continue;
                }
                Found::Broken(broken) => broken,
            };
            if is_tail && self.is_torn(&mut cursor, broken)? {
                self.report.torn_tail = Some((path.to_owned(), offset));
                return Ok(());
            }
            self.broken(path, &mut cursor, offset, broken)?;
        }
    }

    fn is_torn(&self, cursor: &mut Cursor<'_>, broken: Broken) -> io::Result<bool> {
        let (place, next) = (cursor.offset(), self.end.seq + 1);
        if !self.joined {
            return Ok(false);
        }
        // What a running server has not noted yet it may be writing now.
        let torn = match self.report.running {
            true => next > self.noted.seq,
            false => judge(cursor, broken, next, self.noted.seq)? == Verdict::Torn,
        };
        cursor.seek(place);
        Ok(torn)
    }

    /// Reports a broken place and goes on at the next whole frame.
    fn broken(
        &mut self,
        path: &Path,
        cursor: &mut Cursor<'_>,
        offset: u64,
        broken: Broken,
    ) -> io::Result<()> {
        let mut fault = Fault {
            file: path.to_owned(),
            offset: Some(offset),
            what: broken.what().to_owned(),
            seqs: self.joined.then_some((self.end.seq + 1, self.end.seq + 1)),
            ..Fault::default()
        };
        let mut search_from = offset + 1;
        if let Broken::Body(head) = broken {
            let bytes = cursor.bytes(offset, head.frame_bytes() as usize)?;
            let readable = codec::records(&head, bytes.get(FRAME_HEADER_BYTES..).unwrap_or_default());
            fault.entries =
                readable.into_iter().map(|stored| (stored.record.kind, stored.record.document)).collect();
            let documents: BTreeSet<_> = fault.entries.iter().map(|(_, document)| *document).collect();
            fault.documents = documents.into_iter().filter(|document| *document != [0; 16]).collect();
            fault.seqs = Some((head.first_seq, head.last_seq()));
            search_from = offset + head.frame_bytes();
            self.end = End { seq: head.last_seq(), hash: head.hash };
        } else {
            self.joined = false;
        }
        self.report.faults.push(fault);
        let next = cursor.find_whole(search_from)?.map(|(at, _)| at);
        if next != Some(search_from) {
            self.joined = false;
        }
        cursor.seek(next.unwrap_or(cursor.end()));
        Ok(())
    }

    /// Tells the last fault how far it reaches, now that the next record is known.
    fn close_gap(&mut self, next_seq: u64) {
        if self.joined {
            return;
        }
        if let Some(fault) = self.report.faults.last_mut()
            && fault.seqs.is_none_or(|(_, last)| last + 1 < next_seq)
        {
            let first = fault.seqs.map_or(self.end.seq + 1, |(first, _)| first);
            fault.seqs = (first < next_seq).then(|| (first, next_seq - 1));
        }
    }

    fn finish(mut self, tail: &Path) -> Report {
        if self.noted.seq > self.end.seq {
            let lost = Some((self.end.seq + 1, self.noted.seq));
            match self.report.faults.last_mut() {
                Some(fault) if !self.joined => fault.seqs = lost,
                Some(_) | None => self.report.faults.push(Fault {
                    file: tail.to_owned(),
                    what: "the log ends before what is known to be durable".to_owned(),
                    seqs: lost,
                    ..Fault::default()
                }),
            }
        }
        self.report.end_seq = self.end.seq;
        self.report
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use sync_core::kv::Write;

    use crate::store::{EmbeddedStore, Record, Store};

    fn folder() -> (tempfile::TempDir, EmbeddedStore) {
        let data = tempfile::tempdir().unwrap();
        let mut store = EmbeddedStore::create(data.path(), [1; 16]).unwrap();
        for number in 0..50u8 {
            let record = Record { kind: 1, document: [number; 16], key_id: 0, payload: vec![number; 90] };
            store.append(&record.into(), vec![Write::Put(vec![number], vec![number; 30])]).unwrap();
            store.sync().unwrap();
        }
        (data, store)
    }

    #[test]
    fn a_sound_folder_is_sound_beside_a_server_and_without() {
        let (data, store) = folder();
        store.settle_index().unwrap();
        let report = verify(data.path(), &mut |_| {}).unwrap();
        assert!(report.is_sound() && report.running && report.index_rows.is_none());
        drop(store);
        let report = verify(data.path(), &mut |_| {}).unwrap();
        assert_eq!((report.is_sound(), report.running, report.index_rows), (true, false, Some(50)));
        assert_eq!((report.segments, report.frames, report.records, report.end_seq), (1, 50, 50, 50));
        assert_eq!(report.log_ids, [[1; 16]]);
    }

    #[test]
    fn verifying_changes_nothing_in_the_log() {
        let (data, store) = folder();
        drop(store);
        let segment = segment::segment_path(&log_path(data.path()), 1);
        let mut bytes = fs::read(&segment).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 4;
        fs::write(&segment, &bytes).unwrap();
        let report = verify(data.path(), &mut |_| {}).unwrap();
        assert_eq!(report.faults.len(), 1);
        let fault = &report.faults[0];
        let offset = fault.offset.expect("a frame's place is known");
        let frame = bytes.len() as u64 / 50;
        assert!(
            offset <= middle as u64 && middle as u64 - offset <= frame + 1,
            "the frame that has the byte"
        );
        assert_eq!(fault.place(), format!("{} at byte {offset}", segment.display()));
        assert!(fault.file == segment && fault.seqs.is_some());
        assert_eq!(fs::read(&segment).unwrap(), bytes);
    }

    #[test]
    fn a_missing_index_is_no_fault_and_a_folder_without_log_is() {
        let (data, store) = folder();
        drop(store);
        fs::remove_dir_all(index_path(data.path())).unwrap();
        assert!(verify(data.path(), &mut |_| {}).unwrap().is_sound());
        fs::remove_dir_all(log_path(data.path())).unwrap();
        assert!(verify(data.path(), &mut |_| {}).is_err());
        fs::create_dir(log_path(data.path())).unwrap();
        assert!(!verify(data.path(), &mut |_| {}).unwrap().is_sound());
    }
}
