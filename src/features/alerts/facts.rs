//! Loop: facts → alerts and messages. A fact goes, and what follows from it comes, in one transaction: no crash loses
//! one, and of several servers one acts.

use anyhow::anyhow;
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};
use sqlx::types::Json;

use super::{
    Alert, AlertLevel, AlertType, Alerts, deliveries,
    rules::{self, Rule},
};
use crate::{
    error::{Result, Text},
    features::events::{DataDrift, Drift, Event, SinkFailing, TaskEnded, TimeUnmet},
    id::{AlertId, SpiderId, TaskId},
    platform::database::{Query, Transaction, in_list},
    text,
};

/// Facts in one transaction.
const BATCH: i64 = 50;
/// Of what a task said at its end, in an alert.
const REASON_BYTES: usize = 1000;
/// Of a field's name there.
const FIELD_BYTES: usize = 100;

impl Alerts {
    /// Acts on all facts that there are, oldest first. One that this version cannot read stays for one that can, and
    /// is an error at the end.
    pub async fn act_on_facts(&self) -> anyhow::Result<()> {
        let (mut after, mut unread) = (String::new(), None);
        while !self.stop.is_cancelled()
            && let Some(last) = self.act_on_some(&after, &mut unread).await?
        {
            after = last;
            self.queued.notify_one();
        }
        unread.map_or(Ok(()), Err)
    }

    /// The last one that it looked at; none where there were no more.
    async fn act_on_some(&self, after: &str, unread: &mut Option<anyhow::Error>) -> Result<Option<String>> {
        // Mostly there is nothing, and nobody who writes need wait for that.
        let first: Option<(String,)> =
            self.db.query("SELECT id FROM events WHERE id > $1 LIMIT 1").bind(after).fetch_optional().await?;
        if first.is_none() {
            return Ok(None);
        }
        let mut transaction = self.db.begin().await?;
        transaction.take_turn("alerts").await?;
        let found: Vec<(String, Json<Value>)> = transaction
            .query("SELECT id, event FROM events WHERE id > $1 ORDER BY id LIMIT $2")
            .bind(after)
            .bind(BATCH)
            .fetch_all()
            .await?;
        let mut done = Vec::new();
        for (id, Json(event)) in &found {
            match serde_json::from_value(event.clone()) {
                Ok(Event::TaskEnded(ended)) => self.task_ended(&mut transaction, &ended).await?,
                Ok(Event::TimeUnmet(unmet)) => self.time_unmet(&mut transaction, &unmet).await?,
                Ok(Event::SinkFailing(failing)) => self.sink_failing(&mut transaction, &failing).await?,
                Ok(Event::DataDrift(drift)) => self.data_drifted(&mut transaction, &drift).await?,
                Ok(Event::EditorTrouble(trouble)) => self.editor_troubled(&mut transaction, &trouble).await?,
                Ok(Event::InstanceTrouble(trouble)) => self.instance_troubled(&mut transaction, &trouble).await?,
                Err(error) => {
                    *unread = Some(anyhow!("the fact {id} cannot be read and is left: {error}"));
                    continue;
                }
            }
            done.push(id);
        }
        if !done.is_empty() {
            let sql = format!("DELETE FROM events WHERE id IN ({})", in_list(1, done.len()));
            done.into_iter().fold(transaction.query_text(sql), Query::bind).execute().await?;
        }
        transaction.commit().await?;
        Ok(found.into_iter().next_back().map(|(id, _)| id))
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
        let message = failure(ended);
        let kind = (AlertType::TaskFailed, AlertType::TaskFailed.level());
        self.raise_of_spider(transaction, kind, (&ended.spider_id, Some(&ended.task_id)), message).await
    }

    async fn data_drifted(&self, transaction: &mut Transaction, drift: &DataDrift) -> Result<()> {
        let message = drift_message(drift);
        let kind = (AlertType::DataDrift, AlertType::DataDrift.level());
        self.raise_of_spider(transaction, kind, (&drift.spider_id, Some(&drift.task_id)), message).await
    }

    /// The same, of a spider.
    pub(super) async fn raise_of_spider(
        &self,
        transaction: &mut Transaction,
        kind: (AlertType, AlertLevel),
        (spider, task): (&SpiderId, Option<&TaskId>),
        message: Text,
    ) -> Result<()> {
        self.raise_of_fact(transaction, kind, (Some(spider), task), message).await
    }

    /// Raises an alert of what happened, and tells the channels of rules that look for such.
    pub(super) async fn raise_of_fact(
        &self,
        transaction: &mut Transaction,
        (alert_type, level): (AlertType, AlertLevel),
        (spider, task): (Option<&SpiderId>, Option<&TaskId>),
        message: Text,
    ) -> Result<()> {
        let now = self.clock.now();
        let alert = Alert {
            id: AlertId::generate(),
            alert_type,
            level,
            message: self.said(message),
            spider_id: spider.cloned(),
            task_id: task.cloned(),
            rule_id: None,
            is_read: false,
            created_at: now,
        };
        self.raise(transaction, &alert, None).await?;
        for rule in rules::looking_for(transaction, alert_type, spider).await? {
            if rules::trigger(transaction, &rule, now).await?
                && let Some(channel) = &rule.notification_channel_id
            {
                self.tell(transaction, &alert, channel).await?;
            }
        }
        Ok(())
    }

