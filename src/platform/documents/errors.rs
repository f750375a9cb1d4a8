//! Errors in logs, those of one kind together: what goes wrong with a spider, since when, how often, in which version.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::Serialize;
use sqlx::FromRow;

use super::logs::{Level, NewLines};
use crate::id::TaskId;

/// How many kinds of errors a spider has at most. Another one takes the place of that which was not seen for longest.
pub(super) const MOST_GROUPS: i64 = 500;

/// An error as it was found in a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeenError {
    /// What errors of its kind have in common.
    pub fingerprint: String,
    pub level: Level,
    /// Some hundred characters.
    pub title: String,
    /// Its lines, some kilobytes of them.
    pub sample: String,
    pub at: DateTime<Utc>,
    /// Where it stands in the task's log.
    pub seq: i64,
    /// The place of the line that showed that it was over. Errors come in this order.
    pub known_at: i64,
}

/// Errors of one kind in the logs of a spider's runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, FromRow, utoipa::ToSchema)]
pub struct ErrorGroup {
    /// The kind: the exception's type, the innermost functions, and its message without numbers and quoted values; of a
    /// line without a traceback, its text without them.
    pub fingerprint: String,
    pub level: Level,
    /// Of the newest of them.
    pub title: String,
    /// The newest of them, as it was printed.
    pub sample: String,
    /// How often it was seen; tests do not count.
    pub count: i64,
    pub first_seen: DateTime<Utc>,
    pub last_seen: DateTime<Utc>,
    pub first_task: TaskId,
    pub last_task: TaskId,
    /// Where the newest of them stands in the log of `last_task`.
    pub last_seq: i64,
    /// The version that was deployed when it was first seen; null: the files as they were.
    pub first_version: Option<i64>,
    /// The version that was deployed when it was last seen.
    pub last_version: Option<i64>,
}

/// What a call adds to a group.
#[derive(Debug)]
pub(super) struct Seen<'a> {
    pub count: i64,
    /// When the first of them was seen.
    pub since: DateTime<Utc>,
    pub newest: &'a SeenError,
}

impl NewLines {
    /// Its errors by fingerprint, but for those that were counted up to the place `upto`.
    pub(super) fn seen(&self, upto: i64) -> BTreeMap<&str, Seen<'_>> {
        let mut groups: BTreeMap<&str, Seen<'_>> = BTreeMap::new();
        for error in self.errors.iter().filter(|error| error.known_at > upto) {
            groups
                .entry(&error.fingerprint)
                .and_modify(|seen| {
                    seen.count += 1;
                    seen.newest = error;
                })
                .or_insert(Seen { count: 1, since: error.at, newest: error });
        }
        groups
    }

    /// Up to which place its errors are counted once they are stored; `None` where it has none.
    pub(super) fn errors_upto(&self) -> Option<i64> {
        self.errors.iter().map(|error| error.known_at).max()
    }
}
