use std::ops::RangeInclusive;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sqlx::{FromRow, types::Json};
use utoipa::{IntoParams, ToSchema};

use crate::{
    error::{Checks, Error, Result},
    features::{
        doors::{Prefix, Room},
        env_vars::EnvVars,
    },
    id::{InstanceId, UserId},
    platform::{containers::ContainerId, database::word_enum},
    text,
};

const LONGEST_COMMAND: usize = 8192;
const LEAST_MEMORY_MB: i64 = 32;
const LEAST_CPUS: f64 = 0.05;

#[derive(Debug, Clone, FromRow)]
pub(super) struct Instance {
    pub id: InstanceId,
    pub prefix: Prefix,
    pub user_id: UserId,
    pub desired: Desired,
    pub status: Status,
    /// Each step of its life adds one.
    pub version: i64,
    pub engine: Option<String>,
    pub image: String,
    pub command: Option<Json<Vec<String>>>,
    /// Encrypted.
    pub env: Vec<u8>,
    pub container_port: i64,
    pub port: i64,
    pub port_is_asked: bool,
    pub cpus: f64,
    pub memory_mb: i64,
    pub is_public: bool,
    pub container_id: Option<ContainerId>,
    /// `host:port` at which it answers.
    pub upstream: Option<String>,
    pub deadline_at: Option<DateTime<Utc>>,
    pub started_at: Option<DateTime<Utc>>,
    pub last_active_at: DateTime<Utc>,
    pub stop_reason: Option<StopReason>,
    pub error_message: Option<String>,
    pub restarts: i64,
    pub restarts_since: Option<DateTime<Utc>>,
    pub restart_at: Option<DateTime<Utc>>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

impl Instance {
    pub(super) fn room(&self) -> Room {
        Room::Instance(self.prefix.clone())
    }

