//! One tap of a live session on the tablet, against a bare insert into a file of the same kind.
//!
//! A tap is what the program does with one: the session is read back as it was written down, the event noted, and the commit synced.
//! Both files lie on the same disk, and the two write by turns, so that whatever else the disk does hits both.

use client_sdk::session::{Event, Journal, Start, Student, begin, note};
use client_sdk::store::{Store, Writes};
use client_sdk::trouble::Trouble;
use rusqlite::{Connection, params};
use sync_core::document::slot::SlotKey;
use sync_core::ids::{LiveId, PersonId, StudentId};
use sync_core::roster::role::Role;
use sync_core::time::Moment;
use ulid::Ulid;

use crate::measure::{Failed, median, micros, now, quantile};
use crate::report::{Bound, Row, show};

/// Taps that are kept, one after the other.
const TAPS: u64 = 2_000;
/// Taps of one live session.
const TAPS_PER_SESSION: u64 = 200;
/// Bytes of an event as it is written down, about.
const EVENT_BYTES: usize = 96;
const STUDENT: StudentId = StudentId([7; 16]);

/// Measures the row of the tap.
pub fn measure() -> Result<Vec<Row>, Failed> {
    let folder = tempfile::tempdir()?;
    let store = Store::open(&folder.path().join("tablet"))?;
    let bare = Connection::open(folder.path().join("bare.db"))?;
    bare.pragma_update(None, "journal_mode", "WAL")?;
    bare.pragma_update(None, "synchronous", "FULL")?;
    bare.execute_batch("CREATE TABLE taps (key BLOB PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID")?;
    let (mut kept, mut inserted) = (Vec::new(), Vec::new());
    let mut live = session(&store, 0)?;
    for number in 0..TAPS {
        if number > 0 && number % TAPS_PER_SESSION == 0 {
            live = session(&store, number)?;
        }
        let start = now();
        store.update(|state| {
            let mut writes = Writes::new();
            let mut live = Journal(state).meant(Some(live))?;
            note(&mut writes, &mut live, Event::Tap { student: STUDENT, goal: goal(), n: 1 })?;
            Ok::<_, Trouble>((writes, ()))
        })?;
        kept.push(micros(start.elapsed()));
        let (key, value) = (number.to_be_bytes(), [0x5a_u8; EVENT_BYTES]);
        let start = now();
        bare.prepare_cached("INSERT INTO taps (key, value) VALUES (?1, ?2)")?.execute(params![key, value])?;
        inserted.push(micros(start.elapsed()));
    }
    let p99 = |times: &[f64]| quantile(times, 0.99);
    Ok(vec![
        Row::ratio("17", "a tap durable on the tablet, p99", p99(&kept), p99(&inserted), " µs")
            .bounds(Bound::AtMost(2.0), Bound::AtMost(1.2))
            .note(format!(
                "in a live session of up to {TAPS_PER_SESSION} taps, which is read back each time; against a bare insert in the same mode, \
                 write-ahead log and a sync each; p50 {} against {}",
                show(median(&kept), " µs"),
                show(median(&inserted), " µs")
            )),
    ])
}

/// Begins another live session.
fn session(store: &Store, number: u64) -> Result<LiveId, Trouble> {
    let mut seed = [0; 16];
    seed[..8].copy_from_slice(&number.to_be_bytes());
    let student = Student { id: STUDENT, service: None, roles: [Role::Slp].into() };
    let start = Start {
        seed,
        students: vec![student],
        mode: "push-in".into(),
        place: "general-class".into(),
        routine: None,
        at: Moment(1_787_576_400_000),
    };
    store.update(|_| {
        let mut writes = Writes::new();
        let live = begin(&mut writes, &start);
        Ok::<_, Trouble>((writes, live))
    })
}

fn goal() -> SlotKey {
    SlotKey::new(PersonId([1; 16]), Ulid::from(1_u128))
}
