//! What `crawlhub worker` runs, on a machine beside the server: it asks for as many tasks as it has slots.

mod beat;
mod former;
mod http;
mod machine;
mod poll;
mod projects;

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use anyhow::Context;
use tokio::net::TcpListener;

use self::{former::Past, machine::Machine, projects::Projects};
use super::{Agent, settings::Settings};
use crate::{
    app::{Outside, git, runner_config},
    config::Config,
    platform::{
        disk::Disk,
        process::presence::{self, Presence},
    },
    protocol::worker_name,
    runner::StopReason,
};

/// How long what has ended may take to be told, once the agent stops. The rest is told at its next start.
const DELIVERY_GRACE: Duration = Duration::from_secs(15);

/// How long the call for work that still waits may take to end, once the agent stops.
const ANSWER_GRACE: Duration = Duration::from_secs(5);

#[derive(Debug)]
struct Node {
    agent: Arc<Agent>,
    settings: Settings,
    /// New with each start.
    instance: String,
    projects: Projects,
    machine: Mutex<Machine>,
    /// Former starts of which nothing is left; told until the server has heard of it.
    gone: Mutex<Vec<String>>,
}

/// Works until `stopped`, then ends in order: no new tasks; running ones get their time; what they found is told.
pub async fn work(config: &Config, outside: Outside, stopped: impl Future<Output = ()>) -> anyhow::Result<()> {
    let settings = Settings::of(config)?;
    let storage = settings.storage.clone();
    let instance = crate::id::new();
    let worker = worker_name(&settings.name, &instance);
    let presence = Presence::announce(&storage, &worker).await.context("the storage path cannot be used")?;
    let disk = Disk::new(&storage, config.server.min_free_bytes);
    let mut runner = runner_config(config, &storage, outside)?;
    runner.work_dir.clone_from(&settings.jobs);
    runner.server = Some(presence::file_of(&storage, &worker));
    let git = git(config, &storage, &runner, &disk)?;
    git.sweep().context("copies of repositories")?;
    let machine = Machine::look(&runner.python, &runner.path()).await;
    let listener = TcpListener::bind(settings.listen).await;
    let listener = listener.with_context(|| format!("cannot listen on {}", settings.listen))?;
    let agent = Arc::new(Agent::open(&settings, runner, disk)?);
    let node = Arc::new(Node {
        projects: Projects::open(&settings, git)?,
        gone: Mutex::default(),
        machine: Mutex::new(machine),
        agent: agent.clone(),
        instance,
        settings,
    });
    let past = Past::find(&agent, &presence).await?;
    node.introduce().await?;
    agent.tracker.spawn(node.clone().serve(listener));
    agent.tracker.spawn(node.clone().keep_beating());
    agent.tracker.spawn(node.clone().keep_tidy());
    agent.tracker.spawn(past.settle(node.clone()));
    let polling = agent.tracker.spawn(node.clone().keep_asking());
    stopped.await;
    agent.end(polling, Duration::from_secs(config.server.stop_grace_seconds)).await;
    Ok(())
}

impl Agent {
    async fn end(&self, polling: tokio::task::JoinHandle<()>, grace: Duration) {
        tracing::info!("stopping: running tasks have {} seconds", grace.as_secs());
        self.stop.cancel();
        // What was asked for before is still answered, and given back.
        let _ = tokio::time::timeout(ANSWER_GRACE, polling).await;
        if tokio::time::timeout(grace, self.held.none_left()).await.is_err() {
            self.held.stop_all(StopReason::Shutdown);
            let _ = tokio::time::timeout(DELIVERY_GRACE, self.held.none_left()).await;
        }
        self.quit.cancel();
        self.tracker.close();
        self.tracker.wait().await;
        tracing::info!("stopped");
    }
}

impl Node {
    /// Removes what is not needed any more: code, environments.
    async fn keep_tidy(self: Arc<Self>) {
        const A_MONTH: Duration = Duration::from_hours(24 * 30);
        while self.agent.quit.run_until_cancelled(tokio::time::sleep(Duration::from_mins(1))).await.is_some() {
            // What a project was just given is not in its place yet.
            if !self.projects.are_busy()
                && let Err(error) = self.agent.cache.shrink(&self.agent.held.hashes()).await
            {
                tracing::warn!(%error, "the cache of code cannot be made smaller");
            }
            if let Err(error) = self.agent.runner.prune_environments(A_MONTH).await {
                tracing::warn!(%error, "environments that nobody uses stay");
            }
        }
    }
}
