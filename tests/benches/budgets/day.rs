//! A school day on a caseload of 60 students: what goes over the wire, and how often.

use sync_core::random::Random;
use sync_core::roster::role::Role;

use crate::line::Line;
use crate::measure::{Failed, median, quantile};
use crate::report::{Bound, Row, show};
use crate::school::School;
use crate::tablet::{Cost, Tablet};

const STUDENTS: u64 = 60;
/// Students whom everybody on their team saw that day.
const TOUCHED: u64 = 30;
/// A school's line on a bad day.
const LINE: Line = Line { bits_per_s: 5e6, round_trip_s: 0.1, lost_per_mille: 20 };
/// Bytes of the heads of a request and its answer.
const HEADS_BYTES: usize = 600;
/// Times that the line is tried.
const SEEDS: u64 = 1_001;
/// Observations of each of them by each member of the team.
const OBSERVATIONS: u64 = 2;

pub fn measure() -> Result<Vec<Row>, Failed> {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).build()?.block_on(day())
}

async fn day() -> Result<Vec<Row>, Failed> {
    let mut school = School::found(STUDENTS).await?;
    let mut ana = school.hire(Role::Slp, 0..STUDENTS).await?;
    let mut colleagues = Vec::new();
    for role in [Role::Ot, Role::Set, Role::Cm] {
        colleagues.push(school.hire(role, 0..STUDENTS).await?);
    }
    ana.sync(&school).await?;
    for colleague in &mut colleagues {
        colleague.sync(&school).await?;
        log_a_day(colleague, &school)?;
        colleague.sync(&school).await?;
    }
    log_a_day(&mut ana, &school)?;
    let day = ana.sync(&school).await?;
    let idle = ana.sync(&school).await?;
    Ok(vec![bytes(day), trips(day), nothing_new(idle), backlog(day)])
}

fn log_a_day(tablet: &mut Tablet, school: &School) -> Result<(), Failed> {
    for number in 0..TOUCHED {
        for _ in 0..OBSERVATIONS {
            let act = tablet.author.observation(0);
            tablet.keep(&school.log_of(number), act)?;
        }
    }
    Ok(())
}

fn bytes(day: Cost) -> Row {
    Row::ratio(
        "5",
        "a school day over the wire, against its plain changes",
        day.wire_bytes() as f64 / 1e3,
        day.change_bytes as f64 / 1e3,
        " KB",
    )
    .bounds(Bound::AtMost(1.0), Bound::AtMost(0.5))
    .note(format!(
        "60 own observations up and 180 of three colleagues down, two in each change; {} a change on the wire",
        show(day.wire_bytes() as f64 / (TOUCHED as f64 * 4.0), " B")
    ))
}

fn trips(day: Cost) -> Row {
    Row::absolute("7", "round trips of that day", f64::from(day.trips), "")
        .bounds(Bound::AtMost(1.0), Bound::AtMost(1.0))
}

fn nothing_new(idle: Cost) -> Row {
    Row::absolute("8", "nothing new for 60 students: both bodies", idle.wire_bytes() as f64, " B")
        .bounds(Bound::AtMost(200.0), Bound::AtMost(100.0))
}

fn backlog(day: Cost) -> Row {
    let trip = |seed| {
        LINE.exchange(day.up_bytes + HEADS_BYTES, day.down_bytes + HEADS_BYTES, &mut Random::of(seed))
            * f64::from(day.trips)
    };
    let times: Vec<f64> = (0..SEEDS).map(trip).collect();
    Row::absolute("22", "that day on 5 Mbit/s, 100 ms, 2 % loss, simulated", median(&times), " s")
        .bounds(Bound::AtMost(3.0), Bound::AtMost(1.0))
        .note(format!(
            "on a new connection, handshakes included; p95 {}; {} up and {} down (first: 500 KB, goal: 60 KB)",
            show(quantile(&times, 0.95), " s"),
            show(day.up_bytes as f64 / 1e3, " KB"),
            show(day.down_bytes as f64 / 1e3, " KB"),
        ))
}
