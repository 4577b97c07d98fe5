//! What a hold means for the index: where it is found while it waits, and what it counts for.

use super::{count_restored, mail, put, put_pieces};
use crate::exchange::message::{HoldReason, HoldState};
use crate::exchange::server::entry::Hold;
use crate::exchange::server::index::{Index, key};
use crate::gate::policy;
use crate::ids::PersonId;
use crate::kv::{KvError, Overlay};

pub(super) fn apply_held(
    sheet: &mut Overlay<'_>,
    seq: u64,
    hold: &Hold,
    to: &[PersonId],
) -> Result<(), KvError> {
    let document = hold.document();
    let known = Index(sheet).hold(hold.id)?;
    put_pieces(sheet, &key::hold(&hold.id.0), &Hold { seq, ..hold.clone() });
    sheet.put(key::authored(&[&hold.author.0, &hold.id.0]), Vec::new());
    for slot in &hold.slots {
        sheet.put(key::held(document, &slot.key, Some(hold.id)), Vec::new());
    }
    if hold.state == HoldState::Waiting {
        sheet.put(key::waiting(&[&document.0, &hold.id.0]), Vec::new());
        for base in hold.slots.iter().flat_map(policy::builds_on) {
            sheet.put(key::on_top(document, &base, Some(hold.id)), Vec::new());
        }
        if hold.reason == HoldReason::Recovered {
            count_restored(sheet, |restored| restored.recovered += 1)?;
        }
        // A hold that is judged again, and goes on waiting for another reason, counts once.
        if known.is_none_or(|known| known.state != HoldState::Waiting) {
            count_waiting(sheet, hold, |waiting| waiting.saturating_add(1))?;
        }
    }
    to.iter().for_each(|person| mail(sheet, *person, seq));
    Ok(())
}

/// Counts a hold against its device: what was recovered apart, for whoever brings that did not make it.
fn count_waiting(
    sheet: &mut Overlay<'_>,
    hold: &Hold,
    count: impl FnOnce(u64) -> u64,
) -> Result<(), KvError> {
    let mut quota = Index(sheet).quota(hold.device)?;
    let of = if hold.reason == HoldReason::Recovered { &mut quota.recovered } else { &mut quota.waiting };
    *of = count(*of);
    put(sheet, key::quota(hold.device), &quota);
    Ok(())
}

pub(super) fn apply_hold_state(
    sheet: &mut Overlay<'_>,
    hold: Hold,
    state: &HoldState,
) -> Result<(), KvError> {
    let document = hold.document();
    if hold.receipt.is_some() && matches!(state, HoldState::Admitted { .. }) {
        count_restored(sheet, |restored| restored.resent += 1)?;
    }
    if hold.state == HoldState::Waiting && *state != HoldState::Waiting {
        sheet.delete(key::waiting(&[&document.0, &hold.id.0]));
        for base in hold.slots.iter().flat_map(policy::builds_on) {
            sheet.delete(key::on_top(document, &base, Some(hold.id)));
        }
        count_waiting(sheet, &hold, |waiting| waiting.saturating_sub(1))?;
    }
    put_pieces(sheet, &key::hold(&hold.id.0), &Hold { state: state.clone(), ..hold });
    Ok(())
}
