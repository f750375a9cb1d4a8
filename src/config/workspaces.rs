use anyhow::ensure;
use serde::Deserialize;

/// Places to run commands and keep files in.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Workspaces {
    pub image: String,
    pub mode: WorkspaceMode,
    pub cpus: f64,
    pub memory_mb: i64,
    pub processes: i64,
    pub file_mb: i64,
    pub disk_mb: i64,
    pub idle_minutes: i64,
    pub commands_per_user: i64,
    pub commands_in_all: i64,
    pub terminals_per_user: i64,
    pub per_user: i64,
    pub in_all: i64,
}

/// How commands are run that do not say it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum WorkspaceMode {
    Persistent,
    Ephemeral,
}

impl Workspaces {
    pub(super) fn validate(&self) -> anyhow::Result<()> {
        ensure!(self.cpus > 0.0 && self.cpus <= 1024.0, "workspaces.cpus must be above 0");
        for (name, number, least) in [
            ("memory_mb", self.memory_mb, 32),
            ("processes", self.processes, 16),
            ("file_mb", self.file_mb, 1),
            ("disk_mb", self.disk_mb, 1),
            ("idle_minutes", self.idle_minutes, 1),
            ("commands_per_user", self.commands_per_user, 1),
            ("commands_in_all", self.commands_in_all, 1),
            ("terminals_per_user", self.terminals_per_user, 0),
            ("per_user", self.per_user, 1),
            ("in_all", self.in_all, 1),
        ] {
            ensure!((least..=1_000_000).contains(&number), "workspaces.{name} must be between {least} and 1000000");
        }
        Ok(())
    }
}
