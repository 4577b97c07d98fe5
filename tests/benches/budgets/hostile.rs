//! The most that one hostile change can cost at the gate.
//!
//! Each case runs in a process of its own, this same program started again, so that the most memory that the system ever gave to it is
//! that of the case alone. Time is the longest of the cases' medians.

use std::fs;
use std::io::{Write as _, stdout};
use std::path::Path;
use std::process::Command;

use sync_core::document::change::{Position, encode};
use sync_core::document::founding::{containers_of, founding_of};
use sync_core::document::name::DocumentKind;
use sync_core::document::slot::{Fields, Slot, SlotKey, Value};
use sync_core::gate::preparse::{CHANGE_BYTES_MAX, KEY_BYTES_MAX, ROWS_MAX};
use sync_core::gate::shape::{FIELDS_MAX, SLOTS_MAX, TEXT_BYTES_MAX, shape_change};
use sync_core::gate::trial::mutate::seal;
use sync_core::ids::{DeviceId, DocumentId, PersonId};
use sync_core::time::Moment;
use ulid::Ulid;

use crate::measure::{Failed, RUNS, median, micros, timed};
use crate::report::{Bound, Row, show};

/// The word with which this program starts itself for one case.
pub const CHILD: &str = "hostile-child";

const DOCUMENT: DocumentId = DocumentId([7; 16]);
const MEMBER: PersonId = PersonId([1; 16]);
const DEVICE: DeviceId = DeviceId([0xd1; 16]);

/// What a case cost.
struct Cost {
    name: &'static str,
    ms: f64,
    mib: f64,
}

/// Measures the rows of hostile changes.
pub fn measure() -> Result<Vec<Row>, Failed> {
    let folder = tempfile::tempdir()?;
    let mut costs = Vec::new();
    for (name, bytes) in cases()? {
        let file = folder.path().join(name.replace(' ', "-"));
        fs::write(&file, bytes)?;
        costs.push(run(name, &file)?);
    }
    let slowest = costs.iter().max_by(|one, other| one.ms.total_cmp(&other.ms)).ok_or("no case")?;
    let largest = costs.iter().max_by(|one, other| one.mib.total_cmp(&other.mib)).ok_or("no case")?;
    Ok(vec![
        Row::absolute("16", "hostile change, longest time at the gate", slowest.ms, " ms")
            .bounds(Bound::AtMost(50.0), Bound::AtMost(5.0))
            .note(format!("the longest of {} cases: {}", costs.len(), slowest.name)),
        Row::absolute("16", "hostile change, most memory at the gate", largest.mib, " MiB")
            .bounds(Bound::AtMost(16.0), Bound::AtMost(4.0))
            .note(format!("resident beyond an idle process: {}; each: {}", largest.name, all(&costs))),
    ])
}

fn all(costs: &[Cost]) -> String {
    let each =
        costs.iter().map(|cost| format!("{} {} {}", cost.name, show(cost.ms, " ms"), show(cost.mib, " MiB")));
    each.collect::<Vec<_>>().join(", ")
}

fn run(name: &'static str, file: &Path) -> Result<Cost, Failed> {
    let output = Command::new(std::env::current_exe()?).arg(CHILD).arg(file).output()?;
    let text = String::from_utf8(output.stdout)?;
    match text.split_whitespace().map(str::parse).collect::<Result<Vec<f64>, _>>()?[..] {
        [us, kib] => Ok(Cost { name, ms: us / 1e3, mib: kib / 1024.0 }),
        _ => Err(format!("the case `{name}` did not come through").into()),
    }
}

/// Hands one change to the gate, and prints the microseconds and the KiB that it took at most.
pub fn child(file: &str) -> Result<(), Failed> {
    let bytes = fs::read(file)?;
    let containers = containers_of(DocumentKind::Log, DOCUMENT);
    let before = most_resident_kib()?;
    let mut times = Vec::new();
    for _ in 0..RUNS {
        let (time, _) = timed(|| Ok(shape_change(&bytes, &containers, MEMBER, DEVICE).is_ok()))?;
        times.push(micros(time));
    }
    writeln!(stdout().lock(), "{} {}", median(&times), most_resident_kib()? - before)?;
    Ok(())
}

