use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};

use super::{
    super::{Source, Spiders},
    MAIN, SpiderFile,
    limits::{Amount, check_growth},
    paths::Tree,
};
use crate::{
    config,
    error::{Error, Result},
    id::{FileId, SpiderId},
    platform::{
        database::{Transaction, in_list, rows},
        files::{Files, Hash, hash_of},
    },
    runner::ManifestEntry,
    text,
};

/// Rows a statement: nine values each, far below what either engine takes.
const BATCH: usize = 500;

impl Spiders {
    /// What a spider's files may be in all.
    pub fn file_limits(&self) -> &config::Spiders {
        &self.limits
    }

    /// Sorted by path.
    pub(in super::super) async fn files_of(&self, id: &SpiderId) -> Result<Vec<SpiderFile>> {
        let mut files: Vec<SpiderFile> =
            self.db.query("SELECT * FROM spider_files WHERE spider_id = $1").bind(id).fetch_all().await?;
        // Here and not in SQL: engines order texts by different rules.
        files.sort_by(|left, right| left.path.cmp(&right.path));
        Ok(files)
    }

    pub(super) async fn file(&self, id: &SpiderId, file_id: &FileId) -> Result<SpiderFile> {
        self.db
            .query("SELECT * FROM spider_files WHERE id = $1 AND spider_id = $2")
            .bind(file_id)
            .bind(id)
            .fetch_optional()
            .await?
            .ok_or_else(|| file_not_found(file_id))
    }

    /// Begins a change of the spider's files; others wait until it ends.
    pub async fn change_files(&self, id: &SpiderId) -> Result<FilesChange> {
        let now = self.clock.now();
        let mut transaction = self.db.begin().await?;
        // First of all, and not by reading: the row is the lock.
        let spider: Option<(Source, String)> = transaction
            .query("UPDATE spiders SET updated_at = $2 WHERE id = $1 RETURNING source, script_content")
            .bind(id)
            .bind(now)
            .fetch_optional()
            .await?;
        let (source, script) = spider.ok_or_else(|| super::super::store::spider_not_found(id))?;
        let files = files_in(&mut transaction, id).await?;
        let mut change =
            FilesChange { files, source, is_changed: false, ..FilesChange::of_new(self, transaction, id, now) };
        let script = Some(hash_of(script.as_bytes())).filter(|_| !script.is_empty());
        change.mirrored = script.filter(|script| change.find(MAIN).is_some_and(|main| main.hash == *script));
        Ok(change)
    }

    /// The hash of the manifest of the spider's files as they are: what [`Spider::code_hash`](super::super::Spider) says,
    /// or else is to say from now on. The transaction holds the spider's row.
    pub(in super::super) async fn code_hash_in(&self, transaction: &mut Transaction, id: &SpiderId) -> Result<Hash> {
        let spider: Option<(Option<Hash>,)> =
            transaction.query("SELECT code_hash FROM spiders WHERE id = $1").bind(id).fetch_optional().await?;
        let (known,) = spider.ok_or_else(|| super::super::store::spider_not_found(id))?;
        if let Some(hash) = known {
            return Ok(hash);
        }
        let files: Vec<SpiderFile> = files_in(transaction, id).await?;
        let hash = self.blobs.put(manifest_of(&files)?).await?;
        set_code_hash(transaction, id, Some(&hash)).await?;
        Ok(hash)
    }
}

async fn files_in(transaction: &mut Transaction, id: &SpiderId) -> Result<Vec<SpiderFile>> {
    transaction.query("SELECT * FROM spider_files WHERE spider_id = $1").bind(id).fetch_all().await
}

async fn set_code_hash(transaction: &mut Transaction, id: &SpiderId, hash: Option<&Hash>) -> Result<()> {
    transaction.query("UPDATE spiders SET code_hash = $2 WHERE id = $1").bind(id).bind(hash).execute().await.map(drop)
}

