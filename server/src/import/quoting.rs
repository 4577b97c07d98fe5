//! Where quote marks and line ends may stand, and on which line and in which field a byte lies.
//!
//! Readers of CSV forgive a lot: a quote mark that is never closed swallows the rest of the file into one
//! field, and one in the middle of a word shifts every comma after it. Forgiven here, such a slip would
//! move values from one student to the next. So the grammar of RFC 4180 is walked once, byte by byte,
//! before any row is read, and a file that does not follow it goes no further.

use super::error::Code;
use super::value::Line;

/// A place in a file: the physical line, and the field of its row counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Spot {
    pub(super) line: Line,
    pub(super) column: u64,
}

/// Returns the first place that RFC 4180 does not allow, and what is wrong there.
pub(super) fn first_fault(bytes: &[u8]) -> Option<(Spot, Code)> {
    let mut walk = Walk::new();
    for (at, byte) in bytes.iter().enumerate() {
        if let Err(code) = walk.step(*byte, bytes.get(at + 1).copied()) {
            return Some((walk.spot, code));
        }
    }
    (walk.state == State::Quoted).then_some((walk.opened, Code::UnclosedQuote))
}

/// Returns the place of the byte at `offset`, as far as the bytes before it can be read as CSV.
pub(super) fn spot_of(bytes: &[u8], offset: usize) -> Spot {
    let mut walk = Walk::new();
    for (at, byte) in bytes.iter().take(offset).enumerate() {
        if walk.step(*byte, bytes.get(at + 1).copied()).is_err() {
            break;
        }
    }
    walk.spot
}

/// Where in a field the walk is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Before its first byte.
    Start,
    /// In one without quote marks.
    Bare,
    /// Between its quote marks.
    Quoted,
    /// Behind a quote mark that closes it, unless another one follows.
    Closed,
}

struct Walk {
    state: State,
    spot: Spot,
    /// Where the last quote mark opened a field: the place to point at if it is never closed.
    opened: Spot,
}

impl Walk {
    fn new() -> Self {
        let spot = Spot { line: Line::new(1), column: 1 };
        Self { state: State::Start, spot, opened: spot }
    }

    fn step(&mut self, byte: u8, next: Option<u8>) -> Result<(), Code> {
        match (self.state, byte) {
            (State::Quoted, b'"') => self.state = State::Closed,
            (State::Quoted, b'\n') => self.spot.line = self.spot.line.next(),
            // A carriage return between quote marks does not blur where the row ends; whoever reads the
            // cell refuses it, together with whatever else is wrong in that row.
            (State::Quoted, _) => {}
            (State::Start, b'"') => {
                self.state = State::Quoted;
                self.opened = self.spot;
            }
            (State::Closed, b'"') => self.state = State::Quoted,
            (State::Bare, b'"') => return Err(Code::StrayQuote),
            (_, b',') => {
                self.state = State::Start;
                self.spot.column += 1;
            }
            (_, b'\n') => {
                self.state = State::Start;
                self.spot = Spot { line: self.spot.line.next(), column: 1 };
            }
            (_, b'\r') if next == Some(b'\n') => {}
            (_, b'\r') => return Err(Code::CarriageReturn),
            (State::Closed, _) => return Err(Code::StrayQuote),
            (State::Start | State::Bare, _) => self.state = State::Bare,
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(text: &str) -> Option<(u64, u64, Code)> {
        first_fault(text.as_bytes()).map(|(spot, code)| (spot.line.get(), spot.column, code))
    }

    #[test]
    fn what_the_grammar_allows_has_no_fault() {
        for text in ["", "a,b\n1,2", "a,b\r\n1,2\r\n", "\"a\",\"b\"\"c\"\n", "\"x\ny\",\"\"\n", ",,\n\n\n"] {
            assert_eq!(fault(text), None, "{text:?}");
        }
    }

    #[test]
    fn faults_are_found_where_they_stand() {
        for (text, expected) in [
            ("a,b\n1,x\"y\n", (2, 2, Code::StrayQuote)),
            ("a,b\n1, \"y\"\n", (2, 2, Code::StrayQuote)),
            ("a,b\n\"x\"y,2\n", (2, 1, Code::StrayQuote)),
            ("a,b\n\"x\n\n\"y,2\n", (4, 1, Code::StrayQuote)),
            ("a,b\n1,\"two\nthree,4\n", (2, 2, Code::UnclosedQuote)),
            ("a,b\r1,2\r", (1, 2, Code::CarriageReturn)),
            ("a,b\n1,\"2\"\rx", (2, 2, Code::CarriageReturn)),
            ("a\n1\r", (2, 1, Code::CarriageReturn)),
        ] {
            assert_eq!(fault(text), Some(expected), "{text:?}");
        }
    }

    #[test]
    fn a_byte_has_its_line_and_field() {
        let text = b"a,b\r\n\"x\n,\",?";
        let spot = spot_of(text, text.len() - 1);
        assert_eq!((spot.line.get(), spot.column), (3, 2));
    }
}
