//! What stands outside and is told: a webhook's end, a mail server.

use std::sync::{Arc, Mutex};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode, Uri},
    response::{IntoResponse, Redirect, Response},
};
use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    sync::mpsc,
    time::timeout,
};

const PATIENCE: std::time::Duration = std::time::Duration::from_secs(30);

/// What a [`Receiver`] does with a call.
#[derive(Clone)]
pub enum Reaction {
    Answer(u16, &'static str),
    Redirect(&'static str),
    /// Never answers.
    Hang,
}

/// A call as it came.
#[derive(Debug)]
pub struct Call {
    pub uri: Uri,
    pub headers: HeaderMap,
    pub text: String,
}

impl Call {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap()
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).unwrap_or_else(|| panic!("no {name}: {:?}", self.headers)).to_str().unwrap()
    }
}

/// Stands where a webhook points to, on this machine.
pub struct Receiver {
    pub url: String,
    calls: mpsc::UnboundedReceiver<Call>,
    reaction: Arc<Mutex<Reaction>>,
}

#[derive(Clone)]
struct Inside {
    calls: mpsc::UnboundedSender<Call>,
    reaction: Arc<Mutex<Reaction>>,
}

impl Receiver {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        let (sender, calls) = mpsc::unbounded_channel();
        let reaction = Arc::new(Mutex::new(Reaction::Answer(200, "{}")));
        let inside = Inside { calls: sender, reaction: reaction.clone() };
        let router = Router::new().fallback(receive).with_state(inside);
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, calls, reaction }
    }

    pub fn react(&self, reaction: Reaction) {
        *self.reaction.lock().unwrap() = reaction;
    }

    /// Waits for the next call.
    pub async fn next(&mut self) -> Call {
        timeout(PATIENCE, self.calls.recv()).await.expect("nobody called").unwrap()
    }

    /// Whether there was no call that [`Self::next`] has not told of.
    pub fn is_quiet(&mut self) -> bool {
        self.calls.try_recv().is_err()
    }
}

async fn receive(State(inside): State<Inside>, uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
    let text = String::from_utf8(body.to_vec()).unwrap();
    let _ = inside.calls.send(Call { uri, headers, text });
    let reaction = inside.reaction.lock().unwrap().clone();
    match reaction {
        Reaction::Answer(status, text) => (StatusCode::from_u16(status).unwrap(), text).into_response(),
        Reaction::Redirect(to) => Redirect::temporary(to).into_response(),
        Reaction::Hang => std::future::pending().await,
    }
}

/// Takes mail, without TLS; refuses whom it is told to refuse.
pub struct MailServer {
    pub port: u16,
    mails: mpsc::UnboundedReceiver<String>,
}

impl MailServer {
    pub async fn start(refused: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (sender, mails) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                tokio::spawn(converse(socket, sender.clone(), refused));
            }
        });
        Self { port, mails }
    }

    /// The next mail: the commands before it, and its text.
    pub async fn next(&mut self) -> String {
        timeout(PATIENCE, self.mails.recv()).await.expect("no mail came").unwrap()
    }
}

async fn converse(socket: TcpStream, mails: mpsc::UnboundedSender<String>, refused: &str) -> std::io::Result<()> {
    let mut socket = BufReader::new(socket);
    socket.write_all(b"220 test\r\n").await?;
    let (mut mail, mut in_data) = (String::new(), false);
    loop {
        let mut line = String::new();
        if socket.read_line(&mut line).await? == 0 {
            return Ok(());
        }
        mail.push_str(&line);
        let answer = match line.trim_end() {
            "." if in_data => {
                in_data = false;
                let _ = mails.send(std::mem::take(&mut mail));
                "250 taken"
            }
            _ if in_data => continue,
            "DATA" => {
                in_data = true;
                "354 go on"
            }
            "QUIT" => "221 bye",
            line if line.starts_with("RCPT") && line.contains(refused) => "550 no such user here",
            _ => "250 ok",
        };
        socket.write_all(format!("{answer}\r\n").as_bytes()).await?;
    }
}
