//! Queueing: a message is a fact with the transaction that it tells of.

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::{
    super::{Alert, Alerts},
    store::{self, New},
};
use crate::{
    error::Result,
    id::{ChannelId, SpiderId},
    platform::{
        database::Transaction,
        notify::{Target, receiver_of},
    },
};

impl Alerts {
    /// A message of the alert, if the channel is on.
    pub(in super::super) async fn queue_for_channel(
        &self,
        transaction: &mut Transaction,
        id: &ChannelId,
        alert: &Alert,
        payload: &Value,
    ) -> Result<()> {
        let Some(channel) = store::enabled_channel(transaction, id).await? else { return Ok(()) };
        // One that cannot be read is to be seen as a message that cannot be sent.
        let receiver = self.readable_target(&channel).as_ref().map_or_else(|| id.to_string(), Target::receiver);
        let new = New {
            channel_id: Some(id),
            spider_id: alert.spider_id.as_ref(),
            alert_id: Some(&alert.id),
            receiver,
            event: alert.alert_type.as_str(),
            payload,
            now: alert.created_at,
        };
        store::insert(transaction, new).await
    }
}

/// A message to the spider's own webhook, if it has one.
pub(in super::super) async fn queue_for_spider(
    transaction: &mut Transaction,
    spider: &SpiderId,
    event: &str,
    payload: &Value,
    now: DateTime<Utc>,
) -> Result<()> {
    let Some(url) = store::webhook_url(transaction, spider).await? else { return Ok(()) };
    let receiver = receiver_of(&url);
    let new = New { channel_id: None, spider_id: Some(spider), alert_id: None, receiver, event, payload, now };
    store::insert(transaction, new).await
}
