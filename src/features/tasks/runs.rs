//! Running a spider.

use axum::extract::{Path, State};
use serde_json::json;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{RunOptions, Task, Tasks, Trigger, follow::TestFollower};
use crate::{
    error::Result,
    id::SpiderId,
    platform::http::{Body, Envelope, Reply, Sse, event, sse},
    text,
};

pub(super) fn router() -> OpenApiRouter<Tasks> {
    OpenApiRouter::new().routes(routes!(run)).routes(routes!(test_run))
}

/// Queues a run; answers with the task. Needs no body.
#[utoipa::path(post, path = "/spiders/{id}/run", tag = "tasks", params(("id" = String, Path)),
    request_body = RunOptions,
    responses((status = 200, body = Envelope<Task>), (status = 409, description = "`spider_busy`")))]
async fn run(
    State(tasks): State<Tasks>,
    Path(id): Path<SpiderId>,
    Body(options): Body<RunOptions>,
) -> Result<Reply<Task>> {
    let task = tasks.start(&id, options, Trigger::Manual).await?;
    Ok(Reply::data(task).saying(text!("任务已提交到执行队列", "the task is queued")))
}

/// Runs the spider at once, for at most five minutes, and shows what it does: events `task`, `stdout`, `stderr`,
/// `item`, last `status`. Hanging up does not stop it.
#[utoipa::path(post, path = "/spiders/{id}/test-run", tag = "tasks", params(("id" = String, Path)),
    request_body = RunOptions, responses((status = 200, content_type = "text/event-stream")))]
async fn test_run(
    State(tasks): State<Tasks>,
    Path(id): Path<SpiderId>,
    Body(options): Body<RunOptions>,
) -> Result<Sse> {
    let task = tasks.start(&id, options, Trigger::Test).await?;
    let first = [
        event(Some("task"), &json!({ "task_id": task.id })),
        event(Some("status"), &json!({ "status": "preparing", "message": "准备执行环境..." })),
    ];
    let follower = TestFollower {
        tasks: tasks.clone(),
        task: task.id.clone(),
        lines_after: 0,
        item_after: None,
        first: first.into(),
    };
    Ok(sse(tasks.follow(&task.id, follower), tasks.stop.clone()))
}
