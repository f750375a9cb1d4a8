//! Docker, and what speaks its language: Podman by its socket.

mod answers;
mod commands;
mod connection;
mod making;
mod raw;
mod streams;
#[cfg(test)]
mod tests;
mod volumes;

pub use connection::ENGINE_SOCKETS;

use std::{
    collections::{HashMap, HashSet},
    net::{IpAddr, UdpSocket},
    ops::RangeInclusive,
    time::Duration,
};

use async_trait::async_trait;
use bollard::{
    body_try_stream,
    query_parameters::{
        AttachContainerOptionsBuilder, CreateContainerOptionsBuilder, DownloadFromContainerOptionsBuilder,
        EventsOptionsBuilder, InspectContainerOptions, InspectContainerOptionsBuilder, InspectNetworkOptions,
        KillContainerOptionsBuilder, ListContainersOptionsBuilder, LogsOptionsBuilder, RemoveContainerOptionsBuilder,
        StartContainerOptions, StatsOptionsBuilder, StopContainerOptionsBuilder, UploadToContainerOptionsBuilder,
        WaitContainerOptionsBuilder,
    },
};
use chrono::{DateTime, Utc};
use futures_util::{FutureExt, StreamExt, TryStreamExt, stream::BoxStream};

pub(super) use self::{
    answers::found,
    connection::Connection,
    making::{MOST_OPEN_FILES, OOM_SCORE, USER, USER_ID, nano, ulimit},
};
use self::{
    answers::{container_of, happening_of, is_of_a_port, is_of_a_state_between, says_no_image, told_of, written},
    connection::{PATIENCE, Reached},
    making::Place,
    streams::{received, sent, watched},
};
use super::{
    ByteStream, Container, ContainerError, ContainerId, ContainerRuntime, ContainerSpec, Ended, Engine, Exec,
    Happening, Labels, LogRange, Network, OutputStream, Result, Running, Size, State, Terminal, Volume, Where,
    is_unused,
};
use crate::config;

/// For an archive to be taken, and for its next piece to be taken or to come.
const ARCHIVE_PATIENCE: Duration = Duration::from_mins(15);
const PIECE_PATIENCE: Duration = Duration::from_secs(30);
/// For all files of a container to be looked at.
const WALK_PATIENCE: Duration = Duration::from_mins(1);
/// Until it is looked at again.
const A_MOMENT: Duration = Duration::from_millis(10);
/// Of the range, for one start.
const PORTS_TRIED: u32 = 16;

/// Podman's networks do not keep their containers apart. With this in place of one, each container has a network of its
/// own, made of a program of this machine: nothing reaches it but what is published.
const PODMAN_NETWORK: &str = "slirp4netns";

/// The engine behind a Docker socket.
#[derive(Debug)]
pub struct Docker {
    connection: Connection,
    settings: config::Docker,
}

impl Docker {
    /// Nothing is asked of the engine yet.
    pub fn new(settings: config::Docker) -> Self {
        Self { connection: Connection::new(&settings.host), settings }
    }

    /// As [`inspect`](ContainerRuntime::inspect) has it, with its address on that network.
    pub(super) async fn inspect_on(&self, id: &ContainerId, network: &str) -> Result<Option<Container>> {
        let client = self.client().await?;
        let look = settled(|| client.inspect_container(id, None::<InspectContainerOptions>).map(found));
        Ok(self.connection.ask(id, look).await?.map(|found| container_of(found, Some(network))))
    }

    async fn client(&self) -> Result<bollard::Docker> {
        self.connection.client().await
    }

    fn reach(&self, gateway: Option<IpAddr>) -> Where {
        match self.settings.reach {
            config::Reach::Address => Where::Container,
            config::Reach::Port => Where::Loopback,
            // Only an address of this machine can be listened at.
            config::Reach::Auto => match gateway.map(|address| UdpSocket::bind((address, 0))) {
                Some(Ok(_)) => Where::Container,
                _ => Where::Loopback,
            },
        }
    }

    async fn unpaused(&self, id: &ContainerId) -> Result<()> {
        if self.inspect(id).await?.is_some_and(|container| container.state == State::Paused) {
            self.connection.ask(id, self.client().await?.unpause_container(id)).await?;
        }
        Ok(())
    }

    async fn place_of(&self, spec: &ContainerSpec, engine: &Reached) -> Result<Place> {
        let range = spec.publish.as_ref().map(|(_, range)| range);
        let host_port = match range {
            Some(range) if engine.is_podman => Some(self.free_port(range, &engine.client).await?.to_string()),
            // Docker takes a free one itself, which may be another one after each start.
            Some(range) => Some(format!("{}-{}", range.start(), range.end())),
            None => None,
        };
        let network = match &spec.network {
            Some(_) if engine.is_podman => PODMAN_NETWORK,
            Some(network) => network,
            None => "none",
        };
        Ok(Place { network: network.to_owned(), host_port })
    }

