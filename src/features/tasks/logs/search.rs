//! Lines, by place, level, stream and text: of one task, or of all runs of a spider.

use std::time::Duration;

use axum::extract::{Path, State};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::super::Tasks;
use crate::{
    error::{Checks, Error, Result},
    id::{SpiderId, TaskId},
    platform::{
        documents::{Effort, Level, LineFilter, Needle, StoredLine, Stream},
        http::{Envelope, Params, Reply},
    },
    text,
};

/// What one call looks through at most: this much text,
const EFFORT_BYTES: usize = 64 << 20;
/// for so long.
const EFFORT_TIME: Duration = Duration::from_secs(2);
const LONGEST_TEXT: usize = 500;
/// Runs whose logs are looked at after one query.
const RUNS: i64 = 50;

pub(super) fn router() -> OpenApiRouter<Tasks> {
    OpenApiRouter::new().routes(routes!(lines)).routes(routes!(search))
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct LinesQuery {
    /// Only lines behind this place: the `seq` of the last line that the caller has.
    after: Option<i64>,
    /// Only lines before this place. Without `after`, the last of them.
    before: Option<i64>,
    /// So many lines from the end of the log: 1 to 1000.
    tail: Option<usize>,
    stream: Option<Stream>,
    /// Only lines of this level and above.
    level: Option<Level>,
    /// Only lines that hold this text, whatever its case.
    q: Option<String>,
    /// 1 to 1000; 500 where left out.
    limit: Option<usize>,
}

#[derive(Debug, Serialize, ToSchema)]
struct Lines {
    /// In the order of the log.
    items: Vec<StoredLine>,
    /// What to send as `after` for the lines that follow. Where few lines fit, one call looks through a part of the log
    /// and may bring none; it has come to the end where the same call again has the same `next`.
    next: i64,
    /// What to send as `before` for the lines in front of these; null where there are none.
    previous: Option<i64>,
}

/// Lines of a task's log: those behind a place, those before one, or the last.
#[utoipa::path(get, path = "/tasks/{id}/logs/lines", tag = "tasks", params(("id" = String, Path), LinesQuery),
    responses((status = 200, body = Envelope<Lines>), (status = 422, description = "`validation_failed`")))]
async fn lines(
    State(tasks): State<Tasks>,
    Path(id): Path<TaskId>,
    Params(query): Params<LinesQuery>,
) -> Result<Reply<Lines>> {
    tasks.get(&id).await?;
    let mut checks = Checks::default();
    checks.require(query.tail.is_none_or(|tail| (1..=1000).contains(&tail)), "query.tail", "value_error", || {
        text!("须在 1 到 1000 之间", "must be between 1 and 1000")
    });
    checks.require(
        query.tail.is_none() || query.after.is_none() && query.before.is_none(),
        "query.tail",
        "value_error",
        || text!("不能与 after 或 before 同时使用", "goes neither with after nor with before"),
    );
    checks.length("query.q", query.q.as_deref().unwrap_or_default(), LONGEST_TEXT);
    checks.finish()?;
    let filter = LineFilter {
        stream: query.stream,
        level: query.level,
        text: query.q.as_deref().map(Needle::new).transpose()?,
        ..LineFilter::default()
    };
    let limit = query.limit.unwrap_or(500).clamp(1, 1000);
    let effort = &mut Effort::new(EFFORT_BYTES, EFFORT_TIME);
    let is_back = query.after.is_none() && (query.before.is_some() || query.tail.is_some());
    if is_back {
        let before = query.before.unwrap_or(i64::MAX);
        let mut found = tasks.documents.find_before(&id, before, &filter, query.tail.unwrap_or(limit), effort).await?;
        found.lines.reverse();
        let next = match (found.lines.last(), query.before) {
            (Some(line), None) => line.seq,
            (_, Some(before)) => before.saturating_sub(1),
            (None, None) => 0,
        };
        let previous = (!found.is_all).then_some(found.place);
        return Ok(Reply::data(Lines { items: found.lines, next, previous }));
    }
    let after = query.after.unwrap_or(0).max(0);
    let places = (after, query.before.unwrap_or(i64::MAX));
    let found = tasks.documents.find_after(&id, places, &filter, limit, effort).await?;
    let previous = (after > 0).then_some(after.saturating_add(1));
    Ok(Reply::data(Lines { items: found.lines, next: found.place, previous }))
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct SearchQuery {
    /// Only lines that hold this text, whatever its case.
    q: Option<String>,
    /// Only lines of this level and above.
    level: Option<Level>,
    stream: Option<Stream>,
    /// Only lines from this time on.
    from: Option<DateTime<Utc>>,
    /// Only lines before this time.
    to: Option<DateTime<Utc>>,
    /// A former answer's `next_cursor`.
    cursor: Option<String>,
    /// 1 to 1000; 100 where left out.
    limit: Option<usize>,
}

/// A line, and whose it is.
#[derive(Debug, Serialize, ToSchema)]
struct Hit {
    #[schema(value_type = String)]
    task_id: TaskId,
    #[serde(flatten)]
    line: StoredLine,
}

#[derive(Debug, Serialize, ToSchema)]
struct Hits {
    items: Vec<Hit>,
    /// To go on with; null when all is looked through. One call looks through a part only, and may bring nothing and have
    /// a cursor all the same.
    next_cursor: Option<String>,
}

/// Where a search goes on: before the place `before` in the log of `task`, then in the runs before it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Place {
    task: TaskId,
    before: i64,
}

