//! The tablet's own kindness: what the server would say of an act, before anybody has pressed the button.
//!
//! It decides nothing. The server judges by the roster of the moment at which the act arrives, and by whether the device is still in use;
//! a tablet knows both only as of its last exchange.

use std::collections::BTreeMap;

use super::act::Act;
use crate::document::schema::Fault;
use crate::document::slot::SlotKey;
use crate::gate::policy::{Known, Lack, Place, builds_on, judge, known_of};

/// What will become of an act, as far as a tablet can tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expectation {
    /// It would stand at once.
    Allowed,
    /// It would wait for review.
    Held(Cause),
}

/// For which of several causes an act would be held: the first in this order that there is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Cause {
    /// The author does not have the document any more: the place has ended or is another one, or the policy is.
    #[error("your place on this student's team does not give you this any more")]
    AccessEnded,
    /// The author's place does not allow it.
    #[error("{}", words(.0))]
    Lack(Lack),
    /// A value cannot be.
    #[error(transparent)]
    Fault(#[from] Fault),
    /// It builds on what itself waits for review, or is not known here.
    #[error("what this is about waits for review itself")]
    OnTop,
}

impl Cause {
    /// Returns the stable name that the server's hold would give as its reason.
    pub fn code(&self) -> &'static str {
        match self {
            Self::AccessEnded => "access_ended",
            Self::Lack(Lack::Proposal) => "proposal",
            Self::Lack(Lack::NotAllowed) => "not_allowed",
            Self::Lack(Lack::ClosedYear) => "closed_year",
            Self::Lack(Lack::NoPolicy) => "no_policy",
            Self::Fault(_) => "needs_correction",
            Self::OnTop => "on_top",
        }
    }
}

fn words(lack: &Lack) -> &'static str {
    match lack {
        Lack::Proposal => "your role can propose this; somebody with the right decides",
        Lack::NotAllowed => "your role cannot do this",
        Lack::ClosedYear => "the plan's school year is over; late changes are reviewed",
        Lack::NoPolicy => "no rule speaks of this",
    }
}

/// What a tablet has of a record that an act names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// What is known of it.
    pub known: Known,
    /// Whether it stands, or was made here and is expected to; false while it waits for review.
    pub stands: bool,
}

/// Returns what will become of `act` when somebody standing at `place` says it. `look_up` finds records of the same document.
pub fn expect(place: &Place<'_>, act: &Act, look_up: &dyn Fn(&SlotKey) -> Option<Found>) -> Expectation {
    if !place.reads() {
        return Expectation::Held(Cause::AccessEnded);
    }
    let mut earlier: BTreeMap<SlotKey, Known> = BTreeMap::new();
    let (mut lack, mut fault, mut on_top) = (None, None, false);
    for slot in &act.slots {
        let known =
            |key: &SlotKey| earlier.get(key).cloned().or_else(|| look_up(key).map(|found| found.known));
        let verdict = judge(place, slot, &known);
        lack = lack.or(verdict.lack);
        fault = fault.or(verdict.fault);
        on_top |= builds_on(slot)
            .iter()
            .any(|base| !earlier.contains_key(base) && !look_up(base).is_some_and(|found| found.stands));
        let new = known_of(slot, &known);
        earlier.extend(new.map(|new| (slot.key, new)));
    }
    let cause = match (lack, fault) {
        (Some(lack), _) => Some(Cause::Lack(lack)),
        (None, Some(fault)) => Some(Cause::Fault(fault)),
        (None, None) => on_top.then_some(Cause::OnTop),
    };
    cause.map_or(Expectation::Allowed, Expectation::Held)
}
