//! The order of a list that is sorted by a field, and places in it.

use std::cmp::Ordering;

use axum::{extract::FromRequestParts, http::request::Parts};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::IntoParams;

use super::{
    object::Kind,
    value::{Path, Value},
};
use crate::{
    error::{Error, Result},
    platform::http::Params,
    text,
};

/// Of a text, so much decides, in bytes: texts may be long, and places are held in memory and in cursors.
const DECIDING: usize = 256;
/// No cursor of an unsorted list has it.
const PREFIX: &str = "s~";

#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct SortOption {
    /// A field, as in `filter`; with `-` in front (`\-` is a `-` of its own) from the largest down. Values of several types
    /// come in this order: booleans, numbers, texts (by their first 256 bytes), lists and objects; items without the
    /// field, or with null, come last either way. Of equals the newest comes first.
    sort: Option<String>,
}

/// An order. Without one, lists go from the newest item down.
#[derive(Debug, Clone)]
pub(super) struct Sort {
    /// As it was given; cursors hold it.
    text: String,
    path: Path,
    descending: bool,
}

/// Where an item stands.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Place {
    key: Option<Key>,
    id: String,
    descending: bool,
}

#[derive(Debug, Clone, PartialEq)]
enum Key {
    Value(Value),
    /// A list or an object.
    Other,
}

/// A place as text.
#[derive(Serialize, Deserialize)]
struct Cursor {
    sort: String,
    key: Option<KeyText>,
    id: String,
}

#[derive(Serialize, Deserialize)]
enum KeyText {
    Flag(bool),
    /// Floats as text: JSON has no infinity.
    Number(String, String),
    Text(String),
    Other,
}

/// The order that a request asks for.
pub(super) struct Order(pub Option<Sort>);

impl<S: Send + Sync> FromRequestParts<S> for Order {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self> {
        let Params(option) = Params::<SortOption>::from_request_parts(parts, state).await?;
        Ok(Self(option.sort.as_deref().map(Sort::parse)))
    }
}

impl Sort {
    fn parse(text: &str) -> Self {
        let (field, descending) = text.strip_prefix('-').map_or((text, false), |field| (field, true));
        Self { text: text.to_owned(), path: Path::parse(field, None).0, descending }
    }

    pub(super) fn place(&self, item: &RawValue, id: &str) -> Place {
        let found = self.path.find(item).filter(|found| Kind::of(found) != Kind::Null);
        let key = found.map(|found| match Value::of(found) {
            Some(Value::Text(mut text)) => {
                text.truncate(text.floor_char_boundary(DECIDING));
                Key::Value(Value::Text(text))
            }
            Some(value) => Key::Value(value),
            None => Key::Other,
        });
        Place { key, id: id.to_owned(), descending: self.descending }
    }

    pub(super) fn cursor(&self, place: &Place) -> String {
        let key = place.key.as_ref().map(|key| match key {
            Key::Value(Value::Flag(flag)) => KeyText::Flag(*flag),
            Key::Value(Value::Number(near, rest)) => KeyText::Number(near.to_string(), rest.to_string()),
            Key::Value(Value::Text(text)) => KeyText::Text(text.clone()),
            Key::Other => KeyText::Other,
        });
        let cursor = Cursor { sort: self.text.clone(), key, id: place.id.clone() };
        let text = serde_json::to_vec(&cursor).unwrap_or_default();
        format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(text))
    }

    /// The place that a cursor of this very order names.
    pub(super) fn after(&self, cursor: &str) -> Result<Place> {
        self.read(cursor).ok_or_else(not_of_this_list)
    }

    fn read(&self, cursor: &str) -> Option<Place> {
        let text = URL_SAFE_NO_PAD.decode(cursor.strip_prefix(PREFIX)?).ok()?;
        let cursor: Cursor = serde_json::from_slice(&text).ok().filter(|cursor: &Cursor| cursor.sort == self.text)?;
        let key = match cursor.key {
            None => None,
            Some(KeyText::Flag(flag)) => Some(Key::Value(Value::Flag(flag))),
            Some(KeyText::Number(near, rest)) => {
                Some(Key::Value(Value::Number(near.parse().ok()?, rest.parse().ok()?)))
            }
            Some(KeyText::Text(text)) => Some(Key::Value(Value::Text(text))),
            Some(KeyText::Other) => Some(Key::Other),
        };
        Some(Place { key, id: cursor.id, descending: self.descending })
    }
}

/// The id that a cursor of an unsorted list names.
pub(super) fn after_id(cursor: &str) -> Result<&str> {
    let is_id = cursor.len() <= 64 && cursor.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    if is_id { Ok(cursor) } else { Err(not_of_this_list()) }
}

fn not_of_this_list() -> Error {
    Error::invalid(
        "query.cursor",
        "value_error",
        text!("游标无效，或属于另一种排序", "this is no cursor of a list in this order"),
    )
}

impl Key {
    fn rank(&self) -> u8 {
        match self {
            Self::Value(Value::Flag(_)) => 0,
            Self::Value(Value::Number(..)) => 1,
            Self::Value(Value::Text(_)) => 2,
            Self::Other => 3,
        }
    }

    fn order(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Value(one), Self::Value(other)) if one.like(other).is_some() => {
                one.like(other).unwrap_or(Ordering::Equal)
            }
            _ => self.rank().cmp(&other.rank()),
        }
    }
}

impl Place {
    /// Of the item that stands there.
    pub(super) fn id(&self) -> &str {
        &self.id
    }
}

impl Eq for Place {}

impl PartialOrd for Place {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Place {
    fn cmp(&self, other: &Self) -> Ordering {
        let by_key = match (&self.key, &other.key) {
            (Some(one), Some(other)) if self.descending => other.order(one),
            (Some(one), Some(other)) => one.order(other),
            (one, other) => one.is_none().cmp(&other.is_none()),
        };
        by_key.then_with(|| other.id.cmp(&self.id))
    }
}
