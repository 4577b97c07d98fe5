//! The lives of the server's log: copies of its folder, restored or put back without a word, and how that is found out.

use sync_core::exchange::message::Cursor;
use sync_core::exchange::server::desk::ServerRun;
use sync_core::exchange::server::entry::RestoredBy;
use sync_core::exchange::server::reply::LogRead;
use sync_core::ids::LogId;
use sync_core::kv::Memory;
use sync_core::time::Moment;

use super::{Log, Server};

/// A copy of the server's folder.
#[derive(Debug, Clone)]
pub struct Backup {
    index: Memory,
    log: Log,
    id: LogId,
}

impl Backup {
    /// Returns the last place in the log that the copy has.
    pub fn end(&self) -> u64 {
        self.log.end()
    }
}

impl Server {
    /// Copies the folder.
    pub fn back_up(&mut self) -> Backup {
        self.backed_up = self.log.end();
        Backup { index: self.index.clone(), log: self.log.clone(), id: self.id }
    }

    /// Puts a copy in the place of the folder, as somebody does who says so.
    pub fn restore(&mut self, backup: &Backup, id: [u8; 16], now: Moment) {
        let end = backup.end();
        self.set_back(backup, id);
        self.register.begin(LogId(id), backup.id, end);
        self.backed_up = end;
        self.begin_life(LogId(id), RestoredBy::Backup, now);
    }

    /// Puts a copy in the place of the folder, and nobody says so. `run` is what the server issues as from then on.
    pub fn set_back(&mut self, backup: &Backup, run: [u8; 16]) {
        let (index, log) = (backup.index.clone(), backup.log.clone());
        (self.index, self.log, self.id, self.run) = (index, log, backup.id, ServerRun(run));
        self.snapshots.clear();
    }

    /// Opens a folder that may have been set back: what lies beside the keys is applied, and a life of the log that is over is found out.
    /// Returns whether it was.
    pub fn open(&mut self, id: [u8; 16], now: Moment) -> bool {
        if self.register.lives.last().is_some_and(|life| life.log != self.id) {
            self.find_out(id, now);
            return true;
        }
        let mut desk = self.desk(now);
        desk.apply_register(&self.register, &self.log).expect("the register applies");
        let decided = desk.decide();
        self.commit(decided);
        false
    }

    /// Returns whether an administrator has yet to confirm a restore.
    pub fn waits(&self) -> bool {
        self.index().restored().expect("reads").is_some_and(|restored| restored.waiting)
    }

    /// Returns whether a cursor stands for a place in the present log.
    pub fn knows(&self, cursor: &Cursor) -> bool {
        cursor.log == self.id && self.log.running(cursor.seq).expect("reads") == Some(cursor.running)
    }

    /// Finds out that the folder was set back.
    pub fn find_out(&mut self, id: [u8; 16], now: Moment) {
        self.register.begin(LogId(id), self.id, 0);
        self.backed_up = 0;
        self.begin_life(LogId(id), RestoredBy::RollBack, now);
    }

    fn begin_life(&mut self, id: LogId, by: RestoredBy, now: Moment) {
        self.id = id;
        let mut desk = self.desk(now);
        desk.begin_life(&self.register, by, &self.log).expect("a life begins");
        let decided = desk.decide();
        self.commit(decided);
    }
}
