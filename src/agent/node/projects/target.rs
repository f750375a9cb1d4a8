//! Folders of projects. None climbs out of that of all projects, and no link on the way is followed, whoever makes one
//! at the same moment: each part is opened by itself, from where the one before was.

use std::{
    io,
    path::{Component, Path, PathBuf},
};

use super::journal::Journal;
use crate::{
    error::{Error, Result},
    runner::places::Folder,
    text,
};

#[derive(Debug)]
pub(super) struct Target {
    root: PathBuf,
    /// By `/`, all of them plain.
    relative: String,
}

impl Target {
    /// `path` may be absolute or not.
    pub(super) fn below(root: &Path, path: &str) -> Result<Self> {
        let given = Path::new(path);
        let relative = if given.is_absolute() { given.strip_prefix(root).ok() } else { Some(given) };
        let parts: Option<Vec<&str>> = relative.and_then(|relative| {
            relative
                .components()
                .map(|part| if let Component::Normal(name) = part { name.to_str() } else { None })
                .collect()
        });
        let is_fit = |part: &&str| !part.starts_with('.') && part.len() <= 255 && !part.chars().any(char::is_control);
        match parts {
            Some(parts) if (1..=8).contains(&parts.len()) && parts.iter().all(is_fit) => {
                let target = Self { root: root.to_owned(), relative: parts.join("/") };
                target.check_links()?;
                Ok(target)
            }
            _ => Err(outside()),
        }
    }

    /// Refuses a path with a link in it.
    fn check_links(&self) -> Result<()> {
        let mut path = self.root.clone();
        for part in self.relative.split('/') {
            path.push(part);
            match std::fs::symlink_metadata(&path) {
                Ok(found) if found.is_dir() => {}
                Ok(_) => return Err(outside()),
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
                Err(error) => return Err(Error::internal(error)),
            }
        }
        Ok(())
    }

    /// Refuses a folder that is another project's, or within one, or that has something in it that is nobody's.
    pub(super) fn check_free(&self, own: &Journal, journals: &Path) -> Result<()> {
        let inside = |one: &str, other: &str| one == other || one.starts_with(&format!("{other}/"));
        let others = Journal::all(journals)?;
        let mut others = others.iter().filter(|journal| journal.project_id != own.project_id);
        let is_others =
            others.any(|other| inside(&self.relative, &other.target) || inside(&other.target, &self.relative));
        let is_new = own.git_commit.is_none() && own.base.is_empty();
        let has_something = || std::fs::read_dir(self.path()).is_ok_and(|mut entries| entries.next().is_some());
        if is_others || (is_new && own.status.is_empty() && has_something()) {
            return Err(Error::conflict(
                "target_taken",
                text!("目标目录已被占用", "there is something in that folder already"),
            ));
        }
        Ok(())
    }

    pub(super) fn relative(&self) -> &str {
        &self.relative
    }

    pub(super) fn path(&self) -> PathBuf {
        self.root.join(&self.relative)
    }

    pub(super) fn name(&self) -> &str {
        self.relative.rsplit('/').next().unwrap_or_default()
    }

    /// The folder that it is in.
    pub(super) fn held_parent(&self) -> io::Result<Folder> {
        let (parent, _) = self.relative.rsplit_once('/').unwrap_or_default();
        descend(Folder::open(&self.root)?, parent, false)
    }

    /// The folder of one of its files, made where it is missing and `make` says so.
    pub(super) fn folder_of(&self, file: &str, make: bool) -> io::Result<Folder> {
        let (parent, _) = file.rsplit_once('/').unwrap_or_default();
        let own = descend(Folder::open(&self.root)?, &self.relative, make)?;
        descend(own, parent, make)
    }
}

fn descend(mut folder: Folder, path: &str, make: bool) -> io::Result<Folder> {
    for part in path.split('/').filter(|part| !part.is_empty()) {
        let next = folder.path().join(part);
        if make {
            match std::fs::create_dir(&next) {
                Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
                _ => {}
            }
        }
        folder = Folder::open(&next)?;
    }
    Ok(folder)
}

fn outside() -> Error {
    Error::bad_request(
        "path_outside",
        text!(
            "target_path 须在 AGENT_PROJECTS_PATH 之内，且不经过链接",
            "target_path must lie below AGENT_PROJECTS_PATH, with no link on the way"
        ),
    )
}
