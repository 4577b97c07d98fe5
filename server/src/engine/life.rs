//! The lives of the log: how one begins, how one is found to be over, and what is kept of it all beside the keys.
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
use std::sync::{Arc, PoisonError};

use serde::{Deserialize, Serialize};
use sync_core::exchange::message::Cursor;
use sync_core::exchange::register::{Life, Register};
use sync_core::exchange::server::desk::{Conditions, Decided, Desk, DeskError};
use sync_core::exchange::server::entry::{LogEntry, RestoredBy};
use sync_core::exchange::server::index::Index;
use sync_core::exchange::server::reply::{Worth, worth};
use sync_core::exchange::server::restore::waits_for_confirmation;
use sync_core::ids::LogId;
use sync_core::kv::KvError;
use sync_core::roster::Device;

use super::cards::Touched;
use super::log::{DurableLog, entry_of, frame_of};
use super::open::{OpenEngineError, Settings, catch_up, commit, draw, standing};
use super::{Engine, EngineError, Ruling, Standing};
use crate::auth::keys::ServerKeys;
use crate::register::{RegisterError, RegisterFile};
use crate::store::{Decision, EmbeddedStore, FolderLock, OpenError, Store, StoreReader};
use crate::whole_file::{CheckedError, hex, read_checked, write_checked};

/// The note, beside the keys, of the life that was served last and how far it had come.
const SERVED: &str = "served";
/// Payload bytes of the log that are looked through at once.
const LOOK_BYTES: usize = 8 * 1024 * 1024;

/// How far a life of the log is known to have come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Served {
    log: LogId,
    seq: u64,
    /// The running hash there, in hexadecimal.
    running: String,
}

impl Served {
    fn now(reader: &dyn StoreReader) -> Self {
        let end = reader.end();
        Self { log: LogId(reader.log_id()), seq: end.seq, running: hex(&end.hash) }
    }

    /// Returns whether a log holds what was noted.
    fn is_in(&self, reader: &dyn StoreReader) -> Result<bool, OpenEngineError> {
        let at = reader.running_hash_at(self.seq)?;
        Ok(at.is_some_and(|at| at.last == self.seq && hex(&at.hash) == self.running))
    }
}

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

/// Returns how far which life had come when it was served last; none where none was.
pub(super) fn served(keys: &Path) -> Result<Option<Served>, CheckedError> {
    read_checked(&keys.join(SERVED))
}

/// Notes beside the keys how far the log has come.
pub(super) fn note_served(reader: &dyn StoreReader, keys: &Path) -> std::io::Result<()> {
    write_checked(&keys.join(SERVED), &Served::now(reader))
}

