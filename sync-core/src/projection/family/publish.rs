//! Publishing: what the record offers now, against what the family was shown last.

use std::collections::BTreeMap;

use jiff::civil::Date;

use super::entry::FamilyEntry;
use super::index::Published;
use super::offer::{Offer, Year, offers};
use super::value::{Field, Shown, Value};
use crate::document::name::{DocumentKind, DocumentName};
use crate::document::schema::RecordKind;
use crate::document::slot::{ContentHash, SlotKey};
use crate::exchange::server::desk::{Desk, DeskError};
use crate::exchange::server::entry::LogEntry;
use crate::exchange::server::reply::LogRead;
use crate::ids::StudentId;
use crate::projection::card::documents_of;
use crate::record::{Record, Source, fold};

/// The basis of what was published of nothing.
const NO_BASIS: ContentHash = ContentHash([0; 16]);

/// Returns whether a place that nothing is offered for is gone. A visit of an earlier year is only not looked at any more.
fn is_gone(record: &Record<'_>, field: &Field) -> bool {
    match field {
        Field::Goal(..) | Field::Service(_) => true,
        Field::Visit(key) => record.resolve(RecordKind::Session, *key).is_none(),
        Field::Missed(key) => record.resolve(RecordKind::Missed, *key).is_none(),
    }
}

/// What a family is to be shown in a place from here on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Publication {
    /// Of which student.
    pub student: StudentId,
    /// In which place.
    pub field: Field,
    /// What.
    pub shown: Shown,
    /// The hash of what it is made of.
    pub basis: ContentHash,
    /// The place in the log up to which the record was read.
    pub seq: u64,
}

impl Publication {
    /// Returns what an entry publishes; none where it is another one.
    pub fn of(entry: &LogEntry) -> Option<Self> {
        let LogEntry::Family(FamilyEntry::Published { student, field, shown, basis, seq, .. }) = entry else {
            return None;
        };
        Some(Self { student: *student, field: *field, shown: (**shown).clone(), basis: *basis, seq: *seq })
    }

    /// Returns whether it takes back what was shown, in part or whole, and says nothing new.
    pub fn takes_back(&self) -> bool {
        match self.shown {
            Shown::Withdrawn => true,
            // What has a basis was settled anew; without one, it is what is left of what was shown.
            Shown::Value(_) => self.basis == NO_BASIS,
            Shown::BeingUpdated => false,
        }
    }
}

/// What is to be published in a place.
type Change = (Shown, ContentHash);

impl Desk<'_> {
    /// Publishes what has come to be settled in a student's record since it was last looked at, and takes back what was removed.
    ///
    /// It reads the student's documents out of the log, so it is done beside the writer's turn, where the desk is thrown away and its
    /// entries are put on another one.
    ///
    /// # Errors
    /// [`DeskError::Index`], also where the log cannot be read.
    pub fn publish_to_family(&mut self, student: StudentId, log: &dyn LogRead) -> Result<(), DeskError> {
        let (today, zone) = (self.today(), self.organisation().zone.clone());
        // Taps stand in no place of a family's page.
        let wanted = |kind| matches!(kind, DocumentKind::Plan | DocumentKind::Log | DocumentKind::Own);
        let seq = log.end();
        let documents = documents_of(&self.index(), log, student, wanted)?;
        let names: Vec<DocumentName> = documents.iter().map(|(name, _)| name.clone()).collect();
        let sources = documents.iter().map(|(name, slots)| Source { name, slots: slots.iter() });
        let record = fold(student, &zone, sources);
        let calendar = self.index().calendar()?;
        let before = published_fields(self.index().published(student)?);
        let mut offers = offers(&record, &Year::of(&record, &names, &calendar, today));
        for field in before.keys().filter(|field| is_gone(&record, field)) {
            // What last year's plan had, or what was redacted.
            offers.entry(*field).or_insert(Offer::Gone);
        }
        for (field, offer) in offers {
            let last = before.get(&field).map(|last| &last.shown);
            if let Some((shown, basis)) = change(&field, offer, last) {
                self.publish(Publication { student, field, shown, basis, seq })?;
            }
        }
        Ok(())
    }

    /// Publishes one thing, unless that is what is shown there already.
    ///
    /// # Errors
    /// [`DeskError::Index`].
    pub fn publish(&mut self, publication: Publication) -> Result<(), DeskError> {
        let Publication { student, field, shown, basis, seq } = publication;
        let last = self.index().published_at(student, &field)?;
        if last.as_ref().is_some_and(|last| last.shown == shown) {
            return Ok(());
        }
        let viewed = self.index().last_viewed(student)?;
        let day = self.today();
        let Correction { corrected, figures_corrected } =
            last.map(|last| correction(&last, &shown, viewed > last.at, day)).unwrap_or_default();
        let shown = Box::new(shown);
        let entry =
            FamilyEntry::Published { student, field, shown, basis, seq, day, corrected, figures_corrected };
        self.emit(LogEntry::Family(entry)).map(drop)
    }
}

