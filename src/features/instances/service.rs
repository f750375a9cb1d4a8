use sqlx::types::Json;

use super::{
    Instances,
    store::{begin_in, claim_prefix_in, count_in, insert_in, not_found},
    types::{Desired, Instance, InstanceChange, NewInstance, Status, StopReason, Wanted},
};
use crate::{
    error::{Error, Result},
    features::{
        accounts::{Caller, Role},
        doors::Prefix,
        env_vars::{self, EnvVars},
    },
    id::InstanceId,
    platform::containers::ContainerError,
    text,
};

/// One that is made is hardly ever taken.
const MOST_TRIES: usize = 3;
/// Of a log that is answered.
const LONGEST_LOG: usize = 1024 * 1024;
const MOST_LINES: u64 = 2000;

impl Instances {
    /// A new instance of the caller's, which is being started.
    pub(super) async fn create(&self, caller: &Caller, new: NewInstance) -> Result<Instance> {
        let settings = &self.settings;
        let Some(first) = settings.images.first() else { return Err(off()) };
        let wanted = new.checked(settings)?;
        let image = wanted.image.as_deref().unwrap_or(first);
        if !settings.images.iter().any(|allowed| allowed == image) {
            return Err(not_allowed(image, &settings.images));
        }
        let env = env_vars::read("body.env", &wanted.env, &EnvVars::new())?;
        // Before there is a row: without an engine and its image there will be no instance.
        let engine = self.containers.engine().await?.id;
        if !self.containers.has_image(image).await? {
            return Err(ContainerError::NoImage(image.to_owned()).into());
        }
        let instance = self.insert(caller, &wanted, (image, &env), &engine).await?;
        self.begin_start(&instance);
        Ok(instance)
    }

    async fn insert(
        &self,
        caller: &Caller,
        wanted: &Wanted,
        (image, env): (&str, &EnvVars),
        engine: &str,
    ) -> Result<Instance> {
        let (id, now) = (InstanceId::generate(), self.clock.now());
        let mut transaction = self.db.begin().await?;
        transaction.take_turn("instances").await?;
        let (own, running, all) = count_in(&mut transaction, &caller.user_id).await?;
        if own >= self.settings.per_user {
            return Err(too_many_of_one(self.settings.per_user));
        }
        self.check_running(running, all)?;
        let mut prefix = wanted.prefix.clone().unwrap_or_else(Prefix::random);
        let mut tries = 1;
        while !claim_prefix_in(&mut transaction, &prefix, &caller.user_id, now).await? {
            if wanted.prefix.is_some() || tries == MOST_TRIES {
                return Err(prefix_taken(&prefix));
            }
            (prefix, tries) = (Prefix::random(), tries + 1);
        }
        let port = self.free_port_in(&mut transaction, wanted.port).await?;
        let instance = Instance {
            env: self.sealed(&id, env)?,
            id,
            prefix,
            user_id: caller.user_id.clone(),
            desired: Desired::Running,
            status: Status::Creating,
            version: 0,
            engine: Some(engine.to_owned()),
            image: image.to_owned(),
            command: wanted.command.clone().map(Json),
            container_port: wanted.container_port.into(),
            port: port.into(),
            port_is_asked: wanted.port.is_some(),
            cpus: wanted.cpus,
            memory_mb: wanted.memory_mb,
            is_public: wanted.is_public,
            container_id: None,
            upstream: None,
            deadline_at: None,
            started_at: None,
            last_active_at: now,
            stop_reason: None,
            error_message: None,
            restarts: 0,
            restarts_since: None,
            restart_at: None,
            created_at: now,
            updated_at: now,
        };
        insert_in(&mut transaction, &instance).await?;
        transaction.commit().await?;
        Ok(instance)
    }

    fn check_running(&self, running: i64, all: i64) -> Result<()> {
        let limit = self.settings.per_user_running;
        if running >= limit {
            return Err(Error::too_many(
                "too_many_running",
                text!(
                    "同时运行的实例最多 {limit} 个，请先停止一个",
                    "{limit} of your instances run, which is the most; stop one"
                ),
            ));
        }
        if all >= self.settings.in_all {
            return Err(Error::too_many(
                "too_many_running",
                text!("当前运行的实例过多，请稍后重试", "too many instances run on this server; try again later"),
            ));
        }
        Ok(())
    }

    /// The caller's instance, or anybody's to an administrator. Others' are as if they were not there.
    pub(super) async fn get(&self, caller: &Caller, prefix: &str) -> Result<Instance> {
        let found = self.find_named(prefix).await?.filter(|instance| {
            instance.desired != Desired::Deleted && (instance.user_id == caller.user_id || caller.role >= Role::Admin)
        });
        found.ok_or_else(not_found)
    }

    /// Starts one that does not run. Its container is made anew where it is gone.
    pub(super) async fn start(&self, caller: &Caller, prefix: &str) -> Result<Instance> {
        let instance = self.get(caller, prefix).await?;
        let engine = self.containers.engine().await?.id;
        let mut transaction = self.db.begin().await?;
        transaction.take_turn("instances").await?;
        if instance.desired == Desired::Running && instance.status != Status::Error {
            return Ok(instance);
        }
        let (_, running, all) = count_in(&mut transaction, &instance.user_id).await?;
        self.check_running(running, all)?;
        let begun = begin_in(&mut transaction, &instance, &engine, self.clock.now()).await?.ok_or_else(busy)?;
        transaction.commit().await?;
        self.begin_start(&begun);
        Ok(begun)
    }

