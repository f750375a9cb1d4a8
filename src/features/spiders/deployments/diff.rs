//! What differs between a version and another one, or the files as they are.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use similar::TextDiff;

use super::{
    super::{Source, SpiderFile, Spiders, files::blocking},
    Deployment,
    types::{ChangedFile, ChangedSetting, DeployedFile, Diff},
};
use crate::{
    error::Result,
    id::{DeploymentId, SpiderId},
};

/// What `against` calls the files as they are.
const FILES: &str = "files";
/// Of each of the two; larger ones are only said to differ.
const LARGEST_DIFFED: i64 = 256 * 1024;
/// Of all contents that one answer compares.
const MOST_DIFFED: i64 = 8 * 1024 * 1024;
/// Beyond it differences are shown coarsely: what two texts have in common can take long to find.
const PATIENCE: Duration = Duration::from_secs(3);

/// One side: how it is run, and its files by path.
struct Side {
    settings: [(&'static str, String); 3],
    files: BTreeMap<String, DeployedFile>,
}

impl Spiders {
    /// What leads from `against` (see [`Diff::against`]), or from the version before, to that version.
    pub(super) async fn diff(&self, id: &SpiderId, to: &DeploymentId, against: Option<String>) -> Result<Diff> {
        let to = self.deployment(id, to).await?;
        let (against, against_version, from) = match against {
            Some(files) if files == FILES => (Some(files), None, self.side_of_files(id).await?),
            Some(other) => self.labelled(Some(self.deployment(id, &other.into()).await?)).await?,
            None => self.labelled(self.deployment_before(&to).await?).await?,
        };
        let version = to.version;
        let mut to = self.side_of(to).await?;
        let settings = from
            .settings
            .iter()
            .zip(to.settings)
            .filter(|((_, from), (_, to))| from != to)
            .map(|((name, from), (_, to))| ChangedSetting { name, from: from.clone(), to })
            .collect();
        let (mut removed, mut both) = (Vec::new(), Vec::new());
        for (path, from) in from.files {
            match to.files.remove(&path) {
                None => removed.push(from),
                Some(to) if to.hash != from.hash || to.executable != from.executable => both.push((from, to)),
                Some(_) => {}
            }
        }
        let added = to.files.into_values().collect();
        let changed = self.changes(both).await?;
        Ok(Diff { against, against_version, version, added, removed, changed, settings })
    }

    async fn labelled(&self, deployment: Option<Deployment>) -> Result<(Option<String>, Option<i64>, Side)> {
        let Some(deployment) = deployment else { return Ok((None, None, Side::empty())) };
        let (id, version) = (deployment.id.to_string(), deployment.version);
        Ok((Some(id), Some(version), self.side_of(deployment).await?))
    }

    async fn side_of(&self, deployment: Deployment) -> Result<Side> {
        let files = self.deployed_files(&deployment).await?;
        let Deployment { source, entry_point, requirements_txt, .. } = deployment;
        Ok(Side::new(source, entry_point, requirements_txt, files))
    }

    async fn side_of_files(&self, id: &SpiderId) -> Result<Side> {
        let spider = self.get(id).await?;
        Ok(Side::new(spider.source, spider.entry_point, spider.requirements_txt, self.files_of(id).await?))
    }

    /// With their texts compared, as long as these are not too large together.
    async fn changes(&self, pairs: Vec<(DeployedFile, DeployedFile)>) -> Result<Vec<ChangedFile>> {
        let deadline = Instant::now() + PATIENCE;
        let mut room = MOST_DIFFED;
        let mut changed = Vec::with_capacity(pairs.len());
        for (from, to) in pairs {
            let size = from.size + to.size;
            let is_compared = from.hash != to.hash && from.size.max(to.size) <= LARGEST_DIFFED && size <= room;
            let diff = if is_compared {
                room -= size;
                let (old, new) = (self.blobs.get(&from.hash).await?, self.blobs.get(&to.hash).await?);
                let path = to.path.clone();
                blocking(move || Ok(unified(&path, &old, &new, deadline))).await?
            } else {
                None
            };
            changed.push(ChangedFile { path: to.path.clone(), from, to, diff });
        }
        Ok(changed)
    }
}

impl Side {
    fn empty() -> Self {
        Self::new(Source::Empty, String::new(), String::new(), Vec::new())
    }

    fn new(source: Source, entry_point: String, requirements_txt: String, files: Vec<SpiderFile>) -> Self {
        Self {
            settings: [
                ("source", source.to_string()),
                ("entry_point", entry_point),
                ("requirements_txt", requirements_txt),
            ],
            files: files.into_iter().map(|file| (file.path.clone(), file.into())).collect(),
        }
    }
}

/// None where either is not text.
fn unified(path: &str, old: &[u8], new: &[u8], deadline: Instant) -> Option<String> {
    let (old, new) = (text_of(old)?, text_of(new)?);
    let diff = TextDiff::configure().deadline(deadline).diff_lines(old, new);
    Some(diff.unified_diff().header(&format!("a/{path}"), &format!("b/{path}")).to_string())
}

fn text_of(content: &[u8]) -> Option<&str> {
    std::str::from_utf8(content).ok().filter(|text| !text.contains('\0'))
}
