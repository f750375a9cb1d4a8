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
/// Names in an address's query whose values are secret: `access_token` of DingTalk, `key` of WeCom.
const SECRET_WORDS: [&str; 6] = ["token", "key", "secret", "sign", "pass", "auth"];
/// Behind these, paths are secret: Slack's, Feishu's, Discord's.
const SECRET_PATHS: [&str; 3] = ["/services/", "/hook/", "/api/webhooks/"];

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
            let stored = match stored.map(|target| &target.address) {
                Some(Address::Http { url, secret }) => (Some(url.as_str()), secret.as_deref()),
                _ => (None, None),
            };
            Address::Http {
                url: read_url(channel_type, given, stored.0)?,
                secret: if channel_type.signs() { read_secret(given, stored.1)? } else { None },
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
        self.settings(masked_url, |_| MASK)
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

fn read_url(channel_type: ChannelType, given: &Map<String, Value>, stored: Option<&str>) -> Result<String> {
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
    if let Some(stored) = stored.filter(|stored| url == *stored || url == masked_url(stored)) {
        return Ok(stored.to_owned());
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

/// Without what whoever knows it could use. An address without secrets stays to the letter.
fn masked_url(text: &str) -> String {
    let Ok(mut url) = Url::parse(text) else { return MASK.to_owned() };
    let mut is_secret = false;
    if url.password().is_some() {
        is_secret = url.set_password(Some(MASK)).is_ok();
    }
    let path = url.path().to_owned();
    for start in SECRET_PATHS {
        if let Some((before, rest)) = path.split_once(start)
            && !rest.is_empty()
        {
            url.set_path(&format!("{before}{start}{MASK}"));
            is_secret = true;
        }
    }
    let pairs: Vec<(String, String)> = url.query_pairs().into_owned().collect();
    let names_secret = |name: &str| SECRET_WORDS.iter().any(|word| name.to_ascii_lowercase().contains(word));
    if pairs.iter().any(|(name, _)| names_secret(name)) {
        let shown = pairs.iter().map(|(name, value)| (name, if names_secret(name) { MASK } else { value }));
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
        for (url, shown) in [
            (
                "https://oapi.dingtalk.com/robot/send?access_token=abc",
                "https://oapi.dingtalk.com/robot/send?access_token=******",
            ),
            (
                "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=abc&a=b",
                "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=******&a=b",
            ),
            ("https://hooks.slack.com/services/T0/B0/abc", "https://hooks.slack.com/services/******"),
            ("https://open.feishu.cn/open-apis/bot/v2/hook/abc", "https://open.feishu.cn/open-apis/bot/v2/hook/******"),
            ("http://me:abc@host/x", "http://me:******@host/x"),
            ("http://host", "http://host"),
            ("http://host:80/in?a=b c", "http://host:80/in?a=b c"),
        ] {
            let target = read(ChannelType::Dingtalk, &json!({"url": url, "secret": "s"}), None).unwrap();
            assert_eq!(Value::Object(target.shown()), json!({"webhook_url": shown, "secret": "******"}));
            assert_eq!(Value::Object(target.kept()), json!({"webhook_url": url, "secret": "s"}));
            let again = read(ChannelType::Dingtalk, &Value::Object(target.shown()), Some(&target)).unwrap();
            assert_eq!(again, target, "{url}");
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
