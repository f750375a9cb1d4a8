//! Spiders that come from elsewhere, with their ids. What of one is not acceptable here is left out and named: the rest of
//! it is worth having.

use bytes::Bytes;
use chrono::{DateTime, Utc};
use serde_json::{Map, Value};

use super::{
    Spider, SpiderChange, SpiderFile, Spiders,
    deployments::NewVersion,
    files::{check_file, clean, is_left_out},
};
use crate::{
    error::{Detail, Error, Result},
    features::env_vars::{self, EnvVars},
    id::{DeploymentId, ProjectId, SpiderId},
};

/// A spider as it was elsewhere.
#[derive(Debug)]
pub struct Newcomer {
    pub id: SpiderId,
    /// The default one where there is no such project.
    pub project_id: ProjectId,
    /// As in [`SpiderChange`]. Null is as good as left out.
    pub fields: Map<String, Value>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

/// A version of a spider's code as it was elsewhere.
#[derive(Debug)]
pub struct Code {
    pub id: DeploymentId,
    pub version: i64,
    pub entry_point: Option<String>,
    pub note: String,
    pub created_at: DateTime<Utc>,
    pub files: Vec<CodeFile>,
}

#[derive(Debug)]
pub struct CodeFile {
    pub path: String,
    pub content: Bytes,
    pub executable: bool,
}

impl Spiders {
    /// What was left out of it, as "field: why". None where there was a spider of that id already.
    pub async fn adopt(&self, newcomer: Newcomer) -> Result<Option<Vec<String>>> {
        match self.require(&newcomer.id).await {
            Ok(()) => return Ok(None),
            Err(Error::NotFound(_)) => {}
            Err(error) => return Err(error),
        }
        let mut left_out = Vec::new();
        let project_id = match self.projects.get(&newcomer.project_id).await {
            Ok(project) => project.id,
            Err(Error::NotFound(_)) => {
                left_out.push(format!("project_id: there is no project {}", newcomer.project_id));
                self.projects.default_id().await?
            }
            Err(error) => return Err(error),
        };
        let mut change = self.acceptable(newcomer.fields, &mut left_out)?;
        let env_vars = acceptable_env_vars(change.env_vars.take(), &mut left_out)?;
        let name = change.name.take().unwrap_or_else(|| newcomer.id.to_string());
        let mut spider = Spider::named(name, project_id, newcomer.created_at);
        (spider.id, spider.updated_at) = (newcomer.id, newcomer.updated_at);
        change.apply(&mut spider);
        spider.sealed_env_vars = self.sealed(&spider.id, &env_vars)?;
        self.insert(&spider, None).await?;
        Ok(Some(left_out))
    }

    /// Whether the spider is as it was when it came, at `updated_at`.
    pub async fn is_untouched(&self, id: &SpiderId, updated_at: DateTime<Utc>) -> Result<bool> {
        Ok(self.get(id).await?.updated_at == updated_at)
    }

    /// Makes a spider active that is as it was when it came; false where it is not, or was active.
    pub async fn activate_untouched(&self, id: &SpiderId, updated_at: DateTime<Utc>) -> Result<bool> {
        let spider = self.get(id).await?;
        if spider.is_active || spider.updated_at != updated_at {
            return Ok(false);
        }
        self.change(id, SpiderChange { is_active: Some(true), ..SpiderChange::default() }).await?;
        Ok(true)
    }

    /// Makes the code the spider's files and its active version; the spider still counts as changed at `updated_at`, so
    /// that what was broken off can be done again. False where the version is there.
    pub async fn adopt_code(&self, id: &SpiderId, code: Code, updated_at: DateTime<Utc>) -> Result<bool> {
        match self.deployment(id, &code.id).await {
            Ok(_) => return Ok(false),
            Err(Error::NotFound(_)) => {}
            Err(error) => return Err(error),
        }
        let mut files = Vec::with_capacity(code.files.len());
        for CodeFile { path, content, executable } in code.files {
            let path = clean(&path).map_err(|flaw| Error::invalid("path", "path", flaw.text()))?;
            if is_left_out(&path) {
                continue;
            }
            check_file(&self.limits, &path, content.len() as u64)?;
            let size = i64::try_from(content.len()).unwrap_or(i64::MAX);
            let hash = self.blobs.put(content).await?;
            files.push(SpiderFile { executable, ..SpiderFile::new(id, path, hash, size, code.created_at) });
        }
        let mut change = self.change_files(id).await?;
        change.replace_all(files).await?;
        change
            .transaction
            .query("UPDATE spiders SET updated_at = $2, entry_point = COALESCE($3, entry_point) WHERE id = $1")
            .bind(id)
            .bind(updated_at)
            .bind(&code.entry_point)
            .execute()
            .await?;
        change.commit(None).await?;
        let new = NewVersion {
            id: code.id,
            number: Some(code.version),
            note: code.note,
            created_at: code.created_at,
            is_active: true,
        };
        let mut transaction = self.db.begin().await?;
        self.deploy_in(&mut transaction, id, new, updated_at).await?;
        transaction.commit().await?;
        Ok(true)
    }

    /// The fields that can be kept.
    fn acceptable(&self, fields: Map<String, Value>, left_out: &mut Vec<String>) -> Result<SpiderChange> {
        let mut kept = Map::new();
        for (name, value) in fields.into_iter().filter(|(_, value)| !value.is_null()) {
            let alone = Map::from_iter([(name.clone(), value.clone())]);
            match serde_json::from_value::<SpiderChange>(Value::Object(alone)) {
                Ok(_) => drop(kept.insert(name, value)),
                Err(error) => left_out.push(format!("{name}: {error}")),
            }
        }
        loop {
            let mut change: SpiderChange =
                serde_json::from_value(Value::Object(kept.clone())).map_err(Error::internal)?;
            let details = match change.prepare(self.bounds(), self.clock.now()) {
                Ok(()) => return Ok(change),
                Err(Error::Invalid(details)) => details,
                Err(error) => return Err(error),
            };
            let before = kept.len();
            for Detail { loc, text, .. } in &details {
                if let Some(name) = loc.split('.').nth(1)
                    && kept.remove(name).is_some()
                {
                    left_out.push(format!("{name}: {}", text.en));
                }
            }
            if kept.len() == before {
                return Err(Error::Invalid(details));
            }
        }
    }
}

/// The variables that can be kept.
fn acceptable_env_vars(given: Option<Value>, left_out: &mut Vec<String>) -> Result<EnvVars> {
    let Some(mut given) = given else { return Ok(EnvVars::new()) };
    if let Some(object) = given.as_str().and_then(|json| serde_json::from_str(json).ok()) {
        given = object;
    }
    loop {
        let details = match env_vars::read("body.env_vars", &given, &EnvVars::new()) {
            Ok(env_vars) => return Ok(env_vars),
            Err(Error::Invalid(details)) => details,
            Err(error) => return Err(error),
        };
        left_out.extend(details.iter().map(|detail| format!("{}: {}", &detail.loc["body.".len()..], detail.text.en)));
        let name = details.first().and_then(|detail| detail.loc.strip_prefix("body.env_vars."));
        let removed = name.and_then(|name| given.as_object_mut()?.remove(name));
        if removed.is_none() {
            return Ok(EnvVars::new());
        }
    }
}
