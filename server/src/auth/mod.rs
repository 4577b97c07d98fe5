//! Who is asking: keys, tokens, signed assertions and pairing codes.
//!
//! Carryover keeps no bearer secret at rest on a tablet. A device has an ed25519 key of its own,
//! made when it is paired with a one-time code ([`pairing`]). Each exchange carries an
//! [`assertion`]: the device's signature over the body that it rides with. The server may answer
//! with an access [`token`] of five minutes for the plain downloads that follow. The keys that sign
//! those tokens, and the secret behind every keyed hash, live in a folder of their own ([`keys`]),
//! never in the data folder and never in its backups.
//!
//! Nothing here reads a clock or draws a random number: both come in as arguments. Nothing here
//! decides what somebody may read or write, either; it only says, beyond doubt, who is asking.

pub mod assertion;
pub mod certificate;
pub mod keys;
pub mod pairing;
mod provider;
pub mod token;

/// The id of a device: the first 16 bytes of a hash of its public key. It is not a secret and
/// proves nothing by itself.
pub type DeviceId = [u8; 16];

/// The id of the organisation that a server serves. It says whom a token or an assertion is meant
/// for, so that one made for another district is worth nothing here.
pub type OrganisationId = [u8; 16];
