//! One exchange, from the request to the reply.
//!
//! Three steps, so that the slow ones need no turn: [`check_request`] looks at each envelope by itself, [`Desk::take`] decides in the
//! writer's turn, and [`answer`] reads the log when what was decided is durable.

use std::collections::BTreeSet;

use crate::document::change::ChangeHash;
use crate::document::schema::SCHEMA;
use crate::exchange::message::{
    Cursor, ENVELOPES_MAX, Fate, HoldState, LISTING_MAX, Listing, OFFERS_MAX, REPLY_BYTES_MAX, Reply,
    Request, SEALED_MAX, TRAIL_MAX, WITHDRAWALS_MAX,
};
use crate::exchange::server::check::{Checked, check};
use crate::exchange::server::desk::{Conditions, Desk, DeskError};
use crate::exchange::server::entry::LogEntry;
use crate::exchange::server::index::Index;
use crate::exchange::server::listing::{Position, compare};
use crate::exchange::server::offer::{CheckedOffer, check_offer};
use crate::exchange::server::receive::{over_quota, over_recovered};
use crate::exchange::server::reply::{LogRead, Worth, cursor_at, is_ours, tell, worth};
use crate::exchange::server::restore::{Opened, is_a_life, life, open, waits_for_confirmation};
use crate::exchange::server::seen::Seen;
use crate::ids::{DeviceId, DocumentId, HoldId, LogId};
use crate::key::Keys;
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
    /// The server was restored and an administrator has yet to confirm it; ask again after [`RESTORED_RETRY_S`](super::restore::RESTORED_RETRY_S) seconds.
    #[error("the server was restored and waits to be confirmed; the work is safe on the tablet")]
    Waiting,
    /// The tablet has seen more of this log than is here: the server's folder was set back, and nobody said so. The server is to begin a
    /// new life of the log, and to look at the request again.
    #[error("the server's folder was set back")]
    RolledBack,
}

impl Unanswered {
    /// Returns the stable code of this refusal.
    pub fn code(&self) -> &'static str {
        match self {
            Self::OtherOrganisation => "other_organisation",
            Self::OtherDevice => "other_device",
            Self::TooMany => "too_many_parts",
            Self::OverQuota => "over_quota",
            Self::Waiting => "waiting_for_confirmation",
            Self::RolledBack => "rolled_back",
        }
    }
}

/// A request on which all has been checked that needs no turn.
#[derive(Debug, Clone)]
pub struct CheckedRequest {
    device: DeviceId,
    sealed: Vec<Opened>,
    offers: Vec<CheckedOffer>,
    envelopes: Vec<Checked>,
    withdrawals: Vec<HoldId>,
    yours: BTreeSet<ChangeHash>,
    left: bool,
}

/// What was decided about a request, apart from what goes to the log.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Taken {
    /// The fates of its own acts.
    pub fates: Vec<Fate>,
    /// The hashes of the changes that it brought: they need not be sent back.
    pub yours: BTreeSet<ChangeHash>,
    /// Whether something of it was left out, for which its device is beyond its quota: the tablet is to bring that again, and is told.
    pub left: bool,
}

/// What opens what was sealed to the server's key; none where it cannot be opened.
pub type Unseal<'a> = &'a dyn Fn(&[u8]) -> Option<Vec<u8>>;

