//! Codes that are tried at once: no more of them are looked at than of codes that are tried one after the other.

use std::net::SocketAddr;

use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::Request;
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use tower::ServiceExt as _;

use super::*;
use crate::auth::pairing::TRIES_MAX;
use crate::engine::PAIRING_WRONG_MAX;

/// Sends codes from one address, in this order, and none after the answer to another.
async fn at_once(school: &School, codes: impl IntoIterator<Item = String>) -> Vec<Response> {
    let request = |(nth, code): (u8, String)| {
        let key = SigningKey::from_bytes(&[nth; 32]);
        let public_key = URL_SAFE_NO_PAD.encode(key.verifying_key().as_bytes());
        let tablet = ulid::Ulid::from(5_u128).to_string();
        let body = json!({"code": code, "public_key": public_key, "tablet": tablet, "app": "test"});
        let mut request = Request::post("/v1/pair").body(Body::from(body.to_string())).unwrap();
        request.extensions_mut().insert(ConnectInfo("203.0.113.9:1".parse::<SocketAddr>().unwrap()));
        request
    };
    let sent: Vec<_> = (1..)
        .zip(codes)
        .map(|numbered| tokio::spawn(school.router.clone().oneshot(request(numbered))))
        .collect();
    let mut answers = Vec::new();
    for sent in sent {
        answers.push(sent.await.unwrap().unwrap());
    }
    answers
}

/// Returns a code as somebody guesses it who knows where it begins.
fn guessed(code: &str) -> String {
    let last = if code.ends_with('2') { '3' } else { '2' };
    format!("{}{last}", &code[..code.len() - 1])
}

#[tokio::test]
async fn of_wrong_codes_at_once_an_address_has_no_more_than_in_turn() {
    let school = School::new().await;
    let codes = (0..PAIRING_WRONG_MAX + 10).map(|nth| format!("{}2222-2222{}", 2 + nth % 8, 2 + nth / 8));
    let answers = at_once(&school, codes).await;
    let looked_at = answers.iter().filter(|answer| answer.status() == StatusCode::FORBIDDEN).count();
    assert_eq!(looked_at as u64, PAIRING_WRONG_MAX);
    for turned_away in answers.iter().filter(|answer| answer.status() != StatusCode::FORBIDDEN) {
        assert_eq!(turned_away.status(), StatusCode::TOO_MANY_REQUESTS);
        assert!(turned_away.headers().contains_key("retry-after"));
    }
}

#[tokio::test]
async fn a_code_is_burnt_before_the_next_one_is_looked_at() {
    let school = School::new().await;
    let code = school.code("ana").await;
    let wrong = std::iter::repeat_n(guessed(&code), usize::from(TRIES_MAX));
    let mut answers = at_once(&school, wrong.chain([code])).await;
    let right = answers.pop().unwrap();
    assert!(answers.iter().all(|answer| answer.status() == StatusCode::FORBIDDEN));
    assert_eq!(right.status(), StatusCode::FORBIDDEN, "five were wrong before it");
}

#[tokio::test]
async fn who_pairs_has_tried_nothing_in_vain() {
    let school = School::new().await;
    for nth in 0..=PAIRING_WRONG_MAX {
        let code = school.code("ana").await;
        let key = SigningKey::from_bytes(&[u8::try_from(nth).unwrap() + 1; 32]);
        assert_eq!(school.pair(&code, &key).await.0, StatusCode::OK, "{nth}");
    }
}
