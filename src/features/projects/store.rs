use chrono::{DateTime, Utc};

use super::{Project, ProjectChange, Projects, repository::Repository, types::ProjectFilter};
use crate::{
    error::{Error, Result},
    id::{NodeId, ProjectId},
    platform::{
        database::{OnTaken, Transaction, like},
        http::Paging,
    },
    text,
};

const SELECT: &str = "SELECT projects.*, git_token IS NOT NULL AS has_git_token, git_key IS NOT NULL AS has_git_key,
                             webhook_secret IS NOT NULL AS has_webhook_secret,
                             (SELECT COUNT(*) FROM spiders WHERE project_id = projects.id) AS spider_count
                        FROM projects";

impl Projects {
    pub async fn get(&self, id: &ProjectId) -> Result<Project> {
        self.db
            .query_text(format!("{SELECT} WHERE id = $1"))
            .bind(id)
            .fetch_optional()
            .await?
            .ok_or_else(|| project_not_found(id))
    }

    pub(super) async fn list(&self, filter: &ProjectFilter, paging: &Paging) -> Result<Vec<Project>> {
        self.db
            .query_text(format!(
                r"{SELECT}
                   WHERE ($1 IS NULL OR LOWER(name) LIKE LOWER($1) ESCAPE '\') AND ($2 IS NULL OR id < $2)
                   ORDER BY id DESC LIMIT $3 OFFSET $4"
            ))
            .bind(filter.keyword.as_deref().map(like))
            .bind(&paging.cursor)
            .bind(paging.page_size)
            .bind(paging.offset())
            .fetch_all()
            .await
    }

    pub(super) async fn count(&self, filter: &ProjectFilter) -> Result<i64> {
        let (count,) = self
            .db
            .query(r"SELECT COUNT(*) FROM projects WHERE ($1 IS NULL OR LOWER(name) LIKE LOWER($1) ESCAPE '\')")
            .bind(filter.keyword.as_deref().map(like))
            .fetch_one()
            .await?;
        Ok(count)
    }

    /// Whether it went; it stays while it has spiders.
    pub(super) async fn remove_empty(&self, id: &ProjectId) -> Result<bool> {
        let removed = self
            .db
            .query("DELETE FROM projects WHERE id = $1 AND NOT EXISTS (SELECT 1 FROM spiders WHERE project_id = $1)")
            .bind(id)
            .execute()
            .await?;
        Ok(removed > 0)
    }

    /// The project that spiders without one belong to, made where it is missing.
    pub async fn default_id(&self) -> Result<ProjectId> {
        let now = self.clock.now();
        self.db
            .query(
                "INSERT INTO projects (id, name, description, status, created_at, updated_at)
                 VALUES ($1, 'default', '', 'active', $2, $2) ON CONFLICT (name) DO NOTHING",
            )
            .bind(ProjectId::generate())
            .bind(now)
            .execute()
            .await?;
        let (id,) = self.db.query("SELECT id FROM projects WHERE name = 'default'").fetch_one().await?;
        Ok(id)
    }
}

/// Without its repository.
pub(super) async fn insert(
    transaction: &mut Transaction,
    id: &ProjectId,
    new: &ProjectChange,
    (created_at, updated_at): (DateTime<Utc>, DateTime<Utc>),
) -> Result<()> {
    let name = new.name.as_deref().unwrap_or_default();
    transaction
        .query(
            "INSERT INTO projects (id, name, description, max_concurrent, status, created_at, updated_at)
             VALUES ($1, $2, $3, $4, 'active', $5, $6)",
        )
        .bind(id)
        .bind(name)
        .bind(new.description.as_deref().unwrap_or_default())
        .bind(new.max_concurrent.flatten())
        .bind(created_at)
        .bind(updated_at)
        .execute()
        .await
        .on_taken(|| name_taken(name))?;
    Ok(())
}

pub(super) async fn set_node(transaction: &mut Transaction, id: &ProjectId, node: &NodeId) -> Result<()> {
    let query = transaction.query("UPDATE projects SET node_id = $2 WHERE id = $1");
    query.bind(id).bind(node).execute().await.map(drop)
}

/// Holds the row until the end of the transaction. Its name, and its repository.
pub(super) async fn held(transaction: &mut Transaction, id: &ProjectId) -> Result<(String, Repository)> {
    #[derive(sqlx::FromRow)]
    struct Held {
        name: String,
        #[sqlx(flatten)]
        repository: Repository,
    }
    let held: Option<Held> = transaction
        .query(
            "UPDATE projects SET id = id WHERE id = $1
          RETURNING name, git_url, git_branch, git_token, git_key, git_host_keys",
        )
        .bind(id)
        .fetch_optional()
        .await?;
    let Held { name, repository } = held.ok_or_else(|| project_not_found(id))?;
    Ok((name, repository))
}

/// Without its repository.
pub(super) async fn update(
    transaction: &mut Transaction,
    id: &ProjectId,
    change: &ProjectChange,
    now: DateTime<Utc>,
) -> Result<()> {
    transaction
        .query(
            "UPDATE projects
                SET name = COALESCE($2, name), description = COALESCE($3, description),
                    max_concurrent = CASE WHEN $5 THEN $6 ELSE max_concurrent END, updated_at = $4
              WHERE id = $1",
        )
        .bind(id)
        .bind(&change.name)
        .bind(&change.description)
        .bind(now)
        .bind(change.max_concurrent.is_some())
        .bind(change.max_concurrent.flatten())
        .execute()
        .await
        .on_taken(|| name_taken(change.name.as_deref().unwrap_or_default()))?;
    Ok(())
}

/// Whoever is at the former one is at it no more. What was fetched of another repository is forgotten.
pub(super) async fn set_repository(
    transaction: &mut Transaction,
    id: &ProjectId,
    repository: &Repository,
    is_other: bool,
) -> Result<()> {
    transaction
        .query(
            "UPDATE projects
                SET git_url = $2, git_branch = $3, git_token = $4, git_key = $5, git_host_keys = $6,
                    sync_holder = NULL, sync_lease_until = NULL, sync_progress = NULL, sync_error = NULL,
                    sync_done = sync_wanted, sync_force = FALSE, sync_forced = FALSE, status = 'active',
                    git_commit = CASE WHEN $7 THEN NULL ELSE git_commit END,
                    git_subject = CASE WHEN $7 THEN NULL ELSE git_subject END,
                    git_listing = CASE WHEN $7 THEN NULL ELSE git_listing END,
                    last_sync_at = CASE WHEN $7 THEN NULL ELSE last_sync_at END
              WHERE id = $1",
        )
        .bind(id)
        .bind(&repository.git_url)
        .bind(&repository.git_branch)
        .bind(&repository.git_token)
        .bind(&repository.git_key)
        .bind(&repository.git_host_keys)
        .bind(is_other)
        .execute()
        .await
        .map(drop)
}

pub(super) fn project_not_found(id: &ProjectId) -> Error {
    Error::not_found("project_not_found", text!("项目 {id} 不存在", "there is no project {id}"))
}

fn name_taken(name: &str) -> Error {
    Error::conflict("name_taken", text!("已有名为 {name} 的项目", "there is a project named {name} already"))
}
