//! Everything that goes on by itself.

use std::{sync::Arc, time::Duration};

use tokio::sync::Notify;

use super::App;
use crate::{clock::SyncedClock, features::tasks::Watchdog, platform::database::Database};

/// How old what is removed by the hour may get.
const AN_HOUR: Duration = Duration::from_hours(1);
const A_DAY: Duration = Duration::from_hours(24);

impl App {
    /// Every loop there is.
    pub(super) fn start_loops(&self, watchdog: Watchdog) {
        let (db, synced) = (self.db.clone(), self.synced.clone());
        self.background.run("clock", Duration::from_secs(10), Arc::new(Notify::new()), move || {
            let (db, synced) = (db.clone(), synced.clone());
            async move { sync(&db, &synced).await }
        });
        let dispatcher = self.dispatcher.clone();
        self.background.run("dispatcher", dispatcher.period(), dispatcher.wake(), move || {
            let dispatcher = dispatcher.clone();
            async move { dispatcher.run_once().await }
        });
        let (tasks, changed) = (self.tasks.clone(), self.spiders.schedules_changed());
        self.background.run_until_next("scheduler", Duration::from_secs(5), changed, move || {
            let tasks = tasks.clone();
            async move { tasks.start_due().await }
        });
        self.background.run_until_next("watchdog", watchdog.period(), Arc::new(Notify::new()), move || {
            let watchdog = watchdog.clone();
            async move { watchdog.run_once().await }
        });
        let tasks = self.tasks.clone();
        self.background.run("gone", Duration::from_secs(30), tasks.completed_whole(), move || {
            let tasks = tasks.clone();
            async move { tasks.tell_gone().await }
        });
        let tasks = self.tasks.clone();
        self.background.run("quotas", Duration::from_secs(30), Arc::new(Notify::new()), move || {
            let tasks = tasks.clone();
            async move { tasks.mark_over_quota().await }
        });
        let housekeeping = self.housekeeping.clone();
        self.background.run("retention", AN_HOUR, Arc::new(Notify::new()), move || {
            let housekeeping = housekeeping.clone();
            async move { housekeeping.retain_once().await }
        });
        let housekeeping = self.housekeeping.clone();
        self.background.run("blobs", AN_HOUR * 6, Arc::new(Notify::new()), move || {
            let housekeeping = housekeeping.clone();
            async move { housekeeping.sweep_once().await }
        });
        let alerts = self.alerts.clone();
        self.background.run("alerts", Duration::from_secs(1), alerts.recorded(), move || {
            let alerts = alerts.clone();
            async move { alerts.act_on_facts().await }
        });
        let alerts = self.alerts.clone();
        self.background.run("alert rules", Duration::from_secs(30), Arc::new(Notify::new()), move || {
            let alerts = alerts.clone();
            async move { alerts.evaluate_rules().await }
        });
        let alerts = self.alerts.clone();
        self.background.run("deliveries", Duration::from_secs(1), alerts.queued(), move || {
            let alerts = alerts.clone();
            async move { alerts.send_due().await }
        });
        let doors = self.doors.clone();
        self.background.run_until_next("doors", Duration::from_secs(2), Arc::new(Notify::new()), move || {
            let doors = doors.clone();
            async move { doors.watch_once().await }
        });
        let proxies = self.proxies.clone();
        self.background.run("proxies", Duration::from_secs(15), proxies.check_due(), move || {
            let proxies = proxies.clone();
            async move { proxies.check_due_ones().await }
        });
        let datasources = self.datasources.clone();
        self.background.run("sinks", Duration::from_secs(1), datasources.wake(), move || {
            let datasources = datasources.clone();
            async move { datasources.deliver_due().await }
        });
        self.start_loops_of_repositories();
        self.start_loops_of_containers();
        if self.db.is_shared() {
            self.start_loops_of_several_servers();
        }
        let runner = self.dispatcher.runner().clone();
        self.background.run("environments", A_DAY, Arc::new(Notify::new()), move || {
            let runner = runner.clone();
            async move { Ok(runner.prune_environments(A_DAY * 30).await?) }
        });
    }

    /// Those by which servers hear of each other.
    fn start_loops_of_several_servers(&self) {
        let wakes = self.wakes.clone();
        self.background.run("words to other servers", Duration::from_secs(1), wakes.due(), move || {
            let wakes = wakes.clone();
            async move { Ok(wakes.send().await?) }
        });
        let (wakes, stop) = (self.wakes.clone(), self.stop.clone());
        self.background.run_until_next("words of other servers", A_DAY, Arc::new(Notify::new()), move || {
            let (wakes, stop) = (wakes.clone(), stop.clone());
            async move { Ok(wakes.listen(&stop).await.map(|()| A_DAY)?) }
        });
    }

    /// Those that fetch projects' repositories.
    fn start_loops_of_repositories(&self) {
        let (spiders, stop) = (self.spiders.clone(), self.stop.clone());
        self.background.run("repositories", Duration::from_secs(2), self.projects.sync_due(), move || {
            let (spiders, stop) = (spiders.clone(), stop.clone());
            async move { spiders.follow_repositories(&stop).await }
        });
        let projects = self.projects.clone();
        self.background.run("projects of nodes", Duration::from_secs(2), projects.nodes_due(), move || {
            let projects = projects.clone();
            async move { projects.follow_nodes().await }
        });
        let projects = self.projects.clone();
        self.background.run("copies of repositories", AN_HOUR, Arc::new(Notify::new()), move || {
            let projects = projects.clone();
            async move { projects.sweep_copies().await }
        });
    }

    /// Those that look after containers.
    fn start_loops_of_containers(&self) {
        let tasks = self.tasks.clone();
        self.background.run("containers", Duration::from_mins(1), Arc::new(Notify::new()), move || {
            let tasks = tasks.clone();
            async move { tasks.remove_lost_containers().await }
        });
        let (tasks, changed) = (self.tasks.clone(), self.tasks.swarm_wake());
        self.background.run_until_next("swarm", Duration::from_secs(10), changed, move || {
            let tasks = tasks.clone();
            async move { tasks.look_after_swarm().await }
        });
        let (editors, changed) = (self.code_sessions.clone(), self.code_sessions.wake());
        self.background.run_until_next("code sessions", Duration::from_secs(30), changed, move || {
            let editors = editors.clone();
            async move { editors.look_after().await }
        });
        let workspaces = self.workspaces.clone();
        self.background.run_until_next("workspaces", Duration::from_secs(30), Arc::new(Notify::new()), move || {
            let workspaces = workspaces.clone();
            async move { workspaces.look_after().await }
        });
        let (instances, changed) = (self.instances.clone(), self.instances.wake());
        self.background.run_until_next("instances", Duration::from_secs(30), changed, move || {
            let instances = instances.clone();
            async move { instances.look_after().await }
        });
        let instances = self.instances.clone();
        self.background.run_until_next("containers of instances", A_DAY, Arc::new(Notify::new()), move || {
            let instances = instances.clone();
            async move { instances.listen().await }
        });
        let editors = self.code_sessions.clone();
        self.background.run_until_next("containers of editors", A_DAY, Arc::new(Notify::new()), move || {
            let editors = editors.clone();
            async move { editors.listen().await }
        });
    }
}

/// Servers that share a database agree on its time: leases and planned times mean the same to all of them.
pub(super) async fn sync(db: &Database, synced: &SyncedClock) -> anyhow::Result<()> {
    if let Some((there, at)) = db.time().await? {
        synced.set(there, at);
    }
    Ok(())
}
