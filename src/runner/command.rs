//! The command line and the environment of a spider.

use std::io;
use std::path::{Path, PathBuf};

use super::config::RunnerConfig;
use super::job::{Category, End, Job};
use super::workdir::{WorkDir, blocking, clean, disk_failure};
use crate::platform::files::hash_of;
use crate::platform::process::{Confinement, Moment, Spec};

/// What spiders may import, and what starts those that are no script.
const SUPPORT: [(&str, &str); 2] = [
    ("crawlhub.py", include_str!("../../sdk/python/crawlhub.py")),
    ("crawlhub_launch.py", include_str!("../../sdk/python/crawlhub_launch.py")),
];

/// Writes the support files, once for each version of them, and gives their folder.
pub(super) async fn support(config: &RunnerConfig) -> Result<PathBuf, End> {
    let hash = hash_of(SUPPORT.map(|(_, content)| content).concat().as_bytes());
    let parent = config.support_dir.clone();
    let folder = parent.join(&hash[..16]);
    let target = folder.clone();
    let written = blocking(move || {
        if target.exists() {
            return Ok(());
        }
        std::fs::create_dir_all(&parent)?;
        let fresh = tempfile::tempdir_in(&parent)?;
        for (name, content) in SUPPORT {
            std::fs::write(fresh.path().join(name), content)?;
        }
        match std::fs::rename(fresh.path(), &target) {
            // Another was faster.
            Err(error) if !matches!(error.kind(), io::ErrorKind::DirectoryNotEmpty | io::ErrorKind::AlreadyExists) => {
                Err(error)
            }
            _ => Ok(()),
        }
    });
    written.await.map_err(|error| disk_failure("the support files cannot be written", &error))?;
    Ok(folder)
}

/// What is to be started.
pub(super) fn build(
    config: &RunnerConfig,
    job: &Job,
    dir: &WorkDir,
    python: &Path,
    support: &Path,
    until: Option<Moment>,
) -> Result<Spec, End> {
    let mut argv = vec![text(python), "-u".to_owned()];
    argv.extend(program(job, &dir.work(), &text(&support.join("crawlhub_launch.py")))?);
    Ok(Spec {
        argv,
        cwd: dir.work(),
        input: None,
        env: environment(config, job, &Paths::of(config, dir, python, support)),
        memory_limit_mb: job.memory_limit_mb.and_then(|limit| u64::try_from(limit).ok()).filter(|limit| *limit > 0),
        max_processes: Some(config.max_processes),
        max_file_mb: config.max_file_mb,
        confinement: confinement(config, dir, python, support),
        server: config.server.clone(),
        until,
        tail_ms: 0,
    })
}

fn confinement(config: &RunnerConfig, dir: &WorkDir, python: &Path, support: &Path) -> Option<Confinement> {
    let environment = python.parent().and_then(Path::parent).map(Path::to_owned);
    let read = environment.into_iter().chain([support.to_owned()]).collect();
    let result = dir.result_file().parent().map(Path::to_owned);
    let write = [dir.work(), dir.output(), dir.spool(), dir.home(), dir.tmp()].into_iter().chain(result).collect();
    config.confinement(read, write)
}

/// What Python is to run.
pub(super) fn program(job: &Job, work: &Path, launcher: &str) -> Result<Vec<String>, End> {
    let entry = job.entry_point.as_deref().map(str::trim).filter(|entry| !entry.is_empty());
    let launch = |verb: &str, target: &str| Ok(vec![launcher.to_owned(), verb.to_owned(), target.to_owned()]);
    let wrong = |message: String| Err(End::failed(Category::Parse, message));
    if job.scrapy {
        return launch("scrapy", entry.unwrap_or(&job.spider_name));
    }
    let entry = match entry {
        None if work.join("main.py").is_file() => return Ok(vec!["main.py".to_owned()]),
        None => return wrong("there is no main.py, and no entry point is set".to_owned()),
        Some(entry) => entry,
    };
    if let Some(file) = Path::new(entry).extension().is_some_and(|kind| kind == "py").then_some(entry) {
        return match clean(file) {
            Some(path) if work.join(path).is_file() => Ok(vec![format!("./{file}")]),
            _ => wrong(format!("the entry point {file} is not among the spider's files")),
        };
    }
    let (module, function) = entry.split_once(':').map_or((entry, None), |(module, name)| (module, Some(name)));
    if !is_dotted_name(module) || !function.is_none_or(is_dotted_name) {
        return wrong(format!("the entry point {entry} is neither a file, nor a module, nor module:function"));
    }
    if function.is_some() {
        return launch("call", entry);
    }
    let file = format!("{}.py", module.replace('.', "/"));
    if work.join(&file).is_file() { Ok(vec![file]) } else { Ok(vec!["-m".to_owned(), module.to_owned()]) }
}

