//! The commit that a branch is at, brought here: that one alone, without history and tags.

use tokio::sync::watch;

use super::{Address, Credentials, Failure, Git, Revision, Trouble, run};

/// The name that the commit has here.
const TIP: &str = "refs/crawlhub/tip";
const LONGEST_SUBJECT: usize = 200;
const MOST_PRINTED: u64 = 64 * 1024;

#[derive(Debug)]
pub struct Remote<'a> {
    pub address: &'a Address,
    pub revision: &'a Revision,
    pub credentials: &'a Credentials,
    /// What [`Commit::host_keys`] was the last time. None: the first key that the host shows is believed.
    pub host_keys: Option<&'a str>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commit {
    /// 40 hexadecimal digits.
    pub id: String,
    /// The first line of its message.
    pub subject: String,
    /// Over ssh: by what the host is known from now on.
    pub host_keys: Option<String>,
}

impl Git {
    /// Brings the copy called `name` to the commit that is wanted, and says how far it is. Only one call at a time may do
    /// so with a copy; cut off, it is done again.
    pub async fn fetch(
        &self,
        name: &str,
        remote: &Remote<'_>,
        progress: &watch::Sender<String>,
    ) -> Result<Commit, Failure> {
        let fetched = Box::pin(self.fetch_into(name, remote, progress)).await;
        let Err(failure) = fetched else { return fetched };
        // What is too large takes no room further; what failed for a reason of its own may be broken.
        if [Trouble::TooLarge, Trouble::DiskFull, Trouble::Memory, Trouble::Other].contains(&failure.trouble) {
            self.remove(name).await?;
        }
        Err(failure.without_secrets(|words| remote.credentials.cut_from(words, remote.address)))
    }

    async fn fetch_into(
        &self,
        name: &str,
        remote: &Remote<'_>,
        progress: &watch::Sender<String>,
    ) -> Result<Commit, Failure> {
        let addresses = remote.address.resolve(self.0.allow_private).await?;
        let private = self.private(remote, &addresses).await?;
        let repository = self.ready(name).await?;
        let arguments = [
            "fetch",
            "--progress",
            "--depth=1",
            "--no-tags",
            "--no-recurse-submodules",
            "--no-write-fetch-head",
            "--no-auto-gc",
            "--force",
            "--",
            remote.address.as_str(),
            &format!("+{}:{TIP}", remote.revision.name()),
        ];
        let mut call = run::Call::local(&repository, &arguments);
        (call.private, call.writes) = (Some(private.path()), true);
        self.run(call, Some(progress), run::nothing).await.map_err(|failure| failure.asked_for(remote.revision))?;
        let log = ["log", "-1", "--no-show-signature", "--no-mailmap", "--no-decorate", "--format=%H%n%s", TIP, "--"];
        let printed =
            self.run(run::Call::local(&repository, &log), None, |stdout| run::all(stdout, MOST_PRINTED)).await?;
        let printed = printed.map_err(|error| Failure::local("the commit cannot be read", &error))?;
        let printed = String::from_utf8_lossy(&printed);
        let (id, subject) = printed.split_once('\n').unwrap_or_default();
        if id.len() != 40 {
            return Err(Failure::said(Trouble::NoRevision, "it is no commit that is there"));
        }
        let subject = subject.chars().filter(|letter| !letter.is_control()).take(LONGEST_SUBJECT).collect();
        Ok(Commit { id: id.to_owned(), subject, host_keys: private.host_keys() })
    }
}
