//! What a running spider calls, with its task's own token: as `Authorization: Bearer`, or in the address
//! (`/platform/api/_t/{token}/crawlhub/internal/…`) for clients that only join texts.

use axum::{
    extract::{DefaultBodyLimit, Path, RawPathParams, Request, State},
    http::{HeaderMap, header},
    middleware::{Next, from_fn_with_state},
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    Task, TaskStatus, Tasks,
    types::Claim,
    weight::{Caller, MAX_BATCH_BYTES, Weight, weigh},
};
use crate::{
    error::{Checks, Error, Problem, Result},
    id::{SpiderId, TaskId},
    platform::{
        documents::Stored,
        http::{Body, Envelope, Params, Reply, receive_upload, said},
        proxies::ProxyAddress,
    },
    protocol::Batch,
    runner::ManifestEntry,
    text,
};

const MAX_FILE_BYTES: usize = 50 * 1024 * 1024;
const MAX_CHECKPOINT_BYTES: usize = 8 * 1024 * 1024;

/// Paths below `/internal`; to be put behind [`guard_internal`].
pub fn internal_router(tasks: Tasks) -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(items))
        .routes(routes!(save_checkpoint, load_checkpoint))
        .layer(DefaultBodyLimit::max(MAX_BATCH_BYTES))
        .layer(from_fn_with_state(Weight::default(), weigh))
        .routes(routes!(progress))
        .routes(routes!(heartbeat))
        .routes(routes!(status))
        .routes(routes!(rotate_proxy))
        .routes(routes!(blob))
        .merge(OpenApiRouter::new().routes(routes!(upload)).layer(DefaultBodyLimit::max(MAX_FILE_BYTES + 64 * 1024)))
        .with_state(tasks)
}

/// Lets only a task's own token pass; what passes carries its [`Task`].
pub fn guard_internal(tasks: Tasks, router: OpenApiRouter) -> OpenApiRouter {
    router.route_layer(from_fn_with_state(tasks, check))
}

async fn check(
    State(tasks): State<Tasks>,
    headers: HeaderMap,
    params: RawPathParams,
    mut request: Request,
    next: Next,
) -> Result<Response> {
    let bearer = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
    let in_address = params.iter().find_map(|(name, value)| (name == "token").then_some(value));
    let token = in_address.or(bearer).ok_or_else(token_needed)?;
    let (id, attempt) = tasks.read_token(token).ok_or_else(token_needed)?;
    let task = tasks.get(&id).await?;
    // Before the body: a token of an attempt that is over is of no use to anybody.
    if task.attempt != attempt || task.status != TaskStatus::Running {
        return Err(not_running());
    }
    request.extensions_mut().insert(Caller(task.id.to_string()));
    request.extensions_mut().insert(Running(task));
    Ok(next.run(request).await)
}

/// The task whose token came with the call, in the attempt that the token was made for.
#[derive(Debug, Clone)]
struct Running(Task);

impl<S: Send + Sync> axum::extract::FromRequestParts<S> for Running {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut axum::http::request::Parts, _: &S) -> Result<Self> {
        parts.extensions.get::<Self>().cloned().ok_or_else(token_needed)
    }
}

impl Running {
    /// The task, if it is the one that the body names.
    fn named(self, task_id: &TaskId) -> Result<Task> {
        if &self.0.id == task_id {
            return Ok(self.0);
        }
        Err(Error::not_found("task_not_found", text!("任务不存在", "the token is not that task's")))
    }
}

/// The task, if it still runs and is the spider's.
fn running(task: Task, spider_id: &SpiderId) -> Result<Task> {
    if &task.spider_id != spider_id {
        return Err(Error::bad_request("spider_mismatch", text!("spider_id 不匹配", "spider_id is not the task's")));
    }
    if task.status == TaskStatus::Running { Ok(task) } else { Err(not_running()) }
}

pub(super) fn not_running() -> Error {
    Error::bad_request("task_not_running", text!("任务不在运行状态", "the task is not running"))
}

fn token_needed() -> Error {
    Error::Unauthenticated(Problem {
        code: "task_token_needed",
        text: text!("需要任务令牌", "this takes the running task's own token"),
    })
}

