//! What families are shown, where one record cannot be read, where one was destroyed, and where the disk is full.

use std::fs::OpenOptions;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use axum::body::Body;
use axum::http::Request as HttpRequest;
use axum::response::Response;
use sync_core::ids::{GrantId, GuardianId, StudentId};
use sync_core::projection::family::FamilyEntry;
use sync_core::projection::family::{Field, GoalPart, Shown, Value};
use sync_core::roster::{Grant, Student};

use super::*;
use crate::family::VIEWS_MAX;
use crate::http::routes::tests::room::{CAPACITY_BYTES, FILLING, MIB, leave};
use crate::store::disk::{Disk as _, SimulatedDisk};

/// A student who comes before everybody else in any order by id.
pub(super) const FIRST: StudentId = StudentId([1; 16]);

/// Puts [`FIRST`] on the school's list, with these people on the team.
pub(super) async fn first_student(school: &School, team: &[(&str, Role)]) -> DocumentName {
    school
        .add(LogEntry::Student(Student {
            id: FIRST,
            external_id: "first".into(),
            display_name: "First".to_owned().into(),
            grade: "03".into(),
            school: None,
            home_language: "en".into(),
        }))
        .await;
    for (nth, (name, role)) in (1..).zip(team) {
        let grant = Grant {
            id: GrantId([nth; 16]),
            student: FIRST,
            person: person(name),
            role: *role,
            from: "2026-08-20".parse().unwrap(),
            to: None,
            supervisor: None,
            reason: String::new().into(),
        };
        school.engine.decide(move |desk| desk.set_grant(grant).map(Ruling::Stands)).await.unwrap();
    }
    DocumentName { subject: FIRST, ..school.document(DocumentKind::Plan, None) }
}

/// Has somebody write a goal, and returns it and what the log has of it.
async fn write_goal(school: &School, tablet: &mut Tablet, plan: &DocumentName) -> (SlotKey, Vec<u8>) {
    let key = assigned(tablet, plan, "pia");
    assert_eq!(tablet.sync(school).await.stored, 2);
    (key, last_change(school, plan))
}

/// Returns the last change of a document, as it lies in the log.
pub(super) fn last_change(school: &School, name: &DocumentName) -> Vec<u8> {
    let all = school.engine.reader().read_range(1, u64::MAX, usize::MAX).unwrap();
    let changes = all.iter().rev().filter_map(|stored| match entry_of(stored) {
        Ok(LogEntry::Changed { document, change, .. }) if document == name.id() => Some(change),
        _ => None,
    });
    changes.into_iter().next().unwrap()
}

/// Bends one byte of what lies in a log's only segment, as a failing disk does under a server that goes on.
pub(super) fn damage(data: &Path, what: &[u8]) {
    let file = data.join("log/00000001.seg");
    let bytes = std::fs::read(&file).unwrap();
    let at = bytes.windows(what.len()).position(|part| part == what).expect("it lies there as it is");
    let segment = OpenOptions::new().write(true).open(file).unwrap();
    segment.write_all_at(&[bytes[at] ^ 1], at as u64).unwrap();
}

/// A school with two students, of whose first the record cannot be read any more.
async fn with_a_damaged_record() -> (School, Tablet, SlotKey) {
    let school = School::new().await;
    let (other, plan) = (
        first_student(&school, &[("ana", Role::Slp), ("pia", Role::Para)]).await,
        school.document(DocumentKind::Plan, None),
    );
    let (mut ana, mut pia) = (school.tablet("ana", 1).await, school.tablet("pia", 1).await);
    ana.sync(&school).await;
    pia.sync(&school).await;
    school.guardian(FIRST).await;
    school.guardian(maya()).await;
    let (_, bytes) = write_goal(&school, &mut ana, &other).await;
    let (goal, _) = write_goal(&school, &mut ana, &plan).await;
    // What came last is kept in memory, until a start.
    let school = school.restart(|_| {});
    damage(&school.folder.path().join("data"), &bytes);
    (school, pia, goal)
}

fn shows(school: &School, goal: SlotKey) -> Option<Shown> {
    let index = school.engine.index();
    let published = index.published_at(maya(), &Field::Goal(goal, GoalPart::Target)).unwrap();
    published.map(|published| published.shown)
}

