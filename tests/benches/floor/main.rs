//! The floor: the least that a server of durable, shared work can do, as an anchor for the budgets.
//!
//! A plain axum server. It appends what comes to a file, syncs once for all that wait, and hands the same bytes to the others. It knows
//! nobody, checks nothing, merges nothing and keeps no index; with `--check` it parses each change and compares its hash with its checksum,
//! which is what anybody pays who looks at a change at all.
//!
//! ```text
//! floor FILE [--check]     serves on a free port of the loopback, and prints its address
//!
//! POST /append             the body becomes durable; answers with nothing
//! POST /exchange           a batch of `frames`; answers with what others brought since
//! ```

mod frames;
mod group;

use std::collections::BTreeMap;
use std::error::Error;
use std::io::Write as _;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use automerge::Change;
use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::StatusCode;
use axum::routing::post;
use axum::serve::ListenerExt as _;
use tokio::net::TcpSocket;

use frames::{Batch, News};
use group::Appender;

/// Bytes of the largest body: as many as our own server takes.
const BODY_BYTES_MAX: usize = 8 * 1024 * 1024;
/// Connections that may wait to be accepted: as many as at our own server.
const BACKLOG: u32 = 4096;

/// A change, and who brought it.
type Brought = (u64, Bytes);

struct Floor {
    appender: Appender,
    check: bool,
    /// What came of each student.
    students: Mutex<BTreeMap<[u8; 16], Vec<Brought>>>,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut words = std::env::args().skip(1);
    let file = PathBuf::from(words.next().ok_or("floor FILE [--check]")?);
    let check = words.any(|word| word == "--check");
    let floor = Arc::new(Floor { appender: Appender::start(&file)?, check, students: Mutex::default() });
    let router = Router::new()
        .route("/append", post(append))
        .route("/exchange", post(exchange))
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .with_state(floor);
    let socket = TcpSocket::new_v4()?;
    socket.bind(([127, 0, 0, 1], 0).into())?;
    let listener = socket.listen(BACKLOG)?;
    writeln!(std::io::stdout(), "http://{}", listener.local_addr()?)?;
    // Two small writes in a row would otherwise wait 40 ms for each other. A connection that broke already is noticed when it is read.
    let listener = listener.tap_io(|stream| drop(stream.set_nodelay(true)));
    Ok(axum::serve(listener, router).await?)
}

async fn append(State(floor): State<Arc<Floor>>, body: Bytes) -> StatusCode {
    match floor.appender.append(body).await {
        true => StatusCode::OK,
        false => StatusCode::SERVICE_UNAVAILABLE,
    }
}

async fn exchange(State(floor): State<Arc<Floor>>, body: Bytes) -> Result<Vec<u8>, StatusCode> {
    let batch = Batch::decode(&body).ok_or(StatusCode::BAD_REQUEST)?;
    if floor.check && !batch.changes.iter().all(|(_, change)| is_whole(change)) {
        return Err(StatusCode::UNPROCESSABLE_ENTITY);
    }
    // A batch that only asks has nothing to make durable.
    if !batch.changes.is_empty() && !floor.appender.append(body.clone()).await {
        return Err(StatusCode::SERVICE_UNAVAILABLE);
    }
    let mut students = floor.students.lock().unwrap_or_else(PoisonError::into_inner);
    for (student, change) in &batch.changes {
        students.entry(*student).or_default().push((batch.from, body.slice_ref(change)));
    }
    let mut news = News::default();
    for (student, seen) in &batch.students {
        let all = students.get(student).map(Vec::as_slice).unwrap_or_default();
        let others = all.iter().skip(*seen as usize).filter(|(from, _)| *from != batch.from);
        news.student(all.len() as u32, others.map(|(_, change)| &**change));
    }
    Ok(news.encoded())
}

/// Parses a change and compares its hash with its checksum.
fn is_whole(bytes: &[u8]) -> bool {
    Change::from_bytes(bytes.to_vec()).is_ok_and(|change| bytes.get(4..8) == change.hash().0.get(..4))
}
