//! The lives of the log: how one begins, and how one is found to be over.
//!
//! A log gets a new life when its folder comes from the past: a backup was restored, or the folder was set back and nobody said so. The
//! second is found out in two ways: at the start, where the folder ends before the place that was noted beside the keys, and by the first
//! tablet that has seen more.
//!
//! ```text
//! register (beside the keys)  the new id, before anything is said under it
//! log                         a segment with that id
//! first frame                 what the register knows of devices and documents, applied; the window is open from here on
//! ```

use std::path::Path;
use std::sync::Arc;

use sync_core::exchange::message::Cursor;
use sync_core::exchange::register::{Life, Register};
use sync_core::exchange::server::desk::{Conditions, Decided, Desk, DeskError};
use sync_core::exchange::server::entry::RestoredBy;
use sync_core::exchange::server::index::Index;
use sync_core::exchange::server::reply::{Worth, worth};
use sync_core::ids::LogId;
use sync_core::kv::KvError;

use super::cards::Touched;
use super::log::{DurableLog, frame_of};
use super::noted::unforgettable;
use super::open::{OpenEngineError, Settings, catch_up, commit, draw, standing};
use super::served::{Served, served};
use super::{Engine, EngineError, Standing};
use crate::auth::keys::ServerKeys;
use crate::register::{RegisterError, RegisterFile};
use crate::store::{Decision, EmbeddedStore, FolderLock, OpenError, Store, StoreReader};

/// Begins, on a log that goes by its new id already, the life of that id.
pub(super) fn begin_life(
    store: &mut dyn Store,
    conditions: Conditions,
    register: &Register,
    by: RestoredBy,
) -> Result<(), OpenEngineError> {
    let reader = store.reader();
    let desk = Desk::new(store.index(), store.next_seq(), conditions)?;
    let decided = begun(desk, register, by, reader.as_ref())?;
    commit(store, decided)
}

/// Begins a life in a folder that nobody serves yet and that is held by `lock`: what `restore` made of a backup.
pub(crate) fn begin_life_in(
    folder: &Path,
    lock: FolderLock,
    settings: &Settings,
    keys: &ServerKeys,
    log: LogId,
    register: &Register,
) -> Result<FolderLock, OpenEngineError> {
    let mut store = EmbeddedStore::open_held(folder, lock)?;
    catch_up(&mut store)?;
    store.begin_log_id(log.0)?;
    begin_life(&mut store, standing(settings, keys)?.conditions(log), register, RestoredBy::Backup)?;
    store.settle_index().map_err(DeskError::from)?;
    drop(store);
    Ok(FolderLock::take(folder).map_err(OpenError::from)?)
}

fn begun(
    mut desk: Desk<'_>,
    register: &Register,
    by: RestoredBy,
    reader: &dyn StoreReader,
) -> Result<Decided, DeskError> {
    desk.begin_life(register, by, &DurableLog::of(reader))?;
    Ok(desk.decide())
}

/// Brings a log and the register beside its keys together, before anything is decided on it.
///
/// The register gets what a crash has kept from it. A folder that was set back is found out as far as the note beside the keys can tell.
pub(super) fn settle(store: &mut dyn Store, keys: &Path, standing: &Standing) -> Result<(), OpenEngineError> {
    let file = RegisterFile::beside(keys);
    let served = served(keys).unwrap_or_else(|error| {
        tracing::warn!(%error, "how far the log had come is not known: if its folder was set back, only a tablet can tell");
        None
    });
    let reader = store.reader();
    let own = LogId(reader.log_id());
    let known = Index(store.index()).lives().map_err(DeskError::from)?;
    let until = match &served {
        Some(served) if served.is_in(reader.as_ref())? => Some(served.seq),
        Some(_) | None => None,
    };
    let noted = until.unwrap_or_default();
    let unnoted = unforgettable(reader.as_ref(), noted)?;
    let register = file.change(|register| {
        complete(register, &known, own);
        match until {
            Some(_) => {
                for entry in &unnoted {
                    register.note(entry);
                }
            }
            // The log may be a copy of one that went on: what the register heard since holds.
            None => register.note_stricter(&unnoted),
        }
    })?;
    let Some(served) = served.filter(|served| is_set_back(served, own, &register, noted)) else {
        return go_on_beginning(store, &register, standing);
    };
    tracing::error!(
        log = %own,
        ends = reader.end().seq,
        served_log = %served.log,
        served = served.seq,
        "the data folder was set back: it lacks what was served before. The log begins a new life; what was receipted since comes back \
         from the tablets, nothing is sent to them and nothing new is taken until `carryover restored confirm`. If a later copy of the \
         folder is at hand, stop the server and put that one in its place"
    );
    let drawn = LogId(draw()?);
    let register = file.change(|register| register_set_back(register, drawn, own))?;
    let log = register.lives.last().map_or(drawn, |life| life.log);
    store.begin_log_id(log.0)?;
    begin_life(store, standing.conditions(log), &register, RestoredBy::RollBack)
}

