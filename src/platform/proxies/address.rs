//! A proxy's address, as people paste it and as programs take it.

use std::net::{IpAddr, Ipv6Addr};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use crate::{
    error::{Checks, Text},
    platform::database::word_enum,
    text,
};

/// Of a name: what DNS takes.
const LONGEST_HOST: usize = 253;
/// Of a username and of a password, in bytes: what SOCKS takes.
const LONGEST_WORD: usize = 255;
/// What stands for itself between `://` and `@`.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

word_enum! {
    /// How the proxy is spoken to: `https` is TLS to the proxy itself; any of them carries http and https pages.
    pub enum Protocol {
        Http = "http",
        Https = "https",
        Socks5 = "socks5",
    }
}

/// Printed, it shows neither username nor password.
#[derive(Clone, PartialEq, Eq)]
pub struct ProxyAddress {
    pub protocol: Protocol,
    /// A name or an IP address, in lower case, without brackets.
    pub host: String,
    pub port: u16,
    /// Empty: none.
    pub username: String,
    /// Empty: none.
    pub password: String,
}

impl ProxyAddress {
    /// Not checked yet.
    pub fn of(protocol: Protocol, host: &str, port: u16, username: String, password: String) -> Self {
        Self { protocol, host: tidy_host(host), port, username, password }
    }

    /// From `[protocol://][username[:password]@]host:port`, or the `host:port:username:password` of many lists. The
    /// protocol is `http` where none is said.
    pub fn parse(given: &str) -> Result<Self, Text> {
        let (protocol, rest) = match given.trim().split_once("://") {
            Some((scheme, rest)) => (protocol(scheme)?, rest),
            None => (Protocol::Http, given.trim()),
        };
        let (username, password, place) = match rest.rsplit_once('@') {
            Some((user, place)) => {
                let (username, password) = user.split_once(':').unwrap_or((user, ""));
                (decoded(username)?, decoded(password)?, place.to_owned())
            }
            None => in_four_parts(rest).unwrap_or_else(|| (String::new(), String::new(), rest.to_owned())),
        };
        let (host, port) = split_place(place.trim_end_matches('/')).ok_or_else(|| {
            text!("须写成 [协议://][用户名:密码@]主机:端口", "must be [protocol://][username:password@]host:port")
        })?;
        Ok(Self::of(protocol, host, port, username, password))
    }

    /// Says of `{loc}.host` and so on what is wrong.
    pub fn check(&self, loc: &str, checks: &mut Checks) {
        checks.require(is_host(&self.host), &format!("{loc}.host"), "value_error", || {
            text!("须为主机名或 IP 地址", "must be a host name or an IP address")
        });
        checks.require(self.port > 0, &format!("{loc}.port"), "value_error", || {
            text!("须在 1 到 65535 之间", "must be between 1 and 65535")
        });
        for (field, word) in [("username", &self.username), ("password", &self.password)] {
            let loc = format!("{loc}.{field}");
            checks.require(word.len() <= LONGEST_WORD, &loc, "too_long", || {
                text!("最长 {LONGEST_WORD} 字节", "at most {LONGEST_WORD} bytes are allowed")
            });
            checks.require(!word.chars().any(char::is_control), &loc, "value_error", || {
                text!("不能含有控制字符", "must hold no control characters")
            });
        }
        checks.require(!self.username.contains(':'), &format!("{loc}.username"), "value_error", || {
            text!("不能含有冒号", "must hold no colon")
        });
        checks.require(
            self.password.is_empty() || !self.username.is_empty(),
            &format!("{loc}.username"),
            "missing",
            || text!("有密码时必填", "is required beside a password"),
        );
    }

    /// With everything it takes to use it.
    pub fn url(&self) -> String {
        let escaped = |word: &str| utf8_percent_encode(word, ESCAPED).to_string();
        let user = match (self.username.is_empty(), self.password.is_empty()) {
            (true, _) => String::new(),
            (false, true) => format!("{}@", escaped(&self.username)),
            (false, false) => format!("{}:{}@", escaped(&self.username), escaped(&self.password)),
        };
        format!("{}://{user}{}", self.protocol, self.place())
    }

    fn place(&self) -> String {
        let Self { host, port, .. } = self;
        if host.parse::<Ipv6Addr>().is_ok() { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
    }
}

impl std::fmt::Display for ProxyAddress {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}://{}", self.protocol, self.place())
    }
}

