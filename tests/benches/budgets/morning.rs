//! The morning reconnect: every tablet comes back with a day's work made offline, and ends with everybody's.
//!
//! So many tablets have 20 students each; every student is on 4 of them. Each brings 40 observations, two of each student. All upload at
//! once, and when the last is in, all ask for the rest. What counts is the server's processor time until it is at rest again, the most
//! memory that it had, and the bytes of both ways, heads of requests and answers included.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use sync_core::document::change::{ChangeHash, Position, encode};
use sync_core::document::name::DocumentName;
use sync_core::envelope::Content;
use sync_core::exchange::codec;
use sync_core::exchange::message::{ChangeBytes, Entry, Outcome, Reply};
use sync_core::exchange::server::apply::containers;
use sync_core::ids::PersonId;
use sync_core::roster::role::Role;
use tempfile::TempDir;

use crate::frames;
use crate::measure::{Failed, median};
use crate::peers::{self, Peers};
use crate::program::{Program, Spent};
use crate::records::{Author, FIRST_DAY_MS};
use crate::report::{Bound, Row, show};
use crate::school::School;
use crate::tablet::Tablet;
use crate::wire::{Connection, Ready};

/// Students of each tablet, and tablets of each student.
const STUDENTS_EACH: usize = 20;
const TABLETS_EACH: usize = 4;
/// Students for each tablet that there is.
const STUDENTS_PER_TABLET: usize = STUDENTS_EACH / TABLETS_EACH;
/// Observations of each student that a tablet brings.
const OBSERVATIONS_EACH: usize = 2;
/// Observations of each student that everybody has already, one a change.
const EARLIER: usize = 200;
/// Changes of others that every tablet ends with: of each student, one of each other tablet.
const OTHERS: usize = STUDENTS_EACH * (TABLETS_EACH - 1);
/// The mornings.
const TABLETS: [usize; 3] = [20, 100, 200];
/// How many times longer the history is in the row that asks for it.
const LONGER: usize = 5;
const RUNS: usize = 3;

/// Measures the rows of the morning.
pub fn measure() -> Result<Vec<Row>, Failed> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let figures = runtime.block_on(async {
        let mut figures = Figures::default();
        for tablets in TABLETS {
            let morning = Morning::prepare(tablets, EARLIER).await?;
            figures.ours.push(morning.of_carryover().await?);
            figures.floor.push(morning.of_floor(false).await?);
            figures.check.push(morning.of_floor(true).await?);
        }
        let longer = Morning::prepare(TABLETS[0], EARLIER * LONGER).await?;
        figures.longer = longer.of_carryover().await?;
        Ok::<_, Failed>(figures)
    })?;
    drop(runtime);
    Ok(figures.rows(&peers::measure(&TABLETS[..2], EARLIER)))
}

/// What a morning took.
#[derive(Debug, Clone, Copy, Default)]
pub struct Cost {
    /// Seconds of the server's processor.
    pub cpu_s: f64,
    /// The server's memory just before, at rest.
    pub started_mib: f64,
    /// The most that it ever had.
    pub peak_mib: f64,
    /// Both ways.
    pub wire_mb: f64,
    /// Whether the tablets were given up before they had everything: then it took more than this.
    pub unfinished: bool,
}

impl Cost {
    /// Returns the median of each figure.
    pub fn median_of(runs: &[Self]) -> Self {
        let of = |figure: fn(&Self) -> f64| median(&runs.iter().map(figure).collect::<Vec<f64>>());
        Self {
            cpu_s: of(|run| run.cpu_s),
            started_mib: of(|run| run.started_mib),
            peak_mib: of(|run| run.peak_mib),
            wire_mb: of(|run| run.wire_mb),
            unfinished: runs.iter().any(|run| run.unfinished),
        }
    }

    fn shown(&self) -> String {
        let figures = [self.cpu_s, self.peak_mib, self.wire_mb].map(|figure| show(figure, ""));
        let [cpu, peak, wire] = figures;
        let unfinished = if self.unfinished { " so far, unfinished" } else { "" };
        format!("{cpu} s, {peak} MiB, {wire} MB{unfinished}")
    }
}

/// A founded school, and what its tablets will send.
struct Morning {
    folder: Arc<TempDir>,
    tablets: Vec<Returning>,
}

/// A tablet on its way in.
struct Returning {
    tablet: Tablet,
    /// What it says first.
    first: Ready,
    /// Its changes, by the number of the student.
    changes: Vec<(u64, Vec<u8>)>,
    brought: BTreeSet<ChangeHash>,
}

