//! Handing in by a certificate alone: no `Authorization` header, no person, no key.

use axum::body::Body;
use axum::response::Response;
use sync_core::envelope::{Body as Said, Content, ENVELOPE_VERSION, Envelope, Evidence};
use sync_core::exchange::client::outbox::{Outgoing, compose_hand_in};
use sync_core::exchange::client::reply::take;
use sync_core::exchange::message::{HoldReason, HoldState, Kept, Sealed};
use sync_core::ids::ActId;

use super::*;
use crate::auth::certificate::Certificate;

const NOW: Moment = Moment(1_795_183_200_000);

/// Composes what a tablet hands in when nobody opens it, as the SDK does.
fn handed(tablet: &Tablet) -> Outgoing {
    let mut outgoing = compose_hand_in(&tablet.store, NOW).unwrap();
    outgoing.request.certificate = Some(tablet.certificate.clone().into());
    outgoing
}

/// Sends a request that nobody signed.
async fn send(school: &School, request: &Request) -> Response {
    let unsigned = axum::http::Request::post("/v1/hand-in").header("content-type", "application/cbor");
    school.send(unsigned.body(Body::from(codec::encode(request))).unwrap()).await
}

/// Hands in and returns what it was told, which is fates and nothing else.
async fn told(school: &School, request: &Request) -> Reply {
    let response = send(school, request).await;
    assert!(!response.headers().contains_key("x-carryover-token"), "there is nothing to fetch");
    let told = reply(response).await;
    assert!(told.entries.is_empty() && told.cursor.is_none(), "{told:?}");
    told
}

/// A tablet that keeps what it makes sealed, too, and has exchanged once.
async fn sealing_tablet(school: &School, name: &str, number: u8) -> Tablet {
    let mut tablet = school.tablet(name, number).await;
    tablet.seals = true;
    tablet.sync(school).await;
    tablet
}

fn end(school: &School) -> u64 {
    school.engine.reader().end().seq
}

#[tokio::test]
async fn a_certificate_alone_hands_in_whatever_has_become_of_device_or_place() {
    let school = School::new().await;
    let log = school.document(DocumentKind::Log, None);
    school.grant("tom", Role::Set, None).await;
    let (mut ana, mut revoked, mut lost, mut ended) = (
        sealing_tablet(&school, "ana", 1).await,
        sealing_tablet(&school, "ana", 2).await,
        sealing_tablet(&school, "ben", 1).await,
        sealing_tablet(&school, "tom", 1).await,
    );
    school.set_state(revoked.profile.device, DeviceState::Revoked).await;
    school.set_state(lost.profile.device, DeviceState::Lost).await;
    school.grant("tom", Role::Set, Some("2026-11-19")).await;
    let cases = [
        ("in use", &mut ana, "slp", None),
        ("revoked", &mut revoked, "slp", Some(HoldReason::DeviceRevoked)),
        ("lost", &mut lost, "ot", Some(HoldReason::DeviceLost)),
        ("ended", &mut ended, "set", Some(HoldReason::AccessEnded)),
    ];
    for (what, tablet, role, reason) in cases {
        tablet.log(&log, role);
        let outgoing = handed(tablet);
        let Request { envelopes, sealed, .. } = &outgoing.request;
        assert_eq!((envelopes.len(), sealed.len()), (0, 1), "{what}: what is sealed, and nothing else");
        let reply = told(&school, &outgoing.request).await;
        let [fate] = &reply.fates[..] else { panic!("{what}: {reply:?}") };
        assert_eq!((fate.document, fate.act), (log.id(), Some(sealed[0].act)), "{what}");
        match (&fate.outcome, reason) {
            (Outcome::Stored, None) => {}
            (Outcome::Held { hold, reason: held, state: HoldState::Waiting }, Some(reason)) => {
                assert_eq!(*held, reason, "{what}");
                let hold = school.engine.index().hold(*hold).unwrap().expect("the hold");
                assert_eq!((hold.author, hold.state), (tablet.profile.person, HoldState::Waiting), "{what}");
            }
            (outcome, _) => panic!("{what}: {outcome:?}"),
        }
        let before = end(&school);
        let again = told(&school, &outgoing.request).await;
        assert_eq!((again.fates, end(&school)), (reply.fates.clone(), before), "{what}: done once");
        let (writes, _) = take(&tablet.store, &outgoing, &reply, NOW).unwrap();
        tablet.store.apply(writes);
        assert_eq!(tablet.stored().to_hand_in().unwrap(), 0, "{what}: it has its receipt");
    }
}

