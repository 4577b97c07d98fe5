//! One kept connection to a server on the loopback, and what goes over it.
//!
//! Every server here is driven by this same client, so that what the client costs is the same for all.

use std::io::{self, Read as _, Write as _};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};

use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Bytes;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::header::{ACCEPT_ENCODING, AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE, HOST, HeaderValue};
use hyper::{HeaderMap, Request, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use crate::measure::Failed;

/// A request that is ready to be sent, and can be sent again.
#[derive(Debug, Clone)]
pub struct Ready {
    /// What stands in `Authorization`; empty for none.
    pub authorization: String,
    /// The body as it goes over the wire.
    pub body: Bytes,
    /// Whether the body is packed, and the answer may be.
    pub packed: bool,
}

/// A kept connection.
pub struct Connection {
    sender: SendRequest<Full<Bytes>>,
    traffic: Arc<AtomicU64>,
}

impl Connection {
    /// Connects to a server such as `http://127.0.0.1:8642`.
    pub async fn open(server: &str) -> Result<Self, Failed> {
        let stream = TcpStream::connect(server.trim_start_matches("http://")).await?;
        stream.set_nodelay(true)?;
        let traffic = Arc::default();
        let counted = Counted { stream, traffic: Arc::clone(&traffic) };
        let (sender, connection) = handshake(TokioIo::new(counted)).await?;
        // Why it broke is told to whoever waits for an answer.
        tokio::spawn(connection);
        Ok(Self { sender, traffic })
    }

    /// Posts a request, and returns the body of the answer, unpacked.
    pub async fn post(&mut self, path: &str, ready: &Ready) -> Result<Vec<u8>, Failed> {
        let mut request =
            Request::post(path).header(HOST, "localhost").header(CONTENT_TYPE, "application/cbor");
        if !ready.authorization.is_empty() {
            request = request.header(AUTHORIZATION, &ready.authorization);
        }
        if ready.packed {
            let gzip = HeaderValue::from_static("gzip");
            request = request.header(CONTENT_ENCODING, &gzip).header(ACCEPT_ENCODING, gzip);
        }
        self.sender.ready().await?;
        let answer = self.sender.send_request(request.body(Full::new(ready.body.clone()))?).await?;
        let (head, body) = answer.into_parts();
        let body = body.collect().await?.to_bytes();
        let body = if is_packed(&head.headers) { unpack(&body)? } else { body.to_vec() };
        match head.status {
            StatusCode::OK => Ok(body),
            status => Err(format!("{path}: {status}: {}", String::from_utf8_lossy(&body)).into()),
        }
    }

    /// Returns the bytes that went over the connection so far, heads of requests and answers included.
    pub fn traffic(&self) -> u64 {
        self.traffic.load(Ordering::Relaxed)
    }
}

fn is_packed(headers: &HeaderMap) -> bool {
    headers.get(CONTENT_ENCODING).is_some_and(|encoding| encoding == "gzip")
}

fn unpack(body: &[u8]) -> io::Result<Vec<u8>> {
    let mut unpacked = Vec::new();
    GzDecoder::new(body).read_to_end(&mut unpacked)?;
    Ok(unpacked)
}

/// Packs a body as a tablet does.
pub fn pack(body: &[u8]) -> io::Result<Vec<u8>> {
    let mut packer = GzEncoder::new(Vec::new(), Compression::default());
    packer.write_all(body)?;
    packer.finish()
}

/// A stream that counts what goes through it.
struct Counted {
    stream: TcpStream,
    traffic: Arc<AtomicU64>,
}

impl Counted {
    fn count(&self, bytes: usize) {
        self.traffic.fetch_add(bytes as u64, Ordering::Relaxed);
    }
}

impl AsyncRead for Counted {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = into.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(context, into))?;
        self.count(into.filled().len() - before);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Counted {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = ready!(Pin::new(&mut self.stream).poll_write(context, bytes))?;
        self.count(written);
        Poll::Ready(Ok(written))
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
