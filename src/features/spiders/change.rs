//! What a caller may set, and what of it is acceptable.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Deserializer, de::DeserializeOwned, de::Error as _};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::{
    Retention, contract, cron,
    types::{Misfire, Overlap, Runner, Source, Spider},
};
use crate::{
    error::{Checks, Error, Result},
    features::nodes::check_labels,
    id::ProjectId,
    platform::{documents::DedupPolicy, http::sent},
    runner::{Category, ErrorRule},
    text,
};

/// Of a compiled pattern; bounds what one costs.
const MAX_PATTERN_BYTES: usize = 1 << 20;

/// A field left out stays as it is; null clears one that may be empty.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(default)]
pub struct SpiderChange {
    /// 1 to 255 characters; needed when it is made.
    #[serde(deserialize_with = "sent")]
    pub name: Option<String>,
    /// The project named `default` when it is made without one; null is as good as left out.
    #[schema(value_type = Option<String>)]
    pub project_id: Option<ProjectId>,
    /// One of `GET /spiders/templates` to start from; only when it is made.
    pub template: Option<String>,
    #[serde(deserialize_with = "text_or_null")]
    pub description: Option<String>,
    /// An http(s) address of at most 2000 characters.
    #[serde(deserialize_with = "text_or_null")]
    pub start_url: Option<String>,
    #[serde(deserialize_with = "sent")]
    pub source: Option<Source>,
    #[serde(deserialize_with = "text_or_null")]
    pub entry_point: Option<String>,
    /// Also becomes the file `main.py`, where there is none or it held the former `script_content`.
    #[serde(deserialize_with = "text_or_null")]
    pub script_content: Option<String>,
    /// Of `source` `git`: a folder of the project's repository; empty: all of it.
    #[serde(deserialize_with = "text_or_null")]
    pub git_repo: Option<String>,
    #[serde(deserialize_with = "text_or_null")]
    pub cron_expr: Option<String>,
    /// An IANA name.
    #[serde(deserialize_with = "sent")]
    pub timezone: Option<String>,
    #[serde(deserialize_with = "sent")]
    pub is_active: Option<bool>,
    #[serde(deserialize_with = "sent")]
    #[schema(value_type = Option<Object>)]
    pub params: Option<Map<String, Value>>,
    /// An object of texts, numbers and booleans (or a JSON text of one), which takes the place of the former one.
    /// `******` keeps a secret value as it is.
    #[serde(deserialize_with = "sent")]
    #[schema(value_type = Option<Object>)]
    pub env_vars: Option<Value>,
    #[serde(deserialize_with = "text_or_null")]
    pub requirements_txt: Option<String>,
    #[serde(deserialize_with = "sent")]
    pub runner: Option<Runner>,
    #[serde(deserialize_with = "sent")]
    #[schema(value_type = Option<String>)]
    pub node_id: Option<Option<String>>,
    /// What a node must have to run it, where `runner` is `node` and `node_id` is null; or a machine, where it is `swarm`.
    #[serde(deserialize_with = "sent")]
    pub node_labels: Option<Vec<String>>,
    #[serde(deserialize_with = "sent")]
    #[schema(value_type = Option<String>)]
    pub image: Option<Option<String>>,
    #[serde(deserialize_with = "sent")]
    pub timeout_seconds: Option<i64>,
    #[serde(deserialize_with = "sent")]
    #[schema(value_type = Option<i64>)]
    pub memory_limit_mb: Option<Option<i64>>,
    #[serde(deserialize_with = "sent")]
    #[schema(value_type = Option<f64>)]
    pub cpu_limit: Option<Option<f64>>,
    #[serde(deserialize_with = "sent")]
    #[schema(value_type = Option<i64>)]
    pub max_items: Option<Option<i64>>,
    #[serde(deserialize_with = "sent")]
    pub max_retries: Option<i64>,
    #[serde(deserialize_with = "sent")]
    pub retry_delay_seconds: Option<i64>,
    /// `{category: retries}` of `network`, `auth`, `parse`, `timeout`, `system`, each 0 to 100.
    #[serde(deserialize_with = "sent")]
    #[schema(value_type = Option<Object>)]
    pub retry_limits: Option<BTreeMap<Category, i64>>,
    /// At most 50, each with an exit code, a regular expression, or both.
    #[serde(deserialize_with = "sent")]
    pub error_rules: Option<Vec<ErrorRule>>,
    #[serde(deserialize_with = "sent")]
    #[schema(value_type = Option<i64>)]
    pub max_concurrent: Option<Option<i64>>,
    /// Takes the place of the former one as a whole.
    #[serde(deserialize_with = "sent_object")]
    pub retention: Option<Retention>,
    #[serde(deserialize_with = "sent")]
    pub overlap: Option<Overlap>,
    #[serde(deserialize_with = "sent")]
    pub misfire: Option<Misfire>,
    /// Requests a second.
    #[serde(deserialize_with = "sent")]
    #[schema(value_type = Option<f64>)]
    pub rate_limit_rps: Option<Option<f64>>,
    #[serde(deserialize_with = "sent")]
    pub autothrottle_enabled: Option<bool>,
    #[serde(deserialize_with = "sent")]
    pub proxy_enabled: Option<bool>,
    #[serde(deserialize_with = "sent")]
    pub dedup_enabled: Option<bool>,
    /// Names of fields, by comma; `a.b` is the field `b` inside of `a`.
    #[serde(deserialize_with = "text_or_null")]
    pub dedup_fields: Option<String>,
    #[serde(deserialize_with = "sent")]
    pub dedup_policy: Option<DedupPolicy>,
    /// A JSON Schema, as an object or as its JSON text; it may not refer to other documents.
    #[serde(deserialize_with = "sent")]
    #[schema(value_type = Option<Object>)]
    pub item_schema: Option<Value>,
    /// An http(s) address of at most 500 characters.
    #[serde(deserialize_with = "text_or_null")]
    pub webhook_url: Option<String>,
}

