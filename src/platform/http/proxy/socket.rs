//! A WebSocket on its way through: two connections, and what comes out of one goes into the other.

use std::{io, sync::Arc, time::Duration};

use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, split},
    time::timeout,
};
use tokio_util::sync::CancellationToken;

use super::Traffic;

/// Both sides have agreed: they are there, or do not come.
const BEGIN: Duration = Duration::from_secs(10);
/// After one side has said all it had to, how long the other may go on.
const LINGER: Duration = Duration::from_secs(5);
const PIECE: usize = 16 * 1024;

/// Carries what either side says to the other until one has hung up or `end` comes.
pub(super) async fn carry(browser: OnUpgrade, upstream: OnUpgrade, end: CancellationToken, traffic: Arc<dyn Traffic>) {
    let both = timeout(BEGIN, async { tokio::try_join!(browser, upstream) });
    let Some(Ok(Ok((browser, upstream)))) = end.run_until_cancelled(both).await else { return };
    // Whoever hangs up, it is over; why, nobody can be told.
    let _ = end.run_until_cancelled(exchange(browser, upstream, &*traffic)).await;
}

async fn exchange(browser: Upgraded, upstream: Upgraded, traffic: &dyn Traffic) -> io::Result<()> {
    let (from_browser, to_browser) = split(TokioIo::new(browser));
    let (from_upstream, to_upstream) = split(TokioIo::new(upstream));
    let mut inward = std::pin::pin!(copy(from_browser, to_upstream, |bytes| traffic.sent(bytes)));
    let mut outward = std::pin::pin!(copy(from_upstream, to_browser, |_| ()));
    let rest = tokio::select! {
        ended = &mut inward => { ended?; timeout(LINGER, outward).await }
        ended = &mut outward => { ended?; timeout(LINGER, inward).await }
    };
    rest.unwrap_or(Ok(()))
}

async fn copy(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    seen: impl Fn(usize),
) -> io::Result<()> {
    let mut piece = vec![0; PIECE];
    loop {
        match from.read(&mut piece).await? {
            0 => return to.shutdown().await,
            length => {
                seen(length);
                to.write_all(&piece[..length]).await?;
            }
        }
    }
}
