//! What tablet and server say to each other: one request, one reply.
//!
//! | Module | What it is |
//! | --- | --- |
//! | `request` | a tablet's half: what it brings, and from where on it wants to hear |
//! | `reply` | the server's half: what became of that, and what is new in the order of the log |
//! | `place` | places in the organisation's log, and its lives |
//! | `fate` | what became of an act, with the receipt for it |
//! | `hold` | what waits for review |
//! | `listing` | which copies a tablet has |

mod fate;
mod hold;
mod listing;
mod place;
mod reply;
mod request;

pub use fate::{Fate, Outcome, Receipt};
pub use hold::{HoldReason, HoldState, HoldView};
pub use listing::{Listed, Listing, digest};
pub use place::{Cursor, Life, Place};
pub use reply::{ChangeBytes, EndReason, Entry, Reply};
pub use request::{Kept, Offer, Request, Sealed};

/// Envelopes in one request.
pub const ENVELOPES_MAX: usize = 2_000;
/// Withdrawals in one request.
pub const WITHDRAWALS_MAX: usize = 2_000;
/// Sealed acts in one request.
pub const SEALED_MAX: usize = 2_000;
/// Documents of which one request offers something.
pub const OFFERS_MAX: usize = 2_000;
/// Copies in one listing.
pub const LISTING_MAX: usize = 20_000;
/// Places in one trail: one at each power of two from its end, and the end.
pub const TRAIL_MAX: usize = 65;
/// Bytes of entries in one reply; what does not fit comes with the next one.
pub const REPLY_BYTES_MAX: usize = 4 * 1024 * 1024;
