//! Calls of the server.

use std::{
    error::Error as _,
    path::PathBuf,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use anyhow::Context;
use rand::RngExt;
use reqwest::{RequestBuilder, Response, StatusCode};
use serde::{Deserialize, de::DeserializeOwned};

use super::settings::Settings;
use crate::protocol::TOKEN_HEADER;

/// Of a call that waits for nothing.
pub(super) const USUAL: Duration = Duration::from_secs(20);
/// Whoever was asked to wait and answers nothing so soon does not wait now.
pub(super) const EARLY: Duration = Duration::from_millis(500);
const CONNECT: Duration = Duration::from_secs(5);
/// The token's file is not read more often because of what others call.
const BETWEEN_READS: Duration = Duration::from_secs(1);

#[derive(Debug)]
pub(super) struct Server {
    http: reqwest::Client,
    base: String,
    token: Mutex<String>,
    token_file: Option<PathBuf>,
    /// When the file was last read.
    read_at: Mutex<Instant>,
}

/// Why a call brought nothing.
#[derive(Debug)]
pub(super) enum Trouble {
    /// It may go better a little later.
    Away(String),
    /// The server has answered that it cannot: by a fault of its own, or because something that it needs is away.
    Failing { is_fault: bool, said: String },
    /// The server has understood it, and said no.
    Refused { code: String, said: String },
}

impl std::fmt::Display for Trouble {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Away(why) => write!(formatter, "the server cannot be reached: {why}"),
            Self::Failing { said, .. } => write!(formatter, "the server cannot do it: {said}"),
            Self::Refused { said, .. } => write!(formatter, "the server refuses: {said}"),
        }
    }
}

impl Trouble {
    /// The attempt is not this node's any more.
    pub(super) fn is_lost(&self) -> bool {
        matches!(self, Self::Refused { code, .. } if code == "claim_lost" || code == "task_not_running")
    }

    /// Whether the same call may go well later: also when somebody has set the token right.
    pub(super) fn is_passing(&self) -> bool {
        match self {
            Self::Away(_) | Self::Failing { .. } => true,
            Self::Refused { code, .. } => code == "agent_token_needed" || code == "agent_incompatible",
        }
    }
}

#[derive(Deserialize)]
struct Answer<T> {
    data: Option<T>,
}

#[derive(Deserialize)]
struct Refusal {
    msg: String,
    data: Code,
}

#[derive(Deserialize)]
struct Code {
    error: String,
}

impl Server {
    pub(super) fn new(settings: &Settings) -> anyhow::Result<Self> {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder()
            .user_agent("CrawlHub worker")
            .connect_timeout(CONNECT)
            // A link that was cut leaves connections behind on which nothing arrives.
            .pool_idle_timeout(Duration::from_mins(1))
            .tcp_nodelay(true)
            .redirect(reqwest::redirect::Policy::none())
            .build()?;
        let token = match &settings.token_file {
            Some(file) if settings.token.is_empty() => {
                std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?
            }
            _ => settings.token.reveal().to_owned(),
        };
        Ok(Self {
            http,
            base: format!("{}/platform/api", settings.master),
            token: Mutex::new(token.trim().to_owned()),
            token_file: settings.token_file.clone(),
            read_at: Mutex::new(Instant::now()),
        })
    }

    /// Where spiders reach the server, their tasks' token in the address.
    pub(super) fn api_url(&self, task_token: &str) -> String {
        format!("{}/_t/{task_token}", self.base)
    }

    /// Whether it is the node's token, also where the file has another one by now: whoever calls may have heard of a
    /// rotation first.
    pub(super) async fn is_token(&self, given: &str) -> bool {
        if self.is_present_token(given) {
            return true;
        }
        if self.token_file.is_none() || !self.may_read() {
            return false;
        }
        self.read_token_again().await;
        self.is_present_token(given)
    }

    /// Whoever guesses does not keep the disk busy.
    fn may_read(&self) -> bool {
        let mut read_at = self.read_at.lock().unwrap_or_else(PoisonError::into_inner);
        let is_due = read_at.elapsed() >= BETWEEN_READS;
        if is_due {
            *read_at = Instant::now();
        }
        is_due
    }

