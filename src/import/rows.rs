//! Rows of the predecessor's PostgreSQL, as JSON: columns that are missing are null, and others do no harm.

use chrono::{DateTime, NaiveDateTime, SubsecRound, Utc};
use serde_json::{Map, Value};
use sqlx::types::Json;

use crate::{error::Result, platform::database::Database};

/// Rows read at a time: a spider's may have some hundred kilobytes.
const PAGE: i64 = 200;

pub(super) struct OldRows {
    db: Database,
}

/// A row: column → value.
#[derive(Debug)]
pub(super) struct Row(Map<String, Value>);

impl OldRows {
    pub(super) async fn open(url: &str) -> anyhow::Result<Self> {
        Ok(Self { db: Database::read_postgres(url).await? })
    }

    /// The type of the table's ids; none where there is no such table.
    async fn id_type(&self, table: &str) -> Result<Option<&'static str>> {
        let found: Option<(String,)> = self
            .db
            .query(
                "SELECT CAST(data_type AS TEXT) FROM information_schema.columns
                  WHERE table_name = $1 AND column_name = 'id' AND table_schema = ANY (current_schemas(FALSE))",
            )
            .bind(table)
            .fetch_optional()
            .await?;
        Ok(found.map(|(kind,)| if kind == "uuid" { "UUID" } else { "TEXT" }))
    }

    pub(super) async fn count(&self, table: &str) -> Result<Option<i64>> {
        if self.id_type(table).await?.is_none() {
            return Ok(None);
        }
        let (count,) = self.db.query_text(format!("SELECT COUNT(*) FROM {table}")).fetch_one().await?;
        Ok(Some(count))
    }

    pub(super) async fn one(&self, table: &str, id: &str) -> Result<Option<Row>> {
        let sql = format!("SELECT to_jsonb({table}) FROM {table} WHERE CAST(id AS TEXT) = $1");
        let found: Option<(Json<Map<String, Value>>,)> = self.db.query_text(sql).bind(id).fetch_optional().await?;
        Ok(found.map(|(Json(row),)| Row(row)))
    }

    /// Goes through the table by id; none where there is no such table.
    pub(super) async fn pages(&self, table: &'static str) -> Result<Option<Pages<'_>>> {
        let kind = self.id_type(table).await?;
        Ok(kind.map(|kind| Pages { rows: self, table, kind, after: None }))
    }
}

pub(super) struct Pages<'a> {
    rows: &'a OldRows,
    table: &'static str,
    /// Of ids: they are compared as what they are, so that the table's index serves.
    kind: &'static str,
    after: Option<String>,
}

impl Pages<'_> {
    /// None at the end.
    pub(super) async fn next(&mut self) -> Result<Vec<Row>> {
        let Self { table, kind, .. } = self;
        let behind = if self.after.is_some() { format!("WHERE id > CAST($2 AS {kind})") } else { String::new() };
        let sql =
            format!("SELECT CAST(id AS TEXT), to_jsonb({table}) FROM {table} {behind} ORDER BY {table}.id LIMIT $1");
        let mut query = self.rows.db.query_text(sql).bind(PAGE);
        if let Some(after) = &self.after {
            query = query.bind(after);
        }
        let page: Vec<(String, Json<Map<String, Value>>)> = query.fetch_all().await?;
        self.after = page.last().map(|(id, _)| id.clone());
        Ok(page.into_iter().map(|(_, Json(row))| Row(row)).collect())
    }
}

impl Row {
    pub(super) fn get(&self, column: &str) -> &Value {
        self.0.get(column).unwrap_or(&Value::Null)
    }

    /// Empty where it has none.
    pub(super) fn text(&self, column: &str) -> &str {
        self.get(column).as_str().unwrap_or_default()
    }

    pub(super) fn some_text(&self, column: &str) -> Option<String> {
        Some(self.text(column)).filter(|text| !text.is_empty()).map(str::to_owned)
    }

    pub(super) fn number(&self, column: &str) -> i64 {
        let value = self.get(column);
        #[expect(clippy::cast_possible_truncation, reason = "counts and percents")]
        let whole = value.as_f64().map(|number| number as i64);
        value.as_i64().or(whole).unwrap_or_default()
    }

    pub(super) fn float(&self, column: &str) -> Option<f64> {
        self.get(column).as_f64()
    }

    pub(super) fn flag(&self, column: &str) -> bool {
        self.get(column).as_bool().unwrap_or_default()
    }

    /// What it calls times has no zone, and is UTC.
    pub(super) fn time(&self, column: &str) -> Option<DateTime<Utc>> {
        let text = self.text(column);
        let naive = || text.parse::<NaiveDateTime>().map(|time| time.and_utc());
        text.parse::<DateTime<Utc>>().or_else(|_| naive()).ok().map(|time| time.trunc_subsecs(6))
    }

    /// When it was made, and last changed.
    pub(super) fn times(&self) -> (DateTime<Utc>, DateTime<Utc>) {
        let created = self.time("created_at").unwrap_or_default();
        (created, self.time("updated_at").unwrap_or(created))
    }

    /// Those of the columns that have something.
    pub(super) fn fields(&self, columns: &[&str]) -> Map<String, Value> {
        let found = columns.iter().map(|column| ((*column).to_owned(), self.get(column).clone()));
        found.filter(|(_, value)| !value.is_null()).collect()
    }
}
