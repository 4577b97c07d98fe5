//! Taking a reply: fates, entries and cursor, in one transaction.

use crate::exchange::client::again::{
    confirmed, forget_stale, hear, let_go_of_kept, mark_stale, note_kept, note_listed, note_mark,
    note_offered,
};
use crate::exchange::client::copy::{CopyError, add_change, found};
use crate::exchange::client::outbox::{Outgoing, Standing};
use crate::exchange::client::purge::forget_seen;
use crate::exchange::client::state::{
    ActRow, ActState, CopyState, KeptState, Phase, Profile, Server, Tablet, delete_all, key, put,
};
use crate::exchange::client::trail::walk;
use crate::exchange::client::withdrawal;
use crate::exchange::message::{ChangeBytes, Entry, Fate, HoldState, HoldView, Outcome, Receipt, Reply};
use crate::ids::{ActId, DocumentId};
use crate::kv::{KvError, KvRead, Overlay, Write};
use crate::seeded::{Bug, seeded};
use crate::time::Moment;

/// Why a reply is not taken; the store is as it was, and the next exchange asks again.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotTaken {
    /// The store could not be read.
    #[error(transparent)]
    Store(#[from] KvError),
    /// This tablet stands elsewhere in the log than when it asked: another exchange was faster.
    #[error("the reply is not to what this tablet has now")]
    OtherCursor,
    /// The tablet is not paired.
    #[error("this tablet is not paired yet")]
    NotPaired,
    /// The reply names a change that the request did not bring, or holds one that cannot be read.
    #[error("the reply cannot be read")]
    Unreadable,
}

impl From<CopyError> for NotTaken {
    fn from(error: CopyError) -> Self {
        match error {
            CopyError::Store(error) => Self::Store(error),
            CopyError::Unreadable | CopyError::TooOld | CopyError::NotWanted => Self::Unreadable,
        }
    }
}

/// What a reply brought, for the person who looks on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Brought {
    /// Own acts that stand now.
    pub stored: usize,
    /// Own acts that wait for review.
    pub held: usize,
    /// Own acts that were refused.
    pub refused: usize,
    /// Whether there is more to ask for, or to send again.
    pub more: bool,
    /// Whether the server was restored and waits for its administrator: it takes again what it had, and nothing new.
    pub restored: bool,
}

/// Takes a reply. The writes are to be applied in one transaction.
///
/// # Errors
/// [`NotTaken`].
pub fn take(
    store: &dyn KvRead,
    outgoing: &Outgoing,
    reply: &Reply,
    received: Moment,
) -> Result<(Vec<Write>, Brought), NotTaken> {
    let profile = Tablet(store).profile()?.ok_or(NotTaken::NotPaired)?;
    if Standing::of(&Tablet(store))? != outgoing.stood {
        return Err(NotTaken::OtherCursor);
    }
    let mut sheet = Overlay::new(store);
    forget_seen(&mut sheet)?;
    let mut brought = Brought::default();
    if let Some(life) = &reply.life {
        hear(&mut sheet, life)?;
    }
    note_offered(&mut sheet, outgoing);
    if reply.afresh {
        mark_stale(&mut sheet)?;
    }
    for fate in &reply.fates {
        take_fate(&mut sheet, outgoing, fate, &mut brought)?;
    }
    for entry in reply.entries.iter().filter(|_| !seeded(Bug::CursorWithoutItsReply)) {
        take_entry(&mut sheet, &profile, outgoing, entry)?;
    }
    if let Some(cursor) = &reply.cursor {
        put(&mut sheet, key::meta("cursor"), cursor);
        confirmed(&mut sheet, cursor.log)?;
    }
    if !reply.more && reply.life.is_none() {
        forget_stale(&mut sheet)?;
    }
    note_mark(&mut sheet, reply)?;
    walk(&mut sheet, reply)?;
    note_listed(&mut sheet, outgoing, reply);
    let server = Server {
        schema: reply.schema,
        policy: reply.policy,
        backed_up: reply.backed_up,
        offset_ms: reply.clock.0.saturating_sub(received.0),
        heard: received,
    };
    put(&mut sheet, key::meta("server"), &server);
    withdrawal::answered(&mut sheet, outgoing, reply)?;
    let_go(&mut sheet)?;
    let_go_of_kept(&mut sheet, reply.backed_up)?;
    let tablet = Tablet(&sheet);
    let ancestry = tablet.ancestry()?;
    brought.restored = ancestry.as_ref().is_some_and(|ancestry| ancestry.waiting);
    // Whatever a restored server is to have again is sent at once, confirmed or not.
    brought.more = reply.more || reply.listing_wanted || tablet.is_giving_back()?;
    Ok((sheet.into_writes(), brought))
}

