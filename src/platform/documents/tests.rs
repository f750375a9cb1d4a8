//! On `SQLite`, and again on `PostgreSQL` where `TEST_DATABASE_URL` names one. Ids are new in each test, so that one
//! database serves them all.

use std::{path::Path, sync::Arc};

use futures_util::TryStreamExt;
use serde_json::value::RawValue;

use super::*;
use crate::{
    clock::{Clock, SystemClock},
    error::Error,
    id::{SpiderId, TaskId},
    platform::database::{Database, Schema},
};

/// The folder lives as long as the `SQLite` file in it is used.
async fn stores() -> (tempfile::TempDir, Vec<Documents>) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("documents.db");
    let mut databases = vec![Database::open_sqlite(&file, Schema::Documents).await.unwrap()];
    if let Some(url) = postgres() {
        databases.push(Database::open_postgres(&url).await.unwrap());
    }
    (
        folder,
        databases
            .into_iter()
            .map(|db| Documents::new(SqlStore::new(db, Arc::new(SystemClock)), Disk::new(Path::new("/"), 0)))
            .collect(),
    )
}

#[expect(clippy::disallowed_methods, reason = "which engines a test runs on is no setting of the product")]
fn postgres() -> Option<String> {
    std::env::var("TEST_DATABASE_URL").ok()
}

fn batch(task_id: &TaskId, spider_id: &SpiderId, number: Option<i64>, items: &[&str]) -> NewBatch {
    let items = items.iter().map(|item| RawValue::from_string((*item).to_owned()).unwrap()).collect();
    NewBatch {
        task_id: task_id.clone(),
        spider_id: spider_id.clone(),
        attempt: 1,
        batch: number,
        is_test: false,
        items,
    }
}

fn of_task(task_id: &TaskId) -> ItemFilter {
    ItemFilter { task_id: Some(task_id.clone()), ..ItemFilter::default() }
}

fn texts(items: &[Item]) -> Vec<&str> {
    items.iter().map(|item| item.data.get()).collect()
}

/// A task whose first attempt may write.
async fn begun(documents: &Documents) -> TaskId {
    let task = TaskId::generate();
    documents.open_attempt(&task, 1).await.unwrap();
    task
}

