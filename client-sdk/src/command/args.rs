//! The program's commands and options.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use jiff::civil::Date;
use sync_core::document::word::{Place, Routine};
use sync_core::ids::{ConflictId, HoldId, LiveId};
use sync_core::service::line::Mode;
use sync_core::service::missed::Reason;
use sync_core::time::{Moment, day_from_text, moment_from_rfc3339};

use crate::clock::ClockSetting;

/// A Carryover tablet without a screen. Everything but pair, sync, admit and decline works without a network.
#[derive(Debug, Parser)]
#[command(name = "carryover-tablet", version)]
pub struct Cli {
    /// The folder that everything is kept in
    #[arg(long, value_name = "DIR")]
    pub store: PathBuf,
    /// Print one JSON object
    #[arg(long, global = true)]
    pub json: bool,
    /// Start the clock at an instant, or shift it: 2026-11-20T08:00:00-06:00, +3d, -90m
    #[arg(long, global = true, allow_hyphen_values = true, value_name = "RFC3339|SHIFT")]
    pub clock: Option<ClockSetting>,
    /// Skip this tablet's own check of what is allowed, so that the server's can be seen
    #[arg(long, global = true)]
    pub no_local_policy: bool,
    #[command(subcommand)]
    pub command: Command,
}

/// What can be done.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Pair this folder with a server, for one person
    Pair(PairArgs),
    /// Show the students that you may see
    Caseload,
    /// Begin a live session; several students are a group
    Start(StartArgs),
    /// Count something in a live session
    Tap(TapArgs),
    /// Count a try in a live session
    Trial(TrialArgs),
    /// Take back your last tap or trial
    Undo(LiveArgs),
    /// Show the counts of a live session
    Live(LiveArgs),
    /// Note that a student leaves a live session before the others
    Leave(LeaveArgs),
    /// Finish a live session
    Finish(FinishArgs),
    /// Log a session with its observations
    Log(Box<LogArgs>),
    /// Log that a session did not take place
    Missed(MissedArgs),
    /// Change values of a record
    Amend(AmendArgs),
    /// Remove a record; it is kept, and counts for nothing
    Void(VoidArgs),
    /// State that your records are true as they stand
    Certify(Ids),
    /// Change a goal
    Goal(GoalArgs),
    /// Count together with colleagues
    Tally(TallyArgs),
    /// Show a student's record
    Record(RecordArgs),
    /// Show values that differ
    Conflicts,
    /// Decide between values that differ
    Resolve(ResolveArgs),
    /// Show how this tablet stands
    Status(StatusArgs),
    /// Exchange with the server
    Sync(SyncArgs),
    /// Show what waits for review
    Holds,
    /// Show one thing that waits for review
    Hold(OneId),
    /// Admit what waits for review
    Admit(HoldIds),
    /// Decline what waits for review
    Decline(DeclineArgs),
    /// Take back your own work that waits for review
    Withdraw(OneId),
    /// Correct your own work that waits for review
    Correct(SetArgs),
}

#[derive(Debug, Args)]
pub struct StatusArgs {
    /// Say no more of what damage took from this tablet, and remove the damaged files
    #[arg(long)]
    pub forget_damage: bool,
}

#[derive(Debug, Args)]
pub struct PairArgs {
    /// The server's address
    #[arg(long)]
    pub server: String,
    /// The one-time code
    #[arg(long)]
    pub code: String,
}

#[derive(Debug, Args)]
pub struct StartArgs {
    /// Who is in it
    #[arg(long = "student", required = true, num_args = 1.., value_name = "ID")]
    pub students: Vec<String>,
    /// push-in, pull-out or consult
    #[arg(long)]
    pub mode: Mode,
    /// Where
    #[arg(long)]
    pub place: Place,
    /// During which part of the class's day
    #[arg(long)]
    pub routine: Option<Routine>,
    /// The service line; one for each student that has one
    #[arg(long = "service", value_name = "ID")]
    pub services: Vec<String>,
}

