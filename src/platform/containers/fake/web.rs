//! What answers HTTP at whatever port it is published at, and says what it heard.

use std::{net::Ipv4Addr, sync::Arc};

use axum::{Router, extract::Request};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::{
    Fake, Made, Output, Result,
    editor::{TERMINATED, echo},
    process::Main,
};
use crate::platform::containers::ContainerError;

#[expect(clippy::disallowed_methods, reason = "it ends with its container")]
pub(super) async fn start(fake: &Fake, made: &Arc<Made>) -> Result<Main> {
    let published = made.spec.publish.as_ref();
    let (inside, at) = published.map_or((0, 0), |(inside, range)| (*inside, *range.start()));
    if *super::locked(&fake.0.taken_port) == Some(at) {
        return Err(ContainerError::PortTaken(format!("{at} is already allocated")));
    }
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, at)).await;
    let listener = listener.map_err(|error| ContainerError::PortTaken(error.to_string()))?;
    let port = listener.local_addr().map_err(|error| ContainerError::Failed(error.into()))?.port();
    let end = CancellationToken::new();
    made.print(Output::Stdout("the page is served\n".into()));
    let routes = Router::new().fallback(|request: Request| std::future::ready(echo(&request)));
    let (fake, made, ended) = (fake.clone(), made.clone(), end.clone());
    tokio::spawn(async move {
        tokio::select! {
            served = axum::serve(listener, routes) => drop(served),
            () = ended.cancelled() => {}
        }
        fake.has_ended(&made, TERMINATED);
    });
    Ok(Main::Server { inside, port, end })
}
