//! Pairing: a code for a person, and a device for a code.
//!
//! A code's record in the log is a keyed hash of 16 bytes: 8 of the hash of its first characters, the *locator*, and 8 of the hash of the
//! whole. A wrong code so still finds the record that it was meant for, and after five of them the record is burnt.

use std::collections::BTreeMap;
use std::io;
use std::net::IpAddr;
use std::sync::Arc;

use sync_core::document::slot::ContentHash;
use sync_core::exchange::server::desk::{Desk, DeskError};
use sync_core::exchange::server::entry::LogEntry;
use sync_core::exchange::server::index::CodeState;
use sync_core::ids::{DeviceId, LogId, OrgId, PersonId, TabletId, derive};
use sync_core::kv::KvError;
use sync_core::roster::{Device, DeviceState, Person};
use sync_core::sealing::SealingKey;
use sync_core::time::Moment;

use super::{Engine, EngineError, Ruling};
use crate::auth::certificate::Certificate;
use crate::auth::keys::{HashSecret, system_random};
use crate::auth::pairing::{PairingCode, TRIES_MAX};

/// Draws before giving up on a code whose locator nobody else has open: with 28^4 locators the second draw is rare.
const DRAWS_MAX: usize = 16;

/// A code that was given out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewCode {
    /// The code in its groups, to be shown once.
    pub code: PairingCode,
    /// Until when it is good.
    pub expires: Moment,
}

/// What a tablet asks to be paired with.
#[derive(Debug, Clone)]
pub struct PairingRequest {
    /// What was typed.
    pub code: PairingCode,
    /// The device's public key.
    pub key: [u8; 32],
    /// The tablet that the profile lives on.
    pub tablet: TabletId,
}

/// A paired device, and what it must know of where it was paired.
#[derive(Debug, Clone)]
pub struct Paired {
    /// The device.
    pub device: Device,
    /// Its person.
    pub person: Person,
    /// The organisation.
    pub organisation: OrgId,
    /// The organisation's name.
    pub organisation_name: String,
    /// The name of its time zone.
    pub zone: String,
    /// The life of the log.
    pub log: LogId,
    /// The server's word that all this is so.
    pub certificate: Vec<u8>,
    /// The key to which the tablet seals its acts.
    pub sealing: SealingKey,
}

/// Why a device was not paired.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PairingRefused {
    /// No open code is like this, or too many wrong ones were tried for it.
    Wrong,
    /// A device was paired with it before.
    Used,
    /// Its time is over.
    Expired,
    /// The key is another person's device, or was paired before with another code.
    KeyInUse,
    /// Too many wrong codes came from this address.
    TooOften {
        /// In how many seconds it may try again.
        wait_s: u64,
    },
}

fn locator(code: &PairingCode, secret: &HashSecret) -> [u8; 8] {
    first_8(&code.locator(secret))
}

fn first_8(hash: &[u8; 32]) -> [u8; 8] {
    hash.first_chunk().copied().unwrap_or_default()
}

fn stored_hash(code: &PairingCode, secret: &HashSecret) -> ContentHash {
    let mut hash = [0; 16];
    hash[..8].copy_from_slice(&locator(code, secret));
    hash[8..].copy_from_slice(&first_8(&code.hash(secret)));
    ContentHash(hash)
}

impl Engine {
    /// Gives out a code for a person, good for `life_ms` milliseconds; `None` where there is no such person.
    pub async fn new_code(&self, person: PersonId, life_ms: i64) -> Result<Option<NewCode>, EngineError> {
        let mut drawn = Vec::new();
        for _ in 0..DRAWS_MAX {
            let mut random = [0; 16];
            system_random(&mut random).map_err(|error: io::Error| EngineError::Storage(error.to_string()))?;
            let code = PairingCode::issue(random);
            drawn.push((stored_hash(&code, self.keys().secret()), code));
        }
        self.decide(move |desk| {
            if desk.index().person(person)?.is_none() {
                return Ok(Ruling::Void(None));
            }
            let now = desk.conditions().now;
            let expires = now.plus_ms(life_ms);
            for (hash, code) in drawn {
                let taken = desk.index().codes_behind(locator_of(&hash))?;
                if taken.iter().all(|(_, state)| !is_open(state, now)) {
                    desk.emit(LogEntry::Code { hash, person, expires })?;
                    return Ok(Ruling::Stands(Some(NewCode { code, expires })));
                }
            }
            Ok(Ruling::Void(None))
        })
        .await
    }

    /// Pairs a device. A request whose answer was lost can be sent again.
    pub async fn pair(
        &self,
        address: IpAddr,
        request: PairingRequest,
    ) -> Result<Result<Paired, PairingRefused>, EngineError> {
        let (now, wrong_codes) = (self.now(), &self.presence.wrong_codes);
        // It counts before it is looked at, and no more when it is found right: many at once are no more than many in turn.
        let Some(tried) = wrong_codes.take(address, now) else {
            let wait_s = wrong_codes.wait_s(&address, now).unwrap_or(1);
            return Ok(Err(PairingRefused::TooOften { wait_s }));
        };
        let hash = stored_hash(&request.code, self.keys().secret());
        let device = Device {
            id: DeviceId::of_key(&request.key),
            key: request.key,
            person: PersonId([0; 16]),
            tablet: request.tablet,
            state: DeviceState::Active,
        };
        let wrong_tries = Arc::clone(&self.presence.wrong_tries);
        match self.decide(move |desk| pair_on(desk, hash, device, &wrong_tries)).await {
            Ok(Err(refused)) => Ok(Err(refused)),
            Ok(Ok(device)) => {
                wrong_codes.give_back(&address, tried);
                self.paired(device).map(Ok)
            }
            // Nobody has looked at it.
            Err(error) => {
                wrong_codes.give_back(&address, tried);
                Err(error)
            }
        }
    }

