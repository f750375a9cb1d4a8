//! The Python interpreter of this machine.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::config::RunnerConfig;
use super::job::{Category, End};

/// The interpreter itself, behind links and version switchers, which would cost each start some of its time.
#[derive(Debug, Clone)]
pub(super) struct Interpreter {
    pub(super) executable: PathBuf,
    pub(super) version: String,
}

const PROBE: &str = "import sys; print(sys.executable); print(sys.version.replace('\\n', ' '))";

/// Asks the configured Python. It is the operator's own, but what it loads besides need not know the server's secrets.
pub(super) async fn probe(config: &RunnerConfig) -> Result<Interpreter, End> {
    let python = &config.python;
    let failed = |reason: &str| End::failed(Category::System, format!("Python ({python}) cannot be started: {reason}"));
    let mut command = tokio::process::Command::new(python);
    let base = [("PATH", config.path()), ("LANG", config.base("LANG", "C.UTF-8")), ("TZ", config.base("TZ", "UTC"))];
    command.args(["-I", "-c", PROBE]).env_clear().envs(base);
    command.stdin(std::process::Stdio::null()).kill_on_drop(true);
    let answered = tokio::time::timeout(Duration::from_secs(30), command.output()).await;
    let output = answered.map_err(|_| failed("no answer after 30 s"))?.map_err(|error| failed(&error.to_string()))?;
    let text = String::from_utf8_lossy(&output.stdout);
    match text.lines().collect::<Vec<_>>()[..] {
        [executable, version] if output.status.success() && !executable.is_empty() => {
            Ok(Interpreter { executable: executable.into(), version: version.to_owned() })
        }
        _ => Err(failed(String::from_utf8_lossy(&output.stderr).lines().last().unwrap_or("unexpected answer"))),
    }
}

/// An executable file called `name` in the folders of `path`.
pub(super) fn find_program(name: &str, path: &str) -> Option<PathBuf> {
    let is_program =
        |path: &Path| path.metadata().is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0);
    std::env::split_paths(path).map(|folder| folder.join(name)).find(|path| is_program(path))
}
