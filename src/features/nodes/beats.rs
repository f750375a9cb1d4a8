//! What becomes of heartbeats.

use chrono::{DateTime, Utc};
use sqlx::types::Json;

use super::{
    FromNode, Node, Nodes,
    types::{NodeInstance, OFFLINE_AFTER},
};
use crate::{
    error::{Checks, Error, Result},
    protocol::{Beat, PROTOCOL},
    text,
};

impl Nodes {
    /// Writes down how the node is. Refused where the agent is another node's, or of another version.
    pub async fn beat(&self, from: &FromNode, beat: &Beat) -> Result<Node> {
        check(beat)?;
        let name = &from.node.name;
        if beat.name != *name {
            let given = &beat.name;
            return Err(Error::conflict(
                "node_name_mismatch",
                text!(
                    "令牌属于节点 {name}，而代理自称 {given}；请检查 AGENT_NODE_NAME 与 AGENT_TOKEN",
                    "the token is that of node {name}, and the agent says that it is {given}: see to AGENT_NODE_NAME and \
                     AGENT_TOKEN"
                ),
            ));
        }
        let now = self.clock.now();
        let mut transaction = self.db.begin().await?;
        // By changing it: the row is the lock.
        let known: Option<Node> = transaction
            .query("UPDATE nodes SET id = id WHERE id = $1 RETURNING *")
            .bind(&from.node.id)
            .fetch_optional()
            .await?;
        let Some(Node { instances: known, doubled_at, .. }) = known else {
            return Err(super::store::node_not_found(&from.node.id));
        };
        let (instances, is_doubled) = seen(known, &beat.instance, &from.address, now);
        if is_doubled && doubled_at.is_none_or(|at| now - at >= OFFLINE_AFTER) {
            let addresses: Vec<&str> = instances.iter().map(|instance| instance.address.as_str()).collect();
            tracing::warn!(node = name, addresses = addresses.join(", "), "two agents use the token of node {name}");
        }
        let skew = (beat.clock - now).num_milliseconds();
        let query = transaction.query(
            "UPDATE nodes
                SET last_heartbeat = $2, address = $3, protocol = $4, clock_skew_ms = $5, report = $6, instances = $7,
                    doubled_at = CASE WHEN $8 THEN $2 ELSE doubled_at END
              WHERE id = $1
          RETURNING *",
        );
        let node: Node = query
            .bind(&from.node.id)
            .bind(now)
            .bind(&from.address)
            .bind(beat.protocol)
            .bind(skew)
            .bind(Json(&beat.report))
            .bind(Json(&instances))
            .bind(is_doubled)
            .fetch_one()
            .await?;
        transaction.commit().await?;
        if beat.protocol == PROTOCOL {
            return Ok(node);
        }
        let theirs = beat.protocol;
        Err(Error::conflict(
            "agent_incompatible",
            text!(
                "代理使用协议 {theirs}，服务器使用 {PROTOCOL}；请安装与服务器相同的版本",
                "the agent speaks protocol {theirs} and the server {PROTOCOL}: install the server's version on the node"
            ),
        ))
    }
}

fn check(beat: &Beat) -> Result<()> {
    let mut checks = Checks::default();
    let is_instance = (8..=64).contains(&beat.instance.len())
        && beat.instance.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '-');
    checks.require(is_instance, "body.instance", "value_error", || {
        text!("须为 8 到 64 个字母、数字或 -", "must be 8 to 64 letters, digits or -")
    });
    let report = &beat.report;
    checks.require((0..=1000).contains(&report.slots), "body.report.slots", "value_error", || {
        text!("须在 0 到 1000 之间", "must be between 0 and 1000")
    });
    super::check_labels(&mut checks, "body.report.labels", report.labels.clone());
    let is_short = |text: &String| text.len() <= 200;
    let versions = &report.versions;
    checks.require(
        versions.len() <= 20 && versions.iter().all(|(name, version)| is_short(name) && is_short(version)),
        "body.report.versions",
        "too_long",
        || text!("过多或过长", "are too many, or too long"),
    );
    checks.finish()
}

/// The starts that were heard of lately, this one among them; and whether it goes on beside a later one. One that was
/// replaced does not come back: its agent has ended.
fn seen(known: Vec<NodeInstance>, instance: &str, address: &str, now: DateTime<Utc>) -> (Vec<NodeInstance>, bool) {
    let (own, mut others): (Vec<_>, Vec<_>) = known
        .into_iter()
        .filter(|known| now - known.seen < OFFLINE_AFTER)
        .partition(|known| known.instance == instance);
    let since = own.first().map_or(now, |own| own.since);
    let is_doubled = others.iter().any(|other| other.since > since);
    let (instance, address) = (instance.to_owned(), address.to_owned());
    others.push(NodeInstance { instance, address, since, seen: now });
    (others, is_doubled)
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    #[test]
    fn a_restart_is_no_second_machine() {
        let mut now: DateTime<Utc> = "2026-03-01T08:00:00Z".parse().unwrap();
        let mut known = Vec::new();
        let mut beat = |instance: &str| {
            now += TimeDelta::seconds(5);
            let (instances, is_doubled) = seen(std::mem::take(&mut known), instance, "10.0.0.1", now);
            known = instances;
            is_doubled
        };
        assert!(!["one", "one", "two", "two", "three"].into_iter().any(&mut beat));
        assert!(beat("two"), "it was replaced, and goes on");
        assert!(beat("one"));
        assert!(!beat("three"), "the newest itself is right");
        for _ in 0..20 {
            beat("three");
        }
        assert!(!beat("two"), "the others have been silent for long: it has started anew");
    }
}
