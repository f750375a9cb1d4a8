//! One attempt as this server runs it: the claim kept alive, its end written down.

use std::{
    collections::hash_map::Entry,
    sync::{PoisonError, atomic::Ordering},
    time::Duration,
};

use chrono::TimeDelta;
use serde_json::value::RawValue;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep, timeout_at};
use tokio_util::sync::CancellationToken;

use super::{
    DispatcherConfig, ErrorCategory, TaskStatus, Tasks,
    reporter::Reporter,
    types::{Claim, Ending, Interruption},
};
use crate::{
    config::WhenNone,
    error::{Error, Result},
    features::spiders::{Source, Spider},
    id::TaskId,
    platform::{
        documents::{NewBatch, Stored},
        process::Moment,
        proxies::ProxyAddress,
    },
    runner::{self, End, Job, ManifestEntry, Outcome, Runner, Stop, StopReason},
};

/// A test run ends after five minutes, whatever the spider is set to.
pub(super) const TEST_TIMEOUT_SECONDS: i64 = 300;
/// What a node says of what it could not deliver is added up.
const MOST_UNDELIVERED: i64 = 1 << 40;
/// For so long an end is tried to be written down while the database is away.
const PATIENCE: Duration = Duration::from_mins(10);
/// The same while the server stops: the lease ends the task then.
const SHORT_PATIENCE: Duration = Duration::from_secs(5);

/// Why an attempt does not come to run.
#[derive(Debug)]
pub(super) enum Unready {
    NoProxy,
    Error(Error),
}

impl From<Error> for Unready {
    fn from(error: Error) -> Self {
        Self::Error(error)
    }
}

/// What a job has of whoever runs it.
#[derive(Debug, Clone)]
pub struct JobSettings {
    /// Where spiders reach the server.
    pub api_url: String,
    /// Of spiders that set none.
    pub memory_limit_mb: Option<i64>,
}

/// An attempt that this server runs.
#[derive(Debug, Clone)]
pub(super) struct Running {
    pub attempt: i64,
    pub stop: Stop,
    /// Cancelled when nothing of it runs any more.
    pub ended: CancellationToken,
}

/// The attempt counts as running here, until this goes: also when it panics.
struct Listed<'a> {
    tasks: &'a Tasks,
    task: &'a TaskId,
    running: Running,
}

impl Drop for Listed<'_> {
    fn drop(&mut self) {
        let mut running = self.tasks.running.lock().unwrap_or_else(PoisonError::into_inner);
        if running.get(self.task).is_some_and(|listed| listed.attempt == self.running.attempt) {
            running.remove(self.task);
        }
        drop(running);
        self.running.ended.cancel();
        self.tasks.signals.raise(self.task);
    }
}

impl Tasks {
    /// Stores a batch of a running attempt's items, as its spider's contract wants it.
    pub(super) async fn store_items(
        &self,
        claim: &Claim,
        batch: Option<i64>,
        items: Vec<Box<RawValue>>,
    ) -> Result<Stored> {
        let Claim { task_id, spider_id, attempt, is_test, .. } = claim.clone();
        let contract = self.spiders.contract(&spider_id).await?;
        let dedup = contract.dedup();
        let (mut good, mut refused) = (Vec::with_capacity(items.len()), Vec::new());
        for judged in contract.judge(items).await? {
            match judged {
                Ok(item) => good.push(item),
                Err(item) => refused.push(item),
            }
        }
        let batch =
            NewBatch { task_id, spider_id, attempt, batch, is_test, came_at: None, dedup, items: good, refused };
        let stored = self.documents.add_items(batch).await?;
        self.signals.raise(&claim.task_id);
        self.datasources.items_are_stored();
        Ok(stored)
    }

