//! From the bytes of one file to a table of typed rows.
//!
//! ```text
//! bytes --size, UTF-8, quoting--> text --header--> columns --each line--> cells --Row::read--> rows
//! ```
//!
//! What breaks the file's frame (encoding, quoting, a missing column) ends the reading of this file alone.
//! What is wrong with one row is listed, and the next row is read.

use std::collections::BTreeMap;

use csv::{Reader, ReaderBuilder, StringRecord};

use super::cell::{Cells, Column, Reported};
use super::error::{Code, Errors, ImportError};
use super::quoting::{first_fault, spot_of};
use super::value::{ExternalId, Line};

/// A file has at most this many bytes (32 MiB): a large district's goals are less than half of it.
pub const FILE_BYTES_MAX: usize = 32 * 1024 * 1024;
/// A file has at most this many rows, header and empty ones aside.
pub const ROWS_MAX: usize = 200_000;
/// A field has at most this many characters; most columns allow fewer.
pub const FIELD_CHARS_MAX: usize = 2_000;

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";
/// How UTF-16 begins, which spreadsheets call "Unicode text".
const UTF16_MARKS: [&[u8]; 2] = [b"\xff\xfe", b"\xfe\xff"];

/// A kind of row: its file, its columns, and how one is read.
pub(super) trait Row: Sized {
    /// The file's name.
    const FILE: &'static str;
    /// The columns that the file may have.
    const COLUMNS: &'static [Column];
    /// The column that tells rows apart, where there is one.
    const ID: Option<Column>;

    /// Reads one row, reporting whatever is wrong in it.
    fn read(cells: &mut Cells<'_>) -> Result<Self, Reported>;
}

/// The rows of one file.
pub(super) struct Table<R> {
    pub(super) rows: Vec<R>,
    /// The first line of every external id, rows that are wrong in another cell included: a reference to
    /// such a row is no second error.
    pub(super) ids: BTreeMap<ExternalId, Line>,
    /// Whether `ids` has them all. Where part of the file could not be read, a reference that leads
    /// nowhere may lead there, and is not reported.
    pub(super) complete: bool,
    header: Header,
}

impl<R: Row> Table<R> {
    /// Returns an error about one cell of this file.
    pub(super) fn error(&self, line: Line, column: &Column, code: Code) -> ImportError {
        ImportError::at(R::FILE, line, self.header.number(column), code).in_column(column.name)
    }
}

/// Reads the rows of `R`'s file. A file that is missing is an empty table.
pub(super) fn read_table<R: Row>(files: &BTreeMap<String, Vec<u8>>, errors: &mut Errors) -> Table<R> {
    let mut table =
        Table { rows: Vec::new(), ids: BTreeMap::new(), complete: true, header: Header::default() };
    if let Some(bytes) = files.get(R::FILE)
        && let Err(Reported) = fill(&mut table, bytes, errors)
    {
        table.complete = false;
    }
    table
}

fn fill<R: Row>(table: &mut Table<R>, bytes: &[u8], errors: &mut Errors) -> Result<(), Reported> {
    let mut records = Records::open(R::FILE, bytes, errors)?;
    let Some(line) = records.advance(errors)? else {
        let error = ImportError::at(R::FILE, Line::new(1), 0, Code::MissingHeader);
        return Err(errors.report(error.with(names::<R>())));
    };
    table.header = Header::read::<R>(&records.record, line, errors)?;
    let mut rows = 0;
    while let Some(line) = records.advance(errors)? {
        if records.record.iter().all(|cell| cell.trim().is_empty()) {
            continue;
        }
        rows += 1;
        if rows > ROWS_MAX {
            let error = ImportError::at(R::FILE, line, 0, Code::TooManyRows);
            return Err(errors.report(error.with(ROWS_MAX.to_string())));
        }
        read_row(table, &records.record, line, errors);
    }
    Ok(())
}

fn read_row<R: Row>(table: &mut Table<R>, record: &StringRecord, line: Line, errors: &mut Errors) {
    let width = table.header.width;
    if record.len() != width {
        let detail = format!("{} here, {width} in the header", record.len());
        errors.push(ImportError::at(R::FILE, line, 0, Code::RaggedRow).with(detail));
        table.complete = false;
        return;
    }
    let mut cells = Cells { file: R::FILE, header: &table.header, record, line, errors };
    if let Some(column) = R::ID {
        match ExternalId::parse(cells.text(&column)) {
            // What is wrong with the id itself is said by the row.
            Err(_) => table.complete = false,
            Ok(id) => {
                let first = *table.ids.entry(id).or_insert(line);
                if first != line {
                    let error =
                        ImportError::at(R::FILE, line, table.header.number(&column), Code::DuplicateId);
                    cells.errors.push(error.in_column(column.name).with(first.to_string()));
                }
            }
        }
    }
    if let Ok(row) = R::read(&mut cells) {
        table.rows.push(row);
    }
}

fn names<R: Row>() -> String {
    R::COLUMNS.iter().map(|column| column.name).collect::<Vec<_>>().join(", ")
}

/// Which column stands where.
#[derive(Debug, Default)]
pub(super) struct Header {
    indexes: BTreeMap<&'static str, usize>,
    width: usize,
}

impl Header {
    /// Returns the place of a column in each record, counted from 0.
    pub(super) fn index(&self, column: &Column) -> Option<usize> {
        self.indexes.get(column.name).copied()
    }

