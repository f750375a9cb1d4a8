//! What an instance that runs needs from time to time, and what becomes of one that ended by itself.

use chrono::{DateTime, TimeDelta, Utc};

use super::{
    super::{
        Instances,
        types::{Desired, Instance, Status, StopReason},
    },
    start::ended,
};
use crate::{
    error::{Result, Text},
    features::events::Mishap,
    id::InstanceId,
    text,
};

/// How long after it ended by itself it is started again: the first time, the second, and the last.
const DELAYS: [TimeDelta; 3] = [TimeDelta::seconds(5), TimeDelta::seconds(15), TimeDelta::seconds(45)];
/// Whatever ended before is forgotten after so long.
const WINDOW: TimeDelta = TimeDelta::minutes(10);
/// Of its log, in a message.
const LAST_LINES: u64 = 30;
const LONGEST_LOG: usize = 4000;

impl Instances {
    /// Looks at one that runs, in its turn: whether it may go on, and whether it does.
    pub(super) async fn keep(&self, id: &InstanceId) -> Result<()> {
        let Some(instance) = self.find(id).await? else { return Ok(()) };
        if (instance.desired, instance.status) != (Desired::Running, Status::Running) {
            return Ok(());
        }
        if let Some(reason) = self.stop_reason(&instance).await? {
            let Some(wanted) = self.want(id, Desired::Stopped, Some(reason)).await? else { return Ok(()) };
            self.doors.close(&wanted.room());
            self.halt(id).await?;
            if reason == StopReason::DiskFull {
                self.tell(&wanted, Mishap::DiskFull { limit_mb: self.settings.disk_mb }).await?;
            }
            return Ok(());
        }
        let found = match &instance.container_id {
            Some(container) => self.containers.inspect(container).await?,
            None => None,
        };
        let Some(found) = found else {
            return self.crashed(instance, &text!("容器已不存在", "its container is gone")).await;
        };
        if !found.state.is_running() {
            return self.crashed(instance, &ended(found.state)).await;
        }
        let port = instance.inner_port();
        if instance.upstream == found.own_address(port) || instance.upstream == found.reached_at(port) {
            return Ok(());
        }
        // Whoever runs the machine has started it anew: it is somewhere else now.
        let moved = Instance { status: Status::Creating, upstream: None, deadline_at: None, ..instance };
        if let Some(moved) = self.save(moved).await? {
            self.doors.close(&moved.room());
            self.changed.notify_one();
        }
        Ok(())
    }

    /// When it is stopped if nobody asks it for anything; none: never.
    pub(super) fn idle_at(&self, instance: &Instance) -> Option<DateTime<Utc>> {
        let hours = self.settings.idle_hours;
        (hours > 0).then(|| instance.last_active_at + TimeDelta::hours(hours))
    }

    async fn stop_reason(&self, instance: &Instance) -> Result<Option<StopReason>> {
        let now = self.clock.now();
        if self.accounts.editor(&instance.user_id).await?.is_none() {
            return Ok(Some(StopReason::UserGone));
        }
        if self.idle_at(instance).is_some_and(|at| at <= now) {
            return Ok(Some(StopReason::Idle));
        }
        let has_outgrown = match &instance.container_id {
            Some(id) => self.disk.has_outgrown(&self.containers, id, self.settings.disk_mb, now).await,
            None => false,
        };
        Ok(has_outgrown.then_some(StopReason::DiskFull))
    }

    /// It ended by itself: it is started again soon, or has done that too often.
    pub(super) async fn crashed(&self, instance: Instance, why: &Text) -> Result<()> {
        let now = self.clock.now();
        let since = instance.restarts_since.filter(|since| *since + WINDOW > now);
        let restarts = if since.is_some() { instance.restarts } else { 0 };
        let Some(delay) = usize::try_from(restarts).ok().and_then(|restarts| DELAYS.get(restarts)) else {
            let times = DELAYS.len();
            let (zh, en) = (&why.zh, &why.en);
            let why = text!(
                "{zh}，已自动重启 {times} 次仍然失败",
                "{en}; it was started again {times} times, and ended each time"
            );
            return self.give_up(instance, &why).await;
        };
        let room = instance.room();
        let step = Instance {
            status: Status::Creating,
            upstream: None,
            deadline_at: None,
            error_message: Some(why.in_both()),
            restarts: restarts + 1,
            restarts_since: since.or(Some(now)),
            restart_at: Some(now + *delay),
            ..instance
        };
        if let Some(waiting) = self.save(step).await? {
            tracing::info!(instance = %waiting.prefix, "{}; it is started again in {} s", why.en, delay.num_seconds());
            self.doors.close(&room);
            self.changed.notify_one();
        }
        Ok(())
    }

    /// Says why it does not run, with what it printed last. Its container stays as it is, stopped.
    pub(super) async fn give_up(&self, instance: Instance, why: &Text) -> Result<()> {
        let mut message = why.in_both();
        if let Some(container) = instance.container_id.clone() {
            let log = self.containers.last_lines(&container, LAST_LINES, LONGEST_LOG).await;
            if !log.is_empty() {
                message = format!("{message}\n{log}");
            }
            self.leased(&instance, self.stop_container(&container)).await?;
        }
        let step = Instance {
            status: Status::Error,
            upstream: None,
            deadline_at: None,
            restart_at: None,
            error_message: Some(message.clone()),
            ..instance
        };
        if let Some(failed) = self.save(step).await? {
            tracing::warn!(instance = %failed.prefix, "an instance is given up: {}", why.en);
            self.doors.close(&failed.room());
            self.tell(&failed, Mishap::GivenUp { reason: message }).await?;
        }
        Ok(())
    }
}
