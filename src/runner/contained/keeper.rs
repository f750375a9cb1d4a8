//! The keeper: makes the container, passes on what it prints, fetches what it leaves, removes it. Told to end, it ends the
//! container first.

use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures_util::StreamExt;
use tokio::io::AsyncWriteExt;
use tokio::net::unix::pipe::Sender;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

use super::folders::{fetch, packed};
use super::{OWN, Order, REPORT, Report, TASK_LABEL, TYPE};
use crate::platform::containers::{ContainerId, Containers, Docker, Output, OutputStream, State};

/// How a container came to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum How {
    ByItself,
    Told,
    /// It had written more than so many MB.
    OverDisk(u64),
}

const FOLDERS: [&str; 3] = ["output", "spool", "result"];
const LOOK_AT_MEMORY_EVERY: Duration = Duration::from_millis(300);
/// The engine walks all files for that.
const LOOK_AT_DISK_EVERY: Duration = Duration::from_secs(10);
/// When the container has ended, nothing more can come; but who knows what the engine waits for.
const LINGER: Duration = Duration::from_secs(2);
const REMOVAL: Duration = Duration::from_secs(20);

/// Runs as the keeper of one container until that is gone.
#[tokio::main(flavor = "current_thread")]
pub async fn keep(order: &Path) -> ExitCode {
    let read = std::fs::read(order).ok().and_then(|bytes| serde_json::from_slice::<Order>(&bytes).ok());
    let (Some(order), Ok(told_to_end)) = (read, signal(SignalKind::terminate())) else { return ExitCode::FAILURE };
    let path = order.root.join(REPORT);
    let report = run(order, told_to_end).await.unwrap_or_else(|error| Report {
        trouble: Some(format!("the container could not be run: {error:#}")),
        ..Report::default()
    });
    let code = report.code;
    if write(&path, &report).is_err() {
        return ExitCode::FAILURE;
    }
    match code {
        Some(0) => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    }
}

fn write(path: &PathBuf, report: &Report) -> anyhow::Result<()> {
    Ok(std::fs::write(path, serde_json::to_vec(report)?)?)
}

async fn run(order: Order, mut told_to_end: Signal) -> anyhow::Result<Report> {
    let containers = Containers::new(Arc::new(Docker::new(order.docker.clone())), &order.installation);
    // Whatever a former attempt left: none of a task may run beside another.
    for former in containers.own_with(TYPE, (TASK_LABEL, &order.task_id)).await? {
        containers.remove(&former.id).await?;
    }
    if let Some(network) = &order.spec.network {
        containers.network(network).await?;
    }
    let id = containers.create(&order.spec).await?;
    let result = in_container(&containers, &id, &order, &mut told_to_end).await;
    // Also where something went wrong.
    let removed = tokio::time::timeout(REMOVAL, containers.remove(&id)).await;
    let report = result?;
    removed??;
    Ok(report)
}

