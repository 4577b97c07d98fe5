//! A server that comes from a copy of the past: the register first, then resends, then everything else.
//!
//! > Until an administrator has confirmed it, a restored server sends nothing down and takes nothing new.
//!
//! What was receipted comes back from the tablets meanwhile, and goes on coming back afterwards for as long as it takes.

use crate::document::name::DocumentName;
use crate::document::schema;
use crate::exchange::codec;
use crate::exchange::message::Kept;
use crate::exchange::message::{Fate, Life, Receipt, Sealed};
use crate::exchange::register::{Gone, Register};
use crate::exchange::server::answer::Unseal;
use crate::exchange::server::check::{Checked, check, check_for, unreadable};
use crate::exchange::server::desk::{Conditions, Desk, DeskError};
use crate::exchange::server::entry::{LogEntry, RestoredBy};
use crate::exchange::server::index::Index;
use crate::exchange::server::receipt::{About, says_stored};
use crate::exchange::server::reply::LogRead;
use crate::exchange::server::seen::Seen;
use crate::ids::{LogId, PersonId};
use crate::key::Keys;
use crate::kv::KvError;
use crate::projection::family::{AccessByHand, FamilyEntry};
use crate::roster::{Device, DeviceState};
use std::collections::BTreeSet;

/// Seconds after which a tablet asks again whether a restored server is confirmed.
pub const RESTORED_RETRY_S: u32 = 300;

/// A sealed act on which all has been done that needs no turn.
#[derive(Debug, Clone)]
pub(crate) struct Opened {
    sealed: Sealed,
    checked: Checked,
    /// The document's name, if a receipt proves that the act stood in it.
    proven: Option<DocumentName>,
}

impl Opened {
    /// Returns whether it was stored once, by a receipt of this server's.
    pub(crate) fn is_proven(&self) -> bool {
        self.proven.is_some()
    }
}

/// Opens a sealed act and checks it: whether its receipt says that exactly this was stored, or else as any envelope.
pub(crate) fn open(
    index: &Index<'_>,
    conditions: &Conditions,
    keys: Keys<'_>,
    unseal: Unseal<'_>,
    sealed: Sealed,
) -> Result<Opened, KvError> {
    let kept = unseal(&sealed.sealed).and_then(|bytes| codec::from_bytes::<Kept>(&bytes).ok());
    let Some(Kept { name, envelope }) = kept else {
        return Ok(Opened { checked: unreadable(&sealed), sealed, proven: None });
    };
    if let Some(receipt) = &sealed.receipt
        && name.id() == sealed.document
        && is_a_life(index, conditions.log, receipt.log)?
    {
        let checked = check_for(index, keys, envelope.clone(), Some(&name))?;
        let about = checked.only_act(sealed.document, sealed.act).map(|content| About {
            document: sealed.document,
            act: sealed.act,
            content,
        });
        if about.is_some_and(|about| says_stored(&conditions.secret, receipt, &about)) {
            return Ok(Opened { sealed, checked, proven: Some(name) });
        }
    }
    Ok(Opened { checked: check(index, keys, envelope)?, sealed, proven: None })
}

/// Returns whether a log is one of the lives of this server's.
pub(crate) fn is_a_life(index: &Index<'_>, present: LogId, log: LogId) -> Result<bool, KvError> {
    Ok(present == log || index.lives()?.iter().any(|life| life.log == log))
}

/// Returns what a tablet is told that has not heard of the present life of the log; none where there never was another.
pub(crate) fn life(
    index: &Index<'_>,
    log: &dyn LogRead,
    present: LogId,
    seen: &Seen,
    waiting: bool,
) -> Result<Option<Life>, KvError> {
    if index.restored()?.is_none() {
        return Ok(None);
    }
    Ok(Some(Life { log: present, shared: seen.shared_with(log)?, waiting }))
}

/// Returns whether the server has yet to be confirmed, as far as this device goes.
///
/// # Errors
/// [`KvError`]: the index could not be read.
pub fn waits_for_confirmation(index: &Index<'_>, device: &Device) -> Result<bool, KvError> {
    let restored = index.restored()?.is_some_and(|restored| restored.waiting);
    Ok(restored || device.state == DeviceState::Unconfirmed)
}

