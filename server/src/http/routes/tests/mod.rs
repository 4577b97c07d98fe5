mod damage;
mod description;
mod families;
mod hand_in;
mod holds;
mod horizon;
mod limits;
mod malformed;
mod noted;
mod pairing;
mod policy;
mod power;
mod restored;
mod room;
mod school;
mod set_aside;
mod sign_in;

use axum::http::StatusCode;
use ed25519_dalek::SigningKey;
use serde_json::json;
use sync_core::document::copy::slots_of_document;
use sync_core::document::name::{DocumentKind, DocumentName};
use sync_core::document::slot::{Fields, SlotKey};
use sync_core::exchange::client::copy::{Fetched, fetched};
use sync_core::exchange::codec;
use sync_core::exchange::message::{Cursor, Outcome, Reply, Request};
use sync_core::exchange::server::entry::LogEntry;
use sync_core::ids::DeviceId;
use sync_core::projection::card::{Card, card_key};
use sync_core::projection::facts::{GRANTS, ORGANISATION, StudentFact, student_key};
use sync_core::roster::DeviceState;
use sync_core::roster::role::Role;
use sync_core::time::Moment;

use self::school::{School, Tablet, bytes, header, in_json, maya, person};
use crate::engine::{Engine, EngineError, Ruling, entry_of, rebuild};
use crate::http::{ApiError, Code};
use crate::store::QUEUE_WORK_MAX;

fn fields(pairs: &[(&str, &str)]) -> Fields {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).into())).collect()
}

fn goal() -> Fields {
    let mut goal = fields(&[
        ("discipline", "slp"),
        ("kind", "percent"),
        ("direction", "increase"),
        ("statement", "asks"),
    ]);
    goal.insert("target".into(), 80_000.into());
    goal
}

/// Writes a goal that is assigned to somebody.
fn assigned(tablet: &mut Tablet, plan: &DocumentName, to: &str) -> SlotKey {
    let goal = tablet.make(plan, "goals", goal());
    tablet.make(
        plan,
        "assignments",
        fields(&[("goal", &goal.to_string()), ("person", &person(to).to_string())]),
    );
    goal
}

async fn reply(response: axum::response::Response) -> Reply {
    assert_eq!(response.status(), StatusCode::OK);
    codec::decode(&bytes(response).await).unwrap()
}

#[tokio::test]
async fn an_act_is_stored_and_reaches_a_colleague_but_no_stranger() {
    let school = School::new().await;
    let log = school.document(DocumentKind::Log, None);
    let (mut ana, mut ben, mut tom) =
        (school.tablet("ana", 1).await, school.tablet("ben", 1).await, school.tablet("tom", 1).await);
    ana.sync(&school).await;
    let session = ana.log(&log, "slp");
    let brought = ana.sync(&school).await;
    assert_eq!((brought.stored, brought.held, brought.refused), (1, 0, 0));
    ben.sync(&school).await;
    tom.sync(&school).await;
    assert!(ana.has(log.id(), &session) && ben.has(log.id(), &session));
    assert!(tom.stored().copies().unwrap().is_empty(), "on nobody's team");
    let path = format!("/v1/documents/{}/snapshot", log.id());
    let (status, unknown) = in_json(school.get("/v1/documents/nothing/snapshot", &tom.token).await).await;
    let (forbidden_status, forbidden) = in_json(school.get(&path, &tom.token).await).await;
    assert_eq!(
        (status, forbidden_status, &unknown),
        (StatusCode::NOT_FOUND, StatusCode::NOT_FOUND, &forbidden)
    );
    tom.log(&log, "set");
    assert_eq!(tom.sync(&school).await.refused, 1, "no such document, for him");
}

