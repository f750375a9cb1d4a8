//! An engine without one: for tests of what stands on containers. A container is a folder, and what runs in it are
//! processes of this machine: it keeps nothing apart and limits nothing. It is reached by no setting.
//!
//! Paths below `/workspace` and `/crawlhub` among a command's arguments are those of the container's folder. The image
//! [`EDITOR`] is a small server of this process that answers like an editor. It can be told to misbehave.

mod editor;
mod process;
mod web;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use futures_util::{FutureExt, StreamExt, stream, stream::BoxStream};
use tempfile::TempDir;
use tokio::sync::{broadcast, watch};
use tokio_util::io::{ReaderStream, StreamReader, SyncIoBridge};

use self::process::Main;
use super::{
    ByteStream, Change, Container, ContainerError, ContainerId, ContainerRuntime, ContainerSpec, Engine, Exec,
    Happening, LogRange, Network, Output, OutputStream, Result, Running, State, Where,
};
use crate::clock::{Clock, SystemClock};

/// The image of a server that answers like an editor.
pub const EDITOR: &str = "crawlhub-fake-editor:latest";
/// One that starts and never answers.
pub const SILENT: &str = "crawlhub-fake-silent:latest";
/// One that answers HTTP, unless it is given a command.
pub const WEB: &str = "crawlhub-fake-web:latest";
/// Where commands come from their arguments.
pub const PLAIN: &str = "crawlhub-fake:latest";

/// The engine, and what tests do to it. Clones are the same one.
#[derive(Debug, Clone)]
pub struct Fake(Arc<World>);

#[derive(Debug)]
struct World {
    folder: TempDir,
    containers: Mutex<BTreeMap<ContainerId, Arc<Made>>>,
    happenings: broadcast::Sender<Happening>,
    away: AtomicBool,
    /// What comes instead of an archive.
    archive: Mutex<Option<Bytes>>,
    /// What only the engine finds taken.
    taken_port: Mutex<Option<u16>>,
    count: AtomicU64,
}

/// A container.
#[derive(Debug)]
struct Made {
    id: ContainerId,
    spec: ContainerSpec,
    root: PathBuf,
    state: Mutex<State>,
    created_at: Mutex<DateTime<Utc>>,
    main: Mutex<Option<Main>>,
    log: watch::Sender<Vec<Output>>,
    ended: watch::Sender<Option<i64>>,
}

impl Default for Fake {
    fn default() -> Self {
        Self::new()
    }
}

impl Fake {
    /// Without any container.
    ///
    /// # Panics
    /// Where no temporary folder can be made.
    pub fn new() -> Self {
        #[expect(clippy::expect_used, reason = "a test that has no folder cannot go on")]
        let folder = tempfile::Builder::new().prefix("crawlhub-fake-").tempdir().expect("a temporary folder");
        Self(Arc::new(World {
            folder,
            containers: Mutex::default(),
            happenings: broadcast::Sender::new(1000),
            away: AtomicBool::new(false),
            archive: Mutex::default(),
            taken_port: Mutex::default(),
            count: AtomicU64::new(0),
        }))
    }

    /// While it is away nothing answers; what runs goes on.
    pub fn set_away(&self, away: bool) {
        self.0.away.store(away, Ordering::SeqCst);
    }

    /// What the next archives are, whatever is in the container.
    pub fn set_archive(&self, archive: Option<Bytes>) {
        *locked(&self.0.archive) = archive;
    }

    /// A port that is free for who tries it, and not for a container.
    pub fn take_port(&self, port: u16) {
        *locked(&self.0.taken_port) = Some(port);
    }

    /// The folder that a container has for its root.
    pub fn root_of(&self, id: &str) -> Option<PathBuf> {
        locked(&self.0.containers).get(id).map(|made| made.root.clone())
    }

    /// Ends everything that runs, as when the machine is started anew.
    pub async fn reboot(&self) {
        let all: Vec<_> = locked(&self.0.containers).values().cloned().collect();
        for made in all {
            self.end(&made, "KILL").await;
        }
    }

    /// Makes a container a day older than it is.
    pub fn age(&self, id: &str) {
        if let Some(made) = locked(&self.0.containers).get(id) {
            *locked(&made.created_at) -= TimeDelta::days(1);
        }
    }

    /// Stops the clock of a container's processes.
    pub fn pause(&self, id: &str) {
        if let Some(made) = locked(&self.0.containers).get(id) {
            made.signal("STOP");
            *locked(&made.state) = State::Paused;
            self.tell(made, Change::Paused);
        }
    }

