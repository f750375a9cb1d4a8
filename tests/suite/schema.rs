//! Both engines hold the same schema, and migrations keep to the dialect that both understand.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use crawlhub::platform::database::{Database, Schema};

/// table.column → whether it may be null.
type Columns = BTreeMap<String, bool>;

fn migrations() -> Vec<(String, String)> {
    let mut found = Vec::new();
    for engine in ["sqlite", "postgres"] {
        for schema in ["main", "documents"] {
            let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations").join(engine).join(schema);
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                let name = format!("{engine}/{schema}/{}", path.file_name().unwrap().to_str().unwrap());
                found.push((name, std::fs::read_to_string(path).unwrap()));
            }
        }
    }
    found
}

#[test]
fn both_folders_hold_the_same_files() {
    let of = |engine: &str| -> BTreeSet<String> {
        migrations().iter().filter_map(|(name, _)| name.strip_prefix(engine).map(str::to_owned)).collect()
    };
    assert_eq!(of("sqlite"), of("postgres"));
}

#[test]
fn migrations_keep_to_the_dialect() {
    for (name, text) in migrations() {
        let upper = text.to_uppercase();
        for word in ["CURRENT_TIMESTAMP", "NOW()", "SERIAL", "AUTOINCREMENT", " INTEGER", " INT,", " UUID", "DATETIME"]
        {
            assert!(!upper.contains(word), "{name} has {word}: both engines must hold the same");
        }
        for line in upper.lines().filter(|line| line.contains("ADD COLUMN") && line.contains("NOT NULL")) {
            assert!(line.contains("DEFAULT"), "{name}: rows that exist need a value: {line}");
        }
    }
}

#[tokio::test]
async fn tables_and_columns_are_equal() {
    let Some(url) = crate::support::new_database().await else { return };
    let postgres = Database::open_postgres(&url).await.unwrap();
    let rows: Vec<(String, String, String)> = postgres
        .query(
            "SELECT CAST(table_name AS TEXT), CAST(column_name AS TEXT), CAST(is_nullable AS TEXT)
               FROM information_schema.columns WHERE table_schema = 'public'",
        )
        .fetch_all()
        .await
        .unwrap();
    let of_postgres = rows.into_iter().map(|(table, column, null)| (table, column, null == "YES"));

    let folder = tempfile::tempdir().unwrap();
    let mut of_sqlite = Vec::new();
    for (file, schema) in [("main.db", Schema::Main), ("documents.db", Schema::Documents)] {
        let sqlite = Database::open_sqlite(&folder.path().join(file), schema).await.unwrap();
        let rows: Vec<(String, String, bool)> = sqlite
            .query(
                "SELECT m.name, p.name AS column_name, p.\"notnull\" = 0 AND p.pk = 0 AS nullable
                   FROM sqlite_master AS m JOIN pragma_table_info(m.name) AS p WHERE m.type = 'table'",
            )
            .fetch_all()
            .await
            .unwrap();
        of_sqlite.extend(rows);
    }
    assert_eq!(columns(of_sqlite.into_iter()), columns(of_postgres));
}

fn columns(rows: impl Iterator<Item = (String, String, bool)>) -> Columns {
    rows.filter(|(table, ..)| !table.starts_with('_') && !table.starts_with("sqlite_"))
        .map(|(table, column, nullable)| (format!("{table}.{column}"), nullable))
        .collect()
}
