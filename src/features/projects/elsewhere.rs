//! Projects that a node keeps. The server tells the node's agent what to do, and asks how far it is: its own word that it
//! is done only makes the server ask sooner.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use chrono::TimeDelta;
use reqwest::Method;
use sqlx::FromRow;

use super::{Project, Projects, repository::Repository, store, sync};
use crate::{
    error::{Error, Result},
    features::nodes::FromNode,
    id::{NodeId, ProjectId},
    protocol::{CloneAnswer, CloneOrder, GitAccess, NodeProject},
};

/// How often a node is asked.
const PERIOD: TimeDelta = TimeDelta::seconds(2);
/// For so long nobody else asks it: more than a call takes.
const TURN: TimeDelta = TimeDelta::seconds(40);
/// A node that does not answer for so long while it is at it has failed. It gives itself ten minutes.
const PATIENCE: Duration = Duration::from_mins(12);

/// Since when nodes have not answered for which projects.
pub(super) type Unanswered = HashMap<ProjectId, Instant>;

#[derive(Debug, FromRow)]
struct Due {
    id: ProjectId,
    name: String,
    node_id: NodeId,
    local_path: Option<String>,
    /// It was told to the node.
    is_begun: bool,
    round: i64,
    sync_forced: bool,
    #[sqlx(flatten)]
    repository: Repository,
}

impl Projects {
    /// A node says that something has changed.
    pub(super) async fn hear_of(&self, from: &FromNode, id: &ProjectId) -> Result<()> {
        let heard = self
            .db
            .query("UPDATE projects SET sync_lease_until = NULL WHERE id = $1 AND node_id = $2")
            .bind(id)
            .bind(&from.node.id)
            .execute()
            .await?;
        if heard == 0 {
            return Err(store::project_not_found(id));
        }
        self.nodes_due.notify_one();
        Ok(())
    }

    /// Loop: what is asked of nodes → told to them; what they are at → asked for.
    pub async fn follow_nodes(&self) -> anyhow::Result<()> {
        while let Some(due) = self.claim_of_node().await? {
            let state = self.follow(&due).await;
            self.write_state(&due, state).await?;
        }
        Ok(())
    }

    async fn claim_of_node(&self) -> Result<Option<Due>> {
        const FREE: &str = "node_id IS NOT NULL AND git_url IS NOT NULL AND sync_wanted > sync_done
                            AND (sync_lease_until IS NULL OR sync_lease_until <= $1)";
        let now = self.clock.now();
        self.db
            .query_text(format!(
                "UPDATE projects
                    SET sync_lease_until = $2, sync_forced = sync_forced OR sync_force, sync_force = FALSE
                  WHERE id = (SELECT id FROM projects WHERE {FREE} ORDER BY id LIMIT 1) AND {FREE}
              RETURNING id, name, node_id, local_path, sync_holder IS NOT NULL AS is_begun, sync_wanted AS round,
                        sync_forced, git_url, git_branch, git_token, git_key, git_host_keys"
            ))
            .bind(now)
            .bind(now + TURN)
            .fetch_optional()
            .await
    }

    /// How the project is at the node, once it was told what to do.
    async fn follow(&self, due: &Due) -> Result<NodeProject> {
        if due.is_begun {
            let node = self.nodes.get(&due.node_id).await?;
            let path = format!("/projects/{}/status", due.id);
            return self.nodes.call(&node, Method::GET, &path, None::<&()>).await;
        }
        let node = self.nodes.online(&due.node_id).await?;
        let access = self.credentials(&due.id, &due.repository)?;
        let order = CloneOrder {
            project_id: due.id.to_string(),
            git_url: due.repository.git_url.clone().unwrap_or_default(),
            branch: due.repository.git_branch.clone(),
            target_path: due.local_path.clone().unwrap_or_else(|| folder_of(due)),
            force: due.sync_forced,
            access: GitAccess { git_token: access.token, git_key: access.key },
        };
        let answer: CloneAnswer = self.nodes.call(&node, Method::POST, "/projects/clone", Some(&order)).await?;
        Ok(NodeProject {
            project_id: answer.project_id,
            status: "syncing".to_owned(),
            message: String::new(),
            local_path: answer.local_path,
            git_commit: None,
            git_subject: None,
            progress: String::new(),
        })
    }