#[derive(Debug, Deserialize, ToSchema)]
struct ItemsIn {
    #[schema(value_type = String)]
    task_id: TaskId,
    #[schema(value_type = String)]
    spider_id: SpiderId,
    /// 1 to 1000.
    #[schema(value_type = Vec<Object>)]
    items: Batch,
    /// The same number twice counts once.
    batch: Option<i64>,
}

#[derive(Debug, Serialize, ToSchema)]
struct ItemsOut {
    accepted: i64,
    duplicate: i64,
    /// They are in quarantine.
    rejected: i64,
    /// Why the first of those was rejected; not told again for a batch that was known.
    reason: Option<String>,
}

/// Stores items; they are kept when this answers.
#[utoipa::path(post, path = "/items", tag = "internal", request_body = ItemsIn,
    responses((status = 200, body = Envelope<ItemsOut>)))]
async fn items(State(tasks): State<Tasks>, task: Running, Body(body): Body<ItemsIn>) -> Result<Reply<ItemsOut>> {
    let task = running(task.named(&body.task_id)?, &body.spider_id)?;
    let stored = tasks.store_items(&claim_of(task), body.batch, body.items.0).await?;
    let Stored { accepted, duplicate, rejected, reason, .. } = stored;
    let said = match (accepted, duplicate) {
        (0, 0) => text!("所有数据未通过 Schema 校验", "no item passed the check; they are in quarantine"),
        (0, _) => text!("所有数据已去重，无新数据", "all items are known, none is new"),
        _ => text!("已接收 {accepted} 条数据", "{accepted} items received"),
    };
    Ok(Reply::data(ItemsOut { accepted, duplicate, rejected, reason }).saying(said))
}

fn claim_of(task: Task) -> Claim {
    Claim {
        task_id: task.id,
        spider_id: task.spider_id,
        attempt: task.attempt,
        worker_id: task.worker_id.unwrap_or_default(),
        is_test: task.is_test,
        deployment_id: task.deployment_id,
        deployment_version: task.deployment_version,
        code_hash: task.code_hash,
        params: task.params,
    }
}

#[derive(Debug, Deserialize, ToSchema)]
struct ProgressIn {
    #[schema(value_type = String)]
    task_id: TaskId,
    /// 0 to 100.
    progress: f64,
    message: Option<String>,
}

/// How far the task is.
#[utoipa::path(post, path = "/progress", tag = "internal", request_body = ProgressIn,
    responses((status = 200, description = "noted")))]
async fn progress(State(tasks): State<Tasks>, task: Running, Body(body): Body<ProgressIn>) -> Result<Reply> {
    let task = task.named(&body.task_id)?;
    let mut checks = Checks::default();
    checks.require((0.0..=100.0).contains(&body.progress), "body.progress", "value_error", || {
        text!("须在 0 到 100 之间", "must be between 0 and 100")
    });
    checks.length("body.message", body.message.as_deref().unwrap_or_default(), 500);
    checks.finish()?;
    if task.status != TaskStatus::Running {
        return Err(not_running());
    }
    #[expect(clippy::cast_possible_truncation, reason = "between 0 and 100")]
    let progress = body.progress.round() as i64;
    tasks.set_progress(&task.id, task.attempt, progress, body.message.as_deref()).await?;
    tasks.signals.raise(&task.id);
    Ok(Reply::message(text!("进度已更新", "progress noted")))
}

#[derive(Debug, Deserialize, ToSchema)]
struct HeartbeatIn {
    #[schema(value_type = String)]
    task_id: TaskId,
    memory_mb: Option<f64>,
}

/// The spider lives. (The server also sees its process; this keeps the predecessor's SDK content.)
#[utoipa::path(post, path = "/heartbeat", tag = "internal", request_body = HeartbeatIn,
    responses((status = 200, description = "noted")))]