#[derive(Debug, Args)]
pub struct LiveArgs {
    /// Which live session, where several are open
    #[arg(long)]
    pub live: Option<LiveId>,
}

#[derive(Debug, Args)]
pub struct TapArgs {
    #[command(flatten)]
    pub live: LiveArgs,
    /// The goal
    #[arg(long)]
    pub goal: String,
    /// How often
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    pub n: u32,
}

#[derive(Debug, Args)]
pub struct TrialArgs {
    #[command(flatten)]
    pub live: LiveArgs,
    /// The goal
    #[arg(long)]
    pub goal: String,
    /// How it went
    pub result: TrialWord,
}

/// How a try went.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum TrialWord {
    Correct,
    Incorrect,
    NoResponse,
}

#[derive(Debug, Args)]
pub struct LeaveArgs {
    #[command(flatten)]
    pub live: LiveArgs,
    /// Who leaves now
    #[arg(long, value_name = "ID")]
    pub student: String,
}

#[derive(Debug, Args)]
pub struct FinishArgs {
    #[command(flatten)]
    pub live: LiveArgs,
    /// Students who were not there
    #[arg(long, num_args = 1.., value_name = "STUDENT")]
    pub absent: Vec<String>,
    /// Students who were there and would not take part
    #[arg(long, num_args = 1.., value_name = "STUDENT")]
    pub refused: Vec<String>,
    /// A note on the session
    #[arg(long)]
    pub note: Option<String>,
}

#[derive(Debug, Args)]
pub struct LogArgs {
    /// Of whom
    #[arg(long)]
    pub student: String,
    /// push-in, pull-out or consult
    #[arg(long, requires_all = ["place", "start", "minutes"], required_unless_present = "segments")]
    pub mode: Option<Mode>,
    /// Where
    #[arg(long)]
    pub place: Option<Place>,
    /// When it began
    #[arg(long, value_parser = moment)]
    pub start: Option<Moment>,
    /// How long it was
    #[arg(long, allow_negative_numbers = true)]
    pub minutes: Option<i64>,
    /// A stretch of a session that changed: MODE,PLACE,START,MINUTES
    #[arg(long = "segment", value_name = "M,P,START,N", conflicts_with_all = ["mode", "place", "start", "minutes"])]
    pub segments: Vec<String>,
    /// During which part of the class's day
    #[arg(long)]
    pub routine: Option<Routine>,
    /// The service line
    #[arg(long)]
    pub service: Option<String>,
    /// What the sessions of a group share
    #[arg(long, requires = "size")]
    pub group: Option<String>,
    /// How many were in the group
    #[arg(long, requires = "group", allow_negative_numbers = true)]
    pub size: Option<i64>,
    /// The missed session that this one makes up for
    #[arg(long, value_name = "MISSED")]
    pub make_up_for: Option<String>,
    /// A note on the session
    #[arg(long)]
    pub note: Option<String>,
    /// An observation of a goal: its figures follow, then the next goal
    #[arg(long = "goal", value_name = "ID")]
    pub goals: Vec<String>,
    /// Times seen
    #[arg(long, allow_negative_numbers = true)]
    pub count: Vec<i64>,
    /// Seconds watched
    #[arg(long, allow_negative_numbers = true)]
    pub seconds: Vec<i64>,
    /// Items tried
    #[arg(long, allow_negative_numbers = true)]
    pub attempted: Vec<i64>,
    /// Of these, wrong ones
    #[arg(long, allow_negative_numbers = true)]
    pub errors: Vec<i64>,
    /// Right answers
    #[arg(long, allow_negative_numbers = true)]
    pub correct: Vec<i64>,
    /// Of so many tries
    #[arg(long, allow_negative_numbers = true)]
    pub of: Vec<i64>,
}

