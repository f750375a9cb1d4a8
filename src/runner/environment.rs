//! Python environments: built once for each set of requirements, shared by all spiders that ask for the same.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio_util::sync::CancellationToken;

use super::config::RunnerConfig;
use super::ending::Intervention;
use super::job::{Category, End, Job, Stop};
use super::output::LogBudget;
use super::python::{Interpreter, find_program};
use super::report::{Report, Reporter};
use super::requirements::{environment_name, name_of, normalize};
use super::watch::{Watch, Watched};
use super::workdir::{WorkDir, blocking, disk_failure, remove_tree};
use crate::platform::documents::Stream;
use crate::platform::process::{Cause, Child, Spec};

/// Written last, so that half an environment is never used.
const COMPLETE: &str = ".complete";
/// Lies among the spider's files while they are installed: requirements may name files beside it.
const REQUIREMENTS: &str = ".crawlhub-requirements.txt";

/// Installers need so much even for small spiders,
const LEAST_MEMORY_MB: u64 = 1024;
/// and a `setup.py`, which may do anything, must not have all there is where spiders may.
const MEMORY_MB: u64 = 4096;

/// What a spider runs with.
#[derive(Debug)]
pub(super) struct Environment {
    pub(super) python: PathBuf,
    /// Held, shared, for as long as the environment is in use.
    _lock: Option<File>,
}

/// What it takes to make one ready.
pub(super) struct Builder<'a, R> {
    pub(super) config: &'a RunnerConfig,
    pub(super) interpreter: &'a Interpreter,
    pub(super) reporter: &'a Reporter<'a, R>,
    pub(super) stop: &'a Stop,
    pub(super) budget: &'a LogBudget,
    pub(super) work_dir: &'a WorkDir,
    /// Of the spider; those who build for it get no less than [`LEAST_MEMORY_MB`].
    pub(super) memory_limit_mb: Option<i64>,
}

