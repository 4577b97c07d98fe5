//! What families are shown, published beside the writer's turn: before a page is shown, and every night.
//!
//! Like a card it needs the effective record, which is read out of the log. So it is projected on a desk that is thrown away, and what came
//! of it is put into the log in a turn of its own, where it is compared once more with what has been shown meanwhile.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::civil::Date;
use sync_core::exchange::server::desk::{Desk, DeskError};
use sync_core::ids::StudentId;
use sync_core::kv::KvError;
use sync_core::projection::family::Publication;
use tokio::sync::watch;

use super::log::DurableLog;
use super::{Engine, EngineError, Ruling};

/// How often is looked whether a school day has begun.
const NIGHTLY_EVERY: Duration = Duration::from_secs(60);

/// Up to where each student's record was looked at, since the server started.
#[derive(Default)]
pub(super) struct Publisher {
    looked: Mutex<Looked>,
    nightly: Mutex<Option<Date>>,
    /// Held while it is projected: an older projection must not come after a newer one.
    turn: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct Looked {
    students: BTreeMap<StudentId, (u64, Date)>,
    /// How often something was forgotten: what was looked at before counts no more.
    forgotten: u64,
}

/// What has become of what a family may be shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Publishing {
    /// All of it is published.
    Current,
    /// What is taken back is; news wait until the disk has room.
    NewsWait,
}

impl Publisher {
    /// Has these students looked at again, whatever has been written since.
    pub(super) fn forget<'a>(&self, students: impl IntoIterator<Item = &'a StudentId>) {
        for student in students {
            let mut looked = self.looked();
            looked.forgotten += 1;
            looked.students.remove(student);
        }
    }

    /// Has everybody looked at again.
    pub(super) fn forget_all(&self) {
        let mut looked = self.looked();
        looked.forgotten += 1;
        looked.students.clear();
        *self.nightly.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Returns whether a student's record was looked at, whenever.
    #[cfg(test)]
    pub(super) fn knows(&self, student: StudentId) -> bool {
        self.looked().students.contains_key(&student)
    }

    fn has_looked(&self, student: StudentId, moved: u64, today: Date) -> bool {
        self.looked().students.get(&student).is_some_and(|(seq, day)| *seq >= moved && *day == today)
    }

    fn looked(&self) -> MutexGuard<'_, Looked> {
        self.looked.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Engine {
    /// Publishes what has come to be settled of a student, if the record has moved on since it was last looked at.
    pub async fn publish_to_family(self: &Arc<Self>, student: StudentId) -> Result<Publishing, EngineError> {
        let today = self.today()?;
        if self.publisher.has_looked(student, self.moved(student)?, today) {
            return Ok(Publishing::Current);
        }
        let _turn = self.publisher.turn.lock().await;
        // Whoever had the turn before may have looked at the same one.
        if self.publisher.has_looked(student, self.moved(student)?, today) {
            return Ok(Publishing::Current);
        }
        let forgotten = self.publisher.looked().forgotten;
        let engine = Arc::clone(self);
        let (publications, seq) = self
            .aside(move || {
                let (index, end) = (engine.reader().index(), engine.reader().end().seq);
                let mut desk = Desk::new(index, end + 1, engine.conditions())?;
                desk.publish_to_family(
                    student,
                    &DurableLog::with_tail(engine.reader().as_ref(), &engine.tail),
                )?;
                let entries = desk.decide().entries;
                Ok((entries.iter().filter_map(Publication::of).collect::<Vec<_>>(), end))
            })
            .await?;
        let (back, news): (Vec<_>, Vec<_>) = publications.into_iter().partition(Publication::takes_back);
        if !back.is_empty() {
            // It must go also where the disk is full.
            self.decide_from_reserve(move |desk| put(desk, back)).await?;
        }
        if !news.is_empty() {
            match self.decide(move |desk| put(desk, news)).await {
                Ok(()) => {}
                Err(EngineError::DiskFull) => return Ok(Publishing::NewsWait),
                Err(error) => return Err(error),
            }
        }
        let mut looked = self.publisher.looked();
        if looked.forgotten == forgotten {
            looked.students.insert(student, (seq, today));
        }
        Ok(Publishing::Current)
    }

    /// Publishes what each day has settled, until told to stop.
    pub async fn keep_published(self: Arc<Self>, mut stopping: watch::Receiver<bool>) {
        let mut ticks = tokio::time::interval(NIGHTLY_EVERY);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                _ = stopping.wait_for(|stop| *stop) => return,
                _ = ticks.tick() => {}
            }
            tokio::select! {
                _ = stopping.wait_for(|stop| *stop) => return,
                published = self.publish_nightly() => if let Err(error) = published {
                    tracing::error!(%error, "what families are shown could not be published");
                }
            }
        }
    }

    /// Publishes for every student who has a guardian that may see it, once a school day.
    ///
    /// A record that cannot be read stops nobody else's; the first error is returned when all have been looked at.
    pub async fn publish_nightly(self: &Arc<Self>) -> Result<(), EngineError> {
        let today = self.today()?;
        if *self.publisher.nightly.lock().unwrap_or_else(PoisonError::into_inner) == Some(today) {
            return Ok(());
        }
        let (mut first, mut all) = (Ok(()), true);
        for student in self.students_with_readers()? {
            match self.publish_to_family(student).await {
                Ok(publishing) => all &= publishing == Publishing::Current,
                Err(error) if error.is_of_one_record() => {
                    tracing::error!(%student, %error, "what this student's family is shown could not be published");
                    first = first.and(Err(error));
                }
                Err(error) => return Err(error),
            }
        }
        first?;
        if all {
            *self.publisher.nightly.lock().unwrap_or_else(PoisonError::into_inner) = Some(today);
        }
        Ok(())
    }

    fn students_with_readers(&self) -> Result<BTreeSet<StudentId>, KvError> {
        let index = self.index();
        let mut students = BTreeSet::new();
        for guardian in index.guardians()? {
            if index.may_see(guardian.id)? {
                students.insert(guardian.student);
            }
        }
        Ok(students)
    }

    /// Returns the school day.
    pub fn today(&self) -> Result<Date, KvError> {
        let organisation = self.index().organisation()?.ok_or(KvError::Damaged("organisation"))?;
        Ok(organisation.zone.day_of(self.now()))
    }

    /// Returns where in the log a student's record was last changed.
    fn moved(&self, student: StudentId) -> Result<u64, KvError> {
        let documents = self.index().documents(student)?;
        Ok(documents.iter().map(|document| document.last).max().unwrap_or_default())
    }
}