#[tokio::test]
async fn items_come_back_to_the_letter() {
    let sent = [
        r#"{"b": 1,   "a": 12345678901234567890.10, "a": 1e400}"#,
        r#"{"nul": "\u0000", "half": "\ud800", "text": "\u4e2d文"}"#,
        "[1,2]",
        r#""only text""#,
        "null",
        "-0.0",
    ];
    let (_folder, all) = stores().await;
    for documents in all {
        let (task, spider) = (begun(&documents).await, SpiderId::generate());
        documents.add_items(batch(&task, &spider, None, &sent)).await.unwrap();
        let both = ItemFilter { spider_id: Some(spider), ..of_task(&task) };
        assert_eq!(documents.count_items(&both).await.unwrap(), 6);
        let last = documents.last_item_id(&of_task(&task)).await.unwrap().unwrap();
        let stored = documents.items_after(&of_task(&task), None, &last, 100).await.unwrap();
        assert_eq!(texts(&stored), sent);
        let newest = documents.items(&of_task(&task), None, 0, 2).await.unwrap();
        assert_eq!(texts(&newest), ["-0.0", "null"]);
        let page = documents.items(&of_task(&task), Some(&newest[1].id), 0, 1).await.unwrap();
        assert_eq!(texts(&page), [r#""only text""#]);
    }
}

#[tokio::test]
async fn each_attempt_has_batches_of_its_own() {
    let (_folder, all) = stores().await;
    for documents in all {
        let (task, spider) = (begun(&documents).await, SpiderId::generate());
        let has = async |attempt| documents.has_batch_of(&task, attempt).await.unwrap();
        assert!(!has(1).await);
        // Without a number each call counts, however alike they are.
        for _ in 0..2 {
            documents.add_items(batch(&task, &spider, None, &["1"])).await.unwrap();
        }
        documents.open_attempt(&task, 2).await.unwrap();
        assert_eq!([has(1).await, has(2).await], [true, false]);
        let second = NewBatch { attempt: 2, ..batch(&task, &spider, Some(1), &["2"]) };
        assert_eq!(documents.add_items(second).await.unwrap().totals.stored, 3);
        assert!(has(2).await);
    }
}

#[tokio::test]
async fn a_batch_counts_once_and_one_absurd_item_does_not_fail_it() {
    let (_folder, all) = stores().await;
    for documents in all {
        let (task, spider) = (begun(&documents).await, SpiderId::generate());
        let deep = format!("{}{}", "[".repeat(20_000), "]".repeat(20_000));
        let first = documents.add_items(batch(&task, &spider, Some(1), &["1", &deep])).await.unwrap();
        assert_eq!((first.accepted, first.rejected, first.repeated), (1, 1, false));
        let again = documents.add_items(batch(&task, &spider, Some(1), &["1", &deep])).await.unwrap();
        assert_eq!(again, Stored { repeated: true, ..first });
        let more: Vec<&str> = vec!["2"; 1234];
        let more = documents.add_items(batch(&task, &spider, Some(2), &more)).await.unwrap();
        assert_eq!(more.totals, Counts { received: 1236, stored: 1235, duplicate: 0, rejected: 1 });
        assert_eq!(documents.count_items(&of_task(&task)).await.unwrap(), 1235);
        assert_eq!(documents.delete_items(&of_task(&task)).await.unwrap(), 1235);
        let counts = documents.counts(&[task.clone(), TaskId::generate()]).await.unwrap();
        assert_eq!(counts.len(), 1);
        assert_eq!(counts[&task], more.totals);
        documents.forget_tasks(std::slice::from_ref(&task)).await.unwrap();
        assert!(documents.counts(&[task]).await.unwrap().is_empty());
    }
}

/// What an attempt that is over still sends changes nothing.
#[tokio::test]
async fn only_the_present_attempt_adds() {
    let (_folder, all) = stores().await;
    for documents in all {
        let (task, spider) = (begun(&documents).await, SpiderId::generate());
        let one = |attempt| NewBatch { attempt, ..batch(&task, &spider, Some(7), &["1"]) };
        let refused = |error: Error| assert!(matches!(error, Error::BadRequest(_)), "{error}");
        documents.add_items(one(1)).await.unwrap();
        documents.open_attempt(&task, 2).await.unwrap();
        refused(documents.add_items(one(1)).await.unwrap_err());
        refused(documents.append_lines(&task, &spider, 1, 1, &lines(Stream::Stdout, &["late"])).await.unwrap_err());
        documents.add_items(one(2)).await.unwrap();
        // Too late to begin, and to end another's.
        documents.open_attempt(&task, 1).await.unwrap();
        assert_eq!(documents.close_attempt(&task, 1).await.unwrap().stored, 2);
        documents.append_lines(&task, &spider, 2, 1, &lines(Stream::Stdout, &["in time"])).await.unwrap();
        assert_eq!(documents.close_attempt(&task, 2).await.unwrap().stored, 2);
        refused(documents.add_items(NewBatch { batch: Some(8), ..one(2) }).await.unwrap_err());
        assert_eq!(documents.count_items(&of_task(&task)).await.unwrap(), 2);
    }
}

#[tokio::test]
async fn what_is_kept_is_booked_and_forgotten() {
    let (_folder, all) = stores().await;
    for documents in all {
        let (heavy, light, none, spider) =
            (begun(&documents).await, begun(&documents).await, begun(&documents).await, SpiderId::generate());
        for number in 0..3 {
            documents.add_items(batch(&heavy, &spider, Some(number), &vec!["12"; 1000])).await.unwrap();
        }
        documents.add_items(batch(&heavy, &spider, Some(0), &["12"])).await.unwrap();
        documents.add_items(batch(&light, &spider, Some(1), &[r#"{"a":  1}"#])).await.unwrap();
        for task in [&heavy, &light] {
            documents.append_lines(task, &spider, 1, 1, &lines(Stream::Stdout, &["a", "b"])).await.unwrap();
            documents.append_lines(task, &spider, 1, 1, &lines(Stream::Stdout, &["a", "b"])).await.unwrap();
        }
        let kept = documents.kept_of(&spider).await.unwrap();
        let line = i64::try_from(r#"["stdout",1700000000000,"a"]"#.len()).unwrap();
        assert_eq!(kept, Kept { items: 6009, logs: 2 * (2 * line + 3) });
        assert_eq!(documents.kept_by_spider().await.unwrap()[&spider], kept);
        let both = [light.clone(), heavy.clone()];
        documents.remove_items_of_tasks(&both[..1]).await.unwrap();
        assert_eq!(documents.kept_of(&spider).await.unwrap(), Kept { items: 6000, ..kept });
        documents.remove_logs(&both).await.unwrap();
        assert_eq!(documents.kept_of(&spider).await.unwrap(), Kept { items: 6000, logs: 0 });
        documents.remove_items_of_tasks(&both).await.unwrap();
        assert_eq!(documents.kept_of(&spider).await.unwrap(), Kept::default());
        assert_eq!(documents.counts(&both).await.unwrap()[&heavy].stored, 3000, "what it did");
        documents.forget_tasks(&[none, heavy.clone(), light.clone()]).await.unwrap();
        assert_eq!(documents.kept_of(&spider).await.unwrap(), Kept::default());
        for task in [&heavy, &light] {
            assert_eq!(documents.count_items(&of_task(task)).await.unwrap(), 0);
            assert_eq!(documents.last_seq(task).await.unwrap(), 0);
            // Its batch numbers are free again.
            documents.open_attempt(task, 1).await.unwrap();
            let again = documents.add_items(batch(task, &spider, Some(1), &["1"])).await.unwrap();
            assert_eq!((again.repeated, again.totals.received), (false, 1));
        }
    }
}

/// What is held is known without counting, and so is whether any of it has gone.
#[tokio::test]
async fn what_is_held_follows_every_change() {
    let (_folder, all) = stores().await;
    for documents in all {
        let (one, two, test, spider) =
            (begun(&documents).await, begun(&documents).await, begun(&documents).await, SpiderId::generate());
        let of_spider = ItemFilter { spider_id: Some(spider.clone()), ..ItemFilter::default() };
        let held = async |filter: &ItemFilter| {
            let held = documents.held(filter).await.unwrap();
            (held.items, held.altered)
        };
        assert_eq!(held(&of_spider).await, (0, 0));
        for _ in 0..2 {
            documents.add_items(batch(&one, &spider, Some(1), &["1", "2", "3"])).await.unwrap();
        }
        documents.add_items(batch(&two, &spider, None, &vec!["4"; 2500])).await.unwrap();
        documents.add_items(NewBatch { is_test: true, ..batch(&test, &spider, None, &["5"]) }).await.unwrap();
        assert_eq!(held(&of_spider).await, (2504, 0));
        assert_eq!(held(&ItemFilter { is_test: Some(true), ..of_spider.clone() }).await, (1, 0));
        assert_eq!(held(&ItemFilter { is_test: Some(false), ..of_task(&test) }).await, (0, 0));
        let searched = ItemFilter { q: Some("2".to_owned()), upto: Some(String::new()), ..of_task(&one) };
        assert_eq!(held(&searched).await, (3, 0), "whatever is searched for");
        documents.delete_items(&ItemFilter { upto: None, ..searched }).await.unwrap();
        assert_eq!(held(&of_task(&one)).await, (2, 1));
        documents.remove_items_of_tasks(&[one.clone(), two.clone()]).await.unwrap();
        assert_eq!(held(&of_spider).await, (1, 2503));
        documents.forget_tasks(&[one, two]).await.unwrap();
        assert_eq!(held(&of_spider).await, (1, 0));
    }
}

#[tokio::test]
async fn search_finds_text_however_it_was_escaped() {
    let sent = [r#"{"city":"\u5317\u4eac"}"#, r#"{"city":"北京"}"#, r#"{"city":"ÄB","say":"\"50%\""}"#];
    let (_folder, all) = stores().await;
    for documents in all {
        let (task, spider) = (begun(&documents).await, SpiderId::generate());
        documents.add_items(batch(&task, &spider, None, &sent)).await.unwrap();
        for (q, found) in
            [("北京", 2), ("\0", 0), ("CITY", 3), ("Äb", 1), ("\"50%", 1), ("5_%", 0), ("\"city\":\"北", 1)]
        {
            let filter = ItemFilter { spider_id: Some(spider.clone()), q: Some(q.to_owned()), ..ItemFilter::default() };
            assert_eq!(documents.count_items(&filter).await.unwrap(), found, "{q}");
        }
    }
}

#[tokio::test]
async fn long_reads_go_in_steps_of_bounded_size() {
    let large = format!("{:?}", "x".repeat(3 << 20));
    let (_folder, all) = stores().await;
    for documents in all {
        let (task, spider) = (begun(&documents).await, SpiderId::generate());
        documents.add_items(batch(&task, &spider, None, &[&large, &large, &large, "4"])).await.unwrap();
        let last = documents.last_item_id(&of_task(&task)).await.unwrap().unwrap();
        documents.add_items(batch(&task, &spider, None, &["5"])).await.unwrap();
        let first = documents.items_after(&of_task(&task), None, &last, 100).await.unwrap();
        assert_eq!(first.len(), 2);
        let second = documents.items_after(&of_task(&task), Some(&first[1].id), &last, 100).await.unwrap();
        assert_eq!(second.len(), 2);
        let third = documents.items_after(&of_task(&task), Some(&second[1].id), &last, 100).await.unwrap();
        assert!(third.is_empty(), "what arrived later is left out");
        let upto = ItemFilter { upto: Some(last.clone()), ..of_task(&task) };
        assert_eq!(documents.count_items(&upto).await.unwrap(), 4);

        let ids = [&*first[0].id, &*first[1].id, &*second[0].id, &*second[1].id];
        let down = async |filter: &ItemFilter, before: Option<&str>, from: Option<&str>, limit| {
            let items = documents.items_before(filter, before, from, limit).await.unwrap();
            items.into_iter().map(|item| item.id).collect::<Vec<_>>()
        };
        let newest = down(&of_task(&task), None, None, 100).await;
        assert_eq!((newest.len(), &newest[1]), (4, &last), "two large ones, and what is small beside them");
        assert_eq!(down(&of_task(&task), Some(&last), None, 100).await, [ids[2], ids[1]]);
        assert_eq!(down(&of_task(&task), Some(ids[1]), None, 100).await, [ids[0]]);
        assert!(down(&of_task(&task), Some(ids[0]), None, 100).await.is_empty());
        assert_eq!(down(&of_task(&task), Some(&last), Some(ids[2]), 100).await, [ids[2]], "that one included");
        assert_eq!(down(&of_task(&task), Some(&last), None, 1).await, [ids[2]]);
        let small = ItemFilter { q: Some("4".to_owned()), ..of_task(&task) };
        assert_eq!(down(&small, None, Some(ids[0]), 100).await, [ids[3]]);
    }
}

fn lines(stream: Stream, texts: &[&str]) -> Vec<LogLine> {
    let at = SystemClock.now();
    texts.iter().map(|text| LogLine { stream, at, text: (*text).to_owned() }).collect()
}

#[tokio::test]
async fn lines_are_stored_once_and_read_from_any_place() {
    let (_folder, all) = stores().await;
    for documents in all {
        let (task, spider) = (begun(&documents).await, SpiderId::generate());
        assert_eq!(documents.last_seq(&task).await.unwrap(), 0);
        documents.append_lines(&task, &spider, 1, 1, &lines(Stream::Stdout, &["a", "b\0\u{fffd}中"])).await.unwrap();
        // The answer was lost; the sender tries again with what has come since.
        documents.append_lines(&task, &spider, 1, 1, &lines(Stream::Stdout, &["a", "b", "c"])).await.unwrap();
        documents.open_attempt(&task, 2).await.unwrap();
        documents.append_lines(&task, &spider, 2, 4, &lines(Stream::Stderr, &["d", "e"])).await.unwrap();
        assert_eq!(documents.last_seq(&task).await.unwrap(), 5);
        assert_eq!(read(&documents, &task, 1, None, 2).await, [(2, 1, "b\0\u{fffd}中".into()), (3, 1, "c".into())]);
        assert_eq!(read(&documents, &task, 3, None, 9).await, [(4, 2, "d".into()), (5, 2, "e".into())]);
        assert_eq!(read(&documents, &task, 0, Some(Stream::Stderr), 1).await, [(4, 2, "d".into())]);
        assert_eq!(read(&documents, &task, 5, None, 9).await, []);
        documents.remove_logs(std::slice::from_ref(&task)).await.unwrap();
        assert_eq!(documents.last_seq(&task).await.unwrap(), 0);
    }
}

async fn read(
    documents: &Documents,
    task: &TaskId,
    after: i64,
    stream: Option<Stream>,
    limit: usize,
) -> Vec<(i64, i64, String)> {
    let lines = documents.lines_after(task, after, stream, limit).await.unwrap();
    lines.into_iter().map(|line| (line.seq, line.attempt, line.line)).collect()
}

#[tokio::test]
async fn the_tail_is_the_end_of_each_stream() {
    let (_folder, all) = stores().await;
    for documents in all {
        let (task, spider) = (begun(&documents).await, SpiderId::generate());
        assert_eq!(documents.tail(&task, 10).await.unwrap(), Tail::default());
        documents.append_lines(&task, &spider, 1, 1, &lines(Stream::Stderr, &["one", "two"])).await.unwrap();
        let long = "长".repeat(200_000);
        documents.append_lines(&task, &spider, 1, 3, &lines(Stream::Stdout, &[&long, "12345", "678"])).await.unwrap();
        let tail = documents.tail(&task, 10).await.unwrap();
        assert_eq!((tail.stdout.as_str(), tail.stderr.as_str(), tail.truncated), ("12345\n678\n", "one\ntwo\n", true));
        let all = documents.tail(&task, 1 << 20).await.unwrap();
        assert_eq!((all.stdout.len(), all.truncated), (600_011, false));
        let steps: Vec<Vec<StoredLine>> = documents.all_lines(&task).try_collect().await.unwrap();
        assert_eq!(steps.concat().len(), 5);
        documents.append_lines(&task, &spider, 1, 6, &lines(Stream::Stdout, &[&long])).await.unwrap();
        assert_eq!(documents.tail(&task, 10).await.unwrap().stdout, "长长长\n");
    }
}
