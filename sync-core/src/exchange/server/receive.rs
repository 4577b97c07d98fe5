//! What arrives: each act of an envelope gets exactly one fate.

use std::collections::BTreeMap;

use crate::document::change::ChangeHash;
use crate::document::container::Containers;
use crate::document::name::{DocumentKind, DocumentName};
use crate::document::schema::{self, RecordKind};
use crate::document::slot::{ContentHash, Slot, SlotKey, by_act};
use crate::envelope::{Content, Envelope, EnvelopeError, Verified};
use crate::exchange::message::{Fate, HoldReason, HoldState, Outcome, Receipt, Sealed};
use crate::exchange::server::apply::{Contents, Meaning, containers_in, contents_of};
use crate::exchange::server::desk::{Desk, DeskError};
use crate::exchange::server::entry::{Hold, LogEntry, Origin};
use crate::exchange::server::hold::{Earlier, hold_id, known};
use crate::exchange::server::index::{DocumentState, Index, Quota};
use crate::exchange::server::receipt::{About, content_of};
use crate::gate::apart::{Apart, Misshapen, shape_apart};
use crate::gate::policy::{self, Lack, POLICY, Place};
use crate::gate::refusal::Refusal;
use crate::gate::shape::{Shaped, Wrapping, Writer, shape_change, shape_slots, slots_in};
use crate::ids::{ActId, DeviceId, DocumentId, PersonId};
use crate::kv::KvError;
use crate::roster::reading::{Roles, may_read};
use crate::roster::{Device, DeviceState};

/// Holds of one device that may wait at a time.
pub const WAITING_MAX: u64 = 5_000;
/// Bytes of refused envelopes that are kept of one device.
pub const REFUSED_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// The code of what is refused because there is no such document for its author, whether or not it exists for others.
pub const NO_SUCH_DOCUMENT: &str = "no_such_document";

/// The code of what was sealed to another server's key, or is damaged.
pub const SEALED_UNREADABLE: &str = "sealed_unreadable";

/// Returns whether a device is beyond its quota: nothing more of it gets a fate until something is decided.
pub fn over_quota(quota: &Quota) -> bool {
    quota.waiting >= WAITING_MAX || quota.refused_bytes >= REFUSED_BYTES_MAX
}

/// An envelope on which all has been done that needs no turn: its signature and shape are checked.
#[derive(Debug, Clone)]
pub struct Checked {
    envelope: Envelope,
    hash: ContentHash,
    content: Result<Whole, Refused>,
}

/// Who says what, in which document.
#[derive(Debug, Clone)]
struct Whole {
    verified: Verified,
    device: Device,
    name: DocumentName,
    shaped: Shaped,
    /// What the slots say: a member's keys stand once in an envelope.
    contents: Contents,
    /// The acts that travelled with them and are no lists of slots.
    misshapen: Vec<Misshapen>,
}

impl Checked {
    /// Returns the hash of the change that the envelope brought, if it brought one that could be read.
    pub fn change(&self) -> Option<ChangeHash> {
        let whole = self.content.as_ref().ok()?;
        whole.shaped.wrapping().map(|wrapping| wrapping.outline.hash)
    }

    /// Returns the device that signed the envelope, as far as that is known.
    pub(crate) fn device(&self) -> Option<DeviceId> {
        match &self.content {
            Ok(whole) => Some(whole.device.id),
            Err(refused) => refused.device,
        }
    }

    /// Returns what the envelope says if all of it is this act, in this document.
    pub(crate) fn only_act(&self, document: DocumentId, act: ActId) -> Option<ContentHash> {
        let whole = self.content.as_ref().ok()?;
        let slots = whole.shaped.slots();
        let all = whole.verified.body().document == document
            && whole.misshapen.is_empty()
            && slots.iter().all(|slot| slot.act() == Some(act));
        all.then(|| content_of(slots.iter().map(Slot::content_hash)))
    }
}

/// Why an envelope has nothing in it that could stand.
#[derive(Debug, Clone)]
struct Refused {
    document: DocumentId,
    device: Option<DeviceId>,
    code: String,
    /// The acts of which each is refused by itself; none where the envelope cannot be looked into.
    acts: Vec<Misshapen>,
}

/// Checks all of an envelope that depends on nothing that could change before it is committed: many can be checked side by side.
///
/// # Errors
/// [`KvError`]: the index could not be read.
pub fn check(index: &Index<'_>, envelope: Envelope) -> Result<Checked, KvError> {
    check_for(index, envelope, None)
}

