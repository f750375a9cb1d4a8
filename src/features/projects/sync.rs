//! Who fetches which repository, as rows. A project is due while it was asked for more often than it was done; whoever
//! takes it holds it for as long as it renews its lease, and nothing it does counts after that.

use std::time::Duration;

use anyhow::Context;
use chrono::TimeDelta;
use sqlx::FromRow;
use tokio::{sync::watch, time::Instant};

use super::{Projects, repository::Repository};
use crate::{
    error::{Error, Result},
    id::ProjectId,
    platform::{
        database::Transaction,
        files::Hash,
        git::{Commit, Entry, Failure, Remote},
        secrets::token_hash,
    },
    text,
};

const LEASE: Duration = Duration::from_secs(15);
const RENEW_EVERY: Duration = Duration::from_secs(1);
/// Of what hindered one, in characters.
pub(super) const LONGEST_ERROR: usize = 3000;

/// A project that is synchronised here and nowhere else.
#[derive(Debug, Clone, FromRow)]
pub struct Claim {
    pub id: ProjectId,
    sync_holder: String,
    /// Up to where it is done then.
    round: i64,
    /// Whether what users changed is thrown away.
    #[sqlx(rename = "sync_forced")]
    pub force: bool,
    #[sqlx(flatten)]
    repository: Repository,
}

/// What was brought here.
#[derive(Debug)]
pub struct Fetched {
    pub commit: Commit,
    pub tree: Vec<Entry>,
    /// The name of the copy, for [`crate::platform::git::Git::read`].
    pub copy: String,
    listing: Hash,
}

impl Projects {
    /// Takes a project that is due and that nobody is at.
    pub async fn claim_sync(&self) -> Result<Option<Claim>> {
        const FREE: &str = "git_url IS NOT NULL AND node_id IS NULL AND sync_wanted > sync_done
                            AND (sync_lease_until IS NULL OR sync_lease_until <= $3)";
        let now = self.clock.now();
        self.db
            .query_text(format!(
                "UPDATE projects
                    SET status = 'syncing', sync_holder = $1, sync_lease_until = $2, sync_progress = NULL,
                        sync_forced = sync_forced OR sync_force, sync_force = FALSE
                  WHERE id = (SELECT id FROM projects WHERE {FREE} ORDER BY id LIMIT 1) AND {FREE}
              RETURNING id, sync_holder, sync_wanted AS round, sync_forced, git_url, git_branch, git_token, git_key,
                        git_host_keys"
            ))
            .bind(crate::id::new())
            .bind(now + lease())
            .bind(now)
            .fetch_optional()
            .await
    }

    /// Renews the claim, and shows how far it is, until it is lost: to another one, to a change of the repository, or with
    /// the project. Never ends otherwise.
    pub async fn keep_sync(&self, claim: &Claim, progress: watch::Receiver<String>) {
        let mut renewed = Instant::now();
        loop {
            let said = Some(progress.borrow().clone()).filter(|said| !said.is_empty());
            let renewal = self
                .db
                .query(
                    "UPDATE projects SET sync_lease_until = $3, sync_progress = $4 WHERE id = $1 AND sync_holder = $2",
                )
                .bind(&claim.id)
                .bind(&claim.sync_holder)
                .bind(self.clock.now() + lease())
                .bind(said)
                .execute()
                .await;
            match renewal {
                Ok(0) => return,
                Ok(_) => renewed = Instant::now(),
                Err(error) if renewed.elapsed() < LEASE => {
                    tracing::warn!(project = %claim.id, "a claim is not renewed: {error}");
                }
                Err(_) => return,
            }
            tokio::time::sleep(RENEW_EVERY).await;
        }
    }

    /// For others, or for the next start.
    pub async fn give_back_sync(&self, claim: &Claim) -> Result<()> {
        self.db
            .query(
                "UPDATE projects SET sync_holder = NULL, sync_lease_until = NULL, sync_progress = NULL, status = 'pending'
                  WHERE id = $1 AND sync_holder = $2",
            )
            .bind(&claim.id)
            .bind(&claim.sync_holder)
            .execute()
            .await
            .map(drop)
    }

    /// Fails where the claim is lost; else nobody takes it until the end of the transaction.
    pub async fn hold_sync(&self, transaction: &mut Transaction, claim: &Claim) -> Result<()> {
        let held = transaction
            .query("UPDATE projects SET id = id WHERE id = $1 AND sync_holder = $2")
            .bind(&claim.id)
            .bind(&claim.sync_holder)
            .execute()
            .await?;
        if held > 0 {
            return Ok(());
        }
        Err(Error::conflict("sync_lost", text!("项目已由其他进程同步", "somebody else synchronises the project now")))
    }