/// Of an object: a list of its values is none.
fn sent_object<'de, D: Deserializer<'de>, T: DeserializeOwned>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(Map::<String, Value>::deserialize(deserializer)?).map(Some).map_err(D::Error::custom)
}

/// Null is the empty text.
fn text_or_null<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    Option::<String>::deserialize(deserializer).map(|text| Some(text.unwrap_or_default()))
}

/// Bounds that come from the settings.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    pub max_timeout_seconds: i64,
    pub max_script_bytes: usize,
}

impl SpiderChange {
    /// Reads and checks what each field says for itself.
    pub(super) fn prepare(&mut self, bounds: Bounds, now: DateTime<Utc>) -> Result<()> {
        self.check(bounds)?;
        if let Some(schema) = self.item_schema.take() {
            self.item_schema = Some(read_item_schema(schema)?.unwrap_or_default());
        }
        if let Some(expr) = &mut self.cron_expr {
            *expr = expr.trim().to_owned();
        }
        // Whether an expression ever fires does not depend on the zone.
        cron::check(self.cron_expr.as_deref().unwrap_or_default(), self.timezone.as_deref().unwrap_or("UTC"), now)
    }

    fn check(&mut self, bounds: Bounds) -> Result<()> {
        let mut checks = Checks::default();
        self.node_labels = self.node_labels.take().map(|labels| check_labels(&mut checks, "body.node_labels", labels));
        if let Some(name) = &self.name {
            checks.not_empty("body.name", name);
            checks.require(!name.chars().any(char::is_control), "body.name", "value_error", || {
                text!("不能包含控制字符", "must not contain control characters")
            });
        }
        self.check_texts(&mut checks);
        self.check_numbers(&mut checks, bounds);
        self.check_retries(&mut checks);
        if let Some(retention) = &self.retention {
            retention.check(&mut checks);
        }
        for (loc, url) in [("body.start_url", &self.start_url), ("body.webhook_url", &self.webhook_url)] {
            checks.require(url.as_deref().is_none_or(|url| url.is_empty() || is_http(url)), loc, "value_error", || {
                text!("须为 http:// 或 https:// 地址", "must be an http:// or https:// address")
            });
        }
        let entry_point = self.entry_point.as_deref().unwrap_or_default();
        checks.require(is_entry_point(entry_point), "body.entry_point", "value_error", || {
            text!(
                "只能包含字母、数字、_ . / - 和至多一个冒号，且不能是绝对路径或含 ..",
                "may hold letters, digits, _ . / - and one colon; not absolute, without .."
            )
        });
        if let Some(script) = &self.script_content {
            let (size, limit) = (script.len(), bounds.max_script_bytes);
            checks.require(size <= limit, "body.script_content", "too_long", || {
                text!("{size} 字节，超过上限 {limit} 字节", "{size} bytes; at most {limit} are allowed")
            });
        }
        let names = self.dedup_fields.as_deref().unwrap_or_default().split(',');
        checks.require(
            names.clone().count() <= 20 && names.clone().all(|name| name.matches('.').count() < 10),
            "body.dedup_fields",
            "value_error",
            || text!("至多 20 个字段，每个至多 10 级", "at most 20 fields of at most 10 parts each"),
        );
        checks.require(!self.params.as_ref().is_some_and(has_nul_in), "body.params", "value_error", || {
            text!("不能包含空字符", "must not contain NUL")
        });
        checks.finish()
    }

