//! Loop: what rules look for → alerts.

use chrono::{DateTime, TimeDelta, Utc};

use super::{
    super::{Alert, AlertType, Alerts},
    store::{Counted, Plan, Seen, trigger},
    types::Rule,
};
use crate::{
    error::{Result, Text},
    features::spiders::cron::Timetable,
    id::{SpiderId, TaskId},
    text,
};

/// A planned time that is not longer ago may still be about to be met.
const GRACE: TimeDelta = TimeDelta::minutes(5);

/// The end of a task may be written down a little after the time that it names.
const SETTLED: TimeDelta = TimeDelta::seconds(5);

/// What a rule found.
struct Finding {
    message: Text,
    spider_id: Option<SpiderId>,
    task_id: Option<TaskId>,
}

impl Finding {
    /// The first, and how many more there are.
    fn first_of(found: Vec<Self>) -> Option<Self> {
        let count = i64::try_from(found.len()).unwrap_or(i64::MAX);
        Some(found.into_iter().next()?.of(count))
    }

    /// It stands for so many.
    fn of(self, count: i64) -> Self {
        let more = count - 1;
        if more <= 0 {
            return self;
        }
        let Text { zh, en } = self.message;
        Self { message: text!("{zh}（另有 {more} 个）", "{en} (and {more} more)"), ..self }
    }

    fn of_task(task: &Seen, message: Text) -> Self {
        Self { message, spider_id: Some(task.spider_id.clone()), task_id: Some(task.id.clone()) }
    }
}

impl Alerts {
    /// Looks at the world with each rule. One that fails holds up no other.
    pub async fn evaluate_rules(&self) -> anyhow::Result<()> {
        let mut failed = None;
        for rule in self.periodic_rules().await? {
            if self.stop.is_cancelled() {
                break;
            }
            if let Err(error) = self.evaluate(&rule).await {
                tracing::warn!(%error, rule = %rule.id, "a rule cannot be evaluated");
                failed = Some(error);
            }
        }
        failed.map_or(Ok(()), |error| Err(error.into()))
    }

    async fn evaluate(&self, rule: &Rule) -> Result<()> {
        let now = self.clock.now();
        if rule.cools_down(now) {
            return Ok(());
        }
        let found = match rule.rule_type {
            AlertType::TaskFailed
            | AlertType::SinkFailing
            | AlertType::DataDrift
            | AlertType::Editor
            | AlertType::Instance => None,
            AlertType::TaskFailureRate => self.failure_rate(rule, now).await?,
            AlertType::TaskDuration => self.long_tasks(rule, now).await?,
            AlertType::ItemsCount => self.poor_tasks(rule, now).await?,
            AlertType::HeartbeatTimeout => self.silent_tasks(rule, now).await?,
            AlertType::NoRun => self.idle_spiders(rule, now).await?,
        };
        match found {
            Some(found) => self.fire(rule, found, now).await,
            None => Ok(()),
        }
    }

    async fn fire(&self, rule: &Rule, found: Finding, now: DateTime<Utc>) -> Result<()> {
        let mut transaction = self.db.begin().await?;
        if !trigger(&mut transaction, rule, now).await? {
            return Ok(());
        }
        let (name, Text { zh, en }) = (&rule.name, found.message);
        let message = text!("规则 [{name}]: {zh}", "rule [{name}]: {en}");
        let alert = Alert { spider_id: found.spider_id, task_id: found.task_id, ..self.alert_of(rule, message, now) };
        self.raise(&mut transaction, &alert, rule.notification_channel_id.as_ref()).await?;
        transaction.commit().await?;
        self.queued.notify_one();
        Ok(())
    }

    async fn failure_rate(&self, rule: &Rule, now: DateTime<Utc>) -> Result<Option<Finding>> {
        let window = rule.number("window_minutes");
        let threshold = rule.condition.get("threshold").and_then(serde_json::Value::as_f64).unwrap_or(1.0);
        let (ended, failed) = self.outcomes(rule.spider_id.as_ref(), now - TimeDelta::minutes(window)).await?;
        #[expect(clippy::cast_precision_loss, reason = "a share")]
        let share = failed as f64 / ended.max(1) as f64;
        if failed == 0 || ended < rule.number("min_tasks") || share < threshold {
            return Ok(None);
        }
        let (percent, most) = (share * 100.0, threshold * 100.0);
        let message = text!(
            "最近 {window} 分钟内结束的 {ended} 个任务中有 {failed} 个失败（{percent:.0}%，阈值 {most:.0}%）",
            "of {ended} tasks that ended in the last {window} minutes {failed} failed ({percent:.0}%, limit {most:.0}%)"
        );
        Ok(Some(Finding { message, spider_id: rule.spider_id.clone(), task_id: None }))
    }