    async fn time_unmet(&self, transaction: &mut Transaction, unmet: &TimeUnmet) -> Result<()> {
        let now = self.clock.now();
        let TimeUnmet { spider_name: name, schedule_name: schedule, planned_at, reason, .. } = unmet;
        let planned = planned_at.format("%F %T UTC");
        let (level, message) = if unmet.outcome == "skipped_overlap" {
            let message = text!(
                "爬虫 [{name}] 在计划时间 {planned} 仍有任务未结束，本次计划已跳过（{schedule}）: {reason}",
                "the spider [{name}] was still busy at {planned}, and that time was skipped ({schedule}): {reason}"
            );
            (AlertLevel::Warning, message)
        } else {
            let message = text!(
                "爬虫 [{name}] 未在计划时间 {planned} 运行（{schedule}）: {reason}",
                "the spider [{name}] did not run as planned at {planned} ({schedule}): {reason}"
            );
            (AlertType::NoRun.level(), message)
        };
        for rule in rules::looking_for(transaction, AlertType::NoRun, Some(&unmet.spider_id)).await? {
            if rules::trigger(transaction, &rule, now).await? {
                let of_rule = self.alert_of(&rule, message.clone(), now);
                let alert = Alert { level, spider_id: Some(unmet.spider_id.clone()), ..of_rule };
                self.raise(transaction, &alert, rule.notification_channel_id.as_ref()).await?;
            }
        }
        Ok(())
    }

    /// Listed once for each outage; whoever has a rule for it is told.
    async fn sink_failing(&self, transaction: &mut Transaction, failing: &SinkFailing) -> Result<()> {
        let SinkFailing { spider_name: name, datasource_name: source, target_table: table, reason, .. } = failing;
        let since = failing.failing_since.format("%F %T UTC");
        let message = text!(
            "爬虫 [{name}] 的数据自 {since} 起无法写入数据源 [{source}] 的 {table}: {reason}",
            "items of the spider [{name}] cannot be delivered to {table} of the datasource [{source}] since {since}: {reason}"
        );
        let kind = (AlertType::SinkFailing, AlertType::SinkFailing.level());
        self.raise_of_spider(transaction, kind, (&failing.spider_id, None), message).await
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

fn failure(ended: &TaskEnded) -> Text {
    let (name, retries) = (&ended.spider_name, ended.retry_count);
    let reason = ended.error_message.as_deref().unwrap_or("-").trim();
    let reason = &reason[..reason.floor_char_boundary(REASON_BYTES)];
    if retries > 0 {
        text!(
            "爬虫 [{name}] 执行失败（已重试 {retries} 次）: {reason}",
            "the spider [{name}] failed ({retries} retries): {reason}"
        )
    } else {
        text!("爬虫 [{name}] 执行失败: {reason}", "the spider [{name}] failed: {reason}")
    }
}

fn drift_message(drift: &DataDrift) -> Text {
    let DataDrift { spider_name: name, runs, found, more, .. } = drift;
    let told: Vec<Text> = found.iter().map(drift_of).collect();
    let zh: Vec<&str> = told.iter().map(|text| text.zh.as_ref()).collect();
    let en: Vec<&str> = told.iter().map(|text| text.en.as_ref()).collect();
    let (zh, en) = (zh.join("；"), en.join("; "));
    if *more > 0 {
        text!(
            "爬虫 [{name}] 的数据与之前 {runs} 次运行不同: {zh}（另有 {more} 项）",
            "the spider [{name}] brought other data than in the {runs} runs before: {en} (and {more} more)"
        )
    } else {
        text!(
            "爬虫 [{name}] 的数据与之前 {runs} 次运行不同: {zh}",
            "the spider [{name}] brought other data than in the {runs} runs before: {en}"
        )
    }
}

fn drift_of(drift: &Drift) -> Text {
    let short = |field: &str| field[..field.floor_char_boundary(FIELD_BYTES)].to_owned();
    match drift {
        Drift::FieldGone { field, percent, usual } => {
            let field = short(field);
            text!(
                "字段 {field} 缺失（{percent}% 有值，通常 {usual}%）",
                "the field {field} is gone (filled in {percent}%, usually in {usual}%)"
            )
        }
        Drift::TypeChanged { field, from, to } => {
            let field = short(field);
            text!("字段 {field} 的类型由 {from} 变为 {to}", "the field {field} was {from} and is {to}")
        }
        Drift::FewItems { items, usual } => {
            text!("只有 {items} 条数据，通常 {usual} 条", "only {items} items, usually {usual}")
        }
    }
}
