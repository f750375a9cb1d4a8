use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use sqlx::FromRow;
use utoipa::ToSchema;

use super::super::Status;
use crate::{
    id::{DatasourceId, LinkId, SpiderId, TaskId},
    platform::{http::sent, sink::SinkKind},
};

/// A spider's items go to a table of a datasource.
#[derive(Debug, Clone, Serialize, FromRow, ToSchema)]
pub(in super::super) struct Link {
    pub id: LinkId,
    pub spider_id: SpiderId,
    pub datasource_id: DatasourceId,
    /// A table (`schema.table`, of MySQL `database.table`, where there is a dot) or a collection.
    pub target_table: String,
    /// While it is off, items wait.
    pub is_enabled: bool,
    /// Whether the table is made where there is none.
    pub create_table: bool,
    /// Whether items of before the link are delivered too.
    pub backfill: bool,
    pub datasource_name: String,
    pub datasource_type: SinkKind,
    pub datasource_status: Status,
    /// Items that wait to be delivered.
    #[sqlx(skip)]
    pub backlog: i64,
    pub delivered: i64,
    /// Items that the table would not take; see `…/refused`.
    pub refused: i64,
    /// Items that were removed, or replaced by later ones, before they could be delivered.
    pub gone: i64,
    /// Attempts since the last that went well.
    pub failures: i64,
    pub failing_since: Option<DateTime<Utc>>,
    /// Of the last attempt; null: it went well.
    pub last_error: Option<String>,
    pub last_delivered_at: Option<DateTime<Utc>>,
    /// While it fails: when it is tried again.
    pub next_attempt_at: Option<DateTime<Utc>>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

#[derive(Debug, Clone, Deserialize, ToSchema)]
pub(super) struct NewLink {
    #[schema(value_type = String)]
    pub datasource_id: DatasourceId,
    /// 1 to 255 characters, as the database takes them for a table; one dot separates schema and table.
    pub target_table: String,
    #[serde(default = "yes")]
    #[schema(default = true)]
    pub is_enabled: bool,
    /// Make the table where there is none.
    #[serde(default = "yes")]
    #[schema(default = true)]
    pub create_table: bool,
    /// Deliver the items that there are already; else only what comes from now on.
    #[serde(default)]
    pub backfill: bool,
}

fn yes() -> bool {
    true
}

/// A field left out stays as it is.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(default)]
pub(super) struct LinkChange {
    /// What was delivered stays where it is; what comes goes there.
    #[serde(deserialize_with = "sent")]
    pub target_table: Option<String>,
    #[serde(deserialize_with = "sent")]
    pub is_enabled: Option<bool>,
    #[serde(deserialize_with = "sent")]
    pub create_table: Option<bool>,
}

/// An item that a table would not take.
#[derive(Debug, Serialize, FromRow, ToSchema)]
pub(super) struct Refusal {
    pub item_id: String,
    pub task_id: TaskId,
    /// In the engine's words.
    pub reason: String,
    pub refused_at: DateTime<Utc>,
}