    /// Runs the task, which was claimed not before `claimed`, to its end.
    pub(super) async fn run_attempt(&self, claim: Claim, claimed: Instant, runner: &Runner, config: &DispatcherConfig) {
        let listed = self.begin(&claim).await;
        let stop = listed.running.stop.clone();
        let lease = config.lease.to_std().unwrap_or_default();
        self.allow(&stop, Moment::now() + lease.saturating_sub(claimed.elapsed()));
        self.signals.raise(&claim.task_id);
        let (has_ended_it, leftovers) = match self.prepare(&claim, config).await {
            // It took so long that the claim may have run out.
            Ok((_, reporter))
                if claimed.elapsed() > lease / 2
                    && !matches!(self.renew(reporter.claim.held(), config.lease, None).await, Ok(Some(_))) =>
            {
                (has_lost(&claim), None)
            }
            Ok((job, reporter)) => {
                let mut run = std::pin::pin!(runner.run(&job, &reporter, &stop));
                let mut lost = std::pin::pin!(self.keep_claim(&reporter, &stop, config.lease, claimed));
                tokio::select! {
                    (outcome, leftovers) = &mut run => {
                        let ending = Ending::of(outcome, stop.requested());
                        let mut written = std::pin::pin!(async {
                            reporter.finish_log().await;
                            self.write_end(&claim, &ending).await
                        });
                        // Kept until the end is written: another server would run the task once more.
                        let has_ended_it = tokio::select! {
                            has_ended_it = &mut written => has_ended_it,
                            _ = &mut lost => written.await,
                        };
                        (has_ended_it, leftovers)
                    }
                    lost = &mut lost => {
                        // Somebody else may start the task again: what runs here ends first of all.
                        stop.request(lost);
                        let (_, leftovers) = run.await;
                        (has_lost(&claim), leftovers)
                    }
                }
            }
            Err(unready) => (self.write_end(&claim, &Ending::of_unready(&unready)).await, None),
        };
        // Until somebody has ended it, its items may still be stored.
        if let Some(leftovers) = leftovers.filter(|_| has_ended_it) {
            leftovers.discard().await;
        }
    }

    /// Lists the attempt as running here, once no other attempt of the task does: one whose claim was lost while this
    /// server stood still may not have ended yet.
    async fn begin<'a>(&'a self, claim: &'a Claim) -> Listed<'a> {
        let running = Running { attempt: claim.attempt, stop: Stop::default(), ended: CancellationToken::new() };
        loop {
            let former = match self.running.lock().unwrap_or_else(PoisonError::into_inner).entry(claim.task_id.clone())
            {
                Entry::Vacant(free) => {
                    free.insert(running.clone());
                    None
                }
                Entry::Occupied(former) => Some(former.get().clone()),
            };
            let Some(former) = former else { return Listed { tasks: self, task: &claim.task_id, running } };
            former.stop.request(StopReason::Lapsed);
            former.ended.cancelled().await;
        }
    }

    pub(super) fn runs_here(&self, task: &TaskId, attempt: i64) -> bool {
        let running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        running.get(task).is_some_and(|listed| listed.attempt == attempt)
    }

    /// Where other servers may start the task once the claim has run out, its processes end by themselves soon after.
    fn allow(&self, stop: &Stop, until: Moment) {
        if self.db.is_shared() {
            stop.allow_until(until);
        }
    }

    async fn prepare(&self, claim: &Claim, config: &DispatcherConfig) -> Result<(Job, Reporter), Unready> {
        let job = self.job(claim, &config.job).await?;
        Ok((job, Reporter::new(self, claim).await?))
    }

    /// Everything that it takes to run the attempt.
    pub(super) async fn job(&self, claim: &Claim, settings: &JobSettings) -> Result<Job, Unready> {
        let spider = self.spider_to_run(claim).await?;
        let env_vars = self.spiders.env_vars(&claim.spider_id).await?;
        let datasources = self.datasources.begin(&claim.spider_id, &claim.task_id, claim.is_test).await?;
        let manifest: Vec<ManifestEntry> =
            serde_json::from_slice(&self.files.get(&claim.code_hash).await?).map_err(Error::internal)?;
        let token = self.token_for(&claim.task_id, claim.attempt);
        let contained = self.engine.container_of(&spider).await?;
        let proxy = if spider.proxy_enabled { Some(self.first_proxy().await?) } else { None };
        let mut job = Job { datasources, ..job(claim, spider, env_vars, manifest, settings, token) };
        if let Some((contained, url)) = contained {
            job.api_url = api_url(&url, &job.token);
            job.contained = Some(contained);
        }
        if let Some((proxy, notice)) = proxy {
            job.proxy_url = proxy.map(|proxy| proxy.url());
            job.notices.push(notice);
        }
        Ok(job)
    }

