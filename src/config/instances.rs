use std::ops::RangeInclusive;

use anyhow::{Context, ensure};
use serde::Deserialize;

use super::{by_comma, docker::range_of};

/// Programs with a web page at a host of their own.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Instances {
    #[serde(deserialize_with = "by_comma")]
    pub images: Vec<String>,
    pub container_port: u16,
    pub ports: String,
    pub cpus: f64,
    pub memory_mb: i64,
    pub processes: i64,
    pub disk_mb: i64,
    pub start_seconds: i64,
    pub idle_hours: i64,
    pub per_user: i64,
    pub per_user_running: i64,
    pub in_all: i64,
}

impl Instances {
    /// To publish instances at.
    pub fn ports(&self) -> anyhow::Result<RangeInclusive<u16>> {
        range_of(&self.ports).with_context(|| format!("instances.ports is no range as 5174-6173: {:?}", self.ports))
    }

    pub(super) fn validate(&self) -> anyhow::Result<()> {
        self.ports()?;
        ensure!(self.container_port >= 1024, "instances.container_port must be at least 1024");
        ensure!(self.cpus > 0.0 && self.cpus <= 1024.0, "instances.cpus must be above 0");
        for (name, number, least) in [
            ("memory_mb", self.memory_mb, 32),
            ("processes", self.processes, 16),
            ("disk_mb", self.disk_mb, 0),
            ("start_seconds", self.start_seconds, 1),
            ("idle_hours", self.idle_hours, 0),
            ("per_user", self.per_user, 1),
            ("per_user_running", self.per_user_running, 1),
            ("in_all", self.in_all, 1),
        ] {
            ensure!((least..=1_000_000).contains(&number), "instances.{name} must be between {least} and 1000000");
        }
        Ok(())
    }
}
