use chrono::{DateTime, TimeDelta, Utc};
use sqlx::FromRow;

use crate::{
    error::Error,
    id::{DatasourceId, LinkId, SpiderId, TaskId},
    platform::sink::Failure,
};

/// After the first failure; twice as long after each further one.
const FIRST_PAUSE: TimeDelta = TimeDelta::seconds(1);
const LONGEST_PAUSE: TimeDelta = TimeDelta::minutes(10);
/// How much shorter a pause may be, of itself: what failed together is not to come back together.
const JITTER: f64 = 0.2;

/// A link that this server delivers. A late word of a former claim changes nothing.
#[derive(Debug, Clone, FromRow)]
pub(super) struct Claimed {
    pub id: LinkId,
    pub spider_id: SpiderId,
    pub datasource_id: DatasourceId,
    pub target_table: String,
    pub create_table: bool,
    pub backfill: bool,
    pub is_enrolled: bool,
    pub failures: i64,
    pub claim: i64,
    pub created_at: DateTime<Utc>,
}

/// A link with something to do.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub(super) struct Due {
    pub id: LinkId,
    pub datasource_id: DatasourceId,
    pub failures: i64,
}

/// How far delivery has come in a task.
#[derive(Debug, Clone, FromRow)]
pub(super) struct Position {
    pub task_id: TaskId,
    pub last_item_id: Option<String>,
    pub passed: i64,
    pub gone: i64,
    /// Once more from the start.
    pub is_second: bool,
    /// The task may still get items.
    pub is_under_way: bool,
}

/// What a step of delivery changes in the books.
#[derive(Debug, Default)]
pub(super) struct Step {
    pub delivered: i64,
    /// What was refused: item and reason.
    pub refused: Vec<(String, String)>,
}

/// Why delivery of a link ends before its end.
#[derive(Debug)]
pub(super) enum Halt {
    /// The sink cannot be written to.
    Sink(Failure),
    /// Another server delivers it, or it is gone.
    Lost,
    /// Something of ours failed.
    Own(Error),
}

impl From<Failure> for Halt {
    fn from(failure: Failure) -> Self {
        Self::Sink(failure)
    }
}

impl From<Error> for Halt {
    fn from(error: Error) -> Self {
        Self::Own(error)
    }
}

/// When it is tried again after so many failures. `random` is from 0 to 1.
pub(super) fn next_attempt(failures: i64, now: DateTime<Utc>, random: f64) -> DateTime<Utc> {
    let doublings = u32::try_from(failures - 1).unwrap_or(0).min(20);
    let pause = (FIRST_PAUSE * 2_i32.pow(doublings)).min(LONGEST_PAUSE);
    #[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "a random pause")]
    let pause = TimeDelta::milliseconds((pause.num_milliseconds() as f64 * (1.0 - JITTER * random)) as i64);
    now + pause
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_ten_minutes() {
        let now = DateTime::UNIX_EPOCH;
        let pause = |failures, random| (next_attempt(failures, now, random) - now).num_milliseconds();
        let pauses: Vec<i64> = (1..=11).map(|failures| pause(failures, 0.0) / 1000).collect();
        assert_eq!(pauses, [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 600]);
        assert_eq!((pause(1_000_000, 0.0), pause(1, 1.0)), (600_000, 800));
    }
}