async fn in_container(
    containers: &Containers,
    id: &ContainerId,
    order: &Order,
    told_to_end: &mut Signal,
) -> anyhow::Result<Report> {
    containers.put_archive(id, "/", packed(&order.root, &order.support).await?).await?;
    // The pipes that the server reads, without a thread between.
    let streams = (
        Sender::from_owned_fd(std::io::stdout().as_fd().try_clone_to_owned()?)?,
        Sender::from_owned_fd(std::io::stderr().as_fd().try_clone_to_owned()?)?,
    );
    let output = containers.attach(id).await?;
    containers.start(id).await?;
    let peak = AtomicU64::new(0);
    let measure = async {
        loop {
            if let Ok(Some(now)) = containers.memory(id).await {
                peak.fetch_max(now / (1024 * 1024), Ordering::Relaxed);
            }
            tokio::time::sleep(LOOK_AT_MEMORY_EVERY).await;
        }
    };
    let grace = Duration::from_millis(order.grace_ms);
    let ended = async {
        tokio::select! {
            code = containers.wait(id) => code.map(|_| How::ByItself),
            _ = told_to_end.recv() => end(containers, id, grace).await.map(|()| How::Told),
            limit = outgrown(containers, id, order.disk_mb) => {
                end(containers, id, grace).await.map(|()| How::OverDisk(limit))
            }
        }
    };
    let has_ended = CancellationToken::new();
    let mut passing = Box::pin(pass_on(output, streams, has_ended.clone()));
    let mut is_passed = false;
    let how = tokio::select! {
        result = async {
            let mut ended = std::pin::pin!(ended);
            loop {
                tokio::select! {
                    result = &mut ended => return result,
                    () = &mut passing, if !is_passed => is_passed = true,
                }
            }
        } => result?,
        () = measure => How::ByItself,
    };
    if !is_passed {
        has_ended.cancel();
        // Much may have been printed at the very end, and the server be slow. Told to end, there is no time for that.
        let hurry = async {
            if how != How::Told {
                told_to_end.recv().await;
            }
            tokio::time::sleep(LINGER).await;
        };
        tokio::select! {
            () = passing => {}
            () = hurry => {}
        }
    }
    let found = containers.inspect(id).await?;
    let State::Exited { code, out_of_memory } = found.map_or(State::Other, |found| found.state) else {
        anyhow::bail!("it was gone before it had ended");
    };
    let over_disk_mb = if let How::OverDisk(limit) = how { Some(limit) } else { None };
    match fetched(containers, id, &order.root).await {
        // Of what is too much not all comes back, which is no other reason.
        Err(error) if over_disk_mb.is_none() => return Err(error),
        _ => {}
    }
    let code = i32::try_from(code).ok();
    Ok(Report { code, out_of_memory, over_disk_mb, peak_memory_mb: peak.into_inner(), trouble: None })
}

async fn fetched(containers: &Containers, id: &ContainerId, root: &Path) -> anyhow::Result<()> {
    for folder in FOLDERS {
        let tar = containers.get_archive(id, &format!("{OWN}/{folder}")).await?;
        fetch(tar, folder, &root.join(folder)).await?;
    }
    Ok(())
}

/// Waits until it has written more than it may; the limit.
async fn outgrown(containers: &Containers, id: &ContainerId, limit_mb: Option<u64>) -> u64 {
    let Some(limit) = limit_mb else { return std::future::pending().await };
    loop {
        tokio::time::sleep(LOOK_AT_DISK_EVERY).await;
        // Where the engine does not say, it will the next time.
        if containers.written(id).await.is_ok_and(|bytes| bytes > limit.saturating_mul(1024 * 1024)) {
            return limit;
        }
    }
}

/// SIGTERM, and SIGKILL after the grace.
async fn end(containers: &Containers, id: &ContainerId, grace: Duration) -> crate::platform::containers::Result<()> {
    // It may have ended by itself in this moment.
    let _ = containers.kill(id, "TERM").await;
    if tokio::time::timeout(grace, containers.wait(id)).await.is_err() {
        let _ = containers.kill(id, "KILL").await;
        containers.wait(id).await?;
    }
    Ok(())
}

/// Waits while the server is slow: then the engine waits too, and the spider with it.
async fn pass_on(mut output: OutputStream, (mut stdout, mut stderr): (Sender, Sender), has_ended: CancellationToken) {
    loop {
        let piece = tokio::select! {
            piece = output.next() => piece,
            () = has_ended.cancelled() => tokio::time::timeout(LINGER, output.next()).await.ok().flatten(),
        };
        let Some(Ok(piece)) = piece else { return };
        let written = match piece {
            Output::Stdout(bytes) => stdout.write_all(&bytes).await,
            Output::Stderr(bytes) => stderr.write_all(&bytes).await,
        };
        if written.is_err() {
            return;
        }
    }
}
