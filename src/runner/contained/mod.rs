//! An attempt in a container of its own, instead of a process of this machine.
//!
//! Between the server and the container stands a keeper, a process of this program, and it is the keeper that the
//! supervisor supervises: so time limits, cancels, a server that dies and one that stands still are for a container what
//! they are for a process. The keeper passes on what the container prints, and ends with it.

mod folders;
mod keeper;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

pub use keeper::keep;

use super::command::{self, Paths};
use super::config::RunnerConfig;
use super::job::{Category, Contained, End, Job};
use super::workdir::{WorkDir, blocking, disk_failure};
use crate::config;
use crate::platform::containers::{self, ContainerSpec, Containers, Docker, INSTALLATION_LABEL, Limits, TYPE_LABEL};
use crate::platform::process::{Cause, Exit, Moment, Spec};

/// The type of these containers, and what else they are labelled by.
pub const TYPE: &str = "task";
pub const TASK_LABEL: &str = "crawlhub.task_id";
pub const ATTEMPT_LABEL: &str = "crawlhub.attempt";

/// Where a container has the spider's files, and everything else that is the platform's.
const WORK: &str = "/workspace";
const OWN: &str = "/crawlhub";
/// Lies among the spider's files while they are installed: requirements may name files beside it.
const REQUIREMENTS: &str = ".crawlhub-requirements.txt";
/// The keeper's order and its report, in the attempt's folder.
const ORDER: &str = "order.json";
const REPORT: &str = "report.json";
/// What the keeper needs beyond the grace of the container.
const KEEPER_TAIL: Duration = Duration::from_millis(2500);

/// What containers of attempts are made with.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ContainerPlace {
    pub docker: config::Docker,
    /// The name of this installation on the engine.
    pub installation: String,
    pub network: String,
}

/// What the keeper is told.
#[derive(Debug, Serialize, Deserialize)]
struct Order {
    docker: config::Docker,
    installation: String,
    spec: ContainerSpec,
    task_id: String,
    /// The attempt's folder here.
    root: PathBuf,
    /// What spiders import and are started by.
    support: PathBuf,
    grace_ms: u64,
    /// What the container may write to the engine's disk.
    disk_mb: Option<u64>,
}

/// What the keeper found out.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Report {
    /// Of the container; none where it never came to run.
    code: Option<i32>,
    out_of_memory: bool,
    /// The limit of the disk that it was ended for.
    over_disk_mb: Option<u64>,
    peak_memory_mb: u64,
    /// Why it did not run, or why not all of what it left could be had.
    trouble: Option<String>,
}

/// What is to be started for an attempt in a container.
pub(super) async fn build(
    config: &RunnerConfig,
    job: &Job,
    contained: &Contained,
    (dir, support): (&WorkDir, &Path),
    until: Option<Moment>,
) -> Result<Spec, End> {
    let Some(place) = &config.containers else {
        return Err(End::failed(Category::System, "there is no container engine"));
    };
    let order = Order {
        docker: place.docker.clone(),
        installation: place.installation.clone(),
        spec: spec_of(config, job, contained, place, &dir.work())?,
        task_id: job.task_id.to_string(),
        root: dir.root().to_owned(),
        support: support.to_owned(),
        grace_ms: u64::try_from(config.term_grace.as_millis()).unwrap_or(5000),
        disk_mb: config.max_disk_mb,
    };
    let path = dir.root().join(ORDER);
    let written = path.clone();
    // It holds the task's token: the folder is closed to everybody else.
    let write = move || std::fs::write(written, serde_json::to_vec(&order).map_err(std::io::Error::other)?);
    blocking(write).await.map_err(|error| disk_failure("the container's order cannot be written", &error))?;
    Ok(Spec {
        argv: vec![
            config.supervisor.to_string_lossy().into_owned(),
            "keep".to_owned(),
            path.to_string_lossy().into_owned(),
        ],
        cwd: dir.root().to_owned(),
        input: None,
        env: vec![("PATH".to_owned(), config.path())],
        server: config.server.clone(),
        until,
        tail_ms: u64::try_from(KEEPER_TAIL.as_millis()).unwrap_or_default(),
        ..Spec::default()
    })
}

