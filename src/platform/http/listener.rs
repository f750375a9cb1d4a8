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
use tokio_util::{io::InspectReader, sync::CancellationToken, task::TaskTracker};

/// What connections get in which nobody has said anything yet: when a server ends, these are closed without an answer.
const READING: Duration = Duration::from_secs(1);

/// For those that are used all the time to hear that they are to be closed.
const HEARING: Duration = Duration::from_millis(200);

/// One that knows whether anything was read of it yet.
type Connection = InspectReader<TcpStream, Box<dyn FnMut(&[u8]) + Send>>;

/// Takes connections until `leave`, with those that wait at that moment. Once all that came is being answered, it says
/// `left`: only then may connections be closed.
#[derive(Debug)]
pub struct Entrance {
    listener: Option<TcpListener>,
    address: SocketAddr,
    leave: CancellationToken,
    left: CancellationToken,
    /// Connections of which nothing was read yet.
    silent: TaskTracker,
}

impl Entrance {
    pub fn new(listener: TcpListener, leave: CancellationToken, left: CancellationToken) -> io::Result<Self> {
        let address = listener.local_addr()?;
        Ok(Self { listener: Some(listener), address, leave, left, silent: TaskTracker::new() })
    }

    fn connection(&self, stream: TcpStream) -> Connection {
        let mut silent = Some(self.silent.token());
        InspectReader::new(stream, Box::new(move |_| drop(silent.take())))
    }
}

impl Listener for Entrance {
    type Io = Connection;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Connection, SocketAddr) {
        if let Some(listener) = &mut self.listener {
            let accepted = tokio::select! {
                accepted = Listener::accept(listener) => Some(accepted),
                // First those that wait: shutting it before them would break their requests off.
                () = self.leave.cancelled() => waiting(listener),
            };
            if let Some((stream, address)) = accepted {
                return (self.connection(stream), address);
            }
            // Whoever comes now is refused, and asks another server.
            self.listener = None;
            self.silent.close();
            let read = tokio::time::timeout(READING, self.silent.wait());
            let _ = tokio::join!(read, tokio::time::sleep(HEARING));
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
