use chrono::{DateTime, Utc};
use sqlx::types::Json;

use super::{
    super::Spiders,
    types::{Agreed, FileAside, LeftOutPath, Outcome, SpiderRepository},
};
use crate::{
    error::Result,
    id::SpiderId,
    platform::database::{Database, Transaction},
};

const AGREED: &str = "SELECT folder, tree, files FROM spider_repositories WHERE spider_id = $1";

pub(super) async fn agreed(db: &Database, id: &SpiderId) -> Result<Option<Agreed>> {
    db.query(AGREED).bind(id).fetch_optional().await
}

pub(super) async fn agreed_in(transaction: &mut Transaction, id: &SpiderId) -> Result<Option<Agreed>> {
    transaction.query(AGREED).bind(id).fetch_optional().await
}

pub(super) async fn agree(
    transaction: &mut Transaction,
    id: &SpiderId,
    agreed: &Agreed,
    (left_out, conflicts): (&[LeftOutPath], &[FileAside]),
    now: DateTime<Utc>,
) -> Result<()> {
    transaction
        .query(
            "INSERT INTO spider_repositories (spider_id, folder, tree, files, left_out, conflicts, synced_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (spider_id) DO UPDATE
                SET folder = excluded.folder, tree = excluded.tree, files = excluded.files,
                    left_out = excluded.left_out, conflicts = excluded.conflicts, synced_at = excluded.synced_at",
        )
        .bind(id)
        .bind(&agreed.folder)
        .bind(&agreed.tree)
        .bind(Json(&agreed.files))
        .bind(Json(left_out))
        .bind(Json(conflicts))
        .bind(now)
        .execute()
        .await
        .map(drop)
}

/// Of a spider whose files are its own from now on: what is made of them comes from no commit.
pub(in super::super) async fn forget(transaction: &mut Transaction, id: &SpiderId) -> Result<()> {
    let clear = "UPDATE spiders SET git_commit = NULL, git_error = NULL WHERE id = $1";
    transaction.query(clear).bind(id).execute().await?;
    transaction.query("DELETE FROM spider_repositories WHERE spider_id = $1").bind(id).execute().await.map(drop)
}

const SET_COMMIT: &str = "UPDATE spiders SET git_commit = $2, git_error = NULL WHERE id = $1";

pub(super) async fn set_commit(transaction: &mut Transaction, id: &SpiderId, commit: &str) -> Result<()> {
    transaction.query(SET_COMMIT).bind(id).bind(commit).execute().await.map(drop)
}

impl Spiders {
    pub(super) async fn note_git_commit(&self, id: &SpiderId, commit: &str) -> Result<()> {
        self.db.query(SET_COMMIT).bind(id).bind(commit).execute().await.map(drop)
    }

    pub(super) async fn note_git_error(&self, id: &SpiderId, error: &str) -> Result<()> {
        let error = error.replace('\0', "");
        let set = "UPDATE spiders SET git_error = $2 WHERE id = $1";
        self.db.query(set).bind(id).bind(error).execute().await.map(drop)
    }

    pub(super) async fn repository(&self, id: &SpiderId) -> Result<SpiderRepository> {
        let spider = self.get(id).await?;
        let outcome: Option<Outcome> = self
            .db
            .query("SELECT folder, left_out, conflicts, synced_at FROM spider_repositories WHERE spider_id = $1")
            .bind(id)
            .fetch_optional()
            .await?;
        let (git_commit, git_error) = (spider.git_commit, spider.git_error);
        let Some(Outcome { folder, left_out, conflicts, synced_at }) = outcome else {
            return Ok(SpiderRepository { git_commit, git_error, ..SpiderRepository::default() });
        };
        Ok(SpiderRepository {
            folder,
            git_commit,
            git_error,
            left_out: left_out.0,
            conflicts: conflicts.0,
            synced_at: Some(synced_at),
        })
    }
}
