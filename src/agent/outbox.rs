//! What is still to be told of an attempt, on the disk: a folder with one file a message, in order, beside what the
//! attempt is and how it ended. A message that was written lives through `kill -9`; when the machine itself goes down,
//! so does the attempt, and it is run again.

use std::{
    collections::VecDeque,
    fs::File,
    io::{self, Write},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use serde::{Serialize, de::IgnoredAny};
use serde_json::value::RawValue;
use tokio::sync::Notify;

use crate::{
    error::{DISK_SPACE, Error, Result},
    platform::disk::Disk,
    protocol::{EndTold, HeldAttempt, Message},
    runner::Line,
};

const CLAIM: &str = "claim.json";
const END: &str = "end.json";
const LINES: &str = "lines";
const ITEMS: &str = "items";

/// All of them.
#[derive(Debug)]
pub(super) struct Outboxes {
    folder: PathBuf,
    disk: Disk,
}

impl Outboxes {
    pub(super) fn open(folder: &Path, disk: Disk) -> io::Result<Self> {
        std::fs::create_dir_all(folder)?;
        Ok(Self { folder: folder.to_owned(), disk })
    }

    /// A new one.
    pub(super) async fn make(&self, of: &HeldAttempt) -> io::Result<Outbox> {
        let folder = self.folder.join(format!("{}-{}", of.task_id, of.attempt));
        let claim = serde_json::to_vec(of)?;
        let made = folder.clone();
        blocking(move || {
            match std::fs::remove_dir_all(&made) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
            std::fs::create_dir(&made)?;
            write_for_good(&made, CLAIM, &claim)
        })
        .await?;
        Ok(Outbox::new(folder, self.disk.clone(), VecDeque::new()))
    }

    /// Those that a former start of the agent left, with what they are of. What is none is no reason not to start.
    pub(super) async fn left(&self) -> io::Result<Vec<(HeldAttempt, Outbox)>> {
        let (parent, disk) = (self.folder.clone(), self.disk.clone());
        blocking(move || {
            let mut found = Vec::new();
            for entry in std::fs::read_dir(&parent)? {
                let entry = entry?;
                if !entry.file_type()?.is_dir() {
                    continue;
                }
                let folder = entry.path();
                match claim_in(&folder).and_then(|claim| Ok((claim, waiting_in(&folder)?))) {
                    Ok((claim, waiting)) => found.push((claim, Outbox::new(folder, disk.clone(), waiting))),
                    Err(error) => put_away(&parent, &folder, &error),
                }
            }
            Ok(found)
        })
        .await
    }
}

fn claim_in(folder: &Path) -> io::Result<HeldAttempt> {
    Ok(serde_json::from_slice(&std::fs::read(folder.join(CLAIM))?)?)
}

/// Nobody can say which attempt it is of. Where nothing was to be told, nothing of the attempt had begun; anything else
/// is kept beside the outboxes, for who wants to look.
fn put_away(parent: &Path, folder: &Path, why: &io::Error) {
    let is_empty = waiting_in(folder).is_ok_and(|waiting| waiting.is_empty());
    let put = if is_empty {
        std::fs::remove_dir_all(folder)
    } else {
        let away = parent.with_extension("unreadable");
        let name = folder.file_name().unwrap_or_default().to_string_lossy();
        std::fs::create_dir_all(&away)
            .and_then(|()| std::fs::rename(folder, away.join(format!("{name}.{}", crate::id::new()))))
    };
    let folder = folder.display();
    match put {
        Ok(()) if is_empty && why.kind() == io::ErrorKind::NotFound => {}
        Ok(()) => tracing::warn!(%folder, %why, "an outbox cannot be read, and is put away"),
        Err(error) => tracing::warn!(%folder, %why, %error, "an outbox cannot be read, and stays where it is"),
    }
}

/// A message on the disk.
#[derive(Debug, Clone)]
pub(super) struct Waiting {
    number: u64,
    pub(super) has_items: bool,
    pub(super) bytes: u64,
}

impl Waiting {
    fn name(&self) -> String {
        format!("{:010}.{}", self.number, if self.has_items { ITEMS } else { LINES })
    }
}

#[derive(Debug)]
pub(super) struct Outbox {
    folder: PathBuf,
    disk: Disk,
    inner: Mutex<Inner>,
    pub(super) changed: Notify,
}

#[derive(Debug)]
struct Inner {
    waiting: VecDeque<Waiting>,
    next: u64,
}

impl Outbox {
    fn new(folder: PathBuf, disk: Disk, waiting: VecDeque<Waiting>) -> Self {
        let next = waiting.back().map_or(0, |last| last.number + 1);
        Self { folder, disk, inner: Mutex::new(Inner { waiting, next }), changed: Notify::new() }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) async fn put_lines(&self, first: i64, lines: &[Line]) -> Result<()> {
        self.put(&Message::<_, ()>::Lines { first, lines }, false).await
    }

    pub(super) async fn put_items(&self, batch: i64, items: &[Box<RawValue>]) -> Result<()> {
        self.put(&Message::<(), _>::Items { batch, items }, true).await
    }

    /// One call at a time for each kind: the order of those that are written at once does not matter.
    async fn put(&self, message: &impl Serialize, has_items: bool) -> Result<()> {
        self.disk.check_room()?;
        let text = serde_json::to_vec(message).map_err(Error::internal)?;
        let number = {
            let mut inner = self.inner();
            inner.next += 1;
            inner.next - 1
        };
        let waiting = Waiting { number, has_items, bytes: text.len() as u64 };
        let (folder, name) = (self.folder.clone(), waiting.name());
        blocking(move || write(&folder, &name, &text)).await.map_err(unwritable)?;
        self.inner().waiting.push_back(waiting);
        self.changed.notify_one();
        Ok(())
    }

    pub(super) fn has_items(&self) -> bool {
        self.inner().waiting.iter().any(|waiting| waiting.has_items)
    }

    /// The first messages, at most so many and so many bytes, but at least one where there is any.
    pub(super) fn first(&self, most: usize, most_bytes: u64) -> Vec<Waiting> {
        let mut bytes = 0;
        let inner = self.inner();
        let fitting = inner.waiting.iter().take(most).enumerate().take_while(|(at, waiting)| {
            bytes += waiting.bytes;
            *at == 0 || bytes <= most_bytes
        });
        fitting.map(|(_, waiting)| waiting.clone()).collect()
    }

    /// Their texts, by commas.
    pub(super) async fn texts(&self, messages: &[Waiting]) -> io::Result<Vec<u8>> {
        let paths: Vec<PathBuf> = messages.iter().map(|waiting| self.folder.join(waiting.name())).collect();
        blocking(move || {
            let texts = paths.iter().map(std::fs::read).collect::<io::Result<Vec<_>>>()?;
            Ok(texts.join(&b','))
        })
        .await
    }

    /// How many items the messages have.
    pub(super) async fn items_in(&self, messages: &[Waiting]) -> i64 {
        let mut count = 0;
        for message in messages.iter().filter(|message| message.has_items) {
            let text = self.texts(std::slice::from_ref(message)).await.unwrap_or_default();
            if let Ok(Message::<IgnoredAny>::Items { items, .. }) = serde_json::from_slice(&text) {
                count += i64::try_from(items.0.len()).unwrap_or(0);
            }
        }
        count
    }

    /// The first messages, as many as there are given, are told.
    pub(super) async fn forget(&self, messages: &[Waiting]) {
        let paths: Vec<PathBuf> = messages.iter().map(|waiting| self.folder.join(waiting.name())).collect();
        self.inner().waiting.drain(..messages.len());
        let removed = blocking(move || paths.iter().try_for_each(std::fs::remove_file)).await;
        if let Err(error) = removed {
            // They are told once more after a restart, which changes nothing.
            tracing::warn!(folder = %self.folder.display(), %error, "what was told stays on the disk");
        }
    }

    /// How the attempt ended, where it has.
    pub(super) async fn end(&self) -> Option<EndTold> {
        let text = tokio::fs::read(self.folder.join(END)).await.ok()?;
        serde_json::from_slice(&text).ok()
    }

    pub(super) async fn set_end(&self, end: &EndTold) -> io::Result<()> {
        let (folder, text) = (self.folder.clone(), serde_json::to_vec(end)?);
        blocking(move || write_for_good(&folder, END, &text)).await
    }

    /// For good.
    pub(super) async fn remove(self: Arc<Self>) {
        let folder = self.folder.clone();
        if let Err(error) = blocking(move || std::fs::remove_dir_all(folder)).await {
            tracing::warn!(folder = %self.folder.display(), %error, "an outbox stays on the disk");
        }
    }
}

/// By number; what was being written when the agent was killed is no message.
fn waiting_in(folder: &Path) -> io::Result<VecDeque<Waiting>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name().into_string().unwrap_or_default();
        let Some((number, kind)) = name.split_once('.') else { continue };
        let (Ok(number), true) = (number.parse(), [LINES, ITEMS].contains(&kind)) else { continue };
        found.push(Waiting { number, has_items: kind == ITEMS, bytes: entry.metadata()?.len() });
    }
    found.sort_by_key(|waiting| waiting.number);
    Ok(found.into())
}

