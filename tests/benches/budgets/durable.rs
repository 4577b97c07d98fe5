//! Receipts that are on disk: how many a second with 64 writers, and how soon with one.
//!
//! Many writers are many tablets, each with a connection that it keeps: the same client sends the same requests to our server and to the
//! floor, by turns; each goes on from the cursor of the last reply, as tablets do. One writer is asked without a network between, beside an append and its sync.

use std::fs::File;
use std::io::Write as _;
use std::ops::Range;
use std::time::Duration;

use server::engine::Answered;
use sync_core::exchange::codec;
use sync_core::exchange::message::{Cursor, Outcome, Reply, Request};
use sync_core::roster::Device;
use sync_core::roster::role::Role;

use crate::measure::{Failed, median, micros, now};
use crate::program::Program;
use crate::report::{Bound, Row, show};
use crate::school::School;
use crate::tablet::Tablet;
use crate::wire::Connection;

const WRITERS: u64 = 64;
/// Requests of each writer in one run.
const REQUESTS: usize = 100;
const RUNS: usize = 9;
/// Requests of the lone writer.
const ALONE: usize = 400;

/// Measures the rows of durable receipts.
pub fn measure() -> Result<Vec<Row>, Failed> {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?.block_on(receipts())
}

async fn receipts() -> Result<Vec<Row>, Failed> {
    let mut school = School::found(WRITERS + 1).await?;
    let mut writers = Vec::new();
    for number in 0..WRITERS {
        let mut tablet = school.hire(Role::Slp, number..=number).await?;
        let requests = tablet.one_by_one(&school.log_of(number), REQUESTS * RUNS)?;
        let cursor = tablet.cursor(&school).await?;
        writers.push(Writer { tablet, requests, counter: 0, cursor });
    }
    let mut tablet = school.hire(Role::Slp, WRITERS..=WRITERS).await?;
    let requests = tablet.one_by_one(&school.log_of(WRITERS), ALONE)?;
    let (alone, sync) = one_writer(&school, &tablet.device, requests).await?;
    let one = Row::ratio("10", "one writer's durable receipt, p50", alone, sync, " µs")
        .bounds(Bound::AtMost(4.0), Bound::AtMost(2.0))
        .note("against appending the same bytes and fdatasync, by turns with it");
    let lost = Row::elsewhere(
        "11",
        "lost receipts in kills and modelled power cuts",
        "shown by tests, which end at the first lost one: `ROUNDS=30 cargo nextest run --package tests -E 'test(kills::)'` for kill -9, \
         `cargo nextest run --package server -E 'test(no_receipt_is_lost_when_the_power_is_cut)'` for power cuts; `make soak` does more",
    );
    Ok(vec![many_writers(school, writers).await?, one, lost])
}

/// A tablet that writes, and where it is.
struct Writer {
    tablet: Tablet,
    requests: Vec<Request>,
    counter: u64,
    cursor: Cursor,
}

/// Who is asked.
#[derive(Debug, Clone, Copy)]
enum Asked {
    Carryover,
    Floor,
}

async fn many_writers(school: School, mut writers: Vec<Writer>) -> Result<Row, Failed> {
    let folder = school.close();
    let carryover = Program::carryover(folder.path())?;
    let floor = Program::floor(&folder.path().join("floor"), false)?;
    carryover.rest()?;
    let (mut ours, mut least) = (Vec::new(), Vec::new());
    for run in 0..RUNS {
        let part = run * REQUESTS..(run + 1) * REQUESTS;
        let asked;
        (asked, writers) = receipts_of(&floor, Asked::Floor, writers, part.clone()).await?;
        least.push(asked);
        let asked;
        (asked, writers) = receipts_of(&carryover, Asked::Carryover, writers, part).await?;
        ours.push(asked);
    }
    let rate = |runs: &[Pace]| median(&runs.iter().map(|pace| pace.per_second).collect::<Vec<f64>>());
    let processor = |runs: &[Pace]| median(&runs.iter().map(|pace| pace.micros_each).collect::<Vec<f64>>());
    Ok(Row::ratio("9", "durable receipts a second, 64 writers", rate(&ours), rate(&least), "/s")
        .bounds(Bound::AtLeast(0.3), Bound::AtLeast(0.7))
        .note(format!(
            "one observation a request over HTTP, both signatures and the gate included; the floor appends the same bytes and checks \
             nothing; the server's processor time for each receipt: {} against {}, {} times",
            show(processor(&ours), " µs"),
            show(processor(&least), " µs"),
            show(processor(&ours) / processor(&least), "")
        )))
}

