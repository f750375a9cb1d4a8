use axum::{
    extract::{Path, State},
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    Instances, compose,
    types::{Instance, InstanceChange, InstanceLink, InstanceLog, Limits, LogParams, NewInstance, Shown},
};
use crate::{
    error::Result,
    features::{
        accounts::{Caller, Deed, Role},
        env_vars,
    },
    platform::http::{Body, Envelope, Page, Paging, Params, Reply},
    text,
};

const USUAL_LINES: u64 = 200;

pub(super) fn router() -> OpenApiRouter<Instances> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(limits))
        .routes(routes!(compose_file))
        .routes(routes!(get, change, delete))
        .routes(routes!(start))
        .routes(routes!(stop))
        .routes(routes!(open))
        .routes(routes!(logs))
}

impl Instances {
    fn shown(&self, instance: Instance) -> Shown {
        let env = self.env_of(&instance).unwrap_or_else(|error| {
            tracing::warn!(instance = %instance.prefix, "its environment is unreadable: {error}");
            env_vars::EnvVars::new()
        });
        Shown {
            url: self.doors.site().address_of(&instance.prefix),
            env: env_vars::masked(env),
            id: instance.id,
            prefix: instance.prefix,
            user_id: instance.user_id,
            status: instance.status,
            port: instance.port,
            container_port: instance.container_port,
            image: instance.image,
            command: instance.command.map(|command| command.0),
            cpus: instance.cpus,
            memory_mb: instance.memory_mb,
            public: instance.is_public,
            started_at: instance.started_at,
            last_active_at: instance.last_active_at,
            stop_reason: instance.stop_reason,
            error_message: instance.error_message,
            restarts: instance.restarts,
            restart_at: instance.restart_at,
            created_at: instance.created_at,
            updated_at: instance.updated_at,
        }
    }
}

/// The caller's instances, newest first; everybody's to an administrator.
#[utoipa::path(get, path = "/instances", tag = "instances", params(Paging),
    responses((status = 200, body = Envelope<Page<Shown>>)))]
async fn list(State(instances): State<Instances>, caller: Caller, paging: Paging) -> Result<Reply<Page<Shown>>> {
    let own = (caller.role < Role::Admin).then_some(&caller.user_id);
    let (found, total) = instances.list(own, &paging).await?;
    let items = found.into_iter().map(|instance| instances.shown(instance)).collect();
    Ok(Reply::data(Page::new(&paging, items, Some(total), |instance: &Shown| instance.id.to_string())))
}

/// What instances may be on this server.
#[utoipa::path(get, path = "/instances/limits", tag = "instances",
    responses((status = 200, body = Envelope<Limits>)))]
async fn limits(State(instances): State<Instances>) -> Reply<Limits> {
    Reply::data(Limits::of(&instances.settings, &instances.ports))
}

/// Makes an instance and begins to start it: it is `creating` until it answers. The same routes are at `/api/instances`.
#[utoipa::path(post, path = "/instances", tag = "instances", request_body = NewInstance,
    responses((status = 200, body = Envelope<Shown>),
        (status = 400, description = "`prefix_invalid`, `prefix_reserved`, `image_not_allowed`, `port_not_allowed`"),
        (status = 409, description = "`prefix_taken`; `port_taken`, with the next free one; `no_image`; `instances_off`"),
        (status = 429, description = "`too_many_instances`, `too_many_running`"),
        (status = 503, description = "Docker does not answer")))]
async fn create(
    State(instances): State<Instances>,
    caller: Caller,
    deed: Deed,
    Body(new): Body<NewInstance>,
) -> Result<Reply<Shown>> {
    let instance = instances.create(&caller, new).await?;
    deed.is(instance.prefix.as_str());
    Ok(Reply::data(instances.shown(instance)))
}

/// One of the caller's instances.
#[utoipa::path(get, path = "/instances/{prefix}", tag = "instances", params(("prefix" = String, Path)),
    responses((status = 200, body = Envelope<Shown>), (status = 404, description = "`no_instance`")))]
async fn get(State(instances): State<Instances>, caller: Caller, Path(prefix): Path<String>) -> Result<Reply<Shown>> {
    let instance = instances.get(&caller, &prefix).await?;
    Ok(Reply::data(instances.shown(instance)))
}

