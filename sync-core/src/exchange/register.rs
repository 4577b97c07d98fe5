//! What a restored copy must not forget: every life of the log, revoked devices, guardians who may see nothing, documents that are gone, and
//! the policy.
//!
//! The register lies beside the server's keys, outside the backups, and is applied before anything else of a restored copy is looked at.
//! It is a value; whoever keeps the keys keeps the file.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::document::slot::{ContentHash, SlotKey};
use crate::exchange::server::entry::LogEntry;
use crate::ids::{DeviceId, DocumentId, GuardianId, LogId};
use crate::projection::family::{AccessByHand, FamilyEntry};
use crate::roster::DeviceState;
use crate::roster::version::PolicyVersion;

/// One life of the organisation's log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Life {
    /// Its id.
    pub log: LogId,
    /// The life that it began as a copy of, and the last place that the two have in common; none where it was founded. The place is 0 where
    /// nobody knows it.
    pub from: Option<(LogId, u64)>,
}

/// A document that may not come back as it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Gone {
    /// It was destroyed.
    Destroyed,
    /// It began a new life without some of its records.
    Renewed {
        /// Which life it is in now.
        incarnation: u32,
        /// The records that it has no more, with what they said.
        without: Vec<(SlotKey, ContentHash)>,
    },
}

/// What lies beside the keys.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Register {
    /// Every life of the log, in their order; the last is the present one.
    pub lives: Vec<Life>,
    /// Devices that were revoked or lost.
    pub devices: BTreeMap<DeviceId, DeviceState>,
    /// What was decided by hand about guardians: a court order made since the backup holds.
    #[serde(default)]
    pub guardians: BTreeMap<GuardianId, AccessByHand>,
    /// The version of the policy that was set last; none where none ever was. A copy from before it does not widen it again.
    #[serde(default)]
    pub policy: Option<PolicyVersion>,
    /// Documents that were destroyed, or began anew.
    pub documents: BTreeMap<DocumentId, Gone>,
}

impl Register {
    /// Returns the register of an organisation that is founded with this log.
    pub fn founded(log: LogId) -> Self {
        Self { lives: vec![Life { log, from: None }], ..Self::default() }
    }

    /// Adds a life that begins as a copy of `from`, of which it has what lies up to `end`: 0 where a folder was set back and nobody knows
    /// how far. It must be on the disk before the new log has a first entry.
    pub fn begin(&mut self, log: LogId, from: LogId, end: u64) {
        self.lives.push(Life { log, from: Some((from, end)) });
    }

    /// Notes what an entry says that a restored copy must not forget. Returns whether the register has changed and is to be written.
    ///
    /// The same entry twice changes nothing.
    pub fn note(&mut self, entry: &LogEntry) -> bool {
        let before = self.clone();
        #[expect(
            clippy::wildcard_enum_match_arm,
            reason = "all else comes back with the backup, or with the tablets"
        )]
        match entry {
            LogEntry::DeviceState { device, state: DeviceState::Active } => drop(self.devices.remove(device)),
            LogEntry::DeviceState { device, state } => drop(self.devices.insert(*device, *state)),
            LogEntry::Family(FamilyEntry::Access { guardian, restricted, ended }) => {
                let access = AccessByHand { restricted: *restricted, ended: *ended };
                self.guardians.insert(*guardian, access);
            }
            LogEntry::Policy { version, .. } => self.policy = Some(*version),
            LogEntry::Gone { document } => drop(self.documents.insert(*document, Gone::Destroyed)),
            LogEntry::Replaced { document, incarnation, without } => {
                self.renew(*document, *incarnation, without)
            }
            _ => {}
        }
        *self != before
    }

    /// Takes over what a log says of which it is not known whether it is newer than this register or older: of what they disagree about,
    /// what gives less stands. A log that was set back to before a revocation must not undo it.
    pub fn note_stricter<'e>(&mut self, entries: impl IntoIterator<Item = &'e LogEntry>) {
        let mut said = Self::default();
        for entry in entries {
            said.note(entry);
        }
        for (device, state) in said.devices {
            self.devices.entry(device).or_insert(state);
        }
        for (guardian, access) in said.guardians {
            let known = self.guardians.entry(guardian).or_insert(access);
            known.restricted |= access.restricted;
            known.ended |= access.ended;
        }
        // Each version takes from what the one before it gave.
        self.policy = self.policy.max(said.policy);
        for (document, gone) in said.documents {
            match gone {
                Gone::Destroyed => drop(self.documents.insert(document, Gone::Destroyed)),
                Gone::Renewed { incarnation, without } => self.renew(document, incarnation, &without),
            }
        }
    }

    fn renew(&mut self, document: DocumentId, life: u32, missing: &[(SlotKey, ContentHash)]) {
        match self.documents.entry(document).or_insert(Gone::Renewed { incarnation: 0, without: Vec::new() })
        {
            Gone::Destroyed => {}
            Gone::Renewed { incarnation, without } => {
                *incarnation = (*incarnation).max(life);
                let new = missing.iter().filter(|one| !without.contains(one)).copied().collect::<Vec<_>>();
                without.extend(new);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Moment;

    const LOG: LogId = LogId([1; 16]);

    #[test]
    fn a_register_notes_each_thing_once() {
        let mut register = Register::founded(LOG);
        let device = DeviceId([5; 16]);
        let lost = LogEntry::DeviceState { device, state: DeviceState::Lost };
        assert!(register.note(&lost) && !register.note(&lost));
        let guardian = GuardianId([9; 16]);
        let access =
            |restricted| LogEntry::Family(FamilyEntry::Access { guardian, restricted, ended: false });
        assert!(register.note(&access(true)) && !register.note(&access(true)));
        assert!(register.note(&access(false)), "the last decision is the one that holds");
        let set = |version| LogEntry::Policy { version, by: None, time: Moment(0) };
        assert!(register.note(&set(PolicyVersion::V2)) && !register.note(&set(PolicyVersion::V2)));
        assert!(register.note(&set(PolicyVersion::V1)), "the last one is in force");
        let document = DocumentId([6; 16]);
        let without =
            vec![(SlotKey::new(crate::ids::PersonId([7; 16]), ulid::Ulid::from(1)), ContentHash([8; 16]))];
        let renewed = LogEntry::Replaced { document, incarnation: 1, without: without.clone() };
        assert!(register.note(&renewed) && !register.note(&renewed));
        assert_eq!(register.documents[&document], Gone::Renewed { incarnation: 1, without });
        assert!(register.note(&LogEntry::Gone { document }));
        assert!(!register.note(&renewed), "what is destroyed stays so");
    }
}