    /// A port that neither a container has, running or not, nor anything else now. Two who ask at once may be told the
    /// same: whoever starts second has a conflict.
    async fn free_port(&self, range: &RangeInclusive<u16>, client: &bollard::Docker) -> Result<u16> {
        let options = ListContainersOptionsBuilder::default().all(true).build();
        let look = settled(|| client.list_containers(Some(options.clone())));
        let containers = self.connection.ask("", look).await?;
        let ports = containers.into_iter().flat_map(|container| container.ports.unwrap_or_default());
        let taken: HashSet<u16> = ports.filter_map(|port| port.public_port).collect();
        range
            .clone()
            .find(|port| !taken.contains(port) && is_unused(*port))
            .ok_or_else(|| ContainerError::Conflict(format!("all ports of {range:?} are taken")))
    }
}

/// What is seen once no container is between two states.
async fn settled<T, F>(look: impl Fn() -> F) -> Result<T, bollard::errors::Error>
where
    F: Future<Output = Result<T, bollard::errors::Error>>,
{
    loop {
        match look().await {
            Err(error) if is_of_a_state_between(&error) => tokio::time::sleep(A_MOMENT).await,
            seen => return seen,
        }
    }
}

/// Whether it may stand in the path of a call.
fn is_reference(image: &str) -> bool {
    let may_stand = |byte: u8| byte.is_ascii_alphanumeric() || b"._-/:@".contains(&byte);
    !image.is_empty() && image.bytes().all(may_stand) && !image.split('/').any(|part| matches!(part, "" | "." | ".."))
}

fn label_filters(labels: &[(&str, &str)]) -> HashMap<&'static str, Vec<String>> {
    HashMap::from([("label", labels.iter().map(|(name, value)| format!("{name}={value}")).collect())])
}

#[async_trait]
impl ContainerRuntime for Docker {
    async fn ping(&self) -> Result<()> {
        self.connection.ask("", self.client().await?.ping()).await.map(drop)
    }

    async fn engine(&self) -> Result<Engine> {
        let Reached { client, is_podman } = self.connection.engine().await?;
        let info = self.connection.ask("", client.info()).await?;
        let kind = if is_podman { "Podman" } else { "Docker" };
        Ok(Engine {
            // Podman says another one each time: its machine and its folder there stand for it.
            id: if is_podman {
                format!("{}:{}", info.name.unwrap_or_default(), info.docker_root_dir.unwrap_or_default())
            } else {
                info.id.unwrap_or_default()
            },
            name: format!("{kind} {}", info.server_version.unwrap_or_default()),
            api_version: client.client_version().to_string(),
        })
    }

    async fn has_image(&self, image: &str) -> Result<bool> {
        if !is_reference(image) {
            return Ok(false);
        }
        let client = self.client().await?;
        Ok(self.connection.ask("", client.inspect_image(image).map(found)).await?.is_some())
    }

    async fn network(&self, name: &str) -> Result<Network> {
        let Reached { client, is_podman } = self.connection.engine().await?;
        if is_podman {
            return Ok(Network { name: name.to_owned(), gateway: None, reach: Where::Loopback });
        }
        let look = || client.inspect_network(name, None::<InspectNetworkOptions>);
        let network = if let Some(network) = self.connection.ask("", look().map(found)).await? {
            network
        } else {
            let engine = self.engine().await?.id;
            let made = self.connection.ask("", client.create_network(making::network_of(name, &engine))).await;
            match (made, self.connection.ask("", look().map(found)).await?) {
                // Or another server was faster.
                (_, Some(network)) => network,
                (Err(error), None) => return Err(error),
                (Ok(_), None) => return Err(ContainerError::failed(format!("the network {name} is gone again"))),
            }
        };
        if !making::keeps_apart(&network) {
            let reason = format!("containers on the network {name} reach each other: remove it, and it is made anew");
            return Err(ContainerError::failed(reason));
        }
        let ranges = network.ipam.and_then(|ipam| ipam.config).unwrap_or_default();
        let gateway = ranges.iter().find_map(|range| range.gateway.as_ref()?.split('/').next()?.parse().ok());
        Ok(Network { name: name.to_owned(), gateway, reach: self.reach(gateway) })
    }

