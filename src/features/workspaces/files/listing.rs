//! What a folder has.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{WorkPath, Workspaces, scripts::LIST};
use crate::{
    error::{Checks, Error, Result},
    features::{
        accounts::Caller,
        workspaces::types::{Kind, Workspace},
    },
    text,
};

/// Of what `find` prints of one folder.
const LONGEST: usize = 32 * 1024 * 1024;
const FIELDS: usize = 4;
const LARGEST_PAGE: usize = 10_000;

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct ListParams {
    /// The folder; left out: the workspace's own.
    #[serde(default)]
    pub path: String,
    /// From 1.
    #[serde(default = "one")]
    #[param(default = 1, minimum = 1)]
    pub page: usize,
    /// 1 to 10000.
    #[serde(default = "thousand")]
    #[param(default = 1000, minimum = 1, maximum = 10000)]
    pub page_size: usize,
}

fn one() -> usize {
    1
}

fn thousand() -> usize {
    1000
}

impl ListParams {
    fn check(&self) -> Result<()> {
        let mut checks = Checks::default();
        checks.require(self.page >= 1, "query.page", "value_error", || text!("从 1 开始", "starts at 1"));
        checks.require((1..=LARGEST_PAGE).contains(&self.page_size), "query.page_size", "value_error", || {
            text!("须在 1 到 {LARGEST_PAGE} 之间", "must be between 1 and {LARGEST_PAGE}")
        });
        checks.finish()
    }
}

/// Folders first, by name.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = WorkspaceFiles)]
pub(super) struct Listing {
    pub files: Vec<Entry>,
    /// How many the folder has in all.
    pub total: usize,
}

#[derive(Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = WorkspaceFile)]
pub(super) struct Entry {
    pub filename: String,
    /// From the workspace.
    pub path: String,
    /// In bytes; 0 of folders.
    pub size: u64,
    pub is_dir: bool,
    /// A link, or something else that cannot be downloaded.
    pub is_special: bool,
    pub modified_at: Option<DateTime<Utc>>,
}

impl Workspaces {
    pub(super) async fn list_files(
        &self,
        caller: &Caller,
        workspace: Workspace,
        params: &ListParams,
    ) -> Result<Listing> {
        params.check()?;
        let path = WorkPath::parse(&params.path)?;
        if workspace.engine.is_none() {
            // Nothing was ever in it.
            return if path.name().is_none() { Ok(Listing { files: Vec::new(), total: 0 }) } else { Err(none()) };
        }
        let mut run = self.enter(workspace, &caller.user_id, Kind::Files).await?;
        let listed = self.done(&mut run, LIST, &path.parts(), LONGEST).await?;
        run.over().await?;
        let mut files = entries(&listed.stdout, &path);
        files.sort_by(|one, other| (!one.is_dir, &one.filename).cmp(&(!other.is_dir, &other.filename)));
        let total = files.len();
        let first = (params.page - 1).saturating_mul(params.page_size);
        Ok(Listing { files: files.into_iter().skip(first).take(params.page_size).collect(), total })
    }
}

fn none() -> Error {
    super::refused(super::scripts::NONE, b"")
}

fn entries(printed: &[u8], folder: &WorkPath) -> Vec<Entry> {
    let (mut fields, mut found) = (printed.split(|byte| *byte == 0), Vec::new());
    loop {
        let entry: Vec<&[u8]> = fields.by_ref().take(FIELDS).collect();
        let [kind, size, time, name] = entry[..] else { return found };
        let text = |field: &[u8]| String::from_utf8_lossy(field).into_owned();
        let (is_dir, filename) = (kind == b"d", text(name));
        found.push(Entry {
            path: folder.joined(&filename),
            filename,
            size: if is_dir { 0 } else { text(size).parse().unwrap_or_default() },
            is_dir,
            is_special: !is_dir && kind != b"f",
            modified_at: time_of(&text(time)),
        });
    }
}

/// As "1700000000.1234567890".
fn time_of(text: &str) -> Option<DateTime<Utc>> {
    DateTime::from_timestamp(text.split('.').next()?.parse().ok()?, 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_any_kind() {
        let printed = "d\x004096\x001700000000.5\0数据\0f\x0012\x00-5.0\0a\nb\tc\0l\x003\0x\0link\0".as_bytes();
        let found = entries(printed, &WorkPath::parse("in").unwrap());
        let short: Vec<_> =
            found.iter().map(|entry| (entry.path.as_str(), entry.size, entry.is_dir, entry.is_special)).collect();
        let expected = [("in/数据", 0, true, false), ("in/a\nb\tc", 12, false, false), ("in/link", 3, false, true)];
        assert_eq!(short, expected);
        assert_eq!(found[0].modified_at.unwrap().timestamp(), 1_700_000_000);
        assert!(found[1].modified_at.is_some() && found[2].modified_at.is_none());
    }
}
