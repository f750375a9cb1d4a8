use chrono::{DateTime, Utc};
use futures_util::{StreamExt, TryStreamExt, stream};

use super::{
    super::{
        Spider, SpiderFile, Spiders,
        files::{MAIN, check_file, script_of},
    },
    Code, CodeChoice, Deployment, NewVersion, store,
    types::{DeployedContent, DeploymentStatus},
};
use crate::{
    error::{Error, Result},
    id::{DeploymentId, SpiderId},
    platform::{database::Transaction, files::Hash},
    runner::ManifestEntry,
    text,
};

/// Blobs that are asked for their size at a time.
const BLOBS_AT_ONCE: usize = 8;

impl Spiders {
    /// Keeps the files as they are, and how they are run, as the next version, which becomes the active one.
    pub async fn deploy(&self, id: &SpiderId, note: String) -> Result<Deployment> {
        let now = self.clock.now();
        let new = NewVersion { id: DeploymentId::generate(), number: None, note, created_at: now, is_active: true };
        let mut transaction = self.db.begin().await?;
        let deployment = self.deploy_in(&mut transaction, id, new, now).await?;
        transaction.commit().await?;
        Ok(deployment)
    }

    /// The same as the caller says. Holds the spider's row.
    pub(in super::super) async fn deploy_in(
        &self,
        transaction: &mut Transaction,
        id: &SpiderId,
        new: NewVersion,
        now: DateTime<Utc>,
    ) -> Result<Deployment> {
        let next = store::next_version(transaction, id, new.number.unwrap_or_default()).await?;
        let (file_count, archive_size) = store::amount_of(transaction, id).await?;
        if file_count == 0 {
            return Err(Error::bad_request(
                "no_files",
                text!("爬虫还没有文件，无法部署", "the spider has no files; there is nothing to deploy"),
            ));
        }
        let deployment = Deployment {
            id: new.id,
            spider_id: id.clone(),
            version: next.last_version,
            status: if new.is_active { DeploymentStatus::Active } else { DeploymentStatus::Archived },
            code_hash: self.code_hash_in(transaction, id).await?,
            source: next.source,
            entry_point: next.entry_point,
            requirements_txt: next.requirements_txt,
            file_count,
            archive_size,
            deploy_note: new.note,
            git_commit: next.git_commit,
            created_at: new.created_at,
            updated_at: new.created_at,
        };
        store::insert(transaction, &deployment).await?;
        if new.is_active {
            store::activate(transaction, id, Some(&deployment.id), now).await?;
        }
        Ok(deployment)
    }

    /// That version is the active one from now on, be it older or newer than the one that was.
    pub async fn roll_back(&self, id: &SpiderId, deployment: &DeploymentId) -> Result<Deployment> {
        let mut transaction = self.db.begin().await?;
        store::activate(&mut transaction, id, Some(deployment), self.clock.now()).await?;
        let active = store::get_in(&mut transaction, id, deployment).await?;
        transaction.commit().await?;
        Ok(active)
    }

    /// Runs take the files as they are from now on.
    pub async fn deactivate(&self, id: &SpiderId) -> Result<Spider> {
        let mut transaction = self.db.begin().await?;
        store::activate(&mut transaction, id, None, self.clock.now()).await?;
        transaction.commit().await?;
        self.get(id).await
    }

    /// Removes a version that nothing is to run any more. Tasks that ran it still say so.
    pub async fn remove_deployment(&self, id: &SpiderId, deployment: &DeploymentId) -> Result<()> {
        let mut transaction = self.db.begin().await?;
        store::hold(&mut transaction, id).await?;
        let deployment = store::get_in(&mut transaction, id, deployment).await?;
        if deployment.status == DeploymentStatus::Active {
            return Err(Error::conflict(
                "deployment_active",
                text!(
                    "该版本正在使用，请先回滚到其他版本或停用",
                    "this version is the active one; roll back to another one or deactivate it first"
                ),
            ));
        }
        if let Some(schedule) = store::pinned_by(&mut transaction, &deployment.id).await? {
            return Err(Error::conflict(
                "deployment_pinned",
                text!("定时计划 {schedule} 固定使用该版本", "the schedule {schedule} is pinned to this version"),
            ));
        }
        if store::has_tasks(&mut transaction, &deployment).await? {
            return Err(Error::conflict(
                "deployment_busy",
                text!(
                    "该版本还有等待中或运行中的任务，请先取消或等待其结束",
                    "tasks of this version wait or run; cancel them, or wait for their end"
                ),
            ));
        }
        store::remove(&mut transaction, &deployment.id).await?;
        transaction.commit().await
    }

