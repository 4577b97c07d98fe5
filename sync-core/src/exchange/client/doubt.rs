//! Doubt: a tablet's store of which some rows are gone, and nobody knows which.
//!
//! The rest is kept, and made to hold together again: rows that only lead to others are made anew from those, and what belongs to nothing
//! any more goes. The cursor is forgotten and each copy marked to be fetched again, so that the next exchange brings all that the server
//! has. What is left of the copies is shown meanwhile.
//!
//! An act of which the readable form is gone, and the sealed one is not, is handed in as it was sealed: the server answers with what became
//! of it, if it had it already.

use std::collections::{BTreeMap, BTreeSet};

use crate::exchange::client::state::{
    ActRow, ActState, CopyState, KeptRow, KeptState, Phase, Tablet, delete_all, id_of, key, put,
};
use crate::ids::{ActId, DocumentId};
use crate::kv::{KvError, KvRead, Overlay, Write};

/// What a row of a tablet's store is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// What was done on the tablet.
    Own,
    /// The second copies of that, which the server alone can open.
    Sealed,
    /// Copies of the server's documents.
    Copies,
    /// What else the server has said: facts, holds, ends.
    Said,
    /// Whose tablet it is, how far it has come, and what leads to other rows.
    Notes,
}

impl Part {
    /// Returns what the row under a key is about.
    pub fn of(key: &[u8]) -> Self {
        match key.first() {
            Some(&(key::ACTS | key::WITHDRAWALS | key::SEEN)) => Self::Own,
            Some(&(key::KEPT | key::SEALED)) => Self::Sealed,
            Some(&(key::COPIES | key::CHANGES | key::WAITING | key::SLOTS)) => Self::Copies,
            Some(&(key::HOLDS | key::FACTS | key::PURGES)) => Self::Said,
            Some(_) | None => Self::Notes,
        }
    }
}

/// Where an act is kept: its document and itself.
type Place = (DocumentId, ActId);

/// Makes what is left of a store hold together, and has everything told anew that the server knows.
///
/// # Errors
/// [`KvError`].
pub fn doubt(store: &dyn KvRead) -> Result<Vec<Write>, KvError> {
    let mut sheet = Overlay::new(store);
    sheet.delete(key::meta("cursor"));
    doubt_copies(&mut sheet)?;
    let acts = Tablet(store).acts()?;
    let next = number_acts(&mut sheet, &acts)?;
    join_sealed(&mut sheet, &acts, next)?;
    Ok(sheet.into_writes())
}

/// Returns how many acts without a receipt are left in their sealed form alone, of a store that was not made to hold together yet.
///
/// # Errors
/// [`KvError`].
pub fn sealed_alone(store: &dyn KvRead) -> Result<u64, KvError> {
    let tablet = Tablet(store);
    let acts: BTreeSet<Place> = tablet.acts()?.iter().map(|act| (act.name.id(), act.act)).collect();
    let mut alone = 0;
    for kept in tablet.kept()?.iter().filter(|kept| kept.state == KeptState::Unsent) {
        let is_there = store.get(&key::sealed(&[&kept.document.0, &kept.act.0]))?.is_some();
        alone += u64::from(is_there && !acts.contains(&(kept.document, kept.act)));
    }
    Ok(alone)
}

fn doubt_copies(sheet: &mut Overlay<'_>) -> Result<(), KvError> {
    let mut known = BTreeSet::new();
    for copy in Tablet(sheet).copies()? {
        known.insert(copy.name.id());
        let phase = Phase::Fetching { at_least: copy.last };
        put(sheet, key::copy(&copy.name.id().0), &CopyState { phase, ..copy });
    }
    // Content without its copy would be purged with none.
    for prefix in [key::SLOTS, key::CHANGES, key::WAITING] {
        let documents: BTreeSet<_> =
            Tablet(sheet).scan(&[prefix])?.into_iter().filter_map(|(rest, _)| document_of(&rest)).collect();
        for document in documents.difference(&known) {
            delete_all(sheet, &[&[prefix], document.0.as_slice()].concat())?;
        }
    }
    Ok(())
}

/// Finds the acts by what they are again; returns the number that the next one gets.
fn number_acts(sheet: &mut Overlay<'_>, acts: &[ActRow]) -> Result<u64, KvError> {
    delete_all(sheet, &[key::ACT_NUMBERS])?;
    for act in acts {
        put(sheet, key::act_number(act.name.id(), act.act), &act.number);
    }
    let kept = Tablet(sheet).kept()?.into_iter().map(|kept| kept.number);
    let highest = acts.iter().map(|act| act.number).chain(kept).max();
    Ok(Tablet(sheet).next_act()?.max(highest.map_or(1, |highest| highest + 1)))
}

/// Keeps no word of a sealed copy that is gone, and finds those again of which the word is gone.
fn join_sealed(sheet: &mut Overlay<'_>, acts: &[ActRow], mut next: u64) -> Result<(), KvError> {
    let mut sealed = BTreeSet::new();
    for (rest, _) in Tablet(sheet).scan(&key::sealed(&[]))? {
        sealed.insert(place_of(&rest)?);
    }
    let kept: BTreeSet<Place> =
        Tablet(sheet).kept()?.into_iter().map(|kept| (kept.document, kept.act)).collect();
    for (document, act) in kept.difference(&sealed) {
        sheet.delete(key::kept(&[&document.0, &act.0]));
    }
    let acts: BTreeMap<Place, &ActRow> = acts.iter().map(|act| ((act.name.id(), act.act), act)).collect();
    for (document, act) in sealed.difference(&kept) {
        let (document, act) = (*document, *act);
        let row = match acts.get(&(document, act)) {
            Some(ActRow { number, state, receipt, .. }) => {
                KeptRow { document, act, number: *number, state: kept_state(state), receipt: *receipt }
            }
            None => {
                next += 1;
                KeptRow { document, act, number: next - 1, state: KeptState::Unsent, receipt: None }
            }
        };
        put(sheet, key::kept(&[&document.0, &act.0]), &row);
    }
    if next != Tablet(sheet).next_act()? {
        put(sheet, key::meta("next act"), &next);
    }
    Ok(())
}

fn kept_state(state: &ActState) -> KeptState {
    match state {
        ActState::Unsent => KeptState::Unsent,
        ActState::Stored => KeptState::Stored,
        ActState::Held(_) | ActState::Refused(_) => KeptState::Judged,
    }
}

fn document_of(rest: &[u8]) -> Option<DocumentId> {
    rest.first_chunk::<16>().map(|id| DocumentId(*id))
}

fn place_of(rest: &[u8]) -> Result<Place, KvError> {
    let (document, act) = rest.split_at_checked(16).ok_or(KvError::Damaged("key"))?;
    Ok((DocumentId(id_of(document)?), ActId(id_of(act)?)))
}
