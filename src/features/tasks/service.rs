use std::time::Duration;

use serde_json::{Map, Value};

use super::{RunOptions, Task, Tasks, Trigger, types::NewTask};
use crate::{
    error::{Checks, Error, Result},
    features::spiders::{self, CodeChoice, schedules::PRIORITIES},
    id::{DeploymentId, SpiderId, TaskId},
    runner::StopReason,
    text,
};

/// Above what callers may ask for: somebody sits before it and waits.
const TEST_PRIORITY: i64 = 1000;
/// SIGTERM's five seconds and some for the end to be written down.
const CANCEL_PATIENCE: Duration = Duration::from_secs(8);

impl Tasks {
    /// Queues a run of the spider, with its code as it is now.
    pub async fn start(&self, spider_id: &SpiderId, options: RunOptions, trigger: Trigger) -> Result<Task> {
        let priority = options.priority.unwrap_or(0);
        let mut checks = Checks::default();
        checks.require(PRIORITIES.contains(&priority), "body.priority", "value_error", || {
            text!("须在 -100 到 100 之间", "must be between -100 and 100")
        });
        checks.finish()?;
        let spider = self.spiders.get(spider_id).await?;
        if spider.runner == spiders::Runner::Docker {
            self.engine.check().await?;
        }
        if let Some(deployment) = &options.deployment_id {
            // Before anything is cancelled for it.
            self.spiders.deployment(spider_id, deployment).await?;
        }
        self.check_quota(&spider).await?;
        let id = TaskId::generate();
        let new = NewTask {
            spider_id: spider.id,
            spider_name: spider.name,
            trigger,
            priority: if trigger == Trigger::Test { TEST_PRIORITY } else { priority },
            max_retries: if trigger == Trigger::Test { 0 } else { spider.max_retries },
            overlap: spider.overlap,
            params: merged(spider.params, options.params.unwrap_or_default()),
            id,
        };
        let task = self.insert(&new, &code_for(trigger, options.deployment_id)).await?.ok_or_else(|| {
            Error::conflict(
                "spider_busy",
                text!("该爬虫已有运行中或等待中的任务", "the spider has a task that is pending or running"),
            )
        })?;
        let task = self.explained(vec![task]).await?.remove(0);
        self.queued.notify_one();
        Ok(task)
    }

    /// Stops the task. Answers when nothing of it runs any more, or after some seconds with the task still ending.
    pub async fn cancel(&self, id: &TaskId) -> Result<Task> {
        // Between two looks it may start, or come back to wait for another attempt.
        loop {
            if self.cancel_pending(id).await? {
                self.signals.raise(id);
                return self.get(id).await;
            }
            if self.request_cancel(id).await? {
                break;
            }
            if self.get(id).await?.status.is_final() {
                return Err(Error::conflict(
                    "task_finished",
                    text!("任务已完成，无法取消", "the task has ended; there is nothing to cancel"),
                ));
            }
        }
        self.stop_here(id, StopReason::Cancelled);
        self.queued.wake_nodes();
        // Time-out: another server runs it, or it does not die; the task says `cancel_requested_at`.
        let _ = tokio::time::timeout(CANCEL_PATIENCE, self.ended(id)).await;
        self.get(id).await
    }

    /// Waits until the task has ended.
    async fn ended(&self, id: &TaskId) -> Result<()> {
        let signal = self.signals.of(id);
        loop {
            let changed = signal.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            if self.get(id).await?.status.is_final() {
                return Ok(());
            }
            let _ = tokio::time::timeout(Duration::from_secs(1), changed).await;
        }
    }

    /// Removes an ended task with its logs, items and files.
    pub async fn delete(&self, id: &TaskId) -> Result<()> {
        if !self.get(id).await?.status.is_final() {
            return Err(Error::conflict(
                "task_active",
                text!("任务尚未结束，请先取消", "the task has not ended; cancel it first"),
            ));
        }
        self.forget(std::slice::from_ref(id)).await.map(drop)
    }

    /// Removes ended tasks with all that belongs to them, and says how many there were.
    pub async fn forget(&self, ended: &[TaskId]) -> Result<u64> {
        // The rows go last: cut off half-way, the same call goes on.
        self.documents.forget_tasks(ended).await?;
        let removed = self.remove_ended(ended).await?;
        self.documents.give_back().await?;
        Ok(removed)
    }
}

/// Whoever tests tests what the editor shows.
fn code_for(trigger: Trigger, deployment: Option<DeploymentId>) -> CodeChoice {
    match deployment {
        Some(deployment) => CodeChoice::Deployment(deployment),
        None if trigger == Trigger::Test => CodeChoice::Files,
        None => CodeChoice::Active,
    }
}

pub(super) fn merged(mut base: Map<String, Value>, over: Map<String, Value>) -> Map<String, Value> {
    base.extend(over);
    base
}
