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
