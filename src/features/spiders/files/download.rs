//! A spider's files as one zip, written while it is sent.

use std::io::{self, BufWriter, Write};

use bytes::Bytes;
use chrono::{DateTime, Datelike, Timelike, Utc};
use futures_util::{Stream, stream};
use tokio::{runtime::Handle, sync::mpsc};
use zip::{CompressionMethod, ZipWriter, write::SimpleFileOptions};

use super::SpiderFile;
use crate::platform::files::Files;

/// Pieces of [`PIECE`] bytes that wait for a slow reader.
const WAITING: usize = 4;
const PIECE: usize = 64 * 1024;

/// An error ends the stream, which the reader sees as a broken transfer.
pub(super) fn zip_stream(blobs: Files, files: Vec<SpiderFile>) -> impl Stream<Item = io::Result<Bytes>> + Send {
    let (sender, receiver) = mpsc::channel(WAITING);
    let runtime = Handle::current();
    // Ends by itself: with the last file, or when the reader is gone and sending fails.
    tokio::task::spawn_blocking(move || {
        let writer = BufWriter::with_capacity(PIECE, Pieces(sender.clone()));
        if let Err(error) = write_zip(writer, &blobs, &files, &runtime) {
            tracing::debug!("a download of files ended early: {error:#}");
            let _ = sender.blocking_send(Err(io::Error::other(error)));
        }
    });
    stream::unfold(receiver, |mut receiver| async { receiver.recv().await.map(|piece| (piece, receiver)) })
}

fn write_zip(writer: impl Write, blobs: &Files, files: &[SpiderFile], runtime: &Handle) -> anyhow::Result<()> {
    let mut zip = ZipWriter::new_stream(writer);
    for file in files {
        let options = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Deflated)
            .unix_permissions(if file.executable { 0o755 } else { 0o644 })
            .last_modified_time(zip_time(file.updated_at));
        zip.start_file(file.path.as_str(), options)?;
        zip.write_all(&runtime.block_on(blobs.get(&file.hash))?)?;
    }
    zip.finish()?.into_inner().flush()?;
    Ok(())
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

struct Pieces(mpsc::Sender<io::Result<Bytes>>);

impl Write for Pieces {
    fn write(&mut self, piece: &[u8]) -> io::Result<usize> {
        let sent = self.0.blocking_send(Ok(Bytes::copy_from_slice(piece)));
        sent.map(|()| piece.len()).map_err(|_| io::ErrorKind::BrokenPipe.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
