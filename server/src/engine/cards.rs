//! Student cards, projected beside the writer's turn.
//!
//! A card needs the effective record, which means reading the student's documents out of the log: too slow for the turn that everybody
//! waits for. So the turn only notes whose cards may differ. They are projected one student at a time, many changes of one student at
//! once, and the finished facts are put into the log in a turn of their own. A member who asks meanwhile waits for the own cards, and so
//! never reads an older record on a card than stood when the question came.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sync_core::document::name::DocumentKind;
use sync_core::exchange::server::desk::{Desk, DeskError};
use sync_core::exchange::server::entry::LogEntry;
use sync_core::exchange::server::index::Index;
use sync_core::ids::{PersonId, StudentId};
use sync_core::kv::KvError;
use sync_core::projection::card::CARD;
use sync_core::roster::reading::needs_card;
use tokio::sync::{Notify, watch};

use super::log::DurableLog;
use super::{Engine, EngineError, Ruling};

/// After which time cards that could not be projected are tried again.
const AGAIN_AFTER: Duration = Duration::from_secs(60);

/// Whose cards may differ from what was said last.
#[derive(Default)]
pub(super) struct Cards {
    students: Mutex<Students>,
    wake: Notify,
    /// Held while cards are projected: an older projection must not come after a newer one.
    turn: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct Students {
    due: BTreeSet<StudentId>,
    /// Nobody on their teams has a card, since the places were last looked at: what is written there changes none.
    cardless: BTreeSet<StudentId>,
}

/// The students whose cards may differ.
#[derive(Debug, Default)]
pub(super) struct Touched {
    /// Something was written in a document that cards are made of.
    written: BTreeSet<StudentId>,
    /// Who has a card may have changed.
    placed: BTreeSet<StudentId>,
}

impl Touched {
    /// Says that of these students all must be looked at again.
    pub(super) fn placed(students: impl Iterator<Item = StudentId>) -> Self {
        Self { written: BTreeSet::new(), placed: students.collect() }
    }

    /// Says that everybody must be looked at again.
    pub(super) fn everybody(index: &Index<'_>) -> Result<Self, KvError> {
        Ok(Self::placed(index.students()?.into_iter().map(|student| student.id)))
    }

    /// Returns the students of whom all must be looked at again.
    pub(super) fn students_placed(&self) -> impl Iterator<Item = &StudentId> {
        self.placed.iter()
    }
}

impl Cards {
    pub(super) fn mark(&self, touched: Touched) {
        let mut students = self.students();
        for student in &touched.placed {
            students.cardless.remove(student);
        }
        let written = touched.written.into_iter().filter(|student| !students.cardless.contains(student));
        let due: BTreeSet<StudentId> = written.chain(touched.placed).collect();
        if !due.is_empty() {
            students.due.extend(due);
            self.wake.notify_one();
        }
    }

    pub(super) fn is_due(&self, wanted: impl Fn(&StudentId) -> bool) -> bool {
        self.students().due.iter().any(wanted)
    }

    fn take(&self, wanted: impl Fn(&StudentId) -> bool) -> Option<StudentId> {
        let mut students = self.students();
        let student = students.due.iter().find(|student| wanted(student)).copied()?;
        students.due.remove(&student);
        // Until it has been looked at again, whatever is written makes it due.
        students.cardless.remove(&student);
        Some(student)
    }

    /// Has students who were taken in vain looked at another time; nobody is woken for them, who would only fail once more.
    fn stay_due(&self, failed: BTreeSet<StudentId>) {
        self.students().due.extend(failed);
    }

    /// Notes that nobody had a card of a student who was taken, unless somebody's place has changed meanwhile.
    fn nobody_has(&self, student: StudentId) {
        let mut students = self.students();
        if !students.due.contains(&student) {
            students.cardless.insert(student);
        }
    }

    fn students(&self) -> MutexGuard<'_, Students> {
        self.students.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns the students whose cards may differ after these entries.
pub(super) fn touched(index: &Index<'_>, entries: &[LogEntry]) -> Result<Touched, KvError> {
    let Touched { mut written, mut placed } = Touched::default();
    for entry in entries {
        match entry {
            LogEntry::Changed { document, .. } => {
                let state = index.document(*document)?;
                let shown =
                    state.filter(|state| matches!(state.name.kind, DocumentKind::Plan | DocumentKind::Log));
                written.extend(shown.map(|state| state.name.subject));
            }
            LogEntry::Grant(grant) => drop(placed.insert(grant.student)),
            LogEntry::Begin { document, .. }
            | LogEntry::Replaced { document, .. }
            | LogEntry::Gone { document }
            | LogEntry::Review { document, .. }
            | LogEntry::End { document, .. } => {
                placed.extend(index.document(*document)?.map(|state| state.name.subject));
            }
            // What is in force, and which sessions are today's, changes with the day.
            LogEntry::Day(_) => placed.extend(index.students()?.into_iter().map(|student| student.id)),
            LogEntry::Organisation(_)
            | LogEntry::Calendar(_)
            | LogEntry::School(_)
            | LogEntry::Person(_)
            | LogEntry::Student(_)
            | LogEntry::Guardian(_)
            | LogEntry::Code { .. }
            | LogEntry::Device { .. }
            | LogEntry::DeviceState { .. }
            | LogEntry::Founded { .. }
            | LogEntry::Held { .. }
            | LogEntry::HoldState { .. }
            | LogEntry::Refused { .. }
            | LogEntry::Fact { .. }
            | LogEntry::Delivered { .. }
            | LogEntry::Imported { .. }
            | LogEntry::Family(_)
            | LogEntry::Restored { .. }
            | LogEntry::Confirmed { .. }
            | LogEntry::Certified { .. }
            // Whoever reads something else by it is named by the entries that follow.
            | LogEntry::Policy { .. }
            | LogEntry::Audit { .. }
            | LogEntry::Horizon { .. } => {}
        }
    }
    Ok(Touched { written, placed })
}

impl Engine {
    /// Projects cards as they come due, until told to stop.
    pub async fn keep_cards(self: Arc<Self>, mut stopping: watch::Receiver<bool>) {
        loop {
            if let Err(error) = self.project_cards(|_| true).await {
                tracing::error!(%error, "cards could not be projected");
            }
            tokio::select! {
                _ = stopping.wait_for(|stop| *stop) => return,
                () = self.cards.wake.notified() => {}
                () = tokio::time::sleep(AGAIN_AFTER), if self.cards.is_due(|_| true) => {}
            }
        }
    }

