use serde_json::json;

use super::{Alert, Alerts, store};
use crate::{
    error::{Error, Result},
    id::{AlertId, ChannelId},
    platform::{database::Transaction, notify::Notice},
    text,
};

impl Alerts {
    pub(super) async fn read(&self, id: &AlertId) -> Result<()> {
        if self.mark_read(id).await? { Ok(()) } else { Err(not_found(id)) }
    }

    pub(super) async fn delete(&self, id: &AlertId) -> Result<()> {
        if self.remove(id).await? { Ok(()) } else { Err(not_found(id)) }
    }

    /// Raises the alert, and tells the channel where there is one that is on. Both are facts with the transaction.
    pub(super) async fn raise(
        &self,
        transaction: &mut Transaction,
        alert: &Alert,
        channel: Option<&ChannelId>,
    ) -> Result<()> {
        store::insert(transaction, alert).await?;
        match channel {
            Some(channel) => self.tell(transaction, alert, channel).await,
            None => Ok(()),
        }
    }

    /// Queues a message of the alert. A channel that is off hears nothing.
    pub(super) async fn tell(&self, transaction: &mut Transaction, alert: &Alert, channel: &ChannelId) -> Result<()> {
        let payload = serde_json::to_value(self.notice_of(alert)).map_err(Error::internal)?;
        self.queue_for_channel(transaction, channel, alert, &payload).await
    }

    fn notice_of(&self, alert: &Alert) -> Notice {
        let facts = [
            ("type", json!(alert.alert_type)),
            ("level", json!(alert.level)),
            ("spider_id", json!(alert.spider_id)),
            ("task_id", json!(alert.task_id)),
            ("alert_id", json!(alert.id)),
        ];
        Notice {
            title: self.said(alert.title()),
            message: alert.message.clone(),
            timestamp: alert.created_at,
            facts: facts.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
        }
    }
}

fn not_found(id: &AlertId) -> Error {
    Error::not_found("alert_not_found", text!("告警 {id} 不存在", "there is no alert {id}"))
}
