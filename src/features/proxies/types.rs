use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use sqlx::FromRow;
use utoipa::{IntoParams, ToSchema};

use crate::{
    error::{Checks, Detail, Error, Result},
    id::ProxyId,
    platform::{
        database::word_enum,
        http::sent,
        proxies::{Protocol, ProxyAddress},
    },
    text,
};

/// Of one batch.
pub(super) const MOST: usize = 1000;
/// Failures in a row after which a proxy is inactive, until a check finds it well.
pub(super) const MOST_FAILURES: i64 = 3;
/// Of a proxy of which nothing is known yet.
pub(super) const NEUTRAL: f64 = 0.8;
/// Below it a proxy is inactive, until checks find it well again.
pub(super) const LEAST_RATE: f64 = 0.5;
/// How much of the success rate the last outcome makes.
pub(super) const WEIGHT_OF_LAST: f64 = 0.2;

word_enum! {
    /// `inactive`: somebody took it out of use, or it failed three times in a row or more often than not; `cooldown`: a
    /// spider found it failing a short time ago.
    pub enum ProxyStatus {
        Active = "active",
        Inactive = "inactive",
        Cooldown = "cooldown",
    }
}

#[derive(Debug, Clone, Serialize, FromRow, ToSchema)]
pub struct Proxy {
    pub id: ProxyId,
    pub protocol: Protocol,
    pub host: String,
    #[schema(minimum = 1, maximum = 65535)]
    pub port: i64,
    /// Null: it asks for none.
    #[serde(serialize_with = "empty_as_null")]
    #[schema(value_type = Option<String>)]
    pub username: String,
    /// Always null: it is never answered.
    #[sqlx(skip)]
    pub password: Option<String>,
    pub has_password: bool,
    pub status: ProxyStatus,
    /// From 0 to 1, a moving average of what spiders and checks found; 0.8 at first, and not used below 0.5.
    pub success_rate: f64,
    /// Failures in a row.
    pub fail_count: i64,
    pub cooldown_until: Option<DateTime<Utc>>,
    /// When a spider was given it.
    pub last_used_at: Option<DateTime<Utc>>,
    pub last_check_at: Option<DateTime<Utc>>,
    /// Why the last check failed; null where it did not.
    pub last_error: Option<String>,
    /// Of the last check that went well, in milliseconds.
    pub latency_ms: Option<i64>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

fn empty_as_null<S: serde::Serializer>(text: &String, serializer: S) -> std::result::Result<S::Ok, S::Error> {
    if text.is_empty() { serializer.serialize_none() } else { serializer.serialize_some(text) }
}

/// What it takes to reach a proxy, as it is kept.
#[derive(Debug, Clone, FromRow)]
pub(super) struct Reach {
    pub id: ProxyId,
    pub protocol: Protocol,
    pub host: String,
    pub port: i64,
    pub username: String,
    #[sqlx(rename = "password")]
    pub sealed_password: Option<Vec<u8>>,
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ProxyFilter {
    #[param(value_type = Option<String>)]
    pub status: Option<ProxyStatus>,
    #[param(value_type = Option<String>)]
    pub protocol: Option<Protocol>,
}

#[derive(Debug, Clone, Deserialize, ToSchema)]
pub(super) struct ProxyNew {
    /// A name or an IP address.
    host: String,
    #[schema(minimum = 1, maximum = 65535)]
    port: i64,
    #[serde(default = "http")]
    protocol: Protocol,
    username: Option<String>,
    password: Option<String>,
}

fn http() -> Protocol {
    Protocol::Http
}

impl ProxyNew {
    /// Its address, where nothing is wrong with it.
    pub(super) fn read(self, loc: &str, checks: &mut Checks) -> ProxyAddress {
        let address = ProxyAddress::of(
            self.protocol,
            &self.host,
            // What is no port is said to be none by the check.
            u16::try_from(self.port).unwrap_or(0),
            self.username.unwrap_or_default(),
            self.password.unwrap_or_default(),
        );
        address.check(loc, checks);
        address
    }
}

/// Either a list, or a text of one address a line.
#[derive(Debug, Deserialize, ToSchema)]
pub(super) struct ProxyBatch {
    /// 1 to 1000, all of them or none.
    #[serde(default)]
    proxies: Vec<ProxyNew>,
    /// Lines as `http://user:password@host:port`, `host:port`, or `host:port:user:password`; empty ones and those that
    /// start with `#` are passed over.
    #[schema(example = "http://user:password@203.0.113.7:8080\nsocks5://203.0.113.8:1080")]
    text: Option<String>,
    /// Whether those that the pool has already are passed over, rather than refused.
    #[serde(default)]
    pub skip_existing: bool,
}

impl ProxyBatch {
    /// The addresses, each with where it stands.
    pub(super) fn read(self) -> Result<Vec<(String, ProxyAddress)>> {
        let mut found = Vec::new();
        let (mut checks, mut unreadable) = (Checks::default(), Vec::new());
        for (at, new) in self.proxies.into_iter().take(MOST + 1).enumerate() {
            let loc = format!("body.proxies.{at}");
            let address = new.read(&loc, &mut checks);
            found.push((loc, address));
        }
        let lines = self.text.as_deref().unwrap_or_default().lines().enumerate();
        let lines = lines.filter(|(_, line)| !line.trim().is_empty() && !line.trim().starts_with('#'));
        for (at, line) in lines.take(MOST + 1) {
            let loc = format!("body.text.{}", at + 1);
            match ProxyAddress::parse(line) {
                Ok(address) => {
                    address.check(&loc, &mut checks);
                    found.push((loc, address));
                }
                Err(text) => unreadable.push(Detail { loc, text, kind: "value_error" }),
            }
        }
        let count = found.len() + unreadable.len();
        if count == 0 {
            let text = text!("至少需要一个代理", "takes at least one proxy");
            return Err(Error::invalid("body.proxies", "missing", text));
        }
        if count > MOST {
            let text = text!("一次最多 {MOST} 个代理", "takes at most {MOST} proxies at once");
            return Err(Error::invalid("body.proxies", "too_long", text));
        }
        let mut details = match checks.finish() {
            Err(Error::Invalid(details)) => details,
            _ => Vec::new(),
        };
        details.extend(unreadable);
        if details.is_empty() { Ok(found) } else { Err(Error::Invalid(details)) }
    }
}

/// What a caller may set; a field left out stays as it is.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[expect(clippy::option_option, reason = "left out, null and a value are three things")]
pub(super) struct ProxyChange {
    host: Option<String>,
    port: Option<i64>,
    protocol: Option<Protocol>,
    /// Null or empty: none.
    #[serde(default, deserialize_with = "sent")]
    #[schema(value_type = Option<String>)]
    username: Option<Option<String>>,
    /// Left out or null: as it was; empty: none.
    password: Option<String>,
    /// `active` forgets failures; `inactive` takes it out of use until it is made active again.
    pub status: Option<ProxyStatus>,
}

impl ProxyChange {
    /// Whether the password stays as it was.
    pub(super) fn keeps_password(&self) -> bool {
        let has_username = self.username.as_ref().is_none_or(|name| name.as_ref().is_some_and(|name| !name.is_empty()));
        self.password.is_none() && has_username
    }

    /// The address as it is to be.
    pub(super) fn applied_to(self, former: ProxyAddress) -> Result<ProxyAddress> {
        let username = self.username.map_or(former.username, Option::unwrap_or_default);
        let kept = if username.is_empty() { String::new() } else { former.password };
        let address = ProxyAddress::of(
            self.protocol.unwrap_or(former.protocol),
            &self.host.unwrap_or(former.host),
            self.port.map_or(former.port, |port| u16::try_from(port).unwrap_or(0)),
            username,
            self.password.unwrap_or(kept),
        );
        let mut checks = Checks::default();
        address.check("body", &mut checks);
        checks.finish().map(|()| address)
    }
}

/// What became of a check.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Checked {
    pub ok: bool,
    /// Null where it did not answer.
    pub latency_ms: Option<i64>,
    /// Why it failed.
    pub error: Option<String>,
}
