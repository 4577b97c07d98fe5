//! One tap kept on the tablet, against a bare insert into a file of the same kind.
//!
//! Both files lie on the same disk, and the two write by turns, so that whatever else the disk does hits both.

use client_sdk::store::{Store, StoreError, Table, Writes};
use rusqlite::{Connection, params};

use crate::measure::{Failed, median, micros, now, quantile};
use crate::report::{Bound, Row, show};

/// Taps that are kept, one after the other.
const TAPS: u64 = 2_000;
/// Taps of one live session.
const TAPS_PER_SESSION: u64 = 200;

/// Measures the row of the tap.
pub fn measure() -> Result<Vec<Row>, Failed> {
    let folder = tempfile::tempdir()?;
    let store = Store::open(&folder.path().join("tablet"))?;
    let bare = Connection::open(folder.path().join("bare.db"))?;
    bare.pragma_update(None, "journal_mode", "WAL")?;
    bare.pragma_update(None, "synchronous", "FULL")?;
    bare.execute_batch("CREATE TABLE taps (key BLOB PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID")?;
    let (mut kept, mut inserted) = (Vec::new(), Vec::new());
    for number in 0..TAPS {
        let (key, value) = tap(number);
        let start = now();
        store.update(|_| {
            let mut writes = Writes::new();
            writes.put(Table::Journal, key.clone(), value.clone());
            Ok::<_, StoreError>((writes, ()))
        })?;
        kept.push(micros(start.elapsed()));
        let start = now();
        bare.prepare_cached("INSERT INTO taps (key, value) VALUES (?1, ?2)")?.execute(params![key, value])?;
        inserted.push(micros(start.elapsed()));
    }
    let p99 = |times: &[f64]| quantile(times, 0.99);
    Ok(vec![
        Row::ratio("17", "a tap durable on the tablet, p99", p99(&kept), p99(&inserted), " µs")
            .bounds(Bound::AtMost(2.0), Bound::AtMost(1.2))
            .note(format!(
                "against a bare insert in the same mode, write-ahead log and a sync each; p50 {} against {}",
                show(median(&kept), " µs"),
                show(median(&inserted), " µs")
            )),
    ])
}

/// An event of a live session: which session, the how manyeth, and what was tapped when.
fn tap(number: u64) -> (Vec<u8>, Vec<u8>) {
    let session = (number / TAPS_PER_SESSION).to_be_bytes();
    let key = [session.as_slice(), &session, &number.to_be_bytes()].concat();
    (key, format!("{{\"tap\":\"correct\",\"of\":{number},\"at\":1787576400000}}").into_bytes())
}
