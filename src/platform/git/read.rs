//! The contents of a commit's files, each kept as a blob.

use std::io::{self, Write};

use futures_util::{TryStreamExt, stream};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, BufReader},
    process::ChildStdout,
};

use super::{Entry, Failure, Git, cache::LIST, run};
use crate::{
    error::{Error, Result},
    platform::files::{Files, Hash},
};

/// Blobs that are written at a time.
const AT_ONCE: usize = 8;

impl Git {
    /// The hashes of the entries' contents, in their order. All of them are in memory for a moment, some at a time: whoever
    /// calls has looked at their sizes.
    pub async fn read(&self, name: &str, entries: &[&Entry], files: &Files) -> Result<Vec<Hash>> {
        if entries.is_empty() {
            return Ok(Vec::new());
        }
        let repository = self.folder(name)?;
        let mut list = tempfile::Builder::new().prefix(LIST).tempfile_in(&self.0.root).map_err(Error::internal)?;
        for entry in entries {
            writeln!(list, "{}", entry.object).map_err(Error::internal)?;
        }
        let mut call = run::Call::local(&repository, &["cat-file", "--batch", "--buffer"]);
        call.input = Some(list.path().to_owned());
        let sizes = entries.iter().map(|entry| entry.size);
        let keep = |stdout| keep_all(BufReader::new(stdout), sizes, files);
        match self.run(call, None, keep).await? {
            Ok(hashes) => Ok(hashes),
            Err(Unread::Broken(error)) => Err(Failure::local("a file of the commit cannot be read", &error).into()),
            Err(Unread::NotKept(error)) => Err(error),
        }
    }
}

enum Unread {
    Broken(io::Error),
    NotKept(Error),
}

/// `<object> blob <size>\n<content>\n`, again and again.
async fn keep_all(
    stdout: BufReader<ChildStdout>,
    sizes: impl Iterator<Item = u64>,
    files: &Files,
) -> Result<Vec<Hash>, Unread> {
    let contents = stream::try_unfold((stdout, sizes), |(mut stdout, mut sizes)| async move {
        let Some(size) = sizes.next() else {
            return Ok(None);
        };
        let content = next(&mut stdout, size).await.map_err(Unread::Broken)?;
        Ok(Some((content, (stdout, sizes))))
    });
    let kept = contents.map_ok(|content| async move { files.put(content).await.map_err(Unread::NotKept) });
    kept.try_buffered(AT_ONCE).try_collect().await
}

async fn next(stdout: &mut BufReader<ChildStdout>, size: u64) -> io::Result<Vec<u8>> {
    let mut head = Vec::new();
    stdout.take(256).read_until(b'\n', &mut head).await?;
    let head = String::from_utf8_lossy(&head);
    let mut words = head.split_ascii_whitespace().skip(1);
    if (words.next(), words.next().and_then(|size| size.parse().ok())) != (Some("blob"), Some(size)) {
        return Err(io::Error::other(format!("unexpected {head:?}")));
    }
    let mut content = vec![0; usize::try_from(size).map_err(io::Error::other)?];
    stdout.read_exact(&mut content).await?;
    stdout.read_u8().await?;
    Ok(content)
}
