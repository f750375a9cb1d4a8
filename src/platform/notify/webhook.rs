//! A call that its receiver can check: who sent it, when, and whether it came before.

use hmac::{Hmac, KeyInit, Mac};
use serde::Serialize;
use sha2::Sha256;

use super::{Failure, Sent, Stamp, http::Http};
use crate::platform::secrets::hex;

/// Posts `body`, an object, as JSON. `X-CrawlHub-Delivery`, and `delivery_id` in it, are the same when it is sent again; with a secret, `X-CrawlHub-Signature`
/// is `sha256=` and the HMAC of `X-CrawlHub-Timestamp` (seconds), a dot and the body.
pub(super) async fn send(
    http: &Http,
    url: &str,
    secret: Option<&str>,
    stamp: Stamp<'_>,
    body: &impl Serialize,
) -> Result<Sent, Failure> {
    let mut body = serde_json::to_value(body).map_err(|error| Failure::for_good(error.to_string()))?;
    body["delivery_id"] = stamp.id.into();
    let body = body.to_string();
    let timestamp = stamp.now.timestamp();
    let mut headers = vec![
        ("x-crawlhub-event", stamp.event.to_owned()),
        ("x-crawlhub-delivery", stamp.id.to_owned()),
        ("x-crawlhub-timestamp", timestamp.to_string()),
    ];
    if let Some(secret) = secret {
        let signature = hex(&hmac_sha256(secret.as_bytes(), format!("{timestamp}.{body}").as_bytes()));
        headers.push(("x-crawlhub-signature", format!("sha256={signature}")));
    }
    let answer = http.post(url, &headers, body).await?;
    Ok(Sent { status: Some(answer.status) })
}

pub(super) fn hmac_sha256(key: &[u8], message: &[u8]) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap_or_else(|_| unreachable!("HMAC takes keys of any length"));
    mac.update(message);
    mac.finalize().into_bytes().into()
}