/// As [`check`]; `named` is the document's name where something proves that the author was given it: then it need not be known here.
pub(crate) fn check_for(
    index: &Index<'_>,
    envelope: Envelope,
    named: Option<&DocumentName>,
) -> Result<Checked, KvError> {
    let mut failed = None;
    let mut device = None;
    let verified = envelope.verify(|id| match index.device(id) {
        Ok(known) => {
            device = known;
            device.as_ref().map(|device| device.key)
        }
        Err(error) => {
            failed = Some(error);
            None
        }
    });
    if let Some(error) = failed {
        return Err(error);
    }
    let hash = verified.as_ref().map_or_else(|_| envelope.hash(), Verified::hash);
    let content = match (verified, device) {
        (Ok(verified), Some(device)) => shape(index, verified, device, named)?,
        (Ok(_), None) => Err(refused(None, None, EnvelopeError::UnknownDevice.code())),
        (Err(error), _) => Err(refused(None, None, error.code())),
    };
    Ok(Checked { envelope, hash, content })
}

/// Returns what becomes of a sealed act that this server cannot open: refused, and kept as evidence as it came.
pub(crate) fn unreadable(sealed: &Sealed) -> Checked {
    let envelope = Envelope { body: sealed.sealed.clone(), signature: [0; 64] };
    let hash = envelope.hash();
    Checked { envelope, hash, content: Err(refused(Some(sealed.document), None, SEALED_UNREADABLE)) }
}

fn refused(document: Option<DocumentId>, device: Option<DeviceId>, code: &str) -> Refused {
    let document = document.unwrap_or(DocumentId([0; 16]));
    Refused { document, device, code: code.to_owned(), acts: Vec::new() }
}

fn shape(
    index: &Index<'_>,
    verified: Verified,
    device: Device,
    named: Option<&DocumentName>,
) -> Result<Result<Whole, Refused>, KvError> {
    let body = verified.body();
    let no = |code: &str| Ok(Err(refused(Some(body.document), Some(device.id), code)));
    let state = index.document(body.document)?;
    let given = named.is_some() || index.was_given(device.person, body.document)?;
    let known = state.map(|state| (state.name, state.steps));
    // Founded now or when it is decided, a document has the same maps.
    let founded = named.map(|name| (name.clone(), schema::steps(name.kind).len() as u32));
    let (Some((name, steps)), true) = (known.or(founded), given && !index.is_gone(body.document)?) else {
        return no(NO_SUCH_DOCUMENT);
    };
    if name.org != body.org {
        return no(NO_SUCH_DOCUMENT);
    }
    let places = containers_in(body.document, name.kind, steps);
    match shape_content(&body.content, &places, &device) {
        Ok(Apart { shaped: Some(shaped), misshapen }) => {
            let contents = contents_of(shaped.slots());
            Ok(Ok(Whole { name, verified, device, shaped, contents, misshapen }))
        }
        Ok(Apart { shaped: None, misshapen }) => {
            Ok(Err(Refused { acts: misshapen, ..refused(Some(body.document), Some(device.id), "") }))
        }
        Err(refusal) => no(refusal.code()),
    }
}

fn shape_content(content: &Content, places: &Containers, device: &Device) -> Result<Apart, Refusal> {
    let shaped = match content {
        Content::Change(bytes) => shape_change(bytes, places, device.person, device.id),
        Content::Slots(slots) => shape_slots(slots.clone(), places, Writer::Member(device.person)),
    };
    // Nearly always all of it is well-formed; only where it is not, the acts are told apart.
    shaped.map(Apart::from).or_else(|_| {
        let slots = match content {
            Content::Change(bytes) => slots_in(bytes, places)?,
            Content::Slots(slots) => slots.clone(),
        };
        shape_apart(slots, places, device.person)
    })
}

/// What one act lacks; with no reason, it may stand.
#[derive(Debug, Clone, Default)]
pub(crate) struct Judged {
    pub(crate) reason: Option<HoldReason>,
    pub(crate) fault: Option<String>,
    pub(crate) late: bool,
    pub(crate) only_on_top: bool,
}

