//! A document that cannot be opened any more, because a change was let in that it cannot be opened with.

use sync_core::document::change::{ChangeHash, Position, encode};
use sync_core::document::founding::containers_of;
use sync_core::document::slot::{ContentHash, Slot};
use sync_core::envelope::Evidence;
use sync_core::exchange::message::{HoldReason, HoldState};
use sync_core::exchange::register::Gone;
use sync_core::exchange::server::entry::Origin;

use super::*;
use crate::register::RegisterFile;

/// Puts a session of this person's into the student's log that builds on something nobody has, as a fault of ours might.
pub(super) async fn poison(school: &School, tablet: &Tablet) -> SlotKey {
    let log = school.document(DocumentKind::Log, None);
    let mut author = tablet.clone();
    let key = author.log(&log, "slp");
    let slots: Vec<Slot> = author.stored().acts().unwrap().pop().unwrap().slots;
    let copy = tablet.stored().copy(log.id()).unwrap().unwrap();
    let mut position = Position::next([77; 16], None, &copy.heads, copy.max_op, Moment(1_795_183_200_000));
    position.deps.push(ChangeHash([9; 32]));
    let change = encode(&containers_of(DocumentKind::Log, log.id()), &position, &slots).unwrap();
    let origin = Origin::Verbatim {
        envelope: ContentHash([0; 16]),
        signature: [0; 64],
        evidence: Evidence { seen: None, app: "a fault".into() },
        policy: 1,
    };
    school.add(LogEntry::Changed { document: log.id(), change: change.bytes, origin }).await;
    key
}

#[tokio::test]
async fn a_change_that_makes_a_document_unloadable_is_set_aside_and_everything_else_goes_on() {
    let school = School::new().await;
    let (log, plan) = (school.document(DocumentKind::Log, None), school.document(DocumentKind::Plan, None));
    let (mut ana, mut ben) = (school.tablet("ana", 1).await, school.tablet("ben", 1).await);
    ana.sync(&school).await;
    let before = ana.log(&log, "slp");
    ana.sync(&school).await;
    let bad = poison(&school, &ana).await;
    // Honest work comes on top of it, and would be invisible with it.
    ben.sync(&school).await;
    let after = ben.log(&log, "ot");
    ben.sync(&school).await;

    let end = school.engine.reader().end().seq;
    let path = format!("/v1/documents/{}/snapshot?at_least={end}", log.id());
    let (one, other) = tokio::join!(school.get(&path, &ana.token), school.get(&path, &ben.token));
    for response in [one, other] {
        assert_eq!(response.status(), StatusCode::OK, "whoever asks waits, and gets it");
        assert_eq!(header(response.headers(), "x-carryover-incarnation"), "1");
        let opened = slots_of_document(log.id(), &bytes(response).await).unwrap();
        let has = |key: &SlotKey| opened.slots.iter().any(|slot| slot.key == *key);
        assert!(has(&before) && has(&after) && !has(&bad));
    }
    let holds = school.engine.index().waiting(log.id()).unwrap();
    let told: Vec<_> = holds.iter().map(|hold| (hold.author, &hold.reason, &hold.state)).collect();
    assert_eq!(
        told,
        [(person("ana"), &HoldReason::SetAside, &HoldState::Waiting)],
        "its author's hold, once"
    );
    let register = RegisterFile::beside(&school.folder.path().join("data.keys")).read().unwrap();
    assert!(
        matches!(register.documents[&log.id()], Gone::Renewed { incarnation: 1, ref without } if without.len() == 1)
    );

    // Work goes on, in this document and in others, before the new life was fetched and after.
    ana.make(&plan, "goals", goal());
    let on_the_old = ana.log(&log, "slp");
    let brought = ana.sync(&school).await;
    assert_eq!((brought.stored, brought.held), (2, 0));
    let school = school.restart(|_| {});
    for tablet in [&mut ana, &mut ben] {
        tablet.sync(&school).await;
        let (_, at_least) = tablet.stored().to_fetch().unwrap().pop().expect("its copy is to be replaced");
        let response = school
            .get(&format!("/v1/documents/{}/snapshot?at_least={at_least}", log.id()), &tablet.token)
            .await;
        let seq = header(response.headers(), "x-carryover-seq").parse().unwrap();
        let saved = bytes(response).await;
        let got = Fetched { incarnation: 1, seq, mark: None, bytes: &saved };
        let writes = fetched(&tablet.store, tablet.profile.device, log.id(), &got).unwrap();
        tablet.store.apply(writes);
        for key in [&before, &after, &on_the_old] {
            assert!(tablet.has(log.id(), key));
        }
    }
}
