//! The server's view of a child under its supervisor.

use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream as StdUnixStream;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, anyhow};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::process::{ChildStderr, ChildStdout, Command};
use tokio::time::{Instant, timeout, timeout_at};

use super::moment::Moment;
use super::open_files;
use super::presence;
use super::protocol::{Cause, Exit, News, Order, Spec, Usage};
use super::strays::{MARK, kill_strays};

/// A supervisor speaks every second; one that is silent for so long has been stopped or starved.
const SILENCE: Duration = Duration::from_mins(1);
/// How much longer than its grace a stop may take, before the supervisor itself is given up.
const STOP_MARGIN: Duration = Duration::from_secs(15);
/// How long a tree without a supervisor is killed for.
const BURIAL: Duration = Duration::from_secs(10);

/// A running child. Dropping it ends the whole tree, after five seconds for cleaning up.
#[derive(Debug)]
pub struct Child {
    supervisor: tokio::process::Child,
    news: Lines<BufReader<OwnedReadHalf>>,
    orders: OwnedWriteHalf,
    mark: String,
    /// Kept, as whoever waits for it may be gone before the supervisor is.
    exit: Option<Exit>,
    heard_at: Instant,
    give_up_at: Option<Instant>,
}

/// Both end when the whole tree is gone.
#[derive(Debug)]
pub struct Output {
    pub stdout: ChildStdout,
    pub stderr: ChildStderr,
}

#[derive(Debug)]
pub enum Event {
    Usage(Usage),
    /// Nothing of the tree is left.
    Ended(Exit),
}

impl Child {
    /// Starts `spec` under a new supervisor. The error says, in one sentence, why it does not start.
    pub async fn spawn(supervisor: &Path, mut spec: Spec) -> anyhow::Result<(Self, Output)> {
        let mark = format!("{}{}", presence::mark_of(spec.server.as_deref()), crate::id::new());
        spec.env.push((MARK.to_owned(), mark.clone()));
        let (ours, theirs) = StdUnixStream::pair()?;
        ours.set_nonblocking(true)?;
        let mut supervisor = Command::new(supervisor)
            .arg("supervise")
            .env_clear()
            .stdin(Stdio::from(OwnedFd::from(theirs)))
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .with_context(|| format!("supervisor {} cannot be started", supervisor.display()))?;
        let stdout = supervisor.stdout.take().context("no stdout")?;
        let stderr = supervisor.stderr.take().context("no stderr")?;
        let (news, orders) = UnixStream::from_std(ours)?.into_split();
        let (news, heard_at) = (BufReader::new(news).lines(), Instant::now());
        let mut child = Self { supervisor, news, orders, mark, exit: None, heard_at, give_up_at: None };
        child.order(&Order::Start { spec: Box::new(spec), open_files: open_files::given() }).await;
        let Ok(Ok(Some(line))) = timeout(SILENCE, child.news.next_line()).await else {
            child.bury().await;
            return Err(anyhow!("the supervisor of the process ended before it had begun"));
        };
        match serde_json::from_str(&line)? {
            News::Started => Ok((child, Output { stdout, stderr })),
            News::Failed { message } => Err(anyhow!(message)),
            other => Err(anyhow!("unexpected first message of the supervisor: {other:?}")),
        }
    }

    /// SIGTERM to the whole tree, SIGKILL to what is left of it after `grace`. Returns at once.
    pub async fn stop(&mut self, grace: Duration) {
        self.give_up_at.get_or_insert(Instant::now() + grace + STOP_MARGIN);
        self.order(&Order::Stop { grace_ms: u64::try_from(grace.as_millis()).unwrap_or(u64::MAX) }).await;
    }

    /// It may run until then, whatever becomes of this server.
    pub async fn allow_until(&mut self, until: Moment) {
        self.order(&Order::Until(until)).await;
    }

    /// The next event; may be dropped while it waits. After `Ended` there is none.
    pub async fn next(&mut self) -> Event {
        loop {
            if let Some(exit) = &self.exit {
                let _ = self.supervisor.wait().await;
                return Event::Ended(exit.clone());
            }
            let patience = self.heard_at + SILENCE;
            let patience = self.give_up_at.map_or(patience, |at| at.min(patience));
            let Ok(Ok(Some(line))) = timeout_at(patience, self.news.next_line()).await else {
                self.bury().await;
                return Event::Ended(Exit { cause: Cause::SupervisorLost, ..Exit::default() });
            };
            self.heard_at = Instant::now();
            match serde_json::from_str(&line) {
                Ok(News::Usage(usage)) => return Event::Usage(usage),
                Ok(News::Exit(exit)) => self.exit = Some(exit),
                Ok(News::Started | News::Failed { .. }) | Err(_) => {}
            }
        }
    }

    /// A failure shows as the end of the supervisor's news.
    async fn order(&mut self, order: &Order) {
        if let Ok(mut line) = serde_json::to_vec(order) {
            line.push(b'\n');
            let _ = self.orders.write_all(&line).await;
        }
    }

    /// Ends the tree without the help of its supervisor.
    async fn bury(&mut self) {
        let _ = self.supervisor.start_kill();
        if let Some(session) = self.supervisor.id().and_then(|id| i32::try_from(id).ok()) {
            let mark = self.mark.clone();
            let _ = tokio::task::spawn_blocking(move || kill_strays(&mark, Some(session), BURIAL)).await;
        }
        // Only now: until it is waited for, its id can name nobody else's session.
        let _ = self.supervisor.wait().await;
    }
}
