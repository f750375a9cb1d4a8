//! What flows to the engine and from it, and does not stand still for ever.

use std::{pin::Pin, task::Poll, time::Duration};

use bollard::errors::Error;
use bytes::Bytes;
use futures_util::{FutureExt, Stream, StreamExt};
use tokio::{
    io::{AsyncWrite, AsyncWriteExt},
    sync::watch,
};

use crate::platform::containers::{ByteStream, ContainerError, OutputStream};

/// An archive to be sent, and word of each piece of it that is taken.
pub(super) fn watched(tar: ByteStream) -> (ByteStream, watch::Receiver<()>) {
    let (taken, news) = watch::channel(());
    let tar = tar.inspect(move |_| {
        taken.send_replace(());
    });
    (tar.boxed(), news)
}

/// The answer to an archive; an error where the engine takes no more of it for as long as that, or has taken all and does
/// not answer.
pub(super) async fn sent(
    answer: impl Future<Output = Result<(), Error>>,
    mut news: watch::Receiver<()>,
    patience: Duration,
) -> Result<(), Error> {
    let mut answer = std::pin::pin!(answer);
    loop {
        tokio::select! {
            answer = &mut answer => return answer,
            moved = tokio::time::timeout(patience, news.changed()) => match moved {
                Ok(Ok(())) => {}
                Ok(Err(_)) => break,
                Err(_) => return Err(Error::RequestTimeoutError),
            },
        }
    }
    tokio::time::timeout(patience, answer).await.unwrap_or(Err(Error::RequestTimeoutError))
}

/// An archive as it comes. Whether there is one at all is known with its first piece.
pub(super) async fn received(
    pieces: impl Stream<Item = Result<Bytes, Error>> + Send + Unpin + 'static,
    patience: Duration,
) -> Result<ByteStream, Error> {
    let mut pieces = pieces.peekable();
    let first = tokio::time::timeout(patience, Pin::new(&mut pieces).peek()).await;
    match first {
        Err(_) => return Err(Error::RequestTimeoutError),
        Ok(Some(Err(_))) => {
            if let Some(Err(error)) = pieces.next().await {
                return Err(error);
            }
        }
        Ok(_) => {}
    }
    let timed = futures_util::stream::unfold(Some(pieces), move |pieces| async move {
        let mut pieces = pieces?;
        match tokio::time::timeout(patience, pieces.next()).await {
            Ok(Some(Ok(piece))) => Some((Ok(piece), Some(pieces))),
            Ok(Some(Err(error))) => Some((Err(std::io::Error::other(error)), None)),
            Ok(None) => None,
            Err(_) => Some((Err(std::io::ErrorKind::TimedOut.into()), None)),
        }
    });
    Ok(timed.boxed())
}

/// A command's output, with what the command reads being written as the output is waited for.
pub(super) fn feeding(
    mut output: OutputStream,
    stdin: Option<ByteStream>,
    mut input: Pin<Box<dyn AsyncWrite + Send>>,
) -> OutputStream {
    let feed = async move {
        if let Some(mut pieces) = stdin {
            while let Some(piece) = pieces.next().await {
                let piece: Bytes = piece.map_err(|error| ContainerError::Failed(error.into()))?;
                // A command need not read to the end; its exit code says whether that was right.
                if input.write_all(&piece).await.is_err() {
                    break;
                }
            }
            let _ = input.shutdown().await;
        }
        Ok(input)
    };
    let mut feed = Some(feed.boxed());
    let mut kept = None;
    futures_util::stream::poll_fn(move |context| {
        if let Some(feeding) = &mut feed
            && let Poll::Ready(fed) = feeding.poll_unpin(context)
        {
            feed = None;
            match fed {
                // Dropped, it would end the connection.
                Ok(input) => kept = Some(input),
                Err(error) => return Poll::Ready(Some(Err(error))),
            }
        }
        let _ = &kept;
        output.poll_next_unpin(context)
    })
    .boxed()
}