/// What names a code by its content, and lists it: the entries sorted by path, as JSON.
fn manifest_of(files: &[SpiderFile]) -> Result<Vec<u8>> {
    let mut entries: Vec<ManifestEntry> = files.iter().cloned().map(ManifestEntry::from).collect();
    entries.sort_by(|left, right| left.path.cmp(&right.path));
    serde_json::to_vec(&entries).map_err(Error::internal)
}

/// A transaction in which a spider's files change.
#[derive(Debug)]
pub struct FilesChange {
    pub transaction: Transaction,
    pub files: Vec<SpiderFile>,
    pub source: Source,
    pub now: DateTime<Utc>,
    /// The hash of `main.py` and of `script_content`, where they were one before the change.
    mirrored: Option<Hash>,
    /// Whether the files are no longer those that `code_hash` speaks of.
    is_changed: bool,
    pub(super) spider_id: SpiderId,
    limits: config::Spiders,
    pub(super) blobs: Files,
}

impl FilesChange {
    /// Of a spider that was made in the same transaction.
    pub(in super::super) fn of_new(
        spiders: &Spiders,
        transaction: Transaction,
        spider_id: &SpiderId,
        now: DateTime<Utc>,
    ) -> Self {
        Self {
            transaction,
            files: Vec::new(),
            source: Source::Empty,
            now,
            mirrored: None,
            is_changed: true,
            spider_id: spider_id.clone(),
            limits: spiders.limits.clone(),
            blobs: spiders.blobs.clone(),
        }
    }

    pub(in super::super) fn find(&self, path: &str) -> Option<&SpiderFile> {
        self.files.iter().find(|file| file.path == path)
    }

    pub(super) fn get(&self, id: &FileId) -> Result<&SpiderFile> {
        self.files.iter().find(|file| file.id == *id).ok_or_else(|| file_not_found(id))
    }

    /// Writes a new `script_content` to `main.py`, where there is none or it held the former one.
    pub(in super::super) async fn put_script(&mut self, script: &str) -> Result<()> {
        let size = i64::try_from(script.len()).unwrap_or(i64::MAX);
        let new = SpiderFile::new(&self.spider_id, MAIN.to_owned(), hash_of(script.as_bytes()), size, self.now);
        match self.find(MAIN) {
            None => self.put(new).await,
            Some(former) if self.mirrored.is_some() && former.hash != new.hash => {
                let file = new.in_place_of(former);
                self.put(file).await
            }
            Some(_) => Ok(()),
        }
    }

    /// Adds the file, or puts it in the place of the one with its id.
    pub(in super::super) async fn put(&mut self, file: SpiderFile) -> Result<()> {
        let others: Vec<&SpiderFile> = self.files.iter().filter(|other| other.id != file.id).collect();
        if others.iter().any(|other| other.path == file.path) {
            let path = file.path;
            return Err(Error::conflict("file_exists", text!("文件 {path} 已存在", "there is a file {path} already")));
        }
        Tree::of(others.iter().map(|other| other.path.as_str())).insert(&file.path).map_err(|other| {
            Error::invalid("body.path", "collision", text!("与已有的 {other} 冲突", "cannot lie beside {other}"))
        })?;
        let before = Amount::of(self.files.iter().map(SpiderFile::bytes));
        let after = Amount::of(others.iter().map(|other| other.bytes()).chain([file.bytes()]));
        check_growth(&self.limits, before, after)?;
        self.write(std::slice::from_ref(&file)).await?;
        self.files.retain(|other| other.id != file.id);
        self.files.push(file);
        Ok(())
    }

    pub(super) async fn remove(&mut self, ids: &[FileId]) -> Result<()> {
        for batch in ids.chunks(BATCH) {
            let list = in_list(1, batch.len());
            let mut query = self.transaction.query_text(format!("DELETE FROM spider_files WHERE id IN ({list})"));
            for id in batch {
                query = query.bind(id);
            }
            query.execute().await?;
        }
        let gone: HashSet<&FileId> = ids.iter().collect();
        self.files.retain(|file| !gone.contains(&file.id));
        self.is_changed = true;
        Ok(())
    }

