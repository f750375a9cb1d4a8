//! What goes on in workspaces: counted before it is begun, known by its mark while it goes on, and ended with all that it
//! has started.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use super::{
    Workspaces,
    store::{count_runs_in, insert_run_in},
    types::{Kind, Workspace},
};
use crate::{
    error::{Error, Result},
    id::{RunId, UserId},
    platform::containers::{ContainerId, Mark},
    text,
};

const LEASE: TimeDelta = TimeDelta::seconds(45);
pub(super) const RENEW_EVERY: Duration = Duration::from_secs(15);
/// How much work on files goes on at a time: of one user, and of all.
const FILES_PER_USER: i64 = 8;
const FILES_IN_ALL: i64 = 64;

/// Something that goes on. Dropped before its end, it is ended in the background.
#[derive(Debug)]
pub(super) struct Run {
    pub workspace: Workspace,
    pub id: RunId,
    pub mark: Mark,
    /// Where its processes are; none before it is begun.
    pub held: Option<Held>,
    workspaces: Option<Workspaces>,
}

#[derive(Debug, Clone)]
pub(super) enum Held {
    /// With others, in the container of the workspace.
    Shared(ContainerId),
    /// In a container that is there for nothing else.
    Own(ContainerId),
}

impl Held {
    pub(super) fn container(&self) -> &ContainerId {
        match self {
            Self::Shared(id) | Self::Own(id) => id,
        }
    }
}

impl Workspaces {
    pub(super) async fn enter(&self, workspace: Workspace, user: &UserId, kind: Kind) -> Result<Run> {
        let (id, mark, now) = (RunId::generate(), Mark::new(), self.clock.now());
        let mut transaction = self.db.begin().await?;
        transaction.take_turn("workspaces").await?;
        let counted = count_runs_in(&mut transaction, user, kind, now).await?;
        let settings = &self.settings;
        let (own, in_all) = match kind {
            Kind::Command => (settings.commands_per_user, settings.commands_in_all),
            Kind::Terminal => (settings.terminals_per_user, settings.commands_in_all),
            Kind::Files => (FILES_PER_USER, FILES_IN_ALL),
        };
        if counted.own >= own || counted.in_all >= in_all {
            return Err(too_many(kind, (counted.own >= own).then_some(own)));
        }
        let run = (&id, kind, mark);
        if !insert_run_in(&mut transaction, (&workspace.id, user), run, (now, now + LEASE)).await? {
            return Err(super::service::not_found(&workspace.name));
        }
        transaction.commit().await?;
        Ok(Run { workspace, id, mark, held: None, workspaces: Some(self.clone()) })
    }

    pub(super) fn lease(&self) -> DateTime<Utc> {
        self.clock.now() + LEASE
    }

    /// Says from time to time that somebody sees to it; has no end.
    pub(super) async fn renew(&self, id: &RunId) {
        loop {
            tokio::time::sleep(RENEW_EVERY).await;
            if let Err(error) = self.prolong(id, self.lease()).await {
                tracing::debug!(run = %id, "{error}");
            }
        }
    }

    async fn leave(&self, workspace: &Workspace, id: &RunId) -> Result<()> {
        self.remove_run(id).await?;
        self.touch(&workspace.id).await
    }
}

impl Run {
    /// It has ended by itself.
    pub(super) async fn over(mut self) -> Result<()> {
        let Some(workspaces) = self.workspaces.take() else { return Ok(()) };
        if let Some(Held::Own(container)) = &self.held {
            workspaces.containers.remove(container).await?;
        }
        workspaces.leave(&self.workspace, &self.id).await
    }

    /// Ends it, with all that it has started. True where that took the whole container, which is made anew.
    pub(super) async fn end(mut self) -> Result<bool> {
        let Some(workspaces) = self.workspaces.take() else { return Ok(false) };
        end(&workspaces, &self).await
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        let Some(workspaces) = self.workspaces.take() else { return };
        let tracker = workspaces.tracker.clone();
        let left = Self {
            workspace: self.workspace.clone(),
            id: self.id.clone(),
            mark: self.mark,
            held: self.held.take(),
            workspaces: None,
        };
        tracker.spawn(async move {
            if let Err(error) = end(&workspaces, &left).await {
                // Its lease runs out, and it is found.
                tracing::warn!(workspace = %left.workspace.id, "what somebody left is not ended yet: {error}");
            }
        });
    }
}

async fn end(workspaces: &Workspaces, run: &Run) -> Result<bool> {
    // Before: what is ended is what nobody sees to.
    workspaces.leave(&run.workspace, &run.id).await?;
    match &run.held {
        Some(Held::Shared(container)) => workspaces.end_strays(&run.workspace.id, container).await,
        Some(Held::Own(container)) => {
            workspaces.containers.remove(container).await?;
            Ok(false)
        }
        None => Ok(false),
    }
}

fn too_many(kind: Kind, own: Option<i64>) -> Error {
    let text = match (kind, own) {
        (Kind::Command, Some(limit)) => text!(
            "同时运行的命令最多 {limit} 个，请等待其中一个结束",
            "you run {limit} commands, which is the most; wait for one to end"
        ),
        (Kind::Terminal, Some(limit)) => text!(
            "同时打开的终端最多 {limit} 个，请先关闭一个",
            "you have {limit} terminals open, which is the most; close one"
        ),
        (Kind::Files, Some(limit)) => text!(
            "同时进行的文件操作最多 {limit} 个，请稍后重试",
            "you have {limit} uploads and downloads going on, which is the most; try again later"
        ),
        (_, None) => {
            text!("当前运行的命令过多，请稍后重试", "too many commands run in all workspaces; try again later")
        }
    };
    Error::too_many("too_many_runs", text)
}
