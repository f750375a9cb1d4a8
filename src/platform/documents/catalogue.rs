//! Which fields items have: how often each, of which types, and what one looks like.

use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::object::{Kind, cell, fields};

/// A longer sample is cut, and then is text.
const SAMPLE_CHARS: usize = 200;

/// How many fields are told apart. More are not fields but data that was used as keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Most {
    pub fields: usize,
    /// Of all names together: names are data, and may be long.
    pub name_bytes: usize,
}

impl Most {
    /// Of a task: what is written again with each batch.
    pub const OF_TASK: Self = Self { fields: 1000, name_bytes: 64 << 10 };
}

impl Default for Most {
    fn default() -> Self {
        Self::OF_TASK
    }
}

/// The fields of some items, in the order in which they first appeared.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Catalogue {
    /// How many items were looked at.
    pub items: i64,
    /// Whether there were more fields than are kept.
    pub truncated: bool,
    pub fields: Vec<FieldCount>,
    #[serde(skip)]
    most: Most,
    /// Where the fields stand; made when it is first asked.
    #[serde(skip)]
    positions: HashMap<String, usize>,
    #[serde(skip)]
    name_bytes: usize,
}

/// What is known of one field.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct FieldCount {
    pub name: String,
    /// How often it had which type.
    pub types: BTreeMap<Kind, i64>,
    /// Its first value that is not null; a long one is cut.
    pub sample: Option<Box<RawValue>>,
    /// The item that was counted last: a key may stand twice in one.
    #[serde(skip)]
    last_item: i64,
}

impl FieldCount {
    /// In how many items it is there and not null.
    pub fn filled(&self) -> i64 {
        self.types.iter().filter(|(kind, _)| **kind != Kind::Null).map(|(_, count)| count).sum()
    }

    /// The type that it has most often; null where it has no other.
    pub fn main_type(&self) -> Kind {
        let of_most = |(kind, count): &(&Kind, &i64)| (**kind != Kind::Null, **count);
        self.types.iter().max_by_key(of_most).map_or(Kind::Null, |(kind, _)| *kind)
    }
}

impl Catalogue {
    pub fn with(most: Most) -> Self {
        Self { most, ..Self::default() }
    }

    /// An item that is no object has one field, `value`.
    pub fn add(&mut self, item: &RawValue) {
        self.items += 1;
        for (name, value) in fields(item) {
            let Some(position) = self.position(&name) else { continue };
            let field = &mut self.fields[position];
            if field.last_item == self.items {
                continue;
            }
            field.last_item = self.items;
            let kind = Kind::of(value);
            *field.types.entry(kind).or_default() += 1;
            if kind != Kind::Null {
                field.sample.get_or_insert_with(|| sample(value));
            }
        }
    }

    /// Adds what is known of other items.
    pub fn merge(&mut self, other: &Self) {
        self.items += other.items;
        self.truncated |= other.truncated;
        for field in &other.fields {
            let Some(position) = self.position(&field.name) else { continue };
            let own = &mut self.fields[position];
            for (kind, count) in &field.types {
                *own.types.entry(*kind).or_default() += count;
            }
            if own.sample.is_none() {
                own.sample.clone_from(&field.sample);
            }
        }
    }

    fn position(&mut self, name: &str) -> Option<usize> {
        if self.positions.is_empty() {
            self.positions =
                self.fields.iter().enumerate().map(|(position, field)| (field.name.clone(), position)).collect();
            self.name_bytes = self.fields.iter().map(|field| field.name.len()).sum();
        }
        if let Some(position) = self.positions.get(name) {
            return Some(*position);
        }
        if self.fields.len() >= self.most.fields || self.name_bytes + name.len() > self.most.name_bytes {
            self.truncated = true;
            return None;
        }
        self.name_bytes += name.len();
        self.positions.insert(name.to_owned(), self.fields.len());
        self.fields.push(FieldCount { name: name.to_owned(), types: BTreeMap::new(), sample: None, last_item: 0 });
        Some(self.fields.len() - 1)
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
