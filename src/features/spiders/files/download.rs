//! A spider's files as one zip, written while it is sent.

use std::{
    io::{self, Write},
    sync::{Arc, Mutex, PoisonError},
};

use axum::{body::Body, http::header, response::IntoResponse};
use bytes::Bytes;
use chrono::{DateTime, Datelike, Timelike, Utc};
use futures_util::{Stream, stream};
use zip::{
    CompressionMethod, ZipWriter,
    write::{SimpleFileOptions, StreamWriter},
};

use super::{SpiderFile, blocking};
use crate::{
    error::{Error, Result},
    platform::{files::Files, http::attachment},
};

/// The files as a download of that name.
pub(in super::super) fn zip_answer(name: &str, blobs: Files, files: Vec<SpiderFile>) -> impl IntoResponse + use<> {
    let headers = [
        (header::CONTENT_TYPE, "application/zip".to_owned()),
        (header::CONTENT_DISPOSITION, attachment(&format!("{name}.zip"))),
    ];
    (headers, Body::from_stream(zip_stream(blobs, files)))
}

/// One piece a file, made when it is asked for: a slow reader holds up nothing and costs one file's memory.
/// An error ends the stream, which the reader sees as a broken transfer.
fn zip_stream(blobs: Files, files: Vec<SpiderFile>) -> impl Stream<Item = Result<Bytes>> + Send {
    let written = Written::default();
    let zip = Some(ZipWriter::new_stream(written.clone()));
    stream::try_unfold((zip, files.into_iter()), move |(zip, mut files)| {
        let (blobs, written) = (blobs.clone(), written.clone());
        async move {
            let Some(zip) = zip else { return Ok(None) };
            let zip = match files.next() {
                Some(file) => {
                    let content = blobs.get(&file.hash).await?;
                    Some(blocking(move || add(zip, &file, &content).map_err(Error::internal)).await?)
                }
                None => zip.finish().map(|_| None).map_err(Error::internal)?,
            };
            Ok(Some((written.take(), (zip, files))))
        }
    })
}

type Zip = ZipWriter<StreamWriter<Written>>;

fn add(mut zip: Zip, file: &SpiderFile, content: &[u8]) -> anyhow::Result<Zip> {
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Deflated)
        .unix_permissions(if file.executable { 0o755 } else { 0o644 })
        .last_modified_time(zip_time(file.updated_at));
    zip.start_file(file.path.as_str(), options)?;
    zip.write_all(content)?;
    Ok(zip)
}

/// What the zip's writer has written and nobody has taken yet.
#[derive(Clone, Default)]
struct Written(Arc<Mutex<Vec<u8>>>);

impl Written {
    fn take(&self) -> Bytes {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner)).into()
    }
}

impl Write for Written {
    fn write(&mut self, piece: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(piece);
        Ok(piece.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A zip knows years from 1980 to 2107.
fn zip_time(time: DateTime<Utc>) -> zip::DateTime {
    let narrow = |number: u32| u8::try_from(number).unwrap_or_default();
    u16::try_from(time.year())
        .ok()
        .and_then(|year| {
            let (month, day) = (narrow(time.month()), narrow(time.day()));
            let (hour, minute, second) = (narrow(time.hour()), narrow(time.minute()), narrow(time.second()));
            zip::DateTime::from_date_and_time(year, month, day, hour, minute, second).ok()
        })
        .unwrap_or_default()
}
