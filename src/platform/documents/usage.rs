//! How much there is, from the books that are kept with every batch.

use std::ops::AddAssign;

use sqlx::FromRow;

/// In bytes, as it was sent; the database's own needs come on top.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, FromRow)]
pub struct Kept {
    pub items: i64,
    pub logs: i64,
}

/// Items in number.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, FromRow)]
pub struct Held {
    pub items: i64,
    /// How many were removed or replaced so far, of tasks that are still known: where it has changed, what was read before
    /// may read differently now.
    pub altered: i64,
}

impl AddAssign for Kept {
    fn add_assign(&mut self, other: Self) {
        self.items += other.items;
        self.logs += other.logs;
    }
}