/// Where an author stands as an envelope is judged: looked up once for all of its acts, in the writer's turn.
pub(crate) struct Ground {
    author: PersonId,
    device: Option<DeviceState>,
    roles: Roles,
    year_closed: bool,
    reads: bool,
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
            Err(refused) => self.refuse(refused, device, checked.envelope, checked.hash),
        }
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
            let found = policy::known_of(slot, &|key| known(&index, document, earlier, key).ok().flatten());
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
                if let Some(standing) = index.slot(document, &slot.key)? {
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

    /// Looks up where an author stands today.
    pub(crate) fn ground(
        &self,
        name: &DocumentName,
        author: PersonId,
        device: Option<DeviceState>,
    ) -> Result<Ground, DeskError> {
        let today = self.today();
        let roles = self.roles_on(author, name.subject, today)?;
        // Only a plan is of a year that closes: for all others the calendar need not be read.
        let year_closed =
            name.kind == DocumentKind::Plan && self.index().calendar()?.year_is_closed(&name.period, today);
        Ok(Ground { author, device, reads: may_read(name, author, &roles), roles, year_closed })
    }

    /// Judges slots of one act by where its author stands. `earlier` is what came before them in the same envelope and may stand.
    pub(crate) fn judge_slots(
        &self,
        document: DocumentId,
        name: &DocumentName,
        ground: &Ground,
        slots: &[&Slot],
        earlier: &Earlier,
    ) -> Result<Judged, DeskError> {
        if slots.is_empty() {
            return Ok(Judged::default());
        }
        let index = self.index();
        let place = Place {
            kind: name.kind,
            member: name.member,
            author: ground.author,
            roles: &ground.roles,
            year_closed: ground.year_closed,
        };
        let mut seen = earlier.clone();
        let (mut lack, mut fault, mut on_top) = (None, None, false);
        let own: std::collections::BTreeSet<SlotKey> = slots.iter().map(|slot| slot.key).collect();
        for slot in slots {
            let failed = std::cell::RefCell::new(None);
            let look_up = |key: &SlotKey| {
                known(&index, document, &seen, key).unwrap_or_else(|error| {
                    *failed.borrow_mut() = Some(error);
                    None
                })
            };
            let verdict = policy::judge(&place, slot, &look_up);
            let mut later = false;
            for base in policy::builds_on(slot) {
                let stands = index.slot(document, &base)?.is_some() || seen.contains_key(&base);
                later |= !stands && own.contains(&base);
                on_top |= !stands && !own.contains(&base);
            }
            if let Some(error) = failed.into_inner() {
                return Err(error.into());
            }
            lack = lack.or(verdict.lack);
            fault = fault.or(verdict.fault.map(|fault| fault.to_string()));
            if later && slot.container == RecordKind::Edit.container() {
                // An edit that replaces what only comes after it would make a cycle possible.
                fault = fault.or_else(|| Some("replaces does not go with the other values".to_owned()));
            }
            let found = policy::known_of(slot, &|key| known(&index, document, &seen, key).ok().flatten());
            seen.extend(found.map(|found| (slot.key, found)));
        }
        let late = !ground.reads;
        let reason = match (late, ground.device, &lack, &fault, on_top) {
            (true, ..) => Some(HoldReason::AccessEnded),
            (_, Some(DeviceState::Lost), ..) => Some(HoldReason::DeviceLost),
            (_, Some(DeviceState::Revoked) | None, ..) => Some(HoldReason::DeviceRevoked),
            (_, _, Some(lack), ..) => Some(match lack {
                Lack::Proposal => HoldReason::Proposal,
                Lack::NotAllowed => HoldReason::NotAllowed,
                Lack::ClosedYear => HoldReason::ClosedYear,
                Lack::NoPolicy => HoldReason::NoPolicy,
            }),
            (_, _, _, Some(_), _) => Some(HoldReason::NeedsCorrection),
            (.., true) => Some(HoldReason::OnTop),
            (.., false) => None,
        };
        Ok(Judged { only_on_top: reason == Some(HoldReason::OnTop), reason, fault, late })
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
        let whole = acts.iter().zip(verdicts).all(|(act, judged)| act.whole && judged.reason.is_none());
        if let (Some(wrapping), true) = (wrapping, whole)
            && let Ok(meta) = self.fits(document, state, &wrapping)?
        {
            let origin = Origin::Verbatim {
                envelope: hash,
                signature: envelope.signature,
                evidence: verified.body().evidence.clone(),
                policy: POLICY,
            };
            let meaning = Meaning { change: &wrapping.outline, step: meta.step, slots, contents };
            return Ok(self.store_verbatim(document, state, wrapping.bytes, &meaning, origin));
        }
        let origin =
            Origin::Issued { envelopes: vec![envelope.clone()], admitted: Vec::new(), policy: POLICY };
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

    /// A receipt stands in for policy. What builds on something that does not stand again yet waits for that, and for nothing else.
    pub(crate) fn judge_by_receipt(
        &self,
        document: DocumentId,
        slots: &[&Slot],
        earlier: &Earlier,
    ) -> Result<Judged, DeskError> {
        let index = self.index();
        let made = |base: &SlotKey| slots.iter().any(|slot| slot.key == *base) || earlier.contains_key(base);
        let mut on_top = false;
        for base in slots.iter().flat_map(|slot| policy::builds_on(slot)) {
            on_top |= !made(&base) && index.slot(document, &base)?.is_none();
        }
        Ok(Judged { reason: on_top.then_some(HoldReason::OnTop), only_on_top: on_top, ..Judged::default() })
    }

    fn was_taken_out(&self, document: DocumentId, slots: &[&Slot]) -> Result<bool, DeskError> {
        for slot in slots {
            if self.index().is_taken_out(document, &slot.key, &slot.content_hash())? {
                return Ok(true);
            }
        }
        Ok(false)
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
                    policy: POLICY,
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
