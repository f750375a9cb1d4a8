//! What a JSON Schema may cost. References within it can come back to where they were, and each way there is gone again:
//! two at each level of an item are more than a million at the twentieth. This finds out how deep items may be.

use std::collections::HashMap;

use serde_json::Value;

/// At each level of an item, how many parts of the schema may be looked at.
const MOST_WAYS: u64 = 100_000;
/// Deeper items cannot be read for a check anyway.
const DEEPEST: usize = 128;

/// Keywords whose schemas look at the same value, and those whose schemas look at what is in it.
const SAME: [&str; 9] = ["not", "if", "then", "else", "allOf", "anyOf", "oneOf", "dependentSchemas", "dependencies"];
const INSIDE: [&str; 10] = [
    "properties",
    "patternProperties",
    "additionalProperties",
    "propertyNames",
    "unevaluatedProperties",
    "items",
    "prefixItems",
    "additionalItems",
    "contains",
    "unevaluatedItems",
];
const REFERENCES: [&str; 3] = ["$ref", "$dynamicRef", "$recursiveRef"];

/// The parts of a schema, and where each leads: to parts that look at the same value, and at values inside of it.
struct Parts<'a> {
    root: &'a Value,
    anchors: HashMap<&'a str, Vec<String>>,
    known: HashMap<String, usize>,
    same: Vec<Vec<usize>>,
    inside: Vec<Vec<usize>>,
}

/// How many levels an item may have. An error where the schema cannot be used for any: it comes back to itself at the
/// same value, or refers to what is not in it.
pub(super) fn deepest_item(schema: &Value) -> Result<usize, String> {
    let mut parts =
        Parts { root: schema, anchors: HashMap::new(), known: HashMap::new(), same: Vec::new(), inside: Vec::new() };
    parts.find_anchors(schema, "")?;
    parts.explore()?;
    let order = parts.in_order()?;
    let mut ways = vec![0_u64; order.len()];
    ways[0] = 1;
    for level in 0..DEEPEST {
        for part in &order {
            for next in &parts.same[*part] {
                ways[*next] = ways[*next].saturating_add(ways[*part]);
            }
        }
        if ways.iter().fold(0_u64, |sum, ways| sum.saturating_add(*ways)) > MOST_WAYS {
            return if level == 0 { Err("it has too many parts for one value".to_owned()) } else { Ok(level) };
        }
        let mut below = vec![0_u64; order.len()];
        for (part, inside) in parts.inside.iter().enumerate() {
            for next in inside {
                below[*next] = below[*next].saturating_add(ways[part]);
            }
        }
        ways = below;
    }
    Ok(DEEPEST)
}

