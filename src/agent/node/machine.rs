//! The machine that the agent is on: its load, and what is installed.

use std::collections::BTreeMap;

use procfs::{Current, CurrentSI, KernelStats, Meminfo};
use tokio::process::Command;

use crate::{platform::disk::Disk, protocol::NodeLoad};

#[derive(Debug, Default)]
pub(super) struct Machine {
    versions: BTreeMap<String, String>,
    /// Of all processors when it was last asked: what they did, and all they could have done.
    ticks: (u64, u64),
}

const MIB: u64 = 1024 * 1024;

impl Machine {
    /// `python` is what spiders run with, found on `path`.
    pub(super) async fn look(python: &str, path: &str) -> Self {
        let mut versions = BTreeMap::from([("agent".to_owned(), env!("CARGO_PKG_VERSION").to_owned())]);
        if let Ok(kernel) = std::fs::read_to_string("/proc/sys/kernel/osrelease") {
            versions.insert("kernel".to_owned(), kernel.trim().to_owned());
        }
        for (name, program) in [("python", python), ("git", "git")] {
            let asked = Command::new(program).arg("--version").env("PATH", path).output().await;
            let said = asked.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
            // "Python 3.11.2", "git version 2.39.5"
            if let Some(version) = said.split_whitespace().find(|word| word.starts_with(|c: char| c.is_ascii_digit())) {
                versions.insert(name.to_owned(), version.chars().take(100).collect());
            }
        }
        Self { versions, ticks: ticks() }
    }

    pub(super) fn versions(&self) -> BTreeMap<String, String> {
        self.versions.clone()
    }

    /// Since the last call.
    pub(super) fn load(&mut self, disk: &Disk) -> NodeLoad {
        let (busy, all) = ticks();
        let (was_busy, was_all) = std::mem::replace(&mut self.ticks, (busy, all));
        let passed = all.saturating_sub(was_all).max(1);
        #[expect(clippy::cast_precision_loss, reason = "a percentage")]
        let cpu_percent = busy.saturating_sub(was_busy) as f64 * 100.0 / passed as f64;
        let memory = Meminfo::current().ok();
        let total = memory.as_ref().map_or(0, |memory| memory.mem_total);
        let free = memory.as_ref().map_or(0, |memory| memory.mem_available.unwrap_or(memory.mem_free));
        let room = disk.room().ok();
        let mb = |bytes: u64| i64::try_from(bytes / MIB).unwrap_or(i64::MAX);
        NodeLoad {
            cpus: std::thread::available_parallelism().map_or(1, |cpus| i64::try_from(cpus.get()).unwrap_or(1)),
            cpu_percent: (cpu_percent * 10.0).round() / 10.0,
            memory_total_mb: mb(total),
            memory_used_mb: mb(total.saturating_sub(free)),
            disk_total_mb: room.as_ref().map_or(0, |room| mb(room.total)),
            disk_free_mb: room.as_ref().map_or(0, |room| mb(room.free)),
        }
    }
}

fn ticks() -> (u64, u64) {
    let Ok(stats) = KernelStats::current() else { return (0, 0) };
    let cpu = stats.total;
    let idle = cpu.idle + cpu.iowait.unwrap_or(0);
    let busy = cpu.user + cpu.nice + cpu.system + cpu.irq.unwrap_or(0) + cpu.softirq.unwrap_or(0);
    (busy, busy + idle)
}
