//! What is wrong is refused with its own status and code, and changes nothing for anybody else.

use std::fs;

use sync_core::exchange::codec;
use tests::process::http::{Answer, raw, send};
use tests::process::{BareDevice, Installation, SchoolClock, Server, World};

use super::{Reader, is_nothing_to_a_stranger, list, log_session, text};

/// More than any body may have.
const TOO_LARGE_BYTES: usize = 20 * 1024 * 1024;

fn code_for(world: &World, person: &str) -> String {
    text(&world.admin(&format!("device code {person}"))["code"]).to_owned()
}

/// Checks a refusal: status, code, and that the server goes on.
fn refused(what: &str, answer: &Answer, status: u16, code: &str) {
    assert_eq!((answer.status, &*answer.refusal()), (status, code), "{what}: {answer:?}");
}

fn healthy(server: &Server) {
    for path in ["/ready", "/live"] {
        assert_eq!(send(&server.url, "GET", path, &[], b"").status, 200, "{path}");
    }
}

/// Runs a table of refusals while somebody works, and checks that she does not notice.
fn beside_a_bystander(check: impl FnOnce(&World, &Server)) {
    let world = World::new();
    let ana = world.tablet("slp1");
    log_session(&ana, "s1", "2026-10-12T09:00:00-05:00");
    assert_eq!(ana.ok("sync")["stored"], 1);
    world.with_server(|server| {
        check(&world, server);
        healthy(server);
    });
    log_session(&ana, "s1", "2026-10-13T09:00:00-05:00");
    assert_eq!(ana.ok("sync")["stored"], 1);
    assert_eq!(list(&ana.record("s1")["sessions"]).len(), 2);
    assert_eq!(world.installation.verify().code, Some(0));
    let said = world.installation.said();
    assert!(!said.contains("panicked"), "{said}");
    assert!(!said.contains("Quintero"), "no name reaches the log");
}