    async fn write_state(&self, due: &Due, state: Result<NodeProject>) -> Result<()> {
        let state = match state {
            Ok(state) => {
                self.unanswered().remove(&due.id);
                Ok(state)
            }
            Err(error) if due.is_begun && error.is_passing() && self.has_patience_with(&due.id) => {
                tracing::debug!(project = %due.id, "{error}");
                return Ok(());
            }
            Err(Error::Internal(error)) => return Err(Error::Internal(error)),
            Err(error) => Err(error.to_string()),
        };
        let now = self.clock.now();
        let (status, said) = match &state {
            Ok(state) if state.status == "syncing" => ("syncing", None),
            Ok(state) if state.status == "active" => ("active", Some(&state.message)),
            Ok(state) => ("error", Some(&state.message)),
            Err(error) => ("error", Some(error)),
        };
        let is_done = status != "syncing";
        let state = state.as_ref().ok();
        let said = said.filter(|said| !said.is_empty());
        let said = said.map(|said| said.replace('\0', "").chars().take(sync::LONGEST_ERROR).collect::<String>());
        self.db
            .query(
                "UPDATE projects
                    SET status = CASE WHEN $4 AND sync_wanted > $3 THEN 'pending' ELSE $2 END,
                        sync_holder = CASE WHEN $4 THEN NULL ELSE $12 END,
                        sync_done = CASE WHEN $4 THEN $3 ELSE sync_done END,
                        sync_forced = CASE WHEN $4 THEN FALSE ELSE sync_forced END,
                        sync_error = $5, sync_progress = $6, local_path = COALESCE($7, local_path),
                        git_commit = COALESCE($8, git_commit), git_subject = COALESCE($9, git_subject),
                        last_sync_at = COALESCE($10, last_sync_at), sync_lease_until = $11
                  WHERE id = $1",
            )
            .bind(&due.id)
            .bind(status)
            .bind(due.round)
            .bind(is_done)
            .bind(said)
            .bind(state.map(|state| &state.progress).filter(|said| !is_done && !said.is_empty()))
            .bind(state.map(|state| &state.local_path))
            .bind(state.and_then(|state| state.git_commit.as_ref()).filter(|_| is_done))
            .bind(state.and_then(|state| state.git_subject.as_ref()).filter(|_| is_done))
            .bind(Some(now).filter(|_| status == "active"))
            .bind(Some(now + PERIOD).filter(|_| !is_done))
            .bind(&due.node_id)
            .execute()
            .await
            .map(drop)
    }

    fn has_patience_with(&self, id: &ProjectId) -> bool {
        self.unanswered().entry(id.clone()).or_insert_with(Instant::now).elapsed() < PATIENCE
    }

    /// Has the node remove its folder; where it cannot be reached, it stays there.
    pub(super) async fn forget_at_node(&self, project: &Project) {
        let Some(node) = project.node_id.clone().map(NodeId::from) else { return };
        let Ok(node) = self.nodes.get(&node).await else { return };
        let path = format!("/projects/{}", project.id);
        let removed = self.nodes.call::<serde_json::Value>(&node, Method::DELETE, &path, None::<&()>).await;
        if let Err(error) = removed {
            tracing::warn!(project = %project.id, node = node.name, "the folder of a project stays at its node: {error}");
        }
    }
}

/// A name that people know again, and no other project has.
fn folder_of(due: &Due) -> String {
    let plain = |letter: char| if letter.is_ascii_alphanumeric() { letter.to_ascii_lowercase() } else { '-' };
    let name: String = due.name.chars().map(plain).take(40).collect();
    let id = due.id.as_str();
    let end = &id[id.len().saturating_sub(8)..];
    match name.trim_matches('-') {
        "" => format!("project-{end}"),
        name => format!("{name}-{end}"),
    }
}
