//! What a tablet shows of the log that it was told, and what of it the present log has.

use crate::exchange::message::{Place, Request};
use crate::exchange::server::reply::LogRead;
use crate::kv::KvError;

/// What a tablet shows of what it was told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Seen {
    /// The last places alone: where the log has all of them, it has what lies before them.
    Ends(Vec<Place>),
    /// Places all the way back.
    Trail(Vec<Place>),
}

impl Seen {
    /// Returns what a request shows.
    pub fn of(request: &Request) -> Self {
        if let Some(trail) = &request.trail {
            return Self::Trail(trail.clone());
        }
        // Who has heard of a later life than its cursor is of was told the last in that one.
        let cursor = request.cursor.filter(|_| request.heard.is_none());
        let ends = [cursor, request.mark].into_iter().flatten();
        Self::Ends(ends.map(|cursor| Place { seq: cursor.seq, running: cursor.running }).collect())
    }

    /// Returns the last place up to which this log has what the tablet was told; none where more places are needed to say so.
    ///
    /// The running hash is one of all that came before: two logs with the same one at a place are the same up to there.
    ///
    /// # Errors
    /// [`KvError`] where the log cannot be read.
    pub fn shared_with(&self, log: &dyn LogRead) -> Result<Option<u64>, KvError> {
        let (Self::Ends(places) | Self::Trail(places)) = self;
        let mut shared = None;
        let mut all = !places.is_empty();
        for place in places {
            if place.seq <= log.end() && log.running(place.seq)? == Some(place.running) {
                shared = shared.max(Some(place.seq));
            } else {
                all = false;
            }
        }
        Ok(match self {
            Self::Ends(_) => shared.filter(|_| all),
            Self::Trail(_) => shared.or(Some(0)),
        })
    }
}
