//! Commands, as processes of this machine.

use std::{ffi::OsStr, path::Path, process::Stdio, sync::Arc};

use anyhow::Context;
use bytes::Bytes;
use futures_util::{FutureExt, StreamExt, future::BoxFuture, stream, stream::BoxStream};
use nix::{
    sys::signal::{Signal, kill, killpg},
    unistd::Pid,
};
use tokio::{
    io::{AsyncRead, AsyncWriteExt},
    process::{Child, Command},
};
use tokio_util::{io::ReaderStream, sync::CancellationToken};

use super::{Fake, Made};
use crate::platform::containers::{ContainerError, Ended, Exec, Mark, Output, OutputStream, Result, Running};

/// In the environment of what carries a mark: the container's folder, and the mark.
const CONTAINER: &str = "CRAWLHUB_FAKE_CONTAINER";
const MARK: &str = "CRAWLHUB_FAKE_MARK";

/// What a container was started for.
#[derive(Debug)]
pub(super) enum Main {
    Process(i32),
    /// A server of this process: its port in the container and here, and what ends it.
    Server {
        inside: u16,
        port: u16,
        end: CancellationToken,
    },
}

impl Main {
    pub(super) fn port(&self) -> Option<(u16, u16)> {
        match self {
            Self::Process(_) => None,
            Self::Server { inside, port, .. } => Some((*inside, *port)),
        }
    }

    pub(super) fn signal(&self, signal: &str) {
        match self {
            Self::Process(group) => {
                if let Ok(signal) = format!("SIG{signal}").parse::<Signal>() {
                    let _ = killpg(Pid::from_raw(*group), signal);
                }
            }
            Self::Server { end, .. } if ["TERM", "KILL"].contains(&signal) => end.cancel(),
            Self::Server { .. } => {}
        }
    }
}

/// Kills what was started with a mark in the container of that folder. Unlike on a real engine, what cleans its environment
/// gets away.
pub(super) fn end_marked(root: &Path, whom: Ended) {
    let Ok(all) = procfs::process::all_processes() else { return };
    for process in all.flatten() {
        let Ok(environment) = process.environ() else { continue };
        let of = |name: &str| environment.get(OsStr::new(name));
        let is = |carried: &OsStr, mark: &Mark| carried == OsStr::new(&mark.number().to_string());
        let is_kept = |carried: &OsStr| match whom {
            Ended::Others(kept) => kept.iter().any(|kept| is(carried, kept)),
            Ended::Of(mark) => !is(carried, &mark),
        };
        if of(CONTAINER).is_some_and(|at| at == root.as_os_str()) && of(MARK).is_some_and(|mark| !is_kept(mark)) {
            let _ = kill(Pid::from_raw(process.pid), Signal::SIGKILL);
        }
    }
}

pub(super) fn marked(made: &Made, mark: Option<Mark>, env: &[(String, String)]) -> Vec<(String, String)> {
    let own = mark.map(|mark| {
        [(CONTAINER, made.root.to_string_lossy().into_owned()), (MARK, mark.number().to_string())]
            .map(|(name, value)| (name.to_owned(), value))
    });
    env.iter().cloned().chain(own.into_iter().flatten()).collect()
}

pub(super) fn command(
    made: &Made,
    argv: &[String],
    working_dir: Option<&str>,
    env: &[(String, String)],
) -> anyhow::Result<Command> {
    let (program, arguments) = argv.split_first().context("no command")?;
    let mut command = Command::new(made.mapped(program));
    let own = made.spec.env.iter().chain(env).map(|(name, value)| (name.clone(), made.mapped(value)));
    command
        .args(arguments.iter().map(|argument| made.mapped(argument)))
        .current_dir(made.path(working_dir.or(made.spec.working_dir.as_deref()).unwrap_or("/workspace")))
        .env_clear()
        .env("PATH", "/usr/local/bin:/usr/bin:/bin")
        .envs(own)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .kill_on_drop(true);
    Ok(command)
}

#[expect(clippy::disallowed_methods, reason = "its processes end with the test")]
pub(super) fn start(fake: &Fake, made: &Arc<Made>) -> anyhow::Result<Main> {
    let argv = made.spec.command.clone().unwrap_or_else(|| vec!["sleep".to_owned(), "86400".to_owned()]);
    let mut child = command(made, &argv, None, &[])?.spawn()?;
    let group = i32::try_from(child.id().context("it has ended")?)?;
    let output = both(child.stdout.take().context("stdout")?, child.stderr.take().context("stderr")?);
    let (fake, made) = (fake.clone(), made.clone());
    tokio::spawn(async move {
        let mut output = output;
        while let Some(Ok(piece)) = output.next().await {
            made.print(piece);
        }
        let code = child.wait().await.map_or(255, exit_code);
        fake.has_ended(&made, code);
    });
    Ok(Main::Process(group))
}

#[expect(clippy::disallowed_methods, reason = "it ends with the command")]
pub(super) fn exec(made: &Made, exec: Exec) -> anyhow::Result<Running> {
    let env = marked(made, exec.mark, &exec.env);
    let mut command = command(made, &exec.argv, exec.working_dir.as_deref(), &env)?;
    if exec.stdin.is_some() {
        command.stdin(Stdio::piped());
    }
    let mut child = command.spawn()?;
    if let (Some(mut pieces), Some(mut stdin)) = (exec.stdin, child.stdin.take()) {
        tokio::spawn(async move {
            while let Some(Ok(piece)) = pieces.next().await {
                if stdin.write_all(&piece).await.is_err() {
                    break;
                }
            }
        });
    }
    let output = both(child.stdout.take().context("stdout")?, child.stderr.take().context("stderr")?);
    Ok(Running { output, exit: exit_of(child) })
}

/// What a command ends with.
fn exit_code(status: std::process::ExitStatus) -> i64 {
    use std::os::unix::process::ExitStatusExt;
    let of_signal = || status.signal().map_or(255, |signal| 128 + signal);
    i64::from(status.code().unwrap_or_else(of_signal))
}

/// What is read of a pipe, as pieces.
fn pieces(pipe: impl AsyncRead + Send + 'static, kind: fn(Bytes) -> Output) -> BoxStream<'static, Result<Output>> {
    ReaderStream::new(pipe)
        .map(move |piece| piece.map(kind).map_err(|error| ContainerError::Failed(error.into())))
        .boxed()
}

/// Both, as they come.
fn both(stdout: impl AsyncRead + Send + 'static, stderr: impl AsyncRead + Send + 'static) -> OutputStream {
    stream::select(pieces(stdout, Output::Stdout), pieces(stderr, Output::Stderr)).boxed()
}

pub(super) fn exit_of(mut child: Child) -> BoxFuture<'static, Result<i64>> {
    async move {
        let status = child.wait().await.map_err(|error| ContainerError::Failed(error.into()))?;
        Ok(exit_code(status))
    }
    .boxed()
}