#[tokio::test]
async fn a_certificate_that_is_not_this_devices_of_this_server_hands_in_nothing() {
    let (school, other) = (School::new().await, School::new().await);
    let log = school.document(DocumentKind::Log, None);
    let mut ana = sealing_tablet(&school, "ana", 1).await;
    let ben = sealing_tablet(&school, "ben", 1).await;
    let there = other.tablet("ana", 1).await;
    assert_eq!(there.profile.device, ana.profile.device, "the same key, paired with another server");
    school.set_state(ana.profile.device, DeviceState::Revoked).await;
    ana.log(&log, "slp");
    let mut bent = ana.certificate.clone();
    *bent.last_mut().unwrap() ^= 1;
    let genuine = |key: &SigningKey, organisation| Certificate {
        key: key.verifying_key().to_bytes(),
        person: person("ana"),
        external_id: "ana".into(),
        organisation,
        log: school.engine.log_id(),
    };
    let (own, signer) = (school.engine.organisation(), school.engine.keys().certificate().signing());
    let request = handed(&ana).request;
    let never_paired = SigningKey::from_bytes(&[77; 32]);
    let unknown = DeviceId::of_key(&never_paired.verifying_key().to_bytes());
    let cases = [
        ("none", request.device, None),
        ("a bent one", request.device, Some(bent)),
        (
            "one that its own device has signed",
            request.device,
            Some(genuine(ana.key(), own).signed_by(ana.key())),
        ),
        ("another server's", request.device, Some(there.certificate.clone())),
        ("another device's", request.device, Some(ben.certificate.clone())),
        (
            "another organisation's",
            request.device,
            Some(genuine(ana.key(), other.engine.organisation()).signed_by(signer)),
        ),
        ("one of a device that is not known", unknown, Some(genuine(&never_paired, own).signed_by(signer))),
    ];
    let before = end(&school);
    for (what, device, certificate) in cases {
        let request = Request { device, certificate: certificate.map(Into::into), ..request.clone() };
        let (status, refused) = in_json(send(&school, &request).await).await;
        assert_eq!(
            (status, &refused["error"]["code"]),
            (StatusCode::UNAUTHORIZED, &json!("unauthorized")),
            "{what}"
        );
    }
    let mut elsewhere = Request { org: other.engine.organisation(), ..request.clone() };
    let (status, refused) = in_json(send(&school, &elsewhere).await).await;
    assert_eq!(
        (status, &refused["error"]["code"]),
        (StatusCode::UNAUTHORIZED, &json!("assertion_invalid")),
        "what was meant for another organisation"
    );
    // A signature that is there has to fit, whatever the certificate says.
    elsewhere.org = own;
    let mut forger = ana.clone();
    forger.take_key_of(&ben);
    let (status, refused) =
        in_json(forger.post(&school, "/v1/hand-in", codec::encode(&elsewhere)).await).await;
    assert_eq!((status, &refused["error"]["code"]), (StatusCode::UNAUTHORIZED, &json!("assertion_invalid")));
    assert_eq!(end(&school), before, "nothing of all this was looked at");
    assert_eq!(told(&school, &request).await.fates.len(), 1, "and what is right is taken");
}

#[tokio::test]
async fn by_a_certificate_only_what_the_device_has_sealed_is_taken() {
    let (school, other) = (School::new().await, School::new().await);
    let log = school.document(DocumentKind::Log, None);
    let mut ana = sealing_tablet(&school, "ana", 1).await;
    let ben = sealing_tablet(&school, "ben", 1).await;
    school.set_state(ana.profile.device, DeviceState::Revoked).await;
    ana.log(&log, "slp");
    let open = Request { certificate: Some(ana.certificate.clone().into()), ..ana.compose().request };
    assert_eq!((open.envelopes.len(), open.sealed.len()), (1, 0));
    let before = end(&school);
    assert_eq!(
        told(&school, &open).await.fates,
        [],
        "an open envelope may be anybody's who found a certificate"
    );
    assert_eq!(end(&school), before);

    let act = ActId([9; 16]);
    let said = Said {
        version: ENVELOPE_VERSION,
        org: ana.profile.org,
        document: log.id(),
        device: ana.profile.device,
        content: Content::Slots(Vec::new()),
        evidence: Evidence { seen: None, app: "test".into() },
    };
    let forged = codec::to_bytes(&Kept { name: log.clone(), envelope: Envelope::sign(&said, ben.key()) });
    let there = other.tablet("ana", 1).await.sealing;
    let cases = [
        ("another device's signature", ana.sealing.seal([1; 32], &forged).unwrap(), "forged_envelope"),
        ("sealed to another server", there.seal([2; 32], &forged).unwrap(), "sealed_unreadable"),
        ("sealed to nobody", b"words".to_vec(), "sealed_unreadable"),
    ];
    for (what, sealed, code) in cases {
        let sealed = vec![Sealed { document: log.id(), act, sealed, receipt: None }];
        let told = told(&school, &Request { sealed, ..handed(&ana).request }).await;
        let outcomes: Vec<_> = told.fates.iter().map(|fate| (fate.act, &fate.outcome)).collect();
        assert_eq!(outcomes, [(Some(act), &Outcome::Refused { code: code.into() })], "{what}");
    }
}
