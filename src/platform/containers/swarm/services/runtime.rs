use std::{collections::HashMap, time::Duration};

use async_trait::async_trait;
use bollard::{
    models::{NodeState, Service},
    query_parameters::ListServicesOptions,
};
use futures_util::{
    StreamExt,
    future::ready,
    stream::{self, BoxStream},
};

use super::{Placed, Services, making, network::is_overlay, place_in};
use crate::platform::containers::{
    ByteStream, Container, ContainerError, ContainerId, ContainerRuntime, ContainerSpec, Ended, Engine, Exec,
    Happening, Labels, LogRange, Network, OutputStream, Result, Running, Size, State, Terminal, Volume, Where,
    docker::found,
};

/// Machines that come later, or did not answer, are heard from then on.
const HEAR_FOR: Duration = Duration::from_mins(1);
/// Machines that are asked.
const AT_ONCE: usize = 16;

#[async_trait]
impl ContainerRuntime for Services {
    async fn ping(&self) -> Result<()> {
        self.manager.ask("", self.manager.client().await?.inspect_swarm()).await.map(drop)
    }

    async fn engine(&self) -> Result<Engine> {
        let client = self.manager.client().await?;
        let swarm = self.manager.ask("", client.inspect_swarm()).await?;
        Ok(Engine {
            id: swarm.id.unwrap_or_default(),
            name: "Docker Swarm".to_owned(),
            api_version: client.client_version().to_string(),
        })
    }

    /// Whichever machine is to have it gets it itself, or says that it cannot.
    async fn has_image(&self, _image: &str) -> Result<bool> {
        Ok(true)
    }

    /// An overlay network, between machines encrypted. Unlike on one machine, containers on it do reach each other: what
    /// listens in them has to be locked.
    async fn network(&self, name: &str) -> Result<Network> {
        match self.network_of("swarm", name).await? {
            Some(network) => is_overlay(name, &network)?,
            None => self.make_overlay(name).await?,
        }
        Ok(Network { name: name.to_owned(), gateway: None, reach: Where::Container })
    }

    fn starts_once(&self) -> bool {
        true
    }

    async fn create(&self, spec: &ContainerSpec) -> Result<ContainerId> {
        let client = self.manager.client().await?;
        let made = self.manager.ask(&spec.name, client.create_service(making::service_for(spec), None)).await?;
        made.id.ok_or_else(|| ContainerError::failed("a service without an id"))
    }

    /// Waits for a machine that takes it, however long.
    async fn start(&self, id: &ContainerId) -> Result<()> {
        match self.inspect(id).await? {
            None => Err(ContainerError::Gone(id.clone())),
            Some(found) if found.state == State::Created => self.place(id).await,
            Some(found) if found.state.is_running() => Ok(()),
            // A swarm ends again what it has seen end.
            Some(_) => Err(ContainerError::Conflict(format!("{id} has ended"))),
        }
    }

    async fn inspect(&self, id: &ContainerId) -> Result<Option<Container>> {
        match self.service(id).await? {
            Some(service) => self.look_at(&service).await,
            None => Ok(None),
        }
    }

    /// One for each service: those of machines that do not answer, and those whose container is gone, are in no known state.
    async fn list(&self, labels: &[(&str, &str)]) -> Result<Vec<Container>> {
        let client = self.manager.client().await?;
        let wanted = labels.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let filters = Some(HashMap::from([("label".to_owned(), wanted)]));
        let services = client.list_services(Some(ListServicesOptions { filters, status: None }));
        let mut machines: HashMap<Option<String>, Vec<Service>> = HashMap::new();
        for service in self.manager.ask("", services).await? {
            let machine = place_in(&service).map(|(machine, _)| machine.to_owned());
            machines.entry(machine).or_default().push(service);
        }
        let found = stream::iter(machines.into_values()).map(|services| self.look_at_all(services));
        Ok(found.buffer_unordered(AT_ONCE).collect::<Vec<_>>().await.concat())
    }

    async fn stop(&self, id: &ContainerId, grace: Duration) -> Result<()> {
        let Placed { engine, container } = self.placed(id).await?;
        engine.stop(&container, grace).await
    }

    async fn kill(&self, id: &ContainerId, signal: &str) -> Result<()> {
        let Placed { engine, container } = self.placed(id).await?;
        engine.kill(&container, signal).await
    }

