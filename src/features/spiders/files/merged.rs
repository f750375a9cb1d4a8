//! Files that were merged become the spider's.

use std::collections::{HashMap, HashSet};

use super::{FilesChange, MAIN, SpiderFile, State, States, script_of};
use crate::error::Result;

/// The spider's files as one side of a merge.
pub fn states_of(files: &[SpiderFile]) -> States {
    files.iter().map(|file| (file.path.clone(), State::from(file))).collect()
}

impl FilesChange {
    /// Makes `merged` all there is, whose contents are blobs and whose sizes were looked at. What keeps its path keeps its
    /// id, and so does what was only renamed. Returns what [`Self::commit`] is to be told.
    pub async fn replace_by(&mut self, merged: &States) -> Result<Option<String>> {
        let script = match merged.get(MAIN) {
            Some(main) => script_of(MAIN, &self.blobs.get(&main.hash).await?),
            None => None,
        };
        let files = rows_of(self, merged);
        self.replace_all(files).await?;
        Ok(script)
    }
}

fn rows_of(change: &FilesChange, merged: &States) -> Vec<SpiderFile> {
    let mut gone: HashMap<&str, Vec<&SpiderFile>> = HashMap::new();
    for file in change.files.iter().filter(|file| !merged.contains_key(&file.path)) {
        gone.entry(&file.hash).or_default().push(file);
    }
    let former: HashSet<&str> = change.files.iter().map(|file| file.path.as_str()).collect();
    merged
        .iter()
        .map(|(path, state)| {
            let new = SpiderFile::new(&change.spider_id, path.clone(), state.hash.clone(), state.size, change.now);
            let new = SpiderFile { executable: state.executable, ..new };
            if former.contains(path.as_str()) {
                return new;
            }
            match gone.get_mut(state.hash.as_str()).and_then(|gone| take_like(gone, path)) {
                Some(renamed) => SpiderFile { id: renamed.id.clone(), created_at: renamed.created_at, ..new },
                None => new,
            }
        })
        .collect()
}

/// Of files that had the same content: one of the same name, as when a folder is renamed, or any.
fn take_like<'a>(gone: &mut Vec<&'a SpiderFile>, path: &str) -> Option<&'a SpiderFile> {
    let name = path.rsplit('/').next();
    let like = gone.iter().position(|file| file.path.rsplit('/').next() == name);
    like.or(gone.len().checked_sub(1)).map(|at| gone.swap_remove(at))
}
