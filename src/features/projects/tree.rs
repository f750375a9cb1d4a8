//! What is in the commit that was fetched last, for people to choose a spider's folder from.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::Projects;
use crate::{
    error::{Error, Result},
    id::ProjectId,
    platform::{
        files::Hash,
        git::{self, Entry},
    },
    text,
};

/// Of one folder.
const MOST_SHOWN: usize = 2000;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum TreeKind {
    Folder,
    File,
    Executable,
    Link,
    Submodule,
    Other,
}

/// As a commit's list has it.
#[derive(Debug, Serialize, Deserialize)]
struct Leaf {
    path: String,
    kind: TreeKind,
    size: u64,
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct TreePath {
    /// A folder of the repository; its root where left out.
    #[serde(default)]
    path: String,
}

/// A folder of a project's repository.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ProjectTree {
    pub commit: String,
    pub path: String,
    /// Folders first, then by name. Links and submodules are shown, but no spider gets them.
    pub entries: Vec<TreeEntry>,
    /// There are more.
    pub truncated: bool,
}

#[derive(Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(super) struct TreeEntry {
    pub kind: TreeKind,
    pub name: String,
    pub path: String,
    /// In bytes; of a folder, all that is in it.
    pub size: u64,
}

impl Projects {
    pub(super) async fn keep_listing(&self, tree: &[Entry]) -> Result<Hash> {
        let kind_of = |kind| match kind {
            git::Kind::File => TreeKind::File,
            git::Kind::Executable => TreeKind::Executable,
            git::Kind::Link => TreeKind::Link,
            git::Kind::Submodule => TreeKind::Submodule,
            git::Kind::Other => TreeKind::Other,
        };
        let leaf = |entry: &Entry| Leaf { path: entry.path.clone(), kind: kind_of(entry.kind), size: entry.size };
        let leaves: Vec<Leaf> = tree.iter().map(leaf).collect();
        self.blobs.put(serde_json::to_vec(&leaves).map_err(Error::internal)?).await
    }

    pub(super) async fn tree(&self, id: &ProjectId, at: &TreePath) -> Result<ProjectTree> {
        let project = self.get(id).await?;
        let (Some(commit), Some(listing)) = (project.git_commit, project.git_listing) else {
            return Err(Error::conflict(
                "not_synced",
                text!("项目的仓库尚未同步", "the project's repository was not fetched yet"),
            ));
        };
        let leaves: Vec<Leaf> = serde_json::from_slice(&self.blobs.get(&listing).await?).map_err(Error::internal)?;
        let path = at.path.trim_matches('/').to_owned();
        let mut entries = entries_of(&leaves, &path);
        if entries.is_empty() && !path.is_empty() {
            return Err(Error::not_found(
                "path_not_found",
                text!("仓库中没有文件夹 {path}", "the repository has no folder {path}"),
            ));
        }
        let truncated = entries.len() > MOST_SHOWN;
        entries.truncate(MOST_SHOWN);
        Ok(ProjectTree { commit, path, entries, truncated })
    }
}

fn entries_of(leaves: &[Leaf], folder: &str) -> Vec<TreeEntry> {
    let prefix = if folder.is_empty() { String::new() } else { format!("{folder}/") };
    let mut found: BTreeMap<(TreeKind, &str), u64> = BTreeMap::new();
    for leaf in leaves {
        let Some(rest) = leaf.path.strip_prefix(&prefix) else { continue };
        let key = match rest.split_once('/') {
            Some((name, _)) => (TreeKind::Folder, name),
            None => (leaf.kind, rest),
        };
        *found.entry(key).or_default() += leaf.size;
    }
    let entry = |((kind, name), size): ((TreeKind, &str), u64)| TreeEntry {
        kind,
        name: name.to_owned(),
        path: format!("{prefix}{name}"),
        size,
    };
    let mut entries: Vec<TreeEntry> = found.into_iter().map(entry).collect();
    entries.sort_by(|left, right| {
        let of = |entry: &TreeEntry| (entry.kind != TreeKind::Folder, entry.name.clone());
        of(left).cmp(&of(right))
    });
    entries
}
