//! Passphrases of guardians: what one must be, and how it is kept.
//!
//! A passphrase is kept as an Argon2id hash with the parameters that OWASP recommends (19 MiB, two passes), which are the crate's own
//! defaults. Hashing is slow on purpose: a bounded number of threads does it, so that a flood of tries costs neither memory nor everybody
//! else's turn.

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

/// Hashes passphrases, few at a time.
#[derive(Clone)]
pub struct Hashing(Arc<Semaphore>);

impl Default for Hashing {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(HASHED_AT_ONCE_MAX)))
    }
}

impl Hashing {
    /// Returns the hash of a passphrase as it is kept; none where the system has no randomness or memory for it.
    pub async fn hash(&self, passphrase: Passphrase) -> Option<Sensitive<String>> {
        self.aside(move || {
            // To be hashed.
            let hash = Argon2::default().hash_password(passphrase.0.expose().as_bytes());
            hash.ok().map(|hash| Sensitive::new(hash.to_string()))
        })
        .await
        .flatten()
    }

    /// Returns whether a passphrase is the one that was kept. Where none was, it takes as long to say no.
    pub async fn verify(&self, passphrase: Passphrase, kept: Option<Sensitive<String>>) -> bool {
        self.aside(move || {
            let known = kept.is_some();
            let kept = kept.unwrap_or_else(|| NOBODYS.clone());
            let Ok(kept) = PasswordHash::new(kept.expose()) else { return false };
            // Tried against the hash that is kept.
            let right = Argon2::default().verify_password(passphrase.0.expose().as_bytes(), &kept).is_ok();
            right && known
        })
        .await
        .unwrap_or(false)
    }

    async fn aside<R: Send + 'static>(&self, work: impl FnOnce() -> R + Send + 'static) -> Option<R> {
        // The semaphore is never closed; were it, hashing without a turn would be no harm.
        let _turn = self.0.acquire().await.ok();
        tokio::task::spawn_blocking(work).await.ok()
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
        let kept = hashing.hash(passphrase()).await.unwrap();
        assert!(kept.expose().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "as OWASP recommends");
        assert_ne!(Some(&kept), hashing.hash(passphrase()).await.as_ref(), "each with a salt of its own");
        assert!(hashing.verify(passphrase(), Some(kept.clone())).await);
        assert!(!hashing.verify(Passphrase::tried(typed("four words will dO")), Some(kept)).await);
        assert!(!hashing.verify(passphrase(), None).await);
        assert!(!hashing.verify(Passphrase::tried(typed("nobody's passphrase")), None).await);
        assert!(!hashing.verify(passphrase(), Some(typed("not a hash"))).await);
    }
}
