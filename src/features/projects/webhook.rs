//! The forge says that something was pushed. It proves itself by a secret of the project's own: GitHub and Gitea sign what
//! they send with it, GitLab sends it along.

use axum::http::HeaderMap;
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;
use utoipa::ToSchema;

use super::Projects;
use crate::{
    error::{Error, Problem, Result},
    id::ProjectId,
    platform::{
        git::Revision,
        secrets::{is_hmac_of, random_token},
    },
    text,
};

/// Shown once.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct WebhookSecret {
    pub secret: String,
    /// Where the forge is to send its pushes, below the server's address.
    pub path: String,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct WebhookAnswer {
    /// False where the push was of another branch.
    pub pull: bool,
}

/// What of a push counts. Other events name no `ref`.
#[derive(Debug, Default, Deserialize)]
struct Push {
    r#ref: Option<String>,
    repository: Option<PushRepository>,
    /// GitLab's word for the same.
    project: Option<PushRepository>,
}

#[derive(Debug, Default, Deserialize)]
struct PushRepository {
    default_branch: Option<String>,
}

impl Projects {
    /// Makes a new one; the former is worth nothing from now on.
    pub(super) async fn renew_webhook_secret(&self, id: &ProjectId) -> Result<WebhookSecret> {
        let secret = random_token();
        let sealed = self.seal(id, &secret)?;
        let set = "UPDATE projects SET webhook_secret = $2 WHERE id = $1";
        if self.db.query(set).bind(id).bind(sealed).execute().await? == 0 {
            self.get(id).await?;
        }
        Ok(WebhookSecret { secret, path: format!("/platform/api/crawlhub/projects/{id}/webhook") })
    }

    /// Pulls, if the push was of the project's branch.
    pub(super) async fn receive_push(&self, id: &ProjectId, headers: &HeaderMap, body: &[u8]) -> Result<WebhookAnswer> {
        let found: Option<(Option<Vec<u8>>, Option<String>)> = self
            .db
            .query("SELECT webhook_secret, git_branch FROM projects WHERE id = $1")
            .bind(id)
            .fetch_optional()
            .await?;
        // Whoever does not know the secret does not learn which projects there are.
        let Some((Some(sealed), branch)) = found else { return Err(refused()) };
        if !is_proven(self.opened(id, &sealed)?.as_bytes(), headers, body) {
            return Err(refused());
        }
        let pull = is_wanted(&push_of(body), branch.as_deref().unwrap_or_default());
        if pull {
            self.pull(id, false).await?;
        }
        Ok(WebhookAnswer { pull })
    }
}

fn is_proven(secret: &[u8], headers: &HeaderMap, body: &[u8]) -> bool {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    if let Some(signature) = header("x-hub-signature-256") {
        return signature.strip_prefix("sha256=").is_some_and(|hex| is_hmac_of(secret, body, hex));
    }
    header("x-gitlab-token").is_some_and(|token| token.as_bytes().ct_eq(secret).into())
}

/// As JSON, or as the form that GitHub can send it in.
fn push_of(body: &[u8]) -> Push {
    let from_form = || {
        let payload = form_urlencoded::parse(body).find(|(name, _)| name == "payload")?.1;
        serde_json::from_str(&payload).ok()
    };
    serde_json::from_slice(body).ok().or_else(from_form).unwrap_or_default()
}

fn is_wanted(push: &Push, branch: &str) -> bool {
    let Some(pushed) = &push.r#ref else { return true };
    match Revision::parse(branch) {
        Ok(Revision::Default) => {
            let mut places = [&push.repository, &push.project].into_iter().flatten();
            match places.find_map(|place| place.default_branch.as_deref()) {
                Some(default) => *pushed == format!("refs/heads/{default}"),
                None => pushed.starts_with("refs/heads/"),
            }
        }
        Ok(Revision::Commit(_)) => false,
        Ok(revision) => *pushed == revision.name(),
        Err(_) => true,
    }
}

fn refused() -> Error {
    Error::Unauthenticated(Problem {
        code: "webhook_refused",
        text: text!(
            "签名或令牌不正确：请在代码平台中填写本项目的 Webhook 密钥",
            "the signature or token is wrong or missing: give the forge the webhook secret of this project"
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pushes_of_the_branch_count() {
        let github = r#"{"ref": "refs/heads/main", "repository": {"default_branch": "main"}}"#;
        let gitlab = r#"{"ref": "refs/heads/dev", "project": {"default_branch": "main"}, "repository": {}}"#;
        let form = "payload=%7B%22ref%22%3A%22refs%2Fheads%2Fmain%22%7D";
        for (body, branch, wanted) in [
            (github, "main", true),
            (github, "", true),
            (github, "dev", false),
            (github, "refs/heads/main", true),
            (github, "refs/tags/v1", false),
            (github, "0123456789012345678901234567890123456789", false),
            (gitlab, "dev", true),
            (gitlab, "", false),
            (form, "main", true),
            (form, "dev", false),
            (r#"{"ref": "refs/tags/v1"}"#, "", false),
            (r#"{"zen": "ping"}"#, "dev", true),
            ("no JSON", "dev", true),
        ] {
            assert_eq!(is_wanted(&push_of(body.as_bytes()), branch), wanted, "{body} {branch}");
        }
    }
}
