//! The journal: what is written down of a live session, and how it is read back.
//!
//! ```text
//! L | live id | 0       how it began, who left, who is gone    written anew when somebody leaves
//! L | live id | 1 ...   one event each                         written once
//! ```
//!
//! A tap reads the first row and looks which is the last one. So it costs the same at the end of a long lesson as at its start; the counts are
//! for whoever shows them ([`Journal::events`]).

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use sync_core::exchange::codec;
use sync_core::ids::{LiveId, StudentId};
use sync_core::kv::{KvError, prefix_end};
use sync_core::time::Moment;

use super::live::{EVENTS_MAX, Event, Live, Start};
use crate::store::{State, Store, Table, Writes};
use crate::trouble::Trouble;

/// Live sessions' keys begin with this; live id and event number follow.
const LIVE: u8 = b'L';
/// The number of the row that says how a session began.
const HEAD: u64 = 0;

/// The first row of a live session.
#[derive(Serialize, Deserialize)]
struct Head {
    start: Start,
    left: BTreeMap<StudentId, Moment>,
    gone: BTreeSet<StudentId>,
}

/// Reads the journal.
#[derive(Clone, Copy)]
pub struct Journal<'a>(pub &'a State<'a>);

impl Journal<'_> {
    /// Returns all open live sessions, in the order of their ids, which is that of their starts.
    ///
    /// # Errors
    /// [`KvError`].
    pub fn open(&self) -> Result<Vec<Live>, KvError> {
        let (mut open, mut from) = (Vec::new(), vec![LIVE]);
        while let [(first, _)] = self.0.range_in(Table::Journal, &from, &prefix_end(&[LIVE]), 1)?.as_slice() {
            let id = split(first).ok_or(KvError::Damaged("journal"))?.0;
            open.extend(self.live(id)?);
            from = prefix_end(&of(id));
        }
        Ok(open)
    }

    /// Returns an open live session; none where there is no such, or damage has taken how it began.
    ///
    /// # Errors
    /// [`KvError`].
    pub fn live(&self, id: LiveId) -> Result<Option<Live>, KvError> {
        let Some(head) = self.0.get_in(Table::Journal, &key(id, HEAD))? else { return Ok(None) };
        let Head { start, left, gone } = read(&head)?;
        let last = self.0.last_in(Table::Journal, &of(id), &prefix_end(&of(id)))?;
        let (_, last) = last.and_then(|(key, _)| split(&key)).ok_or(KvError::Damaged("journal"))?;
        Ok(Some(Live { id, start, left, gone, next: last + 1 }))
    }

    /// Returns the live session that is meant: the named one, or the only one.
    ///
    /// # Errors
    /// [`Trouble::Value`] where there is none, or more than one and none was named.
    pub fn meant(&self, id: Option<LiveId>) -> Result<Live, Trouble> {
        if let Some(id) = id {
            return self.live(id)?.ok_or_else(not_open);
        }
        let mut open = self.open()?;
        if open.len() > 1 {
            return Err(Trouble::value("several live sessions are open", "say which one with `--live ID`"));
        }
        open.pop().ok_or_else(|| Trouble::value("no live session is open", "begin one with `start`"))
    }

    /// Returns what happened in a live session, in order.
    ///
    /// # Errors
    /// [`KvError`].
    pub fn events(&self, live: LiveId) -> Result<Vec<Event>, KvError> {
        let (first, end) = (key(live, HEAD + 1), prefix_end(&of(live)));
        let rows = self.0.range_in(Table::Journal, &first, &end, usize::MAX)?;
        rows.iter().map(|(_, value)| read(value)).collect()
    }
}

fn not_open() -> Trouble {
    Trouble::value("no such live session is open", "see which are open with `live`")
}

/// What all keys of a live session begin with.
fn of(id: LiveId) -> Vec<u8> {
    [&[LIVE], id.0.as_slice()].concat()
}

fn key(id: LiveId, number: u64) -> Vec<u8> {
    [of(id).as_slice(), &number.to_be_bytes()].concat()
}

