//! "Nothing new" for a caseload of 60 students: what it costs the server, against `automerge::sync` that kept nothing of an earlier one.

use automerge::sync::{State, SyncDoc};
use automerge::{AutoCommit, Change};
use sync_core::document::change::Encoded;
use sync_core::document::founding::founding_of;
use sync_core::document::name::DocumentName;
use sync_core::exchange::codec;
use sync_core::exchange::message::{Cursor, Reply};

use crate::measure::{Failed, median, timed};
use crate::program::Program;
use crate::report::{Bound, Row};
use crate::tablet::Tablet;
use crate::wire::Connection;

/// Students of the tablet that asks.
pub const STUDENTS: u64 = 60;
/// Observations of each of them, a change each: a document of BUDGETS' anchor.
pub const OBSERVATIONS: usize = 10_000;
/// Times that it asks: a single answer takes less than can be told.
const REQUESTS: u64 = 500;
const RUNS: usize = 3;

/// A tablet that has seen everything, on its way to ask whether there is more.
pub struct Idle {
    pub tablet: Tablet,
    pub cursor: Cursor,
}

impl Idle {
    /// Returns the milliseconds of the server's processor that "nothing new" takes, over HTTP and with its token.
    pub async fn asks(&self, program: &Program) -> Result<f64, Failed> {
        let mut connection = Connection::open(&program.url).await?;
        program.rest()?;
        let before = program.spent()?;
        for counter in 1..=REQUESTS {
            let request = self.tablet.request_of(Some(self.cursor), Vec::new());
            let answer =
                connection.post("/v1/exchange", &self.tablet.ready(&request, counter, false)?).await?;
            let reply: Reply = codec::decode(&answer)?;
            if !reply.entries.is_empty() {
                return Err("there was something new".into());
            }
        }
        program.rest()?;
        Ok(program.spent()?.since(before).as_secs_f64() * 1e3 / REQUESTS as f64)
    }
}

/// Returns the milliseconds of the processor that the same takes a server of `automerge::sync` which has all documents in memory.
pub fn of_automerge(name: &DocumentName, changes: &[Encoded]) -> Result<f64, Failed> {
    let founding = founding_of(name.kind, name.id()).into_iter().map(|change| change.bytes);
    let all = founding.chain(changes.iter().map(|change| change.bytes.clone()));
    let all = all.map(Change::from_bytes).collect::<Result<Vec<Change>, _>>()?;
    let mut server = AutoCommit::new();
    server.apply_changes(all)?;
    let mut tablet = server.fork();
    let mut runs = Vec::new();
    for _ in 0..RUNS {
        let (mut took, mut asked) = (0.0, 0);
        while asked < STUDENTS {
            let (mut ours, mut theirs) = (State::new(), State::new());
            let message = tablet.sync().generate_sync_message(&mut theirs).ok_or("a tablet asks nothing")?;
            let (spent, answer) = timed(|| {
                server.sync().receive_sync_message(&mut ours, message)?;
                Ok(server.sync().generate_sync_message(&mut ours))
            })?;
            if answer.is_some_and(|answer| !answer.changes.is_empty()) {
                return Err("there was something new".into());
            }
            took += spent.as_secs_f64() * 1e3;
            asked += 1;
        }
        runs.push(took);
    }
    Ok(median(&runs))
}

/// Makes the row of both.
pub fn row(ours: f64, automerge: f64) -> Row {
    Row::ratio("8", "nothing new for 60 students: server CPU against automerge::sync", ours, automerge, " ms")
        .bounds(Bound::AtMost(1.0 / 300.0), Bound::AtMost(1.0 / 1000.0))
        .note(format!(
            "{OBSERVATIONS} observations of each student; ours over HTTP, with its token and the device's signature; \
             automerge::sync with every document in memory and no state of an earlier one"
        ))
}
