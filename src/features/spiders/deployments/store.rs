use chrono::{DateTime, Utc};

use super::{
    super::{Source, Spiders, store::spider_not_found},
    Deployment,
};
use crate::{
    error::{Error, Result},
    id::{DeploymentId, SpiderId},
    platform::{database::Transaction, http::Paging},
    text,
};

const SELECT: &str = "SELECT deployments.*, CASE WHEN spiders.active_deployment_id = deployments.id
                                                 THEN 'active' ELSE 'archived' END AS status
                        FROM deployments JOIN spiders ON spiders.id = deployments.spider_id";

impl Spiders {
    pub async fn deployment(&self, id: &SpiderId, deployment: &DeploymentId) -> Result<Deployment> {
        let found = self
            .db
            .query_text(format!("{SELECT} WHERE deployments.id = $1 AND deployments.spider_id = $2"))
            .bind(deployment)
            .bind(id)
            .fetch_optional()
            .await?;
        if found.is_none() {
            self.require(id).await?;
        }
        found.ok_or_else(|| deployment_not_found(deployment))
    }

    /// Newest first; the cursor is a version.
    pub(super) async fn deployments(
        &self,
        id: &SpiderId,
        below: Option<i64>,
        paging: &Paging,
    ) -> Result<Vec<Deployment>> {
        self.db
            .query_text(format!(
                "{SELECT} WHERE deployments.spider_id = $1 AND ($2 IS NULL OR deployments.version < $2)
                  ORDER BY deployments.version DESC LIMIT $3 OFFSET $4"
            ))
            .bind(id)
            .bind(below)
            .bind(paging.page_size)
            .bind(paging.offset())
            .fetch_all()
            .await
    }

    pub(super) async fn count_deployments(&self, id: &SpiderId) -> Result<i64> {
        let (count,) =
            self.db.query("SELECT COUNT(*) FROM deployments WHERE spider_id = $1").bind(id).fetch_one().await?;
        Ok(count)
    }

    pub(super) async fn deployment_before(&self, deployment: &Deployment) -> Result<Option<Deployment>> {
        self.db
            .query_text(format!(
                "{SELECT} WHERE deployments.spider_id = $1 AND deployments.version < $2
                  ORDER BY deployments.version DESC LIMIT 1"
            ))
            .bind(&deployment.spider_id)
            .bind(deployment.version)
            .fetch_optional()
            .await
    }
}

/// Holds the spider's row until the end of the transaction, and makes `deployment` the active one.
pub(super) async fn activate(
    transaction: &mut Transaction,
    id: &SpiderId,
    deployment: Option<&DeploymentId>,
    now: DateTime<Utc>,
) -> Result<()> {
    let held = transaction
        .query("UPDATE spiders SET active_deployment_id = $2, updated_at = $3 WHERE id = $1")
        .bind(id)
        .bind(deployment)
        .bind(now)
        .execute()
        .await?;
    if held > 0 { Ok(()) } else { Err(spider_not_found(id)) }
}

/// Holds the spider's row until the end of the transaction.
pub(super) async fn hold(transaction: &mut Transaction, id: &SpiderId) -> Result<()> {
    let held = transaction.query("UPDATE spiders SET id = id WHERE id = $1").bind(id).execute().await?;
    if held > 0 { Ok(()) } else { Err(spider_not_found(id)) }
}

/// What the next version has of the spider.
#[derive(Debug, sqlx::FromRow)]
pub(super) struct Next {
    pub last_version: i64,
    pub source: Source,
    pub entry_point: String,
    pub requirements_txt: String,
    pub git_commit: Option<String>,
}

/// Holds the spider's row, too, and takes the next number that is not below `least`.
pub(super) async fn next_version(transaction: &mut Transaction, id: &SpiderId, least: i64) -> Result<Next> {
    transaction
        .query(
            "UPDATE spiders SET last_version = CASE WHEN last_version < $2 THEN $2 ELSE last_version + 1 END WHERE id = $1
          RETURNING last_version, source, entry_point, requirements_txt, git_commit",
        )
        .bind(id)
        .bind(least)
        .fetch_optional()
        .await?
        .ok_or_else(|| spider_not_found(id))
}

/// How many files the spider has, and how many bytes they are.
pub(super) async fn amount_of(transaction: &mut Transaction, id: &SpiderId) -> Result<(i64, i64)> {
    transaction
        .query("SELECT COUNT(*), CAST(COALESCE(SUM(size), 0) AS BIGINT) FROM spider_files WHERE spider_id = $1")
        .bind(id)
        .fetch_one()
        .await
}

