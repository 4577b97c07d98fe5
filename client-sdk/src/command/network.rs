//! The four commands that use the network: pair, sync, admit, decline.

use std::cell::RefCell;
use std::collections::BTreeMap;

use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Value as Json, json};
use sync_core::exchange::client::state::Tablet;
use sync_core::exchange::message::HoldView;
use sync_core::ids::HoldId;
use tokio::runtime::Runtime;

use super::args::{PairArgs, SyncArgs};
use super::{Answer, Tools};
use crate::engine::{self, Progress, Report, Until, decide};
use crate::transport::http::Http;
use crate::transport::{Decision, Traffic, Transport as _};
use crate::trouble::Trouble;
use crate::view;

/// Holds that one decision can name; more are decided in several.
const DECIDED_MAX: usize = 500;

fn runtime() -> Result<Runtime, Trouble> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Trouble::Store(error.into()))
}

pub(super) fn pair(tools: &Tools, args: &PairArgs) -> Result<Answer, Trouble> {
    let http = Http::new(&args.server)?;
    let pairing = engine::pair(&tools.store, &http, &tools.chance, &args.server, &args.code);
    let paired = runtime()?.block_on(pairing)?;
    let json = json!({"device": paired.device, "person": paired.person});
    Ok(Answer::done(json, format!("Paired with {}. Sync to get your caseload.", paired.organisation_name)))
}

pub(super) fn sync(tools: &Tools, args: &SyncArgs) -> Result<Answer, Trouble> {
    let until = match (args.watch, args.until_done) {
        (true, _) => Until::Stopped,
        (false, true) => Until::Done,
        (false, false) => Until::Once,
    };
    let http = tools.server()?;
    let (report, bar) = (RefCell::new(Report::default()), bar());
    let watcher = |progress: Progress| show(&bar, progress);
    let engine = tools.engine(&http, &watcher);
    let ended = runtime()?.block_on(async {
        tokio::select! {
            ended = engine.run(until, &report) => ended,
            () = stopped() => Ok(()),
        }
    });
    bar.finish_and_clear();
    let report = *report.borrow();
    let answer = told(tools, report, http.traffic())?;
    Ok(match ended {
        Ok(()) => answer,
        Err(trouble) => answer.with_trouble(&trouble),
    })
}

pub(super) fn admit(tools: &Tools, ids: &[HoldId]) -> Result<Answer, Trouble> {
    review(tools, ids, None, "admitted")
}

pub(super) fn decline(tools: &Tools, ids: &[HoldId], reason: &str) -> Result<Answer, Trouble> {
    if reason.trim().is_empty() {
        return Err(Trouble::value("the reason is empty", "say in a few words why"));
    }
    review(tools, ids, Some(reason), "declined")
}

fn review(tools: &Tools, ids: &[HoldId], reason: Option<&str>, state: &str) -> Result<Answer, Trouble> {
    let before: BTreeMap<HoldId, HoldView> = tools.look(|desk, _| {
        let known = ids.iter().map(|id| desk.tablet().hold(*id));
        Ok(known.collect::<Result<Vec<_>, _>>()?.into_iter().flatten().map(|hold| (hold.id, hold)).collect())
    })?;
    let http = tools.server()?;
    let runtime = runtime()?;
    let mut states: BTreeMap<HoldId, String> = BTreeMap::new();
    for holds in ids.chunks(DECIDED_MAX) {
        let decision = Decision { holds: holds.to_vec(), reason: reason.map(str::to_owned) };
        let decided = runtime.block_on(decide(&tools.store, &http, &decision))?;
        states.extend(decided.holds.into_iter().map(|one| (one.id, one.state)));
    }
    let holds = tools.look(|desk, _| {
        let told = |(id, state): (&HoldId, &String)| -> Result<Json, Trouble> {
            // One that was decided long ago was let go of here: the server still knows what became of it.
            let mut json = match before.get(id) {
                Some(hold) => view::holds::view(desk, hold)?,
                None => json!({ "id": id }),
            };
            json["state"] = json!(state);
            Ok(json)
        };
        states.iter().map(told).collect::<Result<Vec<_>, _>>()
    })?;
    // What it brought about shows here with the next exchange. One is tried now; if it fails, the decision stands all the same.
    let report = RefCell::new(Report::default());
    let exchanged = runtime.block_on(tools.engine(&http, &|_| {}).run(Until::Once, &report));
    let done = states.values().filter(|now| *now == state).count();
    let mut words = format!("{done} {state}.");
    for (id, now) in states.iter().filter(|(_, now)| *now != state) {
        words.push_str(&format!("\n{id} had been decided before: it stays {now}."));
    }
    if exchanged.is_err() {
        words.push_str("\nSync to see what it brought about.");
    }
    Ok(Answer::done(json!({ "holds": holds }), words))
}

fn told(tools: &Tools, report: Report, traffic: Traffic) -> Result<Answer, Trouble> {
    let waiting = tools.store.read(|state| Ok::<_, Trouble>(Tablet(state).unsent()?))?;
    let json = json!({
        "stored": report.stored,
        "held": report.held,
        "refused": report.refused,
        "waiting": waiting,
        "round_trips": report.round_trips,
        "bytes_up": traffic.up,
        "bytes_down": traffic.down,
        "purged": report.purged,
    });
    let mut words = vec![format!("{} sent to school", report.stored)];
    let more =
        [(report.held, "waiting for review"), (report.refused, "refused"), (waiting, "saved on this tablet")];
    words.extend(more.into_iter().filter(|(n, _)| *n > 0).map(|(n, what)| format!("{n} {what}")));
    let exit = if report.refused > 0 {
        5
    } else if report.held > 0 {
        4
    } else {
        0
    };
    Ok(Answer { json, words: format!("{}.", words.join(", ")), exit })
}

/// A bar on standard error, which shows only where somebody looks on and there is much to fetch.
fn bar() -> ProgressBar {
    let bar = ProgressBar::new(0);
    if let Ok(style) = ProgressStyle::with_template("{msg} {wide_bar} {pos}/{len}") {
        bar.set_style(style);
    }
    bar.set_message("Getting your caseload");
    bar
}

fn show(bar: &ProgressBar, progress: Progress) {
    bar.set_length((progress.fetched + progress.left) as u64);
    bar.set_position(progress.fetched as u64);
}

/// Ends when somebody stops the program.
#[cfg(unix)]
async fn stopped() {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut terminate) = signal(SignalKind::terminate()) else { return std::future::pending().await };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = tokio::signal::ctrl_c() => {}
    }
}

/// Ends when somebody stops the program.
#[cfg(not(unix))]
async fn stopped() {
    drop(tokio::signal::ctrl_c().await);
}
