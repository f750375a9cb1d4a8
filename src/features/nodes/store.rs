use chrono::{DateTime, Utc};
use sqlx::types::Json;

use super::{Node, Nodes, types::NodeNew};
use crate::{
    error::{Error, Result},
    id::NodeId,
    platform::{database::OnTaken, http::Paging},
    protocol::worker_prefix,
    text,
};

impl Nodes {
    pub async fn get(&self, id: &NodeId) -> Result<Node> {
        let node: Option<Node> = self.db.query("SELECT * FROM nodes WHERE id = $1").bind(id).fetch_optional().await?;
        node.map(|node| node.shown(self.clock.now())).ok_or_else(|| node_not_found(id))
    }

    /// All there are.
    pub async fn all(&self) -> Result<Vec<Node>> {
        let nodes: Vec<Node> = self.db.query("SELECT * FROM nodes ORDER BY id").fetch_all().await?;
        Ok(nodes.into_iter().map(|node| node.shown(self.clock.now())).collect())
    }

    pub(super) async fn list(&self, paging: &Paging) -> Result<Vec<Node>> {
        let nodes: Vec<Node> = self
            .db
            .query("SELECT * FROM nodes WHERE ($1 IS NULL OR id < $1) ORDER BY id DESC LIMIT $2 OFFSET $3")
            .bind(&paging.cursor)
            .bind(paging.page_size)
            .bind(paging.offset())
            .fetch_all()
            .await?;
        Ok(nodes.into_iter().map(|node| node.shown(self.clock.now())).collect())
    }

    pub(super) async fn count(&self) -> Result<i64> {
        let (count,) = self.db.query("SELECT COUNT(*) FROM nodes").fetch_one().await?;
        Ok(count)
    }

    pub(super) async fn with_token_hash(&self, hash: &str) -> Result<Option<Node>> {
        self.db
            .query("SELECT * FROM nodes WHERE token_hash = $1 OR former_token_hash = $1 LIMIT 1")
            .bind(hash)
            .fetch_optional()
            .await
    }

    pub(super) async fn insert(&self, id: &NodeId, new: &NodeNew, (hash, sealed): (&str, &[u8])) -> Result<()> {
        let name = &new.name;
        self.db
            .query(
                "INSERT INTO nodes (id, name, hostname, agent_port, labels, slots, is_draining, token_hash, token,
                                    instances, created_at, updated_at)
                 VALUES ($1, $2, $3, $4, $5, $6, FALSE, $7, $8, $9, $10, $10)",
            )
            .bind(id)
            .bind(name)
            .bind(&new.hostname)
            .bind(new.agent_port)
            .bind(Json(&new.labels))
            .bind(new.slots)
            .bind(hash)
            .bind(sealed)
            .bind(Json(Vec::<String>::new()))
            .bind(self.clock.now())
            .execute()
            .await
            .map(drop)
            .on_taken(|| {
                Error::conflict("node_taken", text!("已有名为 {name} 的节点", "there is a node {name} already"))
            })
    }

    pub(super) async fn update(&self, node: &Node) -> Result<()> {
        self.db
            .query(
                "UPDATE nodes SET hostname = $2, agent_port = $3, labels = $4, slots = $5, is_draining = $6,
                                  updated_at = $7
                  WHERE id = $1",
            )
            .bind(&node.id)
            .bind(&node.hostname)
            .bind(node.agent_port)
            .bind(Json(&node.labels))
            .bind(node.slots)
            .bind(node.is_draining)
            .bind(self.clock.now())
            .execute()
            .await
            .map(drop)
    }

    /// The present token becomes the former one, until `until`.
    pub(super) async fn replace_token(
        &self,
        id: &NodeId,
        (hash, sealed): (&str, &[u8]),
        until: DateTime<Utc>,
    ) -> Result<()> {
        let replaced = self
            .db
            .query(
                "UPDATE nodes SET former_token_hash = token_hash, former_token_until = $4, token_hash = $2, token = $3,
                                  updated_at = $5
                  WHERE id = $1",
            )
            .bind(id)
            .bind(hash)
            .bind(sealed)
            .bind(until)
            .bind(self.clock.now())
            .execute()
            .await?;
        if replaced > 0 { Ok(()) } else { Err(node_not_found(id)) }
    }

    /// Whether it went: not while it runs tasks, unless `anyway`.
    pub(super) async fn remove_idle(&self, node: &Node, anyway: bool) -> Result<bool> {
        let prefix = worker_prefix(&node.name);
        let removed = self
            .db
            .query(
                "DELETE FROM nodes WHERE id = $1 AND ($2 OR NOT EXISTS
                 (SELECT 1 FROM tasks WHERE status = 'running' AND SUBSTR(worker_id, 1, $3) = $4))",
            )
            .bind(&node.id)
            .bind(anyway)
            .bind(i32::try_from(prefix.len()).map_err(Error::internal)?)
            .bind(prefix)
            .execute()
            .await?;
        Ok(removed > 0)
    }
}

pub(super) fn node_not_found(id: &NodeId) -> Error {
    Error::not_found("node_not_found", text!("节点 {id} 不存在", "there is no node {id}"))
}
