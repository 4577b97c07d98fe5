//! Putting slots into a document: the change as it came, or one that the server issues.

use crate::document::change::{ActorTip, ChangeHash};
use crate::document::name::DocumentName;
use crate::document::slot::{Slot, SlotKey};
use crate::exchange::server::apply::{Contents, Meaning, apply_changed, containers_in};
use crate::exchange::server::desk::{Desk, DeskError};
use crate::exchange::server::entry::{LogEntry, Origin};
use crate::exchange::server::index::{DocumentState, Head, Index};
use crate::gate::issue::{Tip, issue};
use crate::gate::shape::Wrapping;
use crate::gate::verbatim::{ChangeMeta, History, Oddity, fits};
use crate::ids::{DocumentId, derive};
use crate::kv::KvError;

/// One document's history, as the index has it.
struct Past<'a> {
    index: Index<'a>,
    document: DocumentId,
    state: &'a DocumentState,
}

impl History for Past<'_> {
    fn heads(&self) -> Result<Vec<ChangeHash>, KvError> {
        Ok(self.state.head_hashes())
    }

    fn change(&self, hash: &ChangeHash) -> Result<Option<ChangeMeta>, KvError> {
        if let Some(Head { max_op, step, .. }) = self.state.head(hash) {
            return Ok(Some(ChangeMeta { max_op, step }));
        }
        let change = self.index.change(self.document, hash)?;
        Ok(change.map(|change| ChangeMeta { max_op: change.max_op, step: change.step }))
    }

    fn actor(&self, actor: &[u8; 16]) -> Result<Option<ActorTip>, KvError> {
        Ok(self.index.actor(self.document, actor)?.map(ActorTip::from))
    }
}

impl Desk<'_> {
    /// Returns what the index is to keep of a change that can be stored as it came, or why it cannot be.
    pub(crate) fn fits(
        &self,
        document: DocumentId,
        state: &DocumentState,
        wrapping: &Wrapping,
    ) -> Result<Result<ChangeMeta, Oddity>, DeskError> {
        if !self.conditions().verbatim {
            return Ok(Err(Oddity::SwitchedOff));
        }
        let past = Past { index: self.index(), document, state };
        Ok(fits(wrapping, &past)?)
    }

    /// Stores a change as it came, and returns its place in the log.
    pub(crate) fn store_verbatim(
        &mut self,
        document: DocumentId,
        state: &DocumentState,
        bytes: Vec<u8>,
        meaning: &Meaning<'_>,
        origin: Origin,
    ) -> Result<u64, DeskError> {
        let entry = LogEntry::Changed { document, change: bytes, origin };
        self.emit_with(entry, |sheet, seq| apply_changed(sheet, seq, document, state, meaning))
    }

    /// Puts slots into a document that the organisation itself says, as its imports do, and judges again what only waited for them.
    ///
    /// Nobody's policy is asked: whoever calls this has checked the slots against the schema, and they are the organisation's own.
    ///
    /// # Errors
    /// [`DeskError`]; the desk is to be thrown away then.
    pub fn issue_as_organisation(&mut self, name: &DocumentName, slots: &[Slot]) -> Result<(), DeskError> {
        if slots.is_empty() {
            return Ok(());
        }
        let policy = self.policy().number();
        let origin = Origin::Issued { envelopes: Vec::new(), admitted: Vec::new(), policy };
        self.issue(name, slots, &origin)?;
        let keys: Vec<SlotKey> = slots.iter().map(|slot| slot.key).collect();
        self.release(name.id(), name, &keys)
    }

    /// Issues slots on the document's present heads, and returns the place in the log of the change that has the last of them.
    pub(crate) fn issue(
        &mut self,
        name: &DocumentName,
        slots: &[Slot],
        origin: &Origin,
    ) -> Result<u64, DeskError> {
        let id = name.id();
        let state = self.index().document(id)?.ok_or(KvError::Damaged("document"))?;
        self.issue_on(id, &state, slots, &Contents::new(), origin)
    }

    /// As [`Desk::issue`], where the document's state is at hand, and perhaps what the slots say.
    pub(crate) fn issue_on(
        &mut self,
        id: DocumentId,
        state: &DocumentState,
        slots: &[Slot],
        contents: &Contents,
        origin: &Origin,
    ) -> Result<u64, DeskError> {
        let actor = derive("issuer", &[&self.conditions().run.0, &id.0]);
        let past = self.index().actor(id, &actor)?.map(ActorTip::from);
        let tip = Tip { heads: state.head_hashes(), max_op: state.max_op, actor: past };
        let places = containers_in(id, state.name.kind, state.steps);
        let issued = issue(&places, &tip, actor, self.conditions().now, slots)?;
        // What stands again after a restore is counted with its entry.
        let counted = matches!(origin, Origin::Again { .. });
        let (mut last, whole) = (state.last, issued.len() == 1 && !counted);
        for change in issued {
            let outline = change.outline();
            let entry = LogEntry::Changed { document: id, change: change.bytes, origin: origin.clone() };
            last = if whole {
                // On all heads: every founding step of the document is among the ancestors.
                let meaning = Meaning { change: &outline, step: state.steps, slots, contents };
                self.emit_with(entry, |sheet, seq| apply_changed(sheet, seq, id, state, &meaning))?
            } else {
                self.emit(entry)?
            };
        }
        Ok(last)
    }
}
