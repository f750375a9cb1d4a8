use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sqlx::FromRow;
use utoipa::ToSchema;

use super::super::types::sent;
use crate::{
    error::{Checks, Error, Result},
    id::ChannelId,
    platform::notify::ChannelType,
    text,
};

#[derive(Debug, Clone, Serialize, FromRow, ToSchema)]
#[expect(clippy::struct_field_names, reason = "the contract's name")]
pub(in super::super) struct Channel {
    pub id: ChannelId,
    pub name: String,
    pub channel_type: ChannelType,
    /// A JSON object as text, secrets as `******`. `url` and `secret` of a webhook; `webhook_url` of a robot, and the
    /// `secret` that DingTalk and Feishu sign with; `to` of mail, with commas.
    #[sqlx(skip)]
    #[schema(example = r#"{"url":"https://example.com/hook","secret":"******"}"#)]
    pub config: String,
    #[serde(skip)]
    #[sqlx(rename = "config")]
    pub sealed_config: Vec<u8>,
    pub is_enabled: bool,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

/// A field left out stays as it is.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(default)]
pub(in super::super) struct ChannelChange {
    /// 1 to 100 characters.
    #[serde(deserialize_with = "sent")]
    pub name: Option<String>,
    #[serde(deserialize_with = "sent")]
    pub channel_type: Option<ChannelType>,
    /// An object, or a JSON text of one; see [`Channel`]. `******` keeps a secret as it is.
    #[serde(deserialize_with = "sent")]
    #[schema(value_type = Option<Object>)]
    pub config: Option<Value>,
    #[serde(deserialize_with = "sent")]
    pub is_enabled: Option<bool>,
}

impl ChannelChange {
    pub(super) fn check(&self) -> Result<()> {
        let mut checks = Checks::default();
        if let Some(name) = &self.name {
            checks.not_empty("body.name", name);
            checks.length("body.name", name, 100);
        }
        checks.finish()
    }

    /// What of `config` was sent.
    pub(super) fn settings(&self) -> Result<Option<Map<String, Value>>> {
        let not_json = |text| Error::bad_request("config_not_json", text);
        let given = match &self.config {
            None => return Ok(None),
            Some(Value::String(json)) => serde_json::from_str(json).map_err(|error| {
                not_json(text!("config 不是有效的 JSON：{error}", "config is not valid JSON: {error}"))
            })?,
            Some(other) => other.clone(),
        };
        match given {
            Value::Object(settings) => Ok(Some(settings)),
            _ => Err(not_json(text!("config 须为 JSON 对象", "config must be a JSON object"))),
        }
    }
}

/// What a test brought about.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = TestedChannel)]
pub(super) struct Tested {
    pub ok: bool,
    /// Of HTTP; null for mail.
    pub status: Option<u16>,
    pub latency_ms: u64,
    pub message: String,
}