    /// Brings the commit here that the project's branch is at, and keeps the list of what is in it.
    pub async fn fetch(&self, claim: &Claim, progress: &watch::Sender<String>) -> Result<Fetched> {
        let Claim { id, repository, .. } = claim;
        let (address, revision) = (repository.address()?, repository.revision()?);
        let credentials = self.credentials(id, repository)?;
        let remote = Remote {
            address: &address,
            revision: &revision,
            credentials: &credentials,
            host_keys: repository.git_host_keys.as_deref(),
        };
        let copy = copy_of(id, repository.git_url.as_deref().unwrap_or_default());
        let commit = self.git.fetch(&copy, &remote, progress).await?;
        let tree = self.git.tree(&copy, &commit.id).await?;
        let listing = self.keep_listing(&tree).await?;
        Ok(Fetched { commit, tree, copy, listing })
    }

    /// Writes down what a round came to: what was brought here, if that succeeded, and what hindered it or what follows.
    pub async fn end_sync(&self, claim: &Claim, fetched: Option<&Fetched>, error: Option<&str>) -> Result<()> {
        let commit = fetched.map(|fetched| &fetched.commit);
        let error = error.map(|error| error.replace('\0', "").chars().take(LONGEST_ERROR).collect::<String>());
        self.db
            .query(
                "UPDATE projects
                    SET status = CASE WHEN sync_wanted > $3 THEN 'pending' WHEN $4 IS NULL THEN 'active' ELSE 'error' END,
                        sync_error = $4, sync_done = $3, sync_forced = FALSE, sync_holder = NULL, sync_lease_until = NULL,
                        sync_progress = NULL, git_commit = COALESCE($5, git_commit),
                        git_subject = COALESCE($6, git_subject), git_listing = COALESCE($7, git_listing),
                        git_host_keys = COALESCE($8, git_host_keys), last_sync_at = COALESCE($9, last_sync_at)
                  WHERE id = $1 AND sync_holder = $2",
            )
            .bind(&claim.id)
            .bind(&claim.sync_holder)
            .bind(claim.round)
            .bind(error)
            .bind(commit.map(|commit| &commit.id))
            .bind(commit.map(|commit| &commit.subject))
            .bind(fetched.map(|fetched| &fetched.listing))
            .bind(commit.and_then(|commit| commit.host_keys.as_ref()))
            .bind(fetched.map(|_| self.clock.now()))
            .execute()
            .await?;
        Ok(())
    }

    /// At the start: what killed servers left in this one's folder goes, and where no others can be, so do their claims.
    pub async fn take_over(&self) -> anyhow::Result<()> {
        self.git.sweep().context("copies of repositories")?;
        if !self.db.is_shared() {
            // What a node is at it goes on with.
            let free = "UPDATE projects SET sync_holder = NULL, sync_lease_until = NULL
                         WHERE sync_holder IS NOT NULL AND node_id IS NULL";
            self.db.query(free).execute().await?;
        }
        Ok(())
    }

    /// Loop: copies of repositories that no project has any more → gone.
    pub async fn sweep_copies(&self) -> anyhow::Result<()> {
        let copies = self.git.kept().context("copies of repositories")?;
        if copies.is_empty() {
            return Ok(());
        }
        let projects: Vec<(ProjectId, String)> =
            self.db.query("SELECT id, git_url FROM projects WHERE git_url IS NOT NULL").fetch_all().await?;
        let wanted: Vec<String> = projects.iter().map(|(id, url)| copy_of(id, url)).collect();
        for copy in copies.iter().filter(|copy| !wanted.contains(copy)) {
            self.git.remove(copy).await?;
        }
        Ok(())
    }

    /// Where it cannot be removed, the loop tries again.
    pub(super) async fn remove_copy(&self, id: &ProjectId, url: &str) {
        let removed: Result<(), Failure> = self.git.remove(&copy_of(id, url)).await;
        if let Err(error) = removed {
            tracing::warn!(project = %id, "{error}");
        }
    }
}

fn lease() -> TimeDelta {
    TimeDelta::from_std(LEASE).unwrap_or_default()
}

/// Another address has another copy: what was of one repository is not told to another.
fn copy_of(id: &ProjectId, url: &str) -> String {
    let hash: String = token_hash(url).chars().filter(char::is_ascii_alphanumeric).take(12).collect();
    format!("{id}-{hash}")
}

/// Asks for another round. False where the project has no repository.
pub(super) async fn ask(transaction: &mut Transaction, id: &ProjectId, force: bool) -> Result<bool> {
    let asked = transaction
        .query(
            "UPDATE projects
                SET sync_wanted = sync_wanted + 1, sync_force = sync_force OR $2,
                    status = CASE WHEN sync_holder IS NULL THEN 'pending' ELSE status END
              WHERE id = $1 AND git_url IS NOT NULL",
        )
        .bind(id)
        .bind(force)
        .execute()
        .await?;
    Ok(asked > 0)
}
