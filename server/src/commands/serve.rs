//! `serve`: serves what is in the data folder until told to stop.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use serde_json::json;
use sync_core::roster::version::PolicyVersion;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;

use super::{Announced, CommandError, Common, Done, Exit, Outcome, announcement, outcome};
use crate::engine::{Engine, Settings, above_horizon};
use crate::http::{Limits, bind, routes, serve, shell};
use crate::whole_file::write_whole;

/// How often the server looks whether a school day has begun, or a backup was completed.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Where a server listens, and who hears of it.
#[derive(Debug, Args)]
pub struct Listening {
    /// The address to listen at, such as 127.0.0.1:8080; port 0 takes a free one
    #[arg(long, value_name = "ADDR")]
    listen: SocketAddr,
    /// A file that appears, whole, when the server answers
    #[arg(long, value_name = "FILE")]
    announce: Option<PathBuf>,
    /// A proxy on another machine, which is believed about whom it was asked by; one on this machine always is
    #[arg(long, value_name = "IP")]
    proxy: Vec<IpAddr>,
}

#[derive(Debug, Args)]
pub(super) struct Serve {
    #[command(flatten)]
    listening: Listening,
    /// The data folder
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// The policy to put in force before anything is judged, by its number [default: the one that is in force]
    #[arg(long, value_name = "N")]
    policy: Option<String>,
}

impl Serve {
    pub(super) fn run(&self, common: &Common) -> Outcome {
        let policy = self.policy.as_deref().map(str::parse::<PolicyVersion>).transpose().map_err(|error| {
            let help = "nothing was changed: name one of these, or leave --policy out to go on with the one that is in force";
            CommandError::of(Exit::Usage, "unknown_policy", &error, help)
        })?;
        let engine = Engine::open(&Settings { policy, ..common.settings(&self.data) })?;
        if engine.restored().is_ok_and(|restored| restored.waiting) {
            tracing::warn!(
                "this server comes from a copy of the past and waits to be confirmed: tablets send again what was receipted since, nothing \
                 is sent to them and nothing new is taken. See `carryover restored status`; when grants and revoked devices are right, \
                 `carryover restored confirm`"
            );
        }
        serve_engine(&engine, &self.listening, common, None)
    }
}

/// What is said to people once the server answers, out of its announcement.
pub type Introduction<'a> = &'a dyn Fn(&Announced) -> String;

/// Serves an open engine until a signal comes or the store stops.
pub fn serve_engine(
    engine: &Arc<Engine>,
    listening: &Listening,
    common: &Common,
    introduce: Option<Introduction<'_>>,
) -> Outcome {
    let failed = |error: std::io::Error| {
        CommandError::of(Exit::Failed, "serve", &error, "check --listen and the disk")
    };
    let Listening { listen, announce, proxy } = listening;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(failed)?;
    let outcome = runtime.block_on(async {
        // Before anybody hears that it serves: a signal that comes the moment after ends it in order, too.
        let told = Told::new().map_err(failed)?;
        let listener = bind(*listen).map_err(failed)?;
        let url = format!("http://{}", listener.local_addr().map_err(failed)?);
        let (stop, stopping) = watch::channel(false);
        let limits = Limits { proxies: proxy.clone(), ..routes::limits() };
        let router = shell(routes::router(Arc::clone(engine)), limits.clone(), Arc::clone(engine) as _);
        let serving = tokio::spawn(serve(listener, router, limits, stopping.clone()));
        let looking = tokio::spawn(look_round(Arc::clone(engine), stopping.clone()));
        let cards = tokio::spawn(Arc::clone(engine).keep_cards(stopping.clone()));
        let published = tokio::spawn(Arc::clone(engine).keep_published(stopping.clone()));
        let horizon = tokio::spawn(Arc::clone(engine).keep_horizon(above_horizon(), stopping));
        let announced = if announce.is_some() || introduce.is_some() {
            Some(announcement(engine, &url).await.map_err(|error| {
                CommandError::of(Exit::Failed, "announce", &error, "see the log on standard error")
            })?)
        } else {
            None
        };
        if let (Some(file), Some(announced)) = (announce, &announced) {
            write_whole(file, json!(announced).to_string().as_bytes()).map_err(failed)?;
        }
        if common.json {
            outcome::say(json!({"server": url}));
        } else {
            outcome::say(format_args!("serving at {url}"));
        }
        if let (Some(introduce), Some(announced), false) = (introduce, &announced, common.json) {
            outcome::say(introduce(announced));
        }
        let stopped = told.stops(engine).await;
        stop.send_replace(true);
        let drained = serving.await;
        tracing::info!(?drained, "stopped serving");
        // They end by themselves now that they are told to.
        drop((looking.await, cards.await, published.await, horizon.await));
        Ok::<bool, CommandError>(stopped)
    });
    engine.close();
    if outcome? {
        return Err(CommandError::new(
            Exit::Failed,
            "storage_failed",
            "the store stopped after a failed write to the disk",
            "check the disk, then start again: what was acknowledged is durable",
        ));
    }
    Ok(Done::default())
}

/// The signals that end a server in order.
struct Told {
    terminate: Signal,
    interrupt: Signal,
}

impl Told {
    /// Heeds them from now on.
    fn new() -> std::io::Result<Self> {
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    /// Waits for one; returns true if it was the store that stopped.
    async fn stops(mut self, engine: &Engine) -> bool {
        let mut failed = engine.failed();
        tokio::select! {
            _ = self.terminate.recv() => false,
            _ = self.interrupt.recv() => false,
            // The engine holds the sender for as long as it lives, so this ends only with a failure.
            stopped = failed.wait_for(|failed| *failed) => stopped.is_ok(),
        }
    }
}

/// Begins and ends grants at midnight, though nobody asks for anything, and counts backups as they are completed.
async fn look_round(engine: Arc<Engine>, mut stopping: watch::Receiver<bool>) {
    let mut ticks = tokio::time::interval(LOOK_EVERY);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = stopping.wait_for(|stop| *stop) => return,
            _ = ticks.tick() => {}
        }
        if let Err(error) = engine.advance().await {
            tracing::error!(%error, "the school day could not be begun");
        }
        engine.heed_backups();
        // Whether it could be noted is logged there.
        drop(engine.note_rest().await);
    }
}
