use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sqlx::{FromRow, types::Json};
use utoipa::{IntoParams, ToSchema};

use super::super::{AlertType, types::sent};
use crate::{
    error::{Checks, Result},
    id::{AlertRuleId, ChannelId, SpiderId},
    text,
};

const LONGEST_COOLDOWN: i64 = 43_200;
pub(super) const COOLDOWN: i64 = 30;

#[derive(Debug, Clone, Serialize, FromRow, ToSchema)]
#[expect(clippy::struct_field_names, reason = "the contract's name")]
pub(in super::super) struct Rule {
    pub id: AlertRuleId,
    pub name: String,
    pub rule_type: AlertType,
    /// `task_failure_rate`: `threshold`, `window_minutes`, `min_tasks`; `task_duration`: `max_duration_seconds`,
    /// `window_minutes`; `items_count`: `min_items`, `window_minutes`; `heartbeat_timeout`: `timeout_minutes`; `no_run`:
    /// `window_minutes`; `task_failed`, `sink_failing`, `data_drift`, `editor`: nothing.
    #[schema(value_type = Object)]
    pub condition: Json<Map<String, Value>>,
    /// Null: all spiders.
    pub spider_id: Option<SpiderId>,
    /// Null: nobody is told, the alert is only listed.
    pub notification_channel_id: Option<ChannelId>,
    pub is_enabled: bool,
    /// For so long after it was triggered it is not again.
    pub cooldown_minutes: i64,
    pub last_triggered_at: Option<DateTime<Utc>>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

impl Rule {
    /// A whole number of its condition.
    pub(super) fn number(&self, name: &str) -> i64 {
        self.condition.get(name).and_then(Value::as_i64).unwrap_or_default()
    }

    pub(super) fn minutes(&self, name: &str) -> TimeDelta {
        TimeDelta::minutes(self.number(name))
    }

    pub(super) fn check_cooldown(&self) -> Result<()> {
        // What is looked at again and again would be told again and again.
        let least = i64::from(!self.rule_type.is_of_facts());
        let mut checks = Checks::default();
        checks.require(
            (least..=LONGEST_COOLDOWN).contains(&self.cooldown_minutes),
            "body.cooldown_minutes",
            "value_error",
            || text!("须在 {least} 到 {LONGEST_COOLDOWN} 之间", "must be between {least} and {LONGEST_COOLDOWN}"),
        );
        checks.finish()
    }

    pub(super) fn cools_down(&self, now: DateTime<Utc>) -> bool {
        let cooldown = TimeDelta::minutes(self.cooldown_minutes);
        self.last_triggered_at.is_some_and(|last| now < last + cooldown)
    }
}

/// A field left out stays as it is.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(default)]
#[expect(clippy::option_option, reason = "left out, null and a value are three things")]
pub(in super::super) struct RuleChange {
    /// 1 to 100 characters.
    #[serde(deserialize_with = "sent")]
    pub name: Option<String>,
    #[serde(deserialize_with = "sent")]
    pub rule_type: Option<AlertType>,
    /// An object, or a JSON text of one; what is left out has its default.
    #[serde(deserialize_with = "sent")]
    #[schema(value_type = Option<Object>)]
    pub condition: Option<Value>,
    #[serde(deserialize_with = "sent")]
    #[schema(value_type = Option<String>)]
    pub spider_id: Option<Option<SpiderId>>,
    #[serde(alias = "channel_id", deserialize_with = "sent")]
    #[schema(value_type = Option<String>)]
    pub notification_channel_id: Option<Option<ChannelId>>,
    #[serde(deserialize_with = "sent")]
    pub is_enabled: Option<bool>,
    /// 30 where left out. 0 for `task_failed` and `data_drift` alone, which are triggered by what happens.
    #[serde(deserialize_with = "sent")]
    pub cooldown_minutes: Option<i64>,
}

impl RuleChange {
    pub(super) fn check(&self) -> Result<()> {
        let mut checks = Checks::default();
        if let Some(name) = &self.name {
            checks.not_empty("body.name", name);
            checks.length("body.name", name, 100);
        }
        checks.finish()
    }
}

#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct RuleFilter {
    pub rule_type: Option<AlertType>,
    #[param(value_type = Option<String>)]
    pub spider_id: Option<SpiderId>,
    pub is_enabled: Option<bool>,
}
