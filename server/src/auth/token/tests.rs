use ed25519_dalek::Signer as _;
use hmac::{Hmac, KeyInit as _, Mac as _};
use proptest::prelude::*;
use serde_json::{Value, json};
use sha2::Sha256;

use super::*;

const NOW_S: u64 = 1_780_000_000;
const ORGANISATION: OrganisationId = [3; 16];
const DEVICE: DeviceId = [4; 16];
const BOTH: [Audience; 2] = [Audience::Device, Audience::Admin];

fn key(seed: u8) -> ServerKey {
    ServerKey::of_seed(&[seed; 32])
}

fn tokens() -> Tokens {
    Tokens::new(ORGANISATION, &key(10), &[]).unwrap()
}

fn device_token() -> String {
    tokens().issue_device(DEVICE, "p-kim", [5; 16], NOW_S).unwrap()
}

fn good_header() -> Value {
    json!({"typ": "at+jwt", "alg": "EdDSA", "kid": key(10).kid()})
}

fn good_claims() -> Value {
    json!({
        "iss": tokens().issuer, "aud": "carryover/device", "sub": encode_id(DEVICE), "jti": encode_id([5; 16]),
        "exp": NOW_S + DEVICE_TOKEN_LIFE_S, "nbf": NOW_S, "person": "p-kim",
    })
}

fn encode(json: &Value) -> String {
    URL_SAFE_NO_PAD.encode(json.to_string())
}

/// Signs any header and claims with the server's true key: what a bug or a thief could make.
fn signed(header: &Value, claims: &Value) -> String {
    let message = format!("{}.{}", encode(header), encode(claims));
    let signature = key(10).signing().sign(message.as_bytes());
    format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature.to_bytes()))
}

fn verify(token: &str) -> Result<Verified, TokenError> {
    tokens().verify(token, &BOTH, NOW_S)
}

#[test]
fn a_devices_token_says_device_and_person() {
    let verified = verify(&device_token()).unwrap();
    assert_eq!(verified.subject, Subject::Device { device: DEVICE, person: "p-kim".to_owned() });
    assert_eq!(verified.id, encode_id([5; 16]));
    assert_eq!(verified.expires_s, NOW_S + DEVICE_TOKEN_LIFE_S);
}

#[test]
fn the_forged_pieces_of_these_tests_make_a_good_token() {
    assert_eq!(verify(&signed(&good_header(), &good_claims())), verify(&device_token()));
}

#[test]
fn an_administrators_token_outlives_a_restart() {
    let days = ADMIN_TOKEN_DAYS_DEFAULT;
    let token = tokens().issue_admin(None, days, [6; 16], NOW_S).unwrap();
    let last_s = NOW_S + u64::from(days) * SECONDS_PER_DAY - 1;
    let verified = tokens().verify(&token, &[Audience::Admin], last_s).unwrap();
    assert_eq!(verified.subject, Subject::Admin { person: None });
    let token = tokens().issue_admin(Some("p-lee"), days, [6; 16], NOW_S).unwrap();
    let verified = tokens().verify(&token, &[Audience::Admin], last_s).unwrap();
    assert_eq!(verified.subject, Subject::Admin { person: Some("p-lee".to_owned()) });
}

#[test]
fn what_cannot_be_is_not_issued() {
    let admin = |person, days| tokens().issue_admin(person, days, [6; 16], NOW_S);
    assert_eq!(admin(None, 0), Err(IssueError::Days));
    assert!(admin(None, ADMIN_TOKEN_DAYS_MAX).is_ok());
    assert_eq!(admin(None, ADMIN_TOKEN_DAYS_MAX + 1), Err(IssueError::Days));
    let longest = "p".repeat(PERSON_BYTES_MAX);
    assert!(admin(Some(&longest), 1).is_ok());
    for person in ["", "admin", &format!("{longest}p")] {
        assert_eq!(admin(Some(person), 1), Err(IssueError::Person), "{person:?}");
        assert_eq!(
            tokens().issue_device(DEVICE, person, [5; 16], NOW_S),
            Err(IssueError::Person),
            "{person:?}"
        );
    }
}

#[test]
fn one_kind_is_never_taken_for_the_other() {
    let device = device_token();
    let admin = tokens().issue_admin(None, 1, [6; 16], NOW_S).unwrap();
    assert_eq!(tokens().verify(&device, &[Audience::Admin], NOW_S), Err(TokenError::Audience));
    assert_eq!(tokens().verify(&admin, &[Audience::Device], NOW_S), Err(TokenError::Audience));
    assert_eq!(tokens().verify(&device, &[], NOW_S), Err(TokenError::Audience));
}

