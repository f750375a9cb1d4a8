use axum::extract::{Path, State};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    CodeSession, CodeSessions, Status,
    types::{CloseParams, End, Heartbeat, ListParams, OpenParams, Shown, Synchronised, Warning},
};
use crate::{
    error::Result,
    features::accounts::Caller,
    id::{CodeSessionId, SpiderId},
    platform::http::{Body, Envelope, Page, Paging, Params, Reply},
};

pub(super) fn router() -> OpenApiRouter<CodeSessions> {
    OpenApiRouter::new().routes(routes!(open, get, close)).routes(routes!(sync)).routes(routes!(heartbeat))
}

pub(super) fn admin_router() -> OpenApiRouter<CodeSessions> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(close_any))
}

impl CodeSessions {
    fn shown(&self, session: CodeSession, token: Option<String>) -> Shown {
        let end = End::of(&session, &self.settings);
        let is_warned = session.status == Status::Ready && end.warns_at(&self.settings) <= self.clock.now();
        let warning = is_warned.then_some(Warning { reason: if end.is_idle { "idle" } else { "expired" }, at: end.at });
        Shown {
            url: format!("/code-server/{}/", session.id),
            id: session.id,
            spider_id: session.spider_id,
            user_id: session.user_id,
            status: session.status,
            token,
            last_active_at: session.last_active_at,
            expires_at: session.expires_at,
            warning,
            synced_at: session.synced_at,
            sync_error: session.sync_error,
            error_message: session.error_message,
            end_reason: session.end_reason,
            created_at: session.created_at,
            updated_at: session.updated_at,
        }
    }
}

/// Opens an editor with the spider's files, or answers the caller's that is open. `url?tkn=token` is what a browser opens;
/// each call answers another token.
#[utoipa::path(post, path = "/spiders/{spider_id}/code-session", tag = "code sessions",
    params(("spider_id" = String, Path), OpenParams),
    responses((status = 200, body = Envelope<Shown>), (status = 404, description = "`spider_not_found`"),
        (status = 409, description = "`no_image`"), (status = 429, description = "`too_many_sessions`"),
        (status = 500, description = "`editor_failed`: with the last lines of its container; nothing is left behind"),
        (status = 503, description = "Docker does not answer")))]
async fn open(
    State(sessions): State<CodeSessions>,
    caller: Caller,
    Path(spider): Path<SpiderId>,
    Params(params): Params<OpenParams>,
) -> Result<Reply<Shown>> {
    let session = match params.wait {
        Some(false) => sessions.open(&caller, &spider).await?,
        _ => sessions.open_for_use(&caller, &spider).await?,
    };
    let token = sessions.token(&session).await?;
    Ok(Reply::data(sessions.shown(session, Some(token))))
}

/// The caller's editor of the spider.
#[utoipa::path(get, path = "/spiders/{spider_id}/code-session", tag = "code sessions",
    params(("spider_id" = String, Path)),
    responses((status = 200, body = Envelope<Shown>), (status = 404, description = "`no_code_session`")))]
async fn get(
    State(sessions): State<CodeSessions>,
    caller: Caller,
    Path(spider): Path<SpiderId>,
) -> Result<Reply<Shown>> {
    let session = sessions.own(&caller, &spider).await?;
    Ok(Reply::data(sessions.shown(session, None)))
}

/// Brings the files of the editor and of the spider into agreement, both ways.
#[utoipa::path(post, path = "/spiders/{spider_id}/code-session/sync", tag = "code sessions",
    params(("spider_id" = String, Path)),
    responses((status = 200, body = Envelope<Synchronised>), (status = 400, description = "`session_not_ready`"),
        (status = 404, description = "`no_code_session`"),
        (status = 413, description = "more than a spider may have; nothing is changed")))]
async fn sync(
    State(sessions): State<CodeSessions>,
    caller: Caller,
    Path(spider): Path<SpiderId>,
) -> Result<Reply<Synchronised>> {
    sessions.synchronise(&caller, &spider).await.map(Reply::data)
}

/// Says whether somebody works in the editor.
#[utoipa::path(post, path = "/spiders/{spider_id}/code-session/heartbeat", tag = "code sessions",
    params(("spider_id" = String, Path)), request_body = Heartbeat,
    responses((status = 200, body = Envelope<Shown>), (status = 400, description = "`session_not_ready`"),
        (status = 404, description = "`no_code_session`")))]
async fn heartbeat(
    State(sessions): State<CodeSessions>,
    caller: Caller,
    Path(spider): Path<SpiderId>,
    Body(beat): Body<Heartbeat>,
) -> Result<Reply<Shown>> {
    let session = sessions.heartbeat(&caller, &spider, beat.active).await?;
    Ok(Reply::data(sessions.shown(session, None)))
}

/// Brings the files back, and removes the editor. Where they cannot be brought back it stays.
#[utoipa::path(delete, path = "/spiders/{spider_id}/code-session", tag = "code sessions",
    params(("spider_id" = String, Path), CloseParams),
    responses((status = 200, body = Envelope<Synchronised>), (status = 404, description = "`no_code_session`"),
        (status = 409, description = "`sync_failed`: the editor is kept")))]
async fn close(
    State(sessions): State<CodeSessions>,
    caller: Caller,
    Path(spider): Path<SpiderId>,
    Params(params): Params<CloseParams>,
) -> Result<Reply<Synchronised>> {
    sessions.close_own(&caller, &spider, params.force.unwrap_or_default()).await.map(Reply::data)
}

/// Everybody's editors, newest first.
#[utoipa::path(get, path = "/code-sessions", tag = "code sessions", params(Paging, ListParams),
    responses((status = 200, body = Envelope<Page<Shown>>)))]
async fn list(
    State(sessions): State<CodeSessions>,
    paging: Paging,
    Params(params): Params<ListParams>,
) -> Result<Reply<Page<Shown>>> {
    let (found, total) = sessions.list(params.status, &paging).await?;
    let items = found.into_iter().map(|session| sessions.shown(session, None)).collect();
    Ok(Reply::data(Page::new(&paging, items, Some(total), |session: &Shown| session.id.to_string())))
}

/// The same as its user would, of anybody's editor.
#[utoipa::path(delete, path = "/code-sessions/{session_id}", tag = "code sessions",
    params(("session_id" = String, Path), CloseParams),
    responses((status = 200, body = Envelope<Synchronised>), (status = 404, description = "`no_code_session`"),
        (status = 409, description = "`sync_failed`: the editor is kept")))]
async fn close_any(
    State(sessions): State<CodeSessions>,
    Path(session): Path<CodeSessionId>,
    Params(params): Params<CloseParams>,
) -> Result<Reply<Synchronised>> {
    sessions.close_by_hand(&session, params.force.unwrap_or_default()).await.map(Reply::data)
}
