//! Containers as services of a swarm, for what is worked in: each is one container on whichever machine the swarm chooses, at an address
//! of its own on an overlay network.
//!
//! The manager makes, places and removes; everything else is asked of the engine of the machine that has the container.
//! No machine takes over from another, since what was written is there alone: what a service was first started as is written
//! into its labels, and whatever a manager may start later in its place is nobody's.

mod network;
mod runtime;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use bollard::{
    models::{Node, Service, ServiceSpec, ServiceSpecMode, ServiceSpecModeReplicated, Task, TaskState},
    query_parameters::{ListTasksOptions, UpdateServiceOptionsBuilder},
};

use super::{
    super::{
        Container, ContainerError, ContainerId, Docker, Result, State,
        docker::{Connection, found},
    },
    is_full, making,
};
use crate::{config, text};

/// Which container a service was started as, and on which machine.
const CONTAINER_LABEL: &str = "crawlhub.container";
const MACHINE_LABEL: &str = "crawlhub.machine";
/// How long no machine may have room for it before that is said.
const ROOM_PATIENCE: Duration = Duration::from_secs(10);
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// A manager of a swarm whose machines' engines are reached from here. Volumes are of one machine: there are none.
#[derive(Debug)]
pub struct Services {
    manager: Connection,
    settings: config::Swarm,
    /// By their addresses.
    engines: Mutex<HashMap<String, Arc<Docker>>>,
}

/// The container of a service that was started.
struct Placed {
    engine: Arc<Docker>,
    container: ContainerId,
}

impl Services {
    /// Nothing is asked of the manager yet.
    pub fn new(settings: config::Swarm) -> Self {
        Self { manager: Connection::new(&settings.host), settings, engines: Mutex::default() }
    }

    async fn service(&self, id: &ContainerId) -> Result<Option<Service>> {
        let client = self.manager.client().await?;
        self.manager.ask(id, async { found(client.inspect_service(id, None).await) }).await
    }

    /// Where the service's container is; a conflict where it was never started.
    async fn placed(&self, id: &ContainerId) -> Result<Placed> {
        let service = self.service(id).await?.ok_or_else(|| ContainerError::Gone(id.clone()))?;
        match place_in(&service) {
            None => Err(ContainerError::Conflict(format!("{id} was not started yet"))),
            Some((machine, container)) => {
                let engine = self.engine(machine).await?.ok_or_else(|| ContainerError::Gone(id.clone()))?;
                Ok(Placed { engine, container: container.to_owned() })
            }
        }
    }

    /// The engine of a machine; None where the swarm has forgotten that.
    async fn engine(&self, machine: &str) -> Result<Option<Arc<Docker>>> {
        let client = self.manager.client().await?;
        let node = self.manager.ask(machine, async { found(client.inspect_node(machine).await) }).await?;
        Ok(node.map(|node| self.engine_of(&node)))
    }

    fn engine_of(&self, node: &Node) -> Arc<Docker> {
        let address = address_of(&self.settings.engines, node);
        let mut engines = self.engines.lock().unwrap_or_else(PoisonError::into_inner);
        let new = || {
            let (reach, ports) = (config::Reach::Address, String::new());
            Arc::new(Docker::new(config::Docker { host: address.clone(), reach, ports }))
        };
        engines.entry(address.clone()).or_insert_with(new).clone()
    }

    /// Asks for the service's one container, waits until a machine has it, and writes down which it is.
    async fn place(&self, id: &ContainerId) -> Result<()> {
        self.update(id, |spec| {
            let replicated = Some(ServiceSpecModeReplicated { replicas: Some(1) });
            spec.mode = Some(ServiceSpecMode { replicated, ..Default::default() });
        })
        .await?;
        let mut without_room: Option<Instant> = None;
        let (machine, container) = loop {
            if let Some(task) = self.task(id).await? {
                let status = task.status.unwrap_or_default();
                let container = status.container_status.and_then(|container| container.container_id);
                match (status.state, task.node_id, container) {
                    (Some(TaskState::REJECTED | TaskState::FAILED), ..) => {
                        return Err(refused(&status.err.unwrap_or_default()));
                    }
                    (Some(TaskState::RUNNING), Some(machine), Some(container)) => break (machine, container),
                    (Some(TaskState::PENDING), ..) if status.err.as_ref().is_some_and(|why| !why.is_empty()) => {
                        let since = without_room.get_or_insert_with(Instant::now);
                        if since.elapsed() > ROOM_PATIENCE {
                            return Err(no_room(&status.err.unwrap_or_default()));
                        }
                    }
                    _ => without_room = None,
                }
            }
            tokio::time::sleep(LOOK_EVERY).await;
        };
        // Labels of the service are not its container's: that goes on as it is.
        self.update(id, |spec| {
            let labels = spec.labels.get_or_insert_default();
            labels.insert(MACHINE_LABEL.to_owned(), machine.clone());
            labels.insert(CONTAINER_LABEL.to_owned(), container.clone());
        })
        .await
    }

