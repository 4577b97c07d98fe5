//! The socket: accepts connections, bounds them in number and time, and lets go of them in good
//! order.
//!
//! The framework's own `serve` installs no timer, and without one the time for headers is not
//! kept: a client that sends a byte now and then holds its connection for ever. So the loop is our
//! own. What a client sees of it:
//!
//! - Headers, and the pause between two requests, have [`Limits::header_read`]; then the connection
//!   is closed.
//! - Beyond [`Limits::connections_max`] nothing is accepted; new clients wait in the kernel's
//!   backlog, which is large enough for a building that comes back from a network failure at once.
//! - When told to stop, the server accepts nothing more, lets each request in flight finish within
//!   [`Limits::drain`], and says `Connection: close` with it.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::ConnectInfo;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;
use tower::Service as _;

use super::Limits;

/// Connections that may wait in the kernel to be accepted. (The kernel's own bound, on Linux
/// `net.core.somaxconn`, is 4096 unless changed.)
pub const BACKLOG: u32 = 4096;
/// The longest request line and headers together, in bytes: four times the longest token.
pub const HEADERS_BYTES_MAX: usize = 16 * 1024;
/// How long to wait after the system could not give another connection, as when it is out of file
/// descriptors: trying at once would only burn a core.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// How serving ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Drained {
    /// Every request that had begun was answered.
    Whole,
    /// So many connections were cut off because they took longer than [`Limits::drain`].
    Cut(usize),
}

/// Listens at `address`; port 0 takes a free one, which the listener can tell.
pub fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    // A restart must not wait for the last one's connections to be forgotten.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// Serves `router` until `stop` turns true or its sender is gone, then drains. Handlers find the
/// client's address in `ConnectInfo<SocketAddr>`; upgraded connections outlive the drain unless
/// their handler watches the same `stop`.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    limits: Limits,
    mut stop: watch::Receiver<bool>,
) -> Drained {
    let places = Arc::new(Semaphore::new(limits.connections_max.min(Semaphore::MAX_PERMITS)));
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            biased;
            () = told(&mut stop) => break,
            // Ended connections are reaped as they end, so that the set does not grow.
            Some(_) = connections.join_next() => continue,
            accepted = accept(&listener, &places) => accepted,
        };
        match accepted {
            Ok((place, stream, peer)) => {
                let connection = converse(stream, peer, router.clone(), limits.header_read, stop.clone());
                connections.spawn(async move {
                    connection.await;
                    drop(place);
                });
            }
            Err(error) if is_the_clients(&error) => {}
            Err(error) => {
                tracing::warn!(%error, "could not accept a connection");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    drop(listener);
    drain(connections, limits.drain).await
}

async fn accept(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
) -> io::Result<(OwnedSemaphorePermit, TcpStream, SocketAddr)> {
    let place = Arc::clone(places).acquire_owned().await.map_err(io::Error::other)?;
    let (stream, peer) = listener.accept().await?;
    // Two small writes in a row would otherwise wait 40 ms for each other.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "connection broke before it began");
    }
    Ok((place, stream, peer))
}

/// Whether the connection broke before it was ours.
fn is_the_clients(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionRefused
    )
}

/// Speaks with one client until either side has had enough.
async fn converse(
    stream: TcpStream,
    peer: SocketAddr,
    router: Router,
    header_read: Duration,
    mut stop: watch::Receiver<bool>,
) {
    let service = service_fn(move |mut request: hyper::Request<Incoming>| {
        request.extensions_mut().insert(ConnectInfo(peer));
        let mut router = router.clone();
        async move { Ok::<_, Infallible>(router.call(request).await.unwrap_or_else(|never| match never {})) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(header_read)
        .max_header_size(HEADERS_BYTES_MAX)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    let mut connection = std::pin::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = told(&mut stop) => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    // Clients vanish and time out all day; neither is news.
    if let Err(error) = ended {
        tracing::debug!(%error, "connection ended early");
    }
}

/// Waits until the server is told to stop.
async fn told(stop: &mut watch::Receiver<bool>) {
    // An error means that whoever could tell is gone, which is as good as being told.
    let _ = stop.wait_for(|stopping| *stopping).await;
}

async fn drain(mut connections: JoinSet<()>, patience: Duration) -> Drained {
    let all = async { while connections.join_next().await.is_some() {} };
    if tokio::time::timeout(patience, all).await.is_ok() {
        return Drained::Whole;
    }
    let cut = connections.len();
    connections.shutdown().await;
    Drained::Cut(cut)
}

#[cfg(test)]
mod tests;
