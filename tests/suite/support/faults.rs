//! Faults that tests cause.

use std::{process::Stdio, sync::Arc};

use tempfile::TempDir;
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    process::Command,
    sync::watch,
};

use super::parts;

/// Stands before a database; closed, it cuts every connection and refuses new ones.
pub struct Gate {
    /// The database, through the gate.
    pub url: String,
    /// The database itself.
    pub direct: String,
    is_open: Arc<watch::Sender<bool>>,
}

impl Gate {
    pub async fn before_postgres() -> Self {
        Self::before(parts::new_database().await.unwrap()).await
    }

    /// `direct` is an address like `scheme://user@host:port/database`; the user may be left out.
    pub async fn before(direct: String) -> Self {
        let (_, rest) = direct.split_once('@').or_else(|| direct.split_once("//")).unwrap();
        let start = &direct[..direct.len() - rest.len()];
        let (address, database) = rest.split_once('/').unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("{start}{}/{database}", listener.local_addr().unwrap());
        let is_open = Arc::new(watch::Sender::new(true));
        let (address, gate) = (address.to_owned(), is_open.clone());
        tokio::spawn(async move {
            while let Ok((mut inside, _)) = listener.accept().await {
                let (address, mut state) = (address.clone(), gate.subscribe());
                if !*state.borrow() {
                    continue;
                }
                tokio::spawn(async move {
                    let mut outside = TcpStream::connect(address).await.unwrap();
                    tokio::select! {
                        _ = copy_bidirectional(&mut inside, &mut outside) => {}
                        _ = state.wait_for(|open| !open) => {}
                    }
                });
            }
        });
        Self { url, direct, is_open }
    }

    pub fn close(&self) {
        self.is_open.send_replace(false);
    }

    pub fn open(&self) {
        self.is_open.send_replace(true);
    }
}

/// A disk that is soon full.
pub struct SmallDisk(TempDir);

impl SmallDisk {
    /// `None` where this user may not mount.
    pub async fn mount(megabytes: u32) -> Option<Self> {
        let folder = tempfile::Builder::new().prefix("crawlhub-disk-").tempdir().unwrap();
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={megabytes}m"), "tmpfs"])
            .arg(folder.path())
            .stderr(Stdio::null())
            .status()
            .await
            .is_ok_and(|status| status.success());
        mounted.then_some(Self(folder))
    }

    pub fn path(&self) -> &str {
        self.0.path().to_str().unwrap()
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily: the server of the test may still hold files.
        let _ = std::process::Command::new("umount").arg("-l").arg(self.0.path()).status();
    }
}
