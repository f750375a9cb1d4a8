//! Loop: projects whose repositories are due → fetched, and their spiders brought to the commit.

use std::time::Duration;

use futures_util::{StreamExt, stream::FuturesUnordered};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::super::Spiders;
use crate::{
    error::{Error, Result},
    features::projects::{Claim, Fetched},
    id::SpiderId,
};

/// Repositories at a time, on this server.
const AT_ONCE: usize = 4;
/// How often it is looked for more while some are under way.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Spiders that are named where they could not take a commit.
const MOST_NAMED: usize = 5;

impl Spiders {
    pub async fn follow_repositories(&self, stop: &CancellationToken) -> anyhow::Result<()> {
        let due = self.projects.sync_due();
        let mut running = FuturesUnordered::new();
        loop {
            while running.len() < AT_ONCE && !stop.is_cancelled() {
                match self.projects.claim_sync().await {
                    Ok(Some(claim)) => running.push(self.follow(claim, stop)),
                    Ok(None) => break,
                    Err(error) if running.is_empty() => return Err(error.into()),
                    // What is under way goes on.
                    Err(error) => {
                        tracing::warn!("it is not known which repositories are due: {error}");
                        break;
                    }
                }
            }
            if running.is_empty() {
                return Ok(());
            }
            tokio::select! {
                Some(ended) = running.next() => if let Err(error) = ended {
                    tracing::warn!("a repository is fetched again: {error}");
                },
                () = due.notified() => {}
                () = tokio::time::sleep(LOOK_EVERY) => {}
            }
        }
    }

    /// To the end of the round. What is broken off is done again: by the next start, or once its lease is over.
    async fn follow(&self, claim: Claim, stop: &CancellationToken) -> Result<()> {
        let (progress, shown) = watch::channel(String::new());
        let work = async {
            match self.projects.fetch(&claim, &progress).await {
                Ok(fetched) => {
                    let trouble = self.bring_all(&claim, &fetched, &progress).await?;
                    Ok::<_, Error>((Some(fetched), trouble))
                }
                Err(error) => Ok((None, Some(said(error)?))),
            }
        };
        let (fetched, trouble): (Option<Fetched>, Option<String>) = tokio::select! {
            ended = work => ended?,
            () = self.projects.keep_sync(&claim, shown) => return Ok(()),
            () = stop.cancelled() => return self.projects.give_back_sync(&claim).await,
        };
        self.projects.end_sync(&claim, fetched.as_ref(), trouble.as_deref()).await
    }

    /// What hindered which spiders, if any.
    async fn bring_all(
        &self,
        claim: &Claim,
        fetched: &Fetched,
        progress: &watch::Sender<String>,
    ) -> Result<Option<String>> {
        let spiders: Vec<(SpiderId, String)> = self
            .db
            .query("SELECT id, name FROM spiders WHERE project_id = $1 AND source = 'git' ORDER BY id")
            .bind(&claim.id)
            .fetch_all()
            .await?;
        let (count, mut troubles) = (spiders.len(), Vec::new());
        for (place, (id, name)) in spiders.into_iter().enumerate() {
            progress.send_replace(format!("spider {} of {count}: {name}", place + 1));
            match self.bring(&id, claim, fetched).await {
                Ok(()) => {}
                Err(Error::NotFound(problem)) if problem.code == "spider_not_found" => {}
                Err(Error::Conflict(problem)) if problem.code == "sync_lost" => return Err(Error::Conflict(problem)),
                Err(error) => {
                    let error = said(error)?;
                    self.note_git_error(&id, &error).await?;
                    troubles.push(format!("{name}: {error}"));
                }
            }
        }
        if troubles.is_empty() {
            return Ok(None);
        }
        let failed = troubles.len();
        troubles.truncate(MOST_NAMED);
        Ok(Some(format!("{failed} of {count} spiders cannot take the commit: {}", troubles.join("; "))))
    }
}

/// In words for people. What may well succeed a little later stays an error.
fn said(error: Error) -> Result<String> {
    match error {
        Error::Internal(source) => {
            tracing::error!("a repository cannot be used: {source:?}");
            Ok("the server failed; its log says more".to_owned())
        }
        error if error.is_disk_full() => Ok("the server's disk has no room for the repository".to_owned()),
        error if error.is_passing() => Err(error),
        error => Ok(error.to_string()),
    }
}