impl Desk<'_> {
    /// Begins the life of the log that the desk's conditions name, and applies the register to what came from the copy. It is the first
    /// frame of that life. `log` is the log as it came from the copy.
    ///
    /// # Errors
    /// [`DeskError`]; the desk is to be thrown away then.
    pub fn begin_life(
        &mut self,
        register: &Register,
        by: RestoredBy,
        log: &dyn LogRead,
    ) -> Result<(), DeskError> {
        let lives = register.lives.clone();
        self.emit(LogEntry::Restored { log: self.conditions().log, lives, by })?;
        self.apply_register(register, log)
    }

    /// Brings back what the register says and the log does not: that has been lost with a part of the log. A server does this at every
    /// start; where nothing was lost, nothing comes of it.
    ///
    /// # Errors
    /// [`DeskError`]; the desk is to be thrown away then.
    pub fn apply_register(&mut self, register: &Register, log: &dyn LogRead) -> Result<(), DeskError> {
        for (device, state) in &register.devices {
            if self.index().banned(*device)? != Some(*state) {
                self.emit(LogEntry::DeviceState { device: *device, state: *state })?;
            }
        }
        for (guardian, access) in &register.guardians {
            if self.index().access_by_hand(*guardian)? != *access {
                let (guardian, AccessByHand { restricted, ended }) = (*guardian, *access);
                self.emit(LogEntry::Family(FamilyEntry::Access { guardian, restricted, ended }))?;
            }
        }
        if let Some(version) = register.policy {
            self.set_policy(version, None)?;
        }
        for (document, gone) in &register.documents {
            match gone {
                Gone::Destroyed if !self.index().is_gone(*document)? => {
                    self.emit(LogEntry::Gone { document: *document })?;
                }
                Gone::Renewed { incarnation, without }
                    if self.index().incarnation(*document)? < *incarnation =>
                {
                    // What was taken out before the copy was made, and stands in it, was let in again since.
                    let mut behind = Vec::new();
                    for (slot, content) in without {
                        if !self.index().is_taken_out(*document, slot, content)? {
                            behind.push((*slot, *content));
                        }
                    }
                    self.renew(log, *document, *incarnation, &behind)?;
                }
                Gone::Destroyed | Gone::Renewed { .. } => {}
            }
        }
        Ok(())
    }

    /// Confirms what a restored server has of grants, revoked devices and destructions, and the devices that it did not know. It may be
    /// said again: a device can show its certificate later.
    ///
    /// # Errors
    /// [`DeskError`]; the desk is to be thrown away then.
    pub fn confirm_restored(&mut self, by: Option<PersonId>) -> Result<(), DeskError> {
        let waiting = self.index().restored()?.is_some_and(|restored| restored.waiting);
        if waiting || !self.index().unconfirmed()?.is_empty() {
            self.emit(LogEntry::Confirmed { by })?;
        }
        Ok(())
    }

    /// Notes a device that shows a certificate of this server's and is not known here: it was paired in what a restore has lost. What was
    /// revoked since stays so.
    ///
    /// # Errors
    /// [`DeskError`]; the desk is to be thrown away then.
    pub fn certify(&mut self, device: Device) -> Result<Device, DeskError> {
        if let Some(known) = self.index().device(device.id)? {
            return Ok(known);
        }
        let state = self.index().banned(device.id)?.unwrap_or(DeviceState::Unconfirmed);
        let device = Device { state, ..device };
        self.emit(LogEntry::Certified { device: device.clone() })?;
        Ok(device)
    }

    /// Gives a sealed act its fate.
    pub(crate) fn receive_sealed(&mut self, device: &Device, opened: Opened) -> Result<Vec<Fate>, DeskError> {
        let Opened { sealed, checked, proven } = opened;
        let receipt: Option<Receipt> = sealed.receipt.filter(|_| proven.is_some());
        if let Some(name) = &proven {
            self.found_again(name)?;
        }
        let fates = match receipt {
            Some(_) => self.settle_envelope(device.id, checked, receipt)?,
            None => self.receive(device.id, checked)?,
        };
        // The tablet cannot look into what it sent: an envelope that is refused whole is named by the act.
        let named =
            |fate: Fate| Fate { act: fate.act.or(Some(sealed.act)), document: sealed.document, ..fate };
        Ok(fates.into_iter().map(named).collect())
    }

    /// Founds a document that a restore has lost. Of a student whom nobody has named it is parked: no team reads it.
    pub(crate) fn found_again(&mut self, name: &DocumentName) -> Result<(), DeskError> {
        let id = name.id();
        if self.index().document(id)?.is_some() || self.index().is_gone(id)? {
            return Ok(());
        }
        for (step, _) in (1..).zip(schema::steps(name.kind)) {
            self.emit(LogEntry::Founded { name: name.clone(), step })?;
        }
        let team = self.index().team(name.subject)?;
        let people: BTreeSet<PersonId> = team.into_iter().map(|grant| grant.person).collect();
        let today = self.today();
        for person in people {
            self.reconcile(person, name.subject, today)?;
        }
        Ok(())
    }
}
