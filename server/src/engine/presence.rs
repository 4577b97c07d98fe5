//! What the server remembers of devices between requests, and forgets when it ends: their keys, their last assertions, and how often they
//! came.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use quick_cache::sync::Cache;
use sync_core::ids::DeviceId;
use sync_core::key::DeviceKey;
use sync_core::roster::Device;
use sync_core::time::Moment;

use super::Engine;
use super::limit::Limiter;
use super::pairing::WrongTries;
use crate::auth::assertion::{AssertionError, Seen, Verified};
use crate::auth::keys::system_random;
use crate::auth::token::{DEVICE_TOKEN_LIFE_S, IssueError};

/// Wrong pairing codes from one address in [`PAIRING_SPAN_MS`]: a classroom of typing errors, and no search.
pub const PAIRING_WRONG_MAX: u64 = 30;
/// The span in which they are counted, in milliseconds.
pub const PAIRING_SPAN_MS: i64 = 10 * 60 * 1000;
/// Times that one device may hand in within [`HAND_IN_SPAN_MS`]: a lost tablet must not be a way to fill the disk.
pub const HAND_IN_MAX: u64 = 60;
/// The span in which they are counted, in milliseconds.
pub const HAND_IN_SPAN_MS: i64 = 60 * 1000;
/// Requests of one device within [`DEVICE_SPAN_MS`]: a first sync fetches every document of a caseload at once.
pub const DEVICE_REQUESTS_MAX: u64 = 3_000;
/// Bytes of bodies of one device within [`DEVICE_SPAN_MS`]: many times what a tablet brings that was away for a year.
pub const DEVICE_BYTES_MAX: u64 = 128 * 1024 * 1024;
/// The span in which they are counted, in milliseconds.
pub const DEVICE_SPAN_MS: i64 = 60 * 1000;

/// Seconds that a token is good for when it is given, at least.
pub const TOKEN_GOOD_S: u64 = 3 * 60;

/// Keys of devices that are kept at hand: those of a large district, in a few megabytes.
const KEYS_MAX: usize = 16_384;

/// Why there is no token.
#[derive(Debug, thiserror::Error)]
pub enum TokenRefused {
    /// The system has no randomness.
    #[error("no randomness to make a token of")]
    Random(#[from] std::io::Error),
    /// It could not be made.
    #[error(transparent)]
    Issue(#[from] IssueError),
}

pub(super) struct Presence {
    assertions: Mutex<BTreeMap<DeviceId, Seen>>,
    contacts: Mutex<BTreeMap<DeviceId, Moment>>,
    tokens: Mutex<BTreeMap<DeviceId, Given>>,
    pub(super) wrong_codes: Limiter<IpAddr>,
    /// Shared with the writing thread, where a code is burnt in the turn of the last wrong one.
    pub(super) wrong_tries: Arc<WrongTries<[u8; 8]>>,
    /// Keys that were looked at before.
    keys: Cache<[u8; 32], DeviceKey>,
    hand_ins: Limiter<DeviceId>,
    requests: Limiter<DeviceId>,
    bytes: Limiter<DeviceId>,
}

impl Presence {
    pub(super) fn new() -> Self {
        Self {
            assertions: Mutex::default(),
            contacts: Mutex::default(),
            tokens: Mutex::default(),
            wrong_codes: Limiter::new(PAIRING_WRONG_MAX, PAIRING_SPAN_MS),
            wrong_tries: Arc::default(),
            keys: Cache::new(KEYS_MAX),
            hand_ins: Limiter::new(HAND_IN_MAX, HAND_IN_SPAN_MS),
            requests: Limiter::new(DEVICE_REQUESTS_MAX, DEVICE_SPAN_MS),
            bytes: Limiter::new(DEVICE_BYTES_MAX, DEVICE_SPAN_MS),
        }
    }
}

/// A token that was given out.
struct Given {
    token: String,
    /// By the server's clock.
    at_s: u64,
}

impl Engine {
    /// Returns an access token for a device in use, good for [`TOKEN_GOOD_S`] at least. One that is good for longer is given again: to
    /// sign one for each exchange would cost a fifth of what the exchange does.
    pub fn token_for(&self, device: &Device) -> Result<String, TokenRefused> {
        let now_s = self.now_s();
        let mut tokens = self.presence.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(given) = tokens.get(&device.id)
            && (given.at_s..=given.at_s + (DEVICE_TOKEN_LIFE_S - TOKEN_GOOD_S)).contains(&now_s)
        {
            return Ok(given.token.clone());
        }
        let mut id = [0; 16];
        system_random(&mut id)?;
        let token = self.tokens.issue_device(device.id.0, &device.person.to_string(), id, now_s)?;
        tokens.insert(device.id, Given { token: token.clone(), at_s: now_s });
        Ok(token)
    }

    /// Returns what a key's bytes are, if they are a key. It is looked at once: every request brings two signatures of the same one.
    pub fn device_key(&self, bytes: &[u8; 32]) -> Option<DeviceKey> {
        if let Some(key) = self.presence.keys.get(bytes) {
            return Some(key);
        }
        let key = DeviceKey::of(bytes)?;
        self.presence.keys.insert(*bytes, key.clone());
        Some(key)
    }

    /// Returns the last assertion of a device that was acted on since the server started.
    pub fn seen(&self, device: DeviceId) -> Option<Seen> {
        self.presence.assertions.lock().unwrap_or_else(PoisonError::into_inner).get(&device).copied()
    }

    /// Notes an assertion that is about to be acted on, unless another was faster.
    pub fn see(&self, assertion: &Verified) -> Result<(), AssertionError> {
        let device = DeviceId(assertion.device());
        let mut assertions = self.presence.assertions.lock().unwrap_or_else(PoisonError::into_inner);
        assertion.freshness(assertions.get(&device).copied())?;
        assertions.insert(device, assertion.seen());
        drop(assertions);
        let now = self.now();
        self.presence.contacts.lock().unwrap_or_else(PoisonError::into_inner).insert(device, now);
        Ok(())
    }

    /// Returns when a device last spoke since the server started.
    pub fn last_contact(&self, device: DeviceId) -> Option<Moment> {
        self.presence.contacts.lock().unwrap_or_else(PoisonError::into_inner).get(&device).copied()
    }

    /// Counts a device's handing in, unless it has done so too often.
    ///
    /// # Errors
    /// In how many seconds it may again.
    pub fn may_hand_in(&self, device: DeviceId) -> Result<(), u64> {
        let now = self.now();
        self.presence.hand_ins.wait_s(&device, now).map_or(Ok(()), Err)?;
        self.presence.hand_ins.count(device, now);
        Ok(())
    }

    /// Counts a request of a device, with the bytes of its body, unless there were too many of either.
    ///
    /// # Errors
    /// In how many seconds the device may come again.
    pub fn spend(&self, device: DeviceId, bytes: usize) -> Result<(), u64> {
        let (now, presence) = (self.now(), &self.presence);
        let wait_s = presence.requests.wait_s(&device, now).max(presence.bytes.wait_s(&device, now));
        wait_s.map_or(Ok(()), Err)?;
        presence.requests.count(device, now);
        presence.bytes.spend(device, bytes as u64, now);
        Ok(())
    }
}
