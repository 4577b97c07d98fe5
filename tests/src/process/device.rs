//! A device without a program: its key, and requests signed by hand.

use std::cell::Cell;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ed25519_dalek::SigningKey;
use serde_json::{Value, json};
use sync_core::exchange::assertion::{Assertion, SCHEME};
use sync_core::exchange::codec;
use sync_core::exchange::message::{Reply, Request};
use sync_core::ids::{DeviceId, OrgId, TabletId};
use sync_core::time::Moment;

use super::http::{Answer, send};

/// The key of a device, and what pairing told it.
#[derive(Debug)]
pub struct BareDevice {
    /// Its id.
    pub id: DeviceId,
    /// The organisation that it was paired with.
    pub org: OrgId,
    key: SigningKey,
    counter: Cell<u64>,
    url: String,
}

impl BareDevice {
    /// Returns the body of a pairing request with the key that a seed gives.
    pub fn pairing(code: &str, seed: u8) -> Value {
        let key = URL_SAFE_NO_PAD.encode(SigningKey::from_bytes(&[seed; 32]).verifying_key().to_bytes());
        json!({"code": code, "public_key": key, "tablet": TabletId([seed; 16]).to_string(), "app": "bare"})
    }

    /// Pairs with a code.
    pub fn pair(url: &str, code: &str, seed: u8) -> Self {
        let body = Self::pairing(code, seed).to_string();
        let json = [("content-type", "application/json")];
        let paired = send(url, "POST", "/v1/pair", &json, body.as_bytes());
        assert_eq!(paired.status, 200, "{paired:?}");
        let org = paired.json()["organisation"].as_str().unwrap().parse().unwrap();
        let key = SigningKey::from_bytes(&[seed; 32]);
        let id = DeviceId::of_key(&key.verifying_key().to_bytes());
        Self { id, org, key, counter: Cell::new(0), url: url.to_owned() }
    }

    /// Returns a request that brings nothing, of a device that has nothing.
    pub fn request(&self) -> Request {
        Request::bare(self.org, self.id, None, Moment(0))
    }

    /// Returns the `Authorization` of a body under the next counter.
    pub fn assertion(&self, body: &[u8]) -> String {
        self.counter.set(self.counter.get() + 1);
        self.assertion_under(self.counter.get(), body)
    }

    /// Returns the `Authorization` of a body under a counter of the test's choice.
    pub fn assertion_under(&self, counter: u64, body: &[u8]) -> String {
        let assertion = Assertion::of(self.org.0, self.id.0, counter, body).signed_by(&self.key);
        format!("{SCHEME} {assertion}")
    }

    /// Posts a body, truly signed, to a route of the exchange.
    pub fn post(&self, path: &str, body: &[u8]) -> Answer {
        let authorization = self.assertion(body);
        let headers = [("authorization", &*authorization), ("content-type", "application/cbor")];
        send(&self.url, "POST", path, &headers, body)
    }

    /// Exchanges nothing for everything, and returns the reply and a token for what follows.
    pub fn exchange(&self) -> (Reply, String) {
        let answer = self.post("/v1/exchange", &codec::encode(&self.request()));
        assert_eq!(answer.status, 200, "{answer:?}");
        (codec::decode(&answer.body).unwrap(), answer.headers["x-carryover-token"].clone())
    }
}
