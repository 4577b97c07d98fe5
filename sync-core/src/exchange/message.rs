//! What tablet and server say to each other.

use serde::{Deserialize, Serialize};

use crate::document::change::ChangeHash;
use crate::document::name::DocumentName;
use crate::document::schema::SCHEMA;
use crate::document::slot::{ContentHash, Slot};
use crate::envelope::Envelope;
use crate::exchange::codec;
use crate::ids::{ActId, DeviceId, DocumentId, HoldId, LogId, OrgId, PersonId, derive};
use crate::roster::version::PolicyVersion;
use crate::time::Moment;

/// Envelopes in one request.
pub const ENVELOPES_MAX: usize = 2_000;
/// Withdrawals in one request.
pub const WITHDRAWALS_MAX: usize = 2_000;
/// Sealed acts in one request.
pub const SEALED_MAX: usize = 2_000;
/// Documents of which one request offers something.
pub const OFFERS_MAX: usize = 2_000;
/// Copies in one listing.
pub const LISTING_MAX: usize = 20_000;
/// Places in one trail: one at each power of two from its end, and the end.
pub const TRAIL_MAX: usize = 65;
/// Bytes of entries in one reply; what does not fit comes with the next one.
pub const REPLY_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Up to where a tablet has looked through the organisation's log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cursor {
    /// Which log.
    #[serde(rename = "l")]
    pub log: LogId,
    /// The last sequence number that was looked at.
    #[serde(rename = "s")]
    pub seq: u64,
    /// The log's running hash there.
    #[serde(rename = "r", with = "serde_bytes")]
    pub running: [u8; 8],
    /// The server's keyed hash over the three above: it was this server that said so.
    #[serde(rename = "k", with = "serde_bytes")]
    pub keyed: [u8; 16],
}

/// A place in the log and the log's running hash there: whoever shows one that is the log's has seen what lies before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// The sequence number.
    #[serde(rename = "s")]
    pub seq: u64,
    /// The running hash there.
    #[serde(rename = "r", with = "serde_bytes")]
    pub running: [u8; 8],
}

/// A tablet's copy of a document, named without its content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Listed {
    /// Which document.
    #[serde(rename = "d")]
    pub document: DocumentId,
    /// Which life of it.
    #[serde(rename = "i")]
    pub incarnation: u32,
    /// How many changes it has beside its founding; none where it is being fetched, or is ahead of the cursor.
    #[serde(rename = "n")]
    pub changes: Option<u64>,
}

/// Returns the digest of a listing, whatever its order.
pub fn digest(listed: impl IntoIterator<Item = Listed>) -> ContentHash {
    let mut listed: Vec<Listed> = listed.into_iter().collect();
    listed.sort();
    let rows: Vec<Vec<u8>> = listed.iter().map(codec::to_bytes).collect();
    let parts: Vec<&[u8]> = rows.iter().map(Vec::as_slice).collect();
    ContentHash(derive("listing", &parts))
}

/// What a tablet says of the copies that it has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Listing {
    /// A hash of the listing: first thing in the day.
    #[serde(rename = "d")]
    Digest(ContentHash),
    /// The listing itself, when the server asked for it.
    #[serde(rename = "l")]
    Full(Vec<Listed>),
}

/// A tablet's half of an exchange.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// The organisation that is meant.
    #[serde(rename = "o")]
    pub org: OrgId,
    /// The device that asks.
    #[serde(rename = "k")]
    pub device: DeviceId,
    /// Up to where it has looked; none at first.
    #[serde(rename = "c")]
    pub cursor: Option<Cursor>,
    /// The schema that it reads.
    #[serde(rename = "m")]
    pub schema: u32,
    /// The policy that it goes by.
    #[serde(rename = "p")]
    pub policy: u32,
    /// What it brings: its own envelopes, or others' that it carries.
    #[serde(rename = "e")]
    pub envelopes: Vec<Envelope>,
    /// The log of the last reply, where it is not the cursor's: the tablet has heard that the server was restored.
    #[serde(rename = "h", default, skip_serializing_if = "Option::is_none")]
    pub heard: Option<LogId>,
    /// The last place of the log that a fate was given at, or up to which a copy was fetched, where that is not behind the cursor: a folder
    /// that was set back has lost it.
    #[serde(rename = "b", default, skip_serializing_if = "Option::is_none")]
    pub mark: Option<Cursor>,
    /// Places of the log that the tablet was shown, where the server asked for them, or the tablet has no cursor to show.
    #[serde(rename = "y", default, skip_serializing_if = "Option::is_none")]
    pub trail: Option<Vec<Place>>,
    /// Acts as they were sealed when they were made: sent again to a restored server, or handed in without their person.
    #[serde(rename = "x", default, skip_serializing_if = "Vec::is_empty")]
    pub sealed: Vec<Sealed>,
    /// What copies hold that a restored server may lack.
    #[serde(rename = "g", default, skip_serializing_if = "Vec::is_empty")]
    pub offers: Vec<Offer>,
    /// The certificate of a device that the server may not know any more.
    #[serde(rename = "z", default, skip_serializing_if = "Option::is_none")]
    pub certificate: Option<serde_bytes::ByteBuf>,
    /// Held work that its author takes back.
    #[serde(rename = "w")]
    pub withdrawals: Vec<HoldId>,
    /// The copies that it has, or their digest.
    #[serde(rename = "l", default, skip_serializing_if = "Option::is_none")]
    pub listing: Option<Listing>,
    /// Its clock.
    #[serde(rename = "t")]
    pub clock: Moment,
}