    /// As it is set to run, in the version that the task is of.
    pub(super) async fn spider_to_run(&self, claim: &Claim) -> Result<Spider> {
        let spider = self.spiders.get(&claim.spider_id).await?;
        match &claim.deployment_id {
            Some(deployment) => self.spiders.as_deployed(spider, deployment).await,
            None => Ok(spider),
        }
    }

    /// The proxy to begin with, if any, and what the log says of it.
    async fn first_proxy(&self) -> Result<(Option<ProxyAddress>, String), Unready> {
        match self.proxies.choose(None).await? {
            Some(proxy) => {
                let notice = format!("through the proxy {proxy}");
                Ok((Some(proxy), notice))
            }
            None if self.proxies.when_none() == WhenNone::Fail => Err(Unready::NoProxy),
            None => Ok((None, "no proxy of the pool can be used: the run goes on without one".to_owned())),
        }
    }

    /// Renews the claim until it is lost, and says how: taken by another, or not renewed in time. Never ends otherwise.
    async fn keep_claim(&self, reporter: &Reporter, stop: &Stop, lease: TimeDelta, claimed: Instant) -> StopReason {
        let lease = lease.to_std().unwrap_or_default();
        let mut ticks = interval(lease / 4);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut renewed = claimed;
        loop {
            let renewal = async {
                ticks.tick().await;
                let until = Moment::now() + lease;
                (Instant::now(), until, self.renew_now(reporter, lease).await)
            };
            // SQLite has no other servers that could take the task: there the next renewal decides.
            let renewal = if self.db.is_shared() {
                let Ok(renewal) = timeout_at(renewed + lease, renewal).await else { return StopReason::Lapsed };
                renewal
            } else {
                renewal.await
            };
            match renewal {
                (asked, until, Ok(Some(is_cancelled))) => {
                    renewed = asked;
                    self.allow(stop, until);
                    if is_cancelled {
                        stop.request(StopReason::Cancelled);
                    }
                }
                (_, _, Ok(None)) => return StopReason::Shutdown,
                (_, _, Err(error)) => {
                    tracing::warn!(%error, task = %reporter.claim.task_id, "cannot renew the claim yet");
                }
            }
        }
    }

    async fn renew_now(&self, reporter: &Reporter, lease: Duration) -> Result<Option<bool>> {
        let peak = reporter.peak_memory_mb.load(Ordering::Relaxed);
        #[expect(clippy::cast_precision_loss, reason = "megabytes")]
        let peak = (peak > 0).then_some(peak as f64);
        self.renew(reporter.claim.held(), TimeDelta::from_std(lease).unwrap_or_default(), peak).await
    }

    /// Whether it was this server that ended it.
    pub(super) async fn write_end(&self, claim: &Claim, ending: &Ending) -> bool {
        let begun = Instant::now();
        let mut pause = Duration::from_millis(100);
        loop {
            match self.finish(claim, ending).await {
                Ok(Some(status)) => {
                    tracing::info!(task = %claim.task_id, %status, "task {} {}", claim.task_id, ending.status);
                    return true;
                }
                Ok(None) => {
                    tracing::warn!(task = %claim.task_id, attempt = claim.attempt, "the attempt had been ended before");
                    return false;
                }
                Err(error)
                    if error.is_passing()
                        && begun.elapsed() < if self.stop.is_cancelled() { SHORT_PATIENCE } else { PATIENCE } =>
                {
                    tracing::warn!(%error, task = %claim.task_id, "cannot write the end of the task yet");
                    sleep(pause).await;
                    pause = (pause * 2).min(Duration::from_secs(5));
                }
                Err(error) => {
                    // The lease runs out, and the watchdog ends the task.
                    tracing::error!(%error, task = %claim.task_id, "the end of the task could not be written");
                    return false;
                }
            }
        }
    }
}

/// Whoever finds it lost ends it, not this server.
fn has_lost(claim: &Claim) -> bool {
    tracing::error!(task = %claim.task_id, attempt = claim.attempt, "the claim on the task is lost");
    false
}

