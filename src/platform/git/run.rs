//! One call of git, watched.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use tokio::{
    io::AsyncReadExt,
    process::ChildStdout,
    sync::watch,
    time::{Instant, MissedTickBehavior, interval, sleep_until},
};

use super::{Failure, Git, Trouble, cache::size_of, output::listen};
use crate::platform::process::{Cause, Child, Event, Exit, Output, Spec};

/// How often it is looked at how much there is.
const LOOK_EVERY: Duration = Duration::from_secs(2);
const GRACE: Duration = Duration::from_secs(2);
/// Of git and all that it starts. Large files and packs are mapped a piece at a time.
const MEMORY_MB: u64 = 1024;
const PROCESSES: u64 = 32;

pub(super) struct Call<'a> {
    pub arguments: Vec<String>,
    /// The copy it works on.
    pub repository: &'a Path,
    /// Where it runs, with its settings in `gitconfig`. None: it needs none.
    pub private: Option<&'a Path>,
    /// What it reads.
    pub input: Option<PathBuf>,
    /// Whether it changes the copy.
    pub writes: bool,
}

impl<'a> Call<'a> {
    /// One that speaks to nobody.
    pub(super) fn local(repository: &'a Path, arguments: &[&str]) -> Self {
        let arguments = arguments.iter().map(|argument| (*argument).to_owned()).collect();
        Self { arguments, repository, private: None, input: None, writes: false }
    }
}

/// For calls that print nothing.
pub(super) async fn nothing(mut stdout: ChildStdout) {
    let _ = tokio::io::copy(&mut stdout, &mut tokio::io::sink()).await;
}

/// At most `limit` bytes of what is printed.
pub(super) async fn all(stdout: ChildStdout, limit: u64) -> std::io::Result<Vec<u8>> {
    let mut printed = Vec::new();
    stdout.take(limit).read_to_end(&mut printed).await?;
    Ok(printed)
}

impl Git {
    /// Runs it to its end; `read` takes what it prints. Dropped, it ends the whole tree.
    pub(super) async fn run<T, R: Future<Output = T>>(
        &self,
        call: Call<'_>,
        progress: Option<&watch::Sender<String>>,
        read: impl FnOnce(ChildStdout) -> R,
    ) -> Result<T, Failure> {
        let repository = call.repository.to_owned();
        let spawned = Child::spawn(&self.0.supervisor, self.spec(call)).await;
        let (child, Output { stdout, stderr }) =
            spawned.map_err(|error| Failure::local("git cannot be started", &format!("{error:#}")))?;
        let (value, words, (exit, cut)) =
            tokio::join!(read(stdout), listen(stderr, progress), self.watch(child, &repository));
        if let Some(cut) = cut {
            return Err(cut.with_words(words));
        }
        match exit.cause {
            Cause::Itself if exit.code == Some(0) => Ok(value),
            // No file grows larger, whatever the last look saw.
            Cause::Itself if self.is_too_large(&repository).await => Err(self.too_large().with_words(words)),
            Cause::Itself => Err(Failure::of_words(words)),
            Cause::Memory => {
                let sentence = format!("the repository took more than {MEMORY_MB} MB of memory");
                Err(Failure::said(Trouble::Memory, sentence).with_words(words))
            }
            other => Err(Failure::local("git was ended", &format!("{other:?}")).with_words(words)),
        }
    }

    fn spec(&self, call: Call<'_>) -> Spec {
        let settings = &self.0;
        let text = |path: &Path| path.to_string_lossy().into_owned();
        let cwd = call.private.unwrap_or(call.repository);
        let config = call.private.map_or_else(|| "/dev/null".to_owned(), |private| text(&private.join("gitconfig")));
        let env = [
            ("PATH", settings.path.clone()),
            ("LC_ALL", "C".to_owned()),
            ("HOME", text(cwd)),
            ("GIT_DIR", text(call.repository)),
            ("GIT_CONFIG_NOSYSTEM", "1".to_owned()),
            ("GIT_CONFIG_GLOBAL", config),
            ("GIT_ATTR_NOSYSTEM", "1".to_owned()),
            ("GIT_ALLOW_PROTOCOL", "https:ssh".to_owned()),
            ("GIT_TERMINAL_PROMPT", "0".to_owned()),
            ("GIT_ASKPASS", "false".to_owned()),
            ("GIT_SSH_COMMAND", "ssh -F ssh_config".to_owned()),
            ("GIT_SSH_VARIANT", "ssh".to_owned()),
            ("GIT_NO_REPLACE_OBJECTS", "1".to_owned()),
            ("GIT_NO_LAZY_FETCH", "1".to_owned()),
        ];
        let confinement = settings.confinement.clone().map(|mut confinement| {
            confinement.write.extend(call.private.map(Path::to_owned));
            let place = if call.writes { &mut confinement.write } else { &mut confinement.read };
            place.push(call.repository.to_owned());
            confinement.read.extend(settings.ca_bundle.clone());
            confinement
        });
        Spec {
            argv: ["git".to_owned()].into_iter().chain(call.arguments).collect(),
            cwd: cwd.to_owned(),
            input: call.input,
            env: env.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
            memory_limit_mb: Some(MEMORY_MB),
            max_processes: Some(PROCESSES),
            max_file_mb: Some(settings.max_mb),
            confinement,
            server: settings.server.clone(),
            until: None,
            tail_ms: 0,
        }
    }

    /// To the end of the call, which comes early where it takes too long or too much; why, then.
    async fn watch(&self, mut child: Child, repository: &Path) -> (Exit, Option<Failure>) {
        let limit = self.0.timeout;
        let deadline = Instant::now() + limit;
        let mut looks = interval(LOOK_EVERY);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut cut = None;
        loop {
            tokio::select! {
                event = child.next() => if let Event::Ended(exit) = event { return (exit, cut) },
                () = sleep_until(deadline), if cut.is_none() => {
                    let sentence = format!("the repository was not there after {} s", limit.as_secs());
                    cut = Some(Failure::said(Trouble::TooLong, sentence));
                    child.stop(GRACE).await;
                }
                _ = looks.tick(), if cut.is_none() => {
                    cut = self.excess(repository).await;
                    if cut.is_some() {
                        child.stop(GRACE).await;
                    }
                }
            }
        }
    }

    /// Whether the copy is larger than it may be, or the disk full.
    async fn excess(&self, repository: &Path) -> Option<Failure> {
        if self.0.disk.check_room().is_err() {
            return Some(Failure::said(Trouble::DiskFull, "the server's disk has no room for the repository"));
        }
        if self.is_too_large(repository).await { Some(self.too_large()) } else { None }
    }

    async fn is_too_large(&self, repository: &Path) -> bool {
        let (repository, limit) = (repository.to_owned(), self.0.max_mb);
        let size = tokio::task::spawn_blocking(move || size_of(&repository).unwrap_or_default()).await;
        size.is_ok_and(|size| size >= limit * 1024 * 1024)
    }

    fn too_large(&self) -> Failure {
        let sentence = format!("the repository is larger than {} MB (git.max_mb)", self.0.max_mb);
        Failure::said(Trouble::TooLarge, sentence)
    }
}
