//! The index as it is read: what waits in memory over what is kept.
//!
//! ```text
//! cache      rows that were asked for, those that are missing among them, as they were written last
//! waiting    rows that are durable in the log and gather for a moment: a document's state is written with each of its changes
//! applying   rows on their way into the backend
//! backend    the rest
//! ```

mod merge;
mod read;

use std::mem;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

pub(crate) use merge::{merge_last, merge_range, pairs_within};

use super::cache::Cache;
use super::{IndexBackend, Overlay, WAITING_BYTES_MAX};
use crate::store::contract::End;
use crate::store::frame::LogId;
use sync_core::kv::KvError;

/// How long rows gather before they are applied, unless somebody waits for it.
const GATHER: Duration = Duration::from_millis(250);
/// So many bytes of rows wait for no more.
const GATHER_BYTES: usize = 4 * 1024 * 1024;

/// The readers' index, and the thread that moves durable writes into the backend.
pub(crate) struct Index {
    inner: Arc<Inner>,
    applier: Mutex<Option<JoinHandle<()>>>,
}

struct Inner {
    cache: Cache,
    backend: Box<dyn IndexBackend>,
    layers: Mutex<Layers>,
    /// Rung when something waits, when something was applied, and when it is time to stop.
    bell: Condvar,
    poisoned: Arc<AtomicBool>,
    /// Whether `failed` is set, for those who do not take the lock.
    has_failed: AtomicBool,
}

#[derive(Default)]
struct Layers {
    waiting: Overlay,
    waiting_bytes: usize,
    applying: Arc<Overlay>,
    /// Where the log ends with what waits; `None` when nothing does.
    target: Option<(LogId, End)>,
    busy: bool,
    /// How many wait until nothing does.
    settling: usize,
    stop: bool,
    failed: Option<KvError>,
}

impl Index {
    /// Puts a backend to work.
    pub fn start(backend: Box<dyn IndexBackend>, poisoned: Arc<AtomicBool>) -> std::io::Result<Self> {
        let (layers, bell) = (Mutex::default(), Condvar::new());
        let cache = Cache::new();
        let has_failed = AtomicBool::new(false);
        let inner = Arc::new(Inner { cache, backend, layers, bell, poisoned, has_failed });
        let worker = Arc::clone(&inner);
        let applier = thread::Builder::new().name("index".into()).spawn(move || worker.apply_all())?;
        Ok(Index { inner, applier: Mutex::new(Some(applier)) })
    }

    /// The record up to which the backend holds the log.
    pub fn kept_seq(&self) -> u64 {
        self.inner.backend.mark().seq
    }

    /// Shows a durable group's writes to readers and lets them be applied when there is time.
    pub fn publish(&self, writes: Overlay, log_id: LogId, end: End) {
        let mut layers = self.inner.layers();
        while layers.waiting_bytes > WAITING_BYTES_MAX && layers.failed.is_none() {
            layers = self.inner.bell.wait(layers).unwrap_or_else(PoisonError::into_inner);
        }
        let mut written = Vec::with_capacity(writes.len());
        for (key, value) in writes {
            written.push((key.clone(), value.clone()));
            let (key_bytes, new_bytes) = (key.len(), value.as_ref().map_or(0, Vec::len));
            match layers.waiting.insert(key, value) {
                Some(old) => layers.waiting_bytes -= old.map_or(0, |old| old.len()),
                None => layers.waiting_bytes += key_bytes,
            }
            layers.waiting_bytes += new_bytes;
        }
        let begins = layers.target.replace((log_id, end)).is_none();
        let enough = begins || layers.waiting_bytes >= GATHER_BYTES;
        drop(layers);
        // Only now: what the cache does not have is looked up in the layers.
        self.inner.cache.write(written.into_iter());
        if enough {
            self.inner.bell.notify_all();
        }
    }

    /// Waits until all that was published is applied, or the backend failed.
    pub fn settle(&self) -> Result<(), KvError> {
        let mut layers = self.inner.layers();
        layers.settling += 1;
        self.inner.bell.notify_all();
        while (layers.busy || layers.target.is_some()) && layers.failed.is_none() {
            layers = self.inner.bell.wait(layers).unwrap_or_else(PoisonError::into_inner);
        }
        layers.settling -= 1;
        layers.failed.clone().map_or(Ok(()), Err)
    }

    /// Returns the backend's failure to read or to apply, if it failed: from then on it is asked no more.
    pub fn failure(&self) -> Option<KvError> {
        self.inner.layers().failed.clone()
    }

    /// Applies what waits and lets go of the backend.
    pub fn close(&self) {
        self.inner.layers().stop = true;
        self.inner.bell.notify_all();
        let applier = self.applier.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(applier) = applier
            && applier.join().is_ok()
        {
            self.inner.backend.close();
        }
    }
}

impl Drop for Index {
    fn drop(&mut self) {
        self.close();
    }
}

impl Inner {
    fn layers(&self) -> MutexGuard<'_, Layers> {
        self.layers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn apply_all(&self) {
        let mut layers = self.layers();
        loop {
            if layers.target.is_none() {
                if layers.stop {
                    return;
                }
                layers = self.bell.wait(layers).unwrap_or_else(PoisonError::into_inner);
                continue;
            }
            let gathers = |layers: &mut Layers| {
                layers.waiting_bytes < GATHER_BYTES && layers.settling == 0 && !layers.stop
            };
            (layers, _) =
                self.bell.wait_timeout_while(layers, GATHER, gathers).unwrap_or_else(PoisonError::into_inner);
            let Some((log_id, end)) = layers.target.take() else { continue };
            let batch = Arc::new(mem::take(&mut layers.waiting));
            layers.waiting_bytes = 0;
            layers.applying = Arc::clone(&batch);
            layers.busy = true;
            drop(layers);
            let applied = self.backend.apply(&batch, log_id, end.seq, end.hash);
            layers = self.layers();
            layers.busy = false;
            match applied {
                Ok(()) => layers.applying = Arc::default(),
                Err(error) => self.fails(&mut layers, &error),
            }
            self.bell.notify_all();
            if layers.failed.is_some() {
                return;
            }
            // Thousands of rows are given back while nobody waits for the lock.
            drop(layers);
            drop(batch);
            layers = self.layers();
        }
    }

    /// Lets the first failure stand: from then on nothing is read.
    fn fails(&self, layers: &mut Layers, error: &KvError) {
        layers.failed.get_or_insert_with(|| error.clone());
        self.has_failed.store(true, Ordering::Release);
    }
}

#[cfg(test)]
mod tests;
