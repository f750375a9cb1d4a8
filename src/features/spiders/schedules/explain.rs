//! Why a schedule did, or did not, start its spider at a time.

use chrono::{DateTime, SecondsFormat, SubsecRound, Utc};

use super::{
    super::{Spiders, cron::Timetable},
    Explanation, Fire, FireOutcome, Schedule, ledger,
};
use crate::{
    error::{Result, Text},
    id::ScheduleId,
    text,
};

impl Spiders {
    /// With the explanation in both languages. Parts of a second are cut off: planned times have none.
    pub(super) async fn explain(&self, id: &ScheduleId, at: DateTime<Utc>) -> Result<(Explanation, Text)> {
        let (at, now) = (at.trunc_subsecs(0), self.clock.now());
        let schedule = self.schedule_row(id).await?;
        let table = schedule.timetable().ok();
        let fire = match self.fire_at(id, at).await? {
            // A clock that was ahead for a while took it for missed.
            Some(fire) if fire.planned_at > now && fire.task_id.is_none() => None,
            Some(fire) => Some(fire),
            None if schedule.is_live() => None,
            None => {
                let paused = ledger::of_unjudged(&schedule, now, ledger::PAUSED);
                paused.into_iter().find(|fire| fire.planned_at == at || fire.stands_for(at))
            }
        };
        let (fire, stands_for_it) = match fire {
            Some(fire) if fire.planned_at == at => (Some(fire), None),
            Some(fire) => (None, Some(fire)),
            None => (None, self.fire_after(id, at).await?),
        };
        let (before, after) = around(table.as_ref(), at);
        let is_planned = table.as_ref().is_some_and(|table| table.plans(at));
        let said = if let Some(fire) = &fire {
            judged(fire)
        } else if at < schedule.created_at {
            let made = shown(schedule.created_at);
            text!("当时该定时任务尚未创建（创建于 {made}）", "the schedule did not exist then: it was made at {made}")
        } else if table.is_none() {
            text!(
                "当前的 cron 表达式或时区无法识别，请重新设置",
                "its cron expression or time zone is not understood any more; set it again"
            )
        } else if !is_planned {
            not_planned(before, after)
        } else if let Some(fire) = stands_for_it.filter(|_| at <= now) {
            one_of_very_many(&fire)
        } else if at > now {
            to_come(&schedule, at)
        } else if schedule.next_run_at.is_some_and(|unjudged| unjudged <= at) {
            text!("刚到计划时间，正在处理", "its time has just come: it is being looked at")
        } else if self.first_fire(id).await?.is_none_or(|first| at < first) {
            text!("早于保留的记录", "it is older than what is kept")
        } else {
            text!(
                "没有记录：当时的计划与现在不同",
                "there is no record of it: the schedule was set to other times then"
            )
        };
        let (planned_before, planned_after) = (before, after);
        let explanation = said.en.to_string();
        Ok((Explanation { at, is_planned, fire, explanation, planned_before, planned_after }, said))
    }
}

fn around(table: Option<&Timetable>, at: DateTime<Utc>) -> (Option<DateTime<Utc>>, Option<DateTime<Utc>>) {
    table.map_or((None, None), |table| (table.last_before(at), table.next_after(at)))
}

fn judged(fire: &Fire) -> Text {
    let task = fire.task_id.as_ref().map(ToString::to_string).unwrap_or_default();
    let (late, reason) = (fire.late_ms.unwrap_or_default(), fire.reason.as_deref().unwrap_or_default());
    match fire.outcome {
        FireOutcome::Fired if reason.is_empty() => {
            text!("任务 {task} 已排队，晚 {late} 毫秒", "task {task} was queued {late} ms after the planned time")
        }
        FireOutcome::Fired => text!(
            "任务 {task} 已排队，晚 {late} 毫秒：{reason}",
            "task {task} was queued {late} ms after the planned time: {reason}"
        ),
        FireOutcome::SkippedOverlap => text!("跳过，上一任务尚未结束：{reason}", "skipped: {reason}"),
        FireOutcome::SkippedPaused => text!("跳过，当时已暂停：{reason}", "skipped: {reason}"),
        FireOutcome::Missed => text!("错过：{reason}", "missed: {reason}"),
    }
}

/// Of those that have no rows of their own.
fn one_of_very_many(fire: &Fire) -> Text {
    let (listed, reason) = (shown(fire.planned_at), fire.reason.as_deref().unwrap_or_default());
    text!(
        "未启动：当时一次错过或跳过了大量计划时间，未逐一记录；其中最早有记录的为 {listed}：{reason}",
        "it started nothing: it passed with very many others, which are not listed one by one; of the first that is, \
         {listed}, it is said: {reason}"
    )
}

fn not_planned(before: Option<DateTime<Utc>>, after: Option<DateTime<Utc>>) -> Text {
    let (before, after) = (before.map(shown), after.map(shown));
    let (before, after) = (before.as_deref().unwrap_or("-"), after.as_deref().unwrap_or("-"));
    text!(
        "不是计划时间；前一个为 {before}，后一个为 {after}",
        "it is not a planned time; the one before is {before}, the one after {after}"
    )
}

fn to_come(schedule: &Schedule, at: DateTime<Utc>) -> Text {
    if !schedule.is_active {
        text!("尚未到来，且该定时任务已暂停", "it is still to come, but the schedule is paused")
    } else if !schedule.spider_is_active {
        text!("尚未到来，且该爬虫已停用", "it is still to come, but the spider is not active")
    } else {
        let at = shown(at);
        text!("尚未到来：将在 {at} 运行", "it is still to come: the spider runs at {at}")
    }
}

fn shown(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}
