//! A cursor as text, for the header that a snapshot comes with.

use crate::exchange::codec;
use crate::exchange::message::Cursor;

/// Bytes of a cursor, at the most.
const CURSOR_BYTES_MAX: usize = 128;

impl Cursor {
    /// Returns its bytes in hexadecimal.
    pub fn to_text(&self) -> String {
        codec::to_bytes(self).iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// Reads what [`to_text`](Self::to_text) wrote; none where it is something else.
    pub fn from_text(text: &str) -> Option<Self> {
        let digits = text.bytes().all(|byte| byte.is_ascii_hexdigit());
        if !digits || !text.len().is_multiple_of(2) || text.len() > 2 * CURSOR_BYTES_MAX {
            return None;
        }
        let byte = |at| text.get(at..at + 2).and_then(|pair| u8::from_str_radix(pair, 16).ok());
        let bytes: Option<Vec<u8>> = (0..text.len()).step_by(2).map(byte).collect();
        codec::from_bytes(&bytes?).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::LogId;

    #[test]
    fn a_cursor_goes_through_a_header_and_nothing_else_is_taken_for_one() {
        let cursor = Cursor { log: LogId([3; 16]), seq: u64::MAX, running: [0xfe; 8], keyed: [7; 16] };
        let text = cursor.to_text();
        assert_eq!(Cursor::from_text(&text), Some(cursor));
        for end in 0..text.len() {
            assert_eq!(Cursor::from_text(&text[..end]), None, "{end}");
        }
        let long = "00".repeat(CURSOR_BYTES_MAX + 1);
        for other in [&format!("{text}00"), &text.replace('f', "g"), "\u{e9}\u{e9}", "+1-1", &long] {
            assert_eq!(Cursor::from_text(other), None, "{other}");
        }
    }
}
