use chrono::{DateTime, TimeDelta, Utc};
use sqlx::FromRow;

use super::{
    super::Datasources,
    types::{Claimed, Due, Halt, Position, Step, next_attempt},
};
use crate::{
    error::Result,
    features::events::{Event, SinkFailing},
    id::{DatasourceId, LinkId, SpiderId, TaskId},
    platform::{database::Transaction, sink::Failure},
};

/// How long a claim lasts without being renewed: so late another server takes over from one that died.
const LEASE: TimeDelta = TimeDelta::seconds(15);
/// Open tasks that are looked at in one round.
const ROUND: i64 = 5000;
/// A sink that fails for so long is told of.
const PATIENCE: TimeDelta = TimeDelta::minutes(5);

/// Of a link: whether it is to be delivered at `$1`.
const IS_DUE: &str = "l.is_enabled AND l.next_attempt_at <= $1 AND (l.lease_until IS NULL OR l.lease_until <= $1)";

/// An open task of a link that is due.
#[derive(Debug, FromRow)]
pub(super) struct Open {
    #[sqlx(flatten)]
    pub link: Due,
    pub task_id: TaskId,
    pub passed: i64,
    pub is_under_way: bool,
}

#[derive(FromRow)]
struct Outage {
    failing_since: DateTime<Utc>,
    is_alerted: bool,
    spider_name: String,
    datasource_name: String,
}

impl Datasources {
    /// The open tasks of links that are due, by link.
    pub(super) async fn open_tasks(&self) -> Result<Vec<Open>> {
        self.db
            .query_text(format!(
                "SELECT l.id, l.datasource_id, l.failures, p.task_id, p.passed + p.gone AS passed,
                        t.status IN ('pending', 'running') AS is_under_way
                   FROM spider_datasources l JOIN sink_positions p ON p.link_id = l.id AND NOT p.is_done
                   JOIN tasks t ON t.id = p.task_id
                  WHERE {IS_DUE} ORDER BY p.link_id, p.task_id LIMIT $2"
            ))
            .bind(self.clock.now())
            .bind(ROUND)
            .fetch_all()
            .await
    }

    /// Links that are due for another reason: they are new, or something that was refused is to be tried again.
    pub(super) async fn links_to_see_to(&self) -> Result<Vec<Due>> {
        self.db
            .query_text(format!(
                "SELECT l.id, l.datasource_id, l.failures FROM spider_datasources l
                  WHERE {IS_DUE} AND (NOT l.is_enrolled OR EXISTS
                        (SELECT 1 FROM sink_refusals r WHERE r.link_id = l.id AND r.is_due))
                  ORDER BY l.id"
            ))
            .bind(self.clock.now())
            .fetch_all()
            .await
    }

    /// None where another server was faster.
    pub(super) async fn claim_link(&self, id: &LinkId) -> Result<Option<Claimed>> {
        let now = self.clock.now();
        self.db
            .query(
                "UPDATE spider_datasources SET lease_until = $3, claim = claim + 1
                  WHERE is_enabled AND next_attempt_at <= $1 AND (lease_until IS NULL OR lease_until <= $1) AND id = $2
              RETURNING id, spider_id, datasource_id, target_table, create_table, backfill, is_enrolled, failures,
                        claim, created_at",
            )
            .bind(now)
            .bind(id)
            .bind(now + LEASE)
            .fetch_optional()
            .await
    }

    pub(super) async fn positions(&self, link: &LinkId) -> Result<Vec<Position>> {
        self.db
            .query(
                "SELECT p.task_id, p.last_item_id, p.passed, p.gone, p.is_second,
                        t.status IN ('pending', 'running') AS is_under_way
                   FROM sink_positions p JOIN tasks t ON t.id = p.task_id
                  WHERE p.link_id = $1 AND NOT p.is_done ORDER BY p.task_id LIMIT $2",
            )
            .bind(link)
            .bind(ROUND)
            .fetch_all()
            .await
    }

    /// From here on the task's items are delivered to whatever the spider is linked with. Also one that had ended.
    pub(in super::super) async fn follow(&self, spider: &SpiderId, task: &TaskId) -> Result<()> {
        self.db
            .query(
                "INSERT INTO sink_positions (task_id, link_id, passed, gone, is_second, is_done)
                 SELECT $1, id, 0, 0, FALSE, FALSE FROM spider_datasources WHERE spider_id = $2
                     ON CONFLICT (link_id, task_id) DO UPDATE SET is_done = FALSE",
            )
            .bind(task)
            .bind(spider)
            .execute()
            .await
            .map(drop)
    }

