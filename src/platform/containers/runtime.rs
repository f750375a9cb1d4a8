use std::{pin::Pin, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::{future::BoxFuture, stream::BoxStream};
use tokio::io::AsyncWrite;

use super::{
    Container, ContainerId, ContainerSpec, Ended, Engine, Happening, Labels, Mark, Network, Output, Result, Volume,
};

/// Pieces of a tar archive, uncompressed.
pub type ByteStream = BoxStream<'static, std::io::Result<Bytes>>;

/// What a container or a command prints, in the order in which it came.
pub type OutputStream = BoxStream<'static, Result<Output>>;

/// A command to be run in a running container, as the container's user.
pub struct Exec {
    pub argv: Vec<String>,
    /// None: the image's.
    pub working_dir: Option<String>,
    pub env: Vec<(String, String)>,
    /// What it reads; it sees the end where this ends. A terminal has an input of its own.
    pub stdin: Option<ByteStream>,
    /// What it and all that it starts carry, so that [`end`](ContainerRuntime::end) knows them. The container
    /// needs `sh` for that.
    pub mark: Option<Mark>,
}

impl Exec {
    pub fn new<'a>(argv: impl IntoIterator<Item = &'a str>) -> Self {
        let argv = argv.into_iter().map(str::to_owned).collect();
        Self { argv, working_dir: None, env: Vec::new(), stdin: None, mark: None }
    }
}

/// A command that runs. Dropping it does not end the command: no engine offers that.
pub struct Running {
    /// Ends when nothing holds the command's output any more, which something that it left behind may do for ever.
    pub output: OutputStream,
    /// The exit code, once its own process has ended, which need not be when `output` does.
    pub exit: BoxFuture<'static, Result<i64>>,
}

/// A command that runs at a terminal. Dropping it does not end the command.
pub struct Terminal {
    /// For [`resize`](ContainerRuntime::resize).
    pub id: String,
    pub output: BoxStream<'static, Result<Bytes>>,
    /// What is typed. It is taken as fast as the command reads.
    pub input: Pin<Box<dyn AsyncWrite + Send>>,
    /// The exit code, once its own process has ended.
    pub exit: BoxFuture<'static, Result<i64>>,
}

/// Of a terminal, in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    pub columns: u16,
    pub rows: u16,
}

/// Which lines of a container's log.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LogRange {
    /// Only so many, the last ones.
    pub last: Option<u64>,
    /// Whether to go on until the container ends.
    pub follow: bool,
}

/// A container engine. Calls do not hang: an engine that does not answer is [`ContainerError::Unavailable`] within half
/// a minute, and an archive ends with an error when nothing of it comes for as long.
///
/// [`ContainerError::Unavailable`]: super::ContainerError::Unavailable
#[async_trait]
pub trait ContainerRuntime: std::fmt::Debug + Send + Sync + 'static {
    /// Whether it answers.
    async fn ping(&self) -> Result<()>;

    /// Which engine answers.
    async fn engine(&self) -> Result<Engine>;

    async fn has_image(&self, image: &str) -> Result<bool>;

    /// The network of that name, made where there is none: containers on it reach the outside and not each other.
    async fn network(&self, name: &str) -> Result<Network>;

    /// Whether a container is one only from when it is started, and ends but once: no files go in before, and what has
    /// ended stays so, with the files that it had.
    fn starts_once(&self) -> bool {
        false
    }

    /// Makes a container and does not start it. Files may go in with [`Self::put_archive`] before it runs, unless
    /// it [starts once](Self::starts_once).
    async fn create(&self, spec: &ContainerSpec) -> Result<ContainerId>;

    /// Nothing to do where it runs already.
    async fn start(&self, id: &ContainerId) -> Result<()>;

    /// The container as it is now; its address may be another one after each start. None where there is none.
    async fn inspect(&self, id: &ContainerId) -> Result<Option<Container>>;

    /// All containers, whatever their state, that carry all these labels.
    async fn list(&self, labels: &[(&str, &str)]) -> Result<Vec<Container>>;

    /// Asks it to end, and kills it after `grace`. It is left as it is, with its files. Nothing to do where it does not
    /// run. A paused one is ended as well.
    async fn stop(&self, id: &ContainerId, grace: Duration) -> Result<()>;

    /// Sends a signal to its first process, as "KILL" or "TERM".
    async fn kill(&self, id: &ContainerId, signal: &str) -> Result<()>;

    /// Waits until it does not run, however long; its exit code.
    async fn wait(&self, id: &ContainerId) -> Result<i64>;

    /// Removes it with all that is in it, also while it runs. Nothing to do where it is gone.
    async fn remove(&self, id: &ContainerId) -> Result<()>;

    /// What its first process printed.
    async fn logs(&self, id: &ContainerId, range: LogRange) -> Result<OutputStream>;

    /// What its first process prints from now on; to be asked for before it is started, so that nothing is missed.
    async fn attach(&self, id: &ContainerId) -> Result<OutputStream>;

    async fn exec(&self, id: &ContainerId, exec: Exec) -> Result<Running>;

    async fn terminal(&self, id: &ContainerId, exec: Exec, size: Size) -> Result<Terminal>;

    /// Nothing to do where the terminal's command has ended.
    async fn resize(&self, id: &ContainerId, terminal: &str, size: Size) -> Result<()>;

    /// Kills these processes of a running container, whatever they have done to hide. Nothing of them lives when this
    /// returns. That may take for ever: whoever gives up kills the container.
    async fn end(&self, id: &ContainerId, whom: Ended<'_>) -> Result<()>;

    /// An empty volume whose folder is the containers' user's; as it is, where there is one of that name. `image` is one
    /// that is there.
    async fn make_volume(&self, name: &str, labels: &Labels, image: &str) -> Result<()>;

    /// Removes it with all that is in it. Nothing to do where it is gone; a conflict while a container has it.
    async fn remove_volume(&self, name: &str) -> Result<()>;

    /// All volumes that carry all these labels.
    async fn volumes(&self, labels: &[(&str, &str)]) -> Result<Vec<Volume>>;

    /// Unpacks a tar into a folder that is there, of a container that does not run. Owners are those of its headers.
    async fn put_archive(&self, id: &ContainerId, folder: &str, tar: ByteStream) -> Result<()>;

    /// A tar of a folder's content; names begin with the folder's own. Works whether or not the container runs; it is
    /// the only way where it does not.
    async fn get_archive(&self, id: &ContainerId, folder: &str) -> Result<ByteStream>;

    /// The memory its processes use now, in bytes; None where it does not run.
    async fn memory(&self, id: &ContainerId) -> Result<Option<u64>>;

    /// How much it has written to the engine's disk, in bytes, whether or not it runs. The engine walks its files for that:
    /// not to be asked often. Files that are removed and still open are not among them.
    async fn written(&self, id: &ContainerId) -> Result<u64>;

    /// What happens to containers that carry all these labels, from now on. Some of it may be missed when the stream
    /// ends: look at all of them again then.
    async fn events(&self, labels: &[(&str, &str)]) -> Result<BoxStream<'static, Result<Happening>>>;
}
