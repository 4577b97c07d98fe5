//! The `Authorization` header: what a request offers as proof of who asks, and how a proof that is
//! not accepted is answered.
//!
//! ```text
//! Authorization: Carryover-Device <assertion>    a device, with a request that writes
//! Authorization: Bearer <token>                  a device's downloads; administration
//! ```

use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;

use super::error::{ApiError, Code};
use crate::auth::assertion::{AssertionError, SCHEME};
use crate::auth::token::TokenError;

const BEARER: &str = "Bearer";

/// What a request offers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Credentials<'a> {
    /// An assertion, to be checked by [`crate::auth::assertion::authenticate`].
    Device(&'a str),
    /// A token, to be checked by [`crate::auth::token::Tokens::verify`].
    Bearer(&'a str),
}

/// Reads the header; none, two, or one of another scheme is [`Code::Unauthorized`].
pub fn credentials(headers: &HeaderMap) -> Result<Credentials<'_>, ApiError> {
    let mut all = headers.get_all(AUTHORIZATION).iter();
    // Of two, a proxy and we might each believe another.
    let (Some(header), None) = (all.next(), all.next()) else {
        return Err(Code::Unauthorized.into());
    };
    let header = header.to_str().map_err(|_| Code::Unauthorized)?;
    let (scheme, value) = header.split_once(' ').ok_or(Code::Unauthorized)?;
    if scheme.eq_ignore_ascii_case(SCHEME) {
        Ok(Credentials::Device(value.trim()))
    } else if scheme.eq_ignore_ascii_case(BEARER) {
        Ok(Credentials::Bearer(value.trim()))
    } else {
        Err(Code::Unauthorized.into())
    }
}

/// Only that a token has expired is said, since the answer to it is to get another.
impl From<TokenError> for ApiError {
    fn from(error: TokenError) -> Self {
        match error {
            TokenError::Expired => Code::TokenExpired.into(),
            TokenError::TooLong
            | TokenError::Malformed
            | TokenError::Header
            | TokenError::UnknownKey
            | TokenError::Signature
            | TokenError::Claims
            | TokenError::Issuer
            | TokenError::Audience
            | TokenError::NotYetValid => Code::TokenInvalid.into(),
        }
    }
}

/// A stale counter is told with the last one, in `last_counter`: only the device's own signature
/// gets that far.
impl From<AssertionError> for ApiError {
    fn from(error: AssertionError) -> Self {
        match error {
            AssertionError::Stale { last } => Self::new(Code::StaleAssertion).detail("last_counter", last),
            AssertionError::Version => Code::UnsupportedVersion.into(),
            AssertionError::TooLong
            | AssertionError::Malformed
            | AssertionError::Audience
            | AssertionError::UnknownDevice
            | AssertionError::Signature
            | AssertionError::Body => Code::AssertionInvalid.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn headers(values: &[&str]) -> HeaderMap {
        values
            .iter()
            .map(|value| (AUTHORIZATION, HeaderValue::from_bytes(value.as_bytes()).unwrap()))
            .collect()
    }

    #[test]
    fn both_schemes_are_read_in_any_case() {
        assert_eq!(credentials(&headers(&["Bearer abc"])).unwrap(), Credentials::Bearer("abc"));
        assert_eq!(credentials(&headers(&["bearer  abc "])).unwrap(), Credentials::Bearer("abc"));
        assert_eq!(credentials(&headers(&["Carryover-Device xyz"])).unwrap(), Credentials::Device("xyz"));
        assert_eq!(credentials(&headers(&["carryover-device xyz"])).unwrap(), Credentials::Device("xyz"));
    }

    #[test]
    fn anything_else_is_unauthorized() {
        for offered in
            [&[][..], &["Bearer"], &["Basic YTpi"], &["Bearer a", "Bearer a"], &[""], &["Bearer\u{e9} a"]]
        {
            assert_eq!(credentials(&headers(offered)).unwrap_err().code(), Code::Unauthorized, "{offered:?}");
        }
    }

    #[test]
    fn refused_proofs_say_no_more_than_helps() {
        assert_eq!(ApiError::from(TokenError::Expired).code(), Code::TokenExpired);
        for error in
            [TokenError::Signature, TokenError::UnknownKey, TokenError::Issuer, TokenError::NotYetValid]
        {
            assert_eq!(ApiError::from(error).code(), Code::TokenInvalid, "{error:?}");
        }
        for error in [AssertionError::UnknownDevice, AssertionError::Signature, AssertionError::Body] {
            assert_eq!(ApiError::from(error).code(), Code::AssertionInvalid, "{error:?}");
        }
        assert_eq!(ApiError::from(AssertionError::Stale { last: 7 }).code(), Code::StaleAssertion);
        assert_eq!(ApiError::from(AssertionError::Version).code(), Code::UnsupportedVersion);
    }
}