impl std::fmt::Debug for ProxyAddress {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Display::fmt(self, formatter)
    }
}

/// As it is kept: two spellings of one host are one.
fn tidy_host(host: &str) -> String {
    let host = host.trim().trim_start_matches('[').trim_end_matches(']').trim_end_matches('.').to_ascii_lowercase();
    host.parse::<IpAddr>().map_or(host, |address| address.to_string())
}

fn protocol(scheme: &str) -> Result<Protocol, Text> {
    let scheme = scheme.to_ascii_lowercase();
    let known = if scheme == "socks5h" { Ok(Protocol::Socks5) } else { scheme.parse() };
    known.map_err(|_| text!("协议须为 http、https 或 socks5", "the protocol must be http, https or socks5"))
}

fn decoded(word: &str) -> Result<String, Text> {
    let decoded = percent_decode_str(word).decode_utf8();
    decoded.map(Into::into).map_err(|_| {
        text!("用户名和密码的百分号编码须为 UTF-8", "username and password must be UTF-8, percent-encoded")
    })
}

/// `host:port:username:password`: username, password, and the place.
fn in_four_parts(text: &str) -> Option<(String, String, String)> {
    let parts: Vec<&str> = text.splitn(4, ':').collect();
    let [host, port, username, password] = parts[..] else { return None };
    let is_port = !host.starts_with('[') && port.parse::<u16>().is_ok();
    is_port.then(|| (username.to_owned(), password.to_owned(), format!("{host}:{port}")))
}

fn split_place(place: &str) -> Option<(&str, u16)> {
    let (host, port) = place.rsplit_once(':')?;
    let is_bracketed = host.starts_with('[') && host.ends_with(']');
    if host.contains(':') && !is_bracketed {
        return None;
    }
    Some((host, port.parse().ok()?))
}

fn is_host(host: &str) -> bool {
    let is_name = !host.is_empty()
        && host.len() <= LONGEST_HOST
        && host.split('.').all(|label| !label.is_empty() && !label.starts_with('-'))
        && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte));
    is_name || host.parse::<IpAddr>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url_of(text: &str) -> String {
        ProxyAddress::parse(text).unwrap().url()
    }

    #[test]
    fn what_people_paste() {
        for (given, url) in [
            ("http://user:pw@host:8080", "http://user:pw@host:8080"),
            ("10.0.0.1:3128", "http://10.0.0.1:3128"),
            ("  SOCKS5h://Example.COM.:1080/ ", "socks5://example.com:1080"),
            ("https://u@h:443", "https://u@h:443"),
            ("h:1:user:p:w", "http://user:p%3Aw@h:1"),
            ("http://[2001:DB8::1]:80", "http://[2001:db8::1]:80"),
            ("http://us%40er:p%2Fw%3A@h:80", "http://us%40er:p%2Fw%3A@h:80"),
            ("http://u:p@ss/w@h:80", "http://u:p%40ss%2Fw@h:80"),
            ("socks5://用户:密码@h:1080", "socks5://%E7%94%A8%E6%88%B7:%E5%AF%86%E7%A0%81@h:1080"),
        ] {
            assert_eq!(url_of(given), url, "{given}");
            assert_eq!(url_of(url), url);
        }
        for given in ["", "host", "host:", "host:0x50", "ftp://h:1", "http://h:99999", "2001:db8::1", "u:%ff@h:80"] {
            assert!(ProxyAddress::parse(given).is_err(), "{given}");
        }
    }

    #[test]
    fn what_is_no_proxy() {
        let refused = |text: &str| {
            let mut checks = Checks::default();
            ProxyAddress::parse(text).unwrap().check("body", &mut checks);
            checks.finish().unwrap_err().to_string()
        };
        for (given, loc) in [
            ("a b:80", "body.host"),
            ("-x:80", "body.host"),
            ("a..b:80", "body.host"),
            (":80", "body.host"),
            ("h:0", "body.port"),
            ("http://:secret@h:80", "body.username"),
            ("http://a%3Ab@h:80", "body.username"),
            ("http://a:b%0A@h:80", "body.password"),
        ] {
            assert!(refused(given).contains(loc), "{given}");
        }
    }

    #[test]
    fn credentials_are_not_printed() {
        let address = ProxyAddress::parse("http://user:secret@h:80").unwrap();
        assert_eq!(format!("{address} {address:?}"), "http://h:80 http://h:80");
    }
}
