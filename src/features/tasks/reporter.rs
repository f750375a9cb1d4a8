//! What an attempt tells, stored: its lines with the errors that they show, and its items.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use serde_json::value::RawValue;
use tokio::{sync::Mutex, time::sleep};

use super::{Tasks, logs::Reading, types::Claim};
use crate::{
    error::{Error, Result},
    platform::{
        documents::{LogLine, NewLines, SeenError},
        process::Usage,
    },
    runner::{self, Report},
    text,
};

/// How often it is tried to count the errors at the end of a log: the log itself has them.
const LAST_ERRORS_TRIES: usize = 5;
/// So many of the last lines of a log are read again where another server heard them: more than most errors have.
const READ_AGAIN: usize = 4000;

/// Stores what the runner reports.
#[derive(Debug)]
pub(super) struct Reporter {
    tasks: Tasks,
    pub(super) claim: Claim,
    /// How many lines former attempts left in the task's log.
    former_lines: i64,
    log: Mutex<Log>,
    /// The most that it was told.
    pub(super) peak_memory_mb: AtomicU64,
}

/// What its log has told so far, as far as this server heard it.
#[derive(Debug, Default)]
struct Log {
    reading: Reading,
    /// As [`runner::Line::cost`] counts.
    bytes: u64,
}

impl Reporter {
    /// The attempt alone may add to the task from here on.
    pub(super) async fn new(tasks: &Tasks, claim: &Claim) -> Result<Self> {
        tasks.documents.open_attempt(&claim.task_id, claim.attempt).await?;
        let former_lines = tasks.documents.last_seq(&claim.task_id).await?;
        Ok(Self::behind(tasks, claim, former_lines))
    }

    /// Of an attempt before which there were so many lines.
    pub(super) fn behind(tasks: &Tasks, claim: &Claim, former_lines: i64) -> Self {
        let (log, peak_memory_mb) = (Mutex::default(), AtomicU64::new(0));
        Self { tasks: tasks.clone(), claim: claim.clone(), former_lines, log, peak_memory_mb }
    }

    fn new_lines(&self, first_seq: i64, lines: Vec<LogLine>, errors: Vec<SeenError>) -> NewLines {
        let Claim { task_id, spider_id, attempt, deployment_version, is_test, .. } = self.claim.clone();
        // Whoever tests tries what may fail.
        let errors = if is_test { Vec::new() } else { errors };
        NewLines { task_id, spider_id, attempt, version: deployment_version, first_seq, lines, errors }
    }

    /// Stores lines, until all that it was told costs more than `most`.
    pub(super) async fn keep_lines(&self, first: i64, lines: &[runner::Line], most: u64) -> Result<()> {
        let mut known = self.log.lock().await;
        let first_seq = self.former_lines + first + 1;
        if first_seq + i64::try_from(lines.len()).unwrap_or(0) <= known.reading.next_seq() {
            // All of it was told before, and stored: its answer was lost.
            return Ok(());
        }
        let again = usize::try_from(known.reading.next_seq() - first_seq).unwrap_or(0);
        let bytes = known.bytes + lines.iter().skip(again).map(runner::Line::cost).sum::<u64>();
        if bytes > most {
            return Err(Error::too_large("log_full", text!("日志已满", "the log is as long as it may be")));
        }
        // Known only once they are stored: after an error the same lines come again.
        let mut reading = if first_seq == known.reading.next_seq() {
            known.reading.clone()
        } else {
            self.read_before(first_seq).await?
        };
        let (kept, errors) = reading.read(first_seq, lines);
        self.tasks.documents.append_lines(&self.new_lines(first_seq, kept, errors)).await?;
        *known = Log { reading, bytes };
        self.tasks.signals.raise(&self.claim.task_id);
        Ok(())
    }

    /// What the attempt's log had told before the place `seq`, to whichever server: its last lines are read again. Their
    /// errors are counted already, but for one that the next line may show to be over.
    async fn read_before(&self, seq: i64) -> Result<Reading> {
        let mut reading = Reading::default();
        if seq <= self.former_lines + 1 {
            return Ok(reading);
        }
        let stored = self.tasks.documents.lines_before(&self.claim.task_id, seq, READ_AGAIN).await?;
        let stored: Vec<_> = stored.into_iter().filter(|line| line.seq > self.former_lines).collect();
        let (Some(first), Some(last)) = (stored.first(), stored.last()) else { return Ok(reading) };
        // Something between was given up: what follows goes on with nothing.
        if last.seq + 1 == seq {
            let first = first.seq;
            let lines = stored.into_iter();
            let lines = lines.map(|line| runner::Line { stream: line.stream, at: line.timestamp, text: line.line });
            drop(reading.read(first, &lines.collect::<Vec<_>>()));
        }
        Ok(reading)
    }

    /// Counts the errors that the last lines showed. Nothing more is printed.
    pub(super) async fn finish_log(&self) {
        let reading = self.log.lock().await.reading.clone();
        for _ in 0..LAST_ERRORS_TRIES {
            match self.count_last_errors(&reading).await {
                Ok(()) => return,
                Err(error) if error.is_passing() => {
                    tracing::warn!(%error, task = %self.claim.task_id, "the last errors are not counted yet");
                }
                Err(error) => {
                    tracing::error!(%error, task = %self.claim.task_id, "the last errors are not counted");
                    return;
                }
            }
            sleep(Duration::from_secs(1)).await;
        }
    }

    async fn count_last_errors(&self, reading: &Reading) -> Result<()> {
        let next_seq = self.tasks.documents.last_seq(&self.claim.task_id).await? + 1;
        // Another server may have heard the end of it.
        let reading = if reading.next_seq() < next_seq { self.read_before(next_seq).await? } else { reading.clone() };
        let new = self.new_lines(reading.next_seq(), Vec::new(), reading.finish());
        self.tasks.documents.append_lines(&new).await
    }
}

impl Report for Reporter {
    async fn lines(&self, first: i64, lines: &[runner::Line]) -> Result<()> {
        self.keep_lines(first, lines, u64::MAX).await
    }

    async fn items(&self, batch: i64, items: &[Box<RawValue>]) -> Result<()> {
        self.tasks.store_items(&self.claim, Some(batch), items.to_vec()).await.map(drop)
    }

    async fn has_delivered(&self) -> Result<bool> {
        self.tasks.documents.has_batch_of(&self.claim.task_id, self.claim.attempt).await
    }

    async fn usage(&self, usage: Usage) {
        self.peak_memory_mb.fetch_max(usage.peak_memory_mb, Ordering::Relaxed);
    }
}
