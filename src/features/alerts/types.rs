use chrono::{DateTime, Utc};
use serde::{Deserialize, Deserializer, Serialize};
use sqlx::FromRow;
use utoipa::{IntoParams, ToSchema};

use crate::{
    error::Text,
    id::{AlertId, AlertRuleId, SpiderId, TaskId},
    platform::database::word_enum,
    text,
};

word_enum! {
    /// What an alert is about, and what a rule looks for.
    pub enum AlertType {
        /// A task failed for good.
        TaskFailed = "task_failed",
        /// Too many of the tasks that ended of late failed.
        TaskFailureRate = "task_failure_rate",
        /// A task runs, or ran, for too long.
        TaskDuration = "task_duration",
        /// A completed task brought too few items.
        ItemsCount = "items_count",
        /// A running task printed and delivered nothing for too long.
        HeartbeatTimeout = "heartbeat_timeout",
        /// A spider did not run as planned; as a warning: it was still busy.
        NoRun = "no_run",
        /// Items cannot be delivered to a datasource, for minutes.
        SinkFailing = "sink_failing",
        /// A completed task brought other data than those before it: a field is gone or has another type, or there are far
        /// fewer items.
        DataDrift = "data_drift",
        /// An editor cannot bring its files back, found conflicts, is gone, or is going to be closed.
        Editor = "editor",
        /// An instance could not be started, ended again and again, or had written too much.
        Instance = "instance",
    }
}

impl AlertType {
    /// Whether it is raised by what happens, once each time; the others are looked for again and again.
    pub(super) fn is_of_facts(self) -> bool {
        matches!(self, Self::TaskFailed | Self::DataDrift | Self::Editor | Self::Instance)
    }

    pub(super) fn level(self) -> AlertLevel {
        match self {
            Self::TaskFailed | Self::TaskFailureRate | Self::NoRun => AlertLevel::Error,
            Self::TaskDuration
            | Self::ItemsCount
            | Self::HeartbeatTimeout
            | Self::SinkFailing
            | Self::DataDrift
            | Self::Editor
            | Self::Instance => AlertLevel::Warning,
        }
    }
}

word_enum! {
    pub enum AlertLevel {
        Info = "info",
        Warning = "warning",
        Error = "error",
    }
}

#[derive(Debug, Clone, Serialize, FromRow, ToSchema)]
pub struct Alert {
    pub id: AlertId,
    #[serde(rename = "type")]
    #[sqlx(rename = "type")]
    pub alert_type: AlertType,
    pub level: AlertLevel,
    pub message: String,
    pub spider_id: Option<SpiderId>,
    pub task_id: Option<TaskId>,
    /// The rule that raised it; null: the platform by itself.
    pub rule_id: Option<AlertRuleId>,
    pub is_read: bool,
    pub created_at: DateTime<Utc>,
}

impl Alert {
    pub(super) fn title(&self) -> Text {
        match (self.alert_type, self.level) {
            (AlertType::TaskFailed, _) => text!("CrawlHub 告警：任务失败", "CrawlHub alert: a task failed"),
            (AlertType::TaskFailureRate, _) => {
                text!("CrawlHub 告警：失败率过高", "CrawlHub alert: too many tasks fail")
            }
            (AlertType::TaskDuration, _) => {
                text!("CrawlHub 告警：任务运行过久", "CrawlHub alert: a task takes too long")
            }
            (AlertType::ItemsCount, _) => text!("CrawlHub 告警：数据过少", "CrawlHub alert: too few items"),
            (AlertType::HeartbeatTimeout, _) => text!("CrawlHub 告警：任务无响应", "CrawlHub alert: a task is silent"),
            (AlertType::DataDrift, _) => {
                text!("CrawlHub 告警：数据变化", "CrawlHub alert: the data is not what it was")
            }
            (AlertType::NoRun, AlertLevel::Warning) => {
                text!("CrawlHub 告警：一次计划被跳过", "CrawlHub alert: a planned time was skipped")
            }
            (AlertType::SinkFailing, _) => {
                text!("CrawlHub 告警：数据源无法写入", "CrawlHub alert: a datasource cannot be written to")
            }
            (AlertType::Instance, _) => text!("CrawlHub 告警：实例", "CrawlHub alert: an instance"),
            (AlertType::Editor, _) => text!("CrawlHub 告警：在线编辑器", "CrawlHub alert: an editor"),
            (AlertType::NoRun, _) => text!("CrawlHub 告警：未按计划运行", "CrawlHub alert: a spider did not run"),
        }
    }
}

#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct AlertFilter {
    pub level: Option<AlertLevel>,
    pub is_read: Option<bool>,
    #[serde(rename = "type")]
    #[param(rename = "type")]
    pub alert_type: Option<AlertType>,
    #[param(value_type = Option<String>)]
    pub spider_id: Option<SpiderId>,
}

/// Only called for a field that is there: null is a value like others.
pub(super) fn sent<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}
