//! Judging: what an act lacks where its author stands today.

use crate::document::name::{DocumentKind, DocumentName};
use crate::document::schema::RecordKind;
use crate::document::slot::{Slot, SlotKey};
use crate::exchange::message::HoldReason;
use crate::exchange::server::desk::{Desk, DeskError};
use crate::exchange::server::hold::{Earlier, known};
use crate::exchange::server::look_up::look_up;
use crate::gate::policy::{self, Lack, Place};
use crate::ids::{DocumentId, PersonId};
use crate::roster::DeviceState;
use crate::roster::reading::{Roles, may_read};
use crate::roster::version::PolicyVersion;
use crate::seeded::{Bug, seeded};

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
    pub(super) policy: PolicyVersion,
    pub(super) author: PersonId,
    pub(super) device: Option<DeviceState>,
    pub(super) roles: Roles,
    pub(super) year_closed: bool,
    pub(super) reads: bool,
}

impl Desk<'_> {
    /// Looks up where an author stands today.
    pub(crate) fn ground(
        &self,
        name: &DocumentName,
        author: PersonId,
        device: Option<DeviceState>,
    ) -> Result<Ground, DeskError> {
        let mut today = self.today();
        if seeded(Bug::StaleVerdict) {
            today = today.yesterday().unwrap_or(today);
        }
        let roles = self.roles_on(author, name.subject, today)?;
        // Only a plan is of a year that closes: for all others the calendar need not be read.
        let year_closed =
            name.kind == DocumentKind::Plan && self.index().calendar()?.year_is_closed(&name.period, today);
        let policy = self.policy();
        let reads = may_read(policy, name, author, &roles);
        Ok(Ground { policy, author, device, reads, roles, year_closed })
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
            policy: ground.policy,
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
            let find = |key: &SlotKey| known(&index, document, &seen, key);
            let verdict = look_up(find, |find| policy::judge(&place, slot, find))?;
            let mut later = false;
            for base in policy::builds_on(slot) {
                let stands = index.slot(document, &base)?.is_some() || seen.contains_key(&base);
                later |= !stands && own.contains(&base);
                on_top |= !stands && !own.contains(&base);
            }
            lack = lack.or(verdict.lack);
            fault = fault.or(verdict.fault.map(|fault| fault.to_string()));
            if later && slot.container == RecordKind::Edit.container() {
                // An edit that replaces what only comes after it would make a cycle possible.
                fault = fault.or_else(|| Some("replaces does not go with the other values".to_owned()));
            }
            let found = look_up(find, |find| policy::known_of(slot, find))?;
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

    pub(crate) fn was_taken_out(&self, document: DocumentId, slots: &[&Slot]) -> Result<bool, DeskError> {
        for slot in slots {
            if self.index().is_taken_out(document, &slot.key, &slot.content_hash())? {
                return Ok(true);
            }
        }
        Ok(false)
    }
}
