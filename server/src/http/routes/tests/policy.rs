//! Another policy is put in force: what goes out from then on, what is held, and what a start finds again.

use sync_core::exchange::message::{EndReason, Entry, HoldReason};
use sync_core::roster::version::PolicyVersion;

use super::*;
use crate::register::RegisterFile;

/// The goal that the tally is for: its key stands there, and nowhere else.
fn goal_of_it() -> SlotKey {
    SlotKey::new(person("ana"), ulid::Ulid::from(7_u128))
}

fn tally(tablet: &mut Tablet, name: &DocumentName, role: &str) -> SlotKey {
    let mut fields = fields(&[("role", role), ("goal", &goal_of_it().to_string())]);
    fields.insert("start".into(), 1_760_000_000_000.into());
    tablet.make(name, "tallies", fields)
}

fn tap(tablet: &mut Tablet, name: &DocumentName, on: &SlotKey) -> SlotKey {
    let mut fields = fields(&[("tally", &on.to_string())]);
    fields.insert("n".into(), 3.into());
    tablet.make(name, "taps", fields)
}

fn contains(bytes: &[u8], wanted: &str) -> bool {
    bytes.windows(wanted.len()).any(|window| window == wanted.as_bytes())
}

#[tokio::test]
async fn a_role_from_which_a_policy_takes_a_document_gets_nothing_of_it_and_her_unsent_work_is_held() {
    let school = School::new().await;
    let name = school.document(DocumentKind::Tally, None);
    let (mut ana, mut pia) = (school.tablet("ana", 1).await, school.tablet("pia", 1).await);
    ana.sync(&school).await;
    let opened = tally(&mut ana, &name, "slp");
    ana.sync(&school).await;
    pia.sync(&school).await;
    assert!(pia.has(name.id(), &opened));
    let path = format!("/v1/documents/{}/snapshot", name.id());
    let snapshot = bytes(school.get(&path, &pia.token).await).await;
    assert!(slots_of_document(name.id(), &snapshot).is_ok(), "it is made, and lies in the cache");
    let unsent = tap(&mut pia, &name, &opened);

    let school = school.restart_under(PolicyVersion::V2);
    tap(&mut ana, &name, &opened);
    assert_eq!(ana.sync(&school).await.stored, 1, "whoever reads it goes on");
    let outgoing = pia.compose();
    let response = pia.post(&school, "/v1/exchange", codec::encode(&outgoing.request)).await;
    assert_eq!(response.status(), StatusCode::OK);
    let body = bytes(response).await;
    let reply: Reply = codec::decode(&body).unwrap();
    assert_eq!(reply.policy, 2);
    let of_it = |entry: &&Entry| match entry {
        Entry::Change { document, .. } | Entry::Review { document, .. } | Entry::Replace { document, .. } => {
            *document == name.id()
        }
        Entry::Begin { name: begun, .. } => *begun == name,
        Entry::End { .. } | Entry::Hold(_) | Entry::Fact { .. } => false,
    };
    assert_eq!(reply.entries.iter().find(of_it), None);
    let end = Entry::End { document: name.id(), why: EndReason::PolicyChanged };
    assert!(reply.entries.contains(&end), "{:?}", reply.entries);
    assert!(!contains(&body, &goal_of_it().to_string()), "not a byte");
    pia.sync(&school).await;

    let (status, refused) = in_json(school.get(&path, &pia.token).await).await;
    let (_, unknown) = in_json(school.get("/v1/documents/nothing/snapshot", &pia.token).await).await;
    assert_eq!((status, &refused), (StatusCode::NOT_FOUND, &unknown), "nor a snapshot, cached or not");
    let ranged = school.get(&format!("{path}?at_least=1"), &pia.token).await;
    assert_eq!(ranged.status(), StatusCode::NOT_FOUND);

    let holds = school.engine.index().waiting(name.id()).unwrap();
    let held: Vec<_> = holds.iter().map(|hold| (hold.author, &hold.reason, hold.policy)).collect();
    assert_eq!(held, [(person("pia"), &HoldReason::AccessEnded, 2)]);
    assert_eq!(holds[0].slots[0].key, unsent);
    let (_, shown) = in_json(school.get("/v1/holds", &pia.token).await).await;
    assert_eq!((&shown["holds"][0]["mine"], &shown["holds"][0]["state"]), (&json!(true), &json!("waiting")));
    let (_, to_reviewer) = in_json(school.get("/v1/holds", &ana.token).await).await;
    assert_eq!(to_reviewer["holds"][0]["record"], unsent.to_string(), "who may decide about it sees it");
}

#[tokio::test]
async fn an_assistant_who_loses_the_plan_gets_its_goals_on_the_card() {
    let school = School::new().await;
    let plan = school.document(DocumentKind::Plan, None);
    school.grant("pia", Role::Para, Some("2026-11-19")).await;
    school.grant("pia", Role::Asst, None).await;
    let (mut ana, mut pia) = (school.tablet("ana", 1).await, school.tablet("pia", 1).await);
    ana.sync(&school).await;
    let goal = assigned(&mut ana, &plan, "pia");
    ana.sync(&school).await;
    pia.sync(&school).await;
    let goals = |pia: &Tablet| -> Vec<SlotKey> {
        let card = pia.stored().fact(&card_key(maya())).unwrap().unwrap();
        codec::from_bytes::<Card>(&card).unwrap().goals.iter().map(|shown| shown.id).collect()
    };
    assert!(pia.has(plan.id(), &goal));
    assert_eq!(goals(&pia), [], "she reads the plan itself");
    let school = school.restart_under(PolicyVersion::V2);
    pia.sync(&school).await;
    assert!(pia.stored().to_purge().unwrap().contains(&(plan.id(), EndReason::PolicyChanged)));
    assert_eq!(goals(&pia), [goal], "what she works on is hers to see");
    let school = school.restart_under(PolicyVersion::V1);
    pia.sync(&school).await;
    assert_eq!(goals(&pia), []);
}

#[tokio::test]
async fn a_start_keeps_the_policy_whatever_became_of_the_index() {
    let school = School::new().await;
    assert_eq!(school.engine.index().policy().unwrap(), PolicyVersion::V1, "where none was ever set");
    let name = school.document(DocumentKind::Tally, None);
    let mut school = school.restart_under(PolicyVersion::V2);
    type Between<'a> = &'a dyn Fn(&std::path::Path);
    let rounds: [(&str, Between<'_>); 3] = [
        ("as it was", &|_| {}),
        ("removed", &|data| std::fs::remove_dir_all(data.join("index")).unwrap()),
        ("rebuilt", &|data| assert!(rebuild(data).unwrap() > 0)),
    ];
    for (what, between) in rounds {
        let end = school.engine.reader().end().seq;
        school = school.restart(between);
        assert_eq!(school.engine.index().policy().unwrap(), PolicyVersion::V2, "index {what}");
        let reading = school.engine.index().reading(person("pia"), name.id()).unwrap().unwrap();
        assert!(reading.ended.is_some(), "index {what}");
        assert_eq!(school.engine.reader().end().seq, end, "nothing is said twice");
    }
    let registered = RegisterFile::beside(&school.folder.path().join("data.keys")).read().unwrap();
    assert_eq!(registered.policy, Some(PolicyVersion::V2), "a restored copy is not to forget it");
    let end = school.engine.reader().end().seq;
    let school = school.restart_under(PolicyVersion::V2);
    assert_eq!(school.engine.reader().end().seq, end, "what is in force already changes nothing");
}
