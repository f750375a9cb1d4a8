//! Items as documents. `data` is what was sent, as MongoDB's own types, for whoever looks into the database. Where these
//! cannot say the JSON text to the letter (`1.10`, numbers beyond 64 bits, keys that stand twice, spaces), the text stands
//! beside it as `raw`, and is what is read; where they cannot say it at all (a key with NUL, half a surrogate pair, a
//! hundred levels), or would not fit, there is `raw` alone.

use chrono::{DateTime, Utc};
use mongodb::bson::{self, Bson, Document, RawDocumentBuf, doc};
use serde::{Serialize, Serializer};
use serde_json::{Value, value::RawValue};

use super::unreadable;
use crate::{
    error::{Error, Result},
    id::{SpiderId, TaskId},
    platform::documents::{
        items::{Item, count, depth},
        keys::Admitted,
        quarantine::{Quarantined, Refused},
    },
};

/// The largest document that MongoDB takes.
const LARGEST: usize = 16 << 20;
/// The largest text that fits into one with all that stands beside it.
pub(super) const LARGEST_TEXT: usize = LARGEST - (64 << 10);
/// How deep `data` may be: MongoDB's own limit is a hundred levels for the whole document.
const DEEPEST: usize = 90;

/// Whose a document is.
pub(super) struct Origin<'a> {
    pub task_id: &'a TaskId,
    pub spider_id: &'a SpiderId,
    pub is_test: bool,
    pub created_at: DateTime<Utc>,
}

/// The document of an item that arrives; no larger than [`LARGEST_TEXT`].
pub(super) fn item(origin: &Origin<'_>, item: &Admitted) -> Result<RawDocumentBuf> {
    let text = item.data.get();
    let mut own = Document::new();
    let said = said(text);
    if !said.as_ref().is_some_and(|(_, is_exact)| *is_exact) {
        own.insert("raw", text);
    }
    if let Some((data, _)) = said {
        own.insert("data", data);
    }
    if let Some(key) = &item.key {
        own.insert("item_key", key);
    }
    let whole = document(origin, &item.id, text, own)?;
    if whole.as_bytes().len() <= LARGEST {
        return Ok(whole);
    }
    let mut own = doc! { "raw": text };
    if let Some(key) = &item.key {
        own.insert("item_key", key);
    }
    document(origin, &item.id, text, own)
}

/// The document of an item that was refused: its text alone, as it may be what MongoDB's types cannot say.
pub(super) fn quarantined(origin: &Origin<'_>, refused: &Refused) -> Result<RawDocumentBuf> {
    let text = refused.data.get();
    document(origin, &crate::id::new(), text, doc! { "raw": text, "reason": &refused.reason })
}

/// `own`, and what documents of items have in common.
fn document(origin: &Origin<'_>, id: &str, text: &str, own: Document) -> Result<RawDocumentBuf> {
    let mut document = doc! {
        "_id": id, "task_id": origin.task_id.as_str(), "spider_id": origin.spider_id.as_str(),
    };
    document.extend(own);
    document.insert("is_test", origin.is_test);
    document.insert("bytes", count(text.len()));
    document.insert("created_at", date(origin.created_at));
    RawDocumentBuf::try_from(document).map_err(Error::internal)
}

/// MongoDB keeps milliseconds.
pub(super) fn date(at: DateTime<Utc>) -> bson::DateTime {
    bson::DateTime::from_millis(at.timestamp_millis())
}

/// The text in MongoDB's types, and whether they say it to the letter.
fn said(text: &str) -> Option<(Bson, bool)> {
    if depth(text) > DEEPEST {
        return None;
    }
    let value: Value = serde_json::from_str(text).ok()?;
    let mut is_exact = serde_json::to_string(&value).is_ok_and(|again| again == text);
    let data = bson_of(value, &mut is_exact)?;
    Some((data, is_exact))
}

/// `None` where a key cannot be one in MongoDB.
fn bson_of(value: Value, is_exact: &mut bool) -> Option<Bson> {
    Some(match value {
        Value::Null => Bson::Null,
        Value::Bool(flag) => Bson::Boolean(flag),
        Value::String(text) => Bson::String(text),
        Value::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(whole), _) => i32::try_from(whole).map_or(Bson::Int64(whole), Bson::Int32),
            (None, Some(float)) => {
                *is_exact &= number.is_f64();
                Bson::Double(float)
            }
            (None, None) => return None,
        },
        Value::Array(values) => {
            Bson::Array(values.into_iter().map(|value| bson_of(value, is_exact)).collect::<Option<_>>()?)
        }
        Value::Object(fields) => {
            let mut document = Document::new();
            for (name, value) in fields {
                if name.contains('\0') {
                    return None;
                }
                document.insert(name, bson_of(value, is_exact)?);
            }
            Bson::Document(document)
        }
    })
}

/// An item as it was sent, of ours or of the predecessor's.
pub(super) fn item_of(document: &Document) -> Result<Item> {
    let text = |key: &str| document.get(key).map(text_of).unwrap_or_default();
    let created_at = match document.get("created_at") {
        Some(Bson::DateTime(at)) => DateTime::from_timestamp_millis(at.timestamp_millis()).unwrap_or_default(),
        _ => DateTime::default(),
    };
    Ok(Item {
        id: text("_id"),
        task_id: text("task_id").into(),
        spider_id: text("spider_id").into(),
        is_test: document.get_bool("is_test").unwrap_or(false),
        data: json_of(document)?,
        created_at,
    })
}

/// One in quarantine.
pub(super) fn quarantined_of(document: &Document) -> Result<Quarantined> {
    let Item { id, task_id, spider_id, is_test, data, created_at } = item_of(document)?;
    let reason = document.get_str("reason").unwrap_or_default().to_owned();
    Ok(Quarantined { id, task_id, spider_id, is_test, data, reason, created_at })
}

/// The item itself.
pub(super) fn json_of(document: &Document) -> Result<Box<RawValue>> {
    let json = match (document.get("raw"), document.get("data")) {
        (Some(Bson::String(raw)), _) => RawValue::from_string(raw.clone()),
        (_, data) => serde_json::value::to_raw_value(&Plain(data.unwrap_or(&Bson::Null))),
    };
    json.map_err(|_| unreadable("the data of an item"))
}

/// As JSON that people would write: what JSON has no type for, as text.
struct Plain<'a>(&'a Bson);

impl Serialize for Plain<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Bson::Null | Bson::Undefined => serializer.serialize_unit(),
            Bson::Boolean(flag) => serializer.serialize_bool(*flag),
            Bson::Int32(number) => serializer.serialize_i32(*number),
            Bson::Int64(number) => serializer.serialize_i64(*number),
            Bson::Double(number) => serializer.serialize_f64(*number),
            Bson::Array(values) => serializer.collect_seq(values.iter().map(Plain)),
            Bson::Document(fields) => serializer.collect_map(fields.iter().map(|(name, value)| (name, Plain(value)))),
            other => serializer.serialize_str(&text_of(other)),
        }
    }
}

/// An id or another value as text.
pub(super) fn text_of(value: &Bson) -> String {
    match value {
        Bson::String(text) | Bson::Symbol(text) => text.clone(),
        Bson::ObjectId(id) => id.to_hex(),
        Bson::DateTime(at) => at.try_to_rfc3339_string().unwrap_or_else(|_| at.to_string()),
        other => other.to_string(),
    }
}
