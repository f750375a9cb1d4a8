//! Where repositories come from: git over https, and over ssh, on this machine.

use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    net::TcpStream,
    process::Child,
};

use super::{free_port, skip_unless};

/// What private repositories want.
pub const TOKEN: &str = "glpat-s3cret-of-the-forge";

pub struct Forge {
    pub root: TempDir,
    port: u16,
    _server: Child,
}

/// A repository of the forge, with a folder to work in.
pub struct Repository {
    pub path: PathBuf,
    work: PathBuf,
}

impl Forge {
    /// None where a part of it is missing.
    pub async fn start() -> Option<Self> {
        let has = |program: &str, argument: &str| Command::new(program).arg(argument).output().is_ok();
        if skip_unless(has("git", "--version") && has("openssl", "version"), "git and openssl") {
            return None;
        }
        let root = tempfile::Builder::new().prefix("forge-").tempdir().unwrap();
        let at = |name: &str| root.path().join(name);
        let made = Command::new("openssl")
            .args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"])
            .args(["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout"])
            .arg(at("key.pem"))
            .arg("-out")
            .arg(at("certificate.pem"))
            .output()
            .unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/suite/support/forge.py");
        let mut server = tokio::process::Command::new("python3")
            .arg(script)
            .arg(root.path())
            .args([at("certificate.pem"), at("key.pem")])
            .arg(TOKEN)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(server.stdout.take().unwrap()).lines();
        let port = lines.next_line().await.unwrap().expect("the forge does not start").parse().unwrap();
        Some(Self { root, port, _server: server })
    }

    pub fn url(&self, name: &str) -> String {
        format!("https://localhost:{}/{name}.git", self.port)
    }

    pub fn certificate(&self) -> String {
        self.root.path().join("certificate.pem").to_str().unwrap().to_owned()
    }

    /// An empty one.
    pub fn repository(&self, name: &str) -> Repository {
        let path = self.root.path().join(format!("{name}.git"));
        let work = self.root.path().join(format!("work-{name}"));
        git(self.root.path(), &["init", "-q", "--bare", "-b", "main", path.to_str().unwrap()]);
        git(self.root.path(), &["init", "-q", "-b", "main", work.to_str().unwrap()]);
        git(&work, &["remote", "add", "origin", path.to_str().unwrap()]);
        Repository { path, work }
    }

    /// Fetches of `held-…` repositories wait from now on.
    pub fn hold(&self) {
        std::fs::write(self.root.path().join("hold"), "").unwrap();
    }

    pub fn let_go(&self) {
        std::fs::remove_file(self.root.path().join("hold")).unwrap();
    }

    /// Waits until the repository was fetched so often, or begun to be.
    pub async fn is_asked(&self, name: &str, times: usize) {
        let give_up = Instant::now() + Duration::from_mins(1);
        while self.fetches(name) < times {
            assert!(Instant::now() < give_up, "{name} is not fetched");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// How often the repository was fetched, or begun to be.
    pub fn fetches(&self, name: &str) -> usize {
        let fetches = std::fs::read_to_string(self.root.path().join("fetches")).unwrap_or_default();
        fetches.lines().filter(|line| *line == format!("{name}.git")).count()
    }
}

impl Repository {
    pub fn folder(&self) -> &Path {
        &self.work
    }

    pub fn git(&self, arguments: &[&str]) -> String {
        git(&self.work, arguments)
    }

    pub fn write(&self, path: &str, content: &str) {
        let path = self.work.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }

    /// Commits all there is and pushes it, whatever was there. The commit.
    pub fn push(&self, message: &str) -> String {
        self.git(&["add", "-A"]);
        self.git(&["commit", "-q", "--allow-empty", "-m", message]);
        self.git(&["push", "-q", "-f", "origin", "HEAD"]);
        self.git(&["rev-parse", "HEAD"])
    }
}

fn git(folder: &Path, arguments: &[&str]) -> String {
    let done = Command::new("git")
        .args(["-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "protocol.file.allow=always"])
        .args(arguments)
        .current_dir(folder)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .output()
        .unwrap();
    assert!(done.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&done.stderr));
    String::from_utf8(done.stdout).unwrap().trim().to_owned()
}

/// OpenSSH's server, which lets in whoever has its key.
pub struct SshServer {
    folder: TempDir,
    port: u16,
    server: Child,
}

impl SshServer {
    /// None where there is none.
    pub async fn start() -> Option<Self> {
        let sshd = Path::new("/usr/sbin/sshd");
        if skip_unless(sshd.is_file(), "openssh-server") {
            return None;
        }
        let folder = tempfile::Builder::new().prefix("sshd-").tempdir().unwrap();
        make_key(&folder.path().join("key"));
        let port = free_port();
        let server = Self::serve(folder.path(), port).await;
        Some(Self { folder, port, server })
    }

    async fn serve(folder: &Path, port: u16) -> Child {
        let host_key = folder.join("host");
        let _ = std::fs::remove_file(&host_key);
        make_key(&host_key);
        let at = |name: &str| folder.join(name).display().to_string();
        let config = format!(
            "Port {port}\nListenAddress 127.0.0.1\nHostKey {}\nAuthorizedKeysFile {}\nPidFile none\nStrictModes no\n\
             UsePAM no\nPasswordAuthentication no\nPermitRootLogin yes\n",
            at("host"),
            at("key.pub")
        );
        std::fs::write(folder.join("config"), config).unwrap();
        // Wanted where it runs as root.
        let _ = std::fs::create_dir_all("/run/sshd");
        let server = tokio::process::Command::new("/usr/sbin/sshd")
            .args(["-D", "-e", "-f", &at("config")])
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        while TcpStream::connect(("127.0.0.1", port)).await.is_err() {
            tokio::task::yield_now().await;
        }
        server
    }

    /// The same place, and another host.
    pub async fn change_host_key(&mut self) {
        self.server.kill().await.unwrap();
        self.server = Self::serve(self.folder.path(), self.port).await;
    }

    pub fn url(&self, repository: &Repository) -> String {
        let user = nix::unistd::User::from_uid(nix::unistd::getuid()).unwrap().unwrap().name;
        format!("ssh://{user}@localhost:{}{}", self.port, repository.path.display())
    }

    /// What opens it.
    pub fn key(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("key")).unwrap()
    }
}

fn make_key(path: &Path) {
    let made = Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(path).status().unwrap();
    assert!(made.success());
}
