//! A WebSocket as a browser or a program opens one.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde_json::Value;
use tokio::{net::TcpStream, time::timeout};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{Error, Message, client::IntoClientRequest, http::HeaderName},
};

const PATIENCE: Duration = Duration::from_secs(30);

pub struct Socket(WebSocketStream<MaybeTlsStream<TcpStream>>);

#[derive(Debug, PartialEq)]
pub enum Frame {
    Bytes(Vec<u8>),
    Json(Value),
    /// It is over.
    Closed,
}

impl Socket {
    /// `path` from the root of the server; else the status of the answer.
    pub async fn open(base: &str, path: &str, headers: &[(&str, &str)]) -> Result<Self, u16> {
        let mut request = format!("{}{path}", base.replacen("http", "ws", 1)).into_client_request().unwrap();
        for (name, value) in headers {
            request.headers_mut().append(name.parse::<HeaderName>().unwrap(), value.parse().unwrap());
        }
        match timeout(PATIENCE, connect_async(request)).await.unwrap() {
            Ok((socket, _)) => Ok(Self(socket)),
            Err(Error::Http(answer)) => Err(answer.status().as_u16()),
            Err(error) => panic!("{error}"),
        }
    }

    pub async fn send(&mut self, bytes: &[u8]) {
        self.0.send(Message::Binary(bytes.to_vec().into())).await.unwrap();
    }

    pub async fn say(&mut self, json: &Value) {
        self.0.send(Message::Text(json.to_string().into())).await.unwrap();
    }

    pub async fn next(&mut self) -> Frame {
        loop {
            match timeout(PATIENCE, self.0.next()).await.expect("nothing comes") {
                Some(Ok(Message::Binary(bytes))) => return Frame::Bytes(bytes.to_vec()),
                Some(Ok(Message::Text(text))) => return Frame::Json(serde_json::from_str(&text).unwrap()),
                Some(Ok(Message::Close(_)) | Err(_)) | None => return Frame::Closed,
                Some(Ok(_)) => {}
            }
        }
    }

    /// Types, and reads until what is shown holds `text`.
    pub async fn until(&mut self, typed: &str, text: &str) -> String {
        self.send(typed.as_bytes()).await;
        let mut shown = String::new();
        while !shown.contains(text) {
            match self.next().await {
                Frame::Bytes(bytes) => shown.push_str(&String::from_utf8_lossy(&bytes)),
                other => panic!("{other:?} in place of {text:?} after {shown:?}"),
            }
        }
        shown
    }

    /// Reads until it is over.
    pub async fn ended(&mut self) {
        while self.next().await != Frame::Closed {}
    }
}