#[derive(Debug, Args)]
pub struct MissedArgs {
    /// Of whom
    #[arg(long)]
    pub student: String,
    /// The service line that promised it
    #[arg(long)]
    pub service: String,
    /// The school day
    #[arg(long, value_parser = day)]
    pub date: Date,
    /// Why it did not take place
    #[arg(long)]
    pub reason: Reason,
    /// A note
    #[arg(long)]
    pub note: Option<String>,
}

#[derive(Debug, Args)]
pub struct SetArgs {
    /// The record, or the hold of it
    pub id: String,
    /// What to change
    #[arg(long, required = true, num_args = 1.., value_name = "FIELD=VALUE")]
    pub set: Vec<String>,
}

#[derive(Debug, Args)]
pub struct AmendArgs {
    #[command(flatten)]
    pub what: SetArgs,
    /// Why
    #[arg(long)]
    pub reason: String,
}

#[derive(Debug, Args)]
pub struct VoidArgs {
    /// The record
    pub id: String,
    /// Why
    #[arg(long)]
    pub reason: String,
}

#[derive(Debug, Args)]
pub struct Ids {
    /// The records
    #[arg(required = true)]
    pub ids: Vec<String>,
}

#[derive(Debug, Args)]
pub struct HoldIds {
    /// The holds
    #[arg(required = true)]
    pub ids: Vec<HoldId>,
}

#[derive(Debug, Args)]
pub struct DeclineArgs {
    /// The holds
    #[arg(required = true)]
    pub ids: Vec<HoldId>,
    /// Why
    #[arg(long)]
    pub reason: String,
}

#[derive(Debug, Args)]
pub struct OneId {
    /// The hold
    pub id: HoldId,
}

#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("change").args(["statement", "target"]).required(true).multiple(true))]
pub struct GoalArgs {
    /// The goal
    pub id: String,
    /// What it says
    #[arg(long)]
    pub statement: Option<String>,
    /// The figure to reach
    #[arg(long, allow_negative_numbers = true)]
    pub target: Option<String>,
}

#[derive(Debug, Args)]
pub struct TallyArgs {
    #[command(subcommand)]
    pub command: TallyCommand,
}

/// What can be done with a shared tally.
#[derive(Debug, Subcommand)]
pub enum TallyCommand {
    /// Open a tally for several people's taps on one goal
    Open {
        /// Of whom
        #[arg(long)]
        student: String,
        /// The goal
        #[arg(long)]
        goal: String,
    },
    /// Add taps
    Add(TallyTaps),
    /// Take your own taps back
    Undo(TallyTaps),
    /// Show what it comes to
    Show {
        /// The tally
        tally: String,
    },
}

#[derive(Debug, Args)]
pub struct TallyTaps {
    /// The tally
    pub tally: String,
    /// How many
    #[arg(default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub n: u32,
}

#[derive(Debug, Args)]
pub struct RecordArgs {
    /// Of whom
    #[arg(long)]
    pub student: String,
    /// A day of the week of which minutes are told
    #[arg(long, value_parser = day)]
    pub week: Option<Date>,
}

#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("decision").args(["keep", "value"]).required(true))]
pub struct ResolveArgs {
    /// The conflict
    pub id: ConflictId,
    /// Keep the value with this number, counted from 1
    #[arg(long, value_name = "N")]
    pub keep: Option<usize>,
    /// Give another value
    #[arg(long, value_name = "V", allow_negative_numbers = true)]
    pub value: Option<String>,
}

#[derive(Debug, Args)]
pub struct SyncArgs {
    /// Go on until stopped
    #[arg(long, conflicts_with = "until_done")]
    pub watch: bool,
    /// Go on until nothing waits
    #[arg(long)]
    pub until_done: bool,
}

fn moment(text: &str) -> Result<Moment, String> {
    moment_from_rfc3339(text)
        .ok_or_else(|| "give an instant with offset, such as 2026-11-20T09:30:00-06:00".into())
}

fn day(text: &str) -> Result<Date, String> {
    day_from_text(text).ok_or_else(|| "give a day such as 2026-11-20".into())
}
