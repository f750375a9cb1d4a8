use chrono::{DateTime, Utc};

use super::{
    Source, Spider, SpiderChange, Spiders,
    change::Bounds,
    files::{FilesChange, MAIN, SpiderFile},
    repository,
    schedules::keep_in_step,
    store,
    templates::{self, Template},
};
use crate::{
    error::{Error, Result},
    features::env_vars::{self, EnvVars},
    id::{ProjectId, ScheduleId, SpiderId},
    text,
};

impl Spiders {
    pub async fn create(&self, mut new: SpiderChange) -> Result<Spider> {
        let now = self.clock.now();
        let name = new.name.clone();
        let name = name.ok_or_else(|| Error::invalid("body.name", "missing", text!("必填", "is required")))?;
        new.prepare(self.bounds(), now)?;
        let template = new.template.as_deref().map(find_template).transpose()?;
        let env_vars =
            new.env_vars.take().map(|given| env_vars::read("body.env_vars", &given, &EnvVars::new())).transpose()?;
        let project_id = match new.project_id.take() {
            Some(id) if !id.as_str().is_empty() => self.known_project(id).await?,
            _ => self.projects.default_id().await?,
        };

        let mut spider = Spider::named(name, project_id, now);
        if let Some(template) = template {
            spider.source = template.source;
            template.entry_point.clone_into(&mut spider.entry_point);
            template.requirements_txt.clone_into(&mut spider.requirements_txt);
        }
        new.apply(&mut spider);
        self.check_repository(&spider).await?;
        if let Some(env_vars) = env_vars {
            spider.sealed_env_vars = self.sealed(&spider.id, &env_vars)?;
        }
        self.insert(&spider, template).await?;
        self.shown(&spider.id).await
    }

    /// With its own schedule and its first files.
    pub(super) async fn insert(&self, spider: &Spider, template: Option<&Template>) -> Result<()> {
        let now = self.clock.now();
        let files = self.first_files(spider, template).await?;
        let mut transaction = self.db.begin().await?;
        store::insert(&mut transaction, spider).await?;
        keep_in_step(&mut transaction, None, spider, now).await?;
        let mut change = FilesChange::of_new(self, transaction, &spider.id, now);
        for file in files {
            change.put(file).await?;
        }
        if spider.source == Source::Git {
            self.projects.pull_in(&mut change.transaction, &spider.project_id).await?;
        }
        change.commit(None).await?;
        self.projects.sync_due().notify_one();
        self.schedules_changed.notify_one();
        Ok(())
    }

    /// The template's, with `script_content` as `main.py`. Their contents are kept already.
    async fn first_files(&self, spider: &Spider, template: Option<&Template>) -> Result<Vec<SpiderFile>> {
        let script = Some((MAIN, spider.script_content.as_str())).filter(|(_, content)| !content.is_empty());
        let templates = template.map(|template| template.files).unwrap_or_default();
        let of_template = templates.iter().map(|file| (file.path, file.content));
        let mut files = Vec::new();
        for (path, content) in of_template.filter(|(path, _)| script.is_none() || *path != MAIN).chain(script) {
            let hash = self.blobs.put(content.to_owned()).await?;
            let size = i64::try_from(content.len()).unwrap_or(i64::MAX);
            files.push(SpiderFile::new(&spider.id, path.to_owned(), hash, size, spider.created_at));
        }
        Ok(files)
    }

    pub async fn change(&self, id: &SpiderId, mut change: SpiderChange) -> Result<Spider> {
        change.prepare(self.bounds(), self.clock.now())?;
        let project_id = match change.project_id.take() {
            Some(id) => Some(self.known_project(id).await?),
            None => None,
        };
        let mut outlook = self.get(id).await?;
        if change.source.is_some() || change.git_repo.is_some() || project_id.is_some() {
            outlook.source = change.source.unwrap_or(outlook.source);
            outlook.git_repo = change.git_repo.clone().unwrap_or(outlook.git_repo);
            outlook.project_id = project_id.clone().unwrap_or(outlook.project_id);
            self.check_repository(&outlook).await?;
        }
        let script = change.script_content.clone().filter(|script| !script.is_empty());
        if let Some(script) = &script {
            self.blobs.put(script.clone()).await?;
        }

        let mut files = self.change_files(id).await?;
        let mut spider = store::get_in(&mut files.transaction, id).await?;
        if let Some(given) = change.env_vars.take() {
            let env_vars = env_vars::read("body.env_vars", &given, &self.readable_env_vars(&spider))?;
            spider.sealed_env_vars = self.sealed(id, &env_vars)?;
        }
        if let Some(project_id) = project_id {
            spider.project_id = project_id;
        }
        let former = spider.clone();
        change.apply(&mut spider);
        store::update(&mut files.transaction, &spider).await?;
        keep_in_step(&mut files.transaction, Some(&former), &spider, files.now).await?;
        let place = |spider: &Spider| (spider.source, spider.project_id.clone(), spider.git_repo.clone());
        if spider.source == Source::Git && place(&spider) != place(&former) {
            self.projects.pull_in(&mut files.transaction, &spider.project_id).await?;
        } else if spider.source != Source::Git && former.source == Source::Git {
            repository::forget(&mut files.transaction, id).await?;
        }
        if let Some(script) = &script {
            files.put_script(script).await?;
        }
        files.commit(script).await?;
        self.projects.sync_due().notify_one();
        self.schedules_changed.notify_one();
        self.shown(id).await
    }

