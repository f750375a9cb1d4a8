//! Workspaces: places in which a user, or a program on their behalf, runs commands and keeps files, with nothing of this
//! machine in reach.
//!
//! A row says that there is one, a volume keeps its files, and a container is there while it is used: made when it is
//! needed, removed when nobody does anything any more. What goes on in one is a row as well, with the mark by which its
//! processes are known, so that it can be ended with all that it started, and nothing else with it.

mod exec;
mod files;
mod look_after;
mod place;
mod routes;
mod runs;
mod service;
mod store;
mod terminal;
mod types;
mod usage;

use std::{sync::Arc, time::Duration};

use tokio_util::{sync::CancellationToken, task::TaskTracker};
use utoipa::openapi::{
    Object, RefOr, Required, Type,
    path::{Parameter, ParameterBuilder, ParameterIn},
};
use utoipa_axum::router::OpenApiRouter;

pub use types::{Kind, Mode};

use self::place::Places;
use super::{accounts::Accounts, foundation::Foundation};
use crate::{
    clock::SharedClock,
    config,
    platform::{containers::Containers, database::Database, jobs::Jobs},
};

#[derive(Debug, Clone)]
pub struct Workspaces {
    db: Database,
    clock: SharedClock,
    accounts: Accounts,
    containers: Containers,
    settings: Arc<config::Workspaces>,
    places: Places,
    /// Makes and removes containers and volumes, one step at a time for each workspace.
    jobs: Jobs,
    /// What commands and terminals need to their end, whoever has hung up.
    tracker: TaskTracker,
    stop: CancellationToken,
}

impl Workspaces {
    pub fn new(
        foundation: &Foundation,
        accounts: Accounts,
        containers: Containers,
        settings: config::Workspaces,
    ) -> Self {
        let stop = foundation.stop.clone();
        Self {
            db: foundation.db.clone(),
            clock: foundation.clock.clone(),
            accounts,
            containers,
            settings: Arc::new(settings),
            places: Places::default(),
            // A stop does not keep what is ended from being ended.
            jobs: Jobs::new(CancellationToken::new()),
            tracker: TaskTracker::new(),
            stop,
        }
    }

    /// Waits until everything that ran is ended, once the server stops; what takes longer than `limit` is found by the
    /// next one.
    pub async fn ended(&self, limit: Duration) {
        self.tracker.close();
        if tokio::time::timeout(limit, self.tracker.wait()).await.is_err() {
            tracing::warn!("something runs on in workspaces: whoever looks after them next ends it");
        }
    }
}

pub fn router(workspaces: Workspaces) -> OpenApiRouter {
    let each = || routes::router().merge(exec::router()).merge(files::router()).merge(terminal::router());
    let named = ParameterBuilder::new().name("name").parameter_in(ParameterIn::Path).required(Required::True);
    let named = named.schema(Some(Object::with_type(Type::String)));
    OpenApiRouter::new()
        .merge(routes::list_router())
        .nest("/workspace", each())
        .nest("/workspaces/{name}", with_parameter(each(), &named.build()))
        .with_state(workspaces)
}

/// Says of each operation that it has the parameter.
fn with_parameter<S: Clone + Send + Sync + 'static>(
    mut router: OpenApiRouter<S>,
    parameter: &Parameter,
) -> OpenApiRouter<S> {
    for item in router.get_openapi_mut().paths.paths.values_mut() {
        for operation in [&mut item.get, &mut item.post, &mut item.delete].into_iter().flatten() {
            operation.parameters.get_or_insert_default().push(RefOr::T(parameter.clone()));
        }
    }
    router
}