    async fn create(&self, spec: &ContainerSpec) -> Result<ContainerId> {
        let engine = self.connection.engine().await?;
        let options = CreateContainerOptionsBuilder::default().name(&spec.name).build();
        let body = making::body_of(spec, self.place_of(spec, &engine).await?);
        let call = engine.client.create_container(Some(options), body).map(|answer| match answer {
            Err(error) if says_no_image(&error) => Ok(None),
            answer => answer.map(Some),
        });
        let made = self.connection.ask("", call).await?;
        made.map(|made| made.id).ok_or_else(|| ContainerError::NoImage(spec.image.clone()))
    }

    async fn start(&self, id: &ContainerId) -> Result<()> {
        let client = self.client().await?;
        let start = || self.connection.ask(id, client.start_container(id, None::<StartContainerOptions>));
        for _ in 1..PORTS_TRIED {
            match start().await {
                // Docker takes the next one of the range each time, and does not see what it has not given away itself.
                Err(ContainerError::Conflict(reason)) if is_of_a_port(&reason) => {}
                other => return other,
            }
        }
        match start().await {
            Err(ContainerError::Conflict(reason)) if is_of_a_port(&reason) => Err(ContainerError::PortTaken(reason)),
            other => other,
        }
    }

    async fn inspect(&self, id: &ContainerId) -> Result<Option<Container>> {
        let client = self.client().await?;
        let look = settled(|| client.inspect_container(id, None::<InspectContainerOptions>).map(found));
        Ok(self.connection.ask(id, look).await?.map(|found| container_of(found, None)))
    }

    async fn list(&self, labels: &[(&str, &str)]) -> Result<Vec<Container>> {
        let options = ListContainersOptionsBuilder::default().all(true).filters(&label_filters(labels)).build();
        let client = self.client().await?;
        let look = settled(|| client.list_containers(Some(options.clone())));
        let found = self.connection.ask("", look).await?;
        let mut containers = Vec::with_capacity(found.len());
        for id in found.into_iter().filter_map(|summary| summary.id) {
            // A list does not tell exit codes.
            containers.extend(self.inspect(&id).await?);
        }
        Ok(containers)
    }

    async fn stop(&self, id: &ContainerId, grace: Duration) -> Result<()> {
        // A frozen process takes no signal.
        self.unpaused(id).await?;
        let seconds = i32::try_from(grace.as_secs()).unwrap_or(i32::MAX);
        let options = StopContainerOptionsBuilder::default().t(seconds).build();
        let limit = PATIENCE + grace;
        let client = self.client().await?.with_timeout(limit);
        self.connection.ask_within(limit, id, client.stop_container(id, Some(options))).await
    }

    async fn kill(&self, id: &ContainerId, signal: &str) -> Result<()> {
        self.unpaused(id).await?;
        let options = KillContainerOptionsBuilder::default().signal(&format!("SIG{signal}")).build();
        self.connection.ask(id, self.client().await?.kill_container(id, Some(options))).await
    }

    async fn wait(&self, id: &ContainerId) -> Result<i64> {
        let options = WaitContainerOptionsBuilder::default().condition("not-running").build();
        let mut news = Box::pin(self.client().await?.wait_container(id, Some(options)));
        match news.next().await {
            Some(Ok(ended)) => Ok(ended.status_code),
            Some(Err(bollard::errors::Error::DockerContainerWaitError { code, .. })) => Ok(code),
            Some(Err(error)) => self.connection.judge(Err(error), id),
            None => Err(ContainerError::Unavailable(anyhow::anyhow!("the engine ended the wait"))),
        }
    }

    async fn remove(&self, id: &ContainerId) -> Result<()> {
        let options = RemoveContainerOptionsBuilder::default().force(true).v(true).build();
        match self.connection.ask(id, self.client().await?.remove_container(id, Some(options))).await {
            Err(ContainerError::Gone(_)) => Ok(()),
            Err(ContainerError::Conflict(reason)) if reason.contains("in progress") => Ok(()),
            other => other,
        }
    }

    async fn logs(&self, id: &ContainerId, range: LogRange) -> Result<OutputStream> {
        let last = range.last.map_or_else(|| "all".to_owned(), |lines| lines.to_string());
        let options = LogsOptionsBuilder::default().stdout(true).stderr(true).follow(range.follow).tail(&last).build();
        let id = id.clone();
        let lines = self.client().await?.logs(&id, Some(options));
        Ok(lines.map(move |line| line.map(written).map_err(|error| told_of(error, &id))).boxed())
    }

