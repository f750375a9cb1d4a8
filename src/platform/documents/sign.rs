use chrono::{DateTime, Utc};

use super::Documents;
use crate::{error::Result, id::TaskId};

impl Documents {
    /// When the task last printed or delivered something, as far as there is anything of it.
    pub async fn last_sign(&self, task_id: &TaskId) -> Result<Option<DateTime<Utc>>> {
        let mut last = None;
        for sql in [
            "SELECT created_at FROM log_chunks WHERE task_id = $1 ORDER BY first_seq DESC LIMIT 1",
            "SELECT created_at FROM items WHERE task_id = $1 ORDER BY id DESC LIMIT 1",
        ] {
            let newest: Option<(DateTime<Utc>,)> = self.db.query(sql).bind(task_id).fetch_optional().await?;
            last = last.max(newest.map(|(at,)| at));
        }
        Ok(last)
    }
}
