use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use sqlx::FromRow;
use utoipa::ToSchema;

use crate::{
    error::{Checks, Result},
    id::NodeId,
    platform::{database::word_enum, http::sent},
    protocol::NodeReport,
    text,
};

/// A node that was not heard of for so long is offline.
pub(super) const OFFLINE_AFTER: TimeDelta = TimeDelta::seconds(60);
/// A former token holds for so long.
pub(super) const ROTATION: TimeDelta = TimeDelta::minutes(10);
const MOST_LABELS: usize = 20;

word_enum! {
    #[derive(Default)]
    pub enum NodeStatus {
        Online = "online",
        #[default]
        Offline = "offline",
        /// It goes on with what it runs, and is given no more.
        Draining = "draining",
        /// Its agent is of a version that this server does not understand.
        Incompatible = "incompatible",
    }
}

/// Another machine that runs spiders.
#[derive(Debug, Clone, Serialize, FromRow, ToSchema)]
pub struct Node {
    pub id: NodeId,
    /// Unlike any other's; it does not change.
    pub name: String,
    pub hostname: String,
    pub agent_port: i64,
    /// Those that the server keeps; the agent's own are in `report`.
    #[sqlx(json)]
    pub labels: Vec<String>,
    /// Tasks at once; null: as many as its agent offers.
    pub slots: Option<i64>,
    /// It is to take no more tasks.
    #[serde(rename = "drain")]
    #[sqlx(rename = "is_draining")]
    pub is_draining: bool,
    #[sqlx(skip)]
    pub status: NodeStatus,
    /// Why it is given no tasks, where that is so.
    #[sqlx(skip)]
    pub problem: Option<String>,
    pub last_heartbeat: Option<DateTime<Utc>>,
    /// From which its agent last called.
    pub address: Option<String>,
    /// How far its clock is before the server's.
    pub clock_skew_ms: Option<i64>,
    /// As of the last heartbeat.
    #[sqlx(json(nullable))]
    pub report: Option<NodeReport>,
    /// Starts of its agent that were heard of in the last minute: more than one of which none ends are two machines with
    /// one token.
    #[sqlx(json)]
    pub instances: Vec<NodeInstance>,
    #[serde(skip)]
    pub(super) protocol: Option<i64>,
    #[serde(skip)]
    pub(super) doubled_at: Option<DateTime<Utc>>,
    #[serde(skip)]
    #[sqlx(rename = "token")]
    pub(super) sealed_token: Vec<u8>,
    #[serde(skip)]
    pub(super) token_hash: String,
    #[serde(skip)]
    pub(super) former_token_hash: Option<String>,
    #[serde(skip)]
    pub(super) former_token_until: Option<DateTime<Utc>>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

/// One start of a node's agent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NodeInstance {
    pub instance: String,
    pub address: String,
    pub since: DateTime<Utc>,
    pub seen: DateTime<Utc>,
}

impl Node {
    /// Tasks at once.
    pub fn slots(&self) -> i64 {
        self.slots.or(self.report.as_ref().map(|report| report.slots)).unwrap_or(0)
    }

    /// Whether it has all of these.
    pub fn has_labels(&self, wanted: &[String]) -> bool {
        let own = self.report.iter().flat_map(|report| &report.labels).chain(&self.labels);
        let own: BTreeSet<&String> = own.collect();
        wanted.iter().all(|label| own.contains(label))
    }
}

/// A new node.
#[derive(Debug, Deserialize, ToSchema)]
pub(super) struct NodeNew {
    /// 1 to 63 of a-z, 0-9, `.`, `_` and `-`; its agent's `AGENT_NODE_NAME`.
    pub name: String,
    #[serde(default)]
    pub hostname: String,
    #[serde(default = "usual_port")]
    pub agent_port: i64,
    #[serde(default)]
    pub labels: Vec<String>,
    pub slots: Option<i64>,
}

fn usual_port() -> i64 {
    8081
}

/// A field that is left out stays.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default)]
#[expect(clippy::option_option, reason = "left out, null and a value are three things")]
pub(super) struct NodeChange {
    #[serde(deserialize_with = "sent")]
    pub hostname: Option<String>,
    #[serde(deserialize_with = "sent")]
    pub agent_port: Option<i64>,
    #[serde(deserialize_with = "sent")]
    pub labels: Option<Vec<String>>,
    #[serde(deserialize_with = "sent")]
    #[schema(value_type = Option<i64>)]
    pub slots: Option<Option<i64>>,
    #[serde(deserialize_with = "sent")]
    pub drain: Option<bool>,
}

/// With the token, which is shown this once.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct NodeWithToken {
    #[serde(flatten)]
    pub node: Node,
    pub agent_token: String,
}

impl NodeNew {
    pub(super) fn check(&mut self) -> Result<()> {
        let mut checks = Checks::default();
        let is_name = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || "._-".contains(letter);
        let fits = (1..=63).contains(&self.name.len()) && self.name.chars().all(is_name);
        checks.require(fits && !self.name.starts_with(['.', '-']), "body.name", "value_error", || {
            text!(
                "须为 1 到 63 个 a-z、0-9、._-，且不以 . 或 - 开头",
                "must be 1 to 63 of a-z, 0-9 and ._-, and not begin with . or -"
            )
        });
        check_place(&mut checks, Some(&self.hostname), Some(self.agent_port), self.slots);
        self.labels = check_labels(&mut checks, "body.labels", std::mem::take(&mut self.labels));
        checks.finish()
    }
}

impl NodeChange {
    pub(super) fn check(&mut self) -> Result<()> {
        let mut checks = Checks::default();
        check_place(&mut checks, self.hostname.as_deref(), self.agent_port, self.slots.flatten());
        self.labels = self.labels.take().map(|labels| check_labels(&mut checks, "body.labels", labels));
        checks.finish()
    }
}

fn check_place(checks: &mut Checks, hostname: Option<&str>, port: Option<i64>, slots: Option<i64>) {
    let is_host = |letter: char| letter.is_ascii_alphanumeric() || ".-:[]".contains(letter);
    let hostname = hostname.unwrap_or_default();
    checks.require(hostname.len() <= 253 && hostname.chars().all(is_host), "body.hostname", "value_error", || {
        text!("须为主机名或 IP 地址", "must be a host name or an IP address")
    });
    checks.require(port.is_none_or(|port| (1..=65535).contains(&port)), "body.agent_port", "value_error", || {
        text!("须在 1 到 65535 之间", "must be between 1 and 65535")
    });
    checks.require(slots.is_none_or(|slots| (0..=1000).contains(&slots)), "body.slots", "value_error", || {
        text!("须在 0 到 1000 之间", "must be between 0 and 1000")
    });
}

/// In order, each once.
pub fn check_labels(checks: &mut Checks, loc: &str, labels: Vec<String>) -> Vec<String> {
    let is_label = |letter: char| letter.is_ascii_alphanumeric() || "._=/-".contains(letter);
    let fits = |label: &String| (1..=63).contains(&label.len()) && label.chars().all(is_label);
    checks.require(labels.len() <= MOST_LABELS && labels.iter().all(fits), loc, "value_error", || {
        text!(
            "至多 {MOST_LABELS} 个标签，每个 1 到 63 个字母、数字或 ._=/-",
            "at most {MOST_LABELS} labels, each of 1 to 63 letters, digits or ._=/-"
        )
    });
    labels.into_iter().collect::<BTreeSet<_>>().into_iter().collect()
}
