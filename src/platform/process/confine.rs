//! Confinement of a child by Landlock and seccomp: what it and its descendants may open, and whom they may signal.
//!
//! Landlock only allows, beneath a path, and is inherited. So "everything but" is spelt out: whatever stands beside the
//! way to a hidden path is allowed by itself. What is made there later is not seen, and those folders on the way
//! cannot be listed.

use std::fs::{File, OpenOptions};
use std::io::ErrorKind;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};

use anyhow::{Context, anyhow, ensure};
use caps::CapSet;
use landlock::{
    ABI, Access, AccessFs, BitFlags, CompatLevel, Compatible, PathBeneath, Ruleset, RulesetAttr, RulesetCreated,
    RulesetCreatedAttr, RulesetStatus, Scope,
};
use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::libc::{AF_UNIX, SOCK_STREAM, SYS_io_uring_setup, SYS_prlimit64, SYS_socket};
use rustix::{
    fs::{Access as Asked, AtFlags, CWD, accessat},
    thread::set_thread_groups,
};
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule, TargetArch,
};
use serde::{Deserialize, Serialize};

/// What the rules were written for and tested with. Older kernels do what they can of it.
const VERSION: ABI = ABI::V7;
/// The last that the kernel learned of what matters here: signals.
const COMPLETE_SINCE: ABI = ABI::V6;
/// Beneath them anybody may write, as ever.
const SHARED: [&str; 2] = ["/tmp", "/var/tmp"];
/// Of the devices only these: a disk would show every file, to those who may open it.
const DEVICES: &str = "/dev";
const HARMLESS_DEVICES: [&str; 10] =
    ["null", "zero", "full", "random", "urandom", "tty", "ptmx", "pts", "shm", "mqueue"];

/// Of the second argument of `socket(2)`; the rest are flags.
const KIND_OF_SOCKET: u64 = 0xf;
/// The bit of the numbers of calls in x86-64's other binary interface, which some kernels have.
const X32: i64 = 0x4000_0000;

/// What a child may reach. What is neither hidden nor allowed can be read, as far as file modes let it.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Confinement {
    /// Nothing beneath them is seen, but for what the others name.
    pub hidden: Vec<PathBuf>,
    /// To be read and executed.
    pub read: Vec<PathBuf>,
    /// To be written as well.
    pub write: Vec<PathBuf>,
    /// Sockets that nobody is to connect with. No rule of Landlock's is of that, and the kernel cannot be told one socket
    /// from another: where modes let the child write to one of them, it can make no UNIX stream socket at all, but pairs.
    pub sockets: Vec<PathBuf>,
}

impl Confinement {
    /// Those of `sockets` that file modes do not protect.
    pub fn sockets_in_reach(&self) -> Vec<PathBuf> {
        let look = || {
            give_up_privileges()?;
            anyhow::Ok(self.sockets.iter().filter(|socket| may_write(socket)).cloned().collect())
        };
        // What is given up is so for a thread, and for ever.
        std::thread::scope(|scope| scope.spawn(look).join()).ok().and_then(Result::ok).unwrap_or_default()
    }
}

/// How much of it the kernel enforces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Strength {
    None,
    /// Files are protected, but for some ways to change them; processes may not be.
    Partial,
    Full,
}

impl Strength {
    /// Found by trying, in a thread that ends with it: a container may forbid what the kernel can.
    pub fn of_this_machine() -> Self {
        let attempt = std::thread::spawn(|| {
            let enforced = ruleset(CompatLevel::BestEffort, VERSION)?.restrict_self()?.ruleset;
            let is_complete = ruleset(CompatLevel::HardRequirement, COMPLETE_SINCE).is_ok();
            anyhow::Ok(match enforced {
                RulesetStatus::NotEnforced => Self::None,
                _ if is_complete && filter_calls(false).is_ok() => Self::Full,
                _ => Self::Partial,
            })
        });
        attempt.join().ok().and_then(Result::ok).unwrap_or(Self::None)
    }
}

/// Starts `command` confined. Only a thread that ends here is confined with it: the caller can still kill and watch.
pub(super) fn spawn(command: &mut Command, confinement: &Confinement) -> anyhow::Result<Child> {
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().spawn_scoped(scope, || {
            restrict(confinement).context("the process cannot be confined")?;
            Ok(command.spawn()?)
        })?;
        thread.join().map_err(|_| anyhow!("the process cannot be confined: the thread panicked"))?
    })
}

/// For this thread and whatever it starts, for ever. Its privileges are given up, and none are gained again.
fn restrict(confinement: &Confinement) -> anyhow::Result<()> {
    let mut rules = Rules { ruleset: ruleset(CompatLevel::BestEffort, VERSION)?, hidden: Vec::new() };
    for path in &confinement.hidden {
        match path.canonicalize() {
            Ok(path) => rules.hidden.push(path),
            // What is not there needs no hiding.
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(error).context(path.display().to_string()),
        }
    }
    // Its entries are allowed one by one.
    rules.hidden.push(DEVICES.into());
    rules.allow_around(Path::new("/"), AccessFs::from_read(VERSION))?;
    for shared in SHARED.iter().filter_map(|path| Path::new(path).canonicalize().ok()) {
        rules.allow_around(&shared, writing())?;
    }
    rules.hidden.pop();
    for device in HARMLESS_DEVICES {
        rules.allow_around(&Path::new(DEVICES).join(device), writing())?;
    }
    for path in &confinement.read {
        rules.allow_within(path, AccessFs::from_read(VERSION))?;
    }
    for path in &confinement.write {
        rules.allow_within(path, writing())?;
    }
    let status = rules.ruleset.restrict_self()?;
    ensure!(status.ruleset != RulesetStatus::NotEnforced, "the kernel does not take Landlock's rules");
    give_up_privileges()?;
    let without_sockets = confinement.sockets.iter().any(|socket| may_write(socket));
    match filter_calls(without_sockets) {
        Err(error) if without_sockets => Err(error),
        // The rest is worth having; the server has said so at its start.
        _ => Ok(()),
    }
}

