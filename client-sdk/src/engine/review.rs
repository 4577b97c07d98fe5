//! A reviewer's decision: it goes to the server at once, and shows here with the next exchange.

use ed25519_dalek::SigningKey;
use sync_core::exchange::assertion::Assertion;
use sync_core::exchange::client::state::Tablet;

use crate::local::Local;
use crate::store::{Store, Writes};
use crate::transport::{Decision, Decisions, Failure, Transport};
use crate::trouble::Trouble;

/// Decides holds at the server, and returns in which state each is then.
///
/// # Errors
/// [`Trouble`]; unless the server could not be reached, nothing was decided.
pub async fn decide<T: Transport>(
    store: &Store,
    transport: &T,
    decision: &Decision,
) -> Result<Decisions, Trouble> {
    let body = serde_json::to_vec(decision).map_err(|error| Trouble::Internal(error.to_string()))?;
    let assertion = assert(store, &body, 0)?;
    let declines = decision.reason.is_some();
    match transport.decide(&body, declines, &assertion).await {
        Err(Failure::Refused(refusal)) if refusal.last_counter.is_some() => {
            let assertion = assert(store, &body, refusal.last_counter.unwrap_or_default())?;
            Ok(transport.decide(&body, declines, &assertion).await?)
        }
        answer => Ok(answer?),
    }
}

fn assert(store: &Store, body: &[u8], above: u64) -> Result<String, Trouble> {
    store.update(|state| {
        let profile = Tablet(state).profile()?.ok_or(Trouble::NotPaired)?;
        let key = SigningKey::from_bytes(&*Local(state).key()?.ok_or(Trouble::NotPaired)?);
        let counter = Local(state).counter()?.max(above) + 1;
        let mut writes = Writes::new();
        writes.set_counter(counter);
        Ok((writes, Assertion::of(profile.org.0, profile.device.0, counter, body).signed_by(&key)))
    })
}
