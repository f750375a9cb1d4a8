use chrono::{DateTime, Utc};

use super::{
    Workspaces,
    types::{Kind, Mode, RunRow, Workspace},
};
use crate::{
    error::{Error, Result},
    id::{RunId, UserId, WorkspaceId},
    platform::{
        containers::Mark,
        database::{OnTaken, Transaction},
    },
    text,
};

/// What goes on, in all and of one user.
#[derive(Debug, Default)]
pub(super) struct Counted {
    pub in_all: i64,
    pub own: i64,
}

impl Workspaces {
    pub(super) async fn find(&self, user: &UserId, name: &str) -> Result<Option<Workspace>> {
        let sql = "SELECT * FROM workspaces WHERE user_id = $1 AND name = $2";
        self.db.query(sql).bind(user).bind(name).fetch_optional().await
    }

    pub(super) async fn find_by_id(&self, id: &WorkspaceId) -> Result<Option<Workspace>> {
        self.db.query("SELECT * FROM workspaces WHERE id = $1").bind(id).fetch_optional().await
    }

    pub(super) async fn of_user(&self, user: &UserId) -> Result<Vec<Workspace>> {
        self.db.query("SELECT * FROM workspaces WHERE user_id = $1 ORDER BY name").bind(user).fetch_all().await
    }

    /// With those whose users may have none any more.
    pub(super) async fn all(&self) -> Result<Vec<Workspace>> {
        self.db.query("SELECT * FROM workspaces").fetch_all().await
    }

    /// Those whose users are gone.
    pub(super) async fn of_nobody(&self) -> Result<Vec<Workspace>> {
        self.db
            .query(
                "SELECT * FROM workspaces
                  WHERE NOT EXISTS (SELECT 1 FROM users WHERE users.id = workspaces.user_id)",
            )
            .fetch_all()
            .await
    }

    pub(super) async fn remove_row(&self, id: &WorkspaceId) -> Result<()> {
        self.db.query("DELETE FROM workspaces WHERE id = $1").bind(id).execute().await.map(drop)
    }

    /// Its volume is on that engine from now on.
    pub(super) async fn set_engine(&self, id: &WorkspaceId, engine: &str) -> Result<()> {
        let sql = "UPDATE workspaces SET engine = $2 WHERE id = $1";
        self.db.query(sql).bind(id).bind(engine).execute().await.map(drop)
    }

    pub(super) async fn touch(&self, id: &WorkspaceId) -> Result<()> {
        let sql = "UPDATE workspaces SET last_used_at = $2 WHERE id = $1";
        self.db.query(sql).bind(id).bind(self.clock.now()).execute().await.map(drop)
    }

    pub(super) async fn note_size(&self, id: &WorkspaceId, bytes: i64, files: i64) -> Result<()> {
        self.db
            .query("UPDATE workspaces SET bytes = $2, files = $3, measured_at = $4 WHERE id = $1")
            .bind(id)
            .bind(bytes)
            .bind(files)
            .bind(self.clock.now())
            .execute()
            .await
            .map(drop)
    }

    /// What goes on in the workspace, as far as somebody sees to it.
    pub(super) async fn runs_in(&self, id: &WorkspaceId) -> Result<Vec<RunRow>> {
        self.db
            .query("SELECT * FROM workspace_runs WHERE workspace_id = $1 AND lease_until > $2")
            .bind(id)
            .bind(self.clock.now())
            .fetch_all()
            .await
    }

    pub(super) async fn all_runs(&self) -> Result<Vec<RunRow>> {
        self.db.query("SELECT * FROM workspace_runs").fetch_all().await
    }

    pub(super) async fn prolong(&self, id: &RunId, until: DateTime<Utc>) -> Result<()> {
        let sql = "UPDATE workspace_runs SET lease_until = $2 WHERE id = $1";
        self.db.query(sql).bind(id).bind(until).execute().await.map(drop)
    }

    pub(super) async fn remove_run(&self, id: &RunId) -> Result<()> {
        self.db.query("DELETE FROM workspace_runs WHERE id = $1").bind(id).execute().await.map(drop)
    }

    /// Before anybody is served: nobody sees to what went on before, where no other server uses the database.
    pub async fn end_leases(&self) -> Result<()> {
        if self.db.is_shared() {
            return Ok(());
        }
        let sql = "UPDATE workspace_runs SET lease_until = $1";
        self.db.query(sql).bind(self.clock.now()).execute().await.map(drop)
    }
}

/// How many workspaces there are.
pub(super) async fn count_in(transaction: &mut Transaction, user: &UserId) -> Result<Counted> {
    let (in_all, own) = transaction
        .query("SELECT COUNT(*), COUNT(*) FILTER (WHERE user_id = $1) FROM workspaces")
        .bind(user)
        .fetch_one()
        .await?;
    Ok(Counted { in_all, own })
}

pub(super) async fn find_in(transaction: &mut Transaction, user: &UserId, name: &str) -> Result<Option<Workspace>> {
    let sql = "SELECT * FROM workspaces WHERE user_id = $1 AND name = $2";
    transaction.query(sql).bind(user).bind(name).fetch_optional().await
}

pub(super) async fn insert_in(
    transaction: &mut Transaction,
    user: &UserId,
    (name, mode): (&str, Mode),
    now: DateTime<Utc>,
) -> Result<Workspace> {
    transaction
        .query(
            "INSERT INTO workspaces (id, user_id, name, mode, last_used_at, created_at)
             VALUES ($1, $2, $3, $4, $5, $5) RETURNING *",
        )
        .bind(WorkspaceId::generate())
        .bind(user)
        .bind(name)
        .bind(mode)
        .bind(now)
        .fetch_one()
        .await
        .on_taken(|| {
            Error::conflict(
                "workspace_exists",
                text!("已有名为 {name} 的工作区", "there is a workspace {name} already"),
            )
        })
}

/// How many of the same kind go on: all, and the user's.
pub(super) async fn count_runs_in(
    transaction: &mut Transaction,
    user: &UserId,
    kind: Kind,
    now: DateTime<Utc>,
) -> Result<Counted> {
    let (in_all, own) = transaction
        .query(
            "SELECT COUNT(*) FILTER (WHERE (kind = 'files') = $4),
                    COUNT(*) FILTER (WHERE user_id = $1 AND kind = $2)
               FROM workspace_runs WHERE lease_until > $3",
        )
        .bind(user)
        .bind(kind)
        .bind(now)
        .bind(kind == Kind::Files)
        .fetch_one()
        .await?;
    Ok(Counted { in_all, own })
}

/// Whether the workspace is there still. It counts as used.
pub(super) async fn insert_run_in(
    transaction: &mut Transaction,
    (workspace, user): (&WorkspaceId, &UserId),
    (id, kind, mark): (&RunId, Kind, Mark),
    (now, until): (DateTime<Utc>, DateTime<Utc>),
) -> Result<bool> {
    let touched = transaction.query("UPDATE workspaces SET last_used_at = $2 WHERE id = $1").bind(workspace).bind(now);
    if touched.execute().await? == 0 {
        return Ok(false);
    }
    transaction
        .query(
            "INSERT INTO workspace_runs (id, workspace_id, user_id, kind, mark, lease_until, started_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7)",
        )
        .bind(id)
        .bind(workspace)
        .bind(user)
        .bind(kind)
        .bind(mark.number())
        .bind(until)
        .bind(now)
        .execute()
        .await?;
    Ok(true)
}
