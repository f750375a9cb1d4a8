//! A running task's own token: names the task and the attempt, and is signed. Nothing is stored.

use super::Tasks;
use crate::id::TaskId;

impl Tasks {
    pub(super) fn token_for(&self, task: &TaskId, attempt: i64) -> String {
        format!("{task}.{attempt}.{}", self.secrets.sign(&subject(task, attempt)))
    }

    /// The task and attempt that a token was made for.
    pub(super) fn read_token(&self, token: &str) -> Option<(TaskId, i64)> {
        let (rest, signature) = token.rsplit_once('.')?;
        let (task, attempt) = rest.rsplit_once('.')?;
        let (task, attempt) = (TaskId::from(task.to_owned()), attempt.parse().ok()?);
        self.secrets.is_signed(&subject(&task, attempt), signature).then_some((task, attempt))
    }
}

fn subject(task: &TaskId, attempt: i64) -> String {
    format!("task:{task}:{attempt}")
}
