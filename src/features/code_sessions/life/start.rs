//! From a row to an editor that answers.

use std::time::Duration;

use chrono::TimeDelta;

use super::{
    super::{CodeSession, CodeSessions, Status, service::GRACE},
    SESSION_LABEL, TYPE,
};
use crate::{
    error::{Error, Result, Text},
    id::CodeSessionId,
    platform::containers::{ContainerError, ContainerId, ContainerSpec, Labels, Limits, State, Where},
    text,
};

/// Where the editor listens in its container.
pub(super) const PORT: u16 = 8080;
const NETWORK: &str = "crawlhub-editors";
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// For one answer of an editor that is coming up.
const ANSWER: Duration = Duration::from_secs(5);
/// Of a log, in a message.
const LAST_LINES: u64 = 30;
const LONGEST_LOG: usize = 4000;
/// The largest file that may be written in an editor.
const FILE_MB: i64 = 1024;
/// How long after it was asked for an editor is still started when the server that began it is gone.
const WANTED: TimeDelta = TimeDelta::minutes(3);

impl CodeSessions {
    /// Starts the editor of a new row, in the background.
    pub(in super::super) fn begin(&self, session: CodeSession) {
        let id = session.id.clone();
        self.begin_job(&id, |sessions| async move { sessions.start(session).await });
    }

    async fn start(&self, session: CodeSession) -> Result<()> {
        let limit = Duration::from_secs(self.settings.start_seconds.unsigned_abs());
        let deadline = self.clock.now() + TimeDelta::from_std(limit).map_err(Error::internal)? + GRACE;
        let step = CodeSession { status: Status::Starting, deadline_at: Some(deadline), ..session };
        let Some(mut session) = self.save(step).await? else { return Ok(()) };
        let brought_up = tokio::time::timeout(limit, self.bring_up(&mut session)).await;
        let upstream = match brought_up.unwrap_or_else(|_| Err(too_slow(limit))) {
            Ok(upstream) => upstream,
            Err(error) => return self.give_up(session, &error).await,
        };
        let ready = CodeSession {
            status: Status::Ready,
            upstream: Some(upstream),
            deadline_at: None,
            ready_at: Some(self.clock.now()),
            ..session.clone()
        };
        if self.save(ready).await?.is_none() {
            self.abandon(&session).await?;
        }
        self.shut(&session.id);
        Ok(())
    }

    /// Begins a start anew whose server is gone; nobody has worked in its container. What nobody waits for any more is
    /// given up.
    pub(super) async fn start_again(&self, id: &CodeSessionId) -> Result<()> {
        let session = self.get(id).await?;
        if !matches!(session.status, Status::Pending | Status::Starting) {
            return Ok(());
        }
        if session.created_at + WANTED < self.clock.now() {
            return self.give_up(session, &failed(text!("启动超时", "it was not started in time"))).await;
        }
        let deadline = self.clock.now() + GRACE * 2;
        let step = CodeSession { status: Status::Pending, container_id: None, deadline_at: Some(deadline), ..session };
        let Some(session) = self.save(step).await? else { return Ok(()) };
        self.remove_containers(id).await?;
        self.start(session).await
    }

    /// Makes, fills and starts the container; where its editor answers. `session` is kept as it is written down.
    async fn bring_up(&self, session: &mut CodeSession) -> Result<String> {
        if let Some(container) = session.container_id.clone() {
            match self.take_over(session, &container).await {
                // Where there are several machines, another one may answer.
                Err(error) if !error.is_passing() || self.containers.starts_once() => {
                    tracing::warn!(session = %session.id, "an editor of the pool was of no use: {error}");
                    self.containers.remove(&container).await?;
                }
                done => return done,
            }
        }
        let container = self.make_container(&session.id, self.labels_of(session)).await?;
        session.container_id = Some(container.clone());
        let saved = self.save(session.clone()).await?;
        *session = saved.ok_or_else(|| Error::conflict("closed", text!("会话已关闭", "the session was closed")))?;
        if self.containers.starts_once() {
            self.containers.start(&container).await?;
            self.answering(&session.id, &container).await?;
            self.fill(session, &container).await?;
        } else {
            self.fill(session, &container).await?;
            self.containers.start(&container).await?;
        }
        self.answering(&session.id, &container).await
    }

    /// Fills a container of the warm pool, which runs already.
    async fn take_over(&self, session: &CodeSession, container: &ContainerId) -> Result<String> {
        let answering = async {
            if !self.containers.inspect(container).await?.is_some_and(|found| found.state.is_running()) {
                return Err(failed(text!("容器已退出", "its container has ended")));
            }
            self.answering(&session.id, container).await
        };
        // It did when it came into the pool: what does not answer now is stuck, or on a machine that is, and a new one is
        // there sooner.
        let answers = tokio::time::timeout(ANSWER, answering).await;
        answers.map_err(|_| failed(text!("容器无响应", "it does not answer")))??;
        self.fill(session, container).await?;
        self.answering(&session.id, container).await
    }

