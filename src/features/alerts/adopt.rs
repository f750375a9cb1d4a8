//! Alerts, channels and rules that come from elsewhere, with their ids.

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};

use super::{Alert, Alerts};
use crate::{
    error::{Error, Result},
    id::{AlertRuleId, ChannelId},
};

/// When something was made, and last changed.
type Times = (DateTime<Utc>, DateTime<Utc>);

impl Alerts {
    /// Keeps those that are not there, and says how many. Nobody is told of them.
    pub async fn adopt(&self, alerts: &[Alert]) -> Result<u64> {
        let mut added = 0;
        let mut transaction = self.db.begin().await?;
        for alert in alerts {
            added += transaction
                .query(
                    "INSERT INTO alerts (id, type, level, message, spider_id, task_id, rule_id, is_read, created_at)
                     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (id) DO NOTHING",
                )
                .bind(&alert.id)
                .bind(alert.alert_type)
                .bind(alert.level)
                .bind(&alert.message)
                .bind(&alert.spider_id)
                .bind(&alert.task_id)
                .bind(&alert.rule_id)
                .bind(alert.is_read)
                .bind(alert.created_at)
                .execute()
                .await?;
        }
        transaction.commit().await?;
        Ok(added)
    }

    /// False where there is a channel of that id already. `fields` are what a caller sends to make one.
    pub async fn adopt_channel(&self, id: ChannelId, fields: Map<String, Value>, times: Times) -> Result<bool> {
        match self.channel(&id).await {
            Ok(_) => return Ok(false),
            Err(Error::NotFound(_)) => {}
            Err(error) => return Err(error),
        }
        let new = serde_json::from_value(Value::Object(fields)).map_err(|error| unreadable(&error))?;
        self.insert_new_channel(id, new, times).await.map(|_| true)
    }

    /// False where there is a rule of that id already. `fields` are what a caller sends to make one.
    pub async fn adopt_rule(&self, id: AlertRuleId, fields: Map<String, Value>, times: Times) -> Result<bool> {
        match self.rule(&id).await {
            Ok(_) => return Ok(false),
            Err(Error::NotFound(_)) => {}
            Err(error) => return Err(error),
        }
        let new = serde_json::from_value(Value::Object(fields)).map_err(|error| unreadable(&error))?;
        self.insert_new_rule(id, new, times).await.map(|_| true)
    }
}

fn unreadable(error: &serde_json::Error) -> Error {
    Error::invalid("body", "type_error", crate::text!("{error}", "{error}"))
}
