//! What goes into a container, and what comes out of it.

use std::fs::File;
use std::io::{self, Seek, SeekFrom};
use std::path::{Component, Path, PathBuf};

use anyhow::{Context, bail};
use futures_util::{StreamExt, TryStreamExt};
use tar::{Archive, Builder, EntryType, Header};
use tokio_util::io::{ReaderStream, StreamReader, SyncIoBridge};

use super::REQUIREMENTS;
use crate::platform::containers::ByteStream;

const OWNER: u64 = 1000;
/// Made in the container for what the spider leaves.
const EMPTY: [&str; 5] = ["output", "spool", "result", "home", "tmp"];
/// Of what comes back.
const MOST_FILES: usize = 20_000;
const MOST_BYTES: u64 = 8 * 1024 * 1024 * 1024;

/// The spider's files, what it imports, and empty folders, as a tar of the container's root.
pub(super) async fn packed(root: &Path, support: &Path) -> anyhow::Result<ByteStream> {
    let (root, support) = (root.to_owned(), support.to_owned());
    let file = tokio::task::spawn_blocking(move || pack(&root, &support)).await??;
    Ok(ReaderStream::new(tokio::fs::File::from_std(file)).boxed())
}

fn pack(root: &Path, support: &Path) -> anyhow::Result<File> {
    let mut tar = Builder::new(tempfile::tempfile_in(root)?);
    let work = root.join("work");
    add_tree(&mut tar, &work, Path::new("workspace"))?;
    // Not the spider's: it must not take away what is fetched from it in the end.
    let mut own = header(EntryType::Directory, 0o755);
    own.set_uid(0);
    own.set_gid(0);
    own.set_size(0);
    tar.append_data(&mut own, "crawlhub", io::empty())?;
    add_tree(&mut tar, support, Path::new("crawlhub/support"))?;
    for name in EMPTY {
        add_folder(&mut tar, &Path::new("crawlhub").join(name))?;
    }
    let wanted = [root.join("requirements.txt"), work.join("requirements.txt")];
    if let Some(wanted) = wanted.iter().find(|path| path.is_file()) {
        add_file(&mut tar, wanted, &Path::new("workspace").join(REQUIREMENTS))?;
    }
    let mut file = tar.into_inner()?;
    file.seek(SeekFrom::Start(0))?;
    Ok(file)
}

/// The server made the tree: it has neither links nor anything else that is odd.
fn add_tree(tar: &mut Builder<File>, from: &Path, to: &Path) -> anyhow::Result<()> {
    add_folder(tar, to)?;
    let mut entries = std::fs::read_dir(from)?.collect::<Result<Vec<_>, _>>()?;
    entries.sort_by_key(std::fs::DirEntry::file_name);
    for entry in entries {
        let target = to.join(entry.file_name());
        match entry.file_type()? {
            kind if kind.is_dir() => add_tree(tar, &entry.path(), &target)?,
            kind if kind.is_file() => add_file(tar, &entry.path(), &target)?,
            _ => {}
        }
    }
    Ok(())
}

fn add_folder(tar: &mut Builder<File>, to: &Path) -> anyhow::Result<()> {
    let mut header = header(EntryType::Directory, 0o755);
    header.set_size(0);
    Ok(tar.append_data(&mut header, to, io::empty())?)
}

fn add_file(tar: &mut Builder<File>, from: &Path, to: &Path) -> anyhow::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let file = File::open(from)?;
    let metadata = file.metadata()?;
    let mut header = header(EntryType::Regular, if metadata.permissions().mode() & 0o111 == 0 { 0o644 } else { 0o755 });
    header.set_size(metadata.len());
    Ok(tar.append_data(&mut header, to, file)?)
}

fn header(kind: EntryType, mode: u32) -> Header {
    let mut header = Header::new_gnu();
    header.set_entry_type(kind);
    header.set_mode(mode);
    header.set_uid(OWNER);
    header.set_gid(OWNER);
    header
}

/// Writes the files of a folder of the container below `to`. What is no file is left out; what climbs ends it.
pub(super) async fn fetch(tar: ByteStream, name: &'static str, to: &Path) -> anyhow::Result<()> {
    let to = to.to_owned();
    let reader = SyncIoBridge::new(StreamReader::new(tar.map_err(io::Error::other)));
    tokio::task::spawn_blocking(move || unpack(reader, name, &to)).await?
}

fn unpack(reader: impl io::Read, name: &str, to: &Path) -> anyhow::Result<()> {
    let mut archive = Archive::new(reader);
    let (mut files, mut left) = (0, MOST_BYTES);
    for entry in archive.entries()? {
        let mut entry = entry.context("what it left cannot be read")?;
        if !entry.header().entry_type().is_file() {
            continue;
        }
        let path = entry.path().context("a name that it left")?.into_owned();
        let Some(path) = inside(&path, name) else {
            bail!("it left {}, which is outside of its folder", path.display())
        };
        files += 1;
        if files > MOST_FILES || entry.size() > left {
            bail!("it left more than {MOST_FILES} files or {MOST_BYTES} bytes");
        }
        left -= entry.size();
        let target = to.join(path);
        std::fs::create_dir_all(target.parent().unwrap_or(to))?;
        let mut file = File::create(&target)?;
        io::copy(&mut entry, &mut file)?;
    }
    Ok(())
}

/// The path below the folder.
fn inside(path: &Path, name: &str) -> Option<PathBuf> {
    let mut parts = path.components().filter(|part| *part != Component::CurDir);
    if parts.next() != Some(Component::Normal(name.as_ref())) {
        return None;
    }
    let rest: Vec<Component> = parts.collect();
    let is_plain = !rest.is_empty() && rest.iter().all(|part| matches!(part, Component::Normal(_)));
    is_plain.then(|| rest.iter().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_lies_in_the_folder_comes_out() {
        assert_eq!(inside(Path::new("output/a/b.csv"), "output"), Some("a/b.csv".into()));
        assert_eq!(inside(Path::new("./output/a"), "output"), Some("a".into()));
        for path in ["output", "other/a", "output/../a", "/output/a", "../output/a", "a"] {
            assert_eq!(inside(Path::new(path), "output"), None, "{path}");
        }
    }
}
