//! Logs. A document becomes lines behind those that its task has. Which document that is, and where its lines begin, is
//! written down before: broken off, it is gone on with at the same place, where lines that are there are passed over.

use std::collections::HashSet;

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::StreamExt;
use mongodb::bson::{Document, oid::ObjectId};
use serde::{Deserialize, Serialize};

use super::{
    documents::{LOGS, OldDocuments, created_at, text_of},
    items::{ATTEMPT, SETTLED},
    patience::patiently,
    place,
    progress::Part,
};
use crate::{
    app::App,
    error::Result,
    features::tasks::with_levels,
    id::{SpiderId, TaskId},
    platform::documents::{LogLine, NewLines, Stream},
    runner::Line,
};

/// The predecessor removes what is older by itself.
const KEPT: TimeDelta = TimeDelta::days(90);
/// Longer lines become several.
const LONGEST_LINE: usize = 64 << 10;
/// Stored at a time.
const STEP: usize = 2000;

/// How far it has come.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Place {
    /// The document that is being brought, or was the last.
    id: String,
    /// Where its lines begin in the task's log.
    first_seq: i64,
}

pub(super) async fn bring(source: &OldDocuments, app: &App) -> Result<()> {
    let mut part = Part::begin(LOGS);
    let former: Option<Place> = place::read(app, &source.name, LOGS).await?;
    let last = former.as_ref().and_then(|former| ObjectId::parse_str(&former.id).ok());
    let oldest = app.now() - KEPT;
    let from = last.and_then(|id| DateTime::from_timestamp_millis(id.timestamp().timestamp_millis()));
    let mut found = source.between(LOGS, from.map_or(oldest, |from| from.max(oldest)), app.now() - SETTLED).await?;
    // Where nothing is known of a former import, a task with lines has had them brought, or its own.
    let mut begun = HashSet::new();
    while let Some(document) = found.next().await {
        let document = document?;
        let Ok(id) = document.get_object_id("_id") else { continue };
        if last.is_some_and(|last| id < last) {
            continue;
        }
        let task = TaskId::from(text_of(&document, "task_id"));
        let next = app.documents().last_seq(&task).await? + 1;
        let first_seq = match &former {
            Some(former) if Some(id) == last => former.first_seq,
            None if next > 1 && !begun.contains(&task) => {
                part.known += 1;
                continue;
            }
            _ => next,
        };
        if former.is_none() {
            begun.insert(task.clone());
        }
        let lines = with_levels(&lines_of(&document, created_at(&document, id)));
        let is_known = next >= first_seq + i64::try_from(lines.len()).unwrap_or(i64::MAX);
        if lines.is_empty() || is_known {
            part.known += 1;
            continue;
        }
        place::keep(app, &source.name, LOGS, &Place { id: id.to_hex(), first_seq }).await?;
        append(app, &task, &document, first_seq, &lines).await?;
        part.new += 1;
        part.tell();
    }
    part.end();
    Ok(())
}

async fn append(app: &App, task: &TaskId, document: &Document, first_seq: i64, lines: &[LogLine]) -> Result<()> {
    let spider = SpiderId::from(text_of(document, "spider_id"));
    patiently(async || app.documents().open_attempt(task, ATTEMPT).await).await?;
    let mut seq = first_seq;
    for some in lines.chunks(STEP) {
        let new = NewLines {
            task_id: task.clone(),
            spider_id: spider.clone(),
            attempt: ATTEMPT,
            version: None,
            first_seq: seq,
            lines: some.to_vec(),
            errors: Vec::new(),
        };
        patiently(async || app.documents().append_lines(&new).await).await?;
        seq += i64::try_from(some.len()).unwrap_or(0);
    }
    patiently(async || app.documents().close_attempt(task, ATTEMPT).await).await.map(drop)
}

/// First what it printed, then its errors: in which order they came is not known there.
fn lines_of(document: &Document, at: DateTime<Utc>) -> Vec<Line> {
    let mut lines = Vec::new();
    for (field, stream) in [("stdout", Stream::Stdout), ("stderr", Stream::Stderr)] {
        for line in document.get_str(field).unwrap_or_default().lines() {
            let mut rest = line;
            loop {
                let (text, more) = rest.split_at(rest.floor_char_boundary(LONGEST_LINE));
                lines.push(Line { stream, at, text: text.replace('\0', "\u{fffd}") });
                rest = more;
                if rest.is_empty() {
                    break;
                }
            }
        }
    }
    lines
}
