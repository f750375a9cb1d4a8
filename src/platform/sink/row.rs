//! An item as a row: which of its fields go to which column, and how rows are written where some may be refused.

use std::{
    borrow::Cow,
    collections::{BTreeMap, VecDeque},
};

use chrono::{DateTime, Utc};
use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor},
};
use serde_json::value::RawValue;

use super::{Failure, fit};

/// The columns that are ours, whoever made the table. A field of such a name goes with the rest.
pub(super) const OWN: [&str; 5] = ["_id", "task_id", "spider_id", "created_at", "data"];

/// An item, and where it comes from.
#[derive(Debug, Clone, Copy)]
pub struct Row<'a> {
    pub id: &'a str,
    pub task_id: &'a str,
    pub spider_id: &'a str,
    pub created_at: DateTime<Utc>,
    pub data: &'a RawValue,
}

/// What became of rows.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Written {
    /// How many are there now that were not before.
    pub added: usize,
    /// Which the table would not take (by place), and why.
    pub refused: Vec<(usize, String)>,
}

impl Written {
    pub(super) fn refuse(&mut self, place: usize, reason: &str) {
        self.refused.push((place, fit(reason)));
    }
}

/// A row taken apart for a table.
#[derive(Debug)]
pub(super) struct Parts<'a> {
    /// Among the rows that are to be written.
    pub place: usize,
    pub row: Row<'a>,
    /// Which columns its fields go to (their place among the table's), and the fields.
    pub fields: Vec<(usize, &'a RawValue)>,
    /// For the column `data`.
    pub rest: Cow<'a, str>,
}

/// An object's fields in their order, values to the letter. Fails where there is no object, or a key is no text.
pub(super) fn entries(object: &RawValue) -> serde_json::Result<Vec<(String, &RawValue)>> {
    struct Entries<'a>(Vec<(String, &'a RawValue)>);
    struct InOrder;
    impl<'de> Visitor<'de> for InOrder {
        type Value = Entries<'de>;

        fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            formatter.write_str("an object")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut entries = Vec::new();
            while let Some(entry) = map.next_entry()? {
                entries.push(entry);
            }
            Ok(Entries(entries))
        }
    }
    impl<'de> Deserialize<'de> for Entries<'de> {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            deserializer.deserialize_map(InOrder)
        }
    }
    serde_json::from_str(object.get()).map(|Entries(entries)| entries)
}

impl Parts<'_> {
    fn columns(&self) -> impl Iterator<Item = usize> {
        self.fields.iter().map(|(column, _)| *column)
    }
}

/// Takes a row apart. `column` finds a column of the table that is not ours by its name.
pub(super) fn parts(
    place: usize,
    row: Row<'_>,
    has_data: bool,
    column: impl Fn(&str) -> Option<usize>,
) -> Result<Parts<'_>, &'static str> {
    let whole = |fields| Parts { place, row, fields, rest: row.data.get().into() };
    // A key that is no text (half a surrogate pair) leaves the item whole.
    let Ok(entries) = entries(row.data) else {
        return if has_data {
            Ok(whole(vec![]))
        } else {
            Err("the item is no object, and the table has no column data")
        };
    };
    // What stands twice counts as it stands last.
    let fields: BTreeMap<usize, &RawValue> =
        entries.iter().filter_map(|(key, value)| Some((column(key)?, *value))).collect();
    let fields: Vec<(usize, &RawValue)> = fields.into_iter().collect();
    if fields.is_empty() && !has_data && !entries.is_empty() {
        return Err("the table has a column for none of the item's fields, and no column data");
    }
    if fields.is_empty() || !has_data {
        return Ok(whole(fields));
    }
    let rest = entries.iter().filter(|(key, _)| column(key).is_none()).map(|(key, value)| {
        let key = serde_json::Value::from(key.as_str());
        format!("{key}:{value}")
    });
    let rest = format!("{{{}}}", rest.collect::<Vec<_>>().join(","));
    Ok(Parts { place, row, fields, rest: rest.into() })
}

/// Why some rows were not written.
pub(super) enum Fault {
    /// The engine has something against (one of) them.
    Refused(String),
    /// It is not about them.
    Broken(Failure),
}

/// Writes rows of one shape: all of them, or none.
pub(super) trait Insert {
    /// How many there were not before.
    async fn insert(&mut self, rows: &[Parts<'_>]) -> Result<usize, Fault>;
}

/// Writes all rows that the table takes, in their order, those together that fill the same columns: one that is left out has
/// its default. Where some are refused, the table is asked for each half of them.
pub(super) async fn insert_all(
    into: &mut impl Insert,
    rows: &[Parts<'_>],
    at_once: usize,
    written: &mut Written,
) -> Result<(), Failure> {
    let alike = rows.chunk_by(|one, next| one.columns().eq(next.columns()));
    let mut waiting: VecDeque<&[Parts<'_>]> = alike.flat_map(|some| some.chunks(at_once.max(1))).collect();
    while let Some(some) = waiting.pop_front() {
        match into.insert(some).await {
            Ok(added) => written.added += added,
            Err(Fault::Broken(failure)) => return Err(failure),
            Err(Fault::Refused(reason)) => match some {
                [] => {}
                [one] => written.refuse(one.place, &reason),
                several => {
                    let (first, second) = several.split_at(several.len() / 2);
                    waiting.push_front(second);
                    waiting.push_front(first);
                }
            },
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    type Taken = (Vec<(usize, String)>, String);

    fn taken_apart(data: &str, has_data: bool) -> Result<Taken, &'static str> {
        let data: Box<RawValue> = RawValue::from_string(data.to_owned()).unwrap();
        let row = Row { id: "i", task_id: "t", spider_id: "s", created_at: DateTime::UNIX_EPOCH, data: &data };
        let columns = ["b", "a"];
        let parts = parts(0, row, has_data, |name| columns.iter().position(|column| *column == name))?;
        let fields = parts.fields.iter().map(|(column, value)| (*column, value.get().to_owned())).collect();
        Ok((fields, parts.rest.into_owned()))
    }

    #[test]
    fn fields_go_to_their_columns_and_the_rest_stays_together() {
        let one = |column, value: &str| (column, value.to_owned());
        let taken = taken_apart(r#"{"a": 1.10, "A": 2, "data": {"x": 1}, "b": "x"}"#, true);
        assert_eq!(taken, Ok((vec![one(0, "\"x\""), one(1, "1.10")], r#"{"A":2,"data":{"x": 1}}"#.into())));
        // To the letter where nothing is taken.
        assert_eq!(taken_apart(r#"{"c":  1e5}"#, true), Ok((vec![], r#"{"c":  1e5}"#.into())));
        assert_eq!(taken_apart("[1,  2]", true), Ok((vec![], "[1,  2]".into())));
        assert_eq!(taken_apart(r#"{"\ud800": 1, "a": 1}"#, true), Ok((vec![], r#"{"\ud800": 1, "a": 1}"#.into())));
        assert_eq!(taken_apart(r#"{"a": 1, "a": 2}"#, true), Ok((vec![one(1, "2")], "{}".into())));
        assert!(taken_apart("[1]", false).is_err() && taken_apart(r#"{"c": 1}"#, false).is_err());
        assert_eq!(taken_apart(r#"{"a": 1, "c": 1}"#, false).unwrap().0, [one(1, "1")]);
    }
}
