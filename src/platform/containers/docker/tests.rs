//! What is hard to have from a real engine: other versions of it, and one that does not answer.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use axum::{
    Json, Router,
    http::{StatusCode, Uri},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use futures_util::{StreamExt, stream::BoxStream};
use serde_json::json;
use tokio::net::TcpListener;

use super::{
    Docker,
    connection::is_old,
    streams::{received, sent, watched},
};
use crate::{
    config,
    platform::containers::{ContainerError, ContainerRuntime},
};

/// An engine behind a port, which answers as it is told; and the paths of all calls.
async fn engine(answer: impl Fn(&str) -> Response + Clone + Send + Sync + 'static) -> Docker {
    let routes = Router::new().fallback(move |uri: Uri| std::future::ready(answer(&uri.to_string())));
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    #[expect(clippy::disallowed_methods, reason = "it ends with the test's runtime")]
    tokio::spawn(async move { axum::serve(listener, routes).await });
    docker(format!("tcp://{address}"))
}

fn docker(host: String) -> Docker {
    Docker::new(config::Docker { host, reach: config::Reach::Auto, ports: "10000-10100".to_owned() })
}

fn version(api: &str) -> Response {
    Json(json!({"ApiVersion": api, "Version": "1", "Components": []})).into_response()
}

fn refusal(status: u16, message: &str) -> Response {
    (StatusCode::from_u16(status).unwrap(), Json(json!({"message": message}))).into_response()
}

#[tokio::test]
async fn an_engine_that_comes_back_as_another_version_is_agreed_with_anew() {
    let (agreements, is_new) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
    let (agreed, unknown) = (agreements.clone(), is_new.clone());
    let docker = engine(move |path| {
        if path.ends_with("/version") {
            agreed.fetch_add(1, Ordering::Relaxed);
            return version(if unknown.swap(false, Ordering::Relaxed) { "1.44" } else { "1.41" });
        }
        if unknown.load(Ordering::Relaxed) {
            return refusal(400, "client version 1.41 is too old. Minimum supported API version is 1.44");
        }
        refusal(404, "No such container: a")
    })
    .await;
    let id = "a".to_owned();
    assert!(docker.inspect(&id).await.unwrap().is_none());
    let before = agreements.load(Ordering::Relaxed);
    assert!(docker.inspect(&id).await.unwrap().is_none());
    assert_eq!(agreements.load(Ordering::Relaxed), before, "it is agreed once");

    is_new.store(true, Ordering::Relaxed);
    assert!(matches!(docker.inspect(&id).await, Err(ContainerError::Unavailable(_))), "it passes");
    assert!(docker.inspect(&id).await.unwrap().is_none());
}

#[tokio::test]
async fn only_the_engines_word_on_a_container_means_that_it_is_gone() {
    let docker = engine(|path| match path {
        _ if path.ends_with("/version") => version("1.41"),
        _ if path.contains("/lost/") => refusal(404, "No such container: lost"),
        _ => refusal(404, "Could not find the file /workspace in container kept"),
    })
    .await;
    let of = |id: &str| id.to_owned();
    let missing = docker.get_archive(&of("kept"), "/workspace").await.err();
    assert!(matches!(missing, Some(ContainerError::Failed(_))), "{missing:?}");
    let missing = docker.start(&of("kept")).await.err();
    assert!(matches!(missing, Some(ContainerError::Failed(_))), "{missing:?}");
    let gone = docker.get_archive(&of("lost"), "/workspace").await.err();
    assert!(matches!(gone, Some(ContainerError::Gone(id)) if id == "lost"));
}

#[tokio::test]
async fn a_network_on_which_containers_meet_is_refused() {
    let docker = engine(|path| match path {
        _ if path.ends_with("/version") => version("1.41"),
        _ => Json(json!({"Name": "editors", "Driver": "bridge", "Options": {}})).into_response(),
    })
    .await;
    let refused = docker.network("editors").await.err();
    assert!(matches!(refused, Some(ContainerError::Failed(_))), "{refused:?}");
}

#[tokio::test]
async fn names_of_images_lead_to_no_other_call() {
    let docker = engine(|path| match path {
        _ if path.ends_with("/version") => version("1.41"),
        _ => Json(json!({})).into_response(),
    })
    .await;
    assert!(docker.has_image("registry:5000/team/image:1.0").await.unwrap());
    for image in ["", "../containers/a", "a?b", "a b", "a//b", "a/../b", "a%2f", "图"] {
        assert!(!docker.has_image(image).await.unwrap(), "{image}");
    }
}

#[tokio::test]
async fn an_archive_of_which_nothing_more_is_taken_or_comes_ends() {
    const PATIENCE: Duration = Duration::from_millis(50);
    fn piece<E: Send + 'static>() -> BoxStream<'static, Result<Bytes, E>> {
        futures_util::stream::iter([Ok(Bytes::from_static(b"a"))]).boxed()
    }
    let (mut tar, news) = watched(piece().chain(futures_util::stream::pending()).boxed());
    assert!(tar.next().await.is_some());
    assert!(sent(std::future::pending(), news, PATIENCE).await.is_err(), "nothing more is taken");
    let (tar, news) = watched(piece());
    drop(tar);
    assert!(sent(std::future::pending(), news, PATIENCE).await.is_err(), "all is taken, and there is no answer");

    let pieces = Box::pin(piece().chain(futures_util::stream::pending()));
    let mut received_pieces = received(pieces, PATIENCE).await.unwrap();
    assert!(received_pieces.next().await.unwrap().is_ok());
    assert!(received_pieces.next().await.unwrap().is_err(), "nothing more comes");
    assert!(received_pieces.next().await.is_none());
    assert!(received(futures_util::stream::pending(), PATIENCE).await.is_err(), "nothing comes at all");
}

#[test]
fn engines_with_known_defects() {
    for old in ["20.10.24+dfsg1", "28.5.2", "29.5.0", "29.0.0-rc.1", "9.99.99"] {
        assert!(is_old(old), "{old}");
    }
    for new in ["29.5.1", "29.5.1+azure-1", "29.10.0", "30.0.0", "dev", "", "library-import"] {
        assert!(!is_old(new), "{new}");
    }
}
