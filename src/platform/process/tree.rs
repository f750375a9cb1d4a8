//! The processes below a process, found in /proc.

use std::collections::HashMap;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use procfs::process::{Process, Stat, all_processes};

use super::protocol::Usage;

/// All descendants, from one pass over the machine's processes.
pub(super) fn scan(root: i32) -> Vec<Stat> {
    let mut by_parent: HashMap<i32, Vec<Stat>> = HashMap::new();
    for stat in all_processes().into_iter().flatten().flatten().filter_map(|process| process.stat().ok()) {
        by_parent.entry(stat.ppid).or_default().push(stat);
    }
    let mut found: Vec<Stat> = by_parent.remove(&root).unwrap_or_default();
    let mut next = 0;
    while next < found.len() {
        found.extend(by_parent.remove(&found[next].pid).unwrap_or_default());
        next += 1;
    }
    found
}

/// The same by the kernel's lists of children: costs what the tree costs, however busy the machine is.
/// May miss some while they come and go, so it measures and does not kill.
fn walk(root: i32) -> Vec<Stat> {
    let mut found = Vec::new();
    let mut parents = vec![root];
    while let Some(parent) = parents.pop() {
        for child in children(parent) {
            if let Ok(stat) = Process::new(child).and_then(|process| process.stat()) {
                parents.push(child);
                found.push(stat);
            }
        }
    }
    found
}

fn children(parent: i32) -> Vec<i32> {
    let tasks = Process::new(parent).and_then(|process| process.tasks());
    let lists = tasks.into_iter().flatten().flatten().filter_map(|task| task.children().ok());
    lists.flatten().filter_map(|child| i32::try_from(child).ok()).collect()
}

/// Sends `signal` once to each process of the group and to each descendant outside it: twice would mean
/// "at once" to some (Scrapy).
pub(super) fn signal_each(root: i32, group: i32, signal: Signal) {
    let _ = nix::sys::signal::killpg(Pid::from_raw(group), signal);
    for stat in scan(root).iter().filter(|stat| stat.pgrp != group) {
        let _ = kill(Pid::from_raw(stat.pid), signal);
    }
}

/// Measures a tree again and again.
#[derive(Debug)]
pub(super) struct Meter {
    root: i32,
    peak_bytes: u64,
    lists_children: bool,
}

impl Meter {
    pub(super) fn new(root: i32) -> Self {
        let path = format!("/proc/{root}/task/{root}/children");
        Self { root, peak_bytes: 0, lists_children: std::path::Path::new(&path).exists() }
    }

    /// What the tree uses now. `limit_bytes` says from where on it pays to look closely.
    pub(super) fn measure(&mut self, limit_bytes: u64) -> Usage {
        let tree = if self.lists_children { walk(self.root) } else { scan(self.root) };
        let resident = |stat: &Stat| stat.rss.saturating_mul(procfs::page_size());
        let mut bytes: u64 = tree.iter().map(resident).sum();
        if bytes > limit_bytes && tree.len() > 1 {
            // Pages that forks share were counted once for each of them.
            bytes = tree.iter().map(|stat| share_of_memory(stat.pid).unwrap_or_else(|| resident(stat))).sum();
        }
        let waited_for = nix::sys::resource::getrusage(nix::sys::resource::UsageWho::RUSAGE_CHILDREN).ok();
        let largest = waited_for.map_or(0, |usage| u64::try_from(usage.max_rss()).unwrap_or(0) * 1024);
        self.peak_bytes = self.peak_bytes.max(bytes).max(largest);
        let ticks: u64 = tree.iter().map(|stat| stat.utime + stat.stime + waited_ticks(stat)).sum();
        let ended = waited_for.map_or(0.0, |usage| seconds(usage.user_time()) + seconds(usage.system_time()));
        #[expect(clippy::cast_precision_loss, reason = "a figure for people")]
        let cpu_seconds = ended + ticks as f64 / procfs::ticks_per_second() as f64;
        Usage {
            memory_mb: bytes.div_ceil(MB),
            peak_memory_mb: self.peak_bytes.div_ceil(MB),
            processes: tree.len() as u64,
            cpu_seconds,
        }
    }
}

const MB: u64 = 1024 * 1024;

fn waited_ticks(stat: &Stat) -> u64 {
    u64::try_from(stat.cutime + stat.cstime).unwrap_or(0)
}

#[expect(clippy::cast_precision_loss, reason = "a figure for people")]
fn seconds(time: nix::sys::time::TimeVal) -> f64 {
    time.tv_sec() as f64 + time.tv_usec() as f64 / 1e6
}

/// Proportional set size: a page that n processes share counts 1/n.
fn share_of_memory(pid: i32) -> Option<u64> {
    let rollup = Process::new(pid).and_then(|process| process.smaps_rollup()).ok()?;
    rollup.memory_map_rollup.into_iter().next()?.extension.map.get("Pss").copied()
}
