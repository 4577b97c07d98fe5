//! A disk that fills up or fails, as tablets and administrators see it.

use std::path::Path;

use axum::body::Body;
use axum::http::Request;
use axum::response::Response;

use super::school::{School, bytes, header, in_json, maya, person};
use super::*;
use crate::store::disk::{Disk as _, Fault, FaultError, FaultOn, SimulatedDisk};

pub(super) const MIB: u64 = 1024 * 1024;
/// A disk of which a twentieth, 10 MiB, is to be free, and as much is set aside.
pub(super) const CAPACITY_BYTES: u64 = 200 * MIB;

/// What others put on the disk.
pub(super) const FILLING: &str = "filling";

/// Leaves so much room.
pub(super) fn leave(disk: &SimulatedDisk, bytes: u64) {
    disk.allocate(Path::new(FILLING), CAPACITY_BYTES - disk.used() - bytes).unwrap();
    // It is to be there after a power cut, too.
    disk.sync_dir(Path::new("")).unwrap();
}

/// Asks for something as the administrator.
async fn ask(school: &School, path: &str, body: serde_json::Value) -> Response {
    let token = school.admin_token(None);
    let request = Request::post(path)
        .header("authorization", format!("Bearer {token}"))
        .body(Body::from(body.to_string()))
        .unwrap();
    school.send(request).await
}

async fn revoke(school: &School, tablet: &super::school::Tablet) -> StatusCode {
    ask(school, &format!("/v1/devices/{}/revoke", tablet.profile.device), json!({})).await.status()
}

#[tokio::test]
async fn near_a_full_disk_new_work_waits_and_reading_and_ending_go_on() {
    let disk = SimulatedDisk::new();
    disk.set_capacity(CAPACITY_BYTES);
    let school = School::on_disk(&disk).await;
    let log = school.document(DocumentKind::Log, None);
    let (mut ana, mut ben, mut pia) =
        (school.tablet("ana", 1).await, school.tablet("ben", 1).await, school.tablet("pia", 1).await);
    ana.sync(&school).await;
    let session = ana.log(&log, "slp");
    ana.sync(&school).await;

    leave(&disk, 10 * MIB - 1);
    let late = ana.log(&log, "slp");
    let sent = codec::encode(&ana.compose().request);
    let response = ana.post(&school, "/v1/exchange", sent).await;
    assert_eq!(header(response.headers(), "retry-after"), "60");
    let (status, refused) = in_json(response).await;
    assert_eq!(
        (status, &refused["error"]["code"]),
        (StatusCode::INSUFFICIENT_STORAGE, &json!("storage_full"))
    );
    let new = [
        (format!("/v1/people/{}/code", person("ana")), json!({})),
        (
            "/v1/grants".to_owned(),
            json!({
                "student": maya(), "person": person("tom"), "role": "set", "from": "2026-11-20", "reason": "new",
            }),
        ),
    ];
    for (path, body) in new {
        assert_eq!(ask(&school, &path, body).await.status(), StatusCode::INSUFFICIENT_STORAGE, "{path}");
    }
    let (status, ready) = in_json(school.get("/ready", "").await).await;
    assert_eq!((status, &ready["room"]), (StatusCode::OK, &json!(false)));

    // Reading goes on, its audit included, also of a whole document.
    let before = school.engine.reader().end().seq;
    ben.sync(&school).await;
    assert!(ben.has(log.id(), &session));
    let path = format!("/v1/documents/{}/snapshot", log.id());
    let snapshot = school.get(&path, &ben.token).await;
    assert_eq!(snapshot.status(), StatusCode::OK);
    assert!(!bytes(snapshot).await.is_empty());
    assert!(school.engine.reader().end().seq >= before + 2, "what was read is in the audit");

    // So do ends: of a device, and of a place on a team.
    assert_eq!(revoke(&school, &ben).await, StatusCode::OK);
    assert_eq!(ben.try_sync(&school).await.unwrap_err().0, StatusCode::FORBIDDEN);
    let grants = school.engine.index().team(maya()).unwrap();
    let grant = grants.iter().find(|grant| grant.person == person("pia")).unwrap().id;
    let ended =
        ask(&school, &format!("/v1/grants/{grant}/end"), json!({"on": "2026-11-19", "reason": "moved"}))
            .await;
    assert_eq!(ended.status(), StatusCode::OK);

    // Others fill the disk to its last byte: then the reserve is given up for them.
    disk.remove(Path::new(FILLING)).unwrap();
    leave(&disk, 0);
    assert_eq!(revoke(&school, &pia).await, StatusCode::OK);
    assert!(disk.used() <= CAPACITY_BYTES - 9 * MIB, "the reserve was given up");
    assert_eq!(pia.try_sync(&school).await.unwrap_err().0, StatusCode::FORBIDDEN);
    assert_eq!(ana.try_sync(&school).await.unwrap_err().0, StatusCode::INSUFFICIENT_STORAGE);
    disk.power_cut();
    let school = school.restart_on_disk(&disk);
    assert_eq!(pia.try_sync(&school).await.unwrap_err().0, StatusCode::FORBIDDEN, "it stands");
    assert_eq!(ana.try_sync(&school).await.unwrap_err().0, StatusCode::INSUFFICIENT_STORAGE);

    // When there is room again, all goes on by itself, and the reserve is set aside again.
    disk.remove(Path::new(FILLING)).unwrap();
    assert_eq!(ana.sync(&school).await.stored, 1);
    assert!(ana.has(log.id(), &late));
    assert!(disk.used() >= 10 * MIB);
}

