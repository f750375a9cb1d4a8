//! The job of an attempt.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use super::{
    super::{Tasks, attempt::TEST_TIMEOUT_SECONDS, types::Claim},
    Swarm, SwarmSettings,
};
use crate::{
    error::Result,
    features::spiders::Spider,
    id::TaskId,
    platform::containers::{
        Labels, Limits,
        swarm::{FOLDER, Job, JobSpec, SECRET_FILE},
    },
    runner::contained::{ATTEMPT_LABEL, TASK_LABEL},
};

/// The label that says until when a job may be there at all, whatever it does.
pub(super) const UNTIL_LABEL: &str = "crawlhub.until";
/// Beside what the spider may use: for the program that runs it.
const OWN_MEMORY_MB: i64 = 256;
const OWN_PROCESSES: u64 = 128;
/// Beside what starting, building and running may take.
pub(super) const GRACE: Duration = Duration::from_mins(5);

/// The attempt that a job is of; none where its labels are not ours.
pub(super) fn attempt_of(labels: &Labels) -> Option<(TaskId, i64)> {
    Some((labels.get(TASK_LABEL)?.clone().into(), labels.get(ATTEMPT_LABEL)?.parse().ok()?))
}

/// Whether a job should have been over long before: what runs the spider there hangs.
pub(super) fn is_overdue(job: &Job, now: DateTime<Utc>) -> bool {
    let until = job.labels.get(UNTIL_LABEL).and_then(|until| until.parse::<DateTime<Utc>>().ok());
    until.is_some_and(|until| until < now)
}

impl Tasks {
    /// What the job of a claim is made with.
    pub(super) async fn spec_of(&self, claim: &Claim) -> Result<JobSpec> {
        let spider = self.spider_to_run(claim).await?;
        let swarm = &self.swarm;
        let until = self.clock.now() + swarm.longest(&spider, claim.is_test);
        let labels = [
            (TASK_LABEL, claim.task_id.to_string()),
            (ATTEMPT_LABEL, claim.attempt.to_string()),
            (UNTIL_LABEL, until.to_rfc3339()),
        ];
        let settings = &swarm.settings;
        let memory = spider.memory_limit_mb.or(self.default_memory_limit_mb).filter(|limit| *limit > 0);
        Ok(JobSpec {
            name: format!("crawlhub-{}-{}", claim.task_id, claim.attempt),
            image: spider.image.filter(|image| !image.is_empty()).unwrap_or_else(|| settings.swarm.image.clone()),
            command: vec!["crawlhub".to_owned(), "attempt".to_owned()],
            env: swarm.environment(),
            secret: self.holder_token_for(&claim.task_id, claim.attempt),
            labels: labels.map(|(name, value)| (name.to_owned(), value)).into_iter().collect(),
            limits: Limits {
                cpus: spider.cpu_limit.unwrap_or(0.0),
                memory_mb: memory.map_or(0, |limit| limit + OWN_MEMORY_MB),
                processes: i64::try_from(settings.tasks.max_processes + OWN_PROCESSES).unwrap_or(0),
                file_mb: 0,
            },
            wanted: spider.node_labels,
            network: Some(settings.swarm.network.clone()).filter(|network| !network.is_empty()),
        })
    }
}

impl Swarm {
    /// What the container is told. Anyone who may look at the swarm reads it.
    fn environment(&self) -> Vec<(String, String)> {
        let SwarmSettings { api_url, tasks, build_time, .. } = &self.settings;
        let told = [
            ("AGENT_NODE_NAME", "{{.Node.Hostname}}".to_owned()),
            ("AGENT_MASTER_URL", api_url.clone()),
            ("AGENT_TOKEN_FILE", SECRET_FILE.to_owned()),
            ("AGENT_STORAGE_PATH", FOLDER.to_owned()),
            ("CRAWLHUB_TASKS_LOG_LIMIT_BYTES", tasks.log_limit_bytes.to_string()),
            ("CRAWLHUB_TASKS_STDOUT_ITEMS_LIMIT_BYTES", tasks.stdout_items_limit_bytes.to_string()),
            ("CRAWLHUB_TASKS_MAX_PROCESSES", tasks.max_processes.to_string()),
            ("CRAWLHUB_RUNNER_ENVIRONMENT_TIMEOUT_SECONDS", build_time.as_secs().to_string()),
        ];
        told.map(|(name, value)| (name.to_owned(), value)).into()
    }

    /// What pip and uv are told in a container; its own environment says nothing of it.
    pub(in super::super) fn build_env(&self) -> Vec<(String, String)> {
        of_builds(&self.settings.build_env, &self.settings.api_url)
    }

    /// How long a job of the spider may be there.
    fn longest(&self, spider: &Spider, is_test: bool) -> TimeDelta {
        let run = if is_test { spider.timeout_seconds.min(TEST_TIMEOUT_SECONDS) } else { spider.timeout_seconds };
        let around = self.start_time() + self.settings.build_time + GRACE;
        TimeDelta::seconds(run) + TimeDelta::from_std(around).unwrap_or_default()
    }
}

/// What is meant for builds on this machine, but for its files; whoever runs a spider goes past the proxy to the server.
fn of_builds(build_env: &[(String, String)], api_url: &str) -> Vec<(String, String)> {
    let mut told: Vec<_> = build_env.iter().filter(|(_, value)| !value.starts_with('/')).cloned().collect();
    let host = reqwest::Url::parse(api_url).ok().and_then(|url| url.host_str().map(str::to_owned));
    let Some(host) = host.filter(|_| told.iter().any(|(name, _)| name.to_ascii_uppercase().ends_with("_PROXY"))) else {
        return told;
    };
    for name in ["NO_PROXY", "no_proxy"] {
        match told.iter_mut().find(|(present, _)| present == name) {
            Some((_, hosts)) => *hosts = format!("{hosts},{host}"),
            None => told.push((name.to_owned(), host.clone())),
        }
    }
    told
}

#[cfg(test)]
mod tests {
    use super::of_builds;

    #[test]
    fn builds_know_the_operators_network_and_not_this_machines_files() {
        let told = |given: &[(&str, &str)]| {
            let given: Vec<_> = given.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
            let told = of_builds(&given, "http://crawlhub:8000");
            told.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(" ")
        };
        let index = ("PIP_INDEX_URL", "https://index.example/simple");
        assert_eq!(told(&[index, ("PIP_CERT", "/etc/ca.pem")]), "PIP_INDEX_URL=https://index.example/simple");
        let proxy = ("https_proxy", "http://proxy:3128");
        assert_eq!(
            told(&[proxy, ("NO_PROXY", "a")]),
            "https_proxy=http://proxy:3128 NO_PROXY=a,crawlhub no_proxy=crawlhub"
        );
    }
}
