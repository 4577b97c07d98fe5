//! Access tokens: short statements of the server to itself, signed with ed25519 (JWT, RFC 7519;
//! hardened as RFC 8725 and typed as RFC 9068 say).
//!
//! Two kinds, told apart by their audience, so that one is never taken for the other:
//!
//! | Kind | Subject | Lives |
//! | --- | --- | --- |
//! | [`Subject::Device`] | a device and its person | [`DEVICE_TOKEN_LIFE_S`], handed out in the reply to a signed exchange |
//! | [`Subject::Admin`] | the administrator, or a person who acts by script | the days that it was made for, across restarts |
//!
//! The token library is left to split, decode and verify. Everything else is checked here, because
//! its defaults are not enough: it asks only for `exp`, leaves `nbf` unchecked, knows nothing of
//! `jti`, `typ` and `kid`, and reads the wall clock. The order of the checks is: length, the header
//! (which must be *exactly* the one that this server writes, so that there is no `jku`, `jwk` or
//! `crit` to obey), the key by its name in a fixed map, the signature, and only then the claims.
//!
//! A token says who it was given to, not what they may do now: a revoked device's token still
//! verifies until it expires, so whoever uses a [`Verified`] looks the device up.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ed25519_dalek::VerifyingKey;
use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};

use super::keys::{ServerKey, kid};
use super::{DeviceId, OrganisationId, provider};

/// How long a device's access token lives, in seconds.
pub const DEVICE_TOKEN_LIFE_S: u64 = 5 * 60;
/// The longest that an administrator's token may live, in days: it is renewed once a year.
pub const ADMIN_TOKEN_DAYS_MAX: u32 = 366;
/// How long an administrator's token lives unless said otherwise, in days.
pub const ADMIN_TOKEN_DAYS_DEFAULT: u32 = 30;
/// How far the clocks of two servers of one organisation may be apart, in seconds.
pub const LEEWAY_S: u64 = 10;
/// The longest token that is looked at, in bytes.
pub const TOKEN_BYTES_MAX: usize = 4 * 1024;
/// The longest id of a person in a token, in bytes.
pub const PERSON_BYTES_MAX: usize = 128;

/// The `typ` of every token here (RFC 9068): no other kind of JWT is an access token.
const TYPE: &str = "at+jwt";
/// The subject of an administrator's token that is nobody's in particular.
const ADMINISTRATOR: &str = "admin";
const SECONDS_PER_DAY: u64 = 24 * 60 * 60;

/// Whose token it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject {
    /// A paired device, which is one person's profile on one tablet.
    Device {
        /// The device.
        device: DeviceId,
        /// The person whose device it is.
        person: String,
    },
    /// Somebody who works by command line or script.
    Admin {
        /// The person whose rights count; none for the administrator of the installation.
        person: Option<String>,
    },
}

/// What a token is good for: its `aud` claim. A route names those that it takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Audience {
    /// Downloads by a device.
    Device,
    /// The administration.
    Admin,
}

impl Audience {
    fn name(self) -> &'static str {
        match self {
            Self::Device => "carryover/device",
            Self::Admin => "carryover/admin",
        }
    }

    fn named(name: &str) -> Option<Self> {
        [Self::Device, Self::Admin].into_iter().find(|audience| audience.name() == name)
    }
}

/// A token that stood every check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    /// Whose it is.
    pub subject: Subject,
    /// The token's own id, for the audit record; 16 bytes as base64url.
    pub id: String,
    /// When it expires, in seconds since 1970.
    pub expires_s: u64,
}

/// Why a token could not be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IssueError {
    /// A life of no days, or of more than [`ADMIN_TOKEN_DAYS_MAX`].
    #[error("a token lives 1 to {ADMIN_TOKEN_DAYS_MAX} days")]
    Days,
    /// A person id that is empty, too long, or the administrator's reserved name.
    #[error("a person id in a token has 1 to {PERSON_BYTES_MAX} bytes and is not \"{ADMINISTRATOR}\"")]
    Person,
    /// The library could not sign.
    #[error("the token could not be signed")]
    Signing,
}