fn split(key: &[u8]) -> Option<(LiveId, u64)> {
    let (_, rest) = key.split_first()?;
    let (id, number) = rest.split_first_chunk::<16>()?;
    Some((LiveId(*id), u64::from_be_bytes(number.try_into().ok()?)))
}

pub(super) fn read<T: serde::de::DeserializeOwned>(bytes: &[u8]) -> Result<T, KvError> {
    codec::from_bytes(bytes).map_err(|_| KvError::Damaged("journal"))
}

/// Begins a live session.
pub fn begin(writes: &mut Writes, start: Start) -> LiveId {
    let id = LiveId::from(start.id("live", &[]));
    write_head(writes, &Live { id, start, left: BTreeMap::new(), gone: BTreeSet::new(), next: HEAD + 1 });
    id
}

fn write_head(writes: &mut Writes, live: &Live) {
    let head = Head { start: live.start.clone(), left: live.left.clone(), gone: live.gone.clone() };
    writes.put(Table::Journal, key(live.id, HEAD), codec::to_bytes(&head));
}

/// Writes down what happened in a live session. When this returns, it is on the medium.
///
/// # Errors
/// [`Trouble::Value`] where no such session is open, the student is not in it, or it has [`EVENTS_MAX`] events; nothing was written then.
pub fn happened(store: &Store, id: LiveId, event: &Event) -> Result<(), Trouble> {
    store.update(|state| {
        let mut live = Journal(state).live(id)?.ok_or_else(not_open)?;
        let mut writes = Writes::new();
        note(&mut writes, &mut live, event)?;
        Ok((writes, ()))
    })
}

/// Adds what happened to what will be written.
///
/// # Errors
/// [`Trouble::Value`] where the student is not in the session, or it has [`EVENTS_MAX`] already.
pub(crate) fn note(writes: &mut Writes, live: &mut Live, event: &Event) -> Result<(), Trouble> {
    if let Some(student) = event.student() {
        if live.left.contains_key(&student) {
            let help = "log what came later with `log`";
            return Err(Trouble::value("this student has left the session", help));
        }
        if !live.is_here(student) {
            return Err(not_in_it());
        }
    }
    if live.next > EVENTS_MAX {
        return Err(Trouble::value(
            "this session has as many events as one can have",
            "finish it and begin another",
        ));
    }
    writes.put(Table::Journal, key(live.id, live.next), codec::to_bytes(event));
    live.next += 1;
    Ok(())
}

/// Notes that a student left before the others.
///
/// # Errors
/// [`Trouble::Value`] where the student is not in the session.
pub fn leave(writes: &mut Writes, live: &mut Live, student: StudentId, at: Moment) -> Result<(), Trouble> {
    if !live.is_here(student) {
        return Err(not_in_it());
    }
    live.left.insert(student, at);
    write_head(writes, live);
    Ok(())
}

fn not_in_it() -> Trouble {
    Trouble::value("this student is not in the session", "name somebody who still is")
}

/// Notes that a student has a record of the session already, and is in it no more.
pub(super) fn release(writes: &mut Writes, live: &mut Live, student: StudentId) {
    live.gone.insert(student);
    write_head(writes, live);
}

/// Removes a live session's journal.
pub(super) fn close(writes: &mut Writes, live: &Live) {
    for number in HEAD..live.next {
        writes.delete(Table::Journal, key(live.id, number));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_event_that_a_session_can_have_is_taken_and_the_next_one_is_told_so() {
        let start = Start {
            seed: [1; 16],
            students: Vec::new(),
            mode: "push-in".into(),
            place: "hallway".into(),
            routine: None,
            at: Moment(0),
        };
        let id = LiveId::from(start.id("live", &[]));
        let mut live = Live { id, start, left: BTreeMap::new(), gone: BTreeSet::new(), next: EVENTS_MAX };
        let mut writes = Writes::new();
        note(&mut writes, &mut live, &Event::Undo).unwrap();
        let refused = note(&mut writes, &mut live, &Event::Undo).unwrap_err();
        assert_eq!(refused.exit_code(), 2);
        assert!(refused.to_string().contains("as many events as one can have"), "{refused}");
        assert_eq!(live.next, EVENTS_MAX + 1, "and nothing of it is noted");
    }
}
