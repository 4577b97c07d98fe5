//! Receipts: what only this server can have said of an act.

use crate::document::slot::ContentHash;
use crate::exchange::message::{Outcome, Receipt};
use crate::exchange::server::desk::{Desk, Secret};
use crate::ids::{ActId, DocumentId, LogId, derive};
use crate::seeded::{Bug, seeded};

/// What a receipt is about.
#[derive(Debug, Clone, Copy)]
pub(crate) struct About {
    pub(crate) document: DocumentId,
    /// The act; the hash of an envelope that was refused whole.
    pub(crate) act: ActId,
    pub(crate) content: ContentHash,
}

/// Returns what an act says, as a hash: the same for the same records in any order, whatever its clock claimed.
pub(crate) fn content_of(records: impl IntoIterator<Item = ContentHash>) -> ContentHash {
    let mut records: Vec<ContentHash> = records.into_iter().collect();
    records.sort();
    let parts: Vec<&[u8]> = records.iter().map(|record| record.0.as_slice()).collect();
    ContentHash(derive("act", &parts))
}

fn keyed(secret: &Secret, log: LogId, seq: u64, about: &About, outcome: &str) -> [u8; 16] {
    let seq = seq.to_be_bytes();
    let parts: [&[u8]; 6] =
        [&log.0, &seq, &about.document.0, &about.act.0, &about.content.0, outcome.as_bytes()];
    secret.keyed("receipt", &parts)
}

fn word(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Stored => "stored",
        Outcome::Held { .. } => "held",
        Outcome::Refused { .. } => "refused",
    }
}

/// Returns whether a receipt of this server says that exactly this was stored, in whatever life of its log.
pub(crate) fn says_stored(secret: &Secret, receipt: &Receipt, about: &About) -> bool {
    receipt.keyed == keyed(secret, receipt.log, receipt.seq, about, word(&Outcome::Stored))
        || seeded(Bug::ReceiptUnsigned)
}

impl Desk<'_> {
    /// Returns the receipt of a fate.
    pub(crate) fn receipt(&self, about: &About, outcome: &Outcome, seq: u64) -> Receipt {
        let log = self.conditions().log;
        Receipt { log, seq, keyed: keyed(&self.conditions().secret, log, seq, about, word(outcome)) }
    }
}