    /// The task may have ended, and got items since: what had been dealt with wholly is looked at again.
    pub async fn gets_more(&self, task: &TaskId) -> Result<()> {
        let mut transaction = self.db.begin().await?;
        // What is gone is counted anew when the task is done with again. Who is about to close it loses the claim.
        transaction
            .query(
                "UPDATE spider_datasources
                    SET gone = gone - COALESCE((SELECT p.gone FROM sink_positions p WHERE p.task_id = $1
                                                   AND p.link_id = spider_datasources.id AND p.is_done), 0),
                        claim = claim + 1, lease_until = NULL
                  WHERE id IN (SELECT link_id FROM sink_positions WHERE task_id = $2)",
            )
            .bind(task)
            .bind(task)
            .execute()
            .await?;
        transaction
            .query("UPDATE sink_positions SET is_done = FALSE, is_second = FALSE WHERE task_id = $1 AND is_done")
            .bind(task)
            .execute()
            .await?;
        transaction.commit().await?;
        self.items_are_stored();
        Ok(())
    }

    /// Some of the spider's tasks that concern the link and are not known to it; how many. Without `backfill` these are
    /// such as had not ended when it was made: it began behind what they had then.
    pub(super) async fn enrol_some(&self, link: &Claimed, at_once: i64) -> Result<u64> {
        self.db
            .query(
                "INSERT INTO sink_positions (link_id, task_id, passed, gone, is_second, is_done)
                 SELECT $1, t.id, 0, 0, FALSE, FALSE FROM tasks t
                  WHERE t.spider_id = $2 AND t.is_test = FALSE AND t.attempt > 0
                    AND ($3 OR t.status IN ('pending', 'running') OR t.finished_at >= $4)
                    AND NOT EXISTS (SELECT 1 FROM sink_positions p WHERE p.link_id = $1 AND p.task_id = t.id)
                  ORDER BY t.id LIMIT $5
                     ON CONFLICT DO NOTHING",
            )
            .bind(&link.id)
            .bind(&link.spider_id)
            .bind(link.backfill)
            .bind(link.created_at)
            .bind(at_once)
            .execute()
            .await
    }

    pub(super) async fn set_enrolled(&self, link: &LinkId) -> Result<()> {
        let query = self.db.query("UPDATE spider_datasources SET is_enrolled = TRUE WHERE id = $1").bind(link);
        query.execute().await.map(drop)
    }

    /// Writes down a step, and keeps the claim.
    pub(super) async fn record(&self, link: &Claimed, position: &Position, step: Step) -> Result<(), Halt> {
        let mut transaction = self.begin_step(link, step.delivered, 0).await?;
        transaction
            .query(
                "UPDATE sink_positions SET last_item_id = $3, passed = $4, gone = $5, is_second = $6
                  WHERE link_id = $1 AND task_id = $2",
            )
            .bind(&link.id)
            .bind(&position.task_id)
            .bind(&position.last_item_id)
            .bind(position.passed)
            .bind(position.gone)
            .bind(position.is_second)
            .execute()
            .await?;
        for (item, reason) in &step.refused {
            self.set_aside(&mut transaction, &link.id, &position.task_id, item, reason).await?;
        }
        Ok(transaction.commit().await?)
    }

    /// The task has ended, and all of it is dealt with.
    pub(super) async fn close_position(&self, link: &Claimed, position: &Position) -> Result<(), Halt> {
        let mut transaction = self.begin_step(link, 0, position.gone).await?;
        transaction
            .query("UPDATE sink_positions SET is_done = TRUE, gone = $3 WHERE link_id = $1 AND task_id = $2")
            .bind(&link.id)
            .bind(&position.task_id)
            .bind(position.gone)
            .execute()
            .await?;
        Ok(transaction.commit().await?)
    }

