//! Which room an address means.

use axum::http::Uri;

use super::{Prefix, Room};

const PATHS: &str = "/code-server/";
/// Of which every host is this machine, to browsers; where instances are found that have no other domain.
const LOCAL: &str = "localhost";

/// Where editors and instances are found.
#[derive(Debug, Clone, Default)]
pub struct Site {
    https: bool,
    /// Of which every host is a room's; lower-case, without a dot at either end; empty: none.
    domain: String,
    /// People reach the platform at this host, which is no room's.
    host: String,
    /// As it stands behind the platform's host in addresses: ":8000", or nothing.
    port: String,
    has_instances: bool,
}

/// What an address means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Place<'a> {
    Platform,
    /// An editor's address that lacks its slash.
    Bare,
    /// An editor at its path, while there is a domain for them.
    Moved(Way<'a>),
    Room(Way<'a>),
    /// There is nothing, and can be nothing.
    Nowhere,
}

/// A room, and what it is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Way<'a> {
    pub room: Room,
    /// What stands before the room's own paths; nothing where it has a host to itself.
    pub prefix: &'a str,
    /// As it came: encoded, and with whatever slashes.
    pub path: &'a str,
}

impl Way<'_> {
    /// The room's own address.
    pub(super) fn is_root(&self) -> bool {
        self.path == "/"
    }
}

impl Site {
    /// `domain`: that of which every host is a room's; empty: editors are at paths, instances below `localhost`.
    /// `address`: where people reach the platform, as `https://crawl.example.com:8443`.
    pub fn new(domain: &str, address: &str, has_instances: bool) -> Self {
        let domain = domain.trim().trim_start_matches('*').trim_matches('.').to_ascii_lowercase();
        let uri: Uri = address.parse().unwrap_or_default();
        let port = uri.port().map(|port| format!(":{port}")).unwrap_or_default();
        let host = uri.host().unwrap_or_default().to_ascii_lowercase();
        Self { https: uri.scheme_str() == Some("https"), domain, host, port, has_instances }
    }

    pub(super) fn https(&self) -> bool {
        self.https
    }

    /// Where an instance is found.
    pub fn address_of(&self, instance: &Prefix) -> String {
        let scheme = if self.https { "https" } else { "http" };
        let domain = if self.domain.is_empty() { LOCAL } else { &self.domain };
        format!("{scheme}://{instance}.{domain}{}/", self.port)
    }

    /// `host` may have a port and any case; `path` is raw.
    pub(super) fn place<'a>(&self, host: &str, path: &'a str) -> Place<'a> {
        if let Some(name) = name_below(&self.domain, host) {
            return match room_of(name) {
                Some(room) => Place::Room(Way { room, prefix: "", path }),
                None => Place::Nowhere,
            };
        }
        if let Some(instance) = self.local_instance(host) {
            return Place::Room(Way { room: Room::Instance(instance), prefix: "", path });
        }
        let Some(rest) = path.strip_prefix(PATHS).filter(|rest| !rest.is_empty()) else { return Place::Platform };
        let (id, inner) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let prefix = &path[..PATHS.len() + id.len()];
        if !is_id(id) {
            return Place::Nowhere;
        }
        let way = Way { room: Room::Editor(id.to_owned().into()), prefix, path: inner };
        match (inner.is_empty(), self.domain.is_empty()) {
            (true, _) => Place::Bare,
            (false, true) => Place::Room(way),
            (false, false) => Place::Moved(way),
        }
    }

    /// Without a domain for them, instances are below one that also the platform may be at.
    fn local_instance(&self, host: &str) -> Option<Prefix> {
        if !self.has_instances || !self.domain.is_empty() {
            return None;
        }
        let name = name_below(LOCAL, host)?.to_ascii_lowercase();
        let is_platform = self.host == format!("{name}.{LOCAL}");
        Prefix::new(&name).filter(|prefix| !is_platform && !prefix.is_reserved())
    }

    /// Where an editor has a host to itself; `host` is the present one, whose port that has as well.
    pub(super) fn own_address(&self, id: &str, host: &str) -> String {
        let scheme = if self.https { "https" } else { "http" };
        let port = &host[without_port(host).len()..];
        format!("{scheme}://{id}.{}{port}", self.domain)
    }
}

/// What stands before the domain; none of another host, or where there is no domain.
fn name_below<'a>(domain: &str, host: &'a str) -> Option<&'a str> {
    let host = without_port(host);
    let host = host.strip_suffix('.').unwrap_or(host);
    let at = host.len().checked_sub(domain.len() + 1)?;
    let is_below = !domain.is_empty()
        && host.is_char_boundary(at)
        && host[at..].strip_prefix('.').is_some_and(|end| end.eq_ignore_ascii_case(domain));
    is_below.then(|| &host[..at])
}