    fn check_texts(&self, checks: &mut Checks) {
        for (loc, value, limit) in [
            ("body.name", self.name.as_ref(), 255),
            ("body.timezone", self.timezone.as_ref(), 64),
            ("body.description", self.description.as_ref(), 10_000),
            ("body.start_url", self.start_url.as_ref(), 2000),
            ("body.entry_point", self.entry_point.as_ref(), 255),
            ("body.script_content", self.script_content.as_ref(), usize::MAX),
            ("body.git_repo", self.git_repo.as_ref(), 2000),
            ("body.cron_expr", self.cron_expr.as_ref(), 255),
            ("body.requirements_txt", self.requirements_txt.as_ref(), 65_536),
            ("body.node_id", self.node_id.as_ref().and_then(Option::as_ref), 64),
            ("body.image", self.image.as_ref().and_then(Option::as_ref), 255),
            ("body.dedup_fields", self.dedup_fields.as_ref(), 2000),
            ("body.webhook_url", self.webhook_url.as_ref(), 500),
        ] {
            let Some(value) = value else { continue };
            checks.length(loc, value, limit);
        }
    }

    /// What is retried, and how failures are judged.
    fn check_retries(&self, checks: &mut Checks) {
        let limits = self.retry_limits.iter().flatten();
        checks.require(
            limits.clone().all(|(_, limit)| (0..=100).contains(limit)),
            "body.retry_limits",
            "value_error",
            || text!("每类次数须在 0 到 100 之间", "each must be between 0 and 100"),
        );
        let rules = self.error_rules.as_deref().unwrap_or_default();
        checks.require(rules.len() <= 50, "body.error_rules", "too_long", || {
            text!("至多 50 条", "at most 50 are allowed")
        });
        for (at, rule) in rules.iter().take(50).enumerate() {
            let loc = format!("body.error_rules.{at}");
            checks.require(rule.exit_code.is_some() || rule.pattern.is_some(), &loc, "missing", || {
                text!("须有 exit_code 或 pattern", "needs an exit_code or a pattern")
            });
            let Some(pattern) = &rule.pattern else { continue };
            checks.length(&loc, pattern, 500);
            let compiled = regex::RegexBuilder::new(pattern).size_limit(MAX_PATTERN_BYTES).build();
            checks.require(compiled.is_ok(), &loc, "value_error", || {
                text!("不是有效的正则表达式，或过于复杂", "is no regular expression, or one too complex")
            });
        }
    }

    fn check_numbers(&self, checks: &mut Checks, bounds: Bounds) {
        const MAX_MEMORY_MB: i64 = 1 << 20;
        for (loc, value, least, most) in [
            ("body.timeout_seconds", self.timeout_seconds, 1, bounds.max_timeout_seconds),
            ("body.memory_limit_mb", self.memory_limit_mb.flatten(), 16, MAX_MEMORY_MB),
            ("body.max_items", self.max_items.flatten(), 1, i64::MAX),
            ("body.max_retries", self.max_retries, 0, 100),
            ("body.retry_delay_seconds", self.retry_delay_seconds, 0, 3600),
            ("body.max_concurrent", self.max_concurrent.flatten(), 1, 100_000),
        ] {
            checks.require(value.is_none_or(|value| (least..=most).contains(&value)), loc, "value_error", || {
                text!("须在 {least} 到 {most} 之间", "must be between {least} and {most}")
            });
        }
        for (loc, value, most) in
            [("body.cpu_limit", self.cpu_limit, 1024.0), ("body.rate_limit_rps", self.rate_limit_rps, 1e6)]
        {
            let fits = value.flatten().is_none_or(|value| value > 0.0 && value <= most);
            checks.require(fits, loc, "value_error", || {
                text!("须大于 0 且不超过 {most}", "must be more than 0 and at most {most}")
            });
        }
    }

