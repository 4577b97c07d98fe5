use proptest::prelude::*;

use super::*;

const HERE: OrganisationBytes = [1; 16];
const DEVICE: DeviceBytes = [2; 16];
const BODY: &[u8] = b"a day's work";

fn key() -> SigningKey {
    SigningKey::from_bytes(&[3; 32])
}

fn paired(seen: Option<Seen>) -> impl Fn(&DeviceBytes) -> Option<Known> {
    move |device| {
        (*device == DEVICE)
            .then(|| Known { key: DeviceKey::of(key().verifying_key().as_bytes()).unwrap(), seen })
    }
}

fn asserted(counter: u64, body: &[u8]) -> String {
    Assertion::of(HERE, DEVICE, counter, body).signed_by(&key())
}

fn seen(counter: u64, body: &[u8]) -> Option<Seen> {
    Some(Seen { counter, body_sha256: Sha256::digest(body).into() })
}

#[test]
fn a_paired_device_proves_itself_and_its_body() {
    let signed = authenticate(&asserted(1, BODY), HERE, paired(None)).unwrap();
    assert_eq!(signed.device(), DEVICE);
    let verified = signed.with_body(BODY).unwrap();
    assert_eq!(verified.device(), DEVICE);
    assert_eq!(Some(verified.seen()), seen(1, BODY));
    assert_eq!(verified.freshness(None), Ok(Freshness::New));
}

#[test]
fn another_body_does_not_ride_along() {
    for other in [&b"another day's work"[..], b"", b"a day's wor", b"a day's work "] {
        let signed = authenticate(&asserted(1, BODY), HERE, paired(None)).unwrap();
        assert_eq!(signed.with_body(other), Err(AssertionError::Body));
    }
}

#[test]
fn a_counter_only_rises_except_for_a_resend() {
    let cases = [
        (None, 0, Ok(Freshness::New)),
        (seen(5, BODY), 6, Ok(Freshness::New)),
        (seen(5, BODY), u64::MAX, Ok(Freshness::New)),
        (seen(5, BODY), 5, Ok(Freshness::Resend)),
        (seen(5, b"another"), 5, Err(AssertionError::Stale { last: 5 })),
        (seen(5, BODY), 4, Err(AssertionError::Stale { last: 5 })),
        (seen(5, b"another"), 4, Err(AssertionError::Stale { last: 5 })),
        (seen(u64::MAX, b"another"), u64::MAX, Err(AssertionError::Stale { last: u64::MAX })),
    ];
    for (last, counter, expected) in cases {
        let at_the_door = authenticate(&asserted(counter, BODY), HERE, paired(last)).map(|_| ());
        assert_eq!(at_the_door, expected.map(|_| ()), "{last:?} {counter}");
        let fresh = authenticate(&asserted(counter, BODY), HERE, paired(None)).unwrap();
        assert_eq!(fresh.with_body(BODY).unwrap().freshness(last), expected, "{last:?} {counter}");
    }
}

#[test]
fn another_organisation_device_or_key_is_refused() {
    let value = asserted(1, BODY);
    assert_eq!(authenticate(&value, [9; 16], paired(None)), Err(AssertionError::Audience));
    assert_eq!(authenticate(&value, HERE, |_| None), Err(AssertionError::UnknownDevice));
    let stranger = SigningKey::from_bytes(&[4; 32]);
    let value = Assertion::of(HERE, DEVICE, 1, BODY).signed_by(&stranger);
    assert_eq!(authenticate(&value, HERE, paired(None)), Err(AssertionError::Signature));
}

#[test]
fn a_stranger_learns_no_counter() {
    let stranger = SigningKey::from_bytes(&[4; 32]);
    let value = Assertion::of(HERE, DEVICE, 1, BODY).signed_by(&stranger);
    assert_eq!(authenticate(&value, HERE, paired(seen(5, BODY))), Err(AssertionError::Signature));
}

#[test]
fn a_signature_without_the_prefix_means_nothing() {
    let statement = Assertion::of(HERE, DEVICE, 1, BODY).statement(VERSION);
    let bare = key().sign(&statement);
    let envelope: Envelope = (ByteBuf::from(statement), ByteArray::new(bare.to_bytes()));
    let value = URL_SAFE_NO_PAD.encode(encode(&envelope));
    assert_eq!(authenticate(&value, HERE, paired(None)), Err(AssertionError::Signature));
}

#[test]
fn a_newer_version_says_so() {
    let newer = encode(&(VERSION + 1, "shape", "of", "its own"));
    assert_eq!(
        authenticate(&sign_statement(&key(), newer), HERE, paired(None)),
        Err(AssertionError::Version)
    );
    let same_shape = Assertion::of(HERE, DEVICE, 1, BODY).statement(VERSION + 1);
    assert_eq!(
        authenticate(&sign_statement(&key(), same_shape), HERE, paired(None)),
        Err(AssertionError::Version)
    );
}

#[test]
fn other_shapes_are_malformed() {
    let statement = || Assertion::of(HERE, DEVICE, 1, BODY).statement(VERSION);
    let mut trailing = statement();
    trailing.push(0);
    let short_id =
        encode(&(VERSION, ByteArray::new([1; 15]), ByteArray::new(DEVICE), 1, ByteArray::new([0; 32])));
    let shapes =
        [Vec::new(), trailing, short_id, encode(&"text"), encode(&(VERSION,)), encode(&Vec::<u8>::new())];
    for shape in shapes {
        let value = sign_statement(&key(), shape.clone());
        assert_eq!(authenticate(&value, HERE, paired(None)), Err(AssertionError::Malformed), "{shape:02x?}");
    }
    for value in ["", "=", "not base64!", "AAAA"] {
        assert_eq!(authenticate(value, HERE, paired(None)), Err(AssertionError::Malformed), "{value}");
    }
}

#[test]
fn the_longest_true_assertion_is_well_within_the_limit() {
    let longest = asserted(u64::MAX, BODY);
    assert_eq!(longest.len(), 198);
    assert!(longest.len() < ASSERTION_BYTES_MAX);
    let too_long = "A".repeat(ASSERTION_BYTES_MAX + 1);
    assert_eq!(authenticate(&too_long, HERE, paired(None)), Err(AssertionError::TooLong));
    assert_eq!(authenticate(&too_long[1..], HERE, paired(None)), Err(AssertionError::Malformed));
}

#[test]
fn every_truncation_and_every_flipped_bit_is_refused() {
    let value = asserted(300, BODY);
    for length in 0..value.len() {
        assert!(authenticate(&value[..length], HERE, paired(None)).is_err(), "cut to {length}");
    }
    let bytes = URL_SAFE_NO_PAD.decode(&value).unwrap();
    for at in 0..bytes.len() {
        for bit in 0..8 {
            let mut flipped = bytes.clone();
            flipped[at] ^= 1 << bit;
            let value = URL_SAFE_NO_PAD.encode(flipped);
            assert!(authenticate(&value, HERE, paired(None)).is_err(), "bit {bit} of byte {at}");
        }
    }
}

proptest! {
    #[test]
    fn arbitrary_bytes_are_refused_and_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        prop_assert!(authenticate(&URL_SAFE_NO_PAD.encode(&bytes), HERE, paired(None)).is_err());
        prop_assert!(authenticate(&sign_statement(&key(), bytes), HERE, paired(None)).is_err());
    }

    #[test]
    fn arbitrary_text_is_refused_and_never_panics(text in ".{0,300}") {
        prop_assert!(authenticate(&text, HERE, paired(None)).is_err());
    }
}
