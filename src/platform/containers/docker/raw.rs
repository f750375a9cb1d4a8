//! The bare connection with a command at a terminal. Nothing frames what comes over it, and the client library takes it
//! for framed where it looks like that: then what a hostile program prints would say how much memory it is to be given.

use axum::body::Body;
use bytes::Bytes;
use futures_util::{StreamExt, stream::BoxStream};
use hyper::{Request, client::conn::http1, header, upgrade::Upgraded};
use hyper_util::rt::TokioIo;
use tokio::{
    io::{AsyncRead, AsyncWrite, WriteHalf},
    net::{TcpStream, UnixStream},
};
use tokio_util::io::ReaderStream;

use crate::platform::containers::{ContainerError, Result};

const PIECE: usize = 16 * 1024;

pub(super) type Input = WriteHalf<TokioIo<Upgraded>>;
pub(super) type Output = BoxStream<'static, Result<Bytes>>;

/// Begins a command that was made for a terminal. `address` is the engine's, `version` of its interface.
pub(super) async fn begin(address: &str, version: &str, command: &str) -> Result<(Output, Input)> {
    let lost = |error: std::io::Error| ContainerError::Unavailable(error.into());
    if let Some(path) = address.strip_prefix("unix://") {
        return upgrade(UnixStream::connect(path).await.map_err(lost)?, version, command).await;
    }
    let host = address.split_once("://").map_or(address, |(_, host)| host).trim_end_matches('/');
    let connection = TcpStream::connect(host).await.map_err(lost)?;
    connection.set_nodelay(true).map_err(lost)?;
    upgrade(connection, version, command).await
}

async fn upgrade(
    connection: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
    version: &str,
    command: &str,
) -> Result<(Output, Input)> {
    let lost = |error: hyper::Error| ContainerError::Unavailable(error.into());
    let (mut sender, driver) = http1::handshake(TokioIo::new(connection)).await.map_err(lost)?;
    let request = Request::post(format!("/v{version}/exec/{command}/start"))
        .header(header::HOST, "docker")
        .header(header::CONTENT_TYPE, "application/json")
        .header(header::CONNECTION, "Upgrade")
        .header(header::UPGRADE, "tcp")
        .body(Body::from(r#"{"Detach":false,"Tty":true}"#))
        .map_err(|error| ContainerError::Failed(error.into()))?;
    let asked = async {
        let answer = sender.send_request(request).await.map_err(lost)?;
        let status = answer.status().as_u16();
        match status {
            101 | 200 => hyper::upgrade::on(answer).await.map_err(lost),
            409 => Err(ContainerError::Conflict("the container does not run".to_owned())),
            _ => Err(ContainerError::failed(format!("the engine answers {status} to a terminal"))),
        }
    };
    // The connection moves on while it is driven, which ends as it is handed over.
    let handed_over = async { driver.with_upgrades().await.map_err(lost) };
    let (upgraded, ()) = tokio::try_join!(asked, handed_over)?;
    let (read, write) = tokio::io::split(TokioIo::new(upgraded));
    let pieces = ReaderStream::with_capacity(read, PIECE);
    Ok((pieces.map(|piece| piece.map_err(|error| ContainerError::Unavailable(error.into()))).boxed(), write))
}