fn is_dotted_name(name: &str) -> bool {
    let is_name = |part: &str| {
        !part.starts_with(|letter: char| letter.is_ascii_digit())
            && !part.is_empty()
            && part.chars().all(|letter| letter.is_alphanumeric() || letter == '_')
    };
    name.split('.').all(is_name)
}

/// Where an attempt has its folders, as the spider sees them.
pub(super) struct Paths {
    pub work: String,
    pub home: String,
    pub tmp: String,
    pub output: String,
    pub spool: String,
    pub result: String,
    pub support: String,
    /// The search path for programs.
    pub path: String,
}

impl Paths {
    fn of(config: &RunnerConfig, dir: &WorkDir, python: &Path, support: &Path) -> Self {
        let bin = python.parent().map(text).unwrap_or_default();
        Self {
            work: text(&dir.work()),
            home: text(&dir.home()),
            tmp: text(&dir.tmp()),
            output: text(&dir.output()),
            spool: text(&dir.spool()),
            result: text(&dir.result_file()),
            support: text(support),
            path: format!("{bin}:{}", config.path()),
        }
    }
}

pub(super) fn environment(config: &RunnerConfig, job: &Job, paths: &Paths) -> Vec<(String, String)> {
    let mut pairs = vec![
        ("PATH", paths.path.clone()),
        ("LANG", config.base("LANG", "C.UTF-8")),
        ("TZ", config.base("TZ", "UTC")),
        ("HOME", paths.home.clone()),
        ("TMPDIR", paths.tmp.clone()),
        ("PYTHONUNBUFFERED", "1".to_owned()),
        ("PYTHONPATH", format!("{}:{}", paths.work, paths.support)),
        ("CRAWLHUB_TASK_ID", job.task_id.to_string()),
        ("CRAWLHUB_SPIDER_ID", job.spider_id.to_string()),
        ("CRAWLHUB_API_URL", job.api_url.clone()),
        ("CRAWLHUB_TOKEN", job.token.clone()),
        ("CRAWLHUB_PARAMS", serde_json::Value::from(job.params.clone()).to_string()),
        ("CRAWLHUB_OUTPUT_DIR", paths.output.clone()),
        ("CRAWLHUB_SPOOL_DIR", paths.spool.clone()),
        ("CRAWLHUB_RESULT_FILE", paths.result.clone()),
    ];
    pairs.extend(job.rate_limit_rps.map(|rate| ("CRAWLHUB_RATE_LIMIT", rate.to_string())));
    pairs.extend(job.datasources.iter().map(|json| ("CRAWLHUB_DATASOURCES", json.clone())));
    pairs.extend(job.max_items.map(|count| ("CRAWLHUB_MAX_ITEMS", count.to_string())));
    if let Some(proxy) = &job.proxy_url {
        pairs.push(("CRAWLHUB_PROXY_URL", proxy.clone()));
        pairs.extend(["HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"].map(|name| (name, proxy.clone())));
        // The server itself is reached without: a proxy elsewhere does not know the way.
        pairs.extend(["NO_PROXY", "no_proxy"].map(|name| (name, host_of(&job.api_url))));
    }
    let mut all: Vec<(String, String)> = pairs.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    let ours = all.len();
    for (name, value) in job.env_vars.iter().filter(|(name, value)| is_sound(name, value)) {
        match all[..ours].iter_mut().find(|(present, _)| present == name) {
            // A spider may set anything but what the runner tells it.
            Some(_) if name.starts_with("CRAWLHUB_") => {}
            Some((_, path)) if name == "PYTHONPATH" => *path = format!("{path}:{value}"),
            Some((_, present)) => present.clone_from(value),
            None => all.push((name.clone(), value.clone())),
        }
    }
    all
}

/// Without brackets and port, which not all clients understand in `NO_PROXY`.
fn host_of(url: &str) -> String {
    let place = url.split_once("://").map_or(url, |(_, rest)| rest).split('/').next().unwrap_or_default();
    match place.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((host, _)) => host.to_owned(),
        None => place.split(':').next().unwrap_or_default().to_owned(),
    }
}

/// Whether the system takes it.
fn is_sound(name: &str, value: &str) -> bool {
    !name.is_empty() && !name.contains(['=', '\0']) && !value.contains('\0')
}

fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}
