//! Which fields items have, as it is told.

use std::collections::BTreeMap;

use serde::{Serialize, Serializer};
use serde_json::value::RawValue;
use utoipa::ToSchema;

use crate::platform::documents::{Catalogue, FieldCount, Most};

/// More distinct names than this are not fields but data that was used as keys.
pub(super) const MOST_FIELDS: usize = 10_000;
/// Of all names together: names are data, and may be long.
pub(super) const MOST_NAME_BYTES: usize = 4 << 20;
/// Of many items, or of many tasks.
pub(super) const MOST: Most = Most { fields: MOST_FIELDS, name_bytes: MOST_NAME_BYTES };

/// What is known of one field.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct FieldSummary {
    pub name: String,
    /// How often it had which type.
    #[schema(value_type = std::collections::HashMap<String, i64>)]
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

pub(super) fn summaries(catalogue: Catalogue) -> Vec<FieldSummary> {
    #[expect(clippy::cast_precision_loss, reason = "a share for people")]
    let share = |count: i64| count as f64 / catalogue.items as f64;
    let summary = |field: FieldCount| FieldSummary {
        types: field.types.iter().map(|(kind, count)| (kind.as_str(), *count)).collect(),
        count: field.filled(),
        filled: share(field.filled()),
        name: field.name,
        sample: field.sample,
    };
    catalogue.fields.into_iter().map(summary).collect()
}

pub(super) fn preview(catalogue: Catalogue) -> PreviewFields {
    let field = |field: FieldCount| {
        let told =
            PreviewField { r#type: field.main_type().as_str(), non_null_count: field.filled(), sample: field.sample };
        (field.name, told)
    };
    PreviewFields(catalogue.fields.into_iter().map(field).collect())
}
