//! How many files may be open at once. A thousand followers of a log are a thousand sockets, and many systems give a
//! process as many unless it asks for more. Children get what the server was given: some programs close, one by one, all
//! that they could have open.

use std::sync::OnceLock;

use nix::sys::resource::{Resource, getrlimit, setrlimit};

/// What this process was given, where it asked for more.
static GIVEN: OnceLock<u64> = OnceLock::new();

/// Takes as much as this process may have.
pub fn allow_many() -> nix::Result<()> {
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
    if soft < hard {
        setrlimit(Resource::RLIMIT_NOFILE, hard, hard)?;
        GIVEN.get_or_init(|| soft);
    }
    Ok(())
}

/// For children; `None` where this process has what it was given.
pub(super) fn given() -> Option<u64> {
    GIVEN.get().copied()
}

/// Goes back to so many.
pub(super) fn allow(soft: u64) -> nix::Result<()> {
    let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
    setrlimit(Resource::RLIMIT_NOFILE, soft.min(hard), hard)
}
