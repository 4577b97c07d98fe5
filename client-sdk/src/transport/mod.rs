//! How a tablet reaches its server: a trait of five calls, and HTTP as the one way that there is.
//!
//! A transport decides nothing. It says what came back in the four ways that matter to the engine: a reply, nothing at all, "later", or
//! a refusal. What does not look like our server's word (the page of a hotel's network) is not a reply.

mod failure;
pub mod http;

pub use failure::{Failure, Refusal};

use std::future::Future;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use sync_core::exchange::message::Cursor;
use sync_core::ids::{DeviceId, DocumentId, HoldId, LogId, OrgId, PersonId, TabletId};

/// Which way an exchange takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Route {
    /// The exchange of a device in use.
    Exchange,
    /// Only handing in: for a device whose access has ended.
    HandIn,
}

/// What pairing asks.
#[derive(Debug, Clone, Serialize)]
pub struct PairingRequest {
    /// The code as it was typed.
    pub code: String,
    /// The device's public key, in base64url.
    pub public_key: String,
    /// The tablet that the profile lives on.
    pub tablet: TabletId,
    /// The app's name and version.
    pub app: String,
}

/// What pairing answers.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Paired {
    /// The device.
    pub device: DeviceId,
    /// Its person.
    pub person: PersonId,
    /// What the district's roster calls this person.
    #[serde(default)]
    pub person_external_id: String,
    /// The organisation.
    pub organisation: OrgId,
    /// Its name.
    pub organisation_name: String,
    /// Its time zone.
    pub zone: String,
    /// The life of its log.
    pub log: LogId,
    /// The server's word that all this is so, in base64url.
    pub certificate: String,
    /// The key to which acts are sealed, in base64url; none of an older server.
    #[serde(default)]
    pub sealing_key: Option<String>,
}

/// What an exchange brought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exchanged {
    /// The unpacked body.
    pub body: Vec<u8>,
    /// A token for the snapshots that follow.
    pub token: Option<String>,
}

/// A snapshot, or what is missing of it.
#[derive(Debug, Clone, Copy)]
pub struct SnapshotWanted<'a> {
    /// Of which document.
    pub document: DocumentId,
    /// The place in the log that it must have reached.
    pub at_least: u64,
    /// The token of the last exchange.
    pub token: &'a str,
    /// Bytes that are here, and the tag of what they belong to.
    pub have: Option<(u64, &'a str)>,
}

/// What a snapshot says of itself before its bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SnapshotHead {
    /// Its tag.
    pub etag: String,
    /// The place in the log up to which it is complete.
    pub seq: u64,
    /// Which life of the document it is.
    pub incarnation: u32,
    /// Bytes of the whole.
    pub length: u64,
    /// The log at that place, as a cursor; none from an older server.
    #[serde(default)]
    pub mark: Option<Cursor>,
}

impl SnapshotHead {
    /// Returns whether the bytes of both are the same ones, of the same life of the log. The place up to which they are complete moves on
    /// with the log; one of another life says nothing about this one.
    pub fn is_of_same_bytes(&self, other: &Self) -> bool {
        (&self.etag, self.incarnation, self.length) == (&other.etag, other.incarnation, other.length)
            && self.life() == other.life()
    }

    /// Returns the life of the log that its place is of, as far as the server said.
    pub fn life(&self) -> Option<LogId> {
        self.mark.map(|mark| mark.log)
    }
}

/// Where a snapshot's bytes go while they come.
pub trait SnapshotSink {
    /// Says what is coming, and at which byte of it.
    ///
    /// # Errors
    /// Any: the transfer is ended.
    fn begin(&mut self, head: &SnapshotHead, from: u64) -> Result<(), SinkError>;

    /// Takes the next bytes.
    ///
    /// # Errors
    /// Any: the transfer is ended.
    fn bytes(&mut self, bytes: &[u8]) -> Result<(), SinkError>;
}

/// What came cannot be kept.
#[derive(Debug, thiserror::Error)]
pub enum SinkError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] crate::store::StoreError),
    /// It does not go on where the last piece ended.
    #[error("the snapshot's pieces do not fit together")]
    Misfit,
    /// The document has grown larger than what a tablet takes.
    #[error("a student's document is larger than a tablet takes")]
    TooLarge,
}

/// A reviewer's decision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Decision {
    /// The holds.
    pub holds: Vec<HoldId>,
    /// Why they are declined; none where they are admitted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// What stands after a decision.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Decisions {
    /// Every hold that was named.
    pub holds: Vec<Decided>,
}

/// A hold after a decision about it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Decided {
    /// The hold.
    pub id: HoldId,
    /// Its state, in the protocol's word: what had been decided before is as it was.
    pub state: String,
}

/// Bytes of bodies, as they were on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Traffic {
    /// Sent.
    pub up: u64,
    /// Received.
    pub down: u64,
}

/// The way to the server. A dropped future ends the call; what the server has done by then stands, and asking again is harmless.
pub trait Transport {
    /// Pairs this device.
    fn pair(&self, request: &PairingRequest) -> impl Future<Output = Result<Paired, Failure>>;

    /// Exchanges an encoded request for an encoded reply; `assertion` is the device's over the body (none where it is handed in by a
    /// certificate), `room` how many bytes of entries the line carries, where that is known.
    fn exchange(
        &self,
        route: Route,
        assertion: Option<&str>,
        body: &[u8],
        room: Option<u32>,
    ) -> impl Future<Output = Result<Exchanged, Failure>>;

    /// Fetches a snapshot, or the rest of one. What came before it broke off is in the sink.
    fn snapshot(
        &self,
        wanted: SnapshotWanted<'_>,
        sink: &mut dyn SnapshotSink,
    ) -> impl Future<Output = Result<(), Failure>>;

    /// Decides holds, and returns in which state each is then: what had been decided before is as it was. `assertion` is the device's
    /// over the encoded decision.
    fn decide(
        &self,
        body: &[u8],
        declines: bool,
        assertion: &str,
    ) -> impl Future<Output = Result<Decisions, Failure>>;

    /// Returns what went over the wire so far.
    fn traffic(&self) -> Traffic;

    /// Waits.
    fn pause(&self, time: Duration) -> impl Future<Output = ()>;
}
