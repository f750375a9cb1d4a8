//! From a row to an instance that answers.

use std::time::Duration;

use chrono::TimeDelta;

use super::{
    super::{
        Instances,
        ports::taken,
        types::{Desired, Instance, Status},
    },
    LABEL, TYPE,
};
use crate::{
    error::{Error, Result, Text},
    id::InstanceId,
    platform::containers::{Container, ContainerError, ContainerId, ContainerSpec, Limits, State, Where},
    text,
};

const NETWORK: &str = "crawlhub-instances";
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// For one answer of an instance that is coming up.
const ANSWER: Duration = Duration::from_secs(5);
/// How soon a start hears that it is not wanted any more.
const ASK_EVERY: Duration = Duration::from_millis(500);
const STOP_GRACE: Duration = Duration::from_secs(10);
/// Beyond what a start may take, so that its own end is heard of.
const GRACE: TimeDelta = TimeDelta::seconds(10);
/// The largest file that one may write.
const FILE_MB: i64 = 1024;
/// How often a port is tried that turns out to be taken, be it another one each time or the same.
const MOST_TRIES: usize = 16;
/// How soon the same port is tried again: who has left it may hold it a little longer.
const TRY_AGAIN: Duration = Duration::from_millis(250);

/// Why an instance did not come up.
enum Setback {
    /// Its program ended.
    Ended(Text),
    Failed(Error),
}

impl From<Error> for Setback {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

impl From<ContainerError> for Setback {
    fn from(error: ContainerError) -> Self {
        Self::Failed(error.into())
    }
}

impl Instances {
    /// Starts what is to run and does not, in its turn.
    pub(super) async fn bring_to_life(&self, id: &InstanceId) -> Result<()> {
        let Some(instance) = self.find(id).await? else { return Ok(()) };
        if instance.desired != Desired::Running || instance.status != Status::Creating {
            return Ok(());
        }
        let limit = Duration::from_secs(self.settings.start_seconds.unsigned_abs());
        let deadline = self.clock.now() + TimeDelta::seconds(self.settings.start_seconds) + GRACE;
        let step = Instance { deadline_at: Some(deadline), restart_at: None, ..instance };
        let Some(mut instance) = self.save(step).await? else { return Ok(()) };
        let brought_up = tokio::select! {
            up = tokio::time::timeout(limit, self.bring_up(&mut instance)) => up,
            // Whoever wants it no more sees to its container.
            () = self.is_unwanted(id) => return Ok(()),
        };
        match brought_up {
            Ok(Ok(upstream)) => {
                let up = Instance {
                    status: Status::Running,
                    upstream: Some(upstream),
                    deadline_at: None,
                    started_at: Some(self.clock.now()),
                    error_message: None,
                    ..instance.clone()
                };
                self.save(up).await?;
                self.doors.close(&instance.room());
                Ok(())
            }
            Ok(Err(Setback::Ended(why))) => self.crashed(instance, &why).await,
            Ok(Err(Setback::Failed(error))) if error.is_passing() => {
                // The next look is when it is there again.
                self.prolong(&instance, None).await?;
                Err(error)
            }
            Ok(Err(Setback::Failed(error))) => self.give_up(instance, &error.for_people()).await,
            Err(_) => {
                let (seconds, port) = (limit.as_secs(), instance.container_port);
                let why = text!(
                    "{seconds} 秒内端口 {port} 无 HTTP 应答",
                    "nothing answered HTTP at its port {port} within {seconds} s"
                );
                self.give_up(instance, &why).await
            }
        }
    }

    async fn is_unwanted(&self, id: &InstanceId) {
        loop {
            tokio::time::sleep(ASK_EVERY).await;
            let is_wanted = |found: Option<Instance>| found.is_some_and(|found| found.desired == Desired::Running);
            if self.find(id).await.is_ok_and(|found| !is_wanted(found)) {
                return;
            }
        }
    }

    /// Makes and starts the container where there is none that runs; where it answers. `instance` is kept as it is written
    /// down.
    async fn bring_up(&self, instance: &mut Instance) -> Result<String, Setback> {
        let reach = self.containers.network(NETWORK).await?.reach;
        for _ in 0..MOST_TRIES {
            let container = self.its_container(instance).await?;
            match self.containers.start(&container.id).await {
                Ok(()) => return self.answering(instance, &container.id, reach).await,
                Err(ContainerError::PortTaken(_)) if container.state == State::Created && !instance.port_is_asked => {
                    self.containers.remove(&container.id).await?;
                    self.move_port(instance).await?;
                }
                // One that ran before has files, and its port cannot be changed.
                Err(ContainerError::PortTaken(_)) => tokio::time::sleep(TRY_AGAIN).await,
                Err(error) => return Err(error.into()),
            }
        }
        Err(taken(u16::try_from(instance.port).unwrap_or_default(), None).into())
    }