fn take_fate(
    sheet: &mut Overlay<'_>,
    outgoing: &Outgoing,
    fate: &Fate,
    brought: &mut Brought,
) -> Result<(), NotTaken> {
    let acts = match fate.act {
        Some(act) => vec![(fate.document, act)],
        None => outgoing.acts.get(&fate.envelope).cloned().unwrap_or_default(),
    };
    for (document, act) in acts {
        let row = match Tablet(sheet).act_number(document, act)? {
            Some(number) => Tablet(sheet).act(number)?,
            None => None,
        };
        let unsent = match &row {
            Some(row) => row.state == ActState::Unsent,
            // Damage has left of it what is sealed, and nothing else.
            None => {
                Tablet(sheet).kept_act(document, act)?.is_some_and(|kept| kept.state == KeptState::Unsent)
            }
        };
        if unsent {
            match &fate.outcome {
                Outcome::Stored => brought.stored += 1,
                Outcome::Held { .. } => brought.held += 1,
                Outcome::Refused { .. } => brought.refused += 1,
            }
        }
        note_kept(sheet, document, act, fate)?;
        withdrawal::follow(sheet, document, act, &fate.outcome)?;
        let Some(row) = row else { continue };
        let number = row.number;
        if is_told(sheet, outgoing, fate)? {
            forget(sheet, number, document, act);
            continue;
        }
        let state = match &fate.outcome {
            // What was admitted meanwhile stands: the copy has it, or gets it with this reply.
            Outcome::Stored | Outcome::Held { state: HoldState::Admitted { .. }, .. } => ActState::Stored,
            Outcome::Held { hold, .. } => ActState::Held(*hold),
            Outcome::Refused { code } => ActState::Refused(code.clone()),
        };
        put(sheet, key::act(Some(number)), &ActRow { state, receipt: Some(fate.receipt), ..row });
    }
    Ok(())
}

/// Returns whether an act was decided, and its hold has been here: another device brought it first, and the hold keeps what it said, or
/// the person has seen it already. A hold that was made since the request's cursor comes as an entry.
fn is_told(sheet: &Overlay<'_>, outgoing: &Outgoing, fate: &Fate) -> Result<bool, KvError> {
    let Outcome::Held { hold, state: HoldState::Declined { .. } | HoldState::Withdrawn, .. } = &fate.outcome
    else {
        return Ok(false);
    };
    Ok(match Tablet(sheet).hold(*hold)? {
        Some(known) => known.state != HoldState::Waiting,
        None => outgoing
            .request
            .cursor
            .is_some_and(|asked| asked.log == fate.receipt.log && fate.receipt.seq <= asked.seq),
    })
}

/// Lets go of an act that has done its part.
fn forget(sheet: &mut Overlay<'_>, number: u64, document: DocumentId, act: ActId) {
    sheet.delete(key::act(Some(number)));
    sheet.delete(key::act_number(document, act));
}

fn take_entry(
    sheet: &mut Overlay<'_>,
    profile: &Profile,
    outgoing: &Outgoing,
    entry: &Entry,
) -> Result<(), NotTaken> {
    match entry {
        Entry::Change { document, seq, change } => {
            let bytes = match change {
                ChangeBytes::Bytes(bytes) => bytes,
                ChangeBytes::Yours(hash) => outgoing.changes.get(hash).ok_or(NotTaken::Unreadable)?,
            };
            add_change(sheet, profile.device, *document, *seq, bytes)?;
        }
        Entry::Begin { name, incarnation, fetch, holds } => {
            let id = name.id();
            sheet.delete(key::purge(&id.0));
            match fetch {
                None => found(sheet, name, *incarnation)?,
                Some(at_least) => fetch_again(sheet, Some(name), id, *incarnation, *at_least)?,
            }
            set_reviews(sheet, profile, id, holds)?;
        }
        Entry::Review { document, holds } => set_reviews(sheet, profile, *document, holds)?,
        Entry::End { document, why } => {
            put(sheet, key::purge(&document.0), why);
            set_reviews(sheet, profile, *document, &[])?;
        }
        Entry::Replace { document, incarnation, fetch } => {
            fetch_again(sheet, None, *document, *incarnation, *fetch)?
        }
        Entry::Hold(hold) => take_hold(sheet, hold)?,
        Entry::Fact { key: name, value } => {
            sheet.delete(key::stale_fact(name.as_bytes()));
            match value {
                Some(value) => sheet.put(key::fact(name), value.to_vec()),
                None => sheet.delete(key::fact(name)),
            }
        }
    }
    Ok(())
}

