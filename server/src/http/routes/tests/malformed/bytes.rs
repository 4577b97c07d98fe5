//! Bodies that are too large, or packed in a way that is none.

use std::io::Write as _;

use axum::http::{HeaderValue, Method};
use flate2::Compression;
use flate2::write::GzEncoder;

use super::json::a_grant;
use super::{Beside, CANARY, Row, row};

fn gzip(body: &[u8]) -> Vec<u8> {
    let mut packer = GzEncoder::new(Vec::new(), Compression::best());
    packer.write_all(body).unwrap();
    packer.finish().unwrap()
}

pub(super) fn sizes(beside: &Beside) -> Vec<Row> {
    let mut rows = Vec::new();
    for (path, bytes) in [
        ("/v1/pair", 5 * 1024),
        ("/v1/holds/admit", 65 * 1024),
        ("/v1/holds/decline", 65 * 1024),
        ("/v1/grants", 17 * 1024),
        ("/v1/grants/{id}/end", 17 * 1024),
        ("/v1/guardians", 17 * 1024),
        ("/v1/guardians/{id}/restrict", 17 * 1024),
        ("/v1/guardians/{id}/end", 17 * 1024),
        ("/v1/people/{id}/code", 17 * 1024),
        ("/v1/devices/{id}/revoke", 17 * 1024),
        ("/v1/restored/confirm", 17 * 1024),
        ("/v1/exchange", 9 * 1024 * 1024),
        ("/v1/hand-in", 9 * 1024 * 1024),
        ("/family/{id}/sign-in", 9 * 1024),
        ("/family/{id}/redeem", 9 * 1024),
        ("/family/{id}/sign-out", 9 * 1024),
    ] {
        let body = vec![b' '; bytes];
        let packed = gzip(&body);
        let request = beside.by_admin(Method::POST, path, body);
        rows.push(row(format!("{path}: a body beyond its limit"), request, 413, "too_large"));
        let mut bomb = beside.by_admin(Method::POST, path, packed);
        bomb.headers_mut().insert("content-encoding", HeaderValue::from_static("gzip"));
        rows.push(row(format!("{path}: a small gzip of a large body"), bomb, 413, "too_large"));
    }
    rows
}

pub(super) fn packings(beside: &Beside) -> Vec<Row> {
    let whole = gzip(a_grant().to_string().as_bytes());
    let mut bent = whole.clone();
    bent[12] ^= 0xff;
    let mut checksum = whole.clone();
    let at = checksum.len() - 8;
    checksum[at] ^= 1;
    let rows = [
        ("gzip that breaks off", "gzip", whole[..whole.len() / 2].to_vec(), 400, "bad_request"),
        ("gzip without its end", "gzip", whole[..whole.len() - 4].to_vec(), 400, "bad_request"),
        ("gzip that is none", "gzip", CANARY.into(), 400, "bad_request"),
        ("gzip that was bent", "gzip", bent, 400, "bad_request"),
        ("gzip whose checksum was bent", "gzip", checksum, 400, "bad_request"),
        ("an encoding that nobody knows", "canary7", whole.clone(), 415, "unsupported_media"),
        ("brotli", "br", whole.clone(), 415, "unsupported_media"),
        ("gzip twice", "gzip, gzip", whole.clone(), 415, "unsupported_media"),
        ("gzip that is not said", "identity", whole, 400, "bad_json"),
    ];
    rows.into_iter()
        .map(|(what, encoding, body, status, code)| {
            let mut request = beside.by_admin(Method::POST, "/v1/grants", body);
            request.headers_mut().insert("content-encoding", encoding.parse().unwrap());
            row(format!("a grant in {what}"), request, status, code)
        })
        .collect()
}