/// Begins the life that a log goes by already, where a crash came between its id and its first frame.
fn go_on_beginning(
    store: &mut dyn Store,
    register: &Register,
    standing: &Standing,
) -> Result<(), OpenEngineError> {
    let own = LogId(store.reader().log_id());
    let from = register.lives.iter().find(|life| life.log == own).and_then(|life| life.from);
    let begun = Index(store.index()).restored().map_err(DeskError::from)?.map(|restored| restored.log);
    let by = match from {
        Some(_) if begun == Some(own) => return Ok(()),
        None => return Ok(()),
        Some((_, 0)) => RestoredBy::RollBack,
        Some(_) => RestoredBy::Backup,
    };
    begin_life(store, standing.conditions(own), register, by)
}

/// Registers the life that begins with a set-back, unless one is registered already and has not begun.
fn register_set_back(register: &mut Register, drawn: LogId, own: LogId) {
    let waits = register.lives.last().is_some_and(|life| life.from == Some((own, 0)));
    if !waits {
        register.begin(drawn, own, 0);
    }
}

/// Puts the lives into the register that it lacks: all of them where it is new, or came back from an older copy of the keys.
pub(super) fn complete(register: &mut Register, known: &[Life], own: LogId) {
    for life in known.iter().copied().chain([Life { log: own, from: None }]) {
        if register.lives.iter().all(|registered| registered.log != life.log) {
            register.lives.push(life);
        }
    }
}

/// A log was set back if it lacks what was noted of itself, or if a later life of it was served.
fn is_set_back(served: &Served, own: LogId, register: &Register, noted: u64) -> bool {
    if served.log == own {
        return noted != served.seq;
    }
    let place = |log| register.lives.iter().position(|life| life.log == log);
    place(served.log) > place(own)
}

impl Engine {
    /// Begins a new life of the log where a place that a tablet has seen proves that this one was set back.
    pub(super) async fn begin_if_set_back(self: &Arc<Self>, cursor: Cursor) -> Result<(), EngineError> {
        if !self.proves_a_set_back(&cursor)? {
            return Ok(());
        }
        // Many tablets may have seen more; one of them begins the new life, under which the others' cursors are foreign.
        let _turn = self.life_turn.lock().await;
        if !self.proves_a_set_back(&cursor)? {
            return Ok(());
        }
        let own = self.log_id();
        tracing::error!(
            log = %own,
            ends = self.reader().end().seq,
            seen = cursor.seq,
            "the data folder was set back: a tablet has seen more of this log. It begins a new life; what was receipted since comes back \
             from the tablets, nothing is sent to them and nothing new is taken until `carryover restored confirm`"
        );
        let file = RegisterFile::beside(&self.keys_folder);
        let unregistered = |error: RegisterError| EngineError::NotNoted(error.to_string());
        let (log, register) = self
            .aside(move || {
                let drawn = LogId(draw().map_err(|error| EngineError::Storage(error.to_string()))?);
                let changed = file.change(|register| register_set_back(register, drawn, own));
                let register = changed.map_err(unregistered)?;
                Ok((register.lives.last().map_or(drawn, |life| life.log), register))
            })
            .await?;
        let (standing, reader) = (self.standing, Arc::clone(self.reader()));
        let ticket = self.committer.begin(log.0, move |turn| {
            let conditions = standing.conditions(LogId(turn.log_id()));
            let desk = Desk::new(turn.index(), turn.next_seq(), conditions);
            match desk.and_then(|desk| begun(desk, &register, RestoredBy::RollBack, reader.as_ref())) {
                Ok(Decided { entries, writes }) => {
                    Decision::Append { frame: frame_of(&entries), writes, reply: Ok(()) }
                }
                Err(error) => Decision::Nothing(Err(error)),
            }
        });
        self.committed(ticket).await?;
        // What the register brought back may be shown by nobody's card and on no page any more.
        self.cards.mark(Touched::everybody(&self.index())?);
        self.publisher.forget_all();
        Ok(())
    }

    fn proves_a_set_back(&self, cursor: &Cursor) -> Result<bool, KvError> {
        let conditions = self.conditions();
        let log = DurableLog::with_tail(self.reader().as_ref(), &self.tail);
        Ok(worth(&log, conditions.log, &conditions.secret, cursor)? == Worth::RolledBack)
    }
}

#[cfg(test)]
mod tests;
