//! What is left of trees whose supervisor is gone: found by a mark in the environment, by its session, by its parents.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use procfs::process::{Stat, all_processes};

/// Stands in the environment of the whole tree, as `<server>/<tree>`.
pub(super) const MARK: &str = "CRAWLHUB_SUPERVISED";

/// Kills whatever has a mark that begins with `mark`, or is in the session of `supervisor`, which is not killed itself,
/// and what those have started; until nothing of it is left, but no longer than `patience`. Whether nothing is.
pub(super) fn kill_strays(mark: &str, supervisor: Option<i32>, patience: Duration) -> bool {
    let mark = format!("{MARK}={mark}").into_bytes();
    let give_up_at = Instant::now() + patience;
    // A tree's sessions are its own; what has wiped its environment is still in them when its parents are dead.
    let mut sessions: HashSet<i32> = supervisor.into_iter().collect();
    loop {
        let alive = all_processes().into_iter().flatten().flatten().filter_map(|process| process.stat().ok());
        let alive: Vec<Stat> = alive.filter(|stat| stat.state != 'Z' && Some(stat.pid) != supervisor).collect();
        let mut strays: HashSet<i32> = HashSet::new();
        // All of them are found before the first is killed: orphans would be nobody's.
        loop {
            let before = strays.len();
            for stat in &alive {
                let is_stray = sessions.contains(&stat.session) || strays.contains(&stat.ppid);
                if !strays.contains(&stat.pid) && (is_stray || (before == 0 && carries(stat.pid, &mark))) {
                    strays.insert(stat.pid);
                    sessions.insert(stat.session);
                }
            }
            if strays.len() == before {
                break;
            }
        }
        if strays.is_empty() {
            return true;
        }
        for pid in strays {
            let _ = kill(Pid::from_raw(pid), Signal::SIGKILL);
        }
        if Instant::now() >= give_up_at {
            return false;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn carries(pid: i32, mark: &[u8]) -> bool {
    std::fs::read(format!("/proc/{pid}/environ"))
        .is_ok_and(|environment| environment.split(|byte| *byte == 0).any(|variable| variable.starts_with(mark)))
}
