//! The server's own keys, in a folder of their own.
//!
//! The folder lies beside the data folder, never in it, so that a backup of the data carries no
//! key. It is made whole or not at all: the files are written and synced in a folder under a
//! temporary name, which is then renamed. A data folder whose keys are gone is a loud error, never
//! a reason to draw new ones, since every token, certificate, cursor and receipt out there was
//! made with the old.
//!
//! | File | What it is for |
//! | --- | --- |
//! | `access.key` | signs access tokens and administrators' tokens |
//! | `certificate.key` | signs the certificate that a device gets when it is paired |
//! | `hash.secret` | keys every hash that the server hands out or stores: cursors, receipts, codes; and the key that acts are sealed to |
//!
//! Each file is 32 bytes of randomness and a checksum of them ([`FILE_BYTES`]): a key in which a bit
//! has flipped is as good as any other, and would quietly refuse everything that was made with it.
//! A hash says what it is for ([`Purpose`]), so that a value made for one purpose is never accepted
//! for another.

use std::ffi::{OsStr, OsString};
use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ed25519_dalek::{SigningKey, VerifyingKey};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::{Digest as _, Sha256};
use sync_core::sealing::OpeningKey;
use sync_core::seeded::{Bug, seeded};
use zeroize::Zeroizing;

/// The mode of the keys folder: its owner alone.
pub const FOLDER_MODE: u32 = 0o700;
/// The mode of each file in it.
pub const FILE_MODE: u32 = 0o600;
/// Any of these bits on the folder or a file lets somebody else in.
const OTHERS: u32 = 0o077;
/// The length of each key and of the secret, in bytes.
pub const KEY_BYTES: usize = 32;
/// The length of a key's file: the key, and the CRC32C of the file's name and the key.
pub const FILE_BYTES: usize = KEY_BYTES + CHECKSUM_BYTES;

const CHECKSUM_BYTES: usize = 4;

const ACCESS: &str = "access.key";
const CERTIFICATE: &str = "certificate.key";
const SECRET: &str = "hash.secret";
const KID_PREFIX: &[u8] = b"carryover kid v1\0";
/// 16 bytes of a hash cannot collide by accident, and keep a token's header short.
const KID_BYTES: usize = 16;

