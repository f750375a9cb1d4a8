//! What makes two JSON texts the same: neither the order of keys nor how strings are escaped nor space between tokens,
//! but every digit of a number as it is written.

use std::fmt::Write;

use serde_json::value::RawValue;
use sha2::{Digest, Sha256};

use super::object::{Kind, fields, string_length, string_of};

/// Longer values stand in the list of an object's values as their hash.
const SHORT: usize = 64;
/// Of a hash, as text, in bytes.
const WIDTH: usize = 16;
const LABEL_BYTES: usize = 500;

/// A list or object that is being read. By hand and without recursion: items may be nested deeply, and reading each level
/// anew would take for ever.
enum Open {
    List(Sha256),
    /// The key that waits for its value, and the members so far.
    Object(Option<String>, Vec<(String, Vec<u8>)>),
}

/// A hash of the value, 32 hexadecimal digits.
pub fn fingerprint(json: &RawValue) -> String {
    hex(&digest_of(json.get()))
}

/// A hash of the fields at these paths, a missing one like null, and the fields as JSON for people. None where all of them
/// are missing or null: they say nothing of what the item is.
pub fn fingerprint_at(item: &RawValue, paths: &[String]) -> Option<(String, String)> {
    let (mut hash, mut label, mut is_known) = (Sha256::new(), String::from("{"), false);
    for path in paths {
        let value = at(item, path).unwrap_or(RawValue::NULL);
        is_known |= Kind::of(value) != Kind::Null;
        hash.update(digest_of(value.get()));
        let separator = if label.len() > 1 { "," } else { "" };
        // Writing to a string cannot fail.
        let _ = write!(label, "{separator}{}:{value}", serde_json::Value::from(path.as_str()));
    }
    label.push('}');
    label.truncate(label.floor_char_boundary(LABEL_BYTES));
    is_known.then(|| (hex(&hash.finalize()), label))
}

/// The value at a dotted path. A name that holds dots itself goes first.
fn at<'a>(item: &'a RawValue, path: &str) -> Option<&'a RawValue> {
    let members = fields(item);
    let named = |name: &str| members.iter().rfind(|(known, _)| known == name).map(|(_, value)| *value);
    named(path).or_else(|| {
        path.match_indices('.').find_map(|(dot, _)| {
            let inside = named(&path[..dot]).filter(|value| Kind::of(value) == Kind::Object)?;
            at(inside, &path[dot + 1..])
        })
    })
}

fn digest_of(json: &str) -> Vec<u8> {
    let (mut open, mut rest): (Vec<Open>, _) = (Vec::new(), json);
    loop {
        rest = rest.trim_start_matches([' ', '\t', '\r', '\n', ',', ':']);
        let value = match rest.as_bytes().first() {
            None => return Vec::new(),
            Some(b'[') => {
                open.push(Open::List(Sha256::new_with_prefix("[")));
                rest = &rest[1..];
                continue;
            }
            Some(b'{') => {
                open.push(Open::Object(None, Vec::new()));
                rest = &rest[1..];
                continue;
            }
            Some(b']' | b'}') => {
                rest = &rest[1..];
                open.pop().map(closed).unwrap_or_default()
            }
            Some(b'"') => {
                let (token, behind) = rest.split_at(string_length(rest));
                rest = behind;
                if let Some(Open::Object(key @ None, _)) = open.last_mut() {
                    *key = Some(string_of(token).into_owned());
                    continue;
                }
                // Halves of surrogate pairs stay apart: the text as it is written.
                short([b"\"", serde_json::from_str(token).unwrap_or(token.to_owned()).as_bytes()].concat())
            }
            Some(_) => {
                let end = rest.find([',', ']', '}', ' ', '\t', '\r', '\n']).unwrap_or(rest.len());
                let (token, behind) = rest.split_at(end);
                rest = behind;
                short(token.as_bytes().to_vec())
            }
        };
        match open.last_mut() {
            Some(Open::List(hash)) => add(hash, &value),
            Some(Open::Object(key, members)) => members.push((key.take().unwrap_or_default(), value)),
            None => return Sha256::digest(value).to_vec(),
        }
    }
}

fn closed(open: Open) -> Vec<u8> {
    match open {
        Open::List(hash) => hash.finalize().to_vec(),
        Open::Object(_, mut members) => {
            members.sort_by(|left, right| left.0.cmp(&right.0));
            let mut hash = Sha256::new_with_prefix("{");
            for (place, (key, value)) in members.iter().enumerate() {
                // Of a key that stands twice the last one counts.
                if members.get(place + 1).is_none_or(|(next, _)| next != key) {
                    add(&mut hash, key.as_bytes());
                    add(&mut hash, value);
                }
            }
            hash.finalize().to_vec()
        }
    }
}

