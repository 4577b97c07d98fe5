//! Damage: what a store says of what it has lost.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use sync_core::exchange::codec;

use super::ledger::Kind;
use super::mend::forget_set_aside;
use super::state::{State, Table};
use super::{Store, StoreError, Writes};

/// Where the damage is noted, among what only this tablet knows.
pub(super) const NOTE: &[u8] = b"damage";

/// What could not be read of a store, and was not found again in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Damage {
    /// What was seen first.
    pub what: String,
    /// Where the damaged files are kept, until something of the person's is purged.
    pub kept: PathBuf,
    /// How many rows of each kind are gone; none where nobody can tell.
    pub lost: Option<Vec<(Kind, u64)>>,
    /// Acts of which the readable form is gone, and the sealed one goes to school with the next exchange.
    pub only_sealed: u64,
}

impl Damage {
    /// Notes how many acts are left in their sealed form alone: those are not lost.
    pub(super) fn with_only_sealed(mut self, only_sealed: u64) -> Self {
        self.only_sealed = only_sealed;
        if let Some(lost) = &mut self.lost {
            for (_, rows) in lost.iter_mut().filter(|(kind, _)| *kind == Kind::Own) {
                *rows = rows.saturating_sub(only_sealed);
            }
            lost.retain(|(_, rows)| *rows > 0);
        }
        self
    }

    /// Returns what is left of the damage when everything has been exchanged again: what was nowhere else.
    fn for_good(&self) -> Option<Self> {
        let Some(lost) = &self.lost else { return Some(self.clone()) };
        let lost: Vec<_> = lost.iter().copied().filter(|(kind, _)| kind.is_only_here()).collect();
        (!lost.is_empty()).then(|| Self { lost: Some(lost), only_sealed: 0, ..self.clone() })
    }

    /// Returns the damage in words for the person.
    pub fn words(&self) -> String {
        let named = |is_only_here: bool| {
            let lost = self.lost.iter().flatten().filter(|(kind, _)| kind.is_only_here() == is_only_here);
            lost.map(|(kind, rows)| format!("{} ({rows})", kind.words())).collect::<Vec<_>>().join(", ")
        };
        let (gone, back) = (named(true), named(false));
        let mut words = vec![format!("What this tablet had stored was damaged ({}).", self.what)];
        if self.lost.is_none() {
            words.push(
                "How much of it is gone cannot be told: look through what you logged since the last sync."
                    .into(),
            );
        }
        if !gone.is_empty() {
            words.push(format!("Gone: {gone}. What was sent before is safe at school."));
        }
        if self.only_sealed > 0 {
            let sealed = self.only_sealed;
            words.push(format!("Saved, and shown again after the next sync: {sealed} of what you logged."));
        }
        if self.lost.is_none() || !back.is_empty() {
            let what = if back.is_empty() { String::new() } else { format!(": {back}") };
            words.push(format!("What the school has comes back with the next sync{what}."));
        }
        // They go when the person may no longer read what is in them.
        if self.kept.is_dir() {
            words.push(format!("The damaged files are kept in {}.", self.kept.display()));
        }
        words.join(" ")
    }
}

impl Store {
    /// Returns what this store has lost, if it was ever damaged.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn damage(&self) -> Result<Option<Damage>, StoreError> {
        self.read(damage_of)
    }

    /// Says no more of what this store has lost, and removes the damaged files.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn forget_damage(&self) -> Result<(), StoreError> {
        forget_set_aside(self.folder())?;
        self.update(|_| {
            let mut writes = Writes::new();
            writes.delete(Table::Local, NOTE.to_vec());
            Ok((writes, ()))
        })
    }
}

/// Returns what a store has lost, if it was ever damaged.
///
/// # Errors
/// [`StoreError`].
pub fn damage_of(state: &State<'_>) -> Result<Option<Damage>, StoreError> {
    let noted = state.get_in(Table::Local, NOTE)?;
    let read = |bytes: Vec<u8>| codec::from_bytes(&bytes);
    noted.map(read).transpose().map_err(|_| StoreError::Damaged("the note of damage".into()))
}

impl Writes {
    /// Notes that everything was exchanged again: only what was nowhere else is gone for good.
    pub(crate) fn settle_damage(&mut self, damage: &Damage) {
        match damage.for_good() {
            Some(for_good) if for_good == *damage => {}
            Some(for_good) => self.put(Table::Local, NOTE.to_vec(), codec::to_bytes(&for_good)),
            None => self.delete(Table::Local, NOTE.to_vec()),
        }
    }
}
