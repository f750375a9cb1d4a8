//! What a swarm says, in our words.

use bollard::models::{Node, NodeSpecAvailabilityEnum, NodeState, Service, Task, TaskState};

use super::{Job, JobState, Machine};

const LONGEST_REASON: usize = 500;

pub(super) fn machine_of(node: Node) -> Machine {
    let spec = node.spec.unwrap_or_default();
    let is_up = node.status.and_then(|status| status.state) == Some(NodeState::READY);
    Machine {
        name: node.description.and_then(|description| description.hostname).unwrap_or_default(),
        labels: spec.labels.unwrap_or_default().into_iter().collect(),
        is_ready: is_up && spec.availability == Some(NodeSpecAvailabilityEnum::ACTIVE),
    }
}

/// The job of a service; `tasks` are those of all services.
pub(super) fn job_of(service: Service, tasks: &[Task]) -> Option<Job> {
    let (id, spec) = (service.id?, service.spec?);
    // One, or more where the swarm has started it again: what still runs counts, or may run, then what was last.
    let own = tasks.iter().filter(|task| task.service_id.as_ref() == Some(&id));
    let state = own.map(|task| (state_of(task), task.version.as_ref().and_then(|version| version.index)));
    let rank = |state: &JobState| match state {
        JobState::Running => 2,
        JobState::Waiting { .. } => 1,
        JobState::Rejected { .. } | JobState::Ended { .. } => 0,
    };
    let state = state.max_by_key(|(state, version)| (rank(state), *version)).map(|(state, _)| state);
    let state = state.unwrap_or_else(|| JobState::Waiting { why: String::new() });
    Some(Job { id, name: spec.name?, labels: spec.labels.unwrap_or_default().into_iter().collect(), state })
}

fn state_of(task: &Task) -> JobState {
    let status = task.status.clone().unwrap_or_default();
    let why = in_a_line(&status.err.unwrap_or_default());
    match status.state {
        Some(TaskState::RUNNING) => JobState::Running,
        Some(TaskState::REJECTED) => JobState::Rejected { why },
        Some(
            TaskState::COMPLETE | TaskState::FAILED | TaskState::SHUTDOWN | TaskState::REMOVE | TaskState::ORPHANED,
        ) => JobState::Ended { code: status.container_status.and_then(|container| container.exit_code), why },
        _ => JobState::Waiting { why },
    }
}

/// It may hold what an image says.
fn in_a_line(text: &str) -> String {
    let fit = |letter: char| if letter.is_control() { ' ' } else { letter };
    text.trim().chars().map(fit).take(LONGEST_REASON).collect()
}
