//! The ledger over days on which the clock changes, months and years that end, and leap days: exactly the planned times.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;

use super::schedules::{at, judged, ledger, schedule, text};
use crate::support::TestApp;

/// Zone, expression, what is to be in the ledger.
type Case<'a> = (&'a str, &'a str, Vec<String>);

/// Moves the clock from `start` to `end` by quarters of an hour, and looks what became of the schedules.
async fn watch(start: &str, end: &str, cases: &[Case<'_>]) {
    // The one slot is taken: what is queued waits.
    let app = TestApp::with(&[("CRAWLHUB_SLOTS", "1")]).await;
    let busy = app
        .spider(json!({"name": "busy"}), &[("main.py", "print('up', flush=True)\nimport time\ntime.sleep(600)")])
        .await;
    let task = app.run(&busy, json!({})).await;
    app.wait_for_line(&task, "up").await;
    let (mut now, end) = (at(start), at(end));
    app.clock.set(now);
    let spider = app.spider(json!({"name": "s", "overlap": "allow"}), &[("main.py", "pass")]).await;
    let mut ids = Vec::new();
    for (zone, expr, _) in cases {
        ids.push(schedule(&app, &spider, expr, json!({"timezone": zone})).await);
    }
    let quarters = schedule(&app, &spider, "*/15 * * * *", json!({"timezone": "UTC"})).await;
    while now < end {
        now += TimeDelta::minutes(15);
        app.clock.set(now);
        judged(&app, &quarters, &text(now)).await;
    }
    for ((zone, expr, wanted), id) in cases.iter().zip(&ids) {
        let rows = ledger(&app, id).await;
        let planned: Vec<&str> = rows.iter().map(|row| row["planned_at"].as_str().unwrap()).collect();
        assert_eq!(planned, *wanted, "{expr} {zone}");
        for row in rows {
            assert_eq!((&row["outcome"], &row["late_ms"]), (&json!("fired"), &json!(0)), "{expr} {zone}: {row}");
            let task = app.get(&format!("/tasks/{}", row["task_id"].as_str().unwrap())).await.data();
            assert_eq!(
                (&task["scheduled_at"], &task["schedule_id"]),
                (&row["planned_at"], &json!(id)),
                "{expr} {zone}"
            );
        }
    }
}

fn times(times: &[&str]) -> Vec<String> {
    times.iter().map(|time| (*time).to_owned()).collect()
}

/// Each hour from `first` to `last`.
fn hours(first: &str, last: &str) -> Vec<String> {
    let hours = std::iter::successors(Some(at(first)), |hour: &DateTime<Utc>| Some(*hour + TimeDelta::hours(1)));
    hours.take_while(|hour| *hour <= at(last)).map(text).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn new_york_springs_forward() {
    let six = ["05", "11", "17", "23"].map(|hour| format!("2026-03-07T{hour}:00:00Z"));
    let after = ["05", "10", "16", "22"].map(|hour| format!("2026-03-08T{hour}:00:00Z"));
    let cases = [
        ("America/New_York", "30 2 * * *", times(&["2026-03-07T07:30:00Z", "2026-03-08T07:00:00Z"])),
        ("America/New_York", "0 */6 * * *", [six, after].concat()),
        ("America/New_York", "0 * * * *", hours("2026-03-07T01:00:00Z", "2026-03-09T00:00:00Z")),
        ("Asia/Shanghai", "30 2 * * *", times(&["2026-03-07T18:30:00Z", "2026-03-08T18:30:00Z"])),
    ];
    watch("2026-03-07T00:00:00Z", "2026-03-09T00:00:00Z", &cases).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn new_york_falls_back() {
    let cases = [
        ("America/New_York", "30 1 * * *", times(&["2026-10-31T05:30:00Z", "2026-11-01T05:30:00Z"])),
        ("America/New_York", "0 * * * *", hours("2026-10-31T01:00:00Z", "2026-11-02T00:00:00Z")),
        ("America/New_York", "0 0 1 * *", times(&["2026-11-01T04:00:00Z"])),
        ("Asia/Shanghai", "0 0 L * *", times(&[])),
        ("Asia/Shanghai", "0 12 L * *", times(&["2026-10-31T04:00:00Z"])),
    ];
    watch("2026-10-31T00:00:00Z", "2026-11-02T00:00:00Z", &cases).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn berlin_springs_forward_and_falls_back() {
    let cases = [
        ("Europe/Berlin", "30 2 * * *", times(&["2026-03-28T01:30:00Z", "2026-03-29T01:00:00Z"])),
        ("Europe/Berlin", "0 0 * * *", times(&["2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z"])),
        (
            "Europe/Berlin",
            "0 2,14 * * *",
            times(&[
                "2026-03-28T01:00:00Z",
                "2026-03-28T13:00:00Z",
                "2026-03-29T01:00:00Z",
                "2026-03-29T12:00:00Z",
                "2026-03-30T00:00:00Z",
            ]),
        ),
        ("Europe/Berlin", "0 * * * *", hours("2026-03-28T01:00:00Z", "2026-03-30T00:00:00Z")),
    ];
    watch("2026-03-28T00:00:00Z", "2026-03-30T00:00:00Z", &cases).await;
    let cases = [
        ("Europe/Berlin", "30 2 * * *", times(&["2026-10-24T00:30:00Z", "2026-10-25T00:30:00Z"])),
        ("Europe/Berlin", "0 0 * * *", times(&["2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z"])),
        (
            "Europe/Berlin",
            "0 2,14 * * *",
            times(&["2026-10-24T12:00:00Z", "2026-10-25T00:00:00Z", "2026-10-25T13:00:00Z"]),
        ),
        ("Europe/Berlin", "0 * * * *", hours("2026-10-24T01:00:00Z", "2026-10-26T00:00:00Z")),
    ];
    watch("2026-10-24T00:00:00Z", "2026-10-26T00:00:00Z", &cases).await;
}

/// By half an hour only.
#[tokio::test(flavor = "multi_thread")]
async fn lord_howe_changes_by_half_an_hour() {
    let back =
        [hours("2026-04-04T01:00:00Z", "2026-04-04T14:00:00Z"), hours("2026-04-04T15:30:00Z", "2026-04-06T00:00:00Z")];
    let cases = [
        ("Australia/Lord_Howe", "45 1 * * *", times(&["2026-04-04T14:45:00Z", "2026-04-05T15:15:00Z"])),
        ("Australia/Lord_Howe", "0 * * * *", back.concat()),
    ];
    watch("2026-04-04T00:00:00Z", "2026-04-06T00:00:00Z", &cases).await;
    let cases = [("Australia/Lord_Howe", "15 2 * * *", times(&["2026-10-03T15:30:00Z", "2026-10-04T15:15:00Z"]))];
    watch("2026-10-03T00:00:00Z", "2026-10-05T00:00:00Z", &cases).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn years_and_months_end() {
    let cases = [
        ("Asia/Shanghai", "0 0 1 1 *", times(&["2026-12-31T16:00:00Z"])),
        ("America/New_York", "0 0 1 1 *", times(&["2027-01-01T05:00:00Z"])),
        ("America/New_York", "45 23 L * *", times(&["2027-01-01T04:45:00Z"])),
        ("Europe/Berlin", "0 12 31 12 *", times(&["2026-12-31T11:00:00Z"])),
        ("UTC", "@yearly", times(&["2027-01-01T00:00:00Z"])),
    ];
    watch("2026-12-31T00:00:00Z", "2027-01-01T06:00:00Z", &cases).await;
    let cases = [
        ("UTC", "0 6 L * *", times(&["2027-02-28T06:00:00Z"])),
        ("UTC", "0 6 29 2 *", times(&[])),
        ("UTC", "0 6 31 * *", times(&[])),
        ("Europe/Berlin", "@monthly", times(&["2027-02-28T23:00:00Z"])),
    ];
    watch("2027-02-28T00:00:00Z", "2027-03-01T07:00:00Z", &cases).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn leap_days() {
    let cases = [
        ("Europe/Berlin", "0 12 29 2 *", times(&["2028-02-29T11:00:00Z"])),
        ("UTC", "0 0 L 2 *", times(&["2028-02-29T00:00:00Z"])),
        ("America/New_York", "0 20 * * *", times(&["2028-02-29T01:00:00Z"])),
        ("Asia/Shanghai", "0 0 1 3 *", times(&["2028-02-29T16:00:00Z"])),
    ];
    watch("2028-02-28T12:00:00Z", "2028-02-29T18:00:00Z", &cases).await;
}
