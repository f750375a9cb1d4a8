//! What a job is made with.

use std::collections::HashMap;

use base64::{Engine, engine::general_purpose::STANDARD};
use bollard::models::{
    EndpointSpec, EndpointSpecModeEnum, Limit, Mount, MountTmpfsOptions, MountType, NetworkAttachmentConfig,
    ResourceObject, ServiceSpec, ServiceSpecMode, ServiceSpecModeReplicated, TaskSpec, TaskSpecContainerSpec,
    TaskSpecContainerSpecFile, TaskSpecContainerSpecPrivileges, TaskSpecContainerSpecSecrets, TaskSpecLogDriver,
    TaskSpecPlacement, TaskSpecResources, TaskSpecRestartPolicy, TaskSpecRestartPolicyConditionEnum,
};

use super::{
    super::{
        ContainerSpec, Limits,
        docker::{MOST_OPEN_FILES, OOM_SCORE, USER, USER_ID, nano, ulimit},
    },
    FOLDER, JobSpec, SECRET_FILE,
};

/// Of a service: the network at which its container has its address.
pub(super) const NETWORK_LABEL: &str = "crawlhub.network";

/// From SIGTERM to SIGKILL: what the job has found is still told.
const STOP_GRACE_NANOS: i64 = 30_000_000_000;
/// One part in so many.
const RESERVED: i64 = 4;
/// Less of a processor no swarm reserves (swarmkit, `validateResources`).
const LEAST_NANO_CPUS: i64 = 1_000_000;
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
    let placement = TaskSpecPlacement {
        constraints: Some(job.wanted.iter().map(|wanted| constraint(wanted)).collect()),
        ..Default::default()
    };
    let task = task_of(container_of(job, secret, &labels), job.limits, job.network.as_deref());
    ServiceSpec {
        name: Some(job.name.clone()),
        // Not what the swarm itself calls a job: of those, containers stay, and even run on, when the service is removed
        // (moby issues 42789 and 44312).
        mode: Some(ServiceSpecMode {
            replicated: Some(ServiceSpecModeReplicated { replicas: Some(1) }),
            ..Default::default()
        }),
        task_template: Some(TaskSpec { placement: Some(placement), ..task }),
        labels: Some(labels),
        ..Default::default()
    }
}

/// A service of one container, none of which is asked for yet.
pub(super) fn service_for(spec: &ContainerSpec) -> ServiceSpec {
    let labels: HashMap<String, String> = spec.labels.clone().into_iter().collect();
    let fsize = spec.limits.file_mb.saturating_mul(1024 * 1024);
    let container = TaskSpecContainerSpec {
        image: Some(spec.image.clone()),
        command: spec.command.clone(),
        dir: spec.working_dir.clone(),
        ..confined(&spec.env, &labels)
    };
    let ulimits = container.ulimits.into_iter().flatten().chain((fsize > 0).then(|| ulimit("fsize", fsize)));
    let container = TaskSpecContainerSpec { ulimits: Some(ulimits.collect()), ..container };
    ServiceSpec {
        name: Some(spec.name.clone()),
        mode: Some(ServiceSpecMode {
            replicated: Some(ServiceSpecModeReplicated { replicas: Some(0) }),
            ..Default::default()
        }),
        task_template: Some(task_of(container, spec.limits, spec.network.as_deref())),
        // It is asked for at its own address.
        endpoint_spec: Some(EndpointSpec { mode: Some(EndpointSpecModeEnum::DNSRR), ports: None }),
        labels: Some(
            labels.into_iter().chain(spec.network.clone().map(|network| (NETWORK_LABEL.to_owned(), network))).collect(),
        ),
        ..Default::default()
    }
}

fn task_of(container: TaskSpecContainerSpec, limits: Limits, network: Option<&str>) -> TaskSpec {
    let attached = |network: &str| NetworkAttachmentConfig { target: Some(network.to_owned()), ..Default::default() };
    TaskSpec {
        container_spec: Some(container),
        resources: Some(TaskSpecResources {
            limits: Some(limits_of(limits)),
            reservations: Some(reserved(limits)),
            ..Default::default()
        }),
        // Whoever made it decides what becomes of it.
        restart_policy: Some(TaskSpecRestartPolicy {
            condition: Some(TaskSpecRestartPolicyConditionEnum::NONE),
            max_attempts: Some(0),
            ..Default::default()
        }),
        networks: network.map(|network| vec![attached(network)]),
        log_driver: Some(log_driver()),
        ..Default::default()
    }
}

/// What holds every container.
fn confined(env: &[(String, String)], labels: &HashMap<String, String>) -> TaskSpecContainerSpec {
    TaskSpecContainerSpec {
        env: Some(env.iter().map(|(name, value)| format!("{name}={value}")).collect()),
        labels: Some(labels.clone()),
        user: Some(USER.to_owned()),
        init: Some(true),
        capability_drop: Some(vec!["ALL".to_owned()]),
        // Engines before 25 do not know it; there a program with the set-uid bit has what it can have without capabilities.
        privileges: Some(TaskSpecContainerSpecPrivileges { no_new_privileges: Some(true), ..Default::default() }),
        ulimits: Some(vec![ulimit("nofile", MOST_OPEN_FILES), ulimit("core", 0)]),
        oom_score_adj: Some(OOM_SCORE),
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
        read_only: Some(true),
        mounts: Some(vec![folder(), tmp()]),
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
        ..confined(&job.env, labels)
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

fn limits_of(limits: Limits) -> Limit {
    Limit {
        nano_cpus: Some(nano(limits.cpus)).filter(|limit| *limit > 0),
        memory_bytes: Some(limits.memory_mb.saturating_mul(1024 * 1024)).filter(|limit| *limit > 0),
        pids: Some(limits.processes).filter(|limit| *limit > 0),
    }
}

/// What is kept for it on its machine: a part of its limits, as hardly anything uses all of them all the time. By it a swarm
/// knows which machines have room.
pub(super) fn reserved(limits: Limits) -> ResourceObject {
    let Limit { nano_cpus, memory_bytes, .. } = limits_of(limits);
    let part = |limit: i64| limit / RESERVED;
    let nano_cpus = nano_cpus.map(part).filter(|part| *part >= LEAST_NANO_CPUS);
    ResourceObject { nano_cpus, memory_bytes: memory_bytes.map(part), ..Default::default() }
}

fn log_driver() -> TaskSpecLogDriver {
    let bounds = [("max-size", "1m"), ("max-file", "1")].map(|(name, value)| (name.to_owned(), value.to_owned()));
    TaskSpecLogDriver { name: Some("json-file".to_owned()), options: Some(HashMap::from(bounds)) }
}