    /// Takes as long whatever differs.
    fn is_present_token(&self, given: &str) -> bool {
        use subtle::ConstantTimeEq;
        let hash = crate::platform::secrets::token_hash;
        bool::from(hash(given).as_bytes().ct_eq(hash(&self.token()).as_bytes()))
    }

    fn token(&self) -> String {
        self.token.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// `path` below `/internal`, with the node's token. None where the answer is only a sentence.
    pub(super) async fn call<T: DeserializeOwned>(
        &self,
        path: &str,
        body: Vec<u8>,
        patience: Duration,
    ) -> Result<Option<T>, Trouble> {
        let request = self.http.post(format!("{}/crawlhub/internal{path}", self.base)).timeout(patience);
        let request = request.header(TOKEN_HEADER, self.token()).header("content-type", "application/json").body(body);
        let answered = send(request).await;
        if matches!(&answered, Err(Trouble::Refused { code, .. }) if code == "agent_token_needed") {
            self.read_token_again().await;
        }
        let text = answered?.bytes().await.map_err(|error| away(&error))?;
        let answer: Answer<T> = serde_json::from_slice(&text)
            .map_err(|error| Trouble::Away(format!("its answer is not understood: {error}")))?;
        Ok(answer.data)
    }

    /// A file of a running task's code, with the task's token.
    pub(super) async fn blob(&self, task_token: &str, hash: &str) -> Result<Response, Trouble> {
        let url = format!("{}/crawlhub/internal/blobs/{hash}", self.base);
        send(self.http.get(url).bearer_auth(task_token).timeout(Duration::from_mins(2))).await
    }

    /// It may have been rotated.
    async fn read_token_again(&self) {
        let Some(file) = &self.token_file else { return };
        match tokio::fs::read_to_string(file).await {
            Ok(text) => text.trim().clone_into(&mut self.token.lock().unwrap_or_else(PoisonError::into_inner)),
            Err(error) => tracing::warn!(file = %file.display(), %error, "the file of the token cannot be read"),
        }
    }
}

async fn send(request: RequestBuilder) -> Result<Response, Trouble> {
    let answer = request.header("accept-language", "en").send().await.map_err(|error| away(&error))?;
    let status = answer.status();
    if status.is_success() {
        return Ok(answer);
    }
    let passing = status.is_server_error()
        || [StatusCode::REQUEST_TIMEOUT, StatusCode::TOO_MANY_REQUESTS].contains(&status)
        || status.is_redirection();
    let text = answer.text().await.map_err(|error| away(&error))?;
    match serde_json::from_str::<Refusal>(&text) {
        Ok(Refusal { msg, data }) if !passing => Err(Trouble::Refused { code: data.error, said: msg }),
        Ok(Refusal { msg, .. }) if status.is_server_error() => {
            Err(Trouble::Failing { is_fault: status == StatusCode::INTERNAL_SERVER_ERROR, said: msg })
        }
        Ok(Refusal { msg, .. }) => Err(Trouble::Away(msg)),
        // A proxy before it takes no more than that, however often it is asked.
        Err(_) if status == StatusCode::PAYLOAD_TOO_LARGE => {
            let said = "a proxy before the server refused the body as too large (413)".to_owned();
            Err(Trouble::Refused { code: "body_too_large".to_owned(), said })
        }
        // Not ours: a proxy before it, or something else at its address.
        Err(_) => Err(Trouble::Away(format!("answered {status}"))),
    }
}

/// What went wrong, and why, without the address.
fn away(error: &reqwest::Error) -> Trouble {
    if error.is_timeout() {
        return Trouble::Away("no answer in time".to_owned());
    }
    let mut source = error.source();
    let mut text = "the call failed".to_owned();
    while let Some(inner) = source {
        text = inner.to_string();
        source = inner.source();
    }
    Trouble::Away(text)
}

/// Longer and longer pauses between calls that fail, never the same for two agents.
#[derive(Debug)]
pub(super) struct Pauses {
    next: Duration,
    longest: Duration,
    begun: Instant,
}

impl Pauses {
    pub(super) fn up_to(longest: Duration) -> Self {
        Self { next: Self::FIRST, longest, begun: Instant::now() }
    }

