//! Containers of attempts that nobody runs any more.

use chrono::TimeDelta;
use crawlhub::platform::containers::{ContainerRuntime, ContainerSpec, fake::PLAIN};
use serde_json::json;

use crate::support::TestApp;

#[tokio::test]
async fn they_are_removed_and_no_others() {
    let app = TestApp::new().await;
    let spider = app.spider(json!({"name": "lost"}), &[]).await;
    app.post(&format!("/spiders/{spider}/code-session"), json!({})).await.ok();
    let editor = app.engine.list(&[]).await.unwrap().remove(0);
    let make = async |name: &str, server: &str| {
        let labels = [
            ("crawlhub.type", "task"),
            ("crawlhub.server", server),
            ("crawlhub.task_id", name),
            ("crawlhub.attempt", "1"),
        ];
        let spec = ContainerSpec {
            name: name.to_owned(),
            image: PLAIN.to_owned(),
            labels: labels.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
            ..ContainerSpec::default()
        };
        let id = app.engine.create(&spec).await.unwrap();
        app.engine.start(&id).await.unwrap();
        id
    };
    let own = editor.labels["crawlhub.server"].clone();
    let (lost, new, foreign) = (make("lost", &own).await, make("new", &own).await, make("foreign", "another").await);
    app.engine.age(&lost);
    app.engine.age(&foreign);
    app.engine.age(&editor.id);
    while app.engine.inspect(&lost).await.unwrap().is_some() {
        app.clock.advance(TimeDelta::seconds(10));
        app.looked_at_by("containers").await;
    }
    // Whoever made one may still write it down; another installation's, and editors, are none of its business.
    for id in [new, foreign, editor.id] {
        assert!(app.engine.inspect(&id).await.unwrap().is_some(), "{id}");
    }
}