    fn answering(&self) -> Result<()> {
        if self.0.away.load(Ordering::SeqCst) {
            return Err(ContainerError::Unavailable(anyhow::anyhow!("the engine is away")));
        }
        Ok(())
    }

    fn get(&self, id: &str) -> Result<Arc<Made>> {
        self.answering()?;
        locked(&self.0.containers).get(id).cloned().ok_or_else(|| ContainerError::Gone(id.to_owned()))
    }

    fn tell(&self, made: &Made, change: Change) {
        let _ = self.0.happenings.send(Happening { id: made.id.clone(), change, labels: made.spec.labels.clone() });
    }

    /// Sends a signal, and waits for the end where that is what it means.
    async fn end(&self, made: &Arc<Made>, signal: &str) {
        let mut ended = made.ended.subscribe();
        if !matches!(*locked(&made.state), State::Running | State::Paused) {
            return;
        }
        made.signal("CONT");
        made.signal(signal);
        if signal == "KILL" {
            // Not for what it says then: somebody may have started it again by now.
            let _ = ended.changed().await;
        }
    }

    fn has_ended(&self, made: &Made, code: i64) {
        *locked(&made.state) = State::Exited { code, out_of_memory: false };
        *locked(&made.main) = None;
        made.ended.send_replace(Some(code));
        self.tell(made, Change::Ended);
    }
}

impl Made {
    fn signal(&self, signal: &str) {
        if let Some(main) = &*locked(&self.main) {
            main.signal(signal);
        }
    }

    /// A path of the container, here.
    fn path(&self, path: &str) -> PathBuf {
        self.root.join(path.trim_start_matches('/'))
    }

    fn mapped(&self, argument: &str) -> String {
        if ["/workspace", "/crawlhub"].iter().any(|start| argument.starts_with(start)) {
            return self.path(argument).to_string_lossy().into_owned();
        }
        argument.to_owned()
    }

    fn print(&self, piece: Output) {
        self.log.send_modify(|log| log.push(piece));
    }

    fn shown(&self) -> Container {
        let state = *locked(&self.state);
        let port = locked(&self.main).as_ref().and_then(Main::port).filter(|_| state.is_running());
        Container {
            id: self.id.clone(),
            name: self.spec.name.clone(),
            image: self.spec.image.clone(),
            labels: self.spec.labels.clone(),
            state,
            address: None,
            ports: port.into_iter().collect(),
            created_at: Some(*locked(&self.created_at)),
        }
    }

