//! Files between an editor's container and its spider, both ways: content hashes decide what moved.
//!
//! Three states are compared: what both had agreed on, what the container has, what the spider has ([`merge`]). What
//! changes at the spider changes in one transaction with the new agreement. That says first what the container has, and
//! once the container has got the spider's changes, what both have; whatever is interrupted is found by the next time.

mod amount;
mod base;
mod pack;
mod scan;
mod skipped;
mod unpack;

use std::{
    collections::{BTreeSet, HashMap},
    sync::{Arc, Mutex, PoisonError},
};

use self::{
    amount::allowed,
    base::{Base, MEANWHILE, set_base_in},
    pack::{in_time, names, pack},
    scan::{IN_ALL, Known, MOVED, Scanned, WORKSPACE, feed, scan, size_in, stamps},
    skipped::Skipped,
    unpack::unpack,
};
pub(super) use self::{
    skipped::NAME,
    unpack::{is_refused, wants_it_to_run},
};
use super::{CodeSession, CodeSessions};
use crate::{
    config,
    error::{Error, Result},
    features::spiders::files::{Merged, States, check_file, merge, states_of},
    id::CodeSessionId,
    platform::containers::{ContainerId, State},
    text,
};

/// How often all is looked at again, where something moved meanwhile.
const ATTEMPTS: u32 = 4;
/// Removes files whose names it reads, and the folders that are empty then.
const REMOVE: &str = r#"xargs -0 -r sh -c 'for file; do rm -f -- "$file"; rmdir -p --ignore-fail-on-non-empty -- "${file%/*}" 2>/dev/null; done; true' sh"#;
const EXTRACT: [&str; 7] = ["tar", "-x", "-f", "-", "--no-same-owner", "--no-same-permissions", "--no-overwrite-dir"];
/// Of a session's id, in the names of what stands aside.
const MARK: usize = 8;

/// What a synchronisation did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Synced {
    /// Files of the spider that were written, and removed.
    pub written: usize,
    pub removed: usize,
    /// Files that went into the container, or out of it, since they had changed at the spider.
    pub sent: usize,
    /// Where both had changed a file: its path, and where the container's version is now.
    pub conflicts: Vec<(String, String)>,
    /// What stays in the container, since a spider cannot have it.
    pub skipped: Vec<Skipped>,
}

impl Synced {
    /// Whether somebody worked in the editor.
    pub(super) fn has_news(&self) -> bool {
        self.written + self.removed > 0
    }

    /// Both, one after the other.
    pub(super) fn and(self, later: Self) -> Self {
        Self {
            written: self.written + later.written,
            removed: self.removed + later.removed,
            sent: self.sent + later.sent,
            conflicts: self.conflicts.into_iter().chain(later.conflicts).collect(),
            skipped: later.skipped,
        }
    }
}

/// What this server remembers of containers' files, and who is at it.
#[derive(Debug, Clone, Default)]
pub(super) struct Memory(Arc<Mutex<HashMap<CodeSessionId, Arc<tokio::sync::Mutex<Known>>>>>);

impl Memory {
    fn of(&self, id: &CodeSessionId) -> Arc<tokio::sync::Mutex<Known>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(id.clone()).or_default().clone()
    }

    pub(super) fn forget(&self, id: &CodeSessionId) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(id);
    }
}

impl CodeSessions {
    /// Brings the spider's files into the container: one that was made and not started, or one that runs and has none.
    /// Returns how many.
    pub(super) async fn fill(&self, session: &CodeSession, container: &ContainerId) -> Result<usize> {
        let files = states_of(&self.spiders.files(&session.spider_id).await?);
        let limits = self.spiders.file_limits();
        for (path, state) in &files {
            check_file(limits, path, u64::try_from(state.size).unwrap_or_default())?;
        }
        if !files.is_empty() {
            let tar = pack(self.files.clone(), files.clone().into_iter().collect(), self.seconds());
            let found = self.containers.inspect(container).await?;
            if found.is_some_and(|found| found.state.is_running()) {
                feed(&self.containers, container, &EXTRACT, tar).await?;
            } else {
                self.containers.put_archive(container, WORKSPACE, tar).await?;
            }
        }
        self.set_first_base(&session.id, &files).await?;
        Ok(files.len())
    }

    /// Brings the files of the container, whether it runs or not, and those of the spider into agreement: all of it or
    /// nothing of it.
    pub(super) async fn sync_files(&self, session: &CodeSession) -> Result<Synced> {
        let memory = self.memory.of(&session.id);
        let mut known = memory.lock().await;
        let mut attempt = 1;
        loop {
            match self.sync_once(session, &mut known).await {
                Err(Error::Conflict(problem)) if attempt < ATTEMPTS && [MOVED, MEANWHILE].contains(&problem.code) => {
                    attempt += 1;
                }
                other => return other,
            }
        }
    }

    async fn sync_once(&self, session: &CodeSession, known: &mut Known) -> Result<Synced> {
        let Some(id) = &session.container_id else { return Ok(Synced::default()) };
        let base = self.base(&session.id).await?;
        let found = self.containers.inspect(id).await?.ok_or_else(gone)?;
        if found.state == State::Created && base.version == 0 {
            // Nothing was ever in it.
            return Ok(Synced::default());
        }
        let is_running = found.state.is_running();
        let limits = allowed(self.spiders.file_limits(), &base.files);
        let Scanned { files: mut ours, left_out, known: seen } = if is_running {
            scan(&self.containers, id, known, (&limits, &self.files)).await?
        } else {
            let tar = self.containers.get_archive(id, WORKSPACE).await?;
            let tar = in_time(tar, IN_ALL, IN_ALL);
            let unpacked = unpack(tar, WORKSPACE.trim_start_matches('/'), &limits, &self.files).await?;
            Scanned { files: unpacked.files, left_out: unpacked.left_out, known: Known::new() }
        };
        // A link in the place of a file is not read, and does not remove it.
        for (path, state) in base.files.iter().filter(|(path, _)| left_out.hides(path)) {
            ours.entry(path.clone()).or_insert_with(|| state.clone());
        }
        let (mut synced, merged, version) = self.agree(session, &base, &ours).await?;
        *known = seen;
        synced.skipped = left_out.named;
        if is_running {
            synced.sent = self.send(session, id, (version, &ours, &merged), (known, &limits)).await?;
        }
        Ok(synced)
    }

