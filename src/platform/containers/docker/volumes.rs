//! Volumes.

use std::collections::HashMap;

use bollard::{
    models::{ContainerCreateBody, HostConfig, VolumeCreateRequest},
    query_parameters::{
        CreateContainerOptionsBuilder, ListVolumesOptionsBuilder, RemoveContainerOptionsBuilder,
        RemoveVolumeOptionsBuilder,
    },
};
use futures_util::{FutureExt, StreamExt, stream};

use super::{
    Docker,
    answers::{found, says_no_image},
    label_filters, making,
};
use crate::platform::containers::{ContainerError, ContainerRuntime, Labels, Result, Volume};

/// Where a new volume is, in the container that gives it away.
const PLACE: &str = "crawlhub-volume";

impl Docker {
    pub(super) async fn volume_for_users(&self, name: &str, labels: &Labels, image: &str) -> Result<()> {
        let client = self.client().await?;
        if self.connection.ask("", client.inspect_volume(name).map(found)).await?.is_some() {
            return Ok(());
        }
        let labels: HashMap<_, _> = labels.clone().into_iter().collect();
        let request =
            VolumeCreateRequest { name: Some(name.to_owned()), labels: Some(labels.clone()), ..Default::default() };
        self.connection.ask("", client.create_volume(request)).await?;
        if let Err(error) = self.give_to_user(name, labels, image).await {
            // The next one who asks would take it as it is.
            let _ = self.drop_volume(name).await;
            return Err(error);
        }
        Ok(())
    }

    /// A new volume is root's, and no container runs as root: its owner comes with an archive, in a container that is
    /// never started.
    async fn give_to_user(&self, name: &str, labels: HashMap<String, String>, image: &str) -> Result<()> {
        let client = self.client().await?;
        let body = ContainerCreateBody {
            image: Some(image.to_owned()),
            entrypoint: Some(vec!["true".to_owned()]),
            labels: Some(labels),
            host_config: Some(HostConfig {
                mounts: Some(vec![making::mount(name, &format!("/{PLACE}"))]),
                network_mode: Some("none".to_owned()),
                ..Default::default()
            }),
            ..Default::default()
        };
        let options = CreateContainerOptionsBuilder::default().name(&format!("{name}-new")).build();
        let made = client.create_container(Some(options), body).map(|answer| match answer {
            Err(error) if says_no_image(&error) => Ok(None),
            answer => answer.map(Some),
        });
        let made = self.connection.ask("", made).await?;
        let id = made.ok_or_else(|| ContainerError::NoImage(image.to_owned()))?.id;
        let given = self.put_archive(&id, "/", stream::iter([Ok(users_folder(PLACE))]).boxed()).await;
        // Not with its volumes: that is what it was made for.
        let options = RemoveContainerOptionsBuilder::default().force(true).build();
        self.connection.ask(&id, client.remove_container(&id, Some(options))).await?;
        given
    }

    pub(super) async fn drop_volume(&self, name: &str) -> Result<()> {
        let client = self.client().await?;
        let options = RemoveVolumeOptionsBuilder::default().build();
        self.connection.ask("", client.remove_volume(name, Some(options)).map(found)).await.map(drop)
    }

    pub(super) async fn volumes_with(&self, labels: &[(&str, &str)]) -> Result<Vec<Volume>> {
        let options = ListVolumesOptionsBuilder::default().filters(&label_filters(labels)).build();
        let found = self.connection.ask("", self.client().await?.list_volumes(Some(options))).await?;
        let volumes = found.volumes.unwrap_or_default().into_iter();
        Ok(volumes.map(|volume| Volume { name: volume.name, labels: volume.labels.into_iter().collect() }).collect())
    }
}

/// An archive of one folder, which is the containers' user's.
fn users_folder(name: &str) -> bytes::Bytes {
    let mut header = tar::Header::new_ustar();
    header.set_entry_type(tar::EntryType::Directory);
    header.set_mode(0o755);
    header.set_uid(making::USER_ID);
    header.set_gid(making::USER_ID);
    header.set_size(0);
    let name = format!("{name}/");
    header.as_mut_bytes()[..name.len()].copy_from_slice(name.as_bytes());
    header.set_cksum();
    let mut archive = header.as_bytes().to_vec();
    // Two empty blocks end it.
    archive.resize(archive.len() + 1024, 0);
    archive.into()
}
