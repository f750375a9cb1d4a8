use axum::{
    body::Body as HttpBody,
    extract::{Path, State},
    http::{HeaderMap, header},
    response::{IntoResponse, Response},
};
use chrono::{DateTime, SecondsFormat, Utc};
use futures_util::TryStreamExt;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    super::{Task, TaskFilter, Tasks},
    errors, search,
};
use crate::{
    error::Result,
    id::{SpiderId, TaskId},
    platform::http::{Envelope, Page, Paging, Reply, Sse, attachment, sse},
    text,
};

/// How much of each stream's end the whole log shows; the lines and the download have all of it.
const TAIL_BYTES: usize = 1024 * 1024;
/// The same, where a page shows many logs.
const SHORT_TAIL_BYTES: usize = 32 * 1024;

pub(in super::super) fn router() -> OpenApiRouter<Tasks> {
    OpenApiRouter::new()
        .routes(routes!(whole))
        .routes(routes!(live))
        .routes(routes!(download))
        .routes(routes!(of_spider))
        .merge(search::router())
        .merge(errors::router())
}

/// The end of what the task printed.
#[derive(Debug, Serialize, ToSchema)]
struct TaskLog {
    task_id: TaskId,
    spider_id: SpiderId,
    stdout: String,
    /// The platform's own lines stand here, too.
    stderr: String,
    /// There is more than is shown.
    truncated: bool,
    created_at: DateTime<Utc>,
    /// Why there is nothing, where there is nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<&'static str>,
}

impl Tasks {
    async fn log_of(&self, task: Task, bytes: usize) -> Result<TaskLog> {
        let tail = self.documents.tail(&task.id, bytes).await?;
        let stderr = [tail.system, tail.stderr].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>();
        let stderr = stderr.join("\n");
        let why =
            if task.logs_removed_at.is_some() { "日志已超过保留期限，已被清除" } else { "暂无日志" };
        let message = (tail.stdout.is_empty() && stderr.is_empty()).then_some(why);
        Ok(TaskLog {
            task_id: task.id,
            spider_id: task.spider_id,
            stdout: tail.stdout,
            stderr,
            truncated: tail.truncated,
            created_at: task.created_at,
            message,
        })
    }
}

/// The end of stdout and stderr, as text.
#[utoipa::path(get, path = "/tasks/{id}/logs", tag = "tasks", params(("id" = String, Path)),
    responses((status = 200, body = Envelope<TaskLog>)))]
async fn whole(State(tasks): State<Tasks>, Path(id): Path<TaskId>) -> Result<Reply<TaskLog>> {
    let task = tasks.get(&id).await?;
    let removed_at = task.logs_removed_at;
    let reply = Reply::data(tasks.log_of(task, TAIL_BYTES).await?);
    Ok(match removed_at.map(|at| at.to_rfc3339_opts(SecondsFormat::Secs, true)) {
        Some(at) => reply.saying(text!("日志已超过保留期限，于 {at} 清除", "the log was removed for its age at {at}")),
        None => reply,
    })
}

/// Each line as a server-sent event, from the first on or behind `Last-Event-ID`, to the end of the task.
#[utoipa::path(get, path = "/tasks/{id}/logs/stream", tag = "tasks",
    params(("id" = String, Path), ("Last-Event-ID" = Option<i64>, Header)),
    responses((status = 200, content_type = "text/event-stream")))]
async fn live(State(tasks): State<Tasks>, Path(id): Path<TaskId>, headers: HeaderMap) -> Result<Sse> {
    tasks.get(&id).await?;
    let after = headers.get("last-event-id").and_then(|value| value.to_str().ok()?.parse().ok()).unwrap_or(0);
    Ok(sse(tasks.follow_log(&id, after), tasks.stop.clone()))
}

/// The whole log as a text file.
#[utoipa::path(get, path = "/tasks/{id}/logs/download", tag = "tasks", params(("id" = String, Path)),
    responses((status = 200, content_type = "text/plain")))]
async fn download(State(tasks): State<Tasks>, Path(id): Path<TaskId>) -> Result<Response> {
    let task = tasks.get(&id).await?;
    let text = tasks.documents.all_lines(&id).map_ok(|lines| {
        lines.iter().fold(String::new(), |mut text, line| {
            use std::fmt::Write;
            let at = line.timestamp.format("%Y-%m-%dT%H:%M:%S%.3fZ");
            let _ = writeln!(text, "{at} {} {}", line.stream, line.line);
            text
        })
    });
    let headers = [
        (header::CONTENT_TYPE, "text/plain; charset=utf-8".to_owned()),
        (header::CONTENT_DISPOSITION, attachment(&format!("{}-{}.log", task.spider_name, task.id))),
    ];
    Ok((headers, HttpBody::from_stream(text)).into_response())
}

/// The logs of a spider's tasks, newest first.
#[utoipa::path(get, path = "/spiders/{id}/logs", tag = "tasks", params(("id" = String, Path), Paging),
    responses((status = 200, body = Envelope<Page<TaskLog>>)))]
async fn of_spider(
    State(tasks): State<Tasks>,
    Path(id): Path<SpiderId>,
    paging: Paging,
) -> Result<Reply<Page<TaskLog>>> {
    tasks.spiders.get(&id).await?;
    let filter = TaskFilter { spider_id: Some(id), ..TaskFilter::default() };
    let total = if paging.cursor.is_none() { Some(tasks.count(&filter).await?) } else { None };
    let mut logs = Vec::new();
    for task in tasks.list(&filter, &paging).await? {
        logs.push(tasks.log_of(task, SHORT_TAIL_BYTES).await?);
    }
    Ok(Reply::data(Page::new(&paging, logs, total, |log| log.task_id.to_string())))
}
