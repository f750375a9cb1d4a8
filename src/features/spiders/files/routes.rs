use std::io::Read;

use axum::{
    extract::{DefaultBodyLimit, Path, Request, State},
    response::IntoResponse,
};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    super::Spiders,
    SpiderFile,
    download::zip_answer,
    limits::file_too_large,
    types::{FileContent, FileEdit, NewFile, PathParam},
};
use crate::{
    error::{Error, Result},
    id::{FileId, SpiderId},
    platform::http::{Body, Envelope, Params, Reply, receive_upload},
    text,
};

/// What multipart adds to the file that it carries.
const WRAPPING: usize = 64 * 1024;

pub(in super::super) fn router(spiders: Spiders) -> OpenApiRouter {
    let upload_limit = DefaultBodyLimit::max(spiders.limits.max_file_bytes + WRAPPING);
    let zip_limit = DefaultBodyLimit::max(spiders.max_zip_bytes() + WRAPPING);
    OpenApiRouter::new()
        .routes(routes!(new))
        .routes(routes!(change, delete))
        .layer(spiders.json_limit())
        .merge(OpenApiRouter::new().routes(routes!(upload)).layer(upload_limit))
        .merge(OpenApiRouter::new().routes(routes!(upload_zip)).layer(zip_limit))
        .routes(routes!(list))
        .routes(routes!(content))
        .routes(routes!(archive))
        .with_state(spiders)
}

impl Spiders {
    /// Of what cannot be compressed, a zip is a little larger than its files.
    fn max_zip_bytes(&self) -> usize {
        self.limits.max_total_bytes / 5 * 6 + (1 << 20)
    }
}

/// The spider's files, by path.
#[utoipa::path(get, path = "/spiders/{id}/files", tag = "spiders", params(("id" = String, Path)),
    responses((status = 200, body = Envelope<Vec<SpiderFile>>), (status = 404, description = "`spider_not_found`")))]
async fn list(State(spiders): State<Spiders>, Path(id): Path<SpiderId>) -> Result<Reply<Vec<SpiderFile>>> {
    spiders.files(&id).await.map(Reply::data)
}

/// One file with its content: as text, or as Base64 where it is none.
#[utoipa::path(get, path = "/spiders/{id}/files/{file_id}/content", tag = "spiders",
    params(("id" = String, Path), ("file_id" = String, Path)),
    responses((status = 200, body = Envelope<FileContent>), (status = 404, description = "`file_not_found`")))]
async fn content(
    State(spiders): State<Spiders>,
    Path((id, file_id)): Path<(SpiderId, FileId)>,
) -> Result<Reply<FileContent>> {
    spiders.file_content(&id, &file_id).await.map(Reply::data)
}

/// Makes a file.
#[utoipa::path(post, path = "/spiders/{id}/files/new", tag = "spiders", params(("id" = String, Path), PathParam),
    request_body = NewFile, responses((status = 200, body = Envelope<SpiderFile>),
        (status = 409, description = "`file_exists`"),
        (status = 413, description = "`file_too_large`, `too_many_files`, `files_too_large`"),
        (status = 422, description = "the path cannot be kept, or collides with another")))]
async fn new(
    State(spiders): State<Spiders>,
    Path(id): Path<SpiderId>,
    Params(query): Params<PathParam>,
    Body(mut new): Body<NewFile>,
) -> Result<Reply<SpiderFile>> {
    let content = new.bytes()?;
    let path = new.path.or(query.file_path);
    let path = path.ok_or_else(|| Error::invalid("body.path", "missing", text!("必填", "is required")))?;
    spiders.new_file(&id, &path, content, new.executable).await.map(Reply::data)
}

/// Changes a file's content, its path, or both.
#[utoipa::path(put, path = "/spiders/{id}/files/{file_id}", tag = "spiders",
    params(("id" = String, Path), ("file_id" = String, Path)), request_body = FileEdit,
    responses((status = 200, body = Envelope<SpiderFile>),
        (status = 409, description = "`file_exists`; `file_changed` since `base_hash`"),
        (status = 413, description = "`file_too_large`, `files_too_large`")))]
