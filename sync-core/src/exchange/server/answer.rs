//! One exchange, from the request to the reply.
//!
//! Three steps, so that the slow ones need no turn: [`check_request`] looks at each envelope by itself, [`Desk::take`] decides in the
//! writer's turn, and [`answer`] reads the log when what was decided is durable.

use std::collections::BTreeSet;

use crate::document::change::ChangeHash;
use crate::document::schema::SCHEMA;
use crate::exchange::message::{ENVELOPES_MAX, Fate, LISTING_MAX, Listing, Reply, Request, WITHDRAWALS_MAX};
use crate::exchange::server::desk::{Conditions, Desk, DeskError};
use crate::exchange::server::entry::LogEntry;
use crate::exchange::server::index::Index;
use crate::exchange::server::receive::{Checked, check, over_quota};
use crate::exchange::server::reply::{LogRead, Worth, cursor_at, tell, worth};
use crate::gate::policy::POLICY;
use crate::ids::{DeviceId, DocumentId, HoldId};
use crate::kv::KvError;
use crate::roster::{Device, DeviceState};

/// Why a request is not taken at all: nothing of it has been judged, and everything stays on the tablet.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unanswered {
    /// The request is for another organisation.
    #[error("the request is for another organisation")]
    OtherOrganisation,
    /// The request names another device than the one that signed for it.
    #[error("the request is another device's")]
    OtherDevice,
    /// More envelopes, withdrawals or copies than one request may have: send it in parts.
    #[error("the request has more parts than one may have")]
    TooMany,
    /// Too much of this device waits for review or was refused: somebody must decide first.
    #[error("too much of this device waits for review")]
    OverQuota,
}

impl Unanswered {
    /// Returns the stable code of this refusal.
    pub fn code(&self) -> &'static str {
        match self {
            Self::OtherOrganisation => "other_organisation",
            Self::OtherDevice => "other_device",
            Self::TooMany => "too_many_parts",
            Self::OverQuota => "over_quota",
        }
    }
}

/// A request on which all has been checked that needs no turn.
#[derive(Debug, Clone)]
pub struct CheckedRequest {
    device: DeviceId,
    envelopes: Vec<Checked>,
    withdrawals: Vec<HoldId>,
    yours: BTreeSet<ChangeHash>,
}

/// What was decided about a request, apart from what goes to the log.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Taken {
    /// The fates of its own acts.
    pub fates: Vec<Fate>,
    /// The hashes of the changes that it brought: they need not be sent back.
    pub yours: BTreeSet<ChangeHash>,
}

/// Checks a request as far as nothing can change before it is committed.
///
/// # Errors
/// Outside, that the index could not be read; inside, why the request is not taken.
pub fn check_request(
    index: &Index<'_>,
    device: &Device,
    request: Request,
) -> Result<Result<CheckedRequest, Unanswered>, KvError> {
    let organisation = index.organisation()?;
    if organisation.is_none_or(|organisation| organisation.id != request.org) {
        return Ok(Err(Unanswered::OtherOrganisation));
    }
    if request.device != device.id {
        return Ok(Err(Unanswered::OtherDevice));
    }
    let listed = match &request.listing {
        Some(Listing::Full(listed)) => listed.len(),
        Some(Listing::Digest(_)) | None => 0,
    };
    if request.envelopes.len() > ENVELOPES_MAX
        || request.withdrawals.len() > WITHDRAWALS_MAX
        || listed > LISTING_MAX
    {
        return Ok(Err(Unanswered::TooMany));
    }
    if !request.envelopes.is_empty() && over_quota(&index.quota(device.id)?) {
        return Ok(Err(Unanswered::OverQuota));
    }
    let envelopes = request.envelopes.into_iter().map(|envelope| check(index, envelope));
    let envelopes = envelopes.collect::<Result<Vec<Checked>, KvError>>()?;
    let yours = envelopes.iter().filter_map(Checked::change).collect();
    Ok(Ok(CheckedRequest { device: device.id, envelopes, withdrawals: request.withdrawals, yours }))
}

impl Desk<'_> {
    /// Decides a request in the writer's turn.
    ///
    /// # Errors
    /// [`DeskError`]; the desk is to be thrown away then.
    pub fn take(&mut self, request: CheckedRequest) -> Result<Taken, DeskError> {
        self.advance()?;
        let mut fates = Vec::new();
        for envelope in request.envelopes {
            fates.extend(self.receive(request.device, envelope)?);
        }
        if let Some(device) = self.index().device(request.device)? {
            for hold in request.withdrawals {
                self.withdraw(device.person, hold)?;
            }
        }
        Ok(Taken { fates, yours: request.yours })
    }
}

/// Composes the reply to a request whose fates are durable.
///
/// A revoked or lost device is told its fates and nothing else. `clock` of the conditions is the server's.
///
/// # Errors
/// [`KvError`] where index or log cannot be read.
pub fn answer(
    index: &Index<'_>,
    log: &dyn LogRead,
    conditions: &Conditions,
    device: &Device,
    request: &AnswerTo,
    taken: Taken,
) -> Result<(Reply, BTreeSet<DocumentId>), KvError> {
    let mut reply = fates_only(conditions, request.backed_up, taken.fates);
    if device.state != DeviceState::Active {
        return Ok((reply, BTreeSet::new()));
    }
    let after = match &request.cursor {
        Some(cursor) => worth(log, conditions.log, &conditions.secret, cursor)?,
        None => Worth::After(0),
    };
    let from = match after {
        Worth::After(seq) => seq,
        Worth::Foreign => 0,
    };
    let told = tell(index, log, device.person, from, &taken.yours, request.room)?;
    let moved = after != Worth::After(told.until) || request.cursor.is_none();
    // Where nothing is told, the cursor moves only now and then: an empty answer stays small, and a rebuild of it cheap.
    if moved
        && (!told.entries.is_empty()
            || told.until.saturating_sub(from) >= CURSOR_IDLE_MAX
            || after == Worth::Foreign
            || request.cursor.is_none()
            || !reply.fates.is_empty())
    {
        reply.cursor = Some(cursor_at(log, conditions.log, &conditions.secret, told.until)?);
    }
    reply.entries = told.entries;
    reply.more = told.more;
    Ok((reply, told.delivered))
}

/// Composes the reply to work that was handed in: its fates, and nothing that anybody could read.
pub fn fates_only(conditions: &Conditions, backed_up: u64, fates: Vec<Fate>) -> Reply {
    Reply {
        fates,
        entries: Vec::new(),
        cursor: None,
        schema: SCHEMA,
        policy: POLICY,
        backed_up,
        listing_wanted: false,
        more: false,
        clock: conditions.now,
    }
}

/// How far a cursor may fall behind the log's end when nothing in between was for this person.
pub const CURSOR_IDLE_MAX: u64 = 1_000;

/// What of a request its answer needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AnswerTo {
    /// The tablet's cursor.
    pub cursor: Option<crate::exchange::message::Cursor>,
    /// Up to where a backup of the log exists.
    pub backed_up: u64,
    /// About how many bytes of entries the line carries; [`REPLY_BYTES_MAX`](crate::exchange::message::REPLY_BYTES_MAX) at the most.
    pub room: usize,
}

/// Returns the audit entry of what a reply delivers; none where it delivers nothing of a student's.
pub fn audit(conditions: &Conditions, device: &Device, delivered: &BTreeSet<DocumentId>) -> Option<LogEntry> {
    (!delivered.is_empty()).then(|| LogEntry::Delivered {
        person: device.person,
        device: Some(device.id),
        documents: delivered.iter().copied().collect(),
        time: conditions.now,
    })
}
