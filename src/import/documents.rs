//! Documents of the predecessor's MongoDB.

use std::time::Duration;

use anyhow::{Context, anyhow};
use chrono::{DateTime, Utc};
use futures_util::{AsyncReadExt, StreamExt, stream::BoxStream};
use mongodb::{
    Client, Database,
    bson::{Bson, Document, doc, oid::ObjectId},
    error::ErrorKind,
    options::{ClientOptions, GridFsBucketOptions},
};
use serde_json::{Map, Number, Value};

use crate::{
    error::{Error, Result},
    text,
};

pub(super) const ITEMS: &str = "spider_data";
pub(super) const LOGS: &str = "spider_logs";
pub(super) const COLLECTIONS: [&str; 2] = [ITEMS, LOGS];
/// Of [`OldDocuments::is_at`]; empty but for a moment.
const MARKS: &str = "crawlhub_import_marks";
const ARCHIVES: &str = "spider_deployments";
/// Of an archive, in bytes.
const LARGEST_ARCHIVE: u64 = 128 << 20;

pub(super) struct OldDocuments {
    database: Database,
    /// Its hosts and its name: what tells it from others, without credentials.
    pub name: String,
}

impl OldDocuments {
    pub(super) async fn open(url: &str) -> anyhow::Result<Self> {
        // The URL may hold a password and is not repeated.
        let mut options = ClientOptions::parse(url).await.map_err(|_| anyhow!("not a MongoDB address"))?;
        options.server_selection_timeout.get_or_insert(Duration::from_secs(10));
        let hosts = hosts_of(&options);
        let client = Client::with_options(options)?;
        let database = match client.default_database() {
            Some(database) => database,
            None => database_with_items(&client).await?,
        };
        database.run_command(doc! { "ping": 1 }).await.context("it does not answer")?;
        let name = format!("{hosts}/{}", database.name());
        Ok(Self { database, name })
    }

    /// Whether `url`, of the documents kept here, leads to this very database, by whatever name: what is left there is
    /// looked for here. Who may not look is believed to be elsewhere.
    pub(super) async fn is_at(&self, url: &str) -> anyhow::Result<bool> {
        let client = Client::with_uri_str(url).await.map_err(|_| anyhow!("MONGODB_URL is not a MongoDB address"))?;
        let own = client.default_database().unwrap_or_else(|| client.database("crawlhub"));
        if own.name() != self.database.name() {
            return Ok(false);
        }
        let mark = doc! { "_id": ObjectId::new() };
        own.collection::<Document>(MARKS).insert_one(&mark).await.context("MongoDB does not take documents")?;
        let found = self.database.collection::<Document>(MARKS).find_one(mark.clone()).await;
        own.collection::<Document>(MARKS).drop().await?;
        Ok(found.is_ok_and(|found| found.is_some()))
    }

    /// About so many.
    pub(super) async fn count(&self, collection: &str) -> Result<u64> {
        self.database.collection::<Document>(collection).estimated_document_count().await.map_err(failed)
    }

    /// In the order of their ids, which is that of time: those made from `from` on and before `until`. Only ids that
    /// MongoDB made have a time; the predecessor has no others.
    pub(super) async fn between(
        &self,
        collection: &str,
        from: DateTime<Utc>,
        until: DateTime<Utc>,
    ) -> Result<BoxStream<'static, Result<Document>>> {
        let range = doc! { "_id": { "$gte": first_id_of(from), "$lt": first_id_of(until) } };
        let documents = self.database.collection::<Document>(collection);
        let found = documents.find(range).sort(doc! { "_id": 1 }).batch_size(500).await.map_err(failed)?;
        Ok(found.map(|document| document.map_err(failed)).boxed())
    }

    /// The archive of that id; none where there is none. One that is damaged is the caller's trouble, not the database's.
    pub(super) async fn archive(&self, id: &str) -> Result<Option<Vec<u8>>> {
        let Ok(id) = ObjectId::parse_str(id) else { return Ok(None) };
        let options = GridFsBucketOptions::builder().bucket_name(ARCHIVES.to_owned()).build();
        let bucket = self.database.gridfs_bucket(options);
        if bucket.find_one(doc! { "_id": id }).await.map_err(failed)?.is_none() {
            return Ok(None);
        }
        let stream = bucket.open_download_stream(Bson::ObjectId(id)).await.map_err(unread)?;
        let mut archive = Vec::new();
        let read = stream.take(LARGEST_ARCHIVE).read_to_end(&mut archive).await;
        read.map_err(|error| error.downcast::<mongodb::error::Error>().map_or_else(Error::internal, unread))?;
        Ok(Some(archive))
    }
}

