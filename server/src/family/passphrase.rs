//! Passphrases of guardians: what one must be, and how it is kept.
//!
//! A passphrase is kept as an Argon2id hash with the parameters that OWASP recommends (19 MiB, two passes), which are the crate's own
//! defaults. Hashing is slow on purpose: a bounded number of threads does it, for a bounded number of people who wait, so that a flood of
//! tries costs neither memory nor everybody else's turn.

use std::sync::{Arc, LazyLock};

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _};
use sync_core::sensitive::Sensitive;
use tokio::sync::Semaphore;

/// Characters that a passphrase has at least: three or four words.
pub const PASSPHRASE_CHARS_MIN: usize = 12;
/// Characters that it has at most.
pub const PASSPHRASE_CHARS_MAX: usize = 200;
/// Passphrases that are hashed at once: each takes 19 MiB meanwhile.
pub const HASHED_AT_ONCE_MAX: usize = 2;

/// Passphrases that wait for their turn to be hashed, beyond which whoever comes is asked to come again: a second or two of work.
pub const HASHES_WAITING_MAX: usize = 32;

/// The salt of a hash that nothing was ever hashed to: 16 bytes, as the format has them.
const NOBODYS_SALT: &[u8] = b"nobody's account";

/// A passphrase that may be one.
#[derive(Clone)]
pub struct Passphrase(Sensitive<String>);

/// Why a text is no passphrase.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotAPassphrase {
    /// It has fewer than [`PASSPHRASE_CHARS_MIN`] characters.
    TooShort,
    /// It has more than [`PASSPHRASE_CHARS_MAX`] characters.
    TooLong,
    /// The two that were typed differ.
    Differs,
}

impl Passphrase {
    /// Reads a passphrase that is being chosen, typed twice.
    pub fn chosen(typed: &Sensitive<String>, again: &Sensitive<String>) -> Result<Self, NotAPassphrase> {
        // Counted and compared, and kept nowhere.
        let chars = typed.expose().chars().count();
        if chars < PASSPHRASE_CHARS_MIN {
            Err(NotAPassphrase::TooShort)
        } else if chars > PASSPHRASE_CHARS_MAX {
            Err(NotAPassphrase::TooLong)
        } else if typed != again {
            Err(NotAPassphrase::Differs)
        } else {
            Ok(Self(typed.clone()))
        }
    }

    /// Reads a passphrase that somebody tries.
    pub fn tried(typed: Sensitive<String>) -> Self {
        Self(typed)
    }
}

/// Too many passphrases wait to be hashed already; nothing was looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QueueFull;

/// Hashes passphrases, few at a time.
#[derive(Clone)]
pub struct Hashing {
    /// Those that are hashed.
    turns: Arc<Semaphore>,
    /// Those, and those that wait.
    places: Arc<Semaphore>,
}

impl Default for Hashing {
    fn default() -> Self {
        let of = |permits| Arc::new(Semaphore::new(permits));
        Self { turns: of(HASHED_AT_ONCE_MAX), places: of(HASHED_AT_ONCE_MAX + HASHES_WAITING_MAX) }
    }
}

impl Hashing {
    /// Returns the hash of a passphrase as it is kept; none where the system has no randomness or memory for it.
    pub async fn hash(&self, passphrase: Passphrase) -> Result<Option<Sensitive<String>>, QueueFull> {
        let hashed = self.aside(move || {
            // To be hashed.
            let hash = Argon2::default().hash_password(passphrase.0.expose().as_bytes());
            hash.ok().map(|hash| Sensitive::new(hash.to_string()))
        });
        Ok(hashed.await?.flatten())
    }

    /// Returns whether a passphrase is the one that was kept. Where none was, it takes as long to say no.
    pub async fn verify(
        &self,
        passphrase: Passphrase,
        kept: Option<Sensitive<String>>,
    ) -> Result<bool, QueueFull> {
        let verified = self.aside(move || {
            let known = kept.is_some();
            let kept = kept.unwrap_or_else(|| NOBODYS.clone());
            let Ok(kept) = PasswordHash::new(kept.expose()) else { return false };
            // Tried against the hash that is kept.
            let right = Argon2::default().verify_password(passphrase.0.expose().as_bytes(), &kept).is_ok();
            right && known
        });
        Ok(verified.await?.unwrap_or(false))
    }

