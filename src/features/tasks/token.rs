//! A running task's own tokens: each names the task and the attempt, and is signed. Nothing is stored.

use super::Tasks;
use crate::id::TaskId;

impl Tasks {
    pub(super) fn token_for(&self, task: &TaskId, attempt: i64) -> String {
        format!("{task}.{attempt}.{}", self.secrets.sign(&subject(task, attempt)))
    }

    /// The task and attempt that a token was made for.
    pub(super) fn read_token(&self, token: &str) -> Option<(TaskId, i64)> {
        self.read(token, subject)
    }

    /// Of whoever runs the attempt, which the spider must not be able to end: with a key of its own behind it, see
    /// [`Self::read_holder_token`].
    pub(super) fn holder_token_for(&self, task: &TaskId, attempt: i64) -> String {
        format!("{HOLDER}{task}.{attempt}.{}", self.secrets.sign(&holder_subject(task, attempt)))
    }

    /// The task and attempt, and the key that its holder has made for itself. Whoever takes the attempt first has it: the
    /// token without that key, which is all that lies where a spider may look, is of no use from then on.
    pub(super) fn read_holder_token<'t>(&self, token: &'t str) -> Option<(TaskId, i64, &'t str)> {
        let (token, key) = token.strip_prefix(HOLDER)?.rsplit_once('.')?;
        let (task, attempt) = self.read(token, holder_subject)?;
        (key.len() >= SHORTEST_KEY).then_some((task, attempt, key))
    }

    fn read(&self, token: &str, subject: fn(&TaskId, i64) -> String) -> Option<(TaskId, i64)> {
        let (rest, signature) = token.rsplit_once('.')?;
        let (task, attempt) = rest.rsplit_once('.')?;
        let (task, attempt) = (TaskId::from(task.to_owned()), attempt.parse().ok()?);
        self.secrets.is_signed(&subject(&task, attempt), signature).then_some((task, attempt))
    }
}

/// Begins tokens of holders: no node's token has it.
pub(super) const HOLDER: &str = "attempt.";
const SHORTEST_KEY: usize = 32;

fn holder_subject(task: &TaskId, attempt: i64) -> String {
    format!("holder:{task}:{attempt}")
}

fn subject(task: &TaskId, attempt: i64) -> String {
    format!("task:{task}:{attempt}")
}