fn spec_of(
    config: &RunnerConfig,
    job: &Job,
    contained: &Contained,
    place: &ContainerPlace,
    work: &Path,
) -> Result<ContainerSpec, End> {
    let own = |name: &str| format!("{OWN}/{name}");
    let paths = Paths {
        work: WORK.to_owned(),
        home: own("home"),
        tmp: own("tmp"),
        output: own("output"),
        spool: own("spool"),
        result: own("result/result.json"),
        support: own("support"),
        path: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin".to_owned(),
    };
    let mut python = vec!["python3".to_owned(), "-u".to_owned()];
    python.extend(command::program(job, work, &own("support/crawlhub_launch.py"))?);
    let labels = [
        (TYPE_LABEL, TYPE.to_owned()),
        (INSTALLATION_LABEL, place.installation.clone()),
        (TASK_LABEL, job.task_id.to_string()),
        (ATTEMPT_LABEL, job.attempt.to_string()),
    ];
    let mut env = command::environment(config, job, &paths);
    env.push(("PIP_BREAK_SYSTEM_PACKAGES".to_owned(), "1".to_owned()));
    env.push(("PIP_DISABLE_PIP_VERSION_CHECK".to_owned(), "1".to_owned()));
    let wanted = !job.requirements_txt.trim().is_empty() || work.join("requirements.txt").is_file();
    Ok(ContainerSpec {
        name: format!("task-{}-{}", job.task_id, job.attempt),
        image: contained.image.clone(),
        command: Some(if wanted { installing(python) } else { python }),
        working_dir: Some(WORK.to_owned()),
        env,
        labels: labels.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
        limits: Limits {
            cpus: contained.cpus.unwrap_or_default(),
            memory_mb: job.memory_limit_mb.unwrap_or_default(),
            processes: i64::try_from(config.max_processes).unwrap_or(i64::MAX),
            file_mb: config.max_file_mb.and_then(|limit| i64::try_from(limit).ok()).unwrap_or_default(),
        },
        network: Some(place.network.clone()),
        publish: None,
        ..ContainerSpec::default()
    })
}

/// What the image has already is not installed, and needs no network.
fn installing(python: Vec<String>) -> Vec<String> {
    let install = format!(
        "python3 -m pip install --user --quiet -r {REQUIREMENTS} >&2 || {{ echo 'the requirements cannot be installed' >&2; exit 1; }}; rm {REQUIREMENTS}; exec \"$@\""
    );
    ["sh".to_owned(), "-c".to_owned(), install, "sh".to_owned()].into_iter().chain(python).collect()
}

/// What became of the container, in place of what became of its keeper.
pub(super) async fn exit_of(config: &RunnerConfig, job: &Job, dir: &WorkDir, keeper: Exit) -> Result<Exit, End> {
    let place = dir.place(REPORT);
    let read = blocking(move || std::io::read_to_string(place.open()?)).await;
    let report: Option<Report> = read.ok().and_then(|text| serde_json::from_str(&text).ok());
    let Some(report) = report else {
        // It was killed: what it kept may run on, and must not once the attempt has ended.
        if let Some(place) = &config.containers
            && let Err(error) = remove(place, job).await
        {
            tracing::warn!(%error, task = %job.task_id, "the container of a killed keeper may run on for a while");
        }
        return Ok(Exit { peak_memory_mb: 0, ..keeper });
    };
    if let Some(trouble) = report.trouble {
        return Err(End::failed(Category::System, trouble));
    }
    let cause = match report.over_disk_mb {
        Some(limit_mb) => Cause::Disk { limit_mb },
        None if report.out_of_memory => Cause::Memory,
        None => keeper.cause,
    };
    Ok(Exit { code: report.code, signal: None, cause, peak_memory_mb: report.peak_memory_mb, ..keeper })
}

/// Removes the container of this attempt, and of no other: a later one may run already, for another server.
async fn remove(place: &ContainerPlace, job: &Job) -> containers::Result<()> {
    let containers = Containers::new(Arc::new(Docker::new(place.docker.clone())), &place.installation);
    let attempt = job.attempt.to_string();
    for found in containers.own_with(TYPE, (TASK_LABEL, job.task_id.as_str())).await? {
        if found.labels.get(ATTEMPT_LABEL) == Some(&attempt) {
            containers.remove(&found.id).await?;
        }
    }
    Ok(())
}
