use anyhow::ensure;
use serde::{Deserialize, Serialize};

/// Where spiders run whose `runner` is `swarm`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Swarm {
    pub host: String,
    pub image: String,
    pub slots: i64,
    pub start_seconds: i64,
    pub api_url: String,
    pub network: String,
    pub engines: String,
}

impl Swarm {
    pub(super) fn validate(&self) -> anyhow::Result<()> {
        for (name, number, least) in [("slots", self.slots, 1), ("start_seconds", self.start_seconds, 5)] {
            ensure!((least..=100_000).contains(&number), "swarm.{name} must be between {least} and 100000");
        }
        ensure!(!self.image.is_empty(), "swarm.image must name an image");
        Ok(())
    }
}
