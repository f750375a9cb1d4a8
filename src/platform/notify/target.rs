//! Where somebody is reached, as it is set, kept and shown.

use lettre::message::Mailbox;
use reqwest::Url;
use serde_json::{Map, Value, json};

use crate::{
    error::{Checks, Error, Result, Text},
    platform::database::word_enum,
    text,
};

/// Stands in answers for a secret; sent back, it means "as it was".
const MASK: &str = "******";
const LONGEST_URL: usize = 2000;
const LONGEST_SECRET: usize = 255;
const MOST_RECEIVERS: usize = 50;
/// Of a part of a path that may be a secret, as Slack's, Feishu's and Discord's are.
const SECRET_LENGTH: usize = 16;

word_enum! {
    pub enum ChannelType {
        Webhook = "webhook",
        Email = "email",
        Dingtalk = "dingtalk",
        Feishu = "feishu",
        Wecom = "wecom",
        Slack = "slack",
    }
}

impl ChannelType {
    /// The name of the address among its settings.
    fn url_name(self) -> &'static str {
        if self == Self::Webhook { "url" } else { "webhook_url" }
    }

    fn signs(self) -> bool {
        matches!(self, Self::Webhook | Self::Dingtalk | Self::Feishu)
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct Target {
    pub(super) channel_type: ChannelType,
    pub(super) address: Address,
}

#[derive(Clone, PartialEq)]
pub(super) enum Address {
    Http {
        url: String,
        secret: Option<String>,
    },
    /// Receivers, each as "name <a@b>" or "a@b".
    Mail(Vec<Mailbox>),
}

impl std::fmt::Debug for Address {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Address")
    }
}

impl Target {
    /// From what a caller sent: `url` (or `webhook_url`) and `secret`, or `to`. Masks become what is `stored`. What is
    /// wrong is said of `body.config.…`.
    pub fn read(channel_type: ChannelType, given: &Map<String, Value>, stored: Option<&Self>) -> Result<Self> {
        let address = if channel_type == ChannelType::Email {
            Address::Mail(read_receivers(given)?)
        } else {
            let kept_secret = match stored.map(|target| &target.address) {
                Some(Address::Http { secret, .. }) => secret.as_deref(),
                _ => None,
            };
            Address::Http {
                url: read_url(channel_type, given, stored)?,
                secret: if channel_type.signs() { read_secret(given, kept_secret)? } else { None },
            }
        };
        Ok(Self { channel_type, address })
    }

    /// Who is called: see [`receiver_of`]. All mail goes through one server.
    pub fn receiver(&self) -> String {
        match &self.address {
            Address::Http { url, .. } => receiver_of(url),
            Address::Mail(_) => "mail".to_owned(),
        }
    }

    /// All of it, to be encrypted.
    pub fn kept(&self) -> Map<String, Value> {
        self.settings(str::to_owned, |secret| secret)
    }

    /// As it is answered.
    pub fn shown(&self) -> Map<String, Value> {
        self.settings(|url| masked_url(self.channel_type, url), |_| MASK)
    }

    fn settings(&self, url_as: impl Fn(&str) -> String, secret_as: impl Fn(&str) -> &str) -> Map<String, Value> {
        let mut settings = Map::new();
        match &self.address {
            Address::Http { url, secret } => {
                settings.insert(self.channel_type.url_name().to_owned(), json!(url_as(url)));
                if let Some(secret) = secret {
                    settings.insert("secret".to_owned(), json!(secret_as(secret)));
                }
            }
            Address::Mail(to) => {
                let to: Vec<String> = to.iter().map(ToString::to_string).collect();
                settings.insert("to".to_owned(), json!(to.join(", ")));
            }
        }
        settings
    }
}

/// Host and port of an address: whoever hangs there holds up all that goes there.
pub fn receiver_of(url: &str) -> String {
    let Ok(url) = Url::parse(url) else { return String::new() };
    format!("{}:{}", url.host_str().unwrap_or_default(), url.port_or_known_default().unwrap_or_default())
}

