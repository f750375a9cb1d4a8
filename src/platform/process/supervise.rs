//! The supervisor: a small process without a runtime, and but for a moment without threads, between the server and one
//! child.

use std::fs::File;
use std::os::fd::AsFd;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Command, ExitCode, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::prctl;
use nix::sys::resource::{Resource, setrlimit};
use nix::sys::signal::{SigSet, Signal, kill};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::{Pid, setsid};

use super::confine;
use super::control::Control;
use super::moment::Moment;
use super::open_files;
use super::presence;
use super::protocol::{Cause, Exit, News, Order, Spec, Usage};
use super::tree::{self, Meter};

/// How long a tree may clean up when its server is gone, or was silent for too long.
const ORPHAN_GRACE: Duration = Duration::from_secs(5);
const MEASURE_EVERY: Duration = Duration::from_millis(100);
/// A tree that has half of what it may have can be over the limit soon.
const MEASURE_EVERY_NEAR_LIMIT: Duration = Duration::from_millis(25);
const REPORT_EVERY: Duration = Duration::from_secs(1);
/// The kernel should end a spider rather than the server when memory runs out.
const CHILD_OOM_SCORE: i16 = 500;

/// Runs as the supervisor until nothing of the tree is left. To be called before any thread is started.
pub fn supervise() -> ExitCode {
    let Ok(mut control) = Control::open() else { return ExitCode::FAILURE };
    let Some(Order::Start { spec, open_files }) = control.wait() else { return ExitCode::FAILURE };
    match Supervisor::start(&mut control, &spec, open_files) {
        Ok(mut supervisor) => {
            supervisor.control.send(&News::Started);
            let exit = supervisor.run();
            control.send(&News::Exit(exit));
            ExitCode::SUCCESS
        }
        Err(error) => {
            control.send(&News::Failed { message: format!("{error:#}") });
            ExitCode::FAILURE
        }
    }
}

struct Supervisor<'a> {
    control: &'a mut Control,
    spec: &'a Spec,
    /// Held to the end.
    _server: Option<File>,
    child: Pid,
    /// Of the child, once it has ended.
    status: Option<ExitStatus>,
    child_ended: SignalFd,
    meter: Meter,
    usage: Usage,
    cause: Cause,
    /// When the tree is told to end, unless it is allowed more.
    until: Option<Moment>,
    /// When the tree, told to end, is killed.
    deadline: Option<Instant>,
}

impl<'a> Supervisor<'a> {
    fn start(control: &'a mut Control, spec: &'a Spec, open_files: Option<u64>) -> anyhow::Result<Self> {
        // Away from the server's terminal: Ctrl-C there is the server's business.
        setsid().context("setsid")?;
        prctl::set_child_subreaper(true).context("subreaper")?;
        setrlimit(Resource::RLIMIT_CORE, 0, 0).context("core limit")?;
        if let Some(soft) = open_files {
            open_files::allow(soft).context("limit of open files")?;
        }
        if let Some(limit) = spec.max_file_mb {
            let bytes = limit.saturating_mul(1024 * 1024);
            setrlimit(Resource::RLIMIT_FSIZE, bytes, bytes).context("file size limit")?;
        }
        // The order may have waited for as long as the server stood still.
        if spec.until.is_some_and(|until| until.left().is_zero()) {
            bail!("the server lost its claim on the task");
        }
        let server = spec.server.as_deref().map(presence::join).transpose()?;
        let child = spawn(spec)?;
        // Nobody with the same user id may look into this process or take its socket.
        prctl::set_dumpable(false).context("dumpable")?;
        // Only now: the child would inherit a blocked signal. One that ended before is found by `reap`.
        let mut signals = SigSet::empty();
        signals.add(Signal::SIGCHLD);
        signals.thread_block().context("block SIGCHLD")?;
        let child_ended = SignalFd::with_flags(&signals, SfdFlags::SFD_NONBLOCK | SfdFlags::SFD_CLOEXEC)?;
        let meter = Meter::new(Pid::this().as_raw());
        Ok(Self {
            control,
            spec,
            _server: server,
            child,
            status: None,
            child_ended,
            meter,
            usage: Usage::default(),
            cause: Cause::Itself,
            until: spec.until,
            deadline: None,
        })
    }

    fn run(&mut self) -> Exit {
        let mut measure_at = Instant::now();
        let mut report_at = measure_at;
        loop {
            let all_ended = self.reap();
            let now = Instant::now();
            // Those that were told to end may do so in their own order; without an order the first one decides.
            if all_ended
                || (self.status.is_some() && self.deadline.is_none())
                || self.deadline.is_some_and(|at| at <= now)
            {
                break;
            }
            if measure_at <= now {
                let limit = self.spec.memory_limit_mb.unwrap_or(u64::MAX);
                self.usage = self.meter.measure(limit.saturating_mul(1024 * 1024));
                if self.is_over_limit() {
                    break;
                }
                let near = self.usage.memory_mb > limit / 2;
                measure_at = now + if near { MEASURE_EVERY_NEAR_LIMIT } else { MEASURE_EVERY };
            }
            if report_at <= now {
                self.control.send(&News::Usage(self.usage));
                report_at = now + REPORT_EVERY;
            }
            self.wait_until(self.deadline.map_or(measure_at, |at| at.min(measure_at)));
            self.obey();
            self.check_until();
        }
        self.kill_all();
        let last = self.meter.measure(u64::MAX);
        Exit {
            code: self.status.and_then(|status| status.code()),
            signal: self.status.and_then(|status| status.signal()),
            cause: self.cause,
            peak_memory_mb: last.peak_memory_mb,
            cpu_seconds: last.cpu_seconds,
        }
    }

