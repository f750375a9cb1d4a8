//! Which editor an address means.

use axum::http::{HeaderMap, Uri, header};

use super::super::CodeSessions;
use crate::id::CodeSessionId;

pub(super) const PATH: &str = "/code-server/";

/// An address of an editor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    pub id: CodeSessionId,
    /// What stands before the editor's own path, without a slash at its end.
    pub prefix: String,
    /// The editor's own path and query, to the letter; none where the slash behind the prefix is missing.
    pub target: Option<String>,
}

/// What an address is to the door.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Meant {
    /// The platform itself.
    Platform,
    Editor(Entry),
    /// A host below the domain, or a path of an editor, that means nothing.
    Nothing,
}

impl CodeSessions {
    /// By the host of the request where there is a domain for it, else by its path.
    pub(super) fn meant_by(&self, host: &str, uri: &Uri) -> Meant {
        meant(self.place.domain.as_deref(), host, uri)
    }
}

fn meant(domain: Option<&str>, host: &str, uri: &Uri) -> Meant {
    let target = uri.path_and_query().map_or("/", |target| target.as_str());
    let name = host.rsplit_once(':').filter(|(_, port)| port.parse::<u16>().is_ok()).map_or(host, |(name, _)| name);
    let name = name.trim_end_matches('.').to_ascii_lowercase();
    if let Some(domain) = domain {
        let below = name.strip_suffix(&domain.to_ascii_lowercase()).and_then(|below| below.strip_suffix('.'));
        if let Some(below) = below {
            return match id_of(below) {
                Some(id) => Meant::Editor(Entry { id, prefix: String::new(), target: Some(target.to_owned()) }),
                None => Meant::Nothing,
            };
        }
    }
    let Some(rest) = target.strip_prefix(PATH) else { return Meant::Platform };
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    let Some(id) = id_of(&rest[..end]) else { return Meant::Nothing };
    let behind = rest[end..].starts_with('/').then(|| rest[end..].to_owned());
    Meant::Editor(Entry { prefix: format!("{PATH}{id}"), id, target: behind })
}

/// An id as we write them.
fn id_of(text: &str) -> Option<CodeSessionId> {
    let id = uuid::Uuid::try_parse(text).ok()?;
    (id.hyphenated().to_string() == text).then(|| text.to_owned().into())
}

/// The host that the browser asked for, with its port.
pub(super) fn host_of<'a>(headers: &'a HeaderMap, uri: &'a Uri) -> &'a str {
    let said = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    said.or_else(|| uri.authority().map(|authority| authority.as_str())).unwrap_or_default()
}

/// Whether a path would leave the place it is in, also once it is decoded.
pub(super) fn climbs(target: &str) -> bool {
    let path = target.split('?').next().unwrap_or_default();
    path.split(['/', '\\']).any(|part| {
        let plain = part.to_ascii_lowercase().replace("%2e", ".");
        let plain = plain.split(['/', ';']).next().unwrap_or_default().to_owned();
        plain == ".." || plain.starts_with("..%2f") || plain.starts_with("..%5c") || plain.ends_with("%2f..")
    })
}

/// The values of a parameter, and the address without it.
pub(super) fn taken_out(target: &str, name: &str) -> (Option<String>, String) {
    let Some((path, query)) = target.split_once('?') else { return (None, target.to_owned()) };
    let (named, others): (Vec<&str>, Vec<&str>) =
        query.split('&').partition(|pair| pair.split('=').next() == Some(name));
    let value = named.last().map(|pair| pair.split_once('=').map_or("", |(_, value)| value).to_owned());
    let rest = if others.is_empty() { path.to_owned() } else { format!("{path}?{}", others.join("&")) };
    (value, rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "01890a5d-ac96-774b-bcce-b302099a8057";

    fn editor(prefix: &str, target: Option<&str>) -> Meant {
        let id = ID.to_owned().into();
        Meant::Editor(Entry { id, prefix: prefix.to_owned(), target: target.map(str::to_owned) })
    }

    #[test]
    fn what_an_address_means() {
        let at = |domain, host: &str, target: &str| meant(domain, host, &target.parse().unwrap());
        let path = format!("/code-server/{ID}");
        assert_eq!(at(None, "hub", &format!("{path}/a%2Fb//c?d=e")), editor(&path, Some("/a%2Fb//c?d=e")));
        assert_eq!(at(None, "hub", &path), editor(&path, None));
        assert_eq!(at(None, "hub", &format!("{path}?x")), editor(&path, None));
        assert_eq!(at(None, "hub", "/code-server/x/"), Meant::Nothing);
        assert_eq!(at(None, "hub", &format!("/code-server/{}/", ID.to_uppercase())), Meant::Nothing);
        assert_eq!(at(None, "hub", "/platform/api"), Meant::Platform);
        let host = format!("{ID}.box.example");
        assert_eq!(at(Some("box.example"), &host, "/x?y"), editor("", Some("/x?y")));
        assert_eq!(at(Some("box.example"), &format!("{host}:8000"), "/"), editor("", Some("/")));
        assert_eq!(at(Some("box.example"), "other.box.example", "/platform/api"), Meant::Nothing);
        assert_eq!(at(Some("box.example"), &format!("{ID}.evilbox.example"), "/"), Meant::Platform);
        assert_eq!(at(Some("box.example"), "box.example", "/"), Meant::Platform);
        assert_eq!(at(None, &host, "/"), Meant::Platform);
    }

    #[test]
    fn what_climbs() {
        for target in ["/..", "/../x", "/a/..", "/a/%2e%2E/b", "/%2e%2e%2fb", "/..;x/b", "/..\\b", "/..%5cb"] {
            assert!(climbs(target), "{target}");
        }
        for target in ["/", "/a..b", "/...", "/a?b=/../c", "/.a", "/a%2Fb"] {
            assert!(!climbs(target), "{target}");
        }
    }

    #[test]
    fn a_parameter_is_taken_out() {
        let out = |target| taken_out(target, "tkn");
        assert_eq!(out("/a?tkn=x"), (Some("x".to_owned()), "/a".to_owned()));
        assert_eq!(out("/a?b=1&tkn=x&c=%20"), (Some("x".to_owned()), "/a?b=1&c=%20".to_owned()));
        assert_eq!(out("/a?b=tkn"), (None, "/a?b=tkn".to_owned()));
        assert_eq!(out("/a?tkn"), (Some(String::new()), "/a".to_owned()));
    }
}