impl<'a> Parts<'a> {
    fn find_anchors(&mut self, value: &'a Value, at: &str) -> Result<(), String> {
        match value {
            Value::Object(members) => {
                for name in ["$anchor", "$dynamicAnchor"] {
                    if let Some(Value::String(name)) = members.get(name) {
                        self.anchors.entry(name).or_default().push(at.to_owned());
                    }
                }
                if !at.is_empty() && members.get("$id").is_some_and(Value::is_string) {
                    return Err(format!("{at} has an $id of its own"));
                }
                for (name, value) in members {
                    self.find_anchors(value, &format!("{at}/{}", escaped(name)))?;
                }
            }
            Value::Array(values) => {
                for (place, value) in values.iter().enumerate() {
                    self.find_anchors(value, &format!("{at}/{place}"))?;
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// Follows everything that the root leads to.
    fn explore(&mut self) -> Result<(), String> {
        let mut waiting = vec![self.part(String::new())];
        while let Some((part, at)) = waiting.pop() {
            let Some(Value::Object(members)) = self.root.pointer(&at) else { continue };
            // What nothing else has looked at is found by looking again.
            let times = if members.keys().any(|name| name.starts_with("unevaluated")) { 2 } else { 1 };
            for (name, value) in members {
                let (is_same, is_inside) = (SAME.contains(&name.as_str()), INSIDE.contains(&name.as_str()));
                let targets = match value {
                    Value::String(reference) if REFERENCES.contains(&name.as_str()) => self.targets(reference)?,
                    _ if is_same || is_inside => schemas(name, value, &format!("{at}/{}", escaped(name))),
                    _ => continue,
                };
                for target in targets {
                    let is_new = !self.known.contains_key(&target);
                    let (next, at) = self.part(target);
                    let edges = if is_inside { &mut self.inside[part] } else { &mut self.same[part] };
                    edges.extend(std::iter::repeat_n(next, times));
                    if is_new {
                        waiting.push((next, at));
                    }
                }
            }
        }
        Ok(())
    }

    fn part(&mut self, at: String) -> (usize, String) {
        let next = self.known.len();
        let part = *self.known.entry(at.clone()).or_insert(next);
        if part == next {
            self.same.push(Vec::new());
            self.inside.push(Vec::new());
        }
        (part, at)
    }

    fn targets(&self, reference: &str) -> Result<Vec<String>, String> {
        let elsewhere =
            || format!("{reference:?} is nothing in it; only references of the form #/… and #name are taken");
        let within = reference.strip_prefix('#').ok_or_else(elsewhere)?;
        if within.is_empty() || within.starts_with('/') && self.root.pointer(within).is_some() {
            return Ok(vec![within.to_owned()]);
        }
        self.anchors.get(within).cloned().ok_or_else(elsewhere)
    }

    /// All parts, each before those that it leads to at the same value.
    fn in_order(&self) -> Result<Vec<usize>, String> {
        let mut leading_here = vec![0_usize; self.same.len()];
        self.same.iter().flatten().for_each(|next| leading_here[*next] += 1);
        let mut order: Vec<usize> = (0..self.same.len()).filter(|part| leading_here[*part] == 0).collect();
        let mut done = 0;
        while let Some(part) = order.get(done).copied() {
            done += 1;
            for next in &self.same[part] {
                leading_here[*next] -= 1;
                if leading_here[*next] == 0 {
                    order.push(*next);
                }
            }
        }
        if order.len() == self.same.len() { Ok(order) } else { Err("it refers to itself in a circle".to_owned()) }
    }
}

/// Where the schemas stand that are a keyword's value: itself, those of a list, or those of an object by name.
fn schemas(keyword: &str, value: &Value, at: &str) -> Vec<String> {
    let by_name = ["properties", "patternProperties", "dependentSchemas", "dependencies"].contains(&keyword);
    match value {
        Value::Array(values) => (0..values.len()).map(|place| format!("{at}/{place}")).collect(),
        Value::Object(members) if by_name => members.keys().map(|name| format!("{at}/{}", escaped(name))).collect(),
        _ => vec![at.to_owned()],
    }
}

/// As a part of a JSON pointer.
fn escaped(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn recursion_that_goes_deeper_one_way_costs_nothing() {
        for schema in [
            json!({"type": "object"}),
            json!(true),
            json!({"properties": {"children": {"items": {"$ref": "#"}}}}),
            json!({"$ref": "#/$defs/a~1b", "$defs": {"a/b": {"properties": {"c": {"anyOf": [{"$ref": "#/$defs/a~1b"}, {"type": "null"}]}}}}}),
            json!({"$dynamicAnchor": "x", "properties": {"c": {"$dynamicRef": "#x"}}}),
            json!({"allOf": [{"$ref": "#p"}, {"$ref": "#p"}], "$defs": {"p": {"$anchor": "p", "properties": {"a": {}}}}}),
        ] {
            assert_eq!(deepest_item(&schema), Ok(DEEPEST), "{schema}");
        }
    }

    #[test]
    fn what_multiplies_is_bounded() {
        let twice = json!({"properties": {"c": {"anyOf": [{"$ref": "#"}, {"$ref": "#"}]}}});
        assert!((10..20).contains(&deepest_item(&twice).unwrap()));
        let again = json!({"items": {"$ref": "#"}, "contains": {"$ref": "#"}, "unevaluatedItems": {"$ref": "#"}});
        assert!(deepest_item(&again).unwrap() < 12);
        let doubling: serde_json::Map<String, Value> = (0..60)
            .map(|n| {
                let next = json!({"$ref": format!("#/$defs/d{}", n + 1)});
                (format!("d{n}"), json!({"allOf": [next, next]}))
            })
            .chain([("d60".to_owned(), json!({"type": "string"}))])
            .collect();
        for refused in [
            json!({"$ref": "#"}),
            json!({"allOf": [{"$ref": "#"}]}),
            json!({"not": {"$ref": "#"}}),
            json!({"anyOf": [{"$ref": "#/$defs/a"}], "$defs": {"a": {"oneOf": [{"$ref": "#/$defs/a"}]}}}),
            json!({"if": {"$ref": "#"}, "then": {"$ref": "#"}}),
            json!({"dependentSchemas": {"a": {"$ref": "#"}}}),
            json!({"$dynamicAnchor": "x", "$dynamicRef": "#x"}),
            json!({"$recursiveRef": "#"}),
            json!({"$ref": "#/$defs/d0", "$defs": doubling}),
            json!({"$ref": "#/$defs/none"}),
            json!({"$ref": "other.json"}),
            json!({"properties": {"a": {"$id": "b", "$ref": "#"}}}),
        ] {
            assert!(deepest_item(&refused).is_err(), "{refused}");
        }
    }
}