#[tokio::test]
async fn a_failed_write_takes_nothing_and_the_server_goes_on() {
    let disk = SimulatedDisk::new();
    let school = School::on_disk(&disk).await;
    let log = school.document(DocumentKind::Log, None);
    let mut ana = school.tablet("ana", 1).await;
    ana.sync(&school).await;
    let before = disk.bytes(Path::new("log/00000001.seg")).unwrap().len();
    for (error, status, code) in [
        (FaultError::Io, StatusCode::SERVICE_UNAVAILABLE, "storage_failed"),
        (FaultError::DiskFull, StatusCode::INSUFFICIENT_STORAGE, "storage_full"),
    ] {
        // Without a reserve to give up, a full disk is a failed write like any other.
        disk.lose(Path::new("log/reserve"));
        ana.log(&log, "slp");
        disk.arm(Fault { on: FaultOn::Write, nth: 1, error });
        let (refused, answer) = ana.try_sync(&school).await.unwrap_err();
        assert_eq!((refused, &answer["error"]["code"]), (status, &json!(code)));
        let now = disk.bytes(Path::new("log/00000001.seg")).unwrap().len();
        assert!(now >= before && ana.stored().unsent().unwrap() > 0);
        assert!(!*school.engine.failed().borrow(), "it goes on");
        ana.sync(&school).await;
        assert_eq!(ana.stored().unsent().unwrap(), 0);
    }
    let school = school.restart_on_disk(&disk);
    let mut ben = school.tablet("ben", 1).await;
    ben.sync(&school).await;
    assert_eq!(ben.stored().slots(log.id()).unwrap().len(), 2);
}

#[tokio::test]
async fn a_failed_sync_stops_the_server_and_the_next_start_decides() {
    let disk = SimulatedDisk::new();
    let mut school = School::on_disk(&disk).await;
    let log = school.document(DocumentKind::Log, None);
    let mut ana = school.tablet("ana", 1).await;
    ana.sync(&school).await;
    for seed in 0..8 {
        ana.log(&log, "slp");
        disk.arm(Fault { on: FaultOn::Sync, nth: 1, error: FaultError::Io });
        let (status, refused) = ana.try_sync(&school).await.unwrap_err();
        let expected = (StatusCode::SERVICE_UNAVAILABLE, &json!("storage_failed"));
        assert_eq!((status, &refused["error"]["code"]), expected);
        assert!(*school.engine.failed().borrow(), "the process is told to end");
        // It is never tried again: nothing is answered from this process any more, not even what was read before.
        assert_eq!(ana.try_sync(&school).await.unwrap_err().0, StatusCode::SERVICE_UNAVAILABLE);
        let token = school.admin_token(None);
        assert_eq!(school.get("/v1/people", &token).await.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(school.get("/ready", "").await.status(), StatusCode::SERVICE_UNAVAILABLE);
        disk.crash(seed);
        school = school.restart_on_disk(&disk);
        ana.sync(&school).await;
        assert_eq!(ana.stored().unsent().unwrap(), 0);
    }
    let mut ben = school.tablet("ben", 1).await;
    ben.sync(&school).await;
    super::damage::see_all(&school, &mut ben).await.unwrap();
    assert_eq!(ben.stored().slots(log.id()).unwrap().len(), 8, "each once");
}
