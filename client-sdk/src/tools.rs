//! A tablet's folder in use: what every app works with.

use std::cell::RefCell;
use std::path::Path;

use crate::chance::{Chance, System};
use crate::clock::Clock;
use crate::deeds::{Desk, LocalPolicy};
use crate::engine::{Engine, Progress};
use crate::local::Local;
use crate::store::{Store, StoreError, Writes};
use crate::transport::http::Http;
use crate::trouble::Trouble;

/// One person's folder, with the time and the randomness that everything in it is made with.
pub struct Tools {
    /// Where everything is kept.
    pub store: Store,
    /// The time.
    pub clock: Clock,
    /// Ids, keys and jitter.
    pub chance: RefCell<System>,
    /// Whether the tablet checks by itself what the server will check.
    pub policy: LocalPolicy,
}

impl Tools {
    /// Opens a folder, and makes it if need be.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn open(folder: &Path, clock: Clock, policy: LocalPolicy) -> Result<Self, StoreError> {
        Ok(Self { store: Store::open(folder)?, clock, chance: RefCell::new(System), policy })
    }

    /// Does something on a desk over the store, in one transaction: when this returns, it is on the medium, whole, or nothing of it was
    /// made. Each act is sealed to the server's key as well.
    ///
    /// # Errors
    /// What `work` says, or the store's; nothing was made then.
    pub fn on_desk<T>(
        &self,
        work: impl FnOnce(&mut Desk<'_>, &Local<'_>, &mut Writes, &mut dyn Chance) -> Result<T, Trouble>,
    ) -> Result<T, Trouble> {
        self.store.update(|state| {
            let mut desk = Desk::over(state, self.clock.now(), self.policy)?
                .sealing(&Local(state), &mut *self.chance.borrow_mut())?;
            let mut writes = Writes::new();
            let done = work(&mut desk, &Local(state), &mut writes, &mut *self.chance.borrow_mut())?;
            writes.core(desk.clear());
            Ok((writes, done))
        })
    }

    /// Looks at one state of the store.
    ///
    /// # Errors
    /// What `look` says, or the store's.
    pub fn look<T>(
        &self,
        look: impl FnOnce(&Desk<'_>, &Local<'_>) -> Result<T, Trouble>,
    ) -> Result<T, Trouble> {
        self.store.read(|state| look(&Desk::over(state, self.clock.now(), self.policy)?, &Local(state)))
    }

    /// Returns the way to the server that the folder was paired with.
    ///
    /// # Errors
    /// [`Trouble::NotPaired`], or the store's.
    pub fn server(&self) -> Result<Http, Trouble> {
        let home = self.store.read(|state| Ok::<_, Trouble>(Local(state).home()?))?;
        Ok(Http::new(&home.ok_or(Trouble::NotPaired)?.server)?)
    }

    /// Returns the engine of this folder, which exchanges with the server; `watcher` is told how far a first sync is.
    pub fn engine<'a>(&'a self, server: &'a Http, watcher: &'a dyn Fn(Progress)) -> Engine<'a, Http> {
        Engine {
            store: &self.store,
            transport: server,
            clock: &self.clock,
            chance: &self.chance,
            policy: self.policy,
            watcher,
        }
    }
}