    /// What was printed from `from` on, and what will be until the end.
    fn follow(self: &Arc<Self>, from: usize) -> OutputStream {
        let (log, ended) = (self.log.subscribe(), self.ended.subscribe());
        stream::unfold((log, ended, from), |(mut log, mut ended, at)| async move {
            loop {
                let next = log.borrow_and_update().get(at).cloned();
                if let Some(piece) = next {
                    return Some((Ok(piece), (log, ended, at + 1)));
                }
                if ended.borrow_and_update().is_some() {
                    return None;
                }
                tokio::select! {
                    _ = log.changed() => {}
                    _ = ended.changed() => {}
                }
            }
        })
        .boxed()
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[async_trait]
impl ContainerRuntime for Fake {
    async fn ping(&self) -> Result<()> {
        self.answering()
    }

    async fn engine(&self) -> Result<Engine> {
        self.answering()?;
        Ok(Engine { id: "fake".to_owned(), name: "Fake 1".to_owned(), api_version: "1.41".to_owned() })
    }

    async fn has_image(&self, image: &str) -> Result<bool> {
        self.answering()?;
        Ok([EDITOR, SILENT, WEB, PLAIN].contains(&image))
    }

    async fn network(&self, name: &str) -> Result<Network> {
        self.answering()?;
        Ok(Network { name: name.to_owned(), gateway: None, reach: Where::Loopback })
    }

    async fn create(&self, spec: &ContainerSpec) -> Result<ContainerId> {
        if !self.has_image(&spec.image).await? {
            return Err(ContainerError::NoImage(spec.image.clone()));
        }
        let mut containers = locked(&self.0.containers);
        if containers.values().any(|made| made.spec.name == spec.name) {
            return Err(ContainerError::Conflict(format!("the name {} is taken", spec.name)));
        }
        let id = format!("fake-{}", self.0.count.fetch_add(1, Ordering::SeqCst));
        let root = self.0.folder.path().join(&id);
        std::fs::create_dir_all(root.join("workspace")).map_err(|error| ContainerError::Failed(error.into()))?;
        let made = Made {
            id: id.clone(),
            spec: spec.clone(),
            root,
            state: Mutex::new(State::Created),
            created_at: Mutex::new(SystemClock.now()),
            main: Mutex::default(),
            log: watch::Sender::new(Vec::new()),
            ended: watch::Sender::new(None),
        };
        containers.insert(id.clone(), Arc::new(made));
        Ok(id)
    }

    async fn start(&self, id: &ContainerId) -> Result<()> {
        let made = self.get(id)?;
        if locked(&made.state).is_running() {
            return Ok(());
        }
        made.ended.send_replace(None);
        let main = if [EDITOR, SILENT].contains(&made.spec.image.as_str()) {
            editor::start(self, &made).await.map_err(ContainerError::Failed)
        } else if made.spec.image == WEB && made.spec.command.is_none() {
            web::start(self, &made).await
        } else {
            process::start(self, &made).map_err(ContainerError::Failed)
        };
        *locked(&made.main) = Some(main?);
        *locked(&made.state) = State::Running;
        self.tell(&made, Change::Started);
        Ok(())
    }

    async fn inspect(&self, id: &ContainerId) -> Result<Option<Container>> {
        match self.get(id) {
            Ok(made) => Ok(Some(made.shown())),
            Err(ContainerError::Gone(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn list(&self, labels: &[(&str, &str)]) -> Result<Vec<Container>> {
        self.answering()?;
        let containers = locked(&self.0.containers);
        let has =
            |made: &Made| labels.iter().all(|(name, value)| made.spec.labels.get(*name).is_some_and(|is| is == value));
        Ok(containers.values().filter(|made| has(made)).map(|made| made.shown()).collect())
    }

    async fn stop(&self, id: &ContainerId, grace: Duration) -> Result<()> {
        let made = self.get(id)?;
        let mut ended = made.ended.subscribe();
        self.end(&made, "TERM").await;
        let is_over = !matches!(*locked(&made.state), State::Running | State::Paused);
        if !is_over && tokio::time::timeout(grace, ended.changed()).await.is_err() {
            self.end(&made, "KILL").await;
        }
        Ok(())
    }

    async fn kill(&self, id: &ContainerId, signal: &str) -> Result<()> {
        let made = self.get(id)?;
        if !matches!(*locked(&made.state), State::Running | State::Paused) {
            return Err(ContainerError::Conflict(format!("{id} does not run")));
        }
        self.end(&made, signal).await;
        Ok(())
    }

    async fn wait(&self, id: &ContainerId) -> Result<i64> {
        let made = self.get(id)?;
        if *locked(&made.state) == State::Created {
            return Ok(0);
        }
        let mut ended = made.ended.subscribe();
        let code = ended.wait_for(Option::is_some).await.map_err(|error| ContainerError::Failed(error.into()))?;
        Ok(code.unwrap_or_default())
    }

    async fn remove(&self, id: &ContainerId) -> Result<()> {
        match self.get(id) {
            Ok(made) => {
                self.end(&made, "KILL").await;
                if locked(&self.0.containers).remove(id).is_some() {
                    self.tell(&made, Change::Removed);
                }
                let _ = std::fs::remove_dir_all(&made.root);
                Ok(())
            }
            Err(ContainerError::Gone(_)) => Ok(()),
            Err(error) => Err(error),
        }
    }

    async fn logs(&self, id: &ContainerId, range: LogRange) -> Result<OutputStream> {
        let made = self.get(id)?;
        let length = made.log.borrow().len();
        let from = range.last.map_or(0, |last| length.saturating_sub(usize::try_from(last).unwrap_or(usize::MAX)));
        if range.follow {
            return Ok(made.follow(from));
        }
        let pieces: Vec<_> = made.log.borrow()[from..].iter().cloned().map(Ok).collect();
        Ok(stream::iter(pieces).boxed())
    }

    async fn attach(&self, id: &ContainerId) -> Result<OutputStream> {
        let made = self.get(id)?;
        let from = made.log.borrow().len();
        made.ended.send_replace(None);
        Ok(made.follow(from))
    }

    async fn exec(&self, id: &ContainerId, exec: Exec) -> Result<Running> {
        let made = self.get(id)?;
        if !locked(&made.state).is_running() {
            return Err(ContainerError::Conflict(format!("{id} does not run")));
        }
        process::exec(&made, exec).map_err(ContainerError::Failed)
    }

    async fn put_archive(&self, id: &ContainerId, folder: &str, tar: ByteStream) -> Result<()> {
        let made = self.get(id)?;
        let target = made.path(folder);
        if !target.is_dir() {
            return Err(ContainerError::failed(format!("{id} has no {folder}")));
        }
        let reader = SyncIoBridge::new(StreamReader::new(tar));
        let unpack = move || {
            let mut archive = tar::Archive::new(reader);
            archive.set_preserve_permissions(true);
            archive.unpack(target)
        };
        let unpacked = tokio::task::spawn_blocking(unpack).await;
        unpacked
            .map_err(|error| ContainerError::Failed(error.into()))?
            .map_err(|error| ContainerError::Failed(error.into()))
    }

    async fn get_archive(&self, id: &ContainerId, folder: &str) -> Result<ByteStream> {
        let made = self.get(id)?;
        if let Some(archive) = locked(&self.0.archive).clone() {
            return Ok(stream::iter([Ok(archive)]).boxed());
        }
        let (from, name) = (made.path(folder), folder.rsplit('/').next().unwrap_or_default().to_owned());
        if !from.is_dir() {
            return Err(ContainerError::failed(format!("{id} has no {folder}")));
        }
        let pack = move || -> std::io::Result<std::fs::File> {
            let mut tar = tar::Builder::new(tempfile::tempfile()?);
            tar.follow_symlinks(false);
            tar.append_dir_all(name, from)?;
            let mut file = tar.into_inner()?;
            std::io::Seek::seek(&mut file, std::io::SeekFrom::Start(0))?;
            Ok(file)
        };
        let packed = tokio::task::spawn_blocking(pack).await.map_err(|error| ContainerError::Failed(error.into()))?;
        let file = packed.map_err(|error| ContainerError::Failed(error.into()))?;
        Ok(ReaderStream::new(tokio::fs::File::from_std(file)).boxed())
    }

    async fn memory(&self, id: &ContainerId) -> Result<Option<u64>> {
        Ok(locked(&self.get(id)?.state).is_running().then_some(1024 * 1024))
    }

    async fn written(&self, id: &ContainerId) -> Result<u64> {
        size_of(&self.get(id)?.root).map_err(|error| ContainerError::Failed(error.into()))
    }

    async fn events(&self, labels: &[(&str, &str)]) -> Result<BoxStream<'static, Result<Happening>>> {
        self.answering()?;
        let wanted: Vec<(String, String)> =
            labels.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let news = stream::unfold(self.0.happenings.subscribe(), |mut news| async move {
            let next = news.recv().await.ok()?;
            Some((next, news))
        });
        let is_wanted =
            move |happening: &Happening| wanted.iter().all(|(name, value)| happening.labels.get(name) == Some(value));
        Ok(news.filter(move |happening| std::future::ready(is_wanted(happening))).map(Ok).boxed())
    }
}

/// The files of a folder, without those that go while they are counted.
fn size_of(folder: &Path) -> std::io::Result<u64> {
    let mut size = 0;
    for entry in std::fs::read_dir(folder)?.flatten() {
        match entry.metadata() {
            Ok(metadata) if metadata.is_dir() => size += size_of(&entry.path()).unwrap_or_default(),
            Ok(metadata) => size += metadata.len(),
            Err(_) => {}
        }
    }
    Ok(size)
}

/// What a command ends with.
fn exit_code(status: std::process::ExitStatus) -> i64 {
    use std::os::unix::process::ExitStatusExt;
    let of_signal = || status.signal().map_or(255, |signal| 128 + signal);
    i64::from(status.code().unwrap_or_else(of_signal))
}

/// What is read of a pipe, as pieces.
fn pieces(
    pipe: impl tokio::io::AsyncRead + Send + 'static,
    kind: fn(Bytes) -> Output,
) -> BoxStream<'static, Result<Output>> {
    ReaderStream::new(pipe)
        .map(move |piece| piece.map(kind).map_err(|error| ContainerError::Failed(error.into())))
        .boxed()
}

/// Both, as they come.
fn both(
    stdout: impl tokio::io::AsyncRead + Send + 'static,
    stderr: impl tokio::io::AsyncRead + Send + 'static,
) -> OutputStream {
    stream::select(pieces(stdout, Output::Stdout), pieces(stderr, Output::Stderr)).boxed()
}

fn exit_of(mut child: tokio::process::Child) -> futures_util::future::BoxFuture<'static, Result<i64>> {
    async move {
        let status = child.wait().await.map_err(|error| ContainerError::Failed(error.into()))?;
        Ok(exit_code(status))
    }
    .boxed()
}
