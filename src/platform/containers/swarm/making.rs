//! What a job is made with.

use std::collections::HashMap;

use base64::{Engine, engine::general_purpose::STANDARD};
use bollard::models::{
    Limit, Mount, MountTmpfsOptions, MountType, NetworkAttachmentConfig, ServiceSpec, ServiceSpecMode,
    ServiceSpecModeReplicated, TaskSpec, TaskSpecContainerSpec, TaskSpecContainerSpecFile,
    TaskSpecContainerSpecPrivileges, TaskSpecContainerSpecSecrets, TaskSpecLogDriver, TaskSpecPlacement,
    TaskSpecResources, TaskSpecRestartPolicy, TaskSpecRestartPolicyConditionEnum,
};

use super::{
    super::docker::{MOST_OPEN_FILES, OOM_SCORE, USER, USER_ID, nano, ulimit},
    FOLDER, JobSpec, SECRET_FILE,
};

/// From SIGTERM to SIGKILL: what the job has found is still told.
const STOP_GRACE_NANOS: i64 = 30_000_000_000;
const TMP_BYTES: i64 = 64 * 1024 * 1024;

/// The name of a machine's label, and the value it must have.
pub(super) fn parts(wanted: &str) -> (&str, &str) {
    wanted.split_once('=').unwrap_or((wanted, "true"))
}

/// Whether a swarm can look for it: it takes other names for machines' labels than for constraints.
pub(super) fn is_constraint(wanted: &str) -> bool {
    let (name, value) = parts(wanted);
    let mut letters = name.chars();
    let begins = letters.next().is_some_and(|first| first.is_ascii_alphabetic() || first == '_');
    let goes_on = |letter: char| letter.is_ascii_alphanumeric() || "_-.".contains(letter);
    begins && name.len() > 1 && letters.all(goes_on) && !value.is_empty() && !value.contains('=')
}

pub(super) fn base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

pub(super) fn service_of(job: &JobSpec, secret: String, labels: HashMap<String, String>) -> ServiceSpec {
    let networks =
        job.network.clone().map(|target| vec![NetworkAttachmentConfig { target: Some(target), ..Default::default() }]);
    ServiceSpec {
        name: Some(job.name.clone()),
        // Not what the swarm itself calls a job: of those, containers stay, and even run on, when the service is removed
        // (moby issues 42789 and 44312).
        mode: Some(ServiceSpecMode {
            replicated: Some(ServiceSpecModeReplicated { replicas: Some(1) }),
            ..Default::default()
        }),
        task_template: Some(TaskSpec {
            container_spec: Some(container_of(job, secret, &labels)),
            resources: Some(TaskSpecResources { limits: Some(limits_of(job)), ..Default::default() }),
            // Whoever made it decides what becomes of it.
            restart_policy: Some(TaskSpecRestartPolicy {
                condition: Some(TaskSpecRestartPolicyConditionEnum::NONE),
                max_attempts: Some(0),
                ..Default::default()
            }),
            placement: Some(TaskSpecPlacement {
                constraints: Some(job.wanted.iter().map(|wanted| constraint(wanted)).collect()),
                ..Default::default()
            }),
            networks,
            log_driver: Some(log_driver()),
            ..Default::default()
        }),
        labels: Some(labels),
        ..Default::default()
    }
}

fn constraint(wanted: &str) -> String {
    let (name, value) = parts(wanted);
    format!("node.labels.{name}=={value}")
}

fn container_of(job: &JobSpec, secret: String, labels: &HashMap<String, String>) -> TaskSpecContainerSpec {
    TaskSpecContainerSpec {
        image: Some(job.image.clone()),
        command: Some(job.command.clone()),
        env: Some(job.env.iter().map(|(name, value)| format!("{name}={value}")).collect()),
        labels: Some(labels.clone()),
        user: Some(USER.to_owned()),
        init: Some(true),
        capability_drop: Some(vec!["ALL".to_owned()]),
        // Engines before 25 do not know it; there a program with the set-uid bit has what it can have without capabilities.
        privileges: Some(TaskSpecContainerSpecPrivileges { no_new_privileges: Some(true), ..Default::default() }),
        read_only: Some(true),
        mounts: Some(vec![folder(), tmp()]),
        ulimits: Some(vec![ulimit("nofile", MOST_OPEN_FILES), ulimit("core", 0)]),
        oom_score_adj: Some(OOM_SCORE),
        stop_grace_period: Some(STOP_GRACE_NANOS),
        secrets: Some(vec![TaskSpecContainerSpecSecrets {
            secret_id: Some(secret),
            secret_name: Some(job.name.clone()),
            file: Some(TaskSpecContainerSpecFile {
                name: SECRET_FILE.rsplit('/').next().map(str::to_owned),
                uid: Some(USER_ID.to_string()),
                gid: Some(USER_ID.to_string()),
                mode: Some(0o400),
            }),
        }]),
        ..Default::default()
    }
}

/// As the image has it, with its owner.
fn folder() -> Mount {
    Mount { typ: Some(MountType::VOLUME), target: Some(FOLDER.to_owned()), ..Default::default() }
}

fn tmp() -> Mount {
    Mount {
        typ: Some(MountType::TMPFS),
        target: Some("/tmp".to_owned()),
        tmpfs_options: Some(MountTmpfsOptions {
            size_bytes: Some(TMP_BYTES),
            mode: Some(0o1777),
            ..Default::default()
        }),
        ..Default::default()
    }
}

fn limits_of(job: &JobSpec) -> Limit {
    let limits = job.limits;
    Limit {
        nano_cpus: Some(nano(limits.cpus)).filter(|limit| *limit > 0),
        memory_bytes: Some(limits.memory_mb.saturating_mul(1024 * 1024)).filter(|limit| *limit > 0),
        pids: Some(limits.processes).filter(|limit| *limit > 0),
    }
}

fn log_driver() -> TaskSpecLogDriver {
    let bounds = [("max-size", "1m"), ("max-file", "1")].map(|(name, value)| (name.to_owned(), value.to_owned()));
    TaskSpecLogDriver { name: Some("json-file".to_owned()), options: Some(HashMap::from(bounds)) }
}
