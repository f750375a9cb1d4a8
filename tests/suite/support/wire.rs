//! HTTP to the letter, for what clients would put right.

use std::time::Duration;

use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

const PATIENCE: Duration = Duration::from_secs(30);

/// What came back.
#[derive(Debug)]
pub struct Said {
    pub status: u16,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    pub text: String,
}

impl Said {
    fn of_head(head: &str) -> Self {
        let mut lines = head.split("\r\n");
        let status =
            lines.next().unwrap().split(' ').nth(1).unwrap_or_else(|| panic!("no HTTP: {head}")).parse().unwrap();
        let headers = lines.filter_map(|line| line.split_once(':'));
        let headers = headers.map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned())).collect();
        Self { status, headers, text: String::new() }
    }

    /// All values of the header.
    pub fn all(&self, name: &str) -> Vec<&str> {
        self.headers.iter().filter(|(given, _)| given == name).map(|(_, value)| value.as_str()).collect()
    }

    /// The header's only value; empty where it is not there.
    pub fn header(&self, name: &str) -> &str {
        let all = self.all(name);
        assert!(all.len() < 2, "{name} is there more than once: {self:?}");
        all.first().copied().unwrap_or_default()
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("not JSON ({error}): {self:?}"))
    }

    /// The stable word of an error with this status.
    #[track_caller]
    pub fn error(&self, status: u16) -> String {
        assert_eq!(self.status, status, "{self:?}");
        self.json()["data"]["error"].as_str().unwrap().to_owned()
    }
}

/// Asks `base` for `path` as it stands. Without `host` among the headers it is that of `base`.
pub async fn ask(base: &str, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Said {
    let length = body.len().to_string();
    let own = [("Connection", "close"), ("Content-Length", &length)];
    let headers: Vec<_> = headers.iter().copied().chain(own).collect();
    let mut stream = request(base, method, path, &headers).await;
    let (mut reader, mut writer) = stream.split();
    let mut said = Vec::new();
    // Whoever refuses early hangs up early.
    let sent = async { drop(writer.write_all(body).await) };
    let read = async { drop(timeout(PATIENCE, reader.read_to_end(&mut said)).await.expect("an answer in time")) };
    tokio::join!(sent, read);
    let end = said.windows(4).position(|window| window == b"\r\n\r\n").unwrap_or_else(|| panic!("no answer to {path}"));
    let mut answer = Said::of_head(std::str::from_utf8(&said[..end]).unwrap());
    let body = &said[end + 4..];
    let whole = if answer.header("transfer-encoding") == "chunked" { joined(body) } else { body.to_vec() };
    answer.text = String::from_utf8_lossy(&whole).into_owned();
    answer
}

/// Asks for a WebSocket; with 101, what follows goes over the connection as it is.
pub async fn open_socket(base: &str, path: &str, headers: &[(&str, &str)]) -> (Said, TcpStream) {
    let own = [
        ("Connection", "keep-alive, Upgrade"),
        ("Upgrade", "websocket"),
        ("Sec-WebSocket-Version", "13"),
        ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
    ];
    let headers: Vec<_> = headers.iter().copied().chain(own).collect();
    let mut stream = request(base, "GET", path, &headers).await;
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(timeout(PATIENCE, stream.read_u8()).await.expect("an answer in time").expect("a whole head"));
    }
    (Said::of_head(std::str::from_utf8(&head).unwrap()), stream)
}

/// A connection over which the head of the request has been sent.
pub async fn request(base: &str, method: &str, path: &str, headers: &[(&str, &str)]) -> TcpStream {
    let address = base.strip_prefix("http://").unwrap();
    let mut lines = vec![format!("{method} {path} HTTP/1.1")];
    if !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("host")) {
        lines.push(format!("Host: {address}"));
    }
    lines.extend(headers.iter().map(|(name, value)| format!("{name}: {value}")));
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(format!("{}\r\n\r\n", lines.join("\r\n")).as_bytes()).await.unwrap();
    stream
}

/// Whether the other side has hung up, after whatever it still had to say.
pub async fn is_ended(stream: &mut TcpStream) -> bool {
    let mut rest = vec![0; 64 * 1024];
    let end = async {
        // A reset is an end.
        while stream.read(&mut rest).await.is_ok_and(|length| length > 0) {}
    };
    timeout(PATIENCE, end).await.is_ok()
}

/// The pieces of a chunked body put together; of one that breaks off, what is there.
fn joined(mut chunked: &[u8]) -> Vec<u8> {
    let mut whole = Vec::new();
    while let Some(line) = chunked.windows(2).position(|window| window == b"\r\n") {
        let length = usize::from_str_radix(std::str::from_utf8(&chunked[..line]).unwrap(), 16).unwrap();
        let rest = &chunked[line + 2..];
        whole.extend_from_slice(&rest[..length.min(rest.len())]);
        if length == 0 || rest.len() < length + 2 {
            break;
        }
        chunked = &rest[length + 2..];
    }
    whole
}
