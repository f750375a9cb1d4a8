//! What a node's agent, or the container of an attempt, and the server say to each other: JSON over HTTP, below `/platform/api/crawlhub/internal`. The
//! agent always calls, so that it may stand behind NAT. Every call may be repeated: what was said twice counts once.

use std::{collections::BTreeMap, marker::PhantomData};

use chrono::{DateTime, Utc};
use serde::{
    Deserialize, Deserializer, Serialize,
    de::{Error as _, SeqAccess, Visitor},
};
use serde_json::value::RawValue;
use utoipa::ToSchema;

use crate::{
    id::{NodeId, TaskId},
    runner::{Job, Line, Outcome, StopReason},
};

/// Of this module: agents that speak another one are refused.
pub const PROTOCOL: i64 = 1;

/// The header with the token of the node, in either direction, or with that of the attempt.
pub const TOKEN_HEADER: &str = "x-agent-token";

/// What a task's worker is called that a node runs. `instance` is one start of its agent.
pub fn worker_name(node: &str, instance: &str) -> String {
    format!("{}{instance}", worker_prefix(node))
}

/// Begins the names of all workers of a node.
pub fn worker_prefix(node: &str) -> String {
    format!("{NODE_WORKERS}{node}:")
}

/// Begins the names of all workers that are nodes.
pub const NODE_WORKERS: &str = "node:";

/// Begins the names of all workers that are containers of a swarm. Alone, it is whoever takes the attempt first.
pub const SWARM_WORKERS: &str = "swarm:";

/// What a task's worker is called that a container of a swarm runs.
pub fn swarm_worker(instance: &str) -> String {
    format!("{SWARM_WORKERS}{instance}")
}

/// `POST /nodes/heartbeat`: the agent lives, and goes on with what it holds.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Beat {
    /// As the agent's settings say; it must be the name of the node that the token is of.
    pub name: String,
    /// New with each start of the agent.
    pub instance: String,
    pub protocol: i64,
    /// The machine's own clock. Nothing is decided by it.
    pub clock: DateTime<Utc>,
    pub report: NodeReport,
    /// Attempts that it runs, or has not told all of yet.
    pub held: Vec<HeldAttempt>,
    /// Former starts of the agent of which nothing is left that could run or be told.
    #[serde(default)]
    pub gone: Vec<String>,
}

/// How a node is.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct NodeReport {
    /// Tasks at once, as the agent's settings say.
    pub slots: i64,
    /// Likewise; they count beside those that the server keeps.
    pub labels: Vec<String>,
    /// Of `agent`, `python`, `git`, `kernel`, as far as they are there.
    pub versions: BTreeMap<String, String>,
    pub load: NodeLoad,
    /// It has no room to take tasks.
    pub is_disk_full: bool,
    /// It is about to end, and takes no more.
    pub is_stopping: bool,
    pub running_tasks: i64,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
pub struct NodeLoad {
    pub cpus: i64,
    /// Of all processors, since the heartbeat before.
    pub cpu_percent: f64,
    pub memory_total_mb: i64,
    pub memory_used_mb: i64,
    /// Of the disk that it works on.
    pub disk_total_mb: i64,
    pub disk_free_mb: i64,
}

/// An attempt in the hands of an agent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HeldAttempt {
    #[schema(value_type = String)]
    pub task_id: TaskId,
    pub attempt: i64,
    /// The start of the agent that took it.
    pub instance: String,
    #[serde(default)]
    pub peak_memory_mb: Option<u64>,
}

#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct BeatAnswer {
    #[schema(value_type = String)]
    pub node_id: NodeId,
    /// By the server's clock.
    pub now: DateTime<Utc>,
    /// Of what is held, from the moment at which the heartbeat was sent.
    pub lease_ms: u64,
    /// When the next heartbeat is expected at the latest.
    pub beat_ms: u64,
    pub is_draining: bool,
    pub orders: Vec<NodeOrder>,
}

/// What is to become of an attempt that the agent holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NodeOrder {
    #[schema(value_type = String)]
    pub task_id: TaskId,
    pub attempt: i64,
    pub order: OrderKind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum OrderKind {
    /// Somebody asked for it.
    Cancel,
    /// It is not the agent's any more: nothing of it counts from here on.
    Lost,
}

/// `POST /nodes/work`: asks for tasks, and waits for some.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct WorkWanted {
    pub instance: String,
    /// How many tasks it would take now; 0: it only waits for orders.
    pub free: i64,
    pub wait_ms: u64,
    /// What it was given and does not know was lost on the way: it is given again.
    pub held: Vec<HeldAttempt>,
    /// Those of which it knows that they are to be cancelled.
    pub stopping: Vec<TaskId>,
}

#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct WorkGiven {
    /// With everything that it takes to run them, secrets included. Their `api_url` is the agent's to set.
    #[schema(value_type = Vec<Object>)]
    pub jobs: Vec<Job>,
    /// Of each, from the moment at which the call was sent.
    pub lease_ms: u64,
    pub orders: Vec<NodeOrder>,
}

impl WorkGiven {
    pub fn is_empty(&self) -> bool {
        self.jobs.is_empty() && self.orders.is_empty()
    }
}

/// `POST /attempts/take`: the container of one attempt asks for it. The first who asks has it, and may ask again.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Take {
    /// The machine that the container is on.
    pub machine: String,
    pub protocol: i64,
}

