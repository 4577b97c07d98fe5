//! The power is cut while a whole server works: only what was synced is sure to be there, and no receipt is lost.
//!
//! `ROUNDS` sets how often the power is cut, `DICE` where the moments begin.

use std::collections::BTreeSet;
use std::path::Path;

use sync_core::document::name::DocumentName;
use sync_core::document::slot::SlotKey;

use super::damage::see_all;
use super::school::{LOG, School, Tablet};
use super::*;
use crate::demo::chance::Chance;
use crate::store::disk::SimulatedDisk;
use crate::store::verify::verify_log;

/// Power cuts unless `ROUNDS` says otherwise.
const ROUNDS: u64 = 20;
/// How often each tablet logs and syncs between two cuts.
const SYNCS: usize = 4;
/// Operations of the disk that a round has, about: the cut comes somewhere among them, or behind.
const OPERATIONS: u32 = 60;

/// What one tablet made, and which of it has a receipt.
#[derive(Default)]
struct Made {
    all: BTreeSet<SlotKey>,
    receipted: BTreeSet<SlotKey>,
}

async fn works(school: &School, tablet: &mut Tablet, log: &DocumentName, made: &mut Made) {
    for _ in 0..SYNCS {
        made.all.insert(tablet.log(log, "slp"));
        if let Ok(brought) = tablet.try_sync(school).await {
            assert_eq!((brought.held, brought.refused), (0, 0));
        }
        if tablet.stored().unsent().unwrap() == 0 {
            made.receipted.clone_from(&made.all);
        }
    }
}

/// Returns the sessions that somebody reads who begins from nothing.
async fn sessions(school: &School, reader: &mut Tablet, log: &DocumentName) -> BTreeSet<SlotKey> {
    let mut begins = reader.emptied();
    see_all(school, &mut begins).await.unwrap();
    reader.take_counter_of(&begins);
    let slots = begins.stored().slots(log.id()).unwrap();
    slots.into_iter().filter(|slot| slot.container == "sessions").map(|slot| slot.key).collect()
}

#[tokio::test]
async fn no_receipt_is_lost_when_the_power_is_cut() {
    let number = |name| std::env::var(name).ok().and_then(|number| number.parse::<u64>().ok());
    let (rounds, first) = (number("ROUNDS").unwrap_or(ROUNDS), number("DICE").unwrap_or_default());
    let disk = SimulatedDisk::new();
    let mut school = School::on_disk(&disk).await;
    let log = school.document(DocumentKind::Log, None);
    let (mut one, mut two) = (school.tablet("ana", 1).await, school.tablet("ana", 2).await);
    let (mut three, mut reader) = (school.tablet("ana", 3).await, school.tablet("ben", 1).await);
    let mut made = [Made::default(), Made::default(), Made::default()];
    let mut cuts = 0;
    for round in first..first + rounds {
        let mut chance = Chance::named(&format!("power cut {round}"));
        disk.cut_power_after(chance.below(OPERATIONS) as u64, round);
        let [first, second, third] = &mut made;
        tokio::join!(
            works(&school, &mut one, &log, first),
            works(&school, &mut two, &log, second),
            works(&school, &mut three, &log, third),
        );
        match disk.boot() {
            true => cuts += 1,
            false => disk.crash(round),
        }
        school = school.restart_on_disk(&disk);
        let report = verify_log(&disk, Path::new(LOG), true).unwrap();
        assert!(report.is_sound(), "round {round}: {report:?}");
        let there = sessions(&school, &mut reader, &log).await;
        for made in &made {
            assert!(made.receipted.is_subset(&there), "round {round}: a receipted session is gone");
        }
        let all: BTreeSet<SlotKey> = made.iter().flat_map(|made| &made.all).copied().collect();
        assert!(there.is_subset(&all), "round {round}: a session that nobody logged");
    }
    assert!(cuts * 2 >= rounds, "{cuts} of {rounds} cuts fell into the work");
    for tablet in [&mut one, &mut two, &mut three] {
        tablet.sync(&school).await;
        assert_eq!(tablet.stored().unsent().unwrap(), 0);
    }
    let all: BTreeSet<SlotKey> = made.iter().flat_map(|made| &made.all).copied().collect();
    assert_eq!(sessions(&school, &mut reader, &log).await, all);
}