/// Notes beside the keys what of some durable entries a restored copy must not forget.
pub(super) fn note_unforgettable(keys: &Path, entries: &[LogEntry]) -> Result<(), RegisterError> {
    let rest = to_note(entries);
    if rest.is_empty() {
        return Ok(());
    }
    let changed = RegisterFile::beside(keys).change(|register| {
        for entry in &rest {
            register.note(entry);
        }
    });
    changed.map(drop)
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

/// Returns what stands in the log behind a place that a restored copy must not forget.
fn unforgettable(reader: &dyn StoreReader, after: u64) -> Result<Vec<LogEntry>, OpenEngineError> {
    let (mut found, mut from, end) = (Vec::new(), after + 1, reader.end().seq);
    while from <= end {
        let records = reader.read_range(from, end, LOOK_BYTES)?;
        let Some(last) = records.last() else { break };
        from = last.seq + 1;
        for record in &records {
            let seq = record.seq;
            if UNFORGETTABLE.contains(&record.record.kind) {
                found.push(entry_of(record).map_err(|source| OpenEngineError::Entry { seq, source })?);
            }
        }
    }
    Ok(found)
}

/// The kinds of entries that the register notes; see [`LogEntry::kind`].
const UNFORGETTABLE: [u16; 5] = [11, 27, 28, 29, 45];

/// Returns what of some entries a restored copy must not forget.
pub(super) fn to_note(entries: &[LogEntry]) -> Vec<LogEntry> {
    entries.iter().filter(|entry| UNFORGETTABLE.contains(&entry.kind())).cloned().collect()
}

/// What is durable in the log, and still to be noted beside the keys.
#[derive(Default)]
pub(super) struct Unnoted {
    entries: std::sync::Mutex<Vec<LogEntry>>,
    /// Held while some are written, so that nobody counts the same ones twice.
    turn: tokio::sync::Mutex<()>,
}

impl Unnoted {
    /// Adds what a restored copy must not forget.
    pub(super) fn add(&self, entries: &[LogEntry]) {
        if !entries.is_empty() {
            self.entries().extend_from_slice(entries);
        }
    }

    fn entries(&self) -> std::sync::MutexGuard<'_, Vec<LogEntry>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Engine {
    /// Notes beside the keys what is durable and was not noted yet; it returns when that is durable there, too.
    pub async fn note_rest(&self) -> Result<(), EngineError> {
        let _turn = self.unnoted.turn.lock().await;
        let rest = self.unnoted.entries().clone();
        if rest.is_empty() {
            return Ok(());
        }
        let file = RegisterFile::beside(&self.keys_folder);
        let count = rest.len();
        let changed = self.aside(move || {
            let changed = file.change(|register| {
                for entry in &rest {
                    register.note(entry);
                }
            });
            changed.map(drop).map_err(|error| EngineError::NotNoted(error.to_string()))
        });
        if let Err(error) = changed.await {
            tracing::error!(%error, "a restore would not know of what was done; the server goes on trying");
            return Err(error);
        }
        self.unnoted.entries().drain(..count);
        Ok(())
    }

    /// Returns whether the server has yet to be confirmed, as far as this device goes: then nothing may be sent to it.
    pub fn waits_for_confirmation(&self, device: &Device) -> Result<bool, KvError> {
        waits_for_confirmation(&self.index(), device)
    }

    /// Returns what is known of the last restore.
    pub fn restored(&self) -> Result<RestoredStatus, KvError> {
        let index = self.index();
        let restored = index.restored()?;
        let unconfirmed = index.unconfirmed()?;
        Ok(RestoredStatus {
            waiting: restored.is_some_and(|restored| restored.waiting) || !unconfirmed.is_empty(),
            resent: restored.map_or(0, |restored| restored.resent),
            recovered: restored.map_or(0, |restored| restored.recovered),
            by: restored.map(|restored| restored.by),
            unconfirmed,
            parked: index.parked()?.len(),
        })
    }

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

    /// Confirms what a restored server has of grants, revoked devices and destructions: from here on it sends and takes as before.
    pub async fn confirm_restored(&self, by: Option<sync_core::ids::PersonId>) -> Result<(), EngineError> {
        self.decide(move |desk| {
            desk.confirm_restored(by)?;
            Ok(Ruling::Stands(()))
        })
        .await
    }
}

/// What `restored status` says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RestoredStatus {
    /// Whether an administrator has yet to confirm something.
    pub waiting: bool,
    /// Acts that stand again by their receipts.
    pub resent: u64,
    /// Holds of what only copies still had.
    pub recovered: u64,
    /// Why the log began its present life; none where it was founded with it.
    pub by: Option<RestoredBy>,
    /// Devices that are known by their certificates alone.
    pub unconfirmed: Vec<Device>,
    /// Documents of students whom nobody has named.
    pub parked: usize,
}

#[cfg(test)]
mod tests {
    use std::fs;

    use sync_core::exchange::server::reply::{LogRead as _, cursor_at};
    use sync_core::ids::{DeviceId, GuardianId, StudentId};
    use sync_core::projection::family::FamilyEntry;
    use sync_core::roster::version::PolicyVersion;
    use sync_core::roster::{DeviceState, Student};
    use sync_core::time::Moment;

    use super::*;
    use crate::engine::founded::founded;

    const LOST: DeviceId = DeviceId([7; 16]);
    const STUDENT: StudentId = StudentId([5; 16]);

    async fn lose(engine: &Engine) -> Result<(), EngineError> {
        let entry = LogEntry::DeviceState { device: LOST, state: DeviceState::Lost };
        engine.decide(move |desk| desk.emit(entry).map(|_| Ruling::Stands(()))).await
    }

    fn registered(settings: &Settings) -> Register {
        RegisterFile::beside(&settings.keys).read().unwrap()
    }

    #[tokio::test]
    async fn a_life_is_registered_before_it_says_anything_and_a_loss_before_it_is_answered() {
        let (_folder, settings) = founded();
        let life = registered(&settings).lives;
        let engine = Engine::open(&settings).unwrap();
        assert_eq!(life, [Life { log: engine.log_id(), from: None }]);
        lose(&engine).await.unwrap();
        assert_eq!(registered(&settings).devices.get(&LOST), Some(&DeviceState::Lost));
    }

    #[tokio::test]
    async fn what_could_not_be_noted_is_said_and_noted_as_soon_as_it_can_be() {
        let (_folder, settings) = founded();
        let engine = Engine::open(&settings).unwrap();
        // A folder where the lock should be: nothing can be written there.
        let lock = settings.keys.join("register.lock");
        fs::remove_file(&lock).unwrap();
        fs::create_dir(&lock).unwrap();
        assert!(matches!(lose(&engine).await, Err(EngineError::NotNoted(_))));
        assert!(matches!(engine.note_rest().await, Err(EngineError::NotNoted(_))));
        fs::remove_dir(&lock).unwrap();
        engine.note_rest().await.unwrap();
        assert_eq!(registered(&settings).devices.get(&LOST), Some(&DeviceState::Lost));
    }