/// Why the server's keys could not be had.
#[derive(Debug, thiserror::Error)]
pub enum KeysError {
    /// There is data, but no keys to it.
    #[error(
        "the data folder has been in use, but its keys folder {0} is missing: put it back, or name it with --keys"
    )]
    Missing(PathBuf),
    /// The folder is there, one of its files is not.
    #[error("the keys folder lacks {0}: put the whole folder back")]
    Incomplete(PathBuf),
    /// Somebody else could read or replace a key.
    #[error(
        "{path} is open to others (mode {mode:03o}): set it to 0700 for the folder and 0600 for its files"
    )]
    TooOpen {
        /// The folder or file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// A file that is not exactly [`FILE_BYTES`] long, or no file at all.
    #[error("{0} is not a key: it must be a plain file of {FILE_BYTES} bytes")]
    NotAKey(PathBuf),
    /// A file that is not as it was written.
    #[error("{0} is damaged: it does not match its checksum; put the whole keys folder back from its copy")]
    Damaged(PathBuf),
    /// The random source of the system failed.
    #[error("no randomness to make keys of")]
    Random(#[source] io::Error),
    /// The file system refused.
    #[error("could not use {path}")]
    Io {
        /// What was being read or written.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}

impl KeysError {
    /// Returns the folder or file that it is about.
    pub fn path(&self) -> Option<&Path> {
        match self {
            Self::Missing(path)
            | Self::Incomplete(path)
            | Self::NotAKey(path)
            | Self::Damaged(path)
            | Self::TooOpen { path, .. }
            | Self::Io { path, .. } => Some(path),
            Self::Random(_) => None,
        }
    }
}

/// The server's keys, read once at start.
pub struct ServerKeys {
    access: ServerKey,
    certificate: ServerKey,
    secret: HashSecret,
}

impl ServerKeys {
    /// Opens the keys folder. Where neither it nor any data exists yet (`data_exists` is false), it
    /// is made, of bytes that `random` draws.
    pub fn open_or_create(
        folder: &Path,
        data_exists: bool,
        random: impl FnMut(&mut [u8]) -> io::Result<()>,
    ) -> Result<Self, KeysError> {
        if is_unused(folder)? {
            if data_exists {
                return Err(KeysError::Missing(folder.to_owned()));
            }
            create(folder, random)?;
        }
        Self::open(folder)
    }

    /// Opens an existing keys folder, which nobody but its owner may be able to read.
    pub fn open(folder: &Path) -> Result<Self, KeysError> {
        let found = match fs::metadata(folder) {
            Ok(found) => found,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(KeysError::Missing(folder.to_owned()));
            }
            Err(error) => return Err(io_at(folder)(error)),
        };
        private(folder, &found.permissions())?;
        Ok(Self {
            access: ServerKey::of_seed(&*read(&folder.join(ACCESS))?),
            certificate: ServerKey::of_seed(&*read(&folder.join(CERTIFICATE))?),
            secret: HashSecret(read(&folder.join(SECRET))?),
        })
    }

    /// The key that signs access tokens.
    pub fn access(&self) -> &ServerKey {
        &self.access
    }

    /// The key that signs devices' certificates.
    pub fn certificate(&self) -> &ServerKey {
        &self.certificate
    }

    /// The key that opens what tablets seal for the day on which this server comes back from a copy. It follows from the secret, so that
    /// whoever has put the keys folder back has it, too.
    pub fn opening(&self) -> OpeningKey {
        OpeningKey::of_secret(&self.secret.hash(Purpose::Sealing, &[]))
    }

    /// The secret behind every keyed hash.
    pub fn secret(&self) -> &HashSecret {
        &self.secret
    }
}

/// Where the keys of a data folder lie unless said otherwise: its name with `.keys` behind it.
pub fn default_folder(data: &Path) -> PathBuf {
    let mut name = OsString::from(data.components().as_path());
    name.push(".keys");
    PathBuf::from(name)
}

/// Fills `bytes` from the system's random source: what the program passes as `random`.
pub fn system_random(bytes: &mut [u8]) -> io::Result<()> {
    getrandom::fill(bytes).map_err(io::Error::from)
}

/// A signing key with its name.
pub struct ServerKey {
    key: SigningKey,
    kid: String,
}

impl ServerKey {
    /// Takes the 32 bytes that the key is made of.
    pub(super) fn of_seed(seed: &[u8; KEY_BYTES]) -> Self {
        let key = SigningKey::from_bytes(seed);
        let kid = kid(&key.verifying_key());
        Self { key, kid }
    }

    /// The key itself.
    pub fn signing(&self) -> &SigningKey {
        &self.key
    }

    /// The public half.
    pub fn verifying(&self) -> VerifyingKey {
        self.key.verifying_key()
    }

    /// The name by which what was signed says which key it was: see [`kid`].
    pub fn kid(&self) -> &str {
        &self.kid
    }
}

/// Names a public key by a hash of itself, so that no list of names has to be kept.
pub fn kid(key: &VerifyingKey) -> String {
    let hash = Sha256::new().chain_update(KID_PREFIX).chain_update(key.as_bytes()).finalize();
    URL_SAFE_NO_PAD.encode(&hash[..KID_BYTES])
}

/// What a keyed hash is for. A hash made for one purpose verifies for no other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// The place in the log that a tablet hands back.
    Cursor,
    /// The durable fate of an act.
    Receipt,
    /// The part of a pairing code that finds its record.
    PairingLocator,
    /// A whole pairing code.
    PairingCode,
    /// The secret of a guardian's invitation.
    Invitation,
    /// The token of a guardian's session.
    FamilySession,
    /// The secret that the exchange derives its own keyed hashes from.
    Exchange,
    /// The secret of the key to which tablets seal their acts.
    Sealing,
}

impl Purpose {
    fn label(self) -> &'static [u8] {
        match self {
            Self::Cursor => b"carryover cursor v1\0",
            Self::Receipt => b"carryover receipt v1\0",
            Self::PairingLocator => b"carryover pairing locator v1\0",
            Self::PairingCode => b"carryover pairing code v1\0",
            Self::Invitation => b"carryover invitation v1\0",
            Self::FamilySession => b"carryover family session v1\0",
            Self::Exchange => b"carryover exchange v1\0",
            Self::Sealing => b"carryover sealing v1\0",
        }
    }
}

/// The secret behind keyed hashes (HMAC-SHA-256, RFC 2104).
pub struct HashSecret(Zeroizing<[u8; KEY_BYTES]>);

