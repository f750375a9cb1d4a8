use axum::{
    extract::State,
    http::{HeaderMap, header},
    response::{IntoResponse, Response},
};
use futures_util::{StreamExt, stream};
use serde::Serialize;
use tokio::sync::mpsc;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{super::routes::Chosen, Event, Workspaces, capture::Letters};
use crate::{
    error::{Error, Result},
    features::{
        accounts::{Caller, Deed},
        workspaces::types::{Command, Done, Outcome},
    },
    platform::http::{self, Body, Envelope, ErrorBody, Reply, event, sse},
};

pub(in super::super) fn router() -> OpenApiRouter<Workspaces> {
    OpenApiRouter::new().routes(routes!(exec)).routes(routes!(exec_stream))
}

/// What it printed since the last one.
#[derive(Serialize, ToSchema)]
#[schema(as = CommandOutput)]
struct Printed {
    text: String,
}

/// Runs a command to its end. With `Accept: text/event-stream` it is answered as `…/exec/stream` is.
#[utoipa::path(post, path = "/exec", tag = "workspaces", request_body = Command,
    responses((status = 200, body = Envelope<Done>), (status = 404, description = "`workspace_not_found`"),
        (status = 409, description = "`no_image`; `workspace_stopped`: while it ran"),
        (status = 422, description = "no command, or a time that it cannot have"),
        (status = 429, description = "`too_many_runs`"), (status = 503, description = "Docker does not answer"),
        (status = 507, description = "`workspace_full`: until some of its files are deleted", body = ErrorBody)))]
async fn exec(
    State(workspaces): State<Workspaces>,
    caller: Caller,
    deed: Deed,
    Chosen(name): Chosen,
    headers: HeaderMap,
    Body(command): Body<Command>,
) -> Result<Response> {
    deed.is(&command.command);
    let workspace = workspaces.own(&caller, &name).await?;
    let events = workspaces.execute(&caller, workspace, command).await?;
    if wants_events(&headers) {
        return Ok(streamed(&workspaces, events).into_response());
    }
    gathered(events).await.map(|done| Reply::data(done).into_response())
}

/// Runs a command, and answers what it prints as it does: events `stdout` and `stderr` `{"text"}`, and last `exit`, as
/// `…/exec` answers without the texts, or `error`. Hanging up ends the command.
#[utoipa::path(post, path = "/exec/stream", tag = "workspaces", request_body = Command,
    responses((status = 200, description = "`stdout`, `stderr`, `exit`", content_type = "text/event-stream",
            body = Outcome),
        (status = 404, description = "`workspace_not_found`"), (status = 429, description = "`too_many_runs`"),
        (status = 507, description = "`workspace_full`")))]
async fn exec_stream(
    State(workspaces): State<Workspaces>,
    caller: Caller,
    deed: Deed,
    Chosen(name): Chosen,
    Body(command): Body<Command>,
) -> Result<Response> {
    deed.is(&command.command);
    let workspace = workspaces.own(&caller, &name).await?;
    let events = workspaces.execute(&caller, workspace, command).await?;
    Ok(streamed(&workspaces, events).into_response())
}

fn wants_events(headers: &HeaderMap) -> bool {
    let accepted = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    accepted.split(',').any(|kind| kind.split(';').next().is_some_and(|kind| kind.trim() == "text/event-stream"))
}

async fn gathered(mut events: mpsc::Receiver<Event>) -> Result<Done> {
    let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
    loop {
        match events.recv().await {
            Some(Event::Stdout(bytes)) => stdout.extend_from_slice(&bytes),
            Some(Event::Stderr(bytes)) => stderr.extend_from_slice(&bytes),
            Some(Event::Ended(ended)) => {
                let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
                return ended.map(|outcome| Done { stdout: text(stdout), stderr: text(stderr), outcome });
            }
            None => return Err(Error::internal(anyhow::anyhow!("a command is not followed to its end"))),
        }
    }
}

fn streamed(workspaces: &Workspaces, events: mpsc::Receiver<Event>) -> http::Sse {
    let printed = |name, text: String| (!text.is_empty()).then(|| event(Some(name), &Printed { text }));
    let shown = stream::unfold((events, Letters::default(), Letters::default()), move |state| async move {
        let (mut events, mut stdout, mut stderr) = state;
        let shown: Vec<Option<http::Event>> = match events.recv().await? {
            Event::Stdout(bytes) => vec![printed("stdout", stdout.take(&bytes))],
            Event::Stderr(bytes) => vec![printed("stderr", stderr.take(&bytes))],
            Event::Ended(ended) => {
                let last = match ended {
                    Ok(outcome) => event(Some("exit"), &outcome),
                    Err(error) => event(Some("error"), &ErrorBody::from(error)),
                };
                let rests = (std::mem::take(&mut stdout).rest(), std::mem::take(&mut stderr).rest());
                vec![printed("stdout", rests.0), printed("stderr", rests.1), Some(last)]
            }
        };
        Some((stream::iter(shown.into_iter().flatten()), (events, stdout, stderr)))
    });
    // A stop ends the command, which says so itself.
    sse(shown.flatten(), workspaces.stop.clone())
}