fn put(desk: &mut Desk<'_>, publications: Vec<Publication>) -> Result<Ruling<()>, DeskError> {
    publications.into_iter().try_for_each(|publication| desk.publish(publication))?;
    Ok(Ruling::Stands(()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::{Clock, ClockSetting};
    use crate::demo::{Size, found};
    use crate::engine::Settings;

    #[tokio::test]
    async fn every_night_what_is_settled_is_published_though_nobody_asks() {
        let folder = tempfile::tempdir().unwrap();
        let clock = Clock::start("2026-10-14T20:00:00-05:00".parse::<ClockSetting>().unwrap());
        let (data, keys) = (folder.path().join("data"), folder.path().join("data.keys"));
        let settings = Settings { data, keys, clock, verbatim: true, policy: None };
        found(&settings, Size { students: 5, weeks: 2 }).unwrap();
        let engine = Engine::open(&settings).unwrap();
        let students = engine.students_with_readers().unwrap();
        assert_eq!(students.len(), 5);
        let published = |student| engine.index().published(student).unwrap().len();
        assert!(students.iter().all(|student| published(*student) == 0));
        engine.publish_nightly().await.unwrap();
        assert!(students.iter().all(|student| published(*student) > 10), "goals, services, visits");
        let end = engine.reader().end().seq;
        engine.publish_nightly().await.unwrap();
        for student in students {
            engine.publish_to_family(student).await.unwrap();
        }
        assert_eq!(engine.reader().end().seq, end, "what stands is not published again");
        engine.close();
    }
}
