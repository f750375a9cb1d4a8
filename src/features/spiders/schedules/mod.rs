//! Schedules: when spiders run by themselves. A spider's own `cron_expr` is its first one, of the same id, and kept in
//! step with it; more may stand beside. Where the spider has none, a former one stays for its ledger, and is not shown.
//!
//! `next_run_at` of a row is the first planned time that is not judged. The loop that judges (in the tasks feature, as it
//! queues them) moves it on, and writes what became of each planned time to the ledger, all in one transaction. Whoever
//! changes a schedule holds its spider's row meanwhile, as the loop does.

mod again;
mod due;
mod explain;
mod ledger;
mod own;
mod passed;
mod routes;
mod service;
mod store;
mod types;

pub use due::{Advance, Due, Held, Place, advance, hold};
pub use ledger::{PAUSED, record};
pub(super) use own::keep_in_step;
pub use passed::{Earlier, Passed};
pub(super) use routes::router;
pub use types::{Explanation, Fire, FireFilter, FireOutcome, Schedule, ScheduleChange, ScheduleFilter};

/// What a priority may be.
pub const PRIORITIES: std::ops::RangeInclusive<i64> = -100..=100;
