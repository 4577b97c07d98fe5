//! The budgets: how fast, how small, how steady; each figure beside an anchor that is measured in the same run.
//!
//! Machines differ and are noisy, so nothing here asserts a time. A figure is the median of several runs, and what counts is its ratio to
//! the anchor: what the work would cost if nothing were checked, kept or promised. The table goes to standard output and, for scripts, to
//! `target/bench/budgets.json`.
//!
//! ```text
//!  morning   1-4 6   the morning reconnect, beside the floor and the peers
//!  gate      14 15   one change through the gate, on a short document and a long one
//!  hostile   16      the most that one hostile change can cost, each in a process of its own
//!  day       5-8 22  a school day's work of one tablet, and a second exchange that brings nothing
//!  durable   9-11    receipts that are on disk, many writers and one
//!  opening   12      starting again after a kill, with a million changes
//!  year      13 23   the log and the snapshots of a student's year
//!  tap       17      one act kept on the tablet
//!  family    25      a child's page as the family's browser loads it
//! ```
//!
//! A word on the command line chooses families: `make bench ARGS="gate day"`.

#[path = "budgets/day.rs"]
mod day;
#[path = "budgets/durable.rs"]
mod durable;
#[path = "budgets/family.rs"]
mod family;
#[path = "floor/frames.rs"]
mod frames;
#[path = "budgets/gate.rs"]
mod gate;
#[path = "budgets/hostile.rs"]
mod hostile;
#[path = "budgets/idle.rs"]
mod idle;
#[path = "budgets/line.rs"]
mod line;
#[path = "budgets/measure.rs"]
mod measure;
#[path = "budgets/morning.rs"]
mod morning;
#[path = "budgets/opening.rs"]
mod opening;
#[path = "budgets/peers.rs"]
mod peers;
#[path = "budgets/program.rs"]
mod program;
#[path = "budgets/records.rs"]
mod records;
#[path = "budgets/report.rs"]
mod report;
#[path = "budgets/school.rs"]
mod school;
#[path = "budgets/tablet.rs"]
mod tablet;
#[path = "budgets/tap.rs"]
mod tap;
#[path = "budgets/wire.rs"]
mod wire;
#[path = "budgets/year.rs"]
mod year;

use measure::Failed;
use report::Row;

/// What measures some rows of the table.
type Family = fn() -> Result<Vec<Row>, Failed>;

const FAMILIES: [(&str, Family); 9] = [
    ("morning", morning::measure),
    ("gate", gate::measure),
    ("hostile", hostile::measure),
    ("day", day::measure),
    ("durable", durable::measure),
    ("opening", opening::measure),
    ("year", year::measure),
    ("tap", tap::measure),
    ("family", family::measure),
];

fn main() -> Result<(), Failed> {
    // Cargo adds a flag of its own.
    let words: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    if let [hostile::CHILD, case] = words.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        return hostile::child(case);
    }
    let names = FAMILIES.map(|(name, _)| name);
    if let Some(unknown) = words.iter().find(|word| !names.contains(&word.as_str())) {
        return Err(format!("there are no figures called {unknown}; there are: {}", names.join(" ")).into());
    }
    let mut rows = Vec::new();
    for (_, family) in
        FAMILIES.iter().filter(|(name, _)| words.is_empty() || words.iter().any(|word| word == name))
    {
        rows.extend(family()?);
    }
    report::keep(&rows)
}
