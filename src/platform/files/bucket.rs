//! Blobs in a bucket that speaks S3.

use std::time::Duration;

use anyhow::Context;
use opendal::{
    HttpTransporter, OperationContext, Operator,
    layers::{RetryLayer, TimeoutLayer},
    services,
};
use opendal_http_transport_reqwest::ReqwestTransport;

use crate::config;

const CONNECT: Duration = Duration::from_secs(5);
/// Of one request, and of each piece of what is read and written.
const PATIENCE: Duration = Duration::from_secs(20);

pub(super) fn open(bucket: &config::Bucket) -> anyhow::Result<Operator> {
    let mut service =
        services::S3::default().bucket(&bucket.name).region(&bucket.region).root(&format!("/{}", bucket.prefix));
    if let Some(endpoint) = &bucket.endpoint {
        service = service.endpoint(endpoint);
    }
    if bucket.is_host {
        service = service.enable_virtual_host_style();
    }
    if let Some(keys) = &bucket.keys {
        service = service.access_key_id(keys.id.reveal()).secret_access_key(keys.secret.reveal()).disable_config_load();
        if !keys.session_token.is_empty() {
            service = service.session_token(keys.session_token.reveal());
        }
    }
    // A second call changes nothing.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder().connect_timeout(CONNECT).build().context("cannot make an HTTP client")?;
    let transport = HttpTransporter::new(ReqwestTransport::new(client));
    Ok(Operator::new(service)
        .context("storage.url cannot be used")?
        .layer(TimeoutLayer::new().with_timeout(PATIENCE).with_io_timeout(PATIENCE))
        .layer(RetryLayer::new().with_max_times(2))
        .with_context(OperationContext::new().with_http_transport(transport)))
}
