//! The files of a spider: rows of path and content hash; the contents are blobs.
//!
//! Every change is one transaction that no other change of the same spider runs beside, and that judges the outcome:
//! limits, collisions. Blobs are written before it; one that nothing came to refer to does no harm.

mod archive;
mod download;
mod limits;
mod merge;
mod merged;
mod paths;
mod routes;
mod service;
mod store;
mod types;

pub(super) use download::zip_answer;
pub use limits::check_file;
pub(super) use limits::{Amount, check_growth};
pub use merge::{Merged, State, States, merge};
pub use merged::states_of;
pub use paths::{Flaw, LEFT_OUT, LEFT_OUT_FOLDERS, Tree, clean, is_left_out};
pub(super) use routes::router;
pub use store::FilesChange;
pub(super) use types::FileText;
pub use types::SpiderFile;

use crate::error::{Error, Result};

/// The script that a spider without an entry point runs.
pub const MAIN: &str = "main.py";

/// What `script_content` can hold of a file: the text of `main.py`. PostgreSQL keeps no NUL in texts.
pub fn script_of(path: &str, content: &[u8]) -> Option<String> {
    std::str::from_utf8(content).ok().filter(|text| path == MAIN && !text.contains('\0')).map(str::to_owned)
}

/// For work that would hold up others on its thread.
pub async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(Error::internal)?
}
