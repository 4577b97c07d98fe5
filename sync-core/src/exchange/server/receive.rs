//! What arrives: each act of an envelope gets exactly one fate.

use std::collections::BTreeMap;

use crate::document::name::DocumentName;
use crate::document::slot::{ContentHash, Slot, SlotKey, by_act};
use crate::envelope::{Envelope, Verified};
use crate::exchange::message::{Fate, HoldReason, HoldState, Outcome, Receipt};
use crate::exchange::server::apply::{Contents, Meaning};
use crate::exchange::server::check::{Checked, NO_SUCH_DOCUMENT, Refused, Whole, check, may_have_been_given};
use crate::exchange::server::desk::{Desk, DeskError};
use crate::exchange::server::entry::{Hold, LogEntry, Origin};
use crate::exchange::server::hold::{Earlier, hold_id, known};
use crate::exchange::server::index::{DocumentState, Quota};
use crate::exchange::server::judge::Judged;
use crate::exchange::server::look_up::look_up;
use crate::exchange::server::receipt::{About, content_of};
use crate::gate::apart::Misshapen;
use crate::gate::policy;
use crate::gate::shape::Wrapping;
use crate::ids::{ActId, DeviceId, DocumentId};
use crate::key::DeviceKey;
use crate::roster::Device;
use crate::seeded::{Bug, seeded};

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

