//! On `SQLite`, and again on `PostgreSQL` where `TEST_DATABASE_URL` names one, and on MongoDB where `TEST_MONGODB_URL`
//! does. Ids are new in each test, so that one database serves them all.

use std::{path::Path, sync::Arc};

use futures_util::TryStreamExt;
use serde_json::value::RawValue;

use super::{logs::Levels, *};
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
    let clock = || Arc::new(SystemClock);
    let documents = |db| Documents::new(SqlStore::new(db, clock()), Disk::new(Path::new("/"), 0));
    let mut all = vec![documents(Database::open_sqlite(&file, Schema::Documents).await.unwrap())];
    if let Some(url) = variable("TEST_DATABASE_URL") {
        all.push(documents(Database::open_postgres(&url).await.unwrap()));
    }
    if let Some(url) = variable("TEST_MONGODB_URL") {
        let store = MongoStore::open(&url, 0, clock()).await.unwrap();
        all.push(Documents::new(store, Disk::new(Path::new("/"), 0)));
    }
    (folder, all)
}

#[expect(clippy::disallowed_methods, reason = "which engines a test runs on is no setting of the product")]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

fn batch(task_id: &TaskId, spider_id: &SpiderId, number: Option<i64>, items: &[&str]) -> NewBatch {
    let items = items.iter().map(|item| RawValue::from_string((*item).to_owned()).unwrap().into()).collect();
    NewBatch {
        task_id: task_id.clone(),
        spider_id: spider_id.clone(),
        attempt: 1,
        batch: number,
        is_test: false,
        came_at: None,
        dedup: None,
        items,
        refused: vec![],
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
async fn one_item_is_found_by_its_id() {
    let (_folder, stores) = stores().await;
    for documents in stores {
        let (task, spider) = (begun(&documents).await, SpiderId::generate());
        documents.add_items(batch(&task, &spider, Some(1), &[r#"{"n": 1}"#, r#"{"n":  2}"#])).await.unwrap();
        let last = documents.last_item_id(&of_task(&task)).await.unwrap().unwrap();
        let by_id = async |id: &str| documents.items_by_id(&[id.to_owned()]).await.unwrap().pop();
        let item = by_id(&last).await.unwrap();
        assert_eq!((item.data.get(), item.task_id, item.spider_id), (r#"{"n":  2}"#, task.clone(), spider));
        documents.delete_items(&of_task(&task)).await.unwrap();
        assert!(by_id(&last).await.is_none());
        assert!(by_id("none").await.is_none());
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
        assert_eq!(again, Stored { repeated: true, reason: None, ..first });
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
        refused(documents.append_lines(&lines(&task, &spider, 1, Stream::Stdout, &["late"])).await.unwrap_err());
        documents.add_items(one(2)).await.unwrap();
        // Too late to begin, and to end another's.
        documents.open_attempt(&task, 1).await.unwrap();
        assert_eq!(documents.close_attempt(&task, 1).await.unwrap().stored, 2);
        documents
            .append_lines(&NewLines { attempt: 2, ..lines(&task, &spider, 1, Stream::Stdout, &["in time"]) })
            .await
            .unwrap();
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
            documents.append_lines(&lines(task, &spider, 1, Stream::Stdout, &["a", "b"])).await.unwrap();
            documents.append_lines(&lines(task, &spider, 1, Stream::Stdout, &["a", "b"])).await.unwrap();
        }
        let kept = documents.kept_of(&spider).await.unwrap();
        let mut bytes = 0;
        for task in [&heavy, &light] {
            let chunks = documents.chunks_after(task, 0, Levels::ANY, 9).await.unwrap();
            bytes += chunks.iter().map(|chunk| chunk.body.len()).sum::<usize>();
        }
        assert_eq!(kept, Kept { items: 6009, logs: i64::try_from(bytes).unwrap() });
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

/// Lines of the task's first attempt.
fn lines(task: &TaskId, spider: &SpiderId, first_seq: i64, stream: Stream, texts: &[&str]) -> NewLines {
    let at = SystemClock.now();
    let line = |text: &&str| LogLine { stream, level: None, at, text: (*text).to_owned() };
    NewLines {
        task_id: task.clone(),
        spider_id: spider.clone(),
        attempt: 1,
        version: None,
        first_seq,
        lines: texts.iter().map(line).collect(),
        errors: Vec::new(),
    }
}

#[tokio::test]
async fn lines_are_stored_once_and_read_from_any_place() {
    let (_folder, all) = stores().await;
    for documents in all {
        let (task, spider) = (begun(&documents).await, SpiderId::generate());
        assert_eq!(documents.last_seq(&task).await.unwrap(), 0);
        documents.append_lines(&lines(&task, &spider, 1, Stream::Stdout, &["a", "b\0\u{fffd}中"])).await.unwrap();
        // The answer was lost; the sender tries again with what has come since.
        documents.append_lines(&lines(&task, &spider, 1, Stream::Stdout, &["a", "b", "c"])).await.unwrap();
        documents.open_attempt(&task, 2).await.unwrap();
        documents
            .append_lines(&NewLines { attempt: 2, ..lines(&task, &spider, 4, Stream::Stderr, &["d", "e"]) })
            .await
            .unwrap();
        assert_eq!(documents.last_seq(&task).await.unwrap(), 5);
        assert_eq!(read(&documents, &task, 1, 2).await, [(2, 1, "b\0\u{fffd}中".into()), (3, 1, "c".into())]);
        assert_eq!(read(&documents, &task, 3, 9).await, [(4, 2, "d".into()), (5, 2, "e".into())]);
        assert_eq!(read(&documents, &task, 5, 9).await, []);
        documents.remove_logs(std::slice::from_ref(&task)).await.unwrap();
        assert_eq!(documents.last_seq(&task).await.unwrap(), 0);
    }
}

async fn read(documents: &Documents, task: &TaskId, after: i64, limit: usize) -> Vec<(i64, i64, String)> {
    let lines = documents.lines_after(task, after, limit).await.unwrap();
    lines.into_iter().map(|line| (line.seq, line.attempt, line.line)).collect()
}

#[tokio::test]
async fn the_tail_is_the_end_of_each_stream() {
    let (_folder, all) = stores().await;
    for documents in all {
        let (task, spider) = (begun(&documents).await, SpiderId::generate());
        assert_eq!(documents.tail(&task, 10).await.unwrap(), Tail::default());
        documents.append_lines(&lines(&task, &spider, 1, Stream::Stderr, &["one", "two"])).await.unwrap();
        let long = "长".repeat(200_000);
        documents.append_lines(&lines(&task, &spider, 3, Stream::Stdout, &[&long, "12345", "678"])).await.unwrap();
        let tail = documents.tail(&task, 10).await.unwrap();
        assert_eq!((tail.stdout.as_str(), tail.stderr.as_str(), tail.truncated), ("12345\n678\n", "one\ntwo\n", true));
        let all = documents.tail(&task, 1 << 20).await.unwrap();
        assert_eq!((all.stdout.len(), all.truncated), (600_011, false));
        let steps: Vec<Vec<StoredLine>> = documents.all_lines(&task).try_collect().await.unwrap();
        assert_eq!(steps.concat().len(), 5);
        documents.append_lines(&lines(&task, &spider, 6, Stream::Stdout, &[&long])).await.unwrap();
        assert_eq!(documents.tail(&task, 10).await.unwrap().stdout, "长长长\n");
    }
}

/// An item that is known by `key`.
fn keyed(key: &str, data: &str) -> NewItem {
    let key = Key { hash: key.to_owned(), label: format!("{key:?}"), content: data.to_owned() };
    NewItem { data: RawValue::from_string(data.to_owned()).unwrap(), key: Some(key), came_at: None }
}

fn keyed_batch(task: &TaskId, spider: &SpiderId, dedup: DedupPolicy, items: &[(&str, &str)]) -> NewBatch {
    let items = items.iter().map(|(key, data)| keyed(key, data)).collect();
    NewBatch { dedup: Some(dedup), items, ..batch(task, spider, None, &[]) }
}

fn of_spider(spider: &SpiderId) -> ItemFilter {
    ItemFilter { spider_id: Some(spider.clone()), ..ItemFilter::default() }
}

/// Key, version and whether it is gone, by the time of the last change.
async fn changes(documents: &Documents, spider: &SpiderId) -> Vec<(String, i64, bool)> {
    let start = (chrono::DateTime::UNIX_EPOCH, String::new());
    let keys = documents.changes_after(spider, &start, 100).await.unwrap();
    assert!(keys.is_sorted_by_key(|key| (key.changed_at, key.key.clone())));
    keys.into_iter().map(|key| (key.key, key.version, key.gone_at.is_some())).collect()
}

#[tokio::test]
async fn a_known_key_is_kept_replaced_or_a_further_version() {
    use DedupPolicy::{KeepFirst, KeepLast, Version};
    let (_folder, all) = stores().await;
    for documents in all {
        // Stored, duplicate; the items then, newest first; the bytes they take.
        for (policy, counts, stored, versions) in [
            (KeepFirst, (3, 5), vec!["1", "21", "11"], [1, 1, 1]),
            (KeepLast, (4, 4), vec!["24", "1", "12"], [2, 4, 1]),
            (Version, (7, 1), vec!["24", "1", "23", "22", "21", "12", "11"], [2, 4, 1]),
        ] {
            let (one, two, spider) = (begun(&documents).await, begun(&documents).await, SpiderId::generate());
            let first = [("a", "11"), ("a", "12"), ("b", "21"), ("b", "22"), ("b", "23")];
            let first = documents.add_items(keyed_batch(&one, &spider, policy, &first)).await.unwrap();
            assert_eq!(first.totals.received, 5);
            // The same content again is a duplicate: "12" is a's present one, where it was stored at all.
            let second = [("a", "12"), ("c", "1"), ("b", "24")];
            let second = documents.add_items(keyed_batch(&two, &spider, policy, &second)).await.unwrap();
            assert_eq!(
                (first.accepted + second.accepted, first.duplicate + second.duplicate),
                counts,
                "{policy}: {first:?} {second:?}"
            );
            let items = documents.items(&of_spider(&spider), None, 0, 100).await.unwrap();
            let mut texts = texts(&items);
            texts.sort_by_key(|text| std::cmp::Reverse(text.parse::<i64>().unwrap()));
            let mut expected = stored;
            expected.sort_by_key(|text| std::cmp::Reverse(text.parse::<i64>().unwrap()));
            assert_eq!(texts, expected, "{policy}");
            let bytes: usize = expected.iter().map(|text| text.len()).sum();
            assert_eq!(documents.kept_of(&spider).await.unwrap().items, i64::try_from(bytes).unwrap(), "{policy}");
            let held = documents.held(&of_spider(&spider)).await.unwrap();
            assert_eq!(held.items, i64::try_from(expected.len()).unwrap(), "{policy}");
            assert_eq!(held.altered, i64::from(policy == KeepLast), "one of the first task's was replaced");
            let mut keys = changes(&documents, &spider).await;
            keys.sort_unstable();
            assert_eq!(keys.iter().map(|key| key.1).collect::<Vec<_>>(), versions, "{policy}");
            let of_b = documents.versions(&spider, "b", None, 100).await.unwrap();
            assert_eq!(of_b.len(), if policy == Version { 4 } else { 0 });
            for (key, text) in [("a", "12"), ("b", "24")] {
                let known = documents.known_key(&spider, key).await.unwrap().unwrap();
                let present = documents.items_by_id(&[known.item_id, "none".to_owned()]).await.unwrap();
                let expected = if policy == KeepFirst { &format!("{}1", &text[..1]) } else { text };
                assert_eq!(self::texts(&present), [expected]);
            }
        }
    }
}

#[tokio::test]
async fn a_batch_sent_again_is_answered_as_it_was() {
    let (_folder, all) = stores().await;
    for documents in all {
        let (task, spider) = (begun(&documents).await, SpiderId::generate());
        let refused = Refused { data: RawValue::from_string("9".to_owned()).unwrap(), reason: "odd".to_owned() };
        let items = [("a", "1"), ("a", "1"), ("b", "2")];
        let numbered = || NewBatch {
            batch: Some(1),
            refused: vec![refused.clone()],
            ..keyed_batch(&task, &spider, DedupPolicy::KeepFirst, &items)
        };
        let first = documents.add_items(numbered()).await.unwrap();
        assert_eq!((first.accepted, first.duplicate, first.rejected), (2, 1, 1));
        assert_eq!(first.reason.as_deref(), Some("odd"));
        let again = documents.add_items(numbered()).await.unwrap();
        assert_eq!(again, Stored { repeated: true, reason: None, ..first });
        assert_eq!(documents.count_quarantined(&of_task(&task)).await.unwrap(), 1);
    }
}

#[tokio::test]
async fn keys_of_a_test_run_are_its_own() {
    let (_folder, all) = stores().await;
    for documents in all {
        let (real, test, spider) = (begun(&documents).await, begun(&documents).await, SpiderId::generate());
        let one = |task, is_test| NewBatch {
            is_test,
            ..keyed_batch(task, &spider, DedupPolicy::KeepFirst, &[("a", "1"), ("a", "1")])
        };
        for (task, is_test) in [(&test, true), (&real, false)] {
            let stored = documents.add_items(one(task, is_test)).await.unwrap();
            assert_eq!((stored.accepted, stored.duplicate), (1, 1));
        }
        assert_eq!(changes(&documents, &spider).await.len(), 1);
    }
}

/// Tasks of one spider that send the same keys in different orders at once.
#[tokio::test(flavor = "multi_thread")]
async fn of_many_at_once_each_key_is_stored_once() {
    let (_folder, all) = stores().await;
    for documents in all {
        let spider = SpiderId::generate();
        let keys: Vec<String> = (0..300).map(|key| format!("k{key:03}")).collect();
        let senders = (0..6).map(|sender| {
            let (documents, spider, mut keys) = (documents.clone(), spider.clone(), keys.clone());
            if sender % 2 == 1 {
                keys.reverse();
            }
            async move {
                let task = begun(&documents).await;
                let policy = if sender < 3 { DedupPolicy::KeepFirst } else { DedupPolicy::KeepLast };
                for _ in 0..3 {
                    let items: Vec<(&str, String)> =
                        keys.iter().map(|key| (key.as_str(), format!("[{key:?},{sender}]"))).collect();
                    let items: Vec<(&str, &str)> = items.iter().map(|(key, data)| (*key, data.as_str())).collect();
                    documents.add_items(keyed_batch(&task, &spider, policy, &items)).await.unwrap();
                    // Others remove at the same time.
                    documents.remove_items_of_tasks(std::slice::from_ref(&task)).await.unwrap();
                }
                documents.add_items(keyed_batch(&task, &spider, policy, &[("k000", "0")])).await.unwrap();
                task
            }
        });
        let tasks = futures_util::future::join_all(senders).await;
        let items: Vec<String> = keys.iter().map(|key| format!("{key:?}")).collect();
        let items: Vec<(&str, &str)> =
            keys.iter().zip(&items).map(|(key, data)| (key.as_str(), data.as_str())).collect();
        let last = keyed_batch(&tasks[0], &spider, DedupPolicy::KeepLast, &items);
        documents.add_items(last).await.unwrap();
        assert_eq!(documents.count_items(&of_spider(&spider)).await.unwrap(), 300);
        let bytes: usize = items.iter().map(|(_, data)| data.len()).sum();
        assert_eq!(documents.kept_of(&spider).await.unwrap().items, i64::try_from(bytes).unwrap());
    }
}

#[tokio::test]
async fn what_was_not_seen_is_gone_until_it_is_seen_again() {
    let (_folder, all) = stores().await;
    for documents in all {
        let (task, spider) = (begun(&documents).await, SpiderId::generate());
        let add = async |items: &[(&str, &str)]| {
            documents.add_items(keyed_batch(&task, &spider, DedupPolicy::KeepLast, items)).await.unwrap();
        };
        let many: Vec<String> = (0..2500).map(|key| format!("m{key:04}")).collect();
        let many: Vec<(&str, &str)> = many.iter().map(|key| (key.as_str(), "0")).collect();
        add(&many).await;
        add(&[("a", "1"), ("b", "1")]).await;
        let start = SystemClock.now();
        add(&[("a", "2")]).await;
        assert_eq!(documents.mark_gone(&spider, start).await.unwrap(), 2501);
        assert_eq!(documents.mark_gone(&spider, start).await.unwrap(), 0);
        let known = async |key| documents.known_key(&spider, key).await.unwrap().unwrap();
        let (a, b) = (known("a").await, known("b").await);
        assert_eq!((a.gone_at, a.version), (None, 2));
        assert_eq!((b.gone_at, b.version), (Some(b.changed_at), 1));
        assert!(b.changed_at > a.changed_at && a.changed_at > a.first_seen);
        add(&[("b", "1")]).await;
        let again = known("b").await;
        assert_eq!((again.gone_at, again.version, again.first_seen), (None, 1, b.first_seen));
        assert!(again.appeared_at == again.changed_at && again.changed_at > b.changed_at);
        let after = (again.changed_at, String::new());
        let later = documents.changes_after(&spider, &after, 100).await.unwrap();
        assert_eq!(later, [again]);
    }
}

#[tokio::test]
async fn keys_outlive_items_but_not_the_last_task_that_saw_them() {
    let (_folder, all) = stores().await;
    for documents in all {
        let (one, two, spider) = (begun(&documents).await, begun(&documents).await, SpiderId::generate());
        let add = async |task: &TaskId, items: &[(&str, &str)]| {
            documents.add_items(keyed_batch(task, &spider, DedupPolicy::KeepFirst, items)).await.unwrap().accepted
        };
        assert_eq!(add(&one, &[("a", "1"), ("b", "1"), ("c", "1")]).await, 3);
        documents.delete_items(&of_task(&one)).await.unwrap();
        let first = documents.known_key(&spider, "a").await.unwrap().unwrap();
        assert_eq!(add(&one, &[("a", "1")]).await, 1, "it is stored again");
        let again = documents.known_key(&spider, "a").await.unwrap().unwrap();
        assert_eq!((again.first_seen, again.changed_at, again.version), (first.first_seen, first.changed_at, 1));
        // The second task sees two of them; one of the items is the first's.
        assert_eq!(add(&two, &[("a", "1"), ("b", "1")]).await, 1);
        documents.forget_tasks(&[two]).await.unwrap();
        let left = async |key| documents.known_key(&spider, key).await.unwrap().is_some();
        assert_eq!([left("a").await, left("b").await, left("c").await], [true, false, true]);
        assert_eq!(add(&one, &[("a", "1")]).await, 0, "its item is there");
        documents.forget_tasks(&[one]).await.unwrap();
        assert_eq!(changes(&documents, &spider).await, []);
    }
}

#[tokio::test]
async fn what_is_refused_waits_in_quarantine() {
    let (_folder, all) = stores().await;
    for documents in all {
        let (task, spider) = (begun(&documents).await, SpiderId::generate());
        let deep = format!("{}{}", "[".repeat(20_000), "]".repeat(20_000));
        let refuse = |data: &str| Refused {
            data: RawValue::from_string(data.to_owned()).unwrap(),
            reason: format!("/price: {}", &data[..1]),
        };
        let refused = vec![refuse(r#"{"p": "\u0000\ud800", "q": 1e400}"#), refuse("2"), refuse("3")];
        let sent = NewBatch { refused, ..batch(&task, &spider, None, &["1", &deep]) };
        let stored = documents.add_items(sent).await.unwrap();
        assert_eq!(stored.totals, Counts { received: 5, stored: 1, duplicate: 0, rejected: 4 });
        let all = documents.quarantined(&of_spider(&spider), None, 0, 10).await.unwrap();
        assert_eq!(
            all.iter().map(|item| item.data.get()).collect::<Vec<_>>(),
            [deep.as_str(), "3", "2", r#"{"p": "\u0000\ud800", "q": 1e400}"#]
        );
        assert!(all[0].reason.contains("1000"), "{}", all[0].reason);
        assert_eq!((all[1].reason.as_str(), &all[1].task_id), ("/price: 3", &task));
        let page = documents.quarantined(&of_task(&task), Some(&all[0].id), 0, 1).await.unwrap();
        assert_eq!(page[0].id, all[1].id);
        let step = documents.quarantined_after(&of_task(&task), Some(&all[3].id), 2).await.unwrap();
        assert_eq!(step.iter().map(|item| item.data.get()).collect::<Vec<_>>(), ["2", "3"]);
        assert_eq!(documents.kept_of(&spider).await.unwrap().items, 40_000 + 1 + 2 + 33);
        let held = async || documents.held(&of_spider(&spider)).await.unwrap();
        assert_eq!(held().await, Held { items: 1, altered: 0 }, "in quarantine they are no items");

        // Two of them are let out, one as a duplicate.
        let let_out = || Readmission {
            task_id: task.clone(),
            spider_id: spider.clone(),
            is_test: false,
            dedup: Some(DedupPolicy::KeepFirst),
            items: vec![(all[1].id.clone(), keyed("k", "3")), (all[2].id.clone(), keyed("k", "2"))],
        };
        let done = documents.readmit(let_out()).await.unwrap();
        assert_eq!(done, Readmitted { stored: 1, duplicate: 1, left: 0 });
        assert_eq!(documents.readmit(let_out()).await.unwrap(), Readmitted::default(), "they are out");
        let counts = documents.counts(std::slice::from_ref(&task)).await.unwrap()[&task];
        assert_eq!(counts, Counts { received: 5, stored: 2, duplicate: 1, rejected: 2 });
        assert_eq!(documents.kept_of(&spider).await.unwrap().items, 40_000 + 1 + 1 + 33);
        assert_eq!(held().await, Held { items: 2, altered: 0 });
        assert_eq!(texts(&documents.items(&of_task(&task), None, 0, 9).await.unwrap()), ["3", "1"]);

        let items = vec![(all[0].id.clone(), keyed("deep", &deep))];
        let still = documents.readmit(Readmission { items, ..let_out() }).await.unwrap();
        assert_eq!(still, Readmitted { stored: 0, duplicate: 0, left: 1 });

        assert_eq!(documents.delete_quarantined(&of_spider(&spider)).await.unwrap(), 2);
        assert_eq!(documents.kept_of(&spider).await.unwrap().items, 2);
        assert_eq!(held().await, Held { items: 2, altered: 0 });
        let sent = NewBatch { refused: vec![refuse("7")], ..batch(&task, &spider, None, &[]) };
        documents.add_items(sent).await.unwrap();
        documents.remove_items_of_tasks(std::slice::from_ref(&task)).await.unwrap();
        assert_eq!(documents.kept_of(&spider).await.unwrap(), Kept::default());
        assert_eq!(held().await, Held { items: 0, altered: 2 });
        assert_eq!(documents.count_quarantined(&of_task(&task)).await.unwrap(), 0);
    }
}

/// What waited in quarantine does not take the place of what came after it.
#[tokio::test]
async fn what_is_let_out_is_as_old_as_it_is() {
    use DedupPolicy::{KeepFirst, KeepLast, Version};
    let (_folder, all) = stores().await;
    for documents in all {
        for (policy, accepted, texts_then) in
            [(KeepFirst, 1, vec!["5", "2"]), (KeepLast, 1, vec!["5", "2"]), (Version, 2, vec!["5", "1", "2"])]
        {
            let (one, two, spider) = (begun(&documents).await, begun(&documents).await, SpiderId::generate());
            let refuse = |data: &str| Refused {
                data: RawValue::from_string(data.to_owned()).unwrap(),
                reason: "odd".to_owned(),
            };
            let refused = vec![refuse("1"), refuse("5")];
            documents.add_items(NewBatch { refused, ..batch(&one, &spider, None, &[]) }).await.unwrap();
            let waiting = documents.quarantined_after(&of_task(&one), None, 10).await.unwrap();
            documents.add_items(keyed_batch(&two, &spider, policy, &[("a", "2")])).await.unwrap();
            documents.mark_gone(&spider, SystemClock.now()).await.unwrap();
            let before = documents.known_key(&spider, "a").await.unwrap().unwrap();
            let items = waiting.iter().zip(["a", "b"]).map(|(item, key)| {
                let came_at = Some(item.created_at);
                (item.id.clone(), NewItem { came_at, ..keyed(key, item.data.get()) })
            });
            let let_out = Readmission {
                task_id: one.clone(),
                spider_id: spider.clone(),
                is_test: false,
                dedup: Some(policy),
                items: items.collect(),
            };
            let done = documents.readmit(let_out).await.unwrap();
            assert_eq!((done.stored, done.duplicate), (accepted, 2 - accepted), "{policy}");
            assert_eq!(texts(&documents.items(&of_spider(&spider), None, 0, 9).await.unwrap()), texts_then, "{policy}");
            let after = documents.known_key(&spider, "a").await.unwrap().unwrap();
            assert!(before.gone_at.is_some());
            assert_eq!(after, KnownKey { version: before.version + i64::from(policy == Version), ..before });
            let new = documents.known_key(&spider, "b").await.unwrap().unwrap();
            assert!(new.last_seen == waiting[1].created_at && new.changed_at > after.last_seen, "{new:?}");
        }
    }
}

#[tokio::test]
async fn a_catalogue_says_which_fields_arrived() {
    let (_folder, all) = stores().await;
    for documents in all {
        let (one, two, spider) = (begun(&documents).await, begun(&documents).await, SpiderId::generate());
        for items in [&[r#"{"a": 1.50, "b\u0000.$": null}"#, r#"{"a": "x"}"#][..], &[r#"{"c": [], "a": null}"#]] {
            documents.add_items(batch(&one, &spider, None, items)).await.unwrap();
        }
        let repeated = NewBatch { batch: Some(1), ..batch(&two, &spider, None, &["1"]) };
        documents.add_items(repeated).await.unwrap();
        documents.add_items(NewBatch { batch: Some(1), ..batch(&two, &spider, None, &["1"]) }).await.unwrap();
        let found = documents.catalogues_after(&of_spider(&spider), None, 10).await.unwrap();
        assert_eq!(found.iter().map(|(task, _)| task).collect::<Vec<_>>(), [&one, &two]);
        let told = |catalogue: &Catalogue| serde_json::to_value(catalogue).unwrap();
        assert_eq!(
            told(&found[0].1),
            serde_json::json!({"items": 3, "truncated": false, "fields": [
                {"name": "a", "types": {"number": 1, "string": 1, "null": 1}, "sample": 1.5},
                {"name": "b\0.$", "types": {"null": 1}, "sample": null},
                {"name": "c", "types": {"array": 1}, "sample": []},
            ]})
        );
        assert_eq!(found[0].1.fields[0].sample.as_ref().unwrap().get(), "1.50", "to the letter");
        assert_eq!((found[1].1.items, &found[1].1.fields[0].name[..]), (1, "value"));
        let next = documents.catalogues_after(&of_spider(&spider), Some(&one), 10).await.unwrap();
        assert_eq!(next.len(), 1);
        assert!(documents.uncatalogued(&of_spider(&spider)).await.unwrap().is_empty());
        // Some of the items go: it still says what arrived. All go, and so does it.
        let some = ItemFilter { q: Some("x".to_owned()), ..of_task(&one) };
        assert_eq!(documents.delete_items(&some).await.unwrap(), 1);
        assert_eq!(documents.catalogues_after(&of_task(&one), None, 10).await.unwrap()[0].1.items, 3);
        documents.delete_items(&of_task(&one)).await.unwrap();
        assert!(documents.catalogues_after(&of_task(&one), None, 10).await.unwrap().is_empty());
        documents.remove_items_of_tasks(&[two]).await.unwrap();
        assert!(documents.catalogues_after(&of_spider(&spider), None, 10).await.unwrap().is_empty());
    }
}

#[tokio::test]
async fn more_fields_than_a_catalogue_has_are_left_out() {
    let names: Vec<String> = (0..10_000).map(|n| format!("\"f{n}\":{n}")).collect();
    let item = format!("{{{}}}", names.join(","));
    let (_folder, all) = stores().await;
    for documents in all {
        let (task, spider) = (begun(&documents).await, SpiderId::generate());
        documents.add_items(batch(&task, &spider, None, &[&item, &item])).await.unwrap();
        documents.add_items(batch(&task, &spider, None, &[&item])).await.unwrap();
        let (_, catalogue) = documents.catalogues_after(&of_task(&task), None, 1).await.unwrap().remove(0);
        assert_eq!((catalogue.items, catalogue.truncated, catalogue.fields.len()), (3, true, 1000));
        assert_eq!(catalogue.fields[999].filled(), 3);
        assert_eq!(documents.count_items(&of_task(&task)).await.unwrap(), 3);
    }
}

/// A spider that says little does not make a row of each line; what readers see stays the same.
#[tokio::test]
async fn small_chunks_are_gone_on_with() {
    let (_folder, all) = stores().await;
    for documents in all {
        let (task, spider) = (begun(&documents).await, SpiderId::generate());
        let text = |n: i64| format!("line {n} {:x}", n.wrapping_mul(0x1e37_79b9_7f4a_7c15));
        for n in 1..=2000 {
            documents.append_lines(&lines(&task, &spider, n, Stream::Stdout, &[&text(n)])).await.unwrap();
        }
        let chunks = documents.chunks_after(&task, 0, Levels::ANY, 3000).await.unwrap();
        assert!((2..20).contains(&chunks.len()), "{}", chunks.len());
        let bytes: usize = chunks.iter().map(|chunk| chunk.body.len()).sum();
        assert_eq!(documents.kept_of(&spider).await.unwrap().logs, i64::try_from(bytes).unwrap());
        assert!(bytes < 50_000, "they are compressed: {bytes}");
        let back = documents.lines_after(&task, 0, 3000).await.unwrap();
        assert!(back.iter().zip(1..).all(|(line, n)| line.seq == n && line.line == text(n)), "{back:?}");
        assert_eq!(back.len(), 2000);
        // Each attempt has chunks of its own.
        documents.open_attempt(&task, 2).await.unwrap();
        let second = NewLines { attempt: 2, ..lines(&task, &spider, 2001, Stream::Stdout, &["again"]) };
        documents.append_lines(&second).await.unwrap();
        assert_eq!(documents.chunks_before(&task, i64::MAX, Levels::ANY, 1).await.unwrap()[0].first_seq, 2001);
    }
}

#[tokio::test]
async fn lines_are_found_by_level_stream_time_and_text() {
    let (_folder, all) = stores().await;
    for documents in all {
        let (task, spider) = (begun(&documents).await, SpiderId::generate());
        let mut new = lines(&task, &spider, 1, Stream::Stderr, &["Eins", "zwei", "DREI Äpfel", "vier", "fünf 50%_"]);
        for (line, level) in new.lines.iter_mut().zip([None, Some(Level::Debug), Some(Level::Error), Some(Level::Info)])
        {
            line.level = level;
        }
        let start = new.lines[0].at;
        new.lines[4].at = start + chrono::TimeDelta::seconds(10);
        documents.append_lines(&new).await.unwrap();
        documents.open_attempt(&task, 2).await.unwrap();
        let second = NewLines { attempt: 2, ..lines(&task, &spider, 6, Stream::Stdout, &["sechs"]) };
        documents.append_lines(&second).await.unwrap();
        let any = LineFilter::default;
        let text = |text| LineFilter { text: Some(Needle::new(text).unwrap()), ..any() };
        for (filter, seqs) in [
            (any(), vec![1, 2, 3, 4, 5, 6]),
            (LineFilter { stream: Some(Stream::Stdout), ..any() }, vec![6]),
            (LineFilter { level: Some(Level::Info), ..any() }, vec![3, 4]),
            (LineFilter { level: Some(Level::Critical), ..any() }, vec![]),
            (LineFilter { from: Some(start + chrono::TimeDelta::seconds(9)), ..any() }, vec![5]),
            (text("äPFEL"), vec![3]),
            (text("%_"), vec![5]),
            (text("."), vec![]),
        ] {
            let effort = &mut Effort::new(1 << 20, std::time::Duration::from_mins(1));
            let found = documents.find_after(&task, (0, i64::MAX), &filter, 9, effort).await.unwrap();
            assert_eq!(found.lines.iter().map(|line| line.seq).collect::<Vec<_>>(), seqs, "{filter:?}");
            assert!(found.is_all);
            let back = documents.find_before(&task, i64::MAX, &filter, 9, effort).await.unwrap();
            assert_eq!(back.lines.iter().rev().map(|line| line.seq).collect::<Vec<_>>(), seqs, "{filter:?}");
        }
        // In steps, from either end, and no more than was to be looked at.
        let effort = &mut Effort::new(1, std::time::Duration::from_mins(1));
        let some = documents.find_after(&task, (0, i64::MAX), &any(), 9, effort).await.unwrap();
        assert_eq!((some.lines.len(), some.place, some.is_all), (5, 5, false));
        let effort = &mut Effort::new(1 << 20, std::time::Duration::from_mins(1));
        let between = documents.find_after(&task, (1, 4), &any(), 9, effort).await.unwrap();
        assert_eq!((between.lines.len(), between.place, between.is_all), (2, 3, true));
        let last = documents.find_before(&task, 6, &any(), 2, effort).await.unwrap();
        assert_eq!((last.lines[0].seq, last.place, last.is_all), (5, 4, false));
        let errors = documents.chunks_after(&task, 0, Levels::at_least(Level::Error), 9).await.unwrap();
        assert_eq!(errors.len(), 1, "the other holds none");
    }
}

fn error(fingerprint: &str, known_at: i64) -> SeenError {
    SeenError {
        fingerprint: fingerprint.to_owned(),
        level: Level::Error,
        title: format!("{fingerprint} at {known_at}"),
        sample: "Traceback…".to_owned(),
        at: "2026-03-01T08:00:00Z".parse::<chrono::DateTime<chrono::Utc>>().unwrap()
            + chrono::TimeDelta::seconds(known_at),
        seq: known_at - 1,
        known_at,
    }
}

#[tokio::test]
async fn errors_are_counted_once_by_their_kind() {
    let (_folder, all) = stores().await;
    for documents in all {
        let (task, spider) = (begun(&documents).await, SpiderId::generate());
        let call = |first, texts: &[&str], errors: Vec<SeenError>| NewLines {
            version: Some(first),
            errors,
            ..lines(&task, &spider, first, Stream::Stderr, texts)
        };
        let first = call(1, &["a", "b", "c"], vec![error("one", 2), error("two", 3), error("one", 3)]);
        // The answer was lost, and the same call comes again.
        documents.append_lines(&first).await.unwrap();
        documents.append_lines(&first).await.unwrap();
        // Known when nothing was printed any more.
        let end = call(4, &[], vec![error("one", 4)]);
        documents.append_lines(&end).await.unwrap();
        documents.append_lines(&end).await.unwrap();
        let groups = documents.error_groups(&spider, None, 0, 9).await.unwrap();
        let seen: Vec<(&str, i64, Option<i64>, Option<i64>)> = groups
            .iter()
            .map(|group| (group.fingerprint.as_str(), group.count, group.first_version, group.last_version))
            .collect();
        assert_eq!(seen, [("one", 3, Some(1), Some(4)), ("two", 1, Some(1), Some(1))]);
        assert_eq!((groups[0].title.as_str(), groups[0].last_seq), ("one at 4", 3));
        assert_eq!((groups[0].first_seen, groups[0].last_seen), (error("", 2).at, error("", 4).at));
        let page = documents.error_groups(&spider, Some((groups[0].last_seen, "one")), 0, 9).await.unwrap();
        assert_eq!(page, groups[1..]);
        assert_eq!(documents.error_group(&spider, "two").await.unwrap().as_ref(), Some(&groups[1]));
        assert!(documents.spiders_with_errors().await.unwrap().contains(&spider));
        assert!(documents.forget_error(&spider, "two").await.unwrap());
        assert!(!documents.forget_error(&spider, "two").await.unwrap());
        assert_eq!(documents.count_error_groups(&spider).await.unwrap(), 1);
        // Each of them new: the oldest make room.
        let many = (0..700).map(|n| error(&format!("kind {n:03}"), 5 + n)).collect();
        documents.append_lines(&call(4, &["d"], many)).await.unwrap();
        assert_eq!(documents.count_error_groups(&spider).await.unwrap(), 500);
        assert_eq!(documents.error_group(&spider, "one").await.unwrap(), None);
        assert_eq!(documents.error_groups(&spider, None, 499, 9).await.unwrap()[0].fingerprint, "kind 200");
        documents.forget_errors_of(&spider).await.unwrap();
        assert_eq!(documents.count_error_groups(&spider).await.unwrap(), 0);
    }
}

/// A spider prints while it delivers, and several connections deliver at once.
#[tokio::test(flavor = "multi_thread")]
async fn items_and_lines_of_one_task_come_at_once() {
    let (_folder, all) = stores().await;
    for documents in all {
        let (task, spider) = (begun(&documents).await, SpiderId::generate());
        let items = (0..12).map(|number| {
            let (documents, batch) = (documents.clone(), batch(&task, &spider, Some(number % 8), &["1", "2"]));
            async move { documents.add_items(batch).await.map(drop) }
        });
        let printed = async {
            for place in 1..=20 {
                documents.append_lines(&lines(&task, &spider, place, Stream::Stdout, &["x"])).await?;
            }
            Ok(())
        };
        let (items, printed) = futures_util::join!(futures_util::future::join_all(items), printed);
        items.into_iter().chain([printed]).collect::<Result<Vec<()>>>().unwrap();
        let counts = documents.counts(std::slice::from_ref(&task)).await.unwrap()[&task];
        assert_eq!(counts, Counts { received: 16, stored: 16, duplicate: 0, rejected: 0 });
        assert_eq!(documents.count_items(&of_task(&task)).await.unwrap(), 16);
        assert_eq!(documents.last_seq(&task).await.unwrap(), 20);
        assert_eq!(documents.lines_after(&task, 0, 99).await.unwrap().len(), 20);
    }
}
