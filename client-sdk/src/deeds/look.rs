//! Looking at what is on the desk: records, and what an edit made now replaces.

use std::collections::BTreeSet;

use sync_core::document::name::{DocumentKind, DocumentName};
use sync_core::document::schema::RecordKind;
use sync_core::document::slot::{Fields, Slot, SlotKey};
use sync_core::exchange::client::state::ActState;
use sync_core::ids::StudentId;
use sync_core::kv::KvError;
use sync_core::record::{Record, Source, fold};

use crate::trouble::Trouble;

use super::{Desk, LocalPolicy, Standing};

impl Desk<'_> {
    /// Finds a record by its key, in whatever document: in a copy, or in an own act.
    ///
    /// # Errors
    /// [`KvError`].
    pub fn standing(&self, key: SlotKey) -> Result<Option<Standing>, KvError> {
        let tablet = self.tablet();
        for copy in tablet.copies()? {
            if let Some(slot) = tablet.record(copy.name.id(), &key)? {
                return Ok(Some(Standing { name: copy.name, slot, stands: true }));
            }
        }
        let made = tablet.acts()?.into_iter().find_map(|act| {
            let slot = act.slots.into_iter().find(|slot| slot.key == key)?;
            let stands = matches!(act.state, ActState::Unsent | ActState::Stored);
            Some(Standing { name: act.name, slot, stands })
        });
        if made.is_some() {
            return Ok(made);
        }
        // Others' held work, as far as this person may review it.
        let held = tablet.holds()?.into_iter().find_map(|hold| {
            let slot = hold.slots.into_iter().find(|slot| slot.key == key)?;
            Some(Standing { name: hold.name, slot, stands: false })
        });
        Ok(held)
    }

    /// Without the tablet's own check, says where a goal would stand that this member cannot read, so that the server's check can be
    /// seen: in the plan of the student on whose card it is, or else of the first on the caseload.
    pub fn unread_goal(&self, key: SlotKey) -> Option<Standing> {
        if self.policy == LocalPolicy::Kind {
            return None;
        }
        let on_card = self.roster.cards.iter().find(|(_, card)| card.goals.iter().any(|goal| goal.id == key));
        let student = on_card.map(|(student, _)| *student).or(self.roster.students.keys().next().copied())?;
        let name = DocumentName {
            org: self.roster.profile.org,
            kind: DocumentKind::Plan,
            subject: student,
            period: self.roster.calendar.year_of(self.roster.today(self.now)),
            member: None,
        };
        let container = RecordKind::Goal.container().to_owned();
        Some(Standing { name, slot: Slot { container, key, fields: Fields::new() }, stands: true })
    }

    /// Folds a student's record out of everything that is here, and looks at it.
    ///
    /// # Errors
    /// What `look` says, or the store's.
    pub fn with_record<T>(
        &self,
        student: StudentId,
        look: impl FnOnce(&Record<'_>) -> Result<T, Trouble>,
    ) -> Result<T, Trouble> {
        let shown = self.tablet().shown(student)?;
        let sources = shown.iter().map(|document| Source { name: &document.name, slots: &document.slots });
        look(&fold(student, &self.roster.zone, sources))
    }

    /// Returns the ids of the standing values of a record's field, which an edit made now replaces.
    ///
    /// # Errors
    /// The store's.
    pub fn replaced(&self, standing: &Standing, field: &str) -> Result<BTreeSet<SlotKey>, Trouble> {
        if !standing.stands {
            // Of held work, the edits on top of it that are held as well.
            let first = Some(standing.slot.key);
            return Ok(self.said_by_acts(standing, field, first, |_| true)?);
        }
        if self.corrects {
            // What is corrected is the own value that waits, and not the one that stands: that is for the reviewer to see.
            let waits = |state: &ActState| matches!(state, ActState::Held(_) | ActState::Unsent);
            let waiting = self.said_by_acts(standing, field, None, waits)?;
            if !waiting.is_empty() {
                return Ok(waiting);
            }
        }
        self.with_record(standing.name.subject, |record| {
            let entry = record.stands_in(standing.name.id(), standing.slot.key);
            let said = entry.map(|entry| entry.standing(field).iter().map(|said| said.id).collect());
            Ok(said.unwrap_or_else(|| BTreeSet::from([standing.slot.key])))
        })
    }

    /// Returns the values of a field that own acts have made of it, but for those that another one of them replaces.
    fn said_by_acts(
        &self,
        standing: &Standing,
        field: &str,
        first: Option<SlotKey>,
        counts: impl Fn(&ActState) -> bool,
    ) -> Result<BTreeSet<SlotKey>, KvError> {
        let target = standing.slot.key.to_string();
        let text =
            |slot: &Slot, path: &str| slot.leaf(path).and_then(|value| value.as_text().map(str::to_owned));
        let acts = self.tablet().acts()?.into_iter();
        let edits: Vec<Slot> = acts
            .filter(|act| act.name == standing.name && counts(&act.state))
            .flat_map(|act| act.slots)
            .filter(|slot| text(slot, "target").as_deref() == Some(target.as_str()))
            .filter(|slot| text(slot, "field").as_deref() == Some(field))
            .collect();
        let gone: BTreeSet<SlotKey> = edits
            .iter()
            .filter_map(|slot| slot.leaf("replaces")?.as_map())
            .flat_map(|map| map.keys().filter_map(|key| key.parse().ok()))
            .collect();
        let all = first.into_iter().chain(edits.iter().map(|slot| slot.key));
        Ok(all.filter(|key| !gone.contains(key)).collect())
    }
}