/// One act of an envelope, sorted by what stands of it.
struct Act<'s> {
    id: ActId,
    /// All that it says.
    content: ContentHash,
    /// What neither stands nor is held.
    new: Vec<&'s Slot>,
    /// Whether all of its slots are new.
    whole: bool,
    /// The last place in the log at which something of it stands.
    standing: u64,
    /// A hold that has something of it.
    held: Option<Hold>,
    twin: bool,
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

    fn refuse(
        &mut self,
        refused: Refused,
        device: DeviceId,
        envelope: Envelope,
        hash: ContentHash,
    ) -> Result<Vec<Fate>, DeskError> {
        let Refused { document, code, acts, .. } = refused;
        if !acts.is_empty() {
            return self.refuse_acts(document, device, &envelope, hash, acts);
        }
        let seq = self.emit(LogEntry::Refused { document, device, envelope, code: code.clone() })?;
        let outcome = Outcome::Refused { code };
        let receipt = self.receipt(&About { document, act: ActId(hash.0), content: hash }, &outcome, seq);
        Ok(vec![Fate { document, act: None, envelope: hash, outcome, receipt }])
    }

    /// Refuses acts of an envelope. The envelope is kept as evidence, once for each thing that is wrong in it.
    fn refuse_acts(
        &mut self,
        document: DocumentId,
        device: DeviceId,
        envelope: &Envelope,
        hash: ContentHash,
        acts: Vec<Misshapen>,
    ) -> Result<Vec<Fate>, DeskError> {
        let mut noted: BTreeMap<&'static str, u64> = BTreeMap::new();
        let mut fates = Vec::new();
        for Misshapen { act, contents, refusal } in acts {
            let code = refusal.code();
            let seq = match noted.get(code) {
                Some(seq) => *seq,
                None => {
                    let (envelope, code) = (envelope.clone(), code.to_owned());
                    self.emit(LogEntry::Refused { document, device, envelope, code })?
                }
            };
            noted.insert(code, seq);
            let outcome = Outcome::Refused { code: code.to_owned() };
            let receipt =
                self.receipt(&About { document, act, content: content_of(contents) }, &outcome, seq);
            fates.push(Fate { document, act: Some(act), envelope: hash, outcome, receipt });
        }
        Ok(fates)
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
        let acts = self.sort_into_acts(document, &slots, &whole.contents)?;
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

    fn sort_into_acts<'s>(
        &self,
        document: DocumentId,
        slots: &'s [Slot],
        contents: &Contents,
    ) -> Result<Vec<Act<'s>>, DeskError> {
        let index = self.index();
        let mut acts = Vec::new();
        for (id, group) in by_act(slots) {
            let hashes: Vec<ContentHash> = group
                .iter()
                .map(|slot| contents.get(&slot.key).copied().unwrap_or_else(|| slot.content_hash()))
                .collect();
            let content = content_of(hashes.iter().copied());
            let mut act =
                Act { id, content, new: Vec::new(), whole: true, standing: 0, held: None, twin: false };
            for (slot, content) in group.into_iter().zip(hashes) {
                if let Some(standing) = index.slot(document, &slot.key)?.filter(|_| !seeded(Bug::StoodBefore))
                {
                    if standing.hash == content {
                        act.standing = act.standing.max(standing.seq);
                        act.whole = false;
                        continue;
                    }
                    // An admitted twin stands beside the record whose key it had.
                    let twin = SlotKey { twin: Some(content), ..slot.key };
                    if let Some(standing) = index.slot(document, &twin)? {
                        act.standing = act.standing.max(standing.seq);
                        act.whole = false;
                        continue;
                    }
                    act.twin = true;
                }
                // What was recovered from a colleague's copy makes room for the author's own.
                let same = |hold: &Hold| hold.reason != HoldReason::Recovered && hold.has(&slot.key, content);
                if let Some(hold) = index.held(document, &slot.key)?.into_iter().find(same) {
                    act.held = Some(hold);
                    act.whole = false;
                    continue;
                }
                act.new.push(slot);
            }
            acts.push(act);
        }
        Ok(acts)
    }

    #[expect(clippy::too_many_arguments, reason = "all of one envelope, taken apart once")]
    fn store_allowed(
        &mut self,
        state: &DocumentState,
        verified: &Verified,
        envelope: &Envelope,
        hash: ContentHash,
        slots: &[Slot],
        contents: &Contents,
        wrapping: Option<Wrapping>,
        acts: &[Act<'_>],
        verdicts: &[Judged],
    ) -> Result<u64, DeskError> {
        let document = verified.body().document;
        if !acts.iter().zip(verdicts).any(|(act, judged)| judged.reason.is_none() && !act.new.is_empty()) {
            return Ok(0);
        }
        let policy = self.policy().number();
        let whole = acts.iter().zip(verdicts).all(|(act, judged)| act.whole && judged.reason.is_none());
        if let (Some(wrapping), true) = (wrapping, whole)
            && let Ok(meta) = self.fits(document, state, &wrapping)?
        {
            let origin = Origin::Verbatim {
                envelope: hash,
                signature: envelope.signature,
                evidence: verified.body().evidence.clone(),
                policy,
            };
            let meaning = Meaning { change: &wrapping.outline, step: meta.step, slots, contents };
            return self.store_verbatim(document, state, wrapping.bytes, &meaning, origin);
        }
        let origin = Origin::Issued { envelopes: vec![envelope.clone()], admitted: Vec::new(), policy };
        if whole {
            return self.issue_on(document, state, slots, contents, &origin);
        }
        self.issue_on(document, state, &allowed(acts, verdicts), contents, &origin)
    }

    fn store_again(
        &mut self,
        state: &DocumentState,
        envelope: Envelope,
        receipt: Receipt,
        acts: &[Act<'_>],
        verdicts: &[Judged],
    ) -> Result<u64, DeskError> {
        let slots = allowed(acts, verdicts);
        if slots.is_empty() {
            return Ok(0);
        }
        self.issue(&state.name, &slots, &Origin::Again { envelope, receipt })
    }

    #[expect(clippy::too_many_arguments, reason = "all that is known of one act")]
    fn settle(
        &mut self,
        name: &DocumentName,
        verified: &Verified,
        device: &Device,
        envelope: ContentHash,
        act: Act<'_>,
        judged: Judged,
        stored: u64,
        receipt: Option<Receipt>,
    ) -> Result<Fate, DeskError> {
        let document = verified.body().document;
        let about = About { document, act: act.id, content: act.content };
        let (outcome, seq) = match (act.new.is_empty(), act.held, judged.reason.clone()) {
            (true, Some(hold), _) => {
                let held = Outcome::Held { hold: hold.id, reason: hold.reason, state: hold.state };
                (held, hold.seq)
            }
            (true, None, _) => (Outcome::Stored, act.standing),
            (false, _, None) => (Outcome::Stored, stored),
            (false, base, Some(reason)) => {
                let slots: Vec<Slot> = act.new.into_iter().cloned().collect();
                let hold = Hold {
                    id: hold_id(document, act.id, &slots),
                    name: name.clone(),
                    author: device.person,
                    device: device.id,
                    act: act.id,
                    slots,
                    reason: reason.clone(),
                    only_on_top: judged.only_on_top,
                    receipt: receipt.filter(|_| judged.only_on_top),
                    fault: judged.fault,
                    late: judged.late,
                    envelope,
                    evidence: verified.body().evidence.clone(),
                    received: self.conditions().now,
                    seq: 0,
                    policy: self.policy().number(),
                    state: HoldState::Waiting,
                };
                let hold = self.with_state_of_base(hold, base)?;
                let (id, state) = (hold.id, hold.state.clone());
                let to = self.told_of(&hold)?;
                let slots = hold.slots.clone();
                let seq = self.emit(LogEntry::Held { hold: Box::new(hold), to })?;
                self.make_known(document, &slots, &state)?;
                (Outcome::Held { hold: id, reason, state }, seq)
            }
        };
        let receipt = self.receipt(&about, &outcome, seq);
        Ok(Fate { document, act: Some(about.act), envelope, outcome, receipt })
    }

    /// What builds on something that was declined or withdrawn goes along with it, and returns to the author as one bundle.
    fn with_state_of_base(&self, hold: Hold, rest_of: Option<Hold>) -> Result<Hold, DeskError> {
        let (index, document) = (self.index(), hold.document());
        let mut bases: Vec<Hold> = rest_of.into_iter().collect();
        for base in hold.slots.iter().flat_map(policy::builds_on) {
            if index.slot(document, &base)?.is_none() {
                bases.extend(index.held(document, &base)?);
            }
        }
        let open = bases.is_empty() || bases.iter().any(|base| base.state == HoldState::Waiting);
        let declined = bases.iter().find_map(|base| match &base.state {
            HoldState::Declined { reason, .. } => {
                Some(HoldState::Declined { by: None, reason: reason.clone() })
            }
            HoldState::Withdrawn => Some(HoldState::Withdrawn),
            HoldState::Waiting | HoldState::Admitted { .. } => None,
        });
        Ok(match declined {
            Some(state) if !open => Hold { state, ..hold },
            Some(_) | None => hold,
        })
    }
}

/// Returns what may stand of acts that were judged.
fn allowed(acts: &[Act<'_>], verdicts: &[Judged]) -> Vec<Slot> {
    let acts = acts.iter().zip(verdicts).filter(|(_, judged)| judged.reason.is_none());
    acts.flat_map(|(act, _)| act.new.iter().copied().cloned()).collect()
}
