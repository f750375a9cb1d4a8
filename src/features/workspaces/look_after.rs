//! The loop: containers and volumes that nobody needs go, and what nobody sees to is ended. Nothing is decided while the
//! engine does not answer.

use std::{
    collections::{HashMap, HashSet},
    time::Duration,
};

use chrono::{DateTime, TimeDelta, Utc};

use super::{
    Workspaces,
    place::{RUN_LABEL, TYPE, WORKSPACE_LABEL, is_main},
    types::Workspace,
};
use crate::{
    clock::{Clock, SystemClock},
    error::Result,
    id::WorkspaceId,
    platform::containers::{Container, ContainerError, State},
};

const LOOK_EVERY: Duration = Duration::from_secs(30);
/// From when a container is made to when it is started, at most.
const A_MOMENT: TimeDelta = TimeDelta::minutes(1);
/// How often the files of a workspace are counted in which something may run.
const COUNT_EVERY: TimeDelta = TimeDelta::minutes(1);

impl Workspaces {
    pub async fn look_after(&self) -> anyhow::Result<Duration> {
        match self.containers.ping().await {
            Ok(()) => {}
            Err(ContainerError::Unavailable(_)) => return Ok(LOOK_EVERY),
            Err(error) => return Err(error.into()),
        }
        self.end_left_behind().await?;
        for workspace in self.of_nobody().await? {
            self.remove(workspace, true).await?;
        }
        // Before their rows are read: what is made meanwhile is not among them.
        let (containers, volumes) = (self.containers.own(TYPE).await?, self.containers.own_volumes(TYPE).await?);
        let rows: HashMap<WorkspaceId, Workspace> =
            self.all().await?.into_iter().map(|workspace| (workspace.id.clone(), workspace)).collect();
        let runs = self.all_runs().await?;
        let (running, busy): (HashSet<_>, HashSet<_>) =
            runs.iter().map(|run| (run.id.as_str(), &run.workspace_id)).unzip();
        for container in containers {
            let id = id_of(&container.labels);
            let judged = match (container.labels.get(RUN_LABEL), rows.get(&id)) {
                (Some(run), Some(_)) if running.contains(run.as_str()) => Ok(()),
                (None, Some(workspace)) if is_main(&container) => {
                    self.look_at(workspace, &container, busy.contains(&id)).await
                }
                (None, Some(_)) if is_new(&container) => Ok(()),
                _ => Ok(self.containers.remove(&container.id).await?),
            };
            if let Err(error) = judged {
                tracing::warn!(container = %container.name, "{error}");
            }
        }
        for volume in volumes {
            let id = id_of(&volume.labels);
            if !rows.contains_key(&id) {
                self.remove_volume(&id).await?;
            }
        }
        Ok(LOOK_EVERY)
    }

    /// Ends what another life of this server, or another server, has left behind.
    async fn end_left_behind(&self) -> Result<()> {
        let now = self.clock.now();
        let left: Vec<_> = self.all_runs().await?.into_iter().filter(|run| run.lease_until <= now).collect();
        let places: HashSet<&WorkspaceId> = left.iter().map(|run| &run.workspace_id).collect();
        for workspace in places {
            // The next server finds the rest, by the same rows.
            if self.stop.is_cancelled() {
                return Ok(());
            }
            if let Some(container) = self.main_container(workspace).await?.filter(|found| found.state.is_running()) {
                self.end_strays(workspace, &container.id).await?;
            }
        }
        for run in &left {
            self.remove_run(&run.id).await?;
        }
        Ok(())
    }

    async fn look_at(&self, workspace: &Workspace, container: &Container, is_busy: bool) -> Result<()> {
        let now = self.clock.now();
        match container.state {
            State::Created if is_new(container) => return Ok(()),
            State::Running => {}
            // Whoever comes next makes another one.
            _ => return self.remove_idle(workspace, now).await,
        }
        if !is_busy && workspace.last_used_at + TimeDelta::minutes(self.settings.idle_minutes) <= now {
            return self.remove_idle(workspace, now).await;
        }
        if workspace.measured_at.is_none_or(|at| at + COUNT_EVERY <= now)
            && !self.measure(&workspace.id, &container.id).await?
        {
            // What is seen to ends by itself; something was left running.
            self.end_strays(&workspace.id, &container.id).await?;
        }
        Ok(())
    }

    /// Unless somebody has come meanwhile.
    async fn remove_idle(&self, workspace: &Workspace, now: DateTime<Utc>) -> Result<()> {
        let (workspaces, id, idle) = (self.clone(), workspace.id.clone(), self.settings.idle_minutes);
        let removing = async move {
            let used = workspaces.find_by_id(&id).await?;
            let is_idle = used.is_some_and(|used| used.last_used_at + TimeDelta::minutes(idle) <= now);
            let is_stopped = !workspaces.main_container(&id).await?.is_some_and(|found| found.state.is_running());
            if is_stopped || (is_idle && workspaces.runs_in(&id).await?.is_empty()) {
                workspaces.put_away(&id).await?;
            }
            Ok(())
        };
        self.jobs.run(workspace.id.as_str(), removing).await
    }
}

fn id_of(labels: &crate::platform::containers::Labels) -> WorkspaceId {
    WorkspaceId::from(labels.get(WORKSPACE_LABEL).cloned().unwrap_or_default())
}

/// By the machine's clock, which mostly is the engine's.
fn is_new(container: &Container) -> bool {
    container.created_at.is_some_and(|at| (SystemClock.now() - at).abs() < A_MOMENT)
}
