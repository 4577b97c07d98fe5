mod not_http;

use axum::routing::{get, post};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::*;
use crate::http::tests::Nobody;
use crate::http::{HEADER_READ, shell};

/// Long enough that no test meets it unless something hangs.
const PATIENCE: Duration = Duration::from_secs(10);
/// A limit short enough to wait for.
const SHORT: Duration = Duration::from_millis(150);

/// A server on the loopback, and the means to stop it.
struct Served {
    address: SocketAddr,
    stop: watch::Sender<bool>,
    server: JoinHandle<Drained>,
    slow_begun: Arc<Notify>,
    slow_go_on: Arc<Notify>,
}

impl Served {
    fn start(limits: Limits) -> Self {
        let (slow_begun, slow_go_on) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let slow = get({
            let (begun, go_on) = (Arc::clone(&slow_begun), Arc::clone(&slow_go_on));
            move || async move {
                begun.notify_one();
                go_on.notified().await;
                "finished"
            }
        });
        let router = Router::new()
            .route(
                "/peer",
                get(|ConnectInfo(peer): ConnectInfo<SocketAddr>| async move { peer.ip().to_string() }),
            )
            .route("/length", post(|body: axum::body::Bytes| async move { body.len().to_string() }))
            .route("/slow", slow);
        let listener = bind(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = watch::channel(false);
        let server =
            tokio::spawn(serve(listener, shell(router, limits.clone(), Arc::new(Nobody)), limits, stopped));
        Self { address, stop, server, slow_begun, slow_go_on }
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    async fn stop(self) -> Drained {
        self.stop.send_replace(true);
        tokio::time::timeout(PATIENCE, self.server).await.unwrap().unwrap()
    }
}

async fn send(stream: &mut TcpStream, text: &str) {
    stream.write_all(text.as_bytes()).await.unwrap();
}

/// Everything until the server closes. A reset ends it, too.
async fn rest(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    let _ = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut bytes)).await.expect("still open");
    String::from_utf8(bytes).unwrap()
}

const CLOSING: &str = "GET /peer HTTP/1.1\r\nhost: anything\r\nconnection: close\r\n\r\n";

#[tokio::test]
async fn a_request_is_answered_under_any_host_and_the_peer_is_known() {
    let served = Served::start(Limits::default());
    let mut stream = served.connect().await;
    send(&mut stream, CLOSING).await;
    let answer = rest(&mut stream).await;
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    assert!(answer.ends_with("127.0.0.1"), "{answer}");
    assert_eq!(served.stop().await, Drained::Whole);
}

#[tokio::test]
async fn dripping_headers_are_cut_off_and_others_are_served_meanwhile() {
    let served = Served::start(Limits { header_read: SHORT, ..Limits::default() });
    let mut slow = served.connect().await;
    let began = Instant::now();
    let (mut reading, mut writing) = slow.split();
    let dripping = async {
        let _ = writing.write_all(b"GET /peer HTTP/1.1\r\n").await;
        while writing.write_all(b"x: y\r\n").await.is_ok() {
            tokio::time::sleep(SHORT / 10).await;
        }
    };
    let closed = async {
        let mut bytes = Vec::new();
        let _ = reading.read_to_end(&mut bytes).await;
        bytes
    };
    let other = async {
        let mut stream = served.connect().await;
        send(&mut stream, CLOSING).await;
        rest(&mut stream).await
    };
    let (bytes, other) = tokio::select! {
        both = async { tokio::join!(closed, other) } => both,
        () = dripping => panic!("the server stopped reading without closing"),
        () = tokio::time::sleep(PATIENCE) => panic!("still open"),
    };
    assert!(bytes.is_empty(), "no answer to half a request");
    assert!(began.elapsed() >= SHORT);
    assert!(other.starts_with("HTTP/1.1 200"));
}

#[tokio::test]
async fn an_idle_connection_is_closed_too() {
    let served = Served::start(Limits { header_read: SHORT, ..Limits::default() });
    let mut silent = served.connect().await;
    assert_eq!(rest(&mut silent).await, "");
    let mut idle = served.connect().await;
    send(&mut idle, "GET /peer HTTP/1.1\r\nhost: a\r\n\r\n").await;
    assert!(rest(&mut idle).await.ends_with("127.0.0.1"), "answered, and closed after the pause");
}

#[tokio::test]
async fn the_default_gives_headers_thirty_seconds() {
    assert_eq!(Limits::default().header_read, HEADER_READ);
    let served = Served::start(Limits::default());
    let mut slow = served.connect().await;
    send(&mut slow, "GET /peer HTTP/1.1\r\nhost: a\r\n").await;
    tokio::time::sleep(SHORT).await;
    send(&mut slow, "connection: close\r\n\r\n").await;
    assert!(rest(&mut slow).await.starts_with("HTTP/1.1 200"));
}

