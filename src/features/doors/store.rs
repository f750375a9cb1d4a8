use std::collections::HashMap;

use chrono::{DateTime, Utc};
use sqlx::FromRow;

use super::{Doors, Room};
use crate::{
    error::Result,
    id::UserId,
    platform::{containers::ContainerId, database::in_list},
};

/// What a door has to know of its room.
#[derive(Debug, Clone, FromRow)]
pub(super) struct Known {
    name: String,
    pub user_id: UserId,
    status: String,
    pub container_id: Option<ContainerId>,
    pub upstream: Option<String>,
    #[sqlx(default)]
    pub is_public: bool,
    /// `None` where it does not end by itself.
    #[sqlx(default)]
    pub expires_at: Option<DateTime<Utc>>,
}

/// How a room is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    Coming,
    Open,
    Going,
    Stopped,
    Failed,
}

impl Known {
    #[cfg(test)]
    pub(super) fn of_an_open_room(upstream: &str) -> Self {
        Self {
            name: String::new(),
            user_id: UserId::from("user".to_owned()),
            status: "ready".to_owned(),
            container_id: None,
            upstream: Some(upstream.to_owned()),
            is_public: false,
            expires_at: None,
        }
    }

    pub(super) fn state(&self) -> State {
        match self.status.as_str() {
            "ready" | "running" => State::Open,
            "syncing" => State::Going,
            "stopped" => State::Stopped,
            "failed" | "error" => State::Failed,
            _ => State::Coming,
        }
    }

    /// Whether everybody may come in: who is to hear that it stands still is its owner.
    pub(super) fn is_for_all(&self) -> bool {
        self.is_public && matches!(self.state(), State::Coming | State::Open)
    }
}

/// Where rooms of a kind are written down.
struct Rows {
    table: &'static str,
    /// By which an address names one.
    name: &'static str,
    columns: &'static str,
    /// How it is.
    status: &'static str,
    /// Those that there are.
    there: &'static str,
    /// Those that can be opened.
    opened: &'static str,
    tokens: &'static str,
    of: &'static str,
    /// With its time in $2.
    touched: &'static str,
}

const EDITORS: Rows = Rows {
    table: "code_sessions",
    name: "id",
    columns: "room.expires_at",
    status: "room.status",
    there: "room.status IN ('pending', 'starting', 'ready', 'syncing')",
    opened: "status IN ('pending', 'starting', 'ready')",
    tokens: "code_session_tokens",
    of: "session_id",
    touched: "last_active_at = $2, warned_at = NULL",
};

const INSTANCES: Rows = Rows {
    table: "instances",
    name: "prefix",
    columns: "room.is_public",
    // What is to end lets nobody in any more.
    status: "CASE WHEN room.desired = 'running' THEN room.status ELSE 'stopped' END",
    there: "room.desired <> 'deleted'",
    opened: "desired = 'running'",
    tokens: "instance_tokens",
    of: "instance_id",
    touched: "last_active_at = $2",
};

impl Room {
    fn rows(&self) -> &'static Rows {
        match self {
            Self::Editor(_) => &EDITORS,
            Self::Instance(_) => &INSTANCES,
        }
    }
}

impl Doors {
    /// Those of the rooms that are there, and whose users may still have one.
    pub(super) async fn there_are(&self, rooms: &[Room]) -> Result<HashMap<Room, Known>> {
        let mut found = HashMap::new();
        for rows in [&EDITORS, &INSTANCES] {
            let asked: Vec<&Room> = rooms.iter().filter(|room| room.rows().table == rows.table).collect();
            if asked.is_empty() {
                continue;
            }
            let Rows { table, name, columns, status, there, .. } = rows;
            let mut query = self.db.query_text(format!(
                "SELECT room.{name} AS name, room.user_id, {status} AS status, room.container_id, room.upstream, {columns}
                   FROM {table} room JOIN users ON users.id = room.user_id
                  WHERE room.{name} IN ({}) AND {there} AND users.is_active AND users.role IN ('editor', 'admin')",
                in_list(1, asked.len())
            ));
            for room in &asked {
                query = query.bind(room.name());
            }
            for known in query.fetch_all::<Known>().await? {
                if let Some(room) = asked.iter().find(|room| room.name() == known.name) {
                    found.insert((*room).clone(), known);
                }
            }
        }
        Ok(found)
    }

    /// Whether the room is one that can be opened.
    pub(super) async fn insert_token(&self, hash: &str, expires_at: DateTime<Utc>, room: &Room) -> Result<bool> {
        let Rows { table, name, opened, tokens, of, .. } = room.rows();
        let inserted = self
            .db
            .query_text(format!(
                "INSERT INTO {tokens} (hash, {of}, expires_at)
                 SELECT $1, id, $2 FROM {table} WHERE {name} = $3 AND {opened}"
            ))
            .bind(hash)
            .bind(expires_at)
            .bind(room.name())
            .execute()
            .await?;
        Ok(inserted > 0)
    }

    pub(super) async fn remove_old_tokens(&self, room: &Room) -> Result<()> {
        let removed = self.db.query_text(format!("DELETE FROM {} WHERE expires_at <= $1", room.rows().tokens));
        removed.bind(self.clock.now()).execute().await.map(drop)
    }

    /// Whether there was such a token; now there is none.
    pub(super) async fn take_token(&self, hash: &str, room: &Room) -> Result<bool> {
        let Rows { table, name, opened, tokens, of, .. } = room.rows();
        let taken = self
            .db
            .query_text(format!(
                "DELETE FROM {tokens}
                  WHERE hash = $1 AND expires_at > $2
                    AND {of} IN (SELECT id FROM {table} WHERE {name} = $3 AND {opened})"
            ))
            .bind(hash)
            .bind(self.clock.now())
            .bind(room.name())
            .execute()
            .await?;
        Ok(taken > 0)
    }

    /// Somebody has done something in it then.
    pub(super) async fn note_activity(&self, room: &Room, at: DateTime<Utc>) -> Result<()> {
        let Rows { table, name, touched, .. } = room.rows();
        let noted = format!("UPDATE {table} SET {touched} WHERE {name} = $1 AND last_active_at < $2");
        self.db.query_text(noted).bind(room.name()).bind(at).execute().await.map(drop)
    }
}