impl Request {
    /// Returns a request that says where a tablet stands, and nothing else.
    pub fn bare(org: OrgId, device: DeviceId, cursor: Option<Cursor>, clock: Moment) -> Self {
        Self {
            org,
            device,
            cursor,
            schema: SCHEMA,
            policy: PolicyVersion::default().number(),
            envelopes: Vec::new(),
            heard: None,
            mark: None,
            trail: None,
            sealed: Vec::new(),
            offers: Vec::new(),
            certificate: None,
            withdrawals: Vec::new(),
            listing: None,
            clock,
        }
    }

    /// Returns whether it brings back what a restored server has lost: such a request is answered with fates alone.
    pub fn brings_back(&self) -> bool {
        !self.offers.is_empty() || self.sealed.iter().any(|sealed| sealed.receipt.is_some())
    }
}

/// An act as its device signed and sealed it when it was made. Only the server can open it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sealed {
    /// The document that it is for.
    #[serde(rename = "d")]
    pub document: DocumentId,
    /// The act.
    #[serde(rename = "a")]
    pub act: ActId,
    /// The encoded [`Kept`], sealed to the server's key.
    #[serde(rename = "b", with = "serde_bytes")]
    pub sealed: Vec<u8>,
    /// The receipt by which it was stored once; none where it is to be judged.
    #[serde(rename = "r", default, skip_serializing_if = "Option::is_none")]
    pub receipt: Option<Receipt>,
}

/// What is inside a sealed act.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    /// The document's full name: a restored server may not know it.
    #[serde(rename = "n")]
    pub name: DocumentName,
    /// The act, signed.
    #[serde(rename = "e")]
    pub envelope: Envelope,
}

/// Records of a copy that a restored server may lack, whoever made them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offer {
    /// The document, by its full name.
    #[serde(rename = "n")]
    pub name: DocumentName,
    /// Which life of it the copy is of.
    #[serde(rename = "i")]
    pub incarnation: u32,
    /// The records, and the server's notes beside them.
    #[serde(rename = "s")]
    pub slots: Vec<Slot>,
}

/// What a server says of its log to a tablet that has not heard of the life that it is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Life {
    /// The present log.
    #[serde(rename = "l")]
    pub log: LogId,
    /// The last place up to which what the tablet was told is in the present log; none where its trail is needed to say so.
    #[serde(rename = "s", default, skip_serializing_if = "Option::is_none")]
    pub shared: Option<u64>,
    /// Whether the server waits for an administrator to confirm it: until then it takes nothing new.
    #[serde(rename = "w")]
    pub waiting: bool,
}

/// The server's keyed hash over log, sequence number, document, act, outcome, and what the act says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// The log in which the fate stands.
    #[serde(rename = "l")]
    pub log: LogId,
    /// Where in it.
    #[serde(rename = "s")]
    pub seq: u64,
    /// The keyed hash.
    #[serde(rename = "k", with = "serde_bytes")]
    pub keyed: [u8; 16],
}

/// What became of an act. Each one is durable before it is said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    /// It stands in the document and goes to everyone who reads it.
    #[serde(rename = "s")]
    Stored,
    /// It waits for review, or was decided.
    #[serde(rename = "h")]
    Held {
        /// Under which hold.
        #[serde(rename = "h")]
        hold: HoldId,
        /// Why.
        #[serde(rename = "r")]
        reason: HoldReason,
        /// Where the hold stands now.
        #[serde(rename = "s")]
        state: HoldState,
    },
    /// It cannot be in the document; the bytes are kept as evidence, and the coordinator is told.
    #[serde(rename = "r")]
    Refused {
        /// A stable code.
        #[serde(rename = "c")]
        code: String,
    },
}

