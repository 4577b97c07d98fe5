//! What a child's family is shown, and the guardians who may see it.
//!
//! ```text
//! record ── offer ──── what is settled and certified, and nothing else
//!              │ publish       compared with what was published last
//!              ▼
//!      log: Published          server state: value, basis, since when, corrected on
//!              │ page          pages only read
//!              ▼
//!         FamilyPage           goals with how each is going, this week and last
//! ```
//!
//! > A family is shown what was published, and nothing is published but a settled value: no conflict stands in it, and where somebody must
//! > certify or co-sign, the signature covers what stands.
//!
//! While a value is in conflict, or its certification is stale, the last published one stands. A void takes a value back at once. What
//! changed after somebody was shown it says on which day it was corrected.

mod entry;
mod going;
mod index;
mod offer;
mod page;
mod publish;
mod value;

pub use entry::FamilyEntry;
pub use going::{Going, RECENT_DAYS_MAX};
pub use index::{AccessByHand, Account, FamilySession, Invitation, Published, SESSIONS_MAX};
pub(crate) use index::{apply, close};
pub use page::{
    DayPoint, FamilyPage, GoalOnPage, MissedOnPage, POINTS_MAX, ServiceOnPage, Stand, VisitOnPage, Week,
    family_page,
};
pub use publish::Publication;
pub use value::{Aim, Field, GoalPart, Missed, Promise, Shown, Start, Value, Visit};

#[cfg(test)]
mod tests;
