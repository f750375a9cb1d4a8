//! Whether a failure is tried again, and when.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use sha2::{Digest, Sha256};

use super::ErrorCategory;
use crate::{id::TaskId, runner::Category};

/// Between two attempts at most.
const LONGEST_PAUSE: TimeDelta = TimeDelta::hours(1);

/// What a spider's settings say of retries.
#[derive(Debug, Clone)]
pub(super) struct Policy {
    pub max_retries: i64,
    pub delay: TimeDelta,
    /// Of single categories.
    pub limits: BTreeMap<Category, i64>,
}

/// What came before in the same task.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Past {
    /// All retries so far.
    pub retries: i64,
    /// Attempts before this one that failed in the same category.
    pub alike: i64,
}

impl Policy {
    /// How often failures of the category are tried again. What cannot be understood or is forbidden seldom gets better
    /// by itself.
    fn limit(&self, category: ErrorCategory) -> i64 {
        let otherwise = match category {
            ErrorCategory::Parse => 0,
            ErrorCategory::Auth => self.max_retries.min(1),
            ErrorCategory::Network | ErrorCategory::Timeout | ErrorCategory::System => self.max_retries,
        };
        self.limits.get(&category.into()).copied().unwrap_or(otherwise)
    }

    pub(super) fn allows(&self, category: ErrorCategory, past: Past) -> bool {
        let limit = self.limit(category);
        past.alike < limit && past.retries < self.max_retries.max(limit)
    }

    /// `delay × 2^n`, give or take a fifth: what failed together should not come back together. The same attempt always
    /// waits as long.
    pub(super) fn pause(&self, task: &TaskId, retries: i64) -> TimeDelta {
        let doublings = u32::try_from(retries).unwrap_or(0).min(20);
        let full = self.delay.num_milliseconds().saturating_mul(1 << doublings).min(LONGEST_PAUSE.num_milliseconds());
        let digest = Sha256::digest(format!("{task}.{retries}"));
        let thousandths = 800 + i64::from(u16::from_be_bytes([digest[0], digest[1]])) * 400 / 65535;
        TimeDelta::milliseconds(full / 1000 * thousandths + full % 1000 * thousandths / 1000).min(LONGEST_PAUSE)
    }
}

impl From<ErrorCategory> for Category {
    fn from(category: ErrorCategory) -> Self {
        match category {
            ErrorCategory::Network => Self::Network,
            ErrorCategory::Auth => Self::Auth,
            ErrorCategory::Parse => Self::Parse,
            ErrorCategory::Timeout => Self::Timeout,
            ErrorCategory::System => Self::System,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(max_retries: i64, limits: &[(Category, i64)]) -> Policy {
        Policy { max_retries, delay: TimeDelta::seconds(60), limits: limits.iter().copied().collect() }
    }

    fn retries(policy: &Policy, category: ErrorCategory) -> i64 {
        (0..100).find(|n| !policy.allows(category, Past { retries: *n, alike: *n })).unwrap()
    }

    #[test]
    fn the_category_decides() {
        let usual = policy(3, &[]);
        assert_eq!(retries(&usual, ErrorCategory::Network), 3);
        assert_eq!(retries(&usual, ErrorCategory::Timeout), 3);
        assert_eq!(retries(&usual, ErrorCategory::System), 3);
        assert_eq!(retries(&usual, ErrorCategory::Auth), 1);
        assert_eq!(retries(&usual, ErrorCategory::Parse), 0);
        assert_eq!(retries(&policy(0, &[]), ErrorCategory::Auth), 0);
        let own = policy(1, &[(Category::Parse, 2), (Category::System, 0)]);
        assert_eq!(retries(&own, ErrorCategory::Parse), 2);
        assert_eq!(retries(&own, ErrorCategory::System), 0);
    }

    #[test]
    fn failures_of_other_categories_count_for_the_whole_only() {
        let usual = policy(3, &[]);
        assert!(usual.allows(ErrorCategory::Auth, Past { retries: 2, alike: 0 }));
        assert!(!usual.allows(ErrorCategory::Auth, Past { retries: 2, alike: 1 }));
        assert!(!usual.allows(ErrorCategory::Network, Past { retries: 3, alike: 0 }));
    }

    #[test]
    fn pauses_double_up_to_an_hour_and_differ() {
        let (usual, task) = (policy(9, &[]), TaskId::generate());
        for (retries, full) in [(0, 60), (1, 120), (2, 240), (5, 1920)] {
            let pause = usual.pause(&task, retries).num_milliseconds();
            assert!((full * 800..=full * 1200).contains(&pause), "{retries}: {pause}");
        }
        for retries in [6, 7, 40, i64::MAX] {
            assert!(usual.pause(&task, retries) <= LONGEST_PAUSE);
        }
        assert_eq!(usual.pause(&task, 1), usual.pause(&task, 1));
        let pauses: std::collections::BTreeSet<_> = (0..50).map(|_| usual.pause(&TaskId::generate(), 0)).collect();
        assert!(pauses.len() > 40, "{}", pauses.len());
        assert_eq!(Policy { delay: TimeDelta::zero(), ..usual }.pause(&task, 3), TimeDelta::zero());
    }
}