impl HashSecret {
    /// Takes a secret as it is; the server's own comes out of its keys folder.
    pub fn new(bytes: [u8; KEY_BYTES]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// Returns the keyed hash of `message` for `purpose`.
    pub fn hash(&self, purpose: Purpose, message: &[u8]) -> [u8; 32] {
        self.mac(purpose, message).finalize().into_bytes().into()
    }

    /// Says whether `given` is the keyed hash, or at least its first 8 bytes, in a time that does
    /// not depend on where it differs. A shorter one never is.
    pub fn verifies(&self, purpose: Purpose, message: &[u8], given: &[u8]) -> bool {
        given.len() >= HASH_BYTES_MIN && self.mac(purpose, message).verify_truncated_left(given).is_ok()
    }

    fn mac(&self, purpose: Purpose, message: &[u8]) -> Hmac<Sha256> {
        // A key of exactly 32 bytes is shorter than the block, so that it is padded with zeros.
        let mut block = hmac::digest::Key::<Hmac<Sha256>>::default();
        block[..KEY_BYTES].copy_from_slice(self.0.as_slice());
        let mut mac = Hmac::new(&block);
        mac.update(purpose.label());
        mac.update(message);
        mac
    }
}

/// A cut hash below this length could be guessed by trying.
pub const HASH_BYTES_MIN: usize = 8;

/// Whether there is nothing at `folder`, or an empty folder that somebody made ready for us.
fn is_unused(folder: &Path) -> Result<bool, KeysError> {
    match fs::read_dir(folder) {
        Ok(mut entries) => Ok(entries.next().is_none()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(true),
        Err(error) => Err(io_at(folder)(error)),
    }
}

fn create(folder: &Path, mut random: impl FnMut(&mut [u8]) -> io::Result<()>) -> Result<(), KeysError> {
    let mut name = OsString::from(folder);
    name.push(".new");
    let unfinished = PathBuf::from(name);
    // Left by a start that was cut off before the rename: nothing was ever signed with it.
    if unfinished.exists() {
        fs::remove_dir_all(&unfinished).map_err(io_at(&unfinished))?;
    }
    DirBuilder::new().recursive(true).mode(FOLDER_MODE).create(&unfinished).map_err(io_at(&unfinished))?;
    for file in [ACCESS, CERTIFICATE, SECRET] {
        let mut bytes = Zeroizing::new([0; KEY_BYTES]);
        random(bytes.as_mut_slice()).map_err(KeysError::Random)?;
        let path = unfinished.join(file);
        let sealed = Zeroizing::new([bytes.as_slice(), &checksum(file.as_ref(), &bytes)].concat());
        write(&path, &sealed).map_err(io_at(&path))?;
    }
    sync_folder(&unfinished)?;
    fs::rename(&unfinished, folder).map_err(io_at(folder))?;
    match folder.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => sync_folder(parent),
        Some(_) | None => sync_folder(Path::new(".")),
    }
}

fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(FILE_MODE).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

fn sync_folder(folder: &Path) -> Result<(), KeysError> {
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(io_at(folder))
}

fn read(path: &Path) -> Result<Zeroizing<[u8; KEY_BYTES]>, KeysError> {
    let found = match fs::symlink_metadata(path) {
        Ok(found) => found,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(KeysError::Incomplete(path.to_owned()));
        }
        Err(error) => return Err(io_at(path)(error)),
    };
    if !found.is_file() || found.len() != FILE_BYTES as u64 {
        return Err(KeysError::NotAKey(path.to_owned()));
    }
    private(path, &found.permissions())?;
    let bytes = Zeroizing::new(fs::read(path).map_err(io_at(path))?);
    let Some((key, written)) = bytes.split_first_chunk::<KEY_BYTES>() else {
        return Err(KeysError::NotAKey(path.to_owned()));
    };
    let key = Zeroizing::new(*key);
    let is_ours = path.file_name().is_some_and(|name| checksum(name, &key) == written);
    match is_ours || seeded(Bug::KeyUnchecked) {
        true => Ok(key),
        false => Err(KeysError::Damaged(path.to_owned())),
    }
}

/// Returns the checksum of a key in the file of that name; in any other file it is wrong.
fn checksum(file: &OsStr, key: &[u8; KEY_BYTES]) -> [u8; CHECKSUM_BYTES] {
    crc32c::crc32c_append(crc32c::crc32c(file.as_encoded_bytes()), key).to_le_bytes()
}

fn private(path: &Path, permissions: &Permissions) -> Result<(), KeysError> {
    let mode = permissions.mode() & 0o777;
    if mode & OTHERS == 0 { Ok(()) } else { Err(KeysError::TooOpen { path: path.to_owned(), mode }) }
}

fn io_at(path: &Path) -> impl FnOnce(io::Error) -> KeysError {
    let path = path.to_owned();
    |source| KeysError::Io { path, source }
}

#[cfg(test)]
mod tests;