    async fn attach(&self, id: &ContainerId) -> Result<OutputStream> {
        let options = AttachContainerOptionsBuilder::default().stream(true).stdout(true).stderr(true).build();
        let attached = self.connection.ask(id, self.client().await?.attach_container(id, Some(options))).await?;
        let (id, input) = (id.clone(), attached.input);
        Ok(attached
            .output
            .map(move |piece| {
                // Dropped, it would end the connection.
                let _ = &input;
                piece.map(written).map_err(|error| told_of(error, &id))
            })
            .boxed())
    }

    async fn exec(&self, id: &ContainerId, exec: Exec) -> Result<Running> {
        self.run(id, exec).await
    }

    async fn terminal(&self, id: &ContainerId, exec: Exec, size: Size) -> Result<Terminal> {
        self.run_at_terminal(id, exec, size).await
    }

    async fn resize(&self, id: &ContainerId, terminal: &str, size: Size) -> Result<()> {
        self.set_size(id, terminal, size).await
    }

    async fn end(&self, id: &ContainerId, whom: Ended<'_>) -> Result<()> {
        self.kill_marked(id, whom).await
    }

    async fn make_volume(&self, name: &str, labels: &Labels, image: &str) -> Result<()> {
        self.volume_for_users(name, labels, image).await
    }

    async fn remove_volume(&self, name: &str) -> Result<()> {
        self.drop_volume(name).await
    }

    async fn volumes(&self, labels: &[(&str, &str)]) -> Result<Vec<Volume>> {
        self.volumes_with(labels).await
    }

    async fn put_archive(&self, id: &ContainerId, folder: &str, tar: ByteStream) -> Result<()> {
        let options = UploadToContainerOptionsBuilder::default().path(folder).build();
        let client = self.client().await?.with_timeout(ARCHIVE_PATIENCE);
        let (tar, news) = watched(tar);
        let answer = client.upload_to_container(id, Some(options), body_try_stream(tar));
        self.connection.judge(sent(answer, news, PIECE_PATIENCE).await, id)
    }

    async fn get_archive(&self, id: &ContainerId, folder: &str) -> Result<ByteStream> {
        let options = DownloadFromContainerOptionsBuilder::default().path(folder).build();
        let pieces = Box::pin(self.client().await?.download_from_container(id, Some(options)));
        self.connection.judge(received(pieces, PIECE_PATIENCE).await, id)
    }

    async fn memory(&self, id: &ContainerId) -> Result<Option<u64>> {
        let options = StatsOptionsBuilder::default().stream(false).one_shot(true).build();
        let client = self.client().await?;
        let mut figures = Box::pin(client.stats(id, Some(options)));
        let now = self.connection.ask(id, figures.try_next().map(found)).await?.flatten();
        let Some(now) = now else { return Ok(None) };
        let Some(memory) = now.memory_stats else { return Ok(None) };
        let of = |name: &str| memory.stats.as_ref().and_then(|stats| stats.get(name).copied());
        // What the kernel would give back at once is no use of the container's.
        let cached = of("total_inactive_file").or_else(|| of("inactive_file")).unwrap_or(0);
        Ok(memory.usage.map(|usage| usage.saturating_sub(cached)))
    }

    async fn written(&self, id: &ContainerId) -> Result<u64> {
        let options = InspectContainerOptionsBuilder::default().size(true).build();
        let client = self.client().await?.with_timeout(WALK_PATIENCE);
        let look = settled(|| client.inspect_container(id, Some(options.clone())).map(found));
        let seen = self.connection.ask_within(WALK_PATIENCE, id, look).await?;
        let size = seen.ok_or_else(|| ContainerError::Gone(id.clone()))?.size_rw;
        // It says -1 where it does not know.
        let size = size.and_then(|size| u64::try_from(size).ok());
        size.ok_or_else(|| ContainerError::failed("the engine does not know how much a container has written"))
    }

    async fn events(&self, labels: &[(&str, &str)]) -> Result<BoxStream<'static, Result<Happening>>> {
        let mut filters = label_filters(labels);
        filters.insert("type", vec!["container".to_owned()]);
        let client = self.client().await?;
        // The call is made with the first look at the stream: from now on is by the engine's clock.
        let now = self.connection.ask("", client.info()).await?.system_time;
        let now = now.and_then(|now| now.parse::<DateTime<Utc>>().ok());
        let mut options = EventsOptionsBuilder::default().filters(&filters);
        if let Some(now) = now {
            options = options.since(&format!("{}.{:09}", now.timestamp(), now.timestamp_subsec_nanos()));
        }
        let options = options.build();
        let news = client.events(Some(options));
        let news = news.map_err(|error| told_of(error, ""));
        Ok(news.try_filter_map(|event| std::future::ready(Ok(happening_of(event)))).boxed())
    }
}
