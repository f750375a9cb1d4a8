//! A tar that a container gave: hostile, however it looks.
//!
//! What climbs or lies twice is an attack or a defect, and nothing of the archive counts; nor does one that ends without
//! its end, as an engine's does that fails halfway. What a spider cannot have (links, devices, odd names) is left out and
//! named. Limits hold while it is read, also for what is left out.

use std::{
    cell::Cell,
    collections::{BTreeMap, HashSet},
    fs::File,
    io::{self, Read, Seek, SeekFrom},
    path::{Component, Path},
    rc::Rc,
};

use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt, stream};
use tar::{Archive, Entry};
use tokio::sync::mpsc;
use tokio_util::io::{StreamReader, SyncIoBridge};

use super::{
    amount::Amount,
    skipped::{LeftOut, NAME, NOT_A_FILE},
};
use crate::{
    config,
    error::{Error, Result},
    features::spiders::files::{State, States, clean, is_left_out},
    platform::{containers::ByteStream, files::Files},
    text,
};

/// What an archive may have in all, what is left out among it.
const MOST_ENTRIES: usize = 300_000;
const MOST_BYTES: u64 = 8 * 1024 * 1024 * 1024;
/// What may lie between two entries: long names, attributes, which are held in memory.
const MOST_BETWEEN: u64 = 1024 * 1024;
const BLOCK: u64 = 512;
/// Above this a file goes through the disk.
const SMALL: u64 = 1024 * 1024;
const AT_ONCE: usize = 8;

/// What is in an archive, its contents kept as blobs.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Unpacked {
    pub files: States,
    pub left_out: LeftOut,
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

/// What a reading found beside the files.
#[derive(Debug, Default)]
struct Found {
    left_out: LeftOut,
    /// Second names of files: the path, the path of the first name, whether it is executable.
    links: Vec<(String, String, bool)>,
    amount: Amount,
}

/// Reads all of it. `root` is the folder that names begin with, without a slash; or empty.
pub(super) async fn unpack(tar: ByteStream, root: &str, limits: &config::Spiders, files: &Files) -> Result<Unpacked> {
    let (send, receive) = mpsc::channel(AT_ONCE);
    let (root, limited) = (root.to_owned(), limits.clone());
    let reader = SyncIoBridge::new(StreamReader::new(tar));
    let reading = tokio::task::spawn_blocking(move || read(reader, &root, &limited, &send));
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
    let found = match (reading.await.map_err(Error::internal)?, &kept) {
        (Err(Error::Internal(_)), Err(_)) => Found::default(),
        (read, _) => read?,
    };
    let (mut files, Found { left_out, links, mut amount }) = (kept?, found);
    for (path, first, executable) in links {
        let state = files.get(&first).ok_or_else(|| linked(&path))?.clone();
        amount.add(&path, u64::try_from(state.size).unwrap_or_default());
        files.insert(path, State { executable, ..state });
    }
    amount.check(limits)?;
    Ok(Unpacked { files, left_out })
}

fn read(reader: impl Read, root: &str, limits: &config::Spiders, send: &mpsc::Sender<Piece>) -> Result<Found> {
    let reach = Rc::new(Reach::default());
    reach.extend(0);
    let mut archive = Archive::new(Bounded { reader, reach: reach.clone() });
    let (mut found, mut seen, mut end) = (Found::default(), HashSet::new(), 0);
    for (count, entry) in archive.entries().map_err(|error| broken(&error))?.enumerate() {
        let entry = entry.map_err(|error| broken(&error))?;
        if count >= MOST_ENTRIES {
            return Err(too_many_entries());
        }
        let kind = entry.header().entry_type();
        let size = entry.size();
        let stored =
            if kind.is_gnu_sparse() { entry.header().entry_size().map_err(|error| broken(&error))? } else { size };
        end = reach.extend(stored);
        if end > MOST_BYTES {
            return Err(broken(&io::ErrorKind::FileTooLarge.into()));
        }
        let name = entry.path_bytes().into_owned();
        let path = match place(&name, root)? {
            Place::Root => continue,
            Place::At(path) => path,
        };
        if kind.is_dir() || is_left_out(&path) {
            continue;
        }
        let is_link = kind.is_hard_link();
        if !(kind.is_file() || kind.is_contiguous() || kind.is_gnu_sparse() || is_link) {
            found.left_out.note(&path, NOT_A_FILE);
            continue;
        }
        if clean(&path).as_deref() != Ok(&path) || std::str::from_utf8(&name).is_err() {
            found.left_out.note(&path, NAME);
            continue;
        }
        if !seen.insert(path.clone()) {
            return Err(refused(&path));
        }
        if is_link {
            let executable = entry.header().mode().map_err(|error| broken(&error))? & 0o111 != 0;
            let first = entry.link_name_bytes().unwrap_or_default().into_owned();
            let Place::At(first) = place(&first, root)? else { return Err(linked(&path)) };
            found.links.push((path, first, executable));
            continue;
        }
        found.amount.add(&path, size);
        found.amount.check(limits)?;
        let piece = piece(entry, path, size)?;
        if send.blocking_send(piece).is_err() {
            return Err(Error::internal(anyhow::anyhow!("nobody takes what is unpacked")));
        }
    }
    if reach.read.get() < end + BLOCK {
        return Err(broken(&io::ErrorKind::UnexpectedEof.into()));
    }
    // What fills the last block: a command whose output nobody takes would fail.
    reach.extend(0);
    io::copy(&mut archive.into_inner(), &mut io::sink()).map_err(|error| broken(&error))?;
    Ok(found)
}

