//! What lies between a tablet and the server: a proxy on a port of its own that can be cut, slowed down or made to say things twice.

use std::collections::VecDeque;
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use super::run::{WAIT_S_MAX, eventually};

/// How often a listener looks whether it is still wanted, in milliseconds.
const STEP_MS: u64 = 4;
/// Bytes that pass at a time.
const PIECE_BYTES: usize = 1024;
/// How long after one piece of the answers to what was repeated the next one may take, in milliseconds.
const REPEAT_MS: u64 = 40;

/// After how many bytes a connection breaks off, each way; none: it does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Cut {
    /// Towards the server.
    pub up: Option<u64>,
    /// Towards the tablet.
    pub down: Option<u64>,
}

impl Cut {
    /// The request breaks off after so many bytes.
    pub fn request(bytes: u64) -> Self {
        Self { up: Some(bytes), down: None }
    }

    /// The whole request arrives, and the answer breaks off after so many bytes.
    pub fn answer(bytes: u64) -> Self {
        Self { up: None, down: Some(bytes) }
    }
}

#[derive(Debug)]
struct State {
    upstream: Mutex<SocketAddr>,
    down: AtomicBool,
    closed: AtomicBool,
    /// Milliseconds for each piece that passes.
    pace_ms: AtomicU64,
    /// What becomes of the next connections; those behind pass.
    cuts: Mutex<VecDeque<Cut>>,
    live: Mutex<Vec<TcpStream>>,
    /// What was sent up on each connection, once the test asks for it to be kept.
    sent: Mutex<Option<Vec<Vec<u8>>>>,
    connections: AtomicU64,
}

/// A tablet's way to the server. Closed when dropped.
#[derive(Debug, Clone)]
pub struct Network {
    address: SocketAddr,
    state: Arc<State>,
    _open: Arc<Open>,
}

/// Closes the network when the last handle is gone.
#[derive(Debug)]
struct Open(Arc<State>);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.closed.store(true, Ordering::SeqCst);
        self.0.drop_all();
    }
}

impl Network {
    /// Opens a way to a server that answers at `url`.
    pub fn to(url: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(State {
            upstream: Mutex::new(socket_of(url)),
            down: AtomicBool::new(false),
            closed: AtomicBool::new(false),
            pace_ms: AtomicU64::new(0),
            cuts: Mutex::default(),
            live: Mutex::default(),
            sent: Mutex::default(),
            connections: AtomicU64::new(0),
        });
        let accepting = Arc::clone(&state);
        thread::spawn(move || accept(&listener, &accepting));
        Self { address, _open: Arc::new(Open(Arc::clone(&state))), state }
    }

    /// Returns where the tablet believes the server to be.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Leads to another server from now on.
    pub fn lead_to(&self, url: &str) {
        *lock(&self.state.upstream) = socket_of(url);
        self.state.drop_all();
    }

    /// Takes the network away, or gives it back.
    pub fn set_up(&self, up: bool) {
        self.state.down.store(!up, Ordering::SeqCst);
        if !up {
            self.state.drop_all();
        }
    }

    /// Lets a kilobyte take so long each way.
    pub fn set_pace(&self, per_piece: Duration) {
        self.state.pace_ms.store(u64::try_from(per_piece.as_millis()).unwrap(), Ordering::SeqCst);
    }

    /// Breaks off the next connections, one after the other.
    pub fn cut(&self, cuts: impl IntoIterator<Item = Cut>) {
        lock(&self.state.cuts).extend(cuts);
    }

    /// Lets the connections pass that were still to be broken off.
    pub fn mend(&self) {
        lock(&self.state.cuts).clear();
    }

    /// Returns how many of the cuts are still to come.
    pub fn cuts_left(&self) -> usize {
        lock(&self.state.cuts).len()
    }

    /// Drops everything every so often until the network is gone.
    pub fn drop_every(&self, interval: Duration) {
        let state = Arc::clone(&self.state);
        thread::spawn(move || {
            while !state.closed.load(Ordering::SeqCst) {
                thread::sleep(interval);
                state.drop_all();
            }
        });
    }

