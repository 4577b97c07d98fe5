//! Sessions that did not take place.

use jiff::civil::Date;

use super::entry::Entry;
use super::signature::SignatureView;
use super::view::Head;
use crate::document::slot::SlotKey;
use crate::sensitive::Sensitive;
use crate::service::missed::Reason;

/// A missed session: a record without minutes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MissedView {
    /// Who, when, and whether it counts.
    pub head: Head,
    /// The service line that promised it.
    pub service: Option<SlotKey>,
    /// The school day on which it should have been.
    pub date: Option<Date>,
    /// Why it was not. Where two reasons stand, the one for which the minutes are owed.
    pub reason: Option<Reason>,
    /// Its note.
    pub note: Option<Sensitive<String>>,
    /// All signatures, stale ones among them.
    pub signatures: Vec<SignatureView>,
}

impl MissedView {
    pub(super) fn of(entry: &Entry<'_>) -> Self {
        Self {
            head: Head::of(entry),
            service: entry.key("service"),
            date: entry.day("date"),
            reason: entry.word("reason").and_then(Reason::from_code),
            note: entry.text("note"),
            signatures: entry.signatures.clone(),
        }
    }
}
