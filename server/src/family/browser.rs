//! What browsers are told and asked: the session's cookie, whose form it is, and headers that keep a page to itself.

use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, COOKIE, HOST, ORIGIN, REFERRER_POLICY};
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sync_core::ids::GuardianId;

use super::account::{SESSION_LIFE_MS, Token};
use super::invitation::sign_in_path;

/// The name of the session's cookie.
const COOKIE_NAME: &str = "carryover_family";
/// Nothing but our own stylesheet, and forms to ourselves: no script, no picture, no frame, inline or from anywhere.
const POLICY: &str =
    "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";
/// Where TLS is spoken, it is spoken for two years.
const STRICT_TRANSPORT: &str = "max-age=63072000";

const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Returns the cookie of a new session: for these pages of this guardian alone, and out of reach of any script.
pub(super) fn cookie(guardian: GuardianId, token: &Token, headers: &HeaderMap) -> String {
    let (token, path) = (URL_SAFE_NO_PAD.encode(token), sign_in_path(guardian));
    let secure = if is_tls(headers) { "; Secure" } else { "" };
    let seconds = SESSION_LIFE_MS / 1_000;
    format!("{COOKIE_NAME}={token}; Path={path}; Max-Age={seconds}; HttpOnly; SameSite=Strict{secure}")
}

/// Returns what takes the cookie back.
pub(super) fn cleared_cookie(guardian: GuardianId) -> String {
    format!("{COOKIE_NAME}=; Path={}; Max-Age=0; HttpOnly; SameSite=Strict", sign_in_path(guardian))
}

/// Returns the token that a request brings.
pub(super) fn token_of(headers: &HeaderMap) -> Option<Token> {
    let all = headers.get_all(COOKIE).iter().filter_map(|header| header.to_str().ok());
    let mut pairs = all.flat_map(|header| header.split(';')).filter_map(|pair| pair.trim().split_once('='));
    let (_, token) = pairs.find(|(name, _)| *name == COOKIE_NAME)?;
    URL_SAFE_NO_PAD.decode(token).ok()?.try_into().ok()
}

/// Returns whether a form was sent from one of our own pages, or by something that is no browser.
///
/// Browsers say whence a form comes, and no page can make them say something else.
pub(super) fn is_own_form(headers: &HeaderMap) -> bool {
    let text = |name: &HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    if let Some(site) = text(&FETCH_SITE) {
        return matches!(site, "same-origin" | "none");
    }
    let Some(origin) = text(&ORIGIN) else { return true };
    let host = origin.split_once("://").map(|(_, host)| host);
    // A proxy may have put its own name into `Host`.
    host.is_some() && [text(&FORWARDED_HOST), text(&HOST)].contains(&host)
}

/// Puts the headers on an answer that keep it to this browser and this page.
pub(super) fn guarded(mut response: Response, asked: &HeaderMap) -> Response {
    let headers = response.headers_mut();
    let mut set = |name: &'static str, value: &'static str| {
        headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    };
    set(CONTENT_SECURITY_POLICY.as_str(), POLICY);
    set(CACHE_CONTROL.as_str(), "no-store");
    set(REFERRER_POLICY.as_str(), "no-referrer");
    set("x-content-type-options", "nosniff");
    set("x-frame-options", "DENY");
    set("cross-origin-opener-policy", "same-origin");
    set("cross-origin-resource-policy", "same-origin");
    set("permissions-policy", "camera=(), geolocation=(), microphone=()");
    if is_tls(asked) {
        set("strict-transport-security", STRICT_TRANSPORT);
    }
    response
}

/// Returns whether the browser speaks TLS with whoever stands before us. Somebody who lies here only makes the own cookie stricter.
fn is_tls(headers: &HeaderMap) -> bool {
    headers.get(FORWARDED_PROTO).is_some_and(|scheme| scheme == "https")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let pair = |(name, value): &(&'static str, &'static str)| {
            (HeaderName::from_static(name), HeaderValue::from_static(value))
        };
        pairs.iter().map(pair).collect()
    }

    #[test]
    fn a_form_from_another_site_is_not_ours() {
        for (pairs, own) in [
            (&[][..], true),
            (&[("sec-fetch-site", "same-origin")], true),
            (&[("sec-fetch-site", "none")], true),
            (&[("sec-fetch-site", "cross-site")], false),
            (&[("sec-fetch-site", "same-site")], false),
            (&[("origin", "http://school.example"), ("host", "school.example")], true),
            (
                &[
                    ("origin", "https://school.example"),
                    ("host", "10.0.0.1:8642"),
                    ("x-forwarded-host", "school.example"),
                ],
                true,
            ),
            (&[("origin", "https://evil.example"), ("host", "school.example")], false),
            (&[("origin", "null"), ("host", "school.example")], false),
            (
                &[
                    ("sec-fetch-site", "cross-site"),
                    ("origin", "http://school.example"),
                    ("host", "school.example"),
                ],
                false,
            ),
        ] {
            assert_eq!(is_own_form(&headers(pairs)), own, "{pairs:?}");
        }
    }

    #[test]
    fn a_cookie_is_for_one_guardian_and_no_script() {
        let guardian = GuardianId([7; 16]);
        let plain = cookie(guardian, &[1; 32], &HeaderMap::new());
        let path = format!("Path=/family/{guardian};");
        for part in ["HttpOnly", "SameSite=Strict", "Max-Age=43200", path.as_str()] {
            assert!(plain.contains(part), "{plain}");
        }
        assert!(!plain.contains("Secure"));
        assert!(
            cookie(guardian, &[1; 32], &headers(&[("x-forwarded-proto", "https")])).ends_with("; Secure")
        );
        let name_and_token = plain.split(';').next().unwrap().to_owned();
        let mut brought = HeaderMap::new();
        brought.insert(COOKIE, HeaderValue::try_from(format!("other=1; {name_and_token}")).unwrap());
        assert_eq!(token_of(&brought), Some([1; 32]));
        assert_eq!(token_of(&headers(&[("cookie", "carryover_family=short")])), None);
    }
}
