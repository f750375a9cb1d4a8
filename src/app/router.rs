//! What is served: every route, who may call it, and what holds for all of them.

use axum::{
    Router,
    extract::DefaultBodyLimit,
    http::{HeaderName, HeaderValue, Method, header},
    middleware::{from_fn, from_fn_with_state},
};
use tower_http::{
    catch_panic::CatchPanicLayer,
    cors::{AllowOrigin, CorsLayer},
    set_header::SetResponseHeaderLayer,
};
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_swagger_ui::SwaggerUi;

use super::{
    App,
    description::{Description, name_operations},
};
use crate::{
    error::{Error, Problem},
    features::{
        accounts::{self, Access},
        alerts, code_sessions, contracts, dashboard, data, datasources, doors, housekeeping, instances, nodes,
        projects, proxies, spiders, tasks, workspaces,
    },
    health,
    platform::http::{carry_context, closing, panic_answer},
    text, ui,
};

const BASE: &str = "/platform/api";
/// Of a request that is no upload.
const MAX_BODY_BYTES: usize = 2 * 1024 * 1024;

impl App {
    /// Every route there is, closed but for those that are listed as open.
    fn routes(&self) -> (OpenApiRouter, Router) {
        let crawler = OpenApiRouter::new()
            .merge(nodes::router(self.nodes.clone()))
            .merge(projects::router(self.projects.clone()))
            .merge(spiders::router(self.spiders.clone()))
            .merge(proxies::router(self.proxies.clone()))
            .merge(datasources::router(self.datasources.clone()))
            .merge(tasks::router(self.tasks.clone()))
            .merge(data::router(self.data.clone()))
            .merge(contracts::router(self.contracts.clone()))
            .merge(code_sessions::router(self.code_sessions.clone()))
            .merge(instances::router(self.instances.clone()))
            .merge(alerts::router(self.alerts.clone()))
            .merge(dashboard::router(self.dashboard.clone()));
        // In one: of what is nested beside each other, the description has one method of each address.
        let crawler = OpenApiRouter::new()
            .merge(projects::public_router(self.projects.clone()))
            .merge(self.accounts.guard(Access::ByMethod, crawler))
            .merge(self.accounts.guard(Access::Admin, code_sessions::admin_router(self.code_sessions.clone())))
            .merge(self.accounts.guard(Access::Admin, nodes::admin_router(self.nodes.clone())))
            .merge(self.accounts.guard(Access::Editor, workspaces::router(self.workspaces.clone())));
        let internal = || tasks::guard_internal(self.tasks.clone(), tasks::internal_router(self.tasks.clone()));
        let api = OpenApiRouter::new()
            .merge(accounts::public_router(self.accounts.clone()))
            .merge(doors::authorize_router(self.doors.clone()))
            .merge(self.accounts.guard(Access::SignedIn, accounts::own_router(self.accounts.clone())))
            .merge(self.accounts.guard(Access::Admin, accounts::admin_router(self.accounts.clone())))
            .merge(self.accounts.guard(Access::SignedIn, housekeeping::router(self.housekeeping.clone())))
            .merge(self.accounts.guard(Access::Admin, housekeeping::admin_router(self.housekeeping.clone())))
            .nest("/crawlhub", crawler)
            .nest("/crawlhub/internal", internal())
            .nest("/crawlhub/internal", tasks::holder_router(self.tasks.clone()))
            .nest(
                "/crawlhub/internal",
                self.nodes
                    .guard(tasks::node_router(self.tasks.clone()).merge(projects::node_router(self.projects.clone()))),
            );
        let mut described = OpenApiRouter::with_openapi(Description::openapi())
            .merge(health::router(self.health.clone()))
            .nest(BASE, api);
        name_operations(described.get_openapi_mut());
        // The same again elsewhere; described once is enough.
        (described, self.by_address().merge(self.short_instances()))
    }

    /// Instances where the contract has them as well.
    fn short_instances(&self) -> Router {
        let instances = self.accounts.guard(Access::ByMethod, instances::router(self.instances.clone()));
        Router::new().nest("/api", instances.split_for_parts().0)
    }

    /// What a spider may call, the task's token in the address, for clients that send no header.
    fn by_address(&self) -> Router {
        let internal = tasks::guard_internal(self.tasks.clone(), tasks::internal_router(self.tasks.clone()));
        Router::new().nest(&format!("{BASE}/_t/{{token}}/crawlhub/internal"), internal.split_for_parts().0)
    }

    /// All that is served to containers.
    pub(super) fn inner_router(&self) -> Router {
        let internal = tasks::guard_internal(self.tasks.clone(), tasks::internal_router(self.tasks.clone()));
        self.by_address()
            .nest(&format!("{BASE}/crawlhub/internal"), internal.split_for_parts().0)
            .fallback(no_route)
            .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
            .layer(CatchPanicLayer::custom(panic_answer))
            .layer(from_fn(carry_context))
    }

    pub fn openapi(&self) -> utoipa::openapi::OpenApi {
        self.routes().0.into_openapi()
    }

    pub(super) fn router(&self) -> Router {
        let (described, plain) = self.routes();
        let (router, openapi) = described.split_for_parts();
        router
            .merge(plain)
            .merge(SwaggerUi::new("/docs").url("/openapi.json", openapi))
            .fallback(ui::fallback)
            .method_not_allowed_fallback(wrong_method)
            .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
            .layer(CatchPanicLayer::custom(panic_answer))
            .layer(self.cors_layer())
            .layer(SetResponseHeaderLayer::if_not_present(
                header::X_CONTENT_TYPE_OPTIONS,
                HeaderValue::from_static("nosniff"),
            ))
            .layer(SetResponseHeaderLayer::if_not_present(
                header::X_FRAME_OPTIONS,
                HeaderValue::from_static("SAMEORIGIN"),
            ))
            .layer(from_fn_with_state(self.doors.clone(), doors::enter))
            .layer(from_fn(carry_context))
            .layer(from_fn_with_state(self.leaving.clone(), closing))
    }

    fn cors_layer(&self) -> CorsLayer {
        let layer = CorsLayer::new();
        if self.cors.is_empty() {
            return layer;
        }
        layer
            .allow_origin(AllowOrigin::list(self.cors.clone()))
            .allow_credentials(true)
            .allow_methods([Method::GET, Method::POST, Method::PUT, Method::DELETE])
            .allow_headers([
                header::CONTENT_TYPE,
                header::AUTHORIZATION,
                header::ACCEPT_LANGUAGE,
                HeaderName::from_static("x-csrf-token"),
                HeaderName::from_static("x-request-id"),
                HeaderName::from_static("x-trace-id"),
            ])
            .expose_headers([HeaderName::from_static("x-request-id"), header::CONTENT_DISPOSITION])
    }
}

async fn no_route() -> Error {
    Error::not_found("no_route", text!("没有这个地址", "there is nothing at this address; see /docs"))
}

async fn wrong_method() -> Error {
    Error::WrongVerb(Problem {
        code: "wrong_method",
        text: text!("不支持该方法", "this address does not take that method; see /docs"),
    })
}
