//! What everything that lives in containers for long needs: to hear what happens to them, to know what they have written
//! and said, and to deal with those that nobody knows.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::StreamExt;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::{
    Change, Container, ContainerError, ContainerId, Containers, INSTALLATION_LABEL, LogRange, Output, Result, State,
    TYPE_LABEL,
};
use crate::clock::{Clock, SystemClock};

/// How soon an engine that is away, or has ended its tale, is asked again.
const AGAIN: Duration = Duration::from_secs(5);
const LOG_PATIENCE: Duration = Duration::from_secs(5);
/// Between two questions of how much a container has written: the engine walks all its files to know.
const ASK_EVERY: TimeDelta = TimeDelta::minutes(1);
const MB: u64 = 1024 * 1024;
/// Whoever makes a container needs a moment to write it down.
const A_MOMENT: TimeDelta = TimeDelta::minutes(10);
/// How long a container of which nothing is known is kept beyond its own end.
const KEPT: TimeDelta = TimeDelta::hours(24);
const STOP_GRACE: Duration = Duration::from_secs(10);

/// When the engine was asked last how much a container has written. Clones are the same one.
#[derive(Debug, Clone, Default)]
pub struct DiskWatch(Arc<Mutex<HashMap<ContainerId, DateTime<Utc>>>>);

impl DiskWatch {
    /// Whether it is time to ask again, which is taken for done.
    fn is_due(&self, id: &ContainerId, now: DateTime<Utc>) -> bool {
        let mut asked = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        asked.retain(|_, at| *at + ASK_EVERY > now);
        !asked.contains_key(id) && asked.insert(id.clone(), now).is_none()
    }

    /// Whether a container is found to have written more than so many megabytes (0: as much as it likes). Looked at from
    /// time to time only, and what the engine does not say is no reason.
    pub async fn has_outgrown(
        &self,
        containers: &Containers,
        id: &ContainerId,
        limit_mb: i64,
        now: DateTime<Utc>,
    ) -> bool {
        if limit_mb == 0 || !self.is_due(id, now) {
            return false;
        }
        containers.has_written_more(id, limit_mb).await.unwrap_or_else(|error| {
            tracing::debug!(container = %id, "nobody knows how much it has written: {error}");
            false
        })
    }
}

impl Containers {
    /// Whether a container has written more than so many megabytes, by what the engine says now.
    pub async fn has_written_more(&self, id: &ContainerId, limit_mb: i64) -> Result<bool> {
        let limit = u64::try_from(limit_mb).unwrap_or_default();
        Ok(limit > 0 && self.written(id).await? > limit.saturating_mul(MB))
    }

    /// Notifies of whatever may need something to be done to containers of a kind, until the engine tells no more. Returns
    /// how long to wait before it is asked again.
    pub async fn listen(&self, kind: &str, changed: &Notify, stop: &CancellationToken) -> anyhow::Result<Duration> {
        let labels = [(TYPE_LABEL, kind), (INSTALLATION_LABEL, self.installation())];
        let hear = async {
            let mut news = match self.events(&labels).await {
                Ok(news) => news,
                Err(ContainerError::Unavailable(_)) => return Ok(()),
                Err(error) => return Err(error.into()),
            };
            while let Some(Ok(happening)) = news.next().await {
                if matches!(happening.change, Change::Ended | Change::Paused | Change::Removed) {
                    changed.notify_one();
                }
            }
            // Whatever made it end may have ended them as well.
            changed.notify_one();
            Ok(())
        };
        tokio::select! {
            heard = hear => heard.map(|()| AGAIN),
            () = stop.cancelled() => Ok(AGAIN),
        }
    }

    /// The last lines that a container printed, and of them at most so many bytes; empty where nobody can say.
    pub async fn last_lines(&self, id: &ContainerId, lines: u64, bytes: usize) -> String {
        let gather = async {
            let range = LogRange { last: Some(lines), follow: false };
            let mut pieces = self.logs(id, range).await.ok()?;
            let mut text = Vec::new();
            while let Some(Ok(Output::Stdout(piece) | Output::Stderr(piece))) = pieces.next().await {
                text.extend_from_slice(&piece);
                // The engine bounds how many lines there are, not how long each is.
                if text.len() > bytes * 2 {
                    text.drain(..text.len() - bytes);
                }
            }
            let text = String::from_utf8_lossy(&text).into_owned();
            Some(text[text.ceil_char_boundary(text.len().saturating_sub(bytes))..].trim().to_owned())
        };
        tokio::time::timeout(LOG_PATIENCE, gather).await.ok().flatten().unwrap_or_default().replace('\0', "")
    }

    /// Deals with a container of which nothing is known, and which may hold somebody's work: it is stopped, and removed a
    /// day after `expires_at`.
    pub async fn set_aside(
        &self,
        container: &Container,
        expires_at: Option<DateTime<Utc>>,
        now: DateTime<Utc>,
    ) -> Result<()> {
        // By the machine's clock, which mostly is the engine's.
        if container.created_at.is_none_or(|at| (SystemClock.now() - at).abs() < A_MOMENT) {
            return Ok(());
        }
        if container.state == State::Created || expires_at.is_none_or(|at| at + KEPT < now) {
            return self.remove(&container.id).await;
        }
        if container.state.is_running() {
            tracing::warn!(container = %container.name, "one of which nothing is known is stopped, and kept for a day");
            self.stop(&container.id, STOP_GRACE).await?;
        }
        Ok(())
    }
}
