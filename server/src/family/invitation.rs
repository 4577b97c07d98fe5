//! Invitations: a one-time code for a guardian, typed into the page that the letter names.
//!
//! The code is of the same make as one that pairs a tablet, and it is good for its guardian alone. It is redeemed by a form that somebody
//! fills in, never by opening an address: what a mail scanner fetches changes nothing.

use std::io;

use sync_core::document::slot::ContentHash;
use sync_core::ids::{GuardianId, PersonId};
use sync_core::time::Moment;

use crate::admin::guardians::{GuardianRefused, Invited, give_out, invite};
use crate::auth::keys::{HashSecret, Purpose, system_random};
use crate::auth::pairing::PairingCode;
use crate::engine::{Engine, EngineError, Ruling};

/// Wrong invitations after which a guardian's open ones are burnt.
pub const INVITATION_TRIES_MAX: u8 = 5;

/// An invitation that was given out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewInvitation {
    /// For whom.
    pub guardian: GuardianId,
    /// The code, to be shown once.
    pub code: PairingCode,
    /// Until when it is good.
    pub expires: Moment,
}

/// Returns the path of the page where a guardian signs in.
pub fn sign_in_path(guardian: GuardianId) -> String {
    format!("/family/{guardian}")
}

/// Returns the hash by which the log knows an invitation, beside the guardian whose it is.
pub(super) fn hash_of(code: &PairingCode, secret: &HashSecret) -> ContentHash {
    let hash = secret.hash(Purpose::Invitation, code.to_string().as_bytes());
    ContentHash(hash.first_chunk().copied().unwrap_or_default())
}

/// Invites somebody in the name of whoever asks.
pub async fn invite_guardian(
    engine: &Engine,
    by: Option<PersonId>,
    asked: Invited,
) -> Result<Result<NewInvitation, GuardianRefused>, EngineError> {
    let (code, drawn) = (draw_code()?, GuardianId(draw()?));
    let hash = hash_of(&code, engine.keys().secret());
    engine
        .decide(move |desk| {
            Ok(match invite(desk, by, &asked, drawn, hash)? {
                Ok((guardian, expires)) => {
                    Ruling::Stands(Ok(NewInvitation { guardian: guardian.id, code, expires }))
                }
                Err(refused) => Ruling::Void(Err(refused)),
            })
        })
        .await
}

/// Gives an invitation, good for `life_ms` milliseconds, to each of these guardians.
pub async fn invite_all(
    engine: &Engine,
    guardians: Vec<GuardianId>,
    life_ms: i64,
) -> Result<Vec<NewInvitation>, EngineError> {
    let mut drawn = Vec::new();
    for guardian in guardians {
        let code = draw_code()?;
        drawn.push((guardian, hash_of(&code, engine.keys().secret()), code));
    }
    engine
        .decide(move |desk| {
            let mut given = Vec::new();
            for (guardian, hash, code) in drawn {
                let expires = give_out(desk, guardian, hash, life_ms)?;
                given.push(NewInvitation { guardian, code, expires });
            }
            Ok(Ruling::Stands(given))
        })
        .await
}

fn draw_code() -> Result<PairingCode, EngineError> {
    draw().map(PairingCode::issue)
}

/// Draws randomness.
pub(super) fn draw<const N: usize>() -> Result<[u8; N], EngineError> {
    let mut bytes = [0; N];
    system_random(&mut bytes).map_err(|error: io::Error| EngineError::Storage(error.to_string()))?;
    Ok(bytes)
}
