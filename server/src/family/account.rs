//! How a guardian comes in: redeeming an invitation, signing in, signing out, and who is signed in.
//!
//! What does not work is answered in one way: a guardian who is unknown, restricted or ended, a code that is wrong or over, and a
//! passphrase that is not the one look the same from outside.

use std::net::IpAddr;
use std::sync::Arc;

use sync_core::document::slot::ContentHash;
use sync_core::exchange::server::desk::{Desk, DeskError};
use sync_core::exchange::server::entry::LogEntry;
use sync_core::exchange::server::index::Index;
use sync_core::ids::GuardianId;
use sync_core::kv::KvError;
use sync_core::projection::family::FamilyEntry;
use sync_core::sensitive::Sensitive;
use sync_core::time::Moment;

use super::invitation::{INVITATION_TRIES_MAX, draw, hash_of};
use super::passphrase::{Hashing, Passphrase};
use crate::auth::keys::Purpose;
use crate::auth::pairing::PairingCode;
use crate::engine::{Engine, EngineError, Limiter, Ruling, WrongTries};

/// How long a session lasts, in milliseconds: an evening, on a phone that others may use.
pub const SESSION_LIFE_MS: i64 = 12 * 60 * 60 * 1000;
/// Wrong tries for one guardian in [`TRIES_SPAN_MS`].
pub const GUARDIAN_TRIES_MAX: u64 = 10;
/// Wrong tries from one address in [`TRIES_SPAN_MS`]: a parents' evening behind one address, and no search.
pub const ADDRESS_TRIES_MAX: u64 = 60;
/// The span in which wrong tries are counted, in milliseconds.
pub const TRIES_SPAN_MS: i64 = 15 * 60 * 1000;

/// Times that one guardian is shown the page in [`VIEWS_SPAN_MS`]: each view is an entry of the log.
pub const VIEWS_MAX: u64 = 60;
/// The span in which views are counted, in milliseconds.
pub const VIEWS_SPAN_MS: i64 = 60 * 1000;

/// Bytes of a session's token: nobody guesses it.
const TOKEN_BYTES: usize = 32;

/// The token of a session, which its cookie carries and the log knows by a keyed hash.
pub type Token = [u8; TOKEN_BYTES];

/// Why somebody was not let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotLetIn {
    /// It did not work, whatever it was.
    Wrong,
    /// Too many tries: come back when the span is over.
    TooOften,
}

/// The ways in.
pub struct Doors {
    engine: Arc<Engine>,
    hashing: Hashing,
    by_guardian: Limiter<GuardianId>,
    by_address: Limiter<IpAddr>,
    views: Limiter<GuardianId>,
    wrong_invitations: WrongTries<GuardianId>,
}

impl Doors {
    /// Opens the ways in.
    pub fn new(engine: Arc<Engine>) -> Self {
        Self {
            engine,
            hashing: Hashing::default(),
            by_guardian: Limiter::new(GUARDIAN_TRIES_MAX, TRIES_SPAN_MS),
            by_address: Limiter::new(ADDRESS_TRIES_MAX, TRIES_SPAN_MS),
            views: Limiter::new(VIEWS_MAX, VIEWS_SPAN_MS),
            wrong_invitations: WrongTries::default(),
        }
    }

    /// Returns the engine behind them.
    pub fn engine(&self) -> &Arc<Engine> {
        &self.engine
    }

    /// Redeems an invitation: sets the passphrase and opens a session.
    pub async fn redeem(
        &self,
        address: IpAddr,
        guardian: GuardianId,
        typed: &Sensitive<String>,
        passphrase: Passphrase,
    ) -> Result<Result<Token, NotLetIn>, EngineError> {
        if !self.may_try(address, guardian) {
            return Ok(Err(NotLetIn::TooOften));
        }
        // Read, hashed, and kept nowhere.
        let code = PairingCode::parse(typed.expose()).ok();
        let hash = code.map(|code| hash_of(&code, self.engine.keys().secret()));
        let good = hash
            .map(|hash| is_good(&self.engine.index(), guardian, &hash, self.engine.now()))
            .transpose()?
            .unwrap_or(false);
        let Some(hash) = hash.filter(|_| good) else {
            self.count(address, guardian);
            self.count_wrong_invitation(guardian).await?;
            return Ok(Err(NotLetIn::Wrong));
        };
        let Some(kept) = self.hashing.hash(passphrase).await else { return Err(EngineError::Busy) };
        let (token, session) = self.new_session(guardian)?;
        let redeemed = self
            .engine
            .decide(move |desk| {
                // It may have been redeemed by somebody faster.
                if !is_good(&desk.index(), guardian, &hash, desk.conditions().now)? {
                    return Ok(Ruling::Void(false));
                }
                desk.emit(LogEntry::Family(FamilyEntry::Enrolled { guardian, passphrase: kept }))?;
                open(desk, guardian, session)?;
                Ok(Ruling::Stands(true))
            })
            .await?;
        Ok(if redeemed { Ok(token) } else { Err(NotLetIn::Wrong) })
    }