/// The fate of one act, or of an envelope that was refused whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fate {
    /// The document.
    #[serde(rename = "d")]
    pub document: DocumentId,
    /// The act; none where the envelope was refused whole.
    #[serde(rename = "a")]
    pub act: Option<ActId>,
    /// The envelope that brought it.
    #[serde(rename = "e")]
    pub envelope: ContentHash,
    /// What became of it.
    #[serde(rename = "o")]
    pub outcome: Outcome,
    /// The receipt.
    #[serde(rename = "r")]
    pub receipt: Receipt,
}

/// Why an act waits for review.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HoldReason {
    /// The author had a place on the team once, and has none today.
    AccessEnded,
    /// The device was revoked.
    DeviceRevoked,
    /// The device was reported lost.
    DeviceLost,
    /// The role may propose this; somebody with the right decides.
    Proposal,
    /// The role may not do this.
    NotAllowed,
    /// The plan's school year is over.
    ClosedYear,
    /// No rule speaks of it.
    NoPolicy,
    /// A value cannot be as it is.
    NeedsCorrection,
    /// The same key stands with other content: two copies of one device.
    Twin,
    /// It builds on something that is itself held, or not known here.
    OnTop,
    /// It was found on a colleague's tablet after a restore.
    Recovered,
    /// The document could not be opened with it: it stood, and was set aside.
    SetAside,
}

impl HoldReason {
    /// Returns the reason's stable name.
    pub fn name(&self) -> &'static str {
        match self {
            Self::AccessEnded => "access_ended",
            Self::DeviceRevoked => "device_revoked",
            Self::DeviceLost => "device_lost",
            Self::Proposal => "proposal",
            Self::NotAllowed => "not_allowed",
            Self::ClosedYear => "closed_year",
            Self::NoPolicy => "no_policy",
            Self::NeedsCorrection => "needs_correction",
            Self::Twin => "twin",
            Self::OnTop => "on_top",
            Self::Recovered => "recovered",
            Self::SetAside => "set_aside",
        }
    }
}

/// Where a hold stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HoldState {
    /// Nobody has decided yet.
    Waiting,
    /// Its slots were issued.
    Admitted {
        /// Who admitted it; none where it came in because what it builds on did.
        by: Option<PersonId>,
    },
    /// It will not be in the record; the author has it, and why.
    Declined {
        /// Who declined it; none where it went along with what it builds on.
        by: Option<PersonId>,
        /// The reviewer's reason.
        reason: String,
    },
    /// Its author took it back.
    Withdrawn,
}

impl HoldState {
    /// Returns the state's stable name.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Admitted { .. } => "admitted",
            Self::Declined { .. } => "declined",
            Self::Withdrawn => "withdrawn",
        }
    }
}

/// A hold as its author or a reviewer sees it. It never carries a present value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HoldView {
    /// Which hold.
    #[serde(rename = "h")]
    pub id: HoldId,
    /// The document that it is for, by its full name.
    #[serde(rename = "n")]
    pub name: DocumentName,
    /// Whose act.
    #[serde(rename = "p")]
    pub author: PersonId,
    /// The act.
    #[serde(rename = "a")]
    pub act: ActId,
    /// What it would make.
    #[serde(rename = "s")]
    pub slots: Vec<Slot>,
    /// Why it waits.
    #[serde(rename = "r")]
    pub reason: HoldReason,
    /// In a few words, which value needs correction.
    #[serde(rename = "f")]
    pub fault: Option<String>,
    /// Whether it came after the author's place had ended, for ever.
    #[serde(rename = "l")]
    pub late: bool,
    /// When it arrived, by the server's clock.
    #[serde(rename = "t")]
    pub received: Moment,
    /// Where it stands.
    #[serde(rename = "q")]
    pub state: HoldState,
}

/// Why a document ends on a tablet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EndReason {
    /// The last day of the place on the team is over, or it was ended.
    GrantEnded,
    /// The place is another one now, which does not read this document.
    PlaceChanged,
    /// The policy is another one now, by which the place does not read this document.
    PolicyChanged,
    /// The tablet has a copy that it should not have, such as one of a life that is over.
    NotYours,
}

