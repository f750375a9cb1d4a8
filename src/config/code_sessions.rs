use anyhow::ensure;
use serde::Deserialize;

/// Editors in the browser.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CodeSessions {
    pub runner: EditorRunner,
    pub image: String,
    pub cpus: f64,
    pub memory_mb: i64,
    pub processes: i64,
    pub disk_mb: i64,
    pub start_seconds: i64,
    pub idle_minutes: i64,
    pub max_minutes: i64,
    pub warn_minutes: i64,
    pub checkpoint_seconds: i64,
    pub per_user: i64,
    pub in_all: i64,
    pub warm: i64,
}

/// Which engine their containers are of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EditorRunner {
    Docker,
    Swarm,
}

impl CodeSessions {
    pub(super) fn validate(&self) -> anyhow::Result<()> {
        ensure!(self.cpus > 0.0 && self.cpus <= 1024.0, "code_sessions.cpus must be above 0");
        for (name, number, least) in [
            ("memory_mb", self.memory_mb, 128),
            ("processes", self.processes, 16),
            ("disk_mb", self.disk_mb, 0),
            ("start_seconds", self.start_seconds, 1),
            ("idle_minutes", self.idle_minutes, 1),
            ("max_minutes", self.max_minutes, 1),
            ("warn_minutes", self.warn_minutes, 0),
            ("checkpoint_seconds", self.checkpoint_seconds, 10),
            ("per_user", self.per_user, 1),
            ("in_all", self.in_all, 1),
            ("warm", self.warm, 0),
        ] {
            ensure!((least..=1_000_000).contains(&number), "code_sessions.{name} must be between {least} and 1000000");
        }
        Ok(())
    }
}
