use std::collections::HashMap;

use super::{
    super::Datasources,
    store::{Begun, linked_already},
    types::{Link, LinkChange, NewLink},
};
use crate::{
    error::{Checks, Error, Result},
    id::{LinkId, SpiderId, TaskId},
    platform::{
        documents::ItemFilter,
        sink::{SinkKind, check_name},
    },
    text,
};

impl Datasources {
    pub(super) async fn create_link(&self, spider: &SpiderId, new: NewLink) -> Result<Link> {
        self.spiders.get(spider).await?;
        let unknown = || {
            let id = &new.datasource_id;
            let text = text!("数据源 {id} 不存在", "there is no datasource {id}");
            Error::invalid("body.datasource_id", "value_error", text)
        };
        let source = self.find(&new.datasource_id).await?.ok_or_else(unknown)?;
        check_table(source.kind, &new.target_table)?;
        // Before what has begun is looked at: what begins or ends later is found by the loop.
        let now = self.clock.now();
        let begun = if new.backfill { Vec::new() } else { self.begun(spider).await? };
        let Some(id) = self.insert_link(spider, &new, &begun, now).await? else {
            self.find(&new.datasource_id).await?.ok_or_else(unknown)?;
            return Err(linked_already());
        };
        self.items_are_stored();
        self.shown(spider, &id).await
    }

    /// What has begun has items that the link does not concern.
    async fn begun(&self, spider: &SpiderId) -> Result<Vec<Begun>> {
        let mut begun = Vec::new();
        for task_id in self.tasks_under_way(spider).await? {
            let filter = ItemFilter { task_id: Some(task_id.clone()), ..ItemFilter::default() };
            let last_item = self.documents.last_item_id(&filter).await?;
            let counts = self.documents.counts(std::slice::from_ref(&task_id)).await?;
            let stored = counts.get(&task_id).map_or(0, |counts| counts.stored);
            begun.push(Begun { task_id, last_item, stored });
        }
        Ok(begun)
    }

    pub(super) async fn change_link(&self, spider: &SpiderId, id: &LinkId, change: LinkChange) -> Result<Link> {
        let link = self.link(spider, id).await?;
        if let Some(table) = &change.target_table {
            check_table(link.datasource_type, table)?;
        }
        if !self.update_link(id, &change).await? {
            self.link(spider, id).await?;
            return Err(linked_already());
        }
        self.items_are_stored();
        self.shown(spider, id).await
    }

    pub(super) async fn delete_link(&self, spider: &SpiderId, id: &LinkId) -> Result<()> {
        self.link(spider, id).await?;
        self.remove_link(id).await.map(drop)
    }

    /// Tries again now what waits, and what was refused.
    pub(super) async fn retry_link(&self, spider: &SpiderId, id: &LinkId) -> Result<Link> {
        self.link(spider, id).await?;
        self.make_due(id).await?;
        self.items_are_stored();
        self.shown(spider, id).await
    }

    async fn shown(&self, spider: &SpiderId, id: &LinkId) -> Result<Link> {
        let links = self.shown_links(spider).await?;
        let link = links.into_iter().find(|link| &link.id == id);
        match link {
            Some(link) => Ok(link),
            None => self.link(spider, id).await,
        }
    }

    /// With what waits.
    pub(super) async fn shown_links(&self, spider: &SpiderId) -> Result<Vec<Link>> {
        self.spiders.get(spider).await?;
        let mut links = self.links_of(spider).await?;
        let progress = self.progress_of(spider).await?;
        let mut tasks: Vec<TaskId> = progress.iter().map(|progress| progress.task_id.clone()).collect();
        tasks.sort();
        tasks.dedup();
        let counts = self.documents.counts(&tasks).await?;
        let mut waiting: HashMap<&LinkId, i64> = HashMap::new();
        for progress in &progress {
            let stored = counts.get(&progress.task_id).map_or(0, |counts| counts.stored);
            *waiting.entry(&progress.link_id).or_default() += (stored - progress.passed).max(0);
        }
        for link in &mut links {
            link.backlog = waiting.get(&link.id).copied().unwrap_or_default();
        }
        Ok(links)
    }
}

fn check_table(kind: SinkKind, name: &str) -> Result<()> {
    let mut checks = Checks::default();
    check_name(kind, name, "body.target_table", &mut checks);
    checks.finish()
}