/// Names of hosts have no case.
fn room_of(name: &str) -> Option<Room> {
    let name = name.to_ascii_lowercase();
    if is_id(&name) { Some(Room::Editor(name.into())) } else { Prefix::new(&name).map(Room::Instance) }
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

    fn editor(prefix: &'static str, path: &'static str) -> Place<'static> {
        Place::Room(Way { room: Room::Editor(ID.to_owned().into()), prefix, path })
    }

    fn instance(name: &str, path: &'static str) -> Place<'static> {
        Place::Room(Way { room: Room::Instance(Prefix::new(name).unwrap()), prefix: "", path })
    }

    #[test]
    fn paths_lead_to_editors() {
        let site = Site::new("", "http://here:8000", true);
        for inner in ["/", "//", "/a%2Fb//c", "/code-server/x"] {
            let path = format!("/code-server/{ID}{inner}");
            let Place::Room(way) = site.place(&format!("{ID}.here"), &path) else { panic!("{path}") };
            assert_eq!((way.room.name(), way.prefix, way.path), (ID, &*format!("/code-server/{ID}"), inner));
        }
        assert_eq!(site.place("here:8000", &format!("/code-server/{ID}")), Place::Bare);
        for path in ["/", "/code-server", "/code-server/", "/x/code-server/y", "//code-server/y"] {
            assert_eq!(site.place("here:8000", path), Place::Platform, "{path}");
        }
        for id in ["x", &ID[1..], &ID.to_uppercase(), &format!("{}g", &ID[1..]), "..", "%2e%2e"] {
            assert_eq!(site.place("here:8000", &format!("/code-server/{id}/")), Place::Nowhere, "{id}");
        }
    }

    #[test]
    fn hosts_lead_to_rooms() {
        let site = Site::new("*.Sandbox.localhost", "http://localhost:8000", true);
        for host in
            ["{}.sandbox.localhost", "{}.SANDBOX.localhost:8000", "{}.sandbox.localhost.", "{}.sandbox.localhost.:1"]
        {
            for id in [ID.to_owned(), ID.to_uppercase()] {
                assert_eq!(site.place(&host.replace("{}", &id), "/healthz"), editor("", "/healthz"));
            }
            for name in ["shop2026", "SHOP2026"] {
                assert_eq!(site.place(&host.replace("{}", name), "/x"), instance("shop2026", "/x"));
            }
        }
        for host in [
            "x.sandbox.localhost",
            ".sandbox.localhost",
            "a.shop2026.sandbox.localhost:1",
            "shop2026..sandbox.localhost",
            "shop-2026.sandbox.localhost",
            "shop%32026.sandbox.localhost",
            &format!("{}.sandbox.localhost", "a".repeat(64)),
            &format!("x.{ID}.sandbox.localhost"),
        ] {
            assert_eq!(site.place(host, "/"), Place::Nowhere, "{host}");
        }
        for host in [
            "sandbox.localhost",
            "localhost",
            "",
            ":",
            "shop2026.localhost",
            "xsandbox.localhost",
            "é.localhost",
            "[::1]:8000",
        ] {
            assert_eq!(site.place(host, "/"), Place::Platform, "{host}");
        }
        let path = format!("/code-server/{ID}/x");
        assert!(matches!(site.place("localhost:8000", &path), Place::Moved(Way { path: "/x", .. })));
        assert_eq!(site.own_address(ID, "localhost:8000"), format!("http://{ID}.sandbox.localhost:8000"));
        assert_eq!(site.own_address(ID, "[::1]"), format!("http://{ID}.sandbox.localhost"));
    }

    #[test]
    fn without_a_domain_instances_are_on_this_machine() {
        let site = Site::new("", "http://spiders9.localhost:8000", true);
        for host in ["shop2026.localhost", "SHOP2026.LocalHost.:8000"] {
            assert_eq!(site.place(host, "/"), instance("shop2026", "/"), "{host}");
        }
        // What may be the platform's own name, or no instance's, stays the platform's.
        for host in
            ["localhost:8000", "crawlhub.localhost", "spiders9.localhost", "a.shop2026.localhost", "short.localhost"]
        {
            assert_eq!(site.place(host, "/"), Place::Platform, "{host}");
        }
        assert_eq!(Site::new("", "http://here", false).place("shop2026.localhost", "/"), Place::Platform);
        let prefix = Prefix::new("shop2026").unwrap();
        assert_eq!(site.address_of(&prefix), "http://shop2026.localhost:8000/");
        let site = Site::new("apps.example.net", "https://crawl.example.com", true);
        assert_eq!(site.address_of(&prefix), "https://shop2026.apps.example.net/");
    }
}
