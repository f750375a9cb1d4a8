//! Commands, as processes of this machine.

use std::{process::Stdio, sync::Arc};

use anyhow::Context;
use futures_util::StreamExt;
use nix::{
    sys::signal::{Signal, killpg},
    unistd::Pid,
};
use tokio::{io::AsyncWriteExt, process::Command};
use tokio_util::sync::CancellationToken;

use super::{Exec, Fake, Made, Running, both, exit_code, exit_of};

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

fn command(
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
    let mut command = command(made, &exec.argv, exec.working_dir.as_deref(), &exec.env)?;
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
