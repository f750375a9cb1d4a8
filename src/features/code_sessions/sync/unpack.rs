//! A tar that a container gave: hostile, however it looks.
//!
//! What climbs or lies twice is an attack or a defect, and nothing of the archive counts. What a spider cannot have (links,
//! devices, odd names) is left out and named. Limits hold while it is read, also for what is left out.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{self, Read, Seek, SeekFrom},
    path::{Component, Path},
};

use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt, stream};
use tar::{Archive, Entry};
use tokio::sync::mpsc;
use tokio_util::io::{StreamReader, SyncIoBridge};

use super::merge::{State, States};
use crate::{
    config,
    error::{Error, Result},
    features::spiders::files::{check_file, clean, is_left_out},
    platform::{containers::ByteStream, files::Files},
    text,
};

/// What an archive may have in all, what is left out among it.
const MOST_ENTRIES: usize = 300_000;
const MOST_BYTES: u64 = 8 * 1024 * 1024 * 1024;
/// Above this a file goes through the disk.
const SMALL: u64 = 1024 * 1024;
const AT_ONCE: usize = 8;
/// Left-out names that are told.
pub(super) const MOST_NAMED: usize = 20;

/// What is in an archive, its contents kept as blobs.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Unpacked {
    pub files: States,
    pub skipped: Vec<Skipped>,
}

/// A path that a spider cannot have, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in super::super) struct Skipped {
    pub path: String,
    pub reason: &'static str,
}

struct Piece {
    path: String,
    executable: bool,
    size: u64,
    content: Content,
}

enum Content {
    Small(Bytes),
    Large(File),
}

/// Reads all of it. `root` is the folder that names begin with, without a slash; or empty.
pub(super) async fn unpack(tar: ByteStream, root: &str, limits: &config::Spiders, files: &Files) -> Result<Unpacked> {
    let (send, receive) = mpsc::channel(AT_ONCE);
    let (root, limits) = (root.to_owned(), limits.clone());
    let reader = SyncIoBridge::new(StreamReader::new(tar));
    let reading = tokio::task::spawn_blocking(move || read(reader, &root, &limits, &send));
    let pieces = stream::unfold(receive, |mut receive| async { receive.recv().await.map(|piece| (piece, receive)) });
    let kept = pieces
        .map(|piece| async move {
            let Piece { path, executable, size, content } = piece;
            let hash = match content {
                Content::Small(bytes) => files.put(bytes).await?,
                Content::Large(file) => files.put_file(file).await?,
            };
            let size = i64::try_from(size).unwrap_or(i64::MAX);
            Ok::<_, Error>((path, State { hash, executable, size }))
        })
        .buffer_unordered(AT_ONCE)
        .try_collect::<BTreeMap<_, _>>()
        .await;
    // What stopped the reading comes first: nobody may have read on to take more.
    let skipped = match (reading.await.map_err(Error::internal)?, &kept) {
        (Err(Error::Internal(_)), Err(_)) => Vec::new(),
        (read, _) => read?,
    };
    Ok(Unpacked { files: kept?, skipped })
}

fn read(reader: impl Read, root: &str, limits: &config::Spiders, send: &mpsc::Sender<Piece>) -> Result<Vec<Skipped>> {
    let mut archive = Archive::new(Bounded { reader, left: MOST_BYTES });
    let (mut skipped, mut seen, mut total) = (Vec::new(), std::collections::HashSet::new(), 0_u64);
    for (count, entry) in archive.entries().map_err(broken)?.enumerate() {
        let entry = entry.map_err(broken)?;
        if count >= MOST_ENTRIES {
            return Err(too_many_entries());
        }
        let name = entry.path_bytes().into_owned();
        let path = match place(&name, root)? {
            Place::Root => continue,
            Place::Odd => {
                note(&mut skipped, &String::from_utf8_lossy(&name), "name");
                continue;
            }
            Place::At(path) => path,
        };
        let kind = entry.header().entry_type();
        if kind.is_dir() || is_left_out(&path) {
            continue;
        }
        if !(kind.is_file() || kind.is_contiguous() || kind.is_gnu_sparse()) {
            note(&mut skipped, &path, "not_a_file");
            continue;
        }
        if clean(&path).as_deref() != Ok(&path) {
            note(&mut skipped, &path, "name");
            continue;
        }
        let size = entry.size();
        check_file(limits, &path, size)?;
        total += size;
        if !seen.insert(path.clone()) {
            return Err(refused(&path));
        }
        check_amount(limits, seen.len(), total)?;
        let piece = piece(entry, path, size)?;
        if send.blocking_send(piece).is_err() {
            return Err(Error::internal(anyhow::anyhow!("nobody takes what is unpacked")));
        }
    }
    // What fills the last block: a command whose output nobody takes would fail.
    io::copy(&mut archive.into_inner(), &mut io::sink()).map_err(broken)?;
    Ok(skipped)
}

