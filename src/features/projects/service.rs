use super::{Project, ProjectChange, Projects, repository::Repository, store, sync, types::ProjectClone};
use crate::{
    error::{Error, Result},
    id::{NodeId, ProjectId},
    platform::database::Transaction,
    text,
};

impl Projects {
    pub async fn create(&self, new: ProjectChange) -> Result<Project> {
        self.create_on(new, None).await
    }

    /// Without a node, the server keeps the repository.
    async fn create_on(&self, new: ProjectChange, node: Option<&NodeId>) -> Result<Project> {
        if new.name.is_none() {
            return Err(Error::invalid("body.name", "missing", text!("必填", "is required")));
        }
        new.check()?;
        let id = ProjectId::generate();
        let repository = Repository::default().changed(&new, |secret| self.seal(&id, secret))?;
        let now = self.clock.now();
        let mut transaction = self.db.begin().await?;
        store::insert(&mut transaction, &id, &new, (now, now)).await?;
        if let Some(node) = node {
            store::set_node(&mut transaction, &id, node).await?;
        }
        if repository != Repository::default() {
            store::set_repository(&mut transaction, &id, &repository, true).await?;
            sync::ask(&mut transaction, &id, false).await?;
        }
        transaction.commit().await?;
        self.notify();
        self.get(&id).await
    }

    /// Wakes whoever brings repositories up to date.
    fn notify(&self) {
        self.sync_due.notify_one();
        self.nodes_due.notify_one();
    }

    /// A project whose repository is fetched at once.
    pub(super) async fn clone_repository(&self, new: ProjectClone) -> Result<Project> {
        let ProjectClone { name, description, git_url, git_branch, git_token, git_key, node_id } = new;
        if git_url.as_deref().is_none_or(str::is_empty) {
            return Err(Error::invalid("body.git_url", "missing", text!("必填", "is required")));
        }
        let change =
            ProjectChange { name, description, git_url, git_branch, git_token, git_key, ..ProjectChange::default() };
        change.check()?;
        if let Some(node) = node_id.filter(|node| !node.is_empty()) {
            let node = NodeId::from(node);
            self.nodes.online(&node).await?;
            return self.create_on(change, Some(&node)).await;
        }
        self.create(change).await
    }

    pub async fn change(&self, id: &ProjectId, change: ProjectChange) -> Result<Project> {
        change.check()?;
        let mut transaction = self.db.begin().await?;
        let (name, former) = store::held(&mut transaction, id).await?;
        if name == "default" && change.name.as_deref().is_some_and(|name| name != "default") {
            return Err(Error::conflict(
                "project_default",
                text!("默认项目不能改名", "the project named default keeps its name"),
            ));
        }
        let repository = former.changed(&change, |secret| self.seal(id, secret))?;
        store::update(&mut transaction, id, &change, self.clock.now()).await?;
        if repository != former {
            let is_other = repository.git_url != former.git_url;
            store::set_repository(&mut transaction, id, &repository, is_other).await?;
            sync::ask(&mut transaction, id, false).await?;
        }
        transaction.commit().await?;
        if let Some(url) = former.git_url.filter(|url| repository.git_url.as_ref() != Some(url)) {
            self.remove_copy(id, &url).await;
        }
        self.notify();
        self.get(id).await
    }

    /// Asks for the repository to be fetched. Where that goes on already, another round follows.
    pub(super) async fn pull(&self, id: &ProjectId, force: bool) -> Result<Project> {
        let mut transaction = self.db.begin().await?;
        let is_asked = sync::ask(&mut transaction, id, force).await?;
        transaction.commit().await?;
        let project = self.get(id).await?;
        if !is_asked {
            return Err(Error::conflict(
                "no_repository",
                text!("项目没有设置 git_url", "the project has no repository; set its git_url"),
            ));
        }
        self.notify();
        Ok(project)
    }

    /// The same in a transaction that makes it necessary; [`Self::sync_due`] is to be notified after it.
    pub async fn pull_in(&self, transaction: &mut Transaction, id: &ProjectId) -> Result<()> {
        sync::ask(transaction, id, false).await.map(drop)
    }

    pub async fn delete(&self, id: &ProjectId) -> Result<()> {
        let project = self.get(id).await?;
        if project.name == "default" {
            return Err(Error::conflict(
                "project_default",
                text!("默认项目不能删除", "the project named default cannot be deleted"),
            ));
        }
        if !self.remove_empty(id).await? {
            let count = project.spider_count;
            return Err(Error::conflict(
                "project_not_empty",
                text!(
                    "项目中还有 {count} 个爬虫，请先移走或删除",
                    "the project has {count} spiders; move or delete them first"
                ),
            ));
        }
        self.forget_at_node(&project).await;
        if let Some(url) = project.git_url {
            self.remove_copy(id, &url).await;
        }
        Ok(())
    }
}
