//! HTTP: one connection, no delay, bodies packed where that pays.

use std::cell::Cell;
use std::io::{Read as _, Write as _};
use std::time::Duration;

use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use reqwest::header::{
    ACCEPT_ENCODING, AUTHORIZATION, CONTENT_ENCODING, CONTENT_RANGE, CONTENT_TYPE, ETAG, HeaderMap, IF_RANGE,
    RANGE, RETRY_AFTER,
};
use reqwest::{Client, RequestBuilder, Response, StatusCode, Url};
use serde::Deserialize;
use sync_core::exchange::assertion::SCHEME;
use sync_core::exchange::codec::MESSAGE_BYTES_MAX;
use sync_core::exchange::message::Cursor;

use super::{
    Decisions, Exchanged, Failure, Paired, PairingRequest, Refusal, Route, SnapshotHead, SnapshotSink,
    SnapshotWanted, Traffic, Transport,
};

/// How long a connection may take to come about, in seconds.
pub const CONNECT_S_MAX: u64 = 10;
/// How long the line may be silent while an answer is awaited, in seconds.
pub const SILENCE_S_MAX: u64 = 60;
/// Bodies of fewer bytes are sent as they are: packing them gains nothing.
pub const PACK_BYTES_MIN: usize = 256;
/// Bytes of an answer that is no exchange's.
pub const JSON_BYTES_MAX: usize = 1024 * 1024;
/// The longest wait that a server can ask for, in seconds: a longer one is cut to this.
pub const RETRY_AFTER_S_MAX: u64 = 3_600;

const CBOR: &str = "application/cbor";
const JSON: &str = "application/json";
/// The reply's header with the token for snapshots.
const TOKEN: &str = "x-carryover-token";
/// The headers of a snapshot.
const SEQ: &str = "x-carryover-seq";
const INCARNATION: &str = "x-carryover-incarnation";
const MARK: &str = "x-carryover-mark";

/// The way to a server over HTTP.
#[derive(Debug)]
pub struct Http {
    client: Client,
    base: Url,
    traffic: Cell<Traffic>,
}

#[derive(Deserialize)]
struct ErrorEnvelope {
    error: Refusal,
}

impl Http {
    /// Makes ready to call the server at `address`, such as `https://carryover.example.org`.
    ///
    /// # Errors
    /// [`Failure::Address`].
    pub fn new(address: &str) -> Result<Self, Failure> {
        let mut base: Url = address.parse().map_err(|_| Failure::Address)?;
        if !matches!(base.scheme(), "http" | "https") || base.host_str().is_none() {
            return Err(Failure::Address);
        }
        // A path below which the server lives must end in a slash for ours to be joined to it.
        if !base.path().ends_with('/') {
            base.set_path(&format!("{}/", base.path()));
        }
        // Of two installations the first one stands, which is the same.
        drop(rustls::crypto::ring::default_provider().install_default());
        let client = Client::builder()
            .tcp_nodelay(true)
            .connect_timeout(Duration::from_secs(CONNECT_S_MAX))
            .read_timeout(Duration::from_secs(SILENCE_S_MAX))
            // Where a reply leads elsewhere, it is not our server that speaks.
            .redirect(reqwest::redirect::Policy::none())
            // Bodies are unpacked here, so that what was on the wire can be counted.
            .no_gzip()
            .build()
            .map_err(|_| Failure::Address)?;
        Ok(Self { client, base, traffic: Cell::default() })
    }

    fn url(&self, path: &str) -> Result<Url, Failure> {
        self.base.join(path).map_err(|_| Failure::Address)
    }

    fn count(&self, up: usize, down: usize) {
        let Traffic { up: sent, down: received } = self.traffic.get();
        self.traffic.set(Traffic { up: sent + up as u64, down: received + down as u64 });
    }

    /// Posts a body, and returns the answer's head and unpacked body if it is of the wanted kind.
    async fn post(
        &self,
        path: &str,
        authorization: Option<&str>,
        kind: &str,
        body: &[u8],
        limit: usize,
    ) -> Result<(HeaderMap, Vec<u8>), Failure> {
        let mut request =
            self.client.post(self.url(path)?).header(CONTENT_TYPE, kind).header(ACCEPT_ENCODING, "gzip");
        if let Some(authorization) = authorization {
            request = request.header(AUTHORIZATION, authorization);
        }
        let packed = if body.len() >= PACK_BYTES_MIN { pack(body) } else { None };
        let body = match packed {
            Some(packed) => {
                request = request.header(CONTENT_ENCODING, "gzip");
                packed
            }
            None => body.to_vec(),
        };
        self.count(body.len(), 0);
        let response = send(request.body(body)).await?;
        if !response.status().is_success() {
            return Err(self.refused(response).await);
        }
        if !is_of_kind(response.headers(), kind) {
            return Err(Failure::NotOurs);
        }
        let headers = response.headers().clone();
        Ok((headers, self.read(response, limit).await?))
    }

    /// Reads a whole body, counts it, and unpacks it.
    async fn read(&self, mut response: Response, limit: usize) -> Result<Vec<u8>, Failure> {
        let packed = response.headers().get(CONTENT_ENCODING).is_some_and(|encoding| encoding == "gzip");
        let mut body = Vec::new();
        while let Some(piece) = response.chunk().await.map_err(|_| Failure::BrokeOff)? {
            self.count(0, piece.len());
            if body.len() + piece.len() > limit {
                return Err(Failure::NotOurs);
            }
            body.extend_from_slice(&piece);
        }
        if packed { unpack(&body, limit) } else { Ok(body) }
    }

