use axum::extract::{Path, State};
use chrono::{DateTime, Utc};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    super::{Spiders, routes::Count},
    Explanation, Fire, FireFilter, Schedule, ScheduleChange, ScheduleFilter,
};
use crate::{
    error::{Error, Result},
    id::ScheduleId,
    platform::http::{Body, Envelope, Page, Paging, Params, Reply},
    text,
};

pub(in super::super) fn router(spiders: Spiders) -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(get, change, delete))
        .routes(routes!(toggle))
        .routes(routes!(upcoming))
        .routes(routes!(fires))
        .routes(routes!(explain))
        .with_state(spiders)
}

/// Schedules, newest first.
#[utoipa::path(get, path = "/schedules", tag = "schedules", params(Paging, ScheduleFilter),
    responses((status = 200, body = Envelope<Page<Schedule>>)))]
async fn list(
    State(spiders): State<Spiders>,
    paging: Paging,
    Params(filter): Params<ScheduleFilter>,
) -> Result<Reply<Page<Schedule>>> {
    spiders.schedules(&filter, &paging).await.map(Reply::data)
}

/// Makes a schedule beside the spider's own.
#[utoipa::path(post, path = "/schedules", tag = "schedules", request_body = ScheduleChange,
    responses((status = 200, body = Envelope<Schedule>), (status = 422, description = "what is wrong, by field")))]
async fn create(State(spiders): State<Spiders>, Body(new): Body<ScheduleChange>) -> Result<Reply<Schedule>> {
    spiders.create_schedule(new).await.map(Reply::data)
}

/// One schedule.
#[utoipa::path(get, path = "/schedules/{id}", tag = "schedules", params(("id" = String, Path)),
    responses((status = 200, body = Envelope<Schedule>), (status = 404, description = "`schedule_not_found`")))]
async fn get(State(spiders): State<Spiders>, Path(id): Path<ScheduleId>) -> Result<Reply<Schedule>> {
    spiders.get_schedule(&id).await.map(Reply::data)
}

/// Changes the fields that are sent; of a spider's own schedule the spider, too.
#[utoipa::path(put, path = "/schedules/{id}", tag = "schedules", params(("id" = String, Path)),
    request_body = ScheduleChange, responses((status = 200, body = Envelope<Schedule>),
        (status = 404, description = "`schedule_not_found`"), (status = 422, description = "what is wrong, by field")))]
async fn change(
    State(spiders): State<Spiders>,
    Path(id): Path<ScheduleId>,
    Body(change): Body<ScheduleChange>,
) -> Result<Reply<Schedule>> {
    spiders.change_schedule(&id, change).await.map(Reply::data)
}

/// Removes a schedule and its ledger; the tasks that it started stay. A spider's own: its `cron_expr` is empty then.
#[utoipa::path(delete, path = "/schedules/{id}", tag = "schedules", params(("id" = String, Path)),
    responses((status = 200, description = "removed"), (status = 404, description = "`schedule_not_found`")))]
async fn delete(State(spiders): State<Spiders>, Path(id): Path<ScheduleId>) -> Result<Reply> {
    spiders.delete_schedule(&id).await?;
    Ok(Reply::message(text!("定时任务已删除", "the schedule is deleted")))
}

/// Pauses it, or lets it go on. The planned times in between are skipped.
#[utoipa::path(post, path = "/schedules/{id}/toggle", tag = "schedules", params(("id" = String, Path)),
    responses((status = 200, body = Envelope<Schedule>), (status = 404, description = "`schedule_not_found`")))]
async fn toggle(State(spiders): State<Spiders>, Path(id): Path<ScheduleId>) -> Result<Reply<Schedule>> {
    let schedule = spiders.toggle_schedule(&id).await?;
    let said = if schedule.is_active {
        text!("定时任务已启用", "the schedule is active")
    } else {
        text!("定时任务已暂停", "the schedule is paused")
    };
    Ok(Reply::data(schedule).saying(said))
}

/// The planned times to come; an empty list while it is paused.
#[utoipa::path(get, path = "/schedules/{id}/upcoming", tag = "schedules", params(("id" = String, Path), Count),
    responses((status = 200, body = Envelope<Vec<String>>), (status = 404, description = "`schedule_not_found`")))]
async fn upcoming(
    State(spiders): State<Spiders>,
    Path(id): Path<ScheduleId>,
    Params(count): Params<Count>,
) -> Result<Reply<Vec<DateTime<Utc>>>> {
    spiders.upcoming(&id, count.checked()?).await.map(Reply::data)
}

/// The ledger: what became of each planned time, newest first.
#[utoipa::path(get, path = "/schedules/{id}/fires", tag = "schedules",
    params(("id" = String, Path), Paging, FireFilter),
    responses((status = 200, body = Envelope<Page<Fire>>), (status = 404, description = "`schedule_not_found`")))]
async fn fires(
    State(spiders): State<Spiders>,
    Path(id): Path<ScheduleId>,
    paging: Paging,
    Params(filter): Params<FireFilter>,
) -> Result<Reply<Page<Fire>>> {
    if let (Some(from), Some(to)) = (filter.from, filter.to)
        && from > to
    {
        return Err(Error::invalid("query.from", "value_error", text!("不能晚于 to", "must not be later than `to`")));
    }
    spiders.fires(&id, &filter, &paging).await.map(Reply::data)
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct At {
    at: DateTime<Utc>,
}

/// Why it did, or did not, start its spider at a time.
#[utoipa::path(get, path = "/schedules/{id}/explain", tag = "schedules", params(("id" = String, Path), At),
    responses((status = 200, body = Envelope<Explanation>), (status = 404, description = "`schedule_not_found`")))]
async fn explain(
    State(spiders): State<Spiders>,
    Path(id): Path<ScheduleId>,
    Params(At { at }): Params<At>,
) -> Result<Reply<Explanation>> {
    let (explanation, said) = spiders.explain(&id, at).await?;
    Ok(Reply::data(explanation).saying(said))
}
