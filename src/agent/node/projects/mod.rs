//! Projects that the node keeps: repositories brought to folders below `AGENT_PROJECTS_PATH`, where people work on them.
//! What the agent knows of each lies in a journal of its own, beside the folders.

mod bring;
mod journal;
mod routes;
mod target;

use std::{
    collections::HashMap,
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::sync::{Semaphore, watch};

use self::{bring::Bringing, journal::Journal, target::Target};
use super::Node;
use crate::{
    agent::{client::USUAL, settings::Settings},
    error::{Error, Result},
    platform::git::{Address, Credentials, Git, Remote, Revision},
    protocol::{CloneAnswer, CloneOrder, GitAccess, NodeProject, ProjectHint},
    text,
};

pub(super) use routes::router;

/// Repositories that are fetched at a time; others wait.
const AT_ONCE: usize = 4;
/// A hint that the server does not hear is given up: it asks by itself.
const HINTS: usize = 5;

#[derive(Debug)]
pub(super) struct Projects {
    root: PathBuf,
    journals: PathBuf,
    git: Git,
    /// Those that something is being done with, and how far that is.
    busy: Mutex<HashMap<String, watch::Sender<String>>>,
    turns: Semaphore,
}

/// Something is being done with a project until this goes.
struct Turn {
    node: Arc<Node>,
    id: String,
    progress: watch::Sender<String>,
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.node.projects.busy().remove(&self.id);
    }
}

impl Projects {
    pub(super) fn open(settings: &Settings, git: Git) -> anyhow::Result<Self> {
        let journals = settings.storage.join("projects.known");
        std::fs::create_dir_all(&journals)?;
        let (busy, turns) = (Mutex::default(), Semaphore::new(AT_ONCE));
        Ok(Self { root: settings.projects.clone(), journals, git, busy, turns })
    }

    pub(super) fn are_busy(&self) -> bool {
        !self.busy().is_empty()
    }

    fn busy(&self) -> MutexGuard<'_, HashMap<String, watch::Sender<String>>> {
        self.busy.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn status(&self, id: &str) -> Result<NodeProject> {
        // Held: what begins or ends in between would be taken for broken off.
        let busy = self.busy();
        let journal = Journal::read(&self.journals, id)?;
        let progress = busy.get(id).map(|progress| progress.borrow().clone());
        drop(busy);
        let is_busy = progress.is_some();
        // One that nobody is at was broken off with the agent.
        let (status, message) = match (is_busy, journal.status.as_str()) {
            (true, _) => ("syncing", String::new()),
            (false, "syncing") => ("error", "the agent was restarted meanwhile; pull again".to_owned()),
            (false, status) => (status, journal.message),
        };
        Ok(NodeProject {
            project_id: id.to_owned(),
            status: status.to_owned(),
            message,
            local_path: self.root.join(&journal.target).to_string_lossy().into_owned(),
            git_commit: journal.git_commit,
            git_subject: journal.git_subject,
            progress: progress.unwrap_or_default(),
        })
    }
}

impl Node {
    fn turn(self: &Arc<Self>, id: &str) -> Result<Turn> {
        let progress = watch::Sender::new(String::new());
        let mut busy = self.projects.busy();
        if busy.contains_key(id) {
            return Err(Error::conflict(
                "project_busy",
                text!("项目正在同步", "something is being done with the project already"),
            ));
        }
        busy.insert(id.to_owned(), progress.clone());
        Ok(Turn { node: self.clone(), id: id.to_owned(), progress })
    }

    /// Begins to bring the repository to its folder.
    fn clone_project(self: &Arc<Self>, order: CloneOrder) -> Result<CloneAnswer> {
        let CloneOrder { project_id, git_url, branch, target_path, force, access } = order;
        Journal::check_id(&project_id)?;
        let refuse = |loc: &str, text| Error::invalid(loc, "value_error", text);
        Address::parse(&git_url).map_err(|flaw| refuse("body.git_url", flaw.text()))?;
        Revision::parse(branch.as_deref().unwrap_or_default()).map_err(|flaw| refuse("body.branch", flaw.text()))?;
        let target = Target::below(&self.projects.root, &target_path)?;
        let turn = self.turn(&project_id)?;
        let former = Journal::read(&self.projects.journals, &project_id).ok();
        let mut journal = match former.filter(|former| former.target == target.relative()) {
            Some(former) => former,
            None => Journal::new(&project_id, target.relative()),
        };
        target.check_free(&journal, &self.projects.journals)?;
        if journal.git_url != git_url {
            journal.host_keys = None;
        }
        (journal.git_url, journal.branch) = (git_url, branch);
        self.begin(turn, journal, target, (access, force))
    }

