//! Group commit: one thread, one file, one write and one sync for all that wait.

use std::fs::File;
use std::io::{self, Write as _};
use std::path::Path;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use axum::body::Bytes;
use tokio::sync::oneshot;

/// A body, and whom to tell that it is on disk.
type Waiting = (Bytes, oneshot::Sender<()>);

/// Appends bodies to a file.
pub struct Appender(Sender<Waiting>);

impl Appender {
    /// Starts the thread that writes a new file.
    pub fn start(file: &Path) -> io::Result<Self> {
        let file = File::create(file)?;
        let (queue, waiting) = channel();
        thread::Builder::new().name("append".into()).spawn(move || write_groups(file, &waiting))?;
        Ok(Self(queue))
    }

    /// Returns whether the body is on disk, when that is known.
    pub async fn append(&self, body: Bytes) -> bool {
        let (tell, told) = oneshot::channel();
        self.0.send((body, tell)).is_ok() && told.await.is_ok()
    }
}

/// Ends with the first failure: whoever waits then is told by the channel that is gone.
fn write_groups(mut file: File, waiting: &Receiver<Waiting>) -> io::Result<()> {
    while let Ok(first) = waiting.recv() {
        let group: Vec<Waiting> = std::iter::once(first).chain(waiting.try_iter()).collect();
        let bytes: Vec<u8> = group.iter().flat_map(|(body, _)| body).copied().collect();
        file.write_all(&bytes)?;
        file.sync_data()?;
        for (_, tell) in group {
            // Whoever asked may have gone.
            let _ = tell.send(());
        }
    }
    Ok(())
}
