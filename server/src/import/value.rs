//! The types of single values, and how each is read from a cell's text.
//!
//! Every reader here gets text that is trimmed and not empty, and gives the value or a [`Fault`]. A fault
//! never holds the text: what was meant as a date may be a name that slipped into the next column.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use jiff::civil::Date;
use sync_core::measure::thousandths::Thousandths;
use sync_core::sensitive::Sensitive;
use sync_core::word::UnknownWord;

use super::error::Code;

/// An external id has at most this many characters.
pub const EXTERNAL_ID_CHARS_MAX: usize = 64;
/// The first year that a date may lie in: what is older is a slip of the keyboard.
pub const YEAR_MIN: i16 = 2000;
/// The last year that a date may lie in.
pub const YEAR_MAX: i16 = 2100;

/// A number has at most this many digits before the point.
const WHOLE_DIGITS_MAX: usize = 9;

/// Why a cell is not what its column asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) code: Code,
    pub(super) detail: Option<String>,
}

impl Fault {
    /// Returns a fault whose code says it all.
    pub(super) fn new(code: Code) -> Self {
        Self { code, detail: None }
    }

    /// Returns a fault whose message ends with something of this case. Never the cell's text.
    pub(super) fn with(code: Code, detail: impl fmt::Display) -> Self {
        Self { code, detail: Some(detail.to_string()) }
    }
}

/// A line of a file, counted from 1 with the header.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Line(u64);

impl Line {
    pub(super) fn new(number: u64) -> Self {
        Self(number)
    }

    pub(super) fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }

    /// Returns the number of the line.
    pub fn get(self) -> u64 {
        self.0
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The district's own id of a row: it isn't the id under which the server knows the same thing.
///
/// It is compared letter by letter, has no space (so a name in the wrong column is found out) and no
/// semicolon (which separates ids in a list), and may be shown in messages.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ExternalId(String);

impl ExternalId {
    pub(super) fn parse(text: &str) -> Result<Self, Fault> {
        if text.is_empty() {
            return Err(Fault::new(Code::Required));
        }
        if text.chars().any(|c| c.is_whitespace() || c.is_control() || c == ';') {
            return Err(Fault::new(Code::BadExternalId));
        }
        if text.chars().nth(EXTERNAL_ID_CHARS_MAX).is_some() {
            return Err(Fault::with(Code::TooLong, EXTERNAL_ID_CHARS_MAX));
        }
        Ok(Self(text.to_owned()))
    }

    /// Reads a list separated by semicolons, of at most `most` ids. An id named twice counts once, and an
    /// empty place between two semicolons as nothing.
    pub(super) fn parse_list(text: &str, most: usize) -> Result<BTreeSet<Self>, Fault> {
        let ids = text.split(';').map(str::trim).filter(|id| !id.is_empty()).map(Self::parse);
        let ids = ids.collect::<Result<BTreeSet<_>, _>>()?;
        if ids.len() > most {
            return Err(Fault::with(Code::TooManyIds, most));
        }
        Ok(ids)
    }

    /// Returns the id as the district writes it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ExternalId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Reads a figure.
pub(super) fn figure(text: &str) -> Result<Thousandths, Fault> {
    Thousandths::parse(text).ok_or_else(|| {
        Fault::with(Code::NotANumber, "with at most three digits after the point, and no sign of percent")
    })
}

/// Reads a text of one line.
pub(super) fn one_line(text: &str) -> Result<String, Fault> {
    if text.chars().any(char::is_control) {
        return Err(Fault::new(Code::ControlCharacter));
    }
    Ok(text.to_owned())
}

/// Reads a text of one line that says something about a person.
pub(super) fn sensitive_line(text: &str) -> Result<Sensitive<String>, Fault> {
    one_line(text).map(Sensitive::new)
}

/// Reads a text in people's own words, which may have several lines.
pub(super) fn sensitive_text(text: &str) -> Result<Sensitive<String>, Fault> {
    if text.chars().any(|c| c.is_control() && c != '\n') {
        return Err(Fault::new(Code::ControlCharacter));
    }
    Ok(Sensitive::new(text.to_owned()))
}

/// Reads an e-mail address as far as its shape shows a slip: something, one `@`, something, and no space.
pub(super) fn email(text: &str) -> Result<Sensitive<String>, Fault> {
    let parts = text.split_once('@');
    let whole = parts.is_some_and(|(name, host)| !name.is_empty() && !host.is_empty() && !host.contains('@'));
    if !whole || text.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return Err(Fault::new(Code::BadEmail));
    }
    Ok(Sensitive::new(text.to_owned()))
}

/// Reads one word of a closed list, in any case: spreadsheets and people capitalise `SLP`.
pub(super) fn word<W: FromStr<Err = UnknownWord>>(text: &str) -> Result<W, Fault> {
    let word = text.to_ascii_lowercase().parse();
    word.map_err(|UnknownWord(known)| Fault::with(Code::UnknownWord, known.join(", ")))
}

/// Reads a calendar date. Only `YYYY-MM-DD` is one: 1/5/2026 is May to some and January to others.
pub(super) fn date(text: &str) -> Result<Date, Fault> {
    let as_written =
        |(at, byte): (usize, u8)| if at == 4 || at == 7 { byte == b'-' } else { byte.is_ascii_digit() };
    if text.len() != 10 || !text.bytes().enumerate().all(as_written) {
        return Err(Fault::new(Code::NotADate));
    }
    let date: Date = text.parse().map_err(|_| Fault::new(Code::NotADate))?;
    if !(YEAR_MIN..=YEAR_MAX).contains(&date.year()) {
        return Err(Fault::with(Code::DateOutOfRange, format_args!("{YEAR_MIN} to {YEAR_MAX}")));
    }
    Ok(date)
}

/// Reads a whole number from `min` to `max`.
pub(super) fn whole(text: &str, min: u32, max: u32) -> Result<u32, Fault> {
    if text.len() > WHOLE_DIGITS_MAX || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Fault::with(Code::NotANumber, "in digits alone"));
    }
    let number = text.parse::<u32>().map_err(|_| Fault::with(Code::NotANumber, "in digits alone"))?;
    if !(min..=max).contains(&number) {
        return Err(Fault::with(Code::NumberOutOfRange, format_args!("{min} to {max}")));
    }
    Ok(number)
}