/// Returns the students of a tablet: each is on [`TABLETS_EACH`] of them, and no two tablets have the same class.
fn students_of(tablet: usize, tablets: usize) -> Vec<u64> {
    let mut students = Vec::new();
    for class in 0..STUDENTS_PER_TABLET {
        for place in 0..TABLETS_EACH {
            let first = (tablet + tablets - place * (class + 1) % tablets) % tablets;
            students.push((class * tablets + first) as u64);
        }
    }
    students
}

impl Morning {
    async fn prepare(tablets: usize, earlier: usize) -> Result<Self, Failed> {
        let mut school = School::found((tablets * STUDENTS_PER_TABLET) as u64).await?;
        let mut hired = Vec::new();
        for number in 0..tablets {
            let role = [Role::Slp, Role::Ot, Role::Set, Role::Cm][number % TABLETS_EACH];
            hired.push(school.hire(role, students_of(number, tablets).into_iter()).await?);
        }
        // Somebody who is not there any more wrote what everybody has.
        let mut author = Author::new(PersonId([9; 16]), "slp", 1);
        for number in 0..(tablets * STUDENTS_PER_TABLET) as u64 {
            let name = school.log_of(number);
            let mut position = position(&school, &name, [9; 16])?;
            let changes = author.changes(&name, &mut position, earlier)?;
            school.write(&name, changes.into_iter().map(|change| change.bytes).collect()).await?;
        }
        let mut returning = Vec::new();
        for (number, tablet) in hired.into_iter().enumerate() {
            returning.push(Returning::prepare(&school, tablet, students_of(number, tablets)).await?);
        }
        Ok(Self { folder: school.close(), tablets: returning })
    }

    /// Runs the morning over HTTP, on a copy of the school each time.
    async fn of_carryover(&self) -> Result<Cost, Failed> {
        let mut runs = Vec::new();
        for _ in 0..RUNS {
            let folder = tempfile::tempdir()?;
            copy(self.folder.path(), folder.path())?;
            let program = Program::carryover(folder.path())?;
            let mut run = Run::begin(program, self.tablets.len()).await?;
            let firsts = self.tablets.iter().map(|returning| returning.first.clone()).collect();
            let (mut told, mut seconds) = (Vec::new(), Vec::new());
            for (returning, answer) in self.tablets.iter().zip(run.all("/v1/exchange", firsts).await?) {
                let reply: Reply = codec::decode(&answer)?;
                seconds.push(returning.second(&reply)?);
                told.push(vec![reply]);
            }
            for (told, answer) in told.iter_mut().zip(run.all("/v1/exchange", seconds).await?) {
                told.push(codec::decode(&answer)?);
            }
            runs.push(run.end()?);
            for (returning, told) in self.tablets.iter().zip(&told) {
                returning.has_converged(told)?;
            }
        }
        Ok(Cost::median_of(&runs))
    }

    /// Runs the same with the floor: the same changes, and next to nothing around them.
    async fn of_floor(&self, check: bool) -> Result<Cost, Failed> {
        let mut runs = Vec::new();
        for _ in 0..RUNS {
            let folder = tempfile::tempdir()?;
            let program = Program::floor(&folder.path().join("floor"), check)?;
            let mut run = Run::begin(program, self.tablets.len()).await?;
            let firsts =
                (1..).zip(&self.tablets).map(|(from, returning)| returning.batch(from, None)).collect();
            let (mut brought, mut seconds) = (Vec::new(), Vec::new());
            for ((from, returning), answer) in
                (1..).zip(&self.tablets).zip(run.all("/exchange", firsts).await?)
            {
                let (seen, count) = read(&answer)?;
                seconds.push(returning.batch(from, Some(&seen)));
                brought.push(count);
            }
            for (brought, answer) in brought.iter_mut().zip(run.all("/exchange", seconds).await?) {
                *brought += read(&answer)?.1;
            }
            runs.push(run.end()?);
            if brought.iter().any(|count| *count != OTHERS) {
                return Err("the floor did not hand on everything".into());
            }
        }
        Ok(Cost::median_of(&runs))
    }
}

/// Reads the floor's answer: how much of each student was seen, and how many changes came.
fn read(answer: &[u8]) -> Result<(Vec<u32>, usize), Failed> {
    let news = frames::read_news(answer).ok_or("the floor's answer cannot be read")?;
    let count = news.iter().map(|(_, changes)| changes.len()).sum();
    Ok((news.into_iter().map(|(seen, _)| seen).collect(), count))
}

