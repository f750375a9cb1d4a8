use super::{
    Node, Nodes,
    types::{NodeChange, NodeNew, NodeWithToken, ROTATION},
};
use crate::{
    error::{Error, Result},
    id::NodeId,
    platform::secrets::{random_token, token_hash},
    text,
};

impl Nodes {
    pub(super) async fn create(&self, mut new: NodeNew) -> Result<NodeWithToken> {
        new.check()?;
        let (id, agent_token) = (NodeId::generate(), random_token());
        self.insert(&id, &new, (&token_hash(&agent_token), &self.sealed(&id, &agent_token)?)).await?;
        Ok(NodeWithToken { node: self.get(&id).await?, agent_token })
    }

    pub(super) async fn change(&self, id: &NodeId, mut change: NodeChange) -> Result<Node> {
        change.check()?;
        let mut node = self.get(id).await?;
        node.hostname = change.hostname.unwrap_or(node.hostname);
        node.agent_port = change.agent_port.unwrap_or(node.agent_port);
        node.labels = change.labels.unwrap_or(node.labels);
        node.slots = change.slots.unwrap_or(node.slots);
        node.is_draining = change.drain.unwrap_or(node.is_draining);
        self.update(&node).await?;
        self.get(id).await
    }

    /// A new token; the one before holds for ten minutes more.
    pub(super) async fn rotate(&self, id: &NodeId) -> Result<NodeWithToken> {
        let agent_token = random_token();
        let sealed = self.sealed(id, &agent_token)?;
        self.replace_token(id, (&token_hash(&agent_token), &sealed), self.clock.now() + ROTATION).await?;
        Ok(NodeWithToken { node: self.get(id).await?, agent_token })
    }

    /// What it still runs is started elsewhere once its lease has run out.
    pub(super) async fn remove(&self, id: &NodeId, anyway: bool) -> Result<()> {
        let node = self.get(id).await?;
        if self.remove_idle(&node, anyway).await? {
            return Ok(());
        }
        let name = &node.name;
        Err(Error::conflict(
            "node_busy",
            text!(
                "节点 {name} 正在运行任务；请先排空，或使用 ?force=true",
                "node {name} runs tasks: drain it first, or add ?force=true, and they are started again elsewhere once \
                 their lease has run out"
            ),
        ))
    }

    /// For this row alone.
    fn sealed(&self, id: &NodeId, token: &str) -> Result<Vec<u8>> {
        self.secrets.seal(&owner(id), token.as_bytes())
    }
}

/// Encrypted tokens open for this row alone.
pub(super) fn owner(id: &NodeId) -> String {
    format!("node:{id}")
}