    /// `new` is all there is afterwards: judged already, and fit to lie side by side. What keeps its path keeps its id.
    pub async fn replace_all(&mut self, new: Vec<SpiderFile>) -> Result<()> {
        let before = Amount::of(self.files.iter().map(SpiderFile::bytes));
        check_growth(&self.limits, before, Amount::of(new.iter().map(SpiderFile::bytes)))?;
        let (mut after, mut changed) = (Vec::with_capacity(new.len()), Vec::new());
        let former: HashMap<&str, &SpiderFile> = self.files.iter().map(|file| (file.path.as_str(), file)).collect();
        for file in new {
            match former.get(file.path.as_str()) {
                Some(same) if same.hash == file.hash && same.executable == file.executable => {
                    after.push((*same).clone());
                }
                Some(former) => {
                    changed.push(SpiderFile { id: former.id.clone(), created_at: former.created_at, ..file });
                }
                None => changed.push(file),
            }
        }
        let kept: HashSet<&FileId> = after.iter().chain(&changed).map(|file| &file.id).collect();
        let gone: Vec<FileId> =
            self.files.iter().filter(|file| !kept.contains(&file.id)).map(|file| file.id.clone()).collect();
        // First what goes: a name may come back in another letter case.
        self.remove(&gone).await?;
        self.write(&changed).await?;
        after.extend(changed);
        self.files = after;
        Ok(())
    }

    async fn write(&mut self, files: &[SpiderFile]) -> Result<()> {
        for batch in files.chunks(BATCH) {
            let mut query = self.transaction.query_text(format!(
                "INSERT INTO spider_files (id, spider_id, path, hash, size, executable, content_type, created_at, updated_at)
                 VALUES {} ON CONFLICT (id) DO UPDATE
                    SET path = excluded.path, hash = excluded.hash, size = excluded.size,
                        executable = excluded.executable, content_type = excluded.content_type,
                        updated_at = excluded.updated_at",
                rows(batch.len(), 9)
            ));
            for file in batch {
                query = query
                    .bind(&file.id)
                    .bind(&file.spider_id)
                    .bind(&file.path)
                    .bind(&file.hash)
                    .bind(file.size)
                    .bind(file.executable)
                    .bind(&file.content_type)
                    .bind(file.created_at)
                    .bind(file.updated_at);
            }
            query.execute().await?;
        }
        self.is_changed = true;
        Ok(())
    }

    pub(super) async fn set_source(&mut self, source: Source) -> Result<()> {
        self.transaction
            .query("UPDATE spiders SET source = $2 WHERE id = $1")
            .bind(&self.spider_id)
            .bind(source)
            .execute()
            .await
            .map(drop)
    }

    pub async fn commit(mut self, main_text: Option<String>) -> Result<()> {
        self.settle(main_text).await?;
        self.transaction.commit().await
    }

    /// `script_content` follows `main.py` as long as the two were one: to its new text, where it has one, or to nothing.
    /// `code_hash` is again that of the files as they are.
    pub(in super::super) async fn settle(&mut self, main_text: Option<String>) -> Result<()> {
        let main = self.find(MAIN).map(|main| &main.hash);
        if self.mirrored.is_some() && self.mirrored.as_ref() != main {
            self.transaction
                .query("UPDATE spiders SET script_content = $2 WHERE id = $1")
                .bind(&self.spider_id)
                .bind(main_text.unwrap_or_default())
                .execute()
                .await?;
        }
        if self.is_changed {
            let hash = match self.blobs.put(manifest_of(&self.files)?).await {
                Ok(hash) => Some(hash),
                // Files can be removed all the same; it is computed when a run needs it.
                Err(error) if error.is_disk_full() => None,
                Err(error) => return Err(error),
            };
            set_code_hash(&mut self.transaction, &self.spider_id, hash.as_ref()).await?;
        }
        Ok(())
    }
}

fn file_not_found(id: &FileId) -> Error {
    Error::not_found("file_not_found", text!("文件 {id} 不存在", "there is no file {id}"))
}