/// Notes that a snapshot is wanted. What the copy has is shown until it comes; changes wait beside it.
fn fetch_again(
    sheet: &mut Overlay<'_>,
    name: Option<&crate::document::name::DocumentName>,
    id: DocumentId,
    incarnation: u32,
    at_least: u64,
) -> Result<(), KvError> {
    let phase = Phase::Fetching { at_least };
    let known = Tablet(sheet).copy(id)?;
    delete_all(sheet, &key::waiting(id, None))?;
    let copy = match (known, name) {
        (Some(copy), _) => CopyState { incarnation, phase, ..copy },
        (None, Some(name)) => CopyState {
            name: name.clone(),
            incarnation,
            steps: 0,
            heads: Vec::new(),
            max_op: 0,
            own: None,
            last: 0,
            snapshot: 0,
            changes: 0,
            phase,
        },
        (None, None) => return Ok(()),
    };
    put(sheet, key::copy(&id.0), &copy);
    Ok(())
}

/// Sets which of others' holds of a document this person may review.
fn set_reviews(
    sheet: &mut Overlay<'_>,
    profile: &Profile,
    document: DocumentId,
    open: &[HoldView],
) -> Result<(), KvError> {
    for hold in Tablet(sheet).holds()? {
        if hold.author != profile.person && hold.name.id() == document {
            sheet.delete(key::hold(&hold.id.0));
        }
    }
    open.iter().for_each(|hold| put_hold(sheet, hold));
    Ok(())
}

fn put_hold(sheet: &mut Overlay<'_>, hold: &HoldView) {
    sheet.delete(key::stale_hold(&hold.id.0));
    put(sheet, key::hold(&hold.id.0), hold);
}

fn take_hold(sheet: &mut Overlay<'_>, hold: &HoldView) -> Result<(), KvError> {
    put_hold(sheet, hold);
    if hold.state == HoldState::Waiting {
        return Ok(());
    }
    // It is decided, and the hold itself keeps what it said: the act has done its part.
    if let Some(number) = Tablet(sheet).act_number(hold.name.id(), hold.act)?
        && Tablet(sheet).act(number)?.is_some_and(|row| row.state == ActState::Held(hold.id))
    {
        forget(sheet, number, hold.name.id(), hold.act);
    }
    Ok(())
}

/// Lets go the acts that the copies have: those stored at or before the cursor, unless their document is still being fetched.
pub(crate) fn let_go(sheet: &mut Overlay<'_>) -> Result<(), KvError> {
    let Some(cursor) = Tablet(sheet).cursor()? else { return Ok(()) };
    let ancestry = Tablet(sheet).ancestry()?.filter(|ancestry| ancestry.log == cursor.log);
    // What an earlier life of the log had, and this one shares, has its place in this one.
    let is_here = |receipt: &Receipt| {
        receipt.log == cursor.log || ancestry.as_ref().is_some_and(|ancestry| ancestry.has(receipt))
    };
    for row in Tablet(sheet).acts()? {
        let reached = row.receipt.is_some_and(|receipt| is_here(&receipt) && receipt.seq <= cursor.seq);
        if row.state != ActState::Stored || !reached {
            continue;
        }
        let document = row.name.id();
        let fetching = Tablet(sheet).copy(document)?.is_some_and(|copy| copy.phase != Phase::Whole);
        if !fetching {
            forget(sheet, row.number, document, row.act);
        }
    }
    Ok(())
}