    async fn update(&self, id: &ContainerId, change: impl FnOnce(&mut ServiceSpec)) -> Result<()> {
        let service = self.service(id).await?.ok_or_else(|| ContainerError::Gone(id.clone()))?;
        let mut spec = service.spec.unwrap_or_default();
        change(&mut spec);
        let version = service.version.and_then(|version| version.index).unwrap_or_default();
        let version = i32::try_from(version).map_err(|_| ContainerError::failed("a version beyond all bounds"))?;
        let options = UpdateServiceOptionsBuilder::new().version(version).build();
        let client = self.manager.client().await?;
        self.manager.ask(id, client.update_service(id, spec, options, None)).await.map(drop)
    }

    /// What the service was started as: the first of them, if there are several.
    async fn task(&self, id: &ContainerId) -> Result<Option<Task>> {
        let client = self.manager.client().await?;
        let filters = Some(HashMap::from([("service".to_owned(), vec![id.clone()])]));
        let tasks = self.manager.ask(id, client.list_tasks(Some(ListTasksOptions { filters }))).await?;
        Ok(tasks.into_iter().min_by_key(|task| task.created_at.as_ref().map(ToString::to_string)))
    }

    /// Containers of one machine, which is asked no more once it does not answer.
    async fn look_at_all(&self, services: Vec<Service>) -> Vec<Container> {
        let (mut containers, mut is_silent) = (Vec::with_capacity(services.len()), false);
        for service in services {
            let found = if is_silent { None } else { self.look_at(&service).await.transpose() };
            match found {
                Some(Ok(container)) => containers.push(container),
                // What is not known of, or gone, is there as long as its service is.
                None => containers.push(unplaced(&service, State::Other)),
                Some(Err(error)) => {
                    tracing::debug!(service = service.id, "nobody knows how a service's container is: {error}");
                    is_silent = matches!(error, ContainerError::Unavailable(_));
                    containers.push(unplaced(&service, State::Other));
                }
            }
        }
        containers
    }

    /// As it is now, by what its engine says.
    async fn look_at(&self, service: &Service) -> Result<Option<Container>> {
        let Some((machine, container)) = place_in(service) else { return Ok(Some(unplaced(service, State::Created))) };
        let Some(engine) = self.engine(machine).await? else { return Ok(None) };
        let network = service.spec.as_ref().and_then(|spec| spec.labels.as_ref()?.get(making::NETWORK_LABEL));
        let found = engine.inspect_on(&container.to_owned(), network.map_or("", String::as_str)).await?;
        Ok(found.map(|found| {
            let Container { id, name, labels, created_at, .. } = unplaced(service, State::Created);
            Container { id, name, labels, created_at, ports: Vec::new(), ..found }
        }))
    }
}

fn place_in(service: &Service) -> Option<(&str, &str)> {
    let labels = service.spec.as_ref()?.labels.as_ref()?;
    Some((labels.get(MACHINE_LABEL)?, labels.get(CONTAINER_LABEL)?))
}

/// What the manager alone knows of it.
fn unplaced(service: &Service, state: State) -> Container {
    let spec = service.spec.as_ref();
    let image = spec.and_then(|spec| spec.task_template.as_ref()?.container_spec.as_ref()?.image.clone());
    Container {
        id: service.id.clone().unwrap_or_default(),
        name: spec.and_then(|spec| spec.name.clone()).unwrap_or_default(),
        image: image.unwrap_or_default(),
        labels: spec.and_then(|spec| spec.labels.clone()).unwrap_or_default().into_iter().collect(),
        state,
        address: None,
        ports: Vec::new(),
        created_at: service.created_at.as_ref().and_then(|date| date.to_rfc3339().parse().ok()),
    }
}

fn refused(why: &str) -> ContainerError {
    match why.split_once("No such image: ") {
        Some((_, image)) => ContainerError::NoImage(image.trim().to_owned()),
        None => ContainerError::failed(format!("no machine of the swarm can start it: {why}")),
    }
}

fn no_room(why: &str) -> ContainerError {
    ContainerError::Unfit(if is_full(why) {
        text!(
            "Swarm 中没有机器有足够的空闲内存和处理器: {why}",
            "no machine of the swarm has enough memory and processors to spare: {why}"
        )
    } else {
        text!("Swarm 中没有合适的机器: {why}", "no machine of the swarm will do: {why}")
    })
}

/// Where the engine of a machine is: `{address}` and `{name}` are the machine's.
fn address_of(pattern: &str, node: &Node) -> String {
    let address = node.status.as_ref().and_then(|status| status.addr.as_deref()).unwrap_or_default();
    let name = node.description.as_ref().and_then(|about| about.hostname.as_deref()).unwrap_or_default();
    pattern.replace("{address}", address).replace("{name}", name)
}
