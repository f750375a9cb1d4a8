use anyhow::ensure;
use serde::Deserialize;

/// Proxies that spiders may go through.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Proxies {
    pub check_url: String,
    pub check_minutes: i64,
    pub cooldown_seconds: i64,
    pub rest_seconds: i64,
    pub when_none: WhenNone,
    pub allow_private: bool,
}

impl Proxies {
    pub(super) fn validate(&self) -> anyhow::Result<()> {
        let Self { check_url, check_minutes, cooldown_seconds, rest_seconds, .. } = self;
        ensure!(check_url.is_empty() || check_url.starts_with("http"), "not an http address: {check_url:?}");
        for (name, time) in
            [("check_minutes", check_minutes), ("cooldown_seconds", cooldown_seconds), ("rest_seconds", rest_seconds)]
        {
            ensure!((0..=604_800).contains(time), "proxies.{name} must be between 0 and 604800");
        }
        Ok(())
    }
}

/// What becomes of a run that is to go through a proxy while none can be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum WhenNone {
    Fail,
    Direct,
}
