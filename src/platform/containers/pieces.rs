//! What a command prints and its end, in one order.

use std::time::Duration;

use bytes::Bytes;
use futures_util::{
    StreamExt,
    future::BoxFuture,
    stream::{self, BoxStream},
};
use tokio::time::{Instant, timeout, timeout_at};

use super::{ContainerError, Output, OutputStream, Result, Running};

/// For what a command has printed before its end to come, where something that it left behind holds its output.
const DRAIN: Duration = Duration::from_secs(1);

/// For a command whose output has ended to end as well.
const EXIT_PATIENCE: Duration = Duration::from_secs(10);

/// What a command in a container came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Finished {
    pub code: i64,
    pub stdout: Vec<u8>,
    pub stderr: Vec<u8>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    Stdout(Bytes),
    Stderr(Bytes),
    /// It prints no more, and has not ended.
    Silent,
    /// With its exit code; the last one.
    Ended(i64),
}

enum Stage {
    Open(OutputStream, BoxFuture<'static, Result<i64>>),
    /// Nothing holds the output any more.
    Silent(BoxFuture<'static, Result<i64>>),
    /// Its own process has ended, and something else holds the output.
    Held(OutputStream, i64, Instant),
    Over,
}

impl Running {
    /// Ends when the command's own process has ended, whatever holds its output then.
    pub fn pieces(self) -> BoxStream<'static, Result<Piece>> {
        stream::unfold(Stage::Open(self.output, self.exit), next).boxed()
    }

    /// All that it prints, up to `limit` bytes of each stream; more is an error, and so is a command that closes its
    /// output and runs on.
    pub async fn gathered(self, limit: usize) -> Result<Finished> {
        let mut pieces = self.pieces();
        let mut done = Finished::default();
        loop {
            let (stream, bytes) = match pieces.next().await {
                Some(Ok(Piece::Stdout(bytes))) => (&mut done.stdout, bytes),
                Some(Ok(Piece::Stderr(bytes))) => (&mut done.stderr, bytes),
                Some(Ok(Piece::Silent)) => match timeout(EXIT_PATIENCE, pieces.next()).await {
                    Ok(Some(Ok(Piece::Ended(code)))) => return Ok(Finished { code, ..done }),
                    Ok(Some(Err(error))) => return Err(error),
                    _ => return Err(ContainerError::failed("a command closed its output and runs on")),
                },
                Some(Ok(Piece::Ended(code))) => return Ok(Finished { code, ..done }),
                Some(Err(error)) => return Err(error),
                None => return Err(ContainerError::failed("a command has no end")),
            };
            if stream.len() + bytes.len() > limit {
                return Err(ContainerError::failed(format!("a command printed more than {limit} bytes")));
            }
            stream.extend_from_slice(&bytes);
        }
    }
}

async fn next(mut stage: Stage) -> Option<(Result<Piece>, Stage)> {
    loop {
        stage = match stage {
            Stage::Open(mut output, mut exit) => tokio::select! {
                piece = output.next() => match piece {
                    Some(Ok(piece)) => return Some((Ok(piece.into()), Stage::Open(output, exit))),
                    Some(Err(error)) => return Some((Err(error), Stage::Over)),
                    None => return Some((Ok(Piece::Silent), Stage::Silent(exit))),
                },
                code = &mut exit => match code {
                    Ok(code) => Stage::Held(output, code, Instant::now() + DRAIN),
                    Err(error) => return Some((Err(error), Stage::Over)),
                },
            },
            Stage::Silent(exit) => return Some((exit.await.map(Piece::Ended), Stage::Over)),
            Stage::Held(mut output, code, until) => {
                // What holds it may print without end.
                let piece = if Instant::now() < until { timeout_at(until, output.next()).await } else { Ok(None) };
                match piece {
                    Ok(Some(Ok(piece))) => return Some((Ok(piece.into()), Stage::Held(output, code, until))),
                    _ => return Some((Ok(Piece::Ended(code)), Stage::Over)),
                }
            }
            Stage::Over => return None,
        };
    }
}

impl From<Output> for Piece {
    fn from(output: Output) -> Self {
        match output {
            Output::Stdout(bytes) => Self::Stdout(bytes),
            Output::Stderr(bytes) => Self::Stderr(bytes),
        }
    }
}