/// Why a token was not accepted. Callers answer all but `Expired` alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// Longer than [`TOKEN_BYTES_MAX`]: not even parsed.
    #[error("token too long")]
    TooLong,
    /// Not three parts of base64url, or a header that is no JSON.
    #[error("not a token")]
    Malformed,
    /// A header other than the one that this server writes: algorithm, type, or anything more.
    #[error("not a token of this server's making")]
    Header,
    /// A key that this server does not know.
    #[error("signed with an unknown key")]
    UnknownKey,
    /// The signature does not verify.
    #[error("signature does not verify")]
    Signature,
    /// A claim is missing, twice there, or of the wrong type or form.
    #[error("claims missing or malformed")]
    Claims,
    /// Made by another server or for another organisation.
    #[error("token of another issuer")]
    Issuer,
    /// Made for something else than what it was used for.
    #[error("token for another use")]
    Audience,
    /// Over.
    #[error("token expired")]
    Expired,
    /// Not begun.
    #[error("token not valid yet")]
    NotYetValid,
}

/// Why tokens cannot be handled at all in this process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("another JWT provider was installed in this process first")]
pub struct ProviderTaken;

#[derive(Serialize, Deserialize)]
struct Claims {
    iss: String,
    aud: String,
    sub: String,
    /// Seconds since 1970; a number and nothing else (a string once slipped past the library: CVE-2026-25537).
    exp: u64,
    nbf: u64,
    jti: String,
    /// Only in a device's token: the person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    person: Option<String>,
}

/// Makes and checks the tokens of one organisation.
pub struct Tokens {
    issuer: String,
    kid: String,
    signing: EncodingKey,
    /// Every key whose tokens are accepted, by its name. Nothing is ever added to it by a request.
    known: BTreeMap<String, DecodingKey>,
}

impl Tokens {
    /// Signs with `current`, and accepts tokens of it and of the `retiring` keys of a rotation.
    pub fn new(
        organisation: OrganisationId,
        current: &ServerKey,
        retiring: &[VerifyingKey],
    ) -> Result<Self, ProviderTaken> {
        if !provider::install() {
            return Err(ProviderTaken);
        }
        let known = retiring.iter().copied().chain([current.verifying()]);
        Ok(Self {
            issuer: format!("carryover:{}", URL_SAFE_NO_PAD.encode(organisation)),
            kid: current.kid().to_owned(),
            signing: provider::encoding_key(current.signing()),
            known: known.map(|key| (kid(&key), provider::decoding_key(&key))).collect(),
        })
    }

    /// Makes a device's access token at `now_s`. `id` is 16 random bytes, never used before.
    pub fn issue_device(
        &self,
        device: DeviceId,
        person: &str,
        id: [u8; 16],
        now_s: u64,
    ) -> Result<String, IssueError> {
        let person = checked_person(person)?;
        self.sign(&self.claims(
            Audience::Device,
            encode_id(device),
            Some(person),
            id,
            now_s,
            DEVICE_TOKEN_LIFE_S,
        ))
    }

    /// Makes an administrator's token, or that of the `person` in whose name a script acts, good
    /// for `days`. `id` is 16 random bytes, never used before.
    pub fn issue_admin(
        &self,
        person: Option<&str>,
        days: u32,
        id: [u8; 16],
        now_s: u64,
    ) -> Result<String, IssueError> {
        if !(1..=ADMIN_TOKEN_DAYS_MAX).contains(&days) {
            return Err(IssueError::Days);
        }
        let subject = person.map_or(Ok(ADMINISTRATOR.to_owned()), checked_person)?;
        let life_s = u64::from(days) * SECONDS_PER_DAY;
        self.sign(&self.claims(Audience::Admin, subject, None, id, now_s, life_s))
    }

    /// Checks a token at `now_s` (seconds since 1970) for a route that takes the kinds in `accepted`.
    pub fn verify(&self, token: &str, accepted: &[Audience], now_s: u64) -> Result<Verified, TokenError> {
        if token.len() > TOKEN_BYTES_MAX {
            return Err(TokenError::TooLong);
        }
        let header =
            jsonwebtoken::decode_header(token).map_err(|error| refusal(error.kind(), TokenError::Header))?;
        let named = header.kid.as_deref().ok_or(TokenError::Header)?;
        if header != header_of(named) {
            return Err(TokenError::Header);
        }
        let key = self.known.get(named).ok_or(TokenError::UnknownKey)?;
        let claims = jsonwebtoken::decode::<Claims>(token, key, &signature_alone())
            .map_err(|error| refusal(error.kind(), TokenError::Claims))?
            .claims;
        self.judge(claims, accepted, now_s)
    }

