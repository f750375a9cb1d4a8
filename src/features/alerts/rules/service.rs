use chrono::{DateTime, Utc};
use sqlx::types::Json;

use super::{
    super::Alerts,
    condition,
    store::rule_not_found,
    types::{COOLDOWN, Rule, RuleChange},
};
use crate::{
    error::{Error, Result},
    id::{AlertRuleId, ChannelId, SpiderId},
    text,
};

impl Alerts {
    pub(super) async fn create_rule(&self, new: RuleChange) -> Result<Rule> {
        let now = self.clock.now();
        self.insert_new_rule(AlertRuleId::generate(), new, (now, now)).await
    }

    pub(in super::super) async fn insert_new_rule(
        &self,
        id: AlertRuleId,
        new: RuleChange,
        (created_at, updated_at): (DateTime<Utc>, DateTime<Utc>),
    ) -> Result<Rule> {
        let missing = |loc: &str| Error::invalid(loc, "missing", text!("必填", "is required"));
        new.check()?;
        let rule_type = new.rule_type.ok_or_else(|| missing("body.rule_type"))?;
        let rule = Rule {
            id,
            name: new.name.ok_or_else(|| missing("body.name"))?,
            rule_type,
            condition: Json(condition::read(rule_type, new.condition.as_ref())?),
            spider_id: self.known_spider(new.spider_id.flatten()).await?,
            notification_channel_id: self.known_channel(new.notification_channel_id.flatten()).await?,
            is_enabled: new.is_enabled.unwrap_or(true),
            cooldown_minutes: new.cooldown_minutes.unwrap_or(COOLDOWN),
            last_triggered_at: None,
            created_at,
            updated_at,
        };
        rule.check_cooldown()?;
        self.insert_rule(&rule).await?;
        Ok(rule)
    }

    pub(super) async fn change_rule(&self, id: &AlertRuleId, change: RuleChange) -> Result<Rule> {
        change.check()?;
        let mut rule = self.rule(id).await?;
        if let Some(spider) = change.spider_id {
            rule.spider_id = self.known_spider(spider).await?;
        }
        if let Some(channel) = change.notification_channel_id {
            rule.notification_channel_id = self.known_channel(channel).await?;
        }
        let other_type = change.rule_type.filter(|rule_type| *rule_type != rule.rule_type);
        rule.rule_type = other_type.unwrap_or(rule.rule_type);
        if change.condition.is_some() || other_type.is_some() {
            // Numbers of one type say nothing of another.
            rule.condition = Json(condition::read(rule.rule_type, change.condition.as_ref())?);
        }
        rule.name = change.name.unwrap_or(rule.name);
        rule.is_enabled = change.is_enabled.unwrap_or(rule.is_enabled);
        rule.cooldown_minutes = change.cooldown_minutes.unwrap_or(rule.cooldown_minutes);
        rule.updated_at = self.clock.now();
        rule.check_cooldown()?;
        if !self.update_rule(&rule).await? {
            return Err(rule_not_found(id));
        }
        self.rule(id).await
    }

    pub(super) async fn delete_rule(&self, id: &AlertRuleId) -> Result<()> {
        if self.remove_rule(id).await? { Ok(()) } else { Err(rule_not_found(id)) }
    }

    async fn known_spider(&self, id: Option<SpiderId>) -> Result<Option<SpiderId>> {
        let Some(id) = id.filter(|id| !id.as_str().is_empty()) else { return Ok(None) };
        self.spiders.get(&id).await.map(|spider| Some(spider.id)).map_err(|error| of_field(error, "body.spider_id"))
    }

    async fn known_channel(&self, id: Option<ChannelId>) -> Result<Option<ChannelId>> {
        let Some(id) = id.filter(|id| !id.as_str().is_empty()) else { return Ok(None) };
        let found = self.channel(&id).await;
        found.map(|channel| Some(channel.id)).map_err(|error| of_field(error, "body.notification_channel_id"))
    }
}

fn of_field(error: Error, loc: &str) -> Error {
    match error {
        Error::NotFound(problem) => Error::invalid(loc, "value_error", problem.text),
        other => other,
    }
}