    fn labels_of(&self, session: &CodeSession) -> Labels {
        let mut labels = self.containers.labels(TYPE);
        labels.insert("crawlhub.spider_id".to_owned(), session.spider_id.to_string());
        labels.insert("crawlhub.user_id".to_owned(), session.user_id.to_string());
        labels.insert("crawlhub.expires_at".to_owned(), session.expires_at.to_rfc3339());
        labels
    }

    pub(super) async fn make_container(&self, id: &CodeSessionId, mut labels: Labels) -> Result<ContainerId> {
        let (settings, network) = (&self.settings, self.containers.network(NETWORK).await?);
        labels.insert(SESSION_LABEL.to_owned(), id.to_string());
        let spec = ContainerSpec {
            name: format!("code-server-{id}"),
            image: settings.image.clone(),
            command: None,
            working_dir: None,
            env: vec![("HASHED_PASSWORD".to_owned(), self.doors.password_of(id))],
            labels,
            limits: Limits {
                cpus: settings.cpus,
                memory_mb: settings.memory_mb,
                processes: settings.processes,
                file_mb: FILE_MB,
            },
            publish: (network.reach == Where::Loopback).then(|| (PORT, self.ports.clone())),
            network: Some(network.name),
            ..ContainerSpec::default()
        };
        Ok(self.containers.create(&spec).await?)
    }

    /// Waits until the editor in a container answers: its health, and then the page, whose program is loaded with the
    /// first call. Where that is.
    pub(super) async fn answering(&self, session: &CodeSessionId, id: &ContainerId) -> Result<String> {
        loop {
            let found = self.containers.inspect(id).await?.ok_or_else(|| ContainerError::Gone(id.clone()))?;
            match (found.state, found.reached_at(PORT)) {
                (State::Running, Some(upstream)) => {
                    if self.answers(session, &upstream, "/healthz").await
                        && self.answers(session, &upstream, "/?folder=/workspace").await
                    {
                        return Ok(upstream);
                    }
                }
                (State::Running | State::Created, _) => {}
                (State::Exited { out_of_memory: true, .. }, _) => {
                    return Err(failed(text!("内存不足", "it ran out of memory")));
                }
                (State::Exited { code, .. }, _) => {
                    return Err(failed(text!("容器已退出（{code}）", "its container ended with {code}")));
                }
                _ => return Err(failed(text!("容器状态异常", "its container does not run"))),
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    async fn answers(&self, session: &CodeSessionId, upstream: &str, path: &str) -> bool {
        let request = self.http.get(format!("http://{upstream}{path}")).timeout(ANSWER);
        let request = request.header("connection", "close").header("cookie", self.doors.pass_of(session));
        request.send().await.is_ok_and(|answer| answer.status().is_success())
    }

    /// Says why there is no editor, and leaves nothing behind. `session` is as whoever gives it up wrote it last.
    async fn give_up(&self, session: CodeSession, error: &Error) -> Result<()> {
        let id = session.id.clone();
        if self.get(&id).await?.version != session.version {
            return self.abandon(&session).await;
        }
        let log = match &session.container_id {
            Some(container) => self.containers.last_lines(container, LAST_LINES, LONGEST_LOG).await,
            None => String::new(),
        };
        tracing::warn!(session = %id, "an editor could not be started: {error}");
        let reason = error.for_people().in_both();
        let message = if log.is_empty() { reason } else { format!("{reason}\n{log}") };
        // Where the engine is away, it goes when that is back: its session is over.
        let removed = self.remove_containers(&id).await;
        let step = CodeSession { status: Status::Failed, error_message: Some(message), deadline_at: None, ..session };
        self.save(step).await?;
        self.shut(&id);
        removed
    }

    /// The session was closed, or another server begins it anew: this start's container is nobody's.
    async fn abandon(&self, session: &CodeSession) -> Result<()> {
        let now = self.find(&session.id).await?;
        match &session.container_id {
            Some(own) if now.is_none_or(|now| now.container_id.as_ref() != Some(own) || !now.status.is_active()) => {
                Ok(self.containers.remove(own).await?)
            }
            _ => Ok(()),
        }
    }

    pub(super) async fn remove_containers(&self, id: &CodeSessionId) -> Result<()> {
        for container in self.containers.own_with(TYPE, (SESSION_LABEL, id.as_str())).await? {
            self.containers.remove(&container.id).await?;
        }
        Ok(())
    }
}

fn failed(text: Text) -> Error {
    Error::failed("editor_failed", text)
}

fn too_slow(limit: Duration) -> Error {
    let seconds = limit.as_secs();
    failed(text!("{seconds} 秒内未就绪", "it did not answer within {seconds} s"))
}
