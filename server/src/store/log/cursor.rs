//! Walks over the frames of one segment file.

use std::io;

use super::codec::{FRAME_HEADER_BYTES, FRAME_MAGIC, FrameHead};
use crate::store::disk::DiskFile;

/// How much is read ahead at once, in bytes.
pub(crate) const READ_AHEAD_BYTES: usize = 1024 * 1024;

/// What stands at a place.
#[derive(Debug)]
pub(crate) enum Found<'a> {
    /// The file's end.
    End,
    /// A frame that matches its checksums.
    Whole(FrameHead, &'a [u8]),
    /// Something else.
    Broken(Broken),
}

/// How a frame is broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Broken {
    /// The file ends inside the header.
    HeaderCut,
    /// The header is not one.
    Header,
    /// The header is right, and the file ends inside the body.
    BodyCut(FrameHead),
    /// The header is right, all bytes are there, and the body does not match its checksum.
    Body(FrameHead),
}

impl Broken {
    /// Says it in words.
    pub fn what(&self) -> &'static str {
        match self {
            Broken::HeaderCut => "the file ends inside a frame's header",
            Broken::Header => "a frame's header does not match its checksum",
            Broken::BodyCut(_) => "the file ends inside a frame",
            Broken::Body(_) => "a frame's records do not match their checksum",
        }
    }
}

/// Reads a file's frames from a place to an end, through a window of bytes.
pub(crate) struct Cursor<'a> {
    file: &'a dyn DiskFile,
    offset: u64,
    end: u64,
    ahead: usize,
    window: Vec<u8>,
    window_at: u64,
}

impl<'a> Cursor<'a> {
    /// Starts at `offset` in a file that is looked at up to `end`.
    pub fn new(file: &'a dyn DiskFile, offset: u64, end: u64) -> Self {
        Cursor { file, offset, end, ahead: READ_AHEAD_BYTES, window: Vec::new(), window_at: offset }
    }

    /// Reads no more ahead than this.
    pub fn reading_ahead(mut self, bytes: usize) -> Self {
        self.ahead = bytes.min(READ_AHEAD_BYTES);
        self
    }

    /// Where the next frame begins.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// Where the bytes looked at end.
    pub fn end(&self) -> u64 {
        self.end
    }

    /// Goes on at another place.
    pub fn seek(&mut self, offset: u64) {
        self.offset = offset;
    }

    /// Looks at the next place, and goes on behind it if a whole frame stands there.
    pub fn next_frame(&mut self) -> io::Result<Found<'_>> {
        let (at, rest) = (self.offset, self.end.saturating_sub(self.offset));
        if rest == 0 {
            return Ok(Found::End);
        }
        if rest < FRAME_HEADER_BYTES as u64 {
            return Ok(Found::Broken(Broken::HeaderCut));
        }
        let Some(head) = FrameHead::decode(self.bytes(at, FRAME_HEADER_BYTES)?) else {
            return Ok(Found::Broken(Broken::Header));
        };
        if rest < head.frame_bytes() {
            return Ok(Found::Broken(Broken::BodyCut(head)));
        }
        let frame_bytes = head.frame_bytes() as usize;
        // Borrowed twice on purpose: the window must not be moved while its bytes are handed out.
        if !head.covers(self.bytes(at, frame_bytes)?.get(FRAME_HEADER_BYTES..).unwrap_or_default()) {
            return Ok(Found::Broken(Broken::Body(head)));
        }
        self.offset = at + head.frame_bytes();
        let body = self.bytes(at, frame_bytes)?.get(FRAME_HEADER_BYTES..).unwrap_or_default();
        Ok(Found::Whole(head, body))
    }

    /// Finds the next place from `from` on where a whole frame begins, and its header.
    pub fn find_whole(&mut self, from: u64) -> io::Result<Option<(u64, FrameHead)>> {
        let mut at = from;
        while at + (FRAME_HEADER_BYTES as u64) <= self.end {
            let chunk = self.bytes(at, READ_AHEAD_BYTES.min((self.end - at) as usize))?;
            let hit = chunk.windows(FRAME_MAGIC.len()).position(|window| window == FRAME_MAGIC);
            let Some(hit) = hit else {
                // The last three bytes may begin a magic that the next chunk completes.
                at += (chunk.len() - (FRAME_MAGIC.len() - 1)) as u64;
                continue;
            };
            at += hit as u64;
            self.offset = at;
            if let Found::Whole(head, _) = self.next_frame()? {
                return Ok(Some((at, head)));
            }
            at += 1;
        }
        Ok(None)
    }

    /// Returns `len` bytes from `from`, which the caller knows to lie before the end.
    pub fn bytes(&mut self, from: u64, len: usize) -> io::Result<&[u8]> {
        let inside = from >= self.window_at && from + len as u64 <= self.window_at + self.window.len() as u64;
        if !inside {
            let want = len.max(self.ahead).min(self.end.saturating_sub(from) as usize);
            self.window.resize(want, 0);
            self.window_at = from;
            let read = self.file.read_at(&mut self.window, from)?;
            self.window.truncate(read);
        }
        let start = (from - self.window_at) as usize;
        self.window.get(start..start + len).ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
    }
}