    /// Projects the cards that a person may be waiting for.
    pub(super) async fn project_cards_of(self: &Arc<Self>, person: PersonId) -> Result<(), EngineError> {
        if !self.cards.is_due(|_| true) {
            return Ok(());
        }
        let places = self.index().places(person)?;
        let students: BTreeSet<StudentId> = places.into_iter().map(|grant| grant.student).collect();
        self.project_cards(|student| students.contains(student)).await
    }

    /// Projects all cards that are due of the students who are wanted.
    ///
    /// A record that cannot be read stops nobody else's; the first error is returned when all have been looked at, and what failed stays
    /// due.
    pub async fn project_cards(
        self: &Arc<Self>,
        wanted: impl Fn(&StudentId) -> bool,
    ) -> Result<(), EngineError> {
        // Whoever projects just now may have taken what is wanted: only when its turn is over is it said.
        let _turn = self.cards.turn.lock().await;
        let (mut first, mut failed) = (Ok(()), BTreeSet::new());
        while let Some(student) = self.cards.take(|student| wanted(student) && !failed.contains(student)) {
            let Err(error) = self.project_card(student).await else { continue };
            failed.insert(student);
            let goes_on = error.is_of_one_record();
            if goes_on {
                tracing::error!(%student, %error, "this student's cards could not be projected");
            }
            first = first.and(Err(error));
            if !goes_on {
                break;
            }
        }
        self.cards.stay_due(failed);
        first
    }

    async fn project_card(self: &Arc<Self>, student: StudentId) -> Result<(), EngineError> {
        let engine = Arc::clone(self);
        let (facts, anybody) = self
            .aside(move || {
                let (index, next) = (engine.reader().index(), engine.reader().end().seq + 1);
                let mut desk = Desk::new(index, next, engine.conditions())?;
                let log = DurableLog::with_tail(engine.reader().as_ref(), &engine.tail);
                let anybody = desk.project_cards(student, &log)?;
                Ok((desk.decide().entries, anybody))
            })
            .await?;
        if !anybody {
            self.cards.nobody_has(student);
        }
        if facts.is_empty() {
            return Ok(());
        }
        self.decide(move |desk| {
            for fact in facts {
                // The place may have ended while the card was made.
                if still_wanted(desk, &fact)? {
                    desk.emit(fact)?;
                }
            }
            Ok(Ruling::Stands(()))
        })
        .await
    }
}

fn still_wanted(desk: &Desk<'_>, fact: &LogEntry) -> Result<bool, DeskError> {
    let LogEntry::Fact { person, key, .. } = fact else { return Ok(false) };
    let Some(student) = key.strip_prefix(CARD).and_then(|student| student.parse().ok()) else {
        return Ok(false);
    };
    Ok(needs_card(&desk.roles_on(*person, student, desk.today())?))
}

#[cfg(test)]
mod tests {
    use super::*;

    const STUDENT: StudentId = StudentId([1; 16]);

    fn written() -> Touched {
        Touched { written: BTreeSet::from([STUDENT]), placed: BTreeSet::new() }
    }

    fn placed() -> Touched {
        Touched::placed(std::iter::once(STUDENT))
    }

    #[test]
    fn what_is_written_is_looked_at_until_nobody_has_a_card() {
        let cards = Cards::default();
        cards.mark(written());
        assert_eq!(cards.take(|_| true), Some(STUDENT));
        cards.mark(written());
        assert_eq!(cards.take(|_| true), Some(STUDENT), "nothing is known yet");
        cards.nobody_has(STUDENT);
        cards.mark(written());
        assert_eq!(cards.take(|_| true), None);
    }

    #[test]
    fn a_new_place_is_looked_at_and_everything_from_then_on() {
        let cards = Cards::default();
        cards.nobody_has(STUDENT);
        cards.mark(placed());
        assert_eq!(cards.take(|_| true), Some(STUDENT));
        cards.mark(written());
        assert!(cards.is_due(|_| true), "it came while the places were looked at");
    }

    #[test]
    fn a_place_that_changed_while_cards_were_projected_is_not_forgotten() {
        let cards = Cards::default();
        cards.mark(written());
        assert_eq!(cards.take(|_| true), Some(STUDENT));
        cards.mark(placed());
        cards.nobody_has(STUDENT);
        assert_eq!(cards.take(|_| true), Some(STUDENT));
        cards.mark(written());
        assert_eq!(cards.take(|_| true), Some(STUDENT));
    }
}
