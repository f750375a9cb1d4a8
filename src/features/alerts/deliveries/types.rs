use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sqlx::{FromRow, types::Json};
use utoipa::{IntoParams, ToSchema};

use crate::{
    id::{AlertId, ChannelId, DeliveryId, SpiderId},
    platform::database::word_enum,
};

/// After the first failure; twice as long after each further one.
const FIRST_PAUSE: TimeDelta = TimeDelta::seconds(10);
const LONGEST_PAUSE: TimeDelta = TimeDelta::hours(1);
/// A message that nobody took for so long is given up; sent again by hand, it has as long again.
pub(super) const GIVEN_UP_AFTER: TimeDelta = TimeDelta::hours(24);
/// What a pause is shortened by at most, so that what failed together does not come again together.
const JITTER: f64 = 0.2;

word_enum! {
    pub enum DeliveryStatus {
        /// To be sent, or to be sent again.
        Pending = "pending",
        Delivered = "delivered",
        /// Given up.
        Failed = "failed",
    }
}

/// A message to a channel, or to the webhook of a spider.
#[derive(Debug, Clone, Serialize, FromRow, ToSchema)]
pub(super) struct Delivery {
    pub id: DeliveryId,
    /// Null: the spider's webhook.
    pub channel_id: Option<ChannelId>,
    pub spider_id: Option<SpiderId>,
    pub alert_id: Option<AlertId>,
    #[schema(example = "task_failed")]
    pub event: String,
    pub status: DeliveryStatus,
    pub attempts: i64,
    /// Null once it has ended.
    #[sqlx(skip)]
    pub next_attempt_at: Option<DateTime<Utc>>,
    #[serde(skip)]
    #[sqlx(rename = "next_attempt_at")]
    pub due_at: DateTime<Utc>,
    /// Of HTTP, of the last attempt.
    pub last_status: Option<i64>,
    pub last_error: Option<String>,
    pub created_at: DateTime<Utc>,
    pub delivered_at: Option<DateTime<Utc>>,
}

impl Delivery {
    pub(super) fn completed(mut self) -> Self {
        self.next_attempt_at = (self.status == DeliveryStatus::Pending).then_some(self.due_at);
        self
    }
}

#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct DeliveryFilter {
    #[param(value_type = Option<String>)]
    pub channel_id: Option<ChannelId>,
    #[param(value_type = Option<String>)]
    pub spider_id: Option<SpiderId>,
    pub status: Option<DeliveryStatus>,
}

/// A delivery that this server is to send. A late word of a former attempt changes nothing.
#[derive(Debug, Clone, FromRow)]
pub(super) struct Claimed {
    pub id: DeliveryId,
    pub channel_id: Option<ChannelId>,
    pub spider_id: Option<SpiderId>,
    pub event: String,
    pub payload: Json<Value>,
    /// Whom it goes to: one message at a time.
    pub receiver: String,
    /// With this one.
    pub attempts: i64,
    pub give_up_at: DateTime<Utc>,
}

impl Claimed {
    pub(super) fn is_retry(&self) -> bool {
        self.attempts > 1
    }

    pub(super) fn is_given_up(&self, now: DateTime<Utc>) -> bool {
        now >= self.give_up_at
    }

    /// When it could be tried again after a failure at `now`. `random` is from 0 to 1.
    pub(super) fn next_attempt(&self, now: DateTime<Utc>, random: f64) -> DateTime<Utc> {
        let doublings = u32::try_from(self.attempts - 1).unwrap_or(0).min(20);
        let pause = (FIRST_PAUSE * 2_i32.pow(doublings)).min(LONGEST_PAUSE);
        #[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "a random pause")]
        let pause = TimeDelta::milliseconds((pause.num_milliseconds() as f64 * (1.0 - JITTER * random)) as i64);
        now + pause
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_an_hour() {
        let now = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
        let mut claimed = Claimed {
            id: DeliveryId::generate(),
            channel_id: None,
            spider_id: None,
            event: String::new(),
            payload: Json(Value::Null),
            receiver: String::new(),
            attempts: 0,
            give_up_at: now,
        };
        let mut pause = |attempts, random| {
            claimed.attempts = attempts;
            (claimed.next_attempt(now, random) - now).num_seconds()
        };
        let pauses: Vec<i64> = (1..=10).map(|attempts| pause(attempts, 0.0)).collect();
        assert_eq!(pauses, [10, 20, 40, 80, 160, 320, 640, 1280, 2560, 3600]);
        assert_eq!((pause(1_000_000, 0.0), pause(1, 1.0)), (3600, 8));
    }
}