async fn heartbeat(task: Running, Body(body): Body<HeartbeatIn>) -> Result<Reply> {
    let task = task.named(&body.task_id)?;
    if let Some(memory) = body.memory_mb {
        tracing::debug!(task = %task.id, memory, "heartbeat");
    }
    Ok(Reply::message(match task.status {
        TaskStatus::Running => text!("心跳已更新", "heartbeat noted"),
        _ => text!("任务不在运行状态", "the task is not running"),
    }))
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct TaskQuery {
    #[param(value_type = String)]
    task_id: TaskId,
}

#[derive(Debug, Serialize, ToSchema)]
struct StatusOut {
    status: TaskStatus,
    task_id: TaskId,
}

/// Whether to go on: `cancelled` as soon as somebody asked for it.
#[utoipa::path(get, path = "/task/status", tag = "internal", params(TaskQuery),
    responses((status = 200, body = Envelope<StatusOut>)))]
async fn status(task: Running, Params(query): Params<TaskQuery>) -> Result<Reply<StatusOut>> {
    let task = task.named(&query.task_id)?;
    let status = if task.cancel_requested_at.is_some() { TaskStatus::Cancelled } else { task.status };
    Ok(Reply::data(StatusOut { status, task_id: task.id }))
}

#[derive(Debug, Deserialize, ToSchema)]
struct CheckpointIn {
    #[schema(value_type = String)]
    task_id: TaskId,
    /// An object of at most 8 MiB.
    #[schema(value_type = Object)]
    checkpoint_data: Box<RawValue>,
}

/// Keeps where the spider is, for a later task to go on from.
#[utoipa::path(post, path = "/checkpoint", tag = "internal", request_body = CheckpointIn,
    responses((status = 200, description = "kept")))]
async fn save_checkpoint(State(tasks): State<Tasks>, task: Running, Body(body): Body<CheckpointIn>) -> Result<Reply> {
    let task = task.named(&body.task_id)?;
    if task.status != TaskStatus::Running {
        return Err(not_running());
    }
    let data = body.checkpoint_data.get();
    let mut checks = Checks::default();
    checks.require(data.starts_with('{'), "body.checkpoint_data", "type_error", || {
        text!("须为对象", "must be an object")
    });
    checks.require(data.len() <= MAX_CHECKPOINT_BYTES, "body.checkpoint_data", "too_long", || {
        text!("超过 {MAX_CHECKPOINT_BYTES} 字节", "is larger than {MAX_CHECKPOINT_BYTES} bytes")
    });
    checks.finish()?;
    tasks.set_checkpoint(&task, data).await?;
    Ok(Reply::message(text!("断点已保存", "checkpoint kept")))
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct SpiderQuery {
    #[param(value_type = String)]
    spider_id: SpiderId,
}

#[derive(Debug, Serialize, ToSchema)]
struct CheckpointOut {
    #[schema(value_type = Object)]
    checkpoint_data: Box<RawValue>,
    task_id: TaskId,
}

/// Where to go on from: what a former attempt of this task kept, else the spider's newest failed task that kept something;
/// null where there is nothing.
#[utoipa::path(get, path = "/checkpoint", tag = "internal", params(SpiderQuery),
    responses((status = 200, body = Envelope<Option<CheckpointOut>>)))]
async fn load_checkpoint(
    State(tasks): State<Tasks>,
    Running(task): Running,
    Params(query): Params<SpiderQuery>,
) -> Result<Reply<Option<CheckpointOut>>> {
    if task.spider_id != query.spider_id {
        return Err(Error::bad_request("spider_mismatch", text!("spider_id 不匹配", "spider_id is not the task's")));
    }
    let Some(task_id) = tasks.last_checkpoint_task(&task.spider_id, &task.id).await? else {
        return Ok(Reply::data(None));
    };
    let data = tasks.checkpoint_of(&task_id).await?.unwrap_or_else(|| "null".to_owned());
    let checkpoint_data = RawValue::from_string(data).map_err(Error::internal)?;
    Ok(Reply::data(Some(CheckpointOut { checkpoint_data, task_id })))
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct RotateQuery {
    #[param(value_type = String)]
    task_id: TaskId,
    #[param(value_type = String)]
    spider_id: SpiderId,
    /// The address of the one that failed, as it was given.
    failed_proxy: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
struct Rotated {
    /// With username and password, percent-encoded; null: there is none.
    proxy_url: Option<String>,
    message: String,
}

/// Another proxy for a running task whose spider has `proxy_enabled`; never the one that failed, which is left alone for
/// a while.
#[utoipa::path(get, path = "/proxy/rotate", tag = "internal", params(RotateQuery),
    responses((status = 200, body = Envelope<Rotated>), (status = 400, description = "`task_not_running`")))]