#[test]
fn time_is_the_clock_that_was_passed_in() {
    let expires_s = NOW_S + DEVICE_TOKEN_LIFE_S;
    let at = |now_s| tokens().verify(&device_token(), &BOTH, now_s).map(|_| ());
    let cases = [
        (NOW_S, Ok(())),
        (expires_s + LEEWAY_S - 1, Ok(())),
        (expires_s + LEEWAY_S, Err(TokenError::Expired)),
        (expires_s + LEEWAY_S + 1, Err(TokenError::Expired)),
        (u64::MAX, Err(TokenError::Expired)),
        (NOW_S - LEEWAY_S, Ok(())),
        (NOW_S - LEEWAY_S - 1, Err(TokenError::NotYetValid)),
        (0, Err(TokenError::NotYetValid)),
    ];
    for (now_s, expected) in cases {
        assert_eq!(at(now_s), expected, "at {now_s}");
    }
}

#[test]
fn each_claim_must_be_there() {
    for claim in ["iss", "aud", "sub", "jti", "exp", "nbf", "person"] {
        let mut claims = good_claims();
        claims.as_object_mut().unwrap().remove(claim);
        assert_eq!(verify(&signed(&good_header(), &claims)), Err(TokenError::Claims), "{claim}");
    }
}

#[test]
fn each_claim_must_have_its_type() {
    let soon = NOW_S + 60;
    let cases = [
        ("exp", json!(soon.to_string())),
        ("exp", json!(soon as f64 + 0.5)),
        ("exp", json!(-1)),
        ("exp", json!(null)),
        ("exp", json!([soon])),
        ("nbf", json!(NOW_S.to_string())),
        ("nbf", json!(null)),
        ("iss", json!(1)),
        ("iss", json!([tokens().issuer])),
        ("aud", json!(["carryover/device"])),
        ("aud", json!(true)),
        ("sub", json!({})),
        ("sub", json!("admin")),
        ("sub", json!("")),
        ("jti", json!(5)),
        ("jti", json!("short")),
        ("person", json!(7)),
        ("person", json!(null)),
        ("person", json!("")),
        ("person", json!("admin")),
    ];
    for (claim, value) in cases {
        let mut claims = good_claims();
        claims[claim] = value.clone();
        assert_eq!(verify(&signed(&good_header(), &claims)), Err(TokenError::Claims), "{claim}: {value}");
    }
}

#[test]
fn claims_of_elsewhere_are_refused() {
    let other = Tokens::new([9; 16], &key(10), &[]).unwrap();
    assert_eq!(other.verify(&device_token(), &BOTH, NOW_S), Err(TokenError::Issuer));
    for (claim, value, expected) in [
        ("iss", "carryover:", TokenError::Issuer),
        ("aud", "carryover/family", TokenError::Audience),
        ("aud", "", TokenError::Audience),
    ] {
        let mut claims = good_claims();
        claims[claim] = json!(value);
        assert_eq!(verify(&signed(&good_header(), &claims)), Err(expected), "{claim}");
    }
}

#[test]
fn a_claim_that_stands_twice_is_refused() {
    let claims = good_claims().to_string().replacen('{', "{\"exp\":1,", 1);
    let message = format!("{}.{}", encode(&good_header()), URL_SAFE_NO_PAD.encode(claims));
    let signature = key(10).signing().sign(message.as_bytes());
    let token = format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature.to_bytes()));
    assert_eq!(verify(&token), Err(TokenError::Claims));
}

#[test]
fn every_header_but_our_own_is_refused() {
    let cases = [
        ("typ", json!("JWT"), TokenError::Header),
        ("typ", json!("AT+JWT"), TokenError::Header),
        ("typ", json!(null), TokenError::Header),
        ("kid", json!(null), TokenError::Header),
        ("kid", json!(""), TokenError::UnknownKey),
        ("kid", json!("../../etc/passwd"), TokenError::UnknownKey),
        ("kid", json!(key(11).kid()), TokenError::UnknownKey),
        ("alg", json!("HS256"), TokenError::Header),
        ("alg", json!("RS256"), TokenError::Header),
        ("alg", json!("none"), TokenError::Header),
        ("alg", json!(null), TokenError::Malformed),
        ("jku", json!("https://example.org/keys"), TokenError::Header),
        ("x5u", json!("https://example.org/cert"), TokenError::Header),
        ("crit", json!(["exp"]), TokenError::Header),
        ("cty", json!("JWT"), TokenError::Header),
        ("anything", json!(1), TokenError::Header),
    ];
    for (field, value, expected) in cases {
        let mut header = good_header();
        header[field] = value.clone();
        assert_eq!(verify(&signed(&header, &good_claims())).map(|_| ()), Err(expected), "{field}: {value}");
    }
    let x = URL_SAFE_NO_PAD.encode(key(10).verifying().as_bytes());
    let mut header = good_header();
    header["jwk"] = json!({"kty": "OKP", "crv": "Ed25519", "x": x});
    assert_eq!(verify(&signed(&header, &good_claims())), Err(TokenError::Header));
}

