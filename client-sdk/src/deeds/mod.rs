//! From what a person does to acts in the outbox.
//!
//! A [`Desk`] lies over one state of the store. Each deed made on it is checked as the server would, put into its document, and kept as
//! an act with a fate of its own; later deeds on the same desk see the earlier ones. What is on the desk when it is cleared goes to the
//! store in one transaction.

mod expect;
mod look;
mod make;

pub use expect::expected_of;
use sync_core::document::name::DocumentName;
use sync_core::document::slot::{Slot, SlotKey, Value};
use sync_core::exchange::client::state::{ActRow, ActState, Tablet};
use sync_core::kv::{Overlay, Write};
use sync_core::time::Moment;

use crate::chance::Chance;
use crate::local::Local;
use crate::roster::Roster;
use crate::sealer::Sealer;
use crate::store::State;
use crate::trouble::Trouble;

/// Whether the tablet checks by itself what the server will check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LocalPolicy {
    /// It does: what would not be allowed is not made.
    Kind,
    /// It does not, so that the server's own check can be seen.
    Skipped,
}

/// Where deeds are made.
pub struct Desk<'a> {
    sheet: Overlay<'a>,
    /// What is known of people, students and terms.
    pub roster: Roster,
    /// The tablet's time.
    pub now: Moment,
    policy: LocalPolicy,
    /// Whether what is made corrects own work that waits for review: it may wait as that does.
    corrects: bool,
    /// Whether this device's access has ended: nothing new is made then.
    ended: bool,
    /// What seals each act; none on a desk that only tries something out.
    sealer: Option<Sealer>,
}

/// A record, and where it stands.
#[derive(Debug, Clone)]
pub struct Standing {
    /// The document.
    pub name: DocumentName,
    /// The record as it was made.
    pub slot: Slot,
    /// Whether it stands or is on its way; false where it waits for review or was refused.
    pub stands: bool,
}

impl<'a> Desk<'a> {
    /// Lays a desk over a state, to look or to try something out. What is made to be kept is made on one that [seals](Self::sealing).
    ///
    /// # Errors
    /// [`Trouble::NotPaired`], or the store's.
    pub fn over(state: &'a State<'a>, now: Moment, policy: LocalPolicy) -> Result<Self, Trouble> {
        let ended = Local(state).ended()?.is_some();
        Ok(Self {
            sheet: Overlay::new(state),
            roster: Roster::read(state)?,
            now,
            policy,
            corrects: false,
            ended,
            sealer: None,
        })
    }

    /// Has each act sealed to the server's key when it is kept.
    ///
    /// # Errors
    /// [`Trouble::Chance`], or the store's.
    pub fn sealing(mut self, local: &Local<'_>, chance: &mut dyn Chance) -> Result<Self, Trouble> {
        self.sealer = Sealer::drawn(local, chance)?;
        Ok(self)
    }

    /// Lays a desk for the engine, which finishes what was begun, whatever has ended since.
    pub(crate) fn of_engine(state: &'a State<'a>, now: Moment) -> Result<Self, Trouble> {
        let roster = Roster::read(state)?;
        Ok(Self {
            sheet: Overlay::new(state),
            roster,
            now,
            policy: LocalPolicy::Skipped,
            corrects: false,
            ended: false,
            sealer: None,
        })
    }

    /// Lets what is made from now on wait for review, where it corrects own work that does.
    ///
    /// # Errors
    /// The store's.
    pub fn correct(&mut self, record: SlotKey) -> Result<(), Trouble> {
        let about = |slot: &Slot| {
            slot.key == record || slot.leaf("target").and_then(Value::as_text) == Some(&record.to_string())
        };
        let tablet = self.tablet();
        let held = |act: &ActRow| matches!(act.state, ActState::Held(_)) && act.slots.iter().any(about);
        self.corrects = tablet.acts()?.iter().any(held);
        Ok(())
    }

    /// Returns what is to be written.
    pub fn clear(self) -> Vec<Write> {
        self.sheet.into_writes()
    }

    /// Reads the tablet's tables, with what was made here.
    pub fn tablet(&self) -> Tablet<'_> {
        Tablet(&self.sheet)
    }

    /// Adds writes that are no deed's.
    pub fn add(&mut self, writes: Vec<Write>) {
        for write in writes {
            match write {
                Write::Put(key, value) => self.sheet.put(key, value),
                Write::Delete(key) => self.sheet.delete(key),
            }
        }
    }
}
