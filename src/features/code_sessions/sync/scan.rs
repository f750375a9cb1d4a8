//! What is in a container that runs: one command lists it, a second one reads what may have changed since.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex},
    time::Duration,
};

use bytes::Bytes;
use futures_util::{StreamExt, future::BoxFuture};

use super::{
    amount::Amount,
    pack::{in_time, names},
    skipped::{LeftOut, NAME, NOT_A_FILE},
    unpack::{Unpacked, too_many_entries, unpack},
};
use crate::{
    config,
    error::{Error, Result},
    features::spiders::files::{LEFT_OUT, LEFT_OUT_FOLDERS, State, States, clean, is_left_out},
    platform::{
        containers::{ByteStream, ContainerId, Containers, Exec, Output, Running},
        files::Files,
    },
    text,
};

pub(super) const WORKSPACE: &str = "/workspace";
/// Of the list: some 300,000 files.
const LONGEST_LIST: usize = 32 * 1024 * 1024;
const LIST_PATIENCE: Duration = Duration::from_mins(1);
const IDLE: Duration = Duration::from_secs(30);
pub(super) const IN_ALL: Duration = Duration::from_mins(10);
/// Of what a command says when it fails.
const SAID: usize = 300;

/// What is known of a container's files, by path: as the system says it of the file, and what was in it then.
pub(super) type Known = HashMap<String, (String, State)>;

/// What a container has.
#[derive(Debug, Default)]
pub(super) struct Scanned {
    pub files: States,
    pub left_out: LeftOut,
    pub known: Known,
}

/// One file of the list.
struct Listed {
    /// Changes whenever the file does: nobody but the system sets the time of its last change.
    stamp: String,
    executable: bool,
}

/// The container's files; only what is not as it was `known` is read.
pub(super) async fn scan(
    containers: &Containers,
    id: &ContainerId,
    known: &Known,
    (limits, files): (&config::Spiders, &Files),
) -> Result<Scanned> {
    let (listed, mut left_out) = list(containers, id, limits).await?;
    let is_known = |path: &str, file: &Listed| known.get(path).is_some_and(|(stamp, _)| *stamp == file.stamp);
    let changed: Vec<&str> =
        listed.iter().filter(|(path, file)| !is_known(path, file)).map(|(path, _)| path.as_str()).collect();
    let mut read = if changed.is_empty() {
        States::new()
    } else {
        let unpacked = fetch(containers, id, &changed, (limits, files)).await?;
        left_out.extend(unpacked.left_out);
        unpacked.files
    };
    let mut scanned = Scanned { left_out, ..Scanned::default() };
    for (path, file) in listed {
        let state = match known.get(&path).filter(|(stamp, _)| *stamp == file.stamp) {
            Some((_, state)) => state.clone(),
            None => match read.remove(&path) {
                Some(state) => State { executable: file.executable, ..state },
                None => return Err(moved(&path)),
            },
        };
        scanned.known.insert(path.clone(), (file.stamp, state.clone()));
        scanned.files.insert(path, state);
    }
    Ok(scanned)
}

/// The stamps of what is there now.
pub(super) async fn stamps(
    containers: &Containers,
    id: &ContainerId,
    limits: &config::Spiders,
) -> Result<HashMap<String, String>> {
    let (listed, _) = list(containers, id, limits).await?;
    Ok(listed.into_iter().map(|(path, file)| (path, file.stamp)).collect())
}

/// The size of a file that has this stamp.
pub(super) fn size_in(stamp: &str) -> Option<i64> {
    stamp.split(' ').nth(1)?.parse().ok()
}

/// All of it, or an error: what is missing would count as removed.
async fn list(
    containers: &Containers,
    id: &ContainerId,
    limits: &config::Spiders,
) -> Result<(BTreeMap<String, Listed>, LeftOut)> {
    let (printed, is_all) = printed_by_find(containers, id).await?;
    let (mut found, mut left_out, mut amount) = (BTreeMap::new(), LeftOut::default(), Amount::default());
    let mut fields = printed.split(|byte| *byte == 0);
    loop {
        let file: Vec<&[u8]> = fields.by_ref().take(FIELDS).collect();
        if file.len() < FIELDS {
            break;
        }
        let text = |at: usize| std::str::from_utf8(file[at]).ok();
        let path = String::from_utf8_lossy(file[FIELDS - 1]);
        if is_left_out(&path) {
            continue;
        }
        if text(0) != Some("f") {
            left_out.note(&path, NOT_A_FILE);
            continue;
        }
        if clean(&path).as_deref() != Ok(&path) || text(FIELDS - 1).is_none() {
            left_out.note(&path, NAME);
            continue;
        }
        let odd = || said("find", 0, b"fields that are none");
        let size = text(2).and_then(|size| size.parse().ok()).ok_or_else(odd)?;
        let mode = text(1).and_then(|mode| u32::from_str_radix(mode, 8).ok()).ok_or_else(odd)?;
        amount.add(&path, size);
        if amount.files() > limits.max_files {
            // They are counted for who is told, and no more.
            continue;
        }
        let stamp =
            file[1..FIELDS - 1].iter().map(|field| String::from_utf8_lossy(field)).collect::<Vec<_>>().join(" ");
        found.insert(path.into_owned(), Listed { stamp, executable: mode & 0o111 != 0 });
    }
    amount.check(limits)?;
    if is_all { Ok((found, left_out)) } else { Err(too_many_entries()) }
}