fn hosts_of(options: &ClientOptions) -> String {
    let mut hosts: Vec<String> = options.hosts.iter().map(ToString::to_string).collect();
    hosts.sort();
    hosts.join(",")
}

/// Where the address names none.
async fn database_with_items(client: &Client) -> anyhow::Result<Database> {
    for name in client.list_database_names().await? {
        let database = client.database(&name);
        if database.list_collection_names().await?.iter().any(|collection| collection == ITEMS) {
            return Ok(database);
        }
    }
    Err(anyhow!("no database has a collection {ITEMS}; name the database in the address, as in mongodb://host/name"))
}

/// No id of an earlier second is behind it.
fn first_id_of(at: DateTime<Utc>) -> ObjectId {
    let seconds = u32::try_from(at.timestamp()).unwrap_or(if at.timestamp() < 0 { 0 } else { u32::MAX });
    let mut bytes = [0; 12];
    bytes[..4].copy_from_slice(&seconds.to_be_bytes());
    ObjectId::from_bytes(bytes)
}

/// The second in which it was made.
pub(super) fn second_of(id: ObjectId) -> i64 {
    id.timestamp().timestamp_millis() / 1000
}

pub(super) fn text_of(document: &Document, field: &str) -> String {
    document.get_str(field).unwrap_or_default().to_owned()
}

pub(super) fn created_at(document: &Document, id: ObjectId) -> DateTime<Utc> {
    let millis = document.get_datetime("created_at").map_or_else(|_| id.timestamp(), |at| *at).timestamp_millis();
    DateTime::from_timestamp_millis(millis).unwrap_or_default()
}

/// As JSON says it best: times as texts of RFC 3339, ids in hexadecimal, decimals as they are written.
pub(super) fn json_of(value: Bson) -> Value {
    match value {
        Bson::Double(number) => Number::from_f64(number).map_or(Value::Null, Value::Number),
        Bson::String(text) | Bson::Symbol(text) => Value::String(text),
        Bson::Array(values) => values.into_iter().map(json_of).collect(),
        Bson::Document(document) => Value::Object(object_of(document)),
        Bson::Boolean(flag) => Value::Bool(flag),
        Bson::Null | Bson::Undefined => Value::Null,
        Bson::Int32(number) => number.into(),
        Bson::Int64(number) => number.into(),
        Bson::ObjectId(id) => Value::String(id.to_hex()),
        Bson::Decimal128(number) => Value::String(number.to_string()),
        Bson::DateTime(at) => at.try_to_rfc3339_string().map_or_else(|_| at.timestamp_millis().into(), Value::String),
        other => serde_json::to_value(other).unwrap_or(Value::Null),
    }
}

pub(super) fn object_of(document: Document) -> Map<String, Value> {
    document.into_iter().map(|(name, value)| (name, json_of(value))).collect()
}

/// Of an archive: what it lacks it lacks each time.
fn unread(error: mongodb::error::Error) -> Error {
    match error.kind.as_ref() {
        ErrorKind::GridFs(_) => {
            Error::bad_request("archive_damaged", text!("归档已损坏: {error}", "its archive is damaged: {error}"))
        }
        _ => failed(error),
    }
}

fn failed(error: mongodb::error::Error) -> Error {
    Error::Unavailable { what: "the predecessor's MongoDB", source: error.into() }
}

#[cfg(test)]
mod tests {
    use mongodb::bson;

    use super::*;

    #[test]
    fn what_json_has_no_word_for() {
        let id = ObjectId::parse_str("65d1f00a0000000000000001").unwrap();
        let document = doc! {
            "whole": 1_i64 << 60, "half": 0.5, "nothing": f64::NAN, "id": id, "at": bson::DateTime::from_millis(1500),
            "deep": [{ "a": null, "b": true }], "price": "1.10".parse::<bson::Decimal128>().unwrap(),
        };
        let text = Value::Object(object_of(document)).to_string();
        assert_eq!(
            text,
            r#"{"whole":1152921504606846976,"half":0.5,"nothing":null,"id":"65d1f00a0000000000000001","at":"1970-01-01T00:00:01.5Z","deep":[{"a":null,"b":true}],"price":"1.10"}"#
        );
        assert_eq!(second_of(id), 0x65d1_f00a);
        let at = DateTime::from_timestamp(0x65d1_f00a, 999).unwrap();
        assert!(first_id_of(at) <= id && second_of(first_id_of(at)) == second_of(id));
    }
}
