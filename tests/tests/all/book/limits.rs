//! The limits of one thing are those of the code.

use std::fs;

use client_sdk::{engine, roster, session};
use server::import;
use sync_core::document::{deed, schema};
use sync_core::envelope;
use sync_core::exchange::client::outbox;
use sync_core::exchange::{codec, message};
use sync_core::gate::{preparse, shape};

/// The names of the second and third table of the page, with what they are in the code.
fn limits() -> Vec<(&'static str, u64)> {
    let of = |name, limit: usize| (name, limit as u64);
    vec![
        of("MESSAGE_BYTES_MAX", codec::MESSAGE_BYTES_MAX),
        of("ENVELOPE_BYTES_MAX", envelope::ENVELOPE_BYTES_MAX),
        of("CHANGE_BYTES_MAX", preparse::CHANGE_BYTES_MAX),
        ("gate::preparse::ROWS_MAX", preparse::ROWS_MAX),
        of("SLOTS_MAX", shape::SLOTS_MAX),
        of("FIELDS_MAX", shape::FIELDS_MAX),
        of("KEY_BYTES_MAX", preparse::KEY_BYTES_MAX),
        of("TEXT_BYTES_MAX", shape::TEXT_BYTES_MAX),
        of("SLOT_WEIGHT_MAX", shape::SLOT_WEIGHT_MAX),
        of("ENVELOPES_MAX", message::ENVELOPES_MAX),
        of("WITHDRAWALS_MAX", message::WITHDRAWALS_MAX),
        of("REQUEST_SLOT_BYTES_MAX", outbox::REQUEST_SLOT_BYTES_MAX),
        of("ENVELOPE_SLOT_BYTES_MAX", outbox::ENVELOPE_SLOT_BYTES_MAX),
        of("REPLY_BYTES_MAX", message::REPLY_BYTES_MAX),
        ("SNAPSHOT_BYTES_MAX", engine::SNAPSHOT_BYTES_MAX),
        of("STATEMENT_CHARS_MAX", schema::STATEMENT_CHARS_MAX),
        of("PLAIN_STATEMENT_CHARS_MAX", schema::PLAIN_STATEMENT_CHARS_MAX),
        of("NOTE_CHARS_MAX", schema::NOTE_CHARS_MAX),
        of("schema::REASON_CHARS_MAX", schema::REASON_CHARS_MAX),
        of("CRITERION_CHARS_MAX", schema::CRITERION_CHARS_MAX),
        ("schema::MINUTES_MAX", schema::MINUTES_MAX.unsigned_abs()),
        of("SEGMENTS_MAX", schema::SEGMENTS_MAX),
        of("OBSERVATIONS_MAX", deed::OBSERVATIONS_MAX),
        ("schema::FIGURE_MAX", schema::FIGURE_MAX.unsigned_abs()),
        ("schema::SECONDS_MAX", schema::SECONDS_MAX.unsigned_abs()),
        ("TAPS_MAX", schema::TAPS_MAX.unsigned_abs()),
        ("AHEAD_DAYS_MAX", roster::AHEAD_DAYS_MAX.unsigned_abs()),
        of("session::STUDENTS_MAX", session::STUDENTS_MAX),
        ("EVENTS_MAX", session::EVENTS_MAX),
        of("FILE_BYTES_MAX", import::FILE_BYTES_MAX),
        of("import::ROWS_MAX", import::ROWS_MAX),
        of("FIELD_CHARS_MAX", import::FIELD_CHARS_MAX),
        of("EXTERNAL_ID_CHARS_MAX", import::EXTERNAL_ID_CHARS_MAX),
    ]
}

/// Reads the figure that a cell begins with.
fn figure(cell: &str) -> u64 {
    let mut words = cell.trim().split([' ', ',']).filter(|word| !word.is_empty()).peekable();
    let mut digits = String::new();
    while let Some(word) = words.next_if(|word| word.bytes().all(|byte| byte.is_ascii_digit())) {
        digits.push_str(word);
    }
    let unit = match words.next() {
        Some("KiB") => 1 << 10,
        Some("MiB") => 1 << 20,
        _ => 1,
    };
    digits.parse::<u64>().unwrap_or_else(|_| panic!("no figure: {cell}")) * unit
}

#[test]
fn what_one_thing_may_be_is_what_the_code_says() {
    let page = fs::read_to_string(super::top().join(super::CHAPTERS).join("operations/limits.md")).unwrap();
    let told: Vec<(String, u64)> = page
        .lines()
        .filter_map(|line| {
            let cells: Vec<&str> = line.split('|').collect();
            let name = cells.get(3)?.trim().strip_prefix('`')?.strip_suffix('`')?;
            name.ends_with("_MAX").then(|| (name.to_owned(), figure(cells[2])))
        })
        .collect();
    let known: Vec<(String, u64)> =
        limits().into_iter().map(|(name, limit)| (name.to_owned(), limit)).collect();
    assert_eq!(told, known);
}
