//! What an attempt tells the outside: lines, items, usage. Nothing is taken for told before it is acknowledged.

use std::sync::OnceLock;
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use super::job::Stop;
use super::lines::LONGEST;
use crate::clock::SharedClock;
use crate::error::{Error, Result};
use crate::platform::documents::Stream;
use crate::platform::process::Usage;

/// Where an attempt reports to: the server's tables, or the server over HTTP.
pub trait Report: Send + Sync + 'static {
    /// Keeps lines for good. They come in order, one call at a time. `first` counts the attempt's lines before
    /// these: after an error the same lines come again with the same number.
    fn lines(&self, first: i64, lines: &[Line]) -> impl Future<Output = Result<()>> + Send;

    /// Keeps items for good. The same `batch` number twice counts once.
    fn items(&self, batch: i64, items: &[Box<RawValue>]) -> impl Future<Output = Result<()>> + Send;

    /// Whether this attempt has delivered any items, by any way; those of former attempts do not count.
    fn has_delivered(&self) -> impl Future<Output = Result<bool>> + Send;

    /// About once a second; may be dropped.
    fn usage(&self, usage: Usage) -> impl Future<Output = ()> + Send;
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    pub stream: Stream,
    pub at: DateTime<Utc>,
    /// At most 64 KiB; holds no NUL and no line end.
    pub text: String,
}

impl Line {
    /// Whether it is as it is to be, whoever made it.
    pub fn is_whole(&self) -> bool {
        self.text.len() <= LONGEST && !self.text.contains(['\0', '\n', '\r'])
    }

    /// Of what an attempt may print, in bytes: a line costs something even when it is empty.
    pub fn cost(&self) -> u64 {
        cost_of(&self.text)
    }
}

pub(super) fn cost_of(line: &str) -> u64 {
    line.len().max(15) as u64 + 1
}

/// For so long a report that meets passing errors is tried again.
const PATIENCE: Duration = Duration::from_mins(10);
/// A full disk seldom empties itself.
const PATIENCE_WHEN_FULL: Duration = Duration::from_secs(10);
/// The same, once the attempt is told to stop.
const PATIENCE_WHEN_STOPPED: Duration = Duration::from_secs(10);

/// Reports, again and again where needed.
pub(super) struct Reporter<'a, R> {
    report: &'a R,
    stop: &'a Stop,
    clock: &'a SharedClock,
    /// How many lines were told; held while more are.
    told: Mutex<i64>,
    trouble: OnceLock<String>,
    has_trouble: CancellationToken,
}

impl<'a, R: Report> Reporter<'a, R> {
    pub(super) fn new(report: &'a R, stop: &'a Stop, clock: &'a SharedClock) -> Self {
        let (told, trouble, has_trouble) = (Mutex::default(), OnceLock::new(), CancellationToken::new());
        Self { report, stop, clock, told, trouble, has_trouble }
    }

    pub(super) fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    /// False when they could not be kept; then the attempt is to end.
    pub(super) async fn lines(&self, lines: &[Line]) -> bool {
        let mut told = self.told.lock().await;
        let first = *told;
        let has_kept = self.insist("the log", || self.report.lines(first, lines)).await.is_some();
        *told += i64::try_from(lines.len()).unwrap_or(0);
        has_kept
    }

    /// A line of the runner's own.
    pub(super) async fn say(&self, text: impl Into<String>) {
        let mut text: String = text.into();
        text.truncate(text.floor_char_boundary(4096));
        // It may hold what others said.
        if text.contains(['\0', '\n', '\r']) {
            text = text.replace('\0', "\u{fffd}").replace(['\n', '\r'], " ");
        }
        self.lines(&[Line { stream: Stream::System, at: self.now(), text }]).await;
    }

    /// False when they could not be kept; then the attempt is to end.
    pub(super) async fn items(&self, batch: i64, items: &[Box<RawValue>]) -> bool {
        self.insist("items", || self.report.items(batch, items)).await.is_some()
    }

    /// `None` when nobody can say; then the attempt is to end.
    pub(super) async fn has_delivered(&self) -> Option<bool> {
        self.insist("the count of items", || self.report.has_delivered()).await
    }

    pub(super) async fn usage(&self, usage: Usage) {
        self.report.usage(usage).await;
    }

    /// What could not be reported, if anything.
    pub(super) fn trouble(&self) -> Option<&str> {
        self.trouble.get().map(String::as_str)
    }

    pub(super) async fn wait_for_trouble(&self) {
        self.has_trouble.cancelled().await;
    }

    async fn insist<T, F>(&self, what: &str, call: impl Fn() -> F) -> Option<T>
    where
        F: Future<Output = Result<T>> + Send,
    {
        let mut give_up_at = Instant::now() + PATIENCE;
        let mut is_hurried = false;
        let mut pause = Duration::from_millis(100);
        loop {
            let error = match call().await {
                Ok(value) => return Some(value),
                Err(error) => error,
            };
            if !error.is_passing() || Instant::now() >= give_up_at || self.trouble().is_some() {
                tracing::error!(what, %error, "an attempt cannot report");
                let reason = match &error {
                    full if full.is_disk_full() => "no space left on the server's disk".to_owned(),
                    Error::Unavailable { what, .. } => format!("{what} is unavailable"),
                    Error::Internal(_) => "internal error".to_owned(),
                    other => other.to_string(),
                };
                let _ = self.trouble.set(format!("{what} could not be stored: {reason}"));
                self.has_trouble.cancel();
                return None;
            }
            tracing::warn!(what, %error, "an attempt reports again");
            if error.is_disk_full() {
                give_up_at = give_up_at.min(Instant::now() + PATIENCE_WHEN_FULL);
            }
            if is_hurried {
                pause = Duration::from_secs(1);
                sleep(pause).await;
            } else if tokio::time::timeout(pause, self.stop.wait()).await.is_ok() {
                is_hurried = true;
                give_up_at = give_up_at.min(Instant::now() + PATIENCE_WHEN_STOPPED);
            }
            pause = (pause * 2).min(Duration::from_secs(10));
        }
    }
}