/// How fast receipts came, and what they cost the server.
#[derive(Debug, Clone, Copy)]
struct Pace {
    per_second: f64,
    micros_each: f64,
}

/// Lets every writer send a part of its requests, one after the other, over a connection of its own.
async fn receipts_of(
    program: &Program,
    asked: Asked,
    writers: Vec<Writer>,
    part: Range<usize>,
) -> Result<(Pace, Vec<Writer>), Failed> {
    let count = writers.len() * part.len();
    let mut connected = Vec::new();
    for writer in writers {
        connected.push((Connection::open(&program.url).await?, writer));
    }
    let (before, start) = (program.spent()?, now());
    let tasks = connected.into_iter().map(|(mut connection, mut writer)| {
        let part = part.clone();
        tokio::spawn(async move {
            for at in part {
                writer.ask(&mut connection, asked, at).await?;
            }
            Ok::<Writer, Failed>(writer)
        })
    });
    let (tasks, mut writers): (Vec<_>, Vec<Writer>) = (tasks.collect(), Vec::new());
    for task in tasks {
        writers.push(task.await??);
    }
    let took: Duration = start.elapsed();
    program.rest()?;
    let spent = program.spent()?.since(before);
    let pace =
        Pace { per_second: count as f64 / took.as_secs_f64(), micros_each: micros(spent) / count as f64 };
    Ok((pace, writers))
}

impl Writer {
    /// Makes a request ready as a tablet does, which goes on from where it is, and asks.
    async fn ask(&mut self, connection: &mut Connection, asked: Asked, at: usize) -> Result<(), Failed> {
        let request = self.requests.get(at).ok_or("too few requests")?;
        self.counter += 1;
        let request = Request { cursor: Some(self.cursor), ..request.clone() };
        let ready = self.tablet.ready(&request, self.counter, false)?;
        match asked {
            // It answers with nothing.
            Asked::Floor => connection.post("/append", &ready).await.map(drop),
            Asked::Carryover => {
                let reply: Reply = codec::decode(&connection.post("/v1/exchange", &ready).await?)?;
                stored(&reply)?;
                self.cursor = reply.cursor.unwrap_or(self.cursor);
                Ok(())
            }
        }
    }
}

fn stored(reply: &Reply) -> Result<(), Failed> {
    match !reply.fates.is_empty() && reply.fates.iter().all(|fate| fate.outcome == Outcome::Stored) {
        true => Ok(()),
        false => Err("an honest change was not stored".into()),
    }
}

/// Returns the median microseconds of a lone writer's receipts, and of an append and its sync.
async fn one_writer(school: &School, device: &Device, requests: Vec<Request>) -> Result<(f64, f64), Failed> {
    let folder = tempfile::tempdir()?;
    let mut file = File::create(folder.path().join("log"))?;
    let (mut receipts, mut syncs) = (Vec::new(), Vec::new());
    for request in requests {
        let body = codec::encode(&request);
        let start = now();
        let answered = school.engine.hand_in(device.clone(), request).await?;
        receipts.push(micros(start.elapsed()));
        match answered {
            Answered::Reply(reply) => stored(&reply)?,
            Answered::Not(unanswered) => return Err(unanswered.into()),
        }
        let start = now();
        file.write_all(&body)?;
        file.sync_data()?;
        syncs.push(micros(start.elapsed()));
    }
    Ok((median(&receipts), median(&syncs)))
}