/// The bytes of a change, or their hash where the tablet sent them in this very request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum ChangeBytes {
    /// The change.
    #[serde(rename = "b")]
    Bytes(#[serde(with = "serde_bytes")] Vec<u8>),
    /// The hash of the change that the request brought.
    #[serde(rename = "h")]
    Yours(ChangeHash),
}

/// One thing that a tablet is told, in the order of the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Entry {
    /// A change of a document that the person reads.
    #[serde(rename = "c")]
    Change {
        /// Of which document.
        #[serde(rename = "d")]
        document: DocumentId,
        /// Its place in the log.
        #[serde(rename = "s")]
        seq: u64,
        /// The change.
        #[serde(rename = "b")]
        change: ChangeBytes,
    },
    /// The person reads a document from here on.
    #[serde(rename = "b")]
    Begin {
        /// The document, by its full name.
        #[serde(rename = "n")]
        name: DocumentName,
        /// Which life of it.
        #[serde(rename = "i")]
        incarnation: u32,
        /// Fetch a snapshot at or after this place in the log; none where founding it is enough.
        #[serde(rename = "f")]
        fetch: Option<u64>,
        /// The open holds of it that this person may review.
        #[serde(rename = "h")]
        holds: Vec<HoldView>,
    },
    /// What this person may review in a document changed: these are the open holds now.
    #[serde(rename = "v")]
    Review {
        /// Of which document.
        #[serde(rename = "d")]
        document: DocumentId,
        /// The open holds.
        #[serde(rename = "h")]
        holds: Vec<HoldView>,
    },
    /// The person reads a document no more: hand in, then purge.
    #[serde(rename = "e")]
    End {
        /// Which document.
        #[serde(rename = "d")]
        document: DocumentId,
        /// Why.
        #[serde(rename = "w")]
        why: EndReason,
    },
    /// The document has a new life: the copy is to be fetched again.
    #[serde(rename = "r")]
    Replace {
        /// Which document.
        #[serde(rename = "d")]
        document: DocumentId,
        /// Which life.
        #[serde(rename = "i")]
        incarnation: u32,
        /// Fetch a snapshot at or after this place in the log.
        #[serde(rename = "f")]
        fetch: u64,
    },
    /// A hold was made or changed its state.
    #[serde(rename = "h")]
    Hold(HoldView),
    /// Something that the server owns and the tablet needs offline.
    #[serde(rename = "f")]
    Fact {
        /// What it is about.
        #[serde(rename = "k")]
        key: String,
        /// The value; none where it is gone.
        #[serde(rename = "v")]
        value: Option<serde_bytes::ByteBuf>,
    },
}

/// The server's half of an exchange.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reply {
    /// What became of the acts that the request brought.
    #[serde(rename = "f", default, skip_serializing_if = "Vec::is_empty")]
    pub fates: Vec<Fate>,
    /// What the log has for this person after the cursor.
    #[serde(rename = "e", default, skip_serializing_if = "Vec::is_empty")]
    pub entries: Vec<Entry>,
    /// The new cursor, if it moved.
    #[serde(rename = "c", default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<Cursor>,
    /// The schema that documents are founded to.
    #[serde(rename = "m")]
    pub schema: u32,
    /// The policy that acts are judged by.
    #[serde(rename = "p")]
    pub policy: u32,
    /// Up to which place in the log a backup exists.
    #[serde(rename = "u")]
    pub backed_up: u64,
    /// The present life of the log, where the tablet has not heard of it.
    #[serde(rename = "v", default, skip_serializing_if = "Option::is_none")]
    pub life: Option<Life>,
    /// The last place of the log that a fate of this reply was given at, where the cursor does not cover it.
    #[serde(rename = "b", default, skip_serializing_if = "Option::is_none")]
    pub mark: Option<Cursor>,
    /// Whether all holds and facts are told anew, from this reply on until there is no more.
    #[serde(rename = "n", default, skip_serializing_if = "std::ops::Not::not")]
    pub afresh: bool,
    /// Whether the server asks for the listing itself.
    #[serde(rename = "l", default, skip_serializing_if = "std::ops::Not::not")]
    pub listing_wanted: bool,
    /// Whether there is more after this reply.
    #[serde(rename = "o", default, skip_serializing_if = "std::ops::Not::not")]
    pub more: bool,
    /// The server's clock.
    #[serde(rename = "t")]
    pub clock: Moment,
}
