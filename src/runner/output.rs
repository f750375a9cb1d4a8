//! What a process prints: both streams at once, in bounded memory, line by line to the report.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::fs::File;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_util::sync::CancellationToken;

use super::lines::Splitter;
use super::places::Place;
use super::report::{Line, Report, Reporter, cost_of};
use crate::platform::documents::Stream;
use crate::platform::process::Output;

/// A batch of lines goes when it is so old,
const BATCH_AGE: Duration = Duration::from_millis(200);
/// has so many lines,
const BATCH_LINES: usize = 500;
/// or so many bytes.
const BATCH_BYTES: usize = 256 * 1024;
const READ_BYTES: usize = 64 * 1024;
/// Of the end of stderr, kept to say why a spider failed.
const TAIL_BYTES: usize = 16 * 1024;
/// When nothing of the tree is left, nothing more can come; but who knows what holds the pipe.
const LINGER: Duration = Duration::from_secs(2);

/// How much of an attempt's output is kept.
#[derive(Debug)]
pub(super) struct LogBudget {
    left: AtomicU64,
    dropped: AtomicU64,
}

impl LogBudget {
    pub(super) fn new(bytes: u64) -> Self {
        Self { left: AtomicU64::new(bytes), dropped: AtomicU64::new(0) }
    }

    pub(super) fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    fn is_empty(&self) -> bool {
        self.left.load(Ordering::Relaxed) == 0
    }

    /// False when the line is too much; then all that follow are.
    fn take(&self, line: &str) -> bool {
        let cost = cost_of(line);
        let took = self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(cost)).is_ok();
        if !took {
            self.left.store(0, Ordering::Relaxed);
            self.drop(line.len() + 1);
        }
        took
    }

    fn drop(&self, bytes: usize) {
        self.dropped.fetch_add(bytes as u64, Ordering::Relaxed);
    }
}

/// What remains of the output when all of it has been read.
#[derive(Debug, Default)]
pub(super) struct Remains {
    /// The end of stderr, for the reason of a failure.
    pub(super) stderr_tail: String,
    pub(super) stdout_copy: Option<StdoutCopy>,
}

/// A file with what was printed.
#[derive(Debug, Clone)]
pub(super) struct StdoutCopy {
    pub(super) place: Place,
    /// False when the file has only the beginning.
    pub(super) is_complete: bool,
}

/// Reads both streams to their ends. `copy` says where to, and how many bytes of stdout are also copied.
pub(super) async fn drain<R: Report>(
    reporter: &Reporter<'_, R>,
    budget: &LogBudget,
    output: Output,
    streams: (Stream, Stream),
    copy: Option<(Place, u64)>,
    ended: &CancellationToken,
) -> Remains {
    let (sender, receiver) = mpsc::channel(4);
    let reading = |stream, sender| Reading { reporter, budget, stream, sender, ended, splitter: Splitter::default() };
    let (out, err) = (reading(streams.0, sender.clone()), reading(streams.1, sender));
    let (mut copied, mut tail) = (Copy::new(copy), Tail::default());
    let ((), (), ()) = futures_util::join!(
        out.run(output.stdout, &mut copied),
        err.run(output.stderr, &mut tail),
        collect(reporter, receiver)
    );
    let stderr_tail = String::from_utf8_lossy(&tail.0).into_owned();
    Remains { stderr_tail, stdout_copy: copied.finish().await }
}

struct Reading<'a, R> {
    reporter: &'a Reporter<'a, R>,
    budget: &'a LogBudget,
    stream: Stream,
    sender: mpsc::Sender<Vec<Line>>,
    ended: &'a CancellationToken,
    splitter: Splitter,
}

