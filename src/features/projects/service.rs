use super::{Project, ProjectChange, Projects};
use crate::{
    error::{Error, Result},
    id::ProjectId,
    text,
};

impl Projects {
    pub async fn create(&self, new: ProjectChange) -> Result<Project> {
        if new.name.is_none() {
            return Err(Error::invalid("body.name", "missing", text!("必填", "is required")));
        }
        new.check()?;
        let id = ProjectId::generate();
        let now = self.clock.now();
        self.insert(&id, &new, (now, now)).await?;
        self.get(&id).await
    }

    pub async fn change(&self, id: &ProjectId, change: ProjectChange) -> Result<Project> {
        change.check()?;
        let project = self.get(id).await?;
        if project.name == "default" && change.name.as_deref().is_some_and(|name| name != "default") {
            return Err(Error::conflict(
                "project_default",
                text!("默认项目不能改名", "the project named default keeps its name"),
            ));
        }
        self.update(id, &change, self.clock.now()).await?;
        self.get(id).await
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
        Ok(())
    }
}
