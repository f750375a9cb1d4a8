//! Telling people outside: webhooks, chat robots, mail.

pub(super) mod addresses;
mod http;
mod mail;
mod robots;
mod target;
mod webhook;

use std::{sync::Arc, time::Duration};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

pub use self::target::{ChannelType, Target, masked_webhook, receiver_of};
use self::{http::Http, target::Address};
use crate::config;

/// Of what went wrong.
const REASON_BYTES: usize = 500;

/// What somebody is to hear. As JSON it is the body of a webhook.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Notice {
    pub title: String,
    pub message: String,
    pub timestamp: DateTime<Utc>,
    /// What a program may want to know beside.
    #[serde(flatten)]
    pub facts: Map<String, Value>,
}

/// What stands on the outside of what is sent.
#[derive(Debug, Clone, Copy)]
pub struct Stamp<'a> {
    /// The same however often it is sent.
    pub id: &'a str,
    pub event: &'a str,
    pub now: DateTime<Utc>,
}

/// Somebody took it.
#[derive(Debug, Clone, Copy)]
pub struct Sent {
    /// Of HTTP.
    pub status: Option<u16>,
}

/// Nobody took it, as far as is known.
#[derive(Debug, Clone)]
pub struct Failure {
    /// Of HTTP, where there was an answer.
    pub status: Option<u16>,
    /// Without addresses and what else may be secret.
    pub reason: String,
    pub kind: FailureKind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FailureKind {
    /// May go better another time.
    Passing,
    /// Nobody was there, or nobody answered: whatever else goes there need not be tried before.
    Unreachable,
    /// Will not.
    Final,
    /// Once this is set.
    Unset(&'static str),
}

impl Failure {
    pub fn passing(status: Option<u16>, reason: impl AsRef<str>) -> Self {
        Self { status, reason: tidy(reason.as_ref()), kind: FailureKind::Passing }
    }

    fn unreachable(reason: impl AsRef<str>) -> Self {
        Self { kind: FailureKind::Unreachable, ..Self::passing(None, reason) }
    }

    pub fn for_good(reason: impl AsRef<str>) -> Self {
        Self { kind: FailureKind::Final, ..Self::passing(None, reason) }
    }
}

/// What others say can be as long as they like, and hold what no database takes.
fn tidy(reason: &str) -> String {
    clipped(reason, REASON_BYTES).replace(char::is_control, " ")
}

#[derive(Debug, Clone)]
pub struct Notifier {
    http: Arc<Http>,
    mail: Arc<config::Mail>,
}

impl Notifier {
    /// Longer than any call takes.
    pub const PATIENCE: Duration = mail::TIMEOUT;

    pub fn new(settings: &config::Notify, mail: config::Mail) -> Self {
        Self { http: Arc::new(Http::new(settings.allow_private)), mail: Arc::new(mail) }
    }

    pub async fn send(&self, target: &Target, stamp: Stamp<'_>, notice: &Notice) -> Result<Sent, Failure> {
        match (target.channel_type, &target.address) {
            (ChannelType::Webhook, Address::Http { url, secret }) => {
                webhook::send(&self.http, url, secret.as_deref(), stamp, notice).await
            }
            (robot, Address::Http { url, secret }) => {
                robots::send(&self.http, robot, url, secret.as_deref(), stamp, notice).await
            }
            (_, Address::Mail(to)) => mail::send(&self.mail, to, stamp, notice).await,
        }
    }

    /// Any body, to an address that is no channel.
    pub async fn post(&self, url: &str, stamp: Stamp<'_>, body: &Value) -> Result<Sent, Failure> {
        webhook::send(&self.http, url, None, stamp, body).await
    }
}

/// At most `bytes` of the text, whole characters.
fn clipped(text: &str, bytes: usize) -> &str {
    &text[..text.floor_char_boundary(bytes)]
}
