//! Exchanges that a device signed, and that are none.

use axum::body::Body;
use axum::http::{Method, Request as HttpRequest};
use ed25519_dalek::SigningKey;
use sync_core::document::slot::ContentHash;
use sync_core::envelope::Envelope;
use sync_core::exchange::codec::{WIRE_VERSION, encode};
use sync_core::exchange::message::{
    ENVELOPES_MAX, LISTING_MAX, Listed, Listing, OFFERS_MAX, Offer, Request, SEALED_MAX, Sealed,
    WITHDRAWALS_MAX,
};
use sync_core::ids::{ActId, DeviceId, DocumentId, HoldId, OrgId};

use super::{Beside, Row, ask, row};
use crate::auth::assertion::{Assertion, SCHEME};

/// Bytes that are no message.
pub(super) fn bytes(beside: &Beside) -> Vec<Row> {
    let framed = |version: u16, rest: &[u8]| [version.to_be_bytes().as_slice(), rest].concat();
    let good = encode(&beside.hostile.compose().request);
    let mut counter = 1_000;
    let mut rows = Vec::new();
    for path in ["/v1/exchange", "/v1/hand-in"] {
        for (what, body, code) in [
            ("nothing in it", Vec::new(), "bad_cbor"),
            ("half a version", vec![0], "bad_cbor"),
            ("only a version", framed(WIRE_VERSION, &[]), "bad_cbor"),
            ("version 0", framed(0, &good[2..]), "unsupported_version"),
            ("the next version", framed(WIRE_VERSION + 1, &good[2..]), "unsupported_version"),
            ("the last version there is", framed(u16::MAX, &good[2..]), "unsupported_version"),
            ("JSON", framed(WIRE_VERSION, b"{\"canary7\":1}"), "bad_cbor"),
            ("its last byte missing", good[..good.len() - 1].to_vec(), "bad_cbor"),
            ("a byte too many", [good.as_slice(), &[0]].concat(), "bad_cbor"),
            ("lists a hundred thousand deep", framed(WIRE_VERSION, &vec![0x81; 100_000]), "bad_cbor"),
            ("a list without end", framed(WIRE_VERSION, &[0x9f]), "bad_cbor"),
            (
                "a list that says it has 2^63 items",
                framed(WIRE_VERSION, &[0x9b, 0x80, 0, 0, 0, 0, 0, 0, 0]),
                "bad_cbor",
            ),
            ("a text of 2^63 bytes", framed(WIRE_VERSION, &[0x7b, 0x80, 0, 0, 0, 0, 0, 0, 0]), "bad_cbor"),
            ("an empty map", framed(WIRE_VERSION, &[0xa0]), "bad_cbor"),
            ("a number", framed(WIRE_VERSION, &[0x07]), "bad_cbor"),
        ] {
            counter += 1;
            rows.push(row(format!("{path} with {what}"), beside.sent(path, counter, body), 400, code));
        }
    }
    for (what, query) in [
        ("a word", "room=canary7"),
        ("less than nothing", "room=-1"),
        ("too much", "room=99999999999999999999"),
        ("a part", "room=1.5"),
        ("two at once", "room=1&room=2"),
    ] {
        counter += 1;
        let path = format!("/v1/exchange?{query}");
        let request = beside.sent(&path, counter, good.clone());
        rows.push(row(format!("an exchange with room for {what}"), request, 400, "bad_request"));
    }
    rows
}

