//! The way to the engine: found when it is needed, and anew when another one has come.

use std::{
    path::Path,
    sync::{Mutex, Once, PoisonError},
    time::Duration,
};

use bollard::errors::Error;

use super::answers::{is_of_another_version, told_of};
use crate::platform::containers::{ContainerError, Result};

/// For an answer to be there.
pub(super) const PATIENCE: Duration = Duration::from_secs(20);

/// Docker's first release in which a container cannot harm the machine while files go in or out (CVE-2026-41567, 41568).
const SAFE: [u64; 3] = [29, 5, 1];

const DOCKER_SOCKET: &str = "/var/run/docker.sock";
const PODMAN_SOCKET: &str = "/run/podman/podman.sock";
/// Where engines usually are.
pub const ENGINE_SOCKETS: [&str; 2] = [DOCKER_SOCKET, PODMAN_SOCKET];

#[derive(Debug)]
pub(in super::super) struct Connection {
    /// Empty: whichever of the usual sockets is there.
    host: String,
    /// Forgotten when the engine goes, as another one may come back.
    engine: Mutex<Option<Reached>>,
}

/// An engine that has answered.
#[derive(Debug, Clone)]
pub(super) struct Reached {
    /// With the version that was agreed on.
    pub client: bollard::Docker,
    pub is_podman: bool,
}

impl Connection {
    /// Nothing is asked of the engine yet.
    pub(in super::super) fn new(host: &str) -> Self {
        Self { host: host.to_owned(), engine: Mutex::default() }
    }

    pub(in super::super) async fn client(&self) -> Result<bollard::Docker> {
        Ok(self.engine().await?.client)
    }

    pub(super) async fn engine(&self) -> Result<Reached> {
        let known = || self.engine.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(engine) = known().clone() {
            return Ok(engine);
        }
        let connect = async {
            // Another part may have done it before.
            let _ = rustls::crypto::ring::default_provider().install_default();
            let client = bollard::Docker::connect_with_host(&self.address())?.with_timeout(PATIENCE);
            let client = client.negotiate_version().await?;
            let version = client.version().await?;
            let is_podman = version.components.iter().flatten().any(|part| part.name.contains("Podman"));
            if !is_podman {
                warn_if_old(version.version.as_deref().unwrap_or_default());
            }
            Ok(Reached { client, is_podman })
        };
        let engine = self.ask("", connect).await?;
        *known() = Some(engine.clone());
        Ok(engine)
    }

    pub(super) fn address(&self) -> String {
        match self.host.as_str() {
            "" if !Path::new(DOCKER_SOCKET).exists() && Path::new(PODMAN_SOCKET).exists() => {
                format!("unix://{PODMAN_SOCKET}")
            }
            "" => format!("unix://{DOCKER_SOCKET}"),
            host => host.to_owned(),
        }
    }

    /// The answer to a call, which does not take for ever; `about` is the container that it is for.
    pub(in super::super) async fn ask<T>(
        &self,
        about: &str,
        call: impl Future<Output = Result<T, Error>>,
    ) -> Result<T> {
        self.ask_within(PATIENCE, about, call).await
    }

    pub(super) async fn ask_within<T>(
        &self,
        limit: Duration,
        about: &str,
        call: impl Future<Output = Result<T, Error>>,
    ) -> Result<T> {
        let answer = tokio::time::timeout(limit, call).await;
        self.judge(answer.unwrap_or(Err(Error::RequestTimeoutError)), about)
    }

    /// What became of a call.
    pub(super) fn judge<T>(&self, answer: Result<T, Error>, about: &str) -> Result<T> {
        answer.map_err(|error| {
            let is_another = is_of_another_version(&error);
            let error = told_of(error, about);
            if is_another || matches!(error, ContainerError::Unavailable(_)) {
                *self.engine.lock().unwrap_or_else(PoisonError::into_inner) = None;
            }
            error
        })
    }
}

/// Once in the life of a server.
fn warn_if_old(version: &str) {
    static SAID: Once = Once::new();
    if is_old(version) {
        SAID.call_once(|| {
            tracing::warn!(
                "Docker {version} has known defects by which a hostile container can take over the machine while files \
                 are copied (CVE-2026-41567, CVE-2026-41568): update it to 29.5.1 or later"
            );
        });
    }
}

/// What is no release says nothing of its age.
pub(super) fn is_old(version: &str) -> bool {
    let numbers: Vec<u64> = version.split(['.', '-', '+']).take(3).map_while(|part| part.parse().ok()).collect();
    numbers.len() == SAFE.len() && numbers < SAFE.to_vec()
}
