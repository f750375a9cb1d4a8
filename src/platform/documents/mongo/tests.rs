//! What is MongoDB's own about documents there; what they are like everywhere is tested beside.

use std::{path::Path, sync::Arc};

use mongodb::bson::{Bson, Document, doc};
use serde_json::value::RawValue;

use super::{ITEMS, MongoStore, QUARANTINE, taken_literally};
use crate::{
    clock::SystemClock,
    id::{SpiderId, TaskId},
    platform::{
        disk::Disk,
        documents::{Documents, ItemFilter, NewBatch},
    },
};

#[expect(clippy::disallowed_methods, reason = "where a test finds MongoDB is no setting of the product")]
async fn store() -> Option<MongoStore> {
    let url = std::env::var("TEST_MONGODB_URL").ok()?;
    Some(MongoStore::open(&url, 0, Arc::new(SystemClock)).await.unwrap())
}

/// Two servers on the same MongoDB, and a task whose first attempt may write.
async fn two() -> Option<(Documents, Documents, MongoStore, TaskId)> {
    let servers = [store().await?, store().await?];
    let [one, other] = servers.map(|store| Documents::new(store, Disk::new(Path::new("/"), 0)));
    let task = TaskId::generate();
    one.open_attempt(&task, 1).await.unwrap();
    Some((one, other, store().await?, task))
}

fn batch(task: &TaskId, number: Option<i64>, items: &[&str]) -> NewBatch {
    NewBatch {
        task_id: task.clone(),
        spider_id: SpiderId::from("s".to_owned()),
        attempt: 1,
        batch: number,
        is_test: false,
        came_at: None,
        dedup: None,
        items: items.iter().map(|item| RawValue::from_string((*item).to_owned()).unwrap().into()).collect(),
        refused: vec![],
    }
}

async fn document(store: &MongoStore, collection: &str, task: &TaskId) -> Document {
    let of_task = doc! { "task_id": task.as_str() };
    let found = store.items_of(collection).find_one(of_task).sort(doc! { "_id": -1 }).await.unwrap();
    taken_literally(&found.unwrap()).unwrap()
}

/// The text stands beside `data` only where that cannot say it.
#[tokio::test(flavor = "multi_thread")]
async fn items_are_documents_that_others_can_read() {
    let Some((documents, _, store, task)) = two().await else { return };
    let many_levels = format!("{}1{}", "[".repeat(200), "]".repeat(200));
    let numbers = format!("[{}1]", "1,".repeat(1_400_000));
    for (json, data, has_raw) in [
        (
            r#"{"a.b":1,"$c":{"$oid":"x"},"d":{"$oid":"507f1f77bcf86cd799439011"},"":5000000000,"f":1.5,"n":null}"#,
            Some(Bson::Document(
                doc! { "a.b": 1, "$c": { "$oid": "x" }, "d": { "$oid": "507f1f77bcf86cd799439011" }, "": 5_000_000_000_i64, "f": 1.5, "n": null },
            )),
            false,
        ),
        (r#"[1,["二"]]"#, Some(Bson::Array(vec![1.into(), vec!["二"].into()])), false),
        ("null", Some(Bson::Null), false),
        (r#"{"a": 1}"#, Some(Bson::Document(doc! { "a": 1 })), true),
        ("1.10", Some(Bson::Double(1.1)), true),
        ("12345678901234567890", Some(Bson::Double(12_345_678_901_234_567_890.0)), true),
        (r#"{"a":1,"a":2}"#, Some(Bson::Document(doc! { "a": 2 })), true),
        (r#"{"\u0000":1}"#, None, true),
        (r#""\ud800""#, None, true),
        ("1e400", None, true),
        (&many_levels, None, true),
        // Smaller than 16 MB as text, larger as a document.
        (&numbers, None, true),
    ] {
        documents.add_items(batch(&task, None, &[json])).await.unwrap();
        let found = document(&store, ITEMS, &task).await;
        let start = &json[..json.len().min(40)];
        assert_eq!(found.get("data"), data.as_ref(), "{start}");
        assert_eq!(found.contains_key("raw"), has_raw, "{start}");
        assert!(found.get_datetime("created_at").is_ok() && found.get_str("_id").is_ok());
        let filter = ItemFilter { task_id: Some(task.clone()), ..ItemFilter::default() };
        assert!(documents.items(&filter, None, 0, 1).await.unwrap()[0].data.get() == json, "{start}");
    }
}

/// MongoDB takes no document above 16 MB: such an item is rejected with the reason, of which quarantine has
/// the start, and nothing else of its batch.
#[tokio::test]
async fn what_is_too_large_for_mongodb_is_rejected_alone() {
    let Some((documents, _, store, task)) = two().await else { return };
    let text = |bytes: usize| format!("\"{}\"", "x".repeat(bytes));
    let (fits, too_large) = (text((16 << 20) - (65 << 10)), text(16 << 20));
    let stored = documents.add_items(batch(&task, Some(1), &["1", &too_large, &fits])).await.unwrap();
    assert_eq!((stored.accepted, stored.rejected, stored.totals.received), (2, 1, 3));
    assert!(stored.reason.unwrap().contains("larger than"));
    let again = documents.add_items(batch(&task, Some(1), &["1", &too_large, &fits])).await.unwrap();
    assert_eq!((again.accepted, again.rejected, again.repeated), (2, 1, true));
    let of_task = doc! { "task_id": task.as_str() };
    assert_eq!(store.collection(QUARANTINE).count_documents(of_task).await.unwrap(), 1);
    let filter = ItemFilter { task_id: Some(task.clone()), ..ItemFilter::default() };
    let stub = documents.quarantined(&filter, None, 0, 9).await.unwrap().remove(0);
    assert!(stub.data.get().starts_with(r#""\"xxx"#) && stub.data.get().len() < 1010, "{}", stub.data.get());
    assert!(stub.reason.contains(&too_large.len().to_string()), "{}", stub.reason);
}

/// The same batches through two servers at once: each of them counts once.
#[tokio::test(flavor = "multi_thread")]
async fn two_servers_count_what_comes_twice_once() {
    let Some((one, other, _, task)) = two().await else { return };
    let sent = (0..16).map(|number| {
        let server = if number % 2 == 0 { one.clone() } else { other.clone() };
        let batch = batch(&task, Some(number / 2), &["1", "2", "3"]);
        async move { server.add_items(batch).await.unwrap().repeated }
    });
    let repeated = futures_util::future::join_all(sent).await.into_iter().filter(|repeated| *repeated).count();
    let filter = ItemFilter { task_id: Some(task.clone()), ..ItemFilter::default() };
    assert_eq!((repeated, one.count_items(&filter).await.unwrap()), (8, 24));
    assert_eq!(one.close_attempt(&task, 1).await.unwrap().stored, 24);
}
