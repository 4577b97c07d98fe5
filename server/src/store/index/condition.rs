//! Whether an index on disk may be believed, and putting one away that may not.
//!
//! sled's own flush does not reach the disk: a killed process leaves all that it wrote, in the kernel's
//! cache, but a machine that stopped may leave anything. A small file beside the index says in which boot
//! of the machine it was last opened, or that it was closed in good order. Open in another boot means that
//! the machine stopped while it was open: it is in doubt. It also says in which form the rows are.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use sync_core::exchange::server::row::ROW_FORMAT;

/// How many set-aside indexes are kept for whoever wants to know what happened.
pub(crate) const SET_ASIDE_MAX: usize = 2;

const SET_ASIDE: &str = "index.set-aside-";

/// What the file beside the index says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Condition {
    /// Closed in good order, and synced.
    Clean,
    /// Open, in that boot of the machine.
    Open(String),
    /// Something was wrong with it, or nothing is known.
    Doubtful,
}

impl Condition {
    /// Reads what is known of the index in a data folder.
    pub fn read(data: &Path) -> Self {
        let text = fs::read_to_string(path(data)).unwrap_or_default();
        let Some((text, format)) = text.trim_end().rsplit_once(' ') else { return Condition::Doubtful };
        // Rows of another form decode as something else, or not at all: such an index is built anew.
        if format.parse() != Ok(ROW_FORMAT) {
            return Condition::Doubtful;
        }
        match text.split_once(' ') {
            None if text == "clean" => Condition::Clean,
            Some(("open", boot)) if !boot.is_empty() => Condition::Open(boot.to_owned()),
            Some(_) | None => Condition::Doubtful,
        }
    }

    /// Writes it down, durably.
    pub fn write(&self, data: &Path) -> io::Result<()> {
        let text = match self {
            Condition::Clean => format!("clean {ROW_FORMAT}\n"),
            Condition::Open(boot) => format!("open {boot} {ROW_FORMAT}\n"),
            Condition::Doubtful => "doubtful\n".to_owned(),
        };
        let mut file = File::create(path(data))?;
        file.write_all(text.as_bytes())?;
        file.sync_all()
    }

    /// True if what this process would read is what was written.
    pub fn is_sound(&self, boot: &str) -> bool {
        match self {
            Condition::Clean => true,
            Condition::Open(then) => then == boot,
            Condition::Doubtful => false,
        }
    }
}

fn path(data: &Path) -> PathBuf {
    data.join("index.condition")
}

/// Names this boot of the machine; where nothing does, no two calls of it are taken for the same boot.
pub(crate) fn boot_id() -> String {
    let id = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    id.trim().to_owned()
}

/// Renames the index away and forgets the oldest put away before.
pub(crate) fn set_aside(data: &Path, index: &Path) -> io::Result<()> {
    if !index.exists() {
        return Ok(());
    }
    let mut kept = Vec::new();
    for entry in fs::read_dir(data)? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if let Some(number) = name.strip_prefix(SET_ASIDE).and_then(|number| number.parse::<u64>().ok()) {
            kept.push(number);
        }
    }
    kept.sort_unstable();
    let next = kept.last().map_or(1, |last| last + 1);
    fs::rename(index, data.join(format!("{SET_ASIDE}{next}")))?;
    let forgotten = (kept.len() + 1).saturating_sub(SET_ASIDE_MAX);
    for number in kept.into_iter().take(forgotten) {
        fs::remove_dir_all(data.join(format!("{SET_ASIDE}{number}")))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_closed_index_or_one_of_this_boot_is_sound() {
        let data = tempfile::tempdir().unwrap();
        assert_eq!(Condition::read(data.path()), Condition::Doubtful);
        for condition in [Condition::Clean, Condition::Open("b1".into()), Condition::Doubtful] {
            condition.write(data.path()).unwrap();
            assert_eq!(Condition::read(data.path()), condition);
        }
        assert!(Condition::Clean.is_sound("b1") && Condition::Open("b1".into()).is_sound("b1"));
        assert!(!Condition::Open("b1".into()).is_sound("b2") && !Condition::Doubtful.is_sound("b1"));
        // A machine that does not name its boots writes an empty name, which reads as doubt.
        Condition::Open(String::new()).write(data.path()).unwrap();
        assert_eq!(Condition::read(data.path()), Condition::Doubtful);
    }

    #[test]
    fn rows_of_another_form_are_in_doubt() {
        let data = tempfile::tempdir().unwrap();
        for text in ["clean\n", "open b1\n", "clean 1\n", "open b1 1\n", "clean x 2\n"] {
            fs::write(path(data.path()), text).unwrap();
            assert_eq!(Condition::read(data.path()), Condition::Doubtful, "{text}");
        }
    }

    #[test]
    fn two_set_aside_indexes_are_kept() {
        let data = tempfile::tempdir().unwrap();
        let index = data.path().join("index");
        for _ in 0..4 {
            fs::create_dir(&index).unwrap();
            set_aside(data.path(), &index).unwrap();
        }
        let mut names: Vec<_> =
            fs::read_dir(data.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        assert_eq!(names, ["index.set-aside-3", "index.set-aside-4"]);
        assert_eq!(names.len(), SET_ASIDE_MAX);
    }
}
