//! Sealing: each act is kept a second time, signed, as only the server can read it.
//!
//! The second copy is for the day on which the server comes back from a copy of the past, and for handing in without the person. It
//! stays when everything readable has been purged, so what it was sealed with must not be on the tablet any more by then: the randomness
//! is drawn for one desk and forgotten with it.

use ed25519_dalek::SigningKey;
use sha2::{Digest as _, Sha256};
use sync_core::exchange::client::outbox::Safe;
use sync_core::sealing::{NotASealingKey, SealingKey};
use zeroize::Zeroizing;

use crate::chance::{Chance, NoChance};
use crate::engine::APP;
use crate::local::Local;
use crate::trouble::Trouble;

/// What seals the acts of one desk.
pub struct Sealer {
    key: SigningKey,
    to: SealingKey,
    drawn: Zeroizing<[u8; 32]>,
    sealed: u64,
}

impl Sealer {
    /// Draws what it needs; none where the tablet was paired with a server that gave no key to seal to.
    ///
    /// # Errors
    /// [`Trouble::NotPaired`], [`Trouble::Chance`], or the store's.
    pub fn drawn(local: &Local<'_>, chance: &mut dyn Chance) -> Result<Option<Self>, Trouble> {
        let key = local.key()?.ok_or(Trouble::NotPaired)?;
        let Some(to) = local.home()?.and_then(|home| home.sealing) else { return Ok(None) };
        let mut drawn = Zeroizing::new([0; 32]);
        chance.fill(drawn.as_mut_slice()).map_err(|NoChance| Trouble::Chance(NoChance))?;
        Ok(Some(Self { key: SigningKey::from_bytes(&key), to, drawn, sealed: 0 }))
    }

    /// Keeps an act with what seals it, which seals once.
    ///
    /// # Errors
    /// What `keep` says, or that the server's key is none that anything can be sealed to.
    pub fn keeping<T, E: Into<Trouble>>(
        &mut self,
        keep: impl FnOnce(&Safe<'_>) -> Result<T, E>,
    ) -> Result<T, Trouble> {
        self.sealed += 1;
        let randomness = self.randomness();
        let failed = std::cell::Cell::new(false);
        let seal = |message: &[u8]| {
            self.to.seal(randomness, message).unwrap_or_else(|NotASealingKey| {
                failed.set(true);
                Vec::new()
            })
        };
        let kept = keep(&Safe { key: &self.key, app: APP, seal: &seal }).map_err(Into::into)?;
        if failed.get() {
            return Err(Trouble::Internal("the server's key is none that anything can be sealed to".into()));
        }
        Ok(kept)
    }

    /// Each act of a desk is sealed with randomness of its own, which follows from what was drawn and never comes again.
    fn randomness(&self) -> [u8; 32] {
        let hash = Sha256::new()
            .chain_update(b"carryover sealing v1\0")
            .chain_update(self.drawn.as_slice())
            .chain_update(self.sealed.to_be_bytes());
        hash.finalize().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_randomness_comes_twice() {
        let key = SigningKey::from_bytes(&[1; 32]);
        let mut sealer = Sealer { key, to: SealingKey([9; 32]), drawn: Zeroizing::new([7; 32]), sealed: 0 };
        let mut sealed = Vec::new();
        for _ in 0..3 {
            sealed.push(sealer.keeping(|safe| Ok::<_, Trouble>((safe.seal)(b"an act"))).unwrap());
        }
        sealed.sort();
        sealed.dedup();
        assert_eq!(sealed.len(), 3);
    }

    #[test]
    fn an_act_that_cannot_be_sealed_is_not_kept_half() {
        let key = SigningKey::from_bytes(&[1; 32]);
        let mut sealer = Sealer { key, to: SealingKey([0; 32]), drawn: Zeroizing::new([7; 32]), sealed: 0 };
        let kept = sealer.keeping(|safe| Ok::<_, Trouble>((safe.seal)(b"an act")));
        assert!(matches!(kept, Err(Trouble::Internal(_))));
    }
}