    async fn wait(&self, id: &ContainerId) -> Result<i64> {
        let Placed { engine, container } = self.placed(id).await?;
        engine.wait(&container).await
    }

    async fn remove(&self, id: &ContainerId) -> Result<()> {
        let client = self.manager.client().await?;
        self.manager.ask(id, async { found(client.delete_service(id).await).map(drop) }).await
    }

    async fn logs(&self, id: &ContainerId, range: LogRange) -> Result<OutputStream> {
        let Placed { engine, container } = self.placed(id).await?;
        engine.logs(&container, range).await
    }

    async fn attach(&self, id: &ContainerId) -> Result<OutputStream> {
        let Placed { engine, container } = self.placed(id).await?;
        engine.attach(&container).await
    }

    async fn exec(&self, id: &ContainerId, exec: Exec) -> Result<Running> {
        let Placed { engine, container } = self.placed(id).await?;
        engine.exec(&container, exec).await
    }

    async fn terminal(&self, id: &ContainerId, exec: Exec, size: Size) -> Result<Terminal> {
        let Placed { engine, container } = self.placed(id).await?;
        engine.terminal(&container, exec, size).await
    }

    async fn resize(&self, id: &ContainerId, terminal: &str, size: Size) -> Result<()> {
        let Placed { engine, container } = self.placed(id).await?;
        engine.resize(&container, terminal, size).await
    }

    async fn end(&self, id: &ContainerId, whom: Ended<'_>) -> Result<()> {
        let Placed { engine, container } = self.placed(id).await?;
        engine.end(&container, whom).await
    }

    async fn make_volume(&self, name: &str, _labels: &Labels, _image: &str) -> Result<()> {
        Err(ContainerError::failed(format!("a swarm has no volume {name}: volumes are of one machine")))
    }

    async fn remove_volume(&self, _name: &str) -> Result<()> {
        Ok(())
    }

    async fn volumes(&self, _labels: &[(&str, &str)]) -> Result<Vec<Volume>> {
        Ok(Vec::new())
    }

    async fn put_archive(&self, id: &ContainerId, folder: &str, tar: ByteStream) -> Result<()> {
        let Placed { engine, container } = self.placed(id).await?;
        engine.put_archive(&container, folder, tar).await
    }

    async fn get_archive(&self, id: &ContainerId, folder: &str) -> Result<ByteStream> {
        let Placed { engine, container } = self.placed(id).await?;
        engine.get_archive(&container, folder).await
    }

    async fn memory(&self, id: &ContainerId) -> Result<Option<u64>> {
        let Placed { engine, container } = self.placed(id).await?;
        engine.memory(&container).await
    }

    async fn written(&self, id: &ContainerId) -> Result<u64> {
        let Placed { engine, container } = self.placed(id).await?;
        engine.written(&container).await
    }

    /// Ids are those of their engines.
    async fn events(&self, labels: &[(&str, &str)]) -> Result<BoxStream<'static, Result<Happening>>> {
        let client = self.manager.client().await?;
        let nodes = self.manager.ask("", client.list_nodes(None)).await?;
        let is_up = |node: &&bollard::models::Node| {
            node.status.as_ref().and_then(|status| status.state) == Some(NodeState::READY)
        };
        let heard = nodes.iter().filter(is_up).map(|node| {
            let (engine, labels) = (self.engine_of(node), owned(labels));
            let news = async move {
                let labels: Vec<_> = labels.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
                match engine.events(&labels).await {
                    // The end of one is the end of all: whoever listens then looks, and listens anew.
                    Ok(news) => news.map(Some).chain(stream::once(ready(None))).boxed(),
                    // The others are heard all the same.
                    Err(error) => {
                        tracing::debug!("the engine of a machine of the swarm is not heard: {error}");
                        stream::empty().boxed()
                    }
                }
            };
            stream::once(news).flatten().boxed()
        });
        let all = stream::select_all(heard);
        let all = all.take_while(|news| ready(news.is_some())).filter_map(ready);
        Ok(all.take_until(tokio::time::sleep(HEAR_FOR)).boxed())
    }
}

fn owned(labels: &[(&str, &str)]) -> Vec<(String, String)> {
    labels.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}
