//! An item's JSON text, taken apart without changing a letter of it: serde's own values would round numbers and
//! drop keys that stand twice.

use std::borrow::Cow;

use serde::{
    Deserialize, Deserializer, Serialize,
    de::{MapAccess, Visitor},
};
use serde_json::value::RawValue;

/// Where an item that is no object stands among the fields.
pub const VALUE: &str = "value";

/// A type of JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    String,
    Integer,
    Number,
    Boolean,
    Array,
    Object,
    Null,
}

impl Kind {
    pub fn of(value: &RawValue) -> Self {
        match value.get().as_bytes().first() {
            Some(b'"') => Self::String,
            Some(b'{') => Self::Object,
            Some(b'[') => Self::Array,
            Some(b't' | b'f') => Self::Boolean,
            Some(b'n') => Self::Null,
            _ if value.get().contains(['.', 'e', 'E']) => Self::Number,
            _ => Self::Integer,
        }
    }

    /// As in JSON Schema.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::String => "string",
            Self::Integer => "integer",
            Self::Number => "number",
            Self::Boolean => "boolean",
            Self::Array => "array",
            Self::Object => "object",
            Self::Null => "null",
        }
    }
}

/// A name and its value.
pub type Field<'a> = (Cow<'a, str>, &'a RawValue);

/// The fields of an item in their order. A key that stands twice comes twice; the last one counts.
pub fn fields(item: &RawValue) -> Vec<Field<'_>> {
    if Kind::of(item) == Kind::Object
        && let Ok(Entries(entries)) = serde_json::from_str::<Entries<'_>>(item.get())
    {
        return entries.into_iter().map(|(key, value)| (string(key), value)).collect();
    }
    vec![(VALUE.into(), item)]
}

/// The elements of a list; none of what is no list.
pub fn elements(list: &RawValue) -> Vec<&RawValue> {
    serde_json::from_str(list.get()).unwrap_or_default()
}

/// Keys are raw too: as strings serde would refuse a whole object for half a surrogate pair in one of them.
struct Entries<'a>(Vec<(&'a RawValue, &'a RawValue)>);

impl<'de> Deserialize<'de> for Entries<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder;

        impl<'de> Visitor<'de> for InOrder {
            type Value = Entries<'de>;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Entries<'de>, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(Entries(entries))
            }
        }

        deserializer.deserialize_map(InOrder)
    }
}

/// What a JSON string says. Halves of surrogate pairs, which no text can hold, become U+FFFD.
pub fn string(json: &RawValue) -> Cow<'_, str> {
    string_of(json.get())
}

/// The same of a string's text.
pub(super) fn string_of(text: &str) -> Cow<'_, str> {
    let inside = text.get(1..text.len() - 1).unwrap_or_default();
    if !inside.contains('\\') {
        return inside.into();
    }
    match serde_json::from_str::<String>(text) {
        Ok(said) => said.into(),
        Err(_) => lossy(text).into(),
    }
}

/// serde gives the bytes of such strings, and only bytes.
fn lossy(text: &str) -> String {
    struct Bytes;

    impl Visitor<'_> for Bytes {
        type Value = String;

        fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            formatter.write_str("a string")
        }

        fn visit_bytes<E>(self, bytes: &[u8]) -> Result<String, E> {
            Ok(String::from_utf8_lossy(bytes).into_owned())
        }
    }

    serde_json::Deserializer::from_str(text).deserialize_bytes(Bytes).unwrap_or_else(|_| text.to_owned())
}

/// A value as the text of a cell: strings as they read, nothing for null, the rest as JSON in one line.
pub fn cell(value: &RawValue) -> Cow<'_, str> {
    match Kind::of(value) {
        Kind::String => string(value),
        Kind::Null => "".into(),
        Kind::Array | Kind::Object => compact(value.get()).into(),
        Kind::Integer | Kind::Number | Kind::Boolean => value.get().into(),
    }
}

/// Without space between tokens, with strings readable (no `\u4e2d`) where they can be, numbers as they are.
fn compact(json: &str) -> String {
    let mut text = String::with_capacity(json.len());
    let mut rest = json;
    while let Some(char) = rest.chars().next() {
        let length = if char == '"' { string_length(rest) } else { char.len_utf8() };
        let (token, behind) = rest.split_at(length);
        rest = behind;
        if char == '"' && token.contains("\\u") {
            let readable = serde_json::from_str::<String>(token).and_then(|said| serde_json::to_string(&said));
            text.push_str(readable.as_deref().unwrap_or(token));
        } else if !char.is_ascii_whitespace() {
            text.push_str(token);
        }
    }
    text
}

/// How long the JSON string is that `text` starts with.
pub(super) fn string_length(text: &str) -> usize {
    let mut escaped = false;
    for (index, byte) in text.bytes().enumerate().skip(1) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return index + 1,
            _ => {}
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(text: &str) -> Box<RawValue> {
        RawValue::from_string(text.to_owned()).unwrap()
    }

    #[test]
    fn an_item_is_taken_apart_to_the_letter() {
        let item = raw(r#"{"b\ud800" : 1.10, "\u4e2d": "x\ny", "b": 12345678901234567890123, "b": null}"#);
        let found: Vec<(String, &str)> =
            fields(&item).into_iter().map(|(name, value)| (name.into_owned(), value.get())).collect();
        let expected = [
            ("b\u{fffd}\u{fffd}\u{fffd}", "1.10"),
            ("中", r#""x\ny""#),
            ("b", "12345678901234567890123"),
            ("b", "null"),
        ];
        assert_eq!(found, expected.map(|(name, value)| (name.to_owned(), value)));
        assert_eq!(fields(&raw("[1]")).len(), 1);
    }

    #[test]
    fn cells_are_readable_and_exact() {
        let cells = [
            (r#""a\"b""#, "a\"b"),
            ("null", ""),
            ("1.50e10", "1.50e10"),
            ("true", "true"),
            (
                r#"{"a": [1.0, "\u4e2d \n, \ud800"], "b" : "\u4e2d: \"{\""}"#,
                r#"{"a":[1.0,"\u4e2d \n, \ud800"],"b":"中: \"{\""}"#,
            ),
        ];
        for (json, expected) in cells {
            assert_eq!(cell(&raw(json)), expected);
        }
    }
}
