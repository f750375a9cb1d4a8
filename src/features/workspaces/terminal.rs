//! A terminal in a workspace, over a WebSocket. It is open as long as whoever opened it is signed in and types, and as long
//! as the workspace runs; what was started in it ends with it.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use axum::{
    extract::{
        State, WebSocketUpgrade,
        ws::{WebSocket, rejection::WebSocketUpgradeRejection},
    },
    http::{HeaderMap, header},
    response::Response,
};
use chrono::{DateTime, TimeDelta, Utc};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    Workspaces,
    place::FOLDER,
    routes::Chosen,
    runs::{Held, Run},
    types::{Kind, Workspace},
};
use crate::{
    error::{Error, Result},
    features::accounts::{Caller, Deed, Role},
    platform::{
        containers::{Exec, Size, Terminal},
        http::{Params, carry_terminal, for_terminal, is_own_page},
    },
    text,
};

/// How often it is seen whether it may go on.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// How often it is counted what the workspace holds.
const COUNT_EVERY: Duration = Duration::from_secs(15);
const SHELL: &str = "command -v bash >/dev/null && exec bash; exec sh";

pub(super) fn router() -> OpenApiRouter<Workspaces> {
    OpenApiRouter::new().routes(routes!(terminal))
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct TerminalParams {
    /// Of characters in a line; 80 where left out.
    cols: Option<u16>,
    /// Of lines; 24 where left out.
    rows: Option<u16>,
}

/// A shell in the workspace, over a WebSocket: binary frames are what is typed and what is shown, a text frame
/// `{"resize":{"cols","rows"}}` sets the size, and `{"exit":{"code"}}` comes at the end of the shell. Closing it ends all that
/// was started in it.
#[utoipa::path(get, path = "/terminal", tag = "workspaces", params(TerminalParams),
    responses((status = 101, description = "a WebSocket"), (status = 400, description = "`not_a_websocket`"),
        (status = 403, description = "`foreign_origin`: a page of somewhere else"),
        (status = 404, description = "`workspace_not_found`"), (status = 429, description = "`too_many_runs`"),
        (status = 507, description = "`workspace_full`")))]
async fn terminal(
    State(workspaces): State<Workspaces>,
    caller: Caller,
    deed: Deed,
    Chosen(name): Chosen,
    Params(params): Params<TerminalParams>,
    headers: HeaderMap,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response> {
    // Cookies come along from any page; what a page may not set does not.
    if !headers.contains_key(header::AUTHORIZATION) && !is_own_page(&headers) {
        let text = text!("不允许其他网站的页面打开终端", "pages of other sites open no terminals here");
        return Err(Error::forbidden("foreign_origin", text));
    }
    let not_one = |_| Error::bad_request("not_a_websocket", text!("须为 WebSocket 请求", "ask for a WebSocket"));
    let upgrade = upgrade.map_err(not_one)?;
    deed.is("terminal");
    let size =
        Size { columns: params.cols.unwrap_or(80).clamp(1, 1000), rows: params.rows.unwrap_or(24).clamp(1, 1000) };
    let workspace = workspaces.own(&caller, &name).await?;
    let (run, terminal) = workspaces.open_terminal(&caller, workspace, size).await?;
    Ok(for_terminal(upgrade).on_upgrade(move |socket| workspaces.carry(caller, run, terminal, socket)))
}

/// When somebody typed last.
#[derive(Debug, Clone)]
struct Typed(Arc<Mutex<DateTime<Utc>>>);

impl Typed {
    fn at(now: DateTime<Utc>) -> Self {
        Self(Arc::new(Mutex::new(now)))
    }

    fn note(&self, now: DateTime<Utc>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = now;
    }

    fn last(&self) -> DateTime<Utc> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Workspaces {
    async fn open_terminal(&self, caller: &Caller, workspace: Workspace, size: Size) -> Result<(Run, Terminal)> {
        self.has_room(&workspace)?;
        let mut run = self.enter(workspace, &caller.user_id, Kind::Terminal).await?;
        let env = [("TERM", "xterm-256color")].map(|(name, value)| (name.to_owned(), value.to_owned()));
        let begun = self.begin(&run.workspace, |id| {
            let exec = Exec {
                working_dir: Some(FOLDER.to_owned()),
                env: env.to_vec(),
                mark: Some(run.mark),
                ..Exec::new(["sh", "-c", SHELL])
            };
            async move { self.containers.terminal(&id, exec, size).await }
        });
        let (container, terminal) = begun.await?;
        run.held = Some(Held::Shared(container));
        Ok((run, terminal))
    }

    /// Carries the terminal over the socket to its end, and ends what was started in it.
    async fn carry(self, caller: Caller, run: Run, terminal: Terminal, socket: WebSocket) {
        // A stop waits for it.
        let _token = self.tracker.token();
        let Some(container) = run.held.as_ref().map(|held| held.container().clone()) else { return };
        let (end, typed) = (self.stop.child_token(), Typed::at(self.clock.now()));
        let (noted, clock) = (typed.clone(), self.clock.clone());
        let carried =
            carry_terminal(socket, terminal, (&self.containers, &container), &end, move || noted.note(clock.now()));
        let mut carried = std::pin::pin!(carried);
        tokio::select! {
            _ = &mut carried => {}
            () = self.until_it_may_not_go_on(&caller, &run, &typed) => {
                end.cancel();
                carried.await;
            }
        }
        if let Err(error) = run.end().await {
            tracing::warn!("what was started in a terminal is not ended yet: {error}");
        }
    }

    /// Ends once whoever opened the terminal may have it no longer, has left it alone, or holds too much in the workspace.
    async fn until_it_may_not_go_on(&self, caller: &Caller, run: &Run, typed: &Typed) {
        let Some(held) = &run.held else { return };
        let may_not = async {
            loop {
                tokio::time::sleep(LOOK_EVERY).await;
                let idle = TimeDelta::minutes(self.settings.idle_minutes);
                if typed.last() + idle <= self.clock.now() {
                    return;
                }
                match self.accounts.role_now(caller).await {
                    Ok(Some(role)) if role >= Role::Editor => {}
                    Ok(_) => return,
                    // Nobody knows.
                    Err(error) => tracing::debug!("{error}"),
                }
            }
        };
        tokio::select! {
            () = may_not => {}
            () = self.outgrown(&run.workspace.id, held.container(), COUNT_EVERY) => {}
            () = self.renew(&run.id) => {}
        }
    }
}
