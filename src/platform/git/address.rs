//! Where a repository is, and what of it is wanted: https and ssh, and nothing else that git would take for an address.

use std::net::IpAddr;

use percent_encoding::percent_decode_str;
use reqwest::Url;
use tokio::net::lookup_host;

use super::{Failure, Trouble};
use crate::{
    error::Text,
    platform::notify::addresses::{is_metadata, is_public},
    text,
};

const LONGEST: usize = 2048;
const LONGEST_REVISION: usize = 250;

/// Why an address or a branch is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flaw {
    /// It holds a password, which would be shown to everybody who sees the address.
    Password,
    Transport,
    Character,
    Length,
    Host,
    Path,
    Revision,
}

impl Flaw {
    pub fn text(self) -> Text {
        match self {
            Self::Password => text!(
                "地址中不能包含密码或令牌，请用 git_token 填写",
                "must not hold a password or token; send it as git_token, which is kept encrypted"
            ),
            Self::Transport => text!(
                "只支持 https://…、ssh://… 或 git@host:path 形式的地址",
                "must be https://…, ssh://… or git@host:path"
            ),
            Self::Character => {
                text!("不能包含空白或控制字符", "must not contain spaces or control characters")
            }
            Self::Length => text!("超过 {LONGEST} 字节", "is longer than {LONGEST} bytes"),
            Self::Host => text!("主机或用户名无效", "has no valid host or user"),
            Self::Path => text!("没有有效的仓库路径", "has no valid path of a repository"),
            Self::Revision => text!(
                "不是有效的分支名、refs/… 或 40 位提交号",
                "is no valid name of a branch, refs/… or commit of 40 digits"
            ),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Transport {
    Https,
    Ssh,
}

/// Checked: git takes it for nothing else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// As git is told it: without a user where that is https.
    text: String,
    transport: Transport,
    /// Without the brackets of IPv6.
    host: String,
    port: u16,
    /// Of https.
    user: Option<String>,
}

impl Address {
    pub fn parse(text: &str) -> Result<Self, Flaw> {
        if text.len() > LONGEST {
            return Err(Flaw::Length);
        }
        if text.chars().any(|letter| letter.is_control() || letter.is_whitespace()) {
            return Err(Flaw::Character);
        }
        match text.split_once("://").map(|(scheme, _)| scheme.to_ascii_lowercase()).as_deref() {
            Some("https") => Self::parse_https(text),
            Some("ssh") => Self::parse_ssh(text),
            Some(_) => Err(Flaw::Transport),
            None => Self::parse_short(text),
        }
    }

    /// As the parser writes it again: odd forms of numbers are the usual ones then.
    fn parse_https(text: &str) -> Result<Self, Flaw> {
        let mut url = Url::parse(text).map_err(|_| Flaw::Host)?;
        if url.password().is_some() {
            return Err(Flaw::Password);
        }
        if url.query().is_some() || url.fragment().is_some() || url.path().trim_matches('/').is_empty() {
            return Err(Flaw::Path);
        }
        let user = percent_decode_str(url.username()).decode_utf8().map_err(|_| Flaw::Host)?.into_owned();
        if user.chars().any(|letter| letter.is_control() || letter == ':') {
            return Err(Flaw::Host);
        }
        url.set_username("").map_err(|()| Flaw::Host)?;
        let host = url.host_str().ok_or(Flaw::Host)?.trim_matches(['[', ']']).to_owned();
        let port = url.port_or_known_default().ok_or(Flaw::Host)?;
        let user = Some(user).filter(|user| !user.is_empty());
        Ok(Self { text: url.into(), transport: Transport::Https, host, port, user })
    }

    fn parse_ssh(text: &str) -> Result<Self, Flaw> {
        let url = Url::parse(text).map_err(|_| Flaw::Host)?;
        if url.password().is_some() {
            return Err(Flaw::Password);
        }
        let host = url.host_str().ok_or(Flaw::Host)?.trim_matches(['[', ']']).to_owned();
        let path = url.path();
        if url.query().is_some() || url.fragment().is_some() || path.trim_matches('/').is_empty() {
            return Err(Flaw::Path);
        }
        if !is_host(&host) || !(url.username().is_empty() || is_user(url.username())) {
            return Err(Flaw::Host);
        }
        let port = url.port().unwrap_or(22);
        Ok(Self { text: url.to_string(), transport: Transport::Ssh, host, port, user: None })
    }

    /// `user@host:path`, whose path may be relative to the user's home: git has to see it as it is.
    fn parse_short(text: &str) -> Result<Self, Flaw> {
        let (place, path) = text.split_once(':').ok_or(Flaw::Transport)?;
        if place.contains('/') || path.starts_with(':') {
            return Err(Flaw::Transport);
        }
        let (user, host) = place.split_once('@').map_or((None, place), |(user, host)| (Some(user), host));
        if user.is_some_and(|user| user.contains(':')) {
            return Err(Flaw::Password);
        }
        if !is_host(host) || host.contains(':') || user.is_some_and(|user| !is_user(user)) {
            return Err(Flaw::Host);
        }
        if path.trim_matches('/').is_empty() || path.starts_with('-') || path.contains('\\') {
            return Err(Flaw::Path);
        }
        let host = host.to_owned();
        Ok(Self { text: text.to_owned(), transport: Transport::Ssh, host, port: 22, user: None })
    }

    pub fn is_https(&self) -> bool {
        self.transport == Transport::Https
    }

    /// Whether both are one server: what is secret to one may be told to the other.
    pub fn is_beside(&self, other: &Self) -> bool {
        let of = |address: &Self| (address.transport, address.host.to_ascii_lowercase(), address.port);
        of(self) == of(other)
    }

    pub(super) fn as_str(&self) -> &str {
        &self.text
    }

    pub(super) fn host(&self) -> &str {
        &self.host
    }

    pub(super) fn port(&self) -> u16 {
        self.port
    }

    pub(super) fn user(&self) -> Option<&str> {
        self.user.as_deref()
    }

    /// The addresses that may be called.
    pub(super) async fn resolve(&self, allow_private: bool) -> Result<Vec<IpAddr>, Failure> {
        let host = &self.host;
        let unknown = || Failure::said(Trouble::Unreachable, format!("the host {host} is not known"));
        let found = lookup_host((host.as_str(), self.port)).await.map_err(|_| unknown())?;
        let found: Vec<IpAddr> = found.map(|address| address.ip()).collect();
        if found.is_empty() {
            return Err(unknown());
        }
        let may = |ip: &IpAddr| !is_metadata(*ip) && (allow_private || is_public(*ip));
        let open: Vec<IpAddr> = found.into_iter().filter(may).collect();
        if open.is_empty() {
            return Err(Failure::said(
                Trouble::Private,
                format!("the address of {host} is private, and the setting git.allow_private is off"),
            ));
        }
        Ok(open)
    }
}

fn is_host(host: &str) -> bool {
    let is_name = |letter: char| letter.is_ascii_alphanumeric() || ".-_".contains(letter);
    let is_ip = host.parse::<IpAddr>().is_ok();
    is_ip || (!host.is_empty() && !host.starts_with(['-', '.']) && host.chars().all(is_name))
}

fn is_user(user: &str) -> bool {
    let is_name = |letter: char| letter.is_ascii_alphanumeric() || "._-".contains(letter);
    !user.is_empty() && !user.starts_with('-') && user.chars().all(is_name)
}

/// What of a repository is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Revision {
    /// Whatever its default branch is.
    Default,
    Branch(String),
    /// Below `refs/`.
    Reference(String),
    Commit(String),
}

impl Revision {
    /// A branch, a full name that begins with `refs/`, a commit of 40 digits, or nothing.
    pub fn parse(text: &str) -> Result<Self, Flaw> {
        if text.is_empty() {
            return Ok(Self::Default);
        }
        if text.len() == 40 && text.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return Ok(Self::Commit(text.to_ascii_lowercase()));
        }
        if !is_reference(text) {
            return Err(Flaw::Revision);
        }
        let text = text.to_owned();
        Ok(if text.starts_with("refs/") { Self::Reference(text) } else { Self::Branch(text) })
    }

