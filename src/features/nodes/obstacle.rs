//! Why a node is given no tasks, and its status.

use chrono::{DateTime, Utc};

use super::{Node, NodeStatus, types::OFFLINE_AFTER};
use crate::{error::Text, platform::http::said, protocol::PROTOCOL, text};

/// What keeps a node from being given tasks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Obstacle {
    Offline,
    Incompatible,
    /// Two agents use its token.
    Doubled,
    Draining,
    /// Its agent is about to end.
    Stopping,
    DiskFull,
}

impl Obstacle {
    /// It takes no tasks, but does what it is told otherwise.
    pub(super) fn is_at_work(self) -> bool {
        matches!(self, Self::Draining)
    }

    /// Of the node called `name`.
    pub fn sentence(self, name: &str) -> Text {
        match self {
            Self::Offline => text!("节点 {name} 离线", "node {name} is offline"),
            Self::Incompatible => text!(
                "节点 {name} 的代理版本不兼容，请升级",
                "the agent of node {name} is of an incompatible version: update it"
            ),
            Self::Doubled => text!(
                "两台机器同时使用节点 {name} 的令牌，请轮换令牌",
                "two machines use the token of node {name} at once: stop one of them, or rotate the token"
            ),
            Self::Draining => text!("节点 {name} 正在排空", "node {name} is draining"),
            Self::Stopping => text!("节点 {name} 正在停止", "node {name} is stopping"),
            Self::DiskFull => text!("节点 {name} 磁盘空间不足", "no room on the disk of node {name}"),
        }
    }
}

impl Node {
    /// Why it may not be given tasks at this time, free slots aside.
    pub fn obstacle(&self, now: DateTime<Utc>) -> Option<Obstacle> {
        if self.last_heartbeat.is_none_or(|at| now - at >= OFFLINE_AFTER) {
            return Some(Obstacle::Offline);
        }
        if self.protocol != Some(PROTOCOL) {
            return Some(Obstacle::Incompatible);
        }
        if self.doubled_at.is_some_and(|at| now - at < OFFLINE_AFTER) {
            return Some(Obstacle::Doubled);
        }
        if self.is_draining {
            return Some(Obstacle::Draining);
        }
        match &self.report {
            Some(report) if report.is_stopping => Some(Obstacle::Stopping),
            Some(report) if report.is_disk_full => Some(Obstacle::DiskFull),
            _ => None,
        }
    }

    /// With what follows from the time, in the caller's language.
    pub(super) fn shown(mut self, now: DateTime<Utc>) -> Self {
        let obstacle = self.obstacle(now);
        self.status = match obstacle {
            Some(Obstacle::Offline) => NodeStatus::Offline,
            Some(Obstacle::Incompatible) => NodeStatus::Incompatible,
            _ if self.is_draining => NodeStatus::Draining,
            Some(Obstacle::Draining | Obstacle::Stopping) => NodeStatus::Draining,
            Some(Obstacle::Doubled | Obstacle::DiskFull) | None => NodeStatus::Online,
        };
        // One that was never there, or drains, is as its status says.
        let obstacle = obstacle.filter(|obstacle| !matches!(obstacle, Obstacle::Offline | Obstacle::Draining));
        self.problem = obstacle.map(|obstacle| said(obstacle.sentence(&self.name)));
        self
    }
}
