//! What one server says, and the others hear.

use std::time::Duration;

use crawlhub::platform::database::{Database, Wakes};
use sqlx::{Connection, Executor, PgConnection};
use tokio::{
    sync::mpsc::{UnboundedReceiver, unbounded_channel},
    time::timeout,
};
use tokio_util::sync::CancellationToken;

use super::is_alone;
use crate::support::new_database;

const A_WHILE: Duration = Duration::from_secs(30);

/// A server that hears of tasks: what it says, and what it heard. Its first word is none: it hears from then on.
async fn server(url: &str) -> (Wakes, UnboundedReceiver<Option<String>>) {
    let wakes = Wakes::new(&Database::open_postgres(url).await.unwrap());
    let (tell, mut heard) = unbounded_channel();
    wakes.hear("task", move |task| tell.send(task.map(str::to_owned)).unwrap());
    let listening = wakes.clone();
    tokio::spawn(async move { listening.listen(&CancellationToken::new()).await });
    assert_eq!(next(&mut heard).await, None);
    (wakes, heard)
}

async fn next(heard: &mut UnboundedReceiver<Option<String>>) -> Option<String> {
    timeout(A_WHILE, heard.recv()).await.unwrap().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_word_is_heard_once_by_the_others() {
    if is_alone() {
        return;
    }
    let url = new_database().await.unwrap();
    let ((one, mut by_one), (other, mut by_other)) = tokio::join!(server(&url), server(&url));
    for _ in 0..10_000 {
        one.say("task", "a");
        one.say("nobody hears of", "it");
    }
    one.send().await.unwrap();
    assert_eq!(next(&mut by_other).await.as_deref(), Some("a"));
    // More than one letter takes.
    let many: Vec<String> = (0..1000).map(|n| format!("task-{n:020}")).collect();
    for task in &many {
        one.say("task", task);
    }
    one.send().await.unwrap();
    for task in &many {
        assert_eq!(next(&mut by_other).await.as_ref(), Some(task));
    }
    other.say("task", "b");
    other.send().await.unwrap();
    assert_eq!(next(&mut by_one).await.as_deref(), Some("b"), "it heard itself");
}

/// Words may have been lost meanwhile: anything may have happened.
#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_breaks_is_made_anew() {
    if is_alone() {
        return;
    }
    let url = new_database().await.unwrap();
    let (_, mut heard) = server(&url).await;
    let mut connection = PgConnection::connect(&url).await.unwrap();
    connection
        .execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
              WHERE datname = current_database() AND query LIKE 'LISTEN%' AND pid <> pg_backend_pid()",
        )
        .await
        .unwrap();
    assert_eq!(next(&mut heard).await, None);
    let wakes = Wakes::new(&Database::open_postgres(&url).await.unwrap());
    wakes.say("task", "a");
    wakes.send().await.unwrap();
    assert_eq!(next(&mut heard).await.as_deref(), Some("a"));
}
