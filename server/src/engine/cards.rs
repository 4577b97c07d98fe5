//! Student cards, projected beside the writer's turn.
//!
//! A card needs the effective record, which means reading the student's documents out of the log: too slow for the turn that everybody
//! waits for. So the turn only notes whose cards may differ. They are projected one student at a time, many changes of one student at
//! once, and the finished facts are put into the log in a turn of their own. A member who asks meanwhile waits for the own cards, and so
//! never reads an older record on a card than stood when the question came.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

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

/// Whose cards may differ from what was said last.
#[derive(Default)]
pub(super) struct Cards {
    due: Mutex<BTreeSet<StudentId>>,
    wake: Notify,
    /// Held while cards are projected: an older projection must not come after a newer one.
    turn: tokio::sync::Mutex<()>,
}

impl Cards {
    pub(super) fn mark(&self, students: BTreeSet<StudentId>) {
        if !students.is_empty() {
            self.due.lock().unwrap_or_else(PoisonError::into_inner).extend(students);
            self.wake.notify_one();
        }
    }

    fn is_due(&self, wanted: impl Fn(&StudentId) -> bool) -> bool {
        self.due.lock().unwrap_or_else(PoisonError::into_inner).iter().any(wanted)
    }

    fn take(&self, wanted: impl Fn(&StudentId) -> bool) -> Option<StudentId> {
        let mut due = self.due.lock().unwrap_or_else(PoisonError::into_inner);
        let student = due.iter().find(|student| wanted(student)).copied()?;
        due.remove(&student);
        Some(student)
    }
}

/// Returns the students whose cards may differ after these entries.
pub(super) fn touched(index: &Index<'_>, entries: &[LogEntry]) -> Result<BTreeSet<StudentId>, KvError> {
    let mut students = BTreeSet::new();
    for entry in entries {
        match entry {
            LogEntry::Changed { document, .. } => {
                let state = index.document(*document)?;
                let shown =
                    state.filter(|state| matches!(state.name.kind, DocumentKind::Plan | DocumentKind::Log));
                students.extend(shown.map(|state| state.name.subject));
            }
            LogEntry::Grant(grant) => drop(students.insert(grant.student)),
            LogEntry::Begin { document, .. }
            | LogEntry::Replaced { document, .. }
            | LogEntry::Gone { document }
            | LogEntry::Review { document, .. }
            | LogEntry::End { document, .. } => {
                students.extend(index.document(*document)?.map(|state| state.name.subject));
            }
            // What is in force, and which sessions are today's, changes with the day.
            LogEntry::Day(_) => students.extend(index.students()?.into_iter().map(|student| student.id)),
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
            | LogEntry::Audit { .. } => {}
        }
    }
    Ok(students)
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
    pub async fn project_cards(
        self: &Arc<Self>,
        wanted: impl Fn(&StudentId) -> bool,
    ) -> Result<(), EngineError> {
        // Whoever projects just now may have taken what is wanted: only when its turn is over is it said.
        let _turn = self.cards.turn.lock().await;
        while let Some(student) = self.cards.take(&wanted) {
            if let Err(error) = self.project_card(student).await {
                self.cards.mark(BTreeSet::from([student]));
                return Err(error);
            }
        }
        Ok(())
    }

    async fn project_card(self: &Arc<Self>, student: StudentId) -> Result<(), EngineError> {
        let engine = Arc::clone(self);
        let facts = self
            .aside(move || {
                let (index, next) = (engine.reader().index(), engine.reader().end().seq + 1);
                let mut desk = Desk::new(index, next, engine.conditions())?;
                desk.project_cards(student, &DurableLog(engine.reader().as_ref()))?;
                Ok(desk.decide().entries)
            })
            .await?;
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
