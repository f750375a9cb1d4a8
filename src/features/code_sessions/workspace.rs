//! The predecessor's routes for a spider's workspace, so that its admin UI works unchanged: on code sessions, the spider's
//! files and its versions.

use std::io::Read;

use axum::extract::{DefaultBodyLimit, Path, Request, State};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{CodeSession, CodeSessions, Ending, Status};
use crate::{
    error::{Error, Result},
    features::accounts::Caller,
    id::{DeploymentId, SpiderId},
    platform::http::{Body, Envelope, Params, Reply, receive_upload},
    text,
};

pub(super) fn router() -> OpenApiRouter<CodeSessions> {
    OpenApiRouter::new()
        .routes(routes!(open, get))
        .routes(routes!(start))
        .routes(routes!(stop))
        .routes(routes!(restore))
        .merge(OpenApiRouter::new().routes(routes!(upload)).layer(DefaultBodyLimit::disable()))
}

/// An editor in the predecessor's words.
#[derive(Debug, Serialize, ToSchema)]
struct Workspace {
    id: String,
    name: String,
    #[schema(example = "running")]
    status: &'static str,
    /// Opens it once, within five minutes; null until it is ready.
    url: Option<String>,
    created_at: DateTime<Utc>,
}

#[derive(Debug, Serialize, ToSchema)]
struct WorkspaceState {
    /// `pending`, `starting`, `running`, `stopping`, `stopped` or `failed`.
    #[schema(example = "running")]
    status: &'static str,
    /// `connecting` or `connected`; null without an editor.
    agent_status: Option<&'static str>,
    /// Opens it once, within five minutes; null until it is ready.
    url: Option<String>,
    last_used_at: Option<DateTime<Utc>>,
    build_status: Option<&'static str>,
    build_job: Option<&'static str>,
    is_ready: bool,
    apps_ready: bool,
    /// `synced` or `failed`; null before the first time.
    code_sync_status: Option<&'static str>,
}

fn word(status: Status) -> &'static str {
    match status {
        Status::Pending => "pending",
        Status::Starting => "starting",
        Status::Ready => "running",
        Status::Syncing => "stopping",
        Status::Stopped => "stopped",
        Status::Failed => "failed",
    }
}

impl CodeSessions {
    async fn link(&self, session: &CodeSession) -> Result<Option<String>> {
        if session.status != Status::Ready {
            return Ok(None);
        }
        let token = self.token(session).await?;
        Ok(Some(format!("/code-server/{}/?tkn={token}", session.id)))
    }

    /// Brings what changed at the spider into the caller's editor, where one is open.
    async fn pass_on(&self, caller: &Caller, spider: &SpiderId) -> Result<()> {
        match self.active(&caller.user_id, spider).await? {
            Some(session) if session.status == Status::Ready => self.synchronise(caller, spider).await.map(drop),
            _ => Ok(()),
        }
    }
}

/// Opens the spider's workspace, or answers the one that is open.
#[utoipa::path(post, path = "/spiders/{spider_id}/workspace", tag = "code sessions",
    params(("spider_id" = String, Path)),
    responses((status = 200, body = Envelope<Workspace>), (status = 404, description = "`spider_not_found`"),
        (status = 500, description = "`editor_failed`")))]
async fn open(
    State(sessions): State<CodeSessions>,
    caller: Caller,
    Path(spider): Path<SpiderId>,
) -> Result<Reply<Workspace>> {
    let session = sessions.open_for_use(&caller, &spider).await?;
    Ok(Reply::data(Workspace {
        name: format!("code-server-{}", session.id),
        status: word(session.status),
        url: sessions.link(&session).await?,
        created_at: session.created_at,
        id: session.id.to_string(),
    }))
}

/// How the caller's workspace of the spider is.
#[utoipa::path(get, path = "/spiders/{spider_id}/workspace", tag = "code sessions",
    params(("spider_id" = String, Path)),
    responses((status = 200, body = Envelope<WorkspaceState>), (status = 404, description = "`spider_not_found`")))]
async fn get(
    State(sessions): State<CodeSessions>,
    caller: Caller,
    Path(spider): Path<SpiderId>,
) -> Result<Reply<WorkspaceState>> {
    sessions.spiders.get(&spider).await?;
    let Some(session) = sessions.active(&caller.user_id, &spider).await? else {
        return Ok(Reply::data(WorkspaceState {
            status: "stopped",
            agent_status: None,
            url: None,
            last_used_at: None,
            build_status: None,
            build_job: None,
            is_ready: false,
            apps_ready: false,
            code_sync_status: None,
        }));
    };
    let is_ready = session.status == Status::Ready;
    let code_sync_status = match (&session.sync_error, session.synced_at) {
        (Some(_), _) => Some("failed"),
        (None, Some(_)) => Some("synced"),
        (None, None) => None,
    };
    Ok(Reply::data(WorkspaceState {
        status: word(session.status),
        agent_status: Some(if is_ready { "connected" } else { "connecting" }),
        url: sessions.link(&session).await?,
        last_used_at: Some(session.last_active_at),
        build_status: Some(if is_ready { "succeeded" } else { "running" }),
        build_job: None,
        is_ready,
        apps_ready: is_ready,
        code_sync_status,
    }))
}

