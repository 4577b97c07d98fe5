//! Holds, of which one cannot be shown.

use sync_core::document::name::DocumentName;

use super::families::{FIRST, damage, first_student, last_change};
use super::*;

#[tokio::test]
async fn one_record_that_cannot_be_read_keeps_nobody_from_the_other_holds() {
    let school = School::new().await;
    first_student(&school, &[("ana", Role::Slp), ("tom", Role::Set)]).await;
    school.grant("tom", Role::Set, None).await;
    let log = school.document(DocumentKind::Log, None);
    let other = DocumentName { subject: FIRST, ..log.clone() };
    let (mut ana, mut tom) = (school.tablet("ana", 1).await, school.tablet("tom", 1).await);
    ana.sync(&school).await;
    tom.sync(&school).await;
    ana.log(&other, "slp");
    ana.sync(&school).await;
    let bytes = last_change(&school, &other);
    // Of nobody's kind: both wait for somebody who may decide.
    for document in [&other, &log] {
        tom.log(document, "slp");
    }
    assert_eq!(tom.sync(&school).await.held, 2);
    let school = school.restart(|_| {});
    damage(&school.folder.path().join("data"), &bytes);

    let token = school.admin_token(Some("ana"));
    let (status, holds) = in_json(school.get("/v1/holds", &token).await).await;
    assert_eq!(status, StatusCode::OK, "{holds}");
    let of = |student: String| {
        let mut holds = holds["holds"].as_array().unwrap().iter();
        holds.find(|hold| hold["student"] == json!(student)).expect("it is in the list").clone()
    };
    let (unreadable, other) = (of(FIRST.to_string()), of(maya().to_string()));
    assert_eq!((&unreadable["state"], &unreadable["proposed"]), (&json!("waiting"), &json!(null)));
    assert_ne!(other["proposed"], json!(null));
    let path = format!("/v1/holds/{}", unreadable["id"].as_str().unwrap());
    let (status, refused) = in_json(school.get(&path, &token).await).await;
    let told = (status, &refused["error"]["code"]);
    assert_eq!(told, (StatusCode::SERVICE_UNAVAILABLE, &json!("storage_damaged")), "asked for, it says why");
}

#[tokio::test]
async fn what_is_held_for_a_destroyed_record_is_not_admitted_and_can_be_declined() {
    let school = School::new().await;
    school.grant("tom", Role::Set, None).await;
    let log = school.document(DocumentKind::Log, None);
    let mut tom = school.tablet("tom", 1).await;
    tom.sync(&school).await;
    tom.log(&log, "slp");
    assert_eq!(tom.sync(&school).await.held, 1);
    school.add(LogEntry::Gone { document: log.id() }).await;
    let hold = school.engine.index().waiting(log.id()).unwrap()[0].id;
    let decide = async |path: &str, body: serde_json::Value| {
        let request = axum::http::Request::post(path)
            .header("authorization", format!("Bearer {}", school.admin_token(Some("ana"))))
            .header("content-type", "application/json");
        in_json(school.send(request.body(axum::body::Body::from(body.to_string())).unwrap()).await).await
    };
    let (status, refused) = decide("/v1/holds/admit", json!({"holds": [hold]})).await;
    assert_eq!((status, &refused["error"]["code"]), (StatusCode::CONFLICT, &json!("conflict")), "{refused}");
    assert_eq!(refused["error"]["hold"], json!(hold), "{refused}");
    assert_eq!(
        school.engine.index().changes(log.id(), 0, u64::MAX - 1, 1),
        Ok(vec![]),
        "nothing was written"
    );
    let reason = "it was destroyed at the parents' wish";
    let (status, declined) = decide("/v1/holds/decline", json!({"holds": [hold], "reason": reason})).await;
    assert_eq!((status, &declined["holds"][0]["state"]), (StatusCode::OK, &json!("declined")), "{declined}");
    tom.sync(&school).await;
    let told = tom.stored().hold(hold).unwrap().unwrap();
    assert_eq!(told.state.name(), "declined", "and its author is told");
}
