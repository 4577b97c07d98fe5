//! One tap of a live session on the tablet, against a bare insert into a file of the same kind.
//!
//! A tap is what an app on the tablet does with one: the session is found as it was written down, the event noted behind the last one, and
//! the commit synced. All taps are of one session, which becomes longer than a lesson of two hours with a tap every four seconds.
//! Both files lie on the same disk, and the two write by turns, so that whatever else the disk does hits both.

use client_sdk::session::{Event, Start, Student, begin, happened};
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
    let live = session(&store)?;
    for number in 0..TAPS {
        let start = now();
        happened(&store, live, &Event::Tap { student: STUDENT, goal: goal(), n: 1 })?;
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
                "in one live session of {TAPS} taps; against a bare insert in the same mode, write-ahead log and a sync each; p50 {} against {}",
                show(median(&kept), " µs"),
                show(median(&inserted), " µs")
            )),
    ])
}

/// Begins the live session.
fn session(store: &Store) -> Result<LiveId, Trouble> {
    let student = Student { id: STUDENT, service: None, roles: [Role::Slp].into() };
    let start = Start {
        seed: [7; 16],
        students: vec![student],
        mode: "push-in".into(),
        place: "general-class".into(),
        routine: None,
        at: Moment(1_787_576_400_000),
    };
    store.update(|_| {
        let mut writes = Writes::new();
        let live = begin(&mut writes, start);
        Ok::<_, Trouble>((writes, live))
    })
}

fn goal() -> SlotKey {
    SlotKey::new(PersonId([1; 16]), Ulid::from(1_u128))
}