    fn judge(&self, claims: Claims, accepted: &[Audience], now_s: u64) -> Result<Verified, TokenError> {
        if claims.iss != self.issuer {
            return Err(TokenError::Issuer);
        }
        let audience = Audience::named(&claims.aud).ok_or(TokenError::Audience)?;
        if !accepted.contains(&audience) {
            return Err(TokenError::Audience);
        }
        if claims.nbf > now_s.saturating_add(LEEWAY_S) {
            return Err(TokenError::NotYetValid);
        }
        // The moment of expiry is the first at which it is over (RFC 7519, 4.1.4).
        if now_s >= claims.exp.saturating_add(LEEWAY_S) {
            return Err(TokenError::Expired);
        }
        if decode_id(&claims.jti).is_none() {
            return Err(TokenError::Claims);
        }
        let subject = subject(audience, claims.sub, claims.person).ok_or(TokenError::Claims)?;
        Ok(Verified { subject, id: claims.jti, expires_s: claims.exp })
    }

    fn claims(
        &self,
        audience: Audience,
        sub: String,
        person: Option<String>,
        id: [u8; 16],
        now_s: u64,
        life_s: u64,
    ) -> Claims {
        Claims {
            iss: self.issuer.clone(),
            aud: audience.name().to_owned(),
            sub,
            exp: now_s.saturating_add(life_s),
            nbf: now_s,
            jti: encode_id(id),
            person,
        }
    }

    fn sign(&self, claims: &Claims) -> Result<String, IssueError> {
        jsonwebtoken::encode(&header_of(&self.kid), claims, &self.signing).map_err(|_| IssueError::Signing)
    }
}

/// The only header that is ever written, and so the only one that is accepted.
fn header_of(kid: &str) -> Header {
    let mut header = Header::new(Algorithm::EdDSA);
    header.typ = Some(TYPE.to_owned());
    header.kid = Some(kid.to_owned());
    header
}

/// Asks the library for the signature and nothing else: it would read the wall clock, and an array
/// of audiences would satisfy it.
fn signature_alone() -> Validation {
    let mut validation = Validation::new(Algorithm::EdDSA);
    validation.required_spec_claims.clear();
    validation.validate_exp = false;
    validation.validate_nbf = false;
    validation.validate_aud = false;
    validation
}

/// Names what the library found; `unshaped` is JSON of another shape than the part should have.
fn refusal(found: &ErrorKind, unshaped: TokenError) -> TokenError {
    if matches!(found, ErrorKind::InvalidSignature) {
        TokenError::Signature
    } else if matches!(found, ErrorKind::InvalidAlgorithm | ErrorKind::UnsupportedAlgorithm) {
        TokenError::Header
    } else if matches!(found, ErrorKind::Json(error) if error.is_data()) {
        unshaped
    } else {
        TokenError::Malformed
    }
}

fn subject(audience: Audience, sub: String, person: Option<String>) -> Option<Subject> {
    match audience {
        Audience::Device => {
            let person = checked_person(&person?).ok()?;
            Some(Subject::Device { device: decode_id(&sub)?, person })
        }
        Audience::Admin if sub == ADMINISTRATOR => Some(Subject::Admin { person: None }),
        Audience::Admin => Some(Subject::Admin { person: Some(checked_person(&sub).ok()?) }),
    }
}

fn checked_person(person: &str) -> Result<String, IssueError> {
    if person.is_empty() || person.len() > PERSON_BYTES_MAX || person == ADMINISTRATOR {
        return Err(IssueError::Person);
    }
    Ok(person.to_owned())
}

fn encode_id(id: [u8; 16]) -> String {
    URL_SAFE_NO_PAD.encode(id)
}

fn decode_id(text: &str) -> Option<[u8; 16]> {
    URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok()
}

#[cfg(test)]
mod tests;
