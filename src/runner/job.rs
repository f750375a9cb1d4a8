//! What is to be run, how it is told to stop, and how it ended.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use utoipa::ToSchema;

use crate::id::{SpiderId, TaskId};
use crate::platform::files::Hash;
use crate::platform::process::Moment;

/// One attempt of one task, with everything it needs.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Job {
    pub task_id: TaskId,
    pub spider_id: SpiderId,
    pub spider_name: String,
    pub attempt: i64,
    /// A Scrapy project: the entry point is the name of one of its spiders.
    pub scrapy: bool,
    pub entry_point: Option<String>,
    pub params: serde_json::Map<String, serde_json::Value>,
    pub env_vars: Vec<(String, String)>,
    /// The JSON of what the spider is to know of databases, passwords included.
    pub datasources: Option<String>,
    /// Where this has no content, a `requirements.txt` among the files counts.
    pub requirements_txt: String,
    pub manifest: Vec<ManifestEntry>,
    /// From the start of the process; building its environment does not count.
    pub timeout: Duration,
    pub memory_limit_mb: Option<i64>,
    pub max_items: Option<i64>,
    pub rate_limit_rps: Option<f64>,
    pub error_rules: Vec<ErrorRule>,
    pub api_url: String,
    pub token: String,
    /// The proxy to go through, with its username and password.
    pub proxy_url: Option<String>,
    /// What the log is to say before anything else.
    pub notices: Vec<String>,
    /// To run in a container.
    pub contained: Option<Contained>,
}

/// The container of an attempt.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Contained {
    pub image: String,
    pub cpus: Option<f64>,
}

/// One file of the spider.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManifestEntry {
    /// Relative, with `/` between its parts.
    pub path: String,
    pub hash: Hash,
    pub executable: bool,
}

/// Of a failure, in bytes.
pub(super) const LONGEST_MESSAGE: usize = 2000;

/// How an attempt ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    pub end: End,
    pub exit_code: Option<i64>,
    pub signal: Option<i64>,
    pub peak_memory_mb: Option<i64>,
    /// Of the process.
    pub duration: Duration,
    /// Items that were found and could not be delivered.
    pub undelivered: i64,
    pub log_truncated: bool,
}

impl Outcome {
    /// Of an attempt of which no process ran.
    pub fn of_none(end: End) -> Self {
        Self {
            end,
            exit_code: None,
            signal: None,
            peak_memory_mb: None,
            duration: Duration::ZERO,
            undelivered: 0,
            log_truncated: false,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum End {
    Completed,
    Failed {
        category: Category,
        /// English, with the facts; one line of at most [`LONGEST_MESSAGE`] bytes without control characters.
        message: String,
    },
    /// Nothing of it runs any more.
    Cancelled,
}

impl End {
    /// `message` may hold what a spider printed: it is made fit to be stored and shown.
    pub fn failed(category: Category, message: impl AsRef<str>) -> Self {
        Self::Failed { category, message: Self::fit(message.as_ref()) }
    }

    /// Any text, as a message is to be.
    pub fn fit(message: &str) -> String {
        let fit = |letter: char| match letter {
            '\t' | '\n' | '\r' => ' ',
            // No text column takes NUL, and terminals obey others.
            letter if letter.is_control() => char::REPLACEMENT_CHARACTER,
            letter => letter,
        };
        let mut message: String = message.chars().map(fit).collect();
        message.truncate(message.floor_char_boundary(LONGEST_MESSAGE));
        message
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Category {
    Network,
    Auth,
    Parse,
    Timeout,
    System,
}

/// What a failure is taken for, in place of the platform's guess: where the exit code, the output's end, or both are
/// like this.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ErrorRule {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exit_code: Option<i64>,
    /// A regular expression to be found in the last kilobytes of stderr; `^` and `$` are the ends of a line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pattern: Option<String>,
    pub category: Category,
}

/// What a running attempt is told: that it shall end, where the first word counts, and until when its processes may run
/// without another word.
#[derive(Debug, Clone)]
pub struct Stop(Arc<Words>);

#[derive(Debug)]
struct Words {
    reason: watch::Sender<Option<StopReason>>,
    until: watch::Sender<Option<Moment>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StopReason {
    Cancelled,
    /// The server itself ends.
    Shutdown,
    /// The server cannot be sure any more that the attempt is its own to run.
    Lapsed,
}

impl Default for Stop {
    fn default() -> Self {
        Self(Arc::new(Words { reason: watch::Sender::new(None), until: watch::Sender::new(None) }))
    }
}

impl Stop {
    pub fn request(&self, reason: StopReason) {
        self.0.reason.send_if_modified(|present| {
            let is_first = present.is_none();
            present.get_or_insert(reason);
            is_first
        });
    }

    pub fn requested(&self) -> Option<StopReason> {
        *self.0.reason.borrow()
    }

    /// Waits until a stop is requested.
    pub async fn wait(&self) -> StopReason {
        let mut receiver = self.0.reason.subscribe();
        loop {
            if let Some(reason) = *receiver.borrow_and_update() {
                return reason;
            }
            if receiver.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }

    /// Its processes may run until then, also if this server stands still.
    pub fn allow_until(&self, until: Moment) {
        self.0.until.send_replace(Some(until));
    }

    /// Until when they may run; without end where nobody has set one.
    pub(super) fn until(&self) -> Option<Moment> {
        *self.0.until.borrow()
    }

    /// Waits until they may run until another time than `known`.
    pub(super) async fn wait_for_another(&self, known: Option<Moment>) -> Moment {
        let mut receiver = self.0.until.subscribe();
        loop {
            let present = *receiver.borrow_and_update();
            if let Some(present) = present.filter(|_| present != known) {
                return present;
            }
            if receiver.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }
}

impl From<StopReason> for End {
    fn from(reason: StopReason) -> Self {
        match reason {
            StopReason::Cancelled => Self::Cancelled,
            StopReason::Shutdown => Self::failed(Category::System, "the server was stopped"),
            StopReason::Lapsed => Self::failed(Category::System, "the server lost its claim on the task"),
        }
    }
}
