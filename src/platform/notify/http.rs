//! Calls to addresses that users set: only to the internet at large, unless the operator allows more; no redirects, no
//! proxy, bounded in time and size.

use std::{error::Error as StdError, net::IpAddr, time::Duration};

use reqwest::{
    Client, Url,
    dns::{Addrs, Name, Resolve, Resolving},
    header::{CONTENT_TYPE, LOCATION},
    redirect::Policy,
};
use tokio::sync::OnceCell;

use super::{Failure, addresses::is_public};

const TIMEOUT: Duration = Duration::from_secs(10);
/// Of an answer; robots' are some hundred bytes.
const MAX_ANSWER_BYTES: usize = 16 * 1024;
const REFUSED: &str = "the address belongs to the server's own network, which notify.allow_private forbids";

/// What was answered with a 2xx.
pub(super) struct Answer {
    pub(super) status: u16,
    /// Its beginning.
    pub(super) body: Vec<u8>,
}

#[derive(Debug)]
pub(super) struct Http {
    allow_private: bool,
    /// Made when it is first needed: it reads the system's certificates.
    client: OnceCell<Client>,
}

impl Http {
    pub(super) fn new(allow_private: bool) -> Self {
        // The process has one provider of cryptography; whoever is first sets it.
        let _ = rustls::crypto::ring::default_provider().install_default();
        Self { allow_private, client: OnceCell::new() }
    }

    pub(super) async fn post(
        &self,
        url: &str,
        headers: &[(&'static str, String)],
        body: String,
    ) -> Result<Answer, Failure> {
        let url = Url::parse(url).map_err(|error| Failure::for_good(format!("no address: {error}")))?;
        self.check(&url)?;
        let client = self.client.get_or_try_init(async || self.make_client()).await?;
        let mut request = client.post(url).header(CONTENT_TYPE, "application/json").body(body);
        for (name, value) in headers {
            request = request.header(*name, value);
        }
        let mut response = request.send().await.map_err(failure)?;
        let status = response.status();
        if status.is_redirection() {
            let to = response.headers().get(LOCATION).and_then(|location| location.to_str().ok()).and_then(origin);
            let to = to.map(|to| format!(" to {to}")).unwrap_or_default();
            let reason = format!("answered {}: a redirect{to}, which is not followed", status.as_u16());
            return Err(Failure::passing(Some(status.as_u16()), reason));
        }
        let mut start = Vec::new();
        while start.len() < MAX_ANSWER_BYTES
            && let Some(piece) = response.chunk().await.map_err(failure)?
        {
            start.extend_from_slice(&piece[..piece.len().min(MAX_ANSWER_BYTES - start.len())]);
        }
        if !status.is_success() {
            return Err(Failure::passing(Some(status.as_u16()), format!("answered {status}")));
        }
        Ok(Answer { status: status.as_u16(), body: start })
    }

    /// An address that is written as a number: it is not asked for, so [`Checked`] does not see it. The parser has
    /// brought its odd forms (`0x7f.1`, `2130706433`) to the usual one.
    fn check(&self, url: &Url) -> Result<(), Failure> {
        let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
        match host.parse::<IpAddr>() {
            Ok(address) if !self.allow_private && !is_public(address) => Err(Failure::for_good(REFUSED)),
            _ => Ok(()),
        }
    }

    fn make_client(&self) -> Result<Client, Failure> {
        Client::builder()
            .user_agent("CrawlHub")
            .timeout(TIMEOUT)
            .redirect(Policy::none())
            .no_proxy()
            .referer(false)
            .pool_max_idle_per_host(0)
            .dns_resolver(Checked { allow_private: self.allow_private })
            .build()
            .map_err(|error| Failure::passing(None, format!("this server cannot make calls: {}", chain(&error))))
    }
}

/// Resolves names, and keeps to itself what must not be called. The connection goes to the very addresses that were
/// looked at.
struct Checked {
    allow_private: bool,
}

#[derive(Debug, thiserror::Error)]
#[error("{REFUSED}")]
struct Refused;

impl Resolve for Checked {
    fn resolve(&self, name: Name) -> Resolving {
        let allow_private = self.allow_private;
        Box::pin(async move {
            let found: Vec<_> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            if found.is_empty() {
                return Err("the name has no address".into());
            }
            let open: Vec<_> = found.into_iter().filter(|address| allow_private || is_public(address.ip())).collect();
            if open.is_empty() {
                return Err(Refused.into());
            }
            Ok(Box::new(open.into_iter()) as Addrs)
        })
    }
}

/// Scheme and host: the rest of an address may be secret.
fn origin(location: &str) -> Option<String> {
    let url = Url::parse(location).ok()?;
    Some(format!("{}://{}", url.scheme(), url.host_str()?))
}

fn failure(error: reqwest::Error) -> Failure {
    let error = error.without_url();
    let mut source: Option<&dyn StdError> = Some(&error);
    while let Some(inner) = source {
        if inner.is::<Refused>() {
            return Failure::for_good(REFUSED);
        }
        source = inner.source();
    }
    if error.is_timeout() {
        return Failure::unreachable(format!("no answer within {} seconds", TIMEOUT.as_secs()));
    }
    let reason = chain(&error);
    if error.is_connect() { Failure::unreachable(reason) } else { Failure::passing(None, reason) }
}

/// What went wrong, and why, and why that.
fn chain(error: &reqwest::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        text = format!("{text}: {inner}");
        source = inner.source();
    }
    text
}
