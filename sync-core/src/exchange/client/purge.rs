//! Purging: what a person may read no more leaves the tablet, when everything of hers in it has a receipt.

use crate::document::name::DocumentName;
use crate::exchange::client::copy::clear;
use crate::exchange::client::state::{ActState, Tablet, key};
use crate::exchange::message::HoldState;
use crate::ids::{DocumentId, HoldId};
use crate::kv::{KvError, KvRead, Overlay, Write};
use crate::seeded::{Bug, seeded};

/// Returns the ended documents of students with whom nothing waits for a receipt any more: they can go now.
///
/// What waits may stand in another document than the one that ended: whoever entered it still works with all that there is.
/// An open live session of their students keeps them, too; the caller knows of those.
///
/// # Errors
/// [`KvError`].
pub fn due(store: &dyn KvRead) -> Result<Vec<DocumentId>, KvError> {
    let tablet = Tablet(store);
    let unsent: Vec<DocumentName> =
        tablet.acts()?.into_iter().filter(|act| act.state == ActState::Unsent).map(|act| act.name).collect();
    let mut due = Vec::new();
    for (document, _) in tablet.to_purge()? {
        let student = tablet.copy(document)?.map(|copy| copy.name.subject);
        let waits = unsent.iter().any(|name| name.id() == document || Some(name.subject) == student);
        if !waits || seeded(Bug::PurgedBeforeReceipt) {
            due.push(document);
        }
    }
    Ok(due)
}

/// Removes an ended document. Of the person's own work in it, what waits for review stays until its final state was shown.
///
/// # Errors
/// [`KvError`].
pub fn purge(store: &dyn KvRead, document: DocumentId) -> Result<Vec<Write>, KvError> {
    let mut sheet = Overlay::new(store);
    clear(&mut sheet, document)?;
    sheet.delete(key::copy(&document.0));
    sheet.delete(key::purge(&document.0));
    for row in
        Tablet(store).acts()?.iter().filter(|row| row.name.id() == document && row.state == ActState::Stored)
    {
        sheet.delete(key::act(Some(row.number)));
        sheet.delete(key::act_number(document, row.act));
    }
    Ok(sheet.into_writes())
}

/// Removes everything that a device whose access has ended may not keep: all copies, facts and others' holds, and the cursor with them.
/// The person's own held and refused work stays.
///
/// # Errors
/// [`KvError`].
pub fn everything(store: &dyn KvRead) -> Result<Vec<Write>, KvError> {
    let tablet = Tablet(store);
    let mut sheet = Overlay::new(store);
    for copy in tablet.copies()? {
        let document = copy.name.id();
        clear(&mut sheet, document)?;
        sheet.delete(key::copy(&document.0));
    }
    for (document, _) in tablet.to_purge()? {
        sheet.delete(key::purge(&document.0));
    }
    for row in tablet.acts()?.iter().filter(|row| row.state == ActState::Stored) {
        sheet.delete(key::act(Some(row.number)));
        sheet.delete(key::act_number(row.name.id(), row.act));
    }
    let person = tablet.profile()?.map(|profile| profile.person);
    for hold in tablet.holds()?.iter().filter(|hold| Some(hold.author) != person) {
        sheet.delete(key::hold(&hold.id.0));
    }
    for (name, _) in tablet.facts("")? {
        sheet.delete(key::fact(&name));
    }
    sheet.delete(key::meta("cursor"));
    Ok(sheet.into_writes())
}

/// Notes that the person was shown a hold: if it is decided, the next reply lets it go. Until then she can look again.
///
/// # Errors
/// [`KvError`].
pub fn seen(store: &dyn KvRead, hold: HoldId) -> Result<Vec<Write>, KvError> {
    Ok(if is_decided(store, hold)? { vec![Write::Put(key::seen(&hold.0), Vec::new())] } else { Vec::new() })
}

/// Lets go of the decided holds that were shown.
pub(crate) fn forget_seen(sheet: &mut Overlay<'_>) -> Result<(), KvError> {
    for id in Tablet(sheet).seen()? {
        if is_decided(sheet, id)? {
            sheet.delete(key::hold(&id.0));
        }
        sheet.delete(key::seen(&id.0));
    }
    Ok(())
}

fn is_decided(store: &dyn KvRead, hold: HoldId) -> Result<bool, KvError> {
    Ok(Tablet(store).hold(hold)?.is_some_and(|hold| hold.state != HoldState::Waiting))
}