#[test]
fn no_algorithm_and_the_public_key_as_a_secret_open_nothing() {
    let mut header = good_header();
    header["alg"] = json!("none");
    let message = format!("{}.{}", encode(&header), encode(&good_claims()));
    assert!(verify(&format!("{message}.")).is_err());
    header["alg"] = json!("HS256");
    let message = format!("{}.{}", encode(&header), encode(&good_claims()));
    let mut mac = Hmac::<Sha256>::new_from_slice(key(10).verifying().as_bytes()).unwrap();
    mac.update(message.as_bytes());
    let token = format!("{message}.{}", URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes()));
    assert_eq!(verify(&token), Err(TokenError::Header));
}

#[test]
fn a_key_of_another_folder_is_unknown_until_it_is_retiring() {
    let old = key(50);
    let token = Tokens::new(ORGANISATION, &old, &[]).unwrap().issue_device(DEVICE, "p-kim", [5; 16], NOW_S);
    let token = token.unwrap();
    assert_eq!(verify(&token), Err(TokenError::UnknownKey));
    let rotated = Tokens::new(ORGANISATION, &key(10), &[old.verifying()]).unwrap();
    assert!(rotated.verify(&token, &BOTH, NOW_S).is_ok());
    assert!(rotated.verify(&device_token(), &BOTH, NOW_S).is_ok());
}

#[test]
fn swapped_parts_do_not_verify() {
    let admin = tokens().issue_admin(None, 30, [6; 16], NOW_S).unwrap();
    let device = device_token();
    let part = |token: &str, at: usize| token.split('.').nth(at).unwrap().to_owned();
    let mixed = format!("{}.{}.{}", part(&device, 0), part(&admin, 1), part(&device, 2));
    assert_eq!(verify(&mixed), Err(TokenError::Signature));
    // A header that says another key, in front of a good signature.
    let mut header = good_header();
    header["kid"] = json!(key(50).kid());
    let both = Tokens::new(ORGANISATION, &key(10), &[key(50).verifying()]).unwrap();
    let swapped = format!("{}.{}.{}", encode(&header), part(&device, 1), part(&device, 2));
    assert_eq!(both.verify(&swapped, &BOTH, NOW_S), Err(TokenError::Signature));
}

#[test]
fn length_is_checked_before_anything_else() {
    let padded = |length: usize| {
        let mut token = device_token();
        token.extend(std::iter::repeat_n('A', length - token.len()));
        verify(&token)
    };
    assert_ne!(padded(TOKEN_BYTES_MAX), Err(TokenError::TooLong));
    assert_eq!(padded(TOKEN_BYTES_MAX + 1), Err(TokenError::TooLong));
}

#[test]
fn the_longest_token_that_is_issued_is_accepted() {
    let person = "\u{1}".repeat(PERSON_BYTES_MAX);
    let token = tokens().issue_device(DEVICE, &person, [5; 16], NOW_S).unwrap();
    assert!(token.len() <= TOKEN_BYTES_MAX);
    assert!(verify(&token).is_ok());
}

#[test]
fn every_truncation_and_every_flipped_bit_is_refused() {
    let token = device_token();
    for length in 0..token.len() {
        assert!(verify(&token[..length]).is_err(), "cut to {length}");
    }
    for at in 0..token.len() {
        for bit in 0..7 {
            let mut bytes = token.clone().into_bytes();
            bytes[at] ^= 1 << bit;
            let flipped = String::from_utf8(bytes).unwrap();
            assert!(verify(&flipped).is_err(), "bit {bit} of byte {at}");
        }
    }
}

proptest! {
    #[test]
    fn arbitrary_text_is_refused_and_never_panics(text in ".{0,300}") {
        prop_assert!(verify(&text).is_err());
    }

    #[test]
    fn arbitrary_parts_are_refused_and_never_panic(
        header in proptest::collection::vec(any::<u8>(), 0..80),
        claims in proptest::collection::vec(any::<u8>(), 0..80),
        signature in proptest::collection::vec(any::<u8>(), 0..80),
    ) {
        let [header, claims, signature] = [header, claims, signature].map(|part| URL_SAFE_NO_PAD.encode(part));
        let token = format!("{header}.{claims}.{signature}");
        prop_assert!(verify(&token).is_err());
    }

    #[test]
    fn signed_but_arbitrary_claims_never_panic(claims in proptest::collection::vec(any::<u8>(), 0..80)) {
        let message = format!("{}.{}", encode(&good_header()), URL_SAFE_NO_PAD.encode(claims));
        let signature = key(10).signing().sign(message.as_bytes());
        let token = format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature.to_bytes()));
        prop_assert!(verify(&token).is_err());
    }
}
