//! Opening after a kill, with a million changes in the log; and what it costs to say that there is nothing new among them.

use std::time::Duration;

use sync_core::document::change::Position;
use sync_core::ids::PersonId;
use sync_core::roster::role::Role;
use sync_core::time::Moment;

use crate::idle::{self, Idle};
use crate::measure::{Failed, median, now};
use crate::program::Program;
use crate::records::{Author, FIRST_DAY_MS};
use crate::report::{Bound, Row, show};
use crate::school::School;
use crate::wire::Connection;

/// Students: those of the tablet that asks whether there is anything new, and others.
const STUDENTS: u64 = idle::STUDENTS + 400;
/// Changes of each of the others; with those of the tablet that asks there are a million.
const EACH_OF_OTHERS: usize = 1_000;
const RUNS: usize = 3;
/// Who wrote the changes: somebody without a device here.
const AUTHOR: [u8; 16] = [9; 16];

/// Measures the row of opening.
pub fn measure() -> Result<Vec<Row>, Failed> {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?.block_on(opening())
}

async fn opening() -> Result<Vec<Row>, Failed> {
    let mut school = School::found(STUDENTS).await?;
    let mut tablet = school.hire(Role::Slp, 0..STUDENTS).await?;
    let idle = school.hire(Role::Ot, 0..idle::STUDENTS).await?;
    let mut of_automerge = 0.0;
    let mut author = Author::new(PersonId(AUTHOR), "slp", 1);
    for number in 0..STUDENTS {
        let name = school.log_of(number);
        let state = school.engine.index().document(name.id())?.ok_or("the document was not founded")?;
        let mut position =
            Position::next(AUTHOR, None, &state.head_hashes(), state.max_op, Moment(FIRST_DAY_MS));
        let each = if number < idle::STUDENTS { idle::OBSERVATIONS } else { EACH_OF_OTHERS };
        let changes = author.changes(&name, &mut position, each)?;
        if number == 0 {
            of_automerge = idle::of_automerge(&name, &changes)?;
        }
        school.write(&name, changes.into_iter().map(|change| change.bytes).collect()).await?;
    }
    // Of a student whom the idle tablet does not have.
    let requests = tablet.one_by_one(&school.log_of(STUDENTS - 1), RUNS)?;
    let cursor = tablet.cursor(&school).await?;
    let idle = Idle { cursor: idle.cursor(&school).await?, tablet: idle };
    let log_mb = school.log_bytes()? as f64 / 1e6;
    let folder = school.close();
    let mut times = Vec::new();
    // The first start follows a close in good order, the others a kill in the middle of things.
    let mut program = Program::carryover(folder.path())?;
    for (counter, request) in (1..).zip(requests) {
        let request = sync_core::exchange::message::Request { cursor: Some(cursor), ..request };
        let mut connection = Connection::open(&program.url).await?;
        connection.post("/v1/exchange", &tablet.ready(&request, counter, true)?).await?;
        drop(program);
        let start = now();
        program = Program::carryover(folder.path())?;
        let took: Duration = start.elapsed();
        times.push(took.as_secs_f64());
    }
    let ours = idle.asks(&program).await?;
    Ok(vec![
        idle::row(ours, of_automerge),
        Row::absolute("12", "opening after kill -9 with a million changes", median(&times), " s")
            .bounds(Bound::AtMost(5.0), Bound::AtMost(1.0))
            .note(format!(
                "from starting the program until it says where it answers; the log has {}",
                show(log_mb, " MB")
            )),
    ])
}
