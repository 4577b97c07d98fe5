//! Signed assertions, as the server checks them; both ends are kept beside the exchange that they ride with.

pub use sync_core::exchange::assertion::*;
