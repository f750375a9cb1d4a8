//! Which editor an address means.

use crate::id::CodeSessionId;

const PATHS: &str = "/code-server/";

/// Where editors are found.
#[derive(Debug, Clone, Default)]
pub struct Site {
    https: bool,
    /// Lower-case, without a dot at either end; empty: none.
    domain: String,
}

/// What an address means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Place<'a> {
    Platform,
    /// An editor's address that lacks its slash.
    Bare(&'a str),
    /// An editor at its path, while there is a domain for them.
    Moved(Way<'a>),
    Editor(Way<'a>),
    /// There is nothing, and can be nothing.
    Nowhere,
}

/// An editor, and what it is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Way<'a> {
    pub id: &'a str,
    /// What stands before the editor's own paths; nothing where it has a host to itself.
    pub prefix: &'a str,
    /// As it came: encoded, and with whatever slashes.
    pub path: &'a str,
}

impl Way<'_> {
    /// The editor's own address.
    pub(super) fn is_root(&self) -> bool {
        self.path == "/"
    }

    pub(super) fn id(&self) -> CodeSessionId {
        self.id.to_owned().into()
    }
}

impl Site {
    /// `domain`: that of which every host is an editor's; empty: they are at paths.
    pub fn new(domain: &str, https: bool) -> Self {
        let domain = domain.trim().trim_start_matches('*').trim_matches('.').to_ascii_lowercase();
        Self { https, domain }
    }

    pub(super) fn https(&self) -> bool {
        self.https
    }

    /// `host` may have a port; `path` is raw.
    pub(super) fn place<'a>(&self, host: &'a str, path: &'a str) -> Place<'a> {
        if let Some(name) = self.name_of(host) {
            return if is_id(name) { Place::Editor(Way { id: name, prefix: "", path }) } else { Place::Nowhere };
        }
        let Some(rest) = path.strip_prefix(PATHS).filter(|rest| !rest.is_empty()) else { return Place::Platform };
        let (id, inner) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let way = Way { id, prefix: &path[..PATHS.len() + id.len()], path: inner };
        match (is_id(id), inner.is_empty(), self.domain.is_empty()) {
            (false, ..) => Place::Nowhere,
            (true, true, _) => Place::Bare(id),
            (true, false, true) => Place::Editor(way),
            (true, false, false) => Place::Moved(way),
        }
    }

    /// What stands before the domain; none of another host.
    fn name_of<'a>(&self, host: &'a str) -> Option<&'a str> {
        let host = without_port(host);
        let host = host.strip_suffix('.').unwrap_or(host);
        let at = host.len().checked_sub(self.domain.len() + 1)?;
        let is_below = !self.domain.is_empty()
            && host.is_char_boundary(at)
            && host[at..].strip_prefix('.').is_some_and(|end| end.eq_ignore_ascii_case(&self.domain));
        is_below.then(|| &host[..at])
    }

    /// Where the editor has a host to itself; `host` is the present one, whose port that has as well.
    pub(super) fn own_address(&self, id: &str, host: &str) -> String {
        let scheme = if self.https { "https" } else { "http" };
        let port = &host[without_port(host).len()..];
        format!("{scheme}://{id}.{}{port}", self.domain)
    }
}

fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    }
}

/// Ours are UUIDs; nothing else needs to be looked up.
fn is_id(text: &str) -> bool {
    text.len() == 36 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f' | b'-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "0190f3e2-0000-7000-8000-0123456789ab";

    #[test]
    fn paths_lead_to_editors() {
        let site = Site::new("", false);
        let place = |path: &str| format!("{:?}", site.place("here:8000", path));
        let editor = |inner: &str| {
            let prefix = format!("/code-server/{ID}");
            let path = format!("{prefix}{inner}");
            assert_eq!(
                site.place(&format!("{ID}.here"), &path),
                Place::Editor(Way { id: ID, prefix: &prefix, path: inner })
            );
        };
        for inner in ["/", "//", "/a%2Fb//c", "/code-server/x"] {
            editor(inner);
        }
        assert_eq!(place(&format!("/code-server/{ID}")), format!("Bare({ID:?})"));
        for path in ["/", "/code-server", "/code-server/", "/x/code-server/y", "//code-server/y"] {
            assert_eq!(place(path), "Platform", "{path}");
        }
        for id in ["x", &ID[1..], &ID.to_uppercase(), &format!("{}g", &ID[1..]), "..", "%2e%2e"] {
            assert_eq!(place(&format!("/code-server/{id}/")), "Nowhere", "{id}");
        }
    }

    #[test]
    fn hosts_lead_to_editors() {
        let site = Site::new("*.Sandbox.localhost", false);
        for host in ["{}.sandbox.localhost", "{}.SANDBOX.localhost:8000", "{}.sandbox.localhost."] {
            let host = host.replace("{}", ID);
            assert_eq!(site.place(&host, "/healthz"), Place::Editor(Way { id: ID, prefix: "", path: "/healthz" }));
        }
        for host in [
            "x.sandbox.localhost",
            ".sandbox.localhost",
            "a.b.sandbox.localhost:1",
            &format!("x.{ID}.sandbox.localhost"),
        ] {
            assert_eq!(site.place(host, "/"), Place::Nowhere, "{host}");
        }
        for host in ["sandbox.localhost", "localhost", "", ":", "xsandbox.localhost", "é.localhost", "[::1]:8000"] {
            assert_eq!(site.place(host, "/"), Place::Platform, "{host}");
        }
        let path = format!("/code-server/{ID}/x");
        assert!(matches!(site.place("localhost:8000", &path), Place::Moved(Way { path: "/x", .. })));
        assert_eq!(site.own_address(ID, "localhost:8000"), format!("http://{ID}.sandbox.localhost:8000"));
        assert_eq!(site.own_address(ID, "[::1]"), format!("http://{ID}.sandbox.localhost"));
    }
}
