//! MongoDB as a sink: a document `{_id, task_id, spider_id, created_at, data}` for each item.
//!
//! Whole numbers become 32 or 64 bits wide, longer ones Decimal128, and what that cannot hold exactly a text; others are
//! doubles. Dots and dollars in keys are the server's business (5.0 and later take them). A NUL in a key, half a surrogate
//! pair, more than 100 levels and more than 16 MiB cannot be told in BSON.

use std::{collections::HashSet, time::Duration};

use async_trait::async_trait;
use futures_util::TryStreamExt;
use mongodb::{
    Client, Collection, Database,
    bson::{Bson, DateTime, Decimal128, Document, RawDocumentBuf, doc},
    error::{Error, ErrorKind, InsertManyError},
    options::{ClientOptions, Credential, ServerAddress, Tls as DriverTls, TlsOptions, WriteConcern},
};
use serde_json::value::RawValue;

use super::{
    ANSWER_PATIENCE, CONNECT_PATIENCE, CONNECTIONS, Failure, IDLE, Row, Sink, Table, Written,
    address::{Address, Tls},
    in_time,
    row::entries,
};

/// A little less than a connection is waited for: the driver knows better why there is none.
const SELECTION_PATIENCE: Duration = Duration::from_secs(9);
const MOST_BYTES: usize = 16 * 1024 * 1024;
/// Of a document, in all; the item stands in one.
const MOST_LEVELS: usize = 98;
const DUPLICATE: i32 = 11000;
/// What is about a document: bad value, overflow, BSON, names of fields, what validation forbids, size.
const OF_DOCUMENTS: [i32; 10] = [2, 15, 22, 52, 55, 56, 57, 121, 10334, 17280];

#[derive(Debug)]
pub(super) struct MongoSink {
    client: Client,
    database: Database,
}

impl MongoSink {
    pub(super) fn new(address: &Address, host: &str) -> Result<Self, Failure> {
        let mut options = ClientOptions::default();
        options.hosts = vec![ServerAddress::Tcp { host: host.to_owned(), port: Some(address.port) }];
        options.app_name = Some("crawlhub".to_owned());
        options.connect_timeout = Some(CONNECT_PATIENCE);
        options.server_selection_timeout = Some(SELECTION_PATIENCE);
        options.max_pool_size = Some(CONNECTIONS);
        options.max_idle_time = Some(IDLE);
        options.write_concern = Some(WriteConcern::majority());
        options.repl_set_name.clone_from(&address.options.replica_set);
        // Members that a set names by itself would be addresses that nobody checked.
        options.direct_connection = Some(true);
        options.tls = Some(match address.options.tls {
            Tls::Disable | Tls::Prefer => DriverTls::Disabled,
            Tls::Require => DriverTls::Enabled(TlsOptions::builder().allow_invalid_certificates(true).build()),
            Tls::Verify => DriverTls::Enabled(TlsOptions::default()),
        });
        if !address.username.is_empty() {
            let mut credential = Credential::default();
            credential.username = Some(address.username.clone());
            credential.password.clone_from(&address.password);
            let source = address.options.auth_source.clone();
            credential.source = Some(source.unwrap_or_else(|| "admin".to_owned()));
            options.credential = Some(credential);
        }
        let client = Client::with_options(options).map_err(|error| failure(&error))?;
        let database = client.database(&address.database);
        Ok(Self { client, database })
    }

    async fn check_table(&self, table: &Table) -> Result<(), Failure> {
        let named = self.database.list_collection_names().filter(doc! {"name": &table.name}).await;
        if named.map_err(|error| failure(&error))?.is_empty() {
            return Err(Failure::new(format!("there is no collection {}", table.name)));
        }
        Ok(())
    }
}

#[async_trait]
impl Sink for MongoSink {
    async fn check(&self) -> Result<(), Failure> {
        in_time(CONNECT_PATIENCE, async {
            self.database.run_command(doc! {"ping": 1}).await.map(drop).map_err(|error| failure(&error))
        })
        .await
    }

