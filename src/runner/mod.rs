//! Runs one attempt of one task: files → working directory → environment → process → lines, items, end.
//!
//! Knows no database: what happens is told through [`Report`].

mod command;
mod config;
mod ending;
mod environment;
mod items;
mod job;
mod lines;
mod output;
mod python;
mod report;
mod watch;
mod workdir;

use std::time::Duration;

use tokio::sync::OnceCell;
use tokio_util::sync::CancellationToken;

pub use config::RunnerConfig;
pub use job::{Category, End, Job, ManifestEntry, Outcome, Stop, StopReason};
pub use report::{Line, Report};

use crate::clock::SharedClock;
use crate::id::TaskId;
use crate::platform::documents::Stream;
use crate::platform::files::Files;
use crate::platform::process::{Child, Spec};
use environment::{Builder, Environment};
use items::{Items, Leftovers};
use output::LogBudget;
use report::Reporter;
use watch::{Watch, Watched};
use workdir::WorkDir;

/// How long items are still gathered once the attempt is told to stop.
const GATHERING_WHEN_STOPPED: Duration = Duration::from_secs(10);

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
        for folder in [&mut config.work_dir, &mut config.environments_dir] {
            std::fs::create_dir_all(&*folder)?;
            // Spiders start elsewhere.
            *folder = folder.canonicalize()?;
        }
        Ok(Self { config, files, clock, interpreter: OnceCell::new() })
    }

    /// Removes the working directories that a killed server left. Those in use stay, and those of `kept`.
    pub async fn sweep(&self, kept: &[(TaskId, i64)]) -> std::io::Result<()> {
        let kept = kept.iter().map(|(task, attempt)| folder_name(task, *attempt)).collect();
        workdir::sweep(&self.config.work_dir, kept).await
    }

    /// Delivers what the SDK of an attempt whose server is gone left on this machine, and removes its folder.
    pub async fn salvage<R: Report>(&self, task: &TaskId, attempt: i64, report: &R) {
        let Some(dir) = WorkDir::reopen(&self.config.work_dir, &folder_name(task, attempt)) else { return };
        let stop = Stop::default();
        let reporter = Reporter::new(report, &stop, &self.clock);
        let mut items = Items::new(&reporter, dir.output(), self.config.max_item_bytes);
        items.take_spool(dir.spool()).await;
        if reporter.trouble().is_none() {
            dir.remove().await;
        }
    }

    /// Removes environments that no spider has used for so long.
    pub async fn prune_environments(&self, unused_for: Duration) -> std::io::Result<()> {
        let folder = self.config.environments_dir.clone();
        workdir::blocking(move || environment::prune(&folder, unused_for)).await
    }

    /// Runs `job` until nothing of it is left but what was reported.
    pub async fn run<R: Report>(&self, job: &Job, report: &R, stop: &Stop) -> Outcome {
        let reporter = Reporter::new(report, stop, &self.clock);
        let budget = LogBudget::new(self.config.log_limit_bytes);
        let attempt = Attempt { runner: self, job, stop, reporter: &reporter, budget: &budget };
        let mut outcome = attempt.run().await.unwrap_or_else(|end| Outcome {
            end,
            exit_code: None,
            signal: None,
            peak_memory_mb: None,
            duration: Duration::ZERO,
            undelivered: 0,
            log_truncated: false,
        });
        if budget.dropped() > 0 {
            outcome.log_truncated = true;
            let (dropped, limit) = (budget.dropped(), self.config.log_limit_bytes);
            reporter.say(format!("{dropped} bytes of output were dropped: the log is limited to {limit} bytes")).await;
        }
        let is_cancelled = outcome.end == End::Cancelled;
        if let Some(trouble) = reporter.trouble().filter(|_| !is_cancelled) {
            outcome.end = End::failed(Category::System, trouble);
        }
        outcome
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
    async fn run(&self) -> Result<Outcome, End> {
        let name = folder_name(&self.job.task_id, self.job.attempt);
        let dir = WorkDir::create(&self.runner.config.work_dir, &name).await?;
        let result = self.run_in(&dir).await;
        dir.remove().await;
        result
    }

    async fn run_in(&self, dir: &WorkDir) -> Result<Outcome, End> {
        tokio::select! {
            filled = dir.fill(&self.runner.files, &self.job.manifest) => filled?,
            reason = self.stop.wait() => return Err(reason.into()),
        }
        let config = &self.runner.config;
        let interpreter = self.runner.interpreter.get_or_try_init(|| python::probe(config)).await?;
        let (reporter, stop, budget) = (self.reporter, self.stop, self.budget);
        let builder = Builder { config, interpreter, reporter, stop, budget, work_dir: dir };
        let environment = builder.prepare(self.job).await?;
        let support = command::support(config).await?;
        let spec = command::build(config, self.job, dir, &environment.python, &support)?;
        self.run_process(dir, spec, environment).await
    }

    async fn run_process(&self, dir: &WorkDir, spec: Spec, _in_use: Environment) -> Result<Outcome, End> {
        let config = &self.runner.config;
        if let Some(reason) = self.stop.requested() {
            return Err(reason.into());
        }
        let memory_limit_mb = spec.memory_limit_mb;
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
            copy: Some((dir.stdout_copy(), config.stdout_items_limit)),
            ended: ended.clone(),
        };
        let mut items = Items::new(self.reporter, dir.output(), config.max_item_bytes);
        // Room for what is still to be stored, should the spider have filled the disk.
        let make_room = async {
            ended.cancelled().await;
            dir.clear_work().await;
        };
        let (watched, (), ()) = futures_util::join!(watch.run(child, output), items.follow(&ended), make_room);
        let cut_short = self.gather(dir, &watched, &mut items).await;
        let Watched { exit, why, remains, duration } = watched;
        let end = match ending::judge(&exit, why, memory_limit_mb, &remains.stderr_tail) {
            End::Completed => match (cut_short, items.problem()) {
                (Some(reason), _) => reason.into(),
                (None, Some(problem)) => End::failed(Category::Parse, problem),
                (None, None) => End::Completed,
            },
            end => end,
        };
        Ok(Outcome {
            end,
            exit_code: exit.code.map(i64::from),
            signal: exit.signal.map(i64::from),
            peak_memory_mb: i64::try_from(exit.peak_memory_mb).ok().filter(|peak| *peak > 0),
            duration,
            undelivered: items.undelivered(),
            log_truncated: false,
        })
    }

    /// Takes what items the process left. Not for long when the attempt is told to stop: then says why it did not
    /// end.
    async fn gather(&self, dir: &WorkDir, watched: &Watched, items: &mut Items<'_, R>) -> Option<StopReason> {
        let has_succeeded = watched.exit.code == Some(0) && watched.why.is_none();
        let leftovers = Leftovers {
            spool: dir.spool(),
            result_file: dir.result_file(),
            stdout: watched.remains.stdout_copy.as_ref(),
            has_succeeded,
        };
        let hurry = async {
            let reason = self.stop.wait().await;
            tokio::time::sleep(GATHERING_WHEN_STOPPED).await;
            reason
        };
        let reason = tokio::select! {
            () = items.finish(leftovers) => return None,
            reason = hurry => reason,
        };
        self.reporter.say("stopped before all items were gathered").await;
        Some(reason)
    }
}

fn folder_name(task: &TaskId, attempt: i64) -> String {
    format!("{task}-{attempt}")
}
