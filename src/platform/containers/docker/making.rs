//! What a container is made with.

use std::collections::HashMap;

use bollard::models::{
    ContainerCreateBody, HostConfig, HostConfigLogConfig, Mount, MountType, MountVolumeOptions, NetworkCreateRequest,
    NetworkInspect, PortBinding, ResourcesUlimits, RestartPolicy, RestartPolicyNameEnum,
};

use super::super::ContainerSpec;
use crate::platform::files::hash_of;

/// Never root, whatever the image says.
pub(in super::super) const USER: &str = "1000:1000";
pub(in super::super) const USER_ID: u64 = 1000;
pub(in super::super) const MOST_OPEN_FILES: i64 = 8192;
/// The kernel should end a container rather than the server when memory runs out.
pub(in super::super) const OOM_SCORE: i64 = 500;

/// Programs may be run in it, unlike in what Docker makes unless it is told.
const TMP: &str = "rw,exec,nosuid,nodev,size=64m,mode=1777";

const NEIGHBOURS: &str = "com.docker.network.bridge.enable_icc";

const DEVICE: &str = "com.docker.network.bridge.name";

/// A network on which containers do not reach each other. Docker makes two of one name where it is asked twice at once,
/// but no two on one device: that follows from the name, and from the engine, as several may stand on a machine.
pub(super) fn network_of(name: &str, engine: &str) -> NetworkCreateRequest {
    // Linux takes 15 letters.
    let device = format!("chub-{}", &hash_of(format!("{engine} {name}").as_bytes())[..10]);
    let options = [(NEIGHBOURS, "false".to_owned()), (DEVICE, device)];
    NetworkCreateRequest {
        name: name.to_owned(),
        driver: Some("bridge".to_owned()),
        options: Some(options.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()),
        labels: Some(HashMap::from([("crawlhub".to_owned(), "network".to_owned())])),
        ..Default::default()
    }
}

/// Whether a network that is there already is one: somebody else may have made it.
pub(super) fn keeps_apart(network: &NetworkInspect) -> bool {
    let option = network.options.as_ref().and_then(|options| options.get(NEIGHBOURS));
    network.driver.as_deref() == Some("bridge") && option.is_some_and(|value| value == "false")
}

/// Where a container is, and the port that it is published at: one of the machine's loopback address.
pub(super) struct Place {
    pub network: String,
    /// As the engine is told it: "10000", or "10000-10100" where it takes a free one itself.
    pub host_port: Option<String>,
}

pub(super) fn body_of(spec: &ContainerSpec, place: Place) -> ContainerCreateBody {
    ContainerCreateBody {
        image: Some(spec.image.clone()),
        // Not as the image's command, which would be handed to whatever program the image starts.
        entrypoint: spec.command.clone(),
        working_dir: spec.working_dir.clone(),
        user: Some(USER.to_owned()),
        env: Some(spec.env.iter().map(|(name, value)| format!("{name}={value}")).collect()),
        labels: Some(spec.labels.clone().into_iter().collect()),
        exposed_ports: spec.publish.as_ref().map(|(port, _)| vec![format!("{port}/tcp")]),
        attach_stdout: Some(true),
        attach_stderr: Some(true),
        host_config: Some(host_config(spec, place)),
        ..Default::default()
    }
}

fn host_config(spec: &ContainerSpec, place: Place) -> HostConfig {
    let limits = spec.limits;
    let memory = Some(limits.memory_mb.saturating_mul(1024 * 1024)).filter(|limit| *limit > 0);
    let mut ulimits = vec![ulimit("nofile", MOST_OPEN_FILES), ulimit("core", 0)];
    if limits.file_mb > 0 {
        ulimits.push(ulimit("fsize", limits.file_mb.saturating_mul(1024 * 1024)));
    }
    HostConfig {
        nano_cpus: Some(nano(limits.cpus)).filter(|limit| *limit > 0),
        memory,
        // The same number: nothing of it is swap.
        memory_swap: memory,
        pids_limit: Some(limits.processes).filter(|limit| *limit > 0),
        ulimits: Some(ulimits),
        cap_drop: Some(vec!["ALL".to_owned()]),
        security_opt: Some(vec!["no-new-privileges".to_owned()]),
        privileged: Some(false),
        init: Some(true),
        ipc_mode: Some("private".to_owned()),
        oom_score_adj: Some(OOM_SCORE),
        auto_remove: Some(false),
        restart_policy: Some(RestartPolicy { name: Some(RestartPolicyNameEnum::NO), maximum_retry_count: None }),
        log_config: Some(log_config(spec.without_log)),
        mounts: Some(spec.volumes.iter().map(|(name, folder)| mount(name, folder)).collect()),
        readonly_rootfs: Some(spec.read_only),
        tmpfs: spec.read_only.then(|| HashMap::from([("/tmp".to_owned(), TMP.to_owned())])),
        network_mode: Some(place.network),
        port_bindings: spec.publish.as_ref().zip(place.host_port).map(|((port, _), host_port)| {
            let binding = PortBinding { host_ip: Some("127.0.0.1".to_owned()), host_port: Some(host_port) };
            HashMap::from([(format!("{port}/tcp"), Some(vec![binding]))])
        }),
        ..Default::default()
    }
}

fn log_config(without_log: bool) -> HostConfigLogConfig {
    if without_log {
        return HostConfigLogConfig { typ: Some("none".to_owned()), config: None };
    }
    let bounds = [("max-size", "10m"), ("max-file", "1")].map(|(name, value)| (name.to_owned(), value.to_owned()));
    HostConfigLogConfig { typ: Some("json-file".to_owned()), config: Some(HashMap::from(bounds)) }
}

/// As it is: what the image has in that folder does not go into the volume, and neither does its owner.
pub(super) fn mount(volume: &str, folder: &str) -> Mount {
    Mount {
        typ: Some(MountType::VOLUME),
        source: Some(volume.to_owned()),
        target: Some(folder.to_owned()),
        volume_options: Some(MountVolumeOptions { no_copy: Some(true), ..Default::default() }),
        ..Default::default()
    }
}

pub(in super::super) fn ulimit(name: &str, limit: i64) -> ResourcesUlimits {
    ResourcesUlimits { name: Some(name.to_owned()), soft: Some(limit), hard: Some(limit) }
}

#[expect(clippy::cast_possible_truncation, reason = "no machine has so many processors")]
pub(in super::super) fn nano(cpus: f64) -> i64 {
    (cpus * 1e9).round() as i64
}
