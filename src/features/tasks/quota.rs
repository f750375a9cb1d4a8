//! How much spiders may keep. At its quota a spider starts no further task, while what runs goes on to its end: an item
//! that was crawled is worth more than the room it takes.

use std::collections::HashMap;

use sqlx::types::Json;

use super::Tasks;
use crate::{
    error::{Error, Result},
    features::spiders::{Retention, Spider},
    id::SpiderId,
    text,
};

impl Tasks {
    /// Refuses a run of a spider that keeps as much as it may, or where all spiders together do.
    pub(super) async fn check_quota(&self, spider: &Spider) -> Result<()> {
        let checked = self.quota_left(spider).await;
        let is_full = match &checked {
            Ok(()) => false,
            Err(Error::Conflict(_)) => true,
            Err(_) => return checked,
        };
        // The queue need not wait for the loop.
        if is_full != spider.over_quota {
            self.set_over_quota(&spider.id, is_full).await?;
        }
        checked
    }

    async fn quota_left(&self, spider: &Spider) -> Result<()> {
        let quota = self.quota_of(&spider.retention);
        if quota > 0 {
            let kept = self.documents.kept_of(&spider.id).await?;
            refuse_from(quota, kept.items + kept.logs + self.uploaded_by(&spider.id).await?)?;
        }
        if self.quotas.total_bytes > 0 {
            refuse_from(self.quotas.total_bytes, self.total_of(&self.kept_by_spider().await?).await?)?;
        }
        Ok(())
    }

    /// Loop: what spiders keep → whether the queue passes them over.
    pub async fn mark_over_quota(&self) -> anyhow::Result<()> {
        let spiders = self.spiders_with_quota().await?;
        let is_needed = self.quotas.total_bytes > 0
            || spiders.iter().any(|(_, retention, marked)| *marked || self.quota_of(retention) > 0);
        if !is_needed {
            return Ok(());
        }
        let kept = self.kept_by_spider().await?;
        let most = self.quotas.total_bytes;
        let all_full = most > 0 && self.total_of(&kept).await? >= most;
        for (spider, Json(retention), marked) in spiders {
            let quota = self.quota_of(&retention);
            let is_full = all_full || quota > 0 && kept.get(&spider).is_some_and(|bytes| *bytes >= quota);
            if is_full == marked {
                continue;
            }
            self.set_over_quota(&spider, is_full).await?;
            if is_full {
                tracing::warn!(%spider, quota, "spider {spider} is at its quota: no task of it is started");
            } else {
                self.queued.notify_one();
            }
        }
        Ok(())
    }

    /// In bytes; 0: none.
    fn quota_of(&self, retention: &Retention) -> i64 {
        retention.quota_bytes().unwrap_or(self.quotas.spider_bytes)
    }

    /// Items, logs and uploaded files, in bytes.
    async fn kept_by_spider(&self) -> Result<HashMap<SpiderId, i64>> {
        let documents = self.documents.kept_by_spider().await?;
        let mut kept: HashMap<SpiderId, i64> =
            documents.into_iter().map(|(spider, kept)| (spider, kept.items + kept.logs)).collect();
        for (spider, bytes) in self.uploaded_by_spider().await? {
            *kept.entry(spider).or_default() += bytes;
        }
        Ok(kept)
    }

    /// All that counts, spiders' own files included.
    async fn total_of(&self, kept: &HashMap<SpiderId, i64>) -> Result<i64> {
        Ok(kept.values().sum::<i64>() + self.spider_files_bytes().await?)
    }

    async fn spiders_with_quota(&self) -> Result<Vec<(SpiderId, Json<Retention>, bool)>> {
        self.db.query("SELECT id, retention, over_quota FROM spiders").fetch_all().await
    }

    async fn set_over_quota(&self, spider: &SpiderId, is_full: bool) -> Result<()> {
        self.db
            .query("UPDATE spiders SET over_quota = $2 WHERE id = $1")
            .bind(spider)
            .bind(is_full)
            .execute()
            .await
            .map(drop)
    }

    async fn uploaded_by(&self, spider: &SpiderId) -> Result<i64> {
        let (bytes,) = self
            .db
            .query("SELECT CAST(COALESCE(SUM(size), 0) AS BIGINT) FROM task_files WHERE spider_id = $1")
            .bind(spider)
            .fetch_one()
            .await?;
        Ok(bytes)
    }

    /// The size of the files that its tasks uploaded, for each spider that has some.
    pub async fn uploaded_by_spider(&self) -> Result<Vec<(SpiderId, i64)>> {
        self.db
            .query("SELECT spider_id, CAST(SUM(size) AS BIGINT) FROM task_files GROUP BY spider_id")
            .fetch_all()
            .await
    }

    async fn spider_files_bytes(&self) -> Result<i64> {
        let (bytes,) =
            self.db.query("SELECT CAST(COALESCE(SUM(size), 0) AS BIGINT) FROM spider_files").fetch_one().await?;
        Ok(bytes)
    }
}

fn refuse_from(quota: i64, kept: i64) -> Result<()> {
    if kept < quota {
        return Ok(());
    }
    Err(Error::conflict(
        "quota_exceeded",
        text!(
            "已保存 {kept} 字节，达到配额 {quota} 字节；请删除任务或数据，或提高配额",
            "{kept} bytes are kept, and the quota is {quota}; delete tasks or items, or raise the quota"
        ),
    ))
}
