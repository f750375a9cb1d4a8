//! Where a server listens, until it leaves.

use std::{io, net::SocketAddr, os::fd::AsFd, time::Duration};

use axum::{
    extract::{Request, State},
    http::{HeaderValue, StatusCode, Version, header},
    middleware::Next,
    response::Response,
    serve::Listener,
};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

/// For what was sent over the last connections to be read: one of which nothing was read yet is closed without an answer.
const READING: Duration = Duration::from_millis(200);

/// Takes connections until `leave`, with those that wait at that moment. Once all that came is being answered, it says
/// `left`: only then may connections be closed.
#[derive(Debug)]
pub struct Entrance {
    listener: Option<TcpListener>,
    address: SocketAddr,
    leave: CancellationToken,
    left: CancellationToken,
}

impl Entrance {
    pub fn new(listener: TcpListener, leave: CancellationToken, left: CancellationToken) -> io::Result<Self> {
        let address = listener.local_addr()?;
        Ok(Self { listener: Some(listener), address, leave, left })
    }
}

impl Listener for Entrance {
    type Io = TcpStream;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (TcpStream, SocketAddr) {
        if let Some(listener) = &mut self.listener {
            tokio::select! {
                accepted = Listener::accept(listener) => return accepted,
                () = self.leave.cancelled() => {}
            }
            // First those that wait: shutting it before them would break their requests off.
            if let Some(waiting) = waiting(listener) {
                return waiting;
            }
            // Whoever comes now is refused, and asks another server.
            self.listener = None;
            tokio::time::sleep(READING).await;
            self.left.cancel();
        }
        std::future::pending().await
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.address)
    }
}

/// One that waits, by what the system itself says now: what the runtime knows of it may be a moment old.
fn waiting(listener: &TcpListener) -> Option<(TcpStream, SocketAddr)> {
    let copy = std::net::TcpListener::from(listener.as_fd().try_clone_to_owned().ok()?);
    // It waits for nobody: the runtime has made it so.
    let (stream, address) = copy.accept().ok()?;
    stream.set_nonblocking(true).ok()?;
    Some((TcpStream::from_std(stream).ok()?, address))
}

/// A server that leaves closes each connection with the answer to what came over it, and says so: whoever keeps
/// connections then sends nothing over one that is just being closed.
pub async fn closing(State(leaving): State<CancellationToken>, request: Request, next: Next) -> Response {
    let knows_it = request.version() == Version::HTTP_11;
    let mut response = next.run(request).await;
    if knows_it && leaving.is_cancelled() && response.status() != StatusCode::SWITCHING_PROTOCOLS {
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    response
}
