//! Volumes, as folders of this machine.

use std::{io, os::unix::fs::symlink, path::PathBuf};

use super::{Fake, locked};
use crate::platform::containers::{ContainerError, ContainerRuntime, Labels, Result, Volume};

#[derive(Debug)]
pub(super) struct Kept {
    labels: Labels,
    folder: PathBuf,
}

impl Fake {
    /// The folder of a volume.
    pub fn volume(&self, name: &str) -> Option<PathBuf> {
        locked(&self.0.volumes).get(name).map(|kept| kept.folder.clone())
    }

    pub(super) async fn keep(&self, name: &str, labels: &Labels, image: &str) -> Result<()> {
        if !self.has_image(image).await? {
            return Err(ContainerError::NoImage(image.to_owned()));
        }
        let folder = self.0.folder.path().join("volumes").join(name);
        std::fs::create_dir_all(&folder).map_err(|error| ContainerError::Failed(error.into()))?;
        let mut volumes = locked(&self.0.volumes);
        volumes.entry(name.to_owned()).or_insert_with(|| Kept { labels: labels.clone(), folder });
        Ok(())
    }

    pub(super) fn drop_volume(&self, name: &str) -> Result<()> {
        self.answering()?;
        let is_used =
            locked(&self.0.containers).values().any(|made| made.spec.volumes.iter().any(|(used, _)| used == name));
        if is_used {
            return Err(ContainerError::Conflict(format!("the volume {name} is in use")));
        }
        if let Some(kept) = locked(&self.0.volumes).remove(name) {
            std::fs::remove_dir_all(kept.folder).map_err(|error| ContainerError::Failed(error.into()))?;
        }
        Ok(())
    }

    pub(super) fn volumes_with(&self, labels: &[(&str, &str)]) -> Result<Vec<Volume>> {
        self.answering()?;
        let volumes = locked(&self.0.volumes);
        let has = |kept: &Kept| labels.iter().all(|(name, value)| kept.labels.get(*name).is_some_and(|is| is == value));
        let found = volumes.iter().filter(|(_, kept)| has(kept));
        Ok(found.map(|(name, kept)| Volume { name: name.clone(), labels: kept.labels.clone() }).collect())
    }

    /// The folders of a new container: links where they are volumes.
    pub(super) fn furnish(&self, root: &std::path::Path, volumes: &[(String, String)]) -> io::Result<()> {
        std::fs::create_dir_all(root)?;
        for (name, place) in volumes {
            let folder = self.volume(name).ok_or(io::ErrorKind::NotFound)?;
            symlink(folder, root.join(place.trim_start_matches('/')))?;
        }
        let workspace = root.join("workspace");
        if workspace.exists() { Ok(()) } else { std::fs::create_dir(workspace) }
    }
}
