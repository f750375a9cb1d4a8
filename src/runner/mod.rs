//! Runs one attempt of one task: files → working directory → environment → process → lines, items, end.
//!
//! Knows no database: what happens is told through [`Report`].

mod command;
mod config;
pub mod contained;
mod ending;
mod environment;
mod items;
mod job;
mod lines;
mod output;
pub mod places;
mod python;
mod report;
mod requirements;
mod watch;
mod workdir;

use std::time::Duration;

use tokio::sync::OnceCell;
use tokio_util::sync::CancellationToken;

pub use config::RunnerConfig;
pub use job::{Category, Contained, End, ErrorRule, Job, ManifestEntry, Outcome, Stop, StopReason};
pub use report::{Line, Report};

use crate::clock::SharedClock;
use crate::id::TaskId;
use crate::platform::documents::Stream;
use crate::platform::files::Files;
use crate::platform::process::{Child, Spec};
use environment::{Builder, Environment};
use items::{Items, Limits};
use output::LogBudget;
use report::Reporter;
use watch::{Watch, Watched};
use workdir::{STDOUT, WorkDir};

/// How long items are still gathered once the attempt is told to stop.
const GATHERING_WHEN_STOPPED: Duration = Duration::from_secs(10);
/// How long errors of the database are met with patience where nobody waits but the watchdog of all tasks.
const SALVAGE_PATIENCE: Duration = Duration::from_secs(30);
/// How long a salvage may take in all.
const SALVAGE_LIMIT: Duration = Duration::from_mins(2);

/// Runs attempts; one for the whole server.
#[derive(Debug)]
pub struct Runner {
    config: RunnerConfig,
    files: Files,
    clock: SharedClock,
    interpreter: OnceCell<python::Interpreter>,
}

impl Runner {
    pub fn new(mut config: RunnerConfig, files: Files, clock: SharedClock) -> std::io::Result<Self> {
        for folder in [&mut config.work_dir, &mut config.environments_dir, &mut config.support_dir] {
            std::fs::create_dir_all(&*folder)?;
            // Spiders start elsewhere.
            *folder = folder.canonicalize()?;
        }
        Ok(Self { config, files, clock, interpreter: OnceCell::new() })
    }

    /// Removes the working directories that a killed server left. Those in use stay, and those of `kept`. The others are
    /// of attempts that have ended, which take nothing more: what they could not deliver is lost, and said to be.
    pub async fn sweep(&self, kept: &[(TaskId, i64)]) -> std::io::Result<()> {
        let kept = kept.iter().map(|(task, attempt)| folder_name(task, *attempt)).collect();
        let note = |dir: &WorkDir| {
            let batches = items::unsent_in(dir);
            if batches > 0 {
                tracing::warn!(folder = %dir.root().display(), batches, "items of an ended attempt were never delivered");
            }
        };
        workdir::sweep(&self.config.work_dir, kept, note).await
    }

    /// Delivers what an attempt whose server is gone left on this machine, and removes its folder. Returns how many
    /// items could not be delivered.
    pub async fn salvage<R: Report>(&self, task: &TaskId, attempt: i64, report: &R) -> i64 {
        let Some(dir) = WorkDir::reopen(&self.config.work_dir, folder_name(task, attempt)) else { return 0 };
        let stop = Stop::default();
        let reporter = Reporter::new(report, &stop, &self.clock);
        let mut items = Items::new(&reporter, &dir, Limits { item_bytes: self.config.max_item_bytes, items: None });
        let hurry = async {
            tokio::time::sleep(SALVAGE_PATIENCE).await;
            stop.request(StopReason::Shutdown);
            tokio::time::sleep(SALVAGE_LIMIT.saturating_sub(SALVAGE_PATIENCE)).await;
        };
        let is_done = tokio::select! {
            () = items.salvage() => true,
            () = hurry => false,
        };
        let undelivered = items.undelivered();
        drop(items);
        if is_done && reporter.trouble().is_none() {
            dir.remove().await;
        }
        undelivered
    }

