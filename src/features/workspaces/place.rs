//! The container and the volume of a workspace: there when they are needed.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tokio::sync::RwLock;

use super::{
    Workspaces,
    types::{RunRow, Workspace},
};
use crate::{
    error::{Error, Result},
    id::WorkspaceId,
    platform::containers::{
        Container, ContainerError, ContainerId, ContainerSpec, Ended, Exec, Labels, Limits, Mark, Running,
    },
    text,
};

pub(super) const TYPE: &str = "workspace";
pub(super) const WORKSPACE_LABEL: &str = "crawlhub.workspace";
/// Of a container that is one command's.
pub(super) const RUN_LABEL: &str = "crawlhub.run";
pub(super) const FOLDER: &str = "/workspace";
/// For commands that are just being begun to have their marks.
const BEGINNING: Duration = Duration::from_secs(5);
/// For what is to end to be gone, before all of the container goes.
const ENDING: Duration = Duration::from_secs(10);
/// The same of either, once the server stops.
const WHILE_STOPPING: Duration = Duration::from_secs(1);
/// How often another server's container of the same name is looked for.
const LOOKS: u32 = 20;
const A_MOMENT: Duration = Duration::from_millis(100);

/// What this server knows of the containers of workspaces.
#[derive(Debug, Clone, Default)]
pub(super) struct Places(Arc<Mutex<HashMap<WorkspaceId, Arc<Place>>>>);

#[derive(Debug, Default)]
struct Place {
    /// That runs, by all that is known.
    container: Mutex<Option<ContainerId>>,
    /// Whether the volume is known to be there.
    has_volume: AtomicBool,
    /// Held while a command is begun, as it has no mark yet; by one while those without are ended.
    beginning: RwLock<()>,
    /// Held by who ends something: others wait for it, and do not take it for something that does not end.
    ending: tokio::sync::Mutex<()>,
}

impl Place {
    fn container(&self) -> MutexGuard<'_, Option<ContainerId>> {
        self.container.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Places {
    fn of(&self, id: &WorkspaceId) -> Arc<Place> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(id.clone()).or_default().clone()
    }

    /// The container is gone.
    fn forget(&self, id: &WorkspaceId) {
        *self.of(id).container() = None;
    }

    /// The workspace is gone.
    fn drop(&self, id: &WorkspaceId) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(id);
    }

    /// The container that runs, by all that is known here.
    pub(super) fn known(&self, id: &WorkspaceId) -> Option<ContainerId> {
        self.of(id).container().clone()
    }
}

pub(super) fn volume_of(id: &WorkspaceId) -> String {
    format!("crawlhub-workspace-{id}")
}

impl Workspaces {
    pub(super) fn labels_of(&self, id: &WorkspaceId) -> Labels {
        let mut labels = self.containers.labels(TYPE);
        labels.insert(WORKSPACE_LABEL.to_owned(), id.to_string());
        labels
    }

    /// A container of the workspace that is to run `command`.
    pub(super) fn spec_of(
        &self,
        id: &WorkspaceId,
        name: String,
        command: Vec<String>,
        labels: Labels,
    ) -> ContainerSpec {
        let settings = &self.settings;
        let env = [("HOME", FOLDER), ("LANG", "C.UTF-8"), ("PYTHONUNBUFFERED", "1")];
        ContainerSpec {
            name,
            image: settings.image.clone(),
            command: Some(command),
            working_dir: Some(FOLDER.to_owned()),
            env: env.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
            labels,
            limits: Limits {
                cpus: settings.cpus,
                memory_mb: settings.memory_mb,
                processes: settings.processes,
                file_mb: settings.file_mb,
            },
            network: None,
            publish: None,
            volumes: vec![(volume_of(id), FOLDER.to_owned())],
            read_only: true,
            without_log: true,
        }
    }

    /// Sees to it that the volume is there, on the engine that has it.
    pub(super) async fn volume(&self, workspace: &Workspace) -> Result<()> {
        let place = self.places.of(&workspace.id);
        if place.has_volume.load(Ordering::Relaxed) {
            return Ok(());
        }
        let engine = self.containers.engine().await?.id;
        if workspace.engine.as_ref().is_some_and(|own| *own != engine) {
            let source = anyhow::anyhow!("the workspace's files are on another engine");
            return Err(Error::Unavailable { what: "Docker", source });
        }
        let (name, labels) = (volume_of(&workspace.id), self.labels_of(&workspace.id));
        self.containers.make_volume(&name, &labels, &self.settings.image).await?;
        if workspace.engine.is_none() {
            self.set_engine(&workspace.id, &engine).await?;
        }
        place.has_volume.store(true, Ordering::Relaxed);
        Ok(())
    }

    /// The container that runs, which is made where there is none.
    pub(super) async fn container(&self, workspace: &Workspace) -> Result<ContainerId> {
        if let Some(known) = self.places.known(&workspace.id) {
            return Ok(known);
        }
        let (workspaces, workspace) = (self.clone(), workspace.clone());
        let id = workspace.id.clone();
        self.jobs.run(id.as_str(), async move { workspaces.bring_up(&workspace).await }).await
    }

