//! Where a database is, how it is spoken to, and whether we may.

use std::{
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use serde_json::{Map, Value};
use tokio::net::{TcpStream, lookup_host};

use super::{CONNECT_PATIENCE, Failure, SinkKind, in_time};
use crate::{
    error::Checks,
    platform::{
        database::word_enum,
        notify::addresses::{is_metadata, is_public},
    },
    text,
};

/// Of several addresses of one name, until the next is tried.
const NEXT_ADDRESS: Duration = Duration::from_secs(3);
const LONGEST_OPTION: usize = 255;

/// A database, and who we are there.
#[derive(Clone)]
pub struct Address {
    pub kind: SinkKind,
    pub host: String,
    pub port: u16,
    /// Empty: none.
    pub username: String,
    pub password: Option<String>,
    pub database: String,
    pub options: Options,
}

impl std::fmt::Debug for Address {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}://{}:{}/{}", self.kind, self.host, self.port, self.database)
    }
}

word_enum! {
    pub enum Tls {
        /// Never.
        Disable = "disable",
        /// Where the server offers it, whoever that is. To MongoDB the same as never.
        Prefer = "prefer",
        /// Always, with whoever answers.
        Require = "require",
        /// Always, and with nobody but the one whose certificate names the host.
        Verify = "verify-full",
    }
}

/// What of `connection_options` there is.
#[derive(Debug, Clone)]
pub struct Options {
    pub tls: Tls,
    /// Of MongoDB: where the user is known.
    pub auth_source: Option<String>,
    /// Of MongoDB: the name of the set that the host has to be of. It is spoken to as it is, whoever else is.
    pub replica_set: Option<String>,
}

impl Options {
    /// What is wrong is said of `body.connection_options.…`; what is not known is refused, since it would have no effect.
    pub fn read(kind: SinkKind, given: &Map<String, Value>, checks: &mut Checks) -> Self {
        let mut options = Self { tls: Tls::Prefer, auth_source: None, replica_set: None };
        for (name, value) in given {
            let loc = format!("body.connection_options.{name}");
            match (name.as_str(), kind) {
                ("tls" | "sslmode" | "ssl_mode" | "ssl-mode" | "ssl", _) => match tls(value) {
                    Some(tls) => options.tls = tls,
                    None => checks.require(false, &loc, "value_error", || {
                        text!(
                            "须为 disable、prefer、require 或 verify-full",
                            "must be disable, prefer, require or verify-full"
                        )
                    }),
                },
                ("charset", SinkKind::Mysql) => {
                    let is_utf8 = value.as_str().is_some_and(|charset| charset.eq_ignore_ascii_case("utf8mb4"));
                    checks.require(is_utf8, &loc, "value_error", || {
                        text!("只支持 utf8mb4", "is utf8mb4: others do not hold every text")
                    });
                }
                ("authSource" | "auth_source", SinkKind::Mongodb) => {
                    options.auth_source = word(value, &loc, checks);
                }
                ("replicaSet" | "replica_set", SinkKind::Mongodb) => {
                    options.replica_set = word(value, &loc, checks);
                }
                _ => {
                    let text = || text!("未知的连接选项", "is no option that is known");
                    checks.require(false, &loc, "value_error", text);
                }
            }
        }
        options
    }
}

fn tls(value: &Value) -> Option<Tls> {
    match value {
        Value::Bool(true) => Some(Tls::Verify),
        Value::Bool(false) => Some(Tls::Disable),
        // In the words of each engine.
        Value::String(word) => match word.to_ascii_lowercase().replace('_', "-").as_str() {
            "preferred" | "allow" => Some(Tls::Prefer),
            "required" => Some(Tls::Require),
            "disabled" => Some(Tls::Disable),
            "verify-identity" | "verify-ca" => Some(Tls::Verify),
            other => other.parse().ok(),
        },
        _ => None,
    }
}

fn word(value: &Value, loc: &str, checks: &mut Checks) -> Option<String> {
    let word = value.as_str().filter(|word| !word.is_empty()).map(str::to_owned);
    checks.require(word.is_some(), loc, "type_error", || text!("须为非空文本", "must be a text that is not empty"));
    checks.length(loc, word.as_deref().unwrap_or_default(), LONGEST_OPTION);
    word
}

/// The host as the driver is to be told: an address that was checked, or, where TLS makes sure whom we speak to, its name.
pub(super) async fn resolve(address: &Address, allow_private: bool) -> Result<String, Failure> {
    let (host, port) = (address.host.trim_start_matches('[').trim_end_matches(']'), address.port);
    let found = in_time(CONNECT_PATIENCE, async {
        let found = lookup_host((host, port)).await;
        found.map(Vec::from_iter).map_err(|_| Failure::new(format!("the host {host} is not known")))
    })
    .await?;
    for ip in found.iter().map(SocketAddr::ip) {
        check_open(host, ip, allow_private)?;
    }
    if address.options.tls == Tls::Verify {
        return Ok(host.to_owned());
    }
    match found.as_slice() {
        [] => Err(Failure::new(format!("the host {host} has no address"))),
        [only] => Ok(only.ip().to_string()),
        several => {
            for one in several {
                if let Ok(Ok(_)) = tokio::time::timeout(NEXT_ADDRESS, TcpStream::connect(one)).await {
                    return Ok(one.ip().to_string());
                }
            }
            Err(Failure::new(format!("nobody answers at {host}:{port}")))
        }
    }
}

fn check_open(host: &str, ip: IpAddr, allow_private: bool) -> Result<(), Failure> {
    if is_metadata(ip) {
        return Err(Failure::new(format!(
            "the address of {host} is of a cloud's own services, which are never called"
        )));
    }
    if !allow_private && !is_public(ip) {
        return Err(Failure::new(format!(
            "the address of {host} is private, and the setting datasources.allow_private is off"
        )));
    }
    Ok(())
}
