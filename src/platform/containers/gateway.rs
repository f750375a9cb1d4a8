//! Where containers reach this server: an address of its own on their network, at which nothing else is served than what
//! they may use.

use std::{
    net::{IpAddr, SocketAddr},
    sync::{Arc, PoisonError, RwLock},
};

use axum::Router;
use tokio::{net::TcpListener, sync::Mutex};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{Containers, Where};
use crate::{
    error::{Error, Result},
    text,
};

#[derive(Debug, Clone)]
pub struct Gateway(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    containers: Containers,
    network: &'static str,
    /// Only while they are served: they hold what holds this.
    routes: RwLock<Router>,
    /// The address that is listened at.
    at: Mutex<Option<SocketAddr>>,
    tracker: TaskTracker,
    /// Cancelled when nothing is served any more.
    closed: CancellationToken,
}

impl Gateway {
    /// Of the network of that name. Nothing is listened at yet.
    pub fn new(containers: Containers, network: &'static str) -> Self {
        let (routes, at) = (RwLock::default(), Mutex::default());
        let (tracker, closed) = (TaskTracker::new(), CancellationToken::new());
        Self(Arc::new(Inner { containers, network, routes, at, tracker, closed }))
    }

    /// What is served there, as long as the answer is held.
    pub fn serve(&self, routes: Router) -> Serving {
        self.set(routes);
        Serving(self.clone())
    }

    fn set(&self, routes: Router) {
        *self.0.routes.write().unwrap_or_else(PoisonError::into_inner) = routes;
    }

    /// Where containers on the network reach it, from now on.
    pub async fn url(&self) -> Result<String> {
        let network = self.0.containers.network(self.0.network).await?;
        let (Where::Container, Some(gateway)) = (network.reach, network.gateway) else { return Err(elsewhere()) };
        let mut at = self.0.at.lock().await;
        if let Some(at) = at.filter(|at| at.ip() == gateway) {
            return Ok(url_of(at));
        }
        let listening = self.listen(gateway).await.map_err(|source| Error::Unavailable { what: "Docker", source })?;
        *at = Some(listening);
        Ok(url_of(listening))
    }

    async fn listen(&self, gateway: IpAddr) -> anyhow::Result<SocketAddr> {
        let listener = TcpListener::bind((gateway, 0)).await?;
        let at = listener.local_addr()?;
        let routes = self.0.routes.read().unwrap_or_else(PoisonError::into_inner).clone();
        let service = routes.into_make_service_with_connect_info::<SocketAddr>();
        let closed = self.0.closed.clone();
        self.0.tracker.spawn(async move {
            let served = axum::serve(listener, service).with_graceful_shutdown(closed.cancelled_owned());
            if let Err(error) = served.await {
                tracing::error!(%error, "containers cannot reach the server any more");
            }
        });
        Ok(at)
    }
}

/// Until it goes there are routes: a server that stops still takes what running spiders deliver.
#[derive(Debug)]
#[must_use]
pub struct Serving(Gateway);

impl Drop for Serving {
    fn drop(&mut self) {
        self.0.set(Router::new());
        self.0.0.closed.cancel();
    }
}

fn url_of(at: SocketAddr) -> String {
    format!("http://{at}")
}

fn elsewhere() -> Error {
    Error::conflict(
        "no_way_back",
        text!(
            "容器无法访问本服务器，请设置 runner.api_url",
            "containers do not reach this server by themselves: set runner.api_url to an address at which they do"
        ),
    )
}
