//! Founding an organisation, opening what was founded, and building the index again.

use std::fs::{self, DirBuilder};
use std::io;
use std::num::NonZero;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;

use sync_core::exchange::server::apply::apply;
use sync_core::exchange::server::desk::{Conditions, Decided, Desk, DeskError, Secret, ServerRun};
use sync_core::exchange::server::entry::{LogEntry, Organisation};
use sync_core::exchange::server::index::Index;
use sync_core::ids::{LogId, OrgId};
use sync_core::kv::{KvError, Overlay};
use sync_core::roster::version::PolicyVersion;
use sync_core::time::Zone;
use tokio::sync::watch;

use super::backed_up::BackedUp;
use super::cards::{Cards, Touched};
use super::life::{complete, settle};
use super::log::{entry_of, frame_of};
use super::noted::{Unnoted, note_unforgettable};
use super::presence::Presence;
use super::served::note_served;
use super::snapshot::{FOLDER as SNAPSHOTS, Snapshots};
use super::tail::Tail;
use super::{Engine, Standing};
use crate::auth::keys::{KeysError, Purpose, ServerKeys, system_random};
use crate::auth::token::{ProviderTaken, Tokens};
use crate::clock::Clock;
use crate::register::{OwnError, RegisterError, RegisterFile, own, owner};
use crate::store::{
    AppendError, CatchUpError, Committer, EmbeddedStore, OpenError, ReadError, Store, SyncError,
};

/// The mode of a data folder that is made: its owner alone.
const DATA_MODE: u32 = 0o700;
/// Payload bytes of the log that catching up reads at once.
const CATCH_UP_BYTES: usize = 8 * 1024 * 1024;

/// Where an organisation's data and keys are, and how they are served.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The data folder.
    pub data: PathBuf,
    /// The keys folder.
    pub keys: PathBuf,
    /// The clock.
    pub clock: Clock,
    /// Whether a change that fits may be stored as it came.
    pub verbatim: bool,
    /// The version of the policy that is to be in force; none for the one that is.
    pub policy: Option<PolicyVersion>,
}

/// What an organisation is founded with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Founding {
    /// Its name.
    pub name: String,
    /// The zone of its school days.
    pub zone: Zone,
}