/// Opens it to everybody, or closes it to all but its user.
#[utoipa::path(put, path = "/instances/{prefix}", tag = "instances", params(("prefix" = String, Path)),
    request_body = InstanceChange,
    responses((status = 200, body = Envelope<Shown>), (status = 404, description = "`no_instance`")))]
async fn change(
    State(instances): State<Instances>,
    caller: Caller,
    Path(prefix): Path<String>,
    Body(change): Body<InstanceChange>,
) -> Result<Reply<Shown>> {
    let instance = instances.change(&caller, &prefix, &change).await?;
    Ok(Reply::data(instances.shown(instance)))
}

/// Deletes it with all that it has written. For thirty days nobody else gets its prefix.
#[utoipa::path(delete, path = "/instances/{prefix}", tag = "instances", params(("prefix" = String, Path)),
    responses((status = 200, description = "it is deleted"), (status = 404, description = "`no_instance`")))]
async fn delete(State(instances): State<Instances>, caller: Caller, Path(prefix): Path<String>) -> Result<Reply> {
    instances.delete(&caller, &prefix).await?;
    Ok(Reply::message(text!("实例已删除", "the instance is deleted")))
}

/// Begins to start it, where it does not run: it is `creating` until it answers.
#[utoipa::path(post, path = "/instances/{prefix}/start", tag = "instances", params(("prefix" = String, Path)),
    responses((status = 200, body = Envelope<Shown>), (status = 404, description = "`no_instance`"),
        (status = 409, description = "`instance_busy`"), (status = 429, description = "`too_many_running`"),
        (status = 503, description = "Docker does not answer")))]
async fn start(State(instances): State<Instances>, caller: Caller, Path(prefix): Path<String>) -> Result<Reply<Shown>> {
    let instance = instances.start(&caller, &prefix).await?;
    Ok(Reply::data(instances.shown(instance)))
}

/// Stops it: it gets ten seconds to end. What it has written stays.
#[utoipa::path(post, path = "/instances/{prefix}/stop", tag = "instances", params(("prefix" = String, Path)),
    responses((status = 200, body = Envelope<Shown>), (status = 404, description = "`no_instance`"),
        (status = 503, description = "Docker does not answer: it is stopped when that is back")))]
async fn stop(State(instances): State<Instances>, caller: Caller, Path(prefix): Path<String>) -> Result<Reply<Shown>> {
    let instance = instances.stop(&caller, &prefix).await?;
    Ok(Reply::data(instances.shown(instance)))
}

/// An address that lets the caller's browser in, once.
#[utoipa::path(post, path = "/instances/{prefix}/open", tag = "instances", params(("prefix" = String, Path)),
    responses((status = 200, body = Envelope<InstanceLink>), (status = 403, description = "`not_yours`"),
        (status = 404, description = "`no_instance`"), (status = 409, description = "`instance_stopped`")))]
async fn open(
    State(instances): State<Instances>,
    caller: Caller,
    Path(prefix): Path<String>,
) -> Result<Reply<InstanceLink>> {
    Ok(Reply::data(InstanceLink { url: instances.open(&caller, &prefix).await? }))
}

/// What it printed last.
#[utoipa::path(get, path = "/instances/{prefix}/logs", tag = "instances",
    params(("prefix" = String, Path), LogParams),
    responses((status = 200, body = Envelope<InstanceLog>), (status = 404, description = "`no_instance`"),
        (status = 503, description = "Docker does not answer")))]
async fn logs(
    State(instances): State<Instances>,
    caller: Caller,
    Path(prefix): Path<String>,
    Params(params): Params<LogParams>,
) -> Result<Reply<InstanceLog>> {
    let log = instances.log(&caller, &prefix, params.last.unwrap_or(USUAL_LINES)).await?;
    Ok(Reply::data(InstanceLog { log }))
}

/// The caller's instances as a file for Compose. Secret values are asked of whoever brings it up.
#[utoipa::path(get, path = "/instances/compose.yaml", tag = "instances",
    responses((status = 200, body = String, content_type = "application/yaml")))]
async fn compose_file(State(instances): State<Instances>, caller: Caller) -> Result<Response> {
    let mut all = Vec::new();
    for instance in instances.all_of(&caller.user_id).await? {
        let env = instances.env_of(&instance)?;
        all.push((instance, env));
    }
    let kind = HeaderValue::from_static("application/yaml");
    Ok(([(header::CONTENT_TYPE, kind)], compose::file_of(&all)).into_response())
}