    #[tokio::test]
    async fn what_a_crash_kept_from_the_register_is_noted_at_the_next_start() {
        let (_folder, settings) = founded();
        let engine = Engine::open(&settings).unwrap();
        let [register, served] = ["register", SERVED].map(|name| settings.keys.join(name));
        let before = [&register, &served].map(|path| fs::read(path).unwrap());
        lose(&engine).await.unwrap();
        engine.close();
        fs::write(&register, &before[0]).unwrap();
        fs::write(&served, &before[1]).unwrap();
        assert!(registered(&settings).devices.is_empty());
        drop(engine);
        let engine = Engine::open(&settings).unwrap();
        assert_eq!(registered(&settings).devices.get(&LOST), Some(&DeviceState::Lost));
        assert!(!engine.restored().unwrap().waiting, "a crash is no set-back");
    }

    #[tokio::test]
    async fn a_folder_that_was_set_back_gives_nothing_back_that_was_taken_since() {
        let (folder, settings) = founded();
        let guardian = GuardianId([8; 16]);
        let device = |state| LogEntry::DeviceState { device: LOST, state };
        let access =
            |restricted| LogEntry::Family(FamilyEntry::Access { guardian, restricted, ended: false });
        let policy = |version| LogEntry::Policy { version, by: None, time: Moment(0) };
        let taken = || [device(DeviceState::Lost), access(true), policy(PolicyVersion::V2)];
        let given = [device(DeviceState::Active), access(false), policy(PolicyVersion::V1)];
        let engine = Engine::open(&settings).unwrap();
        for entry in taken().into_iter().chain(given) {
            engine.decide(move |desk| desk.emit(entry).map(|_| Ruling::Stands(()))).await.unwrap();
        }
        engine.close();
        drop(engine);
        let copy = folder.path().join("copy");
        let put = |from: &Path, to: &Path| {
            let done = std::process::Command::new("cp").arg("-a").arg(from).arg(to).status().unwrap();
            assert!(done.success());
        };
        put(&settings.data, &copy);
        let engine = Engine::open(&settings).unwrap();
        for entry in taken() {
            engine.decide(move |desk| desk.emit(entry).map(|_| Ruling::Stands(()))).await.unwrap();
        }
        engine.close();
        drop(engine);
        fs::remove_dir_all(&settings.data).unwrap();
        put(&copy, &settings.data);
        let engine = Engine::open(&settings).unwrap();
        assert!(engine.restored().unwrap().waiting, "it was found out");
        let register = registered(&settings);
        assert_eq!(register.devices.get(&LOST), Some(&DeviceState::Lost));
        assert!(register.guardians[&guardian].restricted);
        assert_eq!(
            (register.policy, engine.index().policy()),
            (Some(PolicyVersion::V2), Ok(PolicyVersion::V2))
        );
        assert_eq!(engine.index().banned(LOST), Ok(Some(DeviceState::Lost)));
    }

    #[tokio::test]
    async fn a_life_that_a_crash_kept_from_its_first_frame_begins_at_the_next_start() {
        let (_folder, settings) = founded();
        let own = Engine::open(&settings).unwrap().log_id();
        let new = LogId([9; 16]);
        RegisterFile::beside(&settings.keys).change(|register| register.begin(new, own, 0)).unwrap();
        EmbeddedStore::open(&settings.data).unwrap().begin_log_id(new.0).unwrap();
        for _ in 0..2 {
            let engine = Engine::open(&settings).unwrap();
            let restored = engine.restored().unwrap();
            assert_eq!(
                (engine.log_id(), restored.waiting, restored.by),
                (new, true, Some(RestoredBy::RollBack))
            );
            engine.close();
        }
        assert_eq!(registered(&settings).lives.len(), 2);
    }

    #[tokio::test]
    async fn a_life_that_a_tablet_begins_has_every_card_and_page_looked_at_again() {
        let (_folder, settings) = founded();
        let engine = Engine::open(&settings).unwrap();
        let student = Student {
            id: STUDENT,
            external_id: "s1".into(),
            display_name: "Sam".to_owned().into(),
            grade: "03".into(),
            school: None,
            home_language: "en".into(),
        };
        let entry = LogEntry::Student(student);
        engine.decide(move |desk| desk.emit(entry).map(|_| Ruling::Stands(()))).await.unwrap();
        engine.project_cards(|_| true).await.unwrap();
        engine.publish_to_family(STUDENT).await.unwrap();
        assert!(!engine.cards.is_due(|_| true) && engine.publisher.knows(STUDENT));
        let log = engine.log_id();
        let seen = DurableLog::of(engine.reader().as_ref());
        let beyond = cursor_at(&seen, log, &engine.conditions().secret, seen.end() + 1).unwrap();
        engine.begin_if_set_back(beyond).await.unwrap();
        assert!(engine.log_id() != log && engine.restored().unwrap().waiting);
        assert!(engine.cards.is_due(|student| *student == STUDENT));
        assert!(!engine.publisher.knows(STUDENT));
    }

    #[tokio::test]
    async fn a_register_that_came_back_without_its_lives_gets_them_from_the_log() {
        let (_folder, settings) = founded();
        fs::remove_file(settings.keys.join("register")).unwrap();
        let engine = Engine::open(&settings).unwrap();
        assert_eq!(registered(&settings).lives, [Life { log: engine.log_id(), from: None }]);
    }
}