impl<R: Report> Builder<'_, R> {
    /// Finds the environment that the job needs, or builds it.
    pub(super) async fn prepare(&self, job: &Job) -> Result<Environment, End> {
        let requirements = self.requirements(job).await?;
        if requirements.is_empty() {
            return Ok(Environment { python: self.interpreter.executable.clone(), _lock: None });
        }
        let name = environment_name(&requirements, self.interpreter, job);
        let place = self.config.environments_dir.join(&name);
        let lock = self.lock(&place).await?;
        if !place.join(COMPLETE).exists() {
            self.build(&place, &requirements).await?;
        }
        // From "mine" to "ours": those that wait for this build go on.
        lock.lock_shared().map_err(|error| disk_failure("the environment cannot be locked", &error))?;
        Ok(Environment { python: place.join("bin/python"), _lock: Some(lock) })
    }

    async fn requirements(&self, job: &Job) -> Result<Vec<String>, End> {
        let mut requirements = normalize(&job.requirements_txt);
        if requirements.is_empty() && job.manifest.iter().any(|entry| entry.path == "requirements.txt") {
            let content = tokio::fs::read(self.work_dir.work().join("requirements.txt")).await;
            let content = content.map_err(|error| disk_failure("requirements.txt cannot be read", &error))?;
            requirements = normalize(&String::from_utf8_lossy(&content));
        }
        if job.scrapy && !requirements.iter().any(|line| name_of(line).eq_ignore_ascii_case("scrapy")) {
            requirements.push("scrapy".to_owned());
        }
        Ok(requirements)
    }

    /// Shared where the environment is complete, else exclusive.
    async fn lock(&self, place: &Path) -> Result<File, End> {
        let mut has_said = false;
        loop {
            let asked = place.to_owned();
            let taken = blocking(move || try_lock(&asked)).await;
            if let Some(file) = taken.map_err(|error| disk_failure("the environment cannot be locked", &error))? {
                return Ok(file);
            }
            if !has_said {
                has_said = true;
                self.reporter.say("waiting for another task that installs the same requirements").await;
            }
            if let Ok(reason) = tokio::time::timeout(Duration::from_millis(100), self.stop.wait()).await {
                return Err(reason.into());
            }
        }
    }

    async fn build(&self, place: &Path, requirements: &[String]) -> Result<(), End> {
        let started = tokio::time::Instant::now();
        self.reporter.say(format!("installing requirements: {}", requirements.join(", "))).await;
        discard(place).await?;
        // A confined builder may write in it, but not beside it.
        let made = tokio::fs::create_dir(place).await;
        made.map_err(|error| disk_failure("the environment cannot be made", &error))?;
        let result = self.install(place, requirements).await;
        let _ = tokio::fs::remove_file(self.work_dir.work().join(REQUIREMENTS)).await;
        if let Err(end) = result {
            discard(place).await?;
            let _ = tokio::fs::remove_file(lock_of(place)).await;
            return Err(end);
        }
        let mark = mark_complete(place, &requirements.join("\n")).await;
        mark.map_err(|error| disk_failure("the environment cannot be kept", &error))?;
        self.reporter.say(format!("requirements installed in {:.1} s", started.elapsed().as_secs_f64())).await;
        Ok(())
    }

    async fn install(&self, place: &Path, requirements: &[String]) -> Result<(), End> {
        // Named as seen from the working directory: the log shows it.
        let list = REQUIREMENTS;
        let written = tokio::fs::write(self.work_dir.work().join(list), requirements.join("\n") + "\n").await;
        written.map_err(|error| disk_failure("the requirements cannot be written", &error))?;
        let text = |path: &Path| path.to_string_lossy().into_owned();
        let (base, place_text) = (text(&self.interpreter.executable), text(place));
        let python = text(&place.join("bin/python"));
        let steps = match find_program("uv", &self.config.path()) {
            Some(uv) => {
                let uv = text(&uv);
                [
                    words(&[&uv, "venv", "--no-project", "--python", &base, &place_text]),
                    words(&[&uv, "pip", "install", "--python", &python, "-r", list]),
                ]
            }
            None => [
                words(&[&base, "-m", "venv", &place_text]),
                words(&[&python, "-m", "pip", "install", "--disable-pip-version-check", "--no-input", "-r", list]),
            ],
        };
        for argv in steps {
            self.step(place, argv).await?;
        }
        Ok(())
    }

    async fn step(&self, place: &Path, argv: Vec<String>) -> Result<(), End> {
        let failed =
            |reason: &str| End::failed(Category::System, format!("requirements could not be installed: {reason}"));
        let dir = self.work_dir;
        let writable = vec![place.to_owned(), dir.work(), dir.home(), dir.tmp()];
        let limit = self.memory_limit_mb.and_then(|limit| u64::try_from(limit).ok()).filter(|limit| *limit > 0);
        let memory_limit_mb = limit.unwrap_or(MEMORY_MB).max(LEAST_MEMORY_MB);
        let spec = Spec {
            argv,
            cwd: self.work_dir.work(),
            input: None,
            env: self.environment_of_builds(),
            max_processes: Some(self.config.max_processes),
            max_file_mb: self.config.max_file_mb,
            memory_limit_mb: Some(memory_limit_mb),
            confinement: self.config.confinement(Vec::new(), writable),
            server: self.config.server.clone(),
            until: self.stop.until(),
            tail_ms: 0,
        };
        let spawned = Child::spawn(&self.config.supervisor, spec).await;
        let (child, output) = spawned.map_err(|error| failed(&format!("{error:#}")))?;
        let watch = Watch {
            reporter: self.reporter,
            stop: self.stop,
            budget: self.budget,
            limit: self.config.build_timeout,
            grace: self.config.term_grace,
            streams: (Stream::System, Stream::System),
            copy: None,
            ended: CancellationToken::new(),
        };
        let Watched { exit, why, remains, .. } = watch.run(child, output).await;
        match why {
            Some(Intervention::Stopped(reason)) => Err(reason.into()),
            Some(Intervention::TimedOut(limit)) => Err(failed(&format!("not done after {} s", limit.as_secs()))),
            Some(Intervention::Trouble) => Err(failed("the log could not be stored")),
            None if exit.code == Some(0) => Ok(()),
            None if exit.cause == Cause::Memory => {
                Err(failed(&format!("memory limit of {memory_limit_mb} MB exceeded")))
            }
            None => Err(failed(error_line(&remains.stderr_tail))),
        }
    }

    /// Of the server's own environment, only what its operator means for builds.
    fn environment_of_builds(&self) -> Vec<(String, String)> {
        // What builders of one spider can write, builders of another must not trust.
        let cache = match self.config.confinement {
            Some(_) => self.work_dir.tmp().join("cache"),
            None => self.config.environments_dir.with_file_name("cache"),
        };
        let path = |path: PathBuf| path.to_string_lossy().into_owned();
        let own = [
            ("PATH", self.config.path()),
            ("LANG", self.config.base("LANG", "C.UTF-8")),
            ("HOME", path(self.work_dir.home())),
            ("TMPDIR", path(self.work_dir.tmp())),
            ("PIP_CACHE_DIR", path(cache.join("pip"))),
            ("UV_CACHE_DIR", path(cache.join("uv"))),
            // A spider that changes its environment must not change the cache, and so all others.
            ("UV_LINK_MODE", "copy".to_owned()),
        ];
        let own = own.into_iter().map(|(name, value)| (name.to_owned(), value));
        own.chain(self.config.build_env.iter().cloned()).collect()
    }
}

