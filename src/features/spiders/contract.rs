//! What a spider's items must be, and what makes two of them the same. The spider as it is when items arrive decides:
//! a change holds from the next batch on, also for a task that runs.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use jsonschema::{ValidationError, Validator};
use serde_json::{Value, value::RawValue};
use sqlx::{FromRow, types::Json};

use super::{Spiders, loops::deepest_item, store::spider_not_found};
use crate::{
    error::{Error, Result},
    id::SpiderId,
    platform::documents::{DedupPolicy, Key, NewItem, Refused, fingerprint, fingerprint_at},
};

/// Of one reason, how many faults, and how much of each is told.
const FAULTS: usize = 3;
const FAULT_BYTES: usize = 300;
/// Compiled contracts in memory. More spiders than these that deliver at once compile theirs anew.
const MOST_COMPILED: usize = 200;

/// What a spider says of its items.
#[derive(Debug, Clone, PartialEq, FromRow)]
pub(super) struct Terms {
    dedup_enabled: bool,
    dedup_fields: String,
    dedup_policy: DedupPolicy,
    item_schema: Option<Json<Value>>,
}

/// The same, ready to judge.
#[derive(Debug, Default)]
pub struct Contract {
    /// An error where the schema cannot be used: it was saved before it was found out.
    schema: Option<std::result::Result<Schema, String>>,
    dedup: Option<DedupPolicy>,
    /// Dotted paths.
    fields: Vec<String>,
}

#[derive(Debug)]
pub(super) struct Schema {
    validator: Validator,
    /// So many levels items may have.
    deepest: usize,
}

/// Compiled contracts by spider, with what they were made from.
pub(super) type Compiled = Arc<Mutex<HashMap<SpiderId, (Terms, Arc<Contract>)>>>;

impl Spiders {
    /// The spider's contract as it is now.
    pub async fn contract(&self, id: &SpiderId) -> Result<Arc<Contract>> {
        let terms: Option<Terms> = self
            .db
            .query("SELECT dedup_enabled, dedup_fields, dedup_policy, item_schema FROM spiders WHERE id = $1")
            .bind(id)
            .fetch_optional()
            .await?;
        let terms = terms.ok_or_else(|| spider_not_found(id))?;
        let known = self.contracts.lock().unwrap_or_else(PoisonError::into_inner).get(id).cloned();
        if let Some((_, contract)) = known.filter(|(of, _)| *of == terms) {
            return Ok(contract);
        }
        let contract = Arc::new(Contract::of(&terms));
        let mut contracts = self.contracts.lock().unwrap_or_else(PoisonError::into_inner);
        if contracts.len() >= MOST_COMPILED {
            contracts.clear();
        }
        contracts.insert(id.clone(), (terms, contract.clone()));
        Ok(contract)
    }
}

impl Contract {
    fn of(terms: &Terms) -> Self {
        let schema = terms.item_schema.as_ref();
        Self {
            schema: schema.map(|schema| compile(schema)),
            dedup: terms.dedup_enabled.then_some(terms.dedup_policy),
            fields: fields_of(&terms.dedup_fields),
        }
    }

    /// What becomes of an item whose key is known; none where items are not told apart.
    pub fn dedup(&self) -> Option<DedupPolicy> {
        self.dedup
    }

    /// What the contract refuses, and the keys of the rest; in the order of the items.
    pub async fn judge(
        self: Arc<Self>,
        items: Vec<Box<RawValue>>,
    ) -> Result<Vec<std::result::Result<NewItem, Refused>>> {
        if self.schema.is_none() && self.dedup.is_none() {
            return Ok(items.into_iter().map(|item| Ok(item.into())).collect());
        }
        // It takes what it takes, and others want to be served.
        tokio::task::spawn_blocking(move || {
            let judged = items.into_iter().map(|data| match self.fault(&data) {
                Some(reason) => Err(Refused { data, reason }),
                None => Ok(NewItem { key: self.key(&data), data, came_at: None }),
            });
            judged.collect()
        })
        .await
        .map_err(Error::internal)
    }

    /// Why the item is refused, if it is: paths and what is wrong there.
    fn fault(&self, item: &RawValue) -> Option<String> {
        let Schema { validator, deepest } = match self.schema.as_ref()? {
            Ok(schema) => schema,
            Err(error) => return Some(cut(format!("the item_schema cannot be used: {error}"))),
        };
        let value: Value = match serde_json::from_str(item.get()) {
            Ok(value) => value,
            Err(error) => return Some(cut(format!("cannot be checked against the schema: {error}"))),
        };
        if depth(&value) > *deepest {
            return Some(format!("the schema refers to itself, and cannot check what is deeper than {deepest} levels"));
        }
        if validator.is_valid(&value) {
            return None;
        }
        Some(validator.iter_errors(&value).take(FAULTS).map(|error| fault_of(&error)).collect::<Vec<_>>().join("; "))
    }

    fn key(&self, item: &RawValue) -> Option<Key> {
        self.dedup?;
        let content = fingerprint(item);
        let (hash, label) = fingerprint_at(item, &self.fields).unwrap_or_else(|| (content.clone(), String::new()));
        Some(Key { hash, label, content })
    }
}

fn fault_of(error: &ValidationError<'_>) -> String {
    let path = error.instance_path().as_str();
    cut(format!("{}: {error}", if path.is_empty() { "/" } else { path }))
}

fn cut(mut text: String) -> String {
    if text.len() > FAULT_BYTES {
        text.truncate(text.floor_char_boundary(FAULT_BYTES));
        text.push('…');
    }
    // PostgreSQL's text does not hold it.
    text.replace('\0', "\u{fffd}")
}

