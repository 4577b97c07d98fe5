//! From a deed to the slots that say it.

use std::collections::BTreeSet;

use ulid::Ulid;

use super::record::{Record, edited, first_record, observed};
use super::{Deed, OBSERVATIONS_MAX};
use crate::document::schema::{Fault, RecordKind, check_record, check_value, editable_leaf};
use crate::document::slot::{ACT, AT, OFFSET, Slot, SlotKey};
use crate::ids::{ActId, DocumentId, PersonId};
use crate::roster::reading::Roles;
use crate::roster::role::Role;
use crate::time::Moment;

/// What one deed makes in one document. It has one fate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Act {
    /// Which act it is.
    pub id: ActId,
    /// The document that it belongs in.
    pub document: DocumentId,
    /// Its records; what another one of them builds on comes first.
    pub slots: Vec<Slot>,
}

/// Who does it, and as what the records say that they were made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Author {
    /// The member: the owner of every record that is made.
    pub member: PersonId,
    /// The role.
    pub role: Role,
}

impl Author {
    /// Returns the author that a member with these roles on the team is; none without a place on it.
    ///
    /// Of several roles the first in the order of the book speaks: the discipline's own before case manager, and a clinician's before
    /// one that works under supervision.
    pub fn on_team(member: PersonId, roles: &Roles) -> Option<Self> {
        let role = roles.iter().copied().find(|role| role.is_on_teams())?;
        Some(Self { member, role })
    }
}

/// When it was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    /// By the tablet's clock.
    pub at: Moment,
    /// By how many milliseconds the tablet believes its clock to lag behind the server's.
    pub offset_ms: i64,
}

/// Why a deed cannot be done as it was given. Nothing was made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DeedError {
    /// A value of the deed's first or only record cannot be.
    #[error(transparent)]
    Fault(#[from] Fault),
    /// A value of one of the session's observations cannot be; they are counted from 1.
    #[error("observation {number}: {fault}")]
    Observation {
        /// Which observation.
        number: usize,
        /// What is wrong with it.
        fault: Fault,
    },
    /// Fewer ids were given than the deed makes records.
    #[error("an id is missing")]
    NoId,
    /// The same id was given for two records.
    #[error("an id came twice")]
    IdTwice,
}

impl DeedError {
    /// Returns what is wrong with the deed's values; none where the caller's ids were.
    pub fn fault(&self) -> Option<&Fault> {
        match self {
            Self::Fault(fault) | Self::Observation { fault, .. } => Some(fault),
            Self::NoId | Self::IdTwice => None,
        }
    }
}

/// Turns a deed into an act, with [`Deed::records`] of the `ids` given, in their order.
///
/// A function of its arguments: with the same ids it makes the same slots.
///
/// # Errors
/// [`DeedError`]: a value cannot be, or the ids do not do.
pub fn act(
    deed: &Deed,
    document: DocumentId,
    author: &Author,
    stamp: Stamp,
    ids: &mut dyn Iterator<Item = Ulid>,
    act: ActId,
) -> Result<Act, DeedError> {
    let mut maker = Maker { author, stamp, ids, act, used: BTreeSet::new(), slots: Vec::new() };
    if let Some((kind, field, value)) = edited(deed) {
        let ty = editable_leaf(kind, field).ok_or_else(|| Fault::UnknownField(field.to_owned()))?;
        check_value(field, ty, value)?;
    }
    let (kind, fields) = first_record(deed, author.role);
    let first = maker.make(kind, fields)?;
    if let Deed::LogSession { observations, .. } = deed {
        if observations.len() > OBSERVATIONS_MAX {
            return Err(Fault::OutOfRange("observations".into()).into());
        }
        for (number, observation) in (1..).zip(observations) {
            let fields = observed(observation, Some(first), author.role);
            maker.make(RecordKind::Observation, fields).map_err(|error| match error {
                DeedError::Fault(fault) => DeedError::Observation { number, fault },
                other @ (DeedError::Observation { .. } | DeedError::NoId | DeedError::IdTwice) => other,
            })?;
        }
    }
    Ok(Act { id: act, document, slots: maker.slots })
}

/// Makes records one after the other, each whole and checked.
struct Maker<'a> {
    author: &'a Author,
    stamp: Stamp,
    ids: &'a mut dyn Iterator<Item = Ulid>,
    act: ActId,
    used: BTreeSet<Ulid>,
    slots: Vec<Slot>,
}

impl Maker<'_> {
    fn make(&mut self, kind: RecordKind, record: Record) -> Result<SlotKey, DeedError> {
        let id = self.ids.next().ok_or(DeedError::NoId)?;
        if !self.used.insert(id) {
            return Err(DeedError::IdTwice);
        }
        let key = SlotKey::new(self.author.member, id);
        let record = record
            .with(ACT, self.act.to_string())
            .with(AT, self.stamp.at.0)
            .with(OFFSET, self.stamp.offset_ms);
        let slot = Slot { container: kind.container().to_owned(), key, fields: record.into_fields() };
        check_record(kind, &slot)?;
        self.slots.push(slot);
        Ok(key)
    }
}
