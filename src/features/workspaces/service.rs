use super::{
    Workspaces,
    place::volume_of,
    store::{count_in, find_in, insert_in},
    types::{DEFAULT, Kind, Limits, NewWorkspace, Shown, Status, Usage, Workspace},
};
use crate::{
    error::{Error, Result},
    features::accounts::Caller,
    id::WorkspaceId,
    platform::containers::ContainerError,
    text,
};

impl Workspaces {
    /// The caller's workspace of that name. The one that everybody has is made when it is first asked for.
    pub(super) async fn own(&self, caller: &Caller, name: &str) -> Result<Workspace> {
        if let Some(found) = self.find(&caller.user_id, name).await? {
            return Ok(found);
        }
        if name != DEFAULT {
            return Err(not_found(name));
        }
        let new = NewWorkspace { name: DEFAULT.to_owned(), mode: None };
        match self.create(caller, new).await {
            // Somebody else has just asked for it as well.
            Err(Error::Conflict(problem)) if problem.code == "workspace_exists" => {
                self.find(&caller.user_id, name).await?.ok_or_else(|| not_found(name))
            }
            made => made,
        }
    }

    pub(super) async fn create(&self, caller: &Caller, new: NewWorkspace) -> Result<Workspace> {
        new.check()?;
        let mut transaction = self.db.begin().await?;
        transaction.take_turn("workspaces").await?;
        if find_in(&mut transaction, &caller.user_id, &new.name).await?.is_some() {
            return Err(taken(&new.name));
        }
        let counted = count_in(&mut transaction, &caller.user_id).await?;
        let settings = &self.settings;
        if counted.own >= settings.per_user || counted.in_all >= settings.in_all {
            return Err(too_many((counted.own >= settings.per_user).then_some(settings.per_user)));
        }
        let mode = new.mode.unwrap_or(settings.mode.into());
        let inserted = insert_in(&mut transaction, &caller.user_id, (&new.name, mode), self.clock.now()).await?;
        transaction.commit().await?;
        Ok(inserted)
    }

    pub(super) async fn shown(&self, workspace: Workspace) -> Result<Shown> {
        let container = match self.main_container(&workspace.id).await {
            Ok(found) => found.filter(|found| found.state.is_running()),
            // It is none the less there.
            Err(error) if error.is_passing() => None,
            Err(error) => return Err(error),
        };
        let memory_bytes = match &container {
            Some(container) => self.containers.memory(&container.id).await.unwrap_or_default(),
            None => None,
        };
        let runs = self.runs_in(&workspace.id).await?;
        let count = |kind| runs.iter().filter(|run| run.kind == kind).count().try_into().unwrap_or(i64::MAX);
        Ok(Shown {
            status: if container.is_some() { Status::Running } else { Status::Stopped },
            usage: Usage {
                bytes: workspace.bytes,
                files: workspace.files,
                measured_at: workspace.measured_at,
                memory_bytes,
                commands: count(Kind::Command),
                terminals: count(Kind::Terminal),
            },
            limits: Limits::of(&self.settings),
            id: workspace.id,
            name: workspace.name,
            mode: workspace.mode,
            last_used_at: workspace.last_used_at,
            created_at: workspace.created_at,
        })
    }

    /// Ends what goes on in it and removes its container; with `purge` its files as well, and it is no more.
    pub(super) async fn remove(&self, workspace: Workspace, purge: bool) -> Result<()> {
        // Nothing is removed that an engine which is away would keep.
        self.containers.ping().await?;
        if purge {
            // First, so that nothing more is begun in it; what is left by a server that dies now belongs to nobody.
            self.remove_row(&workspace.id).await?;
        }
        let (workspaces, id) = (self.clone(), workspace.id.clone());
        let removing = async move {
            workspaces.empty(&id).await?;
            if purge { workspaces.remove_volume(&id).await } else { Ok(()) }
        };
        self.jobs.run(workspace.id.as_str(), removing).await
    }

    /// Removes what is kept of a workspace that is no more.
    pub(super) async fn remove_volume(&self, id: &WorkspaceId) -> Result<()> {
        match self.containers.remove_volume(&volume_of(id)).await {
            // Something was begun in it before it was no more: it is looked after.
            Err(ContainerError::Conflict(reason)) => {
                tracing::debug!(workspace = %id, "a volume stays for now: {reason}");
                Ok(())
            }
            removed => Ok(removed?),
        }
    }
}

pub(super) fn not_found(name: &str) -> Error {
    Error::not_found("workspace_not_found", text!("没有名为 {name} 的工作区", "there is no workspace {name}"))
}

fn taken(name: &str) -> Error {
    Error::conflict("workspace_exists", text!("已有名为 {name} 的工作区", "there is a workspace {name} already"))
}

fn too_many(own: Option<i64>) -> Error {
    let text = match own {
        Some(limit) => text!(
            "工作区最多 {limit} 个，请先清除一个（purge）",
            "you have {limit} workspaces, which is the most; purge one"
        ),
        None => text!("工作区过多，请稍后重试", "there are too many workspaces; try again later"),
    };
    Error::too_many("too_many_workspaces", text)
}