/// Why an organisation could not be founded. Nothing that was there has been changed.
#[derive(Debug, thiserror::Error)]
pub enum FoundError {
    /// The folder holds an organisation already.
    #[error("there is an organisation in {0} already")]
    Exists(PathBuf),
    /// See there.
    #[error(transparent)]
    Open(#[from] OpenEngineError),
}

/// Why an engine could not start.
#[derive(Debug, thiserror::Error)]
pub enum OpenEngineError {
    /// The keys could not be had.
    #[error(transparent)]
    Keys(#[from] KeysError),
    /// The keys could not be noted as this organisation's.
    #[error(transparent)]
    Own(#[from] OwnError),
    /// What lies beside the keys could not be read or written.
    #[error(transparent)]
    Register(#[from] RegisterError),
    /// The store could not be opened.
    #[error(transparent)]
    Store(#[from] OpenError),
    /// No organisation was founded in the folder.
    #[error("no organisation is founded in {0}: run `carryover init` first")]
    NotFounded(PathBuf),
    /// The index could not follow the log.
    #[error(transparent)]
    CatchUp(#[from] CatchUpError),
    /// The log could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// An entry of the log has no meaning here: the log is damaged, or of a newer version.
    #[error("entry {seq} of the log cannot be applied")]
    Entry {
        /// Its place in the log.
        seq: u64,
        /// What was wrong with it.
        #[source]
        source: KvError,
    },
    /// The present day could not be begun.
    #[error(transparent)]
    Desk(#[from] DeskError),
    /// What was decided could not be appended.
    #[error(transparent)]
    Append(#[from] AppendError),
    /// What was decided could not be made durable.
    #[error(transparent)]
    Sync(#[from] SyncError),
    /// The system has no randomness, no thread, or no place for a file.
    #[error("the system refused")]
    System(#[from] io::Error),
    /// Tokens cannot be handled.
    #[error(transparent)]
    Tokens(#[from] ProviderTaken),
}

impl Engine {
    /// Founds an organisation in a folder that holds none. An attempt that was cut off is completed.
    pub fn found(settings: &Settings, founding: Founding) -> Result<OrgId, FoundError> {
        let exists = settings.data.join("log").exists();
        let keys = ServerKeys::open_or_create(&settings.keys, exists, system_random)
            .map_err(OpenEngineError::from)?;
        // What is in it is for the server alone.
        let made = DirBuilder::new().recursive(true).mode(DATA_MODE).create(&settings.data);
        made.map_err(OpenEngineError::from)?;
        let mut store = match EmbeddedStore::create(&settings.data, draw().map_err(OpenEngineError::from)?) {
            Err(OpenError::Exists { .. }) => EmbeddedStore::open(&settings.data),
            created => created,
        }
        .map_err(OpenEngineError::from)?;
        Self::found_on(&mut store, settings, &keys, founding)
    }

    /// Founds an organisation on any store that holds none.
    pub fn found_on(
        store: &mut dyn Store,
        settings: &Settings,
        keys: &ServerKeys,
        founding: Founding,
    ) -> Result<OrgId, FoundError> {
        if store.reader().end().seq > 0 {
            return Err(FoundError::Exists(settings.data.clone()));
        }
        // Keys are noted as somebody's only when that founding stands.
        let noted = owner(&settings.keys).map_err(OwnError::from).map_err(OpenEngineError::from)?;
        if noted.is_some() {
            return Err(OpenEngineError::Own(OwnError::OtherKeys(settings.keys.clone())).into());
        }
        let id = OrgId(draw().map_err(OpenEngineError::from)?);
        let organisation = Organisation { id, name: founding.name, zone: founding.zone };
        let conditions = standing(settings, keys)?.conditions(LogId(store.reader().log_id()));
        let desk = Desk::found(store.index(), organisation, conditions).map_err(OpenEngineError::from)?;
        let decided = desk.decide();
        // Before the log takes its first frame: whatever is said under its id can be believed for good.
        let log = LogId(store.reader().log_id());
        let registered = RegisterFile::beside(&settings.keys).change(|register| complete(register, &[], log));
        registered.map_err(OpenEngineError::from)?;
        commit(store, decided)?;
        own(&settings.keys, id).map_err(OpenEngineError::from)?;
        Ok(id)
    }

    /// Opens what was founded: recovers the log, brings the index to its end, and begins the present day.
    pub fn open(settings: &Settings) -> Result<Arc<Self>, OpenEngineError> {
        if !settings.data.join("log").exists() {
            return Err(OpenEngineError::NotFounded(settings.data.clone()));
        }
        let keys = ServerKeys::open(&settings.keys)?;
        Self::open_on(Box::new(EmbeddedStore::open(&settings.data)?), settings, keys)
    }

    /// Opens what was founded on any store.
    pub fn open_on(
        mut store: Box<dyn Store>,
        settings: &Settings,
        keys: ServerKeys,
    ) -> Result<Arc<Self>, OpenEngineError> {
        catch_up(&mut *store)?;
        let organisation = Index(store.index()).organisation().map_err(DeskError::from)?;
        let Some(organisation) = organisation.map(|organisation| organisation.id) else {
            return Err(OpenEngineError::NotFounded(settings.data.clone()));
        };
        own(&settings.keys, organisation)?;
        let standing = standing(settings, &keys)?;
        settle(&mut *store, &settings.keys, &standing)?;
        let conditions = standing.conditions(LogId(store.reader().log_id()));
        let begun = begin_day(&mut *store, conditions, settings.policy)?;
        // Behind what is noted as served nobody looks for what a restored copy must not forget.
        note_unforgettable(&settings.keys, &begun)?;
        note_served(store.reader().as_ref(), &settings.keys)?;
        // What was due when the last start ended is not known: all are looked at again.
        let cards = Arc::new(Cards::default());
        cards.mark(Touched::everybody(&Index(store.index())).map_err(DeskError::from)?);
        let tail = Arc::new(Tail::at(store.reader().end().seq));
        let engine = Arc::new(Self {
            tokens: Tokens::new(organisation.0, keys.access(), &[])?,
            snapshots: Snapshots::open(&settings.data.join(SNAPSHOTS))?,
            committer: Committer::start(store)?,
            standing,
            organisation,
            opening: keys.opening(),
            keys,
            presence: Presence::new(),
            cards,
            backed_up: BackedUp::default(),
            unnoted: Arc::new(Unnoted::default()),
            life_turn: tokio::sync::Mutex::default(),
            keys_folder: settings.keys.clone(),
            publisher: Arc::default(),
            tail,
            processors: tokio::sync::Semaphore::new(thread::available_parallelism().map_or(1, NonZero::get)),
            data: settings.data.clone(),
            failed: watch::channel(false).0,
        });
        engine.heed_backups();
        Ok(engine)
    }
}

/// Sets the index aside and builds it anew from the log; returns the last place in the log.
pub fn rebuild(data: &Path) -> Result<u64, OpenEngineError> {
    {
        let _lock = crate::store::FolderLock::take(data).map_err(OpenError::from)?;
        match fs::remove_dir_all(data.join("index")) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error.into()),
            Ok(()) | Err(_) => {}
        }
    }
    let mut store = EmbeddedStore::open(data)?;
    catch_up(&mut store)?;
    store.settle_index().map_err(DeskError::from)?;
    Ok(store.reader().end().seq)
}

pub(super) fn standing(settings: &Settings, keys: &ServerKeys) -> Result<Standing, OpenEngineError> {
    Ok(Standing {
        clock: settings.clock,
        secret: Secret(keys.secret().hash(Purpose::Exchange, &[])),
        run: ServerRun(draw()?),
        verbatim: settings.verbatim,
    })
}

pub(crate) fn draw() -> io::Result<[u8; 16]> {
    let mut bytes = [0; 16];
    system_random(&mut bytes)?;
    Ok(bytes)
}

/// Applies to the index what the log has behind the index's mark.
pub(super) fn catch_up(store: &mut dyn Store) -> Result<(), OpenEngineError> {
    let reader = store.reader();
    let end = reader.end().seq;
    while store.index_mark() < end {
        let mut from = store.index_mark() + 1;
        let mut sheet = Overlay::new(store.index());
        // Behind a part of a frame the index cannot stand, so a frame is always applied whole.
        let through = loop {
            let records = reader.read_range(from, end, CATCH_UP_BYTES)?;
            for record in &records {
                entry_of(record)
                    .and_then(|entry| apply(&mut sheet, record.seq, &entry))
                    .map_err(|source| OpenEngineError::Entry { seq: record.seq, source })?;
            }
            let Some(last) = records.last() else { break end };
            if last.last_of_frame {
                break last.seq;
            }
            from = last.seq + 1;
        };
        let writes = sheet.into_writes();
        store.catch_up(through, writes)?;
    }
    Ok(())
}

/// Begins the present day, and puts a policy in force before anything is judged by another; returns what that came to.
fn begin_day(
    store: &mut dyn Store,
    conditions: Conditions,
    policy: Option<PolicyVersion>,
) -> Result<Vec<LogEntry>, OpenEngineError> {
    let mut desk = Desk::new(store.index(), store.next_seq(), conditions)?;
    desk.advance()?;
    if let Some(version) = policy {
        let before = desk.policy();
        if desk.set_policy(version, None)? {
            tracing::info!(%version, %before, "another policy is in force from here on");
        }
    }
    desk.refresh_facts()?;
    let decided = desk.decide();
    let entries = decided.entries.clone();
    commit(store, decided)?;
    Ok(entries)
}

pub(super) fn commit(store: &mut dyn Store, decided: Decided) -> Result<(), OpenEngineError> {
    if !decided.entries.is_empty() {
        store.append(&frame_of(&decided.entries), decided.writes)?;
        store.sync()?;
    }
    Ok(())
}
