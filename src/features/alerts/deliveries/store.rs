use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;
use sqlx::types::Json;

use super::{
    super::{Alert, Alerts},
    types::{Claimed, Delivery, DeliveryFilter, DeliveryStatus},
};
use crate::{
    error::{Error, Result},
    id::{ChannelId, DeliveryId, SpiderId},
    platform::{
        database::{Transaction, in_list},
        http::Paging,
        notify::{Failure, Notifier},
    },
    text,
};

const MATCHES: &str =
    "($1 IS NULL OR channel_id = $1) AND ($2 IS NULL OR spider_id = $2) AND ($3 IS NULL OR status = $3)";
/// What an attempt may take, and some more for its end to be written down.
const LEASE: TimeDelta = TimeDelta::seconds(2 * Notifier::PATIENCE.as_secs().cast_signed());
const KEPT: TimeDelta = TimeDelta::days(30);

/// A message of the alert, if the channel is on.
pub(in super::super) async fn queue_for_channel(
    transaction: &mut Transaction,
    channel: &ChannelId,
    alert: &Alert,
    payload: &Value,
) -> Result<()> {
    transaction
        .query(
            "INSERT INTO deliveries (id, channel_id, spider_id, alert_id, event, payload, status, attempts,
                                     next_attempt_at, created_at)
             SELECT $1, id, $3, $4, $5, $6, 'pending', 0, $7, $7 FROM notification_channels
              WHERE id = $2 AND is_enabled",
        )
        .bind(DeliveryId::generate())
        .bind(channel)
        .bind(&alert.spider_id)
        .bind(&alert.id)
        .bind(alert.alert_type.as_str())
        .bind(Json(payload))
        .bind(alert.created_at)
        .execute()
        .await
        .map(drop)
}

/// A message to the spider's own webhook, if it has one.
pub(in super::super) async fn queue_for_spider(
    transaction: &mut Transaction,
    spider: &SpiderId,
    event: &str,
    payload: &Value,
    now: DateTime<Utc>,
) -> Result<()> {
    transaction
        .query(
            "INSERT INTO deliveries (id, spider_id, event, payload, status, attempts, next_attempt_at, created_at)
             SELECT $1, id, $3, $4, 'pending', 0, $5, $5 FROM spiders WHERE id = $2 AND webhook_url <> ''",
        )
        .bind(DeliveryId::generate())
        .bind(spider)
        .bind(event)
        .bind(Json(payload))
        .bind(now)
        .execute()
        .await
        .map(drop)
}

impl Alerts {
    pub(super) async fn delivery(&self, id: &DeliveryId) -> Result<Delivery> {
        let found: Option<Delivery> =
            self.db.query("SELECT * FROM deliveries WHERE id = $1").bind(id).fetch_optional().await?;
        found.map(Delivery::completed).ok_or_else(|| {
            Error::not_found("delivery_not_found", text!("投递 {id} 不存在", "there is no delivery {id}"))
        })
    }

    pub(super) async fn deliveries(&self, filter: &DeliveryFilter, paging: &Paging) -> Result<Vec<Delivery>> {
        let found: Vec<Delivery> = self
            .db
            .query_text(format!(
                "SELECT * FROM deliveries WHERE {MATCHES} AND ($4 IS NULL OR id < $4)
                  ORDER BY id DESC LIMIT $5 OFFSET $6"
            ))
            .bind(&filter.channel_id)
            .bind(&filter.spider_id)
            .bind(filter.status)
            .bind(&paging.cursor)
            .bind(paging.page_size)
            .bind(paging.offset())
            .fetch_all()
            .await?;
        Ok(found.into_iter().map(Delivery::completed).collect())
    }

    pub(super) async fn count_deliveries(&self, filter: &DeliveryFilter) -> Result<i64> {
        let (count,) = self
            .db
            .query_text(format!("SELECT COUNT(*) FROM deliveries WHERE {MATCHES}"))
            .bind(&filter.channel_id)
            .bind(&filter.spider_id)
            .bind(filter.status)
            .fetch_one()
            .await?;
        Ok(count)
    }

    /// Takes at most `most` messages that are due, the oldest of each receiver; none for receivers that are `busy`.
    pub(super) async fn claim_due(
        &self,
        most: usize,
        busy: impl Iterator<Item = &String> + Send,
    ) -> Result<Vec<Claimed>> {
        let now = self.clock.now();
        // Nobody is called "": an empty list is no SQL.
        let busy: Vec<&str> = busy.map(String::as_str).chain([""]).collect();
        let mut query = self
            .db
            .query_text(format!(
                "UPDATE deliveries SET attempts = attempts + 1, lease_until = $2
                  WHERE id IN (SELECT MIN(id) FROM deliveries
                                WHERE status = 'pending' AND next_attempt_at <= $1
                                  AND (lease_until IS NULL OR lease_until <= $1)
                                  AND COALESCE(channel_id, spider_id) NOT IN ({})
                                GROUP BY COALESCE(channel_id, spider_id) ORDER BY MIN(id) LIMIT $3)
                    AND status = 'pending' AND next_attempt_at <= $1 AND (lease_until IS NULL OR lease_until <= $1)
              RETURNING id, channel_id, spider_id, event, payload, attempts, created_at",
                in_list(4, busy.len())
            ))
            .bind(now)
            .bind(now + LEASE)
            .bind(i64::try_from(most).unwrap_or(i64::MAX));
        for receiver in busy {
            query = query.bind(receiver);
        }
        query.fetch_all().await
    }

    /// Writes down what became of an attempt; `next` is when there is another after a failure.
    pub(super) async fn settle(
        &self,
        claimed: &Claimed,
        outcome: &Result<Option<u16>, Failure>,
        next: Option<DateTime<Utc>>,
    ) -> Result<()> {
        let (status, http, error, delivered_at) = match outcome {
            Ok(http) => (DeliveryStatus::Delivered, *http, None, Some(self.clock.now())),
            Err(failure) => {
                let status = if next.is_some() { DeliveryStatus::Pending } else { DeliveryStatus::Failed };
                (status, failure.status, Some(failure.reason.as_str()), None)
            }
        };
        self.db
            .query(
                "UPDATE deliveries
                    SET status = $3, last_status = $4, last_error = $5, delivered_at = $6, lease_until = NULL,
                        next_attempt_at = COALESCE($7, next_attempt_at)
                  WHERE id = $1 AND attempts = $2 AND status = 'pending'",
            )
            .bind(&claimed.id)
            .bind(claimed.attempts)
            .bind(status)
            .bind(http.map(i64::from))
            .bind(error)
            .bind(delivered_at)
            .bind(next)
            .execute()
            .await
            .map(drop)
    }

    /// Makes it due now. False where it is delivered.
    pub(super) async fn make_due(&self, id: &DeliveryId) -> Result<bool> {
        let done = self
            .db
            .query(
                "UPDATE deliveries SET status = 'pending', next_attempt_at = $2
                  WHERE id = $1 AND status IN ('pending', 'failed')",
            )
            .bind(id)
            .bind(self.clock.now())
            .execute()
            .await?;
        Ok(done > 0)
    }

    /// Removes what ended long ago.
    pub async fn forget_old_deliveries(&self) -> anyhow::Result<()> {
        self.db
            .query("DELETE FROM deliveries WHERE status <> 'pending' AND created_at < $1")
            .bind(self.clock.now() - KEPT)
            .execute()
            .await?;
        Ok(())
    }
}