/// Checks a request as far as nothing can change before it is committed.
///
/// # Errors
/// Outside, that index or log could not be read; inside, why the request is not taken.
pub fn check_request(
    index: &Index<'_>,
    log: &dyn LogRead,
    conditions: &Conditions,
    keys: Keys<'_>,
    unseal: Unseal<'_>,
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
    if too_many(&request) {
        return Ok(Err(Unanswered::TooMany));
    }
    let heard = has_heard(conditions, &request);
    let mut saw_another_life = false;
    if let Some(mark) = &request.mark
        && worth(log, conditions.log, &conditions.secret, mark)? == Worth::RolledBack
    {
        return Ok(Err(Unanswered::RolledBack));
    }
    if let Some(cursor) = &request.cursor {
        match worth(log, conditions.log, &conditions.secret, cursor)? {
            Worth::RolledBack => return Ok(Err(Unanswered::RolledBack)),
            Worth::Foreign => {
                saw_another_life = cursor.log != conditions.log
                    && is_ours(&conditions.secret, cursor)
                    && is_a_life(index, conditions.log, cursor.log)?;
            }
            Worth::After(_) => {}
        }
    }
    let sealed = request.sealed.into_iter().map(|sealed| open(index, conditions, keys, unseal, sealed));
    let mut sealed = sealed.collect::<Result<Vec<Opened>, KvError>>()?;
    let (mut envelopes, mut left) = (request.envelopes, false);
    let is_new = !envelopes.is_empty() || sealed.iter().any(|opened| !opened.is_proven());
    if is_new && over_quota(&index.quota(device.id)?) {
        // What a receipt proves counts in no quota, and what is taken back makes room in it: those go first, each of them once. And whoever
        // has not heard of the log's life does not know yet what there is to bring back.
        let hears = !heard && index.restored()?.is_some();
        let goes_first = hears || sealed.iter().any(Opened::is_proven);
        if !goes_first && !takes_back(index, device, &request.withdrawals)? {
            return Ok(Err(Unanswered::OverQuota));
        }
        sealed.retain(Opened::is_proven);
        envelopes.clear();
        left = true;
    }
    // Whoever has seen a life that is over may have copies of what was lost with it.
    let may_offer =
        saw_another_life && matches!(device.state, DeviceState::Active | DeviceState::Unconfirmed);
    let offers: Vec<CheckedOffer> = if may_offer {
        request.offers.into_iter().filter_map(|offer| check_offer(request.org, offer)).collect()
    } else {
        Vec::new()
    };
    if !offers.is_empty() && over_recovered(&index.quota(device.id)?) {
        return Ok(Err(Unanswered::OverQuota));
    }
    let brings_back = !offers.is_empty() || sealed.iter().any(Opened::is_proven);
    if heard && !brings_back && waits_for_confirmation(index, device)? {
        return Ok(Err(Unanswered::Waiting));
    }
    let envelopes = envelopes.into_iter().map(|envelope| check(index, keys, envelope));
    let envelopes = envelopes.collect::<Result<Vec<Checked>, KvError>>()?;
    let yours = envelopes.iter().filter_map(Checked::change).collect();
    let withdrawals = request.withdrawals;
    Ok(Ok(CheckedRequest { device: device.id, sealed, offers, envelopes, withdrawals, yours, left }))
}

/// Returns whether one of these withdrawals takes something back.
fn takes_back(index: &Index<'_>, device: &Device, withdrawals: &[HoldId]) -> Result<bool, KvError> {
    if device.state != DeviceState::Active || waits_for_confirmation(index, device)? {
        return Ok(false);
    }
    for id in withdrawals {
        let hold = index.hold(*id)?;
        if hold.is_some_and(|hold| hold.author == device.person && hold.state == HoldState::Waiting) {
            return Ok(true);
        }
    }
    Ok(false)
}

fn too_many(request: &Request) -> bool {
    let listed = match &request.listing {
        Some(Listing::Full(listed)) => listed.len(),
        Some(Listing::Digest(_)) | None => 0,
    };
    request.envelopes.len() > ENVELOPES_MAX
        || request.sealed.len() > SEALED_MAX
        || request.offers.len() > OFFERS_MAX
        || request.withdrawals.len() > WITHDRAWALS_MAX
        || listed > LISTING_MAX
        || request.trail.as_ref().is_some_and(|trail| trail.len() > TRAIL_MAX)
}

/// Returns whether a tablet has heard of the present life of the log.
fn has_heard(conditions: &Conditions, request: &Request) -> bool {
    request.heard.or(request.cursor.map(|cursor| cursor.log)) == Some(conditions.log)
}

