use super::super::Alerts;
use super::types::Channel;
use crate::{
    error::{Error, Result},
    id::ChannelId,
    platform::http::Paging,
    text,
};

impl Alerts {
    pub(in super::super) async fn channel(&self, id: &ChannelId) -> Result<Channel> {
        let channel: Option<Channel> =
            self.db.query("SELECT * FROM notification_channels WHERE id = $1").bind(id).fetch_optional().await?;
        channel.ok_or_else(|| channel_not_found(id))
    }

    pub(super) async fn channels(&self, paging: &Paging) -> Result<Vec<Channel>> {
        self.db
            .query(
                "SELECT * FROM notification_channels WHERE ($1 IS NULL OR id < $1)
                  ORDER BY id DESC LIMIT $2 OFFSET $3",
            )
            .bind(&paging.cursor)
            .bind(paging.page_size)
            .bind(paging.offset())
            .fetch_all()
            .await
    }

    pub(super) async fn count_channels(&self) -> Result<i64> {
        let (count,) = self.db.query("SELECT COUNT(*) FROM notification_channels").fetch_one().await?;
        Ok(count)
    }

    pub(super) async fn insert_channel(&self, channel: &Channel) -> Result<()> {
        self.db
            .query(
                "INSERT INTO notification_channels (id, name, channel_type, config, is_enabled, created_at, updated_at)
                 VALUES ($1, $2, $3, $4, $5, $6, $7)",
            )
            .bind(&channel.id)
            .bind(&channel.name)
            .bind(channel.channel_type)
            .bind(&channel.sealed_config)
            .bind(channel.is_enabled)
            .bind(channel.created_at)
            .bind(channel.updated_at)
            .execute()
            .await
            .map(drop)
    }

    /// False where it is gone.
    pub(super) async fn update_channel(&self, channel: &Channel) -> Result<bool> {
        let done = self
            .db
            .query(
                "UPDATE notification_channels
                    SET name = $2, channel_type = $3, config = $4, is_enabled = $5, updated_at = $6 WHERE id = $1",
            )
            .bind(&channel.id)
            .bind(&channel.name)
            .bind(channel.channel_type)
            .bind(&channel.sealed_config)
            .bind(channel.is_enabled)
            .bind(channel.updated_at)
            .execute()
            .await?;
        Ok(done > 0)
    }

    /// Its deliveries go with it; rules go on without it.
    pub(super) async fn remove_channel(&self, id: &ChannelId) -> Result<bool> {
        let done = self.db.query("DELETE FROM notification_channels WHERE id = $1").bind(id).execute().await?;
        Ok(done > 0)
    }
}

pub(super) fn channel_not_found(id: &ChannelId) -> Error {
    Error::not_found("channel_not_found", text!("通知渠道 {id} 不存在", "there is no notification channel {id}"))
}