async fn change(
    State(spiders): State<Spiders>,
    Path((id, file_id)): Path<(SpiderId, FileId)>,
    Body(edit): Body<FileEdit>,
) -> Result<Reply<SpiderFile>> {
    spiders.change_file(&id, &file_id, edit).await.map(Reply::data)
}

/// Removes a file.
#[utoipa::path(delete, path = "/spiders/{id}/files/{file_id}", tag = "spiders",
    params(("id" = String, Path), ("file_id" = String, Path)),
    responses((status = 200, description = "removed"), (status = 404, description = "`file_not_found`")))]
async fn delete(State(spiders): State<Spiders>, Path((id, file_id)): Path<(SpiderId, FileId)>) -> Result<Reply> {
    spiders.delete_file(&id, &file_id).await?;
    Ok(Reply::message(text!("文件删除成功", "the file is deleted")))
}

#[derive(ToSchema)]
#[expect(dead_code, reason = "only describes the multipart body")]
struct FileUpload {
    #[schema(format = Binary, content_media_type = "application/octet-stream")]
    file: String,
    /// The full path, or a folder with `/` at its end; else `file_path` of the query, else the file's own name.
    path: Option<String>,
}

#[derive(ToSchema)]
#[expect(dead_code, reason = "only describes the multipart body")]
struct ZipUpload {
    #[schema(format = Binary, content_media_type = "application/zip")]
    file: String,
}

/// Uploads a file; one that has the path already gets the new content.
#[utoipa::path(post, path = "/spiders/{id}/files/upload", tag = "spiders", params(("id" = String, Path), PathParam),
    request_body(content = FileUpload, content_type = "multipart/form-data"),
    responses((status = 200, body = Envelope<SpiderFile>),
        (status = 413, description = "`file_too_large`, `too_many_files`, `files_too_large`"),
        (status = 422, description = "the path cannot be kept, or collides with another")))]
async fn upload(
    State(spiders): State<Spiders>,
    Path(id): Path<SpiderId>,
    Params(query): Params<PathParam>,
    request: Request,
) -> Result<Reply<SpiderFile>> {
    let limits = spiders.limits.clone();
    let mut received = receive_upload(request, limits.max_file_bytes, |name| file_too_large(&limits, name)).await?;
    let name = received.file_name.unwrap_or_default();
    let path = match received.texts.remove("path").or(query.file_path) {
        Some(folder) if folder.ends_with('/') => format!("{folder}{name}"),
        Some(path) => path,
        None => name,
    };
    let mut content = Vec::new();
    received.file.read_to_end(&mut content).map_err(Error::internal)?;
    spiders.upload_file(&id, &path, content.into()).await.map(Reply::data)
}

/// Replaces all files by those of a zip, or keeps everything as it was.
///
/// A single folder around everything is dropped where `scrapy.cfg` or `main.py` lies right in it.
#[utoipa::path(post, path = "/spiders/{id}/files/upload-zip", tag = "spiders", params(("id" = String, Path)),
    request_body(content = ZipUpload, content_type = "multipart/form-data"),
    responses((status = 200, body = Envelope<Vec<SpiderFile>>),
        (status = 413, description = "`file_too_large`, `too_many_files`, `files_too_large`, `upload_too_large`"),
        (status = 422, description = "no zip, or entries that cannot be kept, each named")))]
async fn upload_zip(
    State(spiders): State<Spiders>,
    Path(id): Path<SpiderId>,
    request: Request,
) -> Result<Reply<Vec<SpiderFile>>> {
    let limit = spiders.max_zip_bytes();
    let received = receive_upload(request, limit, |name| {
        Error::too_large(
            "upload_too_large",
            text!("{name} 超过上传上限 {limit} 字节", "{name} is larger than the {limit} bytes an upload may have"),
        )
    })
    .await?;
    spiders.replace_files(&id, received.file).await.map(Reply::data)
}

/// All files as a zip.
#[utoipa::path(get, path = "/spiders/{id}/files/archive", tag = "spiders", params(("id" = String, Path)),
    responses((status = 200, description = "the zip", content_type = "application/zip")))]
async fn archive(State(spiders): State<Spiders>, Path(id): Path<SpiderId>) -> Result<impl IntoResponse> {
    let name = spiders.get(&id).await?.name;
    let files = spiders.files_of(&id).await?;
    Ok(zip_answer(&name, spiders.blobs, files))
}