#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Taken {
    /// With everything that it takes to run it, secrets included. Its `api_url` is the container's to set.
    #[schema(value_type = Object)]
    pub job: Job,
    /// What the container is called from here on, in [`HeldAttempt`].
    pub instance: String,
    /// From the moment at which the call was sent.
    pub lease_ms: u64,
    /// What pip and uv are to know of the operator's network. It may hold passwords: not for the service's own
    /// environment, which a swarm shows to everybody.
    #[serde(default)]
    #[schema(value_type = Vec<Vec<String>>)]
    pub build_env: Vec<(String, String)>,
}

/// `POST /attempts/beat`: the container goes on with its attempt, and waits for an order.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct AttemptBeat {
    pub of: HeldAttempt,
    /// It ends already: it waits for no order to do so.
    pub is_stopping: bool,
    pub wait_ms: u64,
}

#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct AttemptAnswer {
    /// By the server's clock, as it answers.
    pub now: DateTime<Utc>,
    /// From the moment at which the call was sent.
    pub lease_ms: u64,
    pub order: Option<OrderKind>,
}

/// `POST /nodes/told`: what an attempt printed and found, in order. All of it is kept when this is answered.
#[derive(Debug, Deserialize, ToSchema)]
pub struct Told {
    pub of: HeldAttempt,
    /// At most 100.
    #[schema(value_type = Vec<Object>)]
    #[serde(deserialize_with = "at_most::<_, _, 0, MOST_MESSAGES>")]
    pub messages: Vec<Message>,
}

/// Of one call.
const MOST_MESSAGES: usize = 100;
/// Of one message, or of one call of a spider.
pub const MAX_BATCH_ITEMS: usize = 1000;
/// Of one message.
const MOST_LINES: usize = 10_000;

/// Of a list, so many. Stops at the first too many: millions of small ones would take far more memory than their text.
fn at_most<'de, D: Deserializer<'de>, T: Deserialize<'de>, const LEAST: usize, const MOST: usize>(
    deserializer: D,
) -> Result<Vec<T>, D::Error> {
    struct List<T, const LEAST: usize, const MOST: usize>(PhantomData<T>);

    impl<'de, T: Deserialize<'de>, const LEAST: usize, const MOST: usize> Visitor<'de> for List<T, LEAST, MOST> {
        type Value = Vec<T>;

        fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            write!(formatter, "a list of {LEAST} to {MOST}")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut given: A) -> Result<Self::Value, A::Error> {
            let mut list = Vec::new();
            while let Some(one) = given.next_element()? {
                list.push(one);
                if list.len() > MOST {
                    return Err(A::Error::invalid_length(list.len(), &self));
                }
            }
            if list.len() < LEAST { Err(A::Error::invalid_length(list.len(), &self)) } else { Ok(list) }
        }
    }

    deserializer.deserialize_seq(List::<T, LEAST, MOST>(PhantomData))
}

/// 1 to [`MAX_BATCH_ITEMS`] items.
#[derive(Debug, Deserialize)]
pub struct Batch(#[serde(deserialize_with = "at_most::<_, _, 1, MAX_BATCH_ITEMS>")] pub Vec<Box<RawValue>>);

#[derive(Debug, Deserialize)]
pub struct Lines(#[serde(deserialize_with = "at_most::<_, _, 0, MOST_LINES>")] pub Vec<Line>);

/// One batch; the same number twice counts once.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Message<L = Lines, I = Batch> {
    Lines {
        /// How many lines of the attempt came before.
        first: i64,
        lines: L,
    },
    Items {
        batch: i64,
        items: I,
    },
}

/// `POST /nodes/delivered`: whether any item of the attempt has arrived, by any way.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Delivered {
    pub any: bool,
}

/// `POST /nodes/end`: nothing of the attempt runs any more, and all that could be told is.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct EndTold {
    pub of: HeldAttempt,
    #[schema(value_type = Object)]
    pub outcome: Outcome,
    /// Why it was ended, where it was.
    #[schema(value_type = Option<String>)]
    pub stop: Option<StopReason>,
}

/// `POST /api/v1/projects/clone` of the agent: brings a repository to a folder of the node, or brings that up to date.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CloneOrder {
    pub project_id: String,
    pub git_url: String,
    #[serde(default)]
    pub branch: Option<String>,
    /// Below the node's folder of projects.
    pub target_path: String,
    /// What users changed of its files is thrown away.
    #[serde(default)]
    pub force: bool,
    #[serde(flatten)]
    pub access: GitAccess,
}

/// What opens a repository. Kept for the one call.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct GitAccess {
    pub git_token: Option<String>,
    pub git_key: Option<String>,
}

impl std::fmt::Debug for GitAccess {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("GitAccess")
    }
}

/// `POST /api/v1/projects/{id}/pull` of the agent.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct PullOrder {
    pub force: bool,
    #[serde(flatten)]
    pub access: GitAccess,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CloneAnswer {
    pub project_id: String,
    pub success: bool,
    pub message: String,
    pub local_path: String,
}

/// `GET /api/v1/projects/{id}/status` of the agent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeProject {
    pub project_id: String,
    /// `syncing`, `active` or `error`.
    pub status: String,
    /// Why it failed; or what of it users have changed, and what was left out.
    pub message: String,
    pub local_path: String,
    pub git_commit: Option<String>,
    pub git_subject: Option<String>,
    /// How far it is, while it is `syncing`.
    pub progress: String,
}

/// `POST /projects/{id}/status` of the server: something has changed. Only a hint: the server asks then.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ProjectHint {
    pub status: String,
    #[serde(default)]
    pub message: String,
}
