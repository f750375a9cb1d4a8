//! Where files are kept.

use anyhow::{Context, bail, ensure};
use reqwest::Url;
use serde::Deserialize;

use super::Secret;

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Storage {
    pub url: String,
    pub access_key_id: Secret,
    pub secret_access_key: Secret,
    pub session_token: Secret,
}

/// A bucket that speaks S3.
#[derive(Debug, Clone)]
pub struct Bucket {
    pub name: String,
    /// Of all that is kept in it; empty: none.
    pub prefix: String,
    /// None: Amazon's own.
    pub endpoint: Option<String>,
    pub region: String,
    /// Whether it is addressed as a host (`bucket.endpoint`), and not as a path.
    pub is_host: bool,
    /// None: what the machine may do by itself (its role), as Amazon's own tools find it.
    pub keys: Option<Keys>,
}

#[derive(Debug, Clone)]
pub struct Keys {
    pub id: Secret,
    pub secret: Secret,
    pub session_token: Secret,
}

impl Storage {
    /// None: a folder of this machine.
    pub fn bucket(&self) -> anyhow::Result<Option<Bucket>> {
        if self.url.is_empty() {
            return Ok(None);
        }
        // Not quoted: it may hold a key after all.
        let url: Url = self.url.parse().ok().context("storage.url (CRAWLHUB_STORAGE) is no address")?;
        ensure!(
            url.scheme() == "s3",
            "storage.url (CRAWLHUB_STORAGE) must be s3://bucket/prefix?endpoint=…&region=…, or empty for <data_dir>/files"
        );
        ensure!(
            url.username().is_empty() && url.password().is_none(),
            "storage.url must hold no keys: they are storage.access_key_id and storage.secret_access_key"
        );
        let name = url.host_str().filter(|name| !name.is_empty()).context("storage.url names no bucket")?.to_owned();
        let (mut endpoint, mut region, mut is_host) = (None, None, false);
        for (key, value) in url.query_pairs() {
            match &*key {
                "endpoint" => endpoint = Some(value.into_owned()),
                "region" => region = Some(value.into_owned()),
                "style" if value == "host" => is_host = true,
                "style" if value == "path" => is_host = false,
                "style" => bail!("storage.url: style must be path or host"),
                _ => bail!("storage.url: unknown parameter {key:?}; there are endpoint, region and style"),
            }
        }
        if let Some(endpoint) = &endpoint {
            let known = endpoint.parse::<Url>().is_ok_and(|url| ["http", "https"].contains(&url.scheme()));
            ensure!(known, "storage.url: endpoint must start with http:// or https://");
        }
        // Of Amazon's the region is part of the address; others seldom have any.
        let default = endpoint.as_ref().map(|_| "us-east-1".to_owned());
        let region = region.or(default).context("storage.url must name a region, as s3://bucket?region=eu-west-1")?;
        let keys = match (self.access_key_id.is_empty(), self.secret_access_key.is_empty()) {
            (true, true) => None,
            (false, false) => Some(Keys {
                id: self.access_key_id.clone(),
                secret: self.secret_access_key.clone(),
                session_token: self.session_token.clone(),
            }),
            _ => bail!("storage.access_key_id and storage.secret_access_key go together"),
        };
        Ok(Some(Bucket { name, prefix: url.path().trim_matches('/').to_owned(), endpoint, region, is_host, keys }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bucket(url: &str) -> anyhow::Result<Option<Bucket>> {
        let (id, secret) = (Secret::from("id".to_owned()), Secret::from("secret".to_owned()));
        Storage { url: url.to_owned(), access_key_id: id, secret_access_key: secret, session_token: Secret::default() }
            .bucket()
    }

    #[test]
    fn a_bucket_is_an_address() {
        assert!(bucket("").unwrap().is_none());
        let found = bucket("s3://crawl.files/a/b/?endpoint=http://127.0.0.1:9000&style=host").unwrap().unwrap();
        assert_eq!(
            (&*found.name, &*found.prefix, &*found.region, found.is_host),
            ("crawl.files", "a/b", "us-east-1", true)
        );
        assert_eq!(found.endpoint.as_deref(), Some("http://127.0.0.1:9000"));
        let found = bucket("s3://crawl?region=eu-west-1").unwrap().unwrap();
        assert_eq!((&*found.prefix, &*found.region, found.endpoint), ("", "eu-west-1", None));
    }

    #[test]
    fn what_is_wrong_with_it_is_named_and_keys_are_not() {
        for (url, said) in [
            ("/var/files", "no address"),
            ("ftp://x", "s3://bucket"),
            ("s3:///x?region=a", "no bucket"),
            ("s3://AKIA:topsecret@bucket?region=a", "must hold no keys"),
            ("s3://bucket", "region"),
            ("s3://bucket?region=a&acl=public", "\"acl\""),
            ("s3://bucket?endpoint=minio:9000", "http://"),
            ("s3://bucket?region=a&style=x", "style"),
        ] {
            let error = format!("{:#}", bucket(url).unwrap_err());
            assert!(error.contains(said) && !error.contains("topsecret"), "{url}: {error}");
        }
    }
}
