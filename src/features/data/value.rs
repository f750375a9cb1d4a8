//! Paths to values in items, and values as they are compared and sorted.

use std::cmp::Ordering;

use serde_json::value::RawValue;

use super::object::{Kind, fields, string};

/// Keys from the item inward.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Path(Vec<String>);

impl Path {
    /// Keys separated by `.`, up to `end`; what stands behind `end` beside it. `\` takes its meaning from what follows.
    pub(super) fn parse(text: &str, end: Option<char>) -> (Self, Option<&str>) {
        let (mut keys, mut key) = (vec![], String::new());
        let mut chars = text.char_indices();
        while let Some((at, char)) = chars.next() {
            match char {
                '\\' => key.extend(chars.next().map(|(_, escaped)| escaped)),
                '.' => keys.push(std::mem::take(&mut key)),
                _ if Some(char) == end => {
                    keys.push(key);
                    return (Self(keys), Some(&text[at + char.len_utf8()..]));
                }
                _ => key.push(char),
            }
        }
        keys.push(key);
        (Self(keys), None)
    }

    /// The value there; of keys that stand twice the last one counts.
    pub(super) fn find<'a>(&self, item: &'a RawValue) -> Option<&'a RawValue> {
        let mut found = item;
        for (depth, key) in self.0.iter().enumerate() {
            // An item that is no object has a field of its own; what lies deeper has not.
            if depth > 0 && Kind::of(found) != Kind::Object {
                return None;
            }
            found = fields(found).into_iter().rfind(|(name, _)| name == key)?.1;
        }
        Some(found)
    }
}

/// What can be compared. The order of the kinds is the order in which they are sorted.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    Flag(bool),
    /// As near as a float comes, and for integers the rest.
    Number(f64, i128),
    Text(String),
}

impl Value {
    /// `None` of null, lists and objects.
    pub(super) fn of(json: &RawValue) -> Option<Self> {
        match Kind::of(json) {
            Kind::String => Some(Self::Text(string(json).into_owned())),
            Kind::Boolean => Some(Self::Flag(json.get() == "true")),
            Kind::Integer | Kind::Number => Some(Self::number(json.get())),
            Kind::Null | Kind::Array | Kind::Object => None,
        }
    }

    /// What a caller wrote: `None` is null.
    pub(super) fn given(text: &str) -> Option<Self> {
        let json = serde_json::from_str::<&RawValue>(text).ok().filter(|json| json.get() == text);
        match json.map(|json| (json, Kind::of(json))) {
            Some((_, Kind::Null)) => None,
            Some((json, Kind::String | Kind::Boolean | Kind::Integer | Kind::Number)) => Self::of(json),
            _ => Some(Self::Text(text.to_owned())),
        }
    }

    fn number(text: &str) -> Self {
        // Adding zero makes -0 the same as 0.
        let near = text.parse().unwrap_or(0.0) + 0.0;
        #[expect(clippy::cast_possible_truncation, reason = "only numbers of equal floats are compared further")]
        let rest = text.parse().unwrap_or(near as i128);
        Self::Number(near, rest)
    }

    /// How it compares with another of its kind.
    pub(super) fn like(&self, other: &Self) -> Option<Ordering> {
        match (self, other) {
            (Self::Flag(one), Self::Flag(other)) => Some(one.cmp(other)),
            (Self::Number(one, rest), Self::Number(other, other_rest)) => {
                Some(one.total_cmp(other).then(rest.cmp(other_rest)))
            }
            (Self::Text(one), Self::Text(other)) => Some(one.cmp(other)),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_key_can_be_reached() {
        let item = RawValue::from_string(
            r#"{"a": {"b": 1, "b": 2, "": 3}, "a.b": 4, "x:y": {"\\": 5}, "\u540d": 6, "$[0]'\"": 7, "l": [8]}"#
                .to_owned(),
        )
        .unwrap();
        for (path, found) in [
            ("a.b", Some("2")),
            ("a.", Some("3")),
            (r"a\.b", Some("4")),
            (r"x\:y.\\", Some("5")),
            ("名", Some("6")),
            (r#"$[0]'""#, Some("7")),
            ("l", Some("[8]")),
            ("l.value", None),
            ("a.b.value", None),
            ("none", None),
            ("", None),
        ] {
            assert_eq!(Path::parse(path, None).0.find(&item).map(RawValue::get), found, "{path}");
            let condition = format!("{path}:rest:more");
            assert_eq!(Path::parse(&condition, Some(':')), (Path::parse(path, None).0, Some("rest:more")));
        }
    }

    #[test]
    fn numbers_are_compared_exactly() {
        let compare = |one: &str, other: &str| Value::given(one).unwrap().like(&Value::given(other).unwrap());
        assert_eq!(compare("9007199254740993", "9007199254740992"), Some(Ordering::Greater));
        assert_eq!(compare("9007199254740992.0", "9007199254740993"), Some(Ordering::Less));
        assert_eq!(compare("1.10", "1.1"), Some(Ordering::Equal));
        assert_eq!(compare("-0.0", "0"), Some(Ordering::Equal));
        assert_eq!(compare("1e400", "12"), Some(Ordering::Greater));
        assert_eq!(compare("12", "\"12\""), None);
        assert_eq!(compare("true", "false"), Some(Ordering::Greater));
        assert_eq!(Value::given("[1]"), Some(Value::Text("[1]".to_owned())));
        assert_eq!(Value::given(" 1"), Some(Value::Text(" 1".to_owned())));
        assert_eq!(Value::given("null"), None);
    }
}
