//! A student's year: what it takes on the server's disk, and what a new tablet has to fetch of it.

use sync_core::roster::role::Role;

use crate::measure::{Failed, median};
use crate::report::{Bound, Row, show};
use crate::school::School;

/// Students that are lived through; the caseload's figures follow from theirs.
const STUDENTS: u64 = 3;
const CASELOAD: f64 = 60.0;
/// Sessions of a student in a year, a day each, by two people in turns.
const SESSIONS: i64 = 250;
const OBSERVATIONS_PER_SESSION: usize = 2;

pub fn measure() -> Result<Vec<Row>, Failed> {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).build()?.block_on(year())
}

async fn year() -> Result<Vec<Row>, Failed> {
    let mut school = School::found(STUDENTS).await?;
    let mut team = [school.hire(Role::Slp, 0..STUDENTS).await?, school.hire(Role::Set, 0..STUDENTS).await?];
    for tablet in &mut team {
        tablet.sync(&school).await?;
    }
    let (log_before, mut change_bytes) = (school.log_bytes()?, 0);
    for day in 0..SESSIONS {
        let turn = usize::from(day % 2 == 1);
        let Some(tablet) = team.get_mut(turn) else { continue };
        // What the colleague did meanwhile comes first, so that what is counted below is this tablet's own.
        tablet.sync(&school).await?;
        for number in 0..STUDENTS {
            let act = tablet.author.session(day, OBSERVATIONS_PER_SESSION);
            tablet.keep(&school.log_of(number), act)?;
        }
        change_bytes += tablet.sync(&school).await?.change_bytes;
    }
    let log_bytes = school.log_bytes()? - log_before;
    let (person, device) = (team[0].device.person, team[0].device.id);
    let mut snapshots = Vec::new();
    for number in 0..STUDENTS {
        let snapshot =
            school.engine.snapshot(person, device, school.log_of(number).id(), 0, |_| true).await?;
        snapshots.push(snapshot.bytes.len() as f64);
    }
    let on_disk = Row::ratio(
        "13",
        "the log on disk, against the changes in it",
        log_bytes as f64 / 1e3,
        change_bytes as f64 / 1e3,
        " KB",
    )
    .bounds(Bound::AtMost(1.5), Bound::AtMost(1.2))
    .note(format!(
        "250 days, each a session and two observations of 3 students, each sent alone; index beside it: {}",
        show(school.index_bytes()? as f64 / 1e3, " KB")
    ));
    let student = median(&snapshots);
    let new_tablet =
        Row::absolute("23", "new tablet, 60 students, a year each", student * CASELOAD / 1e6, " MB")
            .bounds(Bound::AtMost(30.0), Bound::AtMost(5.0))
            .note(format!(
                "a student-year of 250 sessions and 500 observations: {} as a snapshot",
                show(student / 1e3, " KB")
            ));
    Ok(vec![on_disk, new_tablet])
}