    pub async fn delete(&self, id: &SpiderId) -> Result<()> {
        if self.remove_idle(id).await? {
            return Ok(());
        }
        self.require(id).await?;
        Err(Error::conflict(
            "spider_busy",
            text!(
                "爬虫还有等待中或运行中的任务，请先取消或等待其结束",
                "the spider has tasks that wait or run; cancel them, or wait for their end"
            ),
        ))
    }

    /// The planned times to come by its own schedule; none while it is inactive or has no such schedule.
    pub async fn schedule(&self, id: &SpiderId, count: usize) -> Result<Vec<DateTime<Utc>>> {
        self.require(id).await?;
        match self.upcoming(&ScheduleId::from(id.to_string()), count).await {
            Err(Error::NotFound(_)) => Ok(Vec::new()),
            upcoming => upcoming,
        }
    }

    /// Decrypted, for its process.
    pub async fn env_vars(&self, id: &SpiderId) -> Result<Vec<(String, String)>> {
        let spider = self.get(id).await?;
        Ok(self.opened(&spider)?.into_iter().collect())
    }

    /// What its row does not say.
    pub(super) fn completed(&self, mut spider: Spider) -> Spider {
        spider.env_vars = env_vars::masked(self.readable_env_vars(&spider));
        spider
    }

    /// For people: with the next planned time also where the row still has one that is just being judged.
    pub(super) async fn shown(&self, id: &SpiderId) -> Result<Spider> {
        Ok(self.all_shown(vec![self.get(id).await?]).await?.remove(0))
    }

    pub(super) async fn all_shown(&self, mut spiders: Vec<Spider>) -> Result<Vec<Spider>> {
        let now = self.clock.now();
        let late = |spider: &Spider| spider.next_run_at.is_some_and(|next| next <= now);
        let being_judged: Vec<SpiderId> =
            spiders.iter().filter(|spider| late(spider)).map(|spider| spider.id.clone()).collect();
        let next = if being_judged.is_empty() { Vec::new() } else { self.next_runs(&being_judged).await? };
        for spider in &mut spiders {
            if late(spider) {
                spider.next_run_at = next.iter().filter(|(id, _)| *id == spider.id).map(|(_, at)| *at).min();
            }
        }
        Ok(spiders)
    }

    /// None where they were encrypted with another key: the spider can still be seen, and given new ones.
    fn readable_env_vars(&self, spider: &Spider) -> EnvVars {
        self.opened(spider).unwrap_or_else(|error| {
            tracing::warn!(spider = %spider.id, "env_vars are unreadable: {error}");
            EnvVars::new()
        })
    }

    fn opened(&self, spider: &Spider) -> Result<EnvVars> {
        if spider.sealed_env_vars.is_empty() {
            return Ok(EnvVars::new());
        }
        let json = self.secrets.open_sealed(&owner(&spider.id), &spider.sealed_env_vars)?;
        serde_json::from_slice(&json).map_err(Error::internal)
    }

    pub(super) fn sealed(&self, id: &SpiderId, env_vars: &EnvVars) -> Result<Vec<u8>> {
        if env_vars.is_empty() {
            return Ok(Vec::new());
        }
        self.secrets.seal(&owner(id), &serde_json::to_vec(env_vars).map_err(Error::internal)?)
    }

    async fn known_project(&self, id: ProjectId) -> Result<ProjectId> {
        match self.projects.get(&id).await {
            Ok(project) => Ok(project.id),
            Err(Error::NotFound(problem)) => Err(Error::invalid("body.project_id", "value_error", problem.text)),
            Err(error) => Err(error),
        }
    }

    pub(super) fn bounds(&self) -> Bounds {
        Bounds { max_timeout_seconds: self.max_timeout_seconds, max_script_bytes: self.limits.max_file_bytes }
    }
}

/// Encrypted values open for this row alone.
fn owner(id: &SpiderId) -> String {
    format!("spider:{id}")
}

fn find_template(name: &str) -> Result<&'static Template> {
    templates::find(name).ok_or_else(|| {
        let names: Vec<&str> = templates::TEMPLATES.iter().map(|template| template.name).collect();
        let names = names.join(", ");
        Error::invalid(
            "body.template",
            "value_error",
            text!("没有模板 {name}，可选：{names}", "there is no template {name}; choose one of: {names}"),
        )
    })
}