    /// Everything but `project_id`, `template` and `env_vars`, which need more than the spider itself.
    pub(super) fn apply(self, spider: &mut Spider) {
        set(&mut spider.name, self.name);
        set(&mut spider.description, self.description);
        set(&mut spider.start_url, self.start_url);
        set(&mut spider.source, self.source);
        set(&mut spider.entry_point, self.entry_point);
        set(&mut spider.script_content, self.script_content);
        set(&mut spider.git_repo, self.git_repo);
        set(&mut spider.cron_expr, self.cron_expr);
        set(&mut spider.timezone, self.timezone);
        set(&mut spider.is_active, self.is_active);
        set(&mut spider.params, self.params);
        set(&mut spider.requirements_txt, self.requirements_txt);
        set(&mut spider.runner, self.runner);
        set(&mut spider.node_id, self.node_id.map(|node| node.filter(|id| !id.is_empty())));
        set(&mut spider.node_labels, self.node_labels);
        set(&mut spider.image, self.image);
        set(&mut spider.timeout_seconds, self.timeout_seconds);
        set(&mut spider.memory_limit_mb, self.memory_limit_mb);
        set(&mut spider.cpu_limit, self.cpu_limit);
        set(&mut spider.max_items, self.max_items);
        set(&mut spider.max_retries, self.max_retries);
        set(&mut spider.retry_delay_seconds, self.retry_delay_seconds);
        set(&mut spider.retry_limits, self.retry_limits);
        set(&mut spider.error_rules, self.error_rules);
        set(&mut spider.max_concurrent, self.max_concurrent);
        set(&mut spider.retention, self.retention);
        set(&mut spider.overlap, self.overlap);
        set(&mut spider.misfire, self.misfire);
        set(&mut spider.rate_limit_rps, self.rate_limit_rps);
        set(&mut spider.autothrottle_enabled, self.autothrottle_enabled);
        set(&mut spider.proxy_enabled, self.proxy_enabled);
        set(&mut spider.dedup_enabled, self.dedup_enabled);
        set(&mut spider.dedup_fields, self.dedup_fields);
        set(&mut spider.dedup_policy, self.dedup_policy);
        set(&mut spider.item_schema, self.item_schema.map(|schema| Some(schema).filter(Value::is_object)));
        set(&mut spider.webhook_url, self.webhook_url);
    }
}

fn set<T>(field: &mut T, new: Option<T>) {
    if let Some(new) = new {
        *field = new;
    }
}

fn is_http(url: &str) -> bool {
    let rest = url.strip_prefix("http://").or_else(|| url.strip_prefix("https://")).unwrap_or_default();
    !rest.is_empty() && !rest.starts_with('/') && !url.chars().any(|letter| letter.is_control() || letter == ' ')
}

/// Empty, `module:function`, `module`, `folder/script.py`, or the name of a Scrapy spider. Ends up as an argument of
/// a command, hence no leading dash.
fn is_entry_point(text: &str) -> bool {
    text.chars().all(|letter| letter.is_alphanumeric() || "_./-:".contains(letter))
        && text.matches(':').count() <= 1
        && !text.contains("..")
        && !text.starts_with(['/', '-', ':'])
        && !text.ends_with(':')
}

fn has_nul(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains('\0'),
        Value::Array(values) => values.iter().any(has_nul),
        Value::Object(object) => has_nul_in(object),
        _ => false,
    }
}

pub(super) fn has_nul_in(object: &Map<String, Value>) -> bool {
    object.iter().any(|(key, value)| key.contains('\0') || has_nul(value))
}

