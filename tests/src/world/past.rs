//! Copies of the server's past: backups and images of its folder, and what becomes of everything when one takes its place.

use super::World;
use super::server::Backup;
use crate::model::{Model, Wrong};

/// A copy of the server's folder, and what the model knew when it was made.
#[derive(Debug, Clone)]
pub struct Past {
    backup: Backup,
    model: Model,
    granted: usize,
}

impl World {
    /// Makes a backup, and tells the tablets from then on that there is one.
    ///
    /// # Errors
    /// What the model finds wrong with what was decided until then.
    pub fn back_up(&mut self) -> Result<(), Wrong> {
        self.observe(u64::MAX)?;
        let backup = self.server.back_up();
        self.note("backup", backup.end());
        self.backup = Some(Past { backup, model: self.model.clone(), granted: self.granted.len() });
        // Nobody sets a folder back behind a backup: what that covers is on no tablet any more.
        self.image = None;
        Ok(())
    }

    /// Copies the server's folder without a word.
    ///
    /// # Errors
    /// As [`World::back_up`].
    pub fn take_image(&mut self) -> Result<(), Wrong> {
        self.observe(u64::MAX)?;
        let backed_up = self.server.backed_up;
        let backup = self.server.back_up();
        self.server.backed_up = backed_up;
        self.image = Some(Past { backup, model: self.model.clone(), granted: self.granted.len() });
        Ok(())
    }

    /// Restores the last backup.
    ///
    /// # Errors
    /// What the model finds wrong with what follows.
    pub fn restore(&mut self) -> Result<(), Wrong> {
        let Some(past) = self.backup.clone() else { return Ok(()) };
        self.note("restored", past.backup.end());
        let id = self.random.id();
        self.server.restore(&past.backup, id, self.clock.now());
        (self.image, self.set_back_unnoticed) = (None, false);
        self.goes_on_from(past)
    }

    /// Sets the server's folder back to its image, and says nothing.
    ///
    /// # Errors
    /// As [`World::restore`].
    pub fn set_back(&mut self) -> Result<(), Wrong> {
        let Some(past) = self.image.clone() else { return Ok(()) };
        self.note("set back", past.backup.end());
        let run = self.random.id();
        self.server.set_back(&past.backup, run);
        let id = self.random.id();
        self.set_back_unnoticed = !self.server.open(id, self.clock.now());
        if !self.set_back_unnoticed {
            self.note("found out at once", "");
        }
        self.goes_on_from(past)
    }

    fn goes_on_from(&mut self, past: Past) -> Result<(), Wrong> {
        self.inbox.clear();
        self.model.goes_back_to(past.model);
        self.shown = past.backup.end();
        self.observe(u64::MAX)?;
        self.granted_in_copy = self.granted_in_copy.min(past.granted);
        if self.server.waits() { Ok(()) } else { self.grant_again() }
    }

    /// Enters the grants anew that the copy does not have: an administrator does this before the server is confirmed, the roster every night.
    fn grant_again(&mut self) -> Result<(), Wrong> {
        let lost = self.granted.split_off(self.granted_in_copy.min(self.granted.len()));
        self.granted_in_copy = usize::MAX;
        for (name, student, role, from, to) in lost {
            self.grant_to(name, student, role, from, to)?;
        }
        Ok(())
    }

    /// Begins a new life of a log that was set back, because a tablet has seen more of it.
    ///
    /// # Errors
    /// As [`World::restore`].
    pub fn find_out(&mut self) -> Result<(), Wrong> {
        self.note("found out", self.clock.day());
        let id = self.random.id();
        self.server.find_out(id, self.clock.now());
        self.set_back_unnoticed = false;
        self.inbox.clear();
        self.observe(u64::MAX)
    }

    /// Returns whether the folder was set back and nobody has found out.
    pub fn is_set_back(&self) -> bool {
        self.set_back_unnoticed
    }

    /// Confirms a restored server.
    ///
    /// # Errors
    /// As [`World::restore`].
    pub fn confirm(&mut self) -> Result<(), Wrong> {
        if self.server.waits() || !self.server.index().unconfirmed().expect("reads").is_empty() {
            self.note("confirmed", "");
            self.grant_again()?;
            self.server.decide(self.clock.now(), |desk| desk.confirm_restored(None).expect("confirmed"));
        }
        self.observe(u64::MAX)
    }
}