fn most_resident_kib() -> Result<u64, Failed> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).ok_or("the system does not say")?;
    Ok(line.split_whitespace().nth(1).ok_or("the system does not say")?.parse()?)
}

/// Returns the cases by name: honest changes of the largest size, and columns that claim as much as they may and more.
fn cases() -> Result<Vec<(&'static str, Vec<u8>)>, Failed> {
    let text = |length: usize| Value::from("x".repeat(length));
    let small =
        |number| slot(number, (0..9u8).map(|at| (format!("f{at}"), Value::from(i64::from(at)))).collect());
    let wide =
        |number| slot(number, (0..FIELDS_MAX).map(|at| (format!("{at:0>95}"), Value::from(1))).collect());
    let long = |number| slot(number, Fields::from([("note".to_owned(), text(TEXT_BYTES_MAX))]));
    let most = ROWS_MAX.cast_signed();
    let key = [leb(KEY_BYTES_MAX as u64), vec![b'k'; KEY_BYTES_MAX]].concat();
    let columns = |action: u8, key: &[u8]| {
        let one = |value: &[u8]| run_of(most, value);
        columns(&[
            (0x01, one(&[0])),
            (0x02, one(&[4])),
            (0x15, run_of(most, key)),
            (0x34, leb(ROWS_MAX)),
            (0x42, one(&[action])),
            (0x56, one(&[0])),
            (0x57, Vec::new()),
            (0x70, one(&[0])),
        ])
    };
    Ok(vec![
        ("most slots", change((0..SLOTS_MAX as u128 / 2).map(small))?),
        ("longest names", change((0..30).map(wide))?),
        ("longest texts", change((0..15).map(long))?),
        ("most maps of one byte", seal(&columns(0, &[1, b'k']))),
        ("most maps with long keys", seal(&columns(0, &key))),
        ("most values with long keys", seal(&columns(1, &key))),
        ("a run beyond all rows", seal(&self::columns(&[(0x42, run_of(i64::MAX, &[0]))]))),
        ("zeros of the largest size", vec![0; CHANGE_BYTES_MAX]),
        ("a column of the largest size", seal(&self::columns(&[(0x15, vec![0; CHANGE_BYTES_MAX - 256])]))),
    ])
}

fn slot(number: u128, fields: Fields) -> Slot {
    Slot { container: "observations".to_owned(), key: SlotKey::new(MEMBER, Ulid::from(number)), fields }
}

fn change(slots: impl Iterator<Item = Slot>) -> Result<Vec<u8>, Failed> {
    let founding = founding_of(DocumentKind::Log, DOCUMENT).pop().ok_or("a document without founding")?;
    let position = Position::next(DEVICE.0, None, &[founding.hash], founding.max_op, Moment(1_000));
    let slots: Vec<Slot> = slots.collect();
    Ok(encode(&containers_of(DocumentKind::Log, DOCUMENT), &position, &slots)?.bytes)
}

/// The data of a change with these columns, written by one actor that names the founder.
fn columns(columns: &[(u32, Vec<u8>)]) -> Vec<u8> {
    let mut data = vec![0, 16];
    data.extend(DEVICE.0);
    data.extend([1, 1, 0, 0, 1, 16]);
    data.extend(containers_of(DocumentKind::Log, DOCUMENT).founder);
    data.extend(leb(columns.len() as u64));
    for (spec, column) in columns {
        data.extend([leb(u64::from(*spec)), leb(column.len() as u64)].concat());
    }
    data.extend(columns.iter().flat_map(|(_, column)| column.clone()));
    data
}

/// A run of `count` times the value with these bytes.
fn run_of(count: i64, value: &[u8]) -> Vec<u8> {
    let (mut count, mut out) = (count, Vec::new());
    while !(-0x40..0x40).contains(&count) {
        out.push((count & 0x7f) as u8 | 0x80);
        count >>= 7;
    }
    out.push((count & 0x7f) as u8);
    [out, value.to_vec()].concat()
}

fn leb(mut value: u64) -> Vec<u8> {
    let mut out = Vec::new();
    while value >= 0x80 {
        out.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
    out
}
