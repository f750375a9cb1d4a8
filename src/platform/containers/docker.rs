//! Docker, and what speaks its language: Podman by its socket.

mod answers;
mod making;

use std::{
    collections::HashMap,
    net::{IpAddr, UdpSocket},
    path::Path,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use bollard::{
    body_try_stream,
    exec::{CreateExecOptions, StartExecOptions, StartExecResults},
    models::{NetworkCreateRequest, NetworkInspect},
    query_parameters::{
        AttachContainerOptionsBuilder, CreateContainerOptionsBuilder, DownloadFromContainerOptionsBuilder,
        EventsOptionsBuilder, InspectContainerOptions, InspectNetworkOptions, KillContainerOptionsBuilder,
        ListContainersOptionsBuilder, LogsOptionsBuilder, RemoveContainerOptionsBuilder, StartContainerOptions,
        StatsOptionsBuilder, StopContainerOptionsBuilder, UploadToContainerOptionsBuilder, WaitContainerOptionsBuilder,
    },
};
use bytes::Bytes;
use futures_util::{FutureExt, StreamExt, TryStreamExt, stream::BoxStream};
use tokio::io::{AsyncWrite, AsyncWriteExt};

use self::answers::{container_of, happening_of, told, told_of, written};
use super::{
    ByteStream, Container, ContainerError, ContainerId, ContainerRuntime, ContainerSpec, Engine, Exec, Happening,
    LogRange, Network, OutputStream, Result, Running, State, Where,
};
use crate::{
    clock::{Clock, SystemClock},
    config,
};

/// For an answer to begin.
const PATIENCE: Duration = Duration::from_secs(20);
/// For an archive to be taken, and for its next piece to come.
const ARCHIVE_PATIENCE: Duration = Duration::from_mins(15);
const PIECE_PATIENCE: Duration = Duration::from_secs(30);
/// For the exit code of a command whose output has ended.
const EXIT_PATIENCE: Duration = Duration::from_secs(10);
/// Of a command's output that is read at a time.
const PIECE: usize = 64 * 1024;

const DOCKER_SOCKET: &str = "/var/run/docker.sock";
const PODMAN_SOCKET: &str = "/run/podman/podman.sock";

/// The engine behind a Docker socket.
#[derive(Debug)]
pub struct Docker {
    host: String,
    settings: config::Docker,
    /// With the version that was agreed on; forgotten when the engine goes, as another one may come back.
    client: Mutex<Option<bollard::Docker>>,
}

impl Docker {
    /// Nothing is asked of the engine yet.
    pub fn new(settings: config::Docker) -> Self {
        let host = match settings.host.as_str() {
            "" if !Path::new(DOCKER_SOCKET).exists() && Path::new(PODMAN_SOCKET).exists() => {
                format!("unix://{PODMAN_SOCKET}")
            }
            "" => format!("unix://{DOCKER_SOCKET}"),
            host => host.to_owned(),
        };
        Self { host, settings, client: Mutex::default() }
    }

    async fn client(&self) -> Result<bollard::Docker> {
        let kept = || self.client.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = kept().clone() {
            return Ok(client);
        }
        let connected = bollard::Docker::connect_with_host(&self.host).map_err(|error| told(error).1)?;
        let agreed = connected.with_timeout(PATIENCE).negotiate_version();
        let client = tokio::time::timeout(PATIENCE, agreed).await;
        let client = client.map_err(|_| silent())?.map_err(|error| told(error).1)?;
        *kept() = Some(client.clone());
        Ok(client)
    }

    /// What became of a call; `about` is the container that it was for.
    fn judge<T>(&self, result: Result<T, bollard::errors::Error>, about: &str) -> Result<T> {
        result.map_err(|error| {
            let error = told_of(error, about);
            if matches!(error, ContainerError::Unavailable(_)) {
                *self.client.lock().unwrap_or_else(PoisonError::into_inner) = None;
            }
            error
        })
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
            self.judge(self.client().await?.unpause_container(id).await, id)?;
        }
        Ok(())
    }
}

