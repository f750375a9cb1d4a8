use axum::extract::{Path, State};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    super::Alerts,
    types::{Rule, RuleChange, RuleFilter},
};
use crate::{
    error::Result,
    id::AlertRuleId,
    platform::http::{Body, Envelope, Page, Paging, Params, Reply},
    text,
};

pub(in super::super) fn router() -> OpenApiRouter<Alerts> {
    OpenApiRouter::new().routes(routes!(list, create)).routes(routes!(get, change, delete))
}

/// Alert rules, newest first.
#[utoipa::path(get, path = "/alert-rules", tag = "alerts", params(Paging, RuleFilter),
    responses((status = 200, body = Envelope<Page<Rule>>)))]
async fn list(
    State(alerts): State<Alerts>,
    paging: Paging,
    Params(filter): Params<RuleFilter>,
) -> Result<Reply<Page<Rule>>> {
    let items = alerts.rules(&filter, &paging).await?;
    let total = if paging.cursor.is_none() { Some(alerts.count_rules(&filter).await?) } else { None };
    Ok(Reply::data(Page::new(&paging, items, total, |rule| rule.id.to_string())))
}

/// Makes a rule.
#[utoipa::path(post, path = "/alert-rules", tag = "alerts", request_body = RuleChange,
    responses((status = 200, body = Envelope<Rule>), (status = 422, description = "what is wrong, by field")))]
async fn create(State(alerts): State<Alerts>, Body(new): Body<RuleChange>) -> Result<Reply<Rule>> {
    alerts.create_rule(new).await.map(Reply::data)
}

/// One rule.
#[utoipa::path(get, path = "/alert-rules/{id}", tag = "alerts", params(("id" = String, Path)),
    responses((status = 200, body = Envelope<Rule>), (status = 404, description = "`rule_not_found`")))]
async fn get(State(alerts): State<Alerts>, Path(id): Path<AlertRuleId>) -> Result<Reply<Rule>> {
    alerts.rule(&id).await.map(Reply::data)
}

/// Changes the fields that are sent.
#[utoipa::path(put, path = "/alert-rules/{id}", tag = "alerts", params(("id" = String, Path)),
    request_body = RuleChange,
    responses((status = 200, body = Envelope<Rule>), (status = 404, description = "`rule_not_found`"),
        (status = 422, description = "what is wrong, by field")))]
async fn change(
    State(alerts): State<Alerts>,
    Path(id): Path<AlertRuleId>,
    Body(change): Body<RuleChange>,
) -> Result<Reply<Rule>> {
    alerts.change_rule(&id, change).await.map(Reply::data)
}

/// Removes a rule; what it raised stays.
#[utoipa::path(delete, path = "/alert-rules/{id}", tag = "alerts", params(("id" = String, Path)),
    responses((status = 200, description = "removed"), (status = 404, description = "`rule_not_found`")))]
async fn delete(State(alerts): State<Alerts>, Path(id): Path<AlertRuleId>) -> Result<Reply> {
    alerts.delete_rule(&id).await?;
    Ok(Reply::message(text!("告警规则已删除", "the alert rule is deleted")))
}
