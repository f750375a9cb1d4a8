//! Whether a proxy answers.

use std::{
    error::Error as StdError,
    net::{IpAddr, SocketAddr},
    time::{Duration, Instant},
};

use reqwest::{Client, Proxy, StatusCode, redirect::Policy};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use super::{Protocol, ProxyAddress};
use crate::platform::notify::addresses::{is_metadata, is_public};

const TIMEOUT: Duration = Duration::from_secs(10);
/// Asked for where no other address is set: a name that there is never to be. What the proxy says to it shows that it is
/// one and takes our credentials, and reaches nobody else.
const NOBODY: &str = "http://crawlhub.invalid/";

#[derive(Debug)]
pub struct Prober {
    /// What is asked for through a proxy; empty: nothing outside.
    check_url: String,
    /// Whether proxies may stand in this machine's or its network's own address ranges.
    allow_private: bool,
}

impl Prober {
    pub fn new(check_url: String, allow_private: bool) -> Self {
        // The process has one provider of cryptography; whoever is first sets it.
        let _ = rustls::crypto::ring::default_provider().install_default();
        Self { check_url, allow_private }
    }

    /// How long it took to answer, or why it did not: a sentence without credentials.
    pub async fn probe(&self, proxy: &ProxyAddress) -> Result<Duration, String> {
        let began = Instant::now();
        let probed = tokio::time::timeout(TIMEOUT, self.ask(proxy)).await;
        probed.unwrap_or_else(|_| Err(format!("no answer within {} seconds", TIMEOUT.as_secs())))?;
        Ok(began.elapsed())
    }

    async fn ask(&self, proxy: &ProxyAddress) -> Result<(), String> {
        let addresses = self.resolve(proxy).await?;
        if !self.check_url.is_empty() {
            let status = request(proxy, &addresses, &self.check_url).await?;
            let is_fine = status.is_success() || status.is_redirection();
            return if is_fine { Ok(()) } else { Err(format!("answered {status}")) };
        }
        if proxy.protocol == Protocol::Socks5 {
            return greet(proxy, &addresses).await;
        }
        let status = request(proxy, &addresses, NOBODY).await?;
        if status == StatusCode::PROXY_AUTHENTICATION_REQUIRED { Err(format!("answered {status}")) } else { Ok(()) }
    }

    async fn resolve(&self, proxy: &ProxyAddress) -> Result<Vec<SocketAddr>, String> {
        let found = tokio::net::lookup_host((proxy.host.as_str(), proxy.port)).await;
        let found: Vec<SocketAddr> = found.map_err(|error| error.to_string())?.collect();
        let may = |ip: IpAddr| !is_metadata(ip) && (self.allow_private || is_public(ip));
        let open: Vec<SocketAddr> = found.into_iter().filter(|address| may(address.ip())).collect();
        if open.is_empty() {
            return Err(
                "it has no address, or one that proxies.allow_private forbids, or that of a cloud's own services"
                    .to_owned(),
            );
        }
        Ok(open)
    }
}

/// The status of what comes through the proxy, or from it.
async fn request(proxy: &ProxyAddress, addresses: &[SocketAddr], url: &str) -> Result<StatusCode, String> {
    let bare = match proxy.protocol {
        // Names are for the proxy to resolve.
        Protocol::Socks5 => proxy.url().replacen("socks5://", "socks5h://", 1),
        Protocol::Http | Protocol::Https => proxy.url(),
    };
    let through = Proxy::all(bare).map_err(|_| "not an address that can be used".to_owned())?;
    let mut client = Client::builder()
        .user_agent("CrawlHub")
        .redirect(Policy::none())
        .proxy(through)
        .pool_max_idle_per_host(0)
        .resolve_to_addrs(&proxy.host, addresses);
    if proxy.protocol != Protocol::Https && !url.starts_with("https:") {
        // The system's certificates take long to read, and nobody shows one.
        client = client.tls_certs_only([]);
    }
    let client = client.build().map_err(|error| reason(&error))?;
    let answer = client.get(url).send().await.map_err(|error| reason(&error.without_url()))?;
    Ok(answer.status())
}

/// The beginning of SOCKS 5 (RFC 1928), with username and password (RFC 1929) where there are some.
async fn greet(proxy: &ProxyAddress, addresses: &[SocketAddr]) -> Result<(), String> {
    const VERSION: u8 = 5;
    const NONE: u8 = 0;
    const PASSWORD: u8 = 2;
    let said = |error: std::io::Error| error.to_string();
    let mut stream = TcpStream::connect(addresses).await.map_err(said)?;
    let method = if proxy.username.is_empty() { NONE } else { PASSWORD };
    stream.write_all(&[VERSION, 1, method]).await.map_err(said)?;
    let mut answer = [0; 2];
    stream.read_exact(&mut answer).await.map_err(said)?;
    if answer[0] != VERSION {
        return Err("answered something that is not SOCKS 5".to_owned());
    }
    if answer[1] != method {
        return Err("takes another kind of sign-in, or none of ours".to_owned());
    }
    if method == NONE {
        return Ok(());
    }
    let mut sign_in = vec![1];
    for word in [&proxy.username, &proxy.password] {
        sign_in.push(u8::try_from(word.len()).map_err(|_| "username or password is too long".to_owned())?);
        sign_in.extend(word.as_bytes());
    }
    stream.write_all(&sign_in).await.map_err(said)?;
    stream.read_exact(&mut answer).await.map_err(said)?;
    if answer[1] == 0 { Ok(()) } else { Err("refused username and password".to_owned()) }
}

/// What went wrong, and why, and why that.
fn reason(error: &reqwest::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        text = format!("{text}: {inner}");
        source = inner.source();
    }
    text
}
