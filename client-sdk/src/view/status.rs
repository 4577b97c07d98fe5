//! How the tablet stands, in one glance.

use serde_json::{Value as Json, json};
use sync_core::exchange::client::state::{ActState, Tablet};
use sync_core::exchange::message::HoldState;
use sync_core::time::Moment;

use crate::local::Local;
use crate::roster::Roster;
use crate::session::Journal;
use crate::store::{Damage, State, damage_of};
use crate::trouble::Trouble;

/// The one quiet line beside the data that it is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Glance {
    /// This device's access has ended: ask an administrator.
    NeedsAttention,
    /// So many things wait on this tablet; the last try did not reach the server.
    Offline(usize),
    /// So many things wait on this tablet for the next exchange.
    Waiting(usize),
    /// Everything was at school at this moment.
    AllSaved(Moment),
    /// Nothing was sent yet, and nothing waits.
    Nothing,
}

/// How the tablet stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// Acts without a receipt, gathered taps among them.
    pub waiting: usize,
    /// Own acts that wait for review.
    pub held: usize,
    /// Own acts that were refused.
    pub refused: usize,
    /// When the last exchange succeeded.
    pub last_sync: Option<Moment>,
    /// Whether this device's access has ended.
    pub ended: bool,
    /// What the tablet's store has lost, if it was ever damaged.
    pub damage: Option<Damage>,
    /// The quiet line.
    pub glance: Glance,
}

/// Returns how the tablet stands.
///
/// # Errors
/// The store's.
pub fn status(state: &State<'_>) -> Result<Status, Trouble> {
    let (tablet, local) = (Tablet(state), Local(state));
    let acts = tablet.acts()?;
    let count = |is: fn(&ActState) -> bool| acts.iter().filter(|act| is(&act.state)).count();
    let open = tablet.holds()?;
    let is_open =
        |id| open.iter().find(|hold| hold.id == id).is_none_or(|hold| hold.state == HoldState::Waiting);
    let held = acts.iter().filter(|act| matches!(act.state, ActState::Held(id) if is_open(id))).count();
    let waiting = tablet.unsent()? + Journal(state).tapped()?.len() + tablet.withdrawals()?.len();
    let contact = local.contact()?;
    let ended = local.ended()?.is_some();
    let glance = match (ended, waiting, contact.synced) {
        (true, _, _) => Glance::NeedsAttention,
        (false, _, _) if contact.failed.is_some() => Glance::Offline(waiting),
        (false, 0, Some(synced)) => Glance::AllSaved(synced),
        (false, 0, None) => Glance::Nothing,
        (false, waiting, _) => Glance::Waiting(waiting),
    };
    Ok(Status {
        waiting,
        held,
        refused: count(|state| matches!(state, ActState::Refused(_))),
        last_sync: contact.synced,
        ended,
        damage: damage_of(state)?,
        glance,
    })
}

impl Status {
    /// Returns the status in its stable fields.
    pub fn json(&self, roster: &Roster) -> Json {
        json!({
            "person": roster.profile.person,
            "waiting": self.waiting,
            "held": self.held,
            "refused": self.refused,
            "last_sync": self.last_sync.map(|at| roster.zone.rfc3339(at)),
            "ended": self.ended,
            "damage": self.damage.as_ref().map(Damage::words),
        })
    }

    /// Returns the status in words.
    pub fn words(&self, roster: &Roster) -> String {
        let things = |n: usize| if n == 1 { "1 item".to_owned() } else { format!("{n} items") };
        let mut lines = vec![match &self.glance {
            Glance::NeedsAttention => "This device's access has ended. Ask an administrator.".to_owned(),
            Glance::Offline(0) => "Offline. Everything is saved on this tablet.".to_owned(),
            Glance::Offline(n) => {
                format!("Offline. {} saved on this tablet, waiting to be sent.", things(*n))
            }
            Glance::Waiting(n) => format!("{} saved on this tablet, waiting to be sent.", things(*n)),
            Glance::AllSaved(at) => format!("All saved to school at {}.", roster.zone.rfc3339(*at)),
            Glance::Nothing => "Nothing was sent yet. Sync to begin.".to_owned(),
        }];
        if self.held > 0 {
            lines.push(format!("{} waiting for review.", things(self.held)));
        }
        if self.refused > 0 {
            lines.push(format!(
                "{} refused; kept on this tablet, the coordinator was told.",
                things(self.refused)
            ));
        }
        lines.extend(self.damage.as_ref().map(Damage::words));
        lines.join("\n")
    }
}
