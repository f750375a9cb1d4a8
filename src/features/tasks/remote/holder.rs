//! Whoever holds attempts that run elsewhere: a node holds many, a container of a swarm its own.

use axum::{
    extract::{FromRequestParts, Request, State},
    http::{HeaderMap, request::Parts},
    middleware::{Next, from_fn_with_state},
    response::Response,
};
use utoipa_axum::router::OpenApiRouter;

use super::super::{TaskStatus, Tasks, token::HOLDER, types::Claim, weight::Caller};
use crate::{
    error::{Error, Problem, Result},
    features::nodes::Node,
    id::TaskId,
    platform::secrets::token_hash,
    protocol::{HeldAttempt, SWARM_WORKERS, TOKEN_HEADER, swarm_worker, worker_name, worker_prefix},
    text,
};

#[derive(Debug, Clone)]
pub(super) enum Holder {
    Node(Box<Node>),
    Container(FromContainer),
}

/// A call with the token of an attempt, and the key of one container.
#[derive(Debug, Clone)]
pub(super) struct FromContainer {
    pub task_id: TaskId,
    pub attempt: i64,
    /// Follows from the key, which nobody else has.
    mark: String,
}

impl Holder {
    fn caller(&self) -> Caller {
        Caller(match self {
            Self::Node(node) => worker_prefix(&node.name),
            Self::Container(container) => container.task_id.to_string(),
        })
    }
}

impl FromContainer {
    /// What the container is called, on a machine of that name.
    pub(super) fn instance(&self, machine: &str) -> String {
        let fits = |letter: &char| letter.is_ascii_alphanumeric() || "._-".contains(*letter);
        let machine: String = machine.chars().filter(fits).take(63).collect();
        format!("{machine}:{}", self.mark)
    }

    /// The worker that the container is, as far as it is the one that speaks of this attempt.
    pub(super) fn worker(&self, of: &HeldAttempt) -> Option<String> {
        let is_own = of.task_id == self.task_id && of.attempt == self.attempt && self.is_marked(&of.instance);
        is_own.then(|| swarm_worker(&of.instance))
    }

    fn is_marked(&self, name: &str) -> bool {
        name.rsplit_once(':').is_some_and(|(_, mark)| mark == self.mark)
    }
}

impl Tasks {
    /// The claim that the holder speaks of; an error where it does not hold it.
    pub(super) async fn held_by(&self, holder: &Holder, of: &HeldAttempt) -> Result<Claim> {
        let worker = match holder {
            Holder::Node(node) => Some(worker_name(&node.name, &of.instance)),
            Holder::Container(container) => container.worker(of),
        };
        let Some(worker) = worker else { return Err(claim_lost()) };
        self.claim_of(&of.task_id, of.attempt, &worker).await?.ok_or_else(claim_lost)
    }

    /// Whether the attempt runs, and the container has it.
    async fn runs_by(&self, container: &FromContainer) -> Result<bool> {
        let task = match self.get(&container.task_id).await {
            Err(Error::NotFound(_)) => return Ok(false),
            task => task?,
        };
        let is_present = task.status == TaskStatus::Running && task.attempt == container.attempt;
        let worker = task.worker_id.filter(|worker| worker.starts_with(SWARM_WORKERS));
        Ok(is_present && worker.is_some_and(|worker| container.is_marked(&worker)))
    }

    async fn holder_of(&self, headers: &HeaderMap) -> Result<Holder> {
        let token = headers.get(TOKEN_HEADER).and_then(|value| value.to_str().ok()).unwrap_or_default();
        if !token.starts_with(HOLDER) {
            return self.nodes.node_of(headers).await.map(|node| Holder::Node(Box::new(node)));
        }
        let (task_id, attempt, key) = self.read_holder_token(token).ok_or_else(token_needed)?;
        let mark = token_hash(key).chars().take(MARK).collect();
        Ok(Holder::Container(FromContainer { task_id, attempt, mark }))
    }
}

/// Letters of a hash's 43: 132 bits.
const MARK: usize = 22;

/// Closes every route of `router` to all but nodes and containers of attempts.
pub(super) fn guard(tasks: Tasks, router: OpenApiRouter) -> OpenApiRouter {
    router.route_layer(from_fn_with_state(tasks, check))
}

async fn check(State(tasks): State<Tasks>, mut request: Request, next: Next) -> Result<Response> {
    let holder = tasks.holder_of(request.headers()).await?;
    request.extensions_mut().insert(holder.caller());
    request.extensions_mut().insert(holder);
    Ok(next.run(request).await)
}

/// Closes every route of `router`, which is behind [`guard`], to containers whose attempt does not run by them: before
/// anything of their body is read, as their token outlives the attempt.
pub(super) fn guard_running(tasks: Tasks, router: OpenApiRouter<Tasks>) -> OpenApiRouter<Tasks> {
    router.route_layer(from_fn_with_state(tasks, check_running))
}

async fn check_running(State(tasks): State<Tasks>, holder: Holder, request: Request, next: Next) -> Result<Response> {
    if let Holder::Container(container) = &holder
        && !tasks.runs_by(container).await?
    {
        return Err(claim_lost());
    }
    Ok(next.run(request).await)
}

pub(super) fn claim_lost() -> Error {
    Error::conflict("claim_lost", text!("该任务已不归此节点", "the attempt is over, or was taken from whoever calls"))
}

fn token_needed() -> Error {
    Error::Unauthenticated(Problem {
        code: "attempt_token_needed",
        text: text!(
            "需要该次运行的令牌（X-Agent-Token）",
            "this takes the token of a node or of an attempt as X-Agent-Token; it is wrong"
        ),
    })
}

impl<S: Send + Sync> FromRequestParts<S> for Holder {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self> {
        parts.extensions.get::<Self>().cloned().ok_or_else(token_needed)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for FromContainer {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self> {
        match Holder::from_request_parts(parts, state).await? {
            Holder::Container(container) => Ok(container),
            Holder::Node(_) => Err(token_needed()),
        }
    }
}
