//! How much there is.

use std::collections::HashMap;

use super::{Housekeeping, SpiderStorage, Storage, types::Counted};
use crate::{error::Result, id::SpiderId, platform::documents::Kept};

/// How many spiders are listed.
const LARGEST: usize = 20;

impl Housekeeping {
    pub(super) async fn storage(&self) -> Result<Storage> {
        let mut spiders: HashMap<SpiderId, (Kept, i64)> =
            self.documents.kept_by_spider().await?.into_iter().map(|(id, kept)| (id, (kept, 0))).collect();
        for (id, bytes) in self.tasks.uploaded_by_spider().await? {
            spiders.entry(id).or_default().1 = bytes;
        }
        let (mut total, mut files_bytes) = (Kept::default(), 0);
        for (kept, files) in spiders.values() {
            total += *kept;
            files_bytes += files;
        }
        let Counted { blobs, blocked_by: blobs_blocked_by } = self.counted();
        Ok(Storage {
            disk: self.disk.room()?,
            database_bytes: self.db.size().await? + self.documents.own_size().await?,
            blobs,
            blobs_blocked_by,
            items_bytes: total.items,
            logs_bytes: total.logs,
            files_bytes,
            spiders: self.largest(spiders).await?,
        })
    }

    async fn largest(&self, spiders: HashMap<SpiderId, (Kept, i64)>) -> Result<Vec<SpiderStorage>> {
        let mut listed: Vec<SpiderStorage> = spiders
            .into_iter()
            .map(|(spider_id, (Kept { items, logs }, files))| SpiderStorage {
                spider_id,
                name: None,
                items_bytes: items,
                logs_bytes: logs,
                files_bytes: files,
                total_bytes: items + logs + files,
            })
            .filter(|spider| spider.total_bytes > 0)
            .collect();
        listed.sort_by(|left, right| (right.total_bytes, &left.spider_id).cmp(&(left.total_bytes, &right.spider_id)));
        listed.truncate(LARGEST);
        let ids: Vec<SpiderId> = listed.iter().map(|spider| spider.spider_id.clone()).collect();
        let mut names: HashMap<SpiderId, String> = self.names(&ids).await?.into_iter().collect();
        for spider in &mut listed {
            spider.name = names.remove(&spider.spider_id);
        }
        Ok(listed)
    }
}
