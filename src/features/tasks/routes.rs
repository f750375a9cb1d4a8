use axum::{
    body::Body as HttpBody,
    extract::{Path, State},
    http::header,
    response::{IntoResponse, Response},
};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    RunOptions, Task, TaskFilter, TaskStatus, Tasks, Trigger,
    follow::StatusFollower,
    logs, runs,
    types::{Attempt, LatestFilter, TaskFile},
};
use crate::{
    error::{Error, Result},
    id::TaskId,
    platform::http::{Envelope, Page, Paging, Params, Reply, Sse, sse},
    text,
};

pub fn router(tasks: Tasks) -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(latest))
        .routes(routes!(get, delete))
        .routes(routes!(cancel))
        .routes(routes!(retry))
        .routes(routes!(attempts))
        .routes(routes!(events))
        .routes(routes!(files))
        .routes(routes!(file))
        .merge(logs::router())
        .merge(runs::router())
        .with_state(tasks)
}

/// Tasks, newest first.
#[utoipa::path(get, path = "/tasks", tag = "tasks", params(Paging, TaskFilter),
    responses((status = 200, body = Envelope<Page<Task>>)))]
async fn list(
    State(tasks): State<Tasks>,
    paging: Paging,
    Params(filter): Params<TaskFilter>,
) -> Result<Reply<Page<Task>>> {
    let total = if paging.cursor.is_none() { Some(tasks.count(&filter).await?) } else { None };
    let items = tasks.list(&filter, &paging).await?;
    Ok(Reply::data(Page::new(&paging, items, total, |task| task.id.to_string())))
}

/// The newest task of each of these spiders, without test runs; a spider without any is left out.
#[utoipa::path(get, path = "/tasks/latest", tag = "tasks", params(LatestFilter),
    responses((status = 200, body = Envelope<Vec<Task>>)))]
async fn latest(State(tasks): State<Tasks>, Params(filter): Params<LatestFilter>) -> Result<Reply<Vec<Task>>> {
    tasks.latest(&filter.spiders()?).await.map(Reply::data)
}

/// One task.
#[utoipa::path(get, path = "/tasks/{id}", tag = "tasks", params(("id" = String, Path)),
    responses((status = 200, body = Envelope<Task>), (status = 404, description = "`task_not_found`")))]
async fn get(State(tasks): State<Tasks>, Path(id): Path<TaskId>) -> Result<Reply<Task>> {
    let mut task = tasks.get(&id).await?;
    task.checkpoint_data = tasks.checkpoint_of(&id).await?;
    Ok(Reply::data(task))
}

/// Removes an ended task with its logs and items.
#[utoipa::path(delete, path = "/tasks/{id}", tag = "tasks", params(("id" = String, Path)),
    responses((status = 200, description = "removed"), (status = 409, description = "`task_active`")))]
async fn delete(State(tasks): State<Tasks>, Path(id): Path<TaskId>) -> Result<Reply> {
    tasks.delete(&id).await?;
    Ok(Reply::message(text!("任务已删除", "the task is deleted")))
}

/// Stops the task: SIGTERM to everything it started, SIGKILL five seconds later. It is `cancelled` when all is gone.
#[utoipa::path(post, path = "/tasks/{id}/cancel", tag = "tasks", params(("id" = String, Path)),
    responses((status = 200, body = Envelope<Task>), (status = 409, description = "`task_finished`")))]
async fn cancel(State(tasks): State<Tasks>, Path(id): Path<TaskId>) -> Result<Reply<Task>> {
    let task = tasks.cancel(&id).await?;
    let said = match task.status {
        TaskStatus::Cancelled => text!("任务已取消", "the task is cancelled"),
        TaskStatus::Pending | TaskStatus::Running => {
            text!("已请求取消，任务正在停止", "asked to cancel; the task is stopping")
        }
        TaskStatus::Completed | TaskStatus::Failed => {
            text!("任务在取消之前已结束", "the task came to its end before it could be cancelled")
        }
    };
    Ok(Reply::data(task).saying(said))
}

/// Runs the task's spider again with the same parameters, and its code as it is now: a new task.
#[utoipa::path(post, path = "/tasks/{id}/retry", tag = "tasks", params(("id" = String, Path)),
    responses((status = 200, body = Envelope<Task>), (status = 409, description = "`spider_busy`")))]
async fn retry(State(tasks): State<Tasks>, Path(id): Path<TaskId>) -> Result<Reply<Task>> {
    let former = tasks.get(&id).await?;
    let options = RunOptions { params: Some(former.params.0), ..RunOptions::default() };
    tasks.start(&former.spider_id, options, Trigger::Retry).await.map(Reply::data)
}

/// Each time the task was started, and how that ended.
#[utoipa::path(get, path = "/tasks/{id}/attempts", tag = "tasks", params(("id" = String, Path)),
    responses((status = 200, body = Envelope<Vec<Attempt>>)))]
async fn attempts(State(tasks): State<Tasks>, Path(id): Path<TaskId>) -> Result<Reply<Vec<Attempt>>> {
    tasks.get(&id).await?;
    tasks.attempts_of(&id).await.map(Reply::data)
}

/// Status, progress and counts as server-sent events, until the task ends.
#[utoipa::path(get, path = "/tasks/{id}/events", tag = "tasks", params(("id" = String, Path)),
    responses((status = 200, content_type = "text/event-stream")))]
async fn events(State(tasks): State<Tasks>, Path(id): Path<TaskId>) -> Result<Sse> {
    tasks.get(&id).await?;
    let follower = StatusFollower { tasks: tasks.clone(), task: id.clone(), last: None };
    Ok(sse(tasks.follow(&id, follower), tasks.stop.clone()))
}

/// Files that the spider uploaded while it ran.
#[utoipa::path(get, path = "/tasks/{id}/files", tag = "tasks", params(("id" = String, Path)),
    responses((status = 200, body = Envelope<Vec<TaskFile>>)))]
async fn files(State(tasks): State<Tasks>, Path(id): Path<TaskId>) -> Result<Reply<Vec<TaskFile>>> {
    tasks.get(&id).await?;
    tasks.files_of(&id).await.map(Reply::data)
}

/// One of them.
#[utoipa::path(get, path = "/tasks/{id}/files/{file_id}", tag = "tasks",
    params(("id" = String, Path), ("file_id" = String, Path)),
    responses((status = 200, content_type = "application/octet-stream")))]
async fn file(State(tasks): State<Tasks>, Path((id, file_id)): Path<(TaskId, String)>) -> Result<Response> {
    let found = tasks.files_of(&id).await?.into_iter().find(|file| file.id == file_id);
    let file = found.ok_or_else(|| {
        Error::not_found("file_not_found", text!("文件 {file_id} 不存在", "the task has no file {file_id}"))
    })?;
    let content = tasks.files.stream(&file.hash).await?;
    // Always a download, never shown: a spider's file must not become a page of this origin.
    let headers = [
        (header::CONTENT_TYPE, "application/octet-stream".to_owned()),
        (header::CONTENT_DISPOSITION, crate::platform::http::attachment(&file.filename)),
    ];
    Ok((headers, HttpBody::from_stream(content)).into_response())
}