/// Removes environments that no spider has used for so long. Those in use stay.
pub(super) fn prune(environments: &Path, unused_for: Duration) -> io::Result<()> {
    for entry in fs::read_dir(environments)? {
        let place = entry?.path();
        let used_at = fs::metadata(place.join(COMPLETE)).and_then(|mark| mark.modified());
        let is_old = used_at.is_ok_and(|at| at.elapsed().is_ok_and(|age| age > unused_for));
        if is_old
            && let Ok(lock) = open_lock(&place)
            && lock.try_lock().is_ok()
        {
            remove_tree(&place)?;
            fs::remove_file(lock_of(&place))?;
        }
    }
    Ok(())
}

fn lock_of(place: &Path) -> PathBuf {
    place.with_extension("lock")
}

/// The lock of a complete environment, shared, or of one that is to be built, exclusive; nothing while another
/// builds it. The kernel lets go of it when this process dies.
fn try_lock(place: &Path) -> io::Result<Option<File>> {
    let file = open_lock(place)?;
    if file.try_lock_shared().is_err() {
        return Ok(None);
    }
    if let Ok(mark) = File::options().append(true).open(place.join(COMPLETE)) {
        // By its time, `prune` knows what is still of use.
        mark.set_modified(std::time::SystemTime::now())?;
    } else {
        file.unlock()?;
        if file.try_lock().is_err() {
            return Ok(None);
        }
    }
    // Whoever removed the file in the meantime has removed the lock with it.
    let is_current =
        fs::metadata(lock_of(place)).is_ok_and(|now| file.metadata().is_ok_and(|own| own.ino() == now.ino()));
    Ok(is_current.then_some(file))
}

fn open_lock(place: &Path) -> io::Result<File> {
    if let Some(parent) = place.parent() {
        fs::create_dir_all(parent)?;
    }
    File::options().create(true).append(true).open(lock_of(place))
}

async fn discard(place: &Path) -> Result<(), End> {
    let place = place.to_owned();
    let discarded = blocking(move || if place.exists() { remove_tree(&place) } else { Ok(()) }).await;
    discarded.map_err(|error| disk_failure("an unfinished environment cannot be removed", &error))
}

/// Whatever the builders left under that name, such as a link to a file of the server, is not written to.
async fn mark_complete(place: &Path, content: &str) -> io::Result<()> {
    let mark = place.join(COMPLETE);
    if let Err(error) = tokio::fs::remove_file(&mark).await
        && error.kind() != io::ErrorKind::NotFound
    {
        return Err(error);
    }
    let mut file = tokio::fs::File::create_new(&mark).await?;
    file.write_all(content.as_bytes()).await?;
    file.flush().await
}

fn words(argv: &[&str]) -> Vec<String> {
    argv.iter().map(|word| (*word).to_owned()).collect()
}

/// The last line of an installer that says what went wrong.
fn error_line(stderr: &str) -> &str {
    let lines = || stderr.lines().map(str::trim).filter(|line| !line.is_empty());
    let is_error = |line: &&str| line.to_ascii_lowercase().starts_with("error") || line.contains("Error:");
    lines().rfind(is_error).or_else(|| lines().next_back()).unwrap_or("no reason was given")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_error_of_pip_is_named() {
        let stderr =
            "ERROR: Could not find a version\nERROR: No matching distribution found for nope\n\n[notice] upgrade\n";
        assert_eq!(error_line(stderr), "ERROR: No matching distribution found for nope");
        assert_eq!(error_line(""), "no reason was given");
    }
}
