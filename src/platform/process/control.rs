//! The supervisor's end of the control socket: blocking for the first line, then only as far as there is input.

use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use super::protocol::{News, Order};

pub(super) struct Control {
    socket: UnixStream,
    pending: Vec<u8>,
    closed: bool,
}

impl Control {
    /// The socket that the server gave us as standard input.
    pub(super) fn open() -> io::Result<Self> {
        // The copy is closed on exec, and the child gets /dev/null as its own standard input.
        let socket = UnixStream::from(io::stdin().as_fd().try_clone_to_owned()?);
        // A server that stands still must not hold up the supervision.
        socket.set_write_timeout(Some(Duration::from_secs(1)))?;
        Ok(Self { socket, pending: Vec::new(), closed: false })
    }

    /// Waits for one order; `None` when the server is gone.
    pub(super) fn wait(&mut self) -> Option<Order> {
        loop {
            if let Some(order) = self.take() {
                return Some(order);
            }
            if self.closed {
                return None;
            }
            self.read();
        }
    }

    /// To be called when the socket is readable: it reads once.
    pub(super) fn read(&mut self) {
        let mut buffer = [0; 16 * 1024];
        match self.socket.read(&mut buffer) {
            Ok(0) => self.closed = true,
            Ok(length) => self.pending.extend_from_slice(&buffer[..length]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(_) => self.closed = true,
        }
    }

    /// The next order that has arrived as a whole.
    pub(super) fn take(&mut self) -> Option<Order> {
        while let Some(end) = self.pending.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = self.pending.drain(..=end).collect();
            if let Ok(order) = serde_json::from_slice(&line) {
                return Some(order);
            }
        }
        None
    }

    pub(super) fn is_closed(&self) -> bool {
        self.closed
    }

    /// Nobody is left to hear of a failure.
    pub(super) fn send(&mut self, news: &News) {
        if let Ok(mut line) = serde_json::to_vec(news) {
            line.push(b'\n');
            let _ = self.socket.write_all(&line);
        }
    }

    pub(super) fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}
