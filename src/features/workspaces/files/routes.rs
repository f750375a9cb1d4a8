use axum::{
    body::Body as Content,
    extract::{DefaultBodyLimit, Request, State},
    http::{HeaderMap, HeaderValue, header},
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    super::routes::Chosen,
    WorkPath, Workspaces,
    listing::{ListParams, Listing},
    upload::Uploaded,
};
use crate::{
    error::{Error, Result},
    features::accounts::{Caller, Deed},
    platform::http::{Body, Envelope, Params, Reply, attachment},
    text,
};

pub(in super::super) fn router() -> OpenApiRouter<Workspaces> {
    // A workspace has a limit of its own for what comes into it.
    let upload = OpenApiRouter::new().routes(routes!(upload)).layer(DefaultBodyLimit::disable());
    OpenApiRouter::new()
        .routes(routes!(list, remove))
        .routes(routes!(download))
        .routes(routes!(make_folder))
        .merge(upload)
}

#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct FileParams {
    /// From the workspace; left out, or empty: the workspace itself.
    #[serde(default)]
    path: String,
}

#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = NewWorkspaceFolder)]
struct NewFolder {
    /// From the workspace. Those on the way are made as well.
    #[schema(example = "data/2026")]
    path: String,
}

#[derive(ToSchema)]
#[schema(as = NewWorkspaceFile)]
#[expect(dead_code, reason = "only describes the multipart body")]
struct NewFile {
    /// May be there several times.
    #[schema(format = Binary, content_media_type = "application/octet-stream")]
    file: String,
    /// The file's own path; a folder where it ends with `/`, where there is one, or for several files. Folders are made.
    path: Option<String>,
}

/// What a folder has.
#[utoipa::path(get, path = "/files", tag = "workspaces", params(ListParams),
    responses((status = 200, body = Envelope<Listing>), (status = 400, description = "`path_refused`"),
        (status = 404, description = "`file_not_found`; `workspace_not_found`"),
        (status = 429, description = "`too_many_runs`")))]
async fn list(
    State(workspaces): State<Workspaces>,
    caller: Caller,
    Chosen(name): Chosen,
    Params(params): Params<ListParams>,
) -> Result<Reply<Listing>> {
    let workspace = workspaces.own(&caller, &name).await?;
    workspaces.list_files(&caller, workspace, &params).await.map(Reply::data)
}

/// Uploads files of any size. One that is there already is replaced, once all of the new one has come.
#[utoipa::path(post, path = "/files/upload", tag = "workspaces",
    request_body(content = NewFile, content_type = "multipart/form-data"),
    responses((status = 200, body = Envelope<Uploaded>), (status = 400, description = "`path_refused`"),
        (status = 404, description = "`workspace_not_found`"),
        (status = 409, description = "`path_taken`: by a folder, or a file in the place of one"),
        (status = 413, description = "`file_too_large`"), (status = 507, description = "`workspace_full`")))]
async fn upload(
    State(workspaces): State<Workspaces>,
    caller: Caller,
    Chosen(name): Chosen,
    request: Request,
) -> Result<Reply<Uploaded>> {
    let workspace = workspaces.own(&caller, &name).await?;
    workspaces.upload(&caller, workspace, request).await.map(Reply::data)
}

/// A file, or a folder as a tar.
#[utoipa::path(get, path = "/files/download", tag = "workspaces", params(FileParams),
    responses((status = 200, description = "the file", content_type = "application/octet-stream", body = [u8]),
        (status = 400, description = "`path_refused`; `not_a_file`: a link, or something else that is none"),
        (status = 404, description = "`file_not_found`; `workspace_not_found`")))]
async fn download(
    State(workspaces): State<Workspaces>,
    caller: Caller,
    Chosen(name): Chosen,
    Params(params): Params<FileParams>,
) -> Result<Response> {
    let path = WorkPath::parse(&params.path)?;
    let workspace = workspaces.own(&caller, &name).await?;
    let file = workspaces.download(&caller, workspace, &path).await?;
    let kind = if file.size.is_some() { "application/octet-stream" } else { "application/x-tar" };
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static("sandbox"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::CONTENT_DISPOSITION, attachment(&file.name).parse().map_err(Error::internal)?);
    if let Some(size) = file.size {
        headers.insert(header::CONTENT_LENGTH, size.into());
    }
    Ok((headers, Content::from_stream(file.content)).into_response())
}

/// Deletes a file, or a folder with all that is in it.
#[utoipa::path(delete, path = "/files", tag = "workspaces", params(FileParams),
    responses((status = 200, description = "it is gone"), (status = 400, description = "`path_refused`"),
        (status = 404, description = "`file_not_found`; `workspace_not_found`")))]
async fn remove(
    State(workspaces): State<Workspaces>,
    caller: Caller,
    deed: Deed,
    Chosen(name): Chosen,
    Params(params): Params<FileParams>,
) -> Result<Reply> {
    deed.is(&params.path);
    let path = WorkPath::parse(&params.path)?;
    let workspace = workspaces.own(&caller, &name).await?;
    workspaces.remove_files(&caller, workspace, &path).await?;
    Ok(Reply::message(text!("已删除", "it is deleted")))
}

/// Makes a folder, with those on the way. One that is there already is left as it is.
#[utoipa::path(post, path = "/files/folder", tag = "workspaces", request_body = NewFolder,
    responses((status = 200, description = "it is there"), (status = 400, description = "`path_refused`"),
        (status = 404, description = "`workspace_not_found`"), (status = 409, description = "`path_taken`: by a file")))]
async fn make_folder(
    State(workspaces): State<Workspaces>,
    caller: Caller,
    deed: Deed,
    Chosen(name): Chosen,
    Body(new): Body<NewFolder>,
) -> Result<Reply> {
    deed.is(&new.path);
    let path = WorkPath::parse(&new.path)?;
    let workspace = workspaces.own(&caller, &name).await?;
    workspaces.make_folder(&caller, workspace, &path).await?;
    Ok(Reply::message(text!("文件夹已创建", "the folder is there")))
}