/// Whole, or not at all, as long as the machine itself stays up.
fn write(folder: &Path, name: &str, text: &[u8]) -> io::Result<()> {
    write_by(folder, name, |file| file.write_all(text))
}

/// The same when the power fails: without that, a file may be there and be empty.
fn write_for_good(folder: &Path, name: &str, text: &[u8]) -> io::Result<()> {
    write_by(folder, name, |file| {
        file.write_all(text)?;
        file.sync_all()
    })?;
    File::open(folder)?.sync_all()
}

fn write_by(folder: &Path, name: &str, content: impl FnOnce(&mut File) -> io::Result<()>) -> io::Result<()> {
    let begun = folder.join(format!("{name}.new"));
    let written = File::create(&begun).and_then(|mut file| content(&mut file));
    if let Err(error) = written {
        let _ = std::fs::remove_file(&begun);
        return Err(error);
    }
    std::fs::rename(begun, folder.join(name))
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> io::Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(io::Error::other)?
}

fn unwritable(error: io::Error) -> Error {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            Error::Unavailable { what: DISK_SPACE, source: error.into() }
        }
        _ => Error::internal(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runner::{Category, End, Outcome};

    fn of(task: &str) -> HeldAttempt {
        let (task_id, instance) = (task.to_owned().into(), "instance-1".to_owned());
        HeldAttempt { task_id, attempt: 1, instance, peak_memory_mb: None }
    }

    /// What a power cut may leave: files that are there and empty.
    #[tokio::test]
    async fn what_cannot_be_read_keeps_nobody_from_starting() {
        let storage = tempfile::tempdir().unwrap();
        let folder = storage.path().join("outbox");
        let open = || Outboxes::open(&folder, Disk::new(storage.path(), 0)).unwrap();
        for task in ["whole", "empty", "told", "endless"] {
            let outbox = open().make(&of(task)).await.unwrap();
            if task != "empty" {
                outbox.put_lines(0, &[]).await.unwrap();
            }
            let end = End::Failed { category: Category::System, message: "x".to_owned() };
            outbox.set_end(&EndTold { of: of(task), outcome: Outcome::of_none(end), stop: None }).await.unwrap();
        }
        for broken in ["empty-1/claim.json", "told-1/claim.json", "endless-1/end.json"] {
            std::fs::write(folder.join(broken), "").unwrap();
        }
        std::fs::create_dir(folder.join("begun-1")).unwrap();
        std::fs::write(folder.join("notes.txt"), "an operator's own").unwrap();
        for _ in 0..2 {
            let mut left = open().left().await.unwrap();
            left.sort_by_key(|(of, _)| of.task_id.to_string());
            let names: Vec<String> = left.iter().map(|(of, _)| of.task_id.to_string()).collect();
            assert_eq!(names, ["endless", "whole"]);
            assert!(left[0].1.end().await.is_none() && left[1].1.end().await.is_some());
        }
        assert!(folder.join("notes.txt").exists());
        let names = |folder: &Path| {
            let entries = std::fs::read_dir(folder).unwrap();
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect::<Vec<_>>()
        };
        assert_eq!(names(&folder).len(), 3, "{:?}", names(&folder));
        let away = names(&storage.path().join("outbox.unreadable"));
        assert!(away.len() == 1 && away[0].starts_with("told-1."), "what was to be told is kept: {away:?}");
    }
}