    /// Removes environments that no spider has used for so long.
    pub async fn prune_environments(&self, unused_for: Duration) -> std::io::Result<()> {
        let folder = self.config.environments_dir.clone();
        workdir::blocking(move || environment::prune(&folder, unused_for)).await
    }

    /// Runs `job` until nothing of it runs any more. What could not be delivered, if anything, is left to the caller.
    pub async fn run<R: Report>(&self, job: &Job, report: &R, stop: &Stop) -> (Outcome, Option<Leftovers>) {
        let reporter = Reporter::new(report, stop, &self.clock);
        let budget = LogBudget::new(self.config.log_limit_bytes);
        let attempt = Attempt { runner: self, job, stop, reporter: &reporter, budget: &budget };
        let (mut outcome, leftovers) = attempt.run().await.unwrap_or_else(|end| (Outcome::of_none(end), None));
        if budget.dropped() > 0 {
            outcome.log_truncated = true;
            let (dropped, limit) = (budget.dropped(), self.config.log_limit_bytes);
            reporter.say(format!("{dropped} bytes of output were dropped: the log is limited to {limit} bytes")).await;
        }
        let is_cancelled = outcome.end == End::Cancelled;
        if let Some(trouble) = reporter.trouble().filter(|_| !is_cancelled) {
            outcome.end = End::failed(Category::System, trouble);
        }
        (outcome, leftovers)
    }
}

/// The folder of an attempt with items that are stored nowhere else. Dropped, it stays where it is, for a salvage.
#[derive(Debug)]
pub struct Leftovers(WorkDir);

impl Leftovers {
    /// For whoever has written down how the attempt ended: it takes nothing more.
    pub async fn discard(self) {
        self.0.remove().await;
    }
}

/// What all steps of an attempt need. A step that cannot go on says how the attempt ends.
struct Attempt<'a, R> {
    runner: &'a Runner,
    job: &'a Job,
    stop: &'a Stop,
    reporter: &'a Reporter<'a, R>,
    budget: &'a LogBudget,
}