fn short(value: Vec<u8>) -> Vec<u8> {
    if value.len() > SHORT { Sha256::digest(value).to_vec() } else { value }
}

/// With its length, so that no two lists run together to the same bytes.
fn add(hash: &mut Sha256, part: &[u8]) {
    hash.update(part.len().to_be_bytes());
    hash.update(part);
}

fn hex(digest: &[u8]) -> String {
    digest.iter().take(WIDTH).fold(String::with_capacity(2 * WIDTH), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(text: &str) -> Box<RawValue> {
        RawValue::from_string(text.to_owned()).unwrap()
    }

    #[test]
    fn the_same_in_other_words() {
        for (left, right) in [
            (r#"{"a":1,"b":[true,null]}"#, "{ \"b\" : [ true , null ] ,\n\"a\":1 }"),
            (r#""\u4e2d""#, r#""中""#),
            (r#"{"a":{"c":1,"b":2}}"#, r#"{"a":{"b":2,"c":1}}"#),
            (r#"{"a":1,"a":2}"#, r#"{"a":2}"#),
            (r#"{"\u0061":"\u0000"}"#, r#"{"a":"\u0000"}"#),
        ] {
            assert_eq!(fingerprint(&raw(left)), fingerprint(&raw(right)), "{left}");
        }
    }

    #[test]
    fn others_differ() {
        let all = [
            "1",
            "1.0",
            r#""1""#,
            "null",
            r#""null""#,
            "true",
            "[]",
            "{}",
            "[[]]",
            "[1,2]",
            "[2,1]",
            "[12]",
            r#"["1,2"]"#,
            r#"[["a"],"b"]"#,
            r#"["a",["b"]]"#,
            r#"{"a":"b"}"#,
            r#"["a","b"]"#,
            r#"{"a":null}"#,
            "9007199254740993",
            "9007199254740992",
            "1e400",
            r#""\ud800""#,
            r#""\ud801""#,
            r#"{"a":{"b":1},"c":2}"#,
            r#"{"a":{"b":1,"c":2}}"#,
            r#""2024-01-01""#,
        ];
        for (place, left) in all.iter().enumerate() {
            for right in &all[place + 1..] {
                assert_ne!(fingerprint(&raw(left)), fingerprint(&raw(right)), "{left} {right}");
            }
        }
        let long = |end: &str| fingerprint(&raw(&format!("[{:?}]", "x".repeat(1000) + end)));
        assert_ne!(long("a"), long("b"));
    }

    #[test]
    fn depth_costs_nothing() {
        let deep = raw(&format!("{}{}{}", "[".repeat(300_000), "1", "]".repeat(300_000)));
        assert_eq!(fingerprint(&deep).len(), 32);
        let deep = raw(&format!("{}1{}", r#"{"a":"#.repeat(100_000), "}".repeat(100_000)));
        assert_eq!(fingerprint(&deep).len(), 32);
    }

    #[test]
    fn a_key_is_made_of_some_fields() {
        let key = |item: &str, paths: &[&str]| {
            fingerprint_at(&raw(item), &paths.iter().map(|path| (*path).to_owned()).collect::<Vec<_>>())
        };
        let one = key(r#"{"sku": "a", "shop": {"id": 1}, "price": 1}"#, &["sku", "shop.id"]).unwrap();
        assert_eq!(one.1, r#"{"sku":"a","shop.id":1}"#);
        assert_eq!(key(r#"{"shop": {"x": 0, "id": 1}, "sku": "\u0061"}"#, &["sku", "shop.id"]).unwrap().0, one.0);
        // Whichever way the dot is meant.
        let dotted = key(r#"{"shop.id": 1, "sku": "a", "shop": {"id": 7}}"#, &["sku", "shop.id"]).unwrap();
        assert_eq!(dotted.0, one.0);
        assert_eq!(key(r#"{"a.b": {"c": 3}}"#, &["a.b.c"]).unwrap().1, r#"{"a.b.c":3}"#);
        for other in [r#"{"sku": "a"}"#, r#"{"sku": "a", "shop": 1}"#, r#"{"sku": "1", "shop": {"id": "a"}}"#] {
            assert_ne!(key(other, &["sku", "shop.id"]).unwrap().0, one.0, "{other}");
        }
        let missing = key(r#"{"sku": "a"}"#, &["sku", "shop.id"]).unwrap();
        assert_eq!(key(r#"{"sku": "a", "shop": {"id": null}}"#, &["sku", "shop.id"]).unwrap().0, missing.0);
        assert_eq!(key(r#"{"sku": null}"#, &["sku", "shop.id"]), None);
        assert_eq!(key("[1]", &["sku"]), None);
        let label = key(&format!(r#"{{"sku": "{}"}}"#, "长".repeat(1000)), &["sku"]).unwrap().1;
        assert!(label.len() <= 500 && label.len() > 490);
    }
}