    /// Returns the device that a certificate of this server's was given to, as far as the certificate says.
    pub fn by_certificate(&self, shown: &[u8]) -> Option<Device> {
        let certificate = Certificate::verified(shown, &self.keys().certificate().verifying()).ok()?;
        let id = DeviceId::of_key(&certificate.key);
        (certificate.organisation == self.organisation()).then(|| Device {
            id,
            key: certificate.key,
            person: certificate.person,
            // Which tablet it lived on is lost: it is one of its own.
            tablet: TabletId(derive("carryover tablet of a certificate v1", &[&id.0])),
            state: DeviceState::Unconfirmed,
        })
    }

    /// Notes a device that has shown its certificate, and returns it as it is known from here on: what was revoked stays so.
    pub async fn certify(&self, device: Device) -> Result<Device, EngineError> {
        self.decide(move |desk| desk.certify(device).map(Ruling::Stands)).await
    }

    fn paired(&self, device: Device) -> Result<Paired, EngineError> {
        let index = self.index();
        let person = index.person(device.person)?.ok_or(KvError::Damaged("person"))?;
        let organisation = index.organisation()?.ok_or(KvError::Damaged("organisation"))?;
        let certificate = Certificate {
            key: device.key,
            person: person.id,
            external_id: person.external_id.clone(),
            organisation: organisation.id,
            log: self.log_id(),
        };
        Ok(Paired {
            certificate: certificate.signed_by(self.keys().certificate().signing()),
            sealing: self.keys().opening().sealing(),
            device,
            person,
            organisation: organisation.id,
            organisation_name: organisation.name,
            zone: organisation.zone.name().to_owned(),
            log: self.log_id(),
        })
    }
}

fn locator_of(hash: &ContentHash) -> [u8; 8] {
    hash.0.first_chunk().copied().unwrap_or_default()
}

fn is_open(state: &CodeState, now: Moment) -> bool {
    !state.used && now < state.expires
}

fn pair_on(
    desk: &mut Desk<'_>,
    code: ContentHash,
    asked: Device,
    wrong_tries: &WrongTries<[u8; 8]>,
) -> Result<Ruling<Result<Device, PairingRefused>>, DeskError> {
    let refused = |why| Ok(Ruling::Void(Err(why)));
    let Some(state) = desk.index().code(&code)? else { return wrong(desk, locator_of(&code), wrong_tries) };
    let known = desk.index().device(asked.id)?;
    if state.used {
        // The answer may have been lost on its way: the same device asks again.
        return match known {
            Some(known) if known.person == state.person && known.state == DeviceState::Active => {
                Ok(Ruling::Void(Ok(known)))
            }
            Some(_) | None => refused(PairingRefused::Used),
        };
    }
    if state.expires == Moment(0) {
        return wrong(desk, locator_of(&code), wrong_tries);
    }
    if !is_open(&state, desk.conditions().now) {
        return refused(PairingRefused::Expired);
    }
    if known.is_some() {
        return refused(PairingRefused::KeyInUse);
    }
    let device = Device { person: state.person, ..asked };
    desk.emit(LogEntry::Device { device: device.clone(), code })?;
    Ok(Ruling::Stands(Ok(device)))
}

/// Counts a wrong code against those that it may have been meant for, and burns them after [`TRIES_MAX`]: in the turn of the last of these,
/// so that no other one comes between.
fn wrong(
    desk: &mut Desk<'_>,
    locator: [u8; 8],
    wrong_tries: &WrongTries<[u8; 8]>,
) -> Result<Ruling<Result<Device, PairingRefused>>, DeskError> {
    if !wrong_tries.count(locator, TRIES_MAX) {
        return Ok(Ruling::Void(Err(PairingRefused::Wrong)));
    }
    let now = desk.conditions().now;
    for (hash, state) in desk.index().codes_behind(locator)? {
        if is_open(&state, now) {
            // The same record with its time over: burnt for good, across restarts.
            desk.emit(LogEntry::Code { hash, person: state.person, expires: Moment(0) })?;
        }
    }
    Ok(Ruling::Stands(Err(PairingRefused::Wrong)))
}

/// Wrong codes since the server started, for whatever they may have been meant.
#[derive(Debug)]
pub(crate) struct WrongTries<K>(std::sync::Mutex<BTreeMap<K, u8>>);

impl<K> Default for WrongTries<K> {
    fn default() -> Self {
        Self(std::sync::Mutex::default())
    }
}

impl<K: Ord + Clone> WrongTries<K> {
    /// Counts one, and returns whether they are now too many; then the count begins anew, for the next code. There must be no more keys
    /// than fit in memory: of locators there are 28^4.
    pub(crate) fn count(&self, locator: K, tries_max: u8) -> bool {
        let mut tries = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let count = tries.entry(locator.clone()).or_default();
        *count = count.saturating_add(1);
        let full = *count >= tries_max;
        if full {
            tries.remove(&locator);
        }
        full
    }
}