fn silent() -> ContainerError {
    ContainerError::Unavailable(anyhow::anyhow!("no answer within {} s", PATIENCE.as_secs()))
}

fn label_filters(labels: &[(&str, &str)]) -> HashMap<&'static str, Vec<String>> {
    HashMap::from([("label", labels.iter().map(|(name, value)| format!("{name}={value}")).collect())])
}

#[async_trait]
impl ContainerRuntime for Docker {
    async fn ping(&self) -> Result<()> {
        self.judge(self.client().await?.ping().await, "").map(drop)
    }

    async fn engine(&self) -> Result<Engine> {
        let client = self.client().await?;
        let info = self.judge(client.info().await, "")?;
        let version = self.judge(client.version().await, "")?;
        let is_podman = version.components.iter().flatten().any(|part| part.name.contains("Podman"));
        let kind = if is_podman { "Podman" } else { "Docker" };
        Ok(Engine {
            // Podman has none: its machine stands for it.
            id: info.id.filter(|id| !id.is_empty()).or(info.name).unwrap_or_default(),
            name: format!("{kind} {}", version.version.unwrap_or_default()),
            api_version: client.client_version().to_string(),
        })
    }

    async fn has_image(&self, image: &str) -> Result<bool> {
        match self.judge(self.client().await?.inspect_image(image).await, "") {
            Ok(_) => Ok(true),
            Err(ContainerError::Gone(_)) => Ok(false),
            Err(error) => Err(error),
        }
    }

    async fn network(&self, name: &str) -> Result<Network> {
        let client = self.client().await?;
        let look = || client.inspect_network(name, None::<InspectNetworkOptions>);
        let found: NetworkInspect = match self.judge(look().await, "") {
            Err(ContainerError::Gone(_)) => {
                let made = client.create_network(NetworkCreateRequest {
                    name: name.to_owned(),
                    driver: Some("bridge".to_owned()),
                    options: Some(making::without_neighbours()),
                    labels: Some(HashMap::from([("crawlhub".to_owned(), "network".to_owned())])),
                    ..Default::default()
                });
                match self.judge(made.await, "") {
                    // Another server was faster.
                    Ok(_) | Err(ContainerError::Conflict(_)) => {}
                    Err(error) => return Err(error),
                }
                self.judge(look().await, "")?
            }
            found => found?,
        };
        let ranges = found.ipam.and_then(|ipam| ipam.config).unwrap_or_default();
        let gateway = ranges.iter().find_map(|range| range.gateway.as_ref()?.split('/').next()?.parse().ok());
        Ok(Network { name: name.to_owned(), gateway, reach: self.reach(gateway) })
    }

    async fn create(&self, spec: &ContainerSpec) -> Result<ContainerId> {
        let options = CreateContainerOptionsBuilder::default().name(&spec.name).build();
        let body = making::body_of(spec);
        match self.judge(self.client().await?.create_container(Some(options), body).await, "") {
            Ok(made) => Ok(made.id),
            Err(ContainerError::Gone(_)) => Err(ContainerError::NoImage(spec.image.clone())),
            Err(error) => Err(error),
        }
    }

    async fn start(&self, id: &ContainerId) -> Result<()> {
        self.judge(self.client().await?.start_container(id, None::<StartContainerOptions>).await, id)
    }