    /// Since when there were only pauses.
    pub(super) fn last(&self) -> Duration {
        self.begun.elapsed()
    }

    const FIRST: Duration = Duration::from_millis(200);

    pub(super) fn reset(&mut self) {
        (self.next, self.begun) = (Self::FIRST, Instant::now());
    }

    pub(super) async fn pause(&mut self) {
        let full = self.next.min(self.longest);
        self.next = (full * 2).min(self.longest);
        let part = rand::rng().random_range(0.7..1.0);
        tokio::time::sleep(full.mul_f64(part)).await;
    }
}

#[cfg(test)]
mod tests {
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpListener,
    };

    use super::*;
    use crate::config::{Config, Sources};

    /// A server at which everything is answered by this.
    async fn server(answer: &'static str, more: &[(&str, &str)]) -> (Server, tempfile::TempDir) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let storage = tempfile::tempdir().unwrap();
        let own = [
            ("AGENT_NODE_NAME", "one".to_owned()),
            ("AGENT_MASTER_URL", format!("http://{}", listener.local_addr().unwrap())),
            ("AGENT_STORAGE_PATH", storage.path().to_str().unwrap().to_owned()),
        ];
        let more = more.iter().map(|(name, value)| (*name, (*value).to_owned()));
        let given = own.into_iter().chain(more).map(|(name, value)| (name.to_owned(), value));
        let settings = Settings::of(&Config::load(&Sources::new(None, given)).unwrap()).unwrap();
        tokio_util::task::TaskTracker::new().spawn(async move {
            while let Ok((mut socket, _)) = listener.accept().await {
                let mut request = [0; 4096];
                let _ = socket.read(&mut request).await;
                let _ = socket.write_all(answer.as_bytes()).await;
            }
        });
        (Server::new(&settings).unwrap(), storage)
    }

    #[tokio::test]
    async fn what_is_answered_says_whether_to_ask_again() {
        let said = async |answer| {
            let (server, _storage) = server(answer, &[("AGENT_TOKEN", "x")]).await;
            server.call::<()>("/nodes/told", b"{}".to_vec(), USUAL).await.unwrap_err()
        };
        let fault = "HTTP/1.1 500 Internal Server Error\r\nconnection: close\r\n\r\n\
                     {\"code\": 500, \"msg\": \"internal error\", \"data\": {\"error\": \"internal\"}}";
        assert!(matches!(said(fault).await, Trouble::Failing { is_fault: true, .. }));
        let away = "HTTP/1.1 503 Service Unavailable\r\nconnection: close\r\n\r\n\
                    {\"code\": 503, \"msg\": \"files is unavailable\", \"data\": {\"error\": \"unavailable\"}}";
        assert!(matches!(said(away).await, Trouble::Failing { is_fault: false, .. }));
        let proxy = said("HTTP/1.1 413 Too Large\r\nconnection: close\r\n\r\n<html><h1>413</h1></html>").await;
        assert!(!proxy.is_passing() && !proxy.is_lost(), "{proxy}");
        let proxy = said("HTTP/1.1 502 Bad Gateway\r\nconnection: close\r\n\r\n<html></html>").await;
        assert!(matches!(proxy, Trouble::Away(_)), "{proxy}");
    }

    #[tokio::test]
    async fn a_rotated_token_is_known_by_the_first_who_comes_with_it() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "former\n").unwrap();
        let (server, _storage) = server("", &[("AGENT_TOKEN_FILE", file.path().to_str().unwrap())]).await;
        std::fs::write(file.path(), "rotated\n").unwrap();
        let give_up = Instant::now() + Duration::from_secs(30);
        while !server.is_token("rotated").await {
            assert!(Instant::now() < give_up);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        assert!(!server.is_token("former").await && !server.is_token("").await);
    }
}
