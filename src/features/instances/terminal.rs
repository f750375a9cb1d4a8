//! A terminal in an instance, over a WebSocket. It is open as long as whoever opened it is signed in, and as long as the
//! instance runs; what was started in it ends with it.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use axum::{
    extract::{
        Path, State, WebSocketUpgrade,
        ws::{WebSocket, rejection::WebSocketUpgradeRejection},
    },
    http::HeaderMap,
    response::Response,
};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{Instances, types::Instance};
use crate::{
    error::{Error, Result},
    features::accounts::{Caller, Deed, Role},
    id::InstanceId,
    platform::{
        containers::{ContainerId, Ended, Mark, Size, Terminal},
        http::{Params, TerminalParams, accept_terminal, carry_terminal, shell},
    },
    text,
};

/// How often it is seen whether it may go on, and noted that somebody types.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// In one instance.
const MOST: usize = 8;

/// How many terminals this server has open, by instance. Clones are the same one.
#[derive(Debug, Clone, Default)]
pub(super) struct Terminals(Arc<Mutex<HashMap<InstanceId, usize>>>);

impl Terminals {
    fn counts(&self) -> MutexGuard<'_, HashMap<InstanceId, usize>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One more, where there are not too many.
    fn enter(&self, id: &InstanceId) -> Result<()> {
        let mut counts = self.counts();
        let count = counts.entry(id.clone()).or_default();
        if *count >= MOST {
            return Err(Error::too_many(
                "too_many_terminals",
                text!(
                    "该实例最多同时打开 {MOST} 个终端，请先关闭一个",
                    "{MOST} terminals are open in this instance, which is the most; close one"
                ),
            ));
        }
        *count += 1;
        Ok(())
    }

    /// One less.
    fn leave(&self, id: &InstanceId) {
        let mut counts = self.counts();
        if let Some(count) = counts.get_mut(id) {
            *count -= 1;
            if *count == 0 {
                counts.remove(id);
            }
        }
    }
}

pub(super) fn router() -> OpenApiRouter<Instances> {
    OpenApiRouter::new().routes(routes!(terminal))
}

/// A shell in the instance, over a WebSocket: binary frames are what is typed and what is shown, a text frame
/// `{"resize":{"cols","rows"}}` sets the size, and `{"exit":{"code"}}` comes at the end of the shell. Closing it ends all that
/// was started in it.
#[utoipa::path(get, path = "/instances/{prefix}/terminal", tag = "instances",
    params(("prefix" = String, Path), TerminalParams),
    responses((status = 101, description = "a WebSocket"), (status = 400, description = "`not_a_websocket`"),
        (status = 403, description = "`foreign_origin`: a page of somewhere else; `not_yours`"),
        (status = 404, description = "`no_instance`"), (status = 409, description = "`instance_stopped`"),
        (status = 429, description = "`too_many_terminals`"), (status = 503, description = "Docker does not answer")))]
async fn terminal(
    State(instances): State<Instances>,
    caller: Caller,
    deed: Deed,
    Path(prefix): Path<String>,
    Params(params): Params<TerminalParams>,
    headers: HeaderMap,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response> {
    let upgrade = accept_terminal(&headers, upgrade)?;
    deed.is("terminal");
    let instance = instances.own(&caller, &prefix).await?;
    let (container, mark, terminal) = instances.open_terminal(&instance, params.size()).await?;
    Ok(upgrade.on_upgrade(move |socket| instances.carry(caller, (instance, container, mark), terminal, socket)))
}

impl Instances {
    async fn open_terminal(&self, instance: &Instance, size: Size) -> Result<(ContainerId, Mark, Terminal)> {
        let Some(container) = instance.container_id.clone().filter(|_| instance.upstream.is_some()) else {
            return Err(Error::conflict(
                "instance_stopped",
                text!("实例未运行，请先启动", "the instance does not run; start it first"),
            ));
        };
        self.terminals.enter(&instance.id)?;
        // A container's own processes carry none.
        let mark = Mark::new();
        match self.containers.terminal(&container, shell(mark), size).await {
            Ok(terminal) => Ok((container, mark, terminal)),
            Err(error) => {
                self.end_terminal(&instance.id, &container, mark).await;
                Err(error.into())
            }
        }
    }

    /// Carries the terminal over the socket to its end, and ends what was started in it.
    async fn carry(
        self,
        caller: Caller,
        (instance, container, mark): (Instance, ContainerId, Mark),
        terminal: Terminal,
        socket: WebSocket,
    ) {
        let (end, typed) = (self.jobs.stopping().child_token(), AtomicBool::default());
        let carried = carry_terminal(socket, terminal, (&self.containers, &container), &end, || {
            typed.store(true, Ordering::Relaxed);
        });
        let mut carried = std::pin::pin!(carried);
        tokio::select! {
            _ = &mut carried => {}
            () = self.until_it_may_not_go_on(&caller, &instance, &typed) => {
                end.cancel();
                carried.await;
            }
        }
        self.end_terminal(&instance.id, &container, mark).await;
    }

    /// Ends once whoever opened the terminal may have it no longer. Typing is activity.
    async fn until_it_may_not_go_on(&self, caller: &Caller, instance: &Instance, typed: &AtomicBool) {
        loop {
            tokio::time::sleep(LOOK_EVERY).await;
            if typed.swap(false, Ordering::Relaxed)
                && let Err(error) = self.touch(&instance.id).await
            {
                tracing::debug!("{error}");
            }
            match self.accounts.role_now(caller).await {
                Ok(Some(role)) if role >= Role::Editor => {}
                Ok(_) => return,
                // Nobody knows.
                Err(error) => tracing::debug!("{error}"),
            }
        }
    }

    /// Ends what was started in a terminal. Where the container does not run there is nothing left.
    async fn end_terminal(&self, id: &InstanceId, container: &ContainerId, mark: Mark) {
        self.terminals.leave(id);
        if let Err(error) = self.containers.end(container, Ended::Of(mark)).await {
            tracing::debug!(%container, "what was started in a terminal may go on: {error}");
        }
    }
}