impl Desk<'_> {
    /// Decides a request in the writer's turn.
    ///
    /// # Errors
    /// [`DeskError`]; the desk is to be thrown away then.
    pub fn take(&mut self, request: CheckedRequest) -> Result<Taken, DeskError> {
        self.advance()?;
        let Some(device) = self.index().device(request.device)? else { return Ok(Taken::default()) };
        let waits = waits_for_confirmation(&self.index(), &device)?;
        let mut fates = Vec::new();
        for opened in request.sealed.into_iter().filter(|opened| !waits || opened.is_proven()) {
            fates.extend(self.receive_sealed(&device, opened)?);
        }
        for offer in request.offers {
            self.receive_offer(device.id, offer)?;
        }
        // What is new waits on the tablet until the server is confirmed.
        if waits {
            return Ok(Taken { fates, yours: BTreeSet::new(), left: request.left });
        }
        for envelope in request.envelopes {
            fates.extend(self.receive(request.device, envelope)?);
        }
        // What a device says that is in nobody's hands any more is judged by people; a withdrawal would not be.
        if device.state == DeviceState::Active {
            for hold in request.withdrawals {
                self.withdraw(device.person, hold)?;
            }
        }
        Ok(Taken { fates, yours: request.yours, left: request.left })
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
    let mut reply = fates_only(index, log, conditions, device, request, taken.fates)?;
    if device.state != DeviceState::Active || waits_for_confirmation(index, device)? {
        return Ok((reply, BTreeSet::new()));
    }
    // What was lost comes first: only behind it are the copies replaced from which it comes.
    let unheard = reply.life.is_some() && request.cursor.is_some();
    if request.brings_back || unheard {
        reply.more = true;
        return Ok((reply, BTreeSet::new()));
    }
    let after = match &request.cursor {
        Some(cursor) => worth(log, conditions.log, &conditions.secret, cursor)?,
        None => Worth::Foreign,
    };
    let from = match after {
        Worth::After(seq) => seq,
        // Set back while it was decided: the next request says so, and nothing of this log is told before.
        Worth::RolledBack => return Ok((reply, BTreeSet::new())),
        Worth::Foreign => 0,
    };
    reply.afresh = after == Worth::Foreign;
    let told = tell(index, log, device.person, from, &taken.yours, request.room)?;
    let moved = after != Worth::After(told.until);
    // Where nothing is told, the cursor moves only now and then: an empty answer stays small, and a rebuild of it cheap.
    if moved
        && (!told.entries.is_empty()
            || told.until.saturating_sub(from) >= CURSOR_IDLE_MAX
            || reply.afresh
            || !reply.fates.is_empty())
    {
        reply.cursor = Some(cursor_at(log, conditions.log, &conditions.secret, told.until)?);
        reply.mark = reply.mark.filter(|mark| mark.seq > told.until);
    }
    let position = Position { afresh: reply.afresh, from, until: told.until, more: told.more };
    let compared = compare(index, device.person, request.listing.as_ref(), position)?;
    let unlisted =
        reply.afresh && request.cursor.is_some() && !matches!(request.listing, Some(Listing::Full(_)));
    reply.listing_wanted = compared.wanted || unlisted;
    reply.entries = told.entries;
    reply.entries.extend(compared.repairs);
    reply.more = told.more || taken.left;
    Ok((reply, told.delivered))
}

/// Composes the reply to work that was handed in: its fates, what has become of the log, and nothing that anybody could read.
///
/// # Errors
/// [`KvError`] where index or log cannot be read.
pub fn fates_only(
    index: &Index<'_>,
    log: &dyn LogRead,
    conditions: &Conditions,
    device: &Device,
    request: &AnswerTo,
    fates: Vec<Fate>,
) -> Result<Reply, KvError> {
    let life = if request.heard == Some(conditions.log) {
        None
    } else {
        life(index, log, conditions.log, &request.seen, waits_for_confirmation(index, device)?)?
    };
    let last = fates.iter().map(|fate| fate.receipt.seq).max();
    let mark = last.map(|seq| cursor_at(log, conditions.log, &conditions.secret, seq)).transpose()?;
    Ok(Reply {
        fates,
        entries: Vec::new(),
        cursor: None,
        mark,
        schema: SCHEMA,
        policy: index.policy()?.number(),
        backed_up: request.backed_up,
        life,
        afresh: false,
        listing_wanted: false,
        more: false,
        clock: conditions.now,
    })
}

/// How far a cursor may fall behind the log's end when nothing in between was for this person.
pub const CURSOR_IDLE_MAX: u64 = 1_000;

/// What of a request its answer needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AnswerTo {
    /// The tablet's cursor.
    pub cursor: Option<Cursor>,
    /// The life of the log that it has heard of.
    pub heard: Option<LogId>,
    /// What it shows of what it was told.
    pub seen: Seen,
    /// What it says of its copies.
    pub listing: Option<Listing>,
    /// Whether it brings back what was lost, and asks for nothing else.
    pub brings_back: bool,
    /// Up to where a backup of the present log exists.
    pub backed_up: u64,
    /// About how many bytes of entries the line carries; [`REPLY_BYTES_MAX`] at the most.
    pub room: usize,
}

impl AnswerTo {
    /// Returns what the answer to a request needs of it. `backed_up` is the place up to which a whole and verified copy of the present log
    /// lies elsewhere: tablets let go of what it covers.
    pub fn of(request: &Request, backed_up: u64) -> Self {
        let heard = request.heard.or(request.cursor.map(|cursor| cursor.log));
        let (listing, brings_back) = (request.listing.clone(), request.brings_back());
        let seen = Seen::of(request);
        Self { cursor: request.cursor, heard, seen, listing, brings_back, backed_up, room: REPLY_BYTES_MAX }
    }
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
