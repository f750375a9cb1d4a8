//! An engine without one: for tests of what stands on containers. A container is a folder, and what runs in it are
//! processes of this machine: it keeps nothing apart and limits nothing. It is reached by no setting.
//!
//! Paths below `/workspace` and `/crawlhub` among a command's arguments are those of the container's folder. The image
//! [`EDITOR`] is a small server of this process that answers like an editor. It can be told to misbehave.

mod editor;
mod process;
mod runtime;
mod terminal;
mod volumes;
mod web;

use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use futures_util::{StreamExt, stream};
use tempfile::TempDir;
use tokio::sync::{broadcast, watch};

use self::{process::Main, volumes::Kept};
use super::{
    Change, Container, ContainerError, ContainerId, ContainerSpec, Ended, Happening, Output, OutputStream, Result,
    State,
};

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
    volumes: Mutex<BTreeMap<String, Kept>>,
    happenings: broadcast::Sender<Happening>,
    away: AtomicBool,
    starts_once: AtomicBool,
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
    /// The other side of each terminal, by its number.
    terminals: Mutex<BTreeMap<String, std::fs::File>>,
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
            volumes: Mutex::default(),
            happenings: broadcast::Sender::new(1000),
            away: AtomicBool::new(false),
            starts_once: AtomicBool::new(false),
            archive: Mutex::default(),
            taken_port: Mutex::default(),
            count: AtomicU64::new(0),
        }))
    }

    /// While it is away nothing answers; what runs goes on.
    pub fn set_away(&self, away: bool) {
        self.0.away.store(away, Ordering::SeqCst);
    }

    /// Whether a container that has ended stays so, as in a swarm.
    pub fn set_starts_once(&self, starts_once: bool) {
        self.0.starts_once.store(starts_once, Ordering::SeqCst);
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

    /// Whatever else runs in it ends with its first process.
    fn has_ended(&self, made: &Made, code: i64) {
        process::end_marked(&made.root, Ended::Others(&[]));
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
