//! Storing: what may stand of an envelope goes into its document, as it came or issued by the server.

use super::act::Act;
use crate::document::slot::{ContentHash, Slot};
use crate::envelope::{Envelope, Verified};
use crate::exchange::message::Receipt;
use crate::exchange::server::apply::{Contents, Meaning};
use crate::exchange::server::desk::{Desk, DeskError};
use crate::exchange::server::entry::Origin;
use crate::exchange::server::index::DocumentState;
use crate::exchange::server::judge::Judged;
use crate::gate::shape::Wrapping;

impl Desk<'_> {
    #[expect(clippy::too_many_arguments, reason = "all of one envelope, taken apart once")]
    pub(super) fn store_allowed(
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

    pub(super) fn store_again(
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
}

/// Returns what may stand of acts that were judged.
fn allowed(acts: &[Act<'_>], verdicts: &[Judged]) -> Vec<Slot> {
    let acts = acts.iter().zip(verdicts).filter(|(_, judged)| judged.reason.is_none());
    acts.flat_map(|(act, _)| act.new.iter().copied().cloned()).collect()
}
