//! What the engine says, in our words.

use bollard::{
    container::LogOutput,
    errors::Error,
    models::{ContainerInspectResponse, ContainerState, ContainerStateStatusEnum, EventMessage, PortMap},
};

use super::super::{Change, Container, ContainerError, Happening, Output, State};

/// The status of an answer that is an error, and what it means where it was about a container.
pub(super) fn told(error: Error) -> (Option<u16>, ContainerError) {
    match error {
        Error::DockerResponseServerError { status_code, message } => {
            let meaning = match status_code {
                404 => ContainerError::Gone(String::new()),
                409 => ContainerError::Conflict(message),
                502..=504 => ContainerError::Unavailable(anyhow::anyhow!(message)),
                _ if message.contains("already allocated") || message.contains("address already in use") => {
                    ContainerError::Conflict(message)
                }
                _ => ContainerError::failed(message),
            };
            (Some(status_code), meaning)
        }
        Error::JsonDataError { .. } | Error::JsonSerdeError { .. } | Error::DockerStreamError { .. } => {
            (None, ContainerError::Failed(error.into()))
        }
        // The connection, its time, its address.
        error => (None, ContainerError::Unavailable(error.into())),
    }
}

/// About a container, or about something else where `id` is empty.
pub(super) fn told_of(error: Error, id: &str) -> ContainerError {
    match told(error).1 {
        ContainerError::Gone(_) => ContainerError::Gone(id.to_owned()),
        error => error,
    }
}

pub(super) fn written(piece: LogOutput) -> Output {
    match piece {
        LogOutput::StdErr { message } => Output::Stderr(message),
        LogOutput::StdOut { message } | LogOutput::StdIn { message } | LogOutput::Console { message } => {
            Output::Stdout(message)
        }
    }
}

pub(super) fn container_of(found: ContainerInspectResponse) -> Container {
    let state = state_of(found.state.as_ref());
    let settings = found.network_settings.unwrap_or_default();
    // Made for one network; what else it may be on is not our doing.
    let ours = found.host_config.and_then(|config| config.network_mode).unwrap_or_default();
    let networks = settings.networks.unwrap_or_default();
    let address = networks.get(&ours).and_then(|endpoint| endpoint.ip_address.as_ref()?.parse().ok());
    let config = found.config.unwrap_or_default();
    Container {
        id: found.id.unwrap_or_default(),
        name: found.name.unwrap_or_default().trim_start_matches('/').to_owned(),
        image: config.image.unwrap_or_default(),
        labels: config.labels.unwrap_or_default().into_iter().collect(),
        address: address.filter(|_| state.is_running()),
        ports: settings.ports.filter(|_| state.is_running()).map(|ports| ports_of(&ports)).unwrap_or_default(),
        state,
        created_at: found.created.and_then(|date| date.to_rfc3339().parse().ok()),
    }
}

fn ports_of(ports: &PortMap) -> Vec<(u16, u16)> {
    let bound = |(port, bindings): (&String, &Option<Vec<_>>)| {
        let binding: &bollard::models::PortBinding = bindings.as_ref()?.first()?;
        Some((port.split('/').next()?.parse().ok()?, binding.host_port.as_ref()?.parse().ok()?))
    };
    ports.iter().filter_map(bound).collect()
}

fn state_of(state: Option<&ContainerState>) -> State {
    let Some(state) = state else { return State::Other };
    match state.status {
        Some(ContainerStateStatusEnum::CREATED) => State::Created,
        Some(ContainerStateStatusEnum::RUNNING) => State::Running,
        Some(ContainerStateStatusEnum::PAUSED) => State::Paused,
        Some(ContainerStateStatusEnum::EXITED) => State::Exited {
            code: state.exit_code.unwrap_or_default(),
            out_of_memory: state.oom_killed.unwrap_or_default(),
        },
        _ => State::Other,
    }
}

pub(super) fn happening_of(event: EventMessage) -> Option<Happening> {
    let change = match event.action?.as_str() {
        "start" => Change::Started,
        "die" => Change::Ended,
        "oom" => Change::OutOfMemory,
        "pause" => Change::Paused,
        "unpause" => Change::Unpaused,
        "destroy" | "remove" => Change::Removed,
        _ => return None,
    };
    let actor = event.actor?;
    Some(Happening { id: actor.id?, change, labels: actor.attributes.unwrap_or_default().into_iter().collect() })
}
