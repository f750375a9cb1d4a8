use std::time::Instant;

use anyhow::anyhow;
use chrono::{DateTime, Utc};
use serde_json::{Map, Value};

use super::{
    super::Alerts,
    store::channel_not_found,
    types::{Channel, ChannelChange, Tested},
};
use crate::{
    error::{Error, Result},
    id::{ChannelId, DeliveryId},
    platform::notify::{FailureKind, Notice, Stamp, Target},
    text,
};

impl Alerts {
    pub(super) async fn create_channel(&self, new: ChannelChange) -> Result<Channel> {
        let now = self.clock.now();
        self.insert_new_channel(ChannelId::generate(), new, (now, now)).await
    }

    pub(in super::super) async fn insert_new_channel(
        &self,
        id: ChannelId,
        new: ChannelChange,
        (created_at, updated_at): (DateTime<Utc>, DateTime<Utc>),
    ) -> Result<Channel> {
        let missing = |loc: &str| Error::invalid(loc, "missing", text!("必填", "is required"));
        new.check()?;
        let name = new.name.clone().ok_or_else(|| missing("body.name"))?;
        let channel_type = new.channel_type.ok_or_else(|| missing("body.channel_type"))?;
        let settings = new.settings()?.ok_or_else(|| missing("body.config"))?;
        let target = Target::read(channel_type, &settings, None)?;
        let channel = Channel {
            sealed_config: self.seal(&id, &target)?,
            id,
            name,
            channel_type,
            config: String::new(),
            is_enabled: new.is_enabled.unwrap_or(true),
            created_at,
            updated_at,
        };
        self.insert_channel(&channel).await?;
        Ok(self.shown(channel))
    }

    pub(super) async fn change_channel(&self, id: &ChannelId, change: ChannelChange) -> Result<Channel> {
        change.check()?;
        let settings = change.settings()?;
        let mut channel = self.channel(id).await?;
        let stored = self.readable_target(&channel);
        channel.channel_type = change.channel_type.unwrap_or(channel.channel_type);
        if settings.is_some() || change.channel_type.is_some() {
            let kept = || stored.as_ref().map(Target::kept).unwrap_or_default();
            let target = Target::read(channel.channel_type, &settings.unwrap_or_else(kept), stored.as_ref())?;
            channel.sealed_config = self.seal(id, &target)?;
        }
        channel.name = change.name.unwrap_or(channel.name);
        channel.is_enabled = change.is_enabled.unwrap_or(channel.is_enabled);
        channel.updated_at = self.clock.now();
        if !self.update_channel(&channel).await? {
            return Err(channel_not_found(id));
        }
        Ok(self.shown(channel))
    }

    pub(super) async fn delete_channel(&self, id: &ChannelId) -> Result<()> {
        if self.remove_channel(id).await? { Ok(()) } else { Err(channel_not_found(id)) }
    }

    /// Sends a message at once, also where the channel is off, and waits for what becomes of it.
    pub(super) async fn test_channel(&self, id: &ChannelId) -> Result<Tested> {
        let target = self.target(&self.channel(id).await?)?;
        let now = self.clock.now();
        let notice = Notice {
            title: self.said(text!("CrawlHub 测试通知", "CrawlHub: a test")),
            message: self.said(text!("通知渠道可以使用。", "This channel works.")),
            timestamp: now,
            facts: Map::from_iter([("type".to_owned(), Value::from("test"))]),
        };
        let delivery = DeliveryId::generate();
        let began = Instant::now();
        let sent = self.notifier.send(&target, Stamp { id: delivery.as_str(), event: "test", now }, &notice).await;
        let latency_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
        match sent {
            Ok(sent) => Ok(Tested { ok: true, status: sent.status, latency_ms, message: "delivered".to_owned() }),
            Err(failure) => match failure.kind {
                FailureKind::Unset(what) => Err(Error::Unavailable { what, source: anyhow!(failure.reason) }),
                FailureKind::Passing | FailureKind::Unreachable | FailureKind::Final => {
                    let reason = failure.reason;
                    let said = text!("测试通知发送失败：{reason}", "the test was not delivered: {reason}");
                    Err(Error::outside("notification_failed", said))
                }
            },
        }
    }

    /// With what of its settings may be seen.
    pub(super) fn shown(&self, mut channel: Channel) -> Channel {
        let settings = self.readable_target(&channel).map(|target| target.shown()).unwrap_or_default();
        channel.config = Value::Object(settings).to_string();
        channel
    }

    /// None where it was encrypted with another key: the channel can still be seen, and given new settings.
    pub(in super::super) fn readable_target(&self, channel: &Channel) -> Option<Target> {
        self.target(channel)
            .inspect_err(|error| tracing::warn!(channel = %channel.id, "its settings are unreadable: {error}"))
            .ok()
    }

    pub(in super::super) fn target(&self, channel: &Channel) -> Result<Target> {
        let json = self.secrets.open_sealed(&owner(&channel.id), &channel.sealed_config)?;
        let settings: Map<String, Value> = serde_json::from_slice(&json).map_err(Error::internal)?;
        Target::read(channel.channel_type, &settings, None)
    }

    fn seal(&self, id: &ChannelId, target: &Target) -> Result<Vec<u8>> {
        let json = serde_json::to_vec(&target.kept()).map_err(Error::internal)?;
        self.secrets.seal(&owner(id), &json)
    }
}

/// Encrypted settings open for this row alone.
fn owner(id: &ChannelId) -> String {
    format!("channel:{id}")
}
