//! Receipts that are on disk: how many a second with 64 writers, and how soon with one.
//!
//! The anchor does the least that a durable receipt can mean: it appends the body to a file, syncs once for all that wait, and answers. It
//! checks nothing, merges nothing and keeps no index.

use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use server::engine::Answered;
use server::store::{Committer, EmbeddedStore, Record};
use sync_core::exchange::codec;
use sync_core::exchange::message::{Outcome, Request};
use sync_core::roster::Device;
use sync_core::roster::role::Role;
use tokio::sync::oneshot;
use tokio::task::JoinSet;

use crate::measure::{Failed, median, micros, now, processor};
use crate::report::{Bound, Row, show};
use crate::school::School;

const WRITERS: u64 = 64;
/// Requests of each writer in one run.
const REQUESTS: usize = 40;
const RUNS: usize = 5;
/// Times that the anchor and the bare store take all of a run's bodies: one pass is over before it has settled.
const PASSES: usize = 4;
/// Requests of the lone writer.
const ALONE: usize = 400;
/// Work that may wait for the floor's thread.
const QUEUE_MAX: usize = 4_096;

/// Measures the rows of durable receipts.
pub fn measure() -> Result<Vec<Row>, Failed> {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).build()?.block_on(receipts())
}

async fn receipts() -> Result<Vec<Row>, Failed> {
    let mut school = School::found(WRITERS + 1).await?;
    let mut writers = Vec::new();
    for number in 0..WRITERS {
        let mut tablet = school.hire(Role::Slp, number..=number).await?;
        let requests = tablet.one_by_one(&school.log_of(number), REQUESTS * RUNS)?;
        writers.push((tablet.device, requests));
    }
    let (mut floor, mut store, mut engine) = (Vec::new(), Vec::new(), Vec::new());
    for run in 0..RUNS {
        let part =
            |requests: &[Request]| requests.iter().skip(run * REQUESTS).take(REQUESTS).cloned().collect();
        let work: Vec<(Device, Vec<Request>)> =
            writers.iter().map(|(device, requests)| (device.clone(), part(requests))).collect();
        let bodies = work.iter().map(|(_, requests)| requests.iter().map(codec::encode).collect()).collect();
        floor.push(through_the_floor(&bodies).await?);
        store.push(through_the_store(&bodies).await?);
        engine.push(through_the_engine(&school, work).await?);
    }
    let rate = |runs: &[Pace]| median(&runs.iter().map(|pace| pace.per_second).collect::<Vec<f64>>());
    let processor =
        |runs: &[Pace]| show(median(&runs.iter().map(|pace| pace.micros_each).collect::<Vec<f64>>()), " µs");
    let many = Row::ratio("9", "durable receipts a second, 64 writers", rate(&engine), rate(&floor), "/s")
        .bounds(Bound::AtLeast(0.3), Bound::AtLeast(0.7))
        .note(format!(
            "one observation a request, signature and gate included; the anchor checks nothing; the store alone, unchecked: {}; the \
             processor's time for each receipt: {}, store {}, anchor {}",
            show(rate(&store), "/s"),
            processor(&engine),
            processor(&store),
            processor(&floor)
        ));
    let mut tablet = school.hire(Role::Slp, WRITERS..=WRITERS).await?;
    let requests = tablet.one_by_one(&school.log_of(WRITERS), ALONE)?;
    let (alone, sync) = one_writer(&school, &tablet.device, requests).await?;
    let one = Row::ratio("10", "one writer's durable receipt, p50", alone, sync, " µs")
        .bounds(Bound::AtMost(4.0), Bound::AtMost(2.0))
        .note("against appending the same bytes and fdatasync, by turns with it");
    Ok(vec![many, one])
}

/// All bodies of one run, by writer.
type Bodies = Vec<Vec<Vec<u8>>>;

/// Returns how many receipts a second came of the least that can be done.
async fn through_the_floor(bodies: &Bodies) -> Result<Pace, Failed> {
    let folder = tempfile::tempdir()?;
    let floor = Arc::new(Floor::start(&folder.path().join("log"))?);
    let start = Start::now();
    let mut tasks = JoinSet::new();
    for bodies in bodies.clone() {
        let floor = Arc::clone(&floor);
        tasks.spawn(async move {
            for body in repeated(bodies) {
                floor.append(body)?.await?;
            }
            Ok::<(), Failed>(())
        });
    }
    let done = pace(start, tasks, PASSES * bodies.iter().map(Vec::len).sum::<usize>()).await;
    Arc::into_inner(floor).ok_or("the floor is still in use")?.close()?;
    done
}

