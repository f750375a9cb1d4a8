//! A new link: which of the spider's tasks concern it.

use super::{super::Datasources, types::Claimed};
use crate::error::Result;

/// Tasks in one statement.
const AT_ONCE: i64 = 1000;

impl Datasources {
    /// The link was there before: whatever starts since then knows it. What had started then is found here, but for what
    /// had been looked at as it was made.
    pub(super) async fn enrol(&self, link: &Claimed) -> Result<()> {
        while self.enrol_some(link, AT_ONCE).await? > 0 {
            if self.stop.is_cancelled() {
                return Ok(());
            }
        }
        self.set_enrolled(&link.id).await
    }
}
