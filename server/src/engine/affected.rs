//! What damage concerns, in words: which documents of which kind, which entries. It names ids, and nobody's name.

use std::collections::BTreeMap;

use sync_core::document::name::{DocumentKind, DocumentName};
use sync_core::exchange::server::entry::LogEntry;
use sync_core::ids::DocumentId;

use super::log::entry_of;
use crate::store::{Fault, StoredRecord};

/// The full names of the documents that a log has founded.
#[derive(Debug, Default)]
pub(super) struct Names(BTreeMap<DocumentId, DocumentName>);

impl Names {
    /// Reads a document's name where a record says it.
    pub(super) fn learn(&mut self, stored: &StoredRecord) {
        if let Ok(LogEntry::Founded { name, .. }) = entry_of(stored) {
            self.0.insert(name.id(), name);
        }
    }

    /// Returns what damage concerns, as far as that can be told.
    pub(super) fn concerns(&self, fault: &Fault) -> Vec<String> {
        if fault.entries.is_empty() {
            return fault.documents.iter().map(|document| self.document(DocumentId(*document))).collect();
        }
        let mut counted: BTreeMap<(&str, [u8; 16]), u64> = BTreeMap::new();
        for (kind, document) in &fault.entries {
            *counted.entry((entry_words(*kind), *document)).or_default() += 1;
        }
        counted
            .into_iter()
            .map(|((entry, document), count)| match document == [0; 16] {
                true => format!("{count} x {entry}"),
                false => format!("{count} x {entry} of {}", self.document(DocumentId(document))),
            })
            .collect()
    }

    fn document(&self, document: DocumentId) -> String {
        let Some(name) = self.0.get(&document) else {
            return format!("document {document}, which the rest of the log does not name");
        };
        let what = match (name.kind, name.member) {
            (DocumentKind::Plan, _) => "the plan".to_owned(),
            (DocumentKind::Log, _) => "the log".to_owned(),
            (DocumentKind::Own, Some(member)) => format!("the own records of person {member}"),
            (DocumentKind::Own, None) => "own records".to_owned(),
            (DocumentKind::Tally, _) => "the tallies".to_owned(),
        };
        format!("{what} about student {} in {} (document {document})", name.subject, name.period)
    }
}

/// Returns what an entry of a kind is, in words; the numbers are those of [`LogEntry::kind`].
fn entry_words(kind: u16) -> &'static str {
    match kind {
        1..=7 => "word of the roster",
        8 => "beginning of a school day",
        9 => "pairing code",
        10 | 26 => "paired device",
        11 => "state of a device",
        12 => "founding",
        13 => "change",
        14 => "held act",
        15 => "decision about a held act",
        16 => "refusal",
        17..=19 => "right to read",
        20 => "fact told to a tablet",
        21 | 22 => "audit record",
        23 => "import",
        24 | 25 => "word of a restore",
        27 => "replaced document",
        28 => "document that is gone",
        29 => "policy that was put in force",
        30 => "horizon of the log",
        40..=47 => "entry about a family's page",
        _ => "entry of a kind that this build does not know",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_of_a_later_build_is_not_passed_off_as_one_of_ours() {
        let unknown = |kind: &u16| entry_words(*kind).contains("does not know");
        assert_eq!(
            (0..60).filter(|kind| !unknown(kind)).collect::<Vec<u16>>(),
            (1..=30).chain(40..=47).collect::<Vec<_>>()
        );
    }
}
