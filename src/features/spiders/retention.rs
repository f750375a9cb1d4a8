//! What of a spider is kept how long.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{error::Checks, text};

/// Left out: as the server is set. 0: for ever, all, or no quota.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct Retention {
    /// How long ended tasks are kept, with their logs, items and files.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub task_days: Option<i64>,
    /// How many ended tasks are kept, the newest; test runs do not count.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tasks: Option<i64>,
    /// How long their logs are kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log_days: Option<i64>,
    /// How long their items are kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub item_days: Option<i64>,
    /// How many versions of the code are kept, the newest, besides those in use.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub versions: Option<i64>,
    /// How much its tasks may keep together, in MiB, before no further one is started.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quota_mb: Option<i64>,
}

impl Retention {
    /// `quota_mb` in bytes.
    pub fn quota_bytes(&self) -> Option<i64> {
        self.quota_mb.map(|mb| mb << 20)
    }

    pub(super) fn check(&self, checks: &mut Checks) {
        for (name, value, most) in [
            ("task_days", self.task_days, 36_500),
            ("tasks", self.tasks, 1_000_000_000),
            ("log_days", self.log_days, 36_500),
            ("item_days", self.item_days, 36_500),
            ("versions", self.versions, 1_000_000),
            ("quota_mb", self.quota_mb, 1 << 30),
        ] {
            let fits = value.is_none_or(|value| (0..=most).contains(&value));
            checks.require(fits, &format!("body.retention.{name}"), "value_error", || {
                text!("须在 0 到 {most} 之间", "must be between 0 and {most}")
            });
        }
    }
}
