//! A spider is brought to a commit.

use super::{
    super::{
        Spiders,
        deployments::{self, NewVersion},
        files::{FilesChange, Merged, State, States, merge, states_of},
    },
    choose::{Chosen, choose, folder_of},
    store,
    types::{Agreed, FileAside},
};
use crate::{
    error::{Error, Result},
    features::projects::{Claim, Fetched},
    id::{DeploymentId, SpiderId},
    platform::git::{Commit, Kind},
};

/// Of a commit's id, in notes and in the names of what stands aside.
const SHORT: usize = 12;
const MARK: usize = 8;
const LONGEST_NOTE: usize = 450;

impl Spiders {
    pub(super) async fn bring(&self, id: &SpiderId, claim: &Claim, fetched: &Fetched) -> Result<()> {
        let spider = self.get(id).await?;
        let folder = folder_of(&spider.git_repo).map_err(|flaw| Error::invalid("git_repo", "path", flaw.text()))?;
        let former = store::agreed(&self.db, id).await?.unwrap_or_default();
        let is_there = spider.git_commit.as_ref() == Some(&fetched.commit.id) && spider.git_error.is_none();
        if is_there && former.folder == folder && !former.tree.is_empty() && !claim.force {
            return Ok(());
        }
        let chosen = choose(&fetched.tree, &folder, self.file_limits())?;
        if former.tree == chosen.tree && former.folder == folder && !claim.force {
            // Nothing that is its own has changed.
            return self.note_git_commit(id, &fetched.commit.id).await;
        }
        let theirs = self.contents(&chosen, fetched).await?;
        let mut change = self.change_files(id).await?;
        self.projects.hold_sync(&mut change.transaction, claim).await?;
        let former = store::agreed_in(&mut change.transaction, id).await?.unwrap_or_default();
        let merged = if claim.force {
            Merged { files: theirs.clone(), conflicts: Vec::new() }
        } else {
            let mark = &fetched.commit.id[..MARK];
            merge(&former.files, &states_of(&change.files), &theirs, mark)
        };
        let script = change.replace_by(&merged.files).await?;
        change.settle(script).await?;
        store::set_commit(&mut change.transaction, id, &fetched.commit.id).await?;
        let aside = |(path, aside): &(String, String)| FileAside { path: path.clone(), aside: aside.clone() };
        let conflicts: Vec<FileAside> = merged.conflicts.iter().map(aside).collect();
        let note = note_of(&fetched.commit, different(&merged.files, &theirs));
        let agreed = Agreed { folder, tree: chosen.tree, files: theirs };
        store::agree(&mut change.transaction, id, &agreed, (&chosen.left_out, &conflicts), change.now).await?;
        if !merged.files.is_empty() {
            self.deploy_commit(&mut change, id, note, claim.force).await?;
        }
        change.transaction.commit().await
    }

    /// What the commit has, its contents kept as blobs.
    async fn contents(&self, chosen: &Chosen<'_>, fetched: &Fetched) -> Result<States> {
        let entries: Vec<_> = chosen.files.iter().map(|(_, entry)| *entry).collect();
        let hashes = self.projects.git().read(&fetched.copy, &entries, &self.blobs).await?;
        let files = chosen.files.iter().zip(hashes).map(|((path, entry), hash)| {
            let size = i64::try_from(entry.size).unwrap_or(i64::MAX);
            (path.clone(), State { hash, executable: entry.kind == Kind::Executable, size })
        });
        Ok(files.collect())
    }

    /// The files as they are become the next version, and the one that runs; but where somebody has chosen another one than
    /// the newest, or none, that stays. A version like the newest one is not made again.
    async fn deploy_commit(&self, change: &mut FilesChange, id: &SpiderId, note: String, force: bool) -> Result<()> {
        let transaction = &mut change.transaction;
        let code_hash = self.code_hash_in(transaction, id).await?;
        let newest = deployments::store::newest_in(transaction, id).await?;
        let is_newest_active = newest.as_ref().is_none_or(deployments::Deployment::is_active);
        let is_chosen = !is_newest_active && !force;
        let is_same = newest.is_some_and(|newest| newest.code_hash == code_hash);
        if is_same && (is_newest_active || is_chosen) {
            return Ok(());
        }
        let new = NewVersion {
            id: DeploymentId::generate(),
            number: None,
            note,
            created_at: change.now,
            is_active: !is_chosen,
        };
        self.deploy_in(&mut change.transaction, id, new, change.now).await.map(drop)
    }
}

fn note_of(commit: &Commit, different: usize) -> String {
    let id = &commit.id[..SHORT];
    let note: String = format!("git {id} {}", commit.subject).trim().chars().take(LONGEST_NOTE).collect();
    match different {
        0 => note,
        1 => format!("{note} (+ 1 file changed here)"),
        count => format!("{note} (+ {count} files changed here)"),
    }
}

/// How many files are not as the commit has them.
fn different(merged: &States, theirs: &States) -> usize {
    let other = merged.iter().filter(|(path, state)| theirs.get(*path) != Some(state)).count();
    other + theirs.keys().filter(|path| !merged.contains_key(*path)).count()
}