/// Returns where the next change of an actor in a document goes that has written nothing in it yet.
fn position(school: &School, name: &DocumentName, actor: [u8; 16]) -> Result<Position, Failed> {
    let state = school.engine.index().document(name.id())?.ok_or("the document was not founded")?;
    let time = sync_core::time::Moment(FIRST_DAY_MS);
    Ok(Position::next(actor, None, &state.head_hashes(), state.max_op, time))
}

impl Returning {
    async fn prepare(school: &School, mut tablet: Tablet, students: Vec<u64>) -> Result<Self, Failed> {
        let cursor = tablet.cursor(school).await?;
        let (mut envelopes, mut changes, mut brought) = (Vec::new(), Vec::new(), BTreeSet::new());
        for number in students {
            let name = school.log_of(number);
            let acts = (0..OBSERVATIONS_EACH).flat_map(|_| tablet.author.observation(0).1);
            let slots: Vec<_> = acts.collect();
            let position = position(school, &name, tablet.device.id.0)?;
            let change = encode(&containers(&name, u32::MAX), &position, &slots)?;
            let seen = Some((cursor.log, cursor.seq));
            envelopes.push(tablet.envelope(&name, Content::Change(change.bytes.clone()), seen));
            brought.insert(change.hash);
            changes.push((number, change.bytes));
        }
        let first = tablet.ready(&tablet.request_of(Some(cursor), envelopes), 1, true)?;
        Ok(Self { tablet, first, changes, brought })
    }

    /// Makes the request that asks for the rest.
    fn second(&self, reply: &Reply) -> Result<Ready, Failed> {
        let brought = reply.fates.len() == STUDENTS_EACH * OBSERVATIONS_EACH
            && reply.fates.iter().all(|fate| fate.outcome == Outcome::Stored);
        if !brought || reply.more {
            return Err("an honest morning was not stored".into());
        }
        self.tablet.ready(&self.tablet.request_of(reply.cursor, Vec::new()), 2, true)
    }

    fn has_converged(&self, replies: &[Reply]) -> Result<(), Failed> {
        let (mut own, mut others) = (BTreeSet::new(), 0);
        for entry in replies.iter().flat_map(|reply| &reply.entries) {
            match entry {
                Entry::Change { change: ChangeBytes::Yours(hash), .. } => drop(own.insert(*hash)),
                Entry::Change { change: ChangeBytes::Bytes(_), .. } => others += 1,
                Entry::Begin { .. }
                | Entry::End { .. }
                | Entry::Replace { .. }
                | Entry::Review { .. }
                | Entry::Hold(_)
                | Entry::Fact { .. } => {}
            }
        }
        match own == self.brought && others == OTHERS {
            true => Ok(()),
            false => Err(format!("a tablet has {} own changes and {others} others", own.len()).into()),
        }
    }

    /// Makes the floor's batch: the changes at first, then a question for the rest.
    fn batch(&self, from: u64, seen: Option<&[u32]>) -> Ready {
        let id = |number: u64| {
            let mut id = [0; 16];
            id[..8].copy_from_slice(&number.to_le_bytes());
            id
        };
        let seen_of = |at: usize| seen.and_then(|seen| seen.get(at)).copied().unwrap_or_default();
        let students = self.changes.iter().enumerate().map(|(at, (number, _))| (id(*number), seen_of(at)));
        let changes = self.changes.iter().filter(|_| seen.is_none());
        let batch = frames::Batch {
            from,
            students: students.collect(),
            changes: changes.map(|(number, change)| (id(*number), change.as_slice())).collect(),
        };
        Ready { authorization: String::new(), body: batch.encoded().into(), packed: false }
    }
}

/// A server while it is measured.
struct Run {
    program: Program,
    connections: Vec<Connection>,
    before: Spent,
    started_mib: f64,
}

impl Run {
    /// Waits until the server has done whatever it does when it starts; connecting counts.
    async fn begin(program: Program, tablets: usize) -> Result<Self, Failed> {
        program.rest()?;
        let (before, started_mib) = (program.spent()?, program.resident_mib()?);
        let mut connections = Vec::new();
        for _ in 0..tablets {
            connections.push(Connection::open(&program.url).await?);
        }
        Ok(Self { program, connections, before, started_mib })
    }

