//! Withdrawals: held work that its author takes back, until the server has done it or has nothing to take back.
//!
//! > A withdrawal is asked for again until a reply that can have decided it was taken.
//!
//! A server that is in a life of its log of which the tablet has not heard, or that waits to be confirmed, decides nothing: what was asked
//! is asked again. A server that was restored may have lost the hold. Then the act itself is judged again, and the wish goes with it, to
//! whichever hold it comes to wait in.
//!
//! It ends. Every other reply answers each withdrawal that its request had: what was decided is in it or in the pages behind it, and a hold of
//! which the last of them has said nothing is none that this person could take back. While those pages come nobody asks a second time, for
//! each answer would make one more. And an act that is judged again gets its fate like any other: if that is not to be held, there is
//! nothing left to wish for.

use serde::{Deserialize, Serialize};

use crate::exchange::client::outbox::Outgoing;
use crate::exchange::client::state::{ActState, Tablet, decode, id_of, key, put};
use crate::exchange::message::{HoldState, Outcome, Reply};
use crate::ids::{ActId, DocumentId, HoldId};
use crate::kv::{KvError, Overlay, Write};

/// What is known of a withdrawal; nothing at first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
struct Withdrawal {
    /// Whether it is done, and what came of it lies in a page that has yet to be asked for.
    done: bool,
    /// The act of which the server has lost the hold: it is judged again.
    again: Option<(DocumentId, ActId)>,
}

/// Notes that the person takes back a hold; the next exchange says so.
pub fn withdraw(hold: HoldId) -> Vec<Write> {
    vec![Write::Put(key::withdrawal(&hold.0), Vec::new())]
}

fn all(tablet: &Tablet<'_>) -> Result<Vec<(HoldId, Withdrawal)>, KvError> {
    let row = |(id, value): &(Vec<u8>, Vec<u8>)| {
        let known = if value.is_empty() { Withdrawal::default() } else { decode(value)? };
        Ok((HoldId(id_of(id)?), known))
    };
    tablet.scan(&key::withdrawal(&[]))?.iter().map(row).collect()
}

/// Returns the withdrawals that the next request is to bring.
pub(crate) fn to_ask(tablet: &Tablet<'_>) -> Result<Vec<HoldId>, KvError> {
    Ok(all(tablet)?.into_iter().filter(|(_, known)| !known.done).map(|(id, _)| id).collect())
}

/// Hears that the server's log is in another life: what was done behind the place that both share is not done any more.
pub(crate) fn hear(sheet: &mut Overlay<'_>) -> Result<(), KvError> {
    for (id, known) in all(&Tablet(sheet))? {
        put(sheet, key::withdrawal(&id.0), &Withdrawal { done: false, ..known });
    }
    Ok(())
}

/// Hears that the server has lost a hold, and its act is judged again.
pub(crate) fn lose(
    sheet: &mut Overlay<'_>,
    hold: HoldId,
    document: DocumentId,
    act: ActId,
) -> Result<(), KvError> {
    if all(&Tablet(sheet))?.iter().any(|(id, _)| *id == hold) {
        put(sheet, key::withdrawal(&hold.0), &Withdrawal { done: false, again: Some((document, act)) });
    }
    Ok(())
}

/// Takes a wish along with the act that was judged again.
pub(crate) fn follow(
    sheet: &mut Overlay<'_>,
    document: DocumentId,
    act: ActId,
    outcome: &Outcome,
) -> Result<(), KvError> {
    let of_it = |(_, known): &(HoldId, Withdrawal)| known.again == Some((document, act));
    for (id, _) in all(&Tablet(sheet))?.into_iter().filter(of_it) {
        sheet.delete(key::withdrawal(&id.0));
        if let Outcome::Held { hold, state: HoldState::Waiting, .. } = outcome {
            put(sheet, key::withdrawal(&hold.0), &Withdrawal::default());
        }
    }
    Ok(())
}

/// Takes the answers to the withdrawals that a request brought, when everything else of the reply is on the sheet.
pub(crate) fn answered(sheet: &mut Overlay<'_>, outgoing: &Outgoing, reply: &Reply) -> Result<(), KvError> {
    let waiting = Tablet(sheet).ancestry()?.is_some_and(|ancestry| ancestry.waiting);
    if reply.life.is_some() || waiting {
        return Ok(());
    }
    for (id, known) in all(&Tablet(sheet))? {
        let asked = known.done || outgoing.request.withdrawals.contains(&id);
        if !asked || is_judged_again(&Tablet(sheet), &known)? {
            continue;
        }
        let open = Tablet(sheet).hold(id)?.is_some_and(|hold| hold.state == HoldState::Waiting);
        if open && reply.more {
            put(sheet, key::withdrawal(&id.0), &Withdrawal { done: true, again: None });
        } else {
            sheet.delete(key::withdrawal(&id.0));
        }
    }
    Ok(())
}