fn read_url(channel_type: ChannelType, given: &Map<String, Value>, stored: Option<&Target>) -> Result<String> {
    let name = channel_type.url_name();
    let loc = format!("body.config.{name}");
    let other = if name == "url" { "webhook_url" } else { "url" };
    let url = match given.get(name).or_else(|| given.get(other)) {
        Some(Value::String(url)) if !url.trim().is_empty() => url.trim(),
        None | Some(Value::Null | Value::String(_)) => {
            return Err(Error::invalid(loc, "missing", text!("必填", "is required")));
        }
        Some(_) => return Err(Error::invalid(loc, "type_error", text!("须为文本", "must be a text"))),
    };
    if let Some(Target { channel_type: shown_as, address: Address::Http { url: kept, .. } }) = stored
        && (url == kept || url == masked_url(*shown_as, kept))
    {
        return Ok(kept.clone());
    }
    let mut checks = Checks::default();
    checks.length(&loc, url, LONGEST_URL);
    checks.require(is_http(url), &loc, "value_error", || {
        text!("须为 http:// 或 https:// 地址", "must be an http:// or https:// address")
    });
    checks.require(!url.contains(MASK), &loc, "value_error", mask_of_nothing);
    checks.finish()?;
    Ok(url.to_owned())
}

fn is_http(url: &str) -> bool {
    Url::parse(url).is_ok_and(|url| ["http", "https"].contains(&url.scheme()) && url.has_host())
}

fn read_secret(given: &Map<String, Value>, stored: Option<&str>) -> Result<Option<String>> {
    const LOC: &str = "body.config.secret";
    let secret = match given.get("secret") {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::String(secret)) if secret.is_empty() => return Ok(None),
        Some(Value::String(secret)) => secret,
        Some(_) => return Err(Error::invalid(LOC, "type_error", text!("须为文本", "must be a text"))),
    };
    if secret == MASK {
        let kept = stored.ok_or_else(|| Error::invalid(LOC, "value_error", mask_of_nothing()))?;
        return Ok(Some(kept.to_owned()));
    }
    let mut checks = Checks::default();
    checks.length(LOC, secret, LONGEST_SECRET);
    checks.finish()?;
    Ok(Some(secret.clone()))
}

fn mask_of_nothing() -> Text {
    text!("没有已保存的值可以沿用，请填写真实的值", "has no stored value to keep; send the real one")
}

/// A list, or a text with commas.
fn read_receivers(given: &Map<String, Value>) -> Result<Vec<Mailbox>> {
    const LOC: &str = "body.config.to";
    let refused = |text| Error::invalid(LOC, "value_error", text);
    let parts: Vec<&str> = match given.get("to") {
        Some(Value::String(text)) => text.split([',', ';']).collect(),
        Some(Value::Array(list)) => list.iter().map(|one| one.as_str().unwrap_or_default()).collect(),
        _ => return Err(Error::invalid(LOC, "missing", text!("必填", "is required"))),
    };
    let to: Vec<Mailbox> = parts
        .into_iter()
        .map(str::trim)
        .filter(|part| !part.is_empty())
        .map(|part| {
            let plain = Some(part).filter(|part| !part.chars().any(char::is_control));
            plain
                .and_then(|part| part.parse().ok())
                .ok_or_else(|| refused(text!("{part:?} 不是有效的邮箱地址", "{part:?} is no e-mail address")))
        })
        .collect::<Result<_>>()?;
    if to.is_empty() || to.len() > MOST_RECEIVERS {
        return Err(refused(text!("须有 1 到 {MOST_RECEIVERS} 个地址", "takes 1 to {MOST_RECEIVERS} addresses")));
    }
    Ok(to)
}

/// The address of a webhook as those may see it who only read.
pub fn masked_webhook(url: &str) -> String {
    if url.is_empty() { String::new() } else { masked_url(ChannelType::Webhook, url) }
}