/// The schema, ready to check items. An error, in words for people, where it is none, refers to other documents, or
/// refers to itself in a way that never ends.
pub(super) fn compile(schema: &Value) -> std::result::Result<Schema, String> {
    let deepest = deepest_item(schema)?;
    let validator = jsonschema::validator_for(schema).map_err(|error| error.to_string())?;
    Ok(Schema { validator, deepest })
}

/// How many levels there are; a text has one. Values that were read are not deep enough for this to matter.
fn depth(value: &Value) -> usize {
    1 + match value {
        Value::Object(members) => members.values().map(depth).max().unwrap_or_default(),
        Value::Array(values) => values.iter().map(depth).max().unwrap_or_default(),
        _ => 0,
    }
}

/// Names by comma.
fn fields_of(listed: &str) -> Vec<String> {
    listed.split(',').map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use serde_json::json;

    use super::*;

    fn raw(text: &str) -> Box<RawValue> {
        RawValue::from_string(text.to_owned()).unwrap()
    }

    fn contract(schema: Value) -> Contract {
        Contract::of(&Terms {
            dedup_enabled: false,
            dedup_fields: String::new(),
            dedup_policy: DedupPolicy::KeepFirst,
            item_schema: Some(Json(schema)),
        })
    }

    #[test]
    fn a_reason_names_the_place() {
        let contract = contract(json!({
            "type": "object",
            "required": ["title"],
            "properties": {
                "price": {"type": "number"},
                "tags": {"items": {"type": "string", "maxLength": 3}},
                "big": {"type": "integer", "minimum": 9_007_199_254_740_993_i64},
            },
        }));
        for good in [
            r#"{"title": 1}"#,
            r#"{"title": null, "price": 1e3, "tags": ["abc"], "$x.y": "\u0000"}"#,
            r#"{"title": 1, "big": 9007199254740993}"#,
            r#"{"title": 1, "big": 12345678901234567890}"#,
        ] {
            assert_eq!(contract.fault(&raw(good)), None, "{good}");
        }
        for (bad, parts) in [
            ("[1]", &["/: ", "object"][..]),
            (r#""text""#, &["/: ", "object"]),
            ("{}", &["title", "required"]),
            (r#"{"title": 1, "price": "9"}"#, &["/price: ", "number"]),
            (r#"{"price": "9", "tags": ["a", "long"]}"#, &["/price: ", "/tags/1: ", "title"]),
            (r#"{"title": 1, "big": 9007199254740992}"#, &["/big: "]),
            (r#"{"title": 1e400}"#, &["cannot be checked"]),
            (r#"{"title": "\ud800"}"#, &["cannot be checked"]),
        ] {
            let reason = contract.fault(&raw(bad)).unwrap();
            assert!(parts.iter().all(|part| reason.contains(part)), "{bad}: {reason}");
        }
        let long = contract.fault(&raw(&format!(r#"{{"title": 1, "price": "{}"}}"#, "长".repeat(10_000)))).unwrap();
        assert!(long.len() < 400, "{long}");
    }

    #[test]
    fn schemas_that_come_back_to_themselves_do_not_hang() {
        let deep = |levels: usize| format!("{}1{}", r#"{"c":"#.repeat(levels), "}".repeat(levels));
        for schema in [
            json!({"properties": {"c": {"anyOf": [{"$ref": "#"}, {"type": "null"}]}}, "required": ["z"]}),
            json!({"properties": {"c": {"anyOf": [{"$ref": "#"}, {"$ref": "#"}]}}, "required": ["z"]}),
            json!({"properties": {"c": {"oneOf": [{"$ref": "#"}, {"$ref": "#"}]}}, "unevaluatedProperties": {"$ref": "#"}}),
        ] {
            let (contract, begun) = (contract(schema.clone()), Instant::now());
            for levels in [1, 3, 8, 12, 16, 60, 120] {
                contract.fault(&raw(&deep(levels)));
            }
            assert!(begun.elapsed() < Duration::from_secs(20), "{schema}: {:?}", begun.elapsed());
        }
        let reason = contract(json!({"properties": {"c": {"allOf": [{"$ref": "#"}, {"$ref": "#"}]}}}));
        assert!(reason.fault(&raw(&deep(100))).unwrap().contains("deeper than"));
        assert_eq!(reason.fault(&raw(&deep(5))), None);
    }

    #[test]
    fn patterns_that_backtrack_come_to_an_end() {
        let begun = Instant::now();
        let contract = contract(json!({"type": "string", "pattern": r"^(?=(a+)+$)(a|aa)+\1b$"}));
        contract.fault(&raw(&format!("{:?}", "a".repeat(5000))));
        assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    }

    #[test]
    fn keys_are_some_fields_or_the_whole_item() {
        let keyed = |fields: &str| Contract {
            dedup: Some(DedupPolicy::KeepLast),
            fields: fields_of(fields),
            ..Contract::default()
        };
        let key = |fields: &str, item: &str| keyed(fields).key(&raw(item)).unwrap();
        let (one, two) = (key("sku , ,a.b", r#"{"sku": 1, "x": 1}"#), key("sku,a.b", r#"{"x": 2, "sku": 1}"#));
        assert_eq!((&one.hash, one.label.as_str()), (&two.hash, r#"{"sku":1,"a.b":null}"#));
        assert_ne!(one.content, two.content);
        let whole = key("", r#"{"b": 1, "a": 2}"#);
        assert_eq!(whole, key("", r#"{"a":2,"b":1}"#));
        assert_eq!((&whole.hash, whole.label.as_str()), (&whole.content, ""));
        // Items without any of the fields are not all the same.
        assert_ne!(key("sku", r#"{"a": 1}"#).hash, key("sku", r#"{"a": 2}"#).hash);
        assert_eq!(Contract::default().key(&raw("1")), None);
    }
}
