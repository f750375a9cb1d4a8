//! Which items: what the store can look for, and conditions on fields (`filter=<field>:<op>:<value>`), which are judged
//! here, so that they mean the same wherever the items lie and no text of a caller becomes part of a query.

use axum::{extract::FromRequestParts, http::request::Parts};
use serde_json::value::RawValue;
use utoipa::IntoParams;

use super::{
    DataFilter,
    object::{Kind, elements},
    value::{Path, Value},
};
use crate::{
    error::{Checks, Error, Result},
    platform::{
        documents::{Item, ItemFilter},
        http::Params,
    },
    text,
};

/// More are nobody's wish, and each costs time with each item.
const MOST: usize = 20;

/// Conditions on fields.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct FieldFilters {
    /// `<field>:<op>:<value>`, any number of times; all must hold. `field` is a path of keys, `seller.name`; in a key, `\`
    /// stands before a `.`, a `:` or a `\` of its own. `op` is `eq`, `ne`, `lt`, `lte`, `gt`, `gte`, `contains` or
    /// `exists` (`true` or `false`: there and not null). A value that is a JSON number, boolean, null or quoted string is
    /// that, all else is text: `sku:eq:12` finds the number, `sku:eq:"12"` the text. Only like is compared with like.
    /// `contains` looks into texts and the elements of lists, whatever their case. An item that is no object has the
    /// one field `value`.
    #[expect(dead_code, reason = "describes what the extractor reads by itself, since it may stand there many times")]
    filter: Option<Vec<String>>,
}

/// What a caller wants to see.
#[derive(Debug, Clone, Default)]
pub(super) struct Wanted {
    /// What the store looks for.
    pub items: ItemFilter,
    conditions: Vec<Condition>,
}

impl<S: Send + Sync> FromRequestParts<S> for Wanted {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self> {
        let Params(filter) = Params::<DataFilter>::from_request_parts(parts, state).await?;
        filter.check()?;
        let given = form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes());
        let given = given.filter(|(name, value)| name == "filter" && !value.is_empty());
        let conditions = given.map(|(_, text)| Condition::parse(&text)).collect::<Result<Vec<_>>>()?;
        if conditions.len() > MOST {
            let many = text!("最多 {MOST} 个条件", "at most {MOST} conditions");
            return Err(Error::invalid("query.filter", "too_long", many));
        }
        Ok(Self { items: filter.into(), conditions })
    }
}

/// A filter in a request that says nothing else.
pub(super) struct OnlyThese(pub DataFilter);

impl<S: Send + Sync> FromRequestParts<S> for OnlyThese {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self> {
        let mut checks = Checks::default();
        let given: Vec<_> = form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes()).collect();
        let narrows = given.iter().any(|(_, value)| !value.is_empty());
        for (name, value) in &given {
            let (known, loc) = (["spider_id", "task_id", "is_test", "q"].contains(&&**name), format!("query.{name}"));
            checks.require(known || value.is_empty(), &loc, "value_error", || {
                text!("删除时不支持该参数", "is not understood when items are removed")
            });
            // Elsewhere it is no filter; beside another one it would remove more here than was meant.
            if known && narrows {
                checks.not_empty(&loc, value);
            }
        }
        checks.finish()?;
        let Params(filter) = Params::<DataFilter>::from_request_parts(parts, state).await?;
        filter.check()?;
        Ok(Self(filter))
    }
}

impl Wanted {
    /// Whether each item must be looked at to know.
    pub(super) fn is_search(&self) -> bool {
        self.items.q.is_some() || !self.conditions.is_empty()
    }

    pub(super) fn holds(&self, item: &RawValue) -> bool {
        self.conditions.iter().all(|condition| condition.holds(item))
    }

    pub(super) fn retain(&self, items: &mut Vec<Item>) {
        if !self.conditions.is_empty() {
            items.retain(|item| self.holds(&item.data));
        }
    }
}

#[derive(Debug, Clone)]
struct Condition {
    path: Path,
    rule: Rule,
}

#[derive(Debug, Clone)]
enum Rule {
    Eq(Option<Value>),
    Ne(Option<Value>),
    Lt(Value),
    Lte(Value),
    Gt(Value),
    Gte(Value),
    /// In small letters, and what it is if it is no text.
    Contains(String, Value),
    Exists(bool),
}

impl Condition {
    fn parse(text: &str) -> Result<Self> {
        let refused = |sentence| Error::invalid("query.filter", "value_error", sentence);
        let (path, rest) = Path::parse(text, Some(':'));
        let Some((op, given)) = rest.and_then(|rest| rest.split_once(':')) else {
            return Err(refused(text!("格式为 字段:操作:值", "write it as field:op:value")));
        };
        let value = Value::given(given);
        let some =
            value.clone().ok_or_else(|| refused(text!("null 无法比较大小", "nothing is more or less than null")));
        let rule = match op {
            "eq" => Rule::Eq(value),
            "ne" => Rule::Ne(value),
            "lt" => Rule::Lt(some?),
            "lte" => Rule::Lte(some?),
            "gt" => Rule::Gt(some?),
            "gte" => Rule::Gte(some?),
            "contains" => {
                let text = if let Some(Value::Text(text)) = &value { text.clone() } else { given.to_owned() };
                Rule::Contains(text.to_lowercase(), value.unwrap_or_else(|| Value::Text(given.to_owned())))
            }
            "exists" => match given {
                "true" | "1" => Rule::Exists(true),
                "false" | "0" => Rule::Exists(false),
                _ => return Err(refused(text!("exists 的值须为 true 或 false", "exists takes true or false"))),
            },
            _ => {
                return Err(refused(text!(
                    "未知操作；可用 eq ne lt lte gt gte contains exists",
                    "that op is none of: eq ne lt lte gt gte contains exists"
                )));
            }
        };
        Ok(Self { path, rule })
    }

    fn holds(&self, item: &RawValue) -> bool {
        let found = self.path.find(item).filter(|found| Kind::of(found) != Kind::Null);
        let value = || found.and_then(Value::of);
        let compare = |wanted: &Value| value().and_then(|value| value.like(wanted));
        match &self.rule {
            Rule::Exists(there) => found.is_some() == *there,
            Rule::Eq(None) => found.is_none(),
            Rule::Ne(None) => found.is_some(),
            Rule::Eq(Some(wanted)) => compare(wanted).is_some_and(std::cmp::Ordering::is_eq),
            Rule::Ne(Some(wanted)) => !compare(wanted).is_some_and(std::cmp::Ordering::is_eq),
            Rule::Lt(wanted) => compare(wanted).is_some_and(std::cmp::Ordering::is_lt),
            Rule::Lte(wanted) => compare(wanted).is_some_and(std::cmp::Ordering::is_le),
            Rule::Gt(wanted) => compare(wanted).is_some_and(std::cmp::Ordering::is_gt),
            Rule::Gte(wanted) => compare(wanted).is_some_and(std::cmp::Ordering::is_ge),
            Rule::Contains(text, wanted) => found.is_some_and(|found| {
                let contains = |value: Value| match &value {
                    Value::Text(found) => found.to_lowercase().contains(text),
                    other => other.like(wanted).is_some_and(std::cmp::Ordering::is_eq),
                };
                match Kind::of(found) {
                    Kind::Array => elements(found).into_iter().filter_map(Value::of).any(contains),
                    Kind::String => Value::of(found).is_some_and(contains),
                    _ => false,
                }
            }),
        }
    }
}
