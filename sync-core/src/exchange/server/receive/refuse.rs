//! Refusing: what can never stand gets its fate, and is kept as evidence.

use std::collections::BTreeMap;

use crate::document::slot::ContentHash;
use crate::envelope::Envelope;
use crate::exchange::message::{Fate, Outcome};
use crate::exchange::server::check::Refused;
use crate::exchange::server::desk::{Desk, DeskError};
use crate::exchange::server::entry::LogEntry;
use crate::exchange::server::receipt::{About, content_of};
use crate::gate::apart::Misshapen;
use crate::ids::{ActId, DeviceId, DocumentId};

impl Desk<'_> {
    pub(super) fn refuse(
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
    pub(super) fn refuse_acts(
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
}