/// Root's capabilities would open what Landlock closes: since Linux 6.11 `CAP_PERFMON` reads the environment of every
/// process. What is started gets none back, as it gains no privilege by its start. Further groups, as an engine's, are the
/// server's, not its spiders'; only who is as good as root can leave them.
fn give_up_privileges() -> anyhow::Result<()> {
    match set_thread_groups(&[]) {
        Ok(()) | Err(rustix::io::Errno::PERM) => {}
        Err(error) => return Err(error).context("groups"),
    }
    for set in [CapSet::Effective, CapSet::Permitted, CapSet::Inheritable] {
        caps::clear(None, set).context("capabilities")?;
    }
    Ok(())
}

fn may_write(path: &Path) -> bool {
    accessat(CWD, path, Asked::WRITE_OK, AtFlags::EACCESS).is_ok()
}

/// Landlock lets a process set the limits of every other of its user, and one of no CPU time kills. Those that name
/// themselves by number are refused as well; what runs is of the machine's own architecture only, as the numbers of
/// calls differ between them.
fn filter_calls(without_sockets: bool) -> anyhow::Result<()> {
    let architecture: TargetArch = std::env::consts::ARCH.try_into()?;
    let names_a_process = SeccompCondition::new(0, SeccompCmpArgLen::Dword, SeccompCmpOp::Ne, 0)?;
    let sets = SeccompCondition::new(2, SeccompCmpArgLen::Qword, SeccompCmpOp::Ne, 0)?;
    let mut refusals = vec![(SYS_prlimit64, vec![SeccompRule::new(vec![names_a_process, sets])?])];
    if without_sockets {
        let of_this_machine =
            SeccompCondition::new(0, SeccompCmpArgLen::Dword, SeccompCmpOp::Eq, u64::try_from(AF_UNIX)?)?;
        let kind = SeccompCmpOp::MaskedEq(KIND_OF_SOCKET);
        let stream = SeccompCondition::new(1, SeccompCmpArgLen::Dword, kind, u64::try_from(SOCK_STREAM)?)?;
        refusals.push((SYS_socket, vec![SeccompRule::new(vec![of_this_machine, stream])?]));
        // It makes sockets past every filter.
        refusals.push((SYS_io_uring_setup, Vec::new()));
    }
    if architecture == TargetArch::x86_64 {
        let others: Vec<_> = refusals.iter().map(|(call, rules)| (call | X32, rules.clone())).collect();
        refusals.extend(others);
    }
    let rules = refusals.into_iter().collect();
    let refused = SeccompAction::Errno(Errno::EPERM as u32);
    let filter: BpfProgram = SeccompFilter::new(rules, SeccompAction::Allow, refused, architecture)?.try_into()?;
    seccompiler::apply_filter(&filter).context("system calls cannot be filtered")
}

/// No devices: one made by root would be a way around every rule.
fn writing() -> BitFlags<AccessFs> {
    AccessFs::from_all(VERSION) & !(AccessFs::MakeChar | AccessFs::MakeBlock)
}

fn ruleset(level: CompatLevel, version: ABI) -> anyhow::Result<RulesetCreated> {
    let ruleset = Ruleset::default().set_compatibility(level).handle_access(AccessFs::from_all(version))?;
    Ok(ruleset.scope(Scope::from_all(version))?.create()?)
}

struct Rules {
    ruleset: RulesetCreated,
    hidden: Vec<PathBuf>,
}

impl Rules {
    /// All beneath `path` but what is hidden. `path` has no symbolic link in it.
    fn allow_around(&mut self, path: &Path, access: BitFlags<AccessFs>) -> anyhow::Result<()> {
        if self.hidden.iter().any(|hidden| path.starts_with(hidden)) {
            return Ok(());
        }
        if !self.leads_to_hidden(path) {
            // What has gone in the meantime, or is closed to this user, is no loss.
            return open(path).map_or(Ok(()), |file| self.allow(&file, access));
        }
        for entry in std::fs::read_dir(path).into_iter().flatten().flatten() {
            self.allow_around(&entry.path(), access)?;
        }
        Ok(())
    }

    /// All beneath `path`, which may itself be beneath something hidden, but not above.
    fn allow_within(&mut self, path: &Path, access: BitFlags<AccessFs>) -> anyhow::Result<()> {
        let path = path.canonicalize().with_context(|| path.display().to_string())?;
        if self.leads_to_hidden(&path) || self.hidden.contains(&path) {
            return Ok(());
        }
        let file = open(&path).with_context(|| path.display().to_string())?;
        self.allow(&file, access)
    }

    fn leads_to_hidden(&self, path: &Path) -> bool {
        self.hidden.iter().any(|hidden| hidden != path && hidden.starts_with(path))
    }

    fn allow(&mut self, file: &File, access: BitFlags<AccessFs>) -> anyhow::Result<()> {
        let kind = file.metadata()?.file_type();
        // Where it leads to is allowed by its own name, or hidden: a spider may have laid it.
        if kind.is_symlink() {
            return Ok(());
        }
        let access = if kind.is_dir() { access } else { access & AccessFs::from_file(VERSION) };
        (&mut self.ruleset).add_rule(PathBeneath::new(file, access))?;
        Ok(())
    }
}

/// A handle to the entry itself, be it a link, that opens nothing.
fn open(path: &Path) -> std::io::Result<File> {
    OpenOptions::new().read(true).custom_flags((OFlag::O_PATH | OFlag::O_NOFOLLOW).bits()).open(path)
}
