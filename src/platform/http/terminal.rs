//! A terminal over a WebSocket. Binary frames are bytes, both ways; a text frame is JSON: `{"resize":{"cols","rows"}}` from
//! the browser, `{"exit":{"code"}}` to it, once, at the end of the command. Neither side gets more than the other takes.

use std::time::Duration;

use axum::extract::ws::{CloseFrame, Message, Utf8Bytes, WebSocket, WebSocketUpgrade, close_code};
use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use serde::Deserialize;
use serde_json::json;
use tokio::{
    io::AsyncWriteExt,
    time::{interval, timeout},
};
use tokio_util::sync::CancellationToken;

use crate::platform::containers::{ContainerId, Containers, Output, Piece, Running, Size, Terminal};

/// Lest somebody in between takes the connection for dead.
const PING_EVERY: Duration = Duration::from_secs(20);
/// Whoever answers no ping for so long, reads nothing for so long, or runs what reads nothing of what was typed, is gone.
const SILENCE: Duration = Duration::from_mins(1);
const FAREWELL: Duration = Duration::from_secs(1);
/// The largest frame that is taken: what somebody pastes.
const MOST: usize = 1024 * 1024;
/// What may wait to be sent before nothing more is read of the terminal.
const WAITING: usize = 128 * 1024;

/// Why it is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Parting {
    /// The command ended; what it left behind may run on.
    Ended,
    /// The browser is gone, and the command may run on.
    Left,
    /// It was ended from this side; the command may run on.
    Closed,
}

#[derive(Deserialize)]
struct Said {
    resize: Resize,
}

#[derive(Deserialize)]
struct Resize {
    cols: u16,
    rows: u16,
}

/// An upgrade with bounds that fit.
pub fn for_terminal(upgrade: WebSocketUpgrade) -> WebSocketUpgrade {
    upgrade.max_message_size(MOST).max_frame_size(MOST).write_buffer_size(0).max_write_buffer_size(WAITING)
}

/// Carries both ways until either side is done, or `end` comes. The terminal is one in that container; `typed` is called
/// whenever something is typed.
pub async fn carry_terminal(
    socket: WebSocket,
    terminal: Terminal,
    (containers, container): (&Containers, &ContainerId),
    end: &CancellationToken,
    typed: impl Fn(),
) -> Parting {
    let (mut to_browser, mut from_browser) = socket.split();
    let Terminal { id, output, mut input, exit } = terminal;
    let mut pieces = Running { output: output.map(|piece| piece.map(Output::Stdout)).boxed(), exit }.pieces();
    let inward = async {
        while let Ok(Some(Ok(message))) = timeout(SILENCE, from_browser.next()).await {
            match message {
                Message::Binary(bytes) => {
                    typed();
                    let taken = async {
                        input.write_all(&bytes).await?;
                        input.flush().await
                    };
                    if !matches!(timeout(SILENCE, taken).await, Ok(Ok(()))) {
                        break;
                    }
                }
                Message::Text(text) => {
                    // What is said in other words is for somebody else.
                    if let Ok(Said { resize: Resize { cols, rows } }) = serde_json::from_str(&text) {
                        let size = Size { columns: cols.clamp(1, 1000), rows: rows.clamp(1, 1000) };
                        if let Err(error) = containers.resize(container, &id, size).await {
                            tracing::debug!(%container, "a terminal keeps its size: {error}");
                        }
                    }
                }
                Message::Ping(_) | Message::Pong(_) => {}
                Message::Close(_) => break,
            }
        }
        Parting::Left
    };
    let outward = async {
        let mut pings = interval(PING_EVERY);
        pings.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            let message = tokio::select! {
                piece = pieces.next() => match piece {
                    Some(Ok(Piece::Stdout(bytes) | Piece::Stderr(bytes))) => Message::Binary(bytes),
                    Some(Ok(Piece::Silent)) => continue,
                    Some(Ok(Piece::Ended(code))) => {
                        let said = json!({"exit": {"code": code}}).to_string();
                        let _ = to_browser.send(Message::Text(said.into())).await;
                        return Parting::Ended;
                    }
                    Some(Err(_)) | None => return Parting::Ended,
                },
                _ = pings.tick() => Message::Ping(Bytes::new()),
            };
            if !matches!(timeout(SILENCE, to_browser.send(message)).await, Ok(Ok(()))) {
                return Parting::Left;
            }
        }
    };
    let parting = tokio::select! {
        parting = inward => parting,
        parting = outward => parting,
        () = end.cancelled() => Parting::Closed,
    };
    let code = if parting == Parting::Closed { close_code::AWAY } else { close_code::NORMAL };
    let farewell = Message::Close(Some(CloseFrame { code, reason: Utf8Bytes::from_static("") }));
    let _ = timeout(FAREWELL, to_browser.send(farewell)).await;
    parting
}
