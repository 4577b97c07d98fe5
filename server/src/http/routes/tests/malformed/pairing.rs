//! Codes that pair nothing. Pairing is tried seldom enough from one address that the table has to be short.

use axum::body::Body;
use axum::http::{Method, Request, StatusCode};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ed25519_dalek::SigningKey;
use serde_json::json;

use super::{Beside, CANARY, NOBODY, ask, check, row};

fn pair(code: &str, key: &str, tablet: &str) -> Request<Body> {
    let body = json!({ "code": code, "public_key": key, "tablet": tablet }).to_string();
    ask(Method::POST, "/v1/pair").body(Body::from(body)).unwrap()
}

#[tokio::test]
async fn codes_that_pair_nothing() {
    let mut beside = Beside::new().await;
    let code = beside.school.code("tom").await;
    let weak = "A".repeat(43);
    let key = URL_SAFE_NO_PAD.encode(SigningKey::from_bytes(&[6; 32]).verifying_key().as_bytes());
    let long = "2".repeat(3_000);
    let rows = vec![
        row("a code that is words", pair(CANARY, &key, NOBODY), 403, "pairing_code_invalid"),
        row("an empty code", pair("", &key, NOBODY), 403, "pairing_code_invalid"),
        row("a code of three thousand letters", pair(&long, &key, NOBODY), 403, "pairing_code_invalid"),
        row(
            "a code that was never given out",
            pair("22222-22222", &key, NOBODY),
            403,
            "pairing_code_invalid",
        ),
        row("a key that is no base64", pair(&code, "canary7!", NOBODY), 422, "invalid_value"),
        row("an empty key", pair(&code, "", NOBODY), 422, "invalid_value"),
        row("a key that is too short", pair(&code, "AAAA", NOBODY), 422, "invalid_value"),
        row("a key with its padding", pair(&code, &format!("{key}="), NOBODY), 422, "invalid_value"),
        row("a key that verifies anything", pair(&code, &weak, NOBODY), 422, "invalid_value"),
        row("a tablet that is none", pair(&code, &key, CANARY), 400, "bad_json"),
    ];
    check(&mut beside, rows).await;
    let (status, _) = beside.school.pair(&code, &SigningKey::from_bytes(&[5; 32])).await;
    assert_eq!(status, StatusCode::OK, "none of them used the code up");
    check(
        &mut beside,
        vec![row("a code that was used", pair(&code, &key, NOBODY), 410, "pairing_code_used")],
    )
    .await;
}