    async fn write(&self, table: &Table, rows: &[Row<'_>]) -> Result<Written, Failure> {
        in_time(ANSWER_PATIENCE, async {
            if !table.create {
                self.check_table(table).await?;
            }
            let collection: Collection<RawDocumentBuf> = self.database.collection(&table.name);
            let (mut written, mut fitting) = (Written::default(), Vec::with_capacity(rows.len()));
            for (place, row) in rows.iter().enumerate() {
                match document(row) {
                    Ok(document) => fitting.push((place, document)),
                    Err(reason) => written.refuse(place, &reason),
                }
            }
            if fitting.is_empty() {
                return Ok(written);
            }
            let inserted = collection.insert_many(fitting.iter().map(|(_, document)| document)).ordered(false).await;
            let Err(error) = inserted else {
                written.added += fitting.len();
                return Ok(written);
            };
            let ErrorKind::InsertMany(refused) = error.kind.as_ref() else { return Err(failure(&error)) };
            self.judge(&collection, rows, &fitting, refused, &mut written).await?;
            Ok(written)
        })
        .await
    }

    async fn close(&self) {
        self.client.clone().shutdown().immediate(true).await;
    }
}

impl MongoSink {
    /// What became of documents that were not all taken.
    async fn judge(
        &self,
        collection: &Collection<RawDocumentBuf>,
        rows: &[Row<'_>],
        sent: &[(usize, RawDocumentBuf)],
        refused: &InsertManyError,
        written: &mut Written,
    ) -> Result<(), Failure> {
        if let Some(error) = &refused.write_concern_error {
            return Err(Failure::new(&error.message));
        }
        let errors = refused.write_errors.as_deref().unwrap_or_default();
        if let Some(error) = errors.iter().find(|error| error.code != DUPLICATE && !OF_DOCUMENTS.contains(&error.code))
        {
            return Err(Failure::new(&error.message));
        }
        let place = |index: usize| sent.get(index).map_or(usize::MAX, |(place, _)| *place);
        let id_of = |index: usize| rows.get(place(index)).map(|row| row.id);
        // It was there before, or another unique index has something against it.
        let twice = errors.iter().filter(|error| error.code == DUPLICATE);
        let known = known(collection, twice.filter_map(|error| id_of(error.index)).collect()).await?;
        for error in errors {
            if error.code != DUPLICATE || id_of(error.index).is_none_or(|id| !known.contains(id)) {
                written.refuse(place(error.index), &error.message);
            }
        }
        written.added += sent.len() - errors.len();
        Ok(())
    }
}

async fn known(collection: &Collection<RawDocumentBuf>, ids: Vec<&str>) -> Result<HashSet<String>, Failure> {
    if ids.is_empty() {
        return Ok(HashSet::new());
    }
    let collection = collection.clone_with_type::<Document>();
    let found = collection.find(doc! {"_id": {"$in": ids}}).projection(doc! {"_id": 1}).await;
    let found: Vec<Document> =
        found.map_err(|error| failure(&error))?.try_collect().await.map_err(|error| failure(&error))?;
    Ok(found.iter().filter_map(|found| found.get_str("_id").ok().map(str::to_owned)).collect())
}

fn failure(error: &Error) -> Failure {
    Failure::new(error.kind.to_string())
}

fn document(row: &Row<'_>) -> Result<RawDocumentBuf, String> {
    let document = doc! {
        "_id": row.id,
        "task_id": row.task_id,
        "spider_id": row.spider_id,
        "created_at": DateTime::from_millis(row.created_at.timestamp_millis()),
        "data": value(row.data, MOST_LEVELS)?,
    };
    let document =
        RawDocumentBuf::try_from(document).map_err(|_| "a key of the item has a NUL character".to_owned())?;
    let size = document.as_bytes().len();
    if size > MOST_BYTES {
        return Err(format!("the item takes {size} bytes; MongoDB takes {MOST_BYTES}"));
    }
    Ok(document)
}

fn value(json: &RawValue, levels: usize) -> Result<Bson, String> {
    let raw = json.get();
    let below = levels.checked_sub(1).ok_or("the item is nested deeper than the 100 levels of MongoDB");
    Ok(match raw.as_bytes().first() {
        Some(b'{') => {
            let fields = entries(json).map_err(|_| no_text())?;
            let below = below?;
            let read = fields.into_iter().map(|(key, field)| Ok((key, value(field, below)?)));
            Bson::Document(read.collect::<Result<Document, String>>()?)
        }
        Some(b'[') => {
            let elements: Vec<&RawValue> = serde_json::from_str(raw).map_err(|error| error.to_string())?;
            let below = below?;
            Bson::Array(elements.into_iter().map(|element| value(element, below)).collect::<Result<_, _>>()?)
        }
        Some(b'"') => Bson::String(serde_json::from_str(raw).map_err(|_| no_text())?),
        Some(b'n') => Bson::Null,
        Some(b't') => Bson::Boolean(true),
        Some(b'f') => Bson::Boolean(false),
        _ => number(raw),
    })
}

fn no_text() -> String {
    "the item holds half a surrogate pair, which is no text".to_owned()
}

fn number(raw: &str) -> Bson {
    if let Ok(number) = raw.parse::<i64>() {
        return i32::try_from(number).map_or(Bson::Int64(number), Bson::Int32);
    }
    if raw.contains(['.', 'e', 'E'])
        && let Ok(number) = raw.parse::<f64>()
        && number.is_finite()
    {
        return Bson::Double(number);
    }
    raw.parse::<Decimal128>().map_or_else(|_| Bson::String(raw.to_owned()), Bson::Decimal128)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(json: &str) -> Result<RawDocumentBuf, String> {
        let data = RawValue::from_string(json.to_owned()).unwrap();
        let created_at = chrono::DateTime::UNIX_EPOCH;
        document(&Row { id: "i", task_id: "t", spider_id: "s", created_at, data: &data })
    }

    #[test]
    fn numbers_keep_their_digits() {
        let number = |json: &str| Document::try_from(told(json).unwrap()).unwrap().get("data").cloned().unwrap();
        assert_eq!(number("7"), Bson::Int32(7));
        assert_eq!(number("9007199254740993"), Bson::Int64(9_007_199_254_740_993));
        assert_eq!(number("12345678901234567890").to_string(), "12345678901234567890");
        assert!(matches!(number("1234567890123456789012345678901234"), Bson::Decimal128(_)));
        let long = "12345678901234567890123456789012345678901";
        assert_eq!(number(long), Bson::String(long.into()));
        assert_eq!(number("1.10"), Bson::Double(1.1));
        assert!(!matches!(number("1e999"), Bson::Double(_)));
    }

    #[test]
    fn what_bson_cannot_tell() {
        let deep = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
        assert!(told(&deep(98)).is_ok() && told(&deep(99)).is_err());
        assert!(told(r#"{"a.b": {"$c": "\u0000"}}"#).is_ok());
        for bad in [r#"{"a\u0000": 1}"#, r#"{"a": "\ud800"}"#, r#"{"\ud800": 1}"#] {
            assert!(told(bad).is_err(), "{bad}");
        }
        assert!(told(&format!("\"{}\"", "x".repeat(MOST_BYTES))).unwrap_err().contains("takes"));
    }
}
