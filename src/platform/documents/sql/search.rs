//! A `SELECT` on items with the conditions that are set. An index serves `task_id = $1`; it does not serve
//! `($1 IS NULL OR task_id = $1)`, which a table of this size cannot do without.

use crate::{
    id::{SpiderId, TaskId},
    platform::{
        database::{Database, Query, Transaction},
        documents::items::{ItemFilter, Spellings},
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

/// What `LIKE` is to find. `LOWER` of `SQLite` changes ASCII alone.
fn patterns(q: &str) -> Vec<String> {
    let escaped = |form: &str| form.replace('\\', r"\\").replace('%', r"\%").replace('_', r"\_");
    let spellings = Spellings::of(q);
    // PostgreSQL refuses the character itself; JSON text never has it.
    let forms = spellings.iter().filter(|form| !form.contains('\0'));
    forms.map(|form| format!("%{}%", escaped(form))).collect()
}
