//! A tablet in a program of one's own: it pairs, counts in a live session, logs another, proposes something, sends it all, and says how it
//! fares.
//!
//! ```sh
//! cargo run --package client-sdk --example morning -- FOLDER SERVER CODE STUDENT GOAL [CLOCK]
//! ```

#![allow(clippy::print_stdout, reason = "a program that talks to a person")]

use std::cell::RefCell;
use std::error::Error;
use std::path::Path;

use client_sdk::clock::Clock;
use client_sdk::deeds::LocalPolicy;
use client_sdk::engine::{Report, Until, pair};
use client_sdk::session::{Event, Finishing, Journal, Start, Student, begin, counts, finish, happened};
use client_sdk::tools::Tools;
use client_sdk::transport::http::Http;
use client_sdk::trouble::Trouble;
use client_sdk::view::holds::holds;
use client_sdk::view::status::status;
use sync_core::document::deed::{Deed, NewObservation, NewSegment};
use sync_core::document::schema::RecordKind;
use sync_core::document::slot::SlotKey;
use sync_core::document::word::{Discipline, Observer, Place, SessionState};
use sync_core::ids::StudentId;
use sync_core::measure::value::Count;
use sync_core::service::line::{Mode, Period};
use tokio::runtime::Runtime;

fn main() -> Result<(), Box<dyn Error>> {
    let given: Vec<String> = std::env::args().skip(1).collect();
    let [folder, server, code, student, goal, clock @ ..] = given.as_slice() else {
        return Err("give FOLDER SERVER CODE STUDENT GOAL [CLOCK]".into());
    };
    let clock = clock.first().map(|clock| clock.parse()).transpose()?.unwrap_or_default();
    let tools = Tools::open(Path::new(folder), Clock::start(clock), LocalPolicy::Kind)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;

    let http = Http::new(server)?;
    let paired = runtime.block_on(pair(&tools.store, &http, &tools.chance, server, code))?;
    println!("Paired with {}.", paired.organisation_name);
    sync(&tools, &runtime)?;
    // What the district calls them becomes what the records call them.
    let (student, goal) = tools
        .look(|desk, _| Ok((desk.roster.student(student), desk.roster.record(RecordKind::Goal, goal))))?;

    count(&tools, student, goal)?;
    log(&tools, student, goal)?;
    propose(&tools, student)?;
    say_how_it_stands(&tools)?;
    sync(&tools, &runtime)?;
    say_how_it_stands(&tools)?;
    say_what_waits(&tools)?;
    Ok(())
}

/// Counts in a live session: each event is on the medium before the next one can happen.
fn count(tools: &Tools, student: StudentId, goal: SlotKey) -> Result<(), Trouble> {
    let live = tools.on_desk(|desk, _, writes, chance| {
        let mut seed = [0; 16];
        chance.fill(&mut seed)?;
        let roles = desk.roster.roles_on(student, desk.roster.today(desk.now));
        let start = Start {
            seed,
            students: vec![Student { id: student, service: None, roles }],
            mode: Mode::PushIn.code().into(),
            place: Place::GeneralClass.code().into(),
            routine: None,
            at: desk.now,
        };
        Ok(begin(writes, start))
    })?;
    for event in [Event::Tap { student, goal, n: 1 }, Event::Tap { student, goal, n: 2 }, Event::Undo] {
        // A program that is killed between two of these finds the session as it was, with `Journal::open`.
        happened(&tools.store, live, &event)?;
    }
    let finished = tools.on_desk(|desk, local, writes, _| {
        let (journal, live) = (Journal(local.0), Journal(local.0).meant(Some(live))?);
        for tally in counts(&journal.events(live.id)?) {
            println!("Counted {}.", tally.counted.n());
        }
        finish(desk, writes, journal, &live, &Finishing::default())
    })?;
    println!("Saved on this tablet: {} session.", finished.len());
    Ok(())
}

/// Logs a session that is over, with what was observed in it.
fn log(tools: &Tools, student: StudentId, goal: SlotKey) -> Result<(), Trouble> {
    let keys = tools.on_desk(|desk, _, _, chance| {
        let start = desk.now;
        let value = Count::new(5, 600).map_err(|error| Trouble::value(error.to_string(), "count again"))?;
        let observation =
            NewObservation { goal, value: value.into(), observer: Observer::Primary, start, note: None };
        let segment =
            NewSegment { mode: Mode::PullOut, place: Place::Hallway, routine: None, start, minutes: 20 };
        let deed = Deed::LogSession {
            service: None,
            segments: vec![segment],
            group: None,
            make_up_for: None,
            note: None,
            state: SessionState::Complete,
            observations: vec![observation],
        };
        desk.make(student, &deed, chance)
    })?;
    println!("Saved on this tablet: a session and {} observation.", keys.len().saturating_sub(1));
    Ok(())
}

/// Proposes a service line: a therapist may, and the case manager decides.
fn propose(tools: &Tools, student: StudentId) -> Result<(), Trouble> {
    tools.on_desk(|desk, _, _, chance| {
        let deed = Deed::AddService {
            discipline: Discipline::Slp,
            mode: Mode::PushIn,
            place: Some(Place::GeneralClass),
            sessions: 3,
            period: Period::Week,
            minutes: 20,
            from: desk.roster.today(desk.now),
            to: None,
        };
        desk.make(student, &deed, chance).map(drop)
    })
}

/// Exchanges with the server until both have said everything. Without a network it says so, and everything stays where it is.
fn sync(tools: &Tools, runtime: &Runtime) -> Result<(), Trouble> {
    let server = tools.server()?;
    let report = RefCell::new(Report::default());
    let ended = runtime.block_on(tools.engine(&server, &|_| {}).run(Until::Once, &report));
    let report = report.into_inner();
    println!("Sent to school: {}. Waiting for review: {}.", report.stored, report.held);
    match ended {
        Err(Trouble::Server(failure)) if failure.is_passing() => {
            println!("Offline: {failure}.");
            Ok(())
        }
        ended => ended,
    }
}

fn say_how_it_stands(tools: &Tools) -> Result<(), Trouble> {
    tools.look(|desk, local| {
        println!("{}", status(local.0)?.words(&desk.roster));
        Ok(())
    })
}

fn say_what_waits(tools: &Tools) -> Result<(), Trouble> {
    tools.look(|desk, _| {
        for hold in holds(desk)? {
            println!("Waits for review: {} ({}).", hold["what"], hold["reason"]);
        }
        Ok(())
    })
}
