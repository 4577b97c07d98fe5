//! Families that sign in: how many at once.

use axum::body::Body;
use axum::http::Request;
use sync_core::ids::GuardianId;
use tower::ServiceExt as _;

use super::*;
use crate::family::{GUARDIAN_TRIES_MAX, HASHED_AT_ONCE_MAX, HASHES_WAITING_MAX};

fn sign_in(guardian: GuardianId) -> Request<Body> {
    Request::post(format!("/family/{guardian}/sign-in"))
        .header("content-type", "application/x-www-form-urlencoded")
        .header("sec-fetch-site", "same-origin")
        .body(Body::from("passphrase=four+words+will+do"))
        .unwrap()
}

#[tokio::test]
async fn when_too_many_sign_in_at_once_the_rest_are_asked_to_come_again() {
    let school = School::new().await;
    let places = HASHED_AT_ONCE_MAX + HASHES_WAITING_MAX;
    let tries: Vec<_> = (0..places + 5)
        .map(|nth| tokio::spawn(school.router.clone().oneshot(sign_in(GuardianId([nth as u8; 16])))))
        .collect();
    let mut answers = Vec::new();
    for tried in tries {
        answers.push(tried.await.unwrap().unwrap());
    }
    let wrong = answers.iter().filter(|answer| answer.status() == StatusCode::FORBIDDEN).count();
    assert_eq!(wrong, places);
    for answer in answers.iter().filter(|answer| answer.status() != StatusCode::FORBIDDEN) {
        assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(header(answer.headers(), "retry-after"), "5");
        assert_eq!(answer.extensions().get::<Code>(), Some(&Code::Overloaded));
    }
    // Who was sent away has tried nothing.
    let again = || school.send(sign_in(GuardianId([places as u8; 16])));
    for _ in 0..GUARDIAN_TRIES_MAX {
        assert_eq!(again().await.status(), StatusCode::FORBIDDEN);
    }
    assert_eq!(again().await.status(), StatusCode::TOO_MANY_REQUESTS);
}
