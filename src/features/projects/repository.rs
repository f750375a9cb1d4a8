//! What a project knows of its repository: where it is, and what opens it.

use sqlx::FromRow;

use super::{ProjectChange, Projects};
use crate::{
    config::Secret,
    error::{Checks, Error, Result},
    id::ProjectId,
    platform::git::{Address, Credentials, Flaw, Revision},
    text,
};

/// As a row has it. Without an address there is none.
#[derive(Debug, Clone, Default, PartialEq, Eq, FromRow)]
#[expect(clippy::struct_field_names, reason = "the names of columns")]
pub(super) struct Repository {
    pub git_url: Option<String>,
    pub git_branch: Option<String>,
    /// Encrypted, as is the next.
    pub git_token: Option<Vec<u8>>,
    pub git_key: Option<Vec<u8>>,
    pub git_host_keys: Option<String>,
}

impl Repository {
    /// As it is once `change` has been made. What opens one server's repositories is forgotten where another one is named:
    /// who may change the address must not be able to send it elsewhere.
    pub(super) fn changed(&self, change: &ProjectChange, seal: impl Fn(&str) -> Result<Vec<u8>>) -> Result<Self> {
        let mut new = self.clone();
        if let Some(url) = &change.git_url {
            new.git_url = Some(url.clone()).filter(|url| !url.is_empty());
            let is_beside = match (&self.git_url, &new.git_url) {
                (Some(former), Some(url)) => match (Address::parse(former), Address::parse(url)) {
                    (Ok(former), Ok(url)) => former.is_beside(&url),
                    _ => false,
                },
                _ => false,
            };
            if !is_beside {
                (new.git_token, new.git_key, new.git_host_keys) = (None, None, None);
            }
        }
        if let Some(branch) = &change.git_branch {
            new.git_branch = Some(branch.clone()).filter(|branch| !branch.is_empty());
        }
        if change.forget_host_key == Some(true) {
            new.git_host_keys = None;
        }
        let mut checks = Checks::default();
        let is_https = new.git_url.as_deref().and_then(|url| Address::parse(url).ok()).map(|url| url.is_https());
        if let Some(token) = change.git_token.as_ref().map(Secret::reveal) {
            let fits = token.is_empty() || is_https == Some(true);
            checks.require(fits, "body.git_token", "value_error", || {
                text!("令牌只用于 https:// 地址的仓库", "is for a repository at an https:// address")
            });
            new.git_token = if token.is_empty() { None } else { Some(seal(token)?) };
        }
        if let Some(key) = change.git_key.as_ref().map(Secret::reveal) {
            let fits = key.is_empty() || is_https == Some(false);
            checks.require(fits, "body.git_key", "value_error", || {
                text!("部署密钥只用于 ssh 地址的仓库", "is for a repository at an ssh address")
            });
            let usable = if key.is_empty() { None } else { Credentials::usable_key(key).ok() };
            new.git_key = usable.map(|key| seal(&key)).transpose()?;
        }
        checks.finish()?;
        Ok(new)
    }

    pub(super) fn address(&self) -> Result<Address> {
        let url = self.git_url.as_deref().unwrap_or_default();
        Address::parse(url).map_err(|flaw| Error::invalid("body.git_url", "value_error", flaw.text()))
    }

    pub(super) fn revision(&self) -> Result<Revision> {
        let branch = self.git_branch.as_deref().unwrap_or_default();
        Revision::parse(branch).map_err(|flaw| Error::invalid("body.git_branch", "value_error", flaw.text()))
    }
}

/// What is wrong with the fields of a repository.
pub(super) fn check(change: &ProjectChange, checks: &mut Checks) -> Result<()> {
    let flaw = change.git_url.as_deref().filter(|url| !url.is_empty()).and_then(|url| Address::parse(url).err());
    if flaw == Some(Flaw::Password) {
        return Err(Error::bad_request("credentials_in_url", Flaw::Password.text()));
    }
    let of_branch = Revision::parse(change.git_branch.as_deref().unwrap_or_default()).err();
    for (loc, flaw) in [("body.git_url", flaw), ("body.git_branch", of_branch)] {
        checks.require(flaw.is_none(), loc, "value_error", || flaw.map_or_else(|| text!("", ""), Flaw::text));
    }
    if let Some(token) = &change.git_token
        && let Err(text) = Credentials::check_token(token.reveal())
    {
        checks.require(false, "body.git_token", "value_error", || text);
    }
    if let Some(key) = change.git_key.as_ref().filter(|key| !key.is_empty())
        && let Err(text) = Credentials::usable_key(key.reveal())
    {
        checks.require(false, "body.git_key", "value_error", || text);
    }
    Ok(())
}

impl Projects {
    pub(super) fn seal(&self, id: &ProjectId, secret: &str) -> Result<Vec<u8>> {
        self.secrets.seal(&owner(id), secret.as_bytes())
    }

    pub(super) fn credentials(&self, id: &ProjectId, repository: &Repository) -> Result<Credentials> {
        let open = |sealed: &Option<Vec<u8>>| match sealed {
            Some(sealed) => self.opened(id, sealed).map(Some),
            None => Ok(None),
        };
        Ok(Credentials { token: open(&repository.git_token)?, key: open(&repository.git_key)? })
    }

    pub(super) fn opened(&self, id: &ProjectId, sealed: &[u8]) -> Result<String> {
        String::from_utf8(self.secrets.open_sealed(&owner(id), sealed)?).map_err(Error::internal)
    }
}

/// Encrypted values open for this row alone.
fn owner(id: &ProjectId) -> String {
    format!("project:{id}")
}
