//! Commands: begun, followed as they print, and ended with all that they have started.

mod capture;
mod routes;

use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::{StreamExt, stream::BoxStream};
use tokio::sync::mpsc;

pub(super) use routes::router;

use self::capture::Capture;
use super::{
    Workspaces,
    place::{FOLDER, RUN_LABEL},
    runs::{Held, Run},
    types::{Command, Kind, Mode, Outcome, Workspace},
};
use crate::{
    error::{Error, Result},
    features::accounts::Caller,
    platform::containers::{ContainerError, Exec, Piece, Running},
    text,
};

/// Pieces of output that wait for whoever reads them.
const WAITING: usize = 16;
/// For what was printed before the end to come.
const DRAIN: Duration = Duration::from_secs(1);
/// How often it is counted what the workspace holds, while a command runs.
const COUNT_EVERY: Duration = Duration::from_secs(5);
/// With which a command ends that was killed.
const KILLED: i64 = 137;
/// Its command is the first argument.
const SHELL: &str = r#"command -v bash >/dev/null && exec bash -c "$1"; exec sh -c "$1""#;

/// What comes of a command.
#[derive(Debug)]
pub(super) enum Event {
    Stdout(Bytes),
    Stderr(Bytes),
    /// The last one.
    Ended(Result<Outcome>),
}

/// Why a command is followed no longer.
enum How {
    Ended(i64),
    Lost(ContainerError),
    TimedOut,
    DiskFull,
    /// Nobody listens, or the server stops.
    Left,
}

impl Workspaces {
    /// Begins a command. Whoever gives up what it returns ends the command.
    pub(super) async fn execute(
        &self,
        caller: &Caller,
        workspace: Workspace,
        command: Command,
    ) -> Result<mpsc::Receiver<Event>> {
        command.check()?;
        self.has_room(&workspace)?;
        let mut run = self.enter(workspace, &caller.user_id, Kind::Command).await?;
        let started = Instant::now();
        let running = match command.mode.unwrap_or(run.workspace.mode) {
            Mode::Persistent => self.begin_beside_others(&mut run, &command.command).await?,
            Mode::Ephemeral => self.begin_alone(&mut run, &command.command).await?,
        };
        let (events, listener) = mpsc::channel(WAITING);
        let (workspaces, limit) = (self.clone(), Duration::from_secs(command.timeout));
        self.tracker.spawn(async move { workspaces.follow(run, running, (started, limit), events).await });
        Ok(listener)
    }

    async fn begin_beside_others(&self, run: &mut Run, command: &str) -> Result<Running> {
        let exec = || Exec {
            working_dir: Some(FOLDER.to_owned()),
            mark: Some(run.mark),
            ..Exec::new(["sh", "-c", SHELL, "sh", command])
        };
        let (container, running) = self.begin_command(&run.workspace, exec).await?;
        run.held = Some(Held::Shared(container));
        Ok(running)
    }

    async fn begin_alone(&self, run: &mut Run, command: &str) -> Result<Running> {
        let workspace = &run.workspace;
        self.volume(workspace).await?;
        let mut labels = self.labels_of(&workspace.id);
        labels.insert(RUN_LABEL.to_owned(), run.id.to_string());
        let argv = ["sh", "-c", SHELL, "sh", command].map(str::to_owned).to_vec();
        let spec = self.spec_of(&workspace.id, format!("workspace-run-{}", run.id), argv, labels);
        let container = self.containers.create(&spec).await?;
        run.held = Some(Held::Own(container.clone()));
        let output = self.containers.attach(&container).await?;
        self.containers.start(&container).await?;
        let containers = self.containers.clone();
        Ok(Running { output, exit: Box::pin(async move { containers.wait(&container).await }) })
    }