    /// Runs slow work in its turn; none where it panicked.
    async fn aside<R: Send + 'static>(
        &self,
        work: impl FnOnce() -> R + Send + 'static,
    ) -> Result<Option<R>, QueueFull> {
        let place = Arc::clone(&self.places).try_acquire_owned().map_err(|_| QueueFull)?;
        // The semaphore is never closed; were it, hashing without a turn would be no harm.
        let turn = Arc::clone(&self.turns).acquire_owned().await.ok();
        let worked = tokio::task::spawn_blocking(move || {
            // Held by the work and not by who asked: a thread goes on with it when nobody waits any more.
            let _held = (turn, place);
            work()
        });
        Ok(worked.await.ok())
    }
}

/// What a passphrase is tried against where nobody's is kept.
static NOBODYS: LazyLock<Sensitive<String>> = LazyLock::new(|| {
    let hash = Argon2::default().hash_password_with_salt(b"nobody's passphrase", NOBODYS_SALT);
    Sensitive::new(
        hash.map(|hash: argon2::password_hash::phc::PasswordHash| hash.to_string()).unwrap_or_default(),
    )
});

#[cfg(test)]
mod tests {
    use std::task::Poll;

    use super::*;

    fn typed(text: &str) -> Sensitive<String> {
        Sensitive::new(text.to_owned())
    }

    fn chosen(text: &str, again: &str) -> Result<(), NotAPassphrase> {
        Passphrase::chosen(&typed(text), &typed(again)).map(drop)
    }

    #[test]
    fn a_passphrase_is_long_enough_and_typed_twice() {
        assert_eq!(chosen("eleven char", "eleven char"), Err(NotAPassphrase::TooShort));
        assert_eq!(chosen("twelve chars", "twelve chars"), Ok(()));
        assert_eq!(chosen("doce sílabas", "doce sílabas"), Ok(()), "counted in characters, not bytes");
        assert_eq!(chosen("twelve chars", "twelve Chars"), Err(NotAPassphrase::Differs));
        let long = "a".repeat(PASSPHRASE_CHARS_MAX + 1);
        assert_eq!(chosen(&long, &long), Err(NotAPassphrase::TooLong));
        assert_eq!(chosen(&long[1..], &long[1..]), Ok(()));
    }

    #[tokio::test]
    async fn only_the_very_passphrase_is_the_one_that_was_kept() {
        let hashing = Hashing::default();
        let passphrase =
            || Passphrase::chosen(&typed("four words will do"), &typed("four words will do")).unwrap();
        let kept = hashing.hash(passphrase()).await.unwrap().unwrap();
        assert!(kept.expose().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "as OWASP recommends");
        assert_ne!(
            Some(&kept),
            hashing.hash(passphrase()).await.unwrap().as_ref(),
            "each with a salt of its own"
        );
        assert!(hashing.verify(passphrase(), Some(kept.clone())).await.unwrap());
        let wrong = Passphrase::tried(typed("four words will dO"));
        assert!(!hashing.verify(wrong, Some(kept)).await.unwrap());
        assert!(!hashing.verify(passphrase(), None).await.unwrap());
        assert!(!hashing.verify(Passphrase::tried(typed("nobody's passphrase")), None).await.unwrap());
        assert!(!hashing.verify(passphrase(), Some(typed("not a hash"))).await.unwrap());
    }

    #[tokio::test]
    async fn who_goes_away_leaves_the_turn_to_the_work_that_goes_on() {
        let hashing = Hashing::default();
        let (go, wait) = std::sync::mpsc::channel::<()>();
        let mut left = Box::pin(hashing.aside(move || wait.recv().is_ok()));
        assert!(std::future::poll_fn(|context| Poll::Ready(left.as_mut().poll(context).is_pending())).await);
        drop(left);
        assert_eq!(hashing.turns.available_permits(), HASHED_AT_ONCE_MAX - 1);
        go.send(()).unwrap();
        let all = u32::try_from(HASHED_AT_ONCE_MAX).unwrap();
        drop(hashing.turns.acquire_many(all).await.unwrap());
    }
}
