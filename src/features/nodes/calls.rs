//! Calls of a node's agent, where it can be reached.

use std::time::Duration;

use anyhow::anyhow;
use reqwest::{Client, Method, redirect::Policy};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::{Node, Nodes, Obstacle, service::owner};
use crate::{
    error::{Error, Problem, Result},
    id::NodeId,
    protocol::TOKEN_HEADER,
    text,
};

const PATIENCE: Duration = Duration::from_secs(30);
const CONNECT: Duration = Duration::from_secs(5);

#[derive(Deserialize)]
struct Refusal {
    msg: String,
}

pub(super) fn client() -> Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let builder = Client::builder().user_agent("CrawlHub").connect_timeout(CONNECT).timeout(PATIENCE);
    builder.redirect(Policy::none()).no_proxy().build().unwrap_or_default()
}

impl Nodes {
    /// The node, where it is online; else 503.
    pub async fn online(&self, id: &NodeId) -> Result<Node> {
        match self.get(id).await {
            Ok(node) if node.obstacle(self.clock.now()).is_none_or(Obstacle::is_at_work) => Ok(node),
            Ok(node) => Err(offline(&node.name)),
            Err(Error::NotFound(_)) => Err(offline(id.as_str())),
            Err(error) => Err(error),
        }
    }

    /// `path` below `/api/v1` of the node's agent. 503 where it cannot be reached; its own words where it refuses.
    pub async fn call<T: DeserializeOwned>(
        &self,
        node: &Node,
        method: Method,
        path: &str,
        body: Option<&(impl Serialize + Sync)>,
    ) -> Result<T> {
        let host = if node.hostname.is_empty() { node.address.as_deref().unwrap_or_default() } else { &node.hostname };
        let url = format!("http://{host}:{}/api/v1{path}", node.agent_port);
        let token = self.secrets.open_sealed(&owner(&node.id), &node.sealed_token)?;
        let token = String::from_utf8(token).map_err(Error::internal)?;
        let mut request = self.http.request(method, url).header(TOKEN_HEADER, token).header("accept-language", "en");
        if let Some(body) = body {
            request = request.json(body);
        }
        let unreachable = |error: reqwest::Error| Error::Unavailable {
            what: "the node's agent",
            source: anyhow!("{}", error.without_url()),
        };
        let answer = request.send().await.map_err(unreachable)?;
        let status = answer.status();
        let text = answer.bytes().await.map_err(unreachable)?;
        if status.is_success() {
            return serde_json::from_slice(&text).map_err(Error::internal);
        }
        let said = serde_json::from_slice(&text).map_or_else(|_| format!("answered {status}"), |Refusal { msg }| msg);
        if status.is_server_error() {
            return Err(Error::Unavailable { what: "the node's agent", source: anyhow!(said) });
        }
        Err(Error::outside("node_refused", text!("节点拒绝：{said}", "the node refuses: {said}")))
    }
}

fn offline(name: &str) -> Error {
    Error::Offline(Problem {
        code: "node_offline",
        text: text!("工作节点 {name} 不在线", "worker node {name} is not online"),
    })
}