    /// Says what a status other than success means.
    async fn refused(&self, response: Response) -> Failure {
        let status = response.status();
        let after = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
        let after = after.map(|seconds: u64| Duration::from_secs(seconds.min(RETRY_AFTER_S_MAX)));
        let ours = is_of_kind(response.headers(), JSON);
        let body = self.read(response, JSON_BYTES_MAX).await.unwrap_or_default();
        let refusal = if ours { serde_json::from_slice::<ErrorEnvelope>(&body).ok() } else { None };
        let refusal = refusal.map(|envelope| envelope.error);
        let passing = status.is_server_error()
            || matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT);
        match refusal {
            refusal if passing => Failure::Later { after, refusal },
            Some(refusal) => Failure::Refused(refusal),
            None => Failure::NotOurs,
        }
    }
}

impl Transport for Http {
    async fn pair(&self, request: &PairingRequest) -> Result<Paired, Failure> {
        let body = serde_json::to_vec(request).map_err(|_| Failure::Address)?;
        let (_, answer) = self.post("v1/pair", None, JSON, &body, JSON_BYTES_MAX).await?;
        serde_json::from_slice(&answer).map_err(|_| Failure::NotOurs)
    }

    async fn exchange(
        &self,
        route: Route,
        assertion: Option<&str>,
        body: &[u8],
        room: Option<u32>,
    ) -> Result<Exchanged, Failure> {
        let path = match (route, room) {
            (Route::Exchange, Some(room)) => &format!("v1/exchange?room={room}"),
            (Route::Exchange, None) => "v1/exchange",
            (Route::HandIn, _) => "v1/hand-in",
        };
        let authorization = assertion.map(|assertion| format!("{SCHEME} {assertion}"));
        let (headers, body) =
            self.post(path, authorization.as_deref(), CBOR, body, MESSAGE_BYTES_MAX).await?;
        Ok(Exchanged { body, token: text(&headers, TOKEN) })
    }

    async fn snapshot(&self, wanted: SnapshotWanted<'_>, sink: &mut dyn SnapshotSink) -> Result<(), Failure> {
        let path = format!("v1/documents/{}/snapshot?at_least={}", wanted.document, wanted.at_least);
        let mut request =
            self.client.get(self.url(&path)?).header(AUTHORIZATION, format!("Bearer {}", wanted.token));
        if let Some((have, etag)) = wanted.have {
            request = request.header(RANGE, format!("bytes={have}-")).header(IF_RANGE, etag);
        }
        let mut response = send(request).await?;
        let from = match response.status() {
            StatusCode::OK => 0,
            StatusCode::PARTIAL_CONTENT => wanted.have.map_or(0, |(have, _)| have),
            _ => return Err(self.refused(response).await),
        };
        let head = head_of(&response, from).ok_or(Failure::NotOurs)?;
        sink.begin(&head, from)?;
        while let Some(piece) = response.chunk().await.map_err(|_| Failure::BrokeOff)? {
            self.count(0, piece.len());
            sink.bytes(&piece)?;
        }
        Ok(())
    }

    async fn decide(&self, body: &[u8], declines: bool, assertion: &str) -> Result<Decisions, Failure> {
        let path = if declines { "v1/holds/decline" } else { "v1/holds/admit" };
        let authorization = format!("{SCHEME} {assertion}");
        // The answer shows each hold, with what was written in it.
        let (_, answer) = self.post(path, Some(&authorization), JSON, body, MESSAGE_BYTES_MAX).await?;
        serde_json::from_slice(&answer).map_err(|_| Failure::NotOurs)
    }

    fn traffic(&self) -> Traffic {
        self.traffic.get()
    }

    async fn pause(&self, time: Duration) {
        tokio::time::sleep(time).await;
    }
}

async fn send(request: RequestBuilder) -> Result<Response, Failure> {
    let broken = |error: reqwest::Error| {
        if error.is_connect() { Failure::Unreachable } else { Failure::BrokeOff }
    };
    request.send().await.map_err(broken)
}

fn text(headers: &HeaderMap, name: &str) -> Option<String> {
    headers.get(name)?.to_str().ok().map(str::to_owned)
}

fn is_of_kind(headers: &HeaderMap, kind: &str) -> bool {
    let found = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    found.split(';').next().is_some_and(|found| found.trim() == kind)
}

/// Reads what a snapshot says of itself; a piece must begin where it was asked to.
fn head_of(response: &Response, from: u64) -> Option<SnapshotHead> {
    let headers = response.headers();
    let length = if response.status() == StatusCode::PARTIAL_CONTENT {
        let range = text(headers, CONTENT_RANGE.as_str())?;
        let (span, length) = range.strip_prefix("bytes ")?.split_once('/')?;
        let (first, _) = span.split_once('-')?;
        (first.parse() == Ok(from)).then(|| length.parse().ok())??
    } else {
        response.content_length()?
    };
    Some(SnapshotHead {
        etag: text(headers, ETAG.as_str())?,
        seq: text(headers, SEQ)?.parse().ok()?,
        incarnation: text(headers, INCARNATION)?.parse().ok()?,
        length,
        // An older server says none, and what cannot be read is as good as none.
        mark: text(headers, MARK).and_then(|mark| Cursor::from_text(&mark)),
    })
}

fn pack(body: &[u8]) -> Option<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(body).ok()?;
    encoder.finish().ok()
}

fn unpack(body: &[u8], limit: usize) -> Result<Vec<u8>, Failure> {
    let mut unpacked = Vec::new();
    // One byte more than may be: a longer body is noticed, and not read to its end.
    let mut rest = GzDecoder::new(body).take(limit as u64 + 1);
    rest.read_to_end(&mut unpacked).map_err(|_| Failure::NotOurs)?;
    if unpacked.len() > limit { Err(Failure::NotOurs) } else { Ok(unpacked) }
}