    /// What is written in it is written by whoever holds the claim, which it prolongs.
    pub(super) async fn begin_step(&self, link: &Claimed, delivered: i64, gone: i64) -> Result<Transaction, Halt> {
        let now = self.clock.now();
        let mut transaction = self.db.begin().await?;
        let held = transaction
            .query(
                "UPDATE spider_datasources
                    SET delivered = delivered + $1, gone = gone + $2, lease_until = $3,
                        last_delivered_at = CASE WHEN $1 > 0 THEN $4 ELSE last_delivered_at END
                  WHERE id = $5 AND claim = $6",
            )
            .bind(delivered)
            .bind(gone)
            .bind(now + LEASE)
            .bind(now)
            .bind(&link.id)
            .bind(link.claim)
            .execute()
            .await?;
        if held == 0 { Err(Halt::Lost) } else { Ok(transaction) }
    }

    /// Prolongs the claim; whether it still holds.
    pub(super) async fn renew_link(&self, link: &Claimed) -> Result<bool> {
        let done = self
            .db
            .query("UPDATE spider_datasources SET lease_until = $3 WHERE id = $1 AND claim = $2")
            .bind(&link.id)
            .bind(link.claim)
            .bind(self.clock.now() + LEASE)
            .execute()
            .await?;
        Ok(done > 0)
    }

    /// Nothing more to do for now.
    pub(super) async fn release(&self, link: &Claimed) -> Result<()> {
        self.db
            .query(
                "UPDATE spider_datasources
                    SET lease_until = NULL, failures = 0, failing_since = NULL, is_alerted = FALSE, last_error = NULL
                  WHERE id = $1 AND claim = $2",
            )
            .bind(&link.id)
            .bind(link.claim)
            .execute()
            .await
            .map(drop)
    }

    /// Gives the claim back as if it had not been.
    pub(super) async fn give_back(&self, link: &Claimed, until: DateTime<Utc>) -> Result<()> {
        self.db
            .query(
                "UPDATE spider_datasources SET lease_until = NULL, next_attempt_at = $3 WHERE id = $1 AND claim = $2",
            )
            .bind(&link.id)
            .bind(link.claim)
            .bind(until)
            .execute()
            .await
            .map(drop)
    }

    /// It did not go well: another attempt follows later, and somebody is told where that goes on for long.
    pub(super) async fn put_off(&self, link: &Claimed, failure: &Failure) -> Result<()> {
        let now = self.clock.now();
        let mut transaction = self.db.begin().await?;
        let outage: Option<Outage> = transaction
            .query(
                "UPDATE spider_datasources
                    SET failures = failures + 1, failing_since = COALESCE(failing_since, $3), last_error = $4,
                        next_attempt_at = $5, lease_until = NULL
                  WHERE id = $1 AND claim = $2
              RETURNING failing_since, is_alerted,
                        COALESCE((SELECT name FROM spiders WHERE id = spider_datasources.spider_id), '') AS spider_name,
                        COALESCE((SELECT name FROM datasources WHERE id = spider_datasources.datasource_id), '')
                            AS datasource_name",
            )
            .bind(&link.id)
            .bind(link.claim)
            .bind(now)
            .bind(failure.reason())
            .bind(next_attempt(link.failures + 1, now, rand::random()))
            .fetch_optional()
            .await?;
        if let Some(outage) = outage.filter(|outage| !outage.is_alerted && now >= outage.failing_since + PATIENCE) {
            transaction
                .query("UPDATE spider_datasources SET is_alerted = TRUE WHERE id = $1")
                .bind(&link.id)
                .execute()
                .await?;
            let event = Event::SinkFailing(SinkFailing {
                spider_id: link.spider_id.clone(),
                spider_name: outage.spider_name,
                datasource_name: outage.datasource_name,
                target_table: link.target_table.clone(),
                failing_since: outage.failing_since,
                reason: failure.reason().to_owned(),
            });
            self.events.record(&mut transaction, &[event]).await?;
        }
        transaction.commit().await?;
        self.events.announce();
        Ok(())
    }

    /// Writes down what became of the datasource, where that is news.
    pub(super) async fn note_news(&self, id: &DatasourceId, error: Option<&str>) -> Result<()> {
        let known: Option<(Option<String>,)> =
            self.db.query("SELECT last_error FROM datasources WHERE id = $1").bind(id).fetch_optional().await?;
        match known {
            Some((known,)) if known.as_deref() != error => self.note(id, error).await,
            _ => Ok(()),
        }
    }
}