/// A repository says by its files what it is, unless the entry point is none that Scrapy would know.
fn is_scrapy(spider: &Spider, manifest: &[ManifestEntry]) -> bool {
    let is_script = std::path::Path::new(&spider.entry_point).extension().is_some_and(|kind| kind == "py");
    let is_other = is_script || spider.entry_point.contains(':');
    match spider.source {
        Source::Scrapy => true,
        Source::Git => !is_other && manifest.iter().any(|entry| entry.path == "scrapy.cfg"),
        Source::Empty | Source::Upload => false,
    }
}

fn job(
    claim: &Claim,
    spider: Spider,
    env_vars: Vec<(String, String)>,
    manifest: Vec<ManifestEntry>,
    settings: &JobSettings,
    token: String,
) -> Job {
    let seconds = if claim.is_test { spider.timeout_seconds.min(TEST_TIMEOUT_SECONDS) } else { spider.timeout_seconds };
    let scrapy = is_scrapy(&spider, &manifest);
    Job {
        task_id: claim.task_id.clone(),
        spider_id: claim.spider_id.clone(),
        spider_name: spider.name,
        attempt: claim.attempt,
        scrapy,
        entry_point: Some(spider.entry_point).filter(|entry| !entry.is_empty()),
        params: claim.params.0.clone(),
        env_vars,
        datasources: None,
        requirements_txt: spider.requirements_txt,
        manifest,
        timeout: Duration::from_secs(u64::try_from(seconds).unwrap_or(1)),
        memory_limit_mb: spider.memory_limit_mb.or(settings.memory_limit_mb),
        max_items: spider.max_items,
        rate_limit_rps: spider.rate_limit_rps,
        error_rules: spider.error_rules,
        api_url: api_url(&settings.api_url, &token),
        token,
        proxy_url: None,
        notices: Vec::new(),
        contained: None,
    }
}

/// The address that is enough for a client which sends no token.
fn api_url(server: &str, token: &str) -> String {
    format!("{server}/platform/api/_t/{token}")
}

impl Ending {
    pub(super) fn of(outcome: Outcome, stop: Option<StopReason>) -> Self {
        let (status, category, message) = match outcome.end {
            End::Completed => (TaskStatus::Completed, None, None),
            End::Cancelled => (TaskStatus::Cancelled, None, None),
            // Whoever ran it elsewhere may say anything.
            End::Failed { category, message } => (TaskStatus::Failed, Some(category.into()), Some(End::fit(&message))),
        };
        #[expect(clippy::cast_precision_loss, reason = "megabytes")]
        let peak_memory_mb = outcome.peak_memory_mb.map(|mb| mb as f64);
        Self {
            status,
            exit_code: outcome.exit_code,
            category,
            message,
            peak_memory_mb,
            undelivered: outcome.undelivered.clamp(0, MOST_UNDELIVERED),
            interruption: match stop {
                Some(StopReason::Shutdown) => Some(Interruption::Stopped),
                Some(StopReason::Lapsed) => Some(Interruption::Lost),
                Some(StopReason::Cancelled) | None => None,
            },
        }
    }

    /// Of an attempt that never came to run. Internal text stays in the server's log.
    pub(super) fn of_unready(unready: &Unready) -> Self {
        let error = match unready {
            Unready::NoProxy => {
                let message = "no proxy of the pool can be used just now, and the spider has proxy_enabled";
                return Self::failed(ErrorCategory::Network, message.to_owned());
            }
            Unready::Error(error) => error,
        };
        tracing::error!(%error, "an attempt could not be prepared");
        let message = match error {
            Error::Internal(_) => "the attempt could not be prepared: internal error, see the server's log".to_owned(),
            Error::Unavailable { what, .. } => format!("the attempt could not be prepared: {what} is unavailable"),
            other => format!("the attempt could not be prepared: {other}"),
        };
        Self::failed(ErrorCategory::System, message)
    }

    pub(super) fn failed(category: ErrorCategory, message: String) -> Self {
        Self {
            status: TaskStatus::Failed,
            exit_code: None,
            category: Some(category),
            message: Some(message),
            peak_memory_mb: None,
            undelivered: 0,
            interruption: None,
        }
    }
}

impl From<runner::Category> for ErrorCategory {
    fn from(category: runner::Category) -> Self {
        match category {
            runner::Category::Network => Self::Network,
            runner::Category::Auth => Self::Auth,
            runner::Category::Parse => Self::Parse,
            runner::Category::Timeout => Self::Timeout,
            runner::Category::System => Self::System,
        }
    }
}