    async fn bring_up(&self, workspace: &Workspace) -> Result<ContainerId> {
        if let Some(known) = self.places.known(&workspace.id) {
            return Ok(known);
        }
        for _ in 0..LOOKS {
            if let Some(found) = self.main_container(&workspace.id).await? {
                if found.state.is_running() {
                    *self.places.of(&workspace.id).container() = Some(found.id.clone());
                    return Ok(found.id);
                }
                self.containers.remove(&found.id).await?;
            }
            self.volume(workspace).await?;
            let command = Mark::MAIN.wrapping(["sleep", "infinity"].map(str::to_owned));
            let name = format!("workspace-{}", workspace.id);
            let spec = self.spec_of(&workspace.id, name, command, self.labels_of(&workspace.id));
            let id = match self.containers.create(&spec).await {
                Ok(id) => id,
                // Another server makes it just now.
                Err(ContainerError::Conflict(_)) => {
                    tokio::time::sleep(A_MOMENT).await;
                    continue;
                }
                Err(error) => return Err(error.into()),
            };
            self.containers.start(&id).await?;
            *self.places.of(&workspace.id).container() = Some(id.clone());
            return Ok(id);
        }
        Err(Error::conflict(
            "workspace_busy",
            text!("工作区正在启动，请稍后重试", "the workspace is being started; try again"),
        ))
    }

    /// The workspace's own container, whatever its state.
    pub(super) async fn main_container(&self, id: &WorkspaceId) -> Result<Option<Container>> {
        let all = self.containers.own_with(TYPE, (WORKSPACE_LABEL, id.as_str())).await?;
        Ok(all.into_iter().find(is_main))
    }

    /// Sees to it that the container runs, by the engine's word.
    pub(super) async fn awake(&self, workspace: &Workspace) -> Result<()> {
        let id = self.container(workspace).await?;
        if !self.containers.inspect(&id).await?.is_some_and(|found| found.state.is_running()) {
            self.places.forget(&workspace.id);
            self.container(workspace).await?;
        }
        Ok(())
    }

    /// Begins something in the container. One that was thought to run and does not is made anew.
    pub(super) async fn begin<T, F>(
        &self,
        workspace: &Workspace,
        mut start: impl FnMut(ContainerId) -> F,
    ) -> Result<(ContainerId, T)>
    where
        F: Future<Output = Result<T, ContainerError>>,
    {
        let mut is_second = false;
        loop {
            let id = self.container(workspace).await?;
            let place = self.places.of(&workspace.id);
            let beginning = place.beginning.read().await;
            match start(id.clone()).await {
                Err(ContainerError::Gone(_) | ContainerError::Conflict(_)) if !is_second => {
                    drop(beginning);
                    self.places.forget(&workspace.id);
                    is_second = true;
                }
                begun => return Ok((id, begun?)),
            }
        }
    }

    /// Begins a command in the container, with a mark.
    pub(super) async fn begin_command(
        &self,
        workspace: &Workspace,
        exec: impl Fn() -> Exec,
    ) -> Result<(ContainerId, Running)> {
        self.begin(workspace, |id| {
            let exec = exec();
            async move { self.containers.exec(&id, exec).await }
        })
        .await
    }

    /// Ends whatever nobody sees to in the container any more. True where that took the container, which is made anew.
    pub(super) async fn end_strays(&self, workspace: &WorkspaceId, id: &ContainerId) -> Result<bool> {
        let place = self.places.of(workspace);
        let _ending = place.ending.lock().await;
        if let Some(_alone) = self.in_time(BEGINNING, place.beginning.write()).await {
            // From now on nothing begins here that is not among them.
            let runs = self.runs_in(workspace).await?;
            let kept: Vec<Mark> = std::iter::once(Mark::MAIN).chain(runs.iter().filter_map(RunRow::mark)).collect();
            match self.in_time(ENDING, self.containers.end(id, Ended::Others(&kept))).await {
                // What does not run has ended.
                Some(Ok(()) | Err(ContainerError::Gone(_))) => return Ok(false),
                Some(Err(error)) => tracing::debug!(container = %id, "processes are not ended one by one: {error}"),
                None => {}
            }
        }
        tracing::warn!(%workspace, "what runs in a workspace does not end: its container is made anew");
        self.containers.remove(id).await?;
        self.places.forget(workspace);
        if let Some(workspace) = self.find_by_id(workspace).await? {
            self.container(&workspace).await?;
        }
        Ok(true)
    }

    async fn in_time<T>(&self, most: Duration, work: impl Future<Output = T>) -> Option<T> {
        let stopped = async {
            self.stop.cancelled().await;
            tokio::time::sleep(WHILE_STOPPING).await;
        };
        tokio::select! {
            biased;
            done = work => Some(done),
            () = tokio::time::sleep(most) => None,
            () = stopped => None,
        }
    }

    /// Removes its own container, and what goes on there with it.
    pub(super) async fn put_away(&self, id: &WorkspaceId) -> Result<()> {
        self.places.forget(id);
        if let Some(container) = self.main_container(id).await? {
            self.containers.remove(&container.id).await?;
        }
        Ok(())
    }

    /// Removes all its containers.
    pub(super) async fn empty(&self, id: &WorkspaceId) -> Result<()> {
        self.places.drop(id);
        for container in self.containers.own_with(TYPE, (WORKSPACE_LABEL, id.as_str())).await? {
            self.containers.remove(&container.id).await?;
        }
        Ok(())
    }
}

/// Neither a command's, nor the one by which a volume is given to its user.
pub(super) fn is_main(container: &Container) -> bool {
    !container.labels.contains_key(RUN_LABEL) && container.name.starts_with("workspace-")
}
