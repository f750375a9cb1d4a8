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
        files::{Hash, hash_of},
    },
    text,
};

/// Rows a statement: nine values each, far below what either engine takes.
const BATCH: usize = 500;

impl Spiders {
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
    pub(in super::super) async fn change_files(&self, id: &SpiderId) -> Result<FilesChange> {
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
        let files = transaction.query("SELECT * FROM spider_files WHERE spider_id = $1").bind(id).fetch_all().await?;
        let mut change = FilesChange { files, source, ..FilesChange::of_new(transaction, id, &self.limits, now) };
        let script = Some(hash_of(script.as_bytes())).filter(|_| !script.is_empty());
        change.mirrored = script.filter(|script| change.find(MAIN).is_some_and(|main| main.hash == *script));
        Ok(change)
    }
}

/// A transaction in which a spider's files change.
#[derive(Debug)]
pub(in super::super) struct FilesChange {
    pub transaction: Transaction,
    pub files: Vec<SpiderFile>,
    pub source: Source,
    pub now: DateTime<Utc>,
    /// The hash of `main.py` and of `script_content`, where they were one before the change.
    mirrored: Option<Hash>,
    spider_id: SpiderId,
    limits: config::Spiders,
}

impl FilesChange {
    /// Of a spider that was made in the same transaction.
    pub(in super::super) fn of_new(
        transaction: Transaction,
        spider_id: &SpiderId,
        limits: &config::Spiders,
        now: DateTime<Utc>,
    ) -> Self {
        let (spider_id, limits) = (spider_id.clone(), limits.clone());
        Self { transaction, files: Vec::new(), source: Source::Empty, now, mirrored: None, spider_id, limits }
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
        self.files.retain(|file| !ids.contains(&file.id));
        Ok(())
    }

    /// `new` is all there is afterwards: judged already, and fit to lie side by side. What keeps its path keeps its id.
    pub(super) async fn replace_all(&mut self, new: Vec<SpiderFile>) -> Result<()> {
        let before = Amount::of(self.files.iter().map(SpiderFile::bytes));
        check_growth(&self.limits, before, Amount::of(new.iter().map(SpiderFile::bytes)))?;
        let (mut after, mut changed) = (Vec::with_capacity(new.len()), Vec::new());
        for file in new {
            let former = self.find(&file.path).cloned();
            match former {
                Some(same) if same.hash == file.hash && same.executable == file.executable => after.push(same),
                Some(former) => changed.push(SpiderFile { id: former.id, created_at: former.created_at, ..file }),
                None => changed.push(file),
            }
        }
        let kept: std::collections::HashSet<&FileId> = after.iter().chain(&changed).map(|file| &file.id).collect();
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

    /// `script_content` follows `main.py` as long as the two were one: to its new text, where it has one, or to nothing.
    pub(in super::super) async fn commit(mut self, main_text: Option<String>) -> Result<()> {
        let main = self.find(MAIN).map(|main| &main.hash);
        if self.mirrored.is_some() && self.mirrored.as_ref() != main {
            self.transaction
                .query("UPDATE spiders SET script_content = $2 WHERE id = $1")
                .bind(&self.spider_id)
                .bind(main_text.unwrap_or_default())
                .execute()
                .await?;
        }
        self.transaction.commit().await
    }
}

fn file_not_found(id: &FileId) -> Error {
    Error::not_found("file_not_found", text!("文件 {id} 不存在", "there is no file {id}"))
}