/// Returns whether the act of a lost hold has no fate yet. What damage has taken is not waited for.
fn is_judged_again(tablet: &Tablet<'_>, known: &Withdrawal) -> Result<bool, KvError> {
    let Some((document, act)) = known.again else { return Ok(false) };
    let Some(number) = tablet.act_number(document, act)? else { return Ok(false) };
    Ok(tablet.act(number)?.is_some_and(|row| row.state == ActState::Unsent))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exchange::client::outbox::compose;
    use crate::exchange::client::reply::take;
    use crate::exchange::client::state::Profile;
    use crate::exchange::client::view::paired;
    use crate::ids::{DeviceId, LogId, OrgId, PersonId};
    use crate::kv::Memory;
    use crate::time::Moment;

    const HOLD: HoldId = HoldId([7; 16]);

    fn tablet() -> Memory {
        let mut store = Memory::default();
        let profile = Profile { org: OrgId([1; 16]), person: PersonId([2; 16]), device: DeviceId([3; 16]) };
        store.apply(paired(&profile));
        store
    }

    fn reply(more: bool, life: Option<crate::exchange::message::Life>) -> Reply {
        Reply {
            fates: Vec::new(),
            entries: Vec::new(),
            cursor: None,
            mark: None,
            schema: 1,
            policy: 1,
            backed_up: 0,
            life,
            afresh: false,
            listing_wanted: false,
            more,
            clock: Moment(0),
        }
    }

    /// Returns how many withdrawals the next request brings, after a reply to one that brought all.
    fn left(store: &mut Memory, reply: &Reply) -> usize {
        let key = ed25519_dalek::SigningKey::from_bytes(&[5; 32]);
        let outgoing = compose(store, &key, "test", Moment(0), &|_| false).unwrap();
        let (writes, _) = take(store, &outgoing, reply, Moment(0)).unwrap();
        store.apply(writes);
        to_ask(&Tablet(store)).unwrap().len()
    }

    #[test]
    fn a_hold_that_nobody_knows_is_asked_for_once() {
        let mut store = tablet();
        store.apply(withdraw(HOLD));
        assert_eq!(left(&mut store, &reply(false, None)), 0);
        assert_eq!(Tablet(&store).withdrawals(), Ok(Vec::new()));
    }

    #[test]
    fn a_server_that_waits_is_asked_again() {
        let mut store = tablet();
        store.apply(withdraw(HOLD));
        let life = |waiting| crate::exchange::message::Life { log: LogId([9; 16]), shared: Some(0), waiting };
        assert_eq!(left(&mut store, &reply(false, Some(life(true)))), 1);
        assert_eq!(left(&mut store, &reply(false, None)), 1, "it has not said yet that it was confirmed");
        assert_eq!(left(&mut store, &reply(false, Some(life(false)))), 1);
        assert_eq!(left(&mut store, &reply(false, None)), 0);
    }

    #[test]
    fn what_lies_in_a_later_page_is_not_asked_for_with_every_page() {
        let mut store = tablet();
        store.apply(withdraw(HOLD));
        let hold = crate::exchange::message::HoldView {
            id: HOLD,
            name: crate::document::name::DocumentName {
                org: OrgId([1; 16]),
                kind: crate::document::name::DocumentKind::Log,
                subject: crate::ids::StudentId([4; 16]),
                period: "2026-27".into(),
                member: None,
            },
            author: PersonId([2; 16]),
            act: ActId([6; 16]),
            slots: Vec::new(),
            reason: crate::exchange::message::HoldReason::Proposal,
            fault: None,
            late: false,
            received: Moment(0),
            state: HoldState::Waiting,
        };
        let mut sheet = Overlay::new(&store);
        put(&mut sheet, key::hold(&HOLD.0), &hold);
        let writes = sheet.into_writes();
        store.apply(writes);
        assert_eq!(left(&mut store, &reply(true, None)), 0, "done, and not told yet");
        assert_eq!(Tablet(&store).withdrawals(), Ok(vec![HOLD]));
        let life = crate::exchange::message::Life { log: LogId([9; 16]), shared: Some(0), waiting: false };
        assert_eq!(left(&mut store, &reply(true, Some(life))), 1, "a restore between two pages undid it");
        assert_eq!(left(&mut store, &reply(true, None)), 0);
        assert_eq!(left(&mut store, &reply(false, None)), 0);
        assert_eq!(Tablet(&store).withdrawals(), Ok(Vec::new()), "the last page ends it");
    }
}