/// Assertions that are not this device's, about this body, for the first time.
pub(super) fn assertions(beside: &Beside) -> Vec<Row> {
    let good = encode(&beside.hostile.compose().request);
    let profile = &beside.hostile.profile;
    let (org, device) = (profile.org.0, profile.device.0);
    let stranger = SigningKey::from_bytes(&[9; 32]);
    let by_stranger = Assertion::of(org, device, 2_000, &good).signed_by(&stranger);
    let raw = |value: String| -> HttpRequest<Body> {
        let request = ask(Method::POST, "/v1/exchange").header("authorization", format!("{SCHEME} {value}"));
        request.body(Body::from(good.clone())).unwrap()
    };
    let signed = |org, device, counter, about: &[u8]| {
        beside.signed("/v1/exchange", &Assertion::of(org, device, counter, about), good.clone())
    };
    vec![
        row("an assertion by another key", raw(by_stranger), 401, "assertion_invalid"),
        row("an assertion that is empty", raw(String::new()), 401, "assertion_invalid"),
        row("an assertion that is words", raw("canary7 canary7".into()), 401, "assertion_invalid"),
        row("an assertion of ten thousand letters", raw("A".repeat(10_000)), 401, "assertion_invalid"),
        row(
            "an assertion of a device that nobody knows",
            signed(org, [3; 16], 2_000, &good),
            401,
            "assertion_invalid",
        ),
        row(
            "an assertion for another organisation",
            signed([3; 16], device, 2_000, &good),
            401,
            "assertion_invalid",
        ),
        row("an assertion of another body", signed(org, device, 2_000, b"other"), 401, "assertion_invalid"),
        row("an assertion that was used before", signed(org, device, 1, &good), 409, "stale_assertion"),
    ]
}

/// Messages that are well-formed, and that nobody means.
pub(super) fn requests(beside: &Beside) -> Vec<Row> {
    let bare = || beside.hostile.compose().request;
    let document = DocumentId([1; 16]);
    let envelope = Envelope { body: Vec::new(), signature: [0; 64] };
    let sealed = Sealed { document, act: ActId([1; 16]), sealed: Vec::new(), receipt: None };
    let listed = Listed { document, incarnation: 0, changes: Some(1) };
    let offer = Offer { name: beside.log.clone(), incarnation: 0, slots: Vec::new() };
    let requests: Vec<(&str, Request, u16, &'static str)> = vec![
        ("for another organisation", Request { org: OrgId([3; 16]), ..bare() }, 401, "assertion_invalid"),
        (
            "in the name of another device",
            Request { device: DeviceId([3; 16]), ..bare() },
            401,
            "assertion_invalid",
        ),
        (
            "with too many envelopes",
            Request { envelopes: vec![envelope; ENVELOPES_MAX + 1], ..bare() },
            413,
            "too_large",
        ),
        (
            "with too many withdrawals",
            Request { withdrawals: vec![HoldId([1; 16]); WITHDRAWALS_MAX + 1], ..bare() },
            413,
            "too_large",
        ),
        (
            "with too many sealed acts",
            Request { sealed: vec![sealed; SEALED_MAX + 1], ..bare() },
            413,
            "too_large",
        ),
        ("with too many offers", Request { offers: vec![offer; OFFERS_MAX + 1], ..bare() }, 413, "too_large"),
        (
            "with too many copies",
            Request { listing: Some(Listing::Full(vec![listed; LISTING_MAX + 1])), ..bare() },
            413,
            "too_large",
        ),
    ];
    let mut counter = 3_000;
    let mut rows = Vec::new();
    for path in ["/v1/exchange", "/v1/hand-in"] {
        for (what, request, status, code) in &requests {
            counter += 1;
            let request = beside.sent(path, counter, encode(request));
            rows.push(row(format!("{path} {what}"), request, *status, code));
        }
    }
    let by_nobody = |request: &Request| -> HttpRequest<Body> {
        ask(Method::POST, "/v1/hand-in").body(Body::from(encode(request))).unwrap()
    };
    let certified = |certificate: &[u8]| Request { certificate: Some(certificate.to_vec().into()), ..bare() };
    let digest = Request { listing: Some(Listing::Digest(ContentHash([0; 16]))), ..bare() };
    rows.extend([
        row("handing in without a certificate", by_nobody(&digest), 401, "unauthorized"),
        row("handing in with an empty certificate", by_nobody(&certified(b"")), 401, "unauthorized"),
        row("handing in with a certificate of words", by_nobody(&certified(b"canary7")), 401, "unauthorized"),
        row(
            "handing in with a long certificate",
            by_nobody(&certified(&[0xa5; 100_000])),
            401,
            "unauthorized",
        ),
    ]);
    rows
}
