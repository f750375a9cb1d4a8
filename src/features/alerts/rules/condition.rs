//! The numbers that a rule compares with.

use serde_json::{Map, Number, Value, json};

use super::super::AlertType;
use crate::{
    error::{Checks, Error, Result},
    text,
};

/// One number of a condition.
struct Field {
    name: &'static str,
    default: f64,
    least: f64,
    most: f64,
    whole: bool,
}

const A_WEEK: f64 = 10_080.0;
const A_MONTH: f64 = 43_200.0;

const fn minutes(name: &'static str, default: f64) -> Field {
    Field { name, default, least: 1.0, most: A_MONTH, whole: true }
}

/// All tasks that ended in it are looked at.
const fn window(default: f64) -> Field {
    Field { name: "window_minutes", default, least: 1.0, most: A_WEEK, whole: true }
}

const fn count(name: &'static str, default: f64) -> Field {
    Field { name, default, least: 1.0, most: 1e9, whole: true }
}

/// What each kind of rule takes, in the predecessor's names.
fn fields(rule_type: AlertType) -> &'static [Field] {
    match rule_type {
        AlertType::TaskFailed
        | AlertType::SinkFailing
        | AlertType::DataDrift
        | AlertType::Editor
        | AlertType::Instance => &[],
        AlertType::TaskFailureRate => {
            const {
                &[
                    Field { name: "threshold", default: 0.5, least: 0.0, most: 1.0, whole: false },
                    window(30.0),
                    count("min_tasks", 1.0),
                ]
            }
        }
        AlertType::TaskDuration => const { &[count("max_duration_seconds", 3600.0), window(60.0)] },
        AlertType::ItemsCount => const { &[count("min_items", 1.0), window(60.0)] },
        AlertType::HeartbeatTimeout => const { &[minutes("timeout_minutes", 5.0)] },
        AlertType::NoRun => const { &[minutes("window_minutes", 1440.0)] },
    }
}

/// From what a caller sent, an object or a JSON text of one, with defaults where something is left out.
pub(super) fn read(rule_type: AlertType, given: Option<&Value>) -> Result<Map<String, Value>> {
    const LOC: &str = "body.condition";
    let refused = |text| Error::invalid(LOC, "value_error", text);
    let given = match given {
        None | Some(Value::Null) => json!({}),
        Some(Value::String(text)) if text.trim().is_empty() => json!({}),
        Some(Value::String(text)) => serde_json::from_str(text)
            .map_err(|error| refused(text!("不是有效的 JSON：{error}", "is not valid JSON: {error}")))?,
        Some(other) => other.clone(),
    };
    let Value::Object(given) = given else { return Err(refused(text!("须为 JSON 对象", "must be a JSON object"))) };
    let fields = fields(rule_type);
    let mut checks = Checks::default();
    for name in given.keys().filter(|name| !fields.iter().any(|field| field.name == name.as_str())) {
        checks.require(false, &format!("{LOC}.{name}"), "value_error", || {
            text!("{rule_type} 没有这个条件", "is no condition of {rule_type}")
        });
    }
    let mut read = Map::new();
    for Field { name, default, least, most, whole } in fields {
        let value = given.get(*name).map_or(Some(*default), Value::as_f64);
        let fits = value.filter(|value| (*least..=*most).contains(value) && (!whole || value.fract() == 0.0));
        checks.require(fits.is_some(), &format!("{LOC}.{name}"), "value_error", || {
            if *whole {
                text!("须为 {least} 到 {most} 之间的整数", "must be a whole number between {least} and {most}")
            } else {
                text!("须在 {least} 到 {most} 之间", "must be between {least} and {most}")
            }
        });
        #[expect(clippy::cast_possible_truncation, reason = "checked above")]
        let number = fits.and_then(|value| if *whole { Some((value as i64).into()) } else { Number::from_f64(value) });
        read.insert((*name).to_owned(), number.into());
    }
    checks.finish()?;
    Ok(read)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_or_its_text_with_defaults() {
        let read = |rule_type, given: Value| Value::Object(read(rule_type, Some(&given)).unwrap());
        let whole = json!({"threshold": 0.5, "window_minutes": 30, "min_tasks": 1});
        assert_eq!(read(AlertType::TaskFailureRate, json!(null)), whole);
        assert_eq!(read(AlertType::TaskFailureRate, json!("")), whole);
        let given = json!({"threshold": 1, "window_minutes": 5.0, "min_tasks": 1});
        let taken = json!({"threshold": 1.0, "window_minutes": 5, "min_tasks": 1});
        assert_eq!(read(AlertType::TaskFailureRate, given.clone()), taken);
        assert_eq!(read(AlertType::TaskFailureRate, json!(given.to_string())), taken);
    }

    #[test]
    fn what_is_refused() {
        for (rule_type, given, loc) in [
            (AlertType::TaskFailureRate, json!("{"), "body.condition:"),
            (AlertType::TaskFailureRate, json!([1]), "body.condition:"),
            (AlertType::TaskFailureRate, json!("5"), "body.condition:"),
            (AlertType::TaskFailureRate, json!({"threshold": 1.5}), "body.condition.threshold:"),
            (AlertType::TaskFailureRate, json!({"threshold": "0.5"}), "body.condition.threshold:"),
            (AlertType::TaskFailureRate, json!({"treshold": 0.5}), "body.condition.treshold:"),
            (AlertType::TaskDuration, json!({"max_duration_seconds": 0}), "body.condition.max_duration_seconds:"),
            (AlertType::TaskFailureRate, json!({"window_minutes": 10_081}), "body.condition.window_minutes:"),
            (AlertType::TaskDuration, json!({"window_minutes": 10_081}), "body.condition.window_minutes:"),
            (AlertType::ItemsCount, json!({"window_minutes": 10_081}), "body.condition.window_minutes:"),
            (AlertType::ItemsCount, json!({"min_items": 1.5}), "body.condition.min_items:"),
            (AlertType::HeartbeatTimeout, json!({"timeout_minutes": 43_201}), "body.condition.timeout_minutes:"),
            (AlertType::NoRun, json!({"window_minutes": null}), "body.condition.window_minutes:"),
            (AlertType::TaskFailed, json!({"window_minutes": 5}), "body.condition.window_minutes:"),
        ] {
            let error = read(rule_type, Some(&given)).unwrap_err().to_string();
            assert!(error.contains(loc), "{given}: {error}");
        }
    }
}