    /// Stops it, and answers once it does not run any more.
    pub(super) async fn stop(&self, caller: &Caller, prefix: &str) -> Result<Instance> {
        let instance = self.get(caller, prefix).await?;
        if instance.status == Status::Stopped && instance.desired == Desired::Stopped {
            return Ok(instance);
        }
        let id = instance.id.clone();
        let wanted = self.want(&id, Desired::Stopped, Some(StopReason::ByHand)).await?.ok_or_else(not_found)?;
        self.doors.close(&wanted.room());
        self.job(&id.clone(), |instances| async move { instances.halt(&id).await }).await?;
        self.find(&instance.id).await?.ok_or_else(not_found)
    }

    /// Deletes it and all that it has written. Where the engine is away, its container goes when that is back.
    pub(super) async fn delete(&self, caller: &Caller, prefix: &str) -> Result<()> {
        let instance = self.get(caller, prefix).await?;
        let id = instance.id.clone();
        self.want(&id, Desired::Deleted, None).await?.ok_or_else(not_found)?;
        self.doors.close(&instance.room());
        match self.job(&id.clone(), |instances| async move { instances.remove(&id).await }).await {
            Err(error) if error.is_passing() => Ok(()),
            done => done,
        }
    }

    pub(super) async fn change(&self, caller: &Caller, prefix: &str, change: &InstanceChange) -> Result<Instance> {
        let instance = self.get(caller, prefix).await?;
        let changed = self.set_public(&instance.id, change.public).await?.ok_or_else(not_found)?;
        if instance.is_public != change.public {
            // At once, in either direction; whoever may be inside comes again by himself.
            self.doors.close(&changed.room());
        }
        Ok(changed)
    }

    /// An address that opens it once, in a browser of its user's.
    pub(super) async fn open(&self, caller: &Caller, prefix: &str) -> Result<String> {
        let instance = self.get(caller, prefix).await?;
        if instance.user_id != caller.user_id {
            return Err(Error::forbidden(
                "not_yours",
                text!("只有实例的所有者可以打开它", "only the user whose instance it is can open it"),
            ));
        }
        let token = self.doors.issue_token(&instance.room()).await?.ok_or_else(|| {
            Error::conflict(
                "instance_stopped",
                text!("实例未运行，请先启动", "the instance does not run; start it first"),
            )
        })?;
        Ok(format!("{}?tkn={token}", self.doors.site().address_of(&instance.prefix)))
    }

    /// What it printed last; nothing where there is no container.
    pub(super) async fn log(&self, caller: &Caller, prefix: &str, lines: u64) -> Result<String> {
        let instance = self.get(caller, prefix).await?;
        if !(1..=MOST_LINES).contains(&lines) {
            return Err(Error::invalid(
                "query.last",
                "value_error",
                text!("须在 1 到 {MOST_LINES} 之间", "must be between 1 and {MOST_LINES}"),
            ));
        }
        match &instance.container_id {
            Some(container) => {
                // That nobody answers is another thing than that nothing was printed.
                self.containers.ping().await?;
                Ok(self.containers.last_lines(container, lines, LONGEST_LOG).await)
            }
            None => Ok(String::new()),
        }
    }

    fn sealed(&self, id: &InstanceId, env: &EnvVars) -> Result<Vec<u8>> {
        self.secrets.seal(id.as_str(), &serde_json::to_vec(env).map_err(Error::internal)?)
    }

    pub(super) fn env_of(&self, instance: &Instance) -> Result<EnvVars> {
        let plain = self.secrets.open_sealed(instance.id.as_str(), &instance.env)?;
        serde_json::from_slice(&plain).map_err(Error::internal)
    }
}

fn off() -> Error {
    Error::conflict(
        "instances_off",
        text!(
            "实例功能未启用：请设置 instances.images（CRAWLHUB_INSTANCES_IMAGES）为允许的镜像，以逗号分隔",
            "instances are off: set instances.images (CRAWLHUB_INSTANCES_IMAGES) to the images that are allowed, by comma"
        ),
    )
}

fn not_allowed(image: &str, images: &[String]) -> Error {
    let images = images.join(", ");
    Error::bad_request(
        "image_not_allowed",
        text!("镜像 {image} 不在允许列表中，可用: {images}", "the image {image} is not allowed; these are: {images}"),
    )
}

fn too_many_of_one(limit: i64) -> Error {
    Error::too_many(
        "too_many_instances",
        text!("最多可有 {limit} 个实例，请先删除一个", "you have {limit} instances, which is the most; delete one"),
    )
}

fn prefix_taken(prefix: &Prefix) -> Error {
    Error::conflict(
        "prefix_taken",
        text!("prefix {prefix} 已被使用，请换一个", "the prefix {prefix} is taken; choose another one"),
    )
}

fn busy() -> Error {
    Error::conflict("instance_busy", text!("实例正在变化，请稍后重试", "the instance is changing; try again"))
}
