//! What the engine says, in our words.

use bollard::{
    container::LogOutput,
    errors::Error,
    models::{ContainerInspectResponse, ContainerState, ContainerStateStatusEnum, EventMessage, PortMap},
};

use super::super::{Change, Container, ContainerError, Happening, Output, State};

/// What is said of a port, a name or a state that does not allow it, with a status that says nothing.
const CONFLICTS: [&str; 4] = ["already allocated", "already in use", "container state improper", "is being used by"];

/// What a manager of a swarm says, with a status that says nothing, while there is no leader or the leader is another.
const PASSING: [&str; 7] = [
    "does not have a leader",
    "no elected cluster leader",
    "lost leader status",
    "not yet part of the raft cluster",
    "node is stopped",
    "code = DeadlineExceeded",
    "code = Unavailable",
];

/// What an error means, about a container or about something else where `id` is empty.
pub(super) fn told_of(error: Error, id: &str) -> ContainerError {
    if is_of_another_version(&error) {
        return ContainerError::Unavailable(error.into());
    }
    match error {
        Error::DockerResponseServerError { status_code, message } => match status_code {
            // A network, a command, a folder in the container may be missing as well: that is no word on the container.
            404 if message.to_lowercase().contains("no such container") => ContainerError::Gone(id.to_owned()),
            409 => ContainerError::Conflict(message),
            502..=504 => ContainerError::Unavailable(anyhow::anyhow!(message)),
            500.. if PASSING.iter().any(|passing| message.contains(passing)) => {
                ContainerError::Unavailable(anyhow::anyhow!(message))
            }
            _ if CONFLICTS.iter().any(|conflict| message.contains(conflict)) => ContainerError::Conflict(message),
            _ => ContainerError::failed(message),
        },
        Error::JsonDataError { .. } | Error::JsonSerdeError { .. } | Error::DockerStreamError { .. } => {
            ContainerError::Failed(error.into())
        }
        // The connection, its time, its address.
        error => ContainerError::Unavailable(error.into()),
    }
}

/// Whether the engine no longer speaks the version that was agreed on: it was started anew as another one.
pub(super) fn is_of_another_version(error: &Error) -> bool {
    matches!(error, Error::DockerResponseServerError { status_code: 400, message } if message.contains("client version"))
}

/// None where what was asked for is not there.
pub(in super::super) fn found<T>(answer: Result<T, Error>) -> Result<Option<T>, Error> {
    match answer {
        Ok(found) => Ok(Some(found)),
        Err(Error::DockerResponseServerError { status_code: 404, .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Whether a port is what keeps a container from being started.
pub(super) fn is_of_a_port(reason: &str) -> bool {
    reason.contains("already allocated") || reason.contains("address already in use")
}

/// Whether the other end hung up: Podman does where a command ends that was to read on.
pub(super) fn is_hung_up(error: &Error) -> bool {
    matches!(error, Error::IOError { err } if err.kind() == std::io::ErrorKind::ConnectionReset)
}

/// Whether it is the state that Podman's containers are in before they have exited, which Docker does not have.
pub(super) fn is_of_a_state_between(error: &Error) -> bool {
    matches!(error, Error::JsonDataError { message, .. } if message.contains("unknown variant `stopped`"))
}

pub(super) fn says_no_image(error: &Error) -> bool {
    let Error::DockerResponseServerError { status_code: 404, message } = error else { return false };
    let message = message.to_lowercase();
    message.contains("no such image") || message.contains("image not known")
}

pub(super) fn written(piece: LogOutput) -> Output {
    match piece {
        LogOutput::StdErr { message } => Output::Stderr(message),
        LogOutput::StdOut { message } | LogOutput::StdIn { message } | LogOutput::Console { message } => {
            Output::Stdout(message)
        }
    }
}

/// `network`: where its address counts; None: the one it was made for, as what else it may be on is not our doing.
pub(super) fn container_of(found: ContainerInspectResponse, network: Option<&str>) -> Container {
    let state = state_of(found.state.as_ref());
    let settings = found.network_settings.unwrap_or_default();
    let own = found.host_config.and_then(|config| config.network_mode).unwrap_or_default();
    let networks = settings.networks.unwrap_or_default();
    let address = networks.get(network.unwrap_or(&own)).and_then(|endpoint| endpoint.ip_address.as_ref()?.parse().ok());
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
            // It is said of whatever was in it as well; one that ended well had enough.
            out_of_memory: state.oom_killed.unwrap_or_default() && state.exit_code != Some(0),
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
