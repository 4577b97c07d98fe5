//! This person's taps on shared tallies: journalled one by one, gathered into one record for each tally at the next exchange.
//!
//! The ids of that record are drawn with the first tap, so a folder copied in between sends the same one.

use serde::{Deserialize, Serialize};
use sync_core::document::deed::Deed;
use sync_core::document::schema::TAPS_MAX;
use sync_core::document::slot::SlotKey;
use sync_core::exchange::codec;
use sync_core::ids::{ActId, StudentId};
use sync_core::kv::KvError;
use sync_core::roster::reading::Roles;
use ulid::Ulid;

use super::journal::{Journal, read};
use crate::chance::{Chance, draw_id};
use crate::deeds::Desk;
use crate::store::{Table, Writes};
use crate::trouble::Trouble;

/// Taps' keys begin with this; the tally's key follows.
const TAPS: u8 = b'T';

/// Taps on one tally since the last exchange.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tapped {
    /// The tally.
    pub tally: SlotKey,
    /// Whose it is.
    pub student: StudentId,
    /// The record's id, as its 16 bytes.
    pub slot: [u8; 16],
    /// The act's id.
    pub act: ActId,
    /// As what the person was on the team at the first tap.
    pub roles: Roles,
    /// How many, less what was undone.
    pub n: i64,
}

fn key(tally: &SlotKey) -> Vec<u8> {
    [&[TAPS], tally.to_string().as_bytes()].concat()
}

impl Journal<'_> {
    /// Returns the taps that were not gathered yet.
    ///
    /// # Errors
    /// [`KvError`].
    pub fn tapped(&self) -> Result<Vec<Tapped>, KvError> {
        self.0.scan_in(Table::Journal, &[TAPS])?.iter().map(|(_, value)| read(value)).collect()
    }

    /// Returns the taps on a tally that were not gathered yet.
    ///
    /// # Errors
    /// [`KvError`].
    pub fn tapped_on(&self, tally: &SlotKey) -> Result<Option<Tapped>, KvError> {
        self.0.get_in(Table::Journal, &key(tally))?.map(|value| read(&value)).transpose()
    }
}

/// Adds taps to a tally, or takes some back where `n` is below zero.
///
/// # Errors
/// [`Trouble::Value`] where one record would carry more than it can.
pub fn tap_tally(
    writes: &mut Writes,
    journal: Journal<'_>,
    desk: &Desk<'_>,
    student: StudentId,
    tally: SlotKey,
    n: i64,
    chance: &mut dyn Chance,
) -> Result<Tapped, Trouble> {
    let known = journal.tapped_on(&tally)?;
    let mut tapped = match known {
        Some(tapped) => tapped,
        None => Tapped {
            tally,
            student,
            slot: draw_id(chance, desk.now)?.to_bytes(),
            act: ActId::from(draw_id(chance, desk.now)?),
            roles: desk.roster.roles_on(student, desk.roster.today(desk.now)),
            n: 0,
        },
    };
    tapped.n = tapped.n.saturating_add(n);
    if tapped.n.abs() > TAPS_MAX {
        return Err(Trouble::value(
            format!("{n} taps are more than one can send at once"),
            "sync first, then add them",
        ));
    }
    writes.put(Table::Journal, key(&tally), codec::to_bytes(&tapped));
    Ok(tapped)
}

/// Gathers all taps into acts; their journal is removed with it.
///
/// # Errors
/// [`Trouble`].
pub fn gather(desk: &mut Desk<'_>, writes: &mut Writes, journal: Journal<'_>) -> Result<(), Trouble> {
    for tapped in journal.tapped()? {
        if tapped.n != 0 {
            let deed = Deed::Tap { tally: tapped.tally, n: tapped.n };
            let mut ids = std::iter::once(Ulid::from_bytes(tapped.slot));
            desk.make_as(tapped.student, &deed, &mut ids, tapped.act, &tapped.roles)?;
        }
        writes.delete(Table::Journal, key(&tapped.tally));
    }
    Ok(())
}
