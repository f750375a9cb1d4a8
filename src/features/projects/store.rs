use chrono::{DateTime, Utc};

use super::{Project, ProjectChange, Projects, types::ProjectFilter};
use crate::{
    error::{Error, Result},
    id::ProjectId,
    platform::{
        database::{OnTaken, like},
        http::Paging,
    },
    text,
};

impl Projects {
    pub async fn get(&self, id: &ProjectId) -> Result<Project> {
        self.db
            .query(
                "SELECT *, (SELECT COUNT(*) FROM spiders WHERE project_id = projects.id) AS spider_count
                   FROM projects WHERE id = $1",
            )
            .bind(id)
            .fetch_optional()
            .await?
            .ok_or_else(|| Error::not_found("project_not_found", text!("项目 {id} 不存在", "there is no project {id}")))
    }

    pub(super) async fn list(&self, filter: &ProjectFilter, paging: &Paging) -> Result<Vec<Project>> {
        self.db
            .query(
                r"SELECT *, (SELECT COUNT(*) FROM spiders WHERE project_id = projects.id) AS spider_count
                    FROM projects
                   WHERE ($1 IS NULL OR LOWER(name) LIKE LOWER($1) ESCAPE '\') AND ($2 IS NULL OR id < $2)
                   ORDER BY id DESC LIMIT $3 OFFSET $4",
            )
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

    pub(super) async fn insert(
        &self,
        id: &ProjectId,
        new: &ProjectChange,
        (created_at, updated_at): (DateTime<Utc>, DateTime<Utc>),
    ) -> Result<()> {
        let name = new.name.as_deref().unwrap_or_default();
        self.db
            .query(
                "INSERT INTO projects (id, name, description, git_url, git_branch, max_concurrent, status, created_at,
                                       updated_at)
                 VALUES ($1, $2, $3, $4, $5, $6, 'active', $7, $8)",
            )
            .bind(id)
            .bind(name)
            .bind(new.description.as_deref().unwrap_or_default())
            .bind(&new.git_url)
            .bind(&new.git_branch)
            .bind(new.max_concurrent.flatten())
            .bind(created_at)
            .bind(updated_at)
            .execute()
            .await
            .on_taken(|| name_taken(name))?;
        Ok(())
    }

    pub(super) async fn update(&self, id: &ProjectId, change: &ProjectChange, now: DateTime<Utc>) -> Result<()> {
        self.db
            .query(
                "UPDATE projects
                    SET name = COALESCE($2, name), description = COALESCE($3, description),
                        git_url = COALESCE($4, git_url), git_branch = COALESCE($5, git_branch),
                        max_concurrent = CASE WHEN $7 THEN $8 ELSE max_concurrent END, updated_at = $6
                  WHERE id = $1",
            )
            .bind(id)
            .bind(&change.name)
            .bind(&change.description)
            .bind(&change.git_url)
            .bind(&change.git_branch)
            .bind(now)
            .bind(change.max_concurrent.is_some())
            .bind(change.max_concurrent.flatten())
            .execute()
            .await
            .on_taken(|| name_taken(change.name.as_deref().unwrap_or_default()))?;
        Ok(())
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

fn name_taken(name: &str) -> Error {
    Error::conflict("name_taken", text!("已有名为 {name} 的项目", "there is a project named {name} already"))
}
