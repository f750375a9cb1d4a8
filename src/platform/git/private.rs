//! The folder of one call that speaks to a server: git's settings for it, and what is secret.

use std::{
    fs::OpenOptions,
    io::{self, Write},
    net::IpAddr,
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

use tempfile::TempDir;
use tokio::net::TcpStream;

use super::{Address, Failure, Git, Remote, Trouble, cache::PRIVATE};

/// Of several addresses of one name, until the next is tried.
const NEXT_ADDRESS: std::time::Duration = std::time::Duration::from_secs(3);
const MOST_HOST_KEYS: u64 = 64 * 1024;
const HOST_KEYS: &str = "known_hosts";
/// For every call. What is ignored of `fsck` is in old repositories of good faith, and harmless. The last section goes on.
const SETTINGS: &str = r#"[core]
hooksPath = /dev/null
bigFileThreshold = 16m
packedGitLimit = 256m
packedGitWindowSize = 16m
[protocol]
version = 2
allow = never
[protocol "https"]
allow = always
[protocol "ssh"]
allow = always
[credential]
helper =
[transfer]
fsckObjects = true
bundleURI = false
[fetch]
unpackLimit = 1
recurseSubmodules = false
[fetch "fsck"]
zeroPaddedFilemode = ignore
badTimezone = ignore
missingSpaceBeforeDate = ignore
missingSpaceBeforeEmail = ignore
[submodule]
recurse = false
[gc]
auto = 0
[maintenance]
auto = false
[pack]
threads = 1
[http]
followRedirects = false
sslVerify = true
lowSpeedLimit = 1
lowSpeedTime = 60"#;

/// Gone with this.
pub(super) struct Private(TempDir);

impl Private {
    pub(super) fn path(&self) -> &Path {
        self.0.path()
    }

    /// The keys that hosts have shown, as ssh writes them down. None: none.
    pub(super) fn host_keys(&self) -> Option<String> {
        use std::io::Read;
        let mut keys = String::new();
        let file = std::fs::File::open(self.path().join(HOST_KEYS)).ok()?;
        file.take(MOST_HOST_KEYS).read_to_string(&mut keys).ok()?;
        Some(keys).filter(|keys| !keys.is_empty())
    }

    fn write(&self, name: &str, content: &str) -> io::Result<()> {
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(self.path().join(name))?;
        file.write_all(content.as_bytes())
    }
}

impl Git {
    /// For a call to one of `addresses`, which were looked at.
    pub(super) async fn private(&self, remote: &Remote<'_>, addresses: &[IpAddr]) -> Result<Private, Failure> {
        let host = if remote.address.is_https() {
            String::new()
        } else {
            answering(remote.address, addresses).await?.to_string()
        };
        let written = || {
            let folder = tempfile::Builder::new().prefix(PRIVATE).tempdir_in(&self.0.root)?;
            let private = Private(folder);
            private.write("gitconfig", &self.config(remote, addresses))?;
            if !remote.address.is_https() {
                private.write("ssh_config", &ssh_config(remote, &host))?;
                private.write(HOST_KEYS, remote.host_keys.unwrap_or_default())?;
                if let Some(key) = &remote.credentials.key {
                    private.write("key", key)?;
                }
            }
            Ok(private)
        };
        written().map_err(|error: io::Error| Failure::local("git's settings cannot be written", &error))
    }

    fn config(&self, remote: &Remote<'_>, addresses: &[IpAddr]) -> String {
        let text = |line: &str| line.to_owned();
        let mut lines: Vec<String> = SETTINGS.lines().map(text).collect();
        if let Some(bundle) = &self.0.ca_bundle {
            lines.push(format!("sslCAInfo = {}", quoted(&bundle.to_string_lossy())));
        }
        let Remote { address, credentials, .. } = remote;
        if address.is_https() {
            // One that is written as a number is not asked for; git takes no name that is none.
            if address.host().parse::<IpAddr>().is_err() {
                let listed: Vec<String> = addresses.iter().map(bracketed).collect();
                let resolve = format!("{}:{}:{}", address.host(), address.port(), listed.join(","));
                lines.push(format!("curloptResolve = {}", quoted(&resolve)));
            }
            if let Some(authorization) = credentials.authorization(address) {
                let of_server = address.as_str().splitn(4, '/').take(3).collect::<Vec<_>>().join("/");
                let header = format!("Authorization: {authorization}");
                lines.push(format!("[http {}]", quoted(&of_server)));
                lines.push(format!("extraHeader = {}", quoted(&header)));
            }
        }
        lines.push(text(""));
        lines.join("\n")
    }
}

fn bracketed(address: &IpAddr) -> String {
    match address {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => format!("[{address}]"),
    }
}

/// As a value of git's settings.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

/// Names are relative to where git, and so ssh, is run.
fn ssh_config(remote: &Remote<'_>, host: &str) -> String {
    let (alias, key) = (remote.address.host(), if remote.credentials.key.is_some() { "key" } else { "none" });
    format!(
        "Host *\n HostName {host}\n HostKeyAlias {alias}\n User git\n IdentityFile {key}\n IdentitiesOnly yes\n\
         \x20IdentityAgent none\n PreferredAuthentications publickey\n UserKnownHostsFile {HOST_KEYS}\n\
         \x20GlobalKnownHostsFile none\n StrictHostKeyChecking accept-new\n UpdateHostKeys no\n HashKnownHosts no\n\
         \x20CheckHostIP no\n BatchMode yes\n ConnectTimeout 20\n ServerAliveInterval 15\n ServerAliveCountMax 4\n\
         \x20ForwardAgent no\n ClearAllForwardings yes\n PermitLocalCommand no\n ControlMaster no\n ControlPath none\n\
         \x20LogLevel ERROR\n"
    )
}

/// The first that takes a connection: ssh is told one.
async fn answering(address: &Address, addresses: &[IpAddr]) -> Result<IpAddr, Failure> {
    if let [only] = addresses {
        return Ok(*only);
    }
    for one in addresses {
        let connected = tokio::time::timeout(NEXT_ADDRESS, TcpStream::connect((*one, address.port()))).await;
        if matches!(connected, Ok(Ok(_))) {
            return Ok(*one);
        }
    }
    let sentence = format!("nobody answers at {}:{}", address.host(), address.port());
    Err(Failure::said(Trouble::Unreachable, sentence))
}
