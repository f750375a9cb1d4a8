//! The network that services are on.

use std::collections::HashMap;

use bollard::{
    models::{NetworkCreateRequest, NetworkInspect},
    query_parameters::InspectNetworkOptionsBuilder,
};

use super::Services;
use crate::{
    platform::containers::{ContainerError, Result, docker::found},
    text,
};

impl Services {
    /// That of a name, of the whole swarm or of the manager's machine alone.
    pub(super) async fn network_of(&self, scope: &str, name: &str) -> Result<Option<NetworkInspect>> {
        let client = self.manager.client().await?;
        let options = InspectNetworkOptionsBuilder::default().scope(scope).build();
        self.manager.ask("", async { found(client.inspect_network(name, Some(options)).await) }).await
    }

    /// What it carries between machines is encrypted.
    pub(super) async fn make_overlay(&self, name: &str) -> Result<()> {
        // As a server makes it whose editors are beside it.
        if let Some(network) = self.network_of("local", name).await? {
            return is_overlay(name, &network);
        }
        let new = NetworkCreateRequest {
            name: name.to_owned(),
            driver: Some("overlay".to_owned()),
            attachable: Some(true),
            options: Some(HashMap::from([("encrypted".to_owned(), String::new())])),
            labels: Some(HashMap::from([("crawlhub".to_owned(), "network".to_owned())])),
            ..Default::default()
        };
        let made = self.manager.ask("", self.manager.client().await?.create_network(new)).await;
        match (made, self.network_of("swarm", name).await?) {
            // Or another server was faster.
            (_, Some(network)) => is_overlay(name, &network),
            (Err(error), None) => Err(error),
            (Ok(_), None) => Err(ContainerError::failed(format!("the network {name} is gone again"))),
        }
    }
}

/// An error where it cannot be what services are on.
pub(super) fn is_overlay(name: &str, network: &NetworkInspect) -> Result<()> {
    let (scope, driver) = (network.scope.as_deref().unwrap_or_default(), network.driver.as_deref().unwrap_or_default());
    // One that was just made has no driver yet.
    if scope == "swarm" && ["overlay", ""].contains(&driver) {
        return Ok(());
    }
    Err(ContainerError::Unfit(text!(
        "swarm.host 处的 Docker 已有同名网络 {name}（{scope}, {driver}），而 Swarm 需要 overlay 网络；请先删除它（docker network rm {name}）",
        "the Docker at swarm.host has a network {name} already that is none of the swarm's ({scope}, {driver}): remove it \
         (docker network rm {name}), and one is made"
    )))
}
