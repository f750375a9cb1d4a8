//! On `SQLite`, and again on `PostgreSQL` where `TEST_DATABASE_URL` names one. Ids are new in each test, so that one
//! database serves them all.

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
