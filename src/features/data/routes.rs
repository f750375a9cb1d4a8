use axum::extract::{Path, State};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    Data, DataFilter, Deleted, FieldSummary, ItemRow, Preview,
    export::{Export, Of},
    fields::MOST_FIELDS,
    types::{ExportOptions, PreviewSize},
};
use crate::{
    error::{Checks, Result},
    id::TaskId,
    platform::http::{Envelope, Page, Paging, Params, Reply},
    text,
};

pub fn router(data: Data) -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(list, delete))
        .routes(routes!(fields))
        .routes(routes!(preview))
        .routes(routes!(export_json))
        .routes(routes!(export_ndjson))
        .routes(routes!(export_csv))
        .routes(routes!(export_json_rows))
        .routes(routes!(export_csv_rows))
        .with_state(data)
}

/// Items, newest first.
#[utoipa::path(get, path = "/data", tag = "data", params(Paging, DataFilter),
    responses((status = 200, body = Envelope<Page<ItemRow>>)))]
async fn list(
    State(data): State<Data>,
    paging: Paging,
    Params(filter): Params<DataFilter>,
) -> Result<Reply<Page<ItemRow>>> {
    data.page(filter, &paging).await.map(Reply::data)
}

/// Removes the items that a list with the same filter shows; a task or a spider must be named.
#[utoipa::path(delete, path = "/data", tag = "data", params(DataFilter),
    responses((status = 200, body = Envelope<Deleted>), (status = 400, description = "`filter_required`")))]
async fn delete(State(data): State<Data>, Params(filter): Params<DataFilter>) -> Result<Reply<Deleted>> {
    let deleted_count = data.delete(filter).await?;
    let said = text!("已删除 {deleted_count} 条数据", "{deleted_count} items deleted");
    Ok(Reply::data(Deleted { deleted_count }).saying(said))
}

/// The names that fields have, in order of appearance, with types and how often each is filled.
///
/// Of very many names only the first are listed; `msg` says so.
#[utoipa::path(get, path = "/data/fields", tag = "data", params(DataFilter),
    responses((status = 200, body = Envelope<Vec<FieldSummary>>)))]
async fn fields(State(data): State<Data>, Params(filter): Params<DataFilter>) -> Result<Reply<Vec<FieldSummary>>> {
    let (fields, truncated) = data.describe(filter).await?;
    let reply = Reply::data(fields);
    Ok(if truncated {
        reply.saying(text!(
            "字段太多，只列出最先出现的部分（最多 {MOST_FIELDS} 个）",
            "truncated: there are more fields; these are the first (at most {MOST_FIELDS})"
        ))
    } else {
        reply
    })
}

/// The first items of a task, and their fields. A task that is not known has none.
#[utoipa::path(get, path = "/data/preview/{task_id}", tag = "data", params(("task_id" = String, Path), PreviewSize),
    responses((status = 200, body = Envelope<Preview>)))]
async fn preview(
    State(data): State<Data>,
    Path(task_id): Path<TaskId>,
    Params(size): Params<PreviewSize>,
) -> Result<Reply<Preview>> {
    let mut checks = Checks::default();
    checks.require((1..=100).contains(&size.limit), "query.limit", "value_error", || {
        text!("须在 1 到 100 之间", "must be between 1 and 100")
    });
    checks.finish()?;
    data.preview(task_id, size.limit).await.map(Reply::data)
}

/// A JSON array of the items, as they were sent, one a line.
#[utoipa::path(get, path = "/data/export/json", tag = "data", params(DataFilter, ExportOptions),
    responses((status = 200, description = "`data.json`", content_type = "application/json", body = Vec<Object>)))]
async fn export_json(
    State(data): State<Data>,
    Params(filter): Params<DataFilter>,
    Params(options): Params<ExportOptions>,
) -> Result<Export> {
    data.export_json(filter, &options, Of::Items).await
}

/// JSON Lines.
#[utoipa::path(get, path = "/data/export/ndjson", tag = "data", params(DataFilter, ExportOptions),
    responses((status = 200, description = "`data.ndjson`", content_type = "application/x-ndjson", body = String)))]
async fn export_ndjson(
    State(data): State<Data>,
    Params(filter): Params<DataFilter>,
    Params(options): Params<ExportOptions>,
) -> Result<Export> {
    data.export_ndjson(filter, &options).await
}

/// A table: all fields, sorted, nested values as JSON. An item that is no object stands in the column `value`.
#[utoipa::path(get, path = "/data/export/csv", tag = "data", params(DataFilter, ExportOptions),
    responses((status = 200, description = "`data.csv`", content_type = "text/csv", body = String),
        (status = 422, description = "more fields than a table can have; name some with `fields`")))]
async fn export_csv(
    State(data): State<Data>,
    Params(filter): Params<DataFilter>,
    Params(options): Params<ExportOptions>,
) -> Result<Export> {
    data.export_csv(filter, &options, Of::Items).await
}

/// A JSON array of whole rows: the items with task, spider and time.
#[utoipa::path(get, path = "/data/export/json/stream", tag = "data", params(DataFilter, ExportOptions),
    responses((status = 200, description = "`data_stream.json`", content_type = "application/json",
        body = Vec<super::types::WholeRow>)))]
async fn export_json_rows(
    State(data): State<Data>,
    Params(filter): Params<DataFilter>,
    Params(options): Params<ExportOptions>,
) -> Result<Export> {
    data.export_json(filter, &options, Of::Rows).await
}

/// A table of whole rows: task, spider and time, then the fields.
#[utoipa::path(get, path = "/data/export/csv/stream", tag = "data", params(DataFilter, ExportOptions),
    responses((status = 200, description = "`data_stream.csv`", content_type = "text/csv", body = String)))]
async fn export_csv_rows(
    State(data): State<Data>,
    Params(filter): Params<DataFilter>,
    Params(options): Params<ExportOptions>,
) -> Result<Export> {
    data.export_csv(filter, &options, Of::Rows).await
}