    /// Its container, which may have to be made.
    async fn its_container(&self, instance: &mut Instance) -> Result<Container, Setback> {
        if let Some(container) = &instance.container_id
            && let Some(found) = self.containers.inspect(container).await?
        {
            if found.state == State::Paused {
                self.containers.stop(container, STOP_GRACE).await?;
            }
            return Ok(found);
        }
        self.remove_containers(instance).await?;
        let container = self.containers.create(&self.spec_of(instance)?).await?;
        self.note(instance, |row| row.container_id = Some(container.clone())).await?;
        Ok(self.containers.inspect(&container).await?.ok_or(ContainerError::Gone(container))?)
    }

    async fn move_port(&self, instance: &mut Instance) -> Result<(), Setback> {
        let mut transaction = self.db.begin().await?;
        transaction.take_turn("instances").await?;
        let port = self.free_port_in(&mut transaction, None).await?;
        drop(transaction);
        tracing::info!(instance = %instance.prefix, port, "its port is in use by something else: it gets another one");
        self.note(instance, |row| (row.port, row.container_id) = (port.into(), None)).await
    }

    /// Writes something down while it is being started.
    async fn note(&self, instance: &mut Instance, change: impl FnOnce(&mut Instance)) -> Result<(), Setback> {
        let mut changed = instance.clone();
        change(&mut changed);
        *instance = self.save(changed).await?.ok_or_else(|| {
            Error::conflict("instance_busy", text!("实例正在变化", "the instance has changed meanwhile"))
        })?;
        Ok(())
    }

    fn spec_of(&self, instance: &Instance) -> Result<ContainerSpec> {
        let mut labels = self.containers.labels(TYPE);
        labels.insert(LABEL.to_owned(), instance.prefix.to_string());
        labels.insert("crawlhub.user_id".to_owned(), instance.user_id.to_string());
        let mut env = self.env_of(instance)?;
        env.entry("PORT".to_owned()).or_insert_with(|| instance.container_port.to_string());
        let port = u16::try_from(instance.port).map_err(Error::internal)?;
        Ok(ContainerSpec {
            // Of two with the same prefix, one after the other, either may still be there.
            name: format!(
                "instance-{}-{}",
                instance.prefix,
                instance.id.as_str().rsplit('-').next().unwrap_or_default()
            ),
            image: instance.image.clone(),
            command: instance.command.as_ref().map(|command| command.0.clone()),
            working_dir: None,
            env: env.into_iter().collect(),
            labels,
            limits: Limits {
                cpus: instance.cpus,
                memory_mb: instance.memory_mb,
                processes: self.settings.processes,
                file_mb: FILE_MB,
            },
            publish: Some((instance.inner_port(), port..=port)),
            network: Some(NETWORK.to_owned()),
            ..ContainerSpec::default()
        })
    }

    /// Waits until it answers HTTP, whatever it says. Where that is.
    async fn answering(&self, instance: &Instance, id: &ContainerId, reach: Where) -> Result<String, Setback> {
        let port = instance.inner_port();
        loop {
            let found = self.containers.inspect(id).await?.ok_or_else(|| ContainerError::Gone(id.clone()))?;
            let upstream = match reach {
                Where::Container => found.own_address(port),
                Where::Loopback => found.reached_at(port),
            };
            match (found.state, upstream) {
                (State::Running, Some(upstream)) => {
                    let asked = self.http.get(format!("http://{upstream}/")).timeout(ANSWER);
                    if asked.header("connection", "close").send().await.is_ok() {
                        return Ok(upstream);
                    }
                }
                (State::Running | State::Created, _) => {}
                (state, _) => return Err(Setback::Ended(ended(state))),
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    pub(super) async fn remove_containers(&self, instance: &Instance) -> Result<()> {
        for container in self.containers.own_with(TYPE, (LABEL, instance.prefix.as_str())).await? {
            self.containers.remove(&container.id).await?;
        }
        Ok(())
    }
}

/// Why a container does not run.
pub(super) fn ended(state: State) -> Text {
    match state {
        State::Exited { out_of_memory: true, .. } => text!("内存不足", "it ran out of memory"),
        State::Exited { code, .. } => text!("程序已退出（{code}）", "its program ended with {code}"),
        State::Paused => text!("容器被暂停", "its container was paused"),
        _ => text!("容器状态异常", "its container does not run"),
    }
}
