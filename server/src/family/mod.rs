//! Families' pages: a guardian signs in, and sees what is published of the child.
//!
//! ```text
//! invitation ── redeem ──┐
//!                        ├── session (cookie, log) ── page ── published fields in a language's words
//! passphrase ── sign in ─┘                              └──── audit: who was shown whose page
//! ```
//!
//! What a family may see is decided in `sync_core::projection::family`; here it is asked for, put into words and sent. There is no script
//! on any page, and nothing is changed by opening an address. Whoever may not see a page finds none, whatever the reason.

mod account;
mod browser;
mod chart;
mod invitation;
mod pages;
mod passphrase;
mod text;
mod view;

pub use account::{
    ADDRESS_TRIES_MAX, GUARDIAN_TRIES_MAX, SESSION_LIFE_MS, TRIES_SPAN_MS, VIEWS_MAX, VIEWS_SPAN_MS,
};
pub use invitation::{INVITATION_TRIES_MAX, NewInvitation, invite_all, invite_guardian, sign_in_path};
pub use pages::{FORM_BYTES_MAX, LIMITS, router};
pub use passphrase::{HASHED_AT_ONCE_MAX, HASHES_WAITING_MAX, PASSPHRASE_CHARS_MAX, PASSPHRASE_CHARS_MIN};

#[cfg(test)]
mod tests;
