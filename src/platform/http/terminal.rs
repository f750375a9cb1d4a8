//! A terminal over a WebSocket. Binary frames are bytes, both ways; a text frame is JSON: `{"resize":{"cols","rows"}}` from
//! the browser, `{"exit":{"code"}}` to it, once, at the end of the command. Neither side gets more than the other takes.

use std::time::Duration;

use axum::{
    extract::ws::{
        CloseFrame, Message, Utf8Bytes, WebSocket, WebSocketUpgrade, close_code, rejection::WebSocketUpgradeRejection,
    },
    http::{HeaderMap, header},
};
use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use serde::Deserialize;
use serde_json::json;
use tokio::{
    io::AsyncWriteExt,
    time::{interval, timeout},
};
use tokio_util::sync::CancellationToken;
use utoipa::IntoParams;

use super::is_own_page;
use crate::{
    error::{Error, Result},
    platform::containers::{ContainerId, Containers, Exec, Mark, Output, Piece, Running, Size, Terminal},
    text,
};

/// Lest somebody in between takes the connection for dead.
const PING_EVERY: Duration = Duration::from_secs(20);
/// Whoever answers no ping for so long, reads nothing for so long, or runs what reads nothing of what was typed, is gone.
const SILENCE: Duration = Duration::from_mins(1);
const FAREWELL: Duration = Duration::from_secs(1);
/// The largest frame that is taken: what somebody pastes.
const MOST: usize = 1024 * 1024;
/// What may wait to be sent before nothing more is read of the terminal.
const WAITING: usize = 128 * 1024;
/// Of lines, and of characters in one.
const LARGEST: u16 = 1000;

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

/// How large the terminal is that somebody asks for.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct TerminalParams {
    /// Of characters in a line; 80 where left out.
    cols: Option<u16>,
    /// Of lines; 24 where left out.
    rows: Option<u16>,
}

impl TerminalParams {
    pub fn size(&self) -> Size {
        bounded(self.cols.unwrap_or(80), self.rows.unwrap_or(24))
    }
}

fn bounded(cols: u16, rows: u16) -> Size {
    Size { columns: cols.clamp(1, LARGEST), rows: rows.clamp(1, LARGEST) }
}

/// The shell that a container has.
pub fn shell(mark: Mark) -> Exec {
    let env = vec![("TERM".to_owned(), "xterm-256color".to_owned())];
    Exec { env, mark: Some(mark), ..Exec::new(["sh", "-c", "command -v bash >/dev/null && exec bash; exec sh"]) }
}

/// The socket that a program or one of our own pages asks for, with bounds that fit.
pub fn accept_terminal(
    headers: &HeaderMap,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<WebSocketUpgrade> {
    // Cookies come along from any page; what a page may not set does not.
    if !headers.contains_key(header::AUTHORIZATION) && !is_own_page(headers) {
        let text = text!("不允许其他网站的页面打开终端", "pages of other sites open no terminals here");
        return Err(Error::forbidden("foreign_origin", text));
    }
    let not_one = |_| Error::bad_request("not_a_websocket", text!("须为 WebSocket 请求", "ask for a WebSocket"));
    let upgrade = upgrade.map_err(not_one)?;
    Ok(upgrade.max_message_size(MOST).max_frame_size(MOST).write_buffer_size(0).max_write_buffer_size(WAITING))
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
                        let size = bounded(cols, rows);
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
