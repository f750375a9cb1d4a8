//! Loop: facts → alerts and messages. A fact goes, and what follows from it comes, in one transaction: no crash loses
//! one, and of several servers one acts.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};
use sqlx::types::Json;

use super::{
    Alert, AlertType, Alerts, deliveries,
    rules::{self, Rule},
};
use crate::{
    error::{Result, Text},
    features::events::{Event, TaskEnded, TimeUnmet},
    id::AlertId,
    platform::database::Transaction,
    text,
};

/// Facts in one transaction.
const BATCH: i64 = 50;
/// Of what a task said at its end, in an alert.
const REASON_BYTES: usize = 1000;

impl Alerts {
    /// Acts on all facts that there are, oldest first.
    pub async fn act_on_facts(&self) -> anyhow::Result<()> {
        while self.act_on_some().await? {
            self.queued.notify_one();
        }
        Ok(())
    }

    /// Whether there were any.
    async fn act_on_some(&self) -> Result<bool> {
        // Mostly there is nothing, and nobody who writes need wait for that.
        let first: Option<(String,)> = self.db.query("SELECT id FROM events LIMIT 1").fetch_optional().await?;
        if first.is_none() {
            return Ok(false);
        }
        let mut transaction = self.db.begin().await?;
        transaction.take_turn("alerts").await?;
        let mut taken: Vec<(String, Json<Value>)> = transaction
            .query("DELETE FROM events WHERE id IN (SELECT id FROM events ORDER BY id LIMIT $1) RETURNING id, event")
            .bind(BATCH)
            .fetch_all()
            .await?;
        taken.sort_by(|left, right| left.0.cmp(&right.0));
        for (id, event) in &taken {
            match serde_json::from_value(event.0.clone()) {
                Ok(Event::TaskEnded(ended)) => self.task_ended(&mut transaction, &ended).await?,
                Ok(Event::TimeUnmet(unmet)) => self.time_unmet(&mut transaction, &unmet).await?,
                // It would hold up all others.
                Err(error) => tracing::error!(%error, id, "a fact cannot be read and is passed over"),
            }
        }
        transaction.commit().await?;
        Ok(!taken.is_empty())
    }

    async fn task_ended(&self, transaction: &mut Transaction, ended: &TaskEnded) -> Result<()> {
        if ended.is_test {
            return Ok(());
        }
        let now = self.clock.now();
        let (event, payload) = spider_message(ended);
        deliveries::queue_for_spider(transaction, &ended.spider_id, event, &payload, now).await?;
        if ended.status != "failed" {
            return Ok(());
        }
        let alert = self.failure(ended, now);
        self.raise(transaction, &alert, None).await?;
        for rule in rules::looking_for(transaction, AlertType::TaskFailed, &ended.spider_id).await? {
            if rules::trigger(transaction, &rule, now).await?
                && let Some(channel) = &rule.notification_channel_id
            {
                self.tell(transaction, &alert, channel).await?;
            }
        }
        Ok(())
    }

    fn failure(&self, ended: &TaskEnded, now: DateTime<Utc>) -> Alert {
        let (name, retries) = (&ended.spider_name, ended.retry_count);
        let reason = ended.error_message.as_deref().unwrap_or("-").trim();
        let reason = &reason[..reason.floor_char_boundary(REASON_BYTES)];
        let message = if retries > 0 {
            text!(
                "爬虫 [{name}] 执行失败（已重试 {retries} 次）: {reason}",
                "the spider [{name}] failed ({retries} retries): {reason}"
            )
        } else {
            text!("爬虫 [{name}] 执行失败: {reason}", "the spider [{name}] failed: {reason}")
        };
        Alert {
            id: AlertId::generate(),
            alert_type: AlertType::TaskFailed,
            level: AlertType::TaskFailed.level(),
            message: self.said(message),
            spider_id: Some(ended.spider_id.clone()),
            task_id: Some(ended.task_id.clone()),
            rule_id: None,
            is_read: false,
            created_at: now,
        }
    }

    async fn time_unmet(&self, transaction: &mut Transaction, unmet: &TimeUnmet) -> Result<()> {
        let now = self.clock.now();
        let TimeUnmet { spider_name: name, schedule_name: schedule, planned_at, reason, .. } = unmet;
        let planned = planned_at.format("%F %T UTC");
        for rule in rules::looking_for(transaction, AlertType::NoRun, &unmet.spider_id).await? {
            if rules::trigger(transaction, &rule, now).await? {
                let message = text!(
                    "爬虫 [{name}] 未在计划时间 {planned} 运行（{schedule}）: {reason}",
                    "the spider [{name}] did not run as planned at {planned} ({schedule}): {reason}"
                );
                let alert = Alert { spider_id: Some(unmet.spider_id.clone()), ..self.alert_of(&rule, message, now) };
                self.raise(transaction, &alert, rule.notification_channel_id.as_ref()).await?;
            }
        }
        Ok(())
    }

    /// Of no spider and no task yet.
    pub(super) fn alert_of(&self, rule: &Rule, message: Text, now: DateTime<Utc>) -> Alert {
        Alert {
            id: AlertId::generate(),
            alert_type: rule.rule_type,
            level: rule.rule_type.level(),
            message: self.said(message),
            spider_id: None,
            task_id: None,
            rule_id: Some(rule.id.clone()),
            is_read: false,
            created_at: now,
        }
    }
}

/// What a spider's webhook is told of a task's end, in the predecessor's words: one that was cancelled counts as failed.
fn spider_message(ended: &TaskEnded) -> (&'static str, Value) {
    let event = if ended.status == "completed" { "task_completed" } else { "task_failed" };
    let took = ended.started_at.map_or(TimeDelta::zero(), |started| ended.finished_at - started);
    #[expect(clippy::cast_precision_loss, reason = "seconds")]
    let duration = took.num_milliseconds() as f64 / 1000.0;
    let mut data = json!({
        "spider_id": ended.spider_id, "spider_name": ended.spider_name, "task_id": ended.task_id,
        "status": ended.status, "total_count": ended.total_count, "success_count": ended.success_count,
        "duration_seconds": duration,
    });
    if let Some(message) = &ended.error_message {
        data["error_message"] = json!(message);
    }
    (event, json!({"event": event, "timestamp": ended.finished_at, "data": data}))
}