#[tokio::test]
async fn a_token_is_given_again_while_it_is_good_for_long_and_what_one_brought_is_no_delivery() {
    let school = School::new().await;
    let log = school.document(DocumentKind::Log, None);
    let mut ana = school.tablet("ana", 1).await;
    ana.sync(&school).await;
    let first = ana.token.clone();
    let end = school.engine.reader().end().seq;
    ana.log(&log, "slp");
    ana.sync(&school).await;
    assert_eq!(ana.token, first);
    let delivered = |after: u64| -> usize {
        let reader = school.engine.reader();
        let entries =
            (after + 1..=reader.end().seq).map(|seq| entry_of(&reader.read(seq).unwrap().unwrap()).unwrap());
        entries.filter(|entry| matches!(entry, LogEntry::Delivered { .. })).count()
    };
    assert_eq!(delivered(end), 0, "it is not shown to its author");
    let mut ben = school.tablet("ben", 1).await;
    ben.sync(&school).await;
    assert_ne!(ben.token, first, "each device has its own");
    assert_eq!(delivered(end), 1, "but to a colleague it is");
}

#[tokio::test]
async fn facts_come_with_pairing_and_go_with_the_place() {
    let school = School::new().await;
    let (mut ana, mut tom) = (school.tablet("ana", 1).await, school.tablet("tom", 1).await);
    ana.sync(&school).await;
    tom.sync(&school).await;
    let maya_key = student_key(maya());
    let fact = ana.stored().fact(&maya_key).unwrap().unwrap();
    let fact: StudentFact = codec::from_bytes(&fact).unwrap();
    assert_eq!(fact.team.len(), 3);
    assert_eq!(
        tom.stored().facts("").unwrap().iter().map(|(key, _)| key).collect::<Vec<_>>(),
        [GRANTS, ORGANISATION]
    );
    school.grant("tom", Role::Set, None).await;
    ana.sync(&school).await;
    tom.sync(&school).await;
    let fact = ana.stored().fact(&maya_key).unwrap().unwrap();
    assert_eq!(codec::from_bytes::<StudentFact>(&fact).unwrap().team.len(), 4, "colleagues hear of it");
    assert!(tom.stored().fact(&maya_key).unwrap().is_some());
    school.grant("tom", Role::Set, Some("2026-11-19")).await;
    tom.sync(&school).await;
    assert!(tom.stored().fact(&maya_key).unwrap().is_none());
}

#[tokio::test]
async fn a_para_gets_a_card_of_the_assigned_goals_and_no_plan() {
    let school = School::new().await;
    let plan = school.document(DocumentKind::Plan, None);
    let (mut ana, mut pia) = (school.tablet("ana", 1).await, school.tablet("pia", 1).await);
    ana.sync(&school).await;
    let goal = assigned(&mut ana, &plan, "pia");
    assert_eq!(ana.sync(&school).await.stored, 2);
    pia.sync(&school).await;
    assert!(pia.stored().copy(plan.id()).unwrap().is_none());
    let card = pia.stored().fact(&card_key(maya())).unwrap().unwrap();
    let card: Card = codec::from_bytes(&card).unwrap();
    assert_eq!(card.goals.iter().map(|shown| shown.id).collect::<Vec<_>>(), [goal]);
    assert!(ana.stored().fact(&card_key(maya())).unwrap().is_none(), "she reads the plan itself");
    school.grant("pia", Role::Para, Some("2026-11-19")).await;
    pia.sync(&school).await;
    assert!(pia.stored().fact(&card_key(maya())).unwrap().is_none());
}

#[tokio::test]
async fn what_was_destroyed_is_on_no_card_any_more() {
    let school = School::new().await;
    let plan = school.document(DocumentKind::Plan, None);
    let (mut ana, mut pia) = (school.tablet("ana", 1).await, school.tablet("pia", 1).await);
    ana.sync(&school).await;
    assigned(&mut ana, &plan, "pia");
    ana.sync(&school).await;
    pia.sync(&school).await;
    let goals = |pia: &Tablet| {
        let card = pia.stored().fact(&card_key(maya())).unwrap();
        card.map_or(0, |card| codec::from_bytes::<Card>(&card).unwrap().goals.len())
    };
    assert_eq!(goals(&pia), 1);
    school.add(LogEntry::Gone { document: plan.id() }).await;
    pia.sync(&school).await;
    assert_eq!(goals(&pia), 0);
}

