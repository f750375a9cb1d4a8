//! What a MongoDB must be and have before it is used.

use std::time::Duration;

use anyhow::anyhow;
use futures_util::TryStreamExt;
use mongodb::{
    Collection, IndexModel,
    bson::{Document, doc},
    options::IndexOptions,
};

use super::{
    BATCHES, BOOKS, CATALOGUES, ERRORS, ITEMS, KEY_SCOPES, KEYS, LOGS, QUARANTINE,
    connection::{Connection, away, code},
};
use crate::error::Result;

pub(super) const STANDALONE: &str = "this MongoDB is a standalone server, which has no transactions; start it with \
     --replSet rs0 and call rs.initiate() once (one node is enough), then name the set in the URL (?replicaSet=rs0)";

/// The name of the index by time, which removes what is old where that is wanted.
const BY_TIME: &str = "crawlhub_created_at";
const NAMESPACE_NOT_FOUND: i32 = 26;
const INDEX_NOT_FOUND: i32 = 27;
const NAMESPACE_EXISTS: i32 = 48;

/// Whether the server that said this has transactions: a member of a replica set, or the router of a cluster.
pub(super) fn has_transactions(hello: &Document) -> bool {
    hello.contains_key("setName") || hello.get_str("msg").is_ok_and(|msg| msg == "isdbgrid")
}

/// Safe to repeat.
pub(super) async fn set_up(connection: &Connection, ttl_days: u32) -> Result<()> {
    if !has_transactions(&connection.hello().await?) {
        return Err(away(anyhow!(STANDALONE)));
    }
    let collection = |name: &str| connection.database().collection::<Document>(name);
    let (items, logs) = (collection(ITEMS), collection(LOGS));
    let by = |keys: Document| IndexModel::builder().keys(keys).build();
    let unique =
        |keys: Document| IndexModel::builder().keys(keys).options(IndexOptions::builder().unique(true).build()).build();
    for collection in [&items, &logs] {
        set_time_index(collection, ttl_days).await?;
    }
    let versions = doc! { "item_key": { "$exists": true } };
    let versions = IndexOptions::builder().partial_filter_expression(versions).build();
    items
        .create_indexes([
            by(doc! { "task_id": 1, "_id": 1 }),
            by(doc! { "spider_id": 1, "_id": 1 }),
            IndexModel::builder().keys(doc! { "spider_id": 1, "item_key": 1, "_id": 1 }).options(versions).build(),
        ])
        .await?;
    logs.create_indexes([
        by(doc! { "task_id": 1, "first_seq": 1 }),
        by(doc! { "task_id": 1, "last_seq": 1 }),
        by(doc! { "spider_id": 1 }),
    ])
    .await?;
    collection(ERRORS)
        .create_indexes([
            unique(doc! { "spider_id": 1, "fingerprint": 1 }),
            by(doc! { "spider_id": 1, "last_seen": -1, "fingerprint": -1 }),
        ])
        .await?;
    collection(BOOKS).create_index(by(doc! { "spider_id": 1 })).await?;
    collection(BATCHES).create_index(unique(doc! { "task_id": 1, "attempt": 1, "batch": 1 })).await?;
    let by_task_or_spider = [by(doc! { "task_id": 1, "_id": 1 }), by(doc! { "spider_id": 1, "_id": 1 })];
    collection(QUARANTINE).create_indexes(by_task_or_spider).await?;
    collection(KEYS)
        .create_indexes([
            unique(doc! { "scope": 1, "item_key": 1 }),
            by(doc! { "scope": 1, "changed_at": 1, "item_key": 1 }),
            by(doc! { "task_id": 1 }),
        ])
        .await?;
    collection(CATALOGUES).create_index(by(doc! { "spider_id": 1, "_id": 1 })).await?;
    // A transaction that writes to it first of all would have to make it.
    match connection.database().create_collection(KEY_SCOPES).await {
        Err(error) if code(&error) != Some(NAMESPACE_EXISTS) => return Err(error.into()),
        _ => {}
    }
    Ok(())
}

/// An index by `created_at` that keeps for `ttl_days`, or for ever: one that says otherwise, also the predecessor's, goes
/// first, as MongoDB has but one of the same keys.
async fn set_time_index(collection: &Collection<Document>, ttl_days: u32) -> Result<()> {
    let keys = doc! { "created_at": 1 };
    let ttl = (ttl_days > 0).then(|| Duration::from_hours(24 * u64::from(ttl_days)));
    let found: Vec<IndexModel> = match collection.list_indexes().await {
        Ok(indexes) => indexes.try_collect().await?,
        // The collection is not there yet.
        Err(error) if code(&error) == Some(NAMESPACE_NOT_FOUND) => Vec::new(),
        Err(error) => return Err(error.into()),
    };
    for index in found.iter().filter(|index| index.keys == keys) {
        let options = index.options.as_ref();
        if options.and_then(|options| options.expire_after) == ttl {
            return Ok(());
        }
        let Some(name) = options.and_then(|options| options.name.as_deref()) else { continue };
        tracing::info!(collection = collection.name(), index = name, "the index by time is replaced");
        match collection.drop_index(name).await {
            // Another server did it.
            Err(error) if code(&error) != Some(INDEX_NOT_FOUND) => return Err(error.into()),
            _ => {}
        }
    }
    let options = IndexOptions::builder().name(BY_TIME.to_owned()).expire_after(ttl).build();
    collection.create_index(IndexModel::builder().keys(keys).options(options).build()).await?;
    Ok(())
}
