//! The environment that a user gives to what runs for him, a spider or an instance: names and values, kept encrypted,
//! secrets never answered.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::{
    error::{Error, Result, Text},
    text,
};

/// Stands in answers for a secret value; sent back, it means "as it was".
pub(super) const MASK: &str = "******";
const MOST: usize = 100;
const LONGEST_NAME: usize = 255;
/// All names and values together: a process's environment is bounded by the system, and shares it with arguments.
const MOST_BYTES: usize = 128 * 1024;
const SECRET_WORDS: [&str; 12] =
    ["KEY", "TOKEN", "SECRET", "PASS", "PWD", "CREDENTIAL", "AUTH", "COOKIE", "DSN", "PRIVATE", "SESSION", "SIGNATURE"];

/// Sorted by name.
pub(super) type EnvVars = BTreeMap<String, String>;

/// Reads what a caller sent at `loc` (an object of texts, numbers and booleans, or the predecessor's JSON text of one); masks
/// become the values in `stored`.
pub(super) fn read(loc: &str, given: &Value, stored: &EnvVars) -> Result<EnvVars> {
    read_object(given, stored).map_err(|Refused(name, text)| {
        let dot = if name.is_empty() { "" } else { "." };
        Error::invalid(format!("{loc}{dot}{name}"), "value_error", text)
    })
}

/// Which variable is not acceptable, and why; no name: all together.
struct Refused(String, Text);

fn read_object(given: &Value, stored: &EnvVars) -> Result<EnvVars, Refused> {
    let object = match given {
        Value::Null => return Ok(EnvVars::new()),
        Value::String(json) if json.trim().is_empty() => return Ok(EnvVars::new()),
        Value::String(json) => serde_json::from_str(json)
            .map_err(|error| refused("", text!("不是有效的 JSON：{error}", "is not valid JSON: {error}")))?,
        other => other.clone(),
    };
    let Value::Object(object) = object else {
        return Err(refused("", text!("须为 JSON 对象", "must be a JSON object")));
    };
    let read = object
        .into_iter()
        .map(|(name, value)| {
            check_name(&name)?;
            let value = read_value(&name, value, stored)?;
            Ok((name, value))
        })
        .collect::<Result<EnvVars, Refused>>()?;
    check_size(&read)?;
    Ok(read)
}

fn check_name(name: &str) -> Result<(), Refused> {
    let first = name.bytes().next().unwrap_or(b'0');
    let fits = (first.is_ascii_alphabetic() || first == b'_')
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        && name.len() <= LONGEST_NAME;
    if !fits {
        return Err(refused(
            name,
            text!(
                "变量名只能由字母、数字和下划线组成，且不以数字开头",
                "a name has letters, digits and _, no digit first"
            ),
        ));
    }
    if name.to_ascii_uppercase().starts_with("CRAWLHUB_") {
        return Err(refused(
            name,
            text!("以 CRAWLHUB_ 开头的变量由平台设置", "names that start with CRAWLHUB_ are set by the platform"),
        ));
    }
    Ok(())
}

fn read_value(name: &str, value: Value, stored: &EnvVars) -> Result<String, Refused> {
    let value = match value {
        Value::String(text) => text,
        Value::Number(number) => number.to_string(),
        Value::Bool(flag) => flag.to_string(),
        Value::Null | Value::Array(_) | Value::Object(_) => {
            return Err(refused(name, text!("须为文本、数字或布尔值", "must be a text, a number or a boolean")));
        }
    };
    if value.contains('\0') {
        return Err(refused(name, text!("不能包含空字符", "must not contain NUL")));
    }
    if value != MASK {
        return Ok(value);
    }
    match stored.get(name) {
        Some(kept) if is_secret(name, kept) => Ok(kept.clone()),
        _ if is_secret(name, "") => Err(refused(
            name,
            text!("没有已保存的值可以沿用，请填写真实的值", "has no stored value to keep; send the real one"),
        )),
        _ => Ok(value),
    }
}

fn check_size(vars: &EnvVars) -> Result<(), Refused> {
    let (count, bytes) = (vars.len(), vars.iter().map(|(name, value)| name.len() + value.len()).sum::<usize>());
    if count > MOST {
        return Err(refused(
            "",
            text!("{count} 个变量，最多 {MOST} 个", "{count} variables; at most {MOST} are allowed"),
        ));
    }
    if bytes > MOST_BYTES {
        return Err(refused(
            "",
            text!("共 {bytes} 字节，最多 {MOST_BYTES} 字节", "{bytes} bytes in all; at most {MOST_BYTES} are allowed"),
        ));
    }
    Ok(())
}

