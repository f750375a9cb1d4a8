//! A `SELECT` on items with the conditions that are set. An index serves `task_id = $1`; it does not serve
//! `($1 IS NULL OR task_id = $1)`, which a table of this size cannot do without.

use std::{collections::BTreeSet, fmt::Write};

use crate::{
    id::{SpiderId, TaskId},
    platform::{
        database::{Database, Query, Transaction},
        documents::items::ItemFilter,
    },
};

#[derive(Clone)]
enum Value {
    Text(String),
    Flag(bool),
    Number(i64),
}

#[derive(Clone, Default)]
pub(super) struct Selection {
    conditions: Vec<String>,
    values: Vec<Value>,
    part: String,
}

impl Selection {
    pub(super) fn of(filter: &ItemFilter) -> Self {
        let mut selection = Self::default().and("task_id =", filter.task_id.as_ref().map(TaskId::as_str));
        // The task is the narrower of the two; the expression keeps SQLite from taking the spider's index instead.
        let of_spider = if filter.task_id.is_some() { "spider_id || '' =" } else { "spider_id =" };
        selection = selection.and(of_spider, filter.spider_id.as_ref().map(SpiderId::as_str));
        if let Some(is_test) = filter.is_test {
            let position = selection.place(Value::Flag(is_test));
            selection.conditions.push(format!("is_test = {position}"));
        }
        if let Some(q) = &filter.q {
            selection.containing(q);
        }
        selection.and("id <=", filter.upto.as_deref())
    }

    /// `condition` is a column and an operator of ours.
    pub(super) fn and(mut self, condition: &'static str, value: Option<&str>) -> Self {
        if let Some(value) = value {
            let position = self.place(Value::Text(value.to_owned()));
            self.conditions.push(format!("{condition} {position}"));
        }
        self
    }

    pub(super) fn part(mut self, offset: i64, limit: i64) -> Self {
        let (limit, offset) = (self.place(Value::Number(limit)), self.place(Value::Number(offset)));
        self.part = format!("LIMIT {limit} OFFSET {offset}");
        self
    }

    /// `text` with `:where` and `:part` filled in.
    pub(super) fn query<'c>(&self, db: &'c Database, text: &'static str) -> Query<'c> {
        self.bound(db.query_text(self.filled(text)))
    }

    /// The same in a transaction.
    pub(super) fn query_in<'c>(&self, transaction: &'c mut Transaction, text: &'static str) -> Query<'c> {
        self.bound(transaction.query_text(self.filled(text)))
    }

    fn filled(&self, text: &'static str) -> String {
        let conditions = match self.conditions.as_slice() {
            [] => String::new(),
            some => format!("WHERE {}", some.join(" AND ")),
        };
        text.replace(":where", &conditions).replace(":part", &self.part)
    }

    fn bound<'c>(&self, query: Query<'c>) -> Query<'c> {
        self.values.iter().fold(query, |query, value| match value {
            Value::Text(text) => query.bind(text),
            Value::Flag(flag) => query.bind(flag),
            Value::Number(number) => query.bind(number),
        })
    }

    fn place(&mut self, value: Value) -> String {
        self.values.push(value);
        format!("${}", self.values.len())
    }

    fn containing(&mut self, q: &str) {
        let found: Vec<String> = patterns(q)
            .into_iter()
            .map(|pattern| {
                let position = self.place(Value::Text(pattern));
                format!(r"LOWER(CAST(data AS TEXT)) LIKE {position} ESCAPE '\'")
            })
            .collect();
        self.conditions.push(format!("({})", found.join(" OR ")));
    }
}

/// The ways in which `q` can stand in a JSON text: as it is, as the inside of a string, and as the inside of one in
/// which all but ASCII is escaped (Python's habit). `LOWER` of `SQLite` changes ASCII alone, hence both cases of the rest.
fn patterns(q: &str) -> BTreeSet<String> {
    let mut forms = BTreeSet::new();
    for text in [q.to_owned(), q.to_lowercase()] {
        let quoted = serde_json::Value::from(text.as_str()).to_string();
        let inside = &quoted[1..quoted.len() - 1];
        let mut ascii = String::new();
        for char in inside.chars() {
            if char.is_ascii() {
                ascii.push(char);
            } else {
                for unit in char.encode_utf16(&mut [0; 2]) {
                    // Writing to a string cannot fail.
                    let _ = write!(ascii, "\\u{unit:04x}");
                }
            }
        }
        forms.extend([text.clone(), inside.to_owned(), ascii].map(|form| form.to_ascii_lowercase()));
    }
    // PostgreSQL refuses the character itself; JSON text never has it.
    forms.retain(|form| !form.contains('\0'));
    let escaped = |form: String| form.replace('\\', r"\\").replace('%', r"\%").replace('_', r"\_");
    forms.into_iter().map(|form| format!("%{}%", escaped(form))).collect()
}