    /// Changes the spider's files to what both are to have, and writes down that the container has `ours`, under the
    /// version that comes last. Nothing is written where nothing is new.
    async fn agree(&self, session: &CodeSession, base: &Base, ours: &States) -> Result<(Synced, States, i64)> {
        let id = session.id.as_str();
        let mark = id.get(id.len().saturating_sub(MARK)..).unwrap_or(id);
        let theirs = states_of(&self.spiders.files(&session.spider_id).await?);
        let Merged { files: merged, conflicts } = merge(&base.files, ours, &theirs, mark);
        if merged == theirs {
            let synced = Synced { conflicts, ..Synced::default() };
            if *ours == base.files {
                return Ok((synced, merged, base.version));
            }
            self.set_base(&session.id, base.version, ours).await?;
            return Ok((synced, merged, base.version + 1));
        }
        let mut change = self.spiders.change_files(&session.spider_id).await?;
        // As they are now that nobody else can change them.
        let theirs = states_of(&change.files);
        let Merged { files: merged, conflicts } = merge(&base.files, ours, &theirs, mark);
        let new = || merged.iter().filter(|(path, state)| theirs.get(*path) != Some(state));
        for (path, state) in new() {
            check_file(self.spiders.file_limits(), path, u64::try_from(state.size).unwrap_or_default())?;
        }
        let removed = theirs.keys().filter(|path| !merged.contains_key(*path)).count();
        let synced = Synced { written: new().count(), removed, conflicts, ..Synced::default() };
        set_base_in(&mut change.transaction, &session.id, base.version, ours).await?;
        let script = change.replace_by(&merged).await?;
        change.commit(script).await?;
        Ok((synced, merged, base.version + 1))
    }

    /// Gives a running container what only the spider has, unless it has changed there since it was looked at; then what
    /// both have is agreed on. Returns how many files.
    async fn send(
        &self,
        session: &CodeSession,
        id: &ContainerId,
        (version, ours, merged): (i64, &States, &States),
        (known, limits): (&mut Known, &config::Spiders),
    ) -> Result<usize> {
        let mut news: BTreeSet<&String> = ours.keys().filter(|path| !merged.contains_key(*path)).collect();
        news.extend(merged.iter().filter(|(path, state)| ours.get(*path) != Some(state)).map(|(path, _)| path));
        if news.is_empty() {
            return Ok(0);
        }
        let now = stamps(&self.containers, id, limits).await?;
        news.retain(|path| now.get(*path) == known.get(*path).map(|(stamp, _)| stamp));
        let (writes, removals): (Vec<&String>, Vec<&String>) =
            news.iter().partition(|path| merged.contains_key(**path));
        if !removals.is_empty() {
            let dotted: Vec<String> = removals.iter().map(|path| format!("./{path}")).collect();
            feed(&self.containers, id, &["sh", "-c", REMOVE], names(dotted.iter().map(String::as_str))).await?;
        }
        if !writes.is_empty() {
            let entries = writes.iter().map(|path| ((*path).clone(), merged[*path].clone())).collect();
            let tar = pack(self.files.clone(), entries, self.seconds());
            if let Err(error) = feed(&self.containers, id, &EXTRACT, tar).await {
                if let Err(swept) = self.sweep(id, &writes, merged, (known, limits)).await {
                    tracing::warn!(session = %session.id, "halves of files may stay in an editor: {swept}");
                }
                return Err(error);
            }
        }
        let mut both = ours.clone();
        for path in &news {
            known.remove(*path);
            match merged.get(*path) {
                Some(state) => both.insert((*path).clone(), state.clone()),
                None => both.remove(*path),
            };
        }
        self.set_base(&session.id, version, &both).await?;
        Ok(news.len())
    }

    /// Removes what was begun of files that could not be written, as on a full disk: it would be taken for somebody's work.
    /// The spider has them.
    async fn sweep(
        &self,
        id: &ContainerId,
        begun: &[&String],
        merged: &States,
        (known, limits): (&Known, &config::Spiders),
    ) -> Result<()> {
        let now = stamps(&self.containers, id, limits).await?;
        let halves = begun.iter().filter(|path| {
            let (Some(stamp), Some(whole)) = (now.get(**path), merged.get(**path)) else { return false };
            let is_new = known.get(**path).is_none_or(|(former, _)| former != stamp);
            is_new && size_in(stamp).is_some_and(|size| size < whole.size)
        });
        let dotted: Vec<String> = halves.map(|path| format!("./{path}")).collect();
        if dotted.is_empty() {
            return Ok(());
        }
        feed(&self.containers, id, &["sh", "-c", REMOVE], names(dotted.iter().map(String::as_str))).await
    }

    fn seconds(&self) -> u64 {
        u64::try_from(self.clock.now().timestamp()).unwrap_or_default()
    }
}

fn gone() -> Error {
    Error::conflict("container_gone", text!("编辑器的容器已不存在", "the editor's container is gone"))
}