    /// Its full name at the other side.
    pub fn name(&self) -> String {
        match self {
            Self::Default => "HEAD".to_owned(),
            Self::Branch(name) => format!("refs/heads/{name}"),
            Self::Reference(name) | Self::Commit(name) => name.clone(),
        }
    }
}

/// The rules of `git check-ref-format`, and nothing that a command takes for an option.
fn is_reference(name: &str) -> bool {
    name.len() <= LONGEST_REVISION
        && !name.starts_with('-')
        && !name.ends_with('.')
        && name != "@"
        && !name.contains("..")
        && !name.contains("@{")
        && !name.chars().any(|letter| letter.is_control() || " ~^:?*[\\".contains(letter))
        && name
            .split('/')
            .all(|part| !part.is_empty() && !part.starts_with('.') && part.strip_suffix(".lock").is_none())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_taken() {
        for (given, told) in [
            ("https://github.com/a/b.git", "https://github.com/a/b.git"),
            ("HTTPS://Git.Example:8443/a", "https://git.example:8443/a"),
            ("https://user@git.example/a", "https://git.example/a"),
            ("https://2130706433/a", "https://127.0.0.1/a"),
            ("https://[::1]:1/a", "https://[::1]:1/a"),
            ("ssh://git@git.example/a/b.git", "ssh://git@git.example/a/b.git"),
            ("ssh://git.example:2222/~x/b", "ssh://git.example:2222/~x/b"),
            ("git@github.com:a/b.git", "git@github.com:a/b.git"),
            ("git.example:b", "git.example:b"),
        ] {
            assert_eq!(Address::parse(given).map(|address| address.text).as_deref(), Ok(told), "{given}");
        }
        assert_eq!(Address::parse("https://u%40x@h/a").unwrap().user(), Some("u@x"));
    }

    #[test]
    fn what_is_refused() {
        for (given, flaw) in [
            ("", Flaw::Transport),
            ("ext::sh -c touch% /tmp/x", Flaw::Character),
            ("ext::sh", Flaw::Transport),
            ("fd::17/foo", Flaw::Transport),
            ("file:///etc", Flaw::Transport),
            ("/etc", Flaw::Transport),
            ("../x", Flaw::Transport),
            ("./a:b", Flaw::Transport),
            ("http://git.example/a", Flaw::Transport),
            ("git://git.example/a", Flaw::Transport),
            ("--upload-pack=touch", Flaw::Transport),
            ("-oProxyCommand=x:y", Flaw::Host),
            ("https://user:secret@git.example/a", Flaw::Password),
            ("ssh://user:secret@git.example/a", Flaw::Password),
            ("ssh://-oProxyCommand=x/a", Flaw::Host),
            ("ssh://-lx@git.example/a", Flaw::Host),
            ("ssh://%2doProxyCommand=x/a", Flaw::Host),
            ("git@-oProxyCommand=x:a", Flaw::Host),
            ("git@git.example:-a", Flaw::Path),
            ("git@git.example:", Flaw::Path),
            ("https://git.example", Flaw::Path),
            ("https://git.example/a?x=1", Flaw::Path),
            ("https://git.example/a\nb", Flaw::Character),
            ("https:///", Flaw::Host),
        ] {
            assert_eq!(Address::parse(given).map(|address| address.text), Err(flaw), "{given}");
        }
        assert_eq!(Address::parse(&format!("https://h/{}", "a".repeat(3000))), Err(Flaw::Length));
    }

    #[test]
    fn revisions() {
        for (given, name) in [
            ("", "HEAD"),
            ("main", "refs/heads/main"),
            ("feature/x-1", "refs/heads/feature/x-1"),
            ("发布", "refs/heads/发布"),
            ("refs/tags/v1.0", "refs/tags/v1.0"),
            ("0123456789ABCDEF0123456789abcdef01234567", "0123456789abcdef0123456789abcdef01234567"),
        ] {
            assert_eq!(Revision::parse(given).map(|revision| revision.name()).as_deref(), Ok(name), "{given}");
        }
        for given in [
            "--upload-pack=touch x",
            "-x",
            "a..b",
            "a b",
            "a\nb",
            "a:b",
            "a~1",
            "a^",
            "a?",
            "a*",
            "a[",
            "a\\b",
            "a.lock",
            ".a",
            "a/.b",
            "a//b",
            "/a",
            "a/",
            "a.",
            "@",
            "a@{1}",
        ] {
            assert_eq!(Revision::parse(given), Err(Flaw::Revision), "{given}");
        }
    }

    #[test]
    fn secrets_stay_with_their_server() {
        let of = |text| Address::parse(text).unwrap();
        assert!(of("https://h/a").is_beside(&of("https://H:443/b")));
        for other in ["https://h:444/a", "https://g/a", "ssh://h/a", "h:a"] {
            assert!(!of("https://h/a").is_beside(&of(other)), "{other}");
        }
        assert!(of("ssh://git@h/a").is_beside(&of("git@h:b")));
    }
}