    /// Lets every tablet send at once, and returns the answers in the tablets' order.
    async fn all(&mut self, path: &'static str, requests: Vec<Ready>) -> Result<Vec<Vec<u8>>, Failed> {
        let mut tasks = Vec::new();
        for (mut connection, ready) in self.connections.drain(..).zip(requests) {
            tasks.push(tokio::spawn(async move {
                let answer = connection.post(path, &ready).await?;
                Ok::<_, Failed>((connection, answer))
            }));
        }
        let mut answers = Vec::new();
        for task in tasks {
            let (connection, answer) = task.await??;
            self.connections.push(connection);
            answers.push(answer);
        }
        Ok(answers)
    }

    fn end(self) -> Result<Cost, Failed> {
        self.program.rest()?;
        let wire: u64 = self.connections.iter().map(Connection::traffic).sum();
        Ok(Cost {
            cpu_s: self.program.spent()?.since(self.before).as_secs_f64(),
            started_mib: self.started_mib,
            peak_mib: self.program.peak_mib()?,
            wire_mb: wire as f64 / 1e6,
            unfinished: false,
        })
    }
}

/// The mornings of all servers, in the order of [`TABLETS`].
#[derive(Debug, Default)]
struct Figures {
    ours: Vec<Cost>,
    floor: Vec<Cost>,
    check: Vec<Cost>,
    longer: Cost,
}

impl Figures {
    fn rows(&self, peers: &Peers) -> Vec<Row> {
        let [ours, hundred, most] = self.ours[..] else { return Vec::new() };
        let mut rows = Vec::new();
        rows.extend(peers.automerge_repo.get(1).map(|peer| {
            let row = Row::ratio(
                "1",
                "100 tablets, server CPU against automerge-repo",
                hundred.cpu_s,
                peer.cpu_s,
                " s",
            )
            .bounds(Bound::AtMost(1.0 / 40.0), Bound::AtMost(1.0 / 150.0));
            match peer.unfinished {
                true => row.note(
                    "its tablets had not everything when they were given up: the ratio is at the most this"
                        .to_owned(),
                ),
                false => row,
            }
        }));
        rows.push(
            Row::ratio(
                "2",
                "100 tablets, server CPU against floor + check",
                hundred.cpu_s,
                self.check[1].cpu_s,
                " s",
            )
            .bounds(Bound::AtMost(15.0), Bound::AtMost(4.0))
            .note(self.table(peers)),
        );
        rows.push(
            Row::ratio("3", "server CPU of 200 tablets against 20", most.cpu_s, ours.cpu_s, " s")
                .bounds(Bound::AtMost(14.0), Bound::AtMost(11.0)),
        );
        let longer = self.longer;
        for (what, measured, anchor, unit) in [
            ("history five times longer, 20 tablets: CPU", longer.cpu_s, ours.cpu_s, " s"),
            ("the same: bytes", longer.wire_mb, ours.wire_mb, " MB"),
            ("the same: memory", longer.peak_mib, ours.peak_mib, " MiB"),
        ] {
            let row = Row::ratio("4", what, measured, anchor, unit);
            rows.push(row.bounds(Bound::AtMost(1.5), Bound::AtMost(1.1)));
        }
        rows.push(
            Row::ratio(
                "6",
                "peak memory at 200 tablets, against just started",
                most.peak_mib,
                most.started_mib,
                " MiB",
            )
            .bounds(Bound::AtMost(20.0), Bound::AtMost(12.0)),
        );
        rows
    }

    /// Says what each server took.
    fn table(&self, peers: &Peers) -> String {
        let servers = [
            ("ours", &self.ours),
            ("floor", &self.floor),
            ("floor + check", &self.check),
            ("automerge-repo", &peers.automerge_repo),
            ("Hocuspocus", &peers.hocuspocus),
        ];
        let mut lines = vec!["server CPU, peak memory, bytes on the wire".to_owned()];
        for (name, costs) in servers {
            let each = TABLETS
                .iter()
                .zip(costs)
                .map(|(tablets, cost)| format!("{tablets} tablets {}", cost.shown()));
            if costs.is_empty() {
                lines.push(format!("{name}: not measured"));
            } else {
                lines.push(format!("{name}: {}", each.collect::<Vec<String>>().join(" | ")));
            }
        }
        if !peers.missing.is_empty() {
            lines.push(format!("not all peers were measured: {}", peers.missing));
        }
        lines.join("\n       ")
    }
}

/// Copies a folder and all that is in it.
fn copy(from: &Path, to: &Path) -> Result<(), Failed> {
    fs::create_dir_all(to)?;
    fs::set_permissions(to, fs::metadata(from)?.permissions())?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        match entry.file_type()?.is_dir() {
            true => copy(&entry.path(), &target)?,
            false => drop(fs::copy(entry.path(), target)?),
        }
    }
    Ok(())
}