impl Place {
    fn parse(cursor: &str) -> Result<Self> {
        let (task, before) = cursor.split_once(':').unwrap_or_default();
        match before.parse() {
            Ok(before) if !task.is_empty() => Ok(Self { task: TaskId::from(task.to_owned()), before }),
            _ => Err(Error::invalid(
                "query.cursor",
                "value_error",
                text!("不是有效的游标", "is no cursor of a former answer"),
            )),
        }
    }

    fn cursor(&self) -> String {
        format!("{}:{}", self.task, self.before)
    }
}

/// Lines in the logs of all runs of a spider: the newest run first, and its last line first.
#[utoipa::path(get, path = "/spiders/{id}/logs/search", tag = "tasks", params(("id" = String, Path), SearchQuery),
    responses((status = 200, body = Envelope<Hits>), (status = 422, description = "`validation_failed`")))]
async fn search(
    State(tasks): State<Tasks>,
    Path(id): Path<SpiderId>,
    Params(query): Params<SearchQuery>,
) -> Result<Reply<Hits>> {
    tasks.spiders.get(&id).await?;
    let mut checks = Checks::default();
    checks.length("query.q", query.q.as_deref().unwrap_or_default(), LONGEST_TEXT);
    let is_span = query.from.zip(query.to).is_none_or(|(from, to)| from < to);
    checks.require(is_span, "query.to", "value_error", || text!("须晚于 from", "must be later than from"));
    checks.finish()?;
    let place = query.cursor.as_deref().map(Place::parse).transpose()?;
    let filter = LineFilter {
        stream: query.stream,
        level: query.level,
        from: query.from,
        to: query.to,
        text: query.q.as_deref().map(Needle::new).transpose()?,
    };
    let limit = query.limit.unwrap_or(100).clamp(1, 1000);
    let effort = Effort::new(EFFORT_BYTES, EFFORT_TIME);
    let (items, next) = tasks.search(&id, &filter, place, limit, effort).await?;
    Ok(Reply::data(Hits { items, next_cursor: next.map(|place| place.cursor()) }))
}

impl Tasks {
    /// What fits, and where to go on unless all is looked through.
    async fn search(
        &self,
        spider: &SpiderId,
        filter: &LineFilter,
        mut place: Option<Place>,
        limit: usize,
        mut effort: Effort,
    ) -> Result<(Vec<Hit>, Option<Place>)> {
        let mut hits = Vec::new();
        loop {
            let runs = self.runs_to_search(spider, filter, place.as_ref()).await?;
            if runs.is_empty() {
                return Ok((hits, None));
            }
            for task in runs {
                // Only the run that the last look ended in is looked through in part; it may be gone.
                let before = place.take().filter(|place| place.task == task).map_or(i64::MAX, |place| place.before);
                let room = limit - hits.len();
                let found = self.documents.find_before(&task, before, filter, room, &mut effort).await?;
                hits.extend(found.lines.into_iter().map(|line| Hit { task_id: task.clone(), line }));
                // Nothing stands before the place 1: the search goes on in the run before.
                let reached = Place { task, before: if found.is_all { 0 } else { found.place } };
                if hits.len() == limit || effort.is_used_up() {
                    return Ok((hits, Some(reached)));
                }
                place = Some(reached);
            }
        }
    }

    /// Runs of the spider that may have printed something in that time, the newest first: from that of `place` on, or from
    /// the one before where nothing is left of it.
    async fn runs_to_search(
        &self,
        spider: &SpiderId,
        filter: &LineFilter,
        place: Option<&Place>,
    ) -> Result<Vec<TaskId>> {
        let upto = place.map(|place| &place.task);
        let runs: Vec<(TaskId,)> = self
            .db
            .query(
                "SELECT id FROM tasks
                  WHERE spider_id = $1 AND ($2 IS NULL OR id < $2 OR id = $3)
                    AND ($4 IS NULL OR finished_at IS NULL OR finished_at >= $4) AND ($5 IS NULL OR created_at < $5)
                  ORDER BY id DESC LIMIT $6",
            )
            .bind(spider)
            .bind(upto)
            .bind(upto.filter(|_| place.is_some_and(|place| place.before > 0)))
            .bind(filter.from)
            .bind(filter.to)
            .bind(RUNS)
            .fetch_all()
            .await?;
        Ok(runs.into_iter().map(|(id,)| id).collect())
    }
}