#[tokio::test]
async fn one_record_that_cannot_be_read_keeps_no_other_from_being_published() {
    let (school, _, goal) = with_a_damaged_record().await;
    let failed = school.engine.publish_nightly().await;
    assert!(matches!(failed, Err(EngineError::Index(_))), "{failed:?}");
    assert_eq!(shows(&school, goal), Some(Shown::Value(Value::Target(80_000))));
    assert!(school.engine.publish_nightly().await.is_err(), "it is looked at again, and said again");
}

#[tokio::test]
async fn one_record_that_cannot_be_read_keeps_nobody_from_the_cards_of_others() {
    let (school, mut pia, goal) = with_a_damaged_record().await;
    let failed = school.engine.project_cards(|_| true).await;
    assert!(matches!(failed, Err(EngineError::Index(_))), "{failed:?}");
    pia.sync(&school).await;
    let card = pia.stored().fact(&card_key(maya())).unwrap().expect("a card");
    let card: Card = codec::from_bytes(&card).unwrap();
    assert_eq!(card.goals.iter().map(|shown| shown.id).collect::<Vec<_>>(), [goal]);
}

#[tokio::test]
async fn what_was_destroyed_is_on_no_familys_page_any_more() {
    let school = School::new().await;
    let plan = school.document(DocumentKind::Plan, None);
    school.guardian(maya()).await;
    let mut ana = school.tablet("ana", 1).await;
    ana.sync(&school).await;
    let (goal, _) = write_goal(&school, &mut ana, &plan).await;
    school.engine.publish_to_family(maya()).await.unwrap();
    assert_eq!(shows(&school, goal), Some(Shown::Value(Value::Target(80_000))));
    school.add(LogEntry::Gone { document: plan.id() }).await;
    school.engine.publish_to_family(maya()).await.unwrap();
    assert_eq!(shows(&school, goal), Some(Shown::Withdrawn));
}

#[tokio::test]
async fn near_a_full_disk_what_is_taken_back_goes_and_news_wait() {
    let disk = SimulatedDisk::new();
    disk.set_capacity(CAPACITY_BYTES);
    let school = School::on_disk(&disk).await;
    let plan = school.document(DocumentKind::Plan, None);
    school.guardian(maya()).await;
    let mut ana = school.tablet("ana", 1).await;
    ana.sync(&school).await;
    let (old, _) = write_goal(&school, &mut ana, &plan).await;
    school.engine.publish_nightly().await.unwrap();
    assert_eq!(shows(&school, old), Some(Shown::Value(Value::Target(80_000))));
    let mut void = fields(&[("target", &old.to_string()), ("field", "void")]);
    void.insert("value".into(), true.into());
    void.insert("replaces".into(), Fields::from([(old.to_string(), true.into())]).into());
    ana.make(&plan, "edits", void);
    assert_eq!(ana.sync(&school).await.stored, 1);
    let (new, _) = write_goal(&school, &mut ana, &plan).await;
    leave(&disk, 10 * MIB - 1);
    school.engine.publish_to_family(maya()).await.unwrap();
    assert_eq!((shows(&school, old), shows(&school, new)), (Some(Shown::Withdrawn), None));
    disk.remove(Path::new(FILLING)).unwrap();
    school.engine.publish_to_family(maya()).await.unwrap();
    assert_eq!(shows(&school, new), Some(Shown::Value(Value::Target(80_000))));
}

/// A guardian's browser: the guardian, the address of the pages, and the cookie of a session.
struct Browser {
    guardian: GuardianId,
    path: String,
    cookie: String,
}

impl Browser {
    /// Invites a guardian of Maya's, who redeems the invitation.
    async fn of(school: &School, name: &str) -> Self {
        let invite = HttpRequest::post("/v1/guardians")
            .header("authorization", format!("Bearer {}", school.admin_token(None)))
            .body(Body::from(json!({"student": maya(), "name": name}).to_string()));
        let (status, invited) = in_json(school.send(invite.unwrap()).await).await;
        assert_eq!(status, StatusCode::OK, "{invited}");
        let text = |name: &str| invited[name].as_str().unwrap().to_owned();
        let (path, invitation) = (text("sign_in_path"), text("invitation"));
        let passphrase = "four+small+green+apples";
        let form = format!("invitation={invitation}&passphrase={passphrase}&again={passphrase}");
        let redeem = HttpRequest::post(format!("{path}/redeem"))
            .header("content-type", "application/x-www-form-urlencoded")
            .body(Body::from(form));
        let redeemed = school.send(redeem.unwrap()).await;
        assert_eq!(redeemed.status(), StatusCode::SEE_OTHER);
        let cookie = header(redeemed.headers(), "set-cookie").split(';').next().unwrap().to_owned();
        Self { guardian: text("guardian").parse().unwrap(), path, cookie }
    }