async fn rotate_proxy(
    State(tasks): State<Tasks>,
    given: Running,
    Params(query): Params<RotateQuery>,
) -> Result<Reply<Rotated>> {
    let task = running(given.named(&query.task_id)?, &query.spider_id)?;
    let none = |text| Ok(Reply::data(Rotated { proxy_url: None, message: said(text) }));
    if !tasks.spiders.get(&task.spider_id).await?.proxy_enabled {
        return none(text!("该爬虫未启用代理", "the spider has no proxy_enabled"));
    }
    // What is no address is none of ours.
    let failed = query.failed_proxy.and_then(|failed| ProxyAddress::parse(&failed).ok());
    match tasks.proxies.choose(failed.as_ref()).await? {
        Some(proxy) => Ok(Reply::data(Rotated { proxy_url: Some(proxy.url()), message: "success".to_owned() })),
        None => none(text!("没有可用代理", "no proxy can be used just now")),
    }
}

/// A file of the running task's code, by its hash. For nodes, which keep it.
#[utoipa::path(get, path = "/blobs/{hash}", tag = "internal", params(("hash" = String, Path)),
    responses((status = 200, content_type = "application/octet-stream"),
        (status = 404, description = "`blob_not_found`: it is none of the task's; `blob_missing`: it is gone from the store")))]
async fn blob(State(tasks): State<Tasks>, Running(task): Running, Path(hash): Path<Blob>) -> Result<Response> {
    let task = running(task.clone(), &task.spider_id)?;
    let manifest: Vec<ManifestEntry> =
        serde_json::from_slice(&tasks.files.get(&task.code_hash).await?).map_err(Error::internal)?;
    if !manifest.iter().any(|entry| entry.hash == hash.hash) {
        return Err(Error::not_found("blob_not_found", text!("该任务没有此文件", "the task has no such file")));
    }
    let content = tasks.files.stream(&hash.hash).await?;
    Ok(axum::body::Body::from_stream(content).into_response())
}

/// By address, the token stands before it.
#[derive(Debug, Deserialize)]
struct Blob {
    hash: String,
}

/// Keeps a file of the task: multipart `task_id, spider_id, filename, file`.
#[utoipa::path(post, path = "/files/upload", tag = "internal", request_body(content_type = "multipart/form-data"),
    responses((status = 200, description = "kept")))]
async fn upload(State(tasks): State<Tasks>, Running(task): Running, request: Request) -> Result<Reply> {
    let mut upload = receive_upload(request, MAX_FILE_BYTES, |name| {
        Error::too_large(
            "upload_too_large",
            text!("{name} 超过 {MAX_FILE_BYTES} 字节", "{name} is larger than {MAX_FILE_BYTES} bytes"),
        )
    })
    .await?;
    let name = upload.texts.remove("filename").or(upload.file_name);
    // Only a name to show: the content is a blob named by its hash.
    let name = name.unwrap_or_default();
    let mut checks = Checks::default();
    checks.not_empty("body.filename", &name);
    checks.length("body.filename", &name, 255);
    checks.require(
        !name.chars().any(|c| c.is_control() || c == '/' || c == '\\'),
        "body.filename",
        "value_error",
        || text!("不能含有路径或控制字符", "must hold no path and no control characters"),
    );
    checks.finish()?;
    let task = running(task.clone(), &task.spider_id)?;
    let size = i64::try_from(upload.size).map_err(Error::internal)?;
    let hash = tasks.files.put_file(upload.file).await?;
    tasks.insert_file(&task, &name, &hash, size).await?;
    let (spider, task) = (&task.spider_id, &task.id);
    Ok(Reply::message(text!(
        "文件已上传: spider_files/{spider}/{task}/{name}",
        "file kept: spider_files/{spider}/{task}/{name}"
    )))
}