    /// Returns how many connections there have been.
    pub fn connections(&self) -> u64 {
        self.state.connections.load(Ordering::SeqCst)
    }

    /// Keeps what is sent from now on, in place of anything kept before.
    pub fn keep(&self) {
        *lock(&self.state.sent) = Some(Vec::new());
    }

    /// Sends everything that was kept once more, the last connection first, to nobody's benefit.
    pub fn repeat(&self) {
        // A connection is kept when it has closed, which may be a moment after the tablet's program has ended.
        let kept = eventually("something that was sent", || {
            lock(&self.state.sent).clone().filter(|kept| !kept.is_empty())
        });
        let upstream = *lock(&self.state.upstream);
        for bytes in kept.iter().rev() {
            let mut server = TcpStream::connect(upstream).unwrap();
            server.write_all(bytes).unwrap();
            let mut answer = [0; PIECE_BYTES];
            // Whatever it says, it says to nobody.
            server.set_read_timeout(Some(Duration::from_secs(WAIT_S_MAX))).unwrap();
            while server.read(&mut answer).is_ok_and(|bytes| bytes > 0) {
                server.set_read_timeout(Some(Duration::from_millis(REPEAT_MS))).unwrap();
            }
        }
    }
}

impl State {
    fn drop_all(&self) {
        for stream in lock(&self.live).drain(..) {
            // It may be closed already.
            drop(stream.shutdown(Shutdown::Both));
        }
    }
}

fn socket_of(url: &str) -> SocketAddr {
    url.trim_start_matches("http://").trim_end_matches('/').parse().unwrap()
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn accept(listener: &TcpListener, state: &Arc<State>) {
    while !state.closed.load(Ordering::SeqCst) {
        match listener.accept() {
            Ok((tablet, _)) => {
                let state = Arc::clone(state);
                thread::spawn(move || connect(&tablet, &state));
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                thread::sleep(Duration::from_millis(STEP_MS));
            }
            Err(_) => return,
        }
    }
}

fn connect(tablet: &TcpStream, state: &Arc<State>) {
    state.connections.fetch_add(1, Ordering::SeqCst);
    // What was accepted takes after the listener on some systems.
    tablet.set_nonblocking(false).unwrap();
    if state.down.load(Ordering::SeqCst) {
        return;
    }
    let upstream = *lock(&state.upstream);
    // A server that is not there is a connection that closes.
    let Ok(server) = TcpStream::connect(upstream) else { return };
    drop(server.set_nodelay(true));
    drop(tablet.set_nodelay(true));
    let cut = lock(&state.cuts).pop_front().unwrap_or_default();
    let streams = [tablet, &server].map(TcpStream::try_clone);
    let [Ok(answer_to), Ok(answer_from)] = streams else { return };
    lock(&state.live).extend([tablet, &server].into_iter().filter_map(|stream| stream.try_clone().ok()));
    let state_down = Arc::clone(state);
    let answers = thread::spawn(move || drop(pass(&answer_from, &answer_to, cut.down, &state_down)));
    let sent = pass(tablet, &server, cut.up, state);
    drop(answers.join());
    if let Some(kept) = lock(&state.sent).as_mut()
        && !sent.is_empty()
    {
        kept.push(sent);
    }
}

/// Passes bytes on until one end closes or the limit is reached, then closes both. Returns what has passed.
fn pass(mut from: &TcpStream, mut to: &TcpStream, limit: Option<u64>, state: &State) -> Vec<u8> {
    let mut left = limit.unwrap_or(u64::MAX);
    let mut passed = Vec::new();
    let mut piece = [0; PIECE_BYTES];
    while left > 0 {
        let Ok(read @ 1..) = from.read(&mut piece) else { break };
        let taken = read.min(usize::try_from(left).unwrap_or(usize::MAX));
        left -= taken as u64;
        passed.extend_from_slice(&piece[..taken]);
        if to.write_all(&piece[..taken]).is_err() {
            break;
        }
        let pace = state.pace_ms.load(Ordering::SeqCst);
        if pace > 0 {
            thread::sleep(Duration::from_millis(pace));
        }
    }
    for stream in [from, to] {
        drop(stream.shutdown(Shutdown::Both));
    }
    passed
}
