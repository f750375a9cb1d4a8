//! A commit's files are brought to a folder in which people work: what they changed stays, unless they are told otherwise.

use std::{
    collections::BTreeMap,
    fs::{self, File, Permissions},
    io::{self, Read, Write},
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::Path,
};

use nix::fcntl::OFlag;

use super::target::Target;
use crate::{
    error::{Error, Result},
    platform::{
        files::{Files, Hash, hash_of},
        git::{Entry, Git, Kind},
    },
    text,
};

/// A larger file is left out.
const MOST_FILE_BYTES: u64 = 64 << 20;
/// Read at a time.
const CHUNK_BYTES: u64 = 64 << 20;
const CHUNK_FILES: usize = 1000;
const NAMED: usize = 10;

pub(super) struct Bringing<'a> {
    pub git: &'a Git,
    pub files: &'a Files,
    /// Of the repository.
    pub copy: &'a str,
    pub target: &'a Target,
    pub force: bool,
}

pub(super) struct Brought {
    pub base: BTreeMap<String, Hash>,
    pub message: String,
}

impl Bringing<'_> {
    pub(super) async fn bring(&self, tree: &[Entry], base: &BTreeMap<String, Hash>) -> Result<Brought> {
        let is_fit = |entry: &&Entry| {
            entry.kind.is_file() && entry.has_utf8_path && entry.size <= MOST_FILE_BYTES && is_plain(&entry.path)
        };
        let (fit, left_out): (Vec<&Entry>, Vec<&Entry>) = tree.iter().partition(is_fit);
        let (mut new, mut kept) = (BTreeMap::new(), Vec::new());
        let mut rest = fit.as_slice();
        while !rest.is_empty() {
            let mut bytes = 0;
            let fits = rest.iter().take(CHUNK_FILES).take_while(|entry| {
                bytes += entry.size;
                bytes <= CHUNK_BYTES
            });
            let (chunk, others) = rest.split_at(fits.count().max(1));
            let hashes = self.git.read(self.copy, chunk, self.files).await?;
            for (entry, hash) in chunk.iter().zip(hashes) {
                let former = base.get(&entry.path);
                if !self.set(entry, &hash, former).await? {
                    kept.push(entry.path.clone());
                }
                new.insert(entry.path.clone(), hash);
            }
            rest = others;
        }
        for (path, former) in base.iter().filter(|(path, _)| !new.contains_key(*path)) {
            let is_gone = match found(self.target, path).map_err(|error| unreadable(&error))? {
                Found::File(hash) if hash == *former || self.force => remove(self.target, path).map(|()| true),
                Found::Nothing => Ok(true),
                Found::File(_) | Found::Other => Ok(false),
            };
            if !is_gone.map_err(|error| unreadable(&error))? {
                kept.push(path.clone());
            }
        }
        let mut message = list("changed here and kept", kept.iter().map(String::as_str));
        let left_out = list("left out", left_out.iter().map(|entry| entry.path.as_str()));
        if !message.is_empty() && !left_out.is_empty() {
            message.push_str("; ");
        }
        Ok(Brought { base: new, message: message + &left_out })
    }

    /// Whether the file is as the commit has it, or somebody has changed it.
    async fn set(&self, entry: &Entry, hash: &Hash, former: Option<&Hash>) -> Result<bool> {
        let is_ours = match found(self.target, &entry.path).map_err(|error| unreadable(&error))? {
            Found::File(present) if present == *hash => return Ok(true),
            Found::File(present) => former == Some(&present),
            // One that somebody has removed stays so.
            Found::Nothing => former.is_none(),
            Found::Other => false,
        };
        if !is_ours && !self.force {
            return Ok(false);
        }
        let content = self.files.get(hash).await?;
        let executable = entry.kind == Kind::Executable;
        write(self.target, &entry.path, &content, executable).map_err(|error| {
            let path = &entry.path;
            Error::failed("not_written", text!("{path} 无法写入：{error}", "{path} cannot be written: {error}"))
        })?;
        Ok(true)
    }
}

enum Found {
    Nothing,
    File(Hash),
    /// A folder, a link, a device.
    Other,
}

fn found(target: &Target, path: &str) -> io::Result<Found> {
    let folder = match target.folder_of(path, false) {
        Ok(folder) => folder,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Found::Nothing),
        Err(_) => return Ok(Found::Other),
    };
    let flags = OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK;
    let opened = File::options().read(true).custom_flags(flags.bits()).open(folder.path().join(name_of(path)));
    match opened {
        Ok(file) if file.metadata()?.is_file() && file.metadata()?.len() <= MOST_FILE_BYTES => {
            let mut content = Vec::new();
            file.take(MOST_FILE_BYTES).read_to_end(&mut content)?;
            Ok(Found::File(hash_of(&content)))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Found::Nothing),
        _ => Ok(Found::Other),
    }
}

fn write(target: &Target, path: &str, content: &[u8], executable: bool) -> io::Result<()> {
    let folder = target.folder_of(path, true)?;
    let place = folder.path();
    let mut new = tempfile::NamedTempFile::new_in(&place)?;
    new.write_all(content)?;
    new.as_file().set_permissions(Permissions::from_mode(if executable { 0o755 } else { 0o644 }))?;
    let file = place.join(name_of(path));
    // What is no file makes room: whoever asked for that wants the commit as it is.
    if fs::symlink_metadata(&file).is_ok_and(|found| found.is_dir()) {
        fs::remove_dir_all(&file)?;
    }
    new.persist(file)?;
    Ok(())
}

fn remove(target: &Target, path: &str) -> io::Result<()> {
    fs::remove_file(target.folder_of(path, false)?.path().join(name_of(path)))
}

fn name_of(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or_default()
}

/// Also nothing of git's own.
fn is_plain(path: &str) -> bool {
    let is_name = |part: &str| !["", ".", ".."].contains(&part) && !part.eq_ignore_ascii_case(".git");
    !path.contains('\0') && !Path::new(path).is_absolute() && path.split('/').all(is_name)
}

fn list<'a>(what: &str, paths: impl ExactSizeIterator<Item = &'a str>) -> String {
    let count = paths.len();
    if count == 0 {
        return String::new();
    }
    let named: Vec<&str> = paths.take(NAMED).collect();
    let more = if count > NAMED { format!(" and {} more", count - NAMED) } else { String::new() };
    format!("{what}: {}{more}", named.join(", "))
}

fn unreadable(error: &io::Error) -> Error {
    Error::failed("not_readable", text!("项目目录无法读写：{error}", "the project's folder cannot be used: {error}"))
}
