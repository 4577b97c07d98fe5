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
use super::passphrase::{Hashing, Passphrase, QueueFull};
use crate::auth::keys::Purpose;
use crate::auth::pairing::PairingCode;
use crate::engine::{Engine, EngineError, Limiter, Ruling, Taken, WrongTries};

/// How long a session lasts, in milliseconds: an evening, on a phone that others may use.
pub const SESSION_LIFE_MS: i64 = 12 * 60 * 60 * 1000;
/// Wrong tries for one guardian in [`TRIES_SPAN_MS`], those that are still looked at among them.
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

impl From<QueueFull> for EngineError {
    fn from(_: QueueFull) -> Self {
        Self::Busy
    }
}

/// A try that is under way. It counts as a wrong one until it is [given back](Self::give_back).
struct Try<'a> {
    doors: &'a Doors,
    address: IpAddr,
    guardian: GuardianId,
    of_address: Taken,
    of_guardian: Taken,
}

impl Try<'_> {
    /// Counts it no more: it was right, or nobody has looked at it.
    fn give_back(self) {
        self.doors.by_address.give_back(&self.address, self.of_address);
        self.doors.by_guardian.give_back(&self.guardian, self.of_guardian);
    }
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
        // Read, hashed, and kept nowhere.
        let code = PairingCode::parse(typed.expose()).ok();
        let hash = code.map(|code| hash_of(&code, self.engine.keys().secret()));
        let good = hash
            .map(|hash| is_good(&self.engine.index(), guardian, &hash, self.engine.now()))
            .transpose()?
            .unwrap_or(false);
        let Some(tried) = self.begin_try(address, guardian) else { return Ok(Err(NotLetIn::TooOften)) };
        let Some(hash) = hash.filter(|_| good) else {
            self.count_wrong_invitation(guardian).await?;
            return Ok(Err(NotLetIn::Wrong));
        };
        // While it is hashed it counts: of one code no more are hashed at once than may be tried.
        let kept = self.hashing.hash(passphrase).await;
        tried.give_back();
        let Some(kept) = kept? else { return Err(EngineError::Busy) };
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
        // What cannot be read is nobody's wrong try.
        let kept = kept_of(&self.engine.index(), guardian)?;
        let Some(tried) = self.begin_try(address, guardian) else { return Ok(Err(NotLetIn::TooOften)) };
        match self.hashing.verify(passphrase, kept.clone()).await {
            Ok(true) => tried.give_back(),
            Ok(false) => return Ok(Err(NotLetIn::Wrong)),
            Err(full) => {
                tried.give_back();
                return Err(full.into());
            }
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

    /// Counts a try before it is looked at, which takes long: of many at once no more are looked at than of many in turn.
    fn begin_try(&self, address: IpAddr, guardian: GuardianId) -> Option<Try<'_>> {
        let now = self.engine.now();
        let of_address = self.by_address.take(address, now)?;
        match self.by_guardian.take(guardian, now) {
            Some(of_guardian) => Some(Try { doors: self, address, guardian, of_address, of_guardian }),
            None => {
                self.by_address.give_back(&address, of_address);
                None
            }
        }
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

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;
    use crate::engine::founded::founded;

    /// Tries at once, for one account, from as many addresses.
    const AT_ONCE: u8 = 20;

    #[tokio::test(flavor = "multi_thread")]
    async fn of_tries_at_once_no_more_are_looked_at_than_of_tries_in_turn() {
        let (_folder, settings) = founded();
        let doors = Arc::new(Doors::new(Engine::open(&settings).unwrap()));
        let guardian = GuardianId([5; 16]);
        let tries: Vec<_> = (0..AT_ONCE)
            .map(|nth| {
                let doors = Arc::clone(&doors);
                let address = IpAddr::V4(Ipv4Addr::new(203, 0, 113, nth));
                let passphrase = Passphrase::tried(Sensitive::new("four words will do".to_owned()));
                tokio::spawn(async move { doors.sign_in(address, guardian, passphrase).await.unwrap() })
            })
            .collect();
        let (mut wrong, mut too_often) = (0, 0);
        for tried in tries {
            match tried.await.unwrap().expect_err("there is no such guardian") {
                NotLetIn::Wrong => wrong += 1,
                NotLetIn::TooOften => too_often += 1,
            }
        }
        assert_eq!((wrong, too_often), (GUARDIAN_TRIES_MAX, u64::from(AT_ONCE) - GUARDIAN_TRIES_MAX));
    }
}
