//! Lets only agents pass, by their nodes' tokens.

use axum::{
    extract::{FromRequestParts, Request, State},
    http::{HeaderMap, request::Parts},
    middleware::{Next, from_fn_with_state},
    response::Response,
};
use subtle::ConstantTimeEq;
use utoipa_axum::router::OpenApiRouter;

use super::{Node, Nodes};
use crate::{
    error::{Error, Problem, Result},
    platform::secrets::token_hash,
    protocol::TOKEN_HEADER,
    text,
};

/// The node whose agent calls, and the address from which it does.
#[derive(Debug, Clone)]
pub struct FromNode {
    pub node: Node,
    pub address: String,
}

impl Nodes {
    /// Closes every route of `router` to all but agents.
    pub fn guard(&self, router: OpenApiRouter) -> OpenApiRouter {
        router.route_layer(from_fn_with_state(self.clone(), check))
    }

    /// The node whose token came with a call.
    pub async fn node_of(&self, headers: &HeaderMap) -> Result<Node> {
        let token = headers.get(TOKEN_HEADER).and_then(|value| value.to_str().ok()).ok_or_else(token_needed)?;
        let hash = token_hash(token);
        // What is looked for is a hash: whoever guesses learns nothing from how long it takes.
        let node = self.with_token_hash(&hash).await?.ok_or_else(token_needed)?;
        let is = |known: &str| bool::from(known.as_bytes().ct_eq(hash.as_bytes()));
        let is_former = node.former_token_hash.as_deref().is_some_and(is)
            && node.former_token_until.is_some_and(|until| self.clock.now() < until);
        if is(&node.token_hash) || is_former { Ok(node) } else { Err(token_needed()) }
    }
}

async fn check(State(nodes): State<Nodes>, mut request: Request, next: Next) -> Result<Response> {
    let node = nodes.node_of(request.headers()).await?;
    let address = nodes.accounts.address(request.headers(), request.extensions());
    request.extensions_mut().insert(FromNode { node, address });
    Ok(next.run(request).await)
}

fn token_needed() -> Error {
    Error::Unauthenticated(Problem {
        code: "agent_token_needed",
        text: text!(
            "需要节点令牌（X-Agent-Token）；它可能有误、已轮换，或节点已删除",
            "this takes a node's token as X-Agent-Token; it is wrong, was rotated, or the node was deleted"
        ),
    })
}

impl<S: Send + Sync> FromRequestParts<S> for FromNode {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self> {
        parts.extensions.get::<Self>().cloned().ok_or_else(token_needed)
    }
}