pub(super) async fn insert(transaction: &mut Transaction, deployment: &Deployment) -> Result<()> {
    transaction
        .query(
            "INSERT INTO deployments (id, spider_id, version, code_hash, source, entry_point, requirements_txt,
                                      file_count, archive_size, deploy_note, created_at, updated_at, git_commit)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
        )
        .bind(&deployment.id)
        .bind(&deployment.spider_id)
        .bind(deployment.version)
        .bind(&deployment.code_hash)
        .bind(deployment.source)
        .bind(&deployment.entry_point)
        .bind(&deployment.requirements_txt)
        .bind(deployment.file_count)
        .bind(deployment.archive_size)
        .bind(&deployment.deploy_note)
        .bind(deployment.created_at)
        .bind(deployment.updated_at)
        .bind(&deployment.git_commit)
        .execute()
        .await
        .map(drop)
}

pub(super) async fn get_in(
    transaction: &mut Transaction,
    id: &SpiderId,
    deployment: &DeploymentId,
) -> Result<Deployment> {
    transaction
        .query_text(format!("{SELECT} WHERE deployments.id = $1 AND deployments.spider_id = $2"))
        .bind(deployment)
        .bind(id)
        .fetch_optional()
        .await?
        .ok_or_else(|| deployment_not_found(deployment))
}

pub(super) async fn active_in(transaction: &mut Transaction, id: &SpiderId) -> Result<Option<Deployment>> {
    transaction
        .query_text(format!("{SELECT} WHERE spiders.id = $1 AND spiders.active_deployment_id = deployments.id"))
        .bind(id)
        .fetch_optional()
        .await
}

/// The newest version that there is.
pub(in super::super) async fn newest_in(transaction: &mut Transaction, id: &SpiderId) -> Result<Option<Deployment>> {
    transaction
        .query_text(format!("{SELECT} WHERE deployments.spider_id = $1 ORDER BY deployments.version DESC LIMIT 1"))
        .bind(id)
        .fetch_optional()
        .await
}

/// The commit that the files were last brought to.
pub(super) async fn commit_of(transaction: &mut Transaction, id: &SpiderId) -> Result<Option<String>> {
    let (commit,) = transaction.query("SELECT git_commit FROM spiders WHERE id = $1").bind(id).fetch_one().await?;
    Ok(commit)
}

/// The spider is run as the deployment was, where its files are run.
pub(super) async fn thaw(transaction: &mut Transaction, deployment: &Deployment) -> Result<()> {
    transaction
        .query("UPDATE spiders SET source = $2, entry_point = $3, requirements_txt = $4 WHERE id = $1")
        .bind(&deployment.spider_id)
        .bind(deployment.source)
        .bind(&deployment.entry_point)
        .bind(&deployment.requirements_txt)
        .execute()
        .await
        .map(drop)
}

/// The name of a schedule that runs this version and no other.
pub(super) async fn pinned_by(transaction: &mut Transaction, deployment: &DeploymentId) -> Result<Option<String>> {
    let schedule: Option<(String,)> = transaction
        .query("SELECT name FROM schedules WHERE deployment_id = $1 ORDER BY id LIMIT 1")
        .bind(deployment)
        .fetch_optional()
        .await?;
    Ok(schedule.map(|(name,)| name))
}

/// Whether a task of this version waits or runs.
pub(super) async fn has_tasks(transaction: &mut Transaction, deployment: &Deployment) -> Result<bool> {
    let (active,): (i64,) = transaction
        .query(
            "SELECT COUNT(*) FROM tasks
              WHERE spider_id = $1 AND status IN ('pending', 'running') AND deployment_id = $2",
        )
        .bind(&deployment.spider_id)
        .bind(&deployment.id)
        .fetch_one()
        .await?;
    Ok(active > 0)
}

pub(super) async fn remove(transaction: &mut Transaction, deployment: &DeploymentId) -> Result<()> {
    transaction.query("DELETE FROM deployments WHERE id = $1").bind(deployment).execute().await.map(drop)
}

fn deployment_not_found(id: &DeploymentId) -> Error {
    Error::not_found("deployment_not_found", text!("部署 {id} 不存在", "the spider has no deployment {id}"))
}