    async fn looks(&self, school: &School) -> Response {
        self.sends(school, "GET", "/page").await
    }

    async fn sends(&self, school: &School, method: &str, path: &str) -> Response {
        let request = HttpRequest::builder().method(method).uri(format!("{}{path}", self.path));
        school.send(request.header("cookie", &self.cookie).body(Body::empty()).unwrap()).await
    }
}

/// Returns who was shown whose page, as the log has it, with the bytes that lie there.
fn views(school: &School) -> Vec<(GuardianId, StudentId, Vec<u8>)> {
    let all = school.engine.reader().read_range(1, u64::MAX, usize::MAX).unwrap();
    let views = all.into_iter().filter_map(|stored| {
        let LogEntry::Family(FamilyEntry::Viewed { guardian, student, .. }) = entry_of(&stored).unwrap()
        else {
            return None;
        };
        Some((guardian, student, stored.record.payload))
    });
    views.collect()
}

#[tokio::test]
async fn each_page_that_is_shown_is_one_record_of_who_saw_whose_and_a_refused_one_is_none() {
    let school = School::new().await;
    let plan = school.document(DocumentKind::Plan, None);
    let mut ana = school.tablet("ana", 1).await;
    ana.sync(&school).await;
    write_goal(&school, &mut ana, &plan).await;
    let (rosa, luis) =
        (Browser::of(&school, "Rosa Quintero").await, Browser::of(&school, "Luis Quintero").await);
    assert!(views(&school).is_empty(), "coming in shows nothing yet");

    let mut expected = Vec::new();
    for browser in [&rosa, &luis, &rosa, &rosa] {
        let shown = browser.looks(&school).await;
        assert_eq!(shown.status(), StatusCode::OK);
        let page = String::from_utf8(bytes(shown).await).unwrap();
        assert!(page.contains("Maya") && page.contains("asks"), "{page}");
        expected.push((browser.guardian, maya()));
        let recorded: Vec<_> = views(&school).into_iter().map(|(who, whose, _)| (who, whose)).collect();
        assert_eq!(recorded, expected, "one for each page, when it is shown");
    }
    for (_, _, record) in views(&school) {
        for word in ["Maya", "maya", "Rosa", "Luis", "Quintero", "asks"] {
            assert!(!record.windows(word.len()).any(|part| part == word.as_bytes()), "{word} in {record:?}");
        }
    }

    // What is refused shows nothing, and leaves no record of a view.
    let stranger = Browser { cookie: String::new(), path: rosa.path.clone(), guardian: rosa.guardian };
    let crossed = Browser { cookie: rosa.cookie.clone(), path: luis.path.clone(), guardian: luis.guardian };
    for (what, browser) in [("no session", &stranger), ("another's session", &crossed)] {
        assert_eq!(browser.looks(&school).await.status(), StatusCode::NOT_FOUND, "{what}");
    }
    assert_eq!(
        stranger.sends(&school, "GET", "").await.status(),
        StatusCode::OK,
        "the page to sign in is none"
    );
    let restrict = HttpRequest::post(format!("/v1/guardians/{}/restrict", luis.guardian))
        .header("authorization", format!("Bearer {}", school.admin_token(None)))
        .body(Body::from("{}"));
    assert_eq!(school.send(restrict.unwrap()).await.status(), StatusCode::OK);
    assert_eq!(luis.looks(&school).await.status(), StatusCode::NOT_FOUND, "restricted");
    assert_eq!(views(&school).len(), expected.len());

    // Too often is refused as well; and a session that was ended shows nothing.
    for _ in 3..VIEWS_MAX {
        assert_eq!(rosa.looks(&school).await.status(), StatusCode::OK);
    }
    let shown = expected.len() + VIEWS_MAX as usize - 3;
    for _ in 0..3 {
        assert_eq!(rosa.looks(&school).await.status(), StatusCode::TOO_MANY_REQUESTS);
    }
    assert_eq!(rosa.sends(&school, "POST", "/sign-out").await.status(), StatusCode::SEE_OTHER);
    assert_eq!(rosa.looks(&school).await.status(), StatusCode::NOT_FOUND, "signed out");
    assert_eq!(views(&school).len(), shown);
}
