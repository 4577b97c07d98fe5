//! What a backup says of itself.

use serde::{Deserialize, Serialize};
use sync_core::ids::{LogId, OrgId};

/// The manifest's name in a backup.
pub const MANIFEST: &str = "manifest";
/// The version of the layout that is written and read here.
pub(super) const VERSION: u32 = 1;

/// What a backup is of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// The version of the layout.
    pub version: u32,
    /// The program that took it.
    pub program: String,
    /// Whose data it is.
    pub organisation: OrgId,
    /// Which life of the log.
    pub log: LogId,
    /// Up to which record.
    pub seq: u64,
    /// The log's running hash there, in hexadecimal.
    pub running: String,
    /// When, in the organisation's zone.
    pub taken: String,
    /// The name of the certificate key with which the server worked; none where its keys could not be seen.
    pub key: Option<String>,
    /// The log's segments, in order.
    pub files: Vec<BackupFile>,
}

/// A file of a backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackupFile {
    /// Its name in the log's folder.
    pub name: String,
    /// Its size.
    pub bytes: u64,
    /// The SHA-256 of its content, in hexadecimal.
    pub sha256: String,
}