    /// Returns the number of a column as people count, from 1; 0 where the file does not have it.
    pub(super) fn number(&self, column: &Column) -> u64 {
        self.index(column).map_or(0, number_of)
    }

    fn read<R: Row>(record: &StringRecord, line: Line, errors: &mut Errors) -> Result<Self, Reported> {
        let column_named = |name: &str| R::COLUMNS.iter().find(|column| column.name == name.trim());
        if !record.iter().any(|name| column_named(name).is_some()) {
            // Other separators leave the whole line in one field. Otherwise this is a row: of people, maybe,
            // and so nothing of it is repeated.
            let separated = record.len() == 1 && record.iter().any(|name| name.contains([';', '\t']));
            let code = if separated { Code::WrongSeparator } else { Code::MissingHeader };
            let error = ImportError::at(R::FILE, line, 0, code);
            return Err(errors.report(if separated { error } else { error.with(names::<R>()) }));
        }
        let mut header = Self { indexes: BTreeMap::new(), width: record.len() };
        let mut usable = Ok(());
        for (index, name) in record.iter().enumerate() {
            let error = |code| ImportError::at(R::FILE, line, number_of(index), code);
            match column_named(name) {
                None => errors.push(error(Code::UnknownColumn).with(names::<R>())),
                Some(column) => {
                    if header.indexes.insert(column.name, index).is_some() {
                        usable = Err(errors.report(error(Code::DuplicateColumn).in_column(column.name)));
                    }
                }
            }
        }
        for column in R::COLUMNS.iter().filter(|column| column.filled) {
            if header.index(column).is_none() {
                let error = ImportError::at(R::FILE, line, 0, Code::MissingColumn);
                usable = Err(errors.report(error.in_column(column.name)));
            }
        }
        usable.map(|()| header)
    }
}

fn number_of(index: usize) -> u64 {
    u64::try_from(index).unwrap_or(u64::MAX).saturating_add(1)
}

/// The records of a file, one after the other, each with the line that it begins on.
struct Records<'a> {
    file: &'static str,
    text: &'a [u8],
    reader: Reader<&'a [u8]>,
    record: StringRecord,
    /// How far lines are counted, and which line that is.
    counted: (usize, Line),
}

impl<'a> Records<'a> {
    /// Checks size, encoding and quoting.
    fn open(file: &'static str, bytes: &'a [u8], errors: &mut Errors) -> Result<Self, Reported> {
        if bytes.len() > FILE_BYTES_MAX {
            let error = ImportError::of_file(file, Code::FileTooLarge);
            return Err(errors.report(error.with(FILE_BYTES_MAX.to_string())));
        }
        let text = bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(bytes);
        if let Err(fault) = std::str::from_utf8(text) {
            let spot = spot_of(text, fault.valid_up_to());
            let error = ImportError::at(file, spot.line, spot.column, Code::NotUtf8);
            let utf16 = UTF16_MARKS.iter().any(|mark| bytes.starts_with(mark));
            return Err(errors.report(if utf16 { error.with("it looks like UTF-16") } else { error }));
        }
        if let Some((spot, code)) = first_fault(text) {
            return Err(errors.report(ImportError::at(file, spot.line, spot.column, code)));
        }
        let reader = ReaderBuilder::new().has_headers(false).flexible(true).from_reader(text);
        Ok(Self { file, text, reader, record: StringRecord::new(), counted: (0, Line::new(1)) })
    }

    /// Reads the next record, and returns the line that it begins on; none at the end. Lines without any
    /// byte are skipped.
    fn advance(&mut self, errors: &mut Errors) -> Result<Option<Line>, Reported> {
        let read = self.reader.read_record(&mut self.record).map_err(|_| {
            // The one fault that a reader of bytes in memory knows is encoding, and the whole was checked.
            errors.report(ImportError::at(self.file, self.counted.1, 0, Code::NotUtf8))
        })?;
        if !read {
            return Ok(None);
        }
        let start = self.record.position().map_or(0, csv::Position::byte);
        Ok(Some(self.line_at(usize::try_from(start).unwrap_or(usize::MAX))))
    }

    /// Returns the line of the record that the reader began to look for at byte `start`. The reader may
    /// count the end of the line before as part of a record, so line ends from there on are passed over.
    fn line_at(&mut self, start: usize) -> Line {
        let (mut at, mut line) = self.counted;
        while let Some(byte) = self.text.get(at) {
            if at >= start && !matches!(byte, b'\r' | b'\n') {
                break;
            }
            if *byte == b'\n' {
                line = line.next();
            }
            at += 1;
        }
        self.counted = (at, line);
        line
    }
}
