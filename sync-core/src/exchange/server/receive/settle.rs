//! Settling: one act that was judged gets its fate, with the receipt for it; what may not stand yet is held.

use super::act::Act;
use crate::document::name::DocumentName;
use crate::document::slot::{ContentHash, Slot};
use crate::envelope::Verified;
use crate::exchange::message::{Fate, HoldState, Outcome, Receipt};
use crate::exchange::server::desk::{Desk, DeskError};
use crate::exchange::server::entry::{Hold, LogEntry};
use crate::exchange::server::hold::hold_id;
use crate::exchange::server::judge::Judged;
use crate::exchange::server::receipt::About;
use crate::gate::policy;
use crate::roster::Device;

impl Desk<'_> {
    #[expect(clippy::too_many_arguments, reason = "all that is known of one act")]
    pub(super) fn settle(
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