    /// The version's files, and how they are run, become the spider's: all of it or nothing. What runs is another
    /// matter: see [`Self::roll_back`].
    pub async fn restore(&self, id: &SpiderId, deployment: &DeploymentId) -> Result<Vec<SpiderFile>> {
        let deployment = self.deployment(id, deployment).await?;
        let files = self.deployed_files(&deployment).await?;
        for file in &files {
            check_file(&self.limits, &file.path, file.bytes())?;
        }
        let script = match files.iter().find(|file| file.path == MAIN) {
            Some(main) => script_of(MAIN, &self.blobs.get(&main.hash).await?),
            None => None,
        };
        let mut change = self.change_files(id).await?;
        // It may just have been removed.
        let deployment = store::get_in(&mut change.transaction, id, &deployment.id).await?;
        let now = change.now;
        let new = files.into_iter().map(|file| SpiderFile { created_at: now, updated_at: now, ..file });
        change.replace_all(new.collect()).await?;
        store::thaw(&mut change.transaction, &deployment).await?;
        change.commit(script).await?;
        self.files_of(id).await
    }

    /// The code of a run that is queued in `transaction`, which holds the spider's row.
    pub async fn code_in(&self, transaction: &mut Transaction, id: &SpiderId, choice: &CodeChoice) -> Result<Code> {
        let deployment = match choice {
            CodeChoice::Active => store::active_in(transaction, id).await?,
            CodeChoice::Deployment(deployment) => Some(store::get_in(transaction, id, deployment).await?),
            CodeChoice::Files => None,
        };
        if let Some(deployment) = deployment {
            return Ok(deployment.into());
        }
        let code_hash = self.code_hash_in(transaction, id).await?;
        let git_commit = store::commit_of(transaction, id).await?;
        Ok(Code { deployment_id: None, deployment_version: None, git_commit, code_hash })
    }

    /// The code of the files as they are, for those who found that the spider's row does not say it.
    pub async fn code_of_files(&self, id: &SpiderId) -> Result<Hash> {
        let mut transaction = self.db.begin().await?;
        store::hold(&mut transaction, id).await?;
        let hash = self.code_hash_in(&mut transaction, id).await?;
        transaction.commit().await?;
        Ok(hash)
    }

    /// The spider with what the version froze of it.
    pub async fn as_deployed(&self, spider: Spider, deployment: &DeploymentId) -> Result<Spider> {
        let Deployment { source, entry_point, requirements_txt, .. } = self.deployment(&spider.id, deployment).await?;
        Ok(Spider { source, entry_point, requirements_txt, ..spider })
    }

    /// Sorted by path. They have no rows: their ids are good for nothing.
    pub(super) async fn deployed_files(&self, deployment: &Deployment) -> Result<Vec<SpiderFile>> {
        let manifest = self.manifest(deployment).await?;
        stream::iter(manifest)
            .map(|entry| async move {
                let size = i64::try_from(self.blobs.size(&entry.hash).await?).unwrap_or(i64::MAX);
                let ManifestEntry { path, hash, executable } = entry;
                let file = SpiderFile::new(&deployment.spider_id, path, hash, size, deployment.created_at);
                Ok(SpiderFile { executable, ..file })
            })
            .buffered(BLOBS_AT_ONCE)
            .try_collect()
            .await
    }

    pub(super) async fn deployed_content(&self, deployment: &Deployment, path: &str) -> Result<DeployedContent> {
        let manifest = self.manifest(deployment).await?;
        let ManifestEntry { path, hash, executable } =
            manifest.into_iter().find(|entry| entry.path == path).ok_or_else(|| {
                Error::not_found("file_not_found", text!("该版本没有文件 {path}", "this version has no file {path}"))
            })?;
        let content = self.blobs.get(&hash).await?;
        let size = i64::try_from(content.len()).unwrap_or(i64::MAX);
        let file = SpiderFile::new(&deployment.spider_id, path, hash, size, deployment.created_at);
        Ok(DeployedContent { file: SpiderFile { executable, ..file }.into(), text: content.into() })
    }

    async fn manifest(&self, deployment: &Deployment) -> Result<Vec<ManifestEntry>> {
        serde_json::from_slice(&self.blobs.get(&deployment.code_hash).await?).map_err(Error::internal)
    }
}
