//! Where a task may run: on the servers, on a node, or in a swarm.

use sqlx::types::Json;

use super::Tasks;
use crate::{
    error::Result,
    features::nodes::Node,
    id::NodeId,
    platform::{
        containers::swarm::Machine,
        database::{Query, in_list},
    },
    protocol::SWARM_WORKERS,
};

/// Who claims.
#[derive(Debug)]
pub(super) enum Place {
    /// A server.
    Here,
    /// A node, which has everything that each of these lists of labels asks for.
    Node { id: NodeId, labels: Vec<Vec<String>> },
    /// A swarm, with a machine for each of these lists of labels, as long as it has fewer tasks than slots.
    Swarm { labels: Vec<Vec<String>>, slots: i64 },
}

impl Place {
    /// Of spiders that may run there, as SQL with parameters from `$first` on, and the number after the last.
    pub(super) fn condition(&self, first: usize) -> (String, usize) {
        match self {
            Self::Here => ("spiders.runner NOT IN ('node', 'swarm')".to_owned(), first),
            Self::Node { labels, .. } if labels.is_empty() => {
                (format!("spiders.runner = 'node' AND spiders.node_id = ${first}"), first + 1)
            }
            Self::Node { labels, .. } => {
                let (lists, end) = (in_list(first + 1, labels.len()), first + 1 + labels.len());
                let by_labels = format!("(spiders.node_id IS NULL AND spiders.node_labels IN ({lists}))");
                (format!("spiders.runner = 'node' AND (spiders.node_id = ${first} OR {by_labels})"), end)
            }
            Self::Swarm { labels, .. } => {
                // No list is empty: of no labels there is one as well.
                let (lists, slots_at) = (in_list(first, labels.len()), first + labels.len());
                // Here, as whoever claims does so in turn: of servers that counted before, each would find room.
                let running = format!(
                    "SELECT COUNT(*) FROM tasks AS other
                      WHERE other.status = 'running' AND SUBSTR(other.worker_id, 1, {}) = '{SWARM_WORKERS}'",
                    SWARM_WORKERS.len()
                );
                let by_labels = format!("spiders.runner = 'swarm' AND spiders.node_labels IN ({lists})");
                (format!("{by_labels} AND ({running}) < ${slots_at}"), slots_at + 1)
            }
        }
    }

    pub(super) fn bind<'c>(&self, query: Query<'c>) -> Query<'c> {
        match self {
            Self::Here => query,
            Self::Node { id, labels } => labels.iter().fold(query.bind(id), |query, list| query.bind(Json(list))),
            Self::Swarm { labels, slots } => {
                labels.iter().fold(query, |query, list| query.bind(Json(list))).bind(*slots)
            }
        }
    }
}

impl Tasks {
    /// The node as a place: by the labels that those who wait ask for, of which there are few.
    pub(super) async fn place_of(&self, node: &Node) -> Result<Place> {
        let wanted = self.wanted_labels("spiders.runner = 'node' AND spiders.node_id IS NULL").await?;
        let labels = wanted.into_iter().filter(|labels| node.has_labels(labels)).collect();
        Ok(Place::Node { id: node.id.clone(), labels })
    }

    /// The swarm of these machines; none where nobody waits for one of them.
    pub(super) async fn place_in(&self, machines: &[Machine]) -> Result<Option<Place>> {
        let wanted = self.wanted_labels("spiders.runner = 'swarm'").await?;
        let is_one_for = |labels: &Vec<String>| {
            machines.iter().any(|machine| machine.is_ready && labels.iter().all(|label| machine.has(label)))
        };
        let labels: Vec<Vec<String>> = wanted.into_iter().filter(is_one_for).collect();
        let slots = self.swarm.slots();
        Ok(if labels.is_empty() { None } else { Some(Place::Swarm { labels, slots }) })
    }

    /// What those that wait ask for, of spiders for which `condition` holds.
    async fn wanted_labels(&self, condition: &'static str) -> Result<Vec<Vec<String>>> {
        let wanted: Vec<(Json<Vec<String>>,)> = self
            .db
            .query_text(format!(
                "SELECT DISTINCT spiders.node_labels FROM tasks JOIN spiders ON spiders.id = tasks.spider_id
                  WHERE tasks.status = 'pending' AND {condition}"
            ))
            .fetch_all()
            .await?;
        Ok(wanted.into_iter().map(|(Json(labels),)| labels).collect())
    }
}