pub(super) fn note(skipped: &mut Vec<Skipped>, path: &str, reason: &'static str) {
    if skipped.len() < MOST_NAMED {
        let path = path.chars().filter(|letter| !letter.is_control()).take(200).collect();
        skipped.push(Skipped { path, reason });
    }
}

/// The limits of a spider, before anything of it is kept.
pub(super) fn check_amount(limits: &config::Spiders, files: usize, bytes: u64) -> Result<()> {
    if files > limits.max_files {
        let limit = limits.max_files;
        return Err(Error::too_large(
            "too_many_files",
            text!("文件数超过上限 {limit}，请删除多余的文件", "there are more than {limit} files; remove some"),
        ));
    }
    if bytes > limits.max_total_bytes as u64 {
        let limit = limits.max_total_bytes;
        return Err(Error::too_large(
            "files_too_large",
            text!(
                "文件总大小超过上限 {limit} 字节，请删除多余的文件",
                "the files are larger than {limit} bytes in all; remove some"
            ),
        ));
    }
    Ok(())
}

fn piece(mut entry: Entry<'_, impl Read>, path: String, size: u64) -> Result<Piece> {
    let executable = entry.header().mode().map_err(broken)? & 0o111 != 0;
    let content = if size <= SMALL {
        let mut content = Vec::with_capacity(usize::try_from(size).unwrap_or_default());
        entry.read_to_end(&mut content).map_err(broken)?;
        if content.len() as u64 != size {
            return Err(broken(io::ErrorKind::UnexpectedEof.into()));
        }
        Content::Small(content.into())
    } else {
        let mut file = tempfile::tempfile().map_err(Error::internal)?;
        if io::copy(&mut entry, &mut file).map_err(broken)? != size {
            return Err(broken(io::ErrorKind::UnexpectedEof.into()));
        }
        file.seek(SeekFrom::Start(0)).map_err(Error::internal)?;
        Content::Large(file)
    };
    Ok(Piece { path, executable, size, content })
}

enum Place {
    /// The folder itself.
    Root,
    At(String),
    /// No UTF-8.
    Odd,
}

/// Where an entry lies in the workspace.
fn place(name: &[u8], root: &str) -> Result<Place> {
    let Ok(name) = std::str::from_utf8(name) else { return Ok(Place::Odd) };
    let mut parts = Vec::new();
    for part in Path::new(name).components() {
        match part {
            Component::CurDir => {}
            Component::Normal(part) => parts.push(part.to_str().unwrap_or_default()),
            Component::RootDir | Component::ParentDir | Component::Prefix(_) => return Err(refused(name)),
        }
    }
    let parts = match parts.split_first() {
        Some((first, rest)) if !root.is_empty() && *first == root => rest,
        Some(_) if !root.is_empty() => return Err(refused(name)),
        _ => &parts,
    };
    Ok(if parts.is_empty() { Place::Root } else { Place::At(parts.join("/")) })
}

fn refused(name: &str) -> Error {
    let name: String = name.chars().filter(|letter| !letter.is_control()).take(200).collect();
    Error::conflict(
        "archive_refused",
        text!("容器返回的归档不可信（{name}）", "the container gave an archive that cannot be trusted ({name})"),
    )
}

fn too_many_entries() -> Error {
    Error::too_large(
        "too_many_files",
        text!(
            "工作区的文件过多，请删除多余的文件",
            "the workspace has far too many files, even if most are left out; remove some"
        ),
    )
}

fn broken(error: io::Error) -> Error {
    if error.kind() == io::ErrorKind::FileTooLarge {
        return Error::too_large(
            "files_too_large",
            text!(
                "工作区内容过大（含忽略的文件），请删除多余的文件",
                "the workspace is far too large, with what is left out; remove some of it"
            ),
        );
    }
    if error.kind() == io::ErrorKind::TimedOut {
        return Error::Unavailable { what: "Docker", source: anyhow::anyhow!("an archive stopped coming") };
    }
    Error::conflict(
        "archive_broken",
        text!("容器返回的归档已损坏: {error}", "the container gave an archive that is broken: {error}"),
    )
}

/// A reader that does not go on for ever.
struct Bounded<R> {
    reader: R,
    left: u64,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.left == 0 {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        let most = usize::try_from(self.left).unwrap_or(usize::MAX).min(buffer.len());
        let read = self.reader.read(&mut buffer[..most])?;
        self.left -= read as u64;
        Ok(read)
    }
}
