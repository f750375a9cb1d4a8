//! What the agent knows of a project, in a file.

use std::{
    collections::BTreeMap,
    io::{ErrorKind, Write},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use crate::{
    error::{Error, Result},
    text,
};

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Journal {
    pub project_id: String,
    pub git_url: String,
    pub branch: Option<String>,
    /// Its folder, below that of all projects.
    pub target: String,
    pub status: String,
    pub message: String,
    pub git_commit: Option<String>,
    pub git_subject: Option<String>,
    pub host_keys: Option<String>,
    /// The files that the folder and the repository last agreed on, each with the hash of its content.
    pub base: BTreeMap<String, String>,
}

impl Journal {
    pub(super) fn new(id: &str, target: &str) -> Self {
        Self { project_id: id.to_owned(), target: target.to_owned(), ..Self::default() }
    }

    pub(super) fn check_id(id: &str) -> Result<()> {
        let is_plain = |letter: char| letter.is_ascii_alphanumeric() || letter == '-';
        if (1..=64).contains(&id.len()) && !id.starts_with('-') && id.chars().all(is_plain) {
            return Ok(());
        }
        let text = text!("须为 1 到 64 个字母、数字或 -", "must be 1 to 64 letters, digits or -");
        Err(Error::invalid("body.project_id", "value_error", text))
    }

    pub(super) fn read(folder: &Path, id: &str) -> Result<Self> {
        Self::check_id(id)?;
        match std::fs::read(file_of(folder, id)) {
            Ok(text) => serde_json::from_slice(&text).map_err(Error::internal),
            Err(error) if error.kind() == ErrorKind::NotFound => Err(Error::not_found(
                "project_not_found",
                text!("此节点没有项目 {id}", "this node has no project {id}"),
            )),
            Err(error) => Err(Error::internal(error)),
        }
    }

    pub(super) fn all(folder: &Path) -> Result<Vec<Self>> {
        let entries = std::fs::read_dir(folder).map_err(Error::internal)?.flatten();
        let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
        Ok(names.filter_map(|name| Self::read(folder, name.strip_suffix(".json")?).ok()).collect())
    }

    /// Whole, or not at all.
    pub(super) fn write(&self, folder: &Path) -> Result<()> {
        let text = serde_json::to_vec(self).map_err(Error::internal)?;
        let mut new = tempfile::NamedTempFile::new_in(folder).map_err(Error::internal)?;
        new.write_all(&text).map_err(Error::internal)?;
        new.persist(file_of(folder, &self.project_id)).map_err(Error::internal)?;
        Ok(())
    }

    pub(super) fn remove(folder: &Path, id: &str) -> Result<()> {
        std::fs::remove_file(file_of(folder, id)).map_err(Error::internal)
    }
}

fn file_of(folder: &Path, id: &str) -> PathBuf {
    folder.join(format!("{id}.json"))
}