/// And whether that is all: what is longer than any list may be is not read on.
async fn printed_by_find(containers: &Containers, id: &ContainerId) -> Result<(Vec<u8>, bool)> {
    let exec = Exec { working_dir: Some(WORKSPACE.to_owned()), ..Exec::new(find().iter().map(String::as_str)) };
    let (pieces, end) = stdout_of(containers.exec(id, exec).await?);
    let (mut pieces, mut printed) = (in_time(pieces, IDLE, LIST_PATIENCE), Vec::new());
    while let Some(piece) = pieces.next().await {
        printed.extend_from_slice(&piece.map_err(silent)?);
        if printed.len() > LONGEST_LIST {
            return Ok((printed, false));
        }
    }
    match end.await? {
        (0, _) => Ok((printed, true)),
        (code, stderr) => Err(said("find", code, &stderr)),
    }
}

/// Type, mode, size, time of its content, of its last change, inode, path.
const FORMAT: &str = r"%y\0%m\0%s\0%T@\0%C@\0%i\0%P\0";
const FIELDS: usize = 7;

/// `find` that goes into nothing that is left out.
fn find() -> Vec<String> {
    let any = |names: &[&str]| names.iter().map(|name| format!("-name {name}")).collect::<Vec<_>>().join(" -o ");
    let command = format!(
        "find . -ignore_readdir_race -xdev ( {} ) -prune -o -type d ( {} ) -prune -o ! -type d -printf",
        any(&LEFT_OUT),
        any(&LEFT_OUT_FOLDERS)
    );
    command.split_whitespace().map(str::to_owned).chain([FORMAT.to_owned()]).collect()
}

async fn fetch(
    containers: &Containers,
    id: &ContainerId,
    paths: &[&str],
    (limits, files): (&config::Spiders, &Files),
) -> Result<Unpacked> {
    let dotted: Vec<String> = paths.iter().map(|path| format!("./{path}")).collect();
    let argv = ["tar", "--format=gnu", "--hard-dereference", "-c", "-f", "-", "--no-recursion", "--null", "-T", "-"];
    let exec = Exec {
        working_dir: Some(WORKSPACE.to_owned()),
        stdin: Some(names(dotted.iter().map(String::as_str))),
        ..Exec::new(argv)
    };
    let (tar, end) = stdout_of(containers.exec(id, exec).await?);
    let unpacked = unpack(in_time(tar, IDLE, IN_ALL), "", limits, files).await?;
    // A file that changed or went while it was read makes it 1 or 2: what is missing is noticed, and looked at again.
    match end.await? {
        (0..=2, _) => Ok(unpacked),
        (code, stderr) => Err(said("tar", code, &stderr)),
    }
}

/// Exit code and stderr of a command.
type End = BoxFuture<'static, Result<(i64, Vec<u8>)>>;

/// What a command prints, and its end.
fn stdout_of(running: Running) -> (ByteStream, End) {
    let Running { output, exit } = running;
    let errors = Arc::new(Mutex::new(Vec::new()));
    let said = errors.clone();
    let pieces = output.filter_map(move |piece| {
        let kept = match piece {
            Ok(Output::Stdout(bytes)) => Some(Ok(bytes)),
            Ok(Output::Stderr(bytes)) => {
                let mut errors = said.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                let room = SAID.saturating_sub(errors.len()).min(bytes.len());
                errors.extend_from_slice(&bytes[..room]);
                None
            }
            Err(error) => Some(Err(std::io::Error::other(error))),
        };
        std::future::ready(kept)
    });
    let end = async move {
        let code = exit.await?;
        let errors = std::mem::take(&mut *errors.lock().unwrap_or_else(std::sync::PoisonError::into_inner));
        Ok((code, errors))
    };
    (pieces.boxed(), Box::pin(end))
}

/// Runs a command to its end that reads `stdin`.
pub(super) async fn feed(containers: &Containers, id: &ContainerId, argv: &[&str], stdin: ByteStream) -> Result<()> {
    let exec = Exec { working_dir: Some(WORKSPACE.to_owned()), stdin: Some(stdin), ..Exec::new(argv.iter().copied()) };
    let (output, end) = stdout_of(containers.exec(id, exec).await?);
    // It prints nothing while it reads, however much that is.
    let mut output = in_time(output, IN_ALL, IN_ALL);
    while let Some(piece) = output.next().await {
        let _: Bytes = piece.map_err(silent)?;
    }
    match end.await? {
        (0, _) => Ok(()),
        (_, stderr) if FULL.iter().any(|words| String::from_utf8_lossy(&stderr).contains(words)) => Err(full()),
        (code, stderr) => Err(said(argv.first().unwrap_or(&""), code, &stderr)),
    }
}

/// Where it is found, a file was gone before it was read.
pub(super) const MOVED: &str = "workspace_moves";

fn moved(path: &str) -> Error {
    Error::conflict(
        MOVED,
        text!(
            "文件 {path} 无法读取，或正在变化，请稍后重试",
            "{path} cannot be read, or changes while it is; try again"
        ),
    )
}

/// What tar says of a disk that is full.
const FULL: [&str; 3] = ["No space left", "Wrote only", "Disk quota exceeded"];

fn full() -> Error {
    Error::conflict(
        "workspace_full",
        text!(
            "编辑器所在的磁盘已满，爬虫的文件无法写入；请删除多余的文件",
            "the disk that the editor is on is full, and the spider's files cannot be written to it; remove what is not needed"
        ),
    )
}

fn silent(error: std::io::Error) -> Error {
    Error::Unavailable { what: "Docker", source: anyhow::Error::new(error).context("a command in a container") }
}

fn said(command: &str, code: i64, stderr: &[u8]) -> Error {
    let said: String =
        String::from_utf8_lossy(stderr).chars().filter(|letter| !letter.is_control()).take(SAID).collect();
    Error::conflict(
        "workspace_unreadable",
        text!(
            "无法读取或写入工作区（{command}: {code}）: {said}",
            "the workspace cannot be read or written ({command}: {code}): {said}"
        ),
    )
}
