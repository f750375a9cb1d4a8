use chrono::{DateTime, Utc};
use sqlx::FromRow;

use super::{
    super::{DataSource, Datasources},
    types::{Link, LinkChange, NewLink, Refusal},
};
use crate::{
    error::{Error, Result},
    id::{LinkId, SpiderId, TaskId},
    platform::{
        database::{OnTaken, Transaction},
        http::Paging,
    },
    text,
};

const SELECT: &str =
    "SELECT l.id, l.spider_id, l.datasource_id, l.target_table, l.is_enabled, l.create_table, l.backfill,
        l.delivered, l.gone, l.failures, l.failing_since, l.last_error, l.last_delivered_at, l.created_at, l.updated_at,
        CASE WHEN l.failures > 0 THEN l.next_attempt_at END AS next_attempt_at,
        d.name AS datasource_name, d.type AS datasource_type, d.status AS datasource_status,
        (SELECT COUNT(*) FROM sink_refusals r WHERE r.link_id = l.id) AS refused
   FROM spider_datasources l JOIN datasources d ON d.id = l.datasource_id";

/// A task that has begun and not ended, and the last item that it has.
pub(super) struct Begun {
    pub task_id: TaskId,
    pub last_item: Option<String>,
    pub stored: i64,
}

#[derive(FromRow)]
struct LinkedSource {
    #[sqlx(flatten)]
    source: DataSource,
    is_on: bool,
}

/// How far delivery has come in an open task.
#[derive(Debug, FromRow)]
pub(super) struct Progress {
    pub link_id: LinkId,
    pub task_id: TaskId,
    /// Items that were dealt with.
    pub passed: i64,
}

impl Datasources {
    /// In the order in which they were made.
    pub(super) async fn links_of(&self, spider: &SpiderId) -> Result<Vec<Link>> {
        self.db.query_text(format!("{SELECT} WHERE l.spider_id = $1 ORDER BY l.id")).bind(spider).fetch_all().await
    }

    pub(super) async fn link(&self, spider: &SpiderId, id: &LinkId) -> Result<Link> {
        let found: Option<Link> = self
            .db
            .query_text(format!("{SELECT} WHERE l.id = $1 AND l.spider_id = $2"))
            .bind(id)
            .bind(spider)
            .fetch_optional()
            .await?;
        found.ok_or_else(|| {
            Error::not_found("datasource_link_not_found", text!("关联 {id} 不存在", "the spider has no link {id}"))
        })
    }