/// Returns how many frames a second the store takes when nobody checks them.
async fn through_the_store(bodies: &Bodies) -> Result<Pace, Failed> {
    let folder = tempfile::tempdir()?;
    let committer = Arc::new(Committer::start(Box::new(EmbeddedStore::create(folder.path(), [1; 16])?))?);
    let start = Start::now();
    let mut tasks = JoinSet::new();
    for bodies in bodies.clone() {
        let committer = Arc::clone(&committer);
        tasks.spawn(async move {
            for payload in repeated(bodies) {
                let record = Record { kind: 1, document: [2; 16], key_id: 0, payload };
                committer.append(record.into(), Vec::new())?.await?;
            }
            Ok::<(), Failed>(())
        });
    }
    pace(start, tasks, PASSES * bodies.iter().map(Vec::len).sum::<usize>()).await
}

/// Returns how many receipts a second the engine gives.
async fn through_the_engine(school: &School, work: Vec<(Device, Vec<Request>)>) -> Result<Pace, Failed> {
    let count = work.iter().map(|(_, requests)| requests.len()).sum();
    let start = Start::now();
    let mut tasks = JoinSet::new();
    for (device, requests) in work {
        let engine = Arc::clone(&school.engine);
        tasks.spawn(async move {
            for request in requests {
                stored(engine.hand_in(device.clone(), request).await?)?;
            }
            Ok::<(), Failed>(())
        });
    }
    pace(start, tasks, count).await
}

fn repeated(bodies: Vec<Vec<u8>>) -> impl Iterator<Item = Vec<u8>> {
    std::iter::repeat_n(bodies, PASSES).flatten()
}

/// How fast receipts came, and what they cost.
#[derive(Debug, Clone, Copy)]
struct Pace {
    per_second: f64,
    /// The processor's time for each, on all threads.
    micros_each: f64,
}

/// Waits for all writers.
async fn pace(start: Start, mut tasks: JoinSet<Result<(), Failed>>, count: usize) -> Result<Pace, Failed> {
    while let Some(done) = tasks.join_next().await {
        done??;
    }
    let spent = processor().saturating_sub(start.processor);
    Ok(Pace {
        per_second: count as f64 / start.clock.elapsed().as_secs_f64(),
        micros_each: micros(spent) / count as f64,
    })
}

/// When a run began, by the clock and by the processor's time.
#[derive(Debug, Clone, Copy)]
struct Start {
    clock: Instant,
    processor: Duration,
}

impl Start {
    fn now() -> Self {
        Self { clock: now(), processor: processor() }
    }
}

fn stored(answered: Answered) -> Result<(), Failed> {
    match answered {
        Answered::Reply(reply) if reply.fates.iter().all(|fate| fate.outcome == Outcome::Stored) => Ok(()),
        Answered::Reply(_) => Err("an honest change was not stored".into()),
        Answered::Not(unanswered) => Err(unanswered.into()),
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
        stored(school.engine.hand_in(device.clone(), request).await?)?;
        receipts.push(micros(start.elapsed()));
        let start = now();
        file.write_all(&body)?;
        file.sync_data()?;
        syncs.push(micros(start.elapsed()));
    }
    Ok((median(&receipts), median(&syncs)))
}

/// A body, and whom to tell that it is on disk.
type Waiting = (Vec<u8>, oneshot::Sender<()>);

/// The least that gives durable receipts: one thread, one file, one sync for all that wait.
struct Floor {
    queue: SyncSender<Waiting>,
    thread: JoinHandle<std::io::Result<()>>,
}

impl Floor {
    fn start(file: &Path) -> Result<Self, Failed> {
        let file = File::create(file)?;
        let (queue, waiting) = sync_channel(QUEUE_MAX);
        Ok(Self { queue, thread: thread::spawn(move || write_groups(file, &waiting)) })
    }

    fn append(&self, body: Vec<u8>) -> Result<oneshot::Receiver<()>, Failed> {
        let (tell, told) = oneshot::channel();
        self.queue.send((body, tell))?;
        Ok(told)
    }

    fn close(self) -> Result<(), Failed> {
        drop(self.queue);
        self.thread.join().map_err(|_| "the floor's thread panicked")??;
        Ok(())
    }
}

fn write_groups(mut file: File, waiting: &Receiver<Waiting>) -> std::io::Result<()> {
    while let Ok(first) = waiting.recv() {
        let group: Vec<Waiting> = std::iter::once(first).chain(waiting.try_iter()).collect();
        let bytes: Vec<u8> = group.iter().flat_map(|(body, _)| body).copied().collect();
        file.write_all(&bytes)?;
        file.sync_data()?;
        for (_, tell) in group {
            // Whoever asked may have gone.
            let _ = tell.send(());
        }
    }
    Ok(())
}