    /// Where it listens in its container.
    pub(super) fn inner_port(&self) -> u16 {
        u16::try_from(self.container_port).unwrap_or_default()
    }
}

word_enum! {
    /// What is to be.
    pub enum Desired {
        Running = "running",
        Stopped = "stopped",
        Deleted = "deleted",
    }
}

word_enum! {
    #[schema(as = InstanceStatus)]
    pub enum Status {
        /// Its container is made, or started, or will be again in a moment as it had ended.
        Creating = "creating",
        /// It answers.
        Running = "running",
        Stopped = "stopped",
        /// It could not be started, or ended again and again.
        Error = "error",
    }
}

word_enum! {
    pub enum StopReason {
        ByHand = "by_hand",
        /// Nobody asked it for anything for long.
        Idle = "idle",
        /// It had written more to the engine's disk than one may.
        DiskFull = "disk_full",
        /// Its user is gone, or may not run anything any more.
        UserGone = "user_gone",
    }
}

/// A program and its arguments, or a line for `sh -c`.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = InstanceCommand)]
#[serde(untagged, expecting = "a text for sh -c, or a list of a program and its arguments")]
pub(super) enum Command {
    Line(String),
    Words(Vec<String>),
}

impl Command {
    fn words(self) -> Result<Vec<String>> {
        let mut checks = Checks::default();
        let words = match self {
            Self::Line(line) => {
                checks.not_empty("body.command", &line);
                vec!["sh".to_owned(), "-c".to_owned(), line]
            }
            Self::Words(words) => {
                checks.not_empty("body.command", words.first().map_or("", String::as_str));
                words
            }
        };
        let length: usize = words.iter().map(String::len).sum();
        checks.require(length <= LONGEST_COMMAND, "body.command", "too_long", || {
            text!("{length} 字节，最多 {LONGEST_COMMAND}", "{length} bytes; at most {LONGEST_COMMAND} are allowed")
        });
        checks.require(!words.iter().any(|word| word.contains('\0')), "body.command", "value_error", || {
            text!("不能包含空字符", "must not contain NUL")
        });
        checks.finish()?;
        Ok(words)
    }
}

#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default)]
pub(super) struct NewInstance {
    /// 8 to 63 of a–z and 0–9; one of 16 letters is made where it is left out.
    #[schema(example = "shop2026")]
    pub prefix: Option<String>,
    /// One of those that the operator allows; the first of them where it is left out.
    pub image: Option<String>,
    /// What it runs in place of the image's own program: a line for `sh -c`, or a list of words.
    pub command: Option<Command>,
    /// Its environment: names and values, kept encrypted; secrets are not answered. `PORT` is `container_port`.
    #[schema(value_type = Option<Object>)]
    pub env: Option<Value>,
    /// Where it listens in its container; the configured one (8080) where it is left out.
    pub container_port: Option<u16>,
    /// Of this machine's loopback address, for programs on it; a free one of the configured range where it is left out.
    pub port: Option<u16>,
    /// At most, and where it is left out, what the configuration says.
    pub memory_mb: Option<i64>,
    pub cpus: Option<f64>,
    /// Whether everybody may come in. Else its user does, by `open`.
    pub public: bool,
}

/// What is asked for, taken apart and within its bounds.
#[derive(Debug)]
pub(super) struct Wanted {
    pub prefix: Option<Prefix>,
    pub image: Option<String>,
    pub command: Option<Vec<String>>,
    pub env: Value,
    pub container_port: u16,
    pub port: Option<u16>,
    pub memory_mb: i64,
    pub cpus: f64,
    pub is_public: bool,
}

impl NewInstance {
    pub(super) fn checked(self, settings: &crate::config::Instances) -> Result<Wanted> {
        let prefix = self.prefix.as_deref().map(checked_prefix).transpose()?;
        let (memory_mb, cpus) = (self.memory_mb.unwrap_or(settings.memory_mb), self.cpus.unwrap_or(settings.cpus));
        let container_port = self.container_port.unwrap_or(settings.container_port);
        let (most_mb, most_cpus) = (settings.memory_mb, settings.cpus);
        let mut checks = Checks::default();
        checks.require(
            (LEAST_MEMORY_MB.min(most_mb)..=most_mb).contains(&memory_mb),
            "body.memory_mb",
            "value_error",
            || text!("须在 {LEAST_MEMORY_MB} 到 {most_mb} 之间", "must be between {LEAST_MEMORY_MB} and {most_mb}"),
        );
        checks.require((LEAST_CPUS.min(most_cpus)..=most_cpus).contains(&cpus), "body.cpus", "value_error", || {
            text!("须在 {LEAST_CPUS} 到 {most_cpus} 之间", "must be between {LEAST_CPUS} and {most_cpus}")
        });
        // Nothing in a container may take a lower one.
        checks.require(container_port >= 1024, "body.container_port", "value_error", || {
            text!("须不小于 1024", "must be 1024 or more")
        });
        checks.finish()?;
        Ok(Wanted {
            prefix,
            image: self.image,
            command: self.command.map(Command::words).transpose()?,
            env: self.env.unwrap_or_default(),
            container_port,
            port: self.port,
            memory_mb,
            cpus,
            is_public: self.public,
        })
    }
}

fn checked_prefix(text: &str) -> Result<Prefix> {
    let prefix = Prefix::new(text).ok_or_else(|| {
        Error::bad_request(
            "prefix_invalid",
            text!(
                "prefix 须为 8 到 63 个小写字母或数字（^[a-z0-9]{{8,63}}$）",
                "a prefix has 8 to 63 lower-case letters and digits, and nothing else (^[a-z0-9]{{8,63}}$)"
            ),
        )
    })?;
    if prefix.is_reserved() {
        return Err(Error::bad_request(
            "prefix_reserved",
            text!("prefix {prefix} 为保留字，请换一个", "the prefix {prefix} is reserved; take another one"),
        ));
    }
    Ok(prefix)
}

#[derive(Debug, Deserialize, ToSchema)]
pub(super) struct InstanceChange {
    /// Whether everybody may come in. Whoever is connected when it is made private goes.
    pub public: bool,
}

/// An instance, as it is shown.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Instance)]
pub(super) struct Shown {
    /// For `?cursor=`.
    pub id: InstanceId,
    pub prefix: Prefix,
    pub user_id: UserId,
    pub status: Status,
    #[schema(example = "http://shop2026.localhost:8000/")]
    pub url: String,
    /// Of the server's loopback address.
    pub port: i64,
    pub container_port: i64,
    pub image: String,
    pub command: Option<Vec<String>>,
    /// Secrets are masked.
    #[schema(value_type = std::collections::BTreeMap<String, String>)]
    pub env: EnvVars,
    pub cpus: f64,
    pub memory_mb: i64,
    pub public: bool,
    pub started_at: Option<DateTime<Utc>>,
    /// When somebody asked it for something.
    pub last_active_at: DateTime<Utc>,
    pub stop_reason: Option<StopReason>,
    /// Why it does not run, with the last lines of its log.
    pub error_message: Option<String>,
    /// How often it was started again of late after it had ended by itself.
    pub restarts: i64,
    /// When it will be.
    pub restart_at: Option<DateTime<Utc>>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

/// What an instance may be, as the configuration says.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = InstanceLimits)]
pub(super) struct Limits {
    /// Those that may be used, the usual one first; none: there are no instances.
    pub images: Vec<String>,
    pub container_port: u16,
    /// Of the server's loopback address, the first and the last.
    pub ports: [u16; 2],
    pub cpus: f64,
    pub memory_mb: i64,
    /// How much it may write; 0: as much as there is.
    pub disk_mb: i64,
    /// How long nobody may ask it for anything before it is stopped; 0: for ever.
    pub idle_hours: i64,
    /// How many one user may have,
    pub per_user: i64,
    /// and how many of them may run at a time.
    pub per_user_running: i64,
}

impl Limits {
    pub(super) fn of(settings: &crate::config::Instances, ports: &RangeInclusive<u16>) -> Self {
        Self {
            images: settings.images.clone(),
            container_port: settings.container_port,
            ports: [*ports.start(), *ports.end()],
            cpus: settings.cpus,
            memory_mb: settings.memory_mb,
            disk_mb: settings.disk_mb,
            idle_hours: settings.idle_hours,
            per_user: settings.per_user,
            per_user_running: settings.per_user_running,
        }
    }
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct InstanceLink {
    /// Opens the instance once, within five minutes, for a day.
    pub url: String,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct InstanceLog {
    /// What it printed last, both streams, as it came.
    pub log: String,
}

#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct LogParams {
    /// How many lines, 1 to 2000; 200 where it is left out.
    pub last: Option<u64>,
}