    /// The datasources that the spider is linked with, each once, and whether such a link is on.
    pub(in super::super) async fn linked_with(&self, spider: &SpiderId) -> Result<Vec<(DataSource, bool)>> {
        let found: Vec<LinkedSource> = self
            .db
            .query(
                "SELECT d.*, EXISTS (SELECT 1 FROM spider_datasources n
                                      WHERE n.datasource_id = d.id AND n.spider_id = $1 AND n.is_enabled) AS is_on
                   FROM datasources d
                  WHERE d.id IN (SELECT datasource_id FROM spider_datasources WHERE spider_id = $1) ORDER BY d.id",
            )
            .bind(spider)
            .fetch_all()
            .await?;
        Ok(found.into_iter().map(|found| (found.source, found.is_on)).collect())
    }

    /// The tasks of the spider that have begun and not ended.
    pub(super) async fn tasks_under_way(&self, spider: &SpiderId) -> Result<Vec<TaskId>> {
        let found: Vec<(TaskId,)> = self
            .db
            .query(
                "SELECT id FROM tasks
                  WHERE spider_id = $1 AND is_test = FALSE AND attempt > 0 AND status IN ('pending', 'running')",
            )
            .bind(spider)
            .fetch_all()
            .await?;
        Ok(found.into_iter().map(|(id,)| id).collect())
    }

    /// What is delivered of open tasks.
    pub(super) async fn progress_of(&self, spider: &SpiderId) -> Result<Vec<Progress>> {
        self.db
            .query(
                "SELECT p.link_id, p.task_id, p.passed + p.gone AS passed
                   FROM sink_positions p JOIN spider_datasources l ON l.id = p.link_id
                  WHERE l.spider_id = $1 AND NOT p.is_done",
            )
            .bind(spider)
            .fetch_all()
            .await
    }

    /// None where there is such a link already, or the datasource is gone.
    pub(super) async fn insert_link(
        &self,
        spider: &SpiderId,
        new: &NewLink,
        begun: &[Begun],
        now: DateTime<Utc>,
    ) -> Result<Option<LinkId>> {
        let id = LinkId::generate();
        let mut transaction = self.db.begin().await?;
        // Who removes the datasource at the same moment waits, or has done so.
        transaction.query("UPDATE datasources SET id = id WHERE id = $1").bind(&new.datasource_id).execute().await?;
        let done = transaction
            .query(
                "INSERT INTO spider_datasources (id, spider_id, target_table, is_enabled, create_table, backfill,
                     next_attempt_at, datasource_id, is_enrolled, delivered, gone, failures, is_alerted, claim,
                     created_at, updated_at)
                 SELECT $1, $2, $3, $4, $5, $6, $7, id, FALSE, 0, 0, 0, FALSE, 0, $7, $7 FROM datasources WHERE id = $8
                     ON CONFLICT (spider_id, datasource_id, target_table) DO NOTHING",
            )
            .bind(&id)
            .bind(spider)
            .bind(&new.target_table)
            .bind(new.is_enabled)
            .bind(new.create_table)
            .bind(new.backfill)
            .bind(now)
            .bind(&new.datasource_id)
            .execute()
            .await?;
        if done == 0 {
            return Ok(None);
        }
        for task in begun {
            start_behind(&mut transaction, &id, task).await?;
        }
        transaction.commit().await?;
        Ok(Some(id))
    }

    /// False where another link goes to that table already, or this one is gone. A delivery under way loses its claim, for
    /// it knows the link as it was.
    pub(super) async fn update_link(&self, id: &LinkId, change: &LinkChange) -> Result<bool> {
        let done = self
            .db
            .query(
                "UPDATE spider_datasources
                    SET target_table = COALESCE($2, target_table), is_enabled = COALESCE($3, is_enabled),
                        create_table = COALESCE($4, create_table), next_attempt_at = $5, updated_at = $5,
                        claim = claim + 1, lease_until = NULL
                  WHERE id = $1 AND NOT EXISTS
                        (SELECT 1 FROM spider_datasources other
                          WHERE other.spider_id = spider_datasources.spider_id AND other.id <> spider_datasources.id
                            AND other.datasource_id = spider_datasources.datasource_id AND other.target_table = $2)",
            )
            .bind(id)
            .bind(&change.target_table)
            .bind(change.is_enabled)
            .bind(change.create_table)
            .bind(self.clock.now())
            .execute()
            .await
            .on_taken(linked_already)?;
        Ok(done > 0)
    }

    pub(super) async fn remove_link(&self, id: &LinkId) -> Result<bool> {
        let done = self.db.query("DELETE FROM spider_datasources WHERE id = $1").bind(id).execute().await?;
        Ok(done > 0)
    }

    /// Makes everything due, also what was refused.
    pub(super) async fn make_due(&self, id: &LinkId) -> Result<()> {
        let mut transaction = self.db.begin().await?;
        transaction
            .query("UPDATE spider_datasources SET next_attempt_at = $2 WHERE id = $1")
            .bind(id)
            .bind(self.clock.now())
            .execute()
            .await?;
        transaction.query("UPDATE sink_refusals SET is_due = TRUE WHERE link_id = $1").bind(id).execute().await?;
        transaction.commit().await
    }

    /// Newest items first.
    pub(super) async fn refusals(&self, id: &LinkId, paging: &Paging) -> Result<Vec<Refusal>> {
        self.db
            .query(
                "SELECT item_id, task_id, reason, refused_at FROM sink_refusals
                  WHERE link_id = $1 AND ($2 IS NULL OR item_id < $2) ORDER BY item_id DESC LIMIT $3 OFFSET $4",
            )
            .bind(id)
            .bind(&paging.cursor)
            .bind(paging.page_size)
            .bind(paging.offset())
            .fetch_all()
            .await
    }

    /// Forgets what was refused, and makes the rest due; how many there were.
    pub(super) async fn forget_refusals(&self, id: &LinkId) -> Result<u64> {
        let count = self.db.query("DELETE FROM sink_refusals WHERE link_id = $1").bind(id).execute().await?;
        self.make_due(id).await?;
        Ok(count)
    }
}

/// What the task has already is not delivered.
async fn start_behind(transaction: &mut Transaction, link: &LinkId, task: &Begun) -> Result<()> {
    transaction
        .query(
            "INSERT INTO sink_positions (link_id, last_item_id, passed, gone, is_second, is_done, task_id)
             SELECT $1, $2, $3, 0, FALSE, FALSE, id FROM tasks WHERE id = $4 ON CONFLICT DO NOTHING",
        )
        .bind(link)
        .bind(&task.last_item)
        .bind(task.stored)
        .bind(&task.task_id)
        .execute()
        .await
        .map(drop)
}

pub(super) fn linked_already() -> Error {
    Error::conflict(
        "datasource_linked",
        text!("该爬虫已关联到这张表", "the spider's items go to that table of the datasource already"),
    )
}
