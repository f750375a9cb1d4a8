//! Items that were refused, kept with the reason until somebody lets them in or removes them.

use chrono::{DateTime, Utc};
use serde_json::value::RawValue;

use super::{
    Documents,
    catalogue::Catalogue,
    items::{NewItem, count, is_too_deep},
    keys::DedupPolicy,
};
use crate::{
    error::Result,
    id::{SpiderId, TaskId},
};

/// An item that is not to be stored among the others.
#[derive(Debug, Clone)]
pub struct Refused {
    pub data: Box<RawValue>,
    /// For people.
    pub reason: String,
}

/// An item in quarantine.
#[derive(Debug, Clone)]
pub struct Quarantined {
    pub id: String,
    pub task_id: TaskId,
    pub spider_id: SpiderId,
    pub is_test: bool,
    /// To the letter as it was sent.
    pub data: Box<RawValue>,
    pub reason: String,
    pub created_at: DateTime<Utc>,
}

/// Items of one task that are let out of quarantine.
#[derive(Debug)]
pub struct Readmission {
    pub task_id: TaskId,
    pub spider_id: SpiderId,
    pub is_test: bool,
    pub dedup: Option<DedupPolicy>,
    /// Each by its id in quarantine.
    pub items: Vec<(String, NewItem)>,
}

/// What became of them. What was no longer in quarantine is in no number.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Readmitted {
    pub stored: i64,
    pub duplicate: i64,
    /// Nested too deep to be stored; they stay.
    pub left: i64,
}

impl Documents {
    /// Stores items out of quarantine with their task, and corrects its counts; both or neither.
    pub async fn readmit(&self, mut readmission: Readmission) -> Result<Readmitted> {
        self.check_room()?;
        let all = readmission.items.len();
        readmission.items.retain(|(_, item)| !is_too_deep(&item.data));
        let left = count(all - readmission.items.len());
        let mut fields = Catalogue::default();
        readmission.items.iter().for_each(|(_, item)| fields.add(&item.data));
        Ok(Readmitted { left, ..self.store_readmitted(readmission, &fields).await? })
    }
}
