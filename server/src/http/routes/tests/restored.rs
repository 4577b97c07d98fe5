//! A restored server, until somebody has confirmed it.

use axum::body::Body;
use axum::http::Request;
use sync_core::ids::LogId;

use super::*;
use crate::register::RegisterFile;
use crate::store::{EmbeddedStore, Store as _};

const NEW: LogId = LogId([9; 16]);

/// Starts a school's log on a new life, as a restored server does.
fn restored(school: School) -> School {
    let own = school.engine.log_id();
    let school = school.restart(|data| {
        let register = RegisterFile::beside(&data.with_extension("keys"));
        register.change(|register| register.begin(NEW, own, 0)).unwrap();
        EmbeddedStore::open(data).unwrap().begin_log_id(NEW.0).unwrap();
    });
    assert!(school.engine.restored().unwrap().waiting);
    school
}

#[tokio::test]
async fn until_it_is_confirmed_a_scripts_token_neither_reads_nor_decides_holds() {
    let school = School::new().await;
    let log = school.document(DocumentKind::Log, None);
    school.grant("tom", Role::Set, None).await;
    let mut tom = school.tablet("tom", 1).await;
    tom.sync(&school).await;
    school.grant("tom", Role::Set, Some("2026-11-19")).await;
    tom.log(&log, "set");
    assert_eq!(tom.sync(&school).await.held, 1);
    let token = |school: &School| school.admin_token(Some("ana"));
    let (_, holds) = in_json(school.get("/v1/holds", &token(&school)).await).await;
    let hold = holds["holds"][0]["id"].as_str().unwrap().to_owned();

    let school = restored(school);
    let (ana, end) = (token(&school), school.engine.reader().end().seq);
    let body = json!({"holds": [hold], "reason": "another student's"}).to_string();
    let ask = |method: &str, path: String, body: &str| {
        let request = Request::builder().method(method).uri(path);
        let request = request.header("authorization", format!("Bearer {ana}"));
        school.send(request.body(Body::from(body.to_owned())).unwrap())
    };
    for (method, path, body) in [
        ("GET", "/v1/holds".to_owned(), String::new()),
        ("GET", format!("/v1/holds/{hold}"), String::new()),
        ("POST", "/v1/holds/admit".to_owned(), json!({"holds": [hold]}).to_string()),
        ("POST", "/v1/holds/decline".to_owned(), body.clone()),
    ] {
        let response = ask(method, path.clone(), &body).await;
        assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE, "{method} {path}");
        assert!(response.headers().contains_key("retry-after"));
        let (_, refused) = in_json(response).await;
        assert_eq!(refused["error"]["code"], "waiting_for_confirmation", "{method} {path}");
    }
    assert_eq!(school.engine.reader().end().seq, end, "nothing was decided");
    let administrator = school.get("/v1/holds", &school.admin_token(None)).await;
    assert_eq!(administrator.status(), StatusCode::OK, "who is to confirm it sees that there are some");

    school.engine.confirm_restored(None).await.unwrap();
    assert_eq!(ask("POST", "/v1/holds/decline".to_owned(), &body).await.status(), StatusCode::OK);
}

#[tokio::test]
async fn until_it_is_confirmed_not_a_byte_of_a_document_goes_down() {
    let school = School::new().await;
    let log = school.document(DocumentKind::Log, None);
    let mut ana = school.tablet("ana", 1).await;
    ana.sync(&school).await;
    ana.log(&log, "slp");
    ana.sync(&school).await;
    let path = format!("/v1/documents/{}/snapshot", log.id());
    let token = ana.token.clone();
    let before = school.get(&path, &token).await;
    let tag = header(before.headers(), "etag").to_owned();
    let document = bytes(before).await;

    let school = restored(school);
    let nowhere = format!("/v1/documents/{}/snapshot", sync_core::ids::DocumentId([3; 16]));
    let (all, some, same) = (("accept", "*/*"), ("range", "bytes=0-9"), ("if-none-match", tag.as_str()));
    let ask = |path: &str, (name, value): (&str, &str)| {
        let request = Request::get(path).header("authorization", format!("Bearer {token}"));
        school.send(request.header(name, value).body(Body::empty()).unwrap())
    };
    let end = school.engine.reader().end().seq;
    let mut said = Vec::new();
    for (path, header) in [(&path, all), (&path, some), (&path, same), (&nowhere, all)] {
        let response = ask(path, header).await;
        let given: Vec<_> = response.headers().keys().map(|name| name.as_str().to_owned()).collect();
        let about =
            |name: &String| name == "etag" || name == "content-range" || name.starts_with("x-carryover");
        assert!(!given.iter().any(about), "{header:?}: {given:?}");
        assert!(response.headers().contains_key("retry-after"), "{header:?}");
        let (status, refused) = in_json(response).await;
        assert_eq!(
            (status, &refused["error"]["code"]),
            (StatusCode::SERVICE_UNAVAILABLE, &json!("waiting_for_confirmation")),
            "{header:?}"
        );
        said.push(refused);
    }
    assert!(said.iter().all(|refused| *refused == said[0]), "not even what there is: {said:?}");

    // The exchange tells that the log has begun anew, so that what was receipted comes back, and sends nothing.
    ana.log(&log, "slp");
    let outgoing = ana.compose();
    let response = ana.post(&school, "/v1/exchange", codec::encode(&outgoing.request)).await;
    assert!(!response.headers().contains_key("x-carryover-token"), "there is nothing to fetch");
    let told = reply(response).await;
    assert!(told.life.is_some() && told.entries.is_empty() && told.fates.is_empty(), "{told:?}");
    let (writes, _) =
        sync_core::exchange::client::reply::take(&ana.store, &outgoing, &told, Moment(1_795_183_200_000))
            .unwrap();
    ana.store.apply(writes);
    let (status, refused) = ana.try_sync(&school).await.unwrap_err();
    assert_eq!(
        (status, &refused["error"]["code"]),
        (StatusCode::SERVICE_UNAVAILABLE, &json!("waiting_for_confirmation")),
        "who has heard of it waits"
    );
    assert_eq!(
        school.engine.reader().end().seq,
        end,
        "nothing was delivered, and new work waits on the tablet"
    );

    school.engine.confirm_restored(None).await.unwrap();
    let part = ask(&path, some).await;
    assert_eq!(part.status(), StatusCode::PARTIAL_CONTENT);
    assert_eq!(bytes(part).await, document[..10]);
    assert_eq!(bytes(ask(&path, all).await).await, document, "the same token has it as it was");
    ana.sync(&school).await;
    assert_eq!(ana.stored().unsent().unwrap(), 0);
}

#[tokio::test]
async fn ready_says_that_the_server_waits_and_not_that_one_device_does() {
    let school = restored(School::new().await);
    let waits = async || {
        let (_, ready) = in_json(school.get("/ready", "").await).await;
        let status = school.engine.restored().unwrap().waiting;
        assert_eq!(ready["waiting_for_confirmation"], json!(status), "as restored status says");
        status
    };
    assert!(waits().await);
    school.engine.confirm_restored(None).await.unwrap();
    assert!(!waits().await);
    let ana = school.tablet("ana", 1).await;
    assert!(!waits().await);
    // It was paired in what was lost, and shows its certificate now.
    school.set_state(ana.profile.device, DeviceState::Unconfirmed).await;
    assert!(!waits().await, "everybody else is served");
    assert_eq!(school.engine.restored().unwrap().unconfirmed.len(), 1);
    school.engine.confirm_restored(None).await.unwrap();
    assert_eq!(school.engine.restored().unwrap().unconfirmed, []);
}
