use axum::{
    extract::{Path, State},
    response::Response,
};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    Data, DataFilter, Deleted, FieldSummary, ItemPage, Preview,
    conditions::{FieldFilters, OnlyThese, Wanted},
    export::{ExportOptions, ExportRequest, Format, Of},
    fields::MOST_FIELDS,
    sort::{Order, SortOption},
    types::PreviewSize,
};
use crate::{
    error::{Checks, Result},
    id::TaskId,
    platform::http::{Envelope, Paging, Params, Reply},
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
        .routes(routes!(export_xlsx))
        .routes(routes!(export_parquet))
        .routes(routes!(export_json_rows))
        .routes(routes!(export_csv_rows))
        .with_state(data)
}

/// Items, newest first, or sorted by a field.
///
/// Where `q` or `filter` is given, a page looks at a limited number of items (`data.search_items`), the newest first; a page
/// that is short or empty has a `next_cursor` as long as there is more to look at. Lists that are sorted are read whole
/// for each page: beyond `data.sort_items` items the answer is 400 `too_many_to_sort`.
#[utoipa::path(get, path = "/data", tag = "data", params(Paging, DataFilter, FieldFilters, SortOption),
    responses((status = 200, body = Envelope<ItemPage>), (status = 400, description = "`too_many_to_sort`")))]
async fn list(State(data): State<Data>, paging: Paging, Order(sort): Order, wanted: Wanted) -> Result<Reply<ItemPage>> {
    data.page(&wanted, sort.as_ref(), &paging).await.map(Reply::data)
}

/// Removes the items that a list with the same filter shows; a task or a spider must be named. Other filters than these
/// are refused: who narrows a deletion in a way that is not understood means fewer items than would go.
#[utoipa::path(delete, path = "/data", tag = "data", params(DataFilter),
    responses((status = 200, body = Envelope<Deleted>), (status = 400, description = "`filter_required`"),
        (status = 422, description = "a filter that is not known here, or empty")))]
async fn delete(State(data): State<Data>, OnlyThese(filter): OnlyThese) -> Result<Reply<Deleted>> {
    let deleted_count = data.delete(filter).await?;
    let said = text!("已删除 {deleted_count} 条数据", "{deleted_count} items deleted");
    Ok(Reply::data(Deleted { deleted_count }).saying(said))
}

/// The names that fields have, in order of appearance, with types and how often each is filled.
///
/// Of very many names only the first are listed; `msg` says so.
#[utoipa::path(get, path = "/data/fields", tag = "data", params(DataFilter, FieldFilters),
    responses((status = 200, body = Envelope<Vec<FieldSummary>>)))]
async fn fields(State(data): State<Data>, wanted: Wanted) -> Result<Reply<Vec<FieldSummary>>> {
    let (fields, truncated) = data.describe(wanted).await?;
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
///
/// All exports go from the oldest item to the newest there was when they began. `Range: bytes=N-` with the `ETag` of a
/// transfer that broke off as `If-Range` goes on with the same file, whatever has arrived since; where items of it were
/// removed or replaced, the whole of the new one comes. An `upto` gives the same without `If-Range`.
#[utoipa::path(get, path = "/data/export/json", tag = "data", params(DataFilter, FieldFilters, ExportOptions),
    responses((status = 200, description = "`data.json`", content_type = "application/json", body = Vec<Object>),
        (status = 206, description = "the part that `Range` asks for"),
        (status = 416, description = "the file ends before it")))]
async fn export_json(State(data): State<Data>, request: ExportRequest) -> Result<Response> {
    data.export(request, Format::Json, Of::Items).await
}

/// JSON Lines.
#[utoipa::path(get, path = "/data/export/ndjson", tag = "data", params(DataFilter, FieldFilters, ExportOptions),
    responses((status = 200, description = "`data.ndjson`", content_type = "application/x-ndjson", body = String)))]
async fn export_ndjson(State(data): State<Data>, request: ExportRequest) -> Result<Response> {
    data.export(request, Format::NdJson, Of::Items).await
}

/// A table: all fields, sorted, nested values as JSON. An item that is no object stands in the column `value`.
#[utoipa::path(get, path = "/data/export/csv", tag = "data", params(DataFilter, FieldFilters, ExportOptions),
    responses((status = 200, description = "`data.csv`", content_type = "text/csv", body = String),
        (status = 422, description = "more fields than a table can have; name some with `fields`")))]
async fn export_csv(State(data): State<Data>, request: ExportRequest) -> Result<Response> {
    data.export(request, Format::Csv, Of::Items).await
}

/// The same table as a workbook. A sheet has 1,048,576 rows; what is more goes to further sheets.
///
/// Numbers of more than 15 digits are text, since spreadsheets round them; dates are the text they were. A cell takes
/// 32,767 characters; a longer one is cut, with `…[cut]` at its end. The answer begins when the whole file is made.
#[utoipa::path(get, path = "/data/export/xlsx", tag = "data", params(DataFilter, FieldFilters, ExportOptions),
    responses((status = 200, description = "`data.xlsx`", body = Vec<u8>,
            content_type = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
        (status = 422, description = "more fields than a table can have; name some with `fields`")))]
async fn export_xlsx(State(data): State<Data>, request: ExportRequest) -> Result<Response> {
    data.export(request, Format::Xlsx, Of::Items).await
}

/// The same table as Parquet, compressed with zstd.
///
/// A column is INT64, DOUBLE or BOOLEAN where all its values are and none loses a digit, text else (nested values as
/// JSON). What is missing or null is null. At most 2,000 columns.
#[utoipa::path(get, path = "/data/export/parquet", tag = "data", params(DataFilter, FieldFilters, ExportOptions),
    responses((status = 200, description = "`data.parquet`", content_type = "application/vnd.apache.parquet",
            body = Vec<u8>),
        (status = 422, description = "more fields than a table can have; name some with `fields`")))]
async fn export_parquet(State(data): State<Data>, request: ExportRequest) -> Result<Response> {
    data.export(request, Format::Parquet, Of::Items).await
}

/// A JSON array of whole rows: the items with task, spider and time.
#[utoipa::path(get, path = "/data/export/json/stream", tag = "data", params(DataFilter, FieldFilters, ExportOptions),
    responses((status = 200, description = "`data_stream.json`", content_type = "application/json",
        body = Vec<super::types::WholeRow>)))]
async fn export_json_rows(State(data): State<Data>, request: ExportRequest) -> Result<Response> {
    data.export(request, Format::Json, Of::Rows).await
}

/// A table of whole rows: task, spider and time, then the fields.
#[utoipa::path(get, path = "/data/export/csv/stream", tag = "data", params(DataFilter, FieldFilters, ExportOptions),
    responses((status = 200, description = "`data_stream.csv`", content_type = "text/csv", body = String)))]
async fn export_csv_rows(State(data): State<Data>, request: ExportRequest) -> Result<Response> {
    data.export(request, Format::Csv, Of::Rows).await
}
