//! A tablet's half of an exchange.

use serde::{Deserialize, Serialize};

use super::{Cursor, Listing, Place, Receipt};
use crate::document::name::DocumentName;
use crate::document::schema::SCHEMA;
use crate::document::slot::Slot;
use crate::envelope::Envelope;
use crate::ids::{ActId, DeviceId, DocumentId, HoldId, LogId, OrgId};
use crate::roster::version::PolicyVersion;
use crate::time::Moment;

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