#[tokio::test]
async fn a_revoked_device_hands_in_and_is_told_its_fates_alone() {
    let school = School::new().await;
    let log = school.document(DocumentKind::Log, None);
    let mut ana = school.tablet("ana", 1).await;
    ana.sync(&school).await;
    let token = ana.token.clone();
    school.set_state(ana.profile.device, DeviceState::Revoked).await;
    ana.log(&log, "slp");
    let outgoing = codec::encode(&ana.compose().request);
    let (status, refused) = in_json(ana.post(&school, "/v1/exchange", outgoing.clone()).await).await;
    assert_eq!((status, &refused["error"]["code"]), (StatusCode::FORBIDDEN, &json!("device_revoked")));
    let path = format!("/v1/documents/{}/snapshot", log.id());
    assert_eq!(school.get(&path, &token).await.status(), StatusCode::FORBIDDEN, "its token is worth nothing");
    let response = ana.post(&school, "/v1/hand-in", outgoing).await;
    assert!(!response.headers().contains_key("x-carryover-token"));
    let told = reply(response).await;
    assert!(matches!(told.fates[..], [ref fate] if matches!(fate.outcome, Outcome::Held { .. })));
    assert!(told.entries.is_empty() && told.cursor.is_none());
}

#[tokio::test]
async fn the_same_request_twice_is_answered_twice_and_done_once() {
    let school = School::new().await;
    let log = school.document(DocumentKind::Log, None);
    let mut ana = school.tablet("ana", 1).await;
    ana.sync(&school).await;
    ana.log(&log, "slp");
    let body = codec::encode(&ana.compose().request);
    let first = reply(ana.post(&school, "/v1/exchange", body.clone()).await).await;
    let seq = school.engine.index().document(log.id()).unwrap().unwrap().last;
    let again = reply(ana.post_again(&school, "/v1/exchange", body.clone()).await).await;
    assert_eq!(first.fates, again.fates);
    assert_eq!(school.engine.index().document(log.id()).unwrap().unwrap().last, seq);
    let other = codec::encode(&ana.compose().request.cursor);
    let (status, stale) = in_json(ana.post_again(&school, "/v1/exchange", other).await).await;
    assert_eq!((status, &stale["error"]["last_counter"]), (StatusCode::CONFLICT, &json!(2)));
    let school = school.restart(|_| {});
    let after = reply(ana.post_again(&school, "/v1/exchange", body).await).await;
    assert_eq!(first.fates, after.fates, "receipts outlive the server");
}

