use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;
use sqlx::types::Json;

use super::{
    super::{Alerts, channels::Channel},
    types::{Claimed, Delivery, DeliveryFilter, DeliveryStatus, GIVEN_UP_AFTER},
};
use crate::{
    error::{Error, Result},
    id::{AlertId, ChannelId, DeliveryId, SpiderId},
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

/// A message, to a channel or to the spider's own webhook.
pub(super) struct New<'a> {
    pub channel_id: Option<&'a ChannelId>,
    pub spider_id: Option<&'a SpiderId>,
    pub alert_id: Option<&'a AlertId>,
    pub receiver: String,
    pub event: &'a str,
    pub payload: &'a Value,
    pub now: DateTime<Utc>,
}

pub(super) async fn insert(transaction: &mut Transaction, new: New<'_>) -> Result<()> {
    transaction
        .query(
            "INSERT INTO deliveries (id, channel_id, spider_id, alert_id, receiver, event, payload, status, attempts,
                                     next_attempt_at, give_up_at, created_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, 'pending', 0, $8, $9, $8)",
        )
        .bind(DeliveryId::generate())
        .bind(new.channel_id)
        .bind(new.spider_id)
        .bind(new.alert_id)
        .bind(new.receiver)
        .bind(new.event)
        .bind(Json(new.payload))
        .bind(new.now)
        .bind(new.now + GIVEN_UP_AFTER)
        .execute()
        .await
        .map(drop)
}

/// None where it is off or gone.
pub(super) async fn enabled_channel(transaction: &mut Transaction, id: &ChannelId) -> Result<Option<Channel>> {
    transaction
        .query("SELECT * FROM notification_channels WHERE id = $1 AND is_enabled")
        .bind(id)
        .fetch_optional()
        .await
}

/// None where it has none, or is gone.
pub(super) async fn webhook_url(transaction: &mut Transaction, spider: &SpiderId) -> Result<Option<String>> {
    let found: Option<(String,)> = transaction
        .query("SELECT webhook_url FROM spiders WHERE id = $1 AND webhook_url <> ''")
        .bind(spider)
        .fetch_optional()
        .await?;
    Ok(found.map(|(url,)| url))
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

    /// Takes at most `most` messages that are due, `retries` of them such as were tried before; of each receiver one,
    /// none of those that are `busy`. What was never tried comes first. What is to be given up counts no attempt.
    pub(super) async fn claim_due(
        &self,
        most: usize,
        retries: usize,
        busy: impl Iterator<Item = &String> + Send,
    ) -> Result<Vec<Claimed>> {
        const IS_DUE: &str =
            "status = 'pending' AND next_attempt_at <= $1 AND (lease_until IS NULL OR lease_until <= $1)";
        let now = self.clock.now();
        // Nobody is called "": an empty list is no SQL.
        let busy: Vec<&str> = busy.map(String::as_str).chain([""]).collect();
        let mut query = self
            .db
            .query_text(format!(
                "WITH due AS (
                     SELECT id, receiver, next_attempt_at, CASE WHEN attempts > 0 THEN 1 ELSE 0 END AS is_retry
                       FROM deliveries WHERE {IS_DUE} AND receiver NOT IN ({})),
                 placed AS (
                     SELECT id, next_attempt_at, is_retry,
                            ROW_NUMBER() OVER (PARTITION BY receiver ORDER BY is_retry, next_attempt_at, id) AS place
                       FROM due),
                 heads AS (
                     SELECT id, is_retry, ROW_NUMBER() OVER (ORDER BY is_retry, next_attempt_at, id) AS turn,
                            ROW_NUMBER() OVER (PARTITION BY is_retry ORDER BY next_attempt_at, id) AS turn_of_kind
                       FROM placed WHERE place = 1)
                 UPDATE deliveries
                    SET attempts = attempts + CASE WHEN give_up_at <= $1 THEN 0 ELSE 1 END, lease_until = $2
                  WHERE id IN (SELECT id FROM heads WHERE turn <= $3 AND (is_retry = 0 OR turn_of_kind <= $4))
                    AND {IS_DUE}
              RETURNING id, channel_id, spider_id, event, payload, receiver, attempts, give_up_at",
                in_list(5, busy.len())
            ))
            .bind(now)
            .bind(now + LEASE)
            .bind(i64::try_from(most).unwrap_or(i64::MAX))
            .bind(i64::try_from(retries).unwrap_or(i64::MAX));
        for receiver in busy {
            query = query.bind(receiver);
        }
        query.fetch_all().await
    }

    /// Fails it untried; what was wrong the last time stays.
    pub(super) async fn give_up(&self, claimed: &Claimed) -> Result<()> {
        self.db
            .query(
                "UPDATE deliveries
                    SET status = 'failed', lease_until = NULL,
                        last_error = COALESCE(last_error, 'the receiver was not there for a day')
                  WHERE id = $1 AND attempts = $2 AND status = 'pending'",
            )
            .bind(&claimed.id)
            .bind(claimed.attempts)
            .execute()
            .await
            .map(drop)
    }

    /// Nobody was there: what else goes there waits until then.
    pub(super) async fn put_off(&self, receiver: &str, until: DateTime<Utc>) -> Result<()> {
        self.db
            .query(
                "UPDATE deliveries SET next_attempt_at = $2
                  WHERE receiver = $1 AND status = 'pending' AND next_attempt_at < $2
                    AND (lease_until IS NULL OR lease_until <= $3)",
            )
            .bind(receiver)
            .bind(until)
            .bind(self.clock.now())
            .execute()
            .await
            .map(drop)
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
        let now = self.clock.now();
        let done = self
            .db
            .query(
                "UPDATE deliveries SET status = 'pending', next_attempt_at = $2, give_up_at = $3
                  WHERE id = $1 AND status IN ('pending', 'failed')",
            )
            .bind(id)
            .bind(now)
            .bind(now + GIVEN_UP_AFTER)
            .execute()
            .await?;
        Ok(done > 0)
    }
}