/// An object, or the predecessor's JSON text of one; `None` for none.
fn read_item_schema(given: Value) -> Result<Option<Value>> {
    let refused = |text| Error::invalid("body.item_schema", "value_error", text);
    let schema = match given {
        Value::Null => return Ok(None),
        Value::String(json) if json.trim().is_empty() => return Ok(None),
        Value::String(json) => serde_json::from_str(&json)
            .map_err(|error| refused(text!("不是有效的 JSON：{error}", "is not valid JSON: {error}")))?,
        other => other,
    };
    if !schema.is_object() {
        return Err(refused(text!("须为 JSON 对象", "must be a JSON object")));
    }
    if has_nul(&schema) {
        return Err(refused(text!("不能包含空字符", "must not contain NUL")));
    }
    if let Err(error) = contract::compile(&schema) {
        return Err(refused(text!("不是有效的 JSON Schema：{error}", "is not a valid JSON Schema: {error}")));
    }
    Ok(Some(schema))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const BOUNDS: Bounds = Bounds { max_timeout_seconds: 3600, max_script_bytes: 1000 };

    fn parse(value: Value) -> SpiderChange {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn left_out_cleared_and_set() {
        let change = parse(json!({"max_items": null, "image": "a", "description": null}));
        assert_eq!(change.max_items, Some(None));
        assert_eq!(change.image, Some(Some("a".to_owned())));
        assert_eq!(change.memory_limit_mb, None);
        assert_eq!(change.description.as_deref(), Some(""));
        assert_eq!(change.start_url, None);
        for null in ["name", "is_active", "source", "timeout_seconds", "timezone", "params"] {
            assert!(serde_json::from_value::<SpiderChange>(json!({ null: null })).is_err(), "{null}");
        }
    }

    #[test]
    fn what_is_refused() {
        for (field, value) in [
            ("name", json!("  ")),
            ("name", json!("a\nb")),
            ("name", json!("爬".repeat(256))),
            ("start_url", json!("ftp://x")),
            ("start_url", json!("https://")),
            ("webhook_url", json!(format!("https://x/{}", "a".repeat(500)))),
            ("entry_point", json!("../main")),
            ("entry_point", json!("/main.py")),
            ("entry_point", json!("a:b:c")),
            ("entry_point", json!("a;rm -rf")),
            ("entry_point", json!("--help")),
            ("timeout_seconds", json!(0)),
            ("timeout_seconds", json!(3601)),
            ("memory_limit_mb", json!(15)),
            ("max_items", json!(0)),
            ("max_retries", json!(101)),
            ("rate_limit_rps", json!(0)),
            ("cpu_limit", json!(-1.5)),
            ("description", json!("a\u{0}")),
            ("params", json!({"a": ["b\u{0}"]})),
            ("script_content", json!("x".repeat(1001))),
            ("dedup_fields", json!("a,".repeat(20))),
            ("dedup_fields", json!(format!("b{}", ".a".repeat(10)))),
            ("retention", json!({"task_days": -1})),
            ("retention", json!({"tasks": 1, "log_days": 36_501})),
            ("retention", json!({"quota_mb": 1_i64 << 31})),
        ] {
            let error = parse(json!({ field: value })).check(BOUNDS).unwrap_err().to_string();
            assert!(error.contains(&format!("body.{field}")), "{field}: {error}");
        }
        for entry_point in ["", "main", "pkg.mod:run", "src/main.py", "my-spider", "爬虫"] {
            parse(json!({ "entry_point": entry_point })).check(BOUNDS).unwrap();
        }
    }

    #[test]
    fn an_item_schema_is_an_object_or_its_text_without_references_elsewhere() {
        let schema = json!({"type": "object", "required": ["title"]});
        assert_eq!(read_item_schema(schema.clone()).unwrap(), Some(schema.clone()));
        assert_eq!(read_item_schema(json!(schema.to_string())).unwrap(), Some(schema));
        assert_eq!(read_item_schema(json!("")).unwrap(), None);
        for bad in [
            json!({"type": "objekt"}),
            json!([]),
            json!("{"),
            json!("[]"),
            json!({"$ref": "http://127.0.0.1:1/schema.json"}),
            json!({"$ref": "file:///etc/passwd"}),
            json!({"pattern": "("}),
            json!({"$ref": "#"}),
            json!({"not": {"anyOf": [{"$ref": "#"}]}}),
        ] {
            assert!(read_item_schema(bad.clone()).is_err(), "{bad}");
        }
    }
}