    /// Signs a guardian in with the passphrase.
    pub async fn sign_in(
        &self,
        address: IpAddr,
        guardian: GuardianId,
        passphrase: Passphrase,
    ) -> Result<Result<Token, NotLetIn>, EngineError> {
        if !self.may_try(address, guardian) {
            return Ok(Err(NotLetIn::TooOften));
        }
        let kept = kept_of(&self.engine.index(), guardian)?;
        if !self.hashing.verify(passphrase, kept.clone()).await {
            self.count(address, guardian);
            return Ok(Err(NotLetIn::Wrong));
        }
        let (token, session) = self.new_session(guardian)?;
        let signed_in = self
            .engine
            .decide(move |desk| {
                // It may have been changed, or the access have ended, while it was looked at.
                if kept_of(&desk.index(), guardian)? != kept {
                    return Ok(Ruling::Void(false));
                }
                open(desk, guardian, session)?;
                Ok(Ruling::Stands(true))
            })
            .await?;
        Ok(if signed_in { Ok(token) } else { Err(NotLetIn::Wrong) })
    }

    /// Closes a session, if it is open.
    pub async fn sign_out(&self, guardian: GuardianId, token: &Token) -> Result<(), EngineError> {
        let session = self.session_hash(guardian, token);
        self.engine
            .decide_from_reserve(move |desk| {
                if desk.index().family_session(guardian, &session)?.is_none() {
                    return Ok(Ruling::Void(()));
                }
                desk.emit(LogEntry::Family(FamilyEntry::SignedOut { guardian, session }))?;
                Ok(Ruling::Stands(()))
            })
            .await
    }

    /// Returns the session that a token opens, if its guardian may see anything now.
    pub fn session(&self, guardian: GuardianId, token: &Token) -> Result<Option<ContentHash>, KvError> {
        let session = self.session_hash(guardian, token);
        let open = is_open(&self.engine.index(), guardian, &session, self.engine.now())?;
        Ok(open.then_some(session))
    }

    /// Counts a view; returns whether there may be one.
    pub fn may_view(&self, guardian: GuardianId) -> bool {
        let now = self.engine.now();
        let may = self.views.allows(&guardian, now);
        self.views.count(guardian, now);
        may
    }

    fn new_session(&self, guardian: GuardianId) -> Result<(Token, ContentHash), EngineError> {
        let token: Token = draw()?;
        Ok((token, self.session_hash(guardian, &token)))
    }

    fn session_hash(&self, guardian: GuardianId, token: &Token) -> ContentHash {
        let secret = self.engine.keys().secret();
        let hash = secret.hash(Purpose::FamilySession, &[guardian.0.as_slice(), token].concat());
        ContentHash(hash.first_chunk().copied().unwrap_or_default())
    }

    fn may_try(&self, address: IpAddr, guardian: GuardianId) -> bool {
        let now = self.engine.now();
        self.by_guardian.allows(&guardian, now) && self.by_address.allows(&address, now)
    }

    fn count(&self, address: IpAddr, guardian: GuardianId) {
        let now = self.engine.now();
        self.by_guardian.count(guardian, now);
        self.by_address.count(address, now);
    }

    /// Counts a wrong invitation against those of the guardian, and burns them after [`INVITATION_TRIES_MAX`].
    async fn count_wrong_invitation(&self, guardian: GuardianId) -> Result<(), EngineError> {
        let invited = self.engine.index().is_invited(guardian, self.engine.now())?;
        // Only those who were invited are counted, so that they fit in memory.
        if !invited || !self.wrong_invitations.count(guardian, INVITATION_TRIES_MAX) {
            return Ok(());
        }
        self.engine
            .decide_from_reserve(move |desk| {
                desk.emit(LogEntry::Family(FamilyEntry::InvitationsBurnt { guardian }))?;
                Ok(Ruling::Stands(()))
            })
            .await
    }
}

/// Returns whether a session is open and its guardian may see anything.
pub(super) fn is_open(
    index: &Index<'_>,
    guardian: GuardianId,
    session: &ContentHash,
    now: Moment,
) -> Result<bool, KvError> {
    let open = index.family_session(guardian, session)?.is_some_and(|session| now < session.expires);
    Ok(open && index.may_see(guardian)?)
}

/// Returns the hash of a guardian's passphrase, if there is one and the guardian may see anything.
fn kept_of(index: &Index<'_>, guardian: GuardianId) -> Result<Option<Sensitive<String>>, KvError> {
    let account = if index.may_see(guardian)? { index.account(guardian)? } else { None };
    Ok(account.map(|account| account.passphrase))
}

fn is_good(
    index: &Index<'_>,
    guardian: GuardianId,
    hash: &ContentHash,
    now: Moment,
) -> Result<bool, KvError> {
    let invited = index.invitation(guardian, hash)?.is_some_and(|invited| now < invited.expires);
    Ok(invited && index.may_see(guardian)?)
}

fn open(desk: &mut Desk<'_>, guardian: GuardianId, session: ContentHash) -> Result<(), DeskError> {
    let time = desk.conditions().now;
    let expires = time.plus_ms(SESSION_LIFE_MS);
    desk.emit(LogEntry::Family(FamilyEntry::SignedIn { guardian, session, time, expires })).map(drop)
}
