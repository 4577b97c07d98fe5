//! Reading through the layers: what is in memory is believed as long as the backend has not failed.

use std::sync::MutexGuard;
use std::sync::atomic::Ordering;

use super::{Index, Inner, Layers, merge_last, merge_range, pairs_within};
use crate::store::index::Overlay;
use sync_core::kv::{KvError, KvRead, Pair};

impl KvRead for Index {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, KvError> {
        self.inner.readable()?;
        self.inner.cache.row(key, || self.inner.look_up(key))
    }

    fn range(&self, start: &[u8], end: &[u8], limit: usize) -> Result<Vec<Pair>, KvError> {
        self.inner.readable()?;
        self.inner.cache.range(start, end, limit, || {
            let overlay = self.inner.overlay_within(start, end)?;
            self.inner.noted(merge_range(&overlay, &*self.inner.backend, start, end, limit))
        })
    }

    fn last(&self, start: &[u8], end: &[u8]) -> Result<Option<Pair>, KvError> {
        self.inner.readable()?;
        self.inner.cache.last(start, end, || {
            let overlay = self.inner.overlay_within(start, end)?;
            self.inner.noted(merge_last(&overlay, &*self.inner.backend, start, end))
        })
    }
}

impl Inner {
    /// Returns a row as the layers and the backend have it.
    fn look_up(&self, key: &[u8]) -> Result<Option<Vec<u8>>, KvError> {
        let layers = self.sound()?;
        if let Some(value) = layers.waiting.get(key).or_else(|| layers.applying.get(key)) {
            return Ok(value.clone());
        }
        drop(layers);
        self.noted(self.backend.get(key))
    }

    /// Checks that what is in memory may be believed, without the lock where it may.
    fn readable(&self) -> Result<(), KvError> {
        match self.poisoned.load(Ordering::Acquire) || self.has_failed.load(Ordering::Acquire) {
            true => self.sound().map(drop),
            false => Ok(()),
        }
    }

    /// Checks that reading makes sense at all.
    fn sound(&self) -> Result<MutexGuard<'_, Layers>, KvError> {
        if self.poisoned.load(Ordering::Acquire) {
            return Err(KvError::Poisoned);
        }
        let layers = self.layers();
        layers.failed.clone().map_or(Ok(layers), Err)
    }

    /// Remembers that the backend could not read.
    fn noted<T>(&self, read: Result<T, KvError>) -> Result<T, KvError> {
        if let Err(error) = &read {
            tracing::error!(%error, "the index cannot be read; the next start builds it again");
            self.fails(&mut self.layers(), error);
            self.bell.notify_all();
        }
        read
    }

    fn overlay_within(&self, start: &[u8], end: &[u8]) -> Result<Overlay, KvError> {
        let layers = self.sound()?;
        let owned = |(key, value): (&Vec<u8>, &Option<Vec<u8>>)| (key.clone(), value.clone());
        let mut overlay: Overlay = pairs_within(&layers.applying, start, end).map(owned).collect();
        overlay.extend(pairs_within(&layers.waiting, start, end).map(owned));
        Ok(overlay)
    }
}