    async fn inspect(&self, id: &ContainerId) -> Result<Option<Container>> {
        let found = self.client().await?.inspect_container(id, None::<InspectContainerOptions>).await;
        match self.judge(found, id) {
            Ok(found) => Ok(Some(container_of(found))),
            Err(ContainerError::Gone(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn list(&self, labels: &[(&str, &str)]) -> Result<Vec<Container>> {
        let options = ListContainersOptionsBuilder::default().all(true).filters(&label_filters(labels)).build();
        let found = self.judge(self.client().await?.list_containers(Some(options)).await, "")?;
        let mut containers = Vec::with_capacity(found.len());
        for id in found.into_iter().filter_map(|summary| summary.id) {
            // A list does not tell addresses and exit codes.
            containers.extend(self.inspect(&id).await?);
        }
        Ok(containers)
    }

    async fn stop(&self, id: &ContainerId, grace: Duration) -> Result<()> {
        // A frozen process takes no signal.
        self.unpaused(id).await?;
        let seconds = i32::try_from(grace.as_secs()).unwrap_or(i32::MAX);
        let options = StopContainerOptionsBuilder::default().t(seconds).build();
        let client = self.client().await?.with_timeout(PATIENCE + grace);
        self.judge(client.stop_container(id, Some(options)).await, id)
    }

    async fn kill(&self, id: &ContainerId, signal: &str) -> Result<()> {
        self.unpaused(id).await?;
        let options = KillContainerOptionsBuilder::default().signal(&format!("SIG{signal}")).build();
        self.judge(self.client().await?.kill_container(id, Some(options)).await, id)
    }

    async fn wait(&self, id: &ContainerId) -> Result<i64> {
        let options = WaitContainerOptionsBuilder::default().condition("not-running").build();
        let mut news = Box::pin(self.client().await?.wait_container(id, Some(options)));
        match news.next().await {
            Some(Ok(ended)) => Ok(ended.status_code),
            Some(Err(bollard::errors::Error::DockerContainerWaitError { code, .. })) => Ok(code),
            Some(Err(error)) => self.judge(Err(error), id),
            None => Err(ContainerError::Unavailable(anyhow::anyhow!("the engine ended the wait"))),
        }
    }

    async fn remove(&self, id: &ContainerId) -> Result<()> {
        let options = RemoveContainerOptionsBuilder::default().force(true).v(true).build();
        match self.judge(self.client().await?.remove_container(id, Some(options)).await, id) {
            // It is being removed already.
            Err(ContainerError::Gone(_) | ContainerError::Conflict(_)) => Ok(()),
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
        let attached = self.judge(self.client().await?.attach_container(id, Some(options)).await, id)?;
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
        let client = self.client().await?;
        let options = CreateExecOptions {
            attach_stdin: Some(exec.stdin.is_some()),
            attach_stdout: Some(true),
            attach_stderr: Some(true),
            env: Some(exec.env.iter().map(|(name, value)| format!("{name}={value}")).collect()),
            cmd: Some(exec.argv),
            working_dir: exec.working_dir,
            ..Default::default()
        };
        let made = self.judge(client.create_exec(id, options).await, id)?.id;
        let how = StartExecOptions { output_capacity: Some(PIECE), ..Default::default() };
        let started = self.judge(client.start_exec(&made, Some(how)).await, id)?;
        let StartExecResults::Attached { output, input } = started else {
            return Err(ContainerError::failed("the engine did not attach to a command"));
        };
        let about = id.clone();
        let output = output.map(move |piece| piece.map(written).map_err(|error| told_of(error, &about)));
        let output = feeding(output.boxed(), exec.stdin, input);
        let about = id.clone();
        let exit = async move {
            let ended = async {
                loop {
                    let now = client.inspect_exec(&made).await.map_err(|error| told_of(error, &about))?;
                    if let (Some(false), Some(code)) = (now.running, now.exit_code) {
                        return Ok(code);
                    }
                    tokio::time::sleep(Duration::from_millis(10)).await;
                }
            };
            let late = |_| ContainerError::failed("a command closed its output and runs on");
            tokio::time::timeout(EXIT_PATIENCE, ended).await.map_err(late)?
        };
        Ok(Running { output, exit: exit.boxed() })
    }

    async fn put_archive(&self, id: &ContainerId, folder: &str, tar: ByteStream) -> Result<()> {
        let options = UploadToContainerOptionsBuilder::default().path(folder).build();
        let client = self.client().await?.with_timeout(ARCHIVE_PATIENCE);
        self.judge(client.upload_to_container(id, Some(options), body_try_stream(tar)).await, id)
    }

    async fn get_archive(&self, id: &ContainerId, folder: &str) -> Result<ByteStream> {
        let options = DownloadFromContainerOptionsBuilder::default().path(folder).build();
        let pieces = Box::pin(self.client().await?.download_from_container(id, Some(options)));
        let mut pieces = pieces.peekable();
        // Whether there is an archive at all is known with its first piece.
        if let Some(Err(_)) = std::pin::Pin::new(&mut pieces).peek().await
            && let Some(Err(error)) = pieces.next().await
        {
            return self.judge(Err(error), id);
        }
        let timed = futures_util::stream::unfold(Some(pieces), |pieces| async {
            let mut pieces = pieces?;
            match tokio::time::timeout(PIECE_PATIENCE, pieces.next()).await {
                Ok(Some(Ok(piece))) => Some((Ok(piece), Some(pieces))),
                Ok(Some(Err(error))) => Some((Err(std::io::Error::other(error)), None)),
                Ok(None) => None,
                Err(_) => Some((Err(std::io::ErrorKind::TimedOut.into()), None)),
            }
        });
        Ok(timed.boxed())
    }

    async fn memory(&self, id: &ContainerId) -> Result<Option<u64>> {
        let options = StatsOptionsBuilder::default().stream(false).one_shot(true).build();
        let client = self.client().await?;
        let mut figures = Box::pin(client.stats(id, Some(options)));
        let Some(now) = figures.try_next().await.map_err(|error| told_of(error, id))? else { return Ok(None) };
        let Some(memory) = now.memory_stats else { return Ok(None) };
        let of = |name: &str| memory.stats.as_ref().and_then(|stats| stats.get(name).copied());
        // What the kernel would give back at once is no use of the container's.
        let cached = of("total_inactive_file").or_else(|| of("inactive_file")).unwrap_or(0);
        Ok(memory.usage.map(|usage| usage.saturating_sub(cached)))
    }

    async fn events(&self, labels: &[(&str, &str)]) -> Result<BoxStream<'static, Result<Happening>>> {
        let mut filters = label_filters(labels);
        filters.insert("type", vec!["container".to_owned()]);
        // Nothing is asked before somebody waits for the first of them.
        let since = SystemClock.now().timestamp_micros();
        let since = format!("{}.{:06}000", since / 1_000_000, since % 1_000_000);
        let options = EventsOptionsBuilder::default().filters(&filters).since(&since).build();
        let news = self.client().await?.events(Some(options));
        let news = news.map_err(|error| told_of(error, ""));
        Ok(news.try_filter_map(|event| std::future::ready(Ok(happening_of(event)))).boxed())
    }
}

/// The output, with what is read being written as the output is waited for.
fn feeding(
    mut output: OutputStream,
    stdin: Option<ByteStream>,
    mut input: std::pin::Pin<Box<dyn AsyncWrite + Send>>,
) -> OutputStream {
    let feed = async move {
        if let Some(mut pieces) = stdin {
            while let Some(piece) = pieces.next().await {
                let piece: Bytes = piece.map_err(|error| ContainerError::Failed(error.into()))?;
                // A command need not read to the end; its exit code says whether that was right.
                if input.write_all(&piece).await.is_err() {
                    break;
                }
            }
            let _ = input.shutdown().await;
        }
        Ok(input)
    };
    let mut feed = Some(feed.boxed());
    let mut kept = None;
    futures_util::stream::poll_fn(move |context| {
        if let Some(feeding) = &mut feed
            && let std::task::Poll::Ready(fed) = feeding.poll_unpin(context)
        {
            feed = None;
            match fed {
                // Dropped, it would end the connection.
                Ok(input) => kept = Some(input),
                Err(error) => return std::task::Poll::Ready(Some(Err(error))),
            }
        }
        let _ = &kept;
        output.poll_next_unpin(context)
    })
    .boxed()
}
