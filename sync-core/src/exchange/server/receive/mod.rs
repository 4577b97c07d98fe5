//! What arrives: each act of an envelope gets exactly one fate.
//!
//! | Module | What it is |
//! | --- | --- |
//! | `refuse` | what can never stand is refused, and kept as evidence |
//! | `act` | the other acts are sorted by what stands of each already, or is held |
//! | `store` | once they are judged, what may stand goes into the document |
//! | `settle` | each gets its fate; what may not stand yet is held |

mod act;
mod refuse;
mod settle;
mod store;

use crate::document::slot::{ContentHash, Slot, SlotKey};
use crate::envelope::Envelope;
use crate::exchange::message::{Fate, HoldReason, Receipt};
use crate::exchange::server::check::{Checked, NO_SUCH_DOCUMENT, Refused, Whole, check, may_have_been_given};
use crate::exchange::server::desk::{Desk, DeskError};
use crate::exchange::server::hold::{Earlier, known};
use crate::exchange::server::index::Quota;
use crate::exchange::server::judge::Judged;
use crate::exchange::server::look_up::look_up;
use crate::gate::policy;
use crate::ids::{DeviceId, DocumentId};
use crate::key::DeviceKey;

/// Holds of one device that may wait at a time.
pub const WAITING_MAX: u64 = 5_000;
/// Recovered acts of one device's bringing that may wait at a time.
pub const RECOVERED_MAX: u64 = 5_000;
/// Bytes of refused envelopes that are kept of one device.
pub const REFUSED_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// Returns whether a device is beyond its quota: nothing more of it gets a fate until something is decided.
pub fn over_quota(quota: &Quota) -> bool {
    quota.waiting >= WAITING_MAX || quota.refused_bytes >= REFUSED_BYTES_MAX
}

/// Returns whether so much of what a device brought waits as recovered that it brings no more: what it has stays in its copies.
pub fn over_recovered(quota: &Quota) -> bool {
    quota.recovered >= RECOVERED_MAX
}

impl Desk<'_> {
    /// Gives every act of an envelope its fate, and puts on the desk what follows from it.
    ///
    /// `carrier` is the device that brought it. Of another's envelope nothing is said to the carrier; the author hears of it.
    ///
    /// # Errors
    /// [`DeskError`]; the desk is to be thrown away then.
    pub fn receive(&mut self, carrier: DeviceId, checked: Checked) -> Result<Vec<Fate>, DeskError> {
        let device = checked.device().unwrap_or(carrier);
        if over_quota(&self.index().quota(device)?) {
            return Ok(Vec::new());
        }
        let fates = self.settle_envelope(device, checked, None)?;
        Ok(if device == carrier { fates } else { Vec::new() })
    }

    /// As [`Self::receive`], whatever else of the device waits; `receipt` is the proof that the act of the envelope was stored once.
    pub(crate) fn settle_envelope(
        &mut self,
        device: DeviceId,
        checked: Checked,
        receipt: Option<Receipt>,
    ) -> Result<Vec<Fate>, DeskError> {
        match checked.content {
            Ok(mut whole) => {
                let (document, hash) = (whole.verified.body().document, checked.hash);
                let misshapen = std::mem::take(&mut whole.misshapen);
                let refused = self.refuse_acts(document, device, &checked.envelope, hash, misshapen)?;
                let judged = self.receive_whole(whole, checked.envelope, hash, receipt)?;
                Ok(judged.into_iter().chain(refused).collect())
            }
            Err(refused) => {
                // The document may have been given to its author since it was looked for, outside the writer's turn.
                if refused.code == NO_SUCH_DOCUMENT && self.is_given_now(&refused)? {
                    let again = check(&self.index(), &DeviceKey::of, checked.envelope.clone())?;
                    if again.content.is_ok() {
                        return self.settle_envelope(device, again, receipt);
                    }
                }
                self.refuse(refused, device, checked.envelope, checked.hash)
            }
        }
    }

    /// Returns whether the author of what was refused for its document was given it: what nobody was given is not checked twice.
    fn is_given_now(&self, refused: &Refused) -> Result<bool, DeskError> {
        let index = self.index();
        let device = refused.device.map(|device| index.device(device)).transpose()?.flatten();
        let (Some(device), Some(state)) = (device, index.document(refused.document)?) else {
            return Ok(false);
        };
        Ok(may_have_been_given(&index, device.person, &state.name)? && !index.is_gone(refused.document)?)
    }

    fn receive_whole(
        &mut self,
        whole: Whole,
        envelope: Envelope,
        hash: ContentHash,
        receipt: Option<Receipt>,
    ) -> Result<Vec<Fate>, DeskError> {
        let (slots, wrapping) = whole.shaped.into_parts();
        let document = whole.verified.body().document;
        let author = whole.device.person;
        // Whatever was checked may have changed since; rights and states are looked up here, in the writer's turn.
        let Some(state) = self.index().document(document)? else { return Ok(Vec::new()) };
        let device = self.index().device(whole.device.id)?.map(|device| device.state);
        let ground = self.ground(&whole.name, author, device)?;
        let acts = self.sort_into_acts(document, &state, &slots, &whole.contents)?;
        let mut earlier = Earlier::new();
        let mut verdicts = Vec::new();
        for act in &acts {
            let mut judged = match &receipt {
                Some(_) => self.judge_by_receipt(document, &act.new, &earlier)?,
                None => self.judge_slots(document, &whole.name, &ground, &act.new, &earlier)?,
            };
            if state.incarnation > 0 && self.was_taken_out(document, &act.new)? {
                judged = Judged { reason: Some(HoldReason::SetAside), ..judged };
                judged.only_on_top = false;
            } else if act.twin
                && !matches!(
                    judged.reason,
                    Some(HoldReason::AccessEnded | HoldReason::DeviceRevoked | HoldReason::DeviceLost)
                )
            {
                judged.reason = Some(HoldReason::Twin);
                judged.only_on_top = false;
            } else if judged.reason.is_none() && act.held.is_some() && !act.new.is_empty() {
                // The rest of an act, some of which is held, goes the way of that.
                judged = Judged { reason: Some(HoldReason::OnTop), ..Judged::default() };
            }
            // What builds on an act that is held here is not let through: only what stands, or is let through, is known.
            if judged.reason.is_none() {
                self.remember(document, &act.new, &mut earlier)?;
            }
            verdicts.push(judged);
        }
        let stored = match receipt {
            Some(receipt) => self.store_again(&state, envelope, receipt, &acts, &verdicts)?,
            None => self.store_allowed(
                &state,
                &whole.verified,
                &envelope,
                hash,
                &slots,
                &whole.contents,
                wrapping,
                &acts,
                &verdicts,
            )?,
        };
        let mut fates = Vec::new();
        for (act, judged) in acts.into_iter().zip(verdicts) {
            fates.push(self.settle(
                &whole.name,
                &whole.verified,
                &whole.device,
                hash,
                act,
                judged,
                stored,
                receipt,
            )?);
        }
        self.close_recovered(document, &slots)?;
        let now_standing: Vec<SlotKey> = earlier.into_keys().collect();
        self.release(document, &whole.name, &now_standing)?;
        Ok(fates)
    }

    fn remember(
        &self,
        document: DocumentId,
        slots: &[&Slot],
        earlier: &mut Earlier,
    ) -> Result<(), DeskError> {
        for slot in slots {
            let index = self.index();
            let find = |key: &SlotKey| known(&index, document, earlier, key);
            let found = look_up(find, |find| policy::known_of(slot, find))?;
            earlier.extend(found.map(|found| (slot.key, found)));
        }
        Ok(())
    }
}
