//! The home for those who outgrow SQL: collections in MongoDB. Everything but documents stays where it is.
//!
//! - `spider_data`: items, `{_id, task_id, spider_id, data, raw?, is_test, bytes, created_at}`; see [`json`].
//! - `spider_logs`: chunks of lines, `{_id, task_id, spider_id, first_seq, last_seq, attempt, levels, body, created_at}`.
//! - `error_groups`: errors in them by kind, `{spider_id, fingerprint, …}`, times in microseconds since 1970.
//! - `task_books`: of each task which attempt may add to it, what it counted and what it keeps, `{_id: <task>, attempt,
//!   is_open, spider_id, is_test, received, stored, duplicate, rejected, item_bytes, items_kept, items_altered, log_bytes,
//!   errors_upto, turns}`.
//! - `item_batches`: which batches have been stored, and how they were answered, `{task_id, attempt, batch, accepted,
//!   duplicate, rejected}`.
//! - `item_quarantine`: items that were refused, as in `spider_data`, with `raw` alone and the `reason`.
//! - `item_keys`: what is known of items by their keys, `{scope, item_key, …}`, times in microseconds since 1970;
//!   `item_key_scopes`: `{_id: <scope>, turns}`, changed by all that changes keys, so that one comes after the other.
//! - `task_catalogues`: which fields a task's items had, `{_id: <task>, task_id, spider_id, is_test, catalogue}`.
//!
//! A batch is a transaction, so MongoDB must be a replica set; one of one node will do. The two first collections may
//! hold what the predecessor stored there: it is read like ours, and comes before it.

mod batches;
mod catalogues;
mod connection;
mod errors;
mod fences;
mod items;
mod json;
mod keys;
mod legacy;
mod logs;
mod quarantine;
mod removal;
mod search;
mod setup;
#[cfg(test)]
mod tests;
mod transactions;
mod usage;

use std::sync::Arc;

use anyhow::{bail, ensure};
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use mongodb::{
    Collection,
    bson::{Bson, Document, RawDocumentBuf, doc},
};
use tokio::sync::{Mutex, OnceCell};
use tokio_util::task::TaskTracker;

use self::{
    connection::{Connection, is_passing, is_signed_out},
    transactions::Turns,
};
use super::store::DocumentStore;
use crate::{
    clock::SharedClock,
    error::{Error, Result},
};

const ITEMS: &str = "spider_data";
const LOGS: &str = "spider_logs";
const ERRORS: &str = "error_groups";
const BOOKS: &str = "task_books";
const BATCHES: &str = "item_batches";
const QUARANTINE: &str = "item_quarantine";
const KEYS: &str = "item_keys";
const KEY_SCOPES: &str = "item_key_scopes";
const CATALOGUES: &str = "task_catalogues";

#[derive(Debug)]
pub struct MongoStore {
    connection: Connection,
    clock: SharedClock,
    /// Of tasks.
    turns: Turns,
    /// Of keys, by scope. Who needs both takes the task's turn first.
    scopes: Turns,
    /// After how many days MongoDB itself removes documents; 0: never.
    ttl_days: u32,
    /// That it is a MongoDB as is needed, and has its indexes.
    is_set_up: Arc<OnceCell<()>>,
    /// Whoever sets it up, and the turn to.
    setting_up: (TaskTracker, Arc<Mutex<()>>),
}

impl MongoStore {
    /// A MongoDB that does not answer is no error: it is set up when it does.
    pub async fn open(url: &str, ttl_days: u32, clock: SharedClock) -> anyhow::Result<Self> {
        let connection = Connection::open(url).await?;
        let (turns, scopes) = (Turns::default(), Turns::default());
        let (is_set_up, setting_up) = Default::default();
        let store = Self { connection, clock, turns, scopes, ttl_days, is_set_up, setting_up };
        match store.connection.hello().await {
            Ok(hello) => {
                ensure!(setup::has_transactions(&hello), "MONGODB_URL: {}", setup::STANDALONE);
                match store.check().await {
                    Err(Error::Unavailable { source, .. }) => {
                        tracing::warn!("MongoDB is not ready: items and logs are refused until it is: {source}");
                    }
                    checked => checked?,
                }
            }
            Err(error) if is_passing(&error) && !is_signed_out(&error) => {
                let why = &error.kind;
                tracing::warn!("MongoDB does not answer: items and logs are refused until it does: {why}");
            }
            Err(error) => bail!("MongoDB (MONGODB_URL) cannot be used: {}", error.kind),
        }
        Ok(store)
    }

    /// A call, given up when MongoDB is away.
    async fn call<T>(&self, call: impl Future<Output = Result<T>> + Send) -> Result<T> {
        let call = async {
            self.set_up().await?;
            call.await
        };
        self.connection.while_there(call).await
    }

    /// In a task of its own: indexes of a large collection take longer to build than a call may, and are not to be begun
    /// again by each.
    async fn set_up(&self) -> Result<()> {
        if self.is_set_up.initialized() {
            return Ok(());
        }
        let (tasks, turn) = &self.setting_up;
        let turn = turn.clone().lock_owned().await;
        let (connection, is_set_up, ttl_days) = (self.connection.clone(), self.is_set_up.clone(), self.ttl_days);
        let set_up = tasks.spawn(async move {
            let _turn = turn;
            let set_up = is_set_up.get_or_try_init(|| setup::set_up(&connection, ttl_days));
            connection.unless_lost(async { set_up.await.copied() }).await
        });
        set_up.await.map_err(Error::internal)?
    }

    fn collection(&self, name: &str) -> Collection<Document> {
        self.connection.database().collection(name)
    }

    /// Items; see [`taken_literally`].
    fn items_of(&self, name: &str) -> Collection<RawDocumentBuf> {
        self.connection.database().collection(name)
    }
}

#[async_trait]
impl DocumentStore for MongoStore {
    async fn check(&self) -> Result<()> {
        let ping = async {
            self.connection.database().run_command(doc! { "ping": 1 }).await?;
            Ok(())
        };
        self.call(ping).await
    }

    fn trouble(&self) -> Result<()> {
        self.connection.is_there()
    }

    async fn close(&self) {
        self.connection.close().await;
    }
}

/// A document with what people crawled in it. The driver would take `{"$oid": …}` in it for an id, and fail where it is
/// none.
fn taken_literally(document: &RawDocumentBuf) -> Result<Document> {
    Document::try_from(document.as_ref()).map_err(Error::internal)
}

/// A number of ours, whichever of its types MongoDB made of it.
fn number(document: &Document, key: &str) -> i64 {
    match document.get(key) {
        Some(Bson::Int64(number)) => *number,
        Some(Bson::Int32(number)) => i64::from(*number),
        #[expect(clippy::cast_possible_truncation, reason = "sums stay far below 2^53")]
        Some(Bson::Double(number)) => *number as i64,
        _ => 0,
    }
}

/// A time to the microsecond; MongoDB's own end at milliseconds.
fn micros(at: DateTime<Utc>) -> Bson {
    Bson::Int64(at.timestamp_micros())
}

fn from_micros(document: &Document, key: &str) -> Result<DateTime<Utc>> {
    DateTime::from_timestamp_micros(number(document, key)).ok_or_else(|| unreadable(key))
}

/// A document that is not as it was written.
fn unreadable(what: &str) -> Error {
    Error::Internal(anyhow::anyhow!("a document of MongoDB cannot be read: {what}"))
}