/// Without what whoever knows it could use. A robot's address is a secret as a whole; that of a webhook stays to the
/// letter where nothing in it may be one.
fn masked_url(channel_type: ChannelType, text: &str) -> String {
    let Ok(mut url) = Url::parse(text) else { return MASK.to_owned() };
    if channel_type != ChannelType::Webhook {
        return format!("{}/{MASK}", url.origin().ascii_serialization());
    }
    let mut is_secret = false;
    if !url.username().is_empty() || url.password().is_some() {
        is_secret = url.set_username(MASK).is_ok() && url.set_password(None).is_ok();
    }
    let path = url.path().to_owned();
    if path.split('/').any(|part| part.len() >= SECRET_LENGTH) {
        let shown: Vec<&str> =
            path.split('/').map(|part| if part.len() >= SECRET_LENGTH { MASK } else { part }).collect();
        url.set_path(&shown.join("/"));
        is_secret = true;
    }
    let pairs: Vec<(String, String)> = url.query_pairs().into_owned().collect();
    if !pairs.is_empty() {
        // Where a name stands alone, it may be the secret.
        let shown = pairs.iter().map(|(name, value)| if value.is_empty() { (MASK, "") } else { (name.as_str(), MASK) });
        url.query_pairs_mut().clear().extend_pairs(shown);
        is_secret = true;
    }
    if is_secret { url.to_string() } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(channel_type: ChannelType, given: &Value, stored: Option<&Target>) -> Result<Target> {
        Target::read(channel_type, given.as_object().unwrap(), stored)
    }

    #[test]
    fn secrets_are_masked_and_a_mask_keeps_them() {
        const DINGTALK: ChannelType = ChannelType::Dingtalk;
        const WEBHOOK: ChannelType = ChannelType::Webhook;
        for (channel_type, url, shown) in [
            (DINGTALK, "https://oapi.dingtalk.com/robot/send?access_token=abc", "https://oapi.dingtalk.com/******"),
            (DINGTALK, "https://me:pass@host:8443/x", "https://host:8443/******"),
            (WEBHOOK, "https://hooks.example/services/T0/0123456789abcdef", "https://hooks.example/services/T0/******"),
            (
                WEBHOOK,
                "https://hooks.example/services/T0/0123456789abcde",
                "https://hooks.example/services/T0/0123456789abcde",
            ),
            (WEBHOOK, "http://me:abc@host/x", "http://******@host/x"),
            (WEBHOOK, "http://token@host/x", "http://******@host/x"),
            (WEBHOOK, "http://host/x?a=b&c=d", "http://host/x?a=******&c=******"),
            (WEBHOOK, "http://host/x?secret", "http://host/x?******="),
            (WEBHOOK, "http://host", "http://host"),
            (WEBHOOK, "http://host:80/in", "http://host:80/in"),
        ] {
            let name = channel_type.url_name();
            let target = read(channel_type, &json!({name: url, "secret": "s"}), None).unwrap();
            assert_eq!(Value::Object(target.shown()), json!({name: shown, "secret": "******"}));
            assert_eq!(Value::Object(target.kept()), json!({name: url, "secret": "s"}));
            let again = read(channel_type, &Value::Object(target.shown()), Some(&target)).unwrap();
            assert_eq!(again, target, "{url}");
            // Also where it becomes a channel of another kind.
            let other = read(ChannelType::Slack, &Value::Object(target.shown()), Some(&target)).unwrap();
            assert_eq!(Value::Object(other.kept()), json!({"webhook_url": url}));
        }
    }

    #[test]
    fn what_is_refused() {
        for (channel_type, given, loc) in [
            (ChannelType::Webhook, json!({}), "url"),
            (ChannelType::Webhook, json!({"url": ""}), "url"),
            (ChannelType::Webhook, json!({"url": 1}), "url"),
            (ChannelType::Webhook, json!({"url": "ftp://x"}), "url"),
            (ChannelType::Webhook, json!({"url": "http://"}), "url"),
            (ChannelType::Webhook, json!({"url": "file:///etc/passwd"}), "url"),
            (ChannelType::Webhook, json!({"url": format!("http://x/{}", "a".repeat(2000))}), "url"),
            (ChannelType::Webhook, json!({"url": "http://x?token=******"}), "url"),
            (ChannelType::Webhook, json!({"url": "http://x", "secret": "******"}), "secret"),
            (ChannelType::Webhook, json!({"url": "http://x", "secret": 5}), "secret"),
            (ChannelType::Webhook, json!({"url": "http://x", "secret": "s".repeat(256)}), "secret"),
            (ChannelType::Slack, json!({"to": "a@b.c"}), "webhook_url"),
            (ChannelType::Email, json!({"url": "http://x"}), "to"),
            (ChannelType::Email, json!({"to": ""}), "to"),
            (ChannelType::Email, json!({"to": ["a@b.c", 5, "nobody"]}), "to"),
            (ChannelType::Email, json!({"to": "a@b.c\r\nBcc: d@e.f"}), "to"),
            (ChannelType::Email, json!({"to": vec!["a@b.c"; 51]}), "to"),
        ] {
            let error = read(channel_type, &given, None).unwrap_err().to_string();
            assert!(error.contains(&format!("body.config.{loc}:")), "{given}: {error}");
        }
        let to = read(ChannelType::Email, &json!({"to": "a@b.c, 爬虫 <d@e.f>"}), None).unwrap();
        assert_eq!(Value::Object(to.shown()), json!({"to": "a@b.c, 爬虫 <d@e.f>"}));
    }
}