    fn pull_project(self: &Arc<Self>, id: &str, access: GitAccess, force: bool) -> Result<CloneAnswer> {
        let journal = Journal::read(&self.projects.journals, id)?;
        let target = Target::below(&self.projects.root, &journal.target)?;
        let turn = self.turn(id)?;
        self.begin(turn, journal, target, (access, force))
    }

    fn begin(
        self: &Arc<Self>,
        turn: Turn,
        mut journal: Journal,
        target: Target,
        (access, force): (GitAccess, bool),
    ) -> Result<CloneAnswer> {
        (journal.status, journal.message) = ("syncing".to_owned(), String::new());
        journal.write(&self.projects.journals)?;
        let answer = CloneAnswer {
            project_id: journal.project_id.clone(),
            success: true,
            message: "begun".to_owned(),
            local_path: target.path().to_string_lossy().into_owned(),
        };
        let node = self.clone();
        self.agent.tracker.spawn(async move {
            let quit = node.agent.quit.clone();
            quit.run_until_cancelled(Box::pin(node.bring(turn, journal, &target, (access, force)))).await;
        });
        Ok(answer)
    }

    async fn bring(&self, turn: Turn, mut journal: Journal, target: &Target, access: (GitAccess, bool)) {
        let brought = self.try_to_bring(&turn, &mut journal, target, access).await;
        (journal.status, journal.message) = match brought {
            Ok(message) => ("active".to_owned(), message),
            Err(error) => ("error".to_owned(), error.to_string()),
        };
        if let Err(error) = journal.write(&self.projects.journals) {
            tracing::error!(project = journal.project_id, %error, "what became of a project is not written down");
        }
        drop(turn);
        self.hint(&journal).await;
    }

    async fn try_to_bring(
        &self,
        turn: &Turn,
        journal: &mut Journal,
        target: &Target,
        (access, force): (GitAccess, bool),
    ) -> Result<String> {
        let _at_once = self.projects.turns.acquire().await.map_err(Error::internal)?;
        let refused = |flaw: crate::platform::git::Flaw| Error::bad_request("git_url", flaw.text());
        let address = Address::parse(&journal.git_url).map_err(refused)?;
        let revision = Revision::parse(journal.branch.as_deref().unwrap_or_default()).map_err(refused)?;
        let credentials = Credentials { token: access.git_token, key: access.git_key };
        let remote = Remote {
            address: &address,
            revision: &revision,
            credentials: &credentials,
            host_keys: journal.host_keys.as_deref(),
        };
        let git = &self.projects.git;
        let commit = git.fetch(&journal.project_id, &remote, &turn.progress).await?;
        let tree = git.tree(&journal.project_id, &commit.id).await?;
        let bringing = Bringing { git, files: self.agent.cache.files(), copy: &journal.project_id, target, force };
        let brought = Box::pin(bringing.bring(&tree, &journal.base)).await?;
        self.agent.cache.has_grown();
        journal.base = brought.base;
        (journal.git_commit, journal.git_subject) = (Some(commit.id), Some(commit.subject));
        journal.host_keys = commit.host_keys.or_else(|| journal.host_keys.take());
        Ok(brought.message)
    }

    /// Tells the server that it may ask.
    async fn hint(&self, journal: &Journal) {
        let hint = ProjectHint { status: journal.status.clone(), message: journal.message.clone() };
        let Ok(body) = serde_json::to_vec(&hint) else { return };
        for _ in 0..HINTS {
            match self
                .agent
                .server
                .call::<()>(&format!("/projects/{}/status", journal.project_id), body.clone(), USUAL)
                .await
            {
                Err(trouble) if trouble.is_passing() => tokio::time::sleep(Duration::from_secs(2)).await,
                _ => return,
            }
        }
    }

    /// Removes the project's folder. Twice is as good as once.
    async fn remove_project(self: &Arc<Self>, id: &str) -> Result<()> {
        Journal::check_id(id)?;
        let turn = self.turn(id)?;
        let Ok(journal) = Journal::read(&self.projects.journals, id) else { return Ok(()) };
        let target = Target::below(&self.projects.root, &journal.target)?;
        let trash = self.projects.root.join(format!(".trash-{}", crate::id::new()));
        match target.held_parent().and_then(|parent| std::fs::rename(parent.path().join(target.name()), &trash)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(Error::internal(error)),
            _ => {}
        }
        Journal::remove(&self.projects.journals, id)?;
        self.agent.tracker.spawn_blocking(move || std::fs::remove_dir_all(trash));
        drop(turn);
        Ok(self.projects.git.remove(id).await?)
    }
}