    async fn long_tasks(&self, rule: &Rule, now: DateTime<Utc>) -> Result<Option<Finding>> {
        let most = TimeDelta::seconds(rule.number("max_duration_seconds"));
        let spider = rule.spider_id.as_ref();
        let (mut first, mut count) = (None, 0);
        let mut look = |task: Seen| {
            let took = task.started_at.map(|started| task.finished_at.unwrap_or(now) - started);
            if let Some(took) = took.filter(|took| *took > most) {
                count += 1;
                first.get_or_insert((task, took));
            }
        };
        self.running_since(spider, now - most).await?.into_iter().for_each(&mut look);
        self.each_ended(spider, unseen(rule, now), look).await?;
        Ok(first.map(|(task, took)| {
            let (name, seconds, limit) = (&task.spider_name, took.num_seconds(), most.num_seconds());
            let message = text!(
                "爬虫 [{name}] 的任务已运行 {seconds} 秒，超过 {limit} 秒",
                "a task of the spider [{name}] takes {seconds} seconds; the limit is {limit}"
            );
            Finding::of_task(&task, message).of(count)
        }))
    }

    async fn poor_tasks(&self, rule: &Rule, now: DateTime<Utc>) -> Result<Option<Finding>> {
        let least = rule.number("min_items");
        let poor = self.poor_within(rule.spider_id.as_ref(), unseen(rule, now), least).await?;
        Ok(poor.map(|Counted { first, count }| {
            let (name, items) = (&first.spider_name, first.success_count);
            let message = text!(
                "爬虫 [{name}] 的任务只得到 {items} 条数据，少于 {least} 条",
                "a task of the spider [{name}] brought {items} items, fewer than {least}"
            );
            Finding::of_task(&first, message).of(count)
        }))
    }

    async fn silent_tasks(&self, rule: &Rule, now: DateTime<Utc>) -> Result<Option<Finding>> {
        let limit = rule.minutes("timeout_minutes");
        let mut found = Vec::new();
        for task in self.running_since(rule.spider_id.as_ref(), now - limit).await? {
            // Its row changes when it starts and when it reports progress, not when its server renews the claim.
            let last = self.documents.last_sign(&task.id).await?.max(Some(task.updated_at)).unwrap_or(now);
            if now - last >= limit {
                let (name, minutes) = (&task.spider_name, (now - last).num_minutes());
                let message = text!(
                    "爬虫 [{name}] 的任务已 {minutes} 分钟没有任何输出",
                    "a task of the spider [{name}] printed and delivered nothing for {minutes} minutes"
                );
                found.push(Finding::of_task(&task, message));
            }
        }
        Ok(Finding::first_of(found))
    }

    /// Spiders that were to run in the window and did not. (What the scheduler itself knows of is told at once.)
    async fn idle_spiders(&self, rule: &Rule, now: DateTime<Utc>) -> Result<Option<Finding>> {
        let window = rule.minutes("window_minutes");
        let plans = self.plans_of_idle(rule.spider_id.as_ref(), now - window).await?;
        let by = now - GRACE.min(window / 2);
        let found = plans.into_iter().filter_map(|plan| {
            let Plan { spider_id, spider_name: name, cron_expr, timezone, since } = plan;
            let timetable = Timetable::parse(&cron_expr, &timezone).ok()?;
            let planned = timetable.next_after(since.max(now - window)).filter(|planned| *planned <= by)?;
            let (planned, minutes) = (planned.format("%F %T UTC"), window.num_minutes());
            let message = text!(
                "爬虫 [{name}] 最近 {minutes} 分钟没有运行，计划时间为 {planned}",
                "the spider [{name}] did not run in the last {minutes} minutes; it was planned for {planned}"
            );
            Some(Finding { message, spider_id: Some(spider_id), task_id: None })
        });
        Ok(Finding::first_of(found.collect()))
    }
}

/// After which time and up to which one tasks ended that the rule is to look at: those of the window that it has not
/// told of. Each is looked at once, as the one ends where the next begins.
fn unseen(rule: &Rule, now: DateTime<Utc>) -> (DateTime<Utc>, DateTime<Utc>) {
    let start = now - rule.minutes("window_minutes");
    let last = rule.last_triggered_at.map_or(start, |last| (last - SETTLED).max(start));
    (last, now - SETTLED)
}