#[tokio::test]
async fn a_snapshot_comes_in_ranges_and_is_built_again_where_it_is_damaged() {
    let school = School::new().await;
    let log = school.document(DocumentKind::Log, None);
    let mut ana = school.tablet("ana", 1).await;
    ana.sync(&school).await;
    let sessions: Vec<_> = (0..20).map(|_| ana.log(&log, "slp")).collect();
    ana.sync(&school).await;
    let path = format!("/v1/documents/{}/snapshot?at_least=1", log.id());
    let whole = school.get(&path, &ana.token).await;
    assert_eq!(whole.status(), StatusCode::OK);
    let (tag, seq) =
        (header(whole.headers(), "etag").to_owned(), header(whole.headers(), "x-carryover-seq").to_owned());
    assert_eq!(header(whole.headers(), "accept-ranges"), "bytes");
    let mark = Cursor::from_text(header(whole.headers(), "x-carryover-mark")).unwrap();
    assert_eq!(mark, school.engine.mark_at(seq.parse().unwrap()).unwrap());
    let whole = bytes(whole).await;
    let opened = slots_of_document(log.id(), &whole).unwrap();
    assert!(sessions.iter().all(|key| opened.slots.iter().any(|slot| slot.key == *key)));
    assert!(seq.parse::<u64>().unwrap() >= 1);
    let part = |range: &str, tag: &str| {
        axum::http::Request::get(&path)
            .header("authorization", format!("Bearer {}", ana.token))
            .header("range", range)
            .header("if-range", tag)
            .body(axum::body::Body::empty())
            .unwrap()
    };
    let mut pieces = Vec::new();
    while pieces.len() < whole.len() {
        let range = format!("bytes={}-{}", pieces.len(), pieces.len() + 99);
        let piece = school.send(part(&range, &tag)).await;
        assert_eq!(piece.status(), StatusCode::PARTIAL_CONTENT);
        pieces.extend(bytes(piece).await);
    }
    assert_eq!(pieces, whole);
    assert_eq!(school.send(part("bytes=5-", "\"another\"")).await.status(), StatusCode::OK);
    let delivered = school.engine.reader().end().seq;
    let mut known = part("bytes=0-", &tag);
    known.headers_mut().insert("if-none-match", tag.parse().unwrap());
    assert_eq!(school.send(known).await.status(), StatusCode::NOT_MODIFIED);
    assert_eq!(school.engine.reader().end().seq, delivered, "what is not sent is no delivery");
    let (status, _) = in_json(school.send(part("bytes=99999999-", &tag)).await).await;
    assert_eq!(status, StatusCode::RANGE_NOT_SATISFIABLE);
    let file = school.engine.data().join("snapshots").join(log.id().to_string());
    let mut bent = std::fs::read(&file).unwrap();
    *bent.last_mut().unwrap() ^= 1;
    std::fs::write(&file, &bent).unwrap();
    let keys = school.folder.path().join("data.keys");
    let report = crate::engine::verify(school.engine.data(), &keys).unwrap();
    assert_eq!(report.faults.iter().map(|fault| &fault.file).collect::<Vec<_>>(), [&file]);
    assert_eq!(bytes(school.get(&path, &ana.token).await).await, whole, "built again");
    let ahead = format!("/v1/documents/{}/snapshot?at_least=1000000", log.id());
    assert_eq!(school.get(&ahead, &ana.token).await.status(), StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn a_first_sync_fetches_what_is_too_long_to_be_told() {
    let school = School::new().await;
    let log = school.document(DocumentKind::Log, None);
    let mut ana = school.tablet("ana", 1).await;
    ana.sync(&school).await;
    let mut last = None;
    for _ in 0..20 {
        last = Some(ana.log(&log, "slp"));
        ana.sync(&school).await;
    }
    let mut ben = school.tablet("ben", 1).await;
    ben.sync(&school).await;
    let wanted = ben.stored().to_fetch().unwrap();
    assert_eq!(wanted.iter().map(|(name, _)| name.id()).collect::<Vec<_>>(), [log.id()]);
    let path = format!("/v1/documents/{}/snapshot?at_least={}", log.id(), wanted[0].1);
    let response = school.get(&path, &ben.token).await;
    let (seq, incarnation) = (
        header(response.headers(), "x-carryover-seq").parse().unwrap(),
        header(response.headers(), "x-carryover-incarnation").parse().unwrap(),
    );
    let saved = bytes(response).await;
    let got = Fetched { incarnation, seq, mark: None, bytes: &saved };
    let writes = fetched(&ben.store, ben.profile.device, log.id(), &got);
    ben.store.apply(writes.unwrap());
    assert!(ben.has(log.id(), &last.unwrap()));
}

#[tokio::test]
async fn a_restart_keeps_all_whatever_became_of_the_index() {
    let mut school = School::new().await;
    let log = school.document(DocumentKind::Log, None);
    let mut ana = school.tablet("ana", 1).await;
    ana.sync(&school).await;
    let session = ana.log(&log, "slp");
    ana.sync(&school).await;
    let old_index = tempfile::tempdir().unwrap();
    type Between<'a> = &'a dyn Fn(&std::path::Path);
    let rounds: [(&str, Between<'_>); 4] = [
        ("as it was", &|data| copy_folder(&data.join("index"), old_index.path())),
        ("removed", &|data| std::fs::remove_dir_all(data.join("index")).unwrap()),
        ("behind", &|data| {
            std::fs::remove_dir_all(data.join("index")).unwrap();
            copy_folder(old_index.path(), &data.join("index"));
        }),
        ("rebuilt", &|data| assert!(rebuild(data).unwrap() > 0)),
    ];
    for (number, (what, between)) in (1..).zip(rounds) {
        school = school.restart(between);
        let mut ben = school.tablet("ben", number).await;
        ben.sync(&school).await;
        assert!(ben.has(log.id(), &session), "index {what}");
        let later = ana.log(&log, "slp");
        assert_eq!(ana.sync(&school).await.stored, 1, "index {what}");
        ben.sync(&school).await;
        assert!(ben.has(log.id(), &later), "index {what}");
    }
}

fn copy_folder(from: &std::path::Path, to: &std::path::Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_folder(&entry.path(), &target);
        } else if entry.file_name() != "reserve" {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
    // Keys are looked at by their owner alone.
    std::fs::set_permissions(to, std::fs::metadata(from).unwrap().permissions()).unwrap();
}

#[tokio::test]
async fn grants_end_at_midnight_also_while_the_server_is_down() {
    let school = School::new().await;
    let log = school.document(DocumentKind::Log, None);
    let mut ben = school.tablet("ben", 1).await;
    school.grant("ben", Role::Ot, Some("2026-11-20")).await;
    ben.sync(&school).await;
    assert!(ben.stored().copy(log.id()).unwrap().is_some(), "the last day is included");
    let school = school.restart_at("2026-11-21T00:00:01-06:00");
    ben.log(&log, "ot");
    let brought = ben.sync(&school).await;
    assert_eq!((brought.stored, brought.held), (0, 1), "late work is held");
    assert_eq!(ben.stored().to_purge().unwrap().iter().filter(|(id, _)| *id == log.id()).count(), 1);
}

#[tokio::test]
async fn codes_pair_once_in_time_and_burn_after_five_wrong_tries() {
    let school = School::new().await;
    let key = |n| SigningKey::from_bytes(&[n; 32]);
    let refused = |answer: &serde_json::Value| answer["error"]["code"].as_str().unwrap().to_owned();
    let code = school.code("ana").await;
    assert_eq!(school.pair(&code, &key(1)).await.0, StatusCode::OK);
    assert_eq!(school.pair(&code, &key(1)).await.0, StatusCode::OK, "the answer was lost");
    assert_eq!(refused(&school.pair(&code, &key(2)).await.1), "pairing_code_used");
    assert_eq!(refused(&school.pair("nonsense", &key(2)).await.1), "pairing_code_invalid");
    let code = school.code("ana").await;
    assert_eq!(refused(&school.pair(&code, &key(1)).await.1), "conflict", "a key pairs once");
    let last = if code.ends_with('2') { '3' } else { '2' };
    let wrong: String = code.chars().take(code.len() - 1).chain([last]).collect();
    for _ in 0..5 {
        assert_eq!(refused(&school.pair(&wrong, &key(2)).await.1), "pairing_code_invalid");
    }
    assert_eq!(refused(&school.pair(&code, &key(2)).await.1), "pairing_code_invalid", "burnt");
    let code = school.code("ana").await;
    let school = school.restart_at("2026-11-20T09:05:00-06:00");
    assert_eq!(refused(&school.pair(&code, &key(2)).await.1), "pairing_code_expired");
    for _ in 0..40 {
        school.pair("22222-22222", &key(2)).await;
    }
    assert_eq!(refused(&school.pair("22222-22222", &key(2)).await.1), "rate_limited");
}

#[tokio::test]
async fn a_hold_is_seen_by_its_author_and_reviewers_and_decided_by_them() {
    let school = School::new().await;
    let log = school.document(DocumentKind::Log, None);
    let mut ben = school.tablet("ben", 1).await;
    ben.sync(&school).await;
    school.grant("ben", Role::Ot, Some("2026-11-19")).await;
    let session = ben.log(&log, "ot");
    assert_eq!(ben.sync(&school).await.held, 1);
    let list = async |token: &str| in_json(school.get("/v1/holds", token).await).await.1["holds"].clone();
    let holds = list(&school.admin_token(Some("cora"))).await;
    assert_eq!(holds[0]["record"], session.to_string());
    assert_eq!((&holds[0]["state"], &holds[0]["late"]), (&json!("waiting"), &json!(true)));
    assert_eq!((&holds[0]["mine"], &holds[0]["reason"]), (&json!(false), &json!("access_ended")));
    assert_eq!(holds[0]["proposed"]["state"], "complete");
    let id = holds[0]["id"].as_str().unwrap().to_owned();
    let to_admin = list(&school.admin_token(None)).await;
    assert_eq!((&to_admin[0]["id"], &to_admin[0]["proposed"]), (&json!(id), &json!(null)));
    assert_eq!(to_admin[0]["author"], json!(null));
    assert_eq!(list(&ben.token).await[0]["mine"], true);
    assert_eq!(list(&school.admin_token(Some("tom"))).await, json!([]));
    let stranger = school.get(&format!("/v1/holds/{id}"), &school.admin_token(Some("tom"))).await;
    assert_eq!(stranger.status(), StatusCode::NOT_FOUND);
    let body = json!({"holds": [id]}).to_string().into_bytes();
    let own = ben.post(&school, "/v1/holds/admit", body.clone()).await;
    assert_eq!(own.status(), StatusCode::NOT_FOUND, "nobody decides about what is theirs");
    let mut ana = school.tablet("ana", 1).await;
    let decided = ana.post(&school, "/v1/holds/admit", body).await;
    let status = decided.status();
    let (_, decided) = in_json(decided).await;
    assert_eq!((status, &decided["holds"][0]["state"]), (StatusCode::OK, &json!("admitted")), "{decided}");
    ana.sync(&school).await;
    assert!(ana.has(log.id(), &session));
}

#[tokio::test]
async fn what_is_proposed_is_shown_beside_what_stands() {
    let school = School::new().await;
    let plan = school.document(DocumentKind::Plan, None);
    let (mut ana, mut ben) = (school.tablet("ana", 1).await, school.tablet("ben", 1).await);
    ana.sync(&school).await;
    let goal = ana.make(&plan, "goals", goal());
    assert_eq!(ana.sync(&school).await.stored, 1);
    ben.sync(&school).await;
    let mut edit = fields(&[("target", &goal.to_string()), ("field", "statement"), ("value", "asks twice")]);
    edit.insert("replaces".into(), Fields::from([(goal.to_string(), true.into())]).into());
    ben.make(&plan, "edits", edit);
    assert_eq!(ben.sync(&school).await.held, 1, "another discipline's goal");
    ana.sync(&school).await;
    let (_, holds) = in_json(school.get("/v1/holds", &ana.token).await).await;
    let hold = &holds["holds"][0];
    assert_eq!((&hold["record"], &hold["field"]), (&json!(goal.to_string()), &json!("statement")));
    assert_eq!((&hold["present"], &hold["proposed"]), (&json!("asks"), &json!("asks twice")));
    assert_eq!(hold["what"], "statement of a goal");
    let (_, own) = in_json(school.get("/v1/holds", &ben.token).await).await;
    assert_eq!(own["holds"][0]["present"], json!(null), "the author is not told the present value");
}

#[tokio::test]
async fn what_proves_nothing_is_refused() {
    let school = School::new().await;
    let mut ana = school.tablet("ana", 1).await;
    for (path, body) in [("/v1/exchange", vec![1, 2, 3]), ("/v1/hand-in", vec![])] {
        let request = axum::http::Request::post(path).body(axum::body::Body::from(body)).unwrap();
        assert_eq!(school.send(request).await.status(), Code::Unauthorized.status(), "{path}");
    }
    let stranger = Request {
        certificate: Some(b"forged".to_vec().into()),
        ..Request::bare(school.engine.organisation(), DeviceId([1; 16]), None, Moment(0))
    };
    let request = axum::http::Request::post("/v1/hand-in");
    let request = request.body(axum::body::Body::from(codec::encode(&stranger))).unwrap();
    assert_eq!(school.send(request).await.status(), Code::Unauthorized.status());
    let (_, garbage) = in_json(ana.post(&school, "/v1/exchange", b"xx garbage".to_vec()).await).await;
    assert_eq!(garbage["error"]["code"], "unsupported_version");
    for path in ["/v1/holds", "/v1/documents/x/snapshot"] {
        assert_eq!(school.get(path, "not a token").await.status(), StatusCode::UNAUTHORIZED, "{path}");
    }
    let snapshot = format!("/v1/documents/{}/snapshot", school.document(DocumentKind::Log, None).id());
    let admin = school.admin_token(None);
    assert_eq!(
        school.get(&snapshot, &admin).await.status(),
        StatusCode::NOT_FOUND,
        "administrators read nothing"
    );
    for path in ["/live", "/ready"] {
        assert_eq!(school.get(path, "").await.status(), StatusCode::OK);
    }
}

#[tokio::test]
async fn an_organisation_is_founded_once_and_opened_with_its_own_keys() {
    let school = School::new().await;
    let settings = |keys: &str| crate::engine::Settings {
        data: school.folder.path().join("data"),
        keys: school.folder.path().join(keys),
        clock: crate::clock::Clock::start(crate::clock::ClockSetting::System),
        verbatim: true,
        policy: None,
    };
    assert!(matches!(
        Engine::open(&settings("data.keys")),
        Err(crate::engine::OpenEngineError::Store(crate::store::OpenError::Locked(_)))
    ));
    assert!(matches!(Engine::open(&settings("other.keys")), Err(crate::engine::OpenEngineError::Keys(_))));
}

#[tokio::test]
async fn a_store_that_fails_answers_503_and_says_nothing_is_done() {
    let (school, disk) = School::in_memory();
    let log = |school: &School| school.engine.reader().end().seq;
    let person =
        LogEntry::Audit { person: None, action: "test".into(), subject: String::new(), time: Moment(0) };
    let before = log(&school);
    let emit = |entry: LogEntry| school.engine.decide(move |desk| desk.emit(entry).map(Ruling::Stands));
    disk.fail_next_write();
    assert_eq!(emit(person.clone()).await, Err(EngineError::DiskFull));
    assert_eq!(ApiError::from(EngineError::DiskFull).code(), Code::StorageFull);
    assert_eq!(school.get("/ready", "").await.status(), StatusCode::OK, "it goes on");
    assert_eq!(emit(person.clone()).await, Ok(before + 1), "under the same number");
    let mut failed = school.engine.failed();
    assert!(!*failed.borrow_and_update());
    disk.fail_next_sync();
    let error = emit(person.clone()).await.unwrap_err();
    assert_eq!(ApiError::from(error).code(), Code::StorageFailed);
    assert!(*failed.borrow_and_update(), "the process is told to end");
    assert_eq!(school.get("/ready", "").await.status(), StatusCode::SERVICE_UNAVAILABLE);
    let error = emit(person).await.unwrap_err();
    assert_eq!(ApiError::from(error).code(), Code::StorageFailed);
}

#[tokio::test]
async fn work_beyond_the_queue_is_asked_to_come_back() {
    let school = School::new().await;
    let (release, held) = std::sync::mpsc::channel::<()>();
    let mut first = Box::pin(school.engine.decide(move |_| {
        let _ = held.recv();
        Ok(Ruling::Stands(()))
    }));
    assert!(poll_once(&mut first).await.is_none());
    // The writer may or may not have begun with the first one: the queue is full either way.
    let (mut waiting, mut turned_away) = (Vec::new(), 0);
    for _ in 0..QUEUE_WORK_MAX + 2 {
        let mut work = Box::pin(school.engine.decide(|_| Ok(Ruling::Stands(()))));
        match poll_once(&mut work).await {
            Some(answer) => {
                assert_eq!(answer, Err(EngineError::Busy));
                turned_away += 1;
            }
            None => waiting.push(work),
        }
    }
    assert!(turned_away > 0);
    assert_eq!(ApiError::from(EngineError::Busy).code(), Code::Overloaded);
    release.send(()).unwrap();
    first.await.unwrap();
    for work in waiting {
        work.await.unwrap();
    }
}

/// Polls once, and returns the answer if it was there at once.
async fn poll_once<T>(work: &mut (impl Future<Output = T> + Unpin)) -> Option<T> {
    std::future::poll_fn(|context| match std::pin::Pin::new(&mut *work).poll(context) {
        std::task::Poll::Ready(answer) => std::task::Poll::Ready(Some(answer)),
        std::task::Poll::Pending => std::task::Poll::Ready(None),
    })
    .await
}
