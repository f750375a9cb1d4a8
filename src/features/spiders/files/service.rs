use bytes::Bytes;
use futures_util::{TryStreamExt, stream};

use super::{
    super::{Source, Spiders},
    FilesChange, SpiderFile,
    archive::{Entry, Upload},
    blocking, check_file, paths, script_of,
    types::{FileContent, FileEdit},
};
use crate::{
    error::{Error, Result},
    id::{FileId, SpiderId},
    platform::files::Hash,
    text,
};

/// Blobs of one upload that are written at a time.
const BLOBS_AT_ONCE: usize = 8;

impl Spiders {
    /// Sorted by path.
    pub async fn files(&self, id: &SpiderId) -> Result<Vec<SpiderFile>> {
        self.require(id).await?;
        self.files_of(id).await
    }

    pub(super) async fn file_content(&self, id: &SpiderId, file_id: &FileId) -> Result<FileContent> {
        let file = self.file(id, file_id).await?;
        let content = self.blobs.get(&file.hash).await?;
        Ok(FileContent::of(file, content))
    }

    pub async fn new_file(&self, id: &SpiderId, path: &str, content: Bytes, executable: bool) -> Result<SpiderFile> {
        let path = kept_path(path)?;
        self.require(id).await?;
        let kept = self.keep(&path, content).await?;
        let change = self.change_files(id).await?;
        let file = SpiderFile { executable, ..SpiderFile::new(id, path, kept.hash, kept.size, change.now) };
        put_one(change, file, kept.text).await
    }

    /// Makes the file, or replaces the content of the one that is there.
    pub async fn upload_file(&self, id: &SpiderId, path: &str, content: Bytes) -> Result<SpiderFile> {
        let path = kept_path(path)?;
        self.require(id).await?;
        let kept = self.keep(&path, content).await?;
        let change = self.change_files(id).await?;
        let new = SpiderFile::new(id, path, kept.hash, kept.size, change.now);
        let file = match change.find(&new.path) {
            Some(former) => new.in_place_of(former),
            None => new,
        };
        put_one(change, file, kept.text).await
    }

    /// Changes the content, the path, or both.
    pub(super) async fn change_file(&self, id: &SpiderId, file_id: &FileId, mut edit: FileEdit) -> Result<SpiderFile> {
        let path = edit.path.take().map(|path| kept_path(&path)).transpose()?;
        let former = self.file(id, file_id).await?;
        let kept = match edit.bytes()? {
            Some(content) => Some(self.keep(path.as_deref().unwrap_or(&former.path), content).await?),
            None => None,
        };
        let change = self.change_files(id).await?;
        let mut file = change.get(file_id)?.clone();
        if edit.base_hash.is_some_and(|base| base != file.hash) {
            let path = file.path;
            return Err(Error::conflict(
                "file_changed",
                text!(
                    "文件 {path} 已被他人修改，请重新载入后再保存",
                    "{path} has been changed meanwhile; load it again before you save"
                ),
            ));
        }
        let mut text = None;
        if let Some(kept) = kept {
            (file.hash, file.size, text) = (kept.hash, kept.size, kept.text);
        }
        if let Some(path) = path {
            file.content_type = paths::content_type(&path);
            file.path = path;
        }
        file.executable = edit.executable.unwrap_or(file.executable);
        file.updated_at = change.now;
        put_one(change, file, text).await
    }

    pub async fn delete_file(&self, id: &SpiderId, file_id: &FileId) -> Result<()> {
        let mut change = self.change_files(id).await?;
        change.get(file_id)?;
        change.remove(std::slice::from_ref(file_id)).await?;
        change.commit(None).await
    }

    /// The zip's files become the spider's: all of them or, where one cannot be kept, none.
    pub async fn replace_files(&self, id: &SpiderId, zip: std::fs::File) -> Result<Vec<SpiderFile>> {
        self.require(id).await?;
        let limits = self.limits.clone();
        let upload = blocking(move || Upload::open(zip, &limits)).await?;
        let kept = self.keep_all(upload).await?;
        let is_scrapy = kept.iter().any(|(entry, _)| is_scrapy_config(&entry.path));

        let mut change = self.change_files(id).await?;
        let now = change.now;
        let new = kept.into_iter().map(|(entry, hash)| {
            let size = i64::try_from(entry.size).unwrap_or(i64::MAX);
            SpiderFile { executable: entry.executable, ..SpiderFile::new(id, entry.path, hash, size, now) }
        });
        change.replace_all(new.collect()).await?;
        match change.source {
            Source::Empty | Source::Upload if is_scrapy => change.set_source(Source::Scrapy).await?,
            Source::Empty => change.set_source(Source::Upload).await?,
            Source::Upload | Source::Scrapy | Source::Git => {}
        }
        change.commit(None).await?;
        self.files_of(id).await
    }

    /// Reads the entries one after the other, and writes some at a time.
    async fn keep_all(&self, upload: Upload) -> Result<Vec<(Entry, Hash)>> {
        stream::try_unfold((upload, 0), |(mut upload, at)| async move {
            if at == upload.entries.len() {
                return Ok(None);
            }
            let (upload, content) = blocking(move || {
                let content = upload.read(at)?;
                Ok((upload, content))
            })
            .await?;
            Ok(Some(((upload.entries[at].clone(), content), (upload, at + 1))))
        })
        .map_ok(|(entry, content)| async move { Ok((entry, self.blobs.put(content).await?)) })
        .try_buffered(BLOBS_AT_ONCE)
        .try_collect()
        .await
    }

    /// Keeps a content of acceptable size.
    async fn keep(&self, path: &str, content: Bytes) -> Result<Kept> {
        check_file(&self.limits, path, content.len() as u64)?;
        let size = i64::try_from(content.len()).unwrap_or(i64::MAX);
        let text = script_of(path, &content);
        Ok(Kept { hash: self.blobs.put(content).await?, size, text })
    }
}

/// A content that is a blob by now.
struct Kept {
    hash: Hash,
    size: i64,
    /// See [`script_of`].
    text: Option<String>,
}

async fn put_one(mut change: FilesChange, file: SpiderFile, main_text: Option<String>) -> Result<SpiderFile> {
    change.put(file.clone()).await?;
    change.commit(main_text).await?;
    Ok(file)
}

/// The path as it is kept, or what is wrong with it.
fn kept_path(path: &str) -> Result<String> {
    let refused = |text| Error::invalid("body.path", "path", text);
    let path = paths::clean(path).map_err(|flaw| refused(flaw.text()))?;
    if paths::is_left_out(&path) {
        return Err(refused(text!(
            "{path} 属于缓存、环境或版本库文件，不会保存",
            "{path} belongs to a cache, an environment or a repository, which are never kept"
        )));
    }
    Ok(path)
}

fn is_scrapy_config(path: &str) -> bool {
    matches!(path.split('/').collect::<Vec<_>>().as_slice(), ["scrapy.cfg"] | [_, "scrapy.cfg"])
}
