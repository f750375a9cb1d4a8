//! Which fields items have: a pass over them that keeps little.

use std::collections::{BTreeMap, HashMap};

use serde::{Serialize, Serializer};
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::object::{Kind, cell, fields};

/// More distinct names than this are not fields but data that was used as keys.
pub(super) const MOST_FIELDS: usize = 10_000;
/// Of all names together: names are data, and may be long.
pub(super) const MOST_NAME_BYTES: usize = 4 << 20;
/// A longer sample is cut, and then is text.
const SAMPLE_CHARS: usize = 200;

/// What is known of one field.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct FieldSummary {
    pub name: String,
    /// How often it had which type.
    #[schema(value_type = HashMap<String, i64>)]
    pub types: BTreeMap<&'static str, i64>,
    /// In how many items it is there and not null.
    pub count: i64,
    /// The same as a share of all items, 0 to 1.
    pub filled: f64,
    /// Its first value that is not null; a long one is cut.
    #[schema(value_type = Option<Object>)]
    pub sample: Option<Box<RawValue>>,
}

/// The same of one field in a preview, where its name is the key.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct PreviewField {
    /// The type that it has most often.
    pub r#type: &'static str,
    pub non_null_count: i64,
    #[schema(value_type = Option<Object>)]
    pub sample: Option<Box<RawValue>>,
}

/// By name, in order of appearance.
#[derive(Debug, Clone)]
pub struct PreviewFields(Vec<(String, PreviewField)>);

impl Serialize for PreviewFields {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, field)| (name, field)))
    }
}

/// Collects the fields of items, in the order in which they first appear.
#[derive(Debug, Default)]
pub(super) struct Fields {
    found: Vec<Found>,
    positions: HashMap<String, usize>,
    name_bytes: usize,
    items: i64,
    /// Whether there were more than are kept.
    pub truncated: bool,
}

#[derive(Debug)]
struct Found {
    summary: FieldSummary,
    /// The item that was counted last: a key may stand twice in one.
    item: i64,
}

impl Fields {
    pub(super) fn add(&mut self, item: &RawValue) {
        self.items += 1;
        for (name, value) in fields(item) {
            let Some(position) = self.position(&name) else { continue };
            let field = &mut self.found[position];
            if field.item == self.items {
                continue;
            }
            field.item = self.items;
            let kind = Kind::of(value);
            *field.summary.types.entry(kind.as_str()).or_default() += 1;
            if kind != Kind::Null {
                field.summary.count += 1;
                field.summary.sample.get_or_insert_with(|| sample(value));
            }
        }
    }

    fn position(&mut self, name: &str) -> Option<usize> {
        if let Some(position) = self.positions.get(name) {
            return Some(*position);
        }
        if self.found.len() == MOST_FIELDS || self.name_bytes + name.len() > MOST_NAME_BYTES {
            self.truncated = true;
            return None;
        }
        self.name_bytes += name.len();
        self.positions.insert(name.to_owned(), self.found.len());
        let summary =
            FieldSummary { name: name.to_owned(), types: BTreeMap::new(), count: 0, filled: 0.0, sample: None };
        self.found.push(Found { summary, item: 0 });
        Some(self.found.len() - 1)
    }

    pub(super) fn summaries(self) -> Vec<FieldSummary> {
        #[expect(clippy::cast_precision_loss, reason = "a share for people")]
        let share = |count: i64| count as f64 / self.items as f64;
        let filled = self.found.into_iter().map(|field| field.summary);
        filled.map(|summary| FieldSummary { filled: share(summary.count), ..summary }).collect()
    }

    pub(super) fn preview(self) -> PreviewFields {
        let fields = self.found.into_iter().map(|Found { summary, .. }| {
            let of_most = |(kind, count): &(&'static str, i64)| (*kind != Kind::Null.as_str(), *count);
            let kind = summary.types.into_iter().max_by_key(of_most);
            let field = PreviewField {
                r#type: kind.map_or(Kind::Null.as_str(), |(kind, _)| kind),
                non_null_count: summary.count,
                sample: summary.sample,
            };
            (summary.name, field)
        });
        PreviewFields(fields.collect())
    }
}

fn sample(value: &RawValue) -> Box<RawValue> {
    let text = cell(value);
    match text.char_indices().nth(SAMPLE_CHARS) {
        None => value.to_owned(),
        Some((end, _)) => {
            let cut = serde_json::value::to_raw_value(&format!("{}…", &text[..end]));
            cut.unwrap_or_else(|_| RawValue::NULL.to_owned())
        }
    }
}