#[test]
fn requests_that_no_route_takes() {
    beside_a_bystander(|_, server| {
        let ask = |method: &str, path: &str, body: &[u8]| send(&server.url, method, path, &[], body);
        refused("unknown path", &ask("GET", "/v1/nothing", b""), 404, "not_found");
        refused("outside", &ask("GET", "/", b""), 404, "not_found");
        refused("another method", &ask("DELETE", "/v1/exchange", b""), 405, "method_not_allowed");
        refused("another method", &ask("GET", "/v1/pair", b""), 405, "method_not_allowed");
        refused("a long path", &ask("GET", &format!("/{}", "x".repeat(8_000)), b""), 404, "not_found");
        refused("no proof", &ask("POST", "/v1/exchange", b"x"), 401, "unauthorized");
        refused("no proof", &ask("POST", "/v1/hand-in", b"x"), 401, "unauthorized");
        for path in ["/v1/holds", "/v1/people", "/v1/students", "/v1/grants", "/v1/devices"] {
            refused(path, &ask("GET", path, b""), 401, "unauthorized");
        }
        // Not HTTP at all: whatever it says, it does not hang and does not die.
        let garbage = raw(&server.url, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n");
        assert_eq!(garbage.status, 400);
    });
}

#[test]
fn bodies_that_are_not_what_belongs_there() {
    beside_a_bystander(|world, server| {
        let post = |path: &str, kind: &str, body: &[u8]| {
            send(&server.url, "POST", path, &[("content-type", kind)], body)
        };
        let json = "application/json";
        refused("bad JSON", &post("/v1/pair", json, b"{\"code\":"), 400, "bad_json");
        refused("wrong fields", &post("/v1/pair", json, b"{\"kode\":1}"), 400, "bad_json");
        refused("too large", &post("/v1/pair", json, &vec![b' '; TOO_LARGE_BYTES]), 413, "too_large");
        let wrong = BareDevice::pairing("22222-22222", 9).to_string();
        refused("a wrong code", &post("/v1/pair", json, wrong.as_bytes()), 403, "pairing_code_invalid");
        let code = code_for(world, "cm1");
        let mut weak = BareDevice::pairing(&code, 9);
        weak["public_key"] = "AAAA".into();
        refused("no key", &post("/v1/pair", json, weak.to_string().as_bytes()), 422, "invalid_value");

        let device = BareDevice::pair(&server.url, &code, 9);
        let again = BareDevice::pairing(&code, 10).to_string();
        refused("a used code", &post("/v1/pair", json, again.as_bytes()), 410, "pairing_code_used");

        let good = codec::encode(&device.request());
        let cases: [(&str, Vec<u8>, u16, &str); 6] = [
            ("nothing", Vec::new(), 400, "bad_cbor"),
            ("not CBOR", [&good[..2], &[0xff; 40]].concat(), 400, "bad_cbor"),
            ("cut short", good[..good.len() - 1].to_vec(), 400, "bad_cbor"),
            ("bytes behind", [&good[..], b"x"].concat(), 400, "bad_cbor"),
            ("deep", [&good[..2], &[0x81; 100_000]].concat(), 400, "bad_cbor"),
            ("version 7", [&[0, 7], &good[2..]].concat(), 400, "unsupported_version"),
        ];
        for (what, body, status, code) in cases {
            for path in ["/v1/exchange", "/v1/hand-in"] {
                refused(&format!("{what} at {path}"), &device.post(path, &body), status, code);
            }
        }
        let large = device.post("/v1/exchange", &vec![0; TOO_LARGE_BYTES]);
        refused("too large", &large, 413, "too_large");
        let authorization = device.assertion(&good);
        for (encoding, status, code) in [("gzip", 400, "bad_request"), ("br", 415, "unsupported_media")] {
            let headers = [("authorization", &*authorization), ("content-encoding", encoding)];
            let answer = send(&server.url, "POST", "/v1/exchange", &headers, &good);
            refused(encoding, &answer, status, code);
        }
        // And what is right is taken from the same device.
        device.exchange();
    });
}

#[test]
fn proofs_that_prove_nothing() {
    beside_a_bystander(|world, server| {
        let device = BareDevice::pair(&server.url, &code_for(world, "cm1"), 9);
        let stranger = BareDevice::pair(&server.url, &code_for(world, "ot1"), 10);
        let good = codec::encode(&device.request());
        let post = |authorization: &str, body: &[u8]| {
            send(&server.url, "POST", "/v1/exchange", &[("authorization", authorization)], body)
        };
        let get = |path: &str, authorization: &str| {
            send(&server.url, "GET", path, &[("authorization", authorization)], b"")
        };
        refused("another body", &post(&device.assertion(b"other"), &good), 401, "assertion_invalid");
        let forged = stranger.assertion(&good);
        refused("another's request", &post(&forged, &good), 401, "assertion_invalid");
        for value in ["Carryover-Device", "Carryover-Device ", "Carryover-Device AAAA", "Basic QTpC"] {
            let answer = post(value, &good);
            assert_eq!(answer.status, 401, "{value}");
            answer.refusal();
        }
        let (_, token) = device.exchange();
        let old = device.assertion_under(1, b"old news");
        refused("an old counter", &post(&old, b"old news"), 409, "stale_assertion");

        refused("no token", &get("/v1/people", "Bearer nonsense"), 401, "token_invalid");
        let mut forged = server.token.clone();
        let last = if forged.ends_with('A') { "B" } else { "A" };
        forged.replace_range(forged.len() - 8..forged.len() - 7, last);
        refused("a forged token", &get("/v1/people", &format!("Bearer {forged}")), 401, "token_invalid");
        refused("a device's token", &get("/v1/people", &format!("Bearer {token}")), 403, "forbidden");
        let none = token.split('.').nth(1).unwrap();
        let unsigned = format!("Bearer eyJhbGciOiJub25lIn0.{none}.");
        refused("an unsigned token", &get("/v1/holds", &unsigned), 401, "token_invalid");
        let folder = world.installation.data();
        let then =
            Installation::at(folder.parent().unwrap(), SchoolClock::starting("2026-10-01T08:00:00-05:00"));
        let made = then.carryover("admin token --json --days 1 --data", &[]).ok();
        let made: serde_json::Value = serde_json::from_str(&made.stdout).unwrap();
        let expired = format!("Bearer {}", text(&made["token"]));
        refused("an expired token", &get("/v1/people", &expired), 401, "token_expired");

        // A revoked device is told so, and may still hand in.
        world.admin(&format!("device revoke {}", device.id));
        refused("a revoked device", &device.post("/v1/exchange", &good), 403, "device_revoked");
        let headers = format!("Bearer {token}");
        assert!([401, 403].contains(&get("/v1/holds", &headers).status));
        assert_eq!(device.post("/v1/hand-in", &good).status, 200);
    });
}

#[test]
fn ids_that_lead_nowhere() {
    beside_a_bystander(|_, server| {
        let bearer = format!("Bearer {}", server.token);
        let nowhere = "01JA0000000000000000000000";
        for (method, path, body) in [
            ("GET", format!("/v1/holds/{nowhere}"), ""),
            ("GET", "/v1/holds/x".to_owned(), ""),
            ("GET", format!("/v1/documents/{nowhere}/snapshot"), ""),
            ("GET", "/v1/documents/x/snapshot".to_owned(), ""),
            ("POST", format!("/v1/grants/{nowhere}/end"), r#"{"on":"2026-10-16","reason":"x"}"#),
            ("POST", format!("/v1/devices/{nowhere}/revoke"), "{}"),
            ("POST", format!("/v1/people/{nowhere}/code"), ""),
        ] {
            let headers = [("authorization", &*bearer), ("content-type", "application/json")];
            let answer = send(&server.url, method, &path, &headers, body.as_bytes());
            refused(&path, &answer, 404, "not_found");
        }
        // By script the same, with nothing made.
        for line in [
            "device code nobody".to_owned(),
            format!("device revoke {nowhere}"),
            format!("grant end {nowhere} --on 2026-10-16 --reason x"),
            format!("hold show {nowhere}"),
            "grant add --student s99 --person slp1 --role slp --from 2026-10-16 --reason x".to_owned(),
        ] {
            let ran = server.run(&line);
            let said: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
            assert!(
                ran.code.is_some_and(|code| code != 0) && said["error"]["code"].is_string(),
                "{line}: {ran:?}"
            );
        }
        let forged = server.run_as("nonsense", "person list");
        assert!(
            forged.code.is_some_and(|code| code != 0) && forged.stdout.contains("token_invalid"),
            "{forged:?}"
        );
    });
}

#[test]
fn imports_with_a_fault_change_nothing() {
    beside_a_bystander(|world, server| {
        let before = server.ok("student list");
        let faulty: [(&str, &str, &[u8]); 6] = [
            ("unknown_column", "students.csv", b"external_id,display_name,shoe_size\ns9,Nobody,38\n"),
            ("required", "students.csv", b"external_id,display_name\ns9,\n"),
            ("not_utf8", "students.csv", b"external_id,display_name\ns9,\xff\xfe\n"),
            ("unknown_student", "team.csv", b"student,person,role,from\ns99,slp1,slp,2026-08-24\n"),
            ("quotes", "students.csv", b"external_id,display_name\ns9,\"Nobody\n"),
            ("not a date", "team.csv", b"student,person,role,from\ns1,slp1,slp,yesterday\n"),
        ];
        for (nth, (what, file, bytes)) in faulty.into_iter().enumerate() {
            let folder = world.folder(&format!("faulty-{nth}"));
            fs::write(folder.join(file), bytes).unwrap();
            // A good row in another file is not taken either: all or nothing.
            if file != "students.csv" {
                fs::write(folder.join("students.csv"), "external_id,display_name\ns8,Somebody New\n")
                    .unwrap();
            }
            let ran = server.run(&format!("import '{}'", folder.display()));
            assert_eq!(ran.code, Some(2), "{what}: {ran:?}");
            let said: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
            let error = &list(&said["errors"])[0];
            assert_eq!(error["file"], file, "{what}: {said}");
            assert!(
                error["line"].is_u64() && error["column"].is_u64() && error["code"].is_string(),
                "{error}"
            );
        }
        assert_eq!(server.ok("student list"), before);
        let again = server.ok(&format!("import '{}'", world.folder("csv").display()));
        assert_eq!((again["created"].as_u64(), again["changed"].as_u64()), (Some(0), Some(0)), "{again}");
    });
}

#[test]
fn a_stranger_is_answered_as_if_there_were_nothing() {
    let world = World::new();
    let ana = world.tablet("slp1");
    log_session(&ana, "s1", "2026-10-12T09:00:00-05:00");
    ana.ok("sync");
    let (carla, sol) = (Reader::paired(&world, "cm1", 9), Reader::paired(&world, "slp2", 10));
    let team: Vec<_> = carla.told.iter().collect();
    assert!(team.len() >= 2, "a plan and a log at least: {team:?}");
    is_nothing_to_a_stranger(&carla, &sol, &team);
}
