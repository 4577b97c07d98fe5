//! What the model is shown of the log, entry by entry, in its own words.

use sync_core::exchange::message::{HoldReason, HoldState};
use sync_core::exchange::server::entry::{LogEntry, Origin};
use sync_core::exchange::server::reply::LogRead;

use super::{World, deeds, records};
use crate::model::{self, Verdict, Wrong};

impl World {
    /// Shows the model what was committed, up to a place in the log.
    ///
    /// # Errors
    /// What the model cannot justify.
    pub fn observe(&mut self, until: u64) -> Result<(), Wrong> {
        let day = self.clock.day();
        let until = until.min(self.server.log.end());
        while self.shown < until {
            self.shown += 1;
            let seq = self.shown;
            let entry = self.server.log.entry(seq).expect("committed");
            match entry {
                LogEntry::Founded { name, .. } => {
                    let kind = deeds::kind_of(name.kind);
                    let document = model::Document { kind, student: name.subject, member: name.member };
                    self.model.documents.insert(name.id(), document);
                }
                LogEntry::Changed { document, change, origin } => {
                    let way = match origin {
                        Origin::Issued { admitted, .. } if !admitted.is_empty() => {
                            model::Way::Admitted(admitted[0])
                        }
                        Origin::Issued { .. } => {
                            *self.counts.entry("issued").or_default() += 1;
                            model::Way::Straight
                        }
                        Origin::Again { .. } => {
                            *self.counts.entry("stored again").or_default() += 1;
                            model::Way::Again
                        }
                        Origin::Renewed => model::Way::Renewed,
                        Origin::Verbatim { .. } => {
                            *self.counts.entry("verbatim").or_default() += 1;
                            model::Way::Straight
                        }
                    };
                    let slots = self.slots_of(document, &change);
                    let said: Vec<_> = records(&slots).map(deeds::said).collect();
                    self.model.came_to_stand(seq, day, document, &said, &way)?;
                }
                LogEntry::Held { hold, .. } => {
                    *self.counts.entry("held").or_default() += 1;
                    *self.counts.entry(hold.reason.name()).or_default() += 1;
                    let said = hold.slots.iter().map(deeds::said).collect();
                    let hold = model::Hold {
                        document: hold.document(),
                        author: hold.author,
                        slots: said,
                        recovered: hold.reason == HoldReason::Recovered,
                        verdict: verdict_of(&hold.state),
                        id: hold.id,
                    };
                    self.model.was_held(hold)?;
                }
                LogEntry::HoldState { hold, state, .. } => {
                    if matches!(state, HoldState::Admitted { by: None }) {
                        *self.counts.entry("released").or_default() += 1;
                    }
                    self.model.was_decided(hold, verdict_of(&state), day)?;
                }
                LogEntry::Replaced { document, without, .. } => {
                    *self.counts.entry("renewed").or_default() += 1;
                    let without = without.iter().map(|(key, _)| key.to_string()).collect();
                    self.model.begins_anew(document, &without);
                }
                _ => {}
            }
        }
        Ok(())
    }
}

fn verdict_of(state: &HoldState) -> Verdict {
    match state {
        HoldState::Waiting => Verdict::Waiting,
        HoldState::Admitted { by } => Verdict::Admitted(*by),
        HoldState::Declined { by, .. } => Verdict::Closed(*by),
        HoldState::Withdrawn => Verdict::Closed(None),
    }
}
