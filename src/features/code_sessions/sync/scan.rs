//! What is in a container that runs: one command lists it, a second one reads what may have changed since.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex},
    time::Duration,
};

use bytes::Bytes;
use futures_util::{StreamExt, future::BoxFuture};

use super::{
    merge::{State, States},
    pack::{in_time, names},
    unpack::{Skipped, check_amount, note, unpack},
};
use crate::{
    config,
    error::{Error, Result},
    features::spiders::files::{LEFT_OUT, LEFT_OUT_FOLDERS, Tree, check_file, clean, is_left_out},
    platform::{
        containers::{ByteStream, ContainerId, Containers, Exec, Output, Running},
        files::Files,
    },
    text,
};

pub(super) const WORKSPACE: &str = "/workspace";
/// Of the list: some 150,000 files.
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
    pub skipped: Vec<Skipped>,
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
    let (listed, mut skipped) = list(containers, id, limits).await?;
    let is_known = |path: &str, file: &Listed| known.get(path).is_some_and(|(stamp, _)| *stamp == file.stamp);
    let changed: Vec<&str> =
        listed.iter().filter(|(path, file)| !is_known(path, file)).map(|(path, _)| path.as_str()).collect();
    let mut read = if changed.is_empty() {
        States::new()
    } else {
        let unpacked = fetch(containers, id, &changed, (limits, files)).await?;
        skipped.extend(unpacked.1);
        unpacked.0
    };
    let mut scanned = Scanned { skipped, ..Scanned::default() };
    for (path, file) in listed {
        let state = match known.get(&path).filter(|(stamp, _)| *stamp == file.stamp) {
            Some((_, state)) => state.clone(),
            None => match read.remove(&path) {
                Some(state) => State { executable: file.executable, ..state },
                None => return Err(moved()),
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

async fn list(
    containers: &Containers,
    id: &ContainerId,
    limits: &config::Spiders,
) -> Result<(BTreeMap<String, Listed>, Vec<Skipped>)> {
    let exec = Exec { working_dir: Some(WORKSPACE.to_owned()), ..Exec::new(find().iter().map(String::as_str)) };
    let run = tokio::time::timeout(LIST_PATIENCE, containers.run(id, exec, LONGEST_LIST));
    let done = run.await.map_err(|_| slow())??;
    if done.code != 0 && done.stdout.is_empty() {
        return Err(said("find", done.code, &done.stderr));
    }
    let (mut found, mut skipped, mut total) = (BTreeMap::new(), Vec::new(), 0);
    let mut tree = Tree::default();
    let fields: Vec<&[u8]> = done.stdout.split(|byte| *byte == 0).collect();
    for file in fields.chunks_exact(FIELDS) {
        let text = |at: usize| std::str::from_utf8(file[at]).ok();
        let Some(path) = text(FIELDS - 1) else {
            note(&mut skipped, &String::from_utf8_lossy(file[FIELDS - 1]), "name");
            continue;
        };
        let (Some(kind), Some(mode), Some(size)) = (text(0), text(1), text(2)) else { continue };
        if is_left_out(path) {
            continue;
        }
        if kind != "f" {
            note(&mut skipped, path, "not_a_file");
            continue;
        }
        if clean(path).as_deref() != Ok(path) || tree.insert(path).is_err() {
            note(&mut skipped, path, "name");
            continue;
        }
        let size: u64 = size.parse().map_err(|_| said("find", 0, b"a size that is none"))?;
        check_file(limits, path, size)?;
        total += size;
        check_amount(limits, found.len() + 1, total)?;
        let executable = u32::from_str_radix(mode, 8).is_ok_and(|mode| mode & 0o111 != 0);
        let stamp =
            file[1..FIELDS - 1].iter().map(|field| String::from_utf8_lossy(field)).collect::<Vec<_>>().join(" ");
        found.insert(path.to_owned(), Listed { stamp, executable });
    }
    Ok((found, skipped))
}

/// Type, mode, size, time of its content, of its last change, inode, path.
const FORMAT: &str = r"%y\0%m\0%s\0%T@\0%C@\0%i\0%P\0";
const FIELDS: usize = 7;

/// `find` that goes into nothing that is left out.
fn find() -> Vec<String> {
    let any = |names: &[&str]| names.iter().map(|name| format!("-name {name}")).collect::<Vec<_>>().join(" -o ");
    let command = format!(
        "find . -xdev ( {} ) -prune -o -type d ( {} ) -prune -o ! -type d -printf",
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
) -> Result<(States, Vec<Skipped>)> {
    let dotted: Vec<String> = paths.iter().map(|path| format!("./{path}")).collect();
    let exec = Exec {
        working_dir: Some(WORKSPACE.to_owned()),
        stdin: Some(names(dotted.iter().map(String::as_str))),
        ..Exec::new(["tar", "--format=gnu", "-c", "-f", "-", "--no-recursion", "--null", "-T", "-"])
    };
    let (tar, end) = stdout_of(containers.exec(id, exec).await?);
    let unpacked = unpack(tar, "", limits, files).await?;
    // A file that changed or went while it was read makes it 1 or 2: what is missing is noticed, and looked at again.
    match end.await? {
        (0..=2, _) => Ok((unpacked.files, unpacked.skipped)),
        (code, stderr) => Err(said("tar", code, &stderr)),
    }
}

/// What a command prints, in time, and its end: exit code and stderr.
pub(super) fn stdout_of(running: Running) -> (ByteStream, BoxFuture<'static, Result<(i64, Vec<u8>)>>) {
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
    (in_time(pieces.boxed(), IDLE, IN_ALL), Box::pin(end))
}

/// Runs a command to its end that reads `stdin`.
pub(super) async fn feed(containers: &Containers, id: &ContainerId, argv: &[&str], stdin: ByteStream) -> Result<()> {
    let exec = Exec { working_dir: Some(WORKSPACE.to_owned()), stdin: Some(stdin), ..Exec::new(argv.iter().copied()) };
    let (mut output, end) = stdout_of(containers.exec(id, exec).await?);
    while let Some(piece) = output.next().await {
        let _: Bytes = piece.map_err(|error| Error::Unavailable { what: "Docker", source: error.into() })?;
    }
    match end.await? {
        (0, _) => Ok(()),
        (code, stderr) => Err(said(argv.first().unwrap_or(&""), code, &stderr)),
    }
}

/// Where it is found, a file was gone before it was read.
pub(super) const MOVED: &str = "workspace_moves";

fn moved() -> Error {
    Error::conflict(MOVED, text!("文件正在变化，请稍后重试", "files change while they are read; try again"))
}

fn slow() -> Error {
    Error::Unavailable { what: "Docker", source: anyhow::anyhow!("the list of files does not end") }
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
