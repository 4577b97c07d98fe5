//! Bytes that are no request: each is answered and let go, and the next connection is served.

use super::*;

/// A name, what is sent, and the status that comes back; none where the connection is closed without a word.
const ROWS: &[(&str, &str, Option<u16>)] = &[
    ("words", "hello\r\n\r\n", Some(400)),
    ("an empty method", " /peer HTTP/1.1\r\nhost: a\r\n\r\n", Some(400)),
    ("no version", "GET /peer\r\nhost: a\r\n\r\n", Some(400)),
    ("a version that is none", "GET /peer HTTP/9.9\r\nhost: a\r\n\r\n", Some(400)),
    ("the preface of HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", None),
    ("the first bytes of TLS", "\u{16}\u{3}\u{1}\u{2}\0\u{1}\0\0\r\n\r\n", Some(400)),
    ("an address with a space", "GET /peer /peer HTTP/1.1\r\nhost: a\r\n\r\n", Some(400)),
    ("a header without a colon", "GET /peer HTTP/1.1\r\nhost\r\n\r\n", Some(400)),
    ("a header with a space in its name", "GET /peer HTTP/1.1\r\nho st: a\r\n\r\n", Some(400)),
    ("a header folded over two lines", "GET /peer HTTP/1.1\r\nhost: a\r\n b\r\n\r\n", Some(400)),
    ("a zero byte in a header", "GET /peer HTTP/1.1\r\nhost: a\0b\r\n\r\n", Some(400)),
    ("a length that is no number", "POST /length HTTP/1.1\r\ncontent-length: seven\r\n\r\n", Some(400)),
    ("a length below nothing", "POST /length HTTP/1.1\r\ncontent-length: -1\r\n\r\n", Some(400)),
    ("a length with a sign", "POST /length HTTP/1.1\r\ncontent-length: +1\r\n\r\n1", Some(400)),
    (
        "a length beyond all numbers",
        "POST /length HTTP/1.1\r\ncontent-length: 99999999999999999999\r\n\r\n",
        Some(400),
    ),
    ("two lengths", "POST /length HTTP/1.1\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n12", Some(400)),
    (
        "a transfer that nobody knows",
        "POST /length HTTP/1.1\r\ntransfer-encoding: canary7\r\n\r\n",
        Some(400),
    ),
    (
        "chunks that are not the last encoding",
        "POST /length HTTP/1.1\r\ntransfer-encoding: chunked, gzip\r\n\r\n",
        Some(400),
    ),
    (
        "a chunk whose size is no number",
        "POST /length HTTP/1.1\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n12\r\n0\r\n\r\n",
        Some(400),
    ),
    (
        "a chunk that is longer than it says",
        "POST /length HTTP/1.1\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n1\r\n1234\r\n0\r\n\r\n",
        Some(400),
    ),
    (
        "a chunk beyond all numbers",
        "POST /length HTTP/1.1\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\nfffffffffffffffff\r\n",
        Some(400),
    ),
    ("nothing at all", "", None),
    ("half a request", "GET /peer HTTP/1.1\r\nhost: a\r\n", None),
];

#[tokio::test]
async fn what_is_no_request_is_let_go() {
    let served = Served::start(Limits { header_read: SHORT, body_read: SHORT, ..Limits::default() });
    let many: String = (0..200).map(|number| format!("x-{number}: 1\r\n")).collect();
    let many = format!("GET /peer HTTP/1.1\r\n{many}\r\n");
    let mut wrong = Vec::new();
    for (name, sent, status) in
        ROWS.iter().copied().chain([("two hundred headers", many.as_str(), Some(431))])
    {
        let mut stream = served.connect().await;
        send(&mut stream, sent).await;
        let answer = rest(&mut stream).await;
        let said = answer.split(' ').nth(1).and_then(|status| status.parse::<u16>().ok());
        if said != status || answer.contains("canary7") {
            wrong.push(format!("{name}: {answer:?}"));
        }
        let mut honest = served.connect().await;
        send(&mut honest, CLOSING).await;
        assert!(rest(&mut honest).await.ends_with("127.0.0.1"), "after {name}");
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(served.stop().await, Drained::Whole);
}
