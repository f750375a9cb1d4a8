use axum::{
    extract::{FromRequestParts, RawPathParams, State},
    http::request::Parts,
};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    Workspaces,
    types::{DEFAULT, NewWorkspace, RemoveParams, Shown},
};
use crate::{
    error::{Error, Result},
    features::accounts::{Caller, Deed},
    platform::http::{Body, Envelope, Params, Reply},
    text,
};

pub(super) fn router() -> OpenApiRouter<Workspaces> {
    OpenApiRouter::new().routes(routes!(get, remove))
}

pub(super) fn list_router() -> OpenApiRouter<Workspaces> {
    OpenApiRouter::new().routes(routes!(list, create))
}

/// The name of the workspace that the address names, or of the one that everybody has.
pub(super) struct Chosen(pub String);

impl<S: Send + Sync> FromRequestParts<S> for Chosen {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self> {
        let given = RawPathParams::from_request_parts(parts, state).await.map_err(Error::internal)?;
        let name = given.iter().find(|(name, _)| *name == "name").map_or(DEFAULT, |(_, value)| value);
        Ok(Self(name.to_owned()))
    }
}

/// The caller's workspaces, by name.
#[utoipa::path(get, path = "/workspaces", tag = "workspaces", responses((status = 200, body = Envelope<Vec<Shown>>)))]
async fn list(State(workspaces): State<Workspaces>, caller: Caller) -> Result<Reply<Vec<Shown>>> {
    let mut shown = Vec::new();
    for workspace in workspaces.of_user(&caller.user_id).await? {
        shown.push(workspaces.shown(workspace).await?);
    }
    Ok(Reply::data(shown))
}

/// One more workspace, beside the one that everybody has.
#[utoipa::path(post, path = "/workspaces", tag = "workspaces", request_body = NewWorkspace,
    responses((status = 200, body = Envelope<Shown>), (status = 409, description = "`workspace_exists`"),
        (status = 422, description = "a name that is none"), (status = 429, description = "`too_many_workspaces`")))]
async fn create(
    State(workspaces): State<Workspaces>,
    caller: Caller,
    deed: Deed,
    Body(new): Body<NewWorkspace>,
) -> Result<Reply<Shown>> {
    deed.is(&new.name);
    let made = workspaces.create(&caller, new).await?;
    workspaces.shown(made).await.map(Reply::data)
}

/// How it is, and how much it uses.
#[utoipa::path(get, path = "/", tag = "workspaces",
    responses((status = 200, body = Envelope<Shown>), (status = 404, description = "`workspace_not_found`")))]
async fn get(State(workspaces): State<Workspaces>, caller: Caller, Chosen(name): Chosen) -> Result<Reply<Shown>> {
    let workspace = workspaces.own(&caller, &name).await?;
    workspaces.shown(workspace).await.map(Reply::data)
}

/// Ends all that goes on in it. With `purge` its files go as well, and it is no more.
#[utoipa::path(delete, path = "/", tag = "workspaces", params(RemoveParams),
    responses((status = 200, description = "nothing of it runs any more"),
        (status = 404, description = "`workspace_not_found`"), (status = 503, description = "Docker does not answer")))]
async fn remove(
    State(workspaces): State<Workspaces>,
    caller: Caller,
    deed: Deed,
    Chosen(name): Chosen,
    Params(params): Params<RemoveParams>,
) -> Result<Reply> {
    let purge = params.purge.unwrap_or_default();
    deed.is(if purge { "purge" } else { "stop" });
    let workspace = workspaces.own(&caller, &name).await?;
    workspaces.remove(workspace, purge).await?;
    Ok(Reply::message(if purge {
        text!("工作区 {name} 及其文件已清除", "the workspace {name} and its files are gone")
    } else {
        text!("工作区 {name} 已停止，文件仍保留", "the workspace {name} is stopped; its files are kept")
    }))
}