/// As they are answered.
pub(super) fn masked(vars: EnvVars) -> EnvVars {
    vars.into_iter()
        .map(|(name, value)| if is_secret(&name, &value) { (name, MASK.to_owned()) } else { (name, value) })
        .collect()
}

/// Whether a value is not to be answered.
pub(super) fn is_secret(name: &str, value: &str) -> bool {
    let name = name.to_ascii_uppercase();
    SECRET_WORDS.iter().any(|word| name.contains(word)) || has_password(value)
}

/// `scheme://user:password@host…`, as database addresses are written.
fn has_password(value: &str) -> bool {
    value
        .split_once("://")
        .and_then(|(_, rest)| rest.split('/').next()?.rsplit_once('@'))
        .is_some_and(|(user, _)| user.contains(':'))
}

fn refused(name: &str, text: Text) -> Refused {
    Refused(name.to_owned(), text)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn vars(pairs: &[(&str, &str)]) -> EnvVars {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn an_object_or_the_predecessors_text() {
        let none = EnvVars::new();
        let wanted = vars(&[("A", "x"), ("B", "1.5"), ("C", "true")]);
        assert_eq!(read("body.env_vars", &json!({"C": true, "A": "x", "B": 1.5}), &none).unwrap(), wanted);
        assert_eq!(read("body.env_vars", &json!(r#"{"A": "x", "B": 1.5, "C": true}"#), &none).unwrap(), wanted);
        for nothing in [json!(null), json!(""), json!("  "), json!({}), json!("{}")] {
            assert_eq!(read("body.env_vars", &nothing, &wanted).unwrap(), none);
        }
    }

    #[test]
    fn what_is_refused() {
        let many: serde_json::Map<_, _> = (0..=MOST).map(|at| (format!("V{at}"), json!(1))).collect();
        for (given, loc) in [
            (json!([1]), "body.env_vars:"),
            (json!("[1]"), "body.env_vars:"),
            (json!("{"), "body.env_vars:"),
            (json!(3), "body.env_vars:"),
            (json!({"A": null}), "body.env_vars.A:"),
            (json!({"A": {"b": 1}}), "body.env_vars.A:"),
            (json!({"A": "x\u{0}y"}), "body.env_vars.A:"),
            (json!({"1A": "x"}), "body.env_vars.1A:"),
            (json!({"A B": "x"}), "body.env_vars.A B:"),
            (json!({"": "x"}), "body.env_vars:"),
            (json!({"CRAWLHUB_TOKEN": "x"}), "body.env_vars.CRAWLHUB_TOKEN:"),
            (json!({"crawlhub_x": "x"}), "body.env_vars.crawlhub_x:"),
            (json!({"A": "x".repeat(MOST_BYTES)}), "body.env_vars:"),
            (Value::Object(many), "body.env_vars:"),
        ] {
            let error = read("body.env_vars", &given, &EnvVars::new()).unwrap_err().to_string();
            assert!(error.contains(loc), "{given}: {error}");
        }
    }

    #[test]
    fn secrets_are_masked_and_a_mask_keeps_them() {
        let stored = vars(&[("API_KEY", "k1"), ("db_password", "p"), ("DB_URL", "pg://u:p@h/d"), ("PLAIN", "******")]);
        let shown = masked(stored.clone());
        assert_eq!(shown, vars(&[("API_KEY", MASK), ("db_password", MASK), ("DB_URL", MASK), ("PLAIN", MASK)]));
        assert_eq!(read("body.env_vars", &serde_json::to_value(&shown).unwrap(), &stored).unwrap(), stored);
        assert_eq!(read("body.env_vars", &json!({"API_KEY": "k2"}), &stored).unwrap(), vars(&[("API_KEY", "k2")]));
        assert!(read("body.env_vars", &json!({"NEW_TOKEN": MASK}), &stored).is_err());
        assert_eq!(masked(vars(&[("URL", "https://h/a:b@c")])), vars(&[("URL", "https://h/a:b@c")]));
    }
}
