//! Where a task may run: on the servers, or on a node.

use sqlx::types::Json;

use super::Tasks;
use crate::{
    error::Result,
    features::nodes::Node,
    id::NodeId,
    platform::database::{Query, in_list},
};

/// Who claims.
#[derive(Debug)]
pub(super) enum Place {
    /// A server.
    Here,
    /// A node, which has everything that each of these lists of labels asks for.
    Node { id: NodeId, labels: Vec<Vec<String>> },
}

impl Place {
    /// Of spiders that may run there, as SQL with parameters from `$first` on, and the number after the last.
    pub(super) fn condition(&self, first: usize) -> (String, usize) {
        match self {
            Self::Here => ("spiders.runner <> 'node'".to_owned(), first),
            Self::Node { labels, .. } if labels.is_empty() => {
                (format!("spiders.runner = 'node' AND spiders.node_id = ${first}"), first + 1)
            }
            Self::Node { labels, .. } => {
                let (lists, end) = (in_list(first + 1, labels.len()), first + 1 + labels.len());
                let by_labels = format!("(spiders.node_id IS NULL AND spiders.node_labels IN ({lists}))");
                (format!("spiders.runner = 'node' AND (spiders.node_id = ${first} OR {by_labels})"), end)
            }
        }
    }

    pub(super) fn bind<'c>(&self, query: Query<'c>) -> Query<'c> {
        match self {
            Self::Here => query,
            Self::Node { id, labels } => labels.iter().fold(query.bind(id), |query, list| query.bind(Json(list))),
        }
    }
}

impl Tasks {
    /// The node as a place: by the labels that those who wait ask for, of which there are few.
    pub(super) async fn place_of(&self, node: &Node) -> Result<Place> {
        let wanted: Vec<(Json<Vec<String>>,)> = self
            .db
            .query(
                "SELECT DISTINCT spiders.node_labels FROM tasks JOIN spiders ON spiders.id = tasks.spider_id
                  WHERE tasks.status = 'pending' AND spiders.runner = 'node' AND spiders.node_id IS NULL",
            )
            .fetch_all()
            .await?;
        let labels = wanted.into_iter().map(|(Json(labels),)| labels).filter(|labels| node.has_labels(labels));
        Ok(Place::Node { id: node.id.clone(), labels: labels.collect() })
    }
}