/// Reads `true` or `false`.
pub(super) fn yes_or_no(text: &str) -> Result<bool, Fault> {
    if text.eq_ignore_ascii_case("true") {
        Ok(true)
    } else if text.eq_ignore_ascii_case("false") {
        Ok(false)
    } else {
        Err(Fault::new(Code::NotTrueOrFalse))
    }
}

#[cfg(test)]
mod tests {
    use sync_core::roster::role::Role;
    use sync_core::service::line::Mode;

    use super::*;

    fn code<T: fmt::Debug>(read: Result<T, Fault>) -> Code {
        read.unwrap_err().code
    }

    #[test]
    fn words_are_read_in_any_case_and_what_could_stand_there_is_said() {
        assert_eq!(word("SLP"), Ok(Role::Slp));
        assert_eq!(word("Push-In"), Ok(Mode::PushIn));
        for text in ["", "slpa", "push in", "ſlp"] {
            let refused = word::<Role>(text).unwrap_err();
            let known = "slp, ot, pt, psy, set, cm, para, asst, coord, admin";
            assert_eq!(refused, Fault::with(Code::UnknownWord, known), "{text:?}");
        }
    }

    #[test]
    fn decimals_become_exact_thousandths() {
        for (text, thousandths) in [
            ("0", 0),
            ("80", 80_000),
            ("12.5", 12_500),
            ("0.001", 1),
            ("007.10", 7_100),
            ("-1.5", -1_500),
            ("999999999.999", 999_999_999_999),
        ] {
            assert_eq!(figure(text), Ok(Thousandths(thousandths)), "{text}");
        }
        for text in
            ["", "-", ".5", "5.", "1.2345", "1,5", "80%", "+1", "1e3", "--1", "1000000000", "٣", "1.-5"]
        {
            assert_eq!(code(figure(text)), Code::NotANumber, "{text}");
        }
    }

    #[test]
    fn only_one_way_of_writing_a_date_is_read() {
        assert_eq!(date("2024-02-29").unwrap(), Date::constant(2024, 2, 29));
        for text in [
            "2025-02-29",
            "1/05/2026",
            "2026-9-1",
            "20260901",
            "2026-09-01T00:00",
            "2026-09-0é",
            "-026-09-01",
        ] {
            assert_eq!(code(date(text)), Code::NotADate, "{text}");
        }
        assert!(date("2000-01-01").is_ok() && date("2100-12-31").is_ok());
        assert_eq!(code(date("1999-12-31")), Code::DateOutOfRange);
        assert_eq!(code(date("2101-01-01")), Code::DateOutOfRange);
    }

    #[test]
    fn whole_numbers_stay_within_their_range() {
        assert_eq!((whole("1", 1, 480), whole("480", 1, 480)), (Ok(1), Ok(480)));
        assert_eq!(code(whole("0", 1, 480)), Code::NumberOutOfRange);
        assert_eq!(code(whole("481", 1, 480)), Code::NumberOutOfRange);
        for text in ["", "30.0", "-1", "thirty", "99999999999"] {
            assert_eq!(code(whole(text, 1, 480)), Code::NotANumber, "{text}");
        }
    }

    #[test]
    fn external_ids_are_bounded_and_without_space() {
        assert!(ExternalId::parse(&"é".repeat(EXTERNAL_ID_CHARS_MAX)).is_ok());
        assert_eq!(code(ExternalId::parse(&"é".repeat(EXTERNAL_ID_CHARS_MAX + 1))), Code::TooLong);
        for text in ["Maya Rivera", "a;b", "a\u{a0}b", "a\0", "a\nb"] {
            assert_eq!(code(ExternalId::parse(text)), Code::BadExternalId, "{text:?}");
        }
    }

    #[test]
    fn lists_of_ids_forgive_repetition_and_empty_places_alone() {
        let ids = ExternalId::parse_list("p2; p1;;p2 ;", 2).unwrap();
        assert_eq!(ids.iter().map(ExternalId::as_str).collect::<Vec<_>>(), ["p1", "p2"]);
        assert_eq!(code(ExternalId::parse_list("p1;p2;p3", 2)), Code::TooManyIds);
        assert_eq!(code(ExternalId::parse_list("p1,p 2", 2)), Code::BadExternalId);
    }

    #[test]
    fn texts_addresses_and_truth() {
        assert!(one_line("=1+1").is_ok() && sensitive_text("a\nb").is_ok());
        assert_eq!(code(one_line("a\nb")), Code::ControlCharacter);
        assert_eq!(code(sensitive_text("a\0b")), Code::ControlCharacter);
        assert!(email("m.rivera@oak.example").is_ok());
        for text in ["m.rivera", "@oak", "m@", "a@b@c", "a b@c"] {
            assert_eq!(code(email(text)), Code::BadEmail, "{text}");
        }
        assert_eq!((yes_or_no("TRUE"), yes_or_no("false")), (Ok(true), Ok(false)));
        assert_eq!(code(yes_or_no("yes")), Code::NotTrueOrFalse);
    }
}
