//! From a workspace: a file as it is, a folder as a tar.

use std::{io, time::Duration};

use bytes::Bytes;
use futures_util::{
    StreamExt,
    stream::{self, BoxStream},
};
use tokio::{sync::mpsc, time::timeout};

use super::{PATIENCE, WorkPath, Workspaces, refused, scripts::READ, too_slow};
use crate::{
    error::Result,
    features::{
        accounts::Caller,
        workspaces::{
            runs::Run,
            types::{Kind, Workspace},
        },
    },
    platform::containers::{ContainerError, Piece},
};

/// Of the line that says what comes.
const LONGEST_LINE: usize = 64;
const WAITING: usize = 8;
/// For its next piece to come, and for whoever reads to take one.
const IDLE: Duration = Duration::from_mins(1);
/// Of what the tool says.
const LONGEST_ERROR: usize = 4096;

pub(super) struct Download {
    /// As it is to be called.
    pub name: String,
    /// None of a folder.
    pub size: Option<u64>,
    pub content: BoxStream<'static, io::Result<Bytes>>,
}

type Pieces = BoxStream<'static, Result<Piece, ContainerError>>;

impl Workspaces {
    pub(super) async fn download(&self, caller: &Caller, workspace: Workspace, path: &WorkPath) -> Result<Download> {
        let own_name = workspace.name.clone();
        let mut run = self.enter(workspace, &caller.user_id, Kind::Files).await?;
        let arguments = path.name_and_folder().unwrap_or_default();
        let mut pieces = self.script(&mut run, READ, &arguments).await?.pieces();
        let begun = timeout(PATIENCE, begin(&mut pieces)).await.map_err(|_| too_slow())?;
        let (size, first) = match begun {
            Ok(begun) => begun,
            Err(error) => {
                run.over().await?;
                return Err(error);
            }
        };
        let (sender, receiver) = mpsc::channel(WAITING);
        let workspaces = self.clone();
        self.tracker.spawn(async move { workspaces.send(run, pieces, (first, size), sender).await });
        let content = stream::unfold(receiver, |mut receiver| async move { Some((receiver.recv().await?, receiver)) });
        let name = path.name().unwrap_or(&own_name);
        Ok(Download {
            name: if size.is_some() { name.to_owned() } else { format!("{name}.tar") },
            size,
            content: content.boxed(),
        })
    }

    /// Sends what comes, or an error in its place; then the run is over, or is ended.
    async fn send(
        self,
        run: Run,
        mut pieces: Pieces,
        (first, size): (Bytes, Option<u64>),
        sender: mpsc::Sender<io::Result<Bytes>>,
    ) {
        let sent = tokio::select! {
            sent = pass_on(first, size, &mut pieces, &sender) => sent,
            () = sender.closed() => Err(io::ErrorKind::BrokenPipe.into()),
            () = self.stop.cancelled() => Err(io::ErrorKind::Interrupted.into()),
            () = self.renew(&run.id) => Ok(()),
        };
        // The engine tells of no end while somebody leaves output lying.
        drop(pieces);
        let over = match &sent {
            Ok(()) => run.over().await,
            Err(_) => run.end().await.map(drop),
        };
        if let Err(error) = over {
            tracing::debug!("{error}");
        }
        if let Err(error) = sent {
            let _ = timeout(IDLE, sender.send(Err(error))).await;
        }
    }
}

/// What comes: its size where it is a file, and what of it came along.
async fn begin(pieces: &mut Pieces) -> Result<(Option<u64>, Bytes)> {
    let (mut line, mut said) = (Vec::new(), Vec::new());
    loop {
        match pieces.next().await {
            Some(Ok(Piece::Stdout(bytes))) => line.extend_from_slice(&bytes),
            Some(Ok(Piece::Stderr(bytes))) => said.extend_from_slice(&bytes[..bytes.len().min(LONGEST_ERROR)]),
            Some(Ok(Piece::Silent)) => {}
            Some(Ok(Piece::Ended(code))) => return Err(refused(code, &said)),
            Some(Err(error)) => return Err(error.into()),
            None => return Err(ContainerError::failed("a download has no beginning").into()),
        }
        if let Some(end) = line.iter().position(|byte| *byte == b'\n') {
            let size = std::str::from_utf8(&line[..end]).ok().and_then(|line| line.strip_prefix("file ")?.parse().ok());
            return Ok((size, Bytes::from(line.split_off(end + 1))));
        }
        if line.len() > LONGEST_LINE || said.len() > LONGEST_ERROR {
            return Err(refused(super::CHANGED, &said));
        }
    }
}

async fn pass_on(
    first: Bytes,
    size: Option<u64>,
    pieces: &mut Pieces,
    sender: &mpsc::Sender<io::Result<Bytes>>,
) -> io::Result<()> {
    let mut left = size.unwrap_or(u64::MAX);
    let mut next = Some(first);
    loop {
        if let Some(mut bytes) = next.take() {
            // What a file has grown by meanwhile is not what was asked for.
            bytes.truncate(usize::try_from(left).unwrap_or(usize::MAX));
            left -= bytes.len() as u64;
            if !bytes.is_empty() {
                let sent = timeout(IDLE, sender.send(Ok(bytes))).await;
                sent?.map_err(|_| io::ErrorKind::BrokenPipe)?;
            }
        }
        match timeout(IDLE, pieces.next()).await? {
            Some(Ok(Piece::Stdout(bytes))) => next = Some(bytes),
            Some(Ok(Piece::Stderr(_) | Piece::Silent)) => {}
            // tar ends with 1 where something changed as it was read.
            Some(Ok(Piece::Ended(0 | 1))) if size.is_none() || left == 0 => return Ok(()),
            Some(Ok(Piece::Ended(code))) => return Err(io::Error::other(format!("it ended with {code}"))),
            Some(Err(error)) => return Err(io::Error::other(error)),
            None => return Err(io::ErrorKind::UnexpectedEof.into()),
        }
    }
}
