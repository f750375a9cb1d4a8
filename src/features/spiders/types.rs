use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize, Serializer};
use serde_json::{Map, Value};
use sqlx::FromRow;
use utoipa::{IntoParams, ToSchema};

use super::Retention;
use crate::{
    id::{DeploymentId, ProjectId, SpiderId},
    platform::{database::word_enum, documents::DedupPolicy},
    runner::{Category as ErrorCategory, ErrorRule},
};

word_enum! {
    /// Where its code came from; `scrapy` is also how it is run.
    pub enum Source {
        Empty = "empty",
        Scrapy = "scrapy",
        Git = "git",
        Upload = "upload",
    }
}

word_enum! {
    /// What runs it; `auto` leaves it to the platform.
    pub enum Runner {
        Auto = "auto",
        Process = "process",
        Docker = "docker",
        Node = "node",
        Swarm = "swarm",
    }
}

word_enum! {
    /// What a run does that would start while another one is active.
    pub enum Overlap {
        Skip = "skip",
        Queue = "queue",
        Replace = "replace",
        Allow = "allow",
    }
}

word_enum! {
    /// What becomes of planned times that passed while no server was up.
    pub enum Misfire {
        RunOnce = "run_once",
        Skip = "skip",
    }
}

/// Texts that are empty are answered as null, which is what the predecessor's clients expect.
#[derive(Debug, Clone, Serialize, FromRow, ToSchema)]
#[expect(clippy::struct_excessive_bools, reason = "independent switches of the contract")]
pub struct Spider {
    pub id: SpiderId,
    pub project_id: ProjectId,
    pub name: String,
    #[serde(serialize_with = "empty_as_null")]
    #[schema(value_type = Option<String>)]
    pub description: String,
    #[serde(serialize_with = "empty_as_null")]
    #[schema(value_type = Option<String>)]
    pub start_url: String,
    pub source: Source,
    /// `module:function`, `module`, a script's path, or the name of a Scrapy spider.
    #[serde(serialize_with = "empty_as_null")]
    #[schema(value_type = Option<String>)]
    pub entry_point: String,
    /// The predecessor's single file: the text of `main.py` as long as the two are one.
    #[serde(serialize_with = "empty_as_null")]
    #[schema(value_type = Option<String>)]
    pub script_content: String,
    /// Of `source` `git`: the folder of the project's repository that its files come from; null: all of it.
    #[serde(serialize_with = "empty_as_null")]
    #[schema(value_type = Option<String>)]
    pub git_repo: String,
    /// Of `source` `git`: the commit that its files were last brought to, and why they could not be brought to another one.
    pub git_commit: Option<String>,
    pub git_error: Option<String>,
    /// Five fields, or six with seconds; null: it has no schedule.
    #[serde(serialize_with = "empty_as_null")]
    #[schema(value_type = Option<String>)]
    pub cron_expr: String,
    #[schema(example = "Asia/Shanghai")]
    pub timezone: String,
    pub is_active: bool,
    /// By any of its schedules; null while it is inactive or has none.
    #[sqlx(default)]
    pub next_run_at: Option<DateTime<Utc>>,
    #[sqlx(json)]
    pub params: Map<String, Value>,
    /// Values of names like `API_KEY`, and addresses with a password, are answered as `******`.
    #[sqlx(skip)]
    pub env_vars: BTreeMap<String, String>,
    #[serde(skip)]
    #[sqlx(rename = "env_vars")]
    pub(super) sealed_env_vars: Vec<u8>,
    #[serde(serialize_with = "empty_as_null")]
    #[schema(value_type = Option<String>)]
    pub requirements_txt: String,
    pub runner: Runner,
    /// The node that runs it, where `runner` is `node`; null: any that has `node_labels`.
    pub node_id: Option<String>,
    /// What its node must have, or its machine of the swarm.
    #[sqlx(json)]
    pub node_labels: Vec<String>,
    pub image: Option<String>,
    pub timeout_seconds: i64,
    pub memory_limit_mb: Option<i64>,
    pub cpu_limit: Option<f64>,
    pub max_items: Option<i64>,
    pub max_retries: i64,
    pub retry_delay_seconds: i64,
    /// How often each category of failure is retried, where it differs from: parse never, auth once, others
    /// `max_retries` times.
    #[sqlx(json)]
    #[schema(value_type = Object)]
    pub retry_limits: BTreeMap<ErrorCategory, i64>,
    /// What a failure is taken for, where this says it better than the platform's guess; the first that fits counts.
    #[sqlx(json)]
    pub error_rules: Vec<ErrorRule>,
    /// Tasks at once, where `overlap` is `allow`; null: no limit.
    pub max_concurrent: Option<i64>,
    /// What is kept how long, where it differs from the server's settings.
    #[sqlx(json)]
    pub retention: Retention,
    /// It keeps as much as it may, or all spiders together do: no task of it is started. Looked at twice a minute.
    pub over_quota: bool,
    pub overlap: Overlap,
    pub misfire: Misfire,
    pub rate_limit_rps: Option<f64>,
    pub autothrottle_enabled: bool,
    pub proxy_enabled: bool,
    pub dedup_enabled: bool,
    /// Names of fields, by comma, dotted where they are inside of others. Items that have them in common are the same thing;
    /// without any, or in an item that has none of them, the whole item counts.
    #[serde(serialize_with = "empty_as_null")]
    #[schema(value_type = Option<String>)]
    pub dedup_fields: String,
    /// What becomes of an item that is known by `dedup_fields`.
    pub dedup_policy: DedupPolicy,
    /// JSON Schema that items must satisfy; those that do not go to quarantine.
    #[sqlx(json(nullable))]
    #[schema(value_type = Option<Object>)]
    pub item_schema: Option<Value>,
    #[serde(serialize_with = "empty_as_null")]
    #[schema(value_type = Option<String>)]
    pub webhook_url: String,
    /// The version that runs; null: the files as they are.
    #[schema(value_type = Option<String>)]
    pub active_deployment_id: Option<DeploymentId>,
    /// Always null, as the two below: the predecessor's clients read them.
    #[sqlx(skip)]
    pub coder_workspace_id: Option<String>,
    #[sqlx(skip)]
    pub coder_workspace_name: Option<String>,
    #[sqlx(skip)]
    pub code_sync_status: Option<String>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

impl Spider {
    /// A spider of which nothing but its name is said.
    pub(super) fn named(name: String, project_id: ProjectId, now: DateTime<Utc>) -> Self {
        Self {
            id: SpiderId::generate(),
            project_id,
            name,
            description: String::new(),
            start_url: String::new(),
            source: Source::Empty,
            entry_point: String::new(),
            script_content: String::new(),
            git_repo: String::new(),
            git_commit: None,
            git_error: None,
            cron_expr: String::new(),
            timezone: "UTC".to_owned(),
            is_active: true,
            next_run_at: None,
            params: Map::new(),
            env_vars: BTreeMap::new(),
            sealed_env_vars: Vec::new(),
            requirements_txt: String::new(),
            runner: Runner::Auto,
            node_id: None,
            node_labels: Vec::new(),
            image: None,
            timeout_seconds: 300,
            memory_limit_mb: None,
            cpu_limit: None,
            max_items: None,
            max_retries: 3,
            retry_delay_seconds: 60,
            retry_limits: BTreeMap::new(),
            error_rules: Vec::new(),
            max_concurrent: None,
            retention: Retention::default(),
            over_quota: false,
            overlap: Overlap::Skip,
            misfire: Misfire::RunOnce,
            rate_limit_rps: None,
            autothrottle_enabled: false,
            proxy_enabled: false,
            dedup_enabled: false,
            dedup_fields: String::new(),
            dedup_policy: DedupPolicy::KeepFirst,
            item_schema: None,
            webhook_url: String::new(),
            active_deployment_id: None,
            coder_workspace_id: None,
            coder_workspace_name: None,
            code_sync_status: None,
            created_at: now,
            updated_at: now,
        }
    }
}

pub(super) fn empty_as_null<S: Serializer>(text: &String, serializer: S) -> Result<S::Ok, S::Error> {
    if text.is_empty() { serializer.serialize_none() } else { serializer.serialize_some(text) }
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct SpiderFilter {
    /// Part of the name, in any case.
    pub keyword: Option<String>,
    #[param(value_type = Option<String>)]
    pub project_id: Option<ProjectId>,
    pub is_active: Option<bool>,
}