impl<R: Report> Attempt<'_, R> {
    async fn run(&self) -> Result<(Outcome, Option<Leftovers>), End> {
        let name = folder_name(&self.job.task_id, self.job.attempt);
        let dir = WorkDir::create(&self.runner.config.work_dir, &name).await?;
        match self.run_in(&dir).await {
            Ok((outcome, false)) => Ok((outcome, Some(Leftovers(dir)))),
            other => {
                dir.remove().await;
                other.map(|(outcome, _)| (outcome, None))
            }
        }
    }

    /// How it ended, and whether all items that were found are stored.
    async fn run_in(&self, dir: &WorkDir) -> Result<(Outcome, bool), End> {
        for notice in &self.job.notices {
            self.reporter.say(notice).await;
        }
        tokio::select! {
            filled = dir.fill(&self.runner.files, &self.job.manifest) => filled?,
            reason = self.stop.wait() => return Err(reason.into()),
        }
        let config = &self.runner.config;
        let support = command::support(config).await?;
        if let Some(contained) = &self.job.contained {
            self.write_requirements(dir).await?;
            let spec = contained::build(config, self.job, contained, (dir, &support), self.stop.until()).await?;
            return self.run_process(dir, spec, None).await;
        }
        let interpreter = self.runner.interpreter.get_or_try_init(|| python::probe(config)).await?;
        let (reporter, stop, budget) = (self.reporter, self.stop, self.budget);
        let memory_limit_mb = self.job.memory_limit_mb;
        let builder = Builder { config, interpreter, reporter, stop, budget, work_dir: dir, memory_limit_mb };
        let environment = builder.prepare(self.job).await?;
        let spec = command::build(config, self.job, dir, &environment.python, &support, self.stop.until())?;
        self.run_process(dir, spec, Some(environment)).await
    }

    async fn run_process(
        &self,
        dir: &WorkDir,
        spec: Spec,
        _in_use: Option<Environment>,
    ) -> Result<(Outcome, bool), End> {
        let config = &self.runner.config;
        if let Some(reason) = self.stop.requested() {
            return Err(reason.into());
        }
        let memory_limit_mb = self.job.memory_limit_mb.and_then(|limit| u64::try_from(limit).ok());
        let spawned = Child::spawn(&config.supervisor, spec).await;
        let (child, output) = spawned.map_err(|error| End::failed(Category::System, format!("{error:#}")))?;
        let ended = CancellationToken::new();
        let watch = Watch {
            reporter: self.reporter,
            stop: self.stop,
            budget: self.budget,
            limit: self.job.timeout,
            grace: config.term_grace,
            streams: (Stream::Stdout, Stream::Stderr),
            copy: Some((dir.place(STDOUT), config.stdout_items_limit)),
            ended: ended.clone(),
        };
        let max_items = self.job.max_items.and_then(|count| usize::try_from(count).ok()).filter(|count| *count > 0);
        let limits = Limits { item_bytes: config.max_item_bytes, items: max_items };
        let mut items = Items::new(self.reporter, dir, limits);
        // Room for what is still to be stored, should the spider have filled the disk.
        let make_room = async {
            ended.cancelled().await;
            dir.clear_work().await;
        };
        let (watched, (), ()) = futures_util::join!(watch.run(child, output), items.follow(&ended), make_room);
        let cut_short = self.gather(&watched, &mut items).await;
        let is_all_stored = cut_short.is_none() && items.undelivered() == 0 && self.reporter.trouble().is_none();
        let Watched { exit, why, remains, duration } = watched;
        let exit = match &self.job.contained {
            Some(_) => match contained::exit_of(config, self.job, dir, exit.clone()).await {
                Err(end) if why.is_none() => return Err(end),
                found => found.unwrap_or(exit),
            },
            None => exit,
        };
        let rules = &self.job.error_rules;
        let end = match ending::judge(&exit, why, memory_limit_mb, &remains.stderr_tail, rules) {
            End::Completed => match (cut_short, items.problem()) {
                (Some(end), _) => end,
                (None, Some(problem)) => End::failed(Category::Parse, problem),
                (None, None) => End::Completed,
            },
            end => end,
        };
        let outcome = Outcome {
            end,
            exit_code: exit.code.map(i64::from),
            signal: exit.signal.map(i64::from),
            peak_memory_mb: i64::try_from(exit.peak_memory_mb).ok().filter(|peak| *peak > 0),
            duration,
            undelivered: items.undelivered(),
            log_truncated: false,
        };
        Ok((outcome, is_all_stored))
    }

    /// What is asked for in the spider's settings, for the container to install.
    async fn write_requirements(&self, dir: &WorkDir) -> Result<(), End> {
        if self.job.requirements_txt.trim().is_empty() {
            return Ok(());
        }
        let (path, text) = (dir.root().join("requirements.txt"), self.job.requirements_txt.clone());
        let written = workdir::blocking(move || std::fs::write(path, text)).await;
        written.map_err(|error| workdir::disk_failure("the requirements cannot be written", &error))
    }

    /// Takes what items the process left, within limits of time. Where they cut it short, says how the attempt ends.
    async fn gather(&self, watched: &Watched, items: &mut Items<'_, R>) -> Option<End> {
        let has_succeeded = watched.exit.code == Some(0) && watched.why.is_none();
        let limit = self.runner.config.gathering_limit;
        let hurry = async {
            let reason = self.stop.wait().await;
            tokio::time::sleep(GATHERING_WHEN_STOPPED).await;
            reason
        };
        let (end, said) = tokio::select! {
            () = items.finish(watched.remains.stdout_copy.as_ref(), has_succeeded) => return None,
            reason = hurry => (reason.into(), "stopped before all items were gathered".to_owned()),
            () = tokio::time::sleep(limit) => {
                let said = format!("not all items could be gathered in {} s", limit.as_secs_f64());
                (End::failed(Category::System, said.clone()), said)
            }
        };
        self.reporter.say(said).await;
        Some(end)
    }
}

fn folder_name(task: &TaskId, attempt: i64) -> String {
    format!("{task}-{attempt}")
}