#[tokio::test]
async fn headers_have_a_size() {
    let served = Served::start(Limits::default());
    for (bytes, status) in [(HEADERS_BYTES_MAX - 200, "200"), (HEADERS_BYTES_MAX + 200, "431")] {
        let mut stream = served.connect().await;
        let padding = "x".repeat(bytes);
        send(&mut stream, &format!("GET /peer HTTP/1.1\r\nconnection: close\r\nx: {padding}\r\n\r\n")).await;
        let answer = rest(&mut stream).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{bytes}: {answer}");
    }
}

#[tokio::test]
async fn a_body_that_stalls_is_told_so_over_the_wire() {
    let served = Served::start(Limits { body_read: SHORT, ..Limits::default() });
    let mut stream = served.connect().await;
    send(&mut stream, "POST /length HTTP/1.1\r\nhost: a\r\ncontent-length: 10\r\n\r\nhalf").await;
    let answer = rest(&mut stream).await;
    assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
    assert!(answer.contains("\"code\":\"timeout\""), "{answer}");
}

#[tokio::test]
async fn a_body_that_says_it_is_too_large_is_refused_before_it_comes() {
    let served = Served::start(Limits { body_bytes_max: 10, ..Limits::default() });
    let mut stream = served.connect().await;
    send(&mut stream, "POST /length HTTP/1.1\r\nhost: a\r\ncontent-length: 11\r\n\r\n").await;
    let answer = rest(&mut stream).await;
    assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
    assert!(answer.contains("\"code\":\"too_large\""), "{answer}");
}

#[tokio::test]
async fn beyond_the_limit_connections_wait_their_turn() {
    let served = Served::start(Limits { connections_max: 1, ..Limits::default() });
    let mut first = served.connect().await;
    send(&mut first, "GET /slow HTTP/1.1\r\nhost: a\r\n\r\n").await;
    served.slow_begun.notified().await;
    let mut second = served.connect().await;
    send(&mut second, CLOSING).await;
    let mut byte = [0];
    let early = tokio::time::timeout(SHORT, second.read(&mut byte)).await;
    assert!(early.is_err(), "nothing is answered while the place is taken");
    served.slow_go_on.notify_one();
    drop(first);
    assert!(rest(&mut second).await.starts_with("HTTP/1.1 200"));
}

#[tokio::test]
async fn stopping_lets_requests_in_flight_finish_and_takes_no_more() {
    let served = Served::start(Limits::default());
    let mut busy = served.connect().await;
    let mut idle = served.connect().await;
    send(&mut idle, "GET /peer HTTP/1.1\r\nhost: a\r\n\r\n").await;
    send(&mut busy, "GET /slow HTTP/1.1\r\nhost: a\r\n\r\n").await;
    served.slow_begun.notified().await;
    served.stop.send_replace(true);
    assert!(rest(&mut idle).await.ends_with("127.0.0.1"), "an idle connection is closed at once");
    assert!(TcpStream::connect(served.address).await.is_err());
    assert!(!served.server.is_finished());
    served.slow_go_on.notify_one();
    let answer = rest(&mut busy).await;
    assert!(answer.contains("connection: close") && answer.ends_with("finished"), "{answer}");
    assert_eq!(served.stop().await, Drained::Whole);
}

#[tokio::test]
async fn what_takes_longer_than_the_drain_is_cut_off() {
    let served = Served::start(Limits { drain: SHORT, ..Limits::default() });
    let mut busy = served.connect().await;
    send(&mut busy, "GET /slow HTTP/1.1\r\nhost: a\r\n\r\n").await;
    served.slow_begun.notified().await;
    assert_eq!(served.stop().await, Drained::Cut(1));
    assert_eq!(rest(&mut busy).await, "");
}

#[tokio::test]
async fn losing_whoever_could_stop_it_stops_it() {
    let Served { stop, server, .. } = Served::start(Limits::default());
    drop(stop);
    assert_eq!(tokio::time::timeout(PATIENCE, server).await.unwrap().unwrap(), Drained::Whole);
}

#[tokio::test]
async fn small_writes_do_not_wait_for_each_other() {
    let listener = bind(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
    let _client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    let (_place, stream, _peer) = accept(&listener, &Arc::new(Semaphore::new(1))).await.unwrap();
    assert!(stream.nodelay().unwrap());
}
