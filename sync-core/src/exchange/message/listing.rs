//! Which copies a tablet has.

use serde::{Deserialize, Serialize};

use crate::document::slot::ContentHash;
use crate::exchange::codec;
use crate::ids::{DocumentId, derive};

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
