//! Terminals, of this machine.

use std::process::Stdio;

use anyhow::Context;
use futures_util::StreamExt;
use nix::{
    fcntl::{FcntlArg, FdFlag, OFlag, fcntl},
    pty::openpty,
};
use tokio::{
    net::unix::pipe::{Receiver, Sender},
    process::Command,
};
use tokio_util::io::ReaderStream;

use super::{Made, locked, process};
use crate::platform::containers::{ContainerError, Exec, Size, Terminal};

pub(super) async fn begin(made: &Made, exec: Exec, size: Size) -> anyhow::Result<Terminal> {
    let pair = openpty(None, None)?;
    // Else the shell would hold the side by which it hears that nobody is there any more.
    for side in [&pair.master, &pair.slave] {
        fcntl(side, FcntlArg::F_SETFD(FdFlag::FD_CLOEXEC))?;
    }
    let (ours, theirs) = (std::fs::File::from(pair.master), std::fs::File::from(pair.slave));
    // It is the terminal of a session, which only its first process can make it.
    let argv: Vec<String> = ["setsid", "--ctty", "--wait"].map(str::to_owned).into_iter().chain(exec.argv).collect();
    let env = process::marked(made, exec.mark, &exec.env);
    let mut command = process::command(made, &argv, exec.working_dir.as_deref(), &env)?;
    let child = command
        .stdin(Stdio::from(theirs.try_clone()?))
        .stdout(Stdio::from(theirs.try_clone()?))
        .stderr(Stdio::from(theirs.try_clone()?))
        .spawn()?;
    drop(command);
    set_size(&ours, size).await?;
    let id = crate::id::new();
    locked(&made.terminals).insert(id.clone(), ours.try_clone()?);
    fcntl(&ours, FcntlArg::F_SETFL(OFlag::O_NONBLOCK))?;
    let output = ReaderStream::new(Receiver::from_owned_fd_unchecked(ours.try_clone()?.into())?);
    // The last of the other side hung up.
    let output = output.take_while(|piece| std::future::ready(piece.is_ok()));
    let output = output.map(|piece| piece.map_err(|error| ContainerError::Failed(error.into()))).boxed();
    let input = Box::pin(Sender::from_owned_fd_unchecked(ours.into())?);
    Ok(Terminal { id, output, input, exit: process::exit_of(child) })
}

pub(super) async fn resize(made: &Made, terminal: &str, size: Size) -> anyhow::Result<()> {
    let master = locked(&made.terminals).get(terminal).map(std::fs::File::try_clone).transpose()?;
    match master {
        Some(master) => set_size(&master, size).await,
        None => Ok(()),
    }
}

async fn set_size(master: &std::fs::File, size: Size) -> anyhow::Result<()> {
    let (rows, columns) = (size.rows.to_string(), size.columns.to_string());
    let mut stty = Command::new("stty");
    stty.args(["rows", &rows, "cols", &columns]).stdin(Stdio::from(master.try_clone()?)).stderr(Stdio::null());
    stty.status().await.context("stty")?;
    Ok(())
}