/// Opens the workspace, and does not wait.
#[utoipa::path(post, path = "/spiders/{spider_id}/workspace/start", tag = "code sessions",
    params(("spider_id" = String, Path)), responses((status = 200, description = "it is being started")))]
async fn start(State(sessions): State<CodeSessions>, caller: Caller, Path(spider): Path<SpiderId>) -> Result<Reply> {
    sessions.open(&caller, &spider).await?;
    Ok(Reply::message(text!("工作区启动中", "the workspace is being started")))
}

/// Brings the files back, and closes the workspace.
#[utoipa::path(post, path = "/spiders/{spider_id}/workspace/stop", tag = "code sessions",
    params(("spider_id" = String, Path)),
    responses((status = 200, description = "it is being closed"), (status = 400, description = "`no_workspace`"),
        (status = 409, description = "`sync_failed`: it is kept")))]
async fn stop(State(sessions): State<CodeSessions>, caller: Caller, Path(spider): Path<SpiderId>) -> Result<Reply> {
    let Some(session) = sessions.active(&caller.user_id, &spider).await? else {
        return Err(Error::bad_request("no_workspace", text!("工作区不存在", "there is no workspace")));
    };
    let id = session.id.clone();
    sessions.job(&session.id, |sessions| async move { sessions.close(&id, Ending::Closed, false).await }).await?;
    Ok(Reply::message(text!("工作区停止中", "the workspace is being stopped")))
}

#[derive(Debug, Serialize, ToSchema)]
#[expect(clippy::struct_field_names, reason = "the predecessor's names")]
struct Uploaded {
    success: bool,
    files_count: usize,
    uploaded_files: Vec<String>,
    errors: Option<Vec<String>>,
}

#[derive(ToSchema)]
#[expect(dead_code, reason = "only describes the multipart body")]
struct WorkspaceUpload {
    #[schema(format = Binary, content_media_type = "application/octet-stream")]
    file: String,
    /// The folder that it goes to; nothing: the workspace's own.
    path: Option<String>,
}

/// A file for the spider, or a zip in place of all its files; the workspace gets it as well.
#[utoipa::path(post, path = "/spiders/{spider_id}/workspace/upload", tag = "code sessions",
    params(("spider_id" = String, Path)),
    request_body(content = WorkspaceUpload, content_type = "multipart/form-data"),
    responses((status = 200, body = Envelope<Uploaded>), (status = 404, description = "`spider_not_found`"),
        (status = 413, description = "too large, or too many"), (status = 422, description = "a path that cannot be kept")))]
async fn upload(
    State(sessions): State<CodeSessions>,
    caller: Caller,
    Path(spider): Path<SpiderId>,
    request: Request,
) -> Result<Reply<Uploaded>> {
    let limits = sessions.spiders.file_limits();
    let limit = limits.max_total_bytes.max(limits.max_file_bytes);
    let mut received = receive_upload(request, limit, |name| {
        Error::too_large(
            "file_too_large",
            text!(
                "文件 {name} 超过上传上限 {limit} 字节",
                "{name} is larger than the {limit} bytes an upload may have"
            ),
        )
    })
    .await?;
    let name = received.file_name.clone().unwrap_or_default();
    let uploaded_files = if name.to_lowercase().ends_with(".zip") {
        let files = sessions.spiders.replace_files(&spider, received.file).await?;
        files.into_iter().map(|file| file.path).collect()
    } else {
        let folder = received.texts.remove("path").unwrap_or_default();
        let folder = folder.trim_matches('/');
        let path = if folder.is_empty() { name } else { format!("{folder}/{name}") };
        let mut content = Vec::new();
        received.file.read_to_end(&mut content).map_err(Error::internal)?;
        vec![sessions.spiders.upload_file(&spider, &path, content.into()).await?.path]
    };
    sessions.pass_on(&caller, &spider).await?;
    Ok(Reply::data(Uploaded { success: true, files_count: uploaded_files.len(), uploaded_files, errors: None }))
}

#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct RestoreParams {
    #[param(value_type = Option<String>)]
    deployment_id: Option<DeploymentId>,
}

#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default)]
struct Restore {
    /// The same as in the query, which is stronger.
    deployment_id: Option<DeploymentId>,
}

/// Makes a version's files those of the spider, and of the workspace. Without one, the active version's.
#[utoipa::path(post, path = "/spiders/{spider_id}/workspace/restore", tag = "code sessions",
    params(("spider_id" = String, Path), RestoreParams), request_body = Restore,
    responses((status = 200, description = "how many files were restored"),
        (status = 400, description = "`no_deployment`"), (status = 404, description = "`deployment_not_found`")))]
async fn restore(
    State(sessions): State<CodeSessions>,
    caller: Caller,
    Path(spider): Path<SpiderId>,
    Params(params): Params<RestoreParams>,
    Body(body): Body<Restore>,
) -> Result<Reply> {
    let active = sessions.spiders.get(&spider).await?.active_deployment_id;
    let Some(deployment) = params.deployment_id.or(body.deployment_id).or(active) else {
        return Err(Error::bad_request("no_deployment", text!("没有可恢复的版本", "there is no version to restore")));
    };
    let count = sessions.spiders.restore(&spider, &deployment).await?.len();
    sessions.pass_on(&caller, &spider).await?;
    Ok(Reply::message(text!("已恢复 {count} 个文件到工作区", "{count} files are restored to the workspace")))
}
