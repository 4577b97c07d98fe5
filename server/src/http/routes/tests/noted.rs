//! What is noted beside the keys, before anybody is told that it is done.

use axum::body::Body;
use axum::http::Request;

use super::*;

/// Puts a folder where the register's lock should be, so that nothing can be noted, while `work` is done.
async fn with_no_register<R>(school: &School, work: impl Future<Output = R>) -> R {
    let lock = school.folder.path().join("data.keys/register.lock");
    std::fs::remove_file(&lock).unwrap();
    std::fs::create_dir(&lock).unwrap();
    let done = work.await;
    std::fs::remove_dir(&lock).unwrap();
    done
}

#[tokio::test]
async fn access_that_was_ended_is_not_said_to_be_until_it_is_noted() {
    let school = School::new().await;
    let token = school.admin_token(None);
    let tablet = school.tablet("ana", 1).await;
    let guardian = school.guardian(maya()).await;
    for path in [
        format!("/v1/devices/{}/revoke", tablet.profile.device),
        format!("/v1/guardians/{guardian}/restrict"),
        format!("/v1/guardians/{guardian}/end"),
    ] {
        let ask = || async {
            let request = Request::post(&path).header("authorization", format!("Bearer {token}"));
            in_json(school.send(request.body(Body::empty()).unwrap()).await).await
        };
        with_no_register(&school, async {
            for tried in 0..2 {
                let (status, answer) = ask().await;
                let told = (status, answer["error"]["code"].clone());
                let expected = (StatusCode::SERVICE_UNAVAILABLE, json!("storage_failed"));
                assert_eq!(told, expected, "{path}, {tried}");
            }
        })
        .await;
        assert_eq!(ask().await.0, StatusCode::OK, "{path}");
    }
    let keys = school.folder.path().join("data.keys");
    let register = crate::register::RegisterFile::beside(&keys).read().unwrap();
    assert_eq!(register.devices.get(&tablet.profile.device), Some(&DeviceState::Revoked));
    let access = register.guardians[&guardian];
    assert!(access.restricted && access.ended);
}
