//! Ports of this machine's loopback address, where containers are published.

use std::net::{Ipv4Addr, SocketAddr};

use tokio::net::TcpSocket;

/// Whether nothing listens at it.
///
/// The try is a socket that does not listen: a process that is forked meanwhile holds a copy until it becomes its program,
/// and one that listens would keep the port from the engine for so long.
pub fn is_unused(port: u16) -> bool {
    let tried = TcpSocket::new_v4().and_then(|socket| {
        socket.set_reuseaddr(true)?;
        socket.bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port)))
    });
    tried.is_ok()
}
