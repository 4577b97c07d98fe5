//! The demo district: two schools, their staff, their students, and six weeks of work that ended yesterday.
//!
//! Everybody in it is invented. It is founded on the ways that a real district takes: the roster comes through the import, and every
//! session through a tablet's own outbox, signed by a device, and judged by the server on the day on which it arrived. So what is to be
//! seen in it, a conflict or work that waits for review, came about as it would in a school.
//!
//! | Module | What it is |
//! | --- | --- |
//! | `district` | who is there, and the CSV files that say so |
//! | `caseload` | who works with whom, when and on what |
//! | `calendar` | the school days of the past weeks, and the terms around them |
//! | `tablet` | one member's tablet: the pure client over a store in memory |
//! | `history` | the weeks, and what the server heard of them |
//! | `day` | one day on one tablet |
//! | `story` | the days on which something went differently |
//! | `chance` | dice that always fall the same way |

mod calendar;
mod caseload;
pub(crate) mod chance;
mod day;
mod district;
mod history;
mod story;
mod tablet;
#[cfg(test)]
mod tests;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use sync_core::document::change::EncodeError;
use sync_core::document::deed::act::DeedError;
use sync_core::exchange::client::outbox::OutboxError;
use sync_core::exchange::client::reply::NotTaken;
use sync_core::exchange::server::desk::DeskError;
use sync_core::kv::KvError;
use sync_core::time::{Moment, UnknownZone, Zone};

use crate::admin::import::ApplyError;
use crate::clock::{Clock, ClockSetting};
use crate::engine::{Engine, FoundError, Founding, OpenEngineError, Settings};
use calendar::SchoolDays;

/// The demo district's name.
pub const NAME: &str = "Demo District (all people invented)";
/// Its time zone.
pub const ZONE: &str = "America/Chicago";

/// The file in data and keys folder that says that this is a demo, and may be thrown away.
const MARK: &str = "demo";

/// How much of a district.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    /// How many students, at least 5.
    pub students: usize,
    /// How many weeks lie behind, at least 2.
    pub weeks: usize,
}

/// The district that `carryover demo` founds.
pub const DISTRICT: Size = Size { students: 40, weeks: 6 };

/// Why the demo district could not be founded. Where it was to be, there is nothing.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// The folder holds something that is no demo: it is left alone.
    #[error("{0} does not hold a demo district, and is not thrown away")]
    NotADemo(PathBuf),
    /// The organisation could not be founded.
    #[error(transparent)]
    Found(#[from] FoundError),
    /// The engine could not work.
    #[error(transparent)]
    Engine(#[from] OpenEngineError),
    /// The roster was refused.
    #[error("the demo's roster was refused")]
    Import(#[source] ApplyError),
    /// Something that a member does could not be done.
    #[error("a deed of the demo cannot be done")]
    Deed(#[from] DeedError),
    /// A tablet could not compose a request.
    #[error(transparent)]
    Outbox(#[from] OutboxError),
    /// A tablet could not take a reply.
    #[error(transparent)]
    Reply(#[from] NotTaken),
    /// A tablet could not write.
    #[error(transparent)]
    Encode(#[from] EncodeError),
    /// A tablet's store could not be read.
    #[error(transparent)]
    Tablet(#[from] KvError),
    /// The zone is not known.
    #[error(transparent)]
    Zone(#[from] UnknownZone),
    /// The clock stands where no calendar reaches.
    #[error("the clock stands outside of what a school calendar has")]
    Clock,
    /// A member had no document for what was done.
    #[error("a deed of the demo belongs in no document")]
    Nowhere,
    /// A drawn figure cannot be.
    #[error("a figure of the demo cannot be")]
    Figures,
    /// The server did not take a tablet's request.
    #[error("a request of the demo was not taken")]
    NotTaken,
    /// The system refused.
    #[error("the system refused")]
    System(#[from] io::Error),
}

impl From<DeskError> for DemoError {
    fn from(error: DeskError) -> Self {
        Self::Engine(error.into())
    }
}

/// Founds the demo district where there is nothing; returns whether it did. Cut off, it leaves nothing behind that counts.
pub fn found(settings: &Settings, size: Size) -> Result<bool, DemoError> {
    if settings.data.join("log").exists() {
        return Ok(false);
    }
    if settings.keys.join(MARK).exists() {
        // A founding was cut off between its last two steps: keys without anything to open.
        fs::remove_dir_all(&settings.keys)?;
    }
    let unfinished =
        Settings { data: beside(&settings.data), keys: beside(&settings.keys), ..settings.clone() };
    remove(&unfinished.data)?;
    remove(&unfinished.keys)?;
    let zone = Zone::named(ZONE)?;
    let now = settings.clock.now();
    let days = SchoolDays::before(zone.day_of(now), size.weeks).ok_or(DemoError::Clock)?;
    let begin = zone.start_of(days.first()).plus_ms(calendar::OFFICE_OPENS_MS);
    let then = Settings { clock: Clock::start(ClockSetting::At(begin)), ..unfinished.clone() };
    Engine::found(&then, Founding { name: NAME.to_owned(), zone: zone.clone() })?;
    history::live(&then, &zone, &days, zone.day_of(now), size)?;
    for folder in [&unfinished.keys, &unfinished.data] {
        fs::write(folder.join(MARK), "a demo district: `carryover demo --fresh` throws it away\n")?;
    }
    fs::rename(&unfinished.keys, &settings.keys)?;
    fs::rename(&unfinished.data, &settings.data)?;
    Ok(true)
}

/// Throws a demo district away, so that a new one can be founded. What is no demo is left alone.
pub fn discard(settings: &Settings) -> Result<(), DemoError> {
    for folder in [&settings.data, &settings.keys] {
        let empty = !folder.exists() || fs::read_dir(folder)?.next().is_none();
        if !empty && !folder.join(MARK).exists() {
            return Err(DemoError::NotADemo(folder.clone()));
        }
    }
    // A server that runs on it holds the lock.
    if settings.data.join("log").exists() {
        drop(
            crate::store::FolderLock::take(&settings.data)
                .map_err(crate::store::OpenError::from)
                .map_err(OpenEngineError::from)?,
        );
    }
    remove(&settings.data)?;
    Ok(remove(&settings.keys)?)
}

/// Returns where a founding works until it is finished.
fn beside(folder: &Path) -> PathBuf {
    let mut name = folder.components().as_path().as_os_str().to_owned();
    name.push(".founding");
    PathBuf::from(name)
}

fn remove(folder: &Path) -> io::Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Returns a moment of a school day, in milliseconds after its midnight.
fn at(zone: &Zone, day: jiff::civil::Date, after_midnight_ms: i64) -> Moment {
    zone.start_of(day).plus_ms(after_midnight_ms)
}