/// What a family is told to have been corrected in a place.
#[derive(Default)]
struct Correction {
    corrected: Option<Date>,
    figures_corrected: BTreeMap<SlotKey, Date>,
}

/// Returns what is told to be corrected when something else is shown in a place. Nobody was misled by what nobody had seen.
///
/// A visit says two things: that somebody came, and what was seen of each goal. Each is corrected by itself: who reads *7 of 10, corrected*
/// would look for the figure that was wrong.
fn correction(last: &Published, shown: &Shown, was_viewed: bool, day: Date) -> Correction {
    let mut told =
        Correction { corrected: last.corrected, figures_corrected: last.figures_corrected.clone() };
    // What was corrected once was seen before that, whether or not anybody looked since.
    let was_seen = told.corrected.is_some()
        || !told.figures_corrected.is_empty()
        || (was_viewed && matches!(last.shown, Shown::Value(_)));
    if !was_seen {
        return told;
    }
    if let (Shown::Value(Value::Visit(old)), Shown::Value(Value::Visit(new))) = (&last.shown, shown) {
        let differ = |goal: &SlotKey| old.seen_of(*goal).ne(new.seen_of(*goal));
        told.figures_corrected.extend(old.goals().into_iter().filter(differ).map(|goal| (goal, day)));
        if old.is_the_same_visit(new) {
            return told;
        }
    }
    Correction { corrected: Some(day), ..told }
}

/// Returns what is published, by its place.
pub(super) fn published_fields(published: Vec<Published>) -> BTreeMap<Field, Published> {
    published.into_iter().map(|published| (published.field, published)).collect()
}

/// Returns what is to be published in a place; none where what is shown there stands.
fn change(field: &Field, offer: Offer, last: Option<&Shown>) -> Option<Change> {
    let next = match (offer, last) {
        (Offer::Settled(value, basis), _) => Some((Shown::Value(value), basis)),
        (Offer::Unsettled(_), None) => field.is_announced().then_some((Shown::BeingUpdated, NO_BASIS)),
        (Offer::Unsettled(void), Some(Shown::Value(value))) => {
            without(value, &void).map(|value| (Shown::Value(value), NO_BASIS))
        }
        (Offer::Unsettled(_), Some(Shown::BeingUpdated | Shown::Withdrawn)) => None,
        (Offer::Gone, Some(Shown::Value(_) | Shown::BeingUpdated)) => Some((Shown::Withdrawn, NO_BASIS)),
        (Offer::Gone, Some(Shown::Withdrawn) | None) => None,
    };
    next.filter(|(shown, _)| Some(shown) != last)
}

/// Returns what was shown of a visit without what was seen by some observations.
fn without(value: &Value, void: &[SlotKey]) -> Option<Value> {
    let Value::Visit(visit) = value else { return None };
    let mut visit = visit.clone();
    visit.seen.retain(|observation, _| !void.contains(observation));
    Some(Value::Visit(visit))
}
