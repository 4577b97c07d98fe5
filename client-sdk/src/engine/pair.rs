//! Pairing: makes a folder somebody's.

use std::cell::RefCell;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ed25519_dalek::SigningKey;
use sync_core::exchange::client::state::{Profile, Tablet};
use sync_core::exchange::client::view::paired;
use sync_core::ids::{DeviceId, TabletId};
use sync_core::sealing::SealingKey;
use zeroize::Zeroizing;

use super::APP;
use crate::chance::Chance;
use crate::local::{Home, Local};
use crate::store::{State, Store, Writes};
use crate::transport::{Failure, Paired, PairingRequest, Transport};
use crate::trouble::Trouble;

/// Pairs a folder with the server that `transport` leads to and that `server` names, by the code that an administrator gave.
///
/// A folder from which damage took what pairing gave it is paired again, by the same person.
///
/// The key is drawn here and never leaves the folder. It is kept before it is used: where the answer was lost, the same call with the same
/// code gets it again.
///
/// # Errors
/// [`Trouble`]: the folder is nobody's then, as before.
pub async fn pair<T: Transport>(
    store: &Store,
    transport: &T,
    chance: &RefCell<dyn Chance>,
    server: &str,
    code: &str,
) -> Result<Paired, Trouble> {
    if store.read(is_paired)? {
        return Err(Trouble::PairedAlready);
    }
    let (key, tablet) = key_of(store, chance)?;
    let public = SigningKey::from_bytes(&key).verifying_key().to_bytes();
    let request = PairingRequest {
        code: code.to_owned(),
        public_key: URL_SAFE_NO_PAD.encode(public),
        tablet,
        app: APP.into(),
    };
    let answer = transport.pair(&request).await?;
    if answer.device != DeviceId::of_key(&public) {
        return Err(Failure::NotOurs.into());
    }
    let owner = store.read(|state| Ok::<_, Trouble>(Tablet(state).owner()?))?;
    if owner.is_some_and(|owner| owner != answer.person) {
        return Err(Trouble::value(
            "what is stored here is another person's",
            "pair in a folder of your own, with a new code",
        ));
    }
    let certificate = URL_SAFE_NO_PAD.decode(&answer.certificate).map_err(|_| Failure::NotOurs)?;
    let sealing = answer.sealing_key.as_deref().map(sealing_key).transpose()?;
    let profile = Profile { org: answer.organisation, person: answer.person, device: answer.device };
    let mut writes = Writes::from(paired(&profile));
    writes.set_home(&Home {
        server: server.to_owned(),
        organisation: answer.organisation_name.clone(),
        zone: answer.zone.clone(),
        person_external_id: answer.person_external_id.clone(),
        certificate,
        sealing,
    });
    store.apply(writes)?;
    Ok(answer)
}

/// Returns whether the tablet knows all that pairing gave it: damage may have taken some.
fn is_paired(state: &State<'_>) -> Result<bool, Trouble> {
    let local = Local(state);
    Ok(Tablet(state).profile()?.is_some() && local.home()?.is_some() && local.key()?.is_some())
}

fn key_of(store: &Store, chance: &RefCell<dyn Chance>) -> Result<(Zeroizing<[u8; 32]>, TabletId), Trouble> {
    store.update(|state| {
        let local = Local(state);
        if let (Some(key), Some(tablet)) = (local.key()?, local.tablet()?) {
            return Ok((Writes::new(), (key, tablet)));
        }
        let (mut key, mut tablet) = (Zeroizing::new([0; 32]), [0; 16]);
        let mut chance = chance.borrow_mut();
        chance.fill(&mut *key)?;
        chance.fill(&mut tablet)?;
        let mut writes = Writes::new();
        writes.set_key(&key, TabletId(tablet));
        Ok((writes, (key, TabletId(tablet))))
    })
}

fn sealing_key(text: &str) -> Result<SealingKey, Failure> {
    let bytes = URL_SAFE_NO_PAD.decode(text).ok().and_then(|bytes| bytes.try_into().ok());
    bytes.map(SealingKey).ok_or(Failure::NotOurs)
}
