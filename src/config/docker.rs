use std::ops::RangeInclusive;

use anyhow::Context;
use serde::{Deserialize, Serialize};

/// The container engine.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Docker {
    pub host: String,
    pub reach: Reach,
    pub ports: String,
}

impl Docker {
    /// To publish containers at.
    pub fn ports(&self) -> anyhow::Result<RangeInclusive<u16>> {
        range_of(&self.ports).with_context(|| format!("docker.ports is no range as 10000-10100: {:?}", self.ports))
    }
}

/// What is written as "10000-10100".
pub(super) fn range_of(text: &str) -> Option<RangeInclusive<u16>> {
    let (first, last) = text.split_once('-')?;
    let (first, last): (u16, u16) = (first.trim().parse().ok()?, last.trim().parse().ok()?);
    (first > 0 && first <= last).then_some(first..=last)
}

/// How containers are reached from here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Reach {
    /// At their own addresses where this machine has their network, else at published ports.
    Auto,
    Address,
    Port,
}
