//! Files as a tar, made while it is read: of what is small a few are held in memory, of what is large a piece.

use std::collections::BTreeSet;

use bytes::Bytes;
use futures_util::{Stream, StreamExt, TryStreamExt, stream, stream::BoxStream};
use tar::{EntryType, Header};

use crate::{
    error::{Error, Result},
    features::spiders::files::State,
    platform::{containers::ByteStream, files::Files},
};

/// The container's user, whose files they are.
const OWNER: u64 = 1000;
const BLOCK: usize = 512;
/// Read at once, beside others.
const SMALL: i64 = 512 * 1024;
const AT_ONCE: usize = 8;

/// The files with the folders that they need, changed at `now` (seconds since 1970).
pub(super) fn pack(files: Files, entries: Vec<(String, State)>, now: u64) -> ByteStream {
    let folders: BTreeSet<String> = entries.iter().flat_map(|(path, _)| folders_of(path)).collect();
    let folders =
        folders.into_iter().map(move |path| folder(&path, now).map(Bytes::from).map_err(std::io::Error::other));
    let contents = stream::iter(entries)
        .map(move |(path, state)| {
            let files = files.clone();
            async move { entry(&files, &path, &state, now).await }
        })
        .buffered(AT_ONCE)
        .try_flatten()
        .map_err(|error| std::io::Error::other(error.to_string()));
    let end = stream::once(async { Ok(Bytes::from(vec![0; 2 * BLOCK])) });
    stream::iter(folders).chain(contents).chain(end).boxed()
}

fn folders_of(path: &str) -> impl Iterator<Item = String> + '_ {
    path.match_indices('/').map(|(at, _)| path[..at].to_owned())
}

async fn entry(files: &Files, path: &str, state: &State, now: u64) -> Result<BoxStream<'static, Result<Bytes>>> {
    let size = u64::try_from(state.size).unwrap_or_default();
    let mode = if state.executable { 0o755 } else { 0o644 };
    let mut head = header(path, EntryType::Regular, mode, size, now)?;
    let filling = padding(size);
    if state.size <= SMALL {
        let content = files.get(&state.hash).await?;
        check(content.len() as u64, size)?;
        head.extend_from_slice(&content);
        head.resize(head.len() + filling, 0);
        return Ok(stream::iter([Ok(head.into())]).boxed());
    }
    check(files.size(&state.hash).await?, size)?;
    let content = files.stream(&state.hash).await?;
    let around = |bytes: Vec<u8>| stream::iter([Ok(Bytes::from(bytes))]);
    Ok(around(head).chain(content).chain(around(vec![0; filling])).boxed())
}

/// A wrong size would make another archive of all that follows.
fn check(is: u64, said: u64) -> Result<()> {
    if is == said { Ok(()) } else { Err(Error::internal(anyhow::anyhow!("a blob has {is} bytes instead of {said}"))) }
}

fn folder(path: &str, now: u64) -> Result<Vec<u8>> {
    header(&format!("{path}/"), EntryType::Directory, 0o755, 0, now)
}

/// A header, with what comes before it where the path is long.
fn header(path: &str, kind: EntryType, mode: u32, size: u64, now: u64) -> Result<Vec<u8>> {
    let mut header = Header::new_gnu();
    header.set_entry_type(kind);
    header.set_mode(mode);
    header.set_uid(OWNER);
    header.set_gid(OWNER);
    header.set_mtime(now);
    header.set_size(0);
    let mut written = tar::Builder::new(Vec::new());
    written.append_data(&mut header, path, std::io::empty()).map_err(Error::internal)?;
    // What is behind the header is the archive's end, which is not yet here.
    let mut bytes = std::mem::take(written.get_mut());
    bytes.truncate(bytes.len() / BLOCK * BLOCK);
    // The builder knows nothing of a content that comes later.
    let last = bytes.len() - BLOCK;
    let mut header = Header::from_byte_slice(&bytes[last..]).clone();
    header.set_size(size);
    header.set_cksum();
    bytes[last..].copy_from_slice(header.as_bytes());
    Ok(bytes)
}

fn padding(size: u64) -> usize {
    let over = usize::try_from(size % BLOCK as u64).unwrap_or_default();
    if over == 0 { 0 } else { BLOCK - over }
}

/// The names as a command reads them, each with a NUL behind it.
pub(super) fn names<'a>(paths: impl IntoIterator<Item = &'a str>) -> ByteStream {
    let text: Vec<u8> = paths.into_iter().flat_map(|path| path.bytes().chain([0])).collect();
    stream::iter([Ok(Bytes::from(text))]).boxed()
}

/// Ends what comes too slowly, or for too long: whoever reads it blocks a thread.
pub(super) fn in_time<S>(pieces: S, idle: std::time::Duration, in_all: std::time::Duration) -> ByteStream
where
    S: Stream<Item = std::io::Result<Bytes>> + Send + Unpin + 'static,
{
    let end = tokio::time::Instant::now() + in_all;
    let timed = stream::unfold(Some(pieces), move |pieces| async move {
        let mut pieces = pieces?;
        let until = (tokio::time::Instant::now() + idle).min(end);
        match tokio::time::timeout_at(until, pieces.next()).await {
            Ok(Some(Ok(piece))) => Some((Ok(piece), Some(pieces))),
            Ok(Some(Err(error))) => Some((Err(error), None)),
            Ok(None) => None,
            Err(_) => Some((Err(std::io::ErrorKind::TimedOut.into()), None)),
        }
    });
    timed.boxed()
}