impl<R: Report> Reading<'_, R> {
    async fn run(mut self, mut pipe: impl AsyncRead + Unpin, also: &mut impl Also) {
        let mut buffer = vec![0; READ_BYTES];
        let mut lines = Vec::new();
        loop {
            let length = tokio::select! {
                length = pipe.read(&mut buffer) => length.unwrap_or(0),
                () = self.ended.cancelled() => {
                    timeout(LINGER, pipe.read(&mut buffer)).await.ok().and_then(Result::ok).unwrap_or(0)
                }
            };
            if length == 0 {
                break;
            }
            let bytes = &buffer[..length];
            also.take(bytes).await;
            if self.budget.is_empty() {
                self.budget.drop(length);
            } else {
                self.splitter.push(bytes, &mut lines);
                self.send(&mut lines).await;
            }
        }
        std::mem::take(&mut self.splitter).finish(&mut lines);
        self.send(&mut lines).await;
    }

    /// Waits while the report is slow: then the pipe fills, and the process waits too.
    async fn send(&self, texts: &mut Vec<String>) {
        let at = self.reporter.now();
        let stream = self.stream;
        let kept = texts.drain(..).filter(|text| self.budget.take(text));
        let lines: Vec<Line> = kept.map(|text| Line { stream, at, text }).collect();
        if !lines.is_empty() {
            // The receiver lives as long as there are senders.
            let _ = self.sender.send(lines).await;
        }
    }
}

async fn collect<R: Report>(reporter: &Reporter<'_, R>, mut receiver: mpsc::Receiver<Vec<Line>>) {
    let mut batch: Vec<Line> = Vec::new();
    let mut bytes = 0;
    let mut flush_at = Instant::now();
    loop {
        let arrived = if batch.is_empty() {
            let arrived = receiver.recv().await;
            flush_at = Instant::now() + BATCH_AGE;
            arrived
        } else {
            timeout_at(flush_at, receiver.recv()).await.unwrap_or(Some(Vec::new()))
        };
        let is_end = arrived.is_none();
        for line in arrived.unwrap_or_default() {
            bytes += line.text.len();
            batch.push(line);
            if batch.len() >= BATCH_LINES || bytes >= BATCH_BYTES {
                flush(reporter, &mut batch, &mut bytes).await;
            }
        }
        if !batch.is_empty() && (is_end || Instant::now() >= flush_at) {
            flush(reporter, &mut batch, &mut bytes).await;
        }
        if is_end {
            return;
        }
    }
}

async fn flush<R: Report>(reporter: &Reporter<'_, R>, batch: &mut Vec<Line>, bytes: &mut usize) {
    // After a failure the attempt ends; until then its output is read and dropped, lest it hang.
    if reporter.trouble().is_none() {
        reporter.lines(batch).await;
    }
    batch.clear();
    *bytes = 0;
}

/// Who else looks at a stream.
trait Also {
    async fn take(&mut self, bytes: &[u8]);
}

#[derive(Debug, Default)]
struct Tail(Vec<u8>);

impl Also for Tail {
    async fn take(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(&bytes[bytes.len().saturating_sub(TAIL_BYTES)..]);
        if self.0.len() > 2 * TAIL_BYTES {
            self.0.drain(..self.0.len() - TAIL_BYTES);
        }
    }
}

#[derive(Debug, Default)]
struct Copy {
    place: Option<Place>,
    file: Option<File>,
    left: u64,
    is_complete: bool,
}

impl Copy {
    fn new(target: Option<(Place, u64)>) -> Self {
        let (place, left) = target.unzip();
        Self { place, file: None, left: left.unwrap_or(0), is_complete: true }
    }

    async fn write(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        if let (None, Some(place)) = (&self.file, &self.place) {
            self.file = Some(File::from_std(place.create()?));
        }
        if let Some(file) = &mut self.file {
            file.write_all(bytes).await?;
        }
        Ok(())
    }

    async fn finish(self) -> Option<StdoutCopy> {
        let mut file = self.file?;
        let is_complete = file.flush().await.is_ok() && self.is_complete;
        Some(StdoutCopy { place: self.place?, is_complete })
    }
}

impl Also for Copy {
    async fn take(&mut self, bytes: &[u8]) {
        if !self.is_complete {
            return;
        }
        let room = usize::try_from(self.left).unwrap_or(usize::MAX).min(bytes.len());
        self.left -= room as u64;
        // A full disk is no reason to end the spider.
        self.is_complete = self.write(&bytes[..room]).await.is_ok() && room == bytes.len();
    }
}