    fn is_over_limit(&mut self) -> bool {
        if self.spec.memory_limit_mb.is_some_and(|limit| self.usage.memory_mb > limit) {
            self.cause = Cause::Memory;
        } else if self.spec.max_processes.is_some_and(|limit| self.usage.processes > limit) {
            self.cause = Cause::Processes;
        } else {
            return false;
        }
        true
    }

    /// Until a process ended, an order came, or `time`.
    fn wait_until(&mut self, time: Instant) {
        let timeout = time.saturating_duration_since(Instant::now()) + Duration::from_millis(1);
        let timeout = PollTimeout::try_from(timeout).unwrap_or(PollTimeout::MAX);
        let mut sources = [
            PollFd::new(self.child_ended.as_fd(), PollFlags::POLLIN),
            PollFd::new(self.control.as_fd(), PollFlags::POLLIN),
        ];
        // A closed socket is readable for ever: it is looked at once.
        let watched = if self.control.is_closed() { 1 } else { 2 };
        let _ = poll(&mut sources[..watched], timeout);
        let readable = watched == 2 && sources[1].any() == Some(true);
        while matches!(self.child_ended.read_signal(), Ok(Some(_))) {}
        if readable {
            self.control.read();
        }
    }

    fn obey(&mut self) {
        while let Some(order) = self.control.take() {
            match order {
                Order::Stop { grace_ms } => self.end(Cause::Stopped, Duration::from_millis(grace_ms) + self.tail()),
                Order::Until(until) => self.until = Some(until),
                Order::Start { .. } => {}
            }
        }
        if self.control.is_closed() {
            self.end(Cause::ServerGone, ORPHAN_GRACE + self.tail());
        }
    }

    fn tail(&self) -> Duration {
        Duration::from_millis(self.spec.tail_ms)
    }

    /// Others may start the task soon after: what is still there by then has had its time, also if the machine slept.
    fn check_until(&mut self) {
        let Some(until) = self.until.filter(|until| until.left().is_zero()) else { return };
        let grace = (until + (ORPHAN_GRACE + self.tail())).left();
        self.end(Cause::Lapsed, grace);
        self.deadline = self.deadline.map(|deadline| deadline.min(Instant::now() + grace));
    }

    fn end(&mut self, cause: Cause, grace: Duration) {
        if self.deadline.is_none() {
            self.cause = cause;
            self.deadline = Some(Instant::now() + grace);
            tree::signal_each(Pid::this().as_raw(), self.child.as_raw(), Signal::SIGTERM);
        }
    }

    /// Takes the status of those that ended; true when no child is left at all.
    fn reap(&mut self) -> bool {
        loop {
            let (pid, raw) = match waitpid(None, Some(WaitPidFlag::WNOHANG)) {
                Ok(WaitStatus::Exited(pid, code)) => (pid, (code & 0xff) << 8),
                Ok(WaitStatus::Signaled(pid, signal, _)) => (pid, signal as i32),
                Ok(WaitStatus::StillAlive) => return false,
                Err(Errno::ECHILD) => return true,
                Ok(_) | Err(_) => continue,
            };
            if pid == self.child {
                self.status = Some(ExitStatus::from_raw(raw));
            }
        }
    }

    /// Until nothing is left. All are stopped first, as those that fork would win the race.
    /// Whoever loses its parent becomes a child of this process, so "no child" means "no descendant".
    fn kill_all(&mut self) {
        let this = Pid::this().as_raw();
        while !self.reap() {
            let mut stopped = std::collections::HashSet::new();
            for _ in 0..20 {
                let fresh: Vec<i32> =
                    tree::scan(this).iter().map(|stat| stat.pid).filter(|pid| stopped.insert(*pid)).collect();
                if fresh.is_empty() {
                    break;
                }
                for pid in fresh {
                    let _ = kill(Pid::from_raw(pid), Signal::SIGSTOP);
                }
            }
            for pid in stopped {
                let _ = kill(Pid::from_raw(pid), Signal::SIGKILL);
            }
            self.wait_until(Instant::now() + Duration::from_millis(5));
        }
    }
}

fn spawn(spec: &Spec) -> anyhow::Result<Pid> {
    let Some((program, arguments)) = spec.argv.split_first() else { bail!("no program given") };
    if !spec.cwd.is_dir() {
        bail!("working directory {} is missing", spec.cwd.display());
    }
    let mut command = Command::new(program);
    command.args(arguments).current_dir(&spec.cwd).env_clear().envs(spec.env.iter().map(|(name, value)| (name, value)));
    let input = match &spec.input {
        Some(file) => File::open(file).with_context(|| format!("cannot read {}", file.display()))?.into(),
        None => Stdio::null(),
    };
    command.stdin(input).stdout(Stdio::inherit()).stderr(Stdio::inherit()).process_group(0);
    // Raised for the moment of the fork, so that the child has it from its first instruction on.
    let own = procfs::process::Process::myself().ok();
    let score = own.as_ref().and_then(|process| process.oom_score_adj().ok()).unwrap_or(0);
    let set_score = |score| own.as_ref().map(|process| process.set_oom_score_adj(score));
    set_score(score.max(CHILD_OOM_SCORE));
    let child = match &spec.confinement {
        Some(confinement) => confine::spawn(&mut command, confinement),
        None => command.spawn().map_err(Into::into),
    };
    let child = child.with_context(|| format!("{program} cannot be started"));
    set_score(score);
    Ok(Pid::from_raw(i32::try_from(child?.id())?))
}
