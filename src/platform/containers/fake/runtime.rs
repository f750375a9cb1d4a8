//! What the fake does of what engines do.

use std::{
    path::Path,
    sync::{Arc, Mutex, atomic::Ordering},
    time::Duration,
};

use async_trait::async_trait;
use futures_util::{StreamExt, stream, stream::BoxStream};
use tokio::sync::watch;
use tokio_util::io::{ReaderStream, StreamReader, SyncIoBridge};

use super::{EDITOR, Fake, Made, PLAIN, SILENT, WEB, editor, locked, process, terminal, web};
use crate::{
    clock::{Clock, SystemClock},
    platform::containers::{
        ByteStream, Change, Container, ContainerError, ContainerId, ContainerRuntime, ContainerSpec, Ended, Engine,
        Exec, Happening, Labels, LogRange, Network, OutputStream, Result, Running, Size, State, Terminal, Volume,
        Where,
    },
};

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

    async fn make_volume(&self, name: &str, labels: &Labels, image: &str) -> Result<()> {
        self.keep(name, labels, image).await
    }

    async fn remove_volume(&self, name: &str) -> Result<()> {
        self.drop_volume(name)
    }

    async fn volumes(&self, labels: &[(&str, &str)]) -> Result<Vec<Volume>> {
        self.volumes_with(labels)
    }

    fn starts_once(&self) -> bool {
        self.0.starts_once.load(Ordering::SeqCst)
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
        self.furnish(&root, &spec.volumes).map_err(|error| ContainerError::Failed(error.into()))?;
        let made = Made {
            id: id.clone(),
            spec: spec.clone(),
            root,
            state: Mutex::new(State::Created),
            created_at: Mutex::new(SystemClock.now()),
            main: Mutex::default(),
            log: watch::Sender::new(Vec::new()),
            ended: watch::Sender::new(None),
            terminals: Mutex::default(),
        };
        containers.insert(id.clone(), Arc::new(made));
        Ok(id)
    }

    async fn start(&self, id: &ContainerId) -> Result<()> {
        let made = self.get(id)?;
        if locked(&made.state).is_running() {
            return Ok(());
        }
        if self.starts_once() && *locked(&made.state) != State::Created {
            return Err(ContainerError::Conflict(format!("{id} has ended")));
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

    async fn terminal(&self, id: &ContainerId, exec: Exec, size: Size) -> Result<Terminal> {
        let made = self.get(id)?;
        if !locked(&made.state).is_running() {
            return Err(ContainerError::Conflict(format!("{id} does not run")));
        }
        terminal::begin(&made, exec, size).await.map_err(ContainerError::Failed)
    }

    async fn resize(&self, id: &ContainerId, terminal: &str, size: Size) -> Result<()> {
        let made = self.get(id)?;
        terminal::resize(&made, terminal, size).await.map_err(ContainerError::Failed)
    }

    async fn end(&self, id: &ContainerId, whom: Ended<'_>) -> Result<()> {
        process::end_marked(&self.get(id)?.root, whom);
        Ok(())
    }

    async fn put_archive(&self, id: &ContainerId, folder: &str, tar: ByteStream) -> Result<()> {
        let made = self.get(id)?;
        if self.starts_once() && *locked(&made.state) == State::Created {
            return Err(ContainerError::Conflict(format!("{id} was not started yet")));
        }
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