fn piece(mut entry: Entry<'_, impl Read>, path: String, size: u64) -> Result<Piece> {
    let executable = entry.header().mode().map_err(|error| broken(&error))? & 0o111 != 0;
    let content = if size <= SMALL {
        let mut content = Vec::with_capacity(usize::try_from(size).unwrap_or_default());
        entry.read_to_end(&mut content).map_err(|error| broken(&error))?;
        if content.len() as u64 != size {
            return Err(broken(&io::ErrorKind::UnexpectedEof.into()));
        }
        Content::Small(content.into())
    } else {
        let mut file = tempfile::tempfile().map_err(Error::internal)?;
        if io::copy(&mut entry, &mut file).map_err(|error| broken(&error))? != size {
            return Err(broken(&io::ErrorKind::UnexpectedEof.into()));
        }
        file.seek(SeekFrom::Start(0)).map_err(Error::internal)?;
        Content::Large(file)
    };
    Ok(Piece { path, executable, size, content })
}

enum Place {
    /// The folder itself.
    Root,
    /// What is no UTF-8 in it is replaced.
    At(String),
}

/// Where an entry lies in the workspace.
fn place(name: &[u8], root: &str) -> Result<Place> {
    let name = String::from_utf8_lossy(name);
    let mut parts = Vec::new();
    for part in Path::new(name.as_ref()).components() {
        match part {
            Component::CurDir => {}
            Component::Normal(part) => parts.push(part.to_str().unwrap_or_default()),
            Component::RootDir | Component::ParentDir | Component::Prefix(_) => return Err(refused(&name)),
        }
    }
    let parts = match parts.split_first() {
        Some((first, rest)) if !root.is_empty() && *first == root => rest,
        Some(_) if !root.is_empty() => return Err(refused(&name)),
        _ => &parts,
    };
    Ok(if parts.is_empty() { Place::Root } else { Place::At(parts.join("/")) })
}

const REFUSED: &str = "archive_refused";

fn refused(name: &str) -> Error {
    let name: String = name.chars().filter(|letter| !letter.is_control()).take(200).collect();
    Error::conflict(
        REFUSED,
        text!("容器返回的归档不可信（{name}）", "the container gave an archive that cannot be trusted ({name})"),
    )
}

/// Where it is found, a file is also one of those that are left out: only a container that runs tells its content.
const LINKED: &str = "archive_linked";

fn linked(path: &str) -> Error {
    Error::conflict(
        LINKED,
        text!("文件 {path} 是指向被忽略文件的硬链接", "{path} is a hard link to a file that is left out"),
    )
}

/// Whether the same container would give the same again, however often it is asked.
pub(in super::super) fn is_refused(error: &Error) -> bool {
    wants_it_to_run(error) || matches!(error, Error::Conflict(problem) if problem.code == REFUSED)
}

/// Whether a container that stands still gave too much or too little, and one that runs may do better: it lists only what
/// counts.
pub(in super::super) fn wants_it_to_run(error: &Error) -> bool {
    match error {
        Error::TooLarge(_) => true,
        Error::Conflict(problem) => problem.code == LINKED,
        _ => false,
    }
}

pub(super) fn too_many_entries() -> Error {
    Error::too_large(
        "too_many_files",
        text!(
            "工作区的文件过多（含忽略的文件最多约 {MOST_ENTRIES} 个），请删除多余的文件",
            "the workspace has far too many files, what is left out among them ({MOST_ENTRIES} or so at most); remove some"
        ),
    )
}

fn broken(error: &io::Error) -> Error {
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

/// How far an archive was read, and how far it may be.
#[derive(Default)]
struct Reach {
    read: Cell<u64>,
    until: Cell<u64>,
}

impl Reach {
    /// Beyond the content that comes next, to the one after it. Where that content ends.
    fn extend(&self, stored: u64) -> u64 {
        let end = self.read.get().saturating_add(stored.checked_next_multiple_of(BLOCK).unwrap_or(u64::MAX));
        self.until.set(end.saturating_add(MOST_BETWEEN));
        end
    }
}

/// A reader that does not go on for ever.
struct Bounded<R> {
    reader: R,
    reach: Rc<Reach>,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let (read, until) = (self.reach.read.get(), self.reach.until.get());
        if read >= MOST_BYTES {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        if read >= until {
            return Err(io::ErrorKind::InvalidData.into());
        }
        let most = usize::try_from(until.min(MOST_BYTES) - read).unwrap_or(usize::MAX).min(buffer.len());
        let count = self.reader.read(&mut buffer[..most])?;
        self.reach.read.set(read + count as u64);
        Ok(count)
    }
}

#[cfg(test)]
mod tests;