    async fn follow(
        self,
        run: Run,
        running: Running,
        (started, limit): (Instant, Duration),
        events: mpsc::Sender<Event>,
    ) {
        let (mut pieces, mut captured) = (running.pieces(), Captured::default());
        let Some(container) = run.held.as_ref().map(|held| held.container().clone()) else { return };
        let workspace = run.workspace.id.clone();
        let how = tokio::select! {
            how = pass_on(&mut pieces, &mut captured, &events) => how,
            () = tokio::time::sleep(limit) => How::TimedOut,
            () = self.outgrown(&workspace, &container, COUNT_EVERY) => How::DiskFull,
            () = events.closed() => How::Left,
            () = self.stop.cancelled() => How::Left,
            () = self.renew(&run.id) => How::Left,
        };
        let is_shared = matches!(run.held, Some(Held::Shared(_)));
        let ended = self.ended_by(how, run, &mut pieces, (&mut captured, &events)).await;
        let ended = ended.map(|outcome| Outcome {
            duration_ms: u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
            truncated: captured.stdout.is_truncated() || captured.stderr.is_truncated(),
            ..outcome
        });
        if is_shared {
            self.measure_soon(&workspace, &container);
        }
        for rest in captured.stdout.rest() {
            let _ = events.send(Event::Stdout(rest)).await;
        }
        for rest in captured.stderr.rest() {
            let _ = events.send(Event::Stderr(rest)).await;
        }
        let _ = events.send(Event::Ended(ended)).await;
    }

    /// Sees to it that it has ended, whichever way it came to that.
    async fn ended_by(
        &self,
        how: How,
        run: Run,
        pieces: &mut BoxStream<'static, Result<Piece, ContainerError>>,
        (captured, events): (&mut Captured, &mpsc::Sender<Event>),
    ) -> Result<Outcome> {
        let (timed_out, disk_full) = (matches!(how, How::TimedOut), matches!(how, How::DiskFull));
        match how {
            How::Ended(exit_code) => {
                run.over().await?;
                Ok(Outcome { exit_code, ..Outcome::default() })
            }
            How::Lost(error) => {
                tracing::debug!(run = %run.id, "a command is lost: {error}");
                run.end().await?;
                Err(stopped())
            }
            How::TimedOut | How::DiskFull | How::Left => {
                // Read on meanwhile: the engine tells of no end while somebody leaves output lying.
                let mut rest = std::pin::pin!(read_on(pieces, captured, events));
                let mut ending = std::pin::pin!(run.end());
                let restarted = tokio::select! {
                    restarted = &mut ending => {
                        let _ = tokio::time::timeout(DRAIN, rest).await;
                        restarted?
                    }
                    () = &mut rest => ending.await?,
                };
                Ok(Outcome { exit_code: KILLED, timed_out, disk_full, restarted, ..Outcome::default() })
            }
        }
    }
}

#[derive(Default)]
struct Captured {
    stdout: Capture,
    stderr: Capture,
}

impl Captured {
    /// What of it is to be passed on now; the exit code where it is the end.
    fn take(&mut self, piece: Piece) -> Result<Option<Event>, i64> {
        match piece {
            Piece::Stdout(bytes) => Ok(self.stdout.take(bytes).map(Event::Stdout)),
            Piece::Stderr(bytes) => Ok(self.stderr.take(bytes).map(Event::Stderr)),
            Piece::Silent => Ok(None),
            Piece::Ended(code) => Err(code),
        }
    }
}

async fn pass_on(
    pieces: &mut BoxStream<'static, Result<Piece, ContainerError>>,
    captured: &mut Captured,
    events: &mpsc::Sender<Event>,
) -> How {
    while let Some(piece) = pieces.next().await {
        match piece.map(|piece| captured.take(piece)) {
            Ok(Ok(Some(event))) => {
                if events.send(event).await.is_err() {
                    return How::Left;
                }
            }
            Ok(Ok(None)) => {}
            Ok(Err(code)) => return How::Ended(code),
            Err(error) => return How::Lost(error),
        }
    }
    How::Lost(ContainerError::failed("it has no end"))
}

/// The same, for whoever waits for the end and not for a slow listener.
async fn read_on(
    pieces: &mut BoxStream<'static, Result<Piece, ContainerError>>,
    captured: &mut Captured,
    events: &mpsc::Sender<Event>,
) {
    while let Some(Ok(piece)) = pieces.next().await {
        match captured.take(piece) {
            Ok(Some(event)) => drop(events.try_send(event)),
            Ok(None) => {}
            Err(_) => return,
        }
    }
}

fn stopped() -> Error {
    Error::conflict(
        "workspace_stopped",
        text!(
            "工作区已停止或重新启动，命令已结束",
            "the workspace was stopped or started anew, and the command with it"
        ),
    )
}
